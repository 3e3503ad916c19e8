"""Refunds and orders of one instant: a period that was taken back stays as it is, whatever else happens then.

Clocks are coarse, and a sandbox's clock stands still. So what comes after a refund often bears its instant. A period
that had not begun has served nothing, so it does not become one that ran (decision 0032).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor

NOW = "2025-01-01T00:00:00Z"
LICENSE, SUPPORT = "license-standard", "support-12-months"
Step = tuple[str, ...]
"""``order``, its id, its skus and, if not now, when it was placed; or ``refund``, an order's id and its line."""


async def done(tenant: Vendor, *steps: Step) -> None:
    for number, (verb, order_id, *rest) in enumerate(steps):
        if verb == "order":
            lines = [{"line_id": str(i), "sku": sku} for i, sku in enumerate(rest[0].split(), 1)]
            placed = rest[1] if len(rest) > 1 else NOW
            body = {"customer_id": "ann", "currency": "USD", "placed_at": placed, "lines": lines}
            await tenant.ok(await tenant.put(f"/v1/orders/{order_id}", body), 201)
        else:
            body = {"refund_id": f"{order_id}-{rest[0]}-{number}", "lines": [{"line_id": rest[0], "quantity": 1}]}
            await tenant.ok(await tenant.post(f"/v1/orders/{order_id}/refunds", body), 201)


async def bought(tenant: Vendor) -> dict[str, Any]:
    """The bought periods of ann, by order and line."""
    shown = await tenant.ok(await tenant.get("/v1/customers/ann"))
    return {f"{row['order_id']}/{row['line_id']}": row for row in shown["covers"] if row["license_id"] is None}


async def told(tenant: Vendor, cover_id: str) -> list[str]:
    """What was told of a period."""
    rows = (await tenant.ok(await tenant.get("/v1/events", limit=100)))["data"]
    return [row["type"] for row in rows if row["data"].get("cover_id") == cover_id]


async def sound(tenant: Vendor) -> None:
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


OLD = "2023-01-01T00:00:00Z"
"""A license of then is without cover by now."""
STAYS: dict[str, tuple[list[Step], str, str, Step]] = {
    "its own order's license is refunded": (
        [("order", "a", f"{SUPPORT} {LICENSE}"), ("refund", "a", "1")],
        "a/1",
        "voided",
        ("refund", "a", "2"),
    ),
    "the license is refunded, and another order waits": (
        [("order", "a", f"{SUPPORT} {LICENSE}"), ("order", "b", SUPPORT), ("refund", "a", "1")],
        "a/1",
        "voided",
        ("refund", "a", "2"),
    ),
    "the license before it is refunded, and more wait": (
        [("order", "a", LICENSE), *(("order", name, SUPPORT) for name in "bcd"), ("refund", "c", "1")],
        "c/1",
        "voided",
        ("refund", "a", "1"),
    ),
    "a license that had no cover is refunded": (
        [("order", "a", LICENSE, OLD), ("order", "b", SUPPORT), ("order", "c", SUPPORT), ("refund", "b", "1")],
        "c/1",
        "voided",
        ("refund", "a", "1"),
    ),
    "a license is bought after it": (
        [("order", "b", SUPPORT), ("order", "c", SUPPORT), ("refund", "b", "1")],
        "c/1",
        "voided",
        ("order", "d", LICENSE),
    ),
    "a license is bought after one that had begun": (
        [("order", "b", SUPPORT), ("refund", "b", "1")],
        "b/1",
        "ended",
        ("order", "a", LICENSE),
    ),
    "support of an order before it in the queue is bought": (
        [("order", "b", SUPPORT), ("refund", "b", "1")],
        "b/1",
        "ended",
        ("order", "a", SUPPORT),
    ),
}


@pytest.mark.parametrize("what", STAYS)
async def test_a_period_that_was_taken_back_stays_as_it_is(vendor: MakeVendor, what: str) -> None:
    before, name, state, then = STAYS[what]
    tenant = await vendor("cactushop")
    await done(tenant, *before)
    taken = (await bought(tenant))[name]
    events = await told(tenant, taken["cover_id"])
    assert taken["state"] == state
    await done(tenant, then)
    assert (await bought(tenant))[name] == taken
    assert await told(tenant, taken["cover_id"]) == events
    assert [row["state"] for row in (await bought(tenant)).values()].count(state) == 1  # and no other goes for it
    await sound(tenant)
    await done(tenant, ("order", "late", "mug", "2024-06-01T00:00:00Z"))  # all is settled once more
    assert (await bought(tenant))[name] == taken
    assert await told(tenant, taken["cover_id"]) == events
    await sound(tenant)


@pytest.mark.parametrize("lines", [("1", "2"), ("2", "1")], ids=["the support first", "the license first"])
async def test_the_refunds_of_one_instant_end_alike_whichever_comes_first(
    vendor: MakeVendor, lines: tuple[str, str]
) -> None:
    tenant = await vendor("cactushop")
    orders: list[Step] = [("order", "a", f"{SUPPORT} {LICENSE}"), ("order", "b", SUPPORT)]
    await done(tenant, *orders, *(("refund", "a", line) for line in lines))
    found = await bought(tenant)
    assert found["a/1"]["state"] in ("voided", "ended")
    assert (found["b/1"]["state"], found["b/1"]["starts_at"]) == ("running", NOW)
    assert found["b/1"]["ends_at"] == "2026-01-01T00:00:00Z"
    await sound(tenant)


async def test_a_later_refund_of_the_license_gives_nothing_back(vendor: MakeVendor) -> None:
    tenant = await vendor("cactushop")
    await done(tenant, ("order", "a", f"{SUPPORT} {LICENSE}"), ("order", "b", SUPPORT), ("refund", "a", "1"))
    taken = (await bought(tenant))["a/1"]
    await tenant.move_clock("2025-02-01T00:00:00Z")
    await done(tenant, ("refund", "a", "2"))
    found = await bought(tenant)
    assert found["a/1"] == taken
    assert (found["b/1"]["state"], found["b/1"]["starts_at"]) == ("running", "2025-02-01T00:00:00Z")
    await sound(tenant)
