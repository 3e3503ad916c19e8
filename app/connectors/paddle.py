"""Paddle Billing: ``transaction.completed`` and ``adjustment.created`` / ``adjustment.updated``.

Amounts are texts in the currency's smallest units. A refund begins as ``pending_approval`` and counts once it
is ``approved``; of an adjustment neither the total nor the type is trusted, only its items.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.connectors import payload as p
from app.domain.arrivals import LineSeen, News, OrderSeen, RefundSeen, stamp
from app.domain.letters import Identity, Letter, Reading, UnreadableError

BACK: Final = frozenset({"refund", "chargeback"})


class Paddle:
    """See the module."""

    kind = "paddle"
    headers: tuple[str, ...] = ()

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``Paddle-Signature: ts=...;h1=hex``: HMAC-SHA256 of ``ts:body``, 300 seconds."""
        pairs = [one.strip().partition("=") for one in headers.get("paddle-signature", "").split(";")[:30]]
        times = [value for name, _, value in pairs if name == "ts"]
        if len(times) != 1 or not p.fresh(times[0], now):
            return False
        given = [
            bytes.fromhex(value)
            for name, _, value in pairs
            if name == "h1" and re.fullmatch("[0-9a-f]{64}", value)
        ]
        return p.any_equal(
            [p.hmac_of("sha256", one, times[0].encode() + b":", body) for one in secrets], given
        )

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """The event's id stands in what is signed; the notification's is another at each retry."""
        event = p.quietly(body)
        try:
            subject = "order/" + _key(event)
        except UnreadableError:
            subject = None
        return Identity(
            event_id=p.text(event.get("event_id"), 150) or None,
            topic=p.text(event.get("event_type"), 100) or None,
            subject=subject,
        )

    def read(self, letter: Letter) -> Reading:
        """A completed transaction, or an adjustment of one."""
        event = p.parsed(letter.body)
        kind, data = str(event.get("event_type", "")), p.table(event.get("data"), "data")
        if kind.startswith("adjustment."):
            return _adjustment(data)
        if kind not in ("transaction.completed", "transaction.paid", "transaction.updated"):
            return Reading(ignored="other_type")
        if str(data.get("status")) not in ("completed", "paid"):
            return Reading(ignored="not_completed")
        currency = p.currency_of(data.get("currency_code"))
        details = p.table(data.get("details"), "details")
        happened = p.instant(event.get("occurred_at"), "occurred_at")
        made_at = p.instant_or_none(data.get("created_at"), "created_at")
        buyer = data.get("customer_id") or p.table(data.get("customer"), "customer").get("id")
        order = OrderSeen(
            stamp=stamp(str(event["occurred_at"])),
            placed_at=p.instant_or_none(data.get("billed_at"), "billed_at") or made_at or happened, currency=currency,
            customer=p.customer(buyer, p.table(data.get("customer"), "customer").get("email")),
            lines=_lines(data, details, currency), paid=True,
            total=p.minor_or_none(p.table(details.get("totals"), "totals").get("grand_total"), currency, "grand_total"),
        )  # fmt: skip
        return Reading(subject="order/" + _key(event), order=News(order=order))


def _key(event: Mapping[str, Any]) -> str:
    data = p.table(event.get("data"), "data")
    if str(event.get("event_type", "")).startswith("adjustment."):
        return p.ident(data.get("transaction_id"), "transaction_id")
    return p.ident(data.get("id"), "id")


def _lines(data: Mapping[str, Any], details: Mapping[str, Any], currency: str) -> tuple[LineSeen, ...]:
    items = p.rows(data.get("items"), "items")
    found = []
    for number, one in enumerate(p.rows(details.get("line_items"), "line_items")):
        item = items[number] if number < len(items) else {}
        named = one.get("price_id") or item.get("price_id") or p.table(item.get("price"), "price").get("id")
        product = p.table(one.get("product"), "product").get("id") or p.table(item.get("price"), "price").get(
            "product_id"
        )
        totals = p.table(one.get("totals"), "totals")
        listed = p.minor_or_none(totals.get("subtotal"), currency, "subtotal")
        discount = p.minor_or_none(totals.get("discount"), currency, "discount")
        paid = listed if listed is None or discount is None else listed - discount
        custom = p.table(p.table(item.get("price"), "price").get("custom_data"), "custom_data")
        found.append(LineSeen(
            line_id=p.ident(one.get("id"), "line id"), quantity=p.whole(one.get("quantity", 1), "quantity", least=1),
            products=tuple(p.ident(name, "price") for name in (named, product) if name), paid=paid, listed=listed,
            gross=p.minor_or_none(totals.get("total"), currency, "total"), attributes=p.attributes(custom),
        ))  # fmt: skip
    return tuple(found)


def _adjustment(data: Mapping[str, Any]) -> Reading:
    action, status = str(data.get("action")), str(data.get("status"))
    if action not in BACK:
        return Reading(ignored="other_adjustment")
    subject = "order/" + p.ident(data.get("transaction_id"), "transaction_id")
    currency = p.currency_of(data.get("currency_code", "USD"))
    amounts = {}
    units: dict[str, int] = {}
    for one in p.rows(data.get("items"), "items"):
        line_id = p.ident(one.get("item_id"), "item_id")
        if str(one.get("type")) == "full":
            units[line_id] = 1_000_000
        else:
            amounts[line_id] = p.minor(one.get("amount"), currency, "amount")
    whole = str(data.get("type")) == "full" and not amounts and not units
    refund = RefundSeen(
        refund_id=p.ident(data.get("id"), "id"),
        settled=status == "approved",
        reversed=status == "reversed",
        full=whole,
        units=units or None,
        amounts=amounts or None,
    )
    return Reading(subject=subject, order=News(refunds=(refund,)))
