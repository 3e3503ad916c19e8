"""Covers by their states and ends, licenses by why they ended, holds by when they were made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import START, Vendor
from tests.support.graphql import ask

STATES = ("pending", "scheduled", "running", "suspended", "ended", "voided")


async def _all(made: Vendor, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return every row of a list, two at a time."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await made.ok(await made.get(path, limit=2, **query, **cursor))
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def _bought(made: Vendor, order: str, customer: str, *skus: str, placed: str = START) -> None:
    lines = [{"line_id": str(n), "sku": sku} for n, sku in enumerate(skus)]
    body = {"customer_id": customer, "placed_at": placed, "currency": "USD", "lines": lines}
    await made.ok(await made.put(f"/v1/orders/{order}", body), 201)


async def _covered(vendor: MakeVendor) -> Vendor:
    """Covers of CS-Cart's policy in every state that a list may ask for."""
    made = await vendor("cs-cart")
    for n, customer in enumerate(("ann", "bob", "cyd", "dan", "eve")):
        await _bought(made, f"l{n}", customer, "license")
        (choice,) = (await made.ok(await made.get(f"/v1/customers/{customer}/choices")))["data"]
        path = f"/v1/customers/{customer}/choices/{choice['choice_id']}"
        await made.ok(await made.post(path, {"option": "credits"}))
    for n, (customer, sku) in enumerate(
        (("ann", "support-3-months"), ("ann", "support-3-months"), ("bob", "support-6-months"))
    ):
        await _bought(made, f"s{n}", customer, sku)
    for customer in ("ann", "bob", "cyd"):
        if customer == "cyd":
            await _bought(made, "s3", customer, "support-1-months")
        ticket = {"customer_id": customer, "subject": "Help", "channel": "helpdesk", "category": "category_1"}
        ticket["pay_with"] = "cover"
        await made.ok(await made.put(f"/v1/tickets/t-{customer}", ticket), 201)
    await made.move_clock("2025-01-20T00:00:00Z")
    await _bought(made, "s4", "dan", "support-3-months", placed="2025-01-20T00:00:00Z")
    await _bought(made, "s5", "eve", "support-3-months", placed="2025-01-20T00:00:00Z")
    await made.ok(await made.post("/v1/orders/s5/refunds", {"refund_id": "r"}), 201)
    (bobs,) = await _all(made, "/v1/covers", customer_id="bob")
    await made.ok(await made.post(f"/v1/covers/{bobs['cover_id']}/suspension", {}), (200, 201))
    return made


async def test_covers_are_narrowed_by_several_states_and_come_by_their_ends(vendor: MakeVendor) -> None:
    made = await _covered(vendor)
    seen: set[str] = set()
    for instant in ("2025-01-22T00:00:00Z", "2025-05-02T00:00:00Z", "2026-06-01T00:00:00Z"):
        await made.move_clock(instant)
        every = await _all(made, "/v1/covers")
        seen |= {row["state"] for row in every}
        for states in (*STATES, "ended,running", "pending,voided,suspended", ",".join(STATES)):
            rows = await _all(made, "/v1/covers", state=states)
            wanted = {row["cover_id"] for row in every if row["state"] in states.split(",")}
            assert {row["cover_id"] for row in rows} == wanted, (instant, states)
            assert len(rows) == len(wanted), (instant, states)
            known = [row["ends_at"] for row in rows if row["ends_at"] is not None]
            assert known == sorted(known, reverse=True), (instant, states)
            oldest = await _all(made, "/v1/covers", state=states, sort="oldest")
            assert [row["cover_id"] for row in oldest] == [row["cover_id"] for row in rows][::-1]
        mine = await _all(made, "/v1/covers", state="running,ended,suspended", customer_id="ann")
        assert {row["cover_id"] for row in mine} == {
            row["cover_id"]
            for row in every
            if row["customer_id"] == "ann" and row["state"] in ("running", "ended", "suspended")
        }
    assert seen >= {"pending", "running", "suspended", "ended", "voided"}


async def test_covers_that_end_soon_come_by_their_ends(vendor: MakeVendor) -> None:
    made = await _covered(vendor)
    every = await _all(made, "/v1/covers")
    ends = sorted(row["ends_at"] for row in every if row["ends_at"] is not None)
    assert len(set(ends)) > 1
    assert any(row["state"] == "suspended" for row in every)
    for bounds in (
        {"ends_before": ends[-1]},
        {"ends_after": ends[-1]},
        {"ends_after": ends[0]},
        {"ends_after": ends[0], "ends_before": ends[-1]},
        {"ends_before": "2020-01-01T00:00:00Z"},
    ):
        rows = await _all(made, "/v1/covers", sort="oldest", **bounds)
        wanted = [end for end in ends if bounds.get("ends_after", "") <= end < bounds.get("ends_before", "9")]
        assert [row["ends_at"] for row in rows] == wanted, bounds
        running = await _all(made, "/v1/covers", sort="oldest", state="running", **bounds)
        assert [row["cover_id"] for row in running] == [row["cover_id"] for row in rows if row["state"] == "running"]


async def test_a_scheduled_period_is_listed_until_it_begins(vendor: MakeVendor) -> None:
    made = await vendor("cactushop")
    await _bought(made, "o", "ann", "license-standard", "support-12-months")
    (scheduled,) = await _all(made, "/v1/covers", state="scheduled")
    (running,) = await _all(made, "/v1/covers", state="running")
    assert scheduled["starts_at"] == running["ends_at"]
    await made.move_clock(running["ends_at"])
    assert await _all(made, "/v1/covers", state="scheduled") == []
    assert [row["cover_id"] for row in await _all(made, "/v1/covers", state="running")] == [scheduled["cover_id"]]
    assert [row["cover_id"] for row in await _all(made, "/v1/covers", state="ended")] == [running["cover_id"]]


async def test_licenses_are_narrowed_by_why_they_ended(vendor: MakeVendor) -> None:
    made = await vendor("cs-cart")
    for n in range(4):
        await _bought(made, f"o{n}", "ann", "license")
    for n in (0, 1):
        await made.ok(await made.post(f"/v1/orders/o{n}/refunds", {"refund_id": "r"}), 201)
    held = (await _all(made, "/v1/licenses", active="true"))[0]
    path = f"/v1/licenses/{held['license_id']}/termination"
    await made.ok(await made.post(path, {"effective_at": "2025-03-01T00:00:00Z"}))

    async def orders(**asked: str) -> list[str]:
        return [row["order_id"] for row in await _all(made, "/v1/licenses", **asked)]

    assert await orders(ended_reason="refunded", sort="oldest") == ["o0", "o1"]
    assert await orders(ended_reason="terminated") == []
    await made.move_clock("2025-03-01T00:00:00Z")
    assert await orders(ended_reason="terminated") == [held["order_id"]]
    assert sorted(await orders(ended_reason="terminated,refunded,upgraded")) == sorted(["o0", "o1", held["order_id"]])
    assert await orders(ended_reason="refunded", active="true") == []
    assert await orders(ended_reason="corrected", customer_id="ann") == []


async def test_holds_are_narrowed_by_when_they_were_made(vendor: MakeVendor) -> None:
    made = await vendor("cs-cart")
    for customer in ("ann", "bob"):
        await made.ok(await made.post(f"/v1/customers/{customer}/adjustments", {"credits": 9, "reason": "gift"}))
    ids = []
    for day in range(1, 5):
        await made.move_clock(f"2025-02-0{day}T10:00:00Z")
        hold = await made.ok(
            await made.post(f"/v1/customers/{'ann' if day % 2 else 'bob'}/holds", {"credits": 1}, key=str(day)), 201
        )
        ids.append(hold["hold_id"])
    await made.ok(await made.post(f"/v1/holds/{ids[2]}/release", {}, key="r"))

    async def listed(**asked: str) -> list[str]:
        return [row["hold_id"] for row in await _all(made, "/v1/holds", **asked)]

    span = {"since": "2025-02-02T10:00:00Z", "until": "2025-02-04T10:00:00Z"}
    assert await listed() == ids[::-1]
    assert await listed(**span) == [ids[2], ids[1]]
    assert await listed(**span, sort="oldest") == [ids[1], ids[2]]
    assert await listed(**span, customer_id="ann") == [ids[2]]
    assert await listed(**span, open="true") == [ids[1]]
    assert await listed(since="2025-02-05T00:00:00Z") == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("covers", {"state": "running,done"}),
        ("covers", {"state": ""}),
        ("covers", {"ends_before": "soon"}),
        ("licenses", {"ended_reason": "lost"}),
        ("holds", {"since": "2025-02-02"}),
    ],
)
async def test_what_a_list_does_not_know_is_refused(vendor: MakeVendor, path: str, query: dict[str, str]) -> None:
    made = await vendor("cs-cart")
    refused = await made.get(f"/v1/{path}", **query)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert refused.json()["errors"][0]["pointer"].lstrip("/") == next(iter(query))


async def test_graphql_narrows_covers_by_states_too(vendor: MakeVendor) -> None:
    made = await _covered(vendor)
    query = '{ covers(state: "running,voided", sort: "oldest") { edges { node { coverId } } } }'
    found = [edge["node"]["coverId"] for edge in (await ask(made, query))["covers"]["edges"]]
    assert found == [row["cover_id"] for row in await _all(made, "/v1/covers", state="running,voided", sort="oldest")]
    assert found
