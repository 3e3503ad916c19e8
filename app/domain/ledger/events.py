"""What is published of credits, and what of a lot falls due: built here alone, whatever moved them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.ledger.lot import Lot, Operation
from app.domain.policy.credit_rules import CreditRules

Balance = Mapping[str, int]


class LotDue(NamedTuple):
    """Something of a lot that falls due: a reminder, or its end."""

    kind: str
    subject: str
    at: datetime
    payload: dict[str, Any]


def due_of(lot: Lot, rules: CreditRules | None, at: datetime) -> Iterator[LotDue]:
    """Yield a lot's reminders (``lot.reminder``) and its end (``lot.expired``); passed ones not."""
    if lot.expires_at is None or lot.expires_at <= at:
        return
    for days in rules.reminder_days if rules else ():
        when = lot.expires_at - timedelta(days=days)
        if at < when and lot.effective_at < when:
            payload = {"lot_id": lot.lot_id, "days": days}
            yield LotDue("lot.reminder", f"{lot.lot_id}:{days}", when, payload)
    yield LotDue("lot.expired", lot.lot_id, lot.expires_at, {"lot_id": lot.lot_id})


def moved_data(credit_type: str, credits: int, balance: Balance, **of: Any) -> dict[str, Any]:
    """Return what every event of moved credits carries: how many, of which type, and what there is now."""
    return {"credits": credits, "credit_type": credit_type, "balance": balance, **of}


def granted_data(lot: Lot, credits: int, balance: Balance, **of: Any) -> dict[str, Any]:
    """Return the data of ``credits.granted``."""
    return moved_data(lot.credit_type, credits, balance, lot_id=lot.lot_id, source=lot.source, **of)


def voided_data(
    lot: Lot, credits: int, balance: Balance, *, reason: str, order_id: str | None, **of: Any
) -> dict[str, Any]:
    """Return the data of ``credits.voided``; ``order_id``: whose refund or correction it was."""
    return {"lot_id": lot.lot_id, "order_id": order_id, "credits": credits, "reason": reason, "balance": balance, **of}


def expired_key(lot: Lot, ends: str) -> str:
    """The end of a lot is published once an instant."""
    return f"lot.expired:{lot.lot_id}:{ends}"


def low_data(credit_type: str, balance: Balance) -> dict[str, Any]:
    """Return the data of ``credits.low``."""
    return moved_data(credit_type, balance["available"], balance)


def falls_low(rules: CreditRules | None, *, before: int, after: int) -> bool:
    """Whether a balance crossed the policy's ``low_at`` downwards."""
    return rules is not None and rules.low_at is not None and after <= rules.low_at < before


def moved_by(operations: Iterable[Operation]) -> dict[str, int]:
    """Return how operations changed what is available, and what they released."""
    available = released = 0
    for operation in operations:
        for entry in operation.entries:
            if entry.target == "available":
                available += entry.credits
                released += entry.credits if entry.source == "held" else 0
            elif entry.source == "available":
                available -= entry.credits
    return {"available": available, "released": released}
