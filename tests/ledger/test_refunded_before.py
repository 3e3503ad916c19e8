"""A database that was written before refunds left marks: the migration makes the marks from what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from app.commands.migrate import downgrade, upgrade
from app.main import create_app
from tests.ledger.test_refunded_units import available, give_back, put_order, refund_lot, transfer, voided
from tests.support.api import Vendor, client_of, make_vendor, running, settings_for
from tests.tickets.desk import GOOD_FACTS, act, open_ticket

BEFORE = "0008"


@pytest_asyncio.fixture(scope="module")
async def old(module_url: str) -> AsyncIterator[dict[str, Any]]:
    """Two tenants with refunded orders; their marks are taken off by the way down, and made again by the way up."""
    async with running(create_app(settings_for(module_url))) as app:
        xcart, shopp = await make_vendor(app, "x-cart"), await make_vendor(app, "shopp")
        await put_order(xcart, "free", "license")
        await put_order(xcart, "p", "credits-60", quantity=2)
        lot = (await put_order(xcart, "gift", "credits-300"))["lots"][0]["lot_id"]
        await put_order(xcart, "other", "of-no-interest", customer="bob")
        held = await xcart.ok(await xcart.post("/v1/customers/ann/holds", {"credits": 170}), 201)
        await give_back(xcart, "p", quantity=1)
        await give_back(xcart, "free")
        await transfer(xcart, lot, "bob")
        await put_order(xcart, "gone", "license", customer="cyd")
        await give_back(xcart, "gone")
        await put_order(shopp, "key", "license")
        credit = (await put_order(shopp, "p", "credit-priority", unit_price="75.00"))["lots"][0]["lot_id"]
        ticket = await open_ticket(shopp, "ann", credit_type="priority", facts=GOOD_FACTS)
        await give_back(shopp, "p")
    await asyncio.to_thread(downgrade, module_url, BEFORE)
    await asyncio.to_thread(upgrade, module_url)
    async with running(create_app(settings_for(module_url))) as app:
        for one in (xcart, shopp):
            await one.close()
        made = {
            one.policy: Vendor(one.tenant_id, one.policy, one.key, client_of(app, one.key), app)
            for one in (xcart, shopp)
        }
        yield {**made, "hold": held["hold_id"], "ticket": ticket, "credit": credit}
        for one in made.values():
            await one.close()


async def test_what_was_refunded_before_comes_back_to_nobody(old: dict[str, Any]) -> None:
    """170 held: 60 free points, refunded; 110 of two packs, of which one was refunded."""
    shop = old["x-cart"]
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    await shop.ok(await shop.post(f"/v1/holds/{old['hold']}/release"))
    assert await available(shop) == 60
    assert sum(credits_ for credits_, _ in await voided(shop)) == -(60 + 60)


async def test_what_was_given_away_before_is_followed(old: dict[str, Any]) -> None:
    shop = old["x-cart"]
    report = await give_back(shop, "gift")
    assert [(one["credits"], one["customer_id"]) for one in report["taken_back"]] == [(300, "bob")]
    assert await available(shop, "bob") == 0


async def test_a_first_license_refunded_before_does_not_count(old: dict[str, Any]) -> None:
    again = await put_order(old["x-cart"], "again", "license", customer="cyd")
    assert [one["granted"] for one in again["lots"]] == [60]


async def test_an_order_refunded_before_is_not_paid_again_by_its_lot(old: dict[str, Any]) -> None:
    shop = old["shopp"]
    await act(shop, old["ticket"], "withdrawal")
    assert await available(shop) == 0
    assert (await refund_lot(shop, old["credit"], status=409))["code"] == "already_refunded"
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
