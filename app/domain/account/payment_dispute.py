"""A payment dispute as recorded; the rules of it stand in `app.domain.orders.payment_disputes`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.domain.values.ids import CustomerId, OrderId

State = Literal["warning", "open", "lost", "won"]
"""``warning``: an inquiry or a notice of fraud, by which no money has moved."""
Action = Literal["none", "suspended", "taken_back"]


@dataclass(slots=True, kw_only=True)
class PaymentDispute:
    """A dispute of an order's payment as recorded.

    ``wanted``: units by line that the disputed money paid for; ``credits``: how many are suspended or were taken.
    ``holds`` and ``undo``: what has to be put back; once it was, ``undo`` says how many credits came back.
    ``takes``: how often it took something back so far.
    """

    order_id: OrderId
    dispute_id: str
    customer_id: CustomerId
    state: State
    action: Action
    wanted: dict[str, int]
    opened_at: datetime
    updated_at: datetime
    amount: str | None = None
    currency: str | None = None
    credits: int = 0
    holds: list[str] = field(default_factory=list)
    undo: dict[str, Any] = field(default_factory=dict)
    refund_id: str | None = None
    takes: int = 0
    version: int = 0
