"""What a shop's API answers and what its webhooks send are read into the same news, field by field."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.connectors import shopify_admin
from app.connectors.inbound import ADAPTERS
from app.connectors.reconcile import Fetcher
from app.domain.feeds.adapter import Letter
from app.domain.feeds.orders import News
from tests.inbound.test_reconcile_and_import import BASE, SINCE, shopify_node
from tests.inbound.test_shopify_orders import packs, refund, shipped, shipping_back
from tests.inbound.test_woocommerce_orders import packs as woo_packs
from tests.inbound.test_woocommerce_orders import refunded
from tests.support import shops

LINE = shops.shopify_line
ORDERS: dict[str, dict[str, Any]] = {
    "paid": packs(2),
    "pending": packs(1, financial_status="pending"),
    "discounted": shops.shopify_full(total_price="30.00", line_items=[LINE(total_discount="4.50")]),
    "an order's discount": shops.shopify_full(
        total_price="30.00", line_items=[LINE(discount_allocations=[{"amount": "4.50"}])]
    ),
    "taxes in the price": shops.shopify_full(
        taxes_included=True, total_tax="5.75", line_items=[LINE(tax_lines=[{"price": "5.75"}])]
    ),
    "taxes and shipping": shops.shopify_full(
        total_price="52.00", total_tax="7.50", shipping_lines=[shipped("10.00", "1.50")],
        line_items=[LINE(tax_lines=[{"price": "6.00"}])],
    ),
    "shipping less a discount": shops.shopify_full(
        total_price="39.50", shipping_lines=[{**shipped("10.00"), "discount_allocations": [{"amount": "5.00"}]}]
    ),
    "duties, tip, rounding": shops.shopify_full(
        total_price="42.52", original_total_duties_set=shops.shopify_money("5.00"), total_tip_received="3.00",
        total_cash_rounding_payment_adjustment_set=shops.shopify_money("0.02"),
    ),
    "edited": shops.shopify_full(
        total_price="103.50", line_items=[LINE(current_quantity=0), LINE(8802, price="69.00")], refunds=[refund("", 1)]
    ),
    "a tip line": shops.shopify_full(
        total_price="39.50", line_items=[LINE(), LINE(8802, None, 1, "5.00", product_id=None, variant_id=None)]
    ),
    "units refunded": packs(2, financial_status="partially_refunded", refunds=[refund("34.50", 1)]),
    "shipping refunded": packs(
        2, total_price="79.00", shipping_lines=[shipped("10.00")],
        refunds=[refund("10.00", refund_shipping_lines=[shipping_back("10.00")])],
    ),
    "an amount refunded": packs(2, refunds=[refund("5.00")]),
    "more than its units refunded": packs(2, refunds=[refund("40.00", 1)]),
    "a total that nothing explains": packs(2, total_price="99.00"),
    "a guest without a customer": packs(1, customer=None),
    "redacted": packs(1, customer=None, email=None, contact_email=None),
    "cancelled": packs(1, financial_status="refunded", cancelled_at="2025-02-27T12:00:00+01:00"),
}  # fmt: skip


def news(kind: str, body: bytes, **options: Any) -> News:
    found = ADAPTERS[kind].read(Letter(topic=None, body=body, fetched=None, options=options)).order
    assert found is not None
    return found


@pytest.mark.parametrize("guests", ["by_id", "joined"])
@pytest.mark.parametrize("name", ORDERS)
async def test_shopifys_api_and_webhooks_are_read_alike(name: str, guests: str) -> None:
    order = ORDERS[name]
    page = {"nodes": [shopify_node(order)], "pageInfo": {"hasNextPage": False, "endCursor": None}}

    async def ask(path: str, body: Any) -> Any:
        return {"data": {"orders": page}}

    (asked,) = [one async for one in shopify_admin.changes(ask, SINCE)]
    assert news("shopify", shops.raw(asked), guests=guests) == news(
        "shopify", shops.raw(order), guests=guests
    )


async def test_what_shopifys_api_is_asked_for_is_what_the_adapter_reads() -> None:
    """Every member that the fake answers is one that the query names: a fake that knows more proves nothing."""
    asked: list[str] = []

    async def ask(path: str, body: Any) -> Any:
        asked.append(body["query"])
        return {"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}

    assert [one async for one in shopify_admin.changes(ask, SINCE)] == []
    words = set(asked[0].replace("{", " ").replace("}", " ").replace("(", " ").split())

    def named(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {name for one in value.values() for name in named(one)}
        return {name for one in value for name in named(one)} if isinstance(value, list) else set()

    answered = {name for order in ORDERS.values() for name in named(shopify_node(order))}
    assert answered <= words, answered - words


@pytest.mark.parametrize("name", ["paid", "a part refunded", "edited since"])
async def test_woocommerces_api_and_webhooks_are_read_alike(name: str) -> None:
    order = {"paid": woo_packs(2), "a part refunded": refunded(woo_packs(2), "34.50"),
             "edited since": woo_packs(3, date_modified_gmt="2025-02-27T11:00:00")}[name]  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/refunds"):
            return httpx.Response(200, json=[
                {"id": 9000, "amount": "34.50", "reason": "", "shipping_lines": [], "fee_lines": [], "line_items": [
                    {"id": 99, "quantity": -1, "total": "-34.50", "total_tax": "0.00",
                     "meta_data": [{"key": "_refunded_item_id", "value": "71"}]}]}])  # fmt: skip
        return httpx.Response(200, json=[copy.deepcopy(order)])

    fetcher = Fetcher(allow_private=True, transport=httpx.MockTransport(answer))
    api = {"base_url": BASE, "key": "ck_12345678", "secret": "cs_12345678"}
    found = [one async for one in fetcher.changes("woocommerce", api, datetime(2025, 1, 1, tzinfo=UTC))]
    asked, sent = news("woocommerce", found[0].body), news("woocommerce", shops.raw(order))
    assert asked.order == sent.order
    assert (
        asked.refunds[: len(sent.refunds)] == sent.refunds
    )  # and, for what the webhook leaves out, the lines
    assert [one.units for one in asked.refunds[len(sent.refunds) :]] == ([{"71": 1}] if sent.refunds else [])
