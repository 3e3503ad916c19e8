"""Upgrades in mid-period end with the lower plan and are priced for that time; downgrades begin at the end."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.plans.shop import DOCUMENT, NOW, bought, offer, opened
from tests.plans.test_gates import findings
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

UPGRADE = """
  - sku: silver-month
    title: Silver
    kind: cover
    clause: P-2
    price: {amount: "30.00", clause: P-2}
    grants: [{kind: cover, rule: silver_alone, clause: P-2, term: {days: 30}, start: after_current, plan: silver}]
  - sku: gold-upgrade
    title: Gold for the rest of the period
    kind: cover
    clause: P-2
    price: {amount: "90.00", clause: P-2}
    grants:
      - {kind: cover, rule: upgrade, clause: P-2, term: {days: 30}, start: order, plan: gold, ends: with_running}
actions:
"""
WITH_UPGRADE = DOCUMENT.replace("actions:\n", UPGRADE.lstrip("\n"), 1)


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> AsyncIterator[Vendor]:
    """A tenant under the plans with an upgrade."""
    made = await vendor_under(app, api, WITH_UPGRADE, now=NOW)
    yield made
    await made.close()


def ends(answer: Any) -> list[tuple[str | None, str]]:
    """The plans of an order's covers with their ends."""
    return [(cover["plan"], cover["ends_at"]) for cover in answer["covers"]]


async def covers(shop: Vendor, customer: str = "ann") -> list[tuple[str, str, str]]:
    """The covers that stand: plan, begin and end."""
    found = (await shop.ok(await shop.get(f"/v1/customers/{customer}")))["covers"]
    return sorted((c["plan"], c["starts_at"], c["ends_at"]) for c in found if c["state"] != "voided")


async def test_an_upgrade_costs_the_time_that_is_left_less_what_the_lower_plan_is_worth(shop: Vendor) -> None:
    assert (await offer(shop, "gold-upgrade"))["price"]["amount"] == "90.00", "alone it lasts its own term"
    await bought(shop, "o1", "silver-month")
    await shop.move_clock("2025-03-13T10:00:00Z")
    found = await offer(shop, "gold-upgrade")
    assert found["price"]["amount"] == "40.00", "20 of 30 days: 60.00 less 20.00"
    assert [(step["step"], step["amount"]["amount"]) for step in found["price_steps"]] == [
        ("list", "90.00"),
        ("time_left", "-30.00"),
        ("lower_plan", "-20.00"),
    ]
    assert found["price_steps"][2]["summary"] == "What is left of silver is worth 20 USD (P-2)."
    await shop.move_clock("2025-03-13T10:00:01Z")
    assert (await offer(shop, "gold-upgrade"))["price"]["amount"] == "40.00", "rounded to the cent"


async def test_time_that_a_plan_was_suspended_is_not_used(shop: Vendor) -> None:
    """Its end moved by as much: 20 of the 30 days that were bought are left."""
    row = (await bought(shop, "o1", "silver-month"))["covers"][0]
    await shop.move_clock("2025-03-05T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{row['cover_id']}/suspension", {"reason": "a break"}))
    await shop.move_clock("2025-03-15T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{row['cover_id']}/resumption", {}))
    await shop.move_clock("2025-03-23T10:00:00Z")
    found = await offer(shop, "gold-upgrade")
    assert found["price"]["amount"] == "40.00", "20 of 30 days: 60.00 less 20.00"
    assert found["price_steps"][2]["summary"] == "What is left of silver is worth 20 USD (P-2)."


async def test_the_upgrade_ends_with_the_plan_beneath_it(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-month")
    await shop.move_clock("2025-03-13T10:00:00Z")
    assert ends(await bought(shop, "o2", "gold-upgrade")) == [("gold", "2025-04-02T10:00:00Z")]
    assert (await opened(shop, "T-1", "call"))["paid_by"] == "cover"
    await shop.move_clock("2025-04-02T10:00:00Z")
    assert (await opened(shop, "T-2"))["state"] == "rejected"
    asked = "/v1/customers/ann/entitlements/open_ticket"
    assert (await shop.ok(await shop.get(asked, as_of="2025-04-02T09:59:59Z")))["allowed"]
    await sound(shop)


async def test_of_a_plan_bought_ahead_all_of_it_counts(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-month")
    await bought(shop, "o2", "silver-month")
    await shop.move_clock("2025-03-18T10:00:00Z")
    found = await offer(shop, "gold-upgrade")
    assert found["price"]["amount"] == "90.00", "45 days: 135.00 less 15.00 and 30.00"
    assert ends(await bought(shop, "o3", "gold-upgrade")) == [("gold", "2025-05-02T10:00:00Z")]
    await sound(shop)


async def test_a_refund_of_the_upgrade_leaves_the_lower_plan(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-month")
    await shop.move_clock("2025-03-13T10:00:00Z")
    await bought(shop, "o2", "gold-upgrade")
    refund: Any = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "changed their mind"}
    await shop.ok(await shop.post("/v1/orders/o2/refunds", refund))
    assert (await opened(shop, "T-1"))["paid_by"] == "cover"
    assert (await opened(shop, "T-2", "call"))["state"] == "rejected"
    assert ("silver", NOW, "2025-04-02T10:00:00Z") in await covers(shop)
    await sound(shop)


@pytest.mark.parametrize("arrival", [*itertools.permutations(range(3))], ids=str)
async def test_any_order_of_arrival_comes_to_the_same(shop: Vendor, arrival: tuple[int, ...]) -> None:
    placed = [("o1", "silver-month", NOW), ("o2", "silver-month", "2025-03-04T10:00:00Z")]
    placed.append(("o3", "gold-upgrade", "2025-03-13T10:00:00Z"))
    await shop.move_clock("2025-03-14T10:00:00Z")
    for number in arrival:
        order, sku, at = placed[number]
        await bought(shop, order, sku, at=at)
    assert await covers(shop) == [
        ("gold", "2025-03-13T10:00:00Z", "2025-05-02T10:00:00Z"),
        ("silver", NOW, "2025-04-02T10:00:00Z"),
        ("silver", "2025-04-02T10:00:00Z", "2025-05-02T10:00:00Z"),
    ]
    await sound(shop)


async def test_a_merge_keeps_the_upgrade(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-month", customer="bob")
    await shop.move_clock("2025-03-13T10:00:00Z")
    await bought(shop, "o2", "gold-upgrade", customer="bob")
    await bought(shop, "o3", "license-basic")
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    assert await covers(shop) == [
        ("gold", "2025-03-13T10:00:00Z", "2025-04-02T10:00:00Z"),
        ("silver", NOW, "2025-04-02T10:00:00Z"),
    ]
    assert (await opened(shop, "T-1", "call"))["paid_by"] == "cover"
    await sound(shop)


async def test_a_downgrade_begins_when_the_higher_plan_ends(shop: Vendor) -> None:
    await bought(shop, "o1", "gold")
    await shop.move_clock("2025-03-13T10:00:00Z")
    assert ends(await bought(shop, "o2", "silver-month")) == [("silver", "2025-05-03T10:00:00Z")]
    assert (await opened(shop, "T-1", "call"))["paid_by"] == "cover", "gold runs to its end"
    await shop.move_clock("2025-04-03T10:00:00Z")
    assert (await opened(shop, "T-2", "call"))["state"] == "rejected"
    assert (await opened(shop, "T-3"))["paid_by"] == "cover"
    await sound(shop)


def test_upgrades_are_checked_with_their_lines() -> None:
    line = (
        "- {kind: cover, rule: gold_month, clause: P-2, term: {months: 1}, start: order, plan: %s, ends: with_running}"
    )
    lowest = findings(("plan: gold, seats: 3", "plan: maintenance, ends: with_running"))
    assert ("no_lower_plan", line % "maintenance") in lowest
    late = findings(("start: order, plan: gold, seats: 3", "start: after_current, plan: gold, ends: with_running"))
    assert [code for code, _ in late] == ["upgrade_waits"]


async def test_a_lower_plan_that_was_taken_back_within_a_second_is_worth_nothing(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-month")
    await shop.move_clock("2025-03-03T10:00:00.500Z")
    body = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "regret"}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", body, key=None))
    made = await bought(shop, "o2", "gold-upgrade", at="2025-03-03T10:00:00.200Z")
    assert [cover["plan"] for cover in made["covers"]] == ["gold"]
    asked = await shop.get("/v1/offers/gold-upgrade", customer_id="ann")
    assert asked.status_code == 200
    await sound(shop)
