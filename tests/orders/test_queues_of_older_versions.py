"""What was bought under a version whose periods wait for one another stands where it is under one that sells none."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from tests.orders.test_covers_of_refunded_licenses import TEXT
from tests.recurring.shop import vendor_under
from tests.support.api import Vendor

ANN = "ann"
WAITS = ("2026-01-10T00:00:00Z", "2026-07-10T00:00:00Z")
PLAIN = TEXT.replace("start: after_current", "start: order")


async def bought(shop: Vendor, order: str, sku: str, placed: str) -> None:
    line = {"line_id": "1", "sku": sku, "quantity": 1}
    body = {"customer_id": ANN, "placed_at": placed, "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put(f"/v1/orders/{order}", body), 201)


async def cover_of(shop: Vendor, order: str) -> tuple[str, str]:
    rows = (await shop.ok(await shop.get("/v1/covers", customer_id=ANN)))["data"]
    (found,) = [(row["starts_at"], row["ends_at"]) for row in rows if row["order_id"] == order]
    return found


async def waiting_under_an_old_version(app: FastAPI, api: httpx.AsyncClient) -> Vendor:
    shop = await vendor_under(app, api, TEXT, now="2025-03-02T00:00:00Z")
    await bought(shop, "year", "year", "2025-01-10T00:00:00Z")
    await bought(shop, "first", "license", "2025-02-01T00:00:00Z")
    assert await cover_of(shop, "first") == WAITS
    body = {"document": PLAIN, "effective_from": "2025-04-01T00:00:00Z"}
    await shop.ok(await shop.post("/v1/policies/allowances/versions", body), 201)
    await shop.move_clock("2025-05-01T00:00:00Z")
    return shop


async def test_a_license_of_a_new_version_moves_none_that_waits_under_an_old_one(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await waiting_under_an_old_version(app, api)
    await bought(shop, "second", "license", "2025-05-01T00:00:00Z")
    assert await cover_of(shop, "first") == WAITS
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_a_refund_under_a_new_version_moves_none_that_waits_under_an_old_one(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await waiting_under_an_old_version(app, api)
    await bought(shop, "pack", "pack", "2025-05-01T00:00:00Z")
    await shop.ok(await shop.post("/v1/orders/pack/refunds", {"refund_id": "R"}), 201)
    assert await cover_of(shop, "first") == WAITS
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
