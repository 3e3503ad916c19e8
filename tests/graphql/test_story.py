"""The main job through GraphQL, and the same story through both doors."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.graphql import ask, do

START = "2025-01-01T00:00:00Z"


async def story_by_graphql(vendor: Any) -> None:
    order = await do(
        vendor,
        "putOrder",
        "orderId choices { choiceId options } lots { granted }",
        kind="Order",
        orderId="o-1",
        customerId="c-1",
        placedAt=START,
        currency="USD",
        lines=[{"lineId": "1", "sku": "license", "quantity": 1}],
    )
    assert order["__typename"] == "Order", order
    chosen = await do(
        vendor,
        "makeChoice",
        "option lots { granted available }",
        kind="Choice",
        customerId="c-1",
        choiceId=order["choices"][0]["choiceId"],
        option="credits",
        idempotencyKey="choose-1",
    )
    assert chosen["lots"][0]["granted"] == 40, chosen
    ticket = await do(
        vendor,
        "putTicket",
        "state assessments { number credits status } charge { held }",
        kind="Ticket",
        ticketId="T-1",
        customerId="c-1",
        subject="Shipping is wrong",
        channel="helpdesk",
        language="ru",
        category="category_2",
    )
    assert ticket["state"] == "awaiting_confirmation", ticket
    confirmed = await do(
        vendor,
        "confirmAssessment",
        "state charge { held }",
        kind="Ticket",
        ticketId="T-1",
        number=1,
        accept=True,
        idempotencyKey="confirm-1",
    )
    assert confirmed["charge"]["held"] == 10, confirmed
    await vendor.move_clock("2025-01-02T09:00:00Z")
    answered = await _respond(vendor)
    assert answered["state"] == "in_progress", answered
    resolved = await do(
        vendor,
        "resolveTicket",
        "state charge { net }",
        kind="Ticket",
        ticketId="T-1",
        cause="question",
        idempotencyKey="resolve-1",
    )
    assert resolved["state"] == "resolved", resolved
    assert resolved["charge"]["net"] == 10


async def _respond(vendor: Any) -> Any:
    query = """mutation($input: AddResponseInput!) {
      addResponse(input: $input) { ... on Ticket { state } ... on Refusal { code } }
    }"""
    data = await ask(
        vendor,
        query,
        input={
            "ticketId": "T-1",
            "author": "vendor",
            "kind": "service",
            "public": True,
            "occurredAt": "2025-01-02T08:00:00Z",
            "idempotencyKey": "r-1",
        },
    )
    return data["addResponse"]


async def story_by_rest(vendor: Any) -> None:
    order = await vendor.ok(
        await vendor.put(
            "/v1/orders/o-1",
            json={
                "customer_id": "c-1",
                "placed_at": START,
                "currency": "USD",
                "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
            },
        )
    )
    await vendor.ok(
        await vendor.post(
            f"/v1/customers/c-1/choices/{order['choices'][0]['choice_id']}", json={"option": "credits"}, key="choose-1"
        )
    )
    await vendor.ok(
        await vendor.put(
            "/v1/tickets/T-1",
            json={
                "customer_id": "c-1",
                "subject": "Shipping is wrong",
                "channel": "helpdesk",
                "language": "ru",
                "category": "category_2",
            },
        )
    )
    await vendor.ok(
        await vendor.post("/v1/tickets/T-1/assessments/1/confirmation", json={"accept": True}, key="confirm-1")
    )
    await vendor.move_clock("2025-01-02T09:00:00Z")
    await vendor.ok(
        await vendor.post(
            "/v1/tickets/T-1/responses",
            json={"author": "vendor", "kind": "service", "public": True, "occurred_at": "2025-01-02T08:00:00Z"},
            key="r-1",
        )
    )
    await vendor.ok(await vendor.post("/v1/tickets/T-1/resolution", json={"cause": "question"}, key="resolve-1"))


async def ledger_of(vendor: Any) -> list[Any]:
    """The ledger without what is made up at random, in order."""
    found = (await vendor.ok(await vendor.get("/v1/customers/c-1/entries", limit=100)))["data"]
    names: dict[str, str] = {}
    drop, ours = {"entry_id", "recorded_at"}, ("operation_id", "lot_id", "hold_id")
    return [
        {
            key: names.setdefault(str(value), f"id-{len(names)}") if key in ours and value else value
            for key, value in row.items()
            if key not in drop
        }
        for row in found
    ]


async def test_the_same_story_through_rest_and_graphql_leaves_the_same_ledger(vendor: MakeVendor) -> None:
    one, other = await vendor("cs-cart", START), await vendor("cs-cart", START)
    await story_by_graphql(one)
    await story_by_rest(other)
    assert await ledger_of(one) == await ledger_of(other)
    views = []
    for each in (one, other):
        statement = await each.ok(await each.get("/v1/customers/c-1/statement"))
        views.append(
            (statement["available"], len(statement["resolved_tickets"]), len(statement["balance_modifications"]))
        )
    assert views == [(30, 1, 1), (30, 1, 1)]


async def test_one_query_shows_what_a_sidebar_shows(vendor: MakeVendor) -> None:
    one = await vendor("cs-cart", START)
    await story_by_graphql(one)
    data = (
        await ask(
            one,
            """
      query($id: ID!) {
        customer(customerId: $id) {
          id customerId licenses { licenseId active }
              balance { available held byType { name value { available owed } } lots { available } }
          statement { available resolvedTickets { credits ticket { state customer { customerId } } } }
          entries(first: 2) { nodes { kind from to credits } pageInfo { hasNextPage endCursor } }
          entitlement(action: "open_ticket") { allowed reasons { code clause } }
          choices { choiceId } offers { sku price { amount currency } }
          tickets(first: 5) { edges { cursor node { ticketId state clocks { milestone phase outcome dueAt } } } }
        }
      }""",
            id="c-1",
        )
    )["customer"]
    assert data["balance"]["available"] == 30
    assert data["statement"]["resolvedTickets"][0]["ticket"] == {"state": "resolved", "customer": {"customerId": "c-1"}}
    assert data["tickets"]["edges"][0]["node"]["ticketId"] == "T-1"
    assert data["entries"]["pageInfo"]["hasNextPage"] is True
    again = await ask(
        one, "query($id: ID!) { node(id: $id) { id __typename ... on Customer { customerId } } }", id=data["id"]
    )
    assert again["node"] == {"id": data["id"], "__typename": "Customer", "customerId": "c-1"}


async def test_an_erasure_answers_each_field_that_can_be_asked(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await do(
        shop,
        "putOrder",
        "orderId",
        kind="Order",
        orderId="o-1",
        customerId="ann",
        placedAt=START,
        currency="USD",
        lines=[{"lineId": "1", "sku": "license-owned", "quantity": 1}],
    )
    gone = await do(shop, "eraseCustomer", "customerId erased erasedAt", kind="Erasure", customerId="ann")
    assert (gone["__typename"], gone["customerId"], gone["erased"]) == ("Erasure", "ann", True), gone


async def test_a_rehearsed_calendar_has_no_versions_yet(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    made = await do(
        shop, "putCalendar", "name versions { revision }", kind="Calendar", name="new", zone="UTC", validateOnly=True
    )
    assert (made["name"], made["versions"]) == ("new", [])
