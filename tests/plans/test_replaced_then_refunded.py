"""What a plan gave for another one that it replaced, beside refunds, disputes and orders that are told late."""

from __future__ import annotations

import itertools
import random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.inbound.test_payment_disputes import deliver, dispute, session
from tests.plans.shop import NOW, bought
from tests.plans.test_replaced_plans import REFUND, TEXT, shop_of
from tests.plans.test_upgrades import covers
from tests.support import shops
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

UPGRADES = ["gold-days", "gold-credits"]


async def refunded(shop: Vendor, order: str, refund: str = "r1", quantity: int = 1) -> Any:
    """Units of an order that are refunded."""
    body = {**REFUND, "refund_id": refund, "lines": [{"line_id": "1", "quantity": quantity}]}
    return await shop.ok(await shop.post(f"/v1/orders/{order}/refunds", body))


async def spendable(shop: Vendor, customer: str = "ann") -> int:
    """What the customer can spend."""
    found: int = (await shop.ok(await shop.get(f"/v1/customers/{customer}/balance")))["available"]
    return found


@pytest.mark.parametrize("sku", UPGRADES)
async def test_a_refund_of_the_old_plan_takes_what_the_new_one_gave_for_it(
    app: FastAPI, api: httpx.AsyncClient, sku: str
) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "silver-month", quantity=2)
    await shop.move_clock("2025-03-18T10:00:00Z")
    await bought(shop, "o2", sku)
    assert (await spendable(shop), (await covers(shop))[0]) == (
        (150, ("gold", "2025-03-18T10:00:00Z", "2025-04-17T10:00:00Z"))
        if sku == "gold-credits"
        else (0, ("gold", "2025-03-18T10:00:00Z", "2025-05-02T10:00:00Z"))
    )
    await shop.move_clock("2025-03-19T10:00:00Z")
    answer = await refunded(shop, "o1")
    assert answer["not_taken_back"] == []
    (taken,) = answer["taken_back"]
    assert taken.get("credits", taken.get("ends_at")) == (100 if sku == "gold-credits" else "2025-04-22T10:00:00Z")
    await refunded(shop, "o1", "r2")
    assert await spendable(shop) == 0
    assert (await covers(shop))[0] == ("gold", "2025-03-18T10:00:00Z", "2025-04-17T10:00:00Z")
    await sound(shop)
    await shop.move_clock("2025-03-21T10:00:00Z")
    await refunded(shop, "o2", "r3")
    await shop.move_clock("2025-03-22T10:00:00Z")
    gate = await shop.ok(await shop.get("/v1/customers/ann/entitlements/open_ticket"))
    assert not gate["allowed"], "both plans are paid back"
    await sound(shop)


@pytest.mark.parametrize("sku", UPGRADES)
async def test_an_old_plan_told_late_is_put_back_by_a_refund_of_the_new_one(
    app: FastAPI, api: httpx.AsyncClient, sku: str
) -> None:
    shop = await shop_of(app, api)
    await shop.move_clock("2025-03-18T10:00:00Z")
    await bought(shop, "o2", sku, at="2025-03-12T10:00:00Z")
    await bought(shop, "o1", "silver-month", at=NOW)
    assert await spendable(shop) == (70 if sku == "gold-credits" else 0)
    await refunded(shop, "o2")
    assert ("silver", NOW, "2025-04-02T10:00:00Z") in await covers(shop)
    assert await spendable(shop) == 0
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    granted = [event["data"] for event in events if event["type"] == "cover.granted"]
    assert len([data for data in granted if data["order_id"] == "o2"]) == 1
    await sound(shop)


async def disputed(app: FastAPI, api: httpx.AsyncClient, sku: str) -> tuple[Vendor, str]:
    """Silver of 20 February, replaced on 1 March by a plan whose payment the bank took back on 2 March."""
    shop = await vendor_under(app, api, TEXT, now="2025-02-20T10:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    await bought(shop, "o1", "silver-month", customer="shop:17")
    await shop.move_clock("2025-03-02T00:00:00Z")
    assert (await deliver(shop, made["path"], session(sku, 1, 9000)))["state"] == "done"
    assert (await deliver(shop, made["path"], dispute("lost", amount=9000)))["state"] == "done"
    await shop.move_clock("2025-03-05T00:00:00Z")
    return shop, made["path"]


async def of_silver(shop: Vendor) -> tuple[str, str | None]:
    """State and end of the plan of order o1."""
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id="shop:17")))["data"]
    (row,) = (row for row in rows if row["order_id"] == "o1")
    return row["state"], row["ends_at"]


@pytest.mark.parametrize("sku", UPGRADES)
@pytest.mark.parametrize("meanwhile", ["nothing", "suspended", "refunded", "replaced"])
async def test_a_dispute_that_is_won_replaces_the_old_plan_again(
    app: FastAPI, api: httpx.AsyncClient, sku: str, meanwhile: str
) -> None:
    shop, path = await disputed(app, api, sku)
    assert await of_silver(shop) == ("running", "2025-03-22T10:00:00Z")
    if meanwhile == "suspended":
        (row,) = (
            row for row in (await shop.get("/v1/covers", customer_id="shop:17")).json()["data"] if row["plan"] != "gold"
        )
        await shop.ok(await shop.post(f"/v1/covers/{row['cover_id']}/suspension", {"reason": "a break"}))
    elif meanwhile == "refunded":
        await refunded(shop, "o1")
    elif meanwhile == "replaced":
        await bought(shop, "o3", "gold-credits", customer="shop:17")
    given = {"nothing": 69, "suspended": 69, "refunded": 0, "replaced": 0}[meanwhile] if sku == "gold-credits" else 0
    more = 58 if meanwhile == "replaced" else 0  # what order o3 gave for the rest of silver
    assert (await deliver(shop, path, dispute("won", number=2, amount=9000)))["state"] == "done"
    assert await spendable(shop, "shop:17") == given + more
    late = "2025-03-05T00:00:00Z"
    then = late if meanwhile in ("refunded", "replaced") else "2025-03-01T10:00:05Z"
    assert await of_silver(shop) == ("ended", then)
    await sound(shop)
    await refunded(shop, "shop:pi_D1")
    states = {
        "nothing": ("running", "2025-03-22T10:00:00Z"),
        "suspended": ("suspended", None),
        "refunded": ("ended", late),
        "replaced": ("ended", late),
    }
    assert await of_silver(shop) == states[meanwhile]
    assert await spendable(shop, "shop:17") == more
    await sound(shop)


async def test_a_plan_bought_to_follow_is_not_replaced_by_what_it_follows(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await shop_of(app, api)
    await bought(shop, "o1", "gold-days", quantity=2)
    await shop.move_clock("2025-03-10T10:00:00Z")
    await bought(shop, "o2", "silver-month")
    assert ("silver", "2025-05-02T10:00:00Z", "2025-06-01T10:00:00Z") in await covers(shop)
    await sound(shop)


SCENES = [
    [("silver-month", 8, 1), ("silver-month", 12, 1), ("gold-days", 24, 1)],
    [("silver-now", 6, 2), ("gold-days", 12, 1), ("silver-month", 26, 1)],
    [("gold-credits", 3, 2), ("silver-now", 5, 1), ("gold-days", 21, 1)],
    [("silver-month", 4, 2), ("gold-credits", 10, 1), ("silver-now", 21, 1)],
    [("gold-days", 11, 2), ("silver-month", 14, 1), ("silver-now", 19, 1), ("silver-month", 24, 2)],
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: "-".join(sku for sku, *_ in scene))
async def test_chains_of_plans_end_the_same_in_any_order(
    app: FastAPI, api: httpx.AsyncClient, scene: list[tuple[str, int, int]]
) -> None:
    ways = list(itertools.permutations(range(len(scene))))
    found = []
    for way in [ways[0], ways[-1], *random.Random(len(scene)).sample(ways[1:-1], 2)]:
        shop = await shop_of(app, api)
        await shop.move_clock("2025-03-28T10:00:00Z")
        for number in way:
            sku, day, quantity = scene[number]
            await bought(shop, f"o{number}", sku, at=f"2025-03-{day:02}T10:00:00Z", quantity=quantity)
        found.append((await covers(shop), await spendable(shop)))
        await sound(shop)
    assert found[1:] == found[:1] * 3
