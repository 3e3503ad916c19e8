"""What a lot knows of its unit, and of what was given back for it.

A unit is what one order line granted once: the credits of one license, or those of one pack. Its credits may lie in
several lots by now:

- the one that the order granted;
- those that a merge or a transfer made of it;
- those given for returns to a lot that had expired (ALL-4).

All of them name the first lot as their root.

Each lot keeps four things in its `data`:

- ``of``: the unit and the root of a lot that was made of another one;
- ``given``: credits that a transfer moved on, by the customer who has them;
- ``paid_back``: what was given back for its credits, and by which door;
- ``claim``: credits of it that were refunded while they were held or spent. They are voided as they come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from app.domain.ledger.lot import Lot
from app.domain.values.wire import iso

Door = Literal["order", "correction", "lot", "override"]
"""By which way something was given back: an order's refund, a shop's correction, a lot's refund, one by discretion."""
FREE_CREDITS_STAY: Final = "Credits that came with a license stay with the account of the license."
BY_LOT: Final[tuple[Door, ...]] = ("lot", "override")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A part of a unit that could not be taken back at once: credits of one lot that are spent or held."""

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
class TakeBackReason:
    """Why a unit is taken back: by which door, for which order, with the words of the statement line."""

    door: Door
    reason: str
    clause: str | None = None
    order_id: str | None = None
    ref: str | None = None
    """The storefront's id of the refund."""


def forget(lot: Lot, ref: str | None, debt: int) -> None:
    """Take off a lot what a refund noted on it: the refund is undone, or takes something else."""
    data = dict(lot.data)
    if remarks := [row for row in data.pop("paid_back", ()) if row["ref"] != ref]:
        data["paid_back"] = remarks
    if (rest := data.pop("owed", 0) - debt) > 0:
        data["owed"] = rest
    lot.data = data


def transferred(lot: Lot) -> int:
    """Return the credits that transfers moved on to other customers."""
    return sum(lot.data.get("given", {}).values())


def give(lot: Lot, customer_id: str, credits: int) -> None:
    """Remember that a transfer moved credits on."""
    before = dict(lot.data.get("given", {}))
    lot.data = {**lot.data, "given": {**before, customer_id: before.get(customer_id, 0) + credits}}


def paid_back(lot: Lot, *doors: Door) -> int:
    """Return the credits for which something was given back, by these doors (else by any)."""
    return sum(row["credits"] for row in lot.data.get("paid_back", ()) if not doors or row["door"] in doors)


def _refunded_expired(lot: Lot) -> int:
    return sum(row["credits"] for row in lot.data.get("paid_back", ()) if row.get("expired"))


def by_door(lot: Lot) -> dict[str, int]:
    """Return the credits for which something was given back, by door."""
    doors = dict.fromkeys(row["door"] for row in lot.data.get("paid_back", ()))
    return {door: paid_back(lot, door) for door in doors}


def note(
    lot: Lot,
    door: Door,
    credits: int,
    *,
    at: datetime,
    amount: str | None = None,
    ref: str | None = None,
    expired: bool = False,
) -> None:
    """Remember that something was given back for so many credits; ``amount``: the money that a lot's refund paid.

    ``expired``: they had run out, so that there was nothing to take.
    """
    row: dict[str, Any] = {"door": door, "credits": credits, "amount": amount, "ref": ref, "at": iso(at)}
    if expired:
        row["expired"] = True
    lot.data = {**lot.data, "paid_back": [*lot.data.get("paid_back", ()), row]}


def claimed(lot: Lot) -> int:
    """Return how many of the held and spent credits are to be voided when they come back."""
    claim = lot.data.get("claim")
    return min(claim["credits"], lot.held + lot.spent) if claim else 0


def put_claim(lot: Lot, credits: int, why: TakeBackReason) -> None:
    """Claim so many more of the held and spent credits."""
    lot.data = {
        **lot.data,
        "claim": {
            "credits": claimed(lot) + credits,
            "reason": why.reason,
            "clause": why.clause,
            "order_id": why.order_id,
        },
    }


def take_claim(lot: Lot, credits: int) -> None:
    """So many of the claimed credits are back, or the claim on them is lifted."""
    rest = claimed(lot) - credits
    data = {key: value for key, value in lot.data.items() if key != "claim"}
    lot.data = {**data, "claim": {**lot.data["claim"], "credits": rest}} if rest > 0 else data


def move_claim(source: Lot, target: Lot, credits: int) -> None:
    """Claim so many credits of another lot of the same unit instead."""
    claim = source.data["claim"]
    target.data = {**target.data, "claim": {**claim, "credits": claimed(target) + credits}}
    take_claim(source, credits)


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
    return {"of": {"order_id": order_id, "line_id": line_id, "unit_no": unit_no, "lot_id": lot.root, "source": source}}


def categories_of(lot: Lot) -> dict[str, Any]:
    """Return for which categories of tickets a lot made of this one is kept, as `Lot.data`."""
    return {"categories": list(lot.categories)} if lot.categories else {}


_AS_BOUGHT: Final = ("ends_with", "extends", "extends_no_more")
_ENDS: Final = ("own_end", "extended")


def ends_of(lot: Lot, *, as_bought: bool = True) -> dict[str, Any]:
    """Return what a lot made of this one remembers of its end, as `Lot.data`.

    With another customer it extends nothing, and ends with no plan; what had reached it so far counts there too.
    """
    names = (*_ENDS, *_AS_BOUGHT) if as_bought else _ENDS
    return {name: lot.data[name] for name in names if name in lot.data}


def outstanding(family: Sequence[Lot]) -> int:
    """Return how much an order granted and nobody took back or claims, over all lots in which it lies by now.

    What had expired when it was refunded counts as taken back: it is reported once.
    """
    root = next((lot for lot in family if lot.root == lot.lot_id), None)
    granted = root.granted if root is not None else sum(lot.granted for lot in family)
    voided = sum(voided_here(lot) for lot in family)
    return granted - voided - sum(claimed(lot) + owed(lot) + _refunded_expired(lot) for lot in family)


def voided_here(lot: Lot) -> int:
    """Return the credits that were taken of a lot, without those that a merge or a transfer moved on."""
    return lot.voided - lot.moved - transferred(lot)


def owed(lot: Lot) -> int:
    """Return the spent credits that a refund made a debt of; they come back as any others do."""
    return int(lot.data.get("owed", 0))


def held_free(lot: Lot) -> int:
    """Held credits that nobody claims; a claim is on held ones first."""
    return max(lot.held - claimed(lot), 0)


def spent_free(lot: Lot) -> int:
    """Spent credits that nobody claims and nobody owes."""
    return max(lot.spent - max(claimed(lot) - lot.held, 0) - owed(lot), 0)


def refunded_so_far(lot: Lot) -> Decimal:
    """Money already given back for a lot."""
    return Decimal(str(lot.data.get("refunded", "0")))
