"""A refund is one thing: a unit's credits are taken back wherever they lie, whichever door gave the money back.

`app.domain.ledger.units` says what a lot knows of its unit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from app.domain.ledger.account_merge import book_debt
from app.domain.ledger.events import voided_data
from app.domain.ledger.expiry import balance, post_due_expiries, refresh_expiry
from app.domain.ledger.giving_back import repay_owed
from app.domain.ledger.journal import Journal
from app.domain.ledger.lot import Entry, Lot
from app.domain.ledger.lots import LotLedger
from app.domain.ledger.rest import NotLoaded
from app.domain.ledger.units import (
    Left,
    TakeBackReason,
    VoidedGrant,
    claimed,
    held_free,
    note,
    outstanding,
    owed,
    paid_back,
    put_claim,
    spent_free,
    take_claim,
    transferred,
)
from app.domain.values.ids import LotId, OrderId


def refunded_of_ticket(ledger: Journal, ticket_id: str) -> int:
    """Return how many of the credits that a ticket holds or took are of refunded units."""
    left: dict[str, int] = {}
    found = 0
    for hold in ledger.holds.values():
        for line in hold.lines if hold.ticket_id == ticket_id else ():
            lot = ledger.lots[line.lot_id]
            part = min(line.open + line.spent_left, left.get(lot.lot_id, claimed(lot)))
            left[lot.lot_id] = left.get(lot.lot_id, claimed(lot)) - part
            found += part
    return found


def lift(ledgers: Iterable[Journal], lots: Collection[str]) -> None:
    """Restore a unit that a shop had taken out of its order: what it still uses is no longer claimed."""
    for ledger in ledgers:
        for lot_id in lots:
            lot = ledger.lots.get(LotId(lot_id))
            if lot is None:
                ledger.needs_all_lots()
            if lot is not None and claimed(lot):
                take_claim(lot, claimed(lot))
                ledger.mark_lot(lot)


def families(
    ledgers: Iterable[Journal], order_id: str, line_id: str, *, withdrawn: bool = False
) -> dict[tuple[int, str], list[Lot]]:
    """Return what an order line granted, by unit and root. Each lot stands with those in which its credits lie by now.

    ``withdrawn``: with the lots that stand for their unit no longer, some of whose credits may still be in use.
    """
    found: dict[tuple[int, str], list[Lot]] = {}
    for ledger in ledgers:
        if ledger.rest is not None and order_id not in ledger.rest.orders:
            raise NotLoaded
        for lot in ledger.lots.values():
            unit = lot.unit
            if unit is not None and unit[:2] == (order_id, line_id) and (withdrawn or not lot.withdrawn):
                found.setdefault((unit[2], lot.root), []).append(lot)
    return {key: sorted(found[key], key=lambda lot: lot.lot_id) for key in sorted(found)}


def take(home: LotLedger, family: Sequence[Lot], credits: int | None, why: TakeBackReason) -> VoidedGrant:
    """Take back a unit's credits, at most so many, wherever they lie: void what is available, claim what is not.

    Held credits are claimed. Spent ones are claimed too, or become a debt of the buyer where the policy allows it.
    """
    credit_type = family[0].credit_type
    ledgers = {str(ledger.customer_id): ledger for ledger in home.reachable()}
    for ledger in ledgers.values():
        if ledger.is_due(credit_type):
            post_due_expiries(ledger, credit_type)
    left = outstanding(family)
    target = left if credits is None else min(credits, left)
    rest = target
    touched: dict[str, int] = {}
    for customer_id, lots in _by_owner(home, family):
        voided_now = _void(ledgers[customer_id], lots, rest, why)
        rest -= sum(voided_now.values())
        touched |= voided_now
    voided = target - rest
    held = _spread(family, rest, held_free)
    spent = _spread(family, rest - sum(held.values()), spent_free)
    owes = home.rules is not None and home.rules.owed_allowed and why.door != "override"
    debt = sum(spent.values()) if owes else 0
    for lot in family:
        claims = held.get(lot.lot_id, 0) + (0 if debt else spent.get(lot.lot_id, 0))
        if claims:
            put_claim(lot, claims, why)
        if debt and lot.lot_id in spent:
            lot.data = {**lot.data, "owed": owed(lot) + spent[lot.lot_id]}
        for_it = touched.get(lot.lot_id, 0) + held.get(lot.lot_id, 0) + spent.get(lot.lot_id, 0)
        if for_it:
            note(lot, why.door, for_it, at=home.at, ref=why.ref)
            ledgers[lot.customer_id].mark_lot(lot)
    expired = rest - sum(held.values()) - sum(spent.values())
    if expired > 0:
        note(family[0], why.door, expired, at=home.at, ref=why.ref, expired=True)
        ledgers[family[0].customer_id].mark_lot(family[0])
    if debt:
        _book_debt(home, family, debt, why)
    return VoidedGrant(
        voided=voided,
        spent=sum(spent.values()),
        held=sum(held.values()),
        expired=max(expired, 0),
        owed=debt,
        lot_ids=tuple(lot.lot_id for lot in family),
        left=tuple(
            Left(lot=lot, spent=spent.get(lot.lot_id, 0), held=held.get(lot.lot_id, 0))
            for lot in family
            if lot.lot_id in spent or lot.lot_id in held
        ),
    )


def mark_gone(home: LotLedger, family: Sequence[Lot], credits: int, why: TakeBackReason) -> int:
    """Remember that money went back for credits of a unit that were gone already, corrected away by hand.

    There is nothing to take, and no other door pays for them again. Returns how many there were, at most so many.
    """
    ledgers = {str(ledger.customer_id): ledger for ledger in home.reachable()}
    marked = 0
    for lot in family:
        part = min(credits - marked, lot.granted - lot.moved - transferred(lot) - paid_back(lot))
        if part > 0:
            note(lot, why.door, part, at=home.at, ref=why.ref)
            ledgers[lot.customer_id].mark_lot(lot)
            marked += part
    return marked


def owe_again(home: LotLedger, family: Sequence[Lot], credits: int | None, why: TakeBackReason) -> int:
    """Let debts stand again that a unit's credits repaid, at most so many: nobody paid for them. How many."""
    ledgers = {str(ledger.customer_id): ledger for ledger in home.reachable()}
    again = 0
    for lot in family:
        repaid = int(lot.data.get("repaid", 0))
        part = repaid if credits is None else min(credits - again, repaid)
        if part > 0:
            lot.data = {**lot.data, "repaid": repaid - part}
            ledgers[lot.customer_id].mark_lot(lot)
            again += part
    if again:
        _book_debt(home, family, again, why)
    return again


def take_all(home: LotLedger, found: Sequence[Sequence[Lot]], credits: int | None, why: TakeBackReason) -> VoidedGrant:
    """`take` of several families, at most so many credits of each."""
    parts = [take(home, family, credits, why) for family in found]
    return VoidedGrant(
        **{name: sum(getattr(part, name) for part in parts) for name in ("voided", "spent", "held", "expired", "owed")},
        lot_ids=tuple(lot_id for part in parts for lot_id in part.lot_ids),
        left=tuple(left for part in parts for left in part.left),
    )


def voided_event(ledger: Journal, lot: Lot, credits: int) -> dict[str, Any]:
    """Return the event of credits that came back to a refunded unit."""
    unit = lot.unit
    now = balance(ledger, lot.credit_type)
    return voided_data(lot, credits, now, reason="refunded", order_id=unit[0] if unit else None)


def _by_owner(home: LotLedger, family: Sequence[Lot]) -> Iterator[tuple[str, list[Lot]]]:
    """The lots by the account in which they lie, the buyer's own first."""
    owners = sorted({str(lot.customer_id) for lot in family}, key=lambda item: (item != home.customer_id, item))
    for customer_id in owners:
        yield customer_id, [lot for lot in family if lot.customer_id == customer_id]


def _void(ledger: Journal, lots: Sequence[Lot], credits: int, why: TakeBackReason) -> dict[str, int]:
    """Void what is available of these lots, at most so many credits, in one operation; by lot."""
    entries: list[Entry] = []
    voided: dict[str, int] = {}
    left = credits
    for lot in lots:
        if part := min(left, lot.available):
            ledger.move(entries, lot, "available", "voided", part)
            voided[lot.lot_id] = part
            left -= part
    if entries:
        credit_type = lots[0].credit_type
        order_id = None if why.order_id is None else OrderId(why.order_id)
        ledger.record("void", credit_type, entries, order_id=order_id, reason=why.reason, clause=why.clause)
        refresh_expiry(ledger, credit_type)
    return voided


def _spread(family: Sequence[Lot], credits: int, free: Callable[[Lot], int]) -> dict[str, int]:
    """Lay so many credits on what each lot has free; by lot."""
    found: dict[str, int] = {}
    left = credits
    for lot in family:
        if part := min(left, free(lot)):
            found[lot.lot_id] = part
            left -= part
    return found


def _book_debt(home: LotLedger, family: Sequence[Lot], debt: int, why: TakeBackReason) -> None:
    credit_type = family[0].credit_type
    mine = [lot for lot in family if lot.customer_id == home.customer_id]
    if not mine:
        book_debt(home, credit_type, debt, reason=why.reason, clause=why.clause)
        return
    entries: list[Entry] = []
    home.move(entries, mine[-1], "owed", "voided", debt)
    repay_owed(home, entries, credit_type)
    order_id = None if why.order_id is None else OrderId(why.order_id)
    home.record("void", credit_type, entries, order_id=order_id, reason=why.reason, clause=why.clause)
    refresh_expiry(home, credit_type)
