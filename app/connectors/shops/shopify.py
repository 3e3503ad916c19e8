"""Shopify: ``orders/paid``, ``orders/updated``, ``orders/cancelled`` (snapshots) and ``refunds/create``.

Ids exceed 2^53. Two lines may carry one SKU, so a line is known by its id. Test orders are ignored, and so is
a voided order that nobody ever paid. The event id in the headers is not signed: deliveries are told apart by
their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.connectors import standard
from app.connectors.shops import shares
from app.domain.feeds.adapter import Delivery, Identity, Parsed, UnreadableError
from app.domain.feeds.disputed_money import DisputeSnapshot, DisputeState
from app.domain.feeds.orders import LineSnapshot, OrderSnapshot, OrderUpdate, RefundSnapshot, stamp
from app.domain.feeds.review import ReviewItem

PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})
UNPAID: Final = frozenset({"pending", "authorized", "partially_paid", "expired"})
"""Money is missing. Of an order that was paid before: an edit added what nobody has paid for yet."""
DISPUTES: Final[dict[str, DisputeState]] = {
    "needs_response": "open",
    "under_review": "open",
    "accepted": "lost",
    "lost": "lost",
    "won": "won",
    "prevented": "warning",
    "charge_refunded": "warning",
}
"""A dispute's status (Admin API, DisputeStatus). One that was prevented has moved no money; one that ended by a refund
is told of by the refund."""


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
        presented = standard.unbase64(headers.get("x-shopify-hmac-sha256", ""))
        return presented is not None and p.any_equal(
            [p.hmac_of("sha256", secret, body) for secret in secrets], [presented]
        )

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed."""
        data = p.quietly(body)
        of_order = "refund_line_items" in data or _is_dispute(data)
        order_id = data.get("order_id") if of_order else data.get("id")
        known = isinstance(order_id, int | str) and not isinstance(order_id, bool)
        return Identity(
            topic=p.text(headers.get("x-shopify-topic"), 100) or None,
            subject=f"order/{p.text(order_id, 150)}" if known else None,
        )

    def read(self, delivery: Delivery) -> Parsed:
        """A snapshot or a refund, told apart by what stands in it."""
        data = p.parsed(delivery.body)
        if "refund_line_items" in data:
            subject = "order/" + p.ident(data.get("order_id"), "order_id")
            return Parsed(subject=subject, order=OrderUpdate(refunds=(_refund(data),)))
        if _is_dispute(data):
            return _disputed(data)
        if "line_items" not in data or "id" not in data:
            return Parsed(ignored="order_deleted" if set(data) == {"id"} else "no_order")
        status = str(data.get("financial_status") or "")
        if status == "voided":
            return Parsed(ignored="voided_order")
        subject = "order/" + p.ident(data["id"], "id")
        if status not in PAID | UNPAID:
            unclear = f"Nobody here knows an order in the financial status {status or 'that is missing'}."
            says = {"financial_status": status or None, "total_price": str(data.get("total_price"))}
            raise UnreadableError("payment_unclear", unclear, says)
        order = _order(data, status, delivery.options)
        refunds = tuple(_refund(row) for row in p.rows(data.get("refunds"), "refunds"))
        return Parsed(
            subject=subject,
            order=OrderUpdate(
                order=order,
                refunds=refunds,
                refunded_full=status == "refunded",
                cancelled=order.cancelled,
                cancelled_at=order.stamp,
            ),
            test=data.get("test") is True,
        )


def _is_dispute(data: Mapping[str, Any]) -> bool:
    return "order_id" in data and "evidence_due_by" in data and "line_items" not in data


def _disputed(data: Mapping[str, Any]) -> Parsed:
    """A dispute as it stands. Its topics tell no time of the change, so that the further state wins."""
    if data.get("order_id") is None:
        return Parsed(ignored="no_order")
    status = str(data.get("status"))
    state = DISPUTES.get(status)
    if state is None:
        says = {"dispute": str(data.get("id")), "status": status}
        raise UnreadableError("status_unknown", f"Nobody here knows a dispute in the status {status}.", says)
    times = [p.instant_or_none(data.get(name), name) for name in ("initiated_at", "finalized_on")]
    dispute = DisputeSnapshot(
        dispute_id=p.ident(data.get("id"), "id"),
        state="warning" if data.get("type") == "inquiry" else state,
        stamp=stamp(max((time_ for time_ in times if time_ is not None), default=None)),
        amount=p.money_or_none(data.get("amount"), "amount"),
        currency=p.currency_of(data.get("currency")),
    )
    subject = "order/" + p.ident(data.get("order_id"), "order_id")
    return Parsed(subject=subject, order=OrderUpdate(disputes=(dispute,)))


def _order(data: Mapping[str, Any], status: str, options: Mapping[str, Any]) -> OrderSnapshot:
    made_at = p.instant(data.get("created_at"), "created_at")
    currency = p.currency_of(data.get("currency"))
    included = data.get("taxes_included") is True
    lines = [line for row in p.rows(data.get("line_items"), "line_items") if (line := _line(row, included)) is not None]
    beside, review_items = _beside(data, lines, currency, included)
    if status in UNPAID:
        review_items.append(_unclear(data, status))  # of no account while nobody ever said that it was paid
    return OrderSnapshot(
        stamp=stamp(p.instant_or_none(data.get("updated_at"), "updated_at")),
        placed_at=p.instant_or_none(data.get("processed_at"), "processed_at") or made_at,
        currency=currency,
        customer=_customer(data, options),
        lines=tuple(lines),
        paid=status in PAID,
        cancelled=data.get("cancelled_at") is not None,
        total=p.total_or_none(data.get("total_price"), currency, "total_price"),
        others=tuple(beside),
        review_items=tuple(review_items),
    )


def _unclear(data: Mapping[str, Any], status: str) -> ReviewItem:
    says = {"financial_status": status}
    says |= {name: str(data.get(name)) for name in ("total_price", "total_outstanding")}
    unclear = f"The order was paid, and the shop says that it is {status} now: what an edit added may not be paid for."
    return ReviewItem("payment_unclear", unclear, says)


def _customer(data: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """The buyer, None where the order names nobody. With the option ``guests``, a buyer without an account is known by
    a hash of the e-mail address or telephone number. The shop may give a guest a new id each time.
    """
    buyer = p.table(data.get("customer"), "customer")
    emails = [item for item in (data.get("email"), buyer.get("email"), data.get("contact_email")) if item]
    if any(p.is_nobody(email) for email in emails):
        return None
    number = p.ident_or_none(buyer.get("id"), "customer id")
    if number is not None and not (options.get("guests") == "joined" and buyer.get("state") != "enabled"):
        return number
    if emails:
        return p.guest(emails[0])
    phone = "".join(ch for ch in str(data.get("phone") or buyer.get("phone") or "") if ch.isdigit())
    return number if not phone else p.hashed("tel:" + phone)


def _line(row: Mapping[str, Any], included: bool) -> LineSnapshot | None:
    names = [p.ident_or_none(row.get(name), name) for name in ("variant_id", "product_id")]
    attributes = {str(each.get("name")): each.get("value") for each in p.rows(row.get("properties"), "properties")}
    line = LineSnapshot(
        line_id=p.ident(row.get("id"), "line id"),
        products=tuple(name for name in names if name is not None),
        sku=p.ident_or_none(row.get("sku"), "sku"),
        quantity=0,
        attributes=p.attributes(attributes),
    )
    try:
        quantity = p.whole(row.get("quantity"), "quantity")
        if quantity == 0:
            return None
        now = p.whole(row.get("current_quantity", quantity), "current_quantity")
        price = p.money_or_none(row.get("price"), "price")
        listed = None if price is None else price * quantity
        paid = None if listed is None else max(listed - _discount(row), Decimal(0))
        tax = _sum(row.get("tax_lines"), "tax_lines", "price")
        return replace(
            line,
            quantity=quantity,
            paid=paid,
            listed=listed,
            gross=None if paid is None else paid if included else paid + tax,
            gone=max(quantity - now, 0),
        )
    except UnreadableError as error:
        return replace(line, trouble=f"{error.detail} It says {p.text(row.get('quantity'), 30)}.")


def _discount(row: Mapping[str, Any]) -> Decimal:
    """What is off a line. ``total_discount`` says the same as ``discount_allocations`` where it says anything. The
    allocations also hold the line's part of the order's discounts, so they are believed.
    """
    allocated = p.rows(row.get("discount_allocations"), "discount_allocations")
    if allocated:
        return _sum(allocated, "discount_allocations", "amount")
    return p.money_or_none(row.get("total_discount"), "total_discount") or Decimal(0)


def _beside(
    data: Mapping[str, Any], lines: Sequence[LineSnapshot], currency: str, included: bool
) -> tuple[list[Decimal], list[ReviewItem]]:
    """What the total holds besides the lines, and what nothing explains."""
    shipping: list[Decimal] = []
    beside: list[Decimal] = []
    for row in p.rows(data.get("shipping_lines"), "shipping_lines"):
        if row.get("is_removed") is True:
            continue
        net = (p.money_or_none(row.get("price"), "price") or Decimal(0)) - _discount(row)
        tax = Decimal(0) if included else _sum(row.get("tax_lines"), "tax_lines", "price")
        shipping.append(net)
        beside += [part for part in {net, net + tax} if part]
    taxes = p.money_or_none(data.get("total_tax"), "total_tax")
    duties = _bag(data.get("original_total_duties_set")) + _bag(data.get("original_total_additional_fees_set"))
    tip = p.money_or_none(data.get("total_tip_received"), "total_tip_received") or Decimal(0)
    tip_lines = sum((line.paid or Decimal(0) for line in lines if not line.products and not line.sku), Decimal(0))
    tip = Decimal(0) if tip_lines >= tip else tip - tip_lines
    rounding = _bag(data.get("total_cash_rounding_payment_adjustment_set"))
    beside += [amount for amount in (taxes, duties, tip) if amount]
    total = p.money_or_none(data.get("total_price"), "total_price")
    known = [line.paid for line in lines if line.paid is not None]
    complete = "shipping_lines" in data and "taxes_included" in data and taxes is not None
    if total is None or not complete or len(known) != len(lines):
        return beside, []
    parts = [*known, *shipping, duties, tip, rounding, Decimal(0) if included else taxes or Decimal(0)]
    left = shares.unexplained(total - sum(parts, Decimal(0)), currency, len([part for part in parts if part]))
    if not left:
        return beside, []
    says = {
        "total_price": str(total),
        "lines": str(sum(known, Decimal(0))),
        "shipping": str(sum(shipping, Decimal(0))),
        "total_tax": str(taxes),
        "taxes_included": included,
        "duties_and_fees": str(duties),
        "tip": str(tip),
        "unexplained": str(left),
    }
    unclear = f"The order's total is {left} off what its lines, shipping, taxes, duties and tips come to."
    return beside, [ReviewItem("total_unexplained", unclear, says)]


def _refund(row: Mapping[str, Any]) -> RefundSnapshot:
    """By the units of its lines, and by what it says of the rest: shipping, duties, and differences by hand."""
    units: dict[str, int] = {}
    prices: list[Decimal] = []
    complete = True
    for line in p.rows(row.get("refund_line_items"), "refund_line_items"):
        line_id = p.ident(line.get("line_item_id"), "line_item_id")
        units[line_id] = units.get(line_id, 0) + p.whole(line.get("quantity"), "quantity")
        net = p.money_or_none(line.get("subtotal"), "subtotal")
        tax = p.money_or_none(line.get("total_tax"), "total_tax")
        complete = complete and net is not None
        prices.append((net or Decimal(0)) + (tax or Decimal(0)))
    paid_back = sum(
        (
            p.money(each.get("amount"), "amount")
            for each in p.rows(row.get("transactions"), "transactions")
            if each.get("kind") == "refund" and each.get("status", "success") == "success"
        ),
        Decimal(0),
    )
    other = _elsewhere(row)
    units = {line_id: count for line_id, count in units.items() if count}
    refund_id = p.ident(row.get("id"), "refund id")
    left: Decimal | None = paid_back - sum(prices, Decimal(0)) - other
    if (
        not units
        and not other
        and any(
            each.get("kind") == "refund_discrepancy"
            for each in p.rows(row.get("order_adjustments"), "order_adjustments")
        )
    ):
        # Money that a person gave back by hand: the shop says that no unit came back with it.
        return RefundSnapshot(refund_id=refund_id, amount=paid_back, other=Decimal(0), left=paid_back or None)
    if not units and not other:
        # Without any reason but the money itself: an amount alone. Without money, nothing went back.
        return RefundSnapshot(refund_id=refund_id, amount=paid_back, other=None if paid_back else Decimal(0))
    if not complete or (left is not None and left <= 0):
        left = None  # Less than the lines come to: the shop kept a part, and says which units came back all the same.
    return RefundSnapshot(
        refund_id=refund_id, amount=paid_back, units=units or None, other=other or None, left=left or None
    )


def _elsewhere(row: Mapping[str, Any]) -> Decimal:
    """What a refund gave back of shipping, duties and fees. Older versions tell shipping as an adjustment, newer ones
    as ``refund_shipping_lines``; a payload that has both tells it twice."""
    shipped = [
        _bag(each.get("subtotal_amount_set")) + _bag(each.get("tax_amount_set"))
        for each in p.rows(row.get("refund_shipping_lines"), "refund_shipping_lines")
    ]
    if not shipped:
        shipped = [
            abs(p.money(each.get("amount"), "amount"))
            + abs(p.money_or_none(each.get("tax_amount"), "tax") or Decimal(0))
            for each in p.rows(row.get("order_adjustments"), "order_adjustments")
            if each.get("kind") == "shipping_refund"
        ]
    duties = [_bag(each.get("amount_set")) for each in p.rows(row.get("refund_duties"), "refund_duties")]
    return sum(shipped, sum(duties, Decimal(0)))


def _bag(value: Any) -> Decimal:
    """An amount of a money bag in the shop's currency; nothing for what is absent."""
    bag = p.table(value, "money bag")
    return p.money_or_none(p.table(bag.get("shop_money"), "shop_money").get("amount"), "amount") or Decimal(0)


def _sum(value: Any, name: str, amount: str) -> Decimal:
    return sum((p.money(each.get(amount), name) for each in p.rows(value, name)), Decimal(0))
