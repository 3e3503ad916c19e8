"""WooCommerce: ``order.created``, ``order.updated``, ``order.deleted``.

The body is the order as it stands when it is sent, so it is a snapshot whatever the topic. The headers are
not signed: what a delivery says is read from the body alone. Dates without a zone are the ``_gmt`` ones. The
delivery id repeats within a second and never tells deliveries apart.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.connectors import standard
from app.connectors.shops import shares
from app.domain.feeds.adapter import Delivery, Identity, Parsed, UnreadableError
from app.domain.feeds.disputed_money import DisputeState
from app.domain.feeds.orders import LineSnapshot, OrderSnapshot, OrderUpdate, RefundSnapshot, stamp
from app.domain.feeds.review import ReviewItem
from app.domain.values.wire import jsonable

PAID: Final = frozenset({"processing", "completed", "refunded"})
GONE: Final = frozenset({"cancelled", "trash", "refunded"})
DRAFTS: Final = frozenset({"checkout-draft", "auto-draft", "draft"})
UNPAID: Final = frozenset({"pending", "on-hold", "failed", *DRAFTS})
"""Statuses of the shop's own that say that no money is there (yet, or any longer). Any other is a plugin's, and the
date of the payment decides."""
DISPUTED: Final[dict[str, DisputeState]] = {"on-hold": "open", "failed": "lost"}
"""What gateways make of an order that was paid. It is on hold while its payment is disputed, and failed once the money
is gone. Any status of a paid order says that it is there again.
"""
_PING: Final = re.compile(rb"webhook_id=\d{1,20}\Z")
REFUNDS: Final = "retainer_refunds"
"""Where reconciliation puts the order's refunds as the REST API answers them, with their lines."""
TEST_METHODS: Final = frozenset({"dummy", "wc_dummy", "test_gateway", "bogus"})
"""Payment methods that take no money: the shop's own dummy gateway, and those of its test suites."""
TEST_MODES: Final = {
    "_wcpay_mode": frozenset({"test"}),
    "_mollie_payment_mode": frozenset({"test"}),
    "_ppcp_paypal_payment_mode": frozenset({"sandbox"}),
    "_payment_mode": frozenset({"test", "sandbox"}),
}
"""What gateways note on an order that was paid in their test mode."""


class WooCommerce:
    """See the module."""

    kind = "woocommerce"
    headers = (
        "x-wc-webhook-topic",
        "x-wc-webhook-resource",
        "x-wc-webhook-event",
        "x-wc-webhook-id",
        "x-wc-webhook-delivery-id",
    )

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """The unsigned form that is sent when a webhook is made; it says nothing, and the shop wants exactly 200."""
        return _PING.match(body.strip()) is not None

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Base64 of HMAC-SHA256 over the body. The shop unescapes its secret before it signs, so both
        spellings count."""
        presented = standard.unbase64(headers.get("x-wc-webhook-signature", ""))
        keys = {key for secret in secrets for key in (secret, html.unescape(secret))}
        return presented is not None and p.any_equal(
            [p.hmac_of("sha256", key, body) for key in sorted(keys)], [presented]
        )

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed. Deletions of one order have one body, so that each is told by its delivery's own id."""
        data = p.quietly(body)
        order = data.get("order") if isinstance(data.get("order"), dict) else data
        order_id = order.get("id") if order else None
        known = isinstance(order_id, int | str) and not isinstance(order_id, bool)
        deleted = p.text(headers.get("x-wc-webhook-delivery-id"), 100) if set(data) == {"id"} else ""
        return Identity(
            event_id=f"deleted/{p.text(order_id, 150)}/{deleted}" if deleted and known else None,
            topic=p.text(headers.get("x-wc-webhook-topic"), 100) or None,
            subject=f"order/{p.text(order_id, 150)}" if known else None,
        )

    def read(self, delivery: Delivery) -> Parsed:
        """A snapshot, or that the order is gone."""
        data = p.parsed(delivery.body)
        if "id" not in data:
            return _other(data)
        subject = "order/" + p.ident(data["id"], "id")
        if "line_items" not in data:
            if set(data) - {"id"}:
                return Parsed(ignored="no_order")
            return Parsed(subject=subject, order=OrderUpdate(cancelled=True))  # order.deleted
        if "billing_period" in data:
            return Parsed(ignored="subscription")
        order = _order(data)
        refunds = [_refund(row) for row in p.rows(data.get("refunds"), "refunds")]
        refunds += [_detailed(row, order.currency) for row in p.rows(data.get(REFUNDS), REFUNDS)]
        return Parsed(
            subject=subject,
            order=OrderUpdate(order=order, refunds=tuple(refunds), refunded_full=data.get("status") == "refunded"),
            test=_is_test(data),
        )


def _other(data: Mapping[str, Any]) -> Parsed:
    """What has no order at its top: the legacy API's orders, which are named as such, and all that is none."""
    if isinstance(data.get("order"), dict):
        raise UnreadableError(
            "legacy_version",
            "The delivery is of the shop's legacy REST API, which tells neither products nor refunds as they are now.",
            {"version": "legacy", "order": str(data["order"].get("id"))},
        )
    return Parsed(ignored="no_order")


def _is_test(data: Mapping[str, Any]) -> bool:
    """Whether the order was paid with play money, as far as its gateway says so."""
    if str(data.get("payment_method") or "").lower() in TEST_METHODS:
        return True
    return any(
        str(row.get("value") or "").lower() in TEST_MODES.get(str(row.get("key")), ())
        for row in p.rows(data.get("meta_data"), "meta_data")
    )


def _order(data: Mapping[str, Any]) -> OrderSnapshot:
    status = str(data.get("status", ""))
    paid_at = p.instant_or_none(data.get("date_paid_gmt"), "date_paid_gmt")
    currency = p.currency_of(data.get("currency"))
    lines, beside, review_items = _money(data, currency)
    if status in UNPAID and status not in DISPUTED:
        review_items.append(_unclear(status, data))  # of no account while nobody ever said that it was paid
    listed = [*p.rows(data.get("refunds"), "refunds"), *p.rows(data.get(REFUNDS), REFUNDS)]
    return OrderSnapshot(
        stamp=stamp(p.instant_or_none(data.get("date_modified_gmt"), "date_modified_gmt")),
        placed_at=_placed_at(data, paid_at),
        currency=currency,
        customer=_customer(data),
        lines=tuple(lines),
        paid=status in PAID or paid_at is not None,
        paid_at=paid_at,
        cancelled=status in GONE,
        total=p.total_or_none(data.get("total"), currency, "total"),
        others=tuple(beside),
        payment=_payment(data),
        refund_ids=tuple(sorted({p.ident(row.get("id"), "refund id") for row in listed}))
        if "refunds" in data
        else None,
        disputed=None if paid_at is None else DISPUTED.get(status),
        review_items=tuple(review_items),
    )


def _unclear(status: str, data: Mapping[str, Any]) -> ReviewItem:
    says = {"status": status, "date_paid_gmt": data.get("date_paid_gmt"), "total": str(data.get("total"))}
    unclear = f"The order was paid, and the shop says that it is {status} now: the money may have gone back."
    return ReviewItem("payment_unclear", unclear, jsonable(says))


def _customer(data: Mapping[str, Any]) -> str | None:
    """The buyer; None for an order that names nobody, or whose buyer the shop has anonymised."""
    billing = p.table(data.get("billing"), "billing")
    if _anonymised(data, billing):
        return None
    number = p.ident_or_none(data.get("customer_id"), "customer id")
    return number if number is not None else p.guest_or_none(billing.get("email"))


def _anonymised(data: Mapping[str, Any], billing: Mapping[str, Any]) -> bool:
    """Whether the shop's eraser went over the order: it notes so, and writes a name and an address of nobody."""
    noted = any(
        row.get("key") == "_anonymized" and str(row.get("value")) == "yes"
        for row in p.rows(data.get("meta_data"), "meta_data")
    )
    return noted or p.is_nobody(billing.get("email")) or billing.get("first_name") == "[deleted]"


def _payment(data: Mapping[str, Any]) -> str | None:
    """The gateway's id of the payment, under the gateway's name."""
    found = p.ident_or_none(data.get("transaction_id"), "transaction_id")
    if found is None or not found.strip():
        return None
    return f"{p.text(data.get('payment_method'), 60)}:{found.strip()}"


def _placed_at(data: Mapping[str, Any], paid_at: datetime | None) -> datetime:
    """When the order was placed: never after it was paid. Some shops keep local time under ``_gmt``; then the other
    dates tell how far it is off."""
    if data.get("date_created_gmt") in (None, "") and data.get("date_created") not in (None, ""):
        raise UnreadableError(
            "legacy_version",
            "The delivery tells its dates without GMT, as version 1 of the shop's REST API did.",
            {"version": "v1", "date_created": str(data.get("date_created"))},
        )
    created = p.instant(data.get("date_created_gmt"), "date_created_gmt")
    if data.get("date_created_gmt") == data.get("date_created"):
        created -= _offset(data)
    return created if paid_at is None else min(created, paid_at)


def _offset(data: Mapping[str, Any]) -> timedelta:
    """How far the shop's own time is from GMT, by a date that it tells in both."""
    for name in ("date_paid", "date_modified"):
        local, gmt = data.get(name), data.get(f"{name}_gmt")
        if local not in (None, "") and gmt not in (None, ""):
            return p.instant(local, name) - p.instant(gmt, f"{name}_gmt")
    return timedelta(0)


def _money(data: Mapping[str, Any], currency: str) -> tuple[list[LineSnapshot], list[Decimal], list[ReviewItem]]:
    """The lines, what the total holds beside them, and what nothing explains. A negative fee is a discount on all
    lines."""
    lines = [_line(row) for row in p.rows(data.get("line_items"), "line_items")]
    lines = [line for line in lines if line.quantity or line.trouble]
    fees = [_charged(row, "fee") for row in p.rows(data.get("fee_lines"), "fee_lines")]
    shipping = [_charged(row, "shipping") for row in p.rows(data.get("shipping_lines"), "shipping_lines")]
    off, off_tax = (sum((fee[at] for fee in fees if fee[0] < 0), Decimal(0)) for at in (0, 1))
    nets = shares.spread(off, [line.paid or Decimal(0) for line in lines], currency)
    grosses = shares.spread(off + off_tax, [line.gross or line.paid or Decimal(0) for line in lines], currency)
    listed = lines
    lines = [
        replace(
            pair,
            paid=None if pair.paid is None else pair.paid + net,
            gross=None if pair.gross is None else pair.gross + gross,
        )
        for pair, net, gross in zip(lines, nets, grosses, strict=True)
    ]
    beside = [part for fee in [*fees, *shipping] if fee[0] > 0 for part in {fee[0], fee[0] + fee[1]}]
    tax = p.money_or_none(data.get("total_tax"), "total_tax")
    if tax:
        beside.append(tax)
    total = p.money_or_none(data.get("total"), "total")
    shipped = p.money_or_none(data.get("shipping_total"), "shipping_total")
    if shipped and not shipping:
        beside.append(shipped)
    review_items: list[ReviewItem] = []
    known = [line.paid for line in listed if line.paid is not None]
    if total is not None and len(known) == len(listed):
        charged = sum(known, sum((fee[0] for fee in fees), Decimal(0))) + (shipped or 0) + (tax or 0)
        complete = shipped is not None and tax is not None
        parts = len([amount for amount in (*known, *(fee[0] for fee in fees), shipped, tax) if amount])
        left = shares.unexplained(total - charged, currency, parts)
        if left and complete:
            says = {
                "total": str(total),
                "lines": str(sum(known, Decimal(0))),
                "fees": [str(fee[0]) for fee in fees],
                "shipping": None if shipped is None else str(shipped),
                "tax": None if tax is None else str(tax),
                "unexplained": str(left),
            }
            unclear = f"The order's total is {left} off what its lines, fees, shipping and taxes come to."
            review_items.append(ReviewItem("total_unexplained", unclear, says))
    return lines, beside, review_items


def _charged(row: Mapping[str, Any], name: str) -> tuple[Decimal, Decimal]:
    """What a fee or a shipping line costs, and its tax."""
    net = p.money_or_none(row.get("total"), f"{name} total") or Decimal(0)
    return net, p.money_or_none(row.get("total_tax"), f"{name} total_tax") or Decimal(0)


def _line(row: Mapping[str, Any]) -> LineSnapshot:
    products = [p.ident_or_none(row.get(name), name) for name in ("variation_id", "product_id")]
    line = LineSnapshot(
        line_id=p.ident(row.get("id"), "line id"),
        products=tuple(name for name in products if name is not None),
        sku=p.ident_or_none(row.get("sku"), "sku"),
        quantity=0,
    )
    try:
        paid, tax = (p.money_or_none(row.get("total"), "total"), p.money_or_none(row.get("total_tax"), "total_tax"))
        line = replace(
            line,
            paid=paid,
            listed=p.money_or_none(row.get("subtotal"), "subtotal"),
            gross=None if paid is None or tax is None else paid + tax,
        )
        return replace(line, quantity=p.whole(row.get("quantity"), "quantity"))
    except UnreadableError as error:
        return replace(line, trouble=f"{error.detail} It says {p.text(row.get('quantity'), 30)}.")


def _refund(row: Mapping[str, Any]) -> RefundSnapshot:
    """As in the order: an amount, no lines."""
    return RefundSnapshot(
        refund_id=p.ident(row.get("id"), "refund id"), amount=abs(p.money(row.get("total"), "refund total"))
    )


def _detailed(row: Mapping[str, Any], currency: str) -> RefundSnapshot:
    """As the refunds' own address answers. Each line has its units and, in ``meta_data``, the line that it is of.
    Shipping, fees and taxes say what was given back of them.
    """
    units: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    by_lines: list[Decimal] = []
    other: list[Decimal] = []
    complete = True
    for line in p.rows(row.get("line_items"), "refund lines"):
        line_id = _refunded_line(line)
        count = abs(p.whole(line.get("quantity", 0), "quantity", least=-1000))
        net = p.money_or_none(line.get("total"), "total")
        complete = complete and net is not None
        money = abs(net or Decimal(0)) + abs(p.money_or_none(line.get("total_tax"), "total_tax") or Decimal(0))
        if count:
            units[line_id] = units.get(line_id, 0) + count
        elif net:
            amounts[line_id] = amounts.get(line_id, Decimal(0)) + money
        (by_lines if count or net else other).append(money)  # a line without units and price gave back its tax alone
    for name in ("shipping_lines", "fee_lines"):
        other += [abs(net) + abs(tax) for net, tax in (_charged(line, name) for line in p.rows(row.get(name), name))]
    amount = p.money_or_none(row.get("amount"), "amount")
    left = None
    if amount is not None and complete and (by_lines or other):
        explained = sum(by_lines, sum(other, Decimal(0)))
        left = shares.unexplained(
            amount - explained, currency, 2 * len([*by_lines, *other]) if explained != amount else 0
        )
    return RefundSnapshot(
        refund_id=p.ident(row.get("id"), "refund id"),
        amount=amount,
        units=units or None,
        amounts=amounts or None,
        other=sum(other, Decimal(0)) or None,
        left=left or None,
    )


def _refunded_line(line: Mapping[str, Any]) -> str:
    named = [
        meta.get("value")
        for meta in p.rows(line.get("meta_data"), "meta_data")
        if meta.get("key") == "_refunded_item_id"
    ]
    return p.ident(named[0] if named else line.get("id"), "refunded line")
