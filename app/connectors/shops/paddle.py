"""Paddle Billing: completed transactions, and adjustments of them.

Amounts are texts in the currency's smallest units (ISO 4217's digits). A transaction says by its ``origin`` why there
is one, and by ``proration`` which items bill no whole period. An adjustment says by its ``action`` what it is, and item
by item what of it: all, a part, the tax alone, or a proration. Of an adjustment neither the total nor the type is
trusted, only its items. A refund begins as ``pending_approval`` and counts once it is ``approved``
(developer.paddle.com/api-reference/transactions, .../adjustments).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from app.connectors import payload as p
from app.domain.feeds.adapter import Delivery, Identity, Parsed, UnreadableError
from app.domain.feeds.disputed_money import DisputeSnapshot, DisputeState
from app.domain.feeds.orders import LineSnapshot, OrderSnapshot, OrderUpdate, RefundSnapshot, stamp
from app.domain.feeds.review import ReviewItem

TRANSACTIONS: Final = ("transaction.completed", "transaction.paid", "transaction.updated")
DONE: Final = frozenset({"completed", "paid"})
ADJUSTMENTS: Final = frozenset({"adjustment.created", "adjustment.updated"})
CARD_CHANGE: Final = "subscription_payment_method_change"
"""The origin of a transaction of nothing, by which a buyer changes the card."""
PERIODS: Final = frozenset({"subscription_recurring", "web", "api"})
"""Origins whose billing period is bought once."""
PLAN_CHANGE: Final = "subscription_update"
"""The origin of what a change of a subscription costs at once, with or without a proration."""
ORIGINS: Final = PERIODS | {PLAN_CHANGE, CARD_CHANGE, "subscription_charge"}
_SANDBOX: Final = re.compile(r"https://sandbox[a-z-]*\.paddle\.com(?:[/:?#]|\Z)")
CREDITS: Final = frozenset({"credit", "credit_reverse"})
"""Actions that reduce what is still owed, or fill the buyer's balance: no payment goes back by them."""
DISPUTES: Final[dict[str, DisputeState]] = {
    "chargeback": "lost",
    "chargeback_reverse": "won",
    "chargeback_warning": "warning",
    "chargeback_warning_reverse": "warning",
}
"""A chargeback takes the money at once, and Paddle alone contests it: it is lost until it is reversed."""


class Paddle:
    """See the module."""

    kind = "paddle"
    headers: tuple[str, ...] = ()

    def ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """There is none."""
        return False

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """``Paddle-Signature: ts=...;h1=hex``: HMAC-SHA256 of ``ts:body``, 300 seconds."""
        pairs = [part.strip().partition("=") for part in headers.get("paddle-signature", "").split(";")[:30]]
        times = [value for name, _, value in pairs if name == "ts"]
        if len(times) != 1 or not p.fresh(times[0], now):
            return False
        presented = [
            bytes.fromhex(value) for name, _, value in pairs if name == "h1" and re.fullmatch("[0-9a-f]{64}", value)
        ]
        return p.any_equal(
            [p.hmac_of("sha256", secret, times[0].encode() + b":", body) for secret in secrets], presented
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

    def read(self, delivery: Delivery) -> Parsed:
        """A completed transaction, or an adjustment of one."""
        event = p.parsed(delivery.body)
        kind, data = str(event.get("event_type", "")), p.table(event.get("data"), "data")
        if kind in ADJUSTMENTS:
            return replace(_adjustment(data, event), test=_sandbox({}, delivery))
        if kind not in TRANSACTIONS:
            return Parsed(ignored="other_type")
        if str(data.get("status")) not in DONE:
            return Parsed(ignored="not_completed")
        if str(data.get("origin")) == CARD_CHANGE:
            return Parsed(ignored="payment_method_change")
        if data.get("origin") is not None and str(data["origin"]) not in ORIGINS:
            says = {"transaction": str(data.get("id")), "origin": str(data["origin"])}
            unclear = f"Nobody here knows why there is a transaction of the origin {says['origin']}."
            raise UnreadableError("status_unknown", unclear, says)
        order = _transaction(data, event)
        return Parsed(subject="order/" + _key(event), order=OrderUpdate(order=order), test=_sandbox(data, delivery))


def _key(event: Mapping[str, Any]) -> str:
    data = p.table(event.get("data"), "data")
    if str(event.get("event_type", "")).startswith("adjustment."):
        return p.ident(data.get("transaction_id"), "transaction_id")
    return p.ident(data.get("id"), "id")


def _sandbox(data: Mapping[str, Any], delivery: Delivery) -> bool:
    """Whether it is of Paddle's sandbox: no field says so, but its addresses, the source's option and its API do."""
    urls = (p.table(data.get("checkout"), "checkout").get("url"), delivery.options.get("api_base_url"))
    return bool(delivery.options.get("sandbox")) or any(_SANDBOX.match(str(url or "")) for url in urls)


def _transaction(data: Mapping[str, Any], event: Mapping[str, Any]) -> OrderSnapshot:
    currency = p.currency_of(data.get("currency_code"))
    details = p.table(data.get("details"), "details")
    totals = p.table(details.get("totals"), "totals")
    happened = p.instant(event.get("occurred_at"), "occurred_at")
    made_at = p.instant_or_none(data.get("created_at"), "created_at")
    billed_at = p.instant_or_none(data.get("billed_at"), "billed_at") or made_at or happened
    starts = p.instant_or_none(p.table(data.get("billing_period"), "billing_period").get("starts_at"), "starts_at")
    subscription = p.ident_or_none(data.get("subscription_id"), "subscription_id")
    origin, period, placed_at = str(data.get("origin")), None, billed_at
    if subscription is not None and starts is not None and origin in PERIODS:
        period = f"{subscription}/{int(starts.timestamp())}"
        placed_at = min(starts, billed_at)
    lines = _lines(data, details, currency)
    customer = p.table(data.get("customer"), "customer")
    total = totals.get("total", totals.get("grand_total"))
    return OrderSnapshot(
        stamp=stamp(str(event["occurred_at"])),
        placed_at=placed_at,
        currency=currency,
        lines=lines,
        customer=p.customer(data.get("customer_id") or customer.get("id"), customer.get("email")),
        paid=True,
        total=p.minor_or_none(total, currency, "total"),
        payment=period,
        review_items=_checked(totals, lines, currency),
    )


def _checked(totals: Mapping[str, Any], lines: Sequence[LineSnapshot], currency: str) -> tuple[ReviewItem, ...]:
    """Compare the total with the lines, the discount and the tax; a credit of the buyer's pays for a part of it."""
    total = p.minor_or_none(totals.get("total"), currency, "total")
    known = [line.gross for line in lines if line.gross is not None]
    if total is None or len(known) != len(lines):
        return ()
    of_lines = sum(known, Decimal(0))
    subtotal = p.minor_or_none(totals.get("subtotal"), currency, "subtotal")
    made = None
    if subtotal is not None:
        discount = p.minor_or_none(totals.get("discount"), currency, "discount") or Decimal(0)
        made = subtotal - discount + (p.minor_or_none(totals.get("tax"), currency, "tax") or Decimal(0))
    if total == of_lines and made in (None, total):
        return ()
    says = {"total": str(total), "lines": str(of_lines), "subtotal_less_discount_and_tax": str(made)}
    unclear = "The transaction's total is not what its lines, discount and tax come to."
    return (ReviewItem("total_unexplained", unclear, says),)


def _lines(data: Mapping[str, Any], details: Mapping[str, Any], currency: str) -> tuple[LineSnapshot, ...]:
    items = p.rows(data.get("items"), "items")
    return tuple(
        _line(row, _item_of(row, number, items), currency, whole=str(data.get("origin")) != PLAN_CHANGE)
        for number, row in enumerate(p.rows(details.get("line_items"), "line_items"))
    )


def _item_of(row: Mapping[str, Any], number: int, items: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The item that a line was calculated of: that of its price, else the one in its place."""
    price = row.get("price_id")
    found = [each for each in items if price is not None and price in (each.get("price_id"), _price(each).get("id"))]
    if len(found) == 1:
        return found[0]
    return items[number] if number < len(items) else {}


def _price(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return p.table(item.get("price"), "price")


def _line(row: Mapping[str, Any], item: Mapping[str, Any], currency: str, *, whole: bool) -> LineSnapshot:
    named = row.get("price_id") or item.get("price_id") or _price(item).get("id")
    product = p.table(row.get("product"), "product").get("id") or _price(item).get("product_id")
    totals = p.table(row.get("totals"), "totals")
    listed = p.minor_or_none(totals.get("subtotal"), currency, "subtotal")
    discount = p.minor_or_none(totals.get("discount"), currency, "discount")
    quantity = p.whole(row.get("quantity", 1), "quantity", least=-1_000_000)
    change: Literal["proration", "trial"] | None = None
    if not whole or row.get("proration") or item.get("proration") or quantity < 1:
        change = "proration"
    elif _price(item).get("trial_period") and listed == 0 and not discount:
        change = "trial"
    return LineSnapshot(
        line_id=p.ident(row.get("id"), "line id"),
        quantity=max(quantity, 1),
        products=tuple(p.ident(name, "price") for name in (named, product) if name),
        paid=listed if listed is None or discount is None else listed - discount,
        listed=listed,
        gross=p.minor_or_none(totals.get("total"), currency, "total"),
        attributes=p.attributes(p.table(_price(item).get("custom_data"), "custom_data")),
        change=change,
    )


# --- adjustments ------------------------------------------------------------------------------------------------------


def _adjustment(data: Mapping[str, Any], event: Mapping[str, Any]) -> Parsed:
    action, status = str(data.get("action")), str(data.get("status"))
    if action in CREDITS:
        return Parsed(ignored="credit")
    subject = "order/" + p.ident(data.get("transaction_id"), "transaction_id")
    ident = p.ident(data.get("id"), "id")
    if action != "refund" and action not in DISPUTES:
        raise UnreadableError(
            "status_unknown", f"Nobody here knows an adjustment with the action {action}.", {"adjustment": ident}
        )
    currency = p.currency_of(data.get("currency_code", "USD"))
    adjusted = _adjusted_items(data, currency)
    whole = str(data.get("type")) == "full" and not data.get("items")
    stated_at = p.instant(event.get("occurred_at"), "occurred_at")
    if action == "refund":
        refund = RefundSnapshot(
            refund_id=ident,
            settled=status == "approved",
            reversed=status == "reversed",
            made_at=stamp(p.instant_or_none(data.get("created_at"), "created_at") or stated_at),
            reversed_at=stamp(stated_at) if status == "reversed" else None,
            full=whole,
            units=adjusted.units or None,
            amounts=adjusted.amounts or None,
            other=adjusted.tax,
            left=adjusted.proration,
        )
        return Parsed(subject=subject, order=OrderUpdate(refunds=(refund,)))
    if status not in ("approved", "reversed"):
        return Parsed(ignored="not_approved")
    state = DISPUTES[action]
    dispute = DisputeSnapshot(
        dispute_id=ident,
        state="won" if status == "reversed" and state == "lost" else state,
        stamp=stamp(str(event["occurred_at"])),
        reversal=action == "chargeback_reverse",
        full=whole,
        units=adjusted.units,
        amounts=adjusted.amounts,
        currency=currency,
    )
    return Parsed(subject=subject, order=OrderUpdate(disputes=(dispute,)))


@dataclass(slots=True)
class _AdjustedItems:
    """What an adjustment says of each item: all units of a line, an amount of it, or money that is of no unit."""

    units: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, Decimal] = field(default_factory=dict)
    tax: Decimal | None = None
    """The tax alone, such as for a tax number that was given after the sale."""
    proration: Decimal | None = None
    """Time of a subscription that was not used: nobody can tell what that is of what was granted."""


def _adjusted_items(data: Mapping[str, Any], currency: str) -> _AdjustedItems:
    found = _AdjustedItems()
    for row in p.rows(data.get("items"), "items"):
        line_id, kind = p.ident(row.get("item_id"), "item_id"), str(row.get("type"))
        if kind == "full":
            found.units[line_id] = 1_000_000
            continue
        totals = p.table(row.get("totals"), "totals")
        total = totals.get("total", row.get("amount"))  # with the tax, in which lines are counted too
        amount = p.minor(total, currency, "amount")
        subtotal = p.minor_or_none(totals.get("subtotal"), currency, "subtotal")
        if kind == "tax" or (subtotal == 0 and amount > 0):
            found.tax = (found.tax or Decimal(0)) + amount
        elif kind == "proration" or row.get("proration"):
            found.proration = (found.proration or Decimal(0)) + amount
        else:
            found.amounts[line_id] = found.amounts.get(line_id, Decimal(0)) + amount
    return found
