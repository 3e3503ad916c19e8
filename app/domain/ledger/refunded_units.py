"""A refund is one thing: what a lot knows of the unit that it is a part of, and of what was given back for it.

A unit is what one order line granted once: the credits of one license, or those of one pack. Its credits may lie in
several lots by now: the one that the order granted, those that a merge or a transfer made of it, and those that were
given for returns to a lot that had expired (ALL-4). All of them name the first lot as their root.

Each lot keeps four things in its `data`:

- ``of``: the unit and the root of a lot that was made of another one;
- ``given``: credits that a transfer moved on, by the customer who has them;
- ``paid_back``: what was given back for its credits, and by which door;
- ``claim``: credits of it that were refunded while they were held or spent. They are voided as they come back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from app.domain.ledger.account_merge import moved, owe, root_of
from app.domain.ledger.lot import Entry, Lot
from app.domain.values.ids import LotId, OrderId
from app.domain.values.wire import iso

if TYPE_CHECKING:
    from app.domain.ledger.ledger import Ledger

Door = Literal["order", "correction", "lot", "override"]
"""By which way something was given back: an order's refund, a shop's correction, a lot's refund, one by discretion."""
FREE_CREDITS_STAY: Final = "Credits that came with a license stay with the account of the license."
BY_LOT: Final[tuple[Door, ...]] = ("lot", "override")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What of a unit could not be taken back at once: so many credits of one lot are spent or held."""

    lot: Lot
    spent: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidedGrant:
    """What taking back a grant brought (AVA-14): credits voided, and those it could not take: spent, held, expired.

    ``owed``: how many of the spent ones are a debt now. ``left``: the held and the spent ones, lot by lot.
    """

    voided: int
    spent: int
    held: int
    expired: int
    owed: int
    lot_ids: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Why a unit is taken back: by which door, for which order, with the words of the statement line."""

    door: Door
    reason: str
    clause: str | None = None
    order_id: str | None = None
    ref: str | None = None
    """The storefront's id of the refund."""


# --- what a lot knows -------------------------------------------------------------------------------------------------


def given(lot: Lot) -> int:
    """Return the credits that transfers moved on to other customers."""
    return sum(lot.data.get("given", {}).values())


def give(lot: Lot, customer_id: str, credits: int) -> None:
    """Remember that a transfer moved credits on."""
    before = dict(lot.data.get("given", {}))
    lot.data = {**lot.data, "given": {**before, customer_id: before.get(customer_id, 0) + credits}}


def paid_back(lot: Lot, *doors: Door) -> int:
    """Return the credits for which something was given back, by these doors (else by any)."""
    return sum(row["credits"] for row in lot.data.get("paid_back", ()) if not doors or row["door"] in doors)


def by_door(lot: Lot) -> dict[str, int]:
    """Return the credits for which something was given back, by door."""
    doors = dict.fromkeys(row["door"] for row in lot.data.get("paid_back", ()))
    return {door: paid_back(lot, door) for door in doors}


def note(
    lot: Lot, door: Door, credits: int, *, at: datetime, amount: str | None = None, ref: str | None = None
) -> None:
    """Remember that something was given back for so many credits; ``amount``: the money that a lot's refund paid."""
    row = {"door": door, "credits": credits, "amount": amount, "ref": ref, "at": iso(at)}
    lot.data = {**lot.data, "paid_back": [*lot.data.get("paid_back", ()), row]}


def claimed(lot: Lot) -> int:
    """Return how many of the held and spent credits are to be voided when they come back."""
    claim = lot.data.get("claim")
    return min(claim["credits"], lot.held + lot.spent) if claim else 0


def put_claim(lot: Lot, credits: int, why: Taken) -> None:
    """Claim so many more of the held and spent credits."""
    lot.data = {
        **lot.data,
        "claim": {
            "credits": claimed(lot) + credits, "reason": why.reason, "clause": why.clause, "order_id": why.order_id,
        },
    }  # fmt: skip


def take_claim(lot: Lot, credits: int) -> None:
    """So many of the claimed credits are back, or the claim on them is lifted."""
    rest = claimed(lot) - credits
    data = {key: value for key, value in lot.data.items() if key != "claim"}
    lot.data = {**data, "claim": {**lot.data["claim"], "credits": rest}} if rest > 0 else data


def due_back(lot: Lot, credits: int) -> int:
    """Return how many of the credits that come back now belong to a refunded unit."""
    return min(credits, claimed(lot)) if "claim" in lot.data else 0


def unit_of(lot: Lot) -> dict[str, Any]:
    """Return what a lot made of this one remembers of its unit, as `Lot.data`."""
    known = lot.data.get("of")
    if known is not None:
        return {"of": known}
    order_id, line_id, unit_no = lot.bought_by or (None, None, 0)
    source = lot.source if lot.origin_lot_id is None else None
    return {
        "of": {
            "order_id": order_id, "line_id": line_id, "unit_no": unit_no, "lot_id": root_of(lot), "source": source,
        }
    }  # fmt: skip


def refunded_of_ticket(ledger: Ledger, ticket_id: str) -> int:
    """Return how many of the credits that a ticket holds or took are of refunded units."""
    left: dict[str, int] = {}
    found = 0
    for hold in ledger.holds.values():
        for line in hold.lines if hold.ticket_id == ticket_id else ():
            lot = ledger.lots[line.lot_id]
            part = min(line.open + line.kept, left.get(lot.lot_id, claimed(lot)))
            left[lot.lot_id] = left.get(lot.lot_id, claimed(lot)) - part
            found += part
    return found


def outstanding(family: Sequence[Lot]) -> int:
    """Return what an order granted and nobody took back or claims, over all the lots in which it lies by now."""
    root = next((lot for lot in family if root_of(lot) == lot.lot_id), None)
    granted = root.granted if root is not None else sum(lot.granted for lot in family)
    taken = sum(lot.voided - moved(lot) - given(lot) for lot in family)
    return granted - taken - sum(claimed(lot) + owed(lot) for lot in family)


def owed(lot: Lot) -> int:
    """Return the spent credits that a refund made a debt of; they come back as any others do."""
    return int(lot.data.get("owed", 0))


def lift(ledgers: Iterable[Ledger], lots: Collection[str]) -> None:
    """A unit that a shop took out of its order is there again: what it still uses is no longer claimed."""
    for ledger in ledgers:
        for lot_id in lots:
            lot = ledger.lots.get(LotId(lot_id))
            if lot is not None and claimed(lot):
                take_claim(lot, claimed(lot))
                ledger.mark_lot(lot)


# --- taking a unit back -----------------------------------------------------------------------------------------------


def families(
    ledgers: Iterable[Ledger], order_id: str, line_id: str, *, withdrawn: bool = False
) -> dict[tuple[int, str], list[Lot]]:
    """Return what an order line granted, by unit and root: each lot with those in which its credits lie by now.

    ``withdrawn``: with the lots that stand for their unit no longer, some of whose credits may still be in use.
    """
    found: dict[tuple[int, str], list[Lot]] = {}
    for ledger in ledgers:
        for lot in ledger.lots.values():
            unit = lot.unit
            if unit is not None and unit[:2] == (order_id, line_id) and (withdrawn or not lot.withdrawn):
                found.setdefault((unit[2], root_of(lot)), []).append(lot)
    return {key: sorted(found[key], key=lambda lot: lot.lot_id) for key in sorted(found)}


def take(home: Ledger, family: Sequence[Lot], credits: int | None, why: Taken) -> VoidedGrant:
    """Take back a unit's credits, at most so many, wherever they lie: void what is available, claim what is not.

    Held credits are claimed. Spent ones are claimed too, or become a debt of the buyer where the policy allows it.
    """
    credit_type = family[0].credit_type
    ledgers = {str(ledger.customer_id): ledger for ledger in home.reachable()}
    for ledger in ledgers.values():
        if ledger.is_due(credit_type):
            ledger.book_due(credit_type)
    left = outstanding(family)
    target = left if credits is None else min(credits, left)
    rest = target
    touched: dict[str, int] = {}
    for customer_id, lots in _by_owner(home, family):
        taken = _void(ledgers[customer_id], lots, rest, why)
        rest -= sum(taken.values())
        touched |= taken
    voided = target - rest
    held = _spread(family, rest, _held_free)
    spent = _spread(family, rest - sum(held.values()), _spent_free)
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
        note(family[0], why.door, expired, at=home.at, ref=why.ref)
        ledgers[family[0].customer_id].mark_lot(family[0])
    if debt:
        _owe(home, family, debt, why)
    return VoidedGrant(
        voided=voided, spent=sum(spent.values()), held=sum(held.values()), expired=max(expired, 0), owed=debt,
        lot_ids=tuple(lot.lot_id for lot in family),
        left=tuple(
            Left(lot=lot, spent=spent.get(lot.lot_id, 0), held=held.get(lot.lot_id, 0))
            for lot in family if lot.lot_id in spent or lot.lot_id in held
        ),
    )  # fmt: skip


def mark_gone(home: Ledger, family: Sequence[Lot], credits: int, why: Taken) -> int:
    """Remember that money went back for credits of a unit that were gone already, corrected away by hand.

    There is nothing to take, and no other door pays for them again. Returns how many there were, at most so many.
    """
    ledgers = {str(ledger.customer_id): ledger for ledger in home.reachable()}
    marked = 0
    for lot in family:
        part = min(credits - marked, lot.granted - moved(lot) - given(lot) - paid_back(lot))
        if part > 0:
            note(lot, why.door, part, at=home.at, ref=why.ref)
            ledgers[lot.customer_id].mark_lot(lot)
            marked += part
    return marked


def take_all(home: Ledger, found: Sequence[Sequence[Lot]], credits: int | None, why: Taken) -> VoidedGrant:
    """`take` of several families, at most so many credits of each."""
    parts = [take(home, family, credits, why) for family in found]
    return VoidedGrant(
        **{
            name: sum(getattr(part, name) for part in parts)
            for name in ("voided", "spent", "held", "expired", "owed")
        },
        lot_ids=tuple(lot_id for part in parts for lot_id in part.lot_ids),
        left=tuple(left for part in parts for left in part.left),
    )


def voided_event(ledger: Ledger, lot: Lot, credits: int) -> dict[str, Any]:
    """Return the event of credits that came back to a refunded unit."""
    unit = lot.unit
    return {
        "lot_id": lot.lot_id, "order_id": unit[0] if unit else None, "credits": credits, "reason": "refunded",
        "balance": ledger.balance(lot.credit_type),
    }  # fmt: skip


def _by_owner(home: Ledger, family: Sequence[Lot]) -> Iterator[tuple[str, list[Lot]]]:
    """The lots by the account in which they lie, the buyer's own first."""
    owners = sorted({str(lot.customer_id) for lot in family}, key=lambda one: (one != home.customer_id, one))
    for customer_id in owners:
        yield customer_id, [lot for lot in family if lot.customer_id == customer_id]


def _void(ledger: Ledger, lots: Sequence[Lot], credits: int, why: Taken) -> dict[str, int]:
    """Void what is available of these lots, at most so many credits, in one operation; by lot."""
    entries: list[Entry] = []
    taken: dict[str, int] = {}
    left = credits
    for lot in lots:
        if part := min(left, lot.available):
            ledger.move(entries, lot, "available", "voided", part)
            taken[lot.lot_id] = part
            left -= part
    if entries:
        credit_type = lots[0].credit_type
        order_id = None if why.order_id is None else OrderId(why.order_id)
        ledger.record("void", credit_type, entries, order_id=order_id, reason=why.reason, clause=why.clause)
        ledger.refresh_expiry(credit_type)
    return taken


def _held_free(lot: Lot) -> int:
    """Held credits that nobody claims; a claim is on held ones first."""
    return max(lot.held - claimed(lot), 0)


def _spent_free(lot: Lot) -> int:
    """Spent credits that nobody claims and nobody owes."""
    return max(lot.spent - max(claimed(lot) - lot.held, 0) - owed(lot), 0)


def _spread(family: Sequence[Lot], credits: int, free: Callable[[Lot], int]) -> dict[str, int]:
    """Lay so many credits on what each lot has free; by lot."""
    found: dict[str, int] = {}
    left = credits
    for lot in family:
        if part := min(left, free(lot)):
            found[lot.lot_id] = part
            left -= part
    return found


def _owe(home: Ledger, family: Sequence[Lot], debt: int, why: Taken) -> None:
    credit_type = family[0].credit_type
    mine = [lot for lot in family if lot.customer_id == home.customer_id]
    if not mine:
        owe(home, credit_type, debt, reason=why.reason, clause=why.clause)
        return
    entries: list[Entry] = []
    home.move(entries, mine[-1], "owed", "voided", debt)
    home.settle(entries, credit_type)
    order_id = None if why.order_id is None else OrderId(why.order_id)
    home.record("void", credit_type, entries, order_id=order_id, reason=why.reason, clause=why.clause)
    home.refresh_expiry(credit_type)
