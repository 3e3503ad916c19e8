"""Two accounts of one customer become one: whole lots move by paired entries, and what comes back later follows them.

The absorbed account keeps its history and never has anything to spend again. A lot that moved remembers the order line
it was bought by (`Lot.bought_by`), so that a refund of that order reaches it where it now is (decision 0028).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.domain.ledger.lot import Entry, Lot
from app.domain.values.wire import iso

if TYPE_CHECKING:
    from app.domain.ledger.ledger import Ledger

MERGED: Final = "merged"


def absorb(giver: Ledger, taker: Ledger) -> list[Lot]:
    """Moves all that the giver can spend, then what it owes. The lots made. Nothing of it may be held."""
    made = pass_on(giver, taker)
    for credit_type in sorted(giver.accounts):
        debt = giver.accounts[credit_type].owed
        if debt:
            owe(taker, credit_type, debt, reason=MERGED)
            giver.grant(debt, source="transfer", rule=MERGED, credit_type=credit_type, reason=MERGED)
    return made


def pass_on(giver: Ledger, taker: Ledger) -> list[Lot]:
    """Moves every lot's available credits, each with its end, scope, cost and origin. The lots made."""
    made = []
    for credit_type in giver.due_types():
        giver.book_due(credit_type)
    for lot in sorted(giver.lots.values(), key=lambda one: (one.effective_at, one.lot_id)):
        if lot.available:
            credits_ = giver.void(lot.lot_id, reason=MERGED, kind="transfer")
            made.append(taker.transfer_in(lot, credits_, reason=MERGED, as_bought=True))
            lot.data = {**lot.data, "moved": moved(lot) + credits_}
            giver.mark_lot(lot)
    return made


def purchase_of(lot: Lot) -> dict[str, Any]:
    """What a lot made of this one remembers of its purchase, as `Lot.data`; nothing of what was only returned."""
    if "bought" in lot.data:
        return {"bought": lot.data["bought"]}
    if lot.origin_lot_id is not None:
        return {}
    order_id, line_id, unit_no = lot.bought_by or (None, None, 0)
    return {
        "bought": {
            "order_id": order_id, "line_id": line_id, "unit_no": unit_no, "lot_id": lot.lot_id,
            "at": iso(lot.effective_at),
        }
    }  # fmt: skip


def owe(ledger: Ledger, credit_type: str, credits: int, *, reason: str, clause: str | None = None) -> None:
    """Books a debt that no lot of its own stands for, and repays of it what is there."""
    carrier = next((one for one in ledger.lots.values() if one.credit_type == credit_type), None)
    if carrier is None:
        carrier = ledger.grant(
            credits, source="correction", rule=reason, credit_type=credit_type, reason=reason
        )
        ledger.void(carrier.lot_id, reason=reason)
    entries: list[Entry] = []
    ledger.move(entries, carrier, "owed", "voided", credits)
    ledger.settle(entries, credit_type)
    ledger.record("void", credit_type, entries, reason=reason, clause=clause)
    ledger.refresh_expiry(credit_type)


def moved(lot: Lot) -> int:
    """Credits of a lot that went on with a merge."""
    return int(lot.data.get("moved", 0))


def root_of(lot: Lot) -> str:
    """The lot that an order granted, of which this one is a part."""
    of = lot.data.get("of") or lot.data.get("bought") or {}
    return str(of.get("lot_id", lot.lot_id))
