"""What comes too early: a sku the policy does not know yet, a refund whose order has not come."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.db.engine import Database
from app.domain.values.errors import DomainError
from app.usecases.orders import orders
from app.usecases.orders.refunds import RefundLine, RefundOrder
from tests.conftest import MakeVendor
from tests.orders.builders import a_line, an_order, buy
from tests.support.api import Vendor

X_CART = (Path(__file__).parents[2] / "app" / "policies" / "x-cart.yaml").read_text(encoding="utf-8")
MORE = """  - sku: credits-600
    title: Technical support subscription, 600 points
    kind: credits
    clause: XC-4
    price: {amount: "330.00", clause: XC-4}
    grants:
      - {kind: credits, rule: points_600, clause: XC-4, credits: 600, expires: {years: 2}, expires_clause: XC-5}

actions:
"""


async def publish(shop: Vendor) -> None:
    document = X_CART.replace("actions:\n", MORE, 1)
    answer = await shop.post("/v1/policies/x-cart/versions", json={"document": document})
    assert answer.status_code in (200, 201), answer.text


async def available(shop: Vendor, customer_id: str = "ann") -> int:
    summary = await shop.ok(await shop.get(f"/v1/customers/{customer_id}"))
    return int(summary["balance"]["available"])


async def test_a_parked_line_is_granted_once_the_policy_knows_it(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    body = await buy(shop, "credits-600", "credits-60", order_id="o-1")
    assert [one["code"] for one in body["not_granted"]] == ["unknown_sku"]
    assert (await shop.ok(await shop.post("/v1/orders/o-1/replay", key=None)))["not_granted"] == body["not_granted"]
    await publish(shop)
    again = await shop.put("/v1/orders/o-1", json=an_order("credits-600", "credits-60"))
    assert again.status_code == 200
    assert again.json()["not_granted"] == []
    assert sorted(one["granted"] for one in again.json()["lots"]) == [60, 600]
    for _ in range(2):
        await shop.ok(await shop.post("/v1/orders/o-1/replay", key=None))
    assert (await shop.put("/v1/orders/o-1", json=an_order("credits-600", "credits-60"))).json() == again.json()
    assert await available(shop) == 660
    pins = {one["sku"]: one["policy_version"] for one in again.json()["lines"]}
    assert pins == {"credits-600": 2, "credits-60": 1}


async def test_what_was_granted_keeps_its_policy(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "license", order_id="o-1")
    document = X_CART.replace("credits: 60\n        expires: {years: 2}", "credits: 99\n        expires: {years: 2}")
    assert document != X_CART
    await shop.ok(await shop.post("/v1/policies/x-cart/versions", json={"document": document}), (200, 201))
    await buy(shop, "credits-60", order_id="o-2")
    assert await available(shop) == 120
    await shop.move_clock("2025-01-02T00:00:00Z")
    later = await buy(shop, "license", customer_id="bob", placed_at="2025-01-02T00:00:00Z")
    assert [one["granted"] for one in later["lots"]] == [99]


def a_put(order_id: str, sku: str, quantity: int) -> orders.PutOrder:
    line = orders.LineCommand(line_id="1", sku=sku, quantity=quantity)
    return orders.PutOrder(
        order_id=order_id, customer_id="ann", placed_at=datetime(2024, 12, 1, tzinfo=UTC), currency="USD", lines=(line,)
    )


@pytest.mark.parametrize("early", [True, False])
async def test_a_refund_may_overtake_its_order(vendor: MakeVendor, db: Database, early: bool) -> None:
    shop = await vendor("x-cart")
    refund = RefundOrder(order_id="o-1", refund_id="r-1", lines=(RefundLine(line_id="1", quantity=2),))

    async def give_back(tx: Any) -> tuple[int, dict[str, Any]]:
        return await orders.refund_order(tx, refund, early=True)

    if early:
        assert (await db.run(shop.tenant_id, give_back))[1]["pending"] is True
        assert (await db.run(shop.tenant_id, give_back))[0] == 200
    await db.run(shop.tenant_id, lambda tx: orders.put_order(tx, a_put("o-1", "credits-60", 3)))
    if not early:
        await db.run(shop.tenant_id, give_back)
    assert await available(shop) == 60
    kept = await shop.ok(await shop.get("/v1/orders/o-1"))
    assert [(one["refund_id"], one["lines"]) for one in kept["refunds"]] == [("r-1", [{"line_id": "1", "quantity": 2}])]
    more = await shop.post("/v1/orders/o-1/refunds", json={"refund_id": "r-2", "lines": [a_refund("1", 2)]})
    assert more.json()["code"] == "order_over_refund"


def a_refund(line_id: str, quantity: int) -> dict[str, Any]:
    return {"line_id": line_id, "quantity": quantity}


async def test_a_whole_order_refunded_early_grants_nothing(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("cs-cart")
    refund = RefundOrder(order_id="o-1", refund_id="r-1")
    await db.run(shop.tenant_id, lambda tx: orders.refund_order(tx, refund, early=True))
    body = await buy(shop, a_line("license", quantity=2), order_id="o-1", placed_at="2024-12-01T00:00:00Z")
    assert [one["ended_reason"] for one in body["licenses"]] == ["refunded", "refunded"]
    assert await available(shop) == 0
    later = await buy(shop, "license", order_id="o-2")
    assert len(later["choices"]) == 1, "refunded untouched, they do not count for what is bought afterwards (CSC-2)"


async def test_rest_does_not_take_a_refund_of_an_unknown_order(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("cs-cart")
    answer = await shop.post("/v1/orders/none/refunds", json={"refund_id": "r-1"})
    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    with pytest.raises(DomainError):
        await db.run(shop.tenant_id, lambda tx: orders.refund_order(tx, RefundOrder(order_id="n", refund_id="r")))
