"""Plans that replace one another, refunds and merges: whatever is told late, a merge changes nothing of one account.

Each story ends with the same covers, credits and debts, wherever in it the account is merged into an empty one.
"""

from __future__ import annotations

import os
import random
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.domain.values.wire import iso
from tests.ledger.test_audit import found_after
from tests.plans.shop import NOW, bought
from tests.plans.test_replaced_plans import TEXT
from tests.support.api import Vendor
from tests.support.vendors import refunded, sound, vendor_under

WHO, HEIR = "ann", "heir"
TAKEN = "a_refunded_unit_takes_one_period"
BEGAN = datetime.fromisoformat(NOW)
Step = tuple[Any, ...]
"""``buy`` an order's sku, so many, placed so many days after the beginning; ``refund`` so many of it; ``to`` a day."""

STORIES: dict[str, list[Step]] = {
    "a plan told late replaces one from before a refund": [
        ("to", 100),
        ("buy", "a", "silver-month", 2, 100),
        ("buy", "b", "silver-month", 1, 55),
        ("refund", "b", 1),
        ("buy", "c", "gold-days", 1, 70),
        ("to", 200),
    ]
}


async def play(shop: Vendor, who: str, number: int, step: Step) -> None:
    """Play one step of a story."""
    if step[0] == "to":
        await shop.move_clock(iso(BEGAN + timedelta(days=step[1])))
    elif step[0] == "buy":
        _, order, sku, quantity, day = step
        await bought(shop, order, sku, customer=who, at=iso(BEGAN + timedelta(days=day)), quantity=quantity)
    else:
        await refunded(shop, step[1], step[2], refund=f"r{number}")
    await sound(shop)


async def stands(shop: Vendor, who: str) -> Any:
    """The customer's credits, debts and covers; what came to nothing is left out."""
    balance = await shop.ok(await shop.get(f"/v1/customers/{who}/balance"))
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id=who)))["data"]
    found = [(row["order_id"], row["starts_at"], row["ends_at"], row["state"]) for row in rows]
    periods = sorted(row for row in found if row[3] != "voided" and row[1] != row[2])
    return {"credits": balance["available"], "owed": balance["owed"], "covers": periods}


async def story(app: FastAPI, api: httpx.AsyncClient, steps: list[Step], place: int | None) -> list[Any]:
    """Play a story with a merge before a step; return how things stand after each."""
    shop = await vendor_under(app, api, TEXT, now=NOW)
    await shop.ok(await shop.put(f"/v1/customers/{WHO}", {"name": "Ann"}))
    who, found = WHO, []
    for number, step in enumerate(steps):
        if number == place:
            await shop.ok(await shop.post(f"/v1/customers/{WHO}/merge", {"into_customer_id": HEIR}))
            who = HEIR
            await sound(shop)
        await play(shop, who, number, step)
        found.append(await stands(shop, who))
    return found


def by_chance(seed: int) -> list[Step]:
    """Return a story drawn by chance."""
    rng, day, steps = random.Random(seed), 0, []
    units: dict[str, int] = {}
    skus = ["gold-credits", "gold-days", "silver-month", "silver-month", "silver-now", "gold", "maintenance-12-months"]
    for number in range(rng.randint(4, 8)):
        kind = rng.choice(["buy", "buy", "late", "late", "refund", "refund", "to"])
        if kind == "refund" and (there := [order for order, left in units.items() if left]):
            order = rng.choice(there)
            count = rng.randint(1, units[order])
            units[order] -= count
            steps.append(("refund", order, count))
        elif kind == "to":
            day += rng.choice([1, 7, 20, 40])
            steps.append(("to", day))
        else:
            order, quantity = f"o{number}", rng.choice([1, 1, 2, 3])
            units[order] = quantity
            placed = day if kind == "buy" else rng.randint(max(day - 50, 0), day)
            steps.append(("buy", order, rng.choice(skus), quantity, placed))
    return [*steps, ("to", day + 60)]


PLACES = [(name, place) for name, steps in STORIES.items() for place in range(1, len(steps))]
SEEDS = [int(os.environ["RETAINER_TEST_SEED"])] if "RETAINER_TEST_SEED" in os.environ else [*range(1, 9)]


@pytest.mark.parametrize(("name", "place"), PLACES)
async def test_a_merge_into_an_empty_account_changes_nothing(
    app: FastAPI, api: httpx.AsyncClient, name: str, place: int
) -> None:
    steps = STORIES[name]
    assert (await story(app, api, steps, place)) == await story(app, api, steps, None)


@pytest.mark.parametrize("seed", SEEDS)
async def test_nor_in_a_story_by_chance(app: FastAPI, api: httpx.AsyncClient, seed: int) -> None:
    steps = by_chance(seed)
    expected = await story(app, api, steps, None)
    for place in range(1, len(steps)):
        found = await story(app, api, steps, place)
        for step, now, then in zip(steps, found, expected, strict=True):
            assert now == then, (place, step, steps)


async def test_the_audit_sees_a_refund_that_took_a_period_of_the_other_account(
    app: FastAPI, api: httpx.AsyncClient, db: Database
) -> None:
    shop = await vendor_under(app, api, TEXT, now=NOW)
    for number, step in enumerate([("buy", "a", "silver-month", 2, 0), ("refund", "a", 1)]):
        await play(shop, WHO, number, step)
    await shop.ok(await shop.post(f"/v1/customers/{WHO}/merge", {"into_customer_id": HEIR}))
    left = """update cover set data = jsonb_set(data, '{merges,0,side}', '"other"')"""
    assert TAKEN in await found_after(db, shop.tenant_id, left)


TWO_SIDED: dict[str, tuple[list[Step], list[Step], list[Step]]] = {
    "each side replaced and refunded plans of its own": (
        [
            ("buy", "a", "silver-month", 2, 0),
            ("buy", "b", "silver-month", 1, 5),
            ("refund", "b", 1),
            ("buy", "c", "gold-days", 1, 3),
        ],
        [("buy", "x", "silver-month", 3, 2), ("refund", "x", 1), ("buy", "y", "silver-month", 1, 8)],
        [("to", 20), ("refund", "x", 1), ("refund", "c", 1), ("to", 200)],
    ),
    "a refund after the merge takes no period of the other queue": (
        [("buy", "a", "silver-month", 1, 0)],
        [("buy", "x", "silver-month", 2, 0), ("buy", "y", "silver-month", 1, 4)],
        [("to", 20), ("refund", "a", 1), ("refund", "x", 1), ("to", 200)],
    ),
    "a plan of one side is not replaced by one of the other": (
        [("buy", "a", "silver-month", 2, 0), ("buy", "b", "maintenance-12-months", 1, 1)],
        [("buy", "x", "gold-days", 1, 5), ("buy", "y", "gold-credits", 1, 6)],
        [("refund", "b", 1), ("to", 12), ("refund", "x", 1), ("refund", "a", 1), ("refund", "y", 1), ("to", 200)],
    ),
}


@pytest.mark.parametrize("name", sorted(TWO_SIDED))
async def test_what_each_side_would_have_alone_it_has_after_a_merge(
    app: FastAPI, api: httpx.AsyncClient, name: str
) -> None:
    first, second, later = TWO_SIDED[name]
    merged = await two_sided(app, api, first, second, later)
    mine, theirs = [{step[1] for step in side if step[0] == "buy"} for side in (first, second)]
    alone = [
        await two_sided(app, api, first if orders is mine else [], second if orders is theirs else [], later, orders)
        for orders in (mine, theirs)
    ]
    assert merged["covers"] == sorted(alone[0]["covers"] + alone[1]["covers"])
    assert merged["credits"] == alone[0]["credits"] + alone[1]["credits"]


async def two_sided(
    app: FastAPI,
    api: httpx.AsyncClient,
    first: list[Step],
    second: list[Step],
    later: list[Step],
    orders: set[str] | None = None,
) -> Any:
    """Play what one and another account do, merge them, and play what is told later. ``orders``: of these alone."""
    shop = await vendor_under(app, api, TEXT, now=NOW)
    await shop.move_clock(iso(BEGAN + timedelta(days=10)))
    for who in (WHO, HEIR):
        await shop.ok(await shop.put(f"/v1/customers/{who}", {"name": who}))
    for who, steps in ((WHO, first), (HEIR, second)):
        for number, step in enumerate(steps):
            await play(shop, who, number, step)
    before = [await stands(shop, who) for who in (WHO, HEIR)]
    await shop.ok(await shop.post(f"/v1/customers/{WHO}/merge", {"into_customer_id": HEIR}))
    await sound(shop)
    after = await stands(shop, HEIR)
    assert after["covers"] == sorted(before[0]["covers"] + before[1]["covers"])
    for number, step in enumerate(later, 100):
        if step[0] == "to" or orders is None or step[1] in orders:
            await play(shop, HEIR, number, step)
    return await stands(shop, HEIR)
