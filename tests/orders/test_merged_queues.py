"""What two accounts had bought before they became one keeps a queue for each, whatever is told of it afterwards.

A merge into an account without purchases changes nothing: each story ends with the same covers and credits, wherever in
it the merge is. Two accounts with purchases end as each would have alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.db.ledger.invariants import QUEUES
from app.domain.account.customer import Order
from app.domain.orders.merges import Merges, mark
from app.domain.values.ids import CustomerId, OrderId
from tests.inbound.test_payment_disputes import deliver, dispute, session
from tests.ledger.test_audit import found_after
from tests.orders.test_covers_of_refunded_licenses import TEXT, WHO
from tests.recurring.shop import vendor_under
from tests.support import shops
from tests.support.api import Vendor

HEIR = "heir"
NOW = datetime(2025, 1, 1, tzinfo=UTC)
BEGAN = "2025-03-01T10:00:05Z"
UNCOVERED = TEXT.replace("start: after_current", "start: when_uncovered").replace(
    "start: order", "start: when_uncovered"
)
POLICIES = {"after_current": TEXT, "when_uncovered": UNCOVERED}

STORIES = {
    "a license whose dispute is won moves the year behind it again": [
        "license", "order year", "to 2025-04-11", "lost", "won", "to 2026-01-01",
    ],
    "once the year has begun in its place": [
        "license", "order year", "to 2025-04-11", "lost", "to 2025-07-01", "won", "to 2026-01-01",
    ],
    "a second year was bought while it was lost": [
        "license", "order year", "to 2025-04-11", "lost", "order second", "won", "refund second", "to 2026-01-01",
    ],
    "lost again": [
        "license", "order year", "to 2025-04-11", "lost", "won", "lost", "to 2025-08-01", "won", "to 2026-05-01",
    ],
    "an order that is told late": [
        "license", "to 2025-04-11", "late half", "to 2025-05-01", "order year", "to 2026-05-01",
    ],
    "a refund of the license": [
        "license", "order year", "to 2025-04-11", "refund license", "order second", "to 2026-05-01",
    ],
    "a refund of the year while the license is lost": [
        "license", "order year", "to 2025-04-11", "lost", "refund year", "won", "order second", "to 2026-05-01",
    ],
}  # fmt: skip
PLACES = [(name, place) for name, steps in STORIES.items() for place in range(1, len(steps) + 1)]


async def shop_of(app: FastAPI, api: httpx.AsyncClient, start: str) -> tuple[Vendor, str]:
    shop = await vendor_under(app, api, POLICIES[start], now="2025-03-02T00:00:00Z")
    body = {"kind": "stripe", "secret": shops.SECRET}
    return shop, (await shop.ok(await shop.put("/v1/sources/shop", body), 201))["path"]


async def bought(shop: Vendor, who: str, order: str, sku: str, placed: str) -> None:
    line = {"line_id": "1", "sku": sku, "quantity": 1}
    body = {"customer_id": who, "placed_at": placed, "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put(f"/v1/orders/{order}", body), 201)


async def merge(shop: Vendor, source: str, target: str) -> None:
    await shop.ok(await shop.post(f"/v1/customers/{source}/merge", {"into_customer_id": target}))


async def play(shop: Vendor, path: str, who: str, step: str, number: int) -> None:
    """Play one step of a story."""
    verb, _, what = step.partition(" ")
    now = (await shop.ok(await shop.get("/v1/clock")))["now"]
    if verb == "license":
        assert (await deliver(shop, path, session("license", 1, 10000)))["state"] == "done"
    elif verb == "order":
        await bought(shop, who, what, "year", now)
    elif verb == "late":
        await bought(shop, who, what, "license", "2025-02-01T00:00:00Z")
    elif verb == "refund":
        order = "shop:pi_D1" if what == "license" else what
        await shop.ok(await shop.post(f"/v1/orders/{order}/refunds", {"refund_id": f"R{number}"}), 201)
    elif verb == "to":
        await shop.move_clock(f"{what}T00:00:00Z")
    else:
        assert (await deliver(shop, path, dispute(verb, number=number, amount=10000)))["state"] == "done"
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == [], step


async def stands(shop: Vendor, who: str) -> list[tuple[str, str, str, str]]:
    """The customer's covers: order, beginning, end and state."""
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id=who)))["data"]
    return sorted((row["order_id"], row["starts_at"], row["ends_at"], row["state"]) for row in rows)


async def story(
    app: FastAPI, api: httpx.AsyncClient, start: str, name: str, place: int | None, heir_has: tuple[str, ...] = ()
) -> tuple[list[tuple[str, str, str, str]], int]:
    """Play a story with a merge before a step. ``heir_has``: what the heir bought before, which is left out."""
    shop, path = await shop_of(app, api, start)
    who = WHO
    for order in heir_has:
        await bought(shop, HEIR, order, "year", "2025-03-02T00:00:00Z")
    for number, step in enumerate([*STORIES[name], "end"]):
        if number == place:
            await merge(shop, WHO, HEIR)
            who = HEIR
        if step != "end":
            await play(shop, path, who, step, number)
    balance = await shop.ok(await shop.get(f"/v1/customers/{who}/balance"))
    return [row for row in await stands(shop, who) if row[0] not in heir_has], balance["available"]


@pytest.mark.parametrize("start", sorted(POLICIES))
@pytest.mark.parametrize(("name", "place"), PLACES)
async def test_a_merge_into_an_empty_account_changes_nothing(
    app: FastAPI, api: httpx.AsyncClient, start: str, name: str, place: int
) -> None:
    assert await story(app, api, start, name, place) == await story(app, api, start, name, None)


ALONE = [
    (name, place)
    for name, place in PLACES
    if not any(step.split()[0] in ("license", "order", "late") for step in STORIES[name][place:])
]


@pytest.mark.parametrize(("name", "place"), ALONE)
async def test_what_two_accounts_had_bought_keeps_two_queues(
    app: FastAPI, api: httpx.AsyncClient, name: str, place: int
) -> None:
    """The heir had a year of its own, which neither moves nor is moved."""
    merged, _ = await story(app, api, "after_current", name, place, heir_has=("own",))
    assert merged == (await story(app, api, "after_current", name, None))[0]


async def test_what_is_bought_after_a_merge_waits_for_both(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop, path = await shop_of(app, api, "after_current")
    for number, step in enumerate(["license", "order year", "to 2025-04-11", "lost"]):
        await play(shop, path, WHO, step, number)
    await bought(shop, HEIR, "own", "year", "2025-04-11T00:00:00Z")
    await merge(shop, WHO, HEIR)
    await bought(shop, HEIR, "both", "year", "2025-04-11T00:00:00Z")
    assert (await stands(shop, HEIR))[0] == ("both", "2026-04-11T00:00:00Z", "2027-04-11T00:00:00Z", "scheduled")
    await play(shop, path, HEIR, "won", 9)
    found = {order: (starts, ends) for order, starts, ends, _ in await stands(shop, HEIR)}
    assert found["own"] == ("2025-04-11T00:00:00Z", "2026-04-11T00:00:00Z")
    assert found["year"] == ("2025-09-01T10:00:05Z", "2026-09-01T10:00:05Z")
    assert found["both"] == ("2026-09-01T10:00:05Z", "2027-09-01T10:00:05Z")


async def test_the_audit_sees_a_period_that_did_not_move_back(
    app: FastAPI, api: httpx.AsyncClient, db: Database
) -> None:
    """As a won dispute once left it: the year still stands where it had moved up."""
    shop, path = await shop_of(app, api, "after_current")
    for number, step in enumerate(["license", "order year", "to 2025-04-11", "lost"]):
        await play(shop, path, WHO, step, number)
    await merge(shop, WHO, HEIR)
    await play(shop, path, HEIR, "won", 9)
    left = "update cover set starts_at = '2025-04-11 00:00+00', ends_at = '2026-04-11 00:00+00' where rule = 'plan'"
    assert QUEUES in await found_after(db, shop.tenant_id, left)


@pytest.mark.parametrize("merged", [False, True])
async def test_units_of_a_line_wait_by_their_numbers_in_whatever_order_their_rows_lie(
    app: FastAPI, api: httpx.AsyncClient, merged: bool
) -> None:
    """The first unit's row is written last. So it is read after the second one's, whose period begins later."""
    shop, path = await shop_of(app, api, "after_current")
    line = {"line_id": "1", "sku": "license", "quantity": 2}
    body = {"customer_id": WHO, "placed_at": "2025-03-02T00:00:00Z", "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/two", body), 201)
    if merged:
        await merge(shop, WHO, HEIR)
    who = HEIR if merged else WHO
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id=who)))["data"]
    first = min(rows, key=lambda row: row["starts_at"])["cover_id"]
    await shop.ok(await shop.post(f"/v1/covers/{first}/suspension"))
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    await shop.ok(await shop.post(f"/v1/covers/{first}/resumption"))
    await play(shop, path, who, "late half", 1)


@pytest.mark.parametrize("merged", [False, True])
async def test_what_a_refund_took_before_it_began_stands_nowhere(
    app: FastAPI, api: httpx.AsyncClient, merged: bool
) -> None:
    """An order that is told late moves what waits. The refunded license's period was never to begin, and stays."""
    shop, path = await shop_of(app, api, "after_current")
    for number, step in enumerate(["license", "to 2025-03-03"]):
        await play(shop, path, WHO, step, number)
    await bought(shop, WHO, "second", "license", "2025-03-03T00:00:00Z")
    await play(shop, path, WHO, "refund second", 3)
    if merged:
        await merge(shop, WHO, HEIR)
    await play(shop, path, HEIR if merged else WHO, "late half", 4)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("start", sorted(POLICIES))
async def test_what_waits_begins_later_once_what_it_waits_for_ends_later(
    app: FastAPI, api: httpx.AsyncClient, start: str, merged: bool
) -> None:
    """The year ran beside the license for as long as that had been suspended or extended, until the next order."""
    shop, path = await shop_of(app, api, start)
    for number, step in enumerate(["license", "order year", "to 2025-03-11"]):
        await play(shop, path, WHO, step, number)
    if merged:
        await merge(shop, WHO, HEIR)
    who = HEIR if merged else WHO
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id=who)))["data"]
    (license_,) = [row["cover_id"] for row in rows if row["rule"] == "half_year"]
    await shop.ok(await shop.post(f"/v1/covers/{license_}/suspension"))
    await play(shop, path, who, "to 2025-03-21", 4)
    await shop.ok(await shop.post(f"/v1/covers/{license_}/resumption"))
    assert (await stands(shop, who))[1] == ("year", "2025-09-11T10:00:05Z", "2026-09-11T10:00:05Z", "scheduled")
    await play(shop, path, who, "to 2025-03-22", 5)
    await shop.ok(await shop.post(f"/v1/covers/{license_}/extension", {"months": 1, "reason": "goodwill"}))
    assert (await stands(shop, who))[1] == ("year", "2025-10-11T10:00:05Z", "2026-10-11T10:00:05Z", "scheduled")
    await play(shop, path, who, "to 2025-03-23", 6)


@pytest.mark.parametrize(
    ("answer", "fixed"),
    [
        ({}, False),
        ({"merged": True, "owners": ["a"]}, True),
        ({"merged": True, "owners": ["a"], "merges": [*mark("a", "a", NOW)]}, False),
        ({"merged": True, "owners": ["a", "b"], "merges": [*mark("b", "b", NOW)]}, True),
        ({"merges": [*mark("a", "b", NOW)]}, False),
    ],
    ids=["never", "before marks", "marked", "before marks and again since", "taker"],
)
def test_an_account_merged_before_sides_were_marked_stays_as_it_is(answer: dict[str, Any], fixed: bool) -> None:
    order = Order(
        order_id=OrderId("o"),
        customer_id=CustomerId("c"),
        placed_at=NOW,
        received_at=NOW,
        currency="USD",
        lines=(),
        payload_hash="",
        answer=answer,
        policy_version=1,
    )
    assert Merges.of([order]).fixed == fixed
