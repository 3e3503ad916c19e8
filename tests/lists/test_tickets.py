"""Tickets by several states, by when they were opened, and in both orders."""

from __future__ import annotations

from tests.conftest import MakeVendor
from tests.support.graphql import ask
from tests.tickets.desk import act, open_ticket, order


async def test_tickets_are_narrowed_by_states_and_time_and_come_in_both_orders(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "anna", "license", "credits-60")
    opened = []
    for day in range(1, 6):
        await shop.move_clock(f"2025-02-0{day}T10:00:00Z")
        opened.append(await open_ticket(shop, "anna", category="level_1"))
    await act(shop, opened[0], "withdrawal")
    await act(shop, opened[1], "resolution", {})
    names = [ticket["ticket_id"] for ticket in opened]

    async def listed(**asked: str) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await shop.ok(await shop.get("/v1/tickets", limit=2, **asked, **cursor))
            found += [row["ticket_id"] for row in page["data"]]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    assert await listed() == names[::-1]
    assert await listed(sort="oldest") == names
    assert await listed(sort="oldest", state="withdrawn,resolved") == names[:2]
    assert await listed(state="in_progress,resolved,in_progress") == names[:0:-1]
    assert await listed(since="2025-02-02T10:00:00Z", until="2025-02-04T10:00:00Z") == [names[2], names[1]]
    assert await listed(state="resolved", since="2025-02-03T00:00:00Z", customer_id="anna") == []
    wrong = await shop.get("/v1/tickets", state="resolved,nothing")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown_state")
    query = '{ tickets(state: "withdrawn,resolved", sort: "oldest") { edges { node { ticketId } } } }'
    found = (await ask(shop, query))["tickets"]["edges"]
    assert [edge["node"]["ticketId"] for edge in found] == names[:2]
