"""Seats by quantity, a trial that each license brings once, and a plan that is cancelled for its end, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.plans.shop import DOCUMENT, NOW
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

SEATS = """
  - sku: seat
    title: A seat of gold
    kind: cover
    clause: P-2
    price: {amount: "12.00", clause: P-2}
    grants: [{kind: cover, rule: seat, clause: P-2, term: {months: 1}, start: order, plan: gold, seats: quantity}]
  - sku: license-leased
    title: A leased license
    kind: license
    edition: pro
    clause: P-5
    price: {amount: "20.00"}
    grants:
      - {kind: cover, rule: trial, clause: P-3, term: {days: 14}, start: order, scope: license, plan: gold, free: true}
      - {kind: cover, rule: lease, clause: P-2, scope: license, plan: silver, start: order}
actions:
"""
WITH_SEATS = DOCUMENT.replace("actions:\n", SEATS.lstrip("\n"), 1).replace(
    "\nactions:", "\ncontacts: {clause: P-2}\nactions:", 1
)


async def ordered(shop: Vendor, order: str, sku: str, quantity: int = 1) -> Any:
    """An order of ann's."""
    line = {"line_id": "1", "sku": sku, "quantity": quantity}
    body = {"customer_id": "ann", "placed_at": NOW, "currency": "USD", "lines": [line]}
    return await shop.ok(await shop.put(f"/v1/orders/{order}", body))


async def names(shop: Vendor, count: int) -> int:
    """The status of naming so many contacts."""
    people = [f"p{number}" for number in range(count)]
    for person in people:
        await shop.put(f"/v1/customers/{person}", {"company_id": "ann"})
    return (await shop.put("/v1/customers/ann/contacts", {"contacts": people})).status_code


async def test_so_many_seats_as_were_bought(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, WITH_SEATS, now=NOW)
    await ordered(shop, "o1", "seat", 3)
    await ordered(shop, "o2", "seat", 1)
    assert await names(shop, 5) == 409
    assert await names(shop, 4) in (200, 201)
    refund: Any = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 2}], "reason": "fewer people"}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", refund, key=None))
    customer = await shop.ok(await shop.get("/v1/customers/ann"))
    assert sum(cover["seats"] for cover in customer["covers"] if cover["state"] == "running") == 2
    await sound(shop)


async def test_each_license_brings_its_trial_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, WITH_SEATS, now=NOW)
    answer = await ordered(shop, "o1", "license-leased", 2)
    trials = [cover for cover in answer["covers"] if cover["plan"] == "gold"]
    assert sorted(cover["license_id"] for cover in trials) == sorted(row["license_id"] for row in answer["licenses"])
    assert {cover["ends_at"] for cover in trials} == {"2025-03-17T10:00:00Z"}
    assert len((await ordered(shop, "o1", "license-leased", 2))["covers"]) == len(answer["covers"])
    await sound(shop)


async def test_a_plan_that_is_cancelled_runs_to_its_end(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, WITH_SEATS, now=NOW)
    license_ = (await ordered(shop, "o1", "license-leased"))["licenses"][0]["license_id"]
    body = {"effective_at": "2025-04-03T10:00:00Z"}
    await shop.ok(await shop.post(f"/v1/licenses/{license_}/termination", body))
    await shop.move_clock("2025-04-03T09:59:59Z")
    asked = f"/v1/customers/ann/entitlements/open_ticket?license_id={license_}"
    assert (await shop.ok(await shop.get(asked)))["allowed"]
    await shop.move_clock("2025-04-03T10:00:00Z")
    assert not (await shop.ok(await shop.get(asked)))["allowed"]
    await sound(shop)
