"""What is picked from views at once is answered as the executor would answer it, faults included."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.graphql.plain import PlainFirst
from app.usecases.tickets import tickets
from tests.conftest import MakeVendor
from tests.support.api import Vendor

TICKET = "ticketId subject state openedAt clocks { clockId milestone phase dueAt ledger { wallSeconds vendorSeconds } }"
QUERIES: tuple[tuple[str, dict[str, Any]], ...] = (
    (f"{{ tickets(first: 5) {{ nodes {{ id __typename {TICKET} }} pageInfo {{ hasNextPage endCursor }} }} }}", {}),
    ("{ tickets(first: 1) { edges { cursor node { ticketId } } pageInfo { startCursor endCursor hasNextPage } } }", {}),
    ('{ customer(customerId: "ann") { licenses { licenseId sku } covers { coverId state endsAt } } }', {}),
    ('{ customer(customerId: "ann") { one: customerId balance { lots { lotId cost { amount currency } } } } }', {}),
    ('{ ticket(ticketId: "T-1") { number: ticketId qualification { state reasons { code } } charge { held } } }', {}),
    ('{ order(orderId: "1001") { lines { lineId sku quantity } lots { lotId granted } metadata } }', {}),
    ('{ node(id: "nobody") { id } policies { name version } clocks(first: 3) { nodes { clockId ticketId } } }', {}),
    ("{ events(first: 20) { nodes { id type data { ticket { ticketId state } order { orderId } } } } }", {}),
    (
        (
            "query($with: Boolean!) { tickets(first: 5) { nodes { ticketId subject @include(if: $with)"
            " clocks @skip(if: $with) { clockId } ...More } } } fragment More on Ticket { state channel }"
        ),
        {"with": True},
    ),
)


async def shop(vendor: MakeVendor) -> Vendor:
    made = await vendor("x-cart")
    lines = [
        {"line_id": "1", "sku": "license", "quantity": 1},
        {"line_id": "2", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"},
    ]
    order = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": lines}
    await made.ok(await made.put("/v1/orders/1001", order), 201)
    for number in (1, 2, 3):
        body = {"customer_id": "ann", "subject": f"No {number}", "channel": "helpdesk", "category": "level_2"}
        await made.ok(await made.put(f"/v1/tickets/T-{number}", body), 201)
    return made


async def answers(made: Vendor, queries: tuple[tuple[str, dict[str, Any]], ...]) -> list[Any]:
    found = []
    for query, variables in queries:
        answer = (await made.post("/graphql", {"query": query, "variables": variables})).json()
        for error in answer.get("errors", ()):
            error["extensions"].pop("requestId", None)
        found.append(answer)
    return found


async def test_an_answer_is_the_same_with_and_without_plans(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await shop(vendor)
    used: list[bool] = []
    whole = PlainFirst._plan

    def noted(self: PlainFirst, kind: Any, selected: Any) -> Any:
        found = whole(self, kind, selected)
        used.append(found is not None)
        return found

    monkeypatch.setattr(PlainFirst, "_plan", noted)
    # Each document twice: its plans are kept, and hold for other variables all the same.
    again = tuple((query, {name: not value for name, value in given.items()}) for query, given in QUERIES)
    planned = await answers(made, (*QUERIES, *again, *QUERIES))
    assert [answer["errors"] for answer in planned if "errors" in answer] == []
    assert used.count(True) > len(QUERIES)
    monkeypatch.setattr(PlainFirst, "_plan", lambda *_: None)
    assert await answers(made, (*QUERIES, *again, *QUERIES)) == planned
    first = planned[0]["data"]["tickets"]["nodes"]
    assert [node["ticketId"] for node in first] == ["T-3", "T-2", "T-1"]
    assert first[0]["clocks"][0]["phase"]


async def test_what_must_not_be_null_is_told_at_its_place(vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await shop(vendor)

    def broken(*arguments: Any, **more: Any) -> Any:
        view = shown(*arguments, **more)
        return view if view["ticket_id"] != "T-2" else {**view, "state": None}

    shown = tickets.ticket_view
    monkeypatch.setattr(tickets, "ticket_view", broken)
    query = "{ tickets(first: 5) { nodes { ticketId state } } }"
    [planned] = await answers(made, ((query, {}),))
    assert [error["path"] for error in planned["errors"]] == [["tickets", "nodes", 1, "state"]]
    monkeypatch.setattr(PlainFirst, "_plan", lambda *_: None)
    assert await answers(made, ((query, {}),)) == [planned]
