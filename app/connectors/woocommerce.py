"""WooCommerce: ``order.created``, ``order.updated``, ``order.deleted``.

The body is the order as it stands when it is sent, so it is a snapshot whatever the topic. The headers are
not signed: what a delivery says is read from the body alone. Dates without a zone are the ``_gmt`` ones. The
delivery id repeats within a second and never tells deliveries apart.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.connectors import standard
from app.domain.arrivals import LineSeen, News, OrderSeen, RefundSeen, stamp
from app.domain.letters import Identity, Letter, Reading

PAID: Final = frozenset({"processing", "completed", "refunded"})
GONE: Final = frozenset({"cancelled", "trash", "refunded"})
_PING: Final = re.compile(rb"webhook_id=\d{1,20}\Z")
REFUNDS: Final = "retainer_refunds"
"""Where reconciliation puts the order's refunds as the REST API answers them, with their lines."""


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
        given = standard.unbase64(headers.get("x-wc-webhook-signature", ""))
        keys = {key for one in secrets for key in (one, html.unescape(one))}
        return given is not None and p.any_equal(
            [p.hmac_of("sha256", key, body) for key in sorted(keys)], [given]
        )

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """No id is signed."""
        order_id = p.quietly(body).get("id")
        known = isinstance(order_id, int | str) and not isinstance(order_id, bool)
        return Identity(
            topic=p.text(headers.get("x-wc-webhook-topic"), 100) or None,
            subject=f"order/{p.text(order_id, 150)}" if known else None,
        )

    def read(self, letter: Letter) -> Reading:
        """A snapshot, or that the order is gone."""
        data = p.parsed(letter.body)
        if "id" not in data:
            return Reading(ignored="no_order")
        subject = "order/" + p.ident(data["id"], "id")
        if "line_items" not in data:
            if set(data) - {"id"}:
                return Reading(ignored="no_order")
            return Reading(subject=subject, order=News(cancelled=True))  # order.deleted
        status = str(data.get("status", ""))
        paid_at = p.instant_or_none(data.get("date_paid_gmt"), "date_paid_gmt")
        refunds = [_refund(one) for one in p.rows(data.get("refunds"), "refunds")]
        refunds += [_detailed(one) for one in p.rows(data.get(REFUNDS), REFUNDS)]
        order = OrderSeen(
            stamp=stamp(p.instant_or_none(data.get("date_modified_gmt"), "date_modified_gmt")),
            placed_at=p.instant(data.get("date_created_gmt"), "date_created_gmt"),
            currency=p.currency_of(data.get("currency")),
            customer=p.customer(
                data.get("customer_id"), p.table(data.get("billing"), "billing").get("email")
            ),
            lines=tuple(_line(one) for one in p.rows(data.get("line_items"), "line_items")),
            paid=status in PAID or (paid_at is not None and status in GONE),
            paid_at=paid_at,
            cancelled=status in GONE,
            total=p.money_or_none(data.get("total"), "total"),
        )
        return Reading(
            subject=subject,
            order=News(order=order, refunds=tuple(refunds), refunded_full=status == "refunded"),
        )


def _line(one: Mapping[str, Any]) -> LineSeen:
    paid, tax = p.money_or_none(one.get("total"), "total"), p.money_or_none(one.get("total_tax"), "total_tax")
    products = [p.ident_or_none(one.get(name), name) for name in ("variation_id", "product_id")]
    return LineSeen(
        line_id=p.ident(one.get("id"), "line id"),
        products=tuple(name for name in products if name is not None),
        sku=p.ident_or_none(one.get("sku"), "sku"),
        quantity=p.whole(one.get("quantity"), "quantity", least=1),
        paid=paid,
        listed=p.money_or_none(one.get("subtotal"), "subtotal"),
        gross=None if paid is None or tax is None else paid + tax,
    )


def _refund(one: Mapping[str, Any]) -> RefundSeen:
    """As in the order: an amount, no lines."""
    return RefundSeen(
        refund_id=p.ident(one.get("id"), "refund id"), amount=abs(p.money(one.get("total"), "refund total"))
    )


def _detailed(one: Mapping[str, Any]) -> RefundSeen:
    """As the refunds' own address answers: with the units of each line, in ``meta_data`` the line that they
    are of."""
    units: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    for line in p.rows(one.get("line_items"), "refund lines"):
        named = [
            meta.get("value")
            for meta in p.rows(line.get("meta_data"), "meta_data")
            if meta.get("key") == "_refunded_item_id"
        ]
        line_id = p.ident(named[0] if named else line.get("id"), "refunded line")
        count = abs(p.whole(line.get("quantity", 0), "quantity", least=-1000))
        if count:
            units[line_id] = units.get(line_id, 0) + count
        elif (total := p.money_or_none(line.get("total"), "total")) is not None:
            tax = p.money_or_none(line.get("total_tax"), "total_tax")
            amounts[line_id] = abs(total) + abs(tax or Decimal(0))
    return RefundSeen(
        refund_id=p.ident(one.get("id"), "refund id"),
        amount=p.money_or_none(one.get("amount"), "amount"),
        units=units or None,
        amounts=amounts or None,
    )
