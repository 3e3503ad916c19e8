"""Chains of plans that replace each other: any order of arrival ends with the same plans and credits, over HTTP."""

from __future__ import annotations

import itertools
import os
import random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.plans.shop import bought
from tests.plans.test_replaced_plans import TEXT
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

Placed = tuple[str, str, str]
"""An order, what it buys, and when."""
LATE = "2025-03-25T10:00:00Z"
SKUS = ["gold-credits", "gold-days", "silver-month", "silver-now", "gold"]
SEEDS = [int(os.environ["RETAINER_TEST_SEED"])] if "RETAINER_TEST_SEED" in os.environ else [*range(1, 7)]
KNOWN: list[Placed] = [
    ("a", "gold-credits", "2025-03-08T10:00:00Z"),
    ("b", "silver-month", "2025-03-09T10:00:00Z"),
    ("c", "silver-now", "2025-03-13T10:00:00Z"),
    ("d", "gold-credits", "2025-03-20T10:00:00Z"),
]


async def stands(app: FastAPI, api: httpx.AsyncClient, placed: list[Placed], refunds: list[str]) -> Any:
    """What a customer has who bought this, whose orders are told in this order, some of them refunded then."""
    shop = await vendor_under(app, api, TEXT, now=LATE)
    for order, sku, at in placed:
        await bought(shop, order, sku, at=at)
    found = [await standing(shop)]
    for order in refunds:
        body = {"refund_id": f"r-{order}", "lines": [{"line_id": "1", "quantity": 1}], "reason": "regret"}
        await shop.ok(await shop.post(f"/v1/orders/{order}/refunds", body))
        found.append(await standing(shop))
    return found


async def standing(shop: Vendor) -> Any:
    """Credits, and periods with their begins and ends, of orders by name; what came to nothing is left out."""
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id="ann")))["data"]
    await sound(shop)
    periods = [(row["order_id"], row["starts_at"], row["ends_at"]) for row in rows if row["state"] != "voided"]
    return balance["available"], balance["owed"], sorted(periods)


async def test_a_chain_gives_the_same_in_every_order_of_arrival(app: FastAPI, api: httpx.AsyncClient) -> None:
    for arrival in [*itertools.permutations(KNOWN)][::3]:
        ((credits_, _, periods),) = await stands(app, api, [*arrival], [])
        assert credits_ == 100 + 93, arrival  # all of silver from b, which waits behind c, and 98 of 105 days from c
        assert [order for order, _, ends in periods if ends > LATE] == ["d"], arrival


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_chain_gives_the_same_in_any_order_of_arrival(
    app: FastAPI, api: httpx.AsyncClient, seed: int
) -> None:
    rng = random.Random(seed)
    days = sorted(rng.sample(range(1, 25), rng.choice([3, 4, 5])))
    placed = [(f"o{i}", rng.choice(SKUS), f"2025-03-{day:02}T10:00:00Z") for i, day in enumerate(days)]
    refunds = rng.sample([order for order, _, _ in placed], rng.choice([0, 1, 2]))
    expected = await stands(app, api, placed, refunds)
    for _ in range(3):
        arrival = rng.sample(placed, len(placed))
        assert await stands(app, api, arrival, refunds) == expected, (placed, arrival, refunds)


@pytest.mark.parametrize("skus", [("gold-days", "silver-month"), ("silver-now", "gold-days")], ids=" then ".join)
async def test_of_two_orders_at_one_instant_the_id_says_which_replaces(
    app: FastAPI, api: httpx.AsyncClient, skus: tuple[str, str]
) -> None:
    """A later order, which concerns neither, changes nothing of it."""
    at = "2025-03-08T10:00:00Z"
    placed = [("a", skus[0], at), ("b", skus[1], at)]
    ((_, _, right),) = await stands(app, api, placed, [])
    for arrival in itertools.permutations([*placed, ("c", "silver-month", at)]):
        ((_, _, found),) = await stands(app, api, [*arrival], [])
        assert [row for row in found if row[0] != "c"] == right, arrival
