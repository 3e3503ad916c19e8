"""Two accounts of one customer become one: whole lots move by paired entries, and what comes back later follows them.

The absorbed account keeps its history and never has anything to spend again. A lot that moved remembers the order line
it was bought by (`Lot.bought_by`). So a refund of that order reaches it where it now is (decision 0028).
"""

from __future__ import annotations

from typing import Final

from app.domain.ledger.expiry import post_due_expiries, refresh_expiry
from app.domain.ledger.giving_back import repay_owed
from app.domain.ledger.lot import Entry, Lot
from app.domain.ledger.lots import LotLedger

MERGED: Final = "merged"


def merge_into(giver: LotLedger, taker: LotLedger) -> list[Lot]:
    """Moves all that the giver can spend, then what it owes. The lots made. Nothing of it may be held."""
    made = pass_on(giver, taker)
    for credit_type in sorted(giver.accounts):
        debt = giver.accounts[credit_type].owed
        if debt:
            book_debt(taker, credit_type, debt, reason=MERGED)
            giver.grant(debt, source="transfer", rule=MERGED, credit_type=credit_type, reason=MERGED)
    return made


def pass_on(giver: LotLedger, taker: LotLedger) -> list[Lot]:
    """Moves every lot's available credits, each with its end, scope, cost and origin. The lots made."""
    giver.needs_all_lots()
    made = []
    for credit_type in giver.due_types():
        post_due_expiries(giver, credit_type)
    for lot in sorted(giver.lots.values(), key=lambda lot: (lot.effective_at, lot.lot_id)):
        if lot.available:
            credits_ = giver.void(lot.lot_id, reason=MERGED, kind="transfer")
            made.append(taker.transfer_in(lot, credits_, reason=MERGED, as_bought=True))
            lot.data = {**lot.data, "moved": lot.moved + credits_}
            giver.mark_lot(lot)
    return made


def book_debt(ledger: LotLedger, credit_type: str, credits: int, *, reason: str, clause: str | None = None) -> None:
    """Books a debt that no lot of its own stands for, and repays of it what is there."""
    ledger.needs_all_lots()
    carrier = next((lot for lot in ledger.lots.values() if lot.credit_type == credit_type), None)
    if carrier is None:
        carrier = ledger.grant(credits, source="correction", rule=reason, credit_type=credit_type, reason=reason)
        ledger.void(carrier.lot_id, reason=reason)
    entries: list[Entry] = []
    ledger.move(entries, carrier, "owed", "voided", credits)
    repay_owed(ledger, entries, credit_type)
    ledger.record("void", credit_type, entries, reason=reason, clause=clause)
    refresh_expiry(ledger, credit_type)
