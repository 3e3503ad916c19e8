"""What a shop's API answers and what its webhooks send are read into the same news, field by field."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.connectors.inbound import ADAPTERS
from app.connectors.reconcile import MAKERS, Fetcher
from app.connectors.shops import shopify_admin
from app.domain.feeds.adapter import Delivery, Parsed
from app.domain.feeds.orders import OrderUpdate
from tests.inbound import test_paddle_orders as of_paddle
from tests.inbound import test_stripe_orders as of_stripe
from tests.inbound.test_payment_disputes import dispute as disputed
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
        total_price="52.00",
        total_tax="7.50",
        shipping_lines=[shipped("10.00", "1.50")],
        line_items=[LINE(tax_lines=[{"price": "6.00"}])],
    ),
    "shipping less a discount": shops.shopify_full(
        total_price="39.50", shipping_lines=[{**shipped("10.00"), "discount_allocations": [{"amount": "5.00"}]}]
    ),
    "duties, tip, rounding": shops.shopify_full(
        total_price="42.52",
        original_total_duties_set=shops.shopify_money("5.00"),
        total_tip_received="3.00",
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
        2,
        total_price="79.00",
        shipping_lines=[shipped("10.00")],
        refunds=[refund("10.00", refund_shipping_lines=[shipping_back("10.00")])],
    ),
    "an amount refunded": packs(2, refunds=[refund("5.00")]),
    "more than its units refunded": packs(2, refunds=[refund("40.00", 1)]),
    "a total that nothing explains": packs(2, total_price="99.00"),
    "a guest without a customer": packs(1, customer=None),
    "redacted": packs(1, customer=None, email=None, contact_email=None),
    "cancelled": packs(1, financial_status="refunded", cancelled_at="2025-02-27T12:00:00+01:00"),
}


def news(kind: str, body: bytes, **options: Any) -> OrderUpdate:
    found = ADAPTERS[kind].read(Delivery(topic=None, body=body, fetched=None, options=options)).order
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
    assert news("shopify", shops.raw(asked), guests=guests) == news("shopify", shops.raw(order), guests=guests)


def reading(kind: str, body: bytes, fetched: Any = None) -> Parsed:
    return ADAPTERS[kind].read(Delivery(topic=None, body=body, fetched=fetched, options={}))


async def reconciled(kind: str, api: dict[str, Any], answer: Any) -> list[bytes]:
    """What reconcile makes of a shop's answers."""
    fetcher = Fetcher(allow_private=True, transport=httpx.MockTransport(answer))
    since = datetime(2025, 1, 1, tzinfo=UTC)
    return [one.body async for one in fetcher.changes(kind, {"base_url": BASE, **api}, since)]


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


WOO_LINE = shops.woo_line
WOO: dict[str, dict[str, Any]] = {
    "paid": woo_packs(2),
    "not paid yet": woo_packs(1, status="pending", date_paid=None, date_paid_gmt=None, transaction_id=""),
    "a draft": woo_packs(
        1, status="checkout-draft", customer_id=0, billing={"email": ""}, date_paid=None, date_paid_gmt=None
    ),
    "a status of a plugin": woo_packs(1, status="shipped"),
    "a coupon": shops.woo_full(
        total="30.00", discount_total="4.50", line_items=[WOO_LINE(subtotal="34.50", total="30.00")]
    ),
    "a negative fee": shops.woo_full(
        total="30.00", fee_lines=[{"id": 4, "name": "Off", "total": "-4.50", "total_tax": "0.00"}]
    ),
    "taxes, shipping and a fee": shops.woo_full(
        total="52.80",
        total_tax="8.80",
        shipping_total="5.50",
        cart_tax="6.90",
        shipping_tax="1.10",
        line_items=[WOO_LINE(total="34.50", total_tax="6.90")],
        fee_lines=[{"id": 4, "name": "Wrapping", "total": "4.00", "total_tax": "0.80"}],
        shipping_lines=[{"id": 3, "total": "5.50", "total_tax": "1.10"}],
    ),
    "a total that nothing explains": woo_packs(1, total="99.00"),
    "an amount refunded": refunded(woo_packs(2), "34.50"),
    "refunded twice": refunded(woo_packs(3), "34.50", "17.25"),
    "refunded in full": refunded(woo_packs(1), "34.50", status="refunded"),
    "edited since": woo_packs(3, date_modified_gmt="2025-02-27T11:00:00"),
    "a guest": woo_packs(1, customer_id=0),
    "anonymised": woo_packs(
        1, customer_id=0, billing={"first_name": "[deleted]", "email": "deleted@site.invalid"}, transaction_id="0"
    ),
    "on hold after it was paid": woo_packs(1, status="on-hold"),
    "failed after it was paid": woo_packs(1, status="failed"),
    "cancelled": woo_packs(1, status="cancelled"),
    "in trash": woo_packs(1, status="trash"),
    "a part of a unit": shops.woo_full(line_items=[WOO_LINE(quantity=1.5), WOO_LINE(72, 67, total="0.00")]),
    "local time under GMT": woo_packs(1, date_created="2025-02-20T17:30:00", date_created_gmt="2025-02-20T17:30:00"),
    "a test gateway": woo_packs(1, meta_data=[{"key": "_wcpay_mode", "value": "test"}]),
    "yen": shops.woo_full(currency="JPY", total="3450", line_items=[WOO_LINE(total="3450")]),
    "dinars": shops.woo_full(currency="KWD", total="10.125", line_items=[WOO_LINE(total="10.125")]),
}


@pytest.mark.parametrize("name", WOO)
async def test_woocommerces_api_and_webhooks_are_read_alike(name: str) -> None:
    order = WOO[name]
    named = [
        {
            "id": one["id"],
            "amount": one["total"].lstrip("-"),
            "reason": "",
            "shipping_lines": [],
            "fee_lines": [],
            "line_items": [
                {
                    "id": 90 + n,
                    "quantity": -1,
                    "total": one["total"],
                    "total_tax": "0.00",
                    "meta_data": [{"key": "_refunded_item_id", "value": "71"}],
                }
            ],
        }
        for n, one in enumerate(order["refunds"])
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/refunds"):
            return httpx.Response(200, json=copy.deepcopy(named))
        return httpx.Response(200, json=[copy.deepcopy(order)])

    found = await reconciled("woocommerce", {"key": "ck_12345678", "secret": "cs_12345678"}, answer)
    asked, sent = reading("woocommerce", found[0]), reading("woocommerce", shops.raw(order))
    assert (asked.subject, asked.test) == (sent.subject, sent.test)
    assert asked.order is not None
    assert sent.order is not None
    assert asked.order.order == sent.order.order
    told = len(sent.order.refunds)
    assert asked.order.refunds[:told] == sent.order.refunds
    # and, for what the webhook leaves out, the lines
    assert [one.units for one in asked.order.refunds[told:]] == [{"71": 1} for _ in named]
    assert replace(asked.order, refunds=()) == replace(sent.order, refunds=())


STRIPE: dict[str, list[dict[str, Any]]] = {
    "paid, the lines in the metadata": [of_stripe.session()],
    "paid, the line items asked for": [of_stripe.session(6900, metadata={})],
    "what the buyer could add": [of_stripe.session(6900, optional_items=[{"price": "price_lic", "quantity": 1}])],
    "unpaid, then paid": [
        of_stripe.session(payment_status="unpaid"),
        {**of_stripe.session(), "id": "evt_p", "type": "checkout.session.async_payment_succeeded"},
    ],
    "free": [
        of_stripe.session(
            0,
            3450,
            payment_status="no_payment_required",
            payment_intent=None,
            total_details={"amount_discount": 3450, "amount_shipping": 0, "amount_tax": 0},
        )
    ],
    "discount, shipping, taxes": [
        of_stripe.session(
            7800,
            6900,
            shipping_cost={"amount_total": 600},
            total_details={"amount_discount": 690, "amount_shipping": 600, "amount_tax": 990},
        )
    ],
    "a total that nothing explains": [of_stripe.session(9900, 3450)],
    "crowns of Iceland": [of_stripe.session(500000, currency="isk")],
    "dinars": [of_stripe.session(25500, currency="jod")],
    "a refund that waited": [of_stripe.TWO, of_stripe.part(1, "pending", 10), of_stripe.part(1, "succeeded", 20)],
    "a refund that failed": [
        of_stripe.TWO,
        of_stripe.part(1, "pending", 10),
        of_stripe.charge(3450, 11),
        of_stripe.part(1, "failed", 20),
    ],
    "an amount refunded": [of_stripe.session(), of_stripe.refund(1000)],
    "a dispute, lost": [of_stripe.session(), disputed("needs_response"), disputed("lost", number=2)],
    "a dispute, won": [of_stripe.session(), disputed("needs_response"), disputed("won", number=2)],
    "a period": [of_stripe.invoice()],
    "a change of plan": [
        of_stripe.invoice(reason="subscription_update", lines=[of_stripe.invoice_line(prorated=True)])
    ],
    "a test": [{**of_stripe.session(), "livemode": False}],
}
ITEMS = [of_stripe.item(2, 6900)]


@pytest.mark.parametrize("name", STRIPE)
async def test_stripes_events_and_webhooks_are_read_alike(name: str) -> None:
    """Reconcile is answered the very events, newest first and in pages; what a session bought is asked for alike."""
    events = sorted(STRIPE[name], key=lambda one: (one["created"], one["id"]))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/line_items"):
            return httpx.Response(200, json={"data": ITEMS, "has_more": False})
        asked = {value for key, value in request.url.params.multi_items() if key.startswith("types[")}
        assert {one["type"] for one in events} <= asked, "what is read is what is asked for"
        rows = list(reversed(events))
        after = request.url.params.get("starting_after")
        rows = rows[[one["id"] for one in rows].index(after) + 1 :] if after else rows
        return httpx.Response(200, json={"data": rows[:1], "has_more": len(rows) > 1})

    api = {"key": "sk_live_12345678"}
    found = await reconciled("stripe", api, answer)
    assert len(found) == len(events)
    for body, event in zip(found, events, strict=True):
        asked, sent = reading("stripe", body), reading("stripe", shops.raw(event))
        assert asked == sent
        if sent.ask is not None:
            fetcher = Fetcher(allow_private=True, transport=httpx.MockTransport(answer))
            items = await fetcher.ask("stripe", {"base_url": BASE, **api}, sent.ask)
            told = {**event, "data": {"object": {**event["data"]["object"], "line_items": {"data": ITEMS}}}}
            assert reading("stripe", body, items) == reading("stripe", shops.raw(told))


def test_every_vendor_that_reconcile_knows_is_fed_through_both() -> None:
    """A vendor more needs its recorded orders here; Paddle's stand with the rest of its tests."""
    assert set(MAKERS) == {"woocommerce", "stripe", "shopify", "paddle"}
    assert len(of_paddle.RECORDED) >= 12
    origins = {one["data"].get("origin") for events in of_paddle.RECORDED for one in events}
    assert origins >= {"web", "subscription_recurring", "subscription_update", "subscription_charge"}
