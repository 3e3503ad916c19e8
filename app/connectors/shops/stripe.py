"""Stripe: Checkout sessions, paid invoices, refunds, disputes and early fraud warnings.

A session, its invoice, its refunds and disputes are about one payment, which buys once. Its order is known by the
payment intent, or by the session's own id where it has none. Where a subscription is billed, it is known by the
invoice. Any of these ids leads to it (`Parsed.names`). A completed session may be unpaid yet.

What is bought, and what it cost, is read in `stripe_orders`; amounts, refunds and disputes in `stripe_money`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.connectors import payload as p
from app.connectors.shops import stripe_money, stripe_orders
from app.domain.feeds.adapter import Delivery, Identity, Parsed, UnreadableError
from app.domain.feeds.orders import OrderUpdate, stamp

SESSIONS: Final = frozenset(
    {"checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"}
)
INVOICES: Final = frozenset({"invoice.paid", "invoice.payment_succeeded"})
INVOICE_PAYMENTS: Final = frozenset({"invoice_payment.paid"})
REFUNDS: Final = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated", "charge.refunded"}
)
DISPUTES: Final = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "radar.early_fraud_warning.created",
        "radar.early_fraud_warning.updated",
    }
)
READ: Final = SESSIONS | INVOICES | INVOICE_PAYMENTS | REFUNDS | DISPUTES
"""Types of events that are read here; reconcile asks for the same."""
OTHER: Final = "not_a_payment"


class Stripe:
    """See the module."""

    kind = "stripe"
    headers: tuple[str, ...] = ()

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``Stripe-Signature: t=...,v1=hex``: HMAC-SHA256 of ``t.body``, 300 seconds."""
        pairs = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")[:30]]
        times = [value for name, _, value in pairs if name == "t"]
        if len(times) != 1 or not p.fresh(times[0], now):
            return False
        presented = [
            bytes.fromhex(value) for name, _, value in pairs if name == "v1" and re.fullmatch("[0-9a-f]{64}", value)
        ]
        return p.any_equal(
            [p.hmac_of("sha256", secret, times[0].encode() + b".", body) for secret in secrets], presented
        )

    def identify(self, headers: Mapping[str, str], body: bytes) -> Identity:
        """The id stands in what is signed."""
        event = p.quietly(body)
        try:
            subject = "order/" + _key(_object(event), str(event.get("type")))
        except UnreadableError:
            subject = None
        return Identity(
            event_id=p.text(event.get("id"), 150) or None, topic=p.text(event.get("type"), 100) or None, subject=subject
        )

    def read(self, delivery: Delivery) -> Parsed:
        """A session or an invoice as a snapshot, a refund, a dispute, or which payment an invoice was paid by."""
        event = p.parsed(delivery.body)
        kind = str(event.get("type", ""))
        if kind not in READ:
            return Parsed(ignored="other_type")
        thing = _object(event)
        parsed = _read(kind, thing, event, delivery)
        if parsed.subject is None:
            return parsed
        own = parsed.subject.partition("/")[2]
        return replace(
            parsed,
            names=tuple(dict.fromkeys((own, *parsed.names))),
            test=event.get("livemode") is False or thing.get("livemode") is False,
        )


def _read(kind: str, thing: Mapping[str, Any], event: Mapping[str, Any], delivery: Delivery) -> Parsed:
    if kind in SESSIONS:
        return _session(kind, thing, event, delivery)
    subject = "order/" + _key(thing, kind)
    if kind in INVOICES:
        order = stripe_orders.invoice(thing, event)
        unless = None if delivery.options.get("subscriptions") else OTHER
        return Parsed(
            subject=subject, order=OrderUpdate(order=order), names=stripe_orders.payments(thing), unless_ours=unless
        )
    if kind in INVOICE_PAYMENTS:
        paid_by = _id(p.table(thing.get("payment"), "payment").get("payment_intent"))
        names = (p.ident(paid_by, "payment_intent"),) if paid_by else ()
        return Parsed(subject=subject, order=OrderUpdate(), names=names)
    if not thing.get("payment_intent") and not thing.get("charge"):
        return Parsed(ignored="no_order")
    stated_at = stamp(p.instant(event.get("created"), "created"))
    if kind in REFUNDS:
        return Parsed(subject=subject, order=stripe_money.refund(thing, stated_at))
    return Parsed(subject=subject, order=OrderUpdate(disputes=(stripe_money.dispute(thing, stated_at),)))


def _session(kind: str, thing: Mapping[str, Any], event: Mapping[str, Any], delivery: Delivery) -> Parsed:
    asked = bool(delivery.options.get("subscriptions"))
    mode = thing.get("mode") or "payment"
    if mode not in ("payment", "subscription"):
        return Parsed(ignored=OTHER)
    order = stripe_orders.session(thing, event, delivery.fetched)
    if order is None:
        if mode == "subscription" and not asked:
            return Parsed(ignored=OTHER)
        return Parsed(ask="line_items:" + p.ident(thing.get("id"), "id"))
    found = (_id(thing.get("payment_intent")), _id(thing.get("invoice")))
    return Parsed(
        subject="order/" + _key(thing, kind),
        order=OrderUpdate(order=order),
        names=tuple(p.ident(item, "id") for item in found if item),
        unless_ours=OTHER if mode == "subscription" and not asked else None,
    )


def _object(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return p.table(p.table(event.get("data"), "data").get("object"), "data.object")


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _key(thing: Mapping[str, Any], kind: str) -> str:
    """The id that the order of a payment is known by."""
    if kind in INVOICES:
        return p.ident(thing.get("id"), "id")
    if kind in INVOICE_PAYMENTS:
        return p.ident(_id(thing.get("invoice")), "invoice")
    if kind in SESSIONS and thing.get("mode") == "subscription" and _id(thing.get("invoice")):
        return p.ident(_id(thing.get("invoice")), "invoice")
    if intent := _id(thing.get("payment_intent")):
        return p.ident(intent, "payment_intent")
    return p.ident(thing.get("id") if kind in SESSIONS else _id(thing.get("charge")) or thing.get("id"), "id")
