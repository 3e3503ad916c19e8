"""Who acted is a person, though one key serves the helpdesk (TERMS-11): on the ticket, in the trail, in events."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.people.test_companies import act, ask, audited, buy, put, refused

KIM = {"id": "7", "name": "Kim"}
LOU = {"id": "8"}


async def test_an_agents_name_stands_beside_what_was_done(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "ann", "o-1")
    opened = await ask(shop, "ann", "t-1", acting_agent=KIM)
    assert opened["acting_agent"] == KIM
    said = await act(shop, "t-1", "responses", {"author": "vendor", "kind": "service", "acting_agent": LOU})
    assert (said["acting_agent"], said["response"]["acting_agent"]) == (LOU, LOU)
    quoted = await act(shop, "t-1", "assessments", {"category": "level_1", "acting_agent": KIM})
    assert quoted["assessment"]["acting_agent"] == KIM
    await act(shop, "t-1", "pauses", {"reason": "waiting_for_customer", "party": "customer", "acting_agent": KIM})
    await act(shop, "t-1", "resumptions", {})
    quiet = await shop.ok(await shop.get("/v1/tickets/t-1"))
    assert (quiet["acting_agent"], quiet["pauses"][0]["acting_agent"]) == (None, KIM)
    done = await act(shop, "t-1", "resolution", {"outcome": "answered", "cause": "question", "acting_agent": KIM})
    assert done["acting_agent"] == KIM
    events = (await shop.ok(await shop.get("/v1/events", type="ticket.*", limit=100)))["data"]
    acted = {one["type"]: one["data"].get("acting_agent") for one in events}
    assert (acted["ticket.responded"], acted["ticket.assessed"], acted["ticket.resolved"]) == (LOU, KIM, KIM)
    assert acted["ticket.resumed"] is None
    trail = (await shop.ok(await shop.get("/v1/audit-trail")))["data"]
    found = [(one["action"], one["data"]["acting_agent"]) for one in trail if "acting_agent" in one["data"]]
    assert found == [
        ("ticket.resolved", KIM),
        ("ticket.paused", KIM),
        ("ticket.assessed", KIM),
        ("ticket.responded", LOU),
        ("ticket.opened", KIM),
    ]
    assert {one["actor"] for one in trail if "acting_agent" in one["data"]} == {quoted["assessment"]["by"]}
    then = await shop.ok(await shop.get("/v1/tickets/t-1", as_of="2025-01-01T00:00:00Z"))
    assert then["assessments"][-1]["acting_agent"] == KIM
    await audited(shop)


async def test_who_qualified_is_a_person(vendor: MakeVendor) -> None:
    shop = await vendor("shopp")
    bought = {
        "customer_id": "ann",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [
            {"line_id": "1", "sku": "license", "quantity": 1},
            {"line_id": "2", "sku": "credit-priority", "quantity": 1},
        ],
    }
    await shop.ok(await shop.put("/v1/orders/o-1", bought), 201)
    body = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "credit_type": "priority"}
    body["facts"] = {"request_kind": "diagnosis"}  # type: ignore[assignment]
    await shop.ok(await shop.put("/v1/tickets/t-1", body), 201)
    done = await act(
        shop, "t-1", "qualification", {"decision": "accept", "note": "checked by phone", "acting_agent": KIM}
    )
    assert done["qualification"]["acting_agent"] == KIM


async def test_no_digest_covers_who_acted(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "ann", "o-1")
    body: dict[str, Any] = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": "level_1"}
    await shop.ok(await shop.put("/v1/tickets/t-1", body), 201)
    for agent in (KIM, LOU, None):
        more = {} if agent is None else {"acting_agent": agent}
        assert (await shop.put("/v1/tickets/t-1", {**body, **more})).status_code == 200
    said = {"author": "vendor", "kind": "service"}
    first = await shop.post("/v1/tickets/t-1/responses", {**said, "acting_agent": KIM}, key="k-1")
    for more in ({}, {"acting_agent": LOU}, {"acting_agent": KIM}):
        again = await shop.post("/v1/tickets/t-1/responses", {**said, **more}, key="k-1")
        assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    other = await shop.post("/v1/tickets/t-1/responses", {**said, "author": "customer"}, key="k-1")
    refused(other, 422, "idempotency_key_reused")


async def test_agents_act_on_customers_and_covers_and_bad_ones_are_named(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await put(shop, "ann", name="Ann", acting_agent=KIM)
    trail = (await shop.ok(await shop.get("/v1/audit-trail", action="customer.updated")))["data"]
    assert trail[0]["data"] == {"members": ["name"], "acting_agent": KIM}
    events = (await shop.ok(await shop.get("/v1/events", type="customer.updated")))["data"]
    assert events[0]["data"]["acting_agent"] == KIM
    for agent in ({}, {"id": ""}, {"id": 7}, {"id": "7", "mail": "x"}, "Kim"):
        answer = await shop.put("/v1/customers/ann", {"acting_agent": agent})
        refused(answer, 422, "invalid_input")
    shop = await vendor("cs-cart")
    order: dict[str, Any] = {
        "customer_id": "ann",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
    }
    await shop.ok(await shop.put("/v1/orders/o-1", order), 201)
    choice = (await shop.ok(await shop.get("/v1/customers/ann/choices")))["data"][0]
    await shop.ok(await shop.post(f"/v1/customers/ann/choices/{choice['choice_id']}", {"option": "credits"}))
    order["lines"] = [{"line_id": "1", "sku": "support-3-months", "quantity": 1}]
    await shop.ok(await shop.put("/v1/orders/o-2", order), 201)
    await ask(shop, "ann", "t-1", category="category_1", pay_with="cover")
    covers = (await shop.ok(await shop.get("/v1/customers/ann")))["covers"]
    await shop.ok(
        await shop.post(f"/v1/covers/{covers[0]['cover_id']}/suspension", {"reason": "r", "acting_agent": LOU})
    )
    told = (await shop.ok(await shop.get("/v1/events", type="cover.suspended")))["data"]
    assert told[0]["data"]["acting_agent"] == LOU


async def test_the_requester_and_metadata_of_a_ticket(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "ann", "o-1")
    opened = await ask(shop, "ann", "t-1", requester="ann@acme.example", metadata={"queue": "blue", "n": 3})
    assert (opened["requester"], opened["metadata"]) == ("ann@acme.example", {"queue": "blue", "n": 3})
    same = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "category": "level_2"}
    again = await shop.put("/v1/tickets/t-1", {**same, "requester": "ann@acme.example"})
    assert (again.status_code, again.json()["metadata"]) == (200, {"queue": "blue", "n": 3})
    refused(await shop.put("/v1/tickets/t-1", {**same, "requester": "bob"}), 409, "ticket_conflict")
    later = await act(shop, "t-1", "details", {"requester": "Bob", "metadata": {"queue": "red"}})
    assert (later["requester"], later["metadata"]) == ("Bob", {"queue": "red"})
    text = """mutation($input: AddTicketDetailsInput!) { addTicketDetails(input: $input) {
        ... on Ticket { requester metadata actingAgent { id name } customerId companyId } } }"""
    given = {
        "ticketId": "t-1",
        "idempotencyKey": "k",
        "requester": "Cy",
        "metadata": {"queue": "green"},
        "actingAgent": KIM,
    }
    answer = (await shop.client.post("/graphql", json={"query": text, "variables": {"input": given}})).json()
    assert answer["data"]["addTicketDetails"] == {
        "requester": "Cy",
        "metadata": {"queue": "green"},
        "actingAgent": KIM,
        "customerId": "ann",
        "companyId": None,
    }
    await audited(shop)
