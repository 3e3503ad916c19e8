"""How an order and a refund of it stand, read off what is stored of them. Lists are narrowed by the same in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

OrderState = Literal["granted", "partly_granted", "not_granted"]
PaymentState = Literal["paid", "partly_refunded", "refunded", "disputed", "dispute_lost"]
RefundState = Literal["booked", "pending", "undone"]


def order_state(answer: Mapping[str, Any]) -> OrderState:
    """Return how much of an order was granted; ``answer``: what it was answered, which may lack what it has none of."""
    if not answer.get("not_granted"):
        return "granted"
    granted = any(decision["granted"] for decision in answer.get("decisions", ()))
    return "partly_granted" if granted else "not_granted"


def payment_state(units: Mapping[str, int], refunded: Mapping[str, int], disputes: Collection[str]) -> PaymentState:
    """Return how an order is paid: a dispute that is open comes first, then a lost one, then refunds.

    ``units``, ``refunded``: by line, ordered and given back; ``disputes``: their states. A warning and a dispute that
    was won change nothing.
    """
    if "open" in disputes:
        return "disputed"
    if "lost" in disputes:
        return "dispute_lost"
    if not any(refunded.values()):
        return "paid"
    left = any(ordered > refunded.get(line_id, 0) for line_id, ordered in units.items())
    return "partly_refunded" if left else "refunded"


def refund_state(answer: Mapping[str, Any]) -> RefundState:
    """Return how a refund stands: ``pending`` until its order comes, ``undone`` by a dispute that was won."""
    if "pending" in answer:
        return "pending"
    return "undone" if "undone" in answer else "booked"
