"""The part of the published surface that holds for every call, its operator and its sandbox."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.published.shop import bought, is_page, is_problem, opened
from tests.support.api import client_of


async def test_the_shipped_policies_are_tenants_policies(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    names = {row["name"] for row in is_page(await shop.get("/v1/policies"))}
    assert "x-cart" in names
    read = await shop.ok(await shop.get("/v1/policies/x-cart"))
    wanted = "categories inputs channels languages facts reasons causes outcomes milestones labels"
    assert set(wanted.split()) <= set(read), sorted(read)
    assert all("clause" in row for part in wanted.split() for row in read[part])
    assert {row["label"]: row["clause"] for row in read["labels"]}["statement.resolved_tickets"] == "XC-13"
    assert {row["channel"] for row in read["channels"]} == {"helpdesk", "email", "contact_form", "forum", "phone"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs"])
async def test_reachable_without_a_key(app: Any, path: str) -> None:
    async with client_of(app, None) as nobody:
        assert (await nobody.get(path)).status_code == 200


async def test_every_code_has_a_page(app: Any) -> None:
    async with client_of(app, None) as nobody:
        for code in ("not_found", "cover_expired", "clock_backwards", "insufficient_credits", "no_license"):
            found = await nobody.get(f"/problems/{code}")
            assert found.status_code == 200, code
        is_problem(await nobody.get("/problems/never-heard-of"), 404)


async def test_keys(app: Any, vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    async with client_of(app, None) as nobody:
        is_problem(await nobody.get("/v1/offers", params={"customer_id": "c1"}), 401)
    async with client_of(app, "rtn_bad") as bad:
        is_problem(await bad.get("/v1/offers", params={"customer_id": "c1"}), 401)
    poor = await shop.as_key("tickets:read")
    is_problem(await poor.put("/v1/orders/o1", json={}), 403)
    answer = await shop.client.get("/v1/offers?customer_id=c1", headers={"Authorization": "bearer " + shop.key})
    assert answer.status_code == 200


async def test_the_operator_makes_tenants_and_keys_and_nothing_else(api: httpx.AsyncClient, vendor: MakeVendor) -> None:
    made = await api.put("/v1/tenants/op-real", json={"policy": "x-cart"})
    assert made.status_code == 201
    assert made.json()["clock"]["mode"] == "real"
    again = await api.put("/v1/tenants/op-real", json={"policy": "x-cart"})
    assert again.status_code == 200
    is_problem(await api.put("/v1/tenants/op-real", json={"policy": "shopp"}), 409)
    is_problem(await api.put("/v1/tenants/op-none", json={"policy": "never"}), 422)
    made = await api.put(
        "/v1/tenants/op-virtual", json={"policy": "x-cart", "clock": {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}}
    )
    assert made.status_code == 201
    made = await api.put("/v1/tenants/op-virtual-2", json={"policy": "x-cart", "clock": {"mode": "real"}})
    assert made.status_code == 201
    key = await api.post("/v1/tenants/op-real/keys", json={"scopes": ["*"]})
    assert key.status_code == 201
    assert {"key_id", "key"} <= set(key.json())
    key = await api.post("/v1/tenants/op-real/keys", json={"scopes": ["orders:read"], "label": "shop"})
    assert key.status_code == 201
    is_problem(await api.post("/v1/tenants/op-real/keys", json={"scopes": ["nothing:at-all"]}), 422)
    is_problem(await api.post("/v1/tenants/op-unknown/keys", json={"scopes": ["*"]}), 404)
    for path in (
        "/v1/offers?customer_id=c1",
        "/v1/tickets",
        "/v1/customers/c1",
        "/v1/audit",
        "/v1/clock",
        "/v1/policies",
    ):
        is_problem(await api.get(path), 403)
    shop = await vendor("x-cart")
    is_problem(await shop.put("/v1/tenants/another", {"policy": "x-cart"}), 403)


async def test_a_real_tenant_has_a_real_clock(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart", now=None)
    read = await shop.ok(await shop.get("/v1/clock"))
    assert read["now"].endswith("Z")
    answer = await shop.put("/v1/clock", {"now": "2040-01-01T00:00:00Z"})
    is_problem(answer, 409)


async def test_the_sandbox_clock(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    assert (await shop.ok(await shop.get("/v1/clock")))["now"] == "2025-01-01T00:00:00Z"
    same = await shop.ok(await shop.put("/v1/clock", {"now": "2025-01-01T00:00:00Z"}), 200)
    assert (same["now"], same["fired"], same["reached"]) == ("2025-01-01T00:00:00Z", 0, True)
    ahead = await shop.ok(await shop.put("/v1/clock", {"now": "2025-01-02T01:00:00+01:00"}), 200)
    assert ahead["now"] == "2025-01-02T00:00:00Z"
    is_problem(await shop.put("/v1/clock", {"now": "2025-01-01T00:00:00Z"}), 409, "clock_backwards")
    is_problem(await shop.put("/v1/clock", {"now": "2025-03-01"}), 422)
    dry = await shop.ok(await shop.put("/v1/clock?validate_only=true", {"now": "2025-02-01T00:00:00Z"}), 200)
    assert {"now", "fired", "reached"} <= set(dry)
    assert (await shop.ok(await shop.get("/v1/clock")))["now"] == "2025-01-02T00:00:00Z"


async def test_keys_are_listed_and_revoked(app: Any, vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.as_key("orders:read")
    rows = is_page(await shop.get("/v1/keys"))
    assert len(rows) == 2
    assert all("key" not in row and {"key_id", "scopes", "label"} <= set(row) for row in rows)
    victim = next(row for row in rows if row["scopes"] == ["orders:read"])
    gone = await shop.delete(f"/v1/keys/{victim['key_id']}")
    assert gone.status_code in (200, 204), gone.text
    is_problem(await shop.spare[-1].get("/v1/orders/o1"), 401)
    is_problem(await shop.delete("/v1/keys/never"), 404)


@pytest.mark.parametrize("body", [None, {}, {"suspended": True}])
async def test_a_tenant_is_suspended(api: httpx.AsyncClient, vendor: MakeVendor, body: Any) -> None:
    shop = await vendor("x-cart")
    path = f"/v1/tenants/{shop.tenant_id}/suspension"
    done = await (api.put(path) if body is None else api.put(path, json=body))
    assert done.status_code in (200, 201, 204), done.text
    for _ in range(30):
        answer = await shop.get("/v1/policies")
        if answer.status_code != 200:
            break
        await asyncio.sleep(0.1)
    assert answer.status_code in (401, 403), answer.text


async def test_malformed_is_400_and_wrong_is_422(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    head = {"Content-Type": "application/json"}
    is_problem(await shop.client.put("/v1/orders/o1", content=b"{", headers=head), 400)
    is_problem(await shop.client.put("/v1/orders/o1", content=b"\xff", headers=head), 400)
    is_problem(await shop.client.put("/v1/orders/o1", content=b"<x/>", headers={"Content-Type": "text/xml"}), 415)
    big = b'{"customer_id": "' + b"a" * 70_000 + b'"}'
    is_problem(await shop.client.put("/v1/orders/o1", content=big, headers=head), 413)
    wrong = is_problem(await shop.put("/v1/orders/o1", {"customer_id": "c1", "surprise": 1}), 422)
    assert "next" in " ".join(wrong) or wrong["detail"], wrong
    is_problem(await shop.get("/v1/nothing"), 404)
    is_problem(await shop.put("/v1/offers", {}), 405)


async def test_utf8_content_types_are_json(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    order = {"customer_id": "c1", "placed_at": "2025-01-01T00:00:00Z", "lines": [{"line_id": "1", "sku": "license"}]}
    body = json.dumps(order).encode()
    for number, kind in enumerate(("application/json; charset=utf-8", "application/json;charset=UTF-8")):
        done = await shop.client.put(f"/v1/orders/k{number}", content=body, headers={"Content-Type": kind})
        assert done.status_code == 201, done.text


async def test_lists_are_paged(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    for number in range(3):
        await opened(shop, f"t{number}", category="level_0")
    first = await shop.ok(await shop.get("/v1/tickets", limit=2))
    assert len(first["data"]) == 2
    assert first["next_cursor"]
    rest = await shop.ok(await shop.get("/v1/tickets", limit=2, cursor=first["next_cursor"]))
    assert len(rest["data"]) == 1
    assert rest["next_cursor"] is None
    seen = {row["ticket_id"] for row in first["data"] + rest["data"]}
    assert seen == {"t0", "t1", "t2"}
    for path in (
        "/v1/tickets",
        "/v1/customers",
        "/v1/clocks",
        "/v1/keys",
        "/v1/policies",
        "/v1/customers/c1/entries",
        "/v1/events",
        "/v1/audit-trail",
        "/v1/audit",
        "/v1/webhook-endpoints",
        "/v1/sources",
        "/v1/customers/c1/choices",
    ):
        is_page(await shop.get(path))
        is_page(await shop.get(path, limit=1))
        is_page(await shop.get(path, limit=100))
        assert (await shop.get(path, limit=0)).status_code in (400, 422), path
        assert (await shop.get(path, limit=101)).status_code in (400, 422), path


async def test_idempotency_keys(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    path = "/v1/customers/c1/debits"
    is_problem(await shop.post(path, {"credits": 1}, key=None), 400)
    first = await shop.post(path, {"credits": 1}, key="k1")
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    again = await shop.post(path, {"credits": 1}, key="k1")
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    is_problem(await shop.post(path, {"credits": 2}, key="k1"), 422)
    for long in ("k" * 65, "k" * 200, "k" * 255, "a b", '"quoted"', "8e03978e-40d5-43dd-bc93-6894a57f9324"):
        assert (await shop.post(path, {"credits": 1}, key=long)).status_code == 201, long
    # refusals are not stored
    refused = await shop.post(path, {"credits": 100}, key="k2")
    is_problem(refused, 409)
    await bought(shop, "credits-60")
    assert (await shop.post(path, {"credits": 100}, key="k2")).status_code == 201


async def test_one_key_twenty_times_at_once_has_one_effect(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await bought(shop, "license")
    answers = await asyncio.gather(
        *(shop.post("/v1/customers/c1/debits", {"credits": 7}, key="same") for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    good = [answer for answer in answers if answer.status_code == 201]
    assert good
    assert len({answer.text for answer in good}) == 1
    assert (await shop.ok(await shop.get("/v1/customers/c1/balance")))["available"] == 53


async def test_a_hundred_debits_at_once_on_fifty(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.ok(await shop.post("/v1/customers/c9/adjustments", {"credits": 50, "reason": "start"}), 201)
    answers = await asyncio.gather(*(shop.post("/v1/customers/c9/debits", {"credits": 1}) for _ in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 50, statuses
    assert statuses.count(409) == 50, statuses
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes == {"insufficient_credits"}, codes
    assert (await shop.ok(await shop.get("/v1/customers/c9/balance")))["available"] == 0
    assert is_page(await shop.get("/v1/audit")) == []


async def test_natural_keys(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    body = {
        "customer_id": "c1",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
    }
    assert (await shop.put("/v1/orders/o1", body)).status_code == 201
    assert (await shop.put("/v1/orders/o1", body)).status_code == 200
    clash = is_problem(await shop.put("/v1/orders/o1", {**body, "customer_id": "c2"}), 409)
    assert re.fullmatch(r".+_conflict", clash["code"])
    ticket = {"customer_id": "c1", "subject": "s", "channel": "helpdesk", "category": "level_1"}
    assert (await shop.put("/v1/tickets/t1", ticket)).status_code == 201
    assert (await shop.put("/v1/tickets/t1", ticket)).status_code == 200
    clash = is_problem(await shop.put("/v1/tickets/t1", {**ticket, "subject": "other"}), 409)
    assert re.fullmatch(r".+_conflict", clash["code"])


@pytest.mark.parametrize(
    "name", ["with space", "ünïcode-日本", "a+b", "a:b", "a@b.example", "#1001", "A.B_c~d", "1001", "a%b"]
)
async def test_ids_are_the_shops_own(vendor: MakeVendor, name: str) -> None:
    shop = await vendor("x-cart")
    part = quote(name, safe="")
    body = {
        "customer_id": name,
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": name, "sku": "license", "quantity": 1}],
    }
    made = await shop.put(f"/v1/orders/{part}", body)
    assert made.status_code == 201, made.text
    assert (await shop.ok(await shop.get(f"/v1/orders/{part}")))["order_id"] == name
    assert (await shop.ok(await shop.get(f"/v1/customers/{part}")))["customer_id"] == name
    assert (await shop.ok(await shop.get(f"/v1/customers/{part}/balance")))["available"] == 60
    ticket = await shop.put(
        f"/v1/tickets/{part}", {"customer_id": name, "subject": "s", "channel": "helpdesk", "category": "level_1"}
    )
    assert ticket.status_code == 201, ticket.text
    assert (await shop.get(f"/v1/tickets/{part}")).status_code == 200


async def test_money_and_instants(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")

    def order(**more: Any) -> dict[str, Any]:
        line = {
            "line_id": "1",
            "sku": "license",
            "quantity": 1,
            **{k: v for k, v in more.items() if k.endswith("price")},
        }
        return {
            "customer_id": "c1",
            "placed_at": more.get("at", "2025-01-01T00:00:00Z"),
            "currency": more.get("currency", "USD"),
            "lines": [line],
        }

    good = [
        {"unit_price": {"amount": "34.50", "currency": "USD"}},
        {"unit_price": {"amount": "34.5", "currency": "USD"}},
        {"unit_price": {"amount": "34", "currency": "USD"}},
        {"unit_price": {"amount": "0.00", "currency": "USD"}, "list_price": {"amount": "10.00", "currency": "USD"}},
        {"unit_price": "34.50", "list_price": "40.00"},
        {"unit_price": None, "list_price": None},
        {"at": "2025-01-01T02:00:00+02:00"},
        {"at": "2024-12-31T23:59:59.123456Z"},
        {"at": "2025-01-01T00:00:00z"},
        {"currency": "EUR"},
    ]
    for number, more in enumerate(good):
        made = await shop.put(f"/v1/orders/g{number}", order(**more))
        assert made.status_code == 201, (more, made.text)
    bad = [
        {"unit_price": {"amount": 34.5, "currency": "USD"}},
        {"unit_price": {"amount": "34.505", "currency": "USD"}},
        {"unit_price": {"amount": "x", "currency": "USD"}},
        {"unit_price": {"amount": "1.00"}},
        {"unit_price": {"amount": "1.00", "currency": "EUR"}},
        {"unit_price": {"amount": "-1.00", "currency": "USD"}},
        {"currency": "usd"},
        {"currency": "dollars"},
        {"at": "2025-01-01T00:00:00"},
        {"at": "2025-01-01"},
        {"at": 1735689600},
        {"at": "2025-02-30T00:00:00Z"},
    ]
    for number, more in enumerate(bad):
        is_problem(await shop.put(f"/v1/orders/b{number}", order(**more)), 422)
    is_problem(await shop.put("/v1/orders/ahead", order(at="2025-01-01T00:06:00Z")), 422, "placed_in_future")
    assert (await shop.put("/v1/orders/near", order(at="2025-01-01T00:04:00Z"))).status_code == 201


async def test_an_unknown_or_anothers_id_is_404_everywhere(vendor: MakeVendor) -> None:
    """Another tenant's ids answer in each path exactly like ids that nobody has."""
    mine, other = await vendor("shopp"), await vendor("shopp")
    order = await bought(other, "license")
    lots = await bought(other, "credit-priority")
    await opened(other, category=None, credit_type=None, facts={})
    lot = lots["lots"][0]["lot_id"]
    licence = order["licenses"][0]["license_id"]
    hold = await other.ok(await other.post("/v1/customers/c1/holds", {"credits": 1, "credit_type": "priority"}), 201)
    await other.put("/v1/calendars/theirs", {"zone": "Europe/Berlin"})
    reads = [
        "/v1/orders/{order}",
        "/v1/customers/{customer}",
        "/v1/customers/{customer}/balance",
        "/v1/customers/{customer}/statement",
        "/v1/customers/{customer}/entries",
        "/v1/customers/{customer}/export",
        "/v1/customers/{customer}/choices",
        "/v1/customers/{customer}/entitlements/download",
        "/v1/tickets/{ticket}",
        "/v1/lots/{lot}/refund-quote",
        "/v1/calendars/{calendar}/open?at=2025-01-06T12:00:00Z",
        "/v1/calendars/{calendar}/closures?from=2025-01-01&to=2025-02-01",
        "/v1/explain/ticket/{ticket}",
        "/v1/explain/lot/{lot}",
        "/v1/policies/{policy}",
        "/v1/clocks/{clock}",
    ]
    writes: list[tuple[str, Any]] = [
        ("/v1/orders/{order}/refunds", {"refund_id": "r", "lines": [{"line_id": "1", "quantity": 1}], "reason": "x"}),
        ("/v1/licenses/{license}/termination", {"effective_at": "2025-01-01T00:00:00Z"}),
        ("/v1/licenses/{license}/registration", {"domain": "x.example"}),
        ("/v1/lots/{lot}/transfer", {"to_customer_id": "c1"}),
        ("/v1/lots/{lot}/refund", {}),
        ("/v1/holds/{hold}/capture", {}),
        ("/v1/holds/{hold}/release", {}),
        ("/v1/holds/{hold}/refund", {}),
        ("/v1/tickets/{ticket}/withdrawal", {}),
        ("/v1/tickets/{ticket}/details", {"facts": {}}),
        ("/v1/tickets/{ticket}/qualification", {"decision": "accept"}),
        ("/v1/tickets/{ticket}/assessments", {"category": "x"}),
        ("/v1/tickets/{ticket}/assessments/1/confirmation", {"accept": True}),
        ("/v1/tickets/{ticket}/responses", {"author": "vendor", "kind": "inquiry", "public": True}),
        ("/v1/tickets/{ticket}/access-requests", {"kinds": ["ftp"]}),
        ("/v1/tickets/{ticket}/access-requests/1/grant", {}),
        ("/v1/tickets/{ticket}/pauses", {"reason": "beyond_control", "party": "none"}),
        ("/v1/tickets/{ticket}/resumptions", {}),
        ("/v1/tickets/{ticket}/credits", {"credit_type": "priority"}),
        ("/v1/tickets/{ticket}/splits", {"ticket_id": "t9", "subject": "s"}),
        ("/v1/tickets/{ticket}/resolution", {"outcome": "answered"}),
        ("/v1/tickets/{ticket}/reopening", {}),
        ("/v1/tickets/{ticket}/disputes", {}),
        ("/v1/tickets/{ticket}/disputes/1/decision", {"decision": "upheld"}),
        ("/v1/covers/{cover}/suspension", {}),
        ("/v1/covers/{cover}/resumption", {}),
        ("/v1/covers/{cover}/extension", {"months": 1, "reason": "x"}),
        ("/v1/customers/{customer}/choices/{choice}", {"option": "credits"}),
    ]
    theirs = {
        "order": order["order_id"],
        "customer": "c1",
        "ticket": "t1",
        "lot": lot,
        "license": licence,
        "hold": hold["hold_id"],
        "calendar": "theirs",
        "policy": "cactushop",
        "clock": "1",
        "cover": "1",
        "choice": "1",
    }
    unknown = {**dict.fromkeys(theirs, "never-seen"), "policy": "cactushop"}
    wrong = []
    for ids in (theirs, unknown):
        for path in reads:
            answer = await mine.get(path.format(**ids))
            if answer.status_code != 404:
                wrong.append((path, ids is theirs, answer.status_code, answer.text[:150]))
        for path, body in writes:
            answer = await mine.post(path.format(**ids), body)
            if answer.status_code != 404:
                wrong.append((path, ids is theirs, answer.status_code, answer.text[:150]))
    assert wrong == []
