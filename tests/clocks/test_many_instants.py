"""A sandbox moved far goes through many instants in few transactions, and each thing bears its own instant."""

from __future__ import annotations

from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.statements import sent

TICKETS = 12


async def opened(vendor: MakeVendor) -> Vendor:
    """Tickets whose clocks fall due at instants of their own."""
    shop = await vendor("x-cart")
    line = {"line_id": "1", "sku": "credits-60", "quantity": 5}
    body = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/1", body), 201)
    for number in range(TICKETS):
        await shop.ok(await shop.put("/v1/clock", {"now": f"2025-01-06T{9 + number // 6:02d}:{number % 6}0:00Z"}))
        ticket = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": "level_1"}
        await shop.ok(await shop.put(f"/v1/tickets/t{number}", ticket), 201)
    return shop


async def outcomes(shop: Vendor) -> list[tuple[str, str, str]]:
    """What became of each clock, and when that was written."""
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    clocks = [event for event in events if event["type"].startswith("clock.")]
    return [(event["type"], event["occurred_at"], event["data"]["ticket_id"]) for event in clocks]


async def test_in_one_call_or_in_many_the_same_happens_at_the_same_instants(app: FastAPI, vendor: MakeVendor) -> None:
    at_once, step_by_step = await opened(vendor), await opened(vendor)
    await at_once.ok(await at_once.put("/v1/clock", {"now": "2025-03-01T00:00:00Z"}))
    for day in range(7, 32):
        await step_by_step.ok(await step_by_step.put("/v1/clock", {"now": f"2025-01-{day:02d}T00:00:00Z"}))
    await step_by_step.ok(await step_by_step.put("/v1/clock", {"now": "2025-03-01T00:00:00Z"}))
    found = await outcomes(at_once)
    assert len({instant for _, instant, _ in found}) > 2, found
    assert found == await outcomes(step_by_step)
    assert (await at_once.ok(await at_once.get("/v1/clock")))["now"] == "2025-03-01T00:00:00Z"


async def test_many_instants_share_a_transaction(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await opened(vendor)
    with sent(app.state.house.database) as found:
        moved = await shop.ok(await shop.put("/v1/clock", {"now": "2025-03-01T00:00:00Z"}))
    assert moved["fired"] >= TICKETS
    moves = [line for line in found if "update tenant" in line.lower() and "clock_now" in line.lower()]
    assert len(moves) < TICKETS / 2, moves


async def test_a_transaction_looks_once_at_what_is_due(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await opened(vendor)
    with sent(app.state.house.database) as found:
        moved = await shop.ok(await shop.put("/v1/clock", {"now": "2025-03-01T00:00:00Z"}))
    assert moved["fired"] >= TICKETS
    steps = [line for line in found if line.startswith("select clock_mode, clock_now from tenant")]
    looks = [line for line in found if line.startswith("select at, kind, subject, customer_id from agenda")]
    assert len(looks) <= len(steps) + 1, f"{len(looks)} looks in {len(steps)} transactions"
