"""Generic signed purchases (Standard Webhooks): for shops that can call an address, and for glue such as
Zapier or n8n.

Form of ``order.paid``, and of ``order.placed``, which is not paid yet::

    {"type": "order.paid", "timestamp": ..., "data": {
        "order_id", "customer_id" | "customer_email", "placed_at", "currency", "updated_at",
        "lines": [{"line_id", "sku" | "product_id", "quantity", "unit_price", "list_price", "attributes"}]}}

Other types: ``order.updated`` (``data.status``: ``paid``, ``pending`` or ``cancelled``) and ``order.cancelled``. The
data of ``order.refunded`` are ``{"order_id", "refund_id", "lines": [{"line_id", "quantity"}]}``; without lines, all.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.connectors import standard
from app.domain.feeds.adapter import Delivery, Parsed, UnreadableError
from app.domain.feeds.orders import LineSnapshot, OrderSnapshot, OrderUpdate, RefundSnapshot, stamp

PAID: Final = frozenset({"paid", "completed", "processing", "complete"})


class Purchase(standard.Signed):
    """See the module."""

    kind = "purchase"
    about = ("order", "order_id")

    def read(self, delivery: Delivery) -> Parsed:
        """News of an order."""
        event = p.parsed(delivery.body)
        kind, data = str(event.get("type", "")), p.table(event.get("data"), "data")
        if not kind.startswith("order."):
            return Parsed(ignored="other_type")
        subject = "order/" + p.ident(data.get("order_id"), "data.order_id")
        stated_at = stamp(p.instant_or_none(data.get("updated_at") or event.get("timestamp"), "timestamp"))
        if kind == "order.refunded":
            return Parsed(subject=subject, order=OrderUpdate(refunds=(_refund(data),)))
        if kind == "order.cancelled" or kind == "order.deleted":
            order = _order(data, stated_at, paid=False, cancelled=False) if data.get("lines") else None
            return Parsed(subject=subject, order=OrderUpdate(order=order, cancelled=True, cancelled_at=stated_at))
        status = str(data.get("status", "paid" if kind in ("order.paid", "order.completed") else "pending")).lower()
        if kind == "order.updated" and "status" not in data:
            status = "paid"
        refunds = tuple(_refund(row) for row in p.rows(data.get("refunds"), "refunds"))
        order = _order(data, stated_at, paid=status in PAID or kind == "order.paid", cancelled=False)
        return Parsed(
            subject=subject,
            order=OrderUpdate(
                order=order, refunds=refunds, cancelled=status in ("cancelled", "canceled"), cancelled_at=stated_at
            ),
        )


def _order(data: Mapping[str, Any], stated_at: str, *, paid: bool, cancelled: bool) -> OrderSnapshot:
    placed_at = p.instant(data.get("placed_at"), "data.placed_at")
    lines = tuple(_line(row, number) for number, row in enumerate(p.rows(data.get("lines"), "data.lines"), start=1))
    known = [line.paid for line in lines if line.paid is not None]
    total = p.money_or_none(data.get("total"), "data.total")
    if total is None and len(known) == len(lines) and lines:
        total = sum(known, Decimal(0))
    return OrderSnapshot(
        stamp=stated_at,
        placed_at=placed_at,
        currency=p.currency_of(data.get("currency")),
        customer=p.customer(data.get("customer_id"), data.get("customer_email") or data.get("email")),
        lines=lines,
        paid=paid,
        paid_at=p.instant_or_none(data.get("paid_at"), "data.paid_at"),
        cancelled=cancelled,
        total=total,
    )


def _line(row: Mapping[str, Any], number: int) -> LineSnapshot:
    quantity = p.whole(row.get("quantity", 1), "quantity", least=1)
    unit, listed = (
        p.money_or_none(row.get("unit_price"), "unit_price"),
        p.money_or_none(row.get("list_price"), "list_price"),
    )
    product = p.ident_or_none(row.get("product_id"), "product_id")
    return LineSnapshot(
        line_id=p.ident(row.get("line_id", number), "line_id"),
        products=() if product is None else (product,),
        sku=p.ident_or_none(row.get("sku"), "sku"),
        quantity=quantity,
        paid=None if unit is None else unit * quantity,
        listed=None if listed is None else listed * quantity,
        attributes=p.attributes(row.get("attributes")),
    )


def _refund(data: Mapping[str, Any]) -> RefundSnapshot:
    lines = p.rows(data.get("lines"), "lines")
    units: dict[str, int] = {}
    for line in lines:
        line_id = p.ident(line.get("line_id"), "line_id")
        units[line_id] = units.get(line_id, 0) + p.whole(line.get("quantity", 1), "quantity", least=1)
    amount = p.money_or_none(data.get("amount"), "amount")
    if not lines and amount is None and data.get("refund_id") is None and data.get("full") is None:
        raise UnreadableError("field_missing", "A refund names a refund_id, and lines or nothing for the whole order.")
    return RefundSnapshot(
        refund_id=p.ident(data.get("refund_id", "full"), "refund_id"),
        full=not lines and amount is None,
        units=units or None,
        amount=amount,
    )
