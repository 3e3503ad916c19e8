"""Whatever order deliveries come in, however often, forgeries among them: the ledger ends as in canonical order.

A shortened run by default; ``RETAINER_TEST_DELIVERIES=10000`` for the whole of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.db.failures import Retry, Unavailable
from app.domain.values.errors import DomainError
from app.usecases.inbound import Inbox, effects
from tests.conftest import MakeVendor
from tests.inbound import histories
from tests.support import shops
from tests.support.api import Vendor
from tests.support.chance import altered, first_seed

DELIVERIES = int(os.environ.get("RETAINER_TEST_DELIVERIES", "250"))
ORDERS_A_SHOP = 4
LINES = [{"id": 1, "product_id": 102, "quantity": 1, "subtotal": "50.00", "total": "50.00"}]


async def tenant_with_sources(vendor: MakeVendor, policy: str) -> tuple[Vendor, dict[str, str]]:
    tenant = await vendor(policy)
    tokens = {}
    for kind in histories.WRITERS:
        secret = shops.STANDARD_SECRET if kind == "purchase" else shops.SECRET
        made = await tenant.ok(
            await tenant.put(f"/v1/sources/{kind}", {"kind": kind, "secret": secret, "products": histories.PRODUCTS}),
            201,
        )
        tokens[kind] = made["token"]
    return tenant, tokens


async def drained(inbox: Inbox, db: Database, tenant: Vendor) -> None:
    """Three workers at once act on what waits."""
    while True:
        turns = (inbox.act(db, tenant.tenant_id) for _ in range(3))
        done = await asyncio.gather(*turns, return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException) and not isinstance(one, Unavailable | Retry):
                raise one
        if done == [0, 0, 0]:
            return


PUZZLES = {"paid_after_cancellation", "refund_reversed"}
"""What an undoing may be parked for: a person decides, whatever order the deliveries come in."""


async def finish(
    inbox: Inbox, db: Database, tenant: Vendor, orders: list[histories.Order]
) -> dict[tuple[str, int], set[str]]:
    """The orders that are left to a person, and why; only those where something was undone may be."""
    await drained(inbox, db, tenant)
    puzzling = {(one.shop, one.id) for one in orders if one.puzzling}
    states: Counter[Any] = Counter()
    puzzled: dict[tuple[str, int], set[str]] = {}
    for kind in histories.WRITERS:
        for state in ("received", "parked"):
            rows = (await tenant.ok(await tenant.get(f"/v1/sources/{kind}/deliveries", state=state, limit=100)))["data"]
            for row in rows:
                number = "".join(one for one in row["subject"].rpartition("/")[2] if one.isdigit())
                order = (kind, int(number or 0))
                if state == "parked" and order in puzzling and row["reason"] in PUZZLES:
                    puzzled.setdefault(order, set()).add(row["reason"])
                else:
                    states[state, row["reason"], row["detail"]] += 1
    assert not states, states
    return puzzled


def without(projection: dict[str, list[str]], puzzled: set[tuple[str, int]]) -> dict[str, list[str]]:
    """A projection without the customers of orders that are left to a person (each has one of its own)."""
    names = {"stripe": "cus", "paddle": "ctm_"}
    gone = tuple(f"('{shop}:{names.get(shop, '')}{1_000_000 + number}'," for shop, number in puzzled)
    return {name: [row for row in rows if not row.startswith(gone)] for name, rows in projection.items()}


async def test_any_order_and_number_of_deliveries_ends_the_same(app: FastAPI, vendor: MakeVendor) -> None:
    seed = first_seed()
    rng = random.Random(seed)
    inbox: Inbox = app.state.house.inbox
    db: Database = app.state.house.database
    sent = forged = undone = 0
    granted: list[int] = []
    started = time.monotonic()
    while sent < DELIVERIES:
        orders = [
            histories.history(rng, shop, rng.randint(1, 9) * 1000 + number)
            for shop in histories.WRITERS
            for number in range(1, ORDERS_A_SHOP + 1)
        ]
        events = sorted(
            ((at, index, order.shop, event) for order in orders for index, (at, event) in enumerate(order.deliveries)),
            key=lambda one: one[:2],
        )
        canonical, tokens = await tenant_with_sources(vendor, "cs-cart")
        for number, (_, _, shop, event) in enumerate(events):
            headers, body = histories.signed(shop, event, f"msg_{number}")
            await inbox.receive(db, tokens[shop], headers, body, datetime.now(UTC))
            await inbox.act(db, canonical.tenant_id)
            sent += 1
        puzzled = await finish(inbox, db, canonical, orders)
        expected = await histories.projection(db, canonical.tenant_id)
        granted.append(len(expected["lots"]))

        other, tokens = await tenant_with_sources(vendor, "cs-cart")
        deliveries = [
            (shop, event, f"msg_{number}", kind)
            for number, (_, _, shop, event) in enumerate(events)
            for kind in ["good"] * rng.randint(1, 5) + rng.choice([[], [], ["altered"], ["forged"], ["old"]])
        ]
        rng.shuffle(deliveries)
        for shop, event, ident, kind in deliveries:
            headers, body = histories.signed(shop, event, ident, rng)
            now = datetime.now(UTC)
            if kind == "altered":
                body = body.replace(b"1", b"2", 1) + b" "
            elif kind == "forged":
                headers = {
                    name: altered(value) if "sign" in name or "hmac" in name else value
                    for name, value in headers.items()
                }
            elif kind == "old":
                if shop in ("woocommerce", "shopify"):
                    continue
                now = datetime.fromtimestamp(now.timestamp() + 400, UTC)
            sent += 1
            if kind == "good":
                await inbox.receive(db, tokens[shop], headers, body, now)
            else:
                with pytest.raises(DomainError, match="signature_invalid"):
                    await inbox.receive(db, tokens[shop], headers, body, now)
                forged += 1
            if rng.random() < 0.15:
                await inbox.act(db, other.tenant_id, limit=rng.randint(1, 20))
        also = await finish(inbox, db, other, orders)
        found = await histories.projection(db, other.tenant_id)
        # Of what was undone both are left to a person, or both projections are alike.
        both = {order for order in puzzled.keys() & also.keys() if "refund_reversed" in puzzled[order]}
        assert {one for one in puzzled if "refund_reversed" in puzzled[one]} == both, (seed, puzzled, also)
        expected, found = without(expected, both), without(found, both)
        undone += len(puzzled)
        for name in expected:
            missing, more = set(expected[name]) - set(found[name]), set(found[name]) - set(expected[name])
            assert found[name] == expected[name], (name, seed, "missing", missing, "too many", more)
        audit = await canonical.ok(await canonical.get("/v1/audit"))
        assert audit["data"] == []
    print(
        f"{sent} deliveries, {forged} refused, {undone} orders undone, {time.monotonic() - started:.1f} s, open lots by"
        f" round {granted}"
    )
    assert any(granted)


async def seconds_until_granted(inbox: Inbox, db: Database, tenant: Vendor, token: str, number: int) -> float:
    """How long a good delivery takes from coming in to its grant."""
    body = shops.raw(shops.woo_order(id=number, customer_id=7, line_items=LINES))
    headers = {name.lower(): value for name, value in shops.sign_woo(body).items()}
    began = time.monotonic()
    await inbox.receive(db, token, headers, body, datetime.now(UTC))
    acting = asyncio.create_task(inbox.act_soon(db, tenant.tenant_id))
    while (await tenant.get(f"/v1/orders/woocommerce:{number}")).status_code != 200:
        await asyncio.sleep(0.02)
        assert time.monotonic() - began < 30
    took = time.monotonic() - began
    await acting
    return took


async def test_poisoned_deliveries_delay_good_ones_by_less_than_two_seconds(
    app: FastAPI, vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock against a quiet run, and by the turns that others have before it, which no busy machine changes. A
    machine that stood still in between is asked again, twice at most: a crowd that holds a good one up always does."""
    inbox: Inbox = app.state.house.inbox
    db: Database = app.state.house.database
    tenant, tokens = await tenant_with_sources(vendor, "cs-cart")
    put_order, waits = effects.put_order, inbox.waits
    turns: list[str] = []

    async def poisoned(tx, **order):
        turns.append(order["order_id"])
        if order["customer_id"].endswith(":666"):
            raise RuntimeError("a fault in handling")
        return await put_order(tx, **order)

    delays = []
    for attempt in range(3):
        good = 4000 + 10 * attempt
        alone = await seconds_until_granted(inbox, db, tenant, tokens["woocommerce"], good)
        inbox.waits = (0.05, 0.05)
        monkeypatch.setattr(effects, "put_order", poisoned)
        try:
            await poison(inbox, db, tokens["woocommerce"], attempt)
            turns.clear()
            took = await seconds_until_granted(inbox, db, tenant, tokens["woocommerce"], good + 1)
            delays.append(took - alone)
            assert turns.index(f"woocommerce:{good + 1}") <= 2, turns[:20]
            print(f"200 poisoned deliveries delayed a good one by {took - alone:.2f} s ({alone:.2f} s alone)")
            await until_none_waits(inbox, db, tenant)
        finally:
            inbox.waits = waits
            monkeypatch.setattr(effects, "put_order", put_order)
        if delays[-1] < 2:
            break
    assert min(delays) < 2, delays
    parked = (await tenant.ok(await tenant.get("/v1/sources/woocommerce/deliveries", state="parked", limit=100)))[
        "data"
    ]
    assert {row["reason"] for row in parked} == {"handling_failed", "not_json"}
    failed = next(row for row in parked if row["reason"] == "handling_failed")
    path = f"/v1/sources/woocommerce/deliveries/{failed['delivery_id']}/replay"
    assert (await tenant.ok(await tenant.client.post(path)))["state"] == "done"


async def poison(inbox: Inbox, db: Database, token: str, attempt: int) -> None:
    """200 deliveries that cannot be read, or whose handling fails."""
    for number in range(200):
        ident = 1000 * attempt + number + 1
        bad = shops.raw(shops.woo_order(id=ident, customer_id=666, line_items=LINES)) if number % 2 else b"{" * ident
        headers = {name.lower(): value for name, value in shops.sign_woo(bad).items()}
        await inbox.receive(db, token, headers, bad, datetime.now(UTC))


async def until_none_waits(inbox: Inbox, db: Database, tenant: Vendor) -> None:
    """Until all have been tried as often as they are."""
    await drained(inbox, db, tenant)
    for _ in range(600):
        await inbox.act(db, tenant.tenant_id)
        rows = await tenant.ok(await tenant.get("/v1/sources/woocommerce/deliveries", state="received"))
        if not rows["data"]:
            return
        await asyncio.sleep(0.05)
