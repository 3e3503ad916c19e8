"""Two accounts of one customer become one: whole lots move by paired entries, and what comes back later follows them.

What is held moves with its hold: the hold keeps its id and its ticket, and holds the same credits of the heir.

The absorbed account keeps its history and never has anything to spend again. A lot that moved remembers the order line
it was bought by (`Lot.bought_by`). So a refund of that order reaches it where it now is (decision 0028).
"""

from __future__ import annotations

from typing import Final

from app.domain.ledger.expiry import post_due_expiries, refresh_expiry
from app.domain.ledger.giving_back import repay_owed
from app.domain.ledger.journal import Journal, hold_key
from app.domain.ledger.lot import Entry, Hold, HoldLine, Lot
from app.domain.ledger.lots import LotLedger
from app.domain.ledger.units import claimed, due_back, move_claim, take_claim

MERGED: Final = "merged"


def in_the_way(giver: LotLedger) -> list[Hold]:
    """Return the open holds that cannot move: of a payment dispute, or captured in part.

    What such a hold took lies in the giver's lots, and what it gives back goes there.
    """
    return [hold for hold in giver.holds.values() if hold.open and (hold.kind == "payment_dispute" or hold.captured)]


def merge_into(giver: LotLedger, taker: LotLedger) -> list[Lot]:
    """Moves all that the giver can spend, what it holds, then what it owes. The lots made. `in_the_way` is empty."""
    made = pass_on(giver, taker)
    for grant in (giver.recurring or {}).values():
        grant.customer_id = taker.customer_id
        taker.put_recurring(grant)
        taker.account(grant.credit_type)
    giver.recurring = {}
    for credit_type in sorted({grant.credit_type for grant in (taker.recurring or {}).values()}):
        taker.account(credit_type)  # a grant that brought nothing yet leaves no account of its type
        refresh_expiry(taker, credit_type)
    for credit_type in sorted(giver.accounts):
        refresh_expiry(giver, credit_type)
    moved: dict[str, Lot] = {}
    for hold in sorted((hold for hold in giver.holds.values() if hold.open), key=hold_key):
        _pass_hold(giver, taker, hold, moved)
    made += moved.values()
    for credit_type in sorted(giver.accounts):
        debt = giver.accounts[credit_type].owed
        if debt:
            book_debt(taker, credit_type, debt, reason=MERGED, tied=False)
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


def bring_claims(giver: Journal, taker: Journal, hold_id: str, credits: int | None) -> None:
    """Moves claims from the taker's lots to those of a giver's hold that are about to get credits back.

    A claim is on whichever of a unit's credits come back first. A merge left it with those that were held.
    """
    hold = giver.holds[hold_id]
    left = hold.captured - hold.refunded if credits is None else credits
    for line in reversed(hold.lines):
        lot, part = giver.lots[line.lot_id], min(left, line.spent_left)
        left -= part
        kin = [other for other in taker.lots.values() if other.root == lot.root and claimed(other)]
        for other in sorted(kin, key=lambda other: other.lot_id):
            if (unclaimed := min(part - due_back(lot, part), claimed(other))) > 0:
                move_claim(other, lot, unclaimed)
                taker.mark_lot(other)
                giver.mark_lot(lot)


def _pass_hold(giver: LotLedger, taker: LotLedger, hold: Hold, moved: dict[str, Lot]) -> None:
    """Moves an open hold with its credits, lot by lot. ``moved``: the lots made so far, by the lots that they are of.

    All that is held of a lot lies in one lot again, so that a claim on it stays on whatever comes back first.
    A line of which some came back before keeps that part with the giver; the rest gets a line of its own.
    """
    entries: list[Entry] = []
    parts: dict[str, int] = {}
    further: list[HoldLine] = []
    claims: list[tuple[Lot, dict[str, object]]] = []
    for line in reversed(hold.lines):
        if (part := line.open) == 0:
            continue
        origin = giver.lots[line.lot_id]
        claim = {**origin.data["claim"], "credits": owed} if (owed := due_back(origin, part)) else None
        if owed:
            take_claim(origin, owed)
        giver.move(entries, origin, "held", "available", part)
        giver.move(entries, origin, "available", "voided", part)
        origin.data = {**origin.data, "moved": origin.moved + part}
        lot = moved[origin.lot_id] = _heir_of(taker, origin, part, moved)
        parts[lot.lot_id] = part
        if claim is not None:
            claims.append((lot, claim))
        if line.released == 0:
            line.lot_id = lot.lot_id
        else:
            line.released += part
            further.insert(0, HoldLine(lot_id=lot.lot_id, line_no=0, credits=part))
    giver.record("transfer", hold.credit_type, entries, hold=hold, reason=MERGED)
    refresh_expiry(giver, hold.credit_type)
    del giver.holds[hold.hold_id]
    for line in further:
        line.line_no = len(hold.lines) + 1
        hold.lines.append(line)
        hold.credits += line.credits
    hold.customer_id, hold.closed_at = taker.customer_id, None
    taker.put_moved(hold, further)
    entries = []
    lots = {lot.lot_id: lot for lot in moved.values()}
    for line in hold.lines:
        if line.lot_id in parts:
            lot, part = lots[line.lot_id], parts[line.lot_id]
            taker.move(entries, lot, "world", "available", part)
            taker.move(entries, lot, "available", "held", part)
    for lot, claim in claims:
        before = lot.data.get("claim", {"credits": 0})
        lot.data = {**lot.data, "claim": {**claim, "credits": before["credits"] + claim["credits"]}}
    taker.record("transfer", hold.credit_type, entries, hold=hold, reason=MERGED)
    refresh_expiry(taker, hold.credit_type)


def _heir_of(taker: LotLedger, origin: Lot, part: int, moved: dict[str, Lot]) -> Lot:
    """Return the taker's lot for what was held of another, larger by so many credits; the caller books the moves."""
    lot = moved.get(origin.lot_id)
    if lot is None:
        return taker.received(origin, part, reason=MERGED)
    lot.granted += part
    lot.available += part
    lot.cost = origin.price_of(lot.granted)
    return lot


def book_debt(
    ledger: LotLedger, credit_type: str, credits: int, *, reason: str, clause: str | None = None, tied: bool = True
) -> None:
    """Books a debt that no lot of its own stands for, and repays of it what is there.

    ``tied``: also of what is kept for some categories or a license.
    """
    ledger.needs_all_lots()
    carrier = next((lot for lot in ledger.lots.values() if lot.credit_type == credit_type), None)
    if carrier is None:
        carrier = ledger.grant(credits, source="correction", rule=reason, credit_type=credit_type, reason=reason)
        ledger.void(carrier.lot_id, reason=reason)
    entries: list[Entry] = []
    ledger.move(entries, carrier, "owed", "voided", credits)
    repay_owed(ledger, entries, credit_type, tied=tied)
    ledger.record("void", credit_type, entries, reason=reason, clause=clause)
    refresh_expiry(ledger, credit_type)
