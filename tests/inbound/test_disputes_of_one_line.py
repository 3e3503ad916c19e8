"""Several disputes, refunds and changes of one line: as many units stand as were bought, less those that are gone.

Units are alike. So a dispute that is won gives back what nobody else has taken meanwhile, whichever unit it was.
"""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.inbound.test_shopify_orders import refund
from tests.recurring.shop import document, plan, vendor_under
from tests.support import shops
from tests.support.chance import first_seed
from tests.support.deliveries import Shop, a_shop

SOLD = {"license": "cactushop", "packs": "x-cart", "periods": "cactushop", "choices": "cs-cart"}
SKU = {
    "license": "license-standard",
    "packs": "credits-60",
    "periods": "support-12-months",
    "choices": "license",
    "plans": "year",
}
ROUNDS = min(int(os.environ.get("RETAINER_TEST_DELIVERIES", "250")) // 60, 60)
STATES = {"open": "needs_response", "lost": "lost", "won": "won"}


@dataclass
class Line:
    """One line of an order, and what should stand of it."""

    shop: Shop
    kind: str
    number: int = 1
    bought: int = 2
    refunds: list[dict[str, Any]] = field(default_factory=list)
    disputes: dict[int, tuple[str, int]] = field(default_factory=dict)
    told: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def standing(self) -> int:
        """Units that should stand: those bought, less those refunded and those lost."""
        back = sum(row["refund_line_items"][0]["quantity"] for row in self.refunds)
        return max(self.bought - back - sum(units for state, units in self.disputes.values() if state == "lost"), 0)

    async def deliver(self, payload: dict[str, Any], topic: str | None = None) -> dict[str, Any]:
        """Deliver a payload, and compare."""
        row = await self.shop.deliver(payload, topic)
        found = await self.there()
        assert found == self.standing, (self.log, row["state"], row["reason"])
        assert await self.shop.audit() == [], self.log
        return row

    async def there(self) -> int:
        """Units that stand."""
        who = str(7300 + self.number)
        if self.kind == "packs":
            return (await self.shop.available(who) or 0) // 60
        shown = await self.shop.tenant.ok(await self.shop.tenant.get(f"/v1/customers/shop:{who}"))
        if self.kind in ("periods", "plans"):
            return sum(row["state"] in ("running", "scheduled") for row in shown["covers"])
        held = [row["license_id"] for row in shown["licenses"] if row["active"]]
        if self.kind == "license":
            assert sorted(row["license_id"] for row in shown["covers"] if row["state"] == "running") == sorted(held)
        return len(held)

    def order(self) -> dict[str, Any]:
        """The order as it stands in the shop."""
        self.told += 1
        line = shops.shopify_line(quantity=self.bought, sku=SKU[self.kind])
        total = f"{34.5 * self.bought:.2f}"
        return shops.shopify_full(
            number=self.number,
            line_items=[line],
            total_price=total,
            subtotal_price=total,
            updated_at=f"2025-02-21T{self.told // 60:02}:{self.told % 60:02}:00+01:00",
            customer={"id": 7300 + self.number, "state": "enabled", "email": None, "phone": None},
            refunds=[{**row, "order_id": self.number} for row in self.refunds],
        )

    async def buy(self, units: int) -> None:
        """The shop says that so many are on the line."""
        self.bought = units
        self.log.append(f"{units} bought")
        await self.deliver(self.order())

    async def give_back(self, units: int) -> None:
        """The shop refunds so many."""
        self.refunds.append(refund(f"{34.5 * units:.2f}", units, number=100 * self.number + len(self.refunds)))
        self.log.append(f"{units} refunded")
        await self.deliver(self.order())

    async def dispute(self, number: int, state: str, units: int | None = None) -> None:
        """A dispute of so many units is opened, lost or won."""
        units = units or self.disputes[number][1]
        self.disputes[number] = state, units
        self.log.append(f"dispute {number} of {units} {state}")
        ended = {} if state == "open" else {"finalized_on": "2025-03-05"}
        body = {
            "id": 1000 * self.number + number,
            "order_id": self.number,
            "type": "chargeback",
            "amount": f"{34.5 * units:.2f}",
            "currency": "USD",
            "reason": "fraudulent",
            "status": STATES[state],
            "evidence_due_by": None,
            "initiated_at": "2025-02-25T19:00:00-05:00",
            "finalized_on": None,
            **ended,
        }
        await self.deliver(body, "disputes/update")


async def a_line(vendor: MakeVendor, kind: str, units: int, shop: Shop | None = None, number: int = 1) -> Line:
    if shop is None:
        shop = await a_shop(vendor, "shopify", SOLD[kind])
    line = Line(shop, kind, number)
    await line.buy(units)
    return line


KINDS = pytest.mark.parametrize("kind", sorted(SOLD))


@KINDS
async def test_the_unit_that_stays_is_good_again_once_its_dispute_is_won(vendor: MakeVendor, kind: str) -> None:
    """One of two is lost, and the shop takes one out. The other way round it ends the same."""
    line = await a_line(vendor, kind, 2)
    await line.dispute(1, "lost", 1)
    await line.buy(1)
    await line.dispute(1, "won")
    assert await line.there() == 1
    await line.dispute(2, "lost", 1)
    await line.buy(2)
    await line.dispute(2, "won")
    assert await line.there() == 2


@KINDS
async def test_what_a_refund_or_the_shop_takes_stays_gone_once_a_dispute_is_won(vendor: MakeVendor, kind: str) -> None:
    """All of it was gone already when the shop took one out, or when a unit that was refunded went."""
    shop = await a_shop(vendor, "shopify", SOLD[kind])
    for number, (first, second) in enumerate(itertools.permutations(["refund", "dispute"]), 1):
        line = await a_line(vendor, kind, 2, shop, number)
        for step in (first, second):
            await (line.give_back(1) if step == "refund" else line.dispute(1, "lost", 1))
        await line.buy(1)
        assert await line.there() == 0
        await line.dispute(1, "won")
        assert await line.there() == 0, line.log
        await line.buy(2)
        assert await line.there() == 1, line.log


@KINDS
@pytest.mark.parametrize("units", [(1, 1), (1, 2), (3, 3)])
async def test_two_disputes_of_one_line_end_each_in_its_own_way(
    vendor: MakeVendor, kind: str, units: tuple[int, int]
) -> None:
    """Both are open, then lost in either order. Then one is won, or both are. The other one keeps what is its own."""
    shop = await a_shop(vendor, "shopify", SOLD[kind])
    ways = itertools.product(itertools.permutations([0, 1]), itertools.permutations([0, 1]))
    for number, (lost, won) in enumerate(ways, 1):
        line = await a_line(vendor, kind, 3, shop, number)
        for each in (0, 1):
            await line.dispute(each, "open", units[each])
        for each in lost:
            await line.dispute(each, "lost")
        for each in won:
            await line.dispute(each, "won")
        assert await line.there() == 3, line.log


@KINDS
async def test_one_is_won_and_the_other_lost_beside_changes(vendor: MakeVendor, kind: str) -> None:
    shop = await a_shop(vendor, "shopify", SOLD[kind])
    for number, order in enumerate(itertools.permutations(["one lost", "other lost", "fewer", "one won"]), 1):
        if order.index("one won") < order.index("one lost"):
            continue
        line = await a_line(vendor, kind, 3, shop, number)
        for step in order:
            if step == "fewer":
                await line.buy(2)
            else:
                await line.dispute(0 if step.startswith("one") else 1, step.rpartition(" ")[2], 1)
        await line.dispute(1, "won")
        assert await line.there() == 2, line.log


async def test_credits_of_a_plan_come_back_under_what_they_were_taken_for(app: FastAPI, api: httpx.AsyncClient) -> None:
    """Which unit took the running year changes with what the shop takes out, and its credits were taken by another."""
    text = document(plan("year")).replace("currency: EUR", "currency: USD")
    tenant = await vendor_under(app, api, text, now="2025-03-10T00:00:00Z")
    body = {"kind": "shopify", "secret": shops.SECRET}
    path = (await tenant.ok(await tenant.put("/v1/sources/shop", body), 201))["path"]
    line = Line(Shop(tenant, "shopify", path), "plans")
    await line.buy(1)
    await line.give_back(1)
    await line.dispute(0, "lost", 1)
    await line.buy(4)
    await line.dispute(1, "lost", 2)
    assert await line.shop.available("7301") == 0
    await line.dispute(0, "won")
    await line.buy(3)
    assert await line.shop.available("7301") == 0
    await line.dispute(1, "won")
    assert (await line.there(), await line.shop.available("7301")) == (2, 60)


@KINDS
async def test_any_story_of_one_line_leaves_what_nobody_took(vendor: MakeVendor, kind: str) -> None:
    seed = first_seed()
    shop = await a_shop(vendor, "shopify", SOLD[kind])
    for round_ in range(ROUNDS):
        rng = random.Random(f"{kind} {seed + round_}")
        line = await a_line(vendor, kind, rng.randint(1, 4), shop, round_ + 1)
        for _ in range(rng.randint(3, 8)):
            live = [number for number, (state, _) in line.disputes.items() if state == "lost"]
            back = sum(row["refund_line_items"][0]["quantity"] for row in line.refunds)
            what = rng.random()
            if what < 0.3:
                await line.buy(rng.randint(max(back, 1), 4))
            elif what < 0.45 and line.standing:
                await line.give_back(rng.randint(1, line.standing))
            elif what < 0.75 or not live:
                await line.dispute(len(line.disputes), "lost", rng.randint(1, line.bought))
            else:
                await line.dispute(rng.choice(live), "won")
        for number in [number for number, (state, _) in line.disputes.items() if state == "lost"]:
            await line.dispute(number, "won")
