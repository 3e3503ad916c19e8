"""Stripe: Checkout sessions (``completed``, ``async_payment_succeeded``) and refunds (``refund.*``,
``charge.refund*``).

A session and its refunds meet at the payment intent, which is the order's id here (the session's own id where
it has none). A completed session may be unpaid yet. What was bought is not in the event: it stands in the
session's metadata (``sku`` and ``quantity``, or ``lines``, a JSON list of ``{"line_id", "sku",
"quantity"}``), or is asked of Stripe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.domain.arrivals import LineSeen, News, OrderSeen, RefundSeen, stamp
from app.domain.disputed_money import DisputeSeen, DisputeState
from app.domain.letters import Identity, Letter, Reading, UnreadableError

PAID: Final = frozenset({"paid", "no_payment_required"})
SESSIONS: Final = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    }
)
REFUNDS: Final = frozenset(
    {
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
        "charge.refunded",
    }
)
DISPUTES: Final = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
FRAUD: Final = frozenset({"radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"})
_DISPUTE_STATES: Final[dict[str, DisputeState]] = {
    "warning_needs_response": "warning",
    "warning_under_review": "warning",
    "warning_closed": "warning",
    "prevented": "warning",
    "needs_response": "open",
    "under_review": "open",
    "charge_refunded": "warning",
    "won": "won",
    "lost": "lost",
}
"""What a dispute's status says of the money (docs.stripe.com/api/disputes/object). An inquiry (``warning_*``) and one
that was ``prevented`` or ended by a refund have moved none: the refund, if there is one, is told apart."""


class Stripe:
    """See the module."""

    kind = "stripe"
    headers: tuple[str, ...] = ()

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``Stripe-Signature: t=...,v1=hex``: HMAC-SHA256 of ``t.body``, 300 seconds."""
        pairs = [one.strip().partition("=") for one in headers.get("stripe-signature", "").split(",")[:30]]
        times = [value for name, _, value in pairs if name == "t"]
        if len(times) != 1 or not p.fresh(times[0], now):
            return False
        given = [
            bytes.fromhex(value)
            for name, _, value in pairs
            if name == "v1" and re.fullmatch("[0-9a-f]{64}", value)
        ]
        return p.any_equal(
            [p.hmac_of("sha256", one, times[0].encode() + b".", body) for one in secrets], given
        )

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """The id stands in what is signed."""
        event = p.quietly(body)
        try:
            subject = "order/" + _key(_object(event), str(event.get("type")))
        except UnreadableError:
            subject = None
        return Identity(
            event_id=p.text(event.get("id"), 150) or None,
            topic=p.text(event.get("type"), 100) or None,
            subject=subject,
        )

    def read(self, letter: Letter) -> Reading:
        """A session as a snapshot, or a refund."""
        event = p.parsed(letter.body)
        kind = str(event.get("type", ""))
        if kind not in SESSIONS | REFUNDS | DISPUTES | FRAUD:
            return Reading(ignored="other_type")
        thing = _object(event)
        if kind in DISPUTES | FRAUD:
            if not thing.get("payment_intent") and not thing.get("charge"):
                return Reading(ignored="no_order")
            said_at = stamp(p.instant(event.get("created"), "created"))
            return Reading(
                subject="order/" + _key(thing, kind), order=News(disputes=(_dispute(thing, said_at),))
            )
        if kind in REFUNDS:
            if not thing.get("payment_intent") and not thing.get("charge"):
                return Reading(ignored="no_order")
            return Reading(subject="order/" + _key(thing, kind), order=_refund(thing))
        if thing.get("mode") not in (None, "payment") and not letter.options.get("subscriptions"):
            return Reading(ignored="not_a_payment")
        subject = "order/" + _key(thing, kind)
        lines = _lines(thing, letter.fetched)
        if lines is None:
            return Reading(ask="line_items:" + p.ident(thing.get("id"), "id"))
        details = p.table(thing.get("customer_details"), "customer_details")
        currency = p.currency_of(thing.get("currency"))
        made_at = p.instant(thing.get("created", event.get("created")), "created")
        order = OrderSeen(
            stamp=stamp(p.instant(event.get("created"), "created")),
            placed_at=made_at,
            currency=currency,
            lines=lines,
            customer=p.customer(
                thing.get("client_reference_id") or thing.get("customer"),
                details.get("email") or thing.get("customer_email"),
            ),
            paid=str(thing.get("payment_status")) in PAID,
            total=p.minor_or_none(thing.get("amount_total"), currency, "amount_total"),
        )
        return Reading(subject=subject, order=News(order=order))


def _object(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return p.table(p.table(event.get("data"), "data").get("object"), "data.object")


def _key(thing: Mapping[str, Any], kind: str) -> str:
    intent = thing.get("payment_intent")
    if isinstance(intent, dict):
        intent = intent.get("id")
    if intent:
        return p.ident(intent, "payment_intent")
    return p.ident(thing.get("id") if kind in SESSIONS else thing.get("charge") or thing.get("id"), "id")


def _lines(session: Mapping[str, Any], fetched: Any) -> tuple[LineSeen, ...] | None:
    """From the metadata, from the event where it was expanded, from Stripe's answer; None: it has to be asked."""
    currency = p.currency_of(session.get("currency"))
    metadata = p.table(session.get("metadata"), "metadata")
    if metadata.get("lines"):
        try:
            listed = json.loads(str(metadata["lines"]), parse_float=str)
        except (ValueError, RecursionError):
            raise UnreadableError("field_wrong", "metadata.lines is not JSON.") from None
        return tuple(
            LineSeen(
                line_id=p.ident(one.get("line_id", number), "line_id"),
                products=(),
                sku=p.ident(one.get("sku"), "sku"),
                quantity=p.whole(one.get("quantity", 1), "quantity", least=1),
                attributes=p.attributes(one.get("attributes")),
            )
            for number, one in enumerate(p.rows(listed, "metadata.lines"), start=1)
        )
    if metadata.get("sku"):
        attributes = {
            name.removeprefix("attribute_"): value
            for name, value in metadata.items()
            if name.startswith("attribute_")
        }
        subtotal = p.minor_or_none(session.get("amount_subtotal"), currency, "amount_subtotal")
        total = p.minor_or_none(session.get("amount_total"), currency, "amount_total")
        details = p.table(session.get("total_details"), "total_details")
        discount = p.minor_or_none(details.get("amount_discount"), currency, "amount_discount")
        paid = total if subtotal is None or discount is None else subtotal - discount
        return (
            LineSeen(
                line_id="1",
                products=(),
                sku=p.ident(metadata["sku"], "metadata.sku"),
                quantity=p.whole(metadata.get("quantity", 1), "metadata.quantity", least=1),
                paid=paid,
                listed=subtotal,
                gross=total,
                attributes=p.attributes(attributes),
            ),
        )
    items = session.get("line_items") or fetched
    if items is None:
        return None
    found = p.rows(items.get("data") if isinstance(items, dict) else items, "line_items")
    return tuple(_item(one, currency) for one in found)


def _item(one: Mapping[str, Any], currency: str) -> LineSeen:
    price = p.table(one.get("price"), "price")
    product = price.get("product")
    names = [
        price.get("id"),
        product.get("id") if isinstance(product, dict) else product,
        price.get("lookup_key"),
    ]
    listed = p.minor_or_none(one.get("amount_subtotal"), currency, "amount_subtotal")
    total = p.minor_or_none(one.get("amount_total"), currency, "amount_total")
    discount = p.minor_or_none(one.get("amount_discount"), currency, "amount_discount")
    tax = p.minor_or_none(one.get("amount_tax"), currency, "amount_tax")
    paid = total if total is None or tax is None else total - tax
    if listed is not None and discount is not None:
        paid = listed - discount
    return LineSeen(
        line_id=p.ident(one.get("id"), "line id"),
        products=tuple(p.ident(name, "price") for name in names if name),
        quantity=p.whole(one.get("quantity", 1), "quantity", least=1),
        paid=paid,
        listed=listed,
        gross=total,
        attributes=p.attributes(p.table(price.get("metadata"), "metadata")),
    )


def _dispute(thing: Mapping[str, Any], said_at: str) -> DisputeSeen:
    """A dispute as it stands, or an early fraud warning, which says that one may come."""
    ident = p.ident(thing.get("id"), "id")
    if thing.get("object") == "radar.early_fraud_warning":
        return DisputeSeen(dispute_id=ident, state="warning", stamp=said_at)
    status = str(thing.get("status"))
    state = _DISPUTE_STATES.get(status)
    if state is None:
        raise UnreadableError("status_unknown", f"Nobody here knows a dispute in the status {status}.")
    currency = p.currency_of(thing.get("currency"))
    amount = p.minor(thing.get("amount"), currency, "amount")
    withdrawn = _withdrawn(thing, currency)
    if state == "lost" and withdrawn is not None:
        amount = withdrawn
    return DisputeSeen(dispute_id=ident, state=state, stamp=said_at, amount=amount, currency=currency)


def _withdrawn(thing: Mapping[str, Any], currency: str) -> Decimal | None:
    """What a dispute took from the vendor in all: its balance transactions, where they are in its own currency."""
    moves = p.rows(thing.get("balance_transactions"), "balance_transactions")
    if not moves or any(p.currency_of(one.get("currency")) != currency for one in moves):
        return None
    return -sum((p.minor(one.get("amount"), currency, "amount") for one in moves), Decimal(0))


def _refund(thing: Mapping[str, Any]) -> News:
    currency = p.currency_of(thing.get("currency"))
    if thing.get("object") == "charge" or "amount_refunded" in thing:
        refunded = p.minor(thing.get("amount_refunded"), currency, "amount_refunded")
        return News(refunded_total=refunded, refunded_full=thing.get("refunded") is True)
    status = str(thing.get("status", ""))
    metadata = p.table(thing.get("metadata"), "metadata")
    units = None
    if metadata.get("line_id"):
        units = {
            p.ident(metadata["line_id"], "line_id"): p.whole(metadata.get("quantity", 1), "quantity", least=1)
        }
    return News(
        refunds=(
            RefundSeen(
                refund_id=p.ident(thing.get("id"), "id"),
                settled=status == "succeeded",
                reversed=status in ("failed", "canceled"),
                amount=p.minor(thing.get("amount"), currency, "amount"),
                units=units,
            ),
        )
    )
