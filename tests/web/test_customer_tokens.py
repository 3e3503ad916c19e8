"""Tokens that act for a customer: what they do, and what they leave to the vendor."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.support.api import Vendor, client_of, make_vendor
from tests.support.graphql import do, send

PLACED = "2025-01-01T00:00:00Z"
CONFIRM = "mutation($input: ConfirmAssessmentInput!) { confirmAssessment(input: $input) { __typename } }"


async def bought(vendor: Vendor, customer: str, order: str, sku: str = "license") -> dict[str, Any]:
    body = {
        "customer_id": customer,
        "placed_at": PLACED,
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": sku, "quantity": 1}],
    }
    return await vendor.ok(await vendor.put(f"/v1/orders/{order}", body))


async def token(vendor: Vendor, customer: str, may: str = "act") -> httpx.AsyncClient:
    made = await vendor.ok(await vendor.post(f"/v1/customers/{customer}/tokens", {"minutes": 5, "may": may}, key=None))
    assert made["may"] == may
    assert made["url"].endswith(f"/account?token={made['token']}")
    client = client_of(vendor.app, made["token"])
    vendor.spare.append(client)
    return client


def keyed(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


@pytest.fixture
async def acme(app: FastAPI) -> Any:
    vendor = await make_vendor(app, "cs-cart")
    for customer in ("ann", "bob"):
        made = await bought(vendor, customer, f"order-{customer}")
        choice = made["choices"][0]["choice_id"]
        await vendor.ok(await vendor.post(f"/v1/customers/{customer}/choices/{choice}", {"option": "credits"}))
        await vendor.ok(
            await vendor.put(
                f"/v1/tickets/t-{customer}",
                {
                    "customer_id": customer,
                    "subject": "Shipping",
                    "channel": "helpdesk",
                    "language": "en",
                    "category": "category_2",
                },
            )
        )
    yield vendor
    await vendor.close()


async def test_a_customer_confirms_a_quote_of_their_own(acme: Vendor) -> None:
    ann = await token(acme, "ann")
    answer = await ann.post("/v1/tickets/t-ann/assessments/1/confirmation", json={"accept": True}, headers=keyed("yes"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "in_progress"
    again = await ann.post("/v1/tickets/t-ann/assessments/1/confirmation", json={"accept": True}, headers=keyed("yes"))
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_token_that_reads_confirms_nothing(acme: Vendor) -> None:
    ann = await token(acme, "ann", "read")
    answer = await ann.post("/v1/tickets/t-ann/assessments/1/confirmation", json={"accept": True}, headers=keyed("yes"))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_what_is_another_customers_is_as_what_nobody_has(acme: Vendor) -> None:
    ann = await token(acme, "ann")
    for name, path, body in (
        ("c", "assessments/1/confirmation", {"accept": True}),
        ("w", "withdrawal", {}),
        ("d", "disputes", {"reason": "Too dear"}),
        ("r", "resumptions", {}),
        ("f", "details", {"agreed_up_to": 50}),
    ):
        foreign = await ann.post(f"/v1/tickets/t-bob/{path}", json=body, headers=keyed(name))
        unknown = await ann.post(f"/v1/tickets/t-nobody/{path}", json=body, headers=keyed(name))
        assert (foreign.status_code, foreign.json()["code"]) == (404, "ticket_not_found"), path
        assert unknown.json()["code"] == "ticket_not_found"
    assert (await acme.get("/v1/tickets/t-bob")).json()["state"] == "awaiting_confirmation"
    choice = (await bought(acme, "cyd", "order-cyd"))["choices"][0]["choice_id"]
    for path in (f"/v1/customers/cyd/choices/{choice}", f"/v1/customers/ann/choices/{choice}"):
        answer = await ann.post(path, json={"option": "credits"}, headers=keyed(path))
        assert answer.status_code == 404, answer.text


async def test_a_key_of_somebody_elses_call_shows_nothing(acme: Vendor) -> None:
    """An Idempotency-Key is the tenant's: a customer who guesses one learns nothing of the call it was of."""
    path = "/v1/tickets/t-bob/assessments/1/confirmation"
    await acme.ok(await acme.post(path, {"accept": True}, key="guessed"))
    ann = await token(acme, "ann")
    answer = await ann.post(path, json={"accept": True}, headers=keyed("guessed"))
    assert answer.status_code == 404
    mine = await ann.post(path.replace("bob", "ann"), json={"accept": True}, headers=keyed("guessed"))
    assert (mine.status_code, mine.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("assessments/1/confirmation", {"accept": True, "acting_agent": {"id": "7"}}),
        ("withdrawal", {"occurred_at": PLACED}),
        ("resumptions", {"party": "third_party"}),
        ("details", {"priority": "high"}),
        ("details", {"metadata": {"queue": "red"}}),
        ("details", {"external_url": "https://x.example/"}),
    ],
    ids=str,
)
async def test_what_the_vendor_says_a_customer_does_not(acme: Vendor, path: str, body: dict[str, Any]) -> None:
    ann = await token(acme, "ann")
    answer = await ann.post(f"/v1/tickets/t-ann/{path}", json=body, headers=keyed("x"))
    assert (answer.status_code, answer.json()["code"]) == (403, "customer_token_not_allowed")


async def test_a_customer_states_what_is_asked_for_and_nothing_else(app: FastAPI) -> None:
    vendor = await make_vendor(app, "x-cart")
    await bought(vendor, "fay", "order-fay")
    ticket = {"customer_id": "fay", "subject": "Move it", "channel": "helpdesk", "category": "aspe_transfer"}
    opened = await vendor.ok(await vendor.put("/v1/tickets/t-open", ticket))
    assert opened["asks"] == ["inputs.N"]
    fay = await token(vendor, "fay")
    for number, body in enumerate(
        ({"facts": {"warranty": True}}, {"category": "level_1"}, {"inputs": {"N": 1, "X": 2}})
    ):
        beyond = await fay.post("/v1/tickets/t-open/details", json=body, headers=keyed(f"a{number}"))
        assert (beyond.status_code, beyond.json()["code"]) == (409, "not_asked"), body
    stated = await fay.post("/v1/tickets/t-open/details", json={"inputs": {"N": 0}}, headers=keyed("b"))
    assert stated.status_code == 200, stated.text
    assert stated.json()["asks"] == []
    await vendor.close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/tickets/t-new", {"customer_id": "ann", "subject": "New"}),
        ("POST", "/v1/tickets/t-ann/assessments", {"category": "category_1"}),
        ("POST", "/v1/tickets/t-ann/qualification", {"decision": "accept"}),
        ("POST", "/v1/tickets/t-ann/resolution", {"cause": "software_bug"}),
        ("POST", "/v1/tickets/t-ann/responses", {"author": "customer"}),
        ("POST", "/v1/customers/ann/tokens", {"minutes": 1}),
        ("POST", "/v1/customers/ann/adjustments", {"credits": 5, "reason": "x"}),
        ("GET", "/v1/policies/cs-cart", None),
        ("GET", "/v1/orders/order-ann", None),
    ],
    ids=str,
)
async def test_a_token_that_acts_does_nothing_of_the_vendors(
    acme: Vendor, method: str, path: str, body: dict[str, Any] | None
) -> None:
    ann = await token(acme, "ann")
    answer = await ann.request(method, path, json=body, headers=keyed("x") if method == "POST" else {})
    assert answer.status_code == 403, answer.text


async def test_offers_are_priced_for_the_tokens_own_customer(acme: Vendor) -> None:
    ann = await token(acme, "ann", "read")
    found = await ann.get("/v1/offers", params={"customer_id": "ann"})
    assert found.status_code == 200
    assert {"license"} <= {offer["sku"] for offer in found.json()["data"]}
    for params in ({"customer_id": "bob"}, {}):
        assert (await ann.get("/v1/offers", params=params)).status_code == 404


async def test_acting_wants_the_scope_of_whoever_makes_the_token(acme: Vendor) -> None:
    reader = await acme.as_key("customers:read")
    made = await reader.post("/v1/customers/ann/tokens", json={"may": "act"})
    assert (made.status_code, made.json()["scope"]) == (403, "tickets:write")
    assert (await reader.post("/v1/customers/ann/tokens", json={})).json()["may"] == "read"
    assert (await acme.post("/v1/customers/ann/tokens", {"may": "write"}, key=None)).status_code == 422


async def test_graphql_knows_the_same_tokens(acme: Vendor) -> None:
    reading, acting = await token(acme, "ann", "read"), await token(acme, "ann")
    values = {"ticketId": "t-ann", "number": 1, "accept": True, "idempotencyKey": "k"}
    refused = await send(reading, CONFIRM, {"input": values})
    assert refused.json()["errors"][0]["extensions"]["code"] == "scope_missing"
    done = await do(acting, "confirmAssessment", "state", kind="Ticket", **values)
    assert done["state"] == "in_progress"
