"""Clocks by several phases and outcomes, by customer, by spans of due times, and in both orders."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.graphql import ask
from tests.tickets.desk import act, open_ticket, order


async def test_clocks_are_narrowed_and_come_in_both_orders(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    opened = []
    for day, customer in ((6, "anna"), (7, "bob"), (8, "anna"), (9, "bob")):
        await shop.move_clock(f"2025-01-0{day}T10:00:00Z")
        await order(shop, customer, "credits-60")
        opened.append(await open_ticket(shop, customer, category="level_1"))
    first, second, third, fourth = opened
    await act(shop, first, "responses", {"author": "vendor", "kind": "service"})
    await act(shop, third, "pauses", {"reason": "waiting_for_customer", "party": "customer"})
    await shop.move_clock("2025-01-09T12:00:00Z")
    every = [clock["clock_id"] for ticket in opened for clock in ticket["clocks"]]
    known = {}
    cursor: dict[str, str] = {}
    while True:
        page = await shop.ok(await shop.get("/v1/clocks", limit=100, **cursor))
        known |= {row["clock_id"]: row for row in page["data"]}
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert set(every) <= set(known)

    async def listed(**asked: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await shop.ok(await shop.get("/v1/clocks", limit=2, **asked, **cursor))
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def ids(rows: list[dict[str, Any]]) -> list[str]:
        return [row["clock_id"] for row in rows]

    assert ids(await listed(sort="newest")) == sorted(known, reverse=True)
    for phases in ("running,paused", "stopped,running", "paused", "running,paused,stopped,cancelled,pending"):
        wanted = sorted(name for name, row in known.items() if row["phase"] in phases.split(","))
        assert ids(await listed(phase=phases)) == wanted, phases
        assert ids(await listed(phase=phases, sort="newest")) == wanted[::-1], phases
    for outcomes in ("open,breached", "met,open", "met,breached", "breached", "open"):
        wanted = sorted(name for name, row in known.items() if row["outcome"] in outcomes.split(","))
        assert ids(await listed(outcome=outcomes)) == wanted, outcomes
    theirs = {name for name, row in known.items() if row["ticket_id"] in (first["ticket_id"], third["ticket_id"])}
    assert set(ids(await listed(customer_id="anna"))) == theirs
    assert ids(await listed(customer_id="anna", phase="paused")) == [
        name for name in sorted(theirs) if known[name]["phase"] == "paused"
    ]
    due = sorted((row["due_at"], name) for name, row in known.items() if row["due_at"] is not None)
    middle = due[len(due) // 2][0]
    for since, until in ((middle, None), (None, middle), (due[1][0], due[-1][0]), ("2030-01-01T00:00:00Z", None)):
        bounds = {name: at for name, at in (("due_after", since), ("due_before", until)) if at is not None}
        wanted = [name for at, name in due if (since is None or at >= since) and (until is None or at < until)]
        assert ids(await listed(**bounds)) == wanted, bounds
        assert ids(await listed(**bounds, sort="newest")) == wanted[::-1], bounds
        mine = [name for name in wanted if name in theirs]
        assert ids(await listed(**bounds, customer_id="anna")) == mine, bounds
    then = await listed(as_of="2025-01-08T11:00:00Z", phase="running,paused", due_after="2025-01-08T00:00:00Z")
    assert then
    assert all(row["phase"] in ("running", "paused") and row["due_at"] >= "2025-01-08" for row in then)
    assert fourth["clocks"][0]["clock_id"] not in ids(then)
    assert second["clocks"][0]["clock_id"] in ids(await listed(as_of="2025-01-08T11:00:00Z"))


async def test_names_that_are_none_are_refused_and_graphql_asks_the_same(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await open_ticket(shop, "anna", category="level_1")
    for asked in ({"phase": "running,nothing"}, {"phase": ","}, {"outcome": "Open"}, {"sort": "backwards"}):
        answer = await shop.get("/v1/clocks", **asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), asked
    missing = await shop.get("/v1/clocks", customer_id="nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "customer_not_found")
    asked = 'clocks(phase: "running,paused", customerId: "anna", sort: "newest", dueAfter: "2020-01-01T00:00:00Z")'
    found = (await ask(shop, f"{{ {asked} {{ edges {{ node {{ clockId }} }} }} }}"))["clocks"]["edges"]
    own = await shop.get("/v1/clocks", phase="running,paused", customer_id="anna", due_after="2020-01-01T00:00:00Z")
    assert {edge["node"]["clockId"] for edge in found} == {row["clock_id"] for row in own.json()["data"]}
    assert found
