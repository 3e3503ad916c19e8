"""Orders that their shop changes after they were granted: the newest snapshot counts, whichever comes first."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.usecases.inbound import Inbox
from tests.conftest import MakeVendor
from tests.inbound import histories
from tests.support import shops
from tests.support.api import Vendor

ROUNDS = int(os.environ.get("RETAINER_TEST_DELIVERIES", "250")) // 50
PRODUCTS = {
    **histories.PRODUCTS,
    "license": {"sku": "license", "attributes": {}},
}
SKUS = ["license", "credits-50", "credits-100", "support-3-months"]


def line(number: int, sku: str, quantity: int, price: str | None = None) -> dict[str, Any]:
    return {
        "line_id": str(number),
        "sku": sku,
        "quantity": quantity,
        **({} if price is None else {"unit_price": price}),
    }


def told(number: int, at: datetime, kind: str = "order.updated", **data: Any) -> dict[str, Any]:
    return shops.purchase(kind, at=histories.iso(at), order_id=f"o{number}", **data)


def life(rng: random.Random, number: int) -> list[dict[str, Any]]:
    """Snapshots of one order whose quantities, lines, products, prices and customer change, and its refunds."""
    at = histories.START + timedelta(days=rng.randint(0, 300))
    placed = histories.iso(at)
    lines = {n: [rng.choice(SKUS), rng.randint(1, 3), None] for n in range(1, rng.randint(2, 4))}
    customer = rng.randint(1, 2)
    events = []
    for step in range(rng.randint(2, 5)):
        at += timedelta(seconds=rng.randint(1, 90_000))
        events.append(
            told(number, at, customer_id=str(customer), placed_at=placed, currency="USD",
                 status="paid" if step or rng.random() < 0.8 else "pending",
                 lines=[line(n, *one) for n, one in lines.items()])
        )  # fmt: skip
        if rng.random() < 0.3:
            n = rng.choice(list(lines))
            events.append(
                told(number, at, "order.refunded", refund_id=f"r{step}",
                     lines=[{"line_id": str(n), "quantity": rng.randint(1, 2)}])
            )  # fmt: skip
        for n in list(lines):
            what = rng.random()
            if what < 0.5:
                lines[n][1] = rng.randint(1, 4)
            elif what < 0.6 and len(lines) > 1:
                del lines[n]
            elif what < 0.7:
                lines[n][0] = rng.choice(SKUS)
            elif what < 0.8:
                lines[n][2] = rng.choice(["45.00", "5.00"])
        if rng.random() < 0.2:
            lines[rng.randint(1, 4)] = [rng.choice(SKUS), 1, None]
        if rng.random() < 0.3:
            customer = rng.randint(1, 3)
    if rng.random() < 0.1:
        events.append(told(number, at + timedelta(hours=1), "order.cancelled"))
    return events


async def a_shop(vendor: MakeVendor, policy: str = "cs-cart") -> tuple[Vendor, str]:
    tenant = await vendor(policy)
    made = await tenant.ok(
        await tenant.put("/v1/sources/shop", {"kind": "purchase", "secret": shops.STANDARD_SECRET}), 201
    )
    return tenant, made["token"]


async def deliver(app: FastAPI, tenant: Vendor, token: str, events: list[Any], *, each: bool) -> None:
    inbox: Inbox = app.state.house.parts["inbound"]
    db: Database = app.state.house.database
    for event in events:
        number = events.index(event)
        headers, body = histories.signed("purchase", event, f"m{number}-{id(event)}")
        await inbox.receive(db, token, headers, body, datetime.now(UTC))
        if each:
            await inbox.act(db, tenant.tenant_id)
    while await inbox.act(db, tenant.tenant_id):
        pass


async def parked(tenant: Vendor) -> list[tuple[str, str]]:
    rows = (await tenant.ok(await tenant.get("/v1/sources/shop/deliveries", state="parked", limit=100)))["data"]
    return [(row["reason"], row["detail"]) for row in rows]


async def test_changed_orders_end_the_same_in_any_order(app: FastAPI, vendor: MakeVendor) -> None:
    seed = int(os.environ.get("RETAINER_TEST_SEED", random.SystemRandom().randrange(10**9)))
    print(f"RETAINER_TEST_SEED={seed}")
    db: Database = app.state.house.database
    for round_ in range(ROUNDS):
        rng = random.Random(seed + round_)
        events = [event for number in range(1, 4) for event in life(rng, number)]
        events.sort(key=lambda one: one["timestamp"])
        found = []
        for way in range(3):
            tenant, token = await a_shop(vendor)
            order = list(events) if way == 0 else rng.sample(events, len(events))
            if way:
                order += rng.sample(events, len(events) // 3)
            await deliver(app, tenant, token, order, each=way < 2)
            assert await parked(tenant) == [], (seed, round_)
            found.append(await histories.projection(db, tenant.tenant_id, standing=True))
            audit = await tenant.ok(await tenant.get("/v1/audit"))
            assert audit["data"] == [], (seed, round_)
        for name in found[0]:
            for other in found[1:]:
                missing, more = set(found[0][name]) - set(other[name]), set(other[name]) - set(found[0][name])
                assert found[0][name] == other[name], (name, seed, round_, "missing", missing, "more", more)
