"""A late order of many units, each with a year of intervals: what it costs grows with the units, and stops nobody."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.domain.ledger import expiry
from tests.doors.test_stretches import SECONDS_MAX, stretch
from tests.recurring.shop import bought, document, spent, vendor_under
from tests.support.vendors import sound

PLACED = "2025-01-31T12:00:00Z"
LATE = "2026-01-31T12:00:00Z"
"""A year after the orders were placed."""
LICENSE = """
  - sku: {sku}
    title: A license
    kind: license
    edition: hosted
    clause: A-1
    price: {{amount: "100.00", clause: A-1}}
    grants:
      - kind: credits
        rule: monthly
        clause: A-1
        credits: 60
        recurs: {{interval: {{months: 1}}, runs_with: license{more}}}
"""
OFFERS = (
    LICENSE.format(sku="reset", more="")
    + LICENSE.format(sku="keep", more=", at_renewal: accumulate")
    + LICENSE.format(sku="capped", more=", at_renewal: rollover, rollover: {max_credits: 100, clause: A-2}")
)
"""Licenses stand side by side, so that the intervals of all units have come."""
SKUS = ("reset", "keep", "capped")


@pytest.mark.parametrize("sku", SKUS)
async def test_a_late_order_of_two_hundred_units_stops_nobody(app: FastAPI, api: httpx.AsyncClient, sku: str) -> None:
    shop = await vendor_under(app, api, document(OFFERS), now=LATE)
    line = {"line_id": "1", "sku": sku, "quantity": 200}
    found = []
    for name in ("ann", "bob"):
        body = {"customer_id": name, "placed_at": PLACED, "currency": "EUR", "lines": [line]}
        found.append(await stretch(shop, "PUT", f"/v1/orders/of-{name}", body))
        if found[-1] <= SECONDS_MAX:
            break
    assert min(found) <= SECONDS_MAX
    totals = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert totals["available"] == {"reset": 200 * 60, "keep": 200 * 13 * 60, "capped": 200 * 160}[sku]


@pytest.mark.parametrize("sku", SKUS)
async def test_its_cost_grows_with_its_units(app: FastAPI, api: httpx.AsyncClient, sku: str) -> None:
    shop = await vendor_under(app, api, document(OFFERS), now=LATE)
    await bought(shop, sku, "warm", at=PLACED, customer="warm", quantity=5)
    seconds = []
    for quantity in (25, 100):
        best = 1e9
        for turn in (1, 2):
            began, name = time.process_time(), f"{quantity}-{turn}"
            await bought(shop, sku, name, at=PLACED, customer=name, quantity=quantity)
            best = min(best, time.process_time() - began)
        seconds.append(best)
    assert seconds[1] < 7 * seconds[0], seconds  # four times the units; with the square it would be sixteen


def plain(journal: Any, credit_type: str) -> None:
    """What is due, booked by looking through everything for each booking."""
    while (soonest := expiry._soonest(journal, credit_type)) is not None and soonest[0] <= journal.at:
        at, what = soonest
        if isinstance(what, expiry.Lot):
            expiry._expire_lot(journal, what, at)
        elif isinstance(what, expiry.Hold):
            expiry._expire_hold(journal, what, at)
        else:
            expiry.renew(journal, what)
    expiry.refresh_expiry(journal, credit_type)


async def test_it_books_the_same_as_a_plain_search_does(
    app: FastAPI, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names_of(module: str) -> list[str]:
        return [f"app.{module}.post_due_expiries"]

    told = []
    for simply in (False, True):
        if simply:
            for module in ("domain.account.recurring", "domain.ledger.expiry", "domain.ledger.lots", "views.balance"):
                for name in names_of(module):
                    monkeypatch.setattr(name, plain)
        shop = await vendor_under(app, api, document(OFFERS))
        for number, sku in enumerate((*SKUS, "pack")):
            await bought(shop, sku, f"o{number}", quantity=3)
        hold = {"credits": 100, "expires_at": "2025-03-15T00:00:00Z"}
        await shop.ok(await shop.post("/v1/customers/ann/holds", hold), 201)
        await spent(shop, 70)
        await shop.move_clock("2025-06-20T00:00:00Z")
        for number, sku in enumerate(SKUS):  # late
            await bought(shop, sku, f"late{number}", at="2025-02-10T00:00:00Z", quantity=2)
        await sound(shop)
        entries = await shop.ok(await shop.get("/v1/customers/ann/entries", limit="100"))
        told.append(
            [
                {name: row[name] for name in ("kind", "credits", "effective_at", "source", "target") if name in row}
                for row in entries["data"]
            ]
        )
        assert len(told[-1]) > 60
    assert told[0] == told[1]
