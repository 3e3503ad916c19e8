"""Sorts by what ends, and cursors that belong to what a list is narrowed by, however that was spelt."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.lists.test_order_states import every
from tests.support.api import START, Vendor
from tests.tickets.desk import open_ticket, order

STATES = ("open", "captured", "released", "refunded")


async def _held(made: Vendor, name: str, *verbs: str, **more: Any) -> str:
    hold = await made.ok(await made.post("/v1/customers/ann/holds", {"credits": 2, **more}, key=name), 201)
    for verb in verbs:
        kind, _, part = verb.partition(":")
        body = {"credits": int(part)} if part else {}
        await made.ok(await made.post(f"/v1/holds/{hold['hold_id']}/{kind}", body, key=f"{name}-{verb}"))
    return str(hold["hold_id"])


async def held_states(vendor: MakeVendor) -> Vendor:
    """Holds in every state, some with an end, and a debit."""
    made = await vendor("x-cart")
    await order(made, "ann", "credits-60")
    await order(made, "bob", "credits-60")
    for number, end in enumerate(("2025-03-01T00:00:00Z", None, "2025-02-01T00:00:00Z", "2025-02-01T00:00:00Z")):
        await _held(made, f"open-{number}", **({"expires_at": end} if end else {}))
    await _held(made, "half", "capture:1")
    await _held(made, "captured", "capture", expires_at="2025-01-15T00:00:00Z")
    await _held(made, "mixed", "capture:1", "release")
    await _held(made, "released", "release", expires_at="2025-01-15T00:00:00Z")
    await _held(made, "refunded", "capture", "refund")
    await _held(made, "part", "capture", "refund:1")
    await made.ok(await made.post("/v1/customers/bob/debits", {"credits": 3}, key="debit"), 201)
    await made.ok(await made.post("/v1/customers/bob/holds", {"credits": 3}, key="bob"), 201)
    return made


async def test_holds_are_narrowed_by_several_states(vendor: MakeVendor) -> None:
    made = await held_states(vendor)
    rows = await every(made, "/v1/holds")
    assert {row["state"] for row in rows} == set(STATES)
    for states in (*STATES, "released,open", "captured,refunded", ",".join(STATES)):
        for named in ({}, {"customer_id": "ann"}, {"open": "true"}, {"open": "false", "customer_id": "bob"}):
            met = [
                row
                for row in rows
                if row["state"] in states.split(",")
                and named.get("customer_id", row["customer_id"]) == row["customer_id"]
                and named.get("open", str(row["state"] == "open").lower()) == str(row["state"] == "open").lower()
            ]
            assert await every(made, "/v1/holds", state=states, **named) == met, (states, named)
            assert await every(made, "/v1/holds", state=states, sort="oldest", **named) == met[::-1], (states, named)
    wrong = await made.get("/v1/holds", state="open,shut")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")
    assert (await made.get("/v1/holds", state="released", open="true", customer_id="nobody")).status_code == 404
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_holds_that_end_come_the_soonest_first(vendor: MakeVendor) -> None:
    made = await held_states(vendor)
    ends = sorted(
        (row["expires_at"], row["hold_id"])
        for row in await every(made, "/v1/holds", state="open")
        if row["expires_at"] is not None
    )
    assert len(ends) == 3
    for named in ({}, {"customer_id": "ann"}, {"state": "open,captured"}, {"open": "true"}):
        soonest = await every(made, "/v1/holds", sort="soonest", **named)
        assert [(row["expires_at"], row["hold_id"]) for row in soonest] == ends, named
        assert await every(made, "/v1/holds", sort="latest", **named) == soonest[::-1], named
    assert await every(made, "/v1/holds", sort="soonest", state="captured") == []
    assert await every(made, "/v1/holds", sort="soonest", customer_id="bob") == []


async def test_covers_and_clocks_come_by_what_ends_or_is_due(vendor: MakeVendor) -> None:
    made = await vendor("cactushop")
    for who in ("ann", "bob", "cyd"):
        lines = [{"line_id": "1", "sku": "license-standard"}, {"line_id": "2", "sku": "support-12-months"}]
        body = {"customer_id": who, "placed_at": START, "currency": "USD", "lines": lines}
        await made.ok(await made.put(f"/v1/orders/{who}", body), 201)
    ends = [row["ends_at"] for row in await every(made, "/v1/covers", sort="soonest")]
    assert ends == sorted(ends)
    assert len(ends) == len(await every(made, "/v1/covers")) == 6
    latest = await every(made, "/v1/covers", sort="latest")
    assert [row["ends_at"] for row in latest] == ends[::-1]
    assert await every(made, "/v1/covers", sort="latest", customer_id="ann") == [
        row for row in latest if row["customer_id"] == "ann"
    ]
    shop = await vendor("x-cart")
    for day, customer in ((6, "anna"), (7, "bob")):
        await shop.move_clock(f"2025-01-0{day}T10:00:00Z")
        await order(shop, customer, "credits-60")
        await open_ticket(shop, customer, category="level_1")
    rows = await every(shop, "/v1/clocks")
    due = sorted((row["due_at"], row["clock_id"]) for row in rows if row["due_at"] is not None)
    for named in ({}, {"phase": "running,paused,stopped"}):
        found = await every(shop, "/v1/clocks", sort="soonest", **named)
        assert [(row["due_at"], row["clock_id"]) for row in found] == due
        assert await every(shop, "/v1/clocks", sort="latest", **named) == found[::-1]


async def test_a_cursor_goes_on_however_its_filters_are_spelt(vendor: MakeVendor) -> None:
    made = await held_states(vendor)
    first = await made.ok(
        await made.get("/v1/holds", state="open,captured", since="2025-01-01T00:00:00Z", open="true", limit=1)
    )
    same = (
        {"state": "captured,open", "since": "2025-01-01T00:00:00Z", "open": "true"},
        {"state": "open,captured,open", "since": "2025-01-01T00:00:00.000Z", "open": "true", "sort": "newest"},
        {"open": "true", "state": "captured,open", "since": "2025-01-01T01:00:00+01:00", "limit": "2"},
    )
    for asked in same:
        answer = await made.get("/v1/holds", cursor=first["next_cursor"], **asked)
        assert answer.status_code == 200, (asked, answer.text)
        rows = answer.json()["data"]
        assert rows
        assert rows[0]["hold_id"] < first["data"][0]["hold_id"], asked
    others: tuple[dict[str, str], ...] = (
        {"state": "open", "since": "2025-01-01T00:00:00Z", "open": "true"},
        {"state": "open,captured", "since": "2025-01-01T00:00:01Z", "open": "true"},
        {"state": "open,captured", "since": "2025-01-01T00:00:00Z"},
        {"state": "open,captured", "since": "2025-01-01T00:00:00Z", "open": "true", "sort": "oldest"},
        {"state": "open,captured", "since": "2025-01-01T00:00:00Z", "open": "true", "customer_id": "ann"},
    )
    for asked in others:
        answer = await made.get("/v1/holds", cursor=first["next_cursor"], **asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid"), asked


async def test_a_cursor_of_any_list_of_several_states_goes_on_in_another_order(vendor: MakeVendor) -> None:
    made = await held_states(vendor)
    for customer in ("ann", "bob"):
        for _ in range(2):
            await open_ticket(made, customer, category="level_1")
    for path, name, one, other in (
        ("/v1/tickets", "state", "in_progress,resolved", "resolved,in_progress"),
        ("/v1/clocks", "phase", "running,paused", "paused,running"),
        ("/v1/clocks", "outcome", "open,met", "met,open"),
        ("/v1/licenses", "ended_reason", "refunded,upgraded", "upgraded,refunded"),
        ("/v1/orders", "state", "granted,not_granted", "not_granted,granted"),
        ("/v1/orders", "payment_state", "paid,refunded", "refunded,paid"),
    ):
        page = await made.ok(await made.get(path, limit=1, **{name: one}))
        if page["next_cursor"] is None:
            assert path == "/v1/licenses"
            continue
        further = await made.ok(await made.get(path, limit=1, cursor=page["next_cursor"], **{name: other}))
        assert further["data"] != page["data"], path
