"""Disputes of an order's payment as shops report them, and the units that the disputed money paid for.

They are merged so that no order of arrival matters.

A dispute whose money cannot be explained to the last unit of the order takes nothing; a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from app.domain.feeds.amounts import amount_of, amount_text
from app.domain.feeds.refund_reasons import counts
from app.domain.feeds.review import ReviewItem
from app.domain.values.money import unit_of

Known = dict[str, Any]
DisputeState = Literal["warning", "open", "lost", "won"]
_STATES: Final = ("warning", "open", "lost", "won")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSnapshot:
    """A dispute of an order's payment by the shop's own id, as it stood at ``stamp``.

    ``state``: ``warning`` (no money has moved), ``open``, ``lost``, ``won``. ``reversal``: it is no dispute of its own
    but gives back the money of another one of the order. The money: ``full`` (all of the order), ``units`` by line,
    ``amounts`` by line, or an ``amount`` alone. None of these: all of the order.
    """

    dispute_id: str
    state: DisputeState
    stamp: str
    reversal: bool = False
    full: bool = False
    units: Mapping[str, int] | None = None
    amounts: Mapping[str, Decimal] | None = None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTarget:
    """A dispute and the units by line that its money paid for; None: nobody can tell, ``unclear`` says why."""

    dispute_id: str
    state: DisputeState
    units: Mapping[str, int] | None
    amount: Decimal | None
    currency: str | None
    unclear: str | None = None


def merge_disputes(mine: Known | None, theirs: Iterable[DisputeSnapshot]) -> Known:
    """Return what is known of the disputes once these are known too: of each the latest telling."""
    return join_disputes(mine, {snapshot.dispute_id: _dispute_json(snapshot) for snapshot in theirs})


def join_disputes(mine: Known | None, theirs: Known) -> Known:
    """Return what is known of the disputes of both; of each the later telling."""
    known = dict(mine or {})
    for key, row in theirs.items():
        known[key] = max(row, known.get(key, row), key=_dispute_rank)
    return known


def disputed(known: Known, order: Known) -> tuple[tuple[DisputeTarget, ...], list[ReviewItem]]:
    """Return the disputes of an order's payment, and what a person must review.

    Each reversal is joined to the dispute whose money it gives back. A reversal that gives back something else is to be
    reviewed.
    """
    rows = dict(sorted((known.get("disputes") or {}).items()))
    states: dict[str, DisputeState] = {key: row["state"] for key, row in rows.items() if not row["reversal"]}
    review_items = []
    for ident, reversal in rows.items():
        lost = [key for key, state in states.items() if state == "lost"]
        if not reversal["reversal"] or reversal["state"] != "won" or not lost:
            continue
        alike = [key for key in lost if _money(rows[key]) == _money(reversal)]
        if alike:
            states[alike[0]] = "won"
        else:
            other = f"{ident} gives back other money than {', '.join(lost)} took: nobody can tell for which units."
            says = {"reversal": ident, "disputes": lost, "amount": reversal["amount"], "units": reversal["units"]}
            review_items.append(ReviewItem("refund_reversed", other, says))
    found = []
    for key, state in states.items():
        units, unclear = _units(rows[key], order)
        found.append(
            DisputeTarget(
                dispute_id=key,
                state=state,
                units=units,
                amount=amount_of(rows[key]["amount"]),
                currency=rows[key]["currency"],
                unclear=unclear,
            )
        )
    return tuple(found), review_items


def _money(row: Known) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("full", "units", "amounts", "amount", "currency"))


def _units(row_: Known, order: Known) -> tuple[dict[str, int] | None, str | None]:
    """Return the units that disputed money paid for, or why nobody can tell."""
    bought = {row["line_id"]: int(row["quantity"]) for row in order["lines"]}
    amount, total = amount_of(row_["amount"]), amount_of(order.get("total"))
    itemized = row_["units"] is not None or row_["amounts"] is not None
    if row_["full"] or (not itemized and amount is None):
        return bought, None
    if row_["currency"] not in (None, order["currency"]):
        return None, f"{amount} {row_['currency']} is disputed of an order in {order['currency']}."
    if not itemized and amount is not None:
        if total is not None and total == amount > 0:
            return bought, None
        if total is not None and amount > total:
            return None, f"{amount} is disputed, of an order that came to {total}."
        if len(bought) != 1:
            return None, f"{amount} is disputed, and the shop does not say for which lines."
    found = {line_id: int(count) for line_id, count in (row_["units"] or {}).items()}
    by_line = {line_id: Decimal(text) for line_id, text in (row_["amounts"] or {}).items()}
    if not itemized and amount is not None:
        by_line = {next(iter(bought)): amount}
    for row in order["lines"]:
        part = by_line.get(row["line_id"])
        if part:
            smallest = Fraction(unit_of(str(order["currency"])))
            count = _whole_units(row, part, () if itemized else order.get("others") or (), smallest)
            if count is None:
                return (None, f"{part} of line {row['line_id']} is disputed: no one number of units comes to that.")
            found[row["line_id"]] = found.get(row["line_id"], 0) + count
    return {key: min(count, bought[key]) for key, count in sorted(found.items()) if key in bought and count}, None


def _whole_units(row: Known, amount: Decimal, others: Iterable[str], smallest: Fraction) -> int | None:
    """Return how many units of a line an amount paid for, with what was charged beside the lines or without.

    None where more than one number fits.
    """
    paid, quantity = amount_of(row.get("gross") or row.get("paid")), int(row["quantity"])
    if paid is None or paid <= 0 or quantity <= 0:
        return None
    beside = {Fraction(0)}
    for other in list(others)[:10]:
        beside |= {Fraction(other) + fraction for fraction in beside}
    unit = Fraction(paid) / quantity
    fits = {count for other in beside for count in counts(Fraction(amount) - other, unit, quantity, smallest)}
    return fits.pop() if len(fits) == 1 else None


def _dispute_rank(row: Known) -> tuple[str, int, str]:
    """Rank reports of a dispute: the later stands.

    Of one instant the one further on stands, then any, always the same.
    """
    return row["stamp"], _STATES.index(row["state"]), json.dumps(row, sort_keys=True)


def _dispute_json(dispute: DisputeSnapshot) -> Known:
    amounts = dispute.amounts
    return {
        "stamp": dispute.stamp,
        "state": dispute.state,
        "reversal": dispute.reversal,
        "full": dispute.full,
        "amount": amount_text(dispute.amount),
        "currency": dispute.currency,
        "units": None if dispute.units is None else dict(sorted(dispute.units.items())),
        "amounts": None if amounts is None else {key: amount_text(value) for key, value in sorted(amounts.items())},
    }
