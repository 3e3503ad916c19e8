"""What waits behind a plan waits behind what replaces it, over HTTP."""

from __future__ import annotations

import itertools

import httpx
import pytest
from fastapi import FastAPI

from tests.plans.shop import bought
from tests.plans.test_any_chain import standing
from tests.plans.test_replaced_plans import shop_of
from tests.plans.test_replaced_then_refunded import refunded

DAY = "2025-03-{:02}T10:00:00Z"
BOUGHT = [("a", "gold", DAY.format(2)), ("b", "silver-month", DAY.format(4)), ("c", "silver-now", DAY.format(12))]


@pytest.mark.parametrize("arrival", [*itertools.permutations(BOUGHT)], ids=lambda way: "".join(one[0] for one in way))
async def test_what_waits_behind_a_plan_waits_behind_what_replaces_it(
    app: FastAPI, api: httpx.AsyncClient, arrival: tuple[tuple[str, str, str], ...]
) -> None:
    shop = await shop_of(app, api)
    await shop.move_clock(DAY.format(14))
    for order, sku, at in arrival:
        await bought(shop, order, sku, at=at)
    _, _, (gold, silver, now) = await standing(shop)
    assert gold[1:] == (DAY.format(2), DAY.format(12))
    assert now[1] == DAY.format(12)
    assert silver[1] == now[2], "one begins where the other ends"
    await refunded(shop, "c")
    _, _, found = await standing(shop)
    gold, silver = (row for row in found if row[0] in "ab")
    assert gold[1:] == (DAY.format(2), "2025-04-02T10:00:00Z")
    assert silver[1] == gold[2]
    await shop.move_clock(DAY.format(16))
    await refunded(shop, "a", "r2")
    _, _, found = await standing(shop)
    assert [row[1:] for row in found if row[0] == "b"] == [(DAY.format(16), "2025-04-15T10:00:00Z")]
