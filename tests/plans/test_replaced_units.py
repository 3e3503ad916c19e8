"""A plan that replaces another one, bought for several terms or at one instant, and what refunds leave, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.plans.shop import NOW, bought
from tests.plans.test_replaced_plans import TEXT
from tests.plans.test_replaced_then_refunded import refunded, spendable
from tests.plans.test_upgrades import covers
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

LATER = "2025-03-18T10:00:00Z"
SILVER = ("silver", LATER, "2025-04-17T10:00:00Z")


async def shop_of(app: FastAPI, api: httpx.AsyncClient) -> Vendor:
    """A tenant under these plans, on 18 March."""
    return await vendor_under(app, api, TEXT, now=LATER)


async def running(shop: Vendor, plan: str) -> list[Any]:
    """Periods of a plan that last for some time."""
    return [row for row in await covers(shop) if row[0] == plan and row[1] < row[2]]


@pytest.mark.parametrize("quantities", [[3], [2, 1], [1, 2], [1, 1, 1]], ids=str)
async def test_credits_for_the_old_plan_go_with_the_term_that_replaced_it(
    app: FastAPI, api: httpx.AsyncClient, quantities: list[int]
) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "silver-month")
    await bought(shop, "o2", "gold-credits", quantity=3)
    left = 3
    for number, quantity in enumerate(quantities):
        assert (await spendable(shop), await running(shop, "silver")) == (100, [])
        await refunded(shop, "o2", f"r{number}", quantity)
        left -= quantity
        assert len(await running(shop, "gold")) == left
        await sound(shop)
    assert (await spendable(shop), await running(shop, "silver")) == (0, [SILVER])


async def test_a_second_term_begins_when_the_first_that_is_longer_ends(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "silver-month")
    await bought(shop, "o2", "gold-days", quantity=3)
    assert await running(shop, "gold") == [
        ("gold", LATER, "2025-04-27T10:00:00Z"),
        ("gold", "2025-04-27T10:00:00Z", "2025-05-27T10:00:00Z"),
        ("gold", "2025-05-27T10:00:00Z", "2025-06-26T10:00:00Z"),
    ], "30.00 of silver are 10 days of gold"
    await sound(shop)
    await refunded(shop, "o1")
    assert await running(shop, "gold") == [
        ("gold", LATER, "2025-04-17T10:00:00Z"),
        ("gold", "2025-04-17T10:00:00Z", "2025-05-17T10:00:00Z"),
        ("gold", "2025-05-17T10:00:00Z", "2025-06-16T10:00:00Z"),
    ]
    await sound(shop)


async def test_an_old_plan_told_late_moves_the_second_term(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o2", "gold-days", quantity=2, at="2025-03-12T10:00:00Z")
    await bought(shop, "o1", "silver-month", at=NOW)
    assert await running(shop, "gold") == [
        ("gold", "2025-03-12T10:00:00Z", "2025-04-18T10:00:00Z"),
        ("gold", "2025-04-18T10:00:00Z", "2025-05-18T10:00:00Z"),
    ]
    await bought(shop, "o0", "silver-month", at=NOW)
    assert await running(shop, "gold") == [
        ("gold", "2025-03-12T10:00:00Z", "2025-04-28T10:00:00Z"),
        ("gold", "2025-04-28T10:00:00Z", "2025-05-28T10:00:00Z"),
    ]
    await sound(shop)


@pytest.mark.parametrize("first", ["gold", "silver"])
@pytest.mark.parametrize("together", [True, False], ids=["one order", "two orders"])
async def test_refunds_of_plans_that_replace_each_other_leave_nothing(
    app: FastAPI, api: httpx.AsyncClient, first: str, together: bool
) -> None:
    shop = await shop_of(app, api)
    lines = [{"line_id": "1", "sku": "gold-credits"}, {"line_id": "2", "sku": "silver-now"}]
    where = {"gold": ("o1", "1"), "silver": ("o1" if together else "o2", "2")}
    for order in {order: None for order, _ in where.values()}:
        mine = [{**line, "quantity": 1} for line in lines if (order, line["line_id"]) in where.values()]
        body = {"customer_id": "ann", "placed_at": LATER, "currency": "USD", "lines": mine}
        await shop.ok(await shop.put(f"/v1/orders/{order}", body), 201)
    await shop.move_clock("2025-03-28T10:00:00Z")
    assert await spendable(shop) == 0
    for plan in (first, "silver" if first == "gold" else "gold"):
        order, line = where[plan]
        refund = {"refund_id": f"r-{plan}", "lines": [{"line_id": line, "quantity": 1}], "reason": "regret"}
        await shop.ok(await shop.post(f"/v1/orders/{order}/refunds", refund))
        assert await spendable(shop) == 0
        await sound(shop)
    assert [row for row in await covers(shop) if row[2] > "2025-03-28T10:00:00Z"] == []
