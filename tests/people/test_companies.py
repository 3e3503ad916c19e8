"""A company pays for the tickets of its people: its account is locked, held and charged, and says who asked."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.support.api import Vendor, client_of

PACK = {"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"}


async def put(shop: Vendor, customer_id: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = await shop.ok(await shop.put(f"/v1/customers/{customer_id}", body))
    return found


async def buy(shop: Vendor, customer_id: str, order_id: str, **line: Any) -> dict[str, Any]:
    body = {
        "customer_id": customer_id,
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{**PACK, **line}],
    }
    found: dict[str, Any] = await shop.ok(await shop.put(f"/v1/orders/{order_id}", body), 201)
    return found


async def ask(shop: Vendor, customer_id: str, ticket_id: str, **body: Any) -> dict[str, Any]:
    ticket = {"customer_id": customer_id, "subject": "Help", "channel": "helpdesk", "category": "level_2", **body}
    found: dict[str, Any] = await shop.ok(await shop.put(f"/v1/tickets/{ticket_id}", ticket))
    return found


async def act(shop: Vendor, ticket_id: str, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = await shop.ok(await shop.post(f"/v1/tickets/{ticket_id}/{verb}", body))
    return found


async def amounts(shop: Vendor, customer_id: str) -> tuple[int, int]:
    found = await shop.ok(await shop.get(f"/v1/customers/{customer_id}/balance"))
    return found["available"], found["held"]


async def audited(shop: Vendor) -> None:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    facts: dict[str, Any] = answer.json().get("facts", {})
    return facts


async def company(vendor: MakeVendor, policy: str = "x-cart") -> Vendor:
    """Acme with sixty points, and two people of theirs: Ann, who has sixty of her own, and Bob."""
    shop = await vendor(policy)
    await buy(shop, "acme", "o-acme")
    await buy(shop, "ann", "o-ann")
    await put(shop, "ann", name="Ann", company_id="acme")
    await put(shop, "bob", name="Bob", company_id="acme")
    return shop


async def test_the_company_pays_for_what_its_person_asks(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    opened = await ask(shop, "ann", "t-1")
    assert (opened["customer_id"], opened["company_id"]) == ("ann", "acme")
    assert (opened["state"], opened["charge"]["held"]) == ("in_progress", 25)
    assert await amounts(shop, "acme") == (35, 25)
    assert await amounts(shop, "ann") == (60, 0)
    assert (await shop.ok(await shop.get("/v1/tickets/t-1")))["customer_id"] == "ann"
    again = await ask(shop, "ann", "t-1")
    assert (again["customer_id"], again["company_id"]) == ("ann", "acme")
    done = await act(shop, "t-1", "resolution", {"outcome": "answered", "cause": "question"})
    assert (done["customer_id"], done["charge"]["captured"]) == ("ann", 25)
    assert await amounts(shop, "acme") == (35, 0)
    await act(shop, "t-1", "disputes", {"reason": "a bug"})
    back = await act(shop, "t-1", "disputes/1/decision", {"decision": "returned"})
    assert back["charge"]["refunded"] == 25
    assert await amounts(shop, "acme") == (60, 0)
    assert await amounts(shop, "ann") == (60, 0)
    await audited(shop)


async def test_what_is_missing_is_the_companys_to_buy(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    for number in range(2):
        await ask(shop, "ann", f"t-{number}")
    short = await ask(shop, "bob", "t-3")
    assert short["state"] == "awaiting_credits"
    assert short["reasons"][0]["facts"]["available"] == 10
    await buy(shop, "ann", "o-ann-2")
    assert (await act(shop, "t-3", "details"))["state"] == "awaiting_credits", "her own credits are hers"
    await buy(shop, "acme", "o-acme-2")
    assert (await act(shop, "t-3", "details"))["state"] == "in_progress"
    assert await amounts(shop, "acme") == (45, 75)
    await audited(shop)


async def test_an_entitlement_is_the_companys(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await put(shop, "acme")
    await put(shop, "ann", company_id="acme")
    path = "/v1/customers/ann/entitlements/open_ticket"
    assert (await shop.ok(await shop.get(path)))["allowed"] is False
    body = {
        "customer_id": "acme",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license-standard", "quantity": 1}],
    }
    license_id = (await shop.ok(await shop.put("/v1/orders/o-1", body), 201))["licenses"][0]["license_id"]
    found = await shop.ok(await shop.get(path))
    assert (found["customer_id"], found["allowed"]) == ("ann", True)
    assert (await shop.ok(await shop.get(path, as_of="2025-01-01T00:00:00Z")))["allowed"] is True
    assert (await shop.ok(await shop.get(path, license_id=license_id)))["allowed"] is True
    opened = await shop.ok(
        await shop.put(
            "/v1/tickets/t-1",
            {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "license_id": license_id},
        ),
        201,
    )
    assert (opened["state"], opened["paid_by"], opened["company_id"]) == ("in_progress", "cover", "acme")
    await put(shop, "ann")
    assert (await shop.ok(await shop.get(path)))["allowed"] is False
    await audited(shop)


async def test_lists_and_pages_show_a_person_hers_and_a_company_all(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "acme", "o-acme", sku="credits-1200")
    await buy(shop, "ann", "o-ann")
    await ask(shop, "ann", "own")
    await put(shop, "ann", company_id="acme")
    await put(shop, "bob", company_id="acme")
    for ticket_id, who in (("t-ann", "ann"), ("t-bob", "bob"), ("t-acme", "acme")):
        await ask(shop, who, ticket_id)

    async def listed(**query: Any) -> list[tuple[str, str | None]]:
        rows: list[tuple[str, str | None]] = []
        cursor = None
        while True:
            page = await shop.ok(await shop.get("/v1/tickets", limit=1, cursor=cursor, **query))
            rows += [(row["ticket_id"], row["customer_id"]) for row in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows

    assert sorted(await listed(customer_id="ann")) == [("own", "ann"), ("t-ann", "ann")]
    assert await listed(customer_id="bob") == [("t-bob", "bob")]
    everyone = [("t-acme", "acme"), ("t-ann", "ann"), ("t-bob", "bob")]
    assert sorted(await listed(customer_id="acme")) == everyone
    assert sorted(await listed(customer_id="acme", state="in_progress")) == everyone
    assert await listed(customer_id="ann", state="rejected") == []
    for who, wanted in (("ann", [("own", "ann"), ("t-ann", "ann")]), ("acme", everyone)):
        page = await shop.ok(await shop.get(f"/v1/customers/{who}"))
        assert sorted((row["ticket_id"], row["customer_id"]) for row in page["open_tickets"]) == wanted
        assert page["totals"]["open_tickets"] == len(wanted)
    text = "{ customers { nodes { customerId openTickets { ticketId customerId } tickets(first: 9) {"
    text += " nodes { ticketId customerId companyId customer { name } } } } } }"
    answer = (await shop.client.post("/graphql", json={"query": text})).json()
    assert "errors" not in answer, answer
    nodes = {row["customerId"]: row for row in answer["data"]["customers"]["nodes"]}
    assert sorted((row["ticketId"], row["customerId"]) for row in nodes["acme"]["openTickets"]) == everyone
    assert sorted(row["ticketId"] for row in nodes["ann"]["openTickets"]) == ["own", "t-ann"]
    assert sorted(row["ticketId"] for row in nodes["ann"]["tickets"]["nodes"]) == ["own", "t-ann"]


async def test_the_statement_of_a_company_says_who(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await ask(shop, "ann", "t-1")
    await ask(shop, "bob", "t-2")
    await ask(shop, "acme", "t-3", category="level_1")
    await act(shop, "t-2", "resolution", {"outcome": "answered", "cause": "question"})
    found = await shop.ok(await shop.get("/v1/customers/acme/statement"))
    assert [(row["ticket_id"], row["customer_id"]) for row in found["tickets_in_progress"]] == [
        ("t-1", "ann"),
        ("t-3", "acme"),
    ]
    assert [(row["ticket_id"], row["customer_id"]) for row in found["resolved_tickets"]] == [("t-2", "bob")]
    parts = found["totals"]
    assert parts["balance_modifications"] - parts["tickets_in_progress"] - parts["resolved_tickets"] == 0
    assert found["available"] == 0
    mine = await shop.ok(await shop.get("/v1/customers/ann/statement"))
    assert (mine["available"], mine["tickets_in_progress"], mine["resolved_tickets"]) == (60, [], [])


async def test_events_say_who_asked_and_follow_the_account(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await ask(shop, "ann", "t-1")
    await ask(shop, "acme", "t-2")
    told = (await shop.ok(await shop.get("/v1/events", type="ticket.opened")))["data"]
    assert [(one["customer_id"], one["data"].get("contact_id", "none")) for one in told] == [
        ("acme", "ann"),
        ("acme", "none"),
    ]
    assert all("person_id" not in one["data"] for one in told)


async def test_who_leaves_or_joins_changes_no_ticket_that_is_open(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await put(shop, "cid")
    await buy(shop, "cid", "o-cid")
    await ask(shop, "cid", "own")
    await put(shop, "cid", company_id="acme")
    assert (await shop.ok(await shop.get("/v1/tickets/own")))["company_id"] is None
    await ask(shop, "ann", "t-1")
    await put(shop, "ann")
    kept = await act(shop, "t-1", "assessments", {"category": "level_3"})
    assert (kept["customer_id"], kept["company_id"], kept["state"]) == ("ann", "acme", "in_progress")
    assert await amounts(shop, "acme") == (20, 40)
    await act(shop, "own", "resolution", {"outcome": "answered", "cause": "question"})
    assert await amounts(shop, "cid") == (35, 0)
    mine = await ask(shop, "ann", "t-2")
    assert (mine["customer_id"], mine["company_id"]) == ("ann", None)
    assert await amounts(shop, "ann") == (35, 25)
    split = await shop.ok(await shop.post("/v1/tickets/t-1/splits", {"ticket_id": "t-3", "subject": "More"}), 201)
    assert (split["customer_id"], split["company_id"]) == ("ann", "acme")
    await audited(shop)


async def test_a_company_of_a_company_is_refused_and_so_are_circles(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await put(shop, "holding")

    async def belongs(who: str, to: str) -> httpx.Response:
        return await shop.put(f"/v1/customers/{who}", {"company_id": to})

    assert refused(await belongs("acme", "holding"), 409, "company_of_company")["nested"] == "customer"
    assert refused(await belongs("new", "ann"), 409, "company_of_company")["nested"] == "company"
    refused(await belongs("acme", "acme"), 409, "company_circle")
    refused(await belongs("acme", "ann"), 409, "company_circle")
    refused(await belongs("ann", "nobody"), 422, "company_not_found")
    refused(await belongs("self", "self"), 422, "company_not_found")
    assert (await shop.get("/v1/customers/new")).status_code == 404
    found = await asyncio.gather(*(belongs(*pair) for _ in range(4) for pair in (("x", "holding"), ("holding", "y"))))
    assert all(one.status_code < 500 for one in found)
    await put(shop, "p"), await put(shop, "q")
    for _ in range(5):
        both = await asyncio.gather(belongs("p", "q"), belongs("q", "p"))
        assert sorted(one.status_code for one in both) == [200, 409]
        await put(shop, "p"), await put(shop, "q")
    await audited(shop)


async def test_an_erased_company_pays_no_more_and_its_people_stay(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await ask(shop, "ann", "t-1", subject="The secret of Acme")
    await shop.ok(await shop.post("/v1/customers/acme/erasure"))
    assert (await shop.get("/v1/tickets/t-1")).status_code == 404
    assert (await shop.ok(await shop.get("/v1/customers/ann")))["company_id"] is None
    mine = await ask(shop, "ann", "t-2")
    assert (mine["company_id"], mine["charge"]["held"]) == (None, 25)
    await put(shop, "acme")
    assert (await ask(shop, "bob", "t-3"))["state"] == "awaiting_credits"
    await audited(shop)


async def test_a_refund_of_the_companys_order_beside_its_persons_ticket(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await ask(shop, "ann", "t-1")
    body = {"refund_id": "r-1", "lines": []}
    back = await shop.ok(await shop.post("/v1/orders/o-acme/refunds", body, key=None), 201)
    assert sum(one["credits"] for one in back["taken_back"]) == 35
    assert await amounts(shop, "acme") == (0, 25)
    await act(shop, "t-1", "withdrawal")
    assert await amounts(shop, "acme") == (0, 0)
    assert await amounts(shop, "ann") == (60, 0)
    await audited(shop)


async def test_two_tickets_are_merged_for_one_person_alone(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await ask(shop, "ann", "t-1")
    await ask(shop, "bob", "t-2", category="level_1")
    await ask(shop, "ann", "t-3", category="level_1")
    refused(await shop.post("/v1/tickets/t-2/merge", {"into_ticket_id": "t-1"}), 409, "merge_other_customer")
    gone = await act(shop, "t-3", "merge", {"into_ticket_id": "t-1"})
    assert (gone["merged_into"], gone["customer_id"]) == ("t-1", "ann")
    assert await amounts(shop, "acme") == (25, 35)
    await audited(shop)


async def test_a_token_shows_a_person_her_tickets_and_a_company_its_own(vendor: MakeVendor, app: FastAPI) -> None:
    shop = await company(vendor)
    for who in ("ann", "bob", "acme"):
        await ask(shop, who, f"t-{who}", category="level_1")
    seen: dict[str, list[int]] = {}
    for who in ("ann", "bob", "acme"):
        token = (await shop.ok(await shop.post(f"/v1/customers/{who}/tokens", {"minutes": 5}), 201))["token"]
        async with client_of(app, token) as client:
            paths = [f"/v1/tickets/t-{other}" for other in ("ann", "bob", "acme")]
            paths += ["/v1/customers/acme", "/v1/customers/ann", "/v1/customers/acme/statement"]
            seen[who] = [(await client.get(path)).status_code for path in paths]
    assert seen == {
        "ann": [200, 404, 404, 404, 200, 404],
        "bob": [404, 200, 404, 404, 404, 404],
        "acme": [200, 200, 200, 200, 404, 200],
    }


@pytest.mark.parametrize("scene", ["move", "erase", "merge", "company"])
async def test_tickets_beside_a_person_who_goes_elsewhere(vendor: MakeVendor, scene: str) -> None:
    """Each ticket lies with the account that paid when it was opened, and nothing of an erased person stays."""
    shop = await company(vendor)
    await buy(shop, "beta", "o-beta", sku="credits-1200")
    await buy(shop, "acme", "o-more", sku="credits-1200")
    other = {
        "move": lambda: shop.put("/v1/customers/ann", {"company_id": "beta"}),
        "erase": lambda: shop.post("/v1/customers/ann/erasure"),
        "merge": lambda: shop.post("/v1/customers/ann/merge", {"into_customer_id": "dora"}),
        "company": lambda: shop.post("/v1/customers/gamma/merge", {"into_customer_id": "acme"}),
    }[scene]
    await put(shop, "gamma"), await put(shop, "dora")

    async def later() -> httpx.Response:
        await asyncio.sleep(0.02)
        return await other()

    body = {"customer_id": "ann", "subject": "Marker of Ann", "channel": "helpdesk", "category": "level_1"}
    found = await asyncio.gather(*(shop.put(f"/v1/tickets/r-{n}", body) for n in range(8)), later())
    assert [one.status_code for one in found[:-1]] == [201] * 8, [one.text for one in found[:-1]]
    assert found[-1].status_code in (200, 409), found[-1].text
    for answer in found[:-1]:
        assert answer.json()["customer_id"] in ("ann", "dora"), answer.text
    await audited(shop)
