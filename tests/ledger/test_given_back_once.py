"""What was captured or held comes back once, however many ways ask for it; credits serve only as their own type."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.support.api import Vendor

PLACED = "2025-02-20T00:00:00Z"


async def buy(shop: Vendor, *lines: dict[str, Any], order: str = "o1") -> None:
    body = {"customer_id": "ann", "placed_at": PLACED, "currency": "USD", "lines": list(lines)}
    await shop.ok(await shop.put(f"/v1/orders/{order}", body), 201)


async def available(shop: Vendor) -> int:
    return (await shop.ok(await shop.get("/v1/customers/ann/balance")))["available"]


async def test_a_capture_is_refunded_in_parts_and_never_more_than_it_was(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart", "2025-03-10T00:00:00Z")
    await buy(shop, {"line_id": "1", "sku": "credits-120", "quantity": 1})
    hold = (await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 70}), 201))["hold_id"]
    assert (await shop.ok(await shop.post(f"/v1/holds/{hold}/refund", {"credits": 25})))["refunded"] == 25
    refused = await shop.post(f"/v1/holds/{hold}/refund", {"credits": 46})
    assert refused.status_code == 409
    assert refused.json()["facts"]["refundable"] == 45
    assert (await shop.ok(await shop.post(f"/v1/holds/{hold}/refund", {})))["refunded"] == 70
    assert (await shop.post(f"/v1/holds/{hold}/refund", {"credits": 1})).status_code == 409
    assert await available(shop) == 120


async def test_what_a_withdrawn_ticket_held_comes_back_once(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart", "2025-03-10T00:00:00Z")
    await buy(shop, {"line_id": "1", "sku": "credits-60", "quantity": 1})
    ticket = {"customer_id": "ann", "subject": "help", "channel": "helpdesk", "category": "level_2"}
    assert (await shop.ok(await shop.put("/v1/tickets/T9", ticket), 201))["state"] == "in_progress"
    told = await shop.ok(await shop.get("/v1/customers/ann/statement"))
    (hold,) = told["tickets_in_progress"][0]["hold_ids"]
    assert await available(shop) < 60
    await shop.ok(await shop.post("/v1/tickets/T9/withdrawal", {}))
    for action in ("release", "refund"):
        assert (await shop.post(f"/v1/holds/{hold}/{action}", {})).status_code == 409
    assert (await shop.post("/v1/tickets/T9/withdrawal", {})).status_code in (200, 409)
    assert await available(shop) == 60


async def test_credits_of_one_type_serve_no_other_and_the_type_must_be_named(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", "2025-03-10T14:00:00Z")
    await buy(
        shop,
        {"line_id": "1", "sku": "license", "quantity": 1},
        {"line_id": "2", "sku": "credit-escalated", "quantity": 2, "unit_price": "125.00"},
    )
    refused = await shop.post("/v1/customers/ann/debits", {"credits": 1, "credit_type": "priority"})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_credits")
    assert (await shop.post("/v1/customers/ann/debits", {"credits": 1})).status_code == 422
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert balance["by_type"]["escalated"]["available"] == 2
