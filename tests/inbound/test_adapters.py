"""What each shop's documented payload says once it is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.connectors.inbound import ADAPTERS
from app.domain.feeds import orders as feed
from app.domain.feeds.adapter import Delivery, Parsed, UnreadableError
from tests.support import shops


def read(kind: str, value: Any, *, fetched: Any = None, **options: Any) -> Parsed:
    body = value if isinstance(value, bytes) else shops.raw(value)
    return ADAPTERS[kind].read(Delivery(topic=None, body=body, fetched=fetched, options=options))


def test_woocommerce_order() -> None:
    found = read("woocommerce", shops.woo_order())
    assert found.subject == "order/727"
    order = found.order.order
    assert (order.paid, order.cancelled, order.currency, order.total) == (True, False, "USD", Decimal("29.35"))
    assert order.placed_at.isoformat() == "2017-03-22T19:28:02+00:00"
    assert order.paid_at.isoformat() == "2017-03-22T19:28:08+00:00"
    assert order.customer == "guest:" + shops.guest_hash("john.doe@example.com")
    assert [line.products for line in order.lines] == [("93",), ("23", "22")]
    assert [line.sku for line in order.lines] == [None, "Bar3"]


def test_woocommerce_discount_by_line() -> None:
    order = shops.woo_order()
    order["line_items"][0].update(subtotal="10.00", total="8.00", quantity=3)
    line = feed.merge(None, read("woocommerce", order).order)["order"]["lines"][0]
    paid, listed = feed.unit_prices(line)
    percent = (listed - paid) * 100 / listed
    assert percent <= 20
    assert abs(percent - 20) < Decimal("1e-20")


def test_woocommerce_states() -> None:
    for status, paid in (
        ("pending", False),
        ("on-hold", False),
        ("failed", False),
        ("shipped", False),
        ("processing", True),
        ("completed", True),
    ):
        found = read("woocommerce", shops.woo_order(status=status, date_paid_gmt=None)).order.order
        assert found.paid is paid
        dated = read("woocommerce", shops.woo_order(status=status)).order.order
        assert dated.paid  # it was; whether it still is, is a doubt of its own
        unclear = ["payment_unclear"] if status == "pending" else []
        assert [one.code for one in dated.review_items] == unclear, status
    unpaid = read("woocommerce", shops.woo_order(status="cancelled", date_paid_gmt=None)).order
    assert (unpaid.order.paid, unpaid.order.cancelled) == (False, True)
    assert read("woocommerce", {"id": 727}).order.cancelled
    assert read("woocommerce", {"id": 5, "name": "a product"}).ignored == "no_order"


def test_shopify_test_orders_are_marked_and_voided_ones_ignored() -> None:
    assert read("shopify", shops.shopify_order(financial_status="paid", cancelled_at=None)).test
    assert read("shopify", shops.shopify_order(test=False)).ignored == "voided_order"


def test_shopify_ids_are_exact_and_lines_with_one_sku_stay_apart() -> None:
    found = read("shopify", shops.shopify_order(test=False, financial_status="paid", cancelled_at=None))
    assert found.subject == "order/820982911946154508"
    order = found.order.order
    assert [line.line_id for line in order.lines] == ["866550311766439020", "141249953214522974"]
    assert order.customer == "115310627314723954"
    assert [line.listed for line in order.lines] == [Decimal(0), Decimal(0)]


def test_shopify_tells_a_discount_twice_and_it_counts_once() -> None:
    """The LineItem reference calls ``discount_allocations`` the same information as ``total_discount``."""
    order = shops.shopify_order(test=False, financial_status="paid", cancelled_at=None)
    order["line_items"] = [
        {
            "id": 1,
            "product_id": 2,
            "sku": "S",
            "quantity": 2,
            "price": "50.00",
            "total_discount": "10.00",
            "discount_allocations": [{"amount": "10.00"}],
        }
    ]
    line = read("shopify", order).order.order.lines[0]
    assert (line.listed, line.paid) == (Decimal("100.00"), Decimal("90.00"))


def test_stripe_grants_only_what_is_paid() -> None:
    for status, paid in (("unpaid", False), ("paid", True), ("no_payment_required", True)):
        found = read("stripe", shops.stripe_session(payment_status=status, metadata={"sku": "license"}))
        assert found.order.order.paid is paid
        assert found.subject == "order/pi_1PgafyB7WZ01zgkWSjxsAJo3"
    assert found.order.order.lines[0].listed == Decimal("34.50")


def test_stripe_lines_are_asked_for_when_nothing_says_them() -> None:
    event = shops.stripe_session()
    assert read("stripe", event).ask == "line_items:" + event["data"]["object"]["id"]
    items = [
        {
            "id": "li_1",
            "quantity": 2,
            "amount_subtotal": 3450,
            "amount_discount": 450,
            "amount_tax": 0,
            "amount_total": 3000,
            "price": {"id": "price_1", "product": "prod_1", "metadata": {}},
        }
    ]
    line = read("stripe", event, fetched=items).order.order.lines[0]
    assert (line.products, line.paid, line.listed, line.quantity) == (
        ("price_1", "prod_1"),
        Decimal("30.00"),
        Decimal("34.50"),
        2,
    )
    metadata = {"lines": '[{"sku": "license", "quantity": 3, "line_id": "x"}]'}
    line = read("stripe", shops.stripe_session(metadata=metadata)).order.order.lines[0]
    assert (line.line_id, line.sku, line.quantity) == ("x", "license", 3)


def test_stripe_yen_have_no_cents() -> None:
    found = read("stripe", shops.stripe_session(currency="jpy", metadata={"sku": "license"}))
    assert found.order.order.total == Decimal(3450)


def test_stripe_refunds_meet_their_session() -> None:
    found = read("stripe", shops.stripe_refund())
    assert found.subject == "order/pi_1PgafyB7WZ01zgkWSjxsAJo3"
    assert found.order.refunds[0].amount == Decimal("1.00")
    charge = {
        "object": "charge",
        "id": "ch_1",
        "payment_intent": "pi_1PgafyB7WZ01zgkWSjxsAJo3",
        "amount": 3450,
        "amount_refunded": 3450,
        "refunded": True,
        "currency": "usd",
    }
    event = {"id": "evt_9", "type": "charge.refunded", "created": 1, "data": {"object": charge}}
    assert read("stripe", event).order.refunded_full


def test_paddle_transaction_and_adjustment() -> None:
    order = read("paddle", shops.paddle_transaction()).order.order
    assert order.stamp == "2023-11-23T15:33:19.645134000Z"
    assert (order.lines[0].products, order.lines[0].quantity) == (("pri_01gsz8x8sawmvhz1pv30nge1ke",), 10)
    assert order.lines[0].gross == Decimal("204.90")
    assert not read("paddle", shops.paddle_adjustment()).order.refunds[0].settled
    settled = read("paddle", shops.paddle_adjustment(status="approved"))
    known = feed.merge(feed.merge(None, read("paddle", shops.paddle_transaction()).order), settled.order)
    target = feed.target_of(known)
    assert dict(target.refunds) == {"txnitm_01hfyd09xrkdkbaacs934g8v8p": 2}
    assert (target.review_items, target.blocks) == ((), ())


def test_a_refund_that_names_no_line_is_the_only_lines_or_nobodys() -> None:
    refund = {"id": 726, "reason": "", "total": "-6.00"}
    two = feed.merge(None, read("woocommerce", shops.woo_order(refunds=[refund])).order)
    assert [one.code for one in feed.target_of(two).blocks] == ["refund_lines_unknown"]
    order = shops.woo_order(refunds=[refund], total="12.00")
    order["line_items"] = [{**order["line_items"][0], "total": "12.00", "subtotal": "12.00"}]
    one = feed.target_of(feed.merge(None, read("woocommerce", order).order))
    assert (dict(one.refunds), one.review_items, one.blocks) == ({"315": 1}, (), ())
    order["refunds"] = [{**refund, "total": "-12.00"}]
    assert dict(feed.target_of(feed.merge(None, read("woocommerce", order).order)).refunds) == {"315": 2}


def test_zammad_agents_public_article_is_a_response() -> None:
    found = read(
        "zammad",
        shops.zammad_ticket(
            {"id": 100, "sender": "Agent", "internal": False, "created_at": "2020-11-13T15:00:00.000Z"}
        ),
    )
    assert found.subject == "ticket/81"
    assert found.ticket.ticket.customer == "17"
    assert found.ticket.responses[0].occurred_at.isoformat() == "2020-11-13T15:00:00+00:00"
    assert read("zammad", shops.zammad_ticket()).ticket.responses == ()


@pytest.mark.parametrize("kind", ADAPTERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"data": 1}',
        b'{"id": []}',
        b'{"id": true, "line_items": 3}',
        b"\xff\xfe",
        b'{"a":' * 5000,
        b'{"id": 1.5, "line_items": []}',
        b'{"ticket": {"id": {}}}',
        b'{"type": "order.paid", "data": {"order_id": {}}}',
        b'{"id": 1' + b"0" * 5000 + b"}",
        b'{"type":"checkout.session.completed","data":{"object":{"id":5}}}',
    ],
)
def test_nonsense_is_unreadable_or_ignored_never_a_fault(kind: str, body: bytes) -> None:
    ADAPTERS[kind].identify({}, body)
    try:
        found = ADAPTERS[kind].read(Delivery(topic=None, body=body, fetched=None, options={}))
    except UnreadableError:
        return
    assert found.ignored or found.subject


def test_no_amount_passes_through_a_float() -> None:
    body = (
        b'{"id": 1, "line_items": [{"id": 2, "quantity": 1, "total": 0.1, "subtotal": 0.30000000000000001}],'
        b' "currency": "USD",'
        b' "status": "completed", "date_created_gmt": "2024-01-01T00:00:00", "customer_id": 4}'
    )
    line = read("woocommerce", body).order.order.lines[0]
    assert (line.paid, line.listed) == (Decimal("0.1"), Decimal("0.30000000000000001"))
