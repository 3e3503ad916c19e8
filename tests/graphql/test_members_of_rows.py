"""What a query does not ask of a list's tickets is not worked out; what it asks, however it says so, is as REST's."""

from __future__ import annotations

from typing import Any, Final

import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.statements import sent

PLACED: Final = {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
PARTS: Final = {
    "clocks": "clocks { clockId phase dueAt }",
    "charge": "charge { held captured net }",
    "actions": "actions { action allowed code }",
}
WAYS: Final = {
    "nodes": "tickets(first: 5) {{ nodes {{ ticketId {part} }} }}",
    "edges": "tickets(first: 5) {{ edges {{ node {{ ticketId {part} }} }} }}",
    "a fragment of a row": "tickets(first: 5) {{ nodes {{ ticketId ...Row }} }}",
    "a fragment of a page": "tickets(first: 5) {{ ...Page }}",
    "an inline fragment": "tickets(first: 5) {{ nodes {{ ticketId ... on Ticket {{ {part} }} }} }}",
    "said twice": "tickets(first: 5) {{ nodes {{ ticketId }} }} tickets(first: 5) {{ nodes {{ {part} }} }}",
    "beside one without": (
        "few: tickets(first: 5) {{ nodes {{ state }} }} tickets(first: 5) {{ nodes {{ ticketId {part} }} }}"
    ),
    "left out by a variable": "tickets(first: 5) {{ nodes {{ ticketId ... @include(if: $yes) {{ {part} }} }} }}",
}
FRAGMENTS: Final = {
    "a fragment of a row": " fragment Row on Ticket {{ {part} }}",
    "a fragment of a page": " fragment Page on TicketConnection {{ nodes {{ ticketId {part} }} }}",
}


async def _desk(vendor: MakeVendor) -> Vendor:
    made = await vendor("x-cart")
    lines = [{"line_id": "1", "sku": "license"}, {"line_id": "2", "sku": "credits-60"}]
    await made.ok(await made.put("/v1/orders/1", {"customer_id": "ann", "lines": lines, **PLACED}), 201)
    for number in (1, 2):
        ticket = {"customer_id": "ann", "subject": "x", "channel": "helpdesk", "category": "level_2"}
        await made.ok(await made.put(f"/v1/tickets/T-{number}", ticket), 201)
    return made


def _rows(page: Any) -> list[Any]:
    return page["nodes"] if "nodes" in page else [edge["node"] for edge in page["edges"]]


def _camel(row: Any) -> Any:
    names = {"clock_id": "clockId", "due_at": "dueAt"}
    return {names.get(name, name): value for name, value in row.items()}


@pytest.mark.parametrize("member", PARTS)
@pytest.mark.parametrize("way", WAYS)
async def test_what_is_asked_of_a_row_is_there(vendor: MakeVendor, way: str, member: str) -> None:
    made = await _desk(vendor)
    known = {row["ticket_id"]: row for row in (await made.ok(await made.get("/v1/tickets")))["data"]}
    variables = "($yes: Boolean!)" if "$yes" in WAYS[way] else ""
    query = f"query{variables} {{ {WAYS[way].format(part=PARTS[member])} }}"
    query += FRAGMENTS.get(way, "").format(part=PARTS[member])
    given = {"variables": {"yes": True}} if variables else {}
    found = await made.ok(await made.post("/graphql", {"query": query, **given}))
    rows = _rows(found["data"]["tickets"])
    assert len(rows) == 2
    for row in rows:
        asked, whole = row[member], known[row["ticketId"]][member]
        if member == "charge":
            assert asked.items() <= whole.items()
            assert asked["held"] > 0
        else:
            assert asked
            assert [one.items() <= _camel(other).items() for one, other in zip(asked, whole, strict=True)] == [
                True
            ] * len(whole)


async def test_what_nobody_asks_for_is_not_read(app: FastAPI, vendor: MakeVendor) -> None:
    made = await _desk(vendor)
    body = {"query": "{ tickets(first: 5) { nodes { ticketId state subject } } }"}
    await made.ok(await made.post("/graphql", body))
    with sent(app.state.house.database) as statements:
        answer = await made.ok(await made.post("/graphql", body))
    assert [row["state"] for row in answer["data"]["tickets"]["nodes"]] == ["in_progress", "in_progress"]
    assert not [line for line in statements if " clock c " in line or "hold_line" in line], statements
