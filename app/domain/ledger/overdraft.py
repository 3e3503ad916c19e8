"""Credits spent before they come: booked as ``owed``, and paid by whatever comes next.

What is overdrawn is a lot of its own, so that every move stays within a lot. A debt of the same size stands beside it.
The operation that spends it books both: ``world -> available`` and ``owed -> voided``. Credits that come repay the debt
(`giving_back.repay_owed`). So do those that come back to the lot.
"""

from __future__ import annotations

from typing import Final

from app.domain.ledger.journal import Journal
from app.domain.ledger.lot import Entry, Lot
from app.domain.ledger.recurring import next_yield
from app.domain.ledger.rest import NotLoaded
from app.domain.policy.credit_rules import Overdraft
from app.domain.values.ids import LotId

OVERDRAFT: Final = "overdraft"
LAST: Final = 2**31 - 1
"""The place of what was overdrawn in the order of spending: after everything else."""


def rule_of(journal: Journal, credit_type: str) -> Overdraft | None:
    """Return the rule by which a type may be overdrawn now; None where it may not."""
    rule = None if journal.rules is None else journal.rules.overdraft_of(credit_type)
    if rule is None or rule.against == "anything":
        return rule
    if journal.recurring is None:
        raise NotLoaded
    grants = (grant for grant in journal.recurring.values() if grant.credit_type == credit_type)
    return rule if any(next_yield(grant) is not None for grant in grants) else None


def headroom(journal: Journal, credit_type: str) -> int:
    """Return how many more may be overdrawn; below 0, how many must come before any can be spent.

    Credits that cannot pay what is asked for, since they are kept for other categories or another license, stay.
    """
    rule = rule_of(journal, credit_type)
    return (0 if rule is None else rule.most) - journal.account(credit_type).owed


def drawn(journal: Journal, credit_type: str, credits: int) -> Lot:
    """Make the lot of credits that are overdrawn; the caller books the debt and spends them in one operation."""
    rule = rule_of(journal, credit_type)
    lot = Lot(
        lot_id=LotId(journal.mint("lot")),
        customer_id=journal.customer_id,
        credit_type=credit_type,
        source="overdraft",
        rule=OVERDRAFT,
        granted=credits,
        available=credits,
        effective_at=journal.at,
        expires_at=None,
        priority=LAST,
        clause=None if rule is None else rule.clause,
        reading=rule is not None and rule.reading,
        reason=OVERDRAFT,
    )
    journal.put_lot(lot)
    return lot


def book(journal: Journal, entries: list[Entry], lot: Lot) -> None:
    """Book the credits of a lot that are overdrawn, and the debt."""
    journal.move(entries, lot, "world", "available", lot.granted)
    journal.move(entries, lot, "owed", "voided", lot.granted)
