"""Shopify: ``orders/paid``, ``orders/updated``, ``orders/cancelled`` (snapshots) and ``refunds/create``.

Ids exceed 2^53. Two lines may carry one SKU, so a line is known by its id. Test orders are ignored, and so is
a voided order that nobody ever paid. The event id in the headers is not signed: deliveries are told apart by
their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.connectors import standard
from app.domain.arrivals import LineSeen, News, OrderSeen, RefundSeen, stamp
from app.domain.letters import Identity, Letter, Reading

PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})


class Shopify:
    """See the module."""

    kind = "shopify"
    headers = (
        "x-shopify-topic",
        "x-shopify-event-id",
        "x-shopify-webhook-id",
        "x-shopify-shop-domain",
        "x-shopify-triggered-at",
    )

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Base64 of HMAC-SHA256 over the body."""
        given = standard.unbase64(headers.get("x-shopify-hmac-sha256", ""))
        return given is not None and p.any_equal([p.hmac_of("sha256", one, body) for one in secrets], [given])

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed."""
        data = p.quietly(body)
        order_id = data.get("order_id") if "refund_line_items" in data else data.get("id")
        known = isinstance(order_id, int | str) and not isinstance(order_id, bool)
        return Identity(
            topic=p.text(headers.get("x-shopify-topic"), 100) or None,
            subject=f"order/{p.text(order_id, 150)}" if known else None,
        )

    def read(self, letter: Letter) -> Reading:
        """A snapshot or a refund, told apart by what stands in it."""
        data = p.parsed(letter.body)
        if "refund_line_items" in data:
            subject = "order/" + p.ident(data.get("order_id"), "order_id")
            return Reading(subject=subject, order=News(refunds=(_refund(data),)))
        if "line_items" not in data or "id" not in data:
            return Reading(ignored="no_order")
        if data.get("test") is True and not letter.options.get("test_orders"):
            return Reading(ignored="test_order")
        status = str(data.get("financial_status", ""))
        if status == "voided":
            return Reading(ignored="voided_order")
        subject = "order/" + p.ident(data["id"], "id")
        made_at = p.instant(data.get("created_at"), "created_at")
        buyer = p.table(data.get("customer"), "customer")
        order = OrderSeen(
            stamp=stamp(p.instant_or_none(data.get("updated_at"), "updated_at")),
            placed_at=p.instant_or_none(data.get("processed_at"), "processed_at") or made_at,
            currency=p.currency_of(data.get("currency")),
            customer=p.customer(buyer.get("id"), data.get("email")),
            lines=tuple(
                line
                for one in p.rows(data.get("line_items"), "line_items")
                if (line := _line(one)) is not None
            ),
            paid=status in PAID,
            cancelled=data.get("cancelled_at") is not None,
            total=p.money_or_none(data.get("total_price"), "total_price"),
        )
        refunds = tuple(_refund(one) for one in p.rows(data.get("refunds"), "refunds"))
        return Reading(
            subject=subject,
            order=News(
                order=order, refunds=refunds, refunded_full=status == "refunded", cancelled=order.cancelled
            ),
        )


def _line(one: Mapping[str, Any]) -> LineSeen | None:
    quantity = p.whole(one.get("quantity"), "quantity")
    if quantity == 0:
        return None
    price = p.money_or_none(one.get("price"), "price")
    discount = p.money_or_none(one.get("total_discount"), "total_discount") or Decimal(0)
    discount += sum(
        (
            p.money(each.get("amount"), "amount")
            for each in p.rows(one.get("discount_allocations"), "discount_allocations")
        ),
        Decimal(0),
    )
    listed = None if price is None else price * quantity
    paid = None if listed is None else max(listed - discount, Decimal(0))
    tax = sum(
        (p.money(each.get("price"), "tax") for each in p.rows(one.get("tax_lines"), "tax_lines")), Decimal(0)
    )
    names = [p.ident_or_none(one.get(name), name) for name in ("variant_id", "product_id")]
    attributes = {
        str(each.get("name")): each.get("value") for each in p.rows(one.get("properties"), "properties")
    }
    return LineSeen(
        line_id=p.ident(one.get("id"), "line id"),
        products=tuple(name for name in names if name is not None),
        sku=p.ident_or_none(one.get("sku"), "sku"),
        quantity=quantity,
        paid=paid,
        listed=listed,
        gross=None if paid is None else paid + tax,
        attributes=p.attributes(attributes),
    )


def _refund(one: Mapping[str, Any]) -> RefundSeen:
    """By units where it names lines, else by what was paid back, shipping left out."""
    units: dict[str, int] = {}
    for line in p.rows(one.get("refund_line_items"), "refund_line_items"):
        line_id = p.ident(line.get("line_item_id"), "line_item_id")
        units[line_id] = units.get(line_id, 0) + p.whole(line.get("quantity"), "quantity")
    refund_id = p.ident(one.get("id"), "refund id")
    if units:
        return RefundSeen(refund_id=refund_id, units=units)
    paid_back = sum(
        (
            p.money(each.get("amount"), "amount")
            for each in p.rows(one.get("transactions"), "transactions")
            if each.get("kind") == "refund" and each.get("status", "success") == "success"
        ),
        Decimal(0),
    )
    shipping = sum(
        (
            abs(p.money(each.get("amount"), "amount"))
            + abs(p.money_or_none(each.get("tax_amount"), "tax") or Decimal(0))
            for each in p.rows(one.get("order_adjustments"), "order_adjustments")
            if each.get("kind") == "shipping_refund"
        ),
        Decimal(0),
    )
    return RefundSeen(refund_id=refund_id, amount=max(paid_back - shipping, Decimal(0)))
