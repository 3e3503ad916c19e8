"""Credits that were given away, and top-ups that are told after that: any order of arrival leads to the same ends."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.living.shop import NOW, balance, bought
from tests.living.test_extension import GIVEN
from tests.support.api import Vendor
from tests.support.vendors import refunded, sound, vendor_under

TOP_UP = "2025-09-01T00:00:00Z"
GIVEN_AT = "2025-10-01T00:00:00Z"
LATE = "2025-11-01T00:00:00Z"
BIG = """  - sku: big-pack
    title: A big pack
    kind: credits
    clause: L-1
    price: {amount: "10.00", clause: L-1}
    grants:
      - {kind: credits, rule: big, clause: L-1, credits: 20, expires: {years: 1}, extends: [pack]}
"""
OWN, LONGER = "2026-03-03T10:00:00Z", "2026-09-01T00:00:00Z"


async def lot_of(shop: Vendor, customer: str, granted: int) -> Any:
    """The lot of so many credits."""
    return next(lot for lot in (await balance(shop, customer))["lots"] if lot["granted"] == granted)


async def hand_over(shop: Vendor, giver: str, taker: str, granted: int = 10) -> None:
    """A lot goes to somebody else."""
    lot = await lot_of(shop, giver, granted)
    await shop.ok(await shop.put(f"/v1/customers/{taker}", {}))
    await shop.ok(await shop.post(f"/v1/lots/{lot['lot_id']}/transfer", {"to_customer_id": taker}))


async def ends(shop: Vendor, customer: str) -> list[tuple[int, str]]:
    """What is left of each lot, and until when."""
    return sorted((lot["available"], lot["expires_at"]) for lot in (await balance(shop, customer))["lots"])


@pytest.mark.parametrize("told", ["in time", "late"])
async def test_a_top_up_reaches_what_was_given_away_after_it(app: FastAPI, api: httpx.AsyncClient, told: str) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    if told == "in time":
        await shop.move_clock(TOP_UP)
        await bought(shop, "credits-20", "o2", at=TOP_UP)
    await shop.move_clock(GIVEN_AT)
    await hand_over(shop, "ann", "bea")
    await shop.move_clock(LATE)
    if told == "late":
        await bought(shop, "credits-20", "o2", at=TOP_UP)
    assert await ends(shop, "bea") == [(10, LONGER)]
    assert await ends(shop, "ann") == [(20, LONGER)]
    lot = await lot_of(shop, "bea", 10)
    story = (await shop.ok(await shop.get(f"/v1/explain/lot/{lot['lot_id']}")))["summary"]
    assert "Order o2 made that longer; without that it would be until 3 March 2026." in story
    await sound(shop)
    await refunded(shop, "o2")
    assert await ends(shop, "bea") == [(10, OWN)]
    await sound(shop)


@pytest.mark.parametrize("at", [GIVEN_AT, LATE], ids=["as it is given", "later"])
async def test_a_top_up_that_was_bought_later_does_not(app: FastAPI, api: httpx.AsyncClient, at: str) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock(GIVEN_AT)
    await hand_over(shop, "ann", "bea")
    await shop.move_clock(LATE)
    await bought(shop, "credits-20", "o2", at=at)
    assert await ends(shop, "bea") == [(10, OWN)]
    await refunded(shop, "o2")
    assert await ends(shop, "bea") == [(10, OWN)]
    await sound(shop)


@pytest.mark.parametrize("way", ["given on", "merged", "given on and merged", "giver merged"])
async def test_it_reaches_them_wherever_they_went(app: FastAPI, api: httpx.AsyncClient, way: str) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock(GIVEN_AT)
    await hand_over(shop, "ann", "bea")
    home, there = "ann", "bea"
    await shop.move_clock("2025-10-10T00:00:00Z")
    if "given on" in way:
        await hand_over(shop, "bea", "carl")
        there = "carl"
    if way.endswith("merged") and way != "giver merged":
        await shop.ok(await shop.post(f"/v1/customers/{there}/merge", {"into_customer_id": "dora"}))
        there = "dora"
    if way == "giver merged":
        await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "dora"}))
        home = "dora"
    await shop.move_clock(LATE)
    await bought(shop, "credits-20", "o2", at=TOP_UP, customer=home)
    assert await ends(shop, there) == [(10, LONGER)]
    await sound(shop)
    await refunded(shop, "o2")
    assert await ends(shop, there) == [(10, OWN)]
    await sound(shop)


async def test_what_the_receiver_buys_goes_on_from_what_the_giver_bought(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock(TOP_UP)
    await bought(shop, "credits-20", "o2", at=TOP_UP)
    await shop.move_clock(GIVEN_AT)
    await hand_over(shop, "ann", "bea")
    await shop.move_clock("2026-04-01T00:00:00Z")  # past its own end; good by the top-up alone
    await bought(shop, "credits-5", "o3", at="2026-04-01T00:00:00Z", customer="bea")
    assert await ends(shop, "bea") == [(5, "2027-04-01T00:00:00Z"), (10, "2027-04-01T00:00:00Z")]
    await sound(shop)
    await refunded(shop, "o3")
    assert await ends(shop, "bea") == [(10, LONGER)]
    await sound(shop)


@pytest.mark.parametrize("told", [*itertools.permutations(("o2", "o3", "give"))], ids="-".join)
async def test_in_any_order(app: FastAPI, api: httpx.AsyncClient, told: tuple[str, ...]) -> None:
    """The giver's top-up was bought before the transfer, the receiver's own after it."""
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    times = {"o2": TOP_UP, "o3": "2025-10-15T00:00:00Z"}
    await shop.move_clock(GIVEN_AT)
    for what in told:
        if what == "give":
            await hand_over(shop, "ann", "bea")
            await shop.move_clock(LATE)
        else:
            at, who = times[what], "ann" if what == "o2" else "bea"
            if what == "o3" and "give" not in told[: told.index(what)]:
                continue  # it comes at last, as nobody tells of what is to come
            await bought(shop, "credits-20", what, at=at, customer=who)
    if told.index("o3") < told.index("give"):
        await bought(shop, "credits-20", "o3", at=times["o3"], customer="bea")
    assert await ends(shop, "bea") == [(10, "2026-10-15T00:00:00Z"), (20, "2026-10-15T00:00:00Z")]
    await sound(shop)
    await refunded(shop, "o3")
    assert await ends(shop, "bea") == [(10, LONGER)]
    await sound(shop)


async def test_a_line_that_was_not_sold_before_reaches_them_too(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, GIVEN, now=NOW)
    await bought(shop, "credits-10", "o1")
    await shop.move_clock(TOP_UP)
    answer = await bought(shop, "big-pack", "o2", at=TOP_UP)
    assert [row["code"] for row in answer["not_granted"]] == ["unknown_sku"]
    await shop.move_clock(GIVEN_AT)
    await hand_over(shop, "ann", "bea")
    await shop.move_clock(LATE)
    first = GIVEN.index("  - sku: trainings")
    both = GIVEN[:first] + BIG + GIVEN[first:]
    await shop.ok(await shop.post("/v1/policies/living/versions", {"document": both, "effective_from": LATE}))
    await shop.move_clock("2025-11-02T00:00:00Z")
    await shop.ok(await shop.post("/v1/orders/o2/replay", {}))
    assert await ends(shop, "bea") == [(10, LONGER)]
    await sound(shop)
