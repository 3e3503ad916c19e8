"""Stripe's amounts, refunds and disputes.

Amounts are whole numbers of a currency's smallest unit, which is ISO 4217's but for the exceptions below
(docs.stripe.com/currencies, "Special cases" and "Zero-decimal currencies").
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from app.connectors import payload as p
from app.domain.feeds.adapter import UnreadableError
from app.domain.feeds.disputed_money import DisputeSnapshot, DisputeState
from app.domain.feeds.orders import OrderUpdate, RefundSnapshot, stamp
from app.domain.values.money import MINOR_DIGITS, unit_of

DIGITS: Final[dict[str, int]] = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Digits of Stripe's amounts where they are not those of ISO 4217.

- ISK and UGX have no digits, yet Stripe keeps two for old integrations: 500000 is 5,000 ISK.
- MGA has two digits by ISO, and none at Stripe.
- HUF and TWD have two in charges, as by ISO; only payouts of them are whole.
- BHD, JOD, KWD, OMR and TND have three, as by ISO; Stripe wants the last of them to be 0.
"""
DISPUTE_STATES: Final[dict[str, DisputeState]] = {
    "warning_needs_response": "warning",
    "warning_under_review": "warning",
    "warning_closed": "warning",
    "prevented": "warning",
    "charge_refunded": "warning",
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
}
"""What a dispute's status says of the money (docs.stripe.com/api/disputes/object). An inquiry (``warning_*``) has moved
no money. Neither has a dispute that was ``prevented`` or ended by a refund: the refund, if there is one, comes as its
own event.
"""

REFUND_STATES: Final = {
    "pending": "waiting",
    "requires_action": "waiting",
    "succeeded": "settled",
    "failed": "reversed",
    "canceled": "reversed",
}
"""What a refund's status says of its money (docs.stripe.com/api/refunds/object). One that waits for the bank or for the
buyer may still fail or be canceled; one that succeeded may fail weeks later. Its charge counts it as refunded from the
first, and no longer once it failed."""


def minor(value: Any, currency: str, name: str) -> Decimal:
    """Read an amount as whole units of the currency. Raises `UnreadableError`, also for a part of its smallest unit."""
    digits = DIGITS.get(currency, MINOR_DIGITS.get(currency, 2))
    amount = p.money(value, name).scaleb(-digits)
    if amount % unit_of(currency):
        raise UnreadableError("field_wrong", f"{name}: {currency} has no such fraction.", {name: str(value)})
    return amount


def minor_or_none(value: Any, currency: str, name: str) -> Decimal | None:
    """Read an amount, or None for what is absent."""
    return None if value in (None, "") else minor(value, currency, name)


def minor_or_zero(value: Any, currency: str, name: str) -> Decimal:
    """Read an amount; what is absent is nothing."""
    return minor_or_none(value, currency, name) or Decimal(0)


def refund(thing: Mapping[str, Any], stated_at: str) -> OrderUpdate:
    """Read a refund, or a charge with all that was refunded of it so far, which may be less once a refund failed."""
    if thing.get("object") != "charge" and "amount_refunded" not in thing:
        return OrderUpdate(refunds=(_refund(thing, stated_at),))
    currency = p.currency_of(thing.get("currency"))
    refund_rows = p.rows(p.table(thing.get("refunds"), "refunds").get("data"), "refunds")
    return OrderUpdate(
        refunds=tuple(_refund(row, stated_at) for row in refund_rows),
        refunded_total=minor(thing.get("amount_refunded"), currency, "amount_refunded"),
        refunded_full=thing.get("refunded") is True,
        refunded_at=stated_at,
    )


def _refund(thing: Mapping[str, Any], stated_at: str) -> RefundSnapshot:
    currency = p.currency_of(thing.get("currency"))
    ident, status = p.ident(thing.get("id"), "id"), str(thing.get("status"))
    if status not in REFUND_STATES:
        unclear = f"Nobody here knows a refund in the status {status}."
        raise UnreadableError("status_unknown", unclear, {"refund": ident, "status": status})
    metadata = p.table(thing.get("metadata"), "metadata")
    units = None
    if metadata.get("line_id"):
        units = {p.ident(metadata["line_id"], "line_id"): p.whole(metadata.get("quantity", 1), "quantity", least=1)}
    reversed_ = REFUND_STATES[status] == "reversed"
    return RefundSnapshot(
        refund_id=ident,
        settled=REFUND_STATES[status] == "settled",
        reversed=reversed_,
        made_at=stamp(p.instant(thing["created"], "created")) if thing.get("created") else None,
        reversed_at=stated_at if reversed_ else None,
        amount=minor(thing.get("amount"), currency, "amount"),
        units=units,
    )


def dispute(thing: Mapping[str, Any], stated_at: str) -> DisputeSnapshot:
    """Read a dispute as it stands, or an early fraud warning, which says that one may come."""
    ident = p.ident(thing.get("id"), "id")
    if thing.get("object") == "radar.early_fraud_warning":
        return DisputeSnapshot(dispute_id=ident, state="warning", stamp=stated_at)
    status = str(thing.get("status"))
    state = DISPUTE_STATES.get(status)
    if state is None:
        raise UnreadableError(
            "status_unknown",
            f"Nobody here knows a dispute in the status {status}.",
            {"dispute": ident, "status": status},
        )
    currency = p.currency_of(thing.get("currency"))
    amount = minor(thing.get("amount"), currency, "amount")
    withdrawn = _withdrawn(thing, currency)
    if state == "lost" and withdrawn is not None:
        amount = withdrawn
    return DisputeSnapshot(dispute_id=ident, state=state, stamp=stated_at, amount=amount, currency=currency)


def _withdrawn(thing: Mapping[str, Any], currency: str) -> Decimal | None:
    """Return what a dispute took from the vendor in all, where its balance transactions are in its own currency."""
    moves = p.rows(thing.get("balance_transactions"), "balance_transactions")
    if not moves or any(p.currency_of(move.get("currency")) != currency for move in moves):
        return None
    return -sum((minor(move.get("amount"), currency, "amount") for move in moves), Decimal(0))
