"""Upgrades into days or credits, downgrades at once: the plan that ran ends, and a refund puts it back, over HTTP."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.plans.shop import DOCUMENT, NOW, bought, opened
from tests.plans.test_gates import findings
from tests.plans.test_upgrades import covers
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

MORE = """
  - sku: silver-month
    title: Silver
    kind: cover
    clause: P-2
    price: {amount: "30.00", clause: P-2}
    grants: [{kind: cover, rule: silver_alone, clause: P-2, term: {days: 30}, start: after_current, plan: silver}]
  - sku: gold-days
    title: Gold, longer by what is left
    kind: cover
    clause: P-2
    price: {amount: "90.00", clause: P-2}
    grants:
      - kind: cover
        rule: gold_days
        clause: P-2
        term: {days: 30}
        plan: gold
        replaces: {plans: [silver], into: days}
  - sku: gold-credits
    title: Gold, and credits for what is left
    kind: cover
    clause: P-2
    price: {amount: "90.00", clause: P-2}
    grants:
      - kind: cover
        rule: gold_credits
        clause: P-2
        term: {days: 30}
        plan: gold
        replaces: {plans: [silver], into: credits, per_credit: "0.30", clause: P-4}
  - sku: silver-now
    title: Silver at once
    kind: cover
    clause: P-2
    price: {amount: "30.00", clause: P-2}
    grants:
      - kind: cover
        rule: silver_now
        clause: P-2
        term: {days: 30}
        plan: silver
        replaces: {plans: [gold], into: days, whole_days: up}
actions:
"""
TEXT = DOCUMENT.replace("actions:\n", MORE.lstrip("\n"), 1)
REFUND: Any = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "changed their mind"}


async def shop_of(app: FastAPI, api: httpx.AsyncClient) -> Vendor:
    """A tenant under these plans."""
    return await vendor_under(app, api, TEXT, now=NOW)


async def test_what_is_left_of_a_plan_that_was_suspended_keeps_its_worth(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    row = (await bought(shop, "o1", "silver-month"))["covers"][0]
    await shop.move_clock("2025-03-05T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{row['cover_id']}/suspension", {"reason": "a break"}))
    await shop.move_clock("2025-03-15T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{row['cover_id']}/resumption", {}))
    await shop.move_clock("2025-03-22T10:00:00Z")
    answer = await bought(shop, "o2", "gold-credits")
    assert [lot["granted"] for lot in answer["lots"]] == [70], "21 of 30 days: 21.00 USD at 0.30"
    await sound(shop)


async def test_what_is_left_makes_the_new_plan_longer(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "silver-month")
    await shop.move_clock("2025-03-12T10:00:00Z")
    answer = await bought(shop, "o2", "gold-days")
    assert [(row["plan"], row["ends_at"]) for row in answer["covers"]] == [("gold", "2025-04-18T10:00:00Z")]
    assert await covers(shop) == [
        ("gold", "2025-03-12T10:00:00Z", "2025-04-18T10:00:00Z"),
        ("silver", NOW, "2025-03-12T10:00:00Z"),
    ], "21.00 of silver are 7 days of gold"
    await sound(shop)
    await shop.move_clock("2025-04-10T10:00:00Z")
    assert (await opened(shop, "T-1", "call"))["paid_by"] == "cover"
    await sound(shop)


async def test_what_is_left_becomes_credits(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "silver-month")
    await bought(shop, "o2", "silver-month")
    await shop.move_clock("2025-03-18T10:00:00Z")
    answer = await bought(shop, "o3", "gold-credits")
    assert sorted((row["granted"], row["clause"]) for row in answer["lots"]) == [(50, "P-4"), (100, "P-4")]
    assert [row[0] for row in await covers(shop)] == ["gold", "silver"]
    await sound(shop)
    await shop.ok(await shop.post("/v1/orders/o3/refunds", REFUND))
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert balance["available"] == 0
    assert [row for row in await covers(shop) if row[0] == "silver"] == [
        ("silver", NOW, "2025-04-02T10:00:00Z"),
        ("silver", "2025-04-02T10:00:00Z", "2025-05-02T10:00:00Z"),
    ]
    await sound(shop)


async def test_a_downgrade_at_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "gold")
    await shop.move_clock("2025-03-18T22:00:00Z")
    answer = await bought(shop, "o2", "silver-now")
    assert (await opened(shop, "T-1", "call"))["state"] == "rejected", "gold is over"
    assert answer["covers"][0]["ends_at"] == "2025-06-01T22:00:00Z", "45 whole days more"
    await shop.ok(await shop.post("/v1/orders/o2/refunds", REFUND))
    assert (await opened(shop, "T-2", "call"))["paid_by"] == "cover", "gold runs again"
    await sound(shop)


@pytest.mark.parametrize("arrival", [*itertools.permutations(range(3))], ids=str)
async def test_any_order_of_arrival_comes_to_the_same(
    app: FastAPI, api: httpx.AsyncClient, arrival: tuple[int, ...]
) -> None:
    shop = await shop_of(app, api)
    placed = [("o1", "silver-month", NOW), ("o2", "gold-days", "2025-03-12T10:00:00Z")]
    placed.append(("o3", "credits-100", "2025-03-13T10:00:00Z"))
    await shop.move_clock("2025-03-14T10:00:00Z")
    for number in arrival:
        order, sku, at = placed[number]
        await bought(shop, order, sku, at=at)
    assert await covers(shop) == [
        ("gold", "2025-03-12T10:00:00Z", "2025-04-18T10:00:00Z"),
        ("silver", NOW, "2025-03-12T10:00:00Z"),
    ]
    await sound(shop)


def test_what_cannot_be_replaced_is_found() -> None:
    gold = "start: order, plan: gold, seats: 3"
    assert [code for code, _ in findings((gold, f"{gold}, replaces: {{plans: [bronze]}}"))] == ["unknown_plan"]
    late = "start: after_current, plan: gold, replaces: {plans: [silver]}"
    assert [code for code, _ in findings((gold, late))] == ["upgrade_waits"]
    rate = f"{gold}, replaces: {{plans: [silver], into: credits}}"
    assert [code for code, _ in findings((gold, rate))] == ["no_rate"]
