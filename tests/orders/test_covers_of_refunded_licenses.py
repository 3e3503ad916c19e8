"""A license that is refunded has no cover past its end, however the orders before it change afterwards.

Its cover waits for what was bought before. So an order that is told late, or goes, moves it; one that a refund took, or
that had run out before, must not serve again. A dispute that is won puts all of it back where it belongs by then.
"""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.inbound.test_payment_disputes import deliver, dispute, session
from tests.lives.plans import ALLOWED, GATE
from tests.recurring.shop import document, plan, vendor_under
from tests.support import shops
from tests.support.api import Vendor
from tests.support.vendors import vendor_under as under

LICENSE = """
  - sku: license
    title: A license with a half year of help
    kind: license
    edition: hosted
    clause: A-1
    price: {amount: "100.00", clause: A-1}
    grants:
      - {kind: cover, rule: half_year, clause: A-1, start: after_current, term: {months: 6}, actions: [plan]}
      - kind: credits
        rule: monthly
        clause: A-1
        credits: 10
        recurs: {interval: {months: 1}, runs_with: half_year}
"""
PLANS = (
    document("""
  - sku: license-plan
    title: A license with a year of silver
    kind: license
    edition: hosted
    clause: A-1
    price: {amount: "100.00", clause: A-1}
    grants: [{kind: cover, rule: silver, clause: A-1, start: order, term: {years: 1}, plan: silver}]
  - sku: gold-now
    title: Gold instead of silver
    kind: cover
    clause: A-1
    price: {amount: "100.00", clause: A-1}
    grants:
      - kind: cover
        rule: gold
        clause: A-1
        term: {years: 1}
        plan: gold
        replaces: {plans: [silver], into: days}
""")
    .replace("currency: EUR", "currency: USD")
    .replace(
        "editions: [hosted]\n",
        "editions: [hosted]\nplans: [{plan: silver, title: S, clause: A-1}, {plan: gold, title: G, clause: A-1}]\n",
    )
)
TEXT = (
    document(plan("year", "runs_with: plan") + LICENSE)
    .replace("currency: EUR", "currency: USD")
    .replace("term_zone: Europe/Berlin", "term_zone: UTC")
    .replace(ALLOWED, GATE)
)
WHO = "shop:17"


async def shop_of(app: FastAPI, api: httpx.AsyncClient) -> tuple[Vendor, str]:
    """A vendor that listens to Stripe, on 1 June 2025."""
    shop = await vendor_under(app, api, TEXT, now="2025-06-01T00:00:00Z")
    body = {"kind": "stripe", "secret": shops.SECRET}
    return shop, (await shop.ok(await shop.put("/v1/sources/shop", body), 201))["path"]


async def bought(shop: Vendor, order: str, sku: str, placed: str) -> None:
    line = {"line_id": "1", "sku": sku, "quantity": 1}
    body = {"customer_id": WHO, "placed_at": placed, "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put(f"/v1/orders/{order}", body), 201)


async def stands(shop: Vendor) -> list[tuple[str, str, str]]:
    """The customer's cover from now on: order, beginning and end."""
    now = (await shop.ok(await shop.get("/v1/clock")))["now"]
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id=WHO)))["data"]
    found = [(row["order_id"], row["starts_at"], row["ends_at"]) for row in rows if row["state"] != "voided"]
    return sorted(row for row in found if row[2] > now)


async def spendable(shop: Vendor) -> int:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    return int((await shop.ok(await shop.get(f"/v1/customers/{WHO}/balance")))["available"])


async def gone(shop: Vendor, path: str, by: str) -> None:
    """The license of 1 March is refunded, or the bank takes its payment back."""
    if by == "a refund":
        await shop.ok(await shop.post("/v1/orders/shop:pi_D1/refunds", {"refund_id": "R"}), 201)
    else:
        assert (await deliver(shop, path, dispute("lost", amount=10000)))["state"] == "done"


BOUGHT = "2025-03-01T10:00:05Z"
BEFORE = {"year": "2025-01-10T00:00:00Z", "license": "2025-02-01T00:00:00Z"}
"""What was bought before: a year, after which the license's cover would begin, or a half year that ends before that."""


@pytest.mark.parametrize("by", ["a refund", "a dispute"])
@pytest.mark.parametrize("sku", sorted(BEFORE))
@pytest.mark.parametrize("refunded", ["2025-06-01T00:00:00Z", "2025-09-02T00:00:00Z"])
async def test_an_order_told_late_brings_a_refunded_license_no_cover(
    app: FastAPI, api: httpx.AsyncClient, by: str, sku: str, refunded: str
) -> None:
    found = []
    for late in (False, True):
        shop, path = await shop_of(app, api)
        if not late:
            await bought(shop, "before", sku, BEFORE[sku])
        assert (await deliver(shop, path, session("license", 1, 10000)))["state"] == "done"
        await shop.move_clock(refunded)
        await gone(shop, path, by)
        await shop.move_clock("2025-09-03T00:00:00Z")
        if late:
            await bought(shop, "before", sku, BEFORE[sku])
        assert [row for row in await stands(shop) if row[0] != "before"] == []
        first = await stands(shop), await spendable(shop)
        await shop.move_clock("2026-02-01T00:00:00Z")
        gate = await shop.ok(await shop.get(f"/v1/customers/{WHO}/entitlements/plan"))
        found.append((first, await stands(shop), await spendable(shop), gate["allowed"]))
        assert not gate["allowed"]
    assert found[0] == found[1]


@pytest.mark.parametrize("sku", sorted(BEFORE))
@pytest.mark.parametrize("lost", ["2025-06-01T00:00:00Z", "2025-09-02T00:00:00Z"])
@pytest.mark.parametrize("late", ["while it is lost", "once it is won"])
async def test_a_won_dispute_puts_the_cover_where_it_belongs_by_then(
    app: FastAPI, api: httpx.AsyncClient, sku: str, lost: str, late: str
) -> None:
    found = []
    for told in ("as placed", late):
        shop, path = await shop_of(app, api)
        if told == "as placed":
            await bought(shop, "before", sku, BEFORE[sku])
        assert (await deliver(shop, path, session("license", 1, 10000)))["state"] == "done"
        await shop.move_clock(lost)
        await gone(shop, path, "a dispute")
        await shop.move_clock("2025-09-03T00:00:00Z")
        if told == "while it is lost":
            await bought(shop, "before", sku, BEFORE[sku])
            assert [row for row in await stands(shop) if row[0] != "before"] == []
        assert (await deliver(shop, path, dispute("won", number=2, amount=10000)))["state"] == "done"
        if told == "once it is won":
            await bought(shop, "before", sku, BEFORE[sku])
        else:
            refund = (await shop.ok(await shop.get("/v1/orders/shop:pi_D1")))["refunds"][0]
            back = [row["ends_at"] for row in refund["undone"]["given_back"] if row["kind"] == "cover"]
            assert back == [row[2] for row in await stands(shop) if row[0] == "shop:pi_D1"]
        begins = {"year": "2026-01-10T00:00:00Z", "license": "2025-08-01T00:00:00Z"}[sku]
        (mine,) = [row for row in await stands(shop) if row[0] == "shop:pi_D1"]
        assert mine[1] == begins
        first = await stands(shop), await spendable(shop)
        await shop.move_clock("2026-03-01T00:00:00Z")
        found.append((first, await stands(shop), await spendable(shop)))
        lost_again = await deliver(shop, path, dispute("lost", number=3, amount=10000))
        assert lost_again["state"] == "done"
        assert [row for row in await stands(shop) if row[0] == "shop:pi_D1"] == []
        assert await spendable(shop) <= found[0][2]
    assert found[0] == found[1]


async def test_what_is_bought_behind_a_refunded_license_does_not_wait_for_its_cover(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """A year behind it begins where the cover of the refunded license ended, whichever was told first."""
    found = []
    for late in (False, True):
        shop, path = await shop_of(app, api)
        if not late:
            await bought(shop, "before", "license", BEFORE["license"])
        assert (await deliver(shop, path, session("license", 1, 10000)))["state"] == "done"
        await shop.move_clock("2025-09-02T00:00:00Z")
        await gone(shop, path, "a refund")
        await bought(shop, "behind", "year", "2025-09-02T00:00:00Z")
        if late:
            await bought(shop, "before", "license", BEFORE["license"])
        assert await spendable(shop) >= 0
        found.append(await stands(shop))
    assert found[0] == found[1] == [("behind", "2025-09-02T00:00:00Z", "2026-09-02T00:00:00Z")]


async def test_a_plan_that_is_put_back_serves_no_longer_than_its_refunded_license(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """Gold replaced the plan that came with a license. The license is refunded first, and then gold."""
    shop = await under(app, api, PLANS, now="2025-06-01T00:00:00Z")
    await bought(shop, "license", "license-plan", "2025-05-01T00:00:00Z")
    await bought(shop, "gold", "gold-now", "2025-05-20T00:00:00Z")
    await shop.ok(await shop.post("/v1/orders/license/refunds", {"refund_id": "R"}), 201)
    await shop.move_clock("2025-06-02T00:00:00Z")
    await shop.ok(await shop.post("/v1/orders/gold/refunds", {"refund_id": "R"}), 201)
    assert await stands(shop) == []
    await spendable(shop)
