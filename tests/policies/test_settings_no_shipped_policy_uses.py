"""Settings of the format that none of the shipped policies uses, at work in a tenant under a policy of its own."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
from fastapi import FastAPI

from app.documents.policy_document import dump
from app.usecases.tenants import tenants
from tests.conformance.steps import a_ticket, an_order, balance, events, problem
from tests.support.api import START, Vendor, client_of


async def _under(app: FastAPI, api: httpx.AsyncClient, template: str, **changes: Any) -> Vendor:
    """A tenant under a shipped policy with some settings changed."""
    document = dump(tenants.templates()[template][0])
    for path, value in changes.items():
        section, _, name = path.partition("__")
        if name:
            document[section][name] = value
        else:
            document[section] = value
    tenant = f"own-{uuid.uuid4().hex[:8]}"
    body = {"policy": template, "document": json.dumps(document), "clock": {"mode": "virtual", "now": START}}
    made = await api.put(f"/v1/tenants/{tenant}", json=body)
    assert made.status_code == 201, made.text
    key = (await api.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"]})).json()["key"]
    return Vendor(tenant, template, key, client_of(app, key), app)


async def test_a_quote_that_nobody_answers_expires(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await _under(app, api, "cs-cart", confirmation__expires={"days": 14})
    await an_order(shop, "o1", "boris", START, "license", "credits-25")
    choice = (await shop.get("/v1/customers/boris/choices")).json()["data"][0]["choice_id"]
    await shop.ok(await shop.post(f"/v1/customers/boris/choices/{choice}", {"option": "credits"}))
    opened = await a_ticket(shop, "T-1", "boris", category="category_2")
    assert opened["state"] == "awaiting_confirmation"
    await shop.move_clock("2025-01-14T23:59:59Z")
    assert (await shop.get("/v1/tickets/T-1")).json()["state"] == "awaiting_confirmation"
    await shop.move_clock("2025-01-15T00:00:01Z")
    lapsed = (await shop.get("/v1/tickets/T-1")).json()
    assert (lapsed["state"], lapsed["charge"]["net"]) == ("withdrawn", 0)
    late = await shop.post("/v1/tickets/T-1/assessments/1/confirmation", {"accept": True})
    assert late.status_code == 409
    await shop.close()


async def test_a_dispute_comes_within_its_window(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await _under(app, api, "x-cart", disputes__window={"days": 10})
    await an_order(shop, "o1", "frank", START, "credits-120")
    for number in (1, 2):
        await a_ticket(shop, f"T-{number}", "frank", category="level_1")
        await shop.ok(await shop.post(f"/v1/tickets/T-{number}/resolution", {"outcome": "answered"}))
    await shop.move_clock("2025-01-10T23:59:59Z")
    await shop.ok(await shop.post("/v1/tickets/T-1/disputes", {"reason": "too much"}))
    await shop.move_clock("2025-01-12T00:00:00Z")
    problem(await shop.post("/v1/tickets/T-2/disputes", {"reason": "too much"}), 409, "dispute_window_passed")
    await shop.close()


async def test_a_balance_that_falls_low_is_told_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await _under(app, api, "x-cart", credits__low_at=50)
    await an_order(shop, "o1", "frank", START, "credits-60")
    await shop.ok(await shop.post("/v1/customers/frank/debits", {"credits": 5}))
    assert await events(shop, "credits.low") == []
    await shop.ok(await shop.post("/v1/customers/frank/debits", {"credits": 5}))
    await shop.ok(await shop.post("/v1/customers/frank/debits", {"credits": 5}))
    low = await events(shop, "credits.low")
    assert [one["data"]["balance"]["available"] for one in low] == [50]
    assert (await balance(shop, "frank"))["available"] == 45
    await shop.close()


async def test_credits_go_to_another_customer_where_the_policy_lets_them(app: FastAPI, api: httpx.AsyncClient) -> None:
    rule = {"clause": "SHOPP-21", "message": "May go.", "allowed": True}
    shop = await _under(app, api, "shopp", transfer=rule)
    lot = (await an_order(shop, "o1", "frank", START, "credit-priority"))["lots"][0]
    await an_order(shop, "o2", "gil", START, "license")
    path = f"/v1/lots/{lot['lot_id']}/transfer"
    problem(await shop.post(path, {"to_customer_id": "nobody"}), 404, "customer_not_found")
    problem(await shop.post(path, {"to_customer_id": "frank"}), 422, "same_customer")
    moved = await shop.ok(await shop.post(path, {"to_customer_id": "gil"}, key="once"))
    assert (moved["credits"], moved["to"]["customer_id"], moved["to"]["expires_at"]) == (1, "gil", lot["expires_at"])
    again = await shop.post(path, {"to_customer_id": "gil"}, key="once")
    assert again.headers["Idempotent-Replayed"] == "true"
    problem(await shop.post(path, {"to_customer_id": "gil"}), 409, "insufficient_credits")
    assert ((await balance(shop, "frank"))["available"], (await balance(shop, "gil"))["available"]) == (0, 1)
    quote = await shop.ok(await shop.get(f"/v1/lots/{moved['to']['lot_id']}/refund-quote"))
    assert quote["refund"]["amount"] == "0.00", "who was given it did not pay for it"
    await shop.move_clock("2025-08-01T00:00:00Z")
    problem(
        await shop.post(f"/v1/lots/{moved['to']['lot_id']}/transfer", {"to_customer_id": "frank"}), 409, "lot_expired"
    )
    assert (await shop.get("/v1/audit")).json()["data"] == []
    await shop.close()


async def test_what_was_spent_of_a_refunded_order_is_owed_where_the_policy_says_so(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await _under(app, api, "x-cart", credits__owed_allowed=True)
    await an_order(shop, "o1", "frank", START, "credits-60")
    await shop.ok(await shop.post("/v1/customers/frank/debits", {"credits": 50}))
    refund = await shop.ok(await shop.post("/v1/orders/o1/refunds", {"refund_id": "r1", "lines": []}, key=None), 201)
    assert refund["owed"] == 50
    problem(await shop.post("/v1/customers/frank/holds", {"credits": 1}), 409, "insufficient_credits")
    await an_order(shop, "o2", "frank", START, "credits-60")
    assert (await balance(shop, "frank"))["available"] == 10, "the next grant repays first"
    again = await shop.post("/v1/orders/o1/refunds", {"refund_id": "r1", "lines": []}, key=None)
    assert (again.status_code, again.json()["owed"]) == (200, 50)
    body = {"refund_id": "r2", "lines": [{"line_id": "1", "quantity": 1}]}
    chargeback = await shop.post("/v1/orders/o1/refunds", body, key=None)
    problem(chargeback, 422, "order_over_refund")
    assert (await balance(shop, "frank"))["available"] == 10, "a charge is clawed back once"
    assert (await shop.get("/v1/audit")).json()["data"] == []
    await shop.close()
