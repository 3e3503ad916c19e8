"""Changed and refunded orders of plans end the same in any order of arrival, month for month."""

from __future__ import annotations

import os
import random

import httpx
import pytest
from fastapi import FastAPI

from app.db.engine import Database
from tests.inbound import histories
from tests.inbound.test_changed_orders import deliver, life, parked
from tests.recurring.shop import ALL, document, vendor_under
from tests.recurring.test_lives_of_plans import LICENSE, PACK_BY_MONTH
from tests.support import shops
from tests.support.chance import first_seed
from tests.support.vendors import sound

SKUS = ["reset", "keep", "capped", "hosted", "year-of-10", "pack"]
ROUNDS = int(os.environ.get("RETAINER_TEST_DELIVERIES", "250")) // 60
FOUND = (24, 179, 20261131)
"""Seeds of histories that ended differently once."""


@pytest.mark.parametrize(("round_", "seed"), [*((n, None) for n in range(ROUNDS)), *((0, seed) for seed in FOUND)])
async def test_changed_orders_of_plans_end_the_same_in_any_order(
    app: FastAPI, api: httpx.AsyncClient, round_: int, seed: int | None
) -> None:
    seed = first_seed() if seed is None else seed
    db: Database = app.state.house.database
    rng = random.Random(seed + round_)
    events = [event for number in range(1, 4) for event in life(rng, number, SKUS)]
    events.sort(key=lambda event: event["timestamp"])
    found = []
    for way in range(3):
        shop = await vendor_under(app, api, document(ALL + LICENSE + PACK_BY_MONTH), now="2025-01-15T00:00:00Z")
        made = await shop.ok(
            await shop.put("/v1/sources/shop", {"kind": "purchase", "secret": shops.STANDARD_SECRET}), 201
        )
        order = list(events) if way == 0 else rng.sample(events, len(events))
        await deliver(app, shop, made["token"], order, each=way < 2)
        assert await parked(shop) == [], (seed, round_)
        await sound(shop)
        await shop.move_clock("2025-06-20T00:00:00Z")
        await sound(shop)
        found.append(await histories.projection(db, shop.tenant_id, standing=True))
        await shop.close()
    for name in sorted(found[0]):
        for other in found[1:]:
            missing, more = set(found[0][name]) - set(other[name]), set(other[name]) - set(found[0][name])
            assert found[0][name] == other[name], (name, seed, round_, "missing", missing, "more", more)
