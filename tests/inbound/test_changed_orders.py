"""Orders that their shop changes after they were granted: the newest snapshot counts, whichever comes first."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
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
from tests.support.both_ways import both_ways
from tests.support.chance import first_seed

ROUNDS = min(int(os.environ.get("RETAINER_TEST_DELIVERIES", "250")) // 80, 30)
PRODUCTS = {**histories.PRODUCTS, "license": {"sku": "license", "attributes": {}}}
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


def life(rng: random.Random, number: int, skus: Sequence[str] = SKUS) -> list[dict[str, Any]]:
    """Snapshots of one order whose quantities, lines, products, prices and customer change, and its refunds."""
    at = histories.START + timedelta(days=rng.randint(0, 300))
    placed = histories.iso(at)
    lines = {n: [rng.choice(skus), rng.randint(1, 3), None] for n in range(1, rng.randint(2, 4))}
    customer = rng.randint(1, 2)
    events = []
    for step in range(rng.randint(2, 5)):
        at += timedelta(seconds=rng.randint(1, 90_000))
        events.append(
            told(
                number,
                at,
                customer_id=str(customer),
                placed_at=placed,
                currency="USD",
                status="paid" if step or rng.random() < 0.8 else "pending",
                lines=[line(n, *one) for n, one in lines.items()],
            )
        )
        if rng.random() < 0.3:
            n = rng.choice(list(lines))
            events.append(
                told(
                    number,
                    at,
                    "order.refunded",
                    refund_id=f"r{step}",
                    lines=[{"line_id": str(n), "quantity": rng.randint(1, 2)}],
                )
            )
        for n in list(lines):
            what = rng.random()
            if what < 0.5:
                lines[n][1] = rng.randint(1, 4)
            elif what < 0.6 and len(lines) > 1:
                del lines[n]
            elif what < 0.7:
                lines[n][0] = rng.choice(skus)
            elif what < 0.8:
                lines[n][2] = rng.choice(["45.00", "5.00"])
        if rng.random() < 0.2:
            lines[rng.randint(1, 4)] = [rng.choice(skus), 1, None]
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


SENT: list[Any] = []
"""Events that were sent stay in memory: an event is named by its `id`, which no other may get."""


async def deliver(app: FastAPI, tenant: Vendor, token: str, events: list[Any], *, each: bool) -> None:
    inbox: Inbox = app.state.house.inbox
    db: Database = app.state.house.database
    SENT.extend(events)
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
    seed = first_seed()
    db: Database = app.state.house.database
    sent = 0
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
            sent += len(order)
        for name in found[0]:
            for other in found[1:]:
                missing, more = set(found[0][name]) - set(other[name]), set(other[name]) - set(found[0][name])
                assert found[0][name] == other[name], (name, seed, round_, "missing", missing, "more", more)
    print(f"{sent} snapshots of changed orders")


@pytest.mark.parametrize("seed", [1, 2])
async def test_changed_orders_do_the_same_with_accounts_in_part(app: FastAPI, vendor: MakeVendor, seed: int) -> None:
    """Orders that change hands between snapshots, and the same customers' further orders, read in part and whole."""
    dice = random.Random(seed)
    events = [event for number in range(1, 6) for event in life(dice, number)]
    dice.shuffle(events)
    tenant, token = await a_shop(vendor)
    with both_ways() as seen:
        for n, event in enumerate(events):
            await deliver(app, tenant, token, [event], each=True)
            if n % 4 == 0:
                lines = [{"line_id": "1", "sku": dice.choice(SKUS)}]
                order = {"customer_id": f"shop:{dice.randint(1, 3)}", "currency": "USD", "lines": lines}
                placed_at = histories.iso(histories.START + timedelta(days=dice.randint(0, 40)))
                answer = await tenant.put(f"/v1/orders/further-{n}", {**order, "placed_at": placed_at})
                assert answer.status_code == 201, answer.text
    assert not seen.differences, seen.differences[0][:3_000]
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


def snapshot(step: int, customer: str, *lines: dict[str, Any]) -> dict[str, Any]:
    return told(
        9,
        histories.START + timedelta(hours=step),
        customer_id=customer,
        placed_at="2024-12-01T10:00:00Z",
        currency="USD",
        status="paid",
        lines=list(lines),
    )


async def balance(tenant: Vendor, customer: str) -> int:
    answer = await tenant.get(f"/v1/customers/shop:{customer}/balance")
    return 0 if answer.status_code == 404 else (await tenant.ok(answer))["available"]


async def test_units_added_are_granted_and_units_taken_out_are_taken_back(app: FastAPI, vendor: MakeVendor) -> None:
    tenant, token = await a_shop(vendor, "avactis")
    for step, (quantity, expected) in enumerate([(2, 20), (5, 50), (1, 10), (3, 30)]):
        await deliver(app, tenant, token, [snapshot(step, "7", line(1, "credits-10", quantity))], each=True)
        assert await balance(tenant, "7") == expected
        order = await tenant.ok(await tenant.get("/v1/orders/shop:o9"))
        assert [(one["line_id"], one["quantity"]) for one in order["lines"]] == [("1", quantity)]
    refund = {"refund_id": "R", "lines": [{"line_id": "1", "quantity": 3}]}
    await tenant.ok(await tenant.post("/v1/orders/shop:o9/refunds", refund), 201)
    assert await balance(tenant, "7") == 0


async def test_what_was_spent_of_units_taken_out_is_reported(app: FastAPI, vendor: MakeVendor) -> None:
    tenant, token = await a_shop(vendor, "avactis")
    await deliver(app, tenant, token, [snapshot(1, "7", line(1, "credits-10", 2))], each=True)
    await tenant.ok(await tenant.post("/v1/customers/shop:7/debits", {"credits": 15}, key="k"), 201)
    await deliver(app, tenant, token, [snapshot(2, "7", line(1, "credits-10", 1))], each=True)
    assert await balance(tenant, "7") == 0
    rows = (await tenant.ok(await tenant.get("/v1/sources/shop/deliveries")))["data"]
    assert rows[0]["state"] == "done"
    report = rows[0]["effects"]["correction"]
    assert sum(one["credits"] for one in report["taken_back"]) == 5
    assert sum(one["spent"] for one in report["not_taken_back"]) == 5
    events = (await tenant.ok(await tenant.get("/v1/events", limit=100)))["data"]
    corrected = [one["data"] for one in events if one["type"] == "order.corrected"]
    assert [one["order_id"] for one in corrected] == ["shop:o9"]
    assert corrected[0]["not_taken_back"] == report["not_taken_back"]


async def test_an_order_that_went_to_another_customer_brings_the_first_one_nothing_any_more(
    app: FastAPI, vendor: MakeVendor
) -> None:
    """Ended licenses of the given order stay behind; the first customer's next order must not bring it to life."""
    tenant, token = await a_shop(vendor)
    await deliver(app, tenant, token, [snapshot(1, "7", line(1, "license", 2))], each=True)
    before = await balance(tenant, "7")
    await deliver(app, tenant, token, [snapshot(2, "8", line(1, "license", 3))], each=True)
    given = await balance(tenant, "8")
    assert (before > 0, await balance(tenant, "7"), given > before) == (True, 0, True)
    bought = {"customer_id": "shop:7", "placed_at": "2024-12-02T10:00:00Z", "currency": "USD"}
    lines = [{"line_id": "1", "sku": "license"}, {"line_id": "2", "sku": "credits-50"}]
    await tenant.ok(await tenant.put("/v1/orders/next", {**bought, "lines": lines}), 201)
    assert (await balance(tenant, "7"), await balance(tenant, "8")) == (50, given)
    account = await tenant.ok(await tenant.get("/v1/customers/shop:7"))
    assert [one["order_id"] for one in account["licenses"] if one["ended_at"] is None] == ["next"]
    assert [one["order_id"] for one in account["lots"] if one["available"]] == ["next"]
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


@pytest.mark.parametrize("first", ["older", "newer"])
async def test_an_unused_order_is_the_customers_whom_the_newest_snapshot_names(
    app: FastAPI, vendor: MakeVendor, first: str
) -> None:
    tenant, token = await a_shop(vendor, "avactis")
    events = [snapshot(1, "7", line(1, "credits-10", 2)), snapshot(2, "8", line(1, "credits-10", 3))]
    await deliver(app, tenant, token, events if first == "older" else events[::-1], each=True)
    assert (await balance(tenant, "7"), await balance(tenant, "8")) == (0, 30)
    order = await tenant.ok(await tenant.get("/v1/orders/shop:o9"))
    assert order["customer_id"] == "shop:8"
    assert await parked(tenant) == []
    await deliver(app, tenant, token, [snapshot(3, "7", line(1, "credits-10", 3))], each=True)
    assert (await balance(tenant, "7"), await balance(tenant, "8")) == (30, 0)


async def test_units_that_come_back_for_another_customer_lack_what_was_refunded_once(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "avactis")
    await deliver(app, tenant, token, [snapshot(1, "7", line(1, "credits-10", 2))], each=True)
    refund = {"refund_id": "R", "lines": [{"line_id": "1", "quantity": 1}]}
    await tenant.ok(await tenant.post("/v1/orders/shop:o9/refunds", refund), 201)
    events = [snapshot(2, "8", line(2, "credits-25", 1)), snapshot(3, "8", line(1, "credits-10", 3))]
    await deliver(app, tenant, token, events, each=True)
    assert (await balance(tenant, "7"), await balance(tenant, "8")) == (0, 20)
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_used_order_stays_with_its_customer_until_a_person_decides(app: FastAPI, vendor: MakeVendor) -> None:
    """TERMS-21: nothing is carried from one customer to another in silence."""
    tenant, token = await a_shop(vendor, "avactis")
    await deliver(app, tenant, token, [snapshot(1, "7", line(1, "credits-10", 2))], each=True)
    await tenant.ok(await tenant.post("/v1/customers/shop:7/debits", {"credits": 1}, key="k"), 201)
    await deliver(app, tenant, token, [snapshot(2, "8", line(1, "credits-10", 2))], each=True)
    assert (await balance(tenant, "7"), await balance(tenant, "8")) == (19, 0)
    assert [reason for reason, _ in await parked(tenant)] == ["order_customer_changed"]
    await tenant.ok(
        await tenant.put(
            "/v1/orders/mine",
            {
                "customer_id": "shop:8",
                "currency": "USD",
                "placed_at": "2024-12-01T10:00:00Z",
                "lines": [{"line_id": "1", "sku": "credits-10"}],
            },
        ),
        201,
    )
    merge = {"into_customer_id": "shop:8"}
    await tenant.ok(await tenant.post("/v1/customers/shop:7/merge", merge, key="m"))
    rows = (await tenant.ok(await tenant.get("/v1/sources/shop/deliveries", state="parked")))["data"]
    path = f"/v1/sources/shop/deliveries/{rows[0]['delivery_id']}/replay"
    assert (await tenant.ok(await tenant.client.post(path)))["state"] == "done"
    assert await balance(tenant, "8") == 29


async def test_a_line_that_nobody_maps_any_more_keeps_what_it_brought(app: FastAPI, vendor: MakeVendor) -> None:
    tenant = await vendor("avactis")
    source = {"kind": "purchase", "secret": shops.STANDARD_SECRET, "products": {"p": {"sku": "credits-10"}}}
    made = await tenant.ok(await tenant.put("/v1/sources/shop", source), 201)
    bought = {"line_id": "1", "product_id": "p", "quantity": 2}
    await deliver(app, tenant, made["token"], [snapshot(1, "7", bought)], each=True)
    await tenant.ok(await tenant.put("/v1/sources/shop", {"kind": "purchase", "products": {"p": None}}))
    await deliver(app, tenant, made["token"], [snapshot(2, "7", bought)], each=True)
    assert await balance(tenant, "7") == 20
