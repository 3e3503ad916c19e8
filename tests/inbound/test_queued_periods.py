"""Orders of periods that wait for one another, refunded and changed by their shop: the same covers in any order.

A refund takes the newest period that has not begun, another order's too. So which one it is hangs on all orders of the
customer. It has to follow when one of them comes late, changes or goes to another customer (decision 0032).
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.db.engine import Database
from tests.conftest import MakeVendor
from tests.inbound import histories
from tests.inbound.test_changed_orders import a_shop, deliver, life, line, parked
from tests.recurring.shop import document, plan, vendor_under
from tests.support import shops
from tests.support.api import Vendor
from tests.support.chance import first_seed

ROUNDS = min(int(os.environ.get("RETAINER_TEST_DELIVERIES", "250")) // 50, 30)
HOSTED = plan("queued", credits_=10)
FOUND = {"cactushop": (310729606,), "cs-cart": (23, 30)}
"""Seeds of rounds that ended differently once."""
SOLD = {
    "cactushop": ["license-standard", "license-pro", "support-12-months"],
    "cs-cart": ["license", "support-1-months", "support-3-months"],
}


@pytest.mark.parametrize("policy", sorted(SOLD))
async def test_queued_periods_end_the_same_in_any_order(app: FastAPI, vendor: MakeVendor, policy: str) -> None:
    seed = first_seed()
    db: Database = app.state.house.database
    for round_ in (*range(seed, seed + ROUNDS), *FOUND[policy]):
        rng = random.Random(round_)
        events = [event for number in range(1, 4) for event in refunded_more(rng, life(rng, number, SOLD[policy]))]
        events.sort(key=lambda event: event["timestamp"])
        found: list[dict[str, Any]] = []
        for way in range(3):
            tenant, token = await a_shop(vendor, policy)
            order = list(events) if way == 0 else rng.sample(events, len(events))
            if way:
                order += rng.sample(events, len(events) // 3)
            await deliver(app, tenant, token, order, each=way < 2)
            assert await parked(tenant) == [], round_
            assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == [], round_
            found.append(await histories.projection(db, tenant.tenant_id, standing=True))
        for name in found[0]:
            for other in found[1:]:
                missing, more = set(found[0][name]) - set(other[name]), set(other[name]) - set(found[0][name])
                assert found[0][name] == other[name], (name, round_, "missing", missing, "more", more)


def told_of(number: str, step: int, customer: str, *lines: dict[str, Any], placed: str) -> dict[str, Any]:
    """A snapshot of a paid order."""
    at = histories.iso(histories.START + timedelta(hours=step))
    stated = {"customer_id": customer, "placed_at": placed, "currency": "USD", "status": "paid", "lines": list(lines)}
    return shops.purchase("order.updated", at=at, order_id=number, **stated)


def refunded_more(rng: random.Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of an order, of which its shop refunds more often."""
    orders = [event for event in events if event["data"].get("lines") and event["type"] == "order.updated"]
    for event in rng.sample(orders, min(len(orders), rng.randint(0, 2))):
        lines = [{"line_id": rng.choice(event["data"]["lines"])["line_id"], "quantity": rng.randint(1, 2)}]
        more = {"order_id": event["data"]["order_id"], "refund_id": f"more-{event['timestamp']}", "lines": lines}
        events.append(shops.purchase("order.refunded", at=event["timestamp"], **more))
    return events


async def covers_of(tenant: Vendor, customer: str) -> list[tuple[str, str, str]]:
    """The bought periods of a customer that have not ended: order, beginning and end."""
    shown = await tenant.get(f"/v1/customers/shop:{customer}")
    found = [] if shown.status_code == 404 else (await tenant.ok(shown))["covers"]
    return sorted(
        (row["order_id"].removeprefix("shop:"), row["starts_at"][:10], row["ends_at"][:10])
        for row in found
        if row["state"] not in ("ended", "voided")
    )


async def refund(tenant: Vendor, number: str, refund_id: str = "r", quantity: int = 1) -> Any:
    body = {"refund_id": refund_id, "lines": [{"line_id": "1", "quantity": quantity}]}
    return await tenant.ok(await tenant.post(f"/v1/orders/shop:{number}/refunds", body), 201)


FIRST = told_of("a", 1, "1", line(1, "support-12-months", 1), placed="2024-12-01T00:00:00Z")
SECOND = told_of("b", 2, "1", line(1, "support-12-months", 1), placed="2024-12-15T00:00:00Z")
GIVEN = told_of("b", 3, "2", line(1, "support-12-months", 1), placed="2024-12-15T00:00:00Z")


async def sound(tenant: Vendor) -> None:
    assert await parked(tenant) == []
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_refund_gives_up_the_period_of_an_order_that_went_to_another_customer(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    await deliver(app, tenant, token, [FIRST, SECOND], each=True)
    answer = await refund(tenant, "a")
    assert [row["state"] for row in answer["taken_back"]] == ["voided"]  # the one that waits, and the first goes on
    assert await covers_of(tenant, "1") == [("a", "2024-12-01", "2025-12-01")]
    await deliver(app, tenant, token, [GIVEN], each=True)
    assert await covers_of(tenant, "1") == []
    assert await covers_of(tenant, "2") == [("b", "2024-12-15", "2025-12-15")]
    await sound(tenant)


async def test_a_refund_takes_the_waiting_period_of_an_order_that_comes_late(app: FastAPI, vendor: MakeVendor) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    await deliver(app, tenant, token, [FIRST], each=True)
    await refund(tenant, "a")
    assert await covers_of(tenant, "1") == []
    await deliver(app, tenant, token, [SECOND], each=True)
    assert await covers_of(tenant, "1") == [("a", "2024-12-01", "2025-12-01")]
    await sound(tenant)
    last = await refund(tenant, "b")
    assert [row["state"] for row in last["taken_back"]] == ["ended"]
    assert await covers_of(tenant, "1") == []
    await sound(tenant)


async def test_an_order_that_leaves_gives_back_the_period_that_its_refund_took(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    await deliver(app, tenant, token, [FIRST, SECOND], each=True)
    await refund(tenant, "a")
    gone = told_of("a", 3, "2", line(1, "support-12-months", 1), placed="2024-12-01T00:00:00Z")
    await deliver(app, tenant, token, [gone], each=True)
    assert await covers_of(tenant, "1") == [("b", "2024-12-15", "2025-12-15")]
    assert await covers_of(tenant, "2") == []  # it was refunded, whoever has it
    types = [row["type"] for row in (await tenant.ok(await tenant.get("/v1/events", limit=100)))["data"]]
    assert types.count("cover.reinstated") == 1
    await sound(tenant)


async def test_a_unit_that_is_refunded_and_taken_out_takes_its_own_period_alone(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    await deliver(app, tenant, token, [FIRST, SECOND], each=True)
    await refund(tenant, "a")
    other = told_of("a", 3, "1", line(2, "license-standard", 1), placed="2024-12-01T00:00:00Z")
    await deliver(app, tenant, token, [other], each=True)
    assert await covers_of(tenant, "1") == [("a", "2024-12-01", "2025-06-01"), ("b", "2025-06-01", "2026-06-01")]
    await sound(tenant)


async def test_later_a_refund_ends_the_running_period_at_once_and_leaves_what_it_served(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    await deliver(app, tenant, token, [FIRST, SECOND], each=True)
    await refund(tenant, "a")
    await tenant.move_clock("2025-06-01T00:00:00Z")
    await deliver(app, tenant, token, [GIVEN], each=True)
    shown = await tenant.ok(await tenant.get("/v1/customers/shop:1"))
    ended = [(row["state"], row["ends_at"]) for row in shown["covers"] if row["starts_at"] == "2024-12-01T00:00:00Z"]
    assert ended == [("ended", "2025-06-01T00:00:00Z")]
    await sound(tenant)
    lines = [{"line_id": "1", "sku": "support-12-months"}]
    order = {"customer_id": "shop:1", "currency": "USD", "placed_at": "2025-06-01T00:00:00Z", "lines": lines}
    await tenant.ok(await tenant.put("/v1/orders/next", order), 201)
    assert await covers_of(tenant, "1") == [("next", "2025-06-01", "2026-06-01")]
    await sound(tenant)


@pytest.mark.parametrize("refunded", ["ab", "ba"])
@pytest.mark.parametrize("later", ["2025-06-01T00:00:00Z", "2026-02-01T00:00:00Z"])
async def test_a_refund_takes_what_was_left_to_its_unit_and_no_order_that_was_bought_since(
    vendor: MakeVendor, refunded: str, later: str
) -> None:
    """CACTU-14: what was bought, and not refunded, lasts its whole term.

    The first refund takes the waiting period, whichever order is refunded. The other order is left with the one that
    runs: the second refund takes what is left of that, or reports that it has run out.
    """
    tenant = await vendor("cactushop")
    for number in "ab":
        await order_support(tenant, number, "2025-01-01T00:00:00Z")
    first = await refund(tenant, f"{refunded[0]}")
    assert [row["state"] for row in first["taken_back"]] == ["voided"]
    await tenant.move_clock(later)
    await order_support(tenant, "c", later)
    waits = [("c", "2026-01-01", "2027-01-01")]
    runs = [("c", "2026-02-01", "2027-02-01")]
    assert (await covers_of(tenant, "1"))[-1:] == (waits if later < "2026" else runs)
    second = await refund(tenant, f"{refunded[1]}")
    if later < "2026":  # the newest that waits goes first, as ever
        assert [row["state"] for row in second["taken_back"]] == ["voided"]
        assert await covers_of(tenant, "1") == [("a", "2025-01-01", "2026-01-01")]
    else:
        assert (second["taken_back"], [row["state"] for row in second["not_taken_back"]]) == ([], ["ended"])
        assert await covers_of(tenant, "1") == runs
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def order_support(tenant: Vendor, number: str, placed: str) -> None:
    lines = [{"line_id": "1", "sku": "support-12-months"}]
    body = {"customer_id": "shop:1", "currency": "USD", "placed_at": placed, "lines": lines}
    await tenant.ok(await tenant.put(f"/v1/orders/shop:{number}", body), 201)


async def test_a_line_that_comes_back_for_another_customer_lacks_what_was_refunded_once(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    placed = "2024-12-01T00:00:00Z"
    await deliver(app, tenant, token, [FIRST], each=True)
    await refund(tenant, "a")
    without = told_of("a", 2, "2", line(2, "license-standard", 1), placed=placed)
    back = told_of("a", 3, "2", line(1, "support-12-months", 2), placed=placed)
    await deliver(app, tenant, token, [without, back], each=True)
    assert await covers_of(tenant, "2") == [("a", "2024-12-01", "2025-12-01")]
    await sound(tenant)


@pytest.mark.parametrize("first", ["without a license", "with one"])
@pytest.mark.parametrize("sku", ["support-1-months", "credits-25"])
async def test_units_taken_out_before_they_were_granted_never_count(
    app: FastAPI, vendor: MakeVendor, sku: str, first: str
) -> None:
    """Support is for those who have a license (CSC-20). So a line may wait for one while its shop changes it."""
    tenant, token = await a_shop(vendor, "cs-cart")
    placed = "2024-12-01T00:00:00Z"
    alone = told_of("a", 1, "1", line(1, sku, 2), placed=placed)
    licensed = told_of("a", 2, "1", line(1, sku, 1), line(2, "license", 1), placed=placed)
    events = [alone, licensed] if first == "without a license" else [licensed, alone]
    await deliver(app, tenant, token, events, each=True)
    shown = await tenant.ok(await tenant.get("/v1/customers/shop:1"))
    periods = [row for row in shown["covers"] if row["line_id"] == "1" and row["state"] != "voided"]
    credits_ = [row["available"] for row in shown["lots"] if row["line_id"] == "1"]
    assert (len(periods), credits_) == ((1, []) if sku == "support-1-months" else (0, [25]))
    await sound(tenant)


async def test_credits_that_come_with_a_period_follow_it(app: FastAPI, api: httpx.AsyncClient) -> None:
    """The first refund took the running period with its credits; once told of the other order it takes that one's."""
    shop = await vendor_under(app, api, document(HOSTED), now="2025-01-15T00:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "purchase", "secret": shops.STANDARD_SECRET}), 201)
    orders = [
        told_of(name, step, "1", line(1, "queued", 1), placed=placed)
        for step, (name, placed) in enumerate((("a", "2025-01-01T00:00:00Z"), ("b", "2025-01-10T00:00:00Z")))
    ]
    await deliver(app, shop, made["token"], orders[:1], each=True)
    await shop.ok(await shop.post("/v1/customers/shop:1/debits", {"credits": 4}, key="k"), 201)
    await refund(shop, "a")
    balance = await shop.ok(await shop.get("/v1/customers/shop:1/balance"))
    assert (balance["available"], await covers_of(shop, "1")) == (0, [])
    await deliver(app, shop, made["token"], orders[1:], each=True)
    balance = await shop.ok(await shop.get("/v1/customers/shop:1/balance"))
    assert (balance["available"], await covers_of(shop, "1")) == (6, [("a", "2025-01-01", "2026-01-01")])
    await sound(shop)
    await shop.move_clock("2025-02-02T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/customers/shop:1/balance")))["available"] == 10
    await sound(shop)
    await shop.close()


async def test_a_period_that_was_taken_while_it_waited_gives_no_credits_once_it_began_earlier(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """It waited behind an order that its shop changes. So it would have run when it was refunded, with its credits."""
    shop = await vendor_under(app, api, document(HOSTED), now="2025-04-15T00:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "purchase", "secret": shops.STANDARD_SECRET}), 201)
    running, waiting = (
        told_of(name, 1, "1", line(1, "queued", 1), placed=f"2025-0{n}-01T00:00:00Z")
        for n, name in ((1, "a"), (2, "b"))
    )
    await deliver(app, shop, made["token"], [running, waiting], each=True)
    answer = await refund(shop, "b")
    assert [row["state"] for row in answer["taken_back"]] == ["voided"]
    changed = told_of("a", 2, "1", line(1, "pack", 1), placed="2025-01-01T00:00:00Z")
    await deliver(app, shop, made["token"], [changed], each=True)
    assert (await shop.ok(await shop.get("/v1/customers/shop:1/balance")))["available"] == 10  # the pack alone
    assert await covers_of(shop, "1") == []
    await sound(shop)
    await shop.move_clock("2025-08-01T00:00:00Z")
    assert (await shop.ok(await shop.get("/v1/customers/shop:1/balance")))["available"] == 10
    await sound(shop)
    await shop.close()


async def test_a_unit_that_is_taken_out_takes_no_credits_of_another_line(app: FastAPI, api: httpx.AsyncClient) -> None:
    """Both lines were refunded of what waited, so the unit that is taken out has no period of its own any more."""
    shop = await vendor_under(app, api, document(HOSTED), now="2025-01-15T00:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "purchase", "secret": shops.STANDARD_SECRET}), 201)
    placed = "2025-01-01T00:00:00Z"
    first, then = (
        told_of("a", step, "1", line(1, "queued", units), line(2, "queued", 3 - units), placed=placed)
        for step, units in ((1, 1), (2, 2))
    )
    await deliver(app, shop, made["token"], [first], each=True)
    for number in ("2", "1"):
        body = {"refund_id": number, "lines": [{"line_id": number, "quantity": 1}]}
        await shop.ok(await shop.post("/v1/orders/shop:a/refunds", body), 201)
    assert (await shop.ok(await shop.get("/v1/customers/shop:1/balance")))["available"] == 10
    await deliver(app, shop, made["token"], [then], each=True)
    assert await covers_of(shop, "1") == [("a", "2025-01-01", "2026-01-01")]
    assert (await shop.ok(await shop.get("/v1/customers/shop:1/balance")))["available"] == 10
    await sound(shop)
    await shop.close()


async def test_a_line_that_was_taken_out_and_comes_back_brings_its_period(app: FastAPI, vendor: MakeVendor) -> None:
    """What it had brought was another order's refund's. That one takes the next, and then what it took at first."""
    tenant, token = await a_shop(vendor, "cactushop")
    placed = "2024-12-15T00:00:00Z"
    await deliver(app, tenant, token, [FIRST, SECOND], each=True)
    await refund(tenant, "a")
    other = told_of("b", 3, "1", line(2, "support-12-months", 1), placed=placed)
    again = told_of("b", 4, "1", line(1, "support-12-months", 1), placed=placed)
    for event in (other, again):
        await deliver(app, tenant, token, [event], each=True)
        assert await covers_of(tenant, "1") == [("a", "2024-12-01", "2025-12-01")]
        await sound(tenant)


async def test_lines_that_took_each_others_period_leave_nothing_when_one_is_taken_out(
    app: FastAPI, vendor: MakeVendor
) -> None:
    """The line that stays is granted anew, since its price changed. It gives up what its refund took of the other."""
    tenant, token = await a_shop(vendor, "cactushop")
    placed = "2024-12-01T00:00:00Z"
    both = told_of("a", 1, "1", line(1, "support-12-months", 1), line(2, "support-12-months", 1), placed=placed)
    await deliver(app, tenant, token, [both], each=True)
    for number in ("2", "1"):
        body = {"refund_id": number, "lines": [{"line_id": number, "quantity": 1}]}
        await tenant.ok(await tenant.post("/v1/orders/shop:a/refunds", body), 201)
    assert await covers_of(tenant, "1") == []
    changed = told_of("a", 2, "1", line(2, "support-12-months", 1, "45.00"), placed=placed)
    await deliver(app, tenant, token, [changed], each=True)
    assert await covers_of(tenant, "1") == []
    await sound(tenant)


async def test_what_is_bought_at_the_very_instant_of_a_refund_but_after_it_stays(vendor: MakeVendor) -> None:
    tenant = await vendor("cactushop")
    for number in ("shop:a", "shop:b", "shop:c"):
        lines = [{"line_id": "1", "sku": "support-12-months"}]
        body = {"customer_id": "shop:1", "currency": "USD", "placed_at": "2025-01-01T00:00:00Z", "lines": lines}
        await tenant.ok(await tenant.put(f"/v1/orders/{number}", body), 201)
        if number == "shop:b":
            answer = await refund(tenant, "a")
            assert [row["state"] for row in answer["taken_back"]] == ["voided"]
    assert await covers_of(tenant, "1") == [("a", "2025-01-01", "2026-01-01"), ("c", "2026-01-01", "2027-01-01")]
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_line_with_another_price_and_more_units_lacks_what_was_refunded_and_no_more(
    app: FastAPI, vendor: MakeVendor
) -> None:
    tenant, token = await a_shop(vendor, "avactis")
    placed = "2024-12-01T00:00:00Z"
    await deliver(app, tenant, token, [told_of("a", 1, "1", line(1, "credits-10", 2), placed=placed)], each=True)
    await refund(tenant, "a", quantity=2)
    for step, told in enumerate((line(1, "credits-10", 1), line(1, "credits-10", 4, "5.00")), 2):
        await deliver(app, tenant, token, [told_of("a", step, "1", told, placed=placed)], each=True)
    assert (await tenant.ok(await tenant.get("/v1/customers/shop:1/balance")))["available"] == 20
    await sound(tenant)
