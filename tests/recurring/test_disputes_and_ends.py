"""Recurring credits beside a dispute that is won, and beside an end that is told after a suspension."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.inbound.test_payment_disputes import deliver, dispute, session
from tests.recurring.shop import balance, bought, document, plan, spent, vendor_under
from tests.support import shops
from tests.support.vendors import sound

LEASE = """
  - sku: leased
    title: A leased shop
    kind: license
    edition: hosted
    clause: A-1
    price: {amount: "300.00", clause: A-1}
    grants:
      - {kind: cover, rule: lease, clause: A-1, term: {years: 1}, scope: license, actions: [plan]}
      - kind: credits
        rule: leased
        clause: A-1
        credits: 5
        recurs: {interval: {months: 1}, runs_with: lease, at_renewal: accumulate}
"""


@pytest.mark.parametrize("told", ["2025-02-15T00:00:00Z", "2025-03-05T00:00:00Z"])
async def test_an_end_told_late_takes_back_what_came_after_it(app: FastAPI, api: httpx.AsyncClient, told: str) -> None:
    shop = await vendor_under(app, api, document(LEASE))
    made = await bought(shop, "leased")
    cover = made["covers"][0]["cover_id"]
    await shop.move_clock("2025-03-10T00:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {"reason": "a break"}))
    await shop.move_clock("2025-04-10T00:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"}))
    await shop.move_clock("2025-06-10T00:00:00Z")
    assert await balance(shop) == 20
    body = {"effective_at": told}
    await shop.ok(await shop.post(f"/v1/licenses/{made['licenses'][0]['license_id']}/termination", body))
    assert await balance(shop) == (5 if told < "2025-02-28" else 10)
    await shop.move_clock("2025-12-01T00:00:00Z")
    assert await balance(shop) == (5 if told < "2025-02-28" else 10)
    await sound(shop)


@pytest.mark.parametrize(
    "recurs",
    [
        "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 100, clause: A-2}",
        "runs_with: plan, at_renewal: rollover, rollover: {intervals: 1}",
        "runs_with: plan",
        "runs_with: plan, at_renewal: accumulate",
    ],
)
async def test_a_dispute_that_is_won_leaves_what_there_would_be_without_it(
    app: FastAPI, api: httpx.AsyncClient, recurs: str
) -> None:
    shop = await vendor_under(app, api, document(plan("plan", recurs)), now="2025-03-01T12:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    assert (await deliver(shop, made["path"], session("plan", 1, 10_000, currency="eur")))["state"] == "done"
    await bought(shop, "plan", "o1", at="2025-03-01T12:00:00Z", customer="beside")
    await shop.move_clock("2025-04-15T00:00:00Z")
    for customer in ("shop:17", "beside"):
        await spent(shop, 5, customer)
    assert await balance(shop, "shop:17") == await balance(shop, "beside")
    lost = dispute("lost", amount=10_000, currency="eur")
    assert (await deliver(shop, made["path"], lost))["state"] == "done"
    assert await balance(shop, "shop:17") == 0
    await shop.move_clock("2025-07-15T00:00:00Z")
    won = dispute("won", number=2, amount=10_000, currency="eur")
    assert (await deliver(shop, made["path"], won))["state"] == "done"
    assert await balance(shop, "shop:17") == await balance(shop, "beside")
    await sound(shop)
    await shop.move_clock("2025-08-15T00:00:00Z")
    assert await balance(shop, "shop:17") == await balance(shop, "beside")
    await sound(shop)


async def test_a_dispute_of_two_periods_that_is_won_leaves_what_there_would_be_without_it(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """The second period begins meanwhile: its first renewal counts what is unused of the period before."""
    bounded = "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 100, clause: A-2}"
    text = document(plan("plan", bounded, term="{months: 2}"))
    shop = await vendor_under(app, api, text, now="2025-03-01T12:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    assert (await deliver(shop, made["path"], session("plan", 2, 20_000, currency="eur")))["state"] == "done"
    await bought(shop, "plan", "o1", at="2025-03-01T12:00:00Z", customer="beside", quantity=2)
    await shop.move_clock("2025-04-15T00:00:00Z")
    lost = dispute("lost", amount=20_000, currency="eur")
    assert (await deliver(shop, made["path"], lost))["state"] == "done"
    assert await balance(shop, "shop:17") == 0
    await shop.move_clock("2025-06-15T00:00:00Z")
    won = dispute("won", number=2, amount=20_000, currency="eur")
    assert (await deliver(shop, made["path"], won))["state"] == "done"
    assert await balance(shop, "shop:17") == await balance(shop, "beside") == 160
    await sound(shop)
    await shop.move_clock("2025-08-15T00:00:00Z")
    assert await balance(shop, "shop:17") == await balance(shop, "beside")
    await sound(shop)
