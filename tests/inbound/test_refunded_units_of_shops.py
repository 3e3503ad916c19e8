"""What a shop refunds, takes out of an order or puts back into it: its units are marked as those of any refund are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.inbound import histories
from tests.inbound.test_changed_orders import a_shop, balance, deliver, line, parked, snapshot, told
from tests.support.api import Vendor


async def audited(shop: Vendor) -> None:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def hold(shop: Vendor, customer: str, credits: int, **more: Any) -> str:
    body = {"credits": credits, **more}
    made = await shop.ok(await shop.post(f"/v1/customers/shop:{customer}/holds", body), 201)
    return str(made["hold_id"])


def refunded(step: int, refund_id: str, quantity: int) -> dict[str, Any]:
    return told(
        9,
        histories.START + timedelta(hours=step),
        "order.refunded",
        refund_id=refund_id,
        lines=[{"line_id": "1", "quantity": quantity}],
    )


async def test_a_refund_told_by_a_shop_takes_what_comes_back(app: FastAPI, vendor: MakeVendor) -> None:
    shop, token = await a_shop(vendor, "avactis")
    await deliver(app, shop, token, [snapshot(1, "7", line(1, "credits-10", 3))], each=True)
    held = await hold(shop, "7", 28)
    await deliver(app, shop, token, [refunded(2, "a", 2)], each=True)
    assert await balance(shop, "7") == 0
    await shop.ok(await shop.post(f"/v1/holds/{held}/release"))
    assert await balance(shop, "7") == 10
    await audited(shop)


async def test_units_taken_out_while_they_are_held_come_back_to_nobody(app: FastAPI, vendor: MakeVendor) -> None:
    shop, token = await a_shop(vendor, "avactis")
    await deliver(app, shop, token, [snapshot(1, "7", line(1, "credits-10", 3))], each=True)
    held = await hold(shop, "7", 25)
    await deliver(app, shop, token, [snapshot(2, "7", line(1, "credits-10", 1))], each=True)
    await shop.ok(await shop.post(f"/v1/holds/{held}/release"))
    assert await balance(shop, "7") == 10
    await deliver(app, shop, token, [snapshot(3, "7", line(1, "credits-10", 2))], each=True)
    assert await balance(shop, "7") == 20
    await audited(shop)


async def test_a_license_that_is_put_back_keeps_what_it_still_uses(app: FastAPI, vendor: MakeVendor) -> None:
    """Its unit is there again, so what its ticket held all along is no refunded unit's."""
    shop, token = await a_shop(vendor, "avactis")
    sku = {"line_id": "1", "sku": "license-owned", "unit_price": "100.00", "list_price": "100.00"}
    both, one = [{**sku, "quantity": 2}], [{**sku, "quantity": 1}]
    await deliver(app, shop, token, [snapshot(1, "7", *both)], each=True)
    held = await hold(shop, "7", 390)
    await deliver(app, shop, token, [snapshot(2, "7", *one)], each=True)
    assert await balance(shop, "7") == 0
    await deliver(app, shop, token, [snapshot(3, "7", *both)], each=True)
    await shop.ok(await shop.post(f"/v1/holds/{held}/release"))
    assert await balance(shop, "7") == 400
    await shop.ok(await shop.post("/v1/orders/shop:o9/refunds", {"refund_id": "R", "lines": []}, key=None), 201)
    assert await balance(shop, "7") == 0
    await audited(shop)


async def test_the_payment_of_a_lots_refund_is_no_second_refund(app: FastAPI, vendor: MakeVendor) -> None:
    """A lot's refund says what is due, the shop pays it and tells of it: nothing is parked, nothing taken twice."""
    shop, token = await a_shop(vendor, "shopp")
    await deliver(app, shop, token, [snapshot(1, "7", line(1, "credit-priority", 2, "75.00"))], each=True)
    held = await hold(shop, "7", 1, credit_type="priority")
    lot = (await shop.ok(await shop.get("/v1/customers/shop:7")))["lots"][0]["lot_id"]
    paid = await shop.ok(await shop.post(f"/v1/lots/{lot}/refund", {}))
    assert paid["refund"]["amount"] == "75.00"
    await deliver(app, shop, token, [refunded(2, "a", 1)], each=True)
    assert await parked(shop) == []
    order = await shop.ok(await shop.get("/v1/orders/shop:o9"))
    assert order["refunds"][0]["lines"] == [{"line_id": "1", "quantity": 1, "by_lots": 1}]
    await shop.ok(await shop.post(f"/v1/holds/{held}/release"))
    assert await balance(shop, "7") == 1, "the other credit was not refunded"
    await deliver(app, shop, token, [refunded(3, "b", 1)], each=True)
    assert (await balance(shop, "7"), await parked(shop)) == (0, [])
    over = await shop.post("/v1/orders/shop:o9/refunds", {"refund_id": "R", "lines": []}, key=None)
    assert (over.status_code, over.json()["code"]) == (422, "order_over_refund")
    await audited(shop)


async def test_an_order_whose_credits_were_given_away_stays_with_its_customer(app: FastAPI, vendor: MakeVendor) -> None:
    shop, token = await a_shop(vendor, "x-cart")
    await deliver(app, shop, token, [snapshot(1, "7", line(1, "credits-60", 2))], each=True)
    await shop.ok(
        await shop.put(
            "/v1/orders/mine",
            {
                "customer_id": "shop:8",
                "currency": "USD",
                "placed_at": "2024-12-01T10:00:00Z",
                "lines": [{"line_id": "1", "sku": "of-no-interest"}],
            },
        ),
        201,
    )
    lot = (await shop.ok(await shop.get("/v1/customers/shop:7")))["lots"][0]["lot_id"]
    await shop.ok(await shop.post(f"/v1/lots/{lot}/transfer", {"to_customer_id": "shop:8"}))
    await deliver(app, shop, token, [snapshot(2, "9", line(1, "credits-60", 2))], each=True)
    assert [reason for reason, _ in await parked(shop)] == ["order_customer_changed"]
    assert (await balance(shop, "8"), await balance(shop, "9")) == (120, 0)
    await deliver(app, shop, token, [snapshot(3, "7", line(1, "credits-60", 1))], each=True)
    assert (await balance(shop, "7"), await balance(shop, "8")) == (0, 60)
    await audited(shop)
