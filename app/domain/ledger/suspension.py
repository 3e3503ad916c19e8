"""Credits under a payment dispute: set aside in their lots, given back to them, or reinstated after they were taken.

A suspended credit is held, so that both identities of the ledger stay. Each suspension is a hold of its own on one lot.
No caller may capture or release that kind. A reinstated credit goes back to the very lot that it was taken from. Where
that lot has expired meanwhile, the policy's rule for credits returned to an expired lot holds (ALL-4).
"""

from __future__ import annotations

from typing import Final

from app.domain.ledger.expiry import refresh_expiry
from app.domain.ledger.giving_back import expired_rule, grace_lot, hand_back, repay_owed
from app.domain.ledger.journal import Journal
from app.domain.ledger.lot import Entry, Hold, HoldLine, Lot
from app.domain.values.ids import HoldId, LotId, OrderId

REASON: Final = "payment_dispute"
"""Of every operation that a payment dispute makes, and the kind of its holds."""


def suspended(journal: Journal) -> dict[str, int]:
    """Return the credits under dispute by lot: those that open suspensions hold."""
    found: dict[str, int] = {}
    for hold in journal.holds.values():
        if hold.kind == REASON:
            for line in hold.lines:
                if line.open:
                    found[line.lot_id] = found.get(line.lot_id, 0) + line.open
    return found


def suspend(journal: Journal, lot: Lot, credits: int, *, order_id: OrderId | None) -> Hold:
    """Set aside available credits of one lot. The caller checked that they are there."""
    entries: list[Entry] = []
    hold = Hold(
        hold_id=HoldId(journal.mint("hld")),
        customer_id=journal.customer_id,
        credit_type=lot.credit_type,
        credits=credits,
        created_at=journal.at,
        lines=[HoldLine(lot_id=lot.lot_id, line_no=1, credits=credits)],
        kind=REASON,
    )
    journal.move(entries, lot, "available", "held", credits)
    journal.put_hold(hold)
    journal.record("hold", lot.credit_type, entries, hold=hold, order_id=order_id, reason=REASON)
    refresh_expiry(journal, lot.credit_type)
    return hold


def lift(journal: Journal, hold: Hold) -> int:
    """Give suspended credits back to their lot. Return how many; none where the lot's end has voided the hold."""
    number = hold.open
    if number == 0:
        return 0
    hand_back(journal, hold, "held", number, at=journal.at, reason=REASON)
    refresh_expiry(journal, hold.credit_type)
    return number


def reinstate(
    journal: Journal,
    lot: Lot,
    credits: int,
    *,
    order_id: OrderId | None,
    clause: str | None = None,
    reason: str = REASON,
) -> None:
    """Give credits that a dispute took back to the lot they were taken from (ALL-4 where it has expired).

    ``reason``: of the operation that took them, where no dispute did.
    """
    entries: list[Entry] = []
    journal.move(entries, lot, "voided", "available", credits)
    rule = None
    if lot.expires_at is not None and lot.expires_at <= journal.at:
        journal.move(entries, lot, "available", "expired", credits)
        rule = expired_rule(journal, entries, None)
        if rule is not None:
            grace_lot(journal, entries, lot, credits, rule, at=journal.at, reason=reason)
    repay_owed(journal, entries, lot.credit_type)
    journal.record(
        "reinstate",
        lot.credit_type,
        entries,
        order_id=order_id,
        reason=reason,
        clause=rule.clause if rule else clause,
        reading=bool(rule and rule.reading),
    )
    refresh_expiry(journal, lot.credit_type)


def forgive(
    journal: Journal, credit_type: str, credits: int, *, order_id: OrderId | None, reason: str = REASON
) -> None:
    """Take back a debt that a dispute booked for credits that were spent; what was repaid since is granted anew."""
    journal.needs_all_lots()
    account = journal.account(credit_type)
    entries: list[Entry] = []
    lot = next((lot for lot in journal.lots.values() if lot.credit_type == credit_type), None)
    unpaid = min(credits, account.owed)
    if unpaid and lot is not None:
        journal.move(entries, lot, "voided", "owed", unpaid)
    repaid = credits - unpaid
    if repaid:
        made = Lot(
            lot_id=LotId(journal.mint("lot")),
            customer_id=journal.customer_id,
            credit_type=credit_type,
            source="correction",
            rule=reason,
            granted=repaid,
            available=repaid,
            effective_at=journal.at,
            expires_at=None,
            reason=reason,
        )
        journal.put_lot(made)
        journal.move(entries, made, "world", "available", repaid)
    repay_owed(journal, entries, credit_type)
    if entries:
        journal.record("reinstate", credit_type, entries, order_id=order_id, reason=reason)
        refresh_expiry(journal, credit_type)
