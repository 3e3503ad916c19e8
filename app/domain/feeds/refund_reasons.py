"""Why money went back: the units that a refund takes, as the shop says or as the amount allows one answer.

A refund that names units is believed. One that names an amount alone is compared with all that the order's total is
made of. That is its units, and what stands beside the lines (shipping, taxes, fees, tips). If exactly one answer fits
to the last unit of the currency, it is taken; otherwise a person decides. Where a line does not divide evenly among its
units, the shop rounds the price of a part, up or down.

A refund that was made and came back to the shop later takes nothing; `reversals` tells those that took something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final

from app.domain.feeds.amounts import amount_of
from app.domain.feeds.review import ReviewItem
from app.domain.values.money import unit_of

Known = dict[str, Any]
REASONS_MAX: Final = 10
"""Reasons beside the lines that are combined with each other; with more, nobody can tell."""
SUMS_MAX: Final = 20_000
LINES_UNKNOWN: Final = "refund_lines_unknown"
PART_OF_UNIT: Final = "refund_part_of_unit"
OF_REFUNDS: Final = frozenset({LINES_UNKNOWN, PART_OF_UNIT})
"""Doubts about refunds: once a person has settled one, the rest of the order goes on."""


def units_refunded(known: Known, order: Known, blocks: list[ReviewItem]) -> dict[str, int]:
    """Units of each line that the refunds take, cumulative; adds to ``blocks`` what nobody can tell."""
    units = {row["line_id"]: int(row["quantity"]) for row in order["lines"]}
    standing = _standing(known, order)
    by_charge, whole = _of_charge(known)
    if whole or any(row["full"] for row in standing.values()):
        return units
    returned = max(_sum_of(standing.values()), by_charge)
    total = amount_of(order.get("total"))
    if total is not None and returned == total > 0:
        return units
    found: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    decided = set(known.get("settled_refunds") or ())
    loose = sorted(key for key, row in standing.items() if not _itemized(row) and key not in decided)
    if total is not None and returned > total > 0 and (loose or by_charge > total):
        blocks.append(_too_much(loose, returned, total))
        return {}
    for refund_id, pair in sorted(standing.items()):
        if refund_id not in loose:
            returned -= amount_of(pair["amount"]) or Decimal(0)
        if refund_id not in decided:
            _take_itemized(refund_id, pair, found, amounts, blocks)
    if returned > 0:
        _explain(order, returned, loose, found, blocks)
    rows, smallest = {row["line_id"]: row for row in order["lines"]}, unit_of(str(order["currency"]))
    for line_id, amount in sorted(amounts.items()):
        if line_id in rows:
            found[line_id] = found.get(line_id, 0) + _units_of(rows[line_id], amount, smallest, blocks)
    for row in order["lines"]:
        if row.get("gone"):
            found[row["line_id"]] = max(found.get(row["line_id"], 0), int(row["gone"]))
    return {
        line_id: min(count, units[line_id]) for line_id, count in sorted(found.items()) if line_id in units and count
    }


def takes_units(refund: Mapping[str, Any], order: Known) -> bool:
    """Whether a refund, looked at alone, takes any unit of the order."""
    if refund["full"]:
        return True
    alone = {"refunds": {"one": {**refund, "reversed": False}}}
    return any(units_refunded(alone, {**order, "refund_ids": None}, []).values())


def reversals(known: Known, order: Known) -> list[str]:
    """Return refunds that came back to the shop and had taken units that nothing takes by now.

    One that may have taken them beside another refund counts too: nobody knows which of the two came first.
    """
    refunds, by_hand = known.get("refunds") or {}, known.get("settled_refunds") or ()
    now = units_refunded(known, order, [])
    found = []
    for refund_id, item in sorted(refunds.items()):
        if not item["reversed"] or not (item["settled"] or _counted(known, item)):
            continue
        standing = {**known, "refunds": {**refunds, refund_id: {**item, "reversed": False}}}
        then = units_refunded(standing, order, [])
        untimed = not item["settled"] and _untimed(known) and any(now.values())
        if untimed or refund_id in by_hand or any(n > now.get(line_id, 0) for line_id, n in then.items()):
            found.append(refund_id)
    return found


def _untimed(known: Known) -> bool:
    """Whether the total given back is known without its time. It may then hold a refund that failed since."""
    return bool(known.get("refunded_full")) or known.get("refunded_total") is not None


def _counted(known: Known, refund: Known) -> bool:
    """Whether a charge told of the refund's money as given back before it came back to the shop."""
    return _untimed(known) or any(_within(refund, at) for at in known.get("charged_back") or ())


def _within(refund: Known, at: str) -> bool:
    """Whether a refund had been made at an instant, and had not come back yet."""
    return (refund.get("made_at") or "") <= at and (refund.get("reversed_at") is None or at <= refund["reversed_at"])


def _of_charge(known: Known) -> tuple[Decimal, bool]:
    """Return how much a charge says was given back, and whether that is all of it.

    What came back to the shop later is left out.
    """
    most, whole = amount_of(known.get("refunded_total")) or Decimal(0), False
    gone = [refund for refund in (known.get("refunds") or {}).values() if refund["reversed"]]
    for at, charged in (known.get("charged_back") or {}).items():
        back = _sum_of(item for item in gone if _within(item, at))
        most = max(most, (amount_of(charged["amount"]) or Decimal(0)) - back)
        whole = whole or (charged["full"] and not back)
    return most, whole


def _sum_of(refunds: Iterable[Known]) -> Decimal:
    return sum((amount_of(refund["amount"]) or Decimal(0) for refund in refunds), Decimal(0))


def _too_much(refund_ids: Sequence[str], returned: Decimal, total: Decimal) -> ReviewItem:
    unclear = f"{returned} was given back in all, of an order that came to {total}: nobody can tell what for."
    says = {"refunds": list(refund_ids), "amount": str(returned), "total": str(total)}
    return ReviewItem(LINES_UNKNOWN, unclear, says)


def _standing(known: Known, order: Known) -> dict[str, Known]:
    """Refunds that were made, have not come back, and that the order still has, where the shop lists them."""
    listed = order.get("refund_ids")
    return {
        key: refund
        for key, refund in (known.get("refunds") or {}).items()
        if refund["settled"] and not refund["reversed"] and (listed is None or key in listed)
    }


def _itemized(row: Mapping[str, Any]) -> bool:
    return row["units"] is not None or row["amounts"] is not None or row.get("other") is not None


def _take_itemized(
    refund_id: str, row: Known, found: dict[str, int], amounts: dict[str, Decimal], blocks: list[ReviewItem]
) -> None:
    """Takes what a refund says of itself; what it leaves unsaid is a doubt of its own."""
    for line_id, count in (row["units"] or {}).items():
        found[line_id] = found.get(line_id, 0) + int(count)
    for line_id, text in (row["amounts"] or {}).items():
        amounts[line_id] = amounts.get(line_id, Decimal(0)) + Decimal(text)
    left = amount_of(row.get("left"))
    if left:
        blocks.append(
            ReviewItem(
                LINES_UNKNOWN,
                f"Refund {refund_id} gave back {left} more than its lines, shipping and taxes come to.",
                {"refunds": [refund_id], "amount": row["amount"], "unexplained": str(left), "units": row["units"]},
            )
        )


def _explain(
    order: Known, amount: Decimal, refund_ids: Sequence[str], found: dict[str, int], blocks: list[ReviewItem]
) -> None:
    """Takes the units that an amount alone can mean, if it can mean but one thing."""
    rows = [row for row in order["lines"] if int(row["quantity"]) or row.get("trouble")]
    beside = _sums([Fraction(other) for other in order.get("others") or ()])
    says = {
        "refunds": list(refund_ids),
        "amount": str(amount),
        "lines": {row["line_id"]: row.get("gross") or row.get("paid") for row in rows},
        "beside_the_lines": list(order.get("others") or ()),
    }
    amount_back, smallest = Fraction(amount), Fraction(unit_of(str(order["currency"])))
    if len(rows) != 1:
        alone = beside is not None and amount_back in beside and not _fits_lines(rows, amount_back, beside, smallest)
        if not alone:
            blocks.append(
                ReviewItem(LINES_UNKNOWN, f"{amount} was given back, and the shop does not say for which lines.", says)
            )
        return
    row = rows[0]
    unit = _unit(row)
    if unit is None:
        blocks.append(
            ReviewItem(LINES_UNKNOWN, f"{amount} was given back for line {row['line_id']}, which has no price.", says)
        )
        return
    known = beside if beside is not None else {Fraction(0)}
    refunds = max(len(refund_ids), 1)
    fits = {
        count for other in known for count in counts(amount_back - other, unit, int(row["quantity"]), smallest, refunds)
    }
    if len(fits) == 1 and beside is not None:
        found[row["line_id"]] = found.get(row["line_id"], 0) + fits.pop()
    elif not fits:
        blocks.append(
            ReviewItem(
                PART_OF_UNIT,
                f"{amount} was given back for line {row['line_id']}. That is no whole number of units, and nothing"
                " else that the order was charged for.",
                says,
            )
        )
    else:
        blocks.append(
            ReviewItem(
                LINES_UNKNOWN,
                f"{amount} was given back, which fits units of line {row['line_id']} as well as what stands beside"
                " the lines.",
                says,
            )
        )


def counts(amount: Fraction, unit: Fraction, quantity: int, smallest: Fraction, refunds: int = 1) -> set[int]:
    """Return the numbers of units that an amount pays for; of two or more nobody can tell.

    None or all of them fit exactly. So does a part, unless the price of a unit has a part of the smallest unit. Then
    each of the refunds was rounded, up or down.
    """
    exact = {Fraction(0): 0, quantity * unit: quantity}
    found = {exact[amount]} if amount in exact else set()
    off = smallest * refunds if unit % smallest and not amount % smallest else Fraction(0)
    first = max(ceil((amount - off) / unit), 1)
    for count in range(first, min(floor((amount + off) / unit), quantity - 1, first + 3) + 1):
        if amount == count * unit or abs(amount - count * unit) < off:
            found.add(count)
    return found


def _sums(amounts: Sequence[Fraction]) -> set[Fraction] | None:
    """Every sum that some of the amounts make, nothing included; None if there are too many."""
    amounts = [amount for amount in amounts if amount]
    if len(amounts) > REASONS_MAX:
        return None
    found = {Fraction(0)}
    for amount in amounts:
        found |= {amount + other for other in found}
    return found


def _fits_lines(rows: Sequence[Known], amount: Fraction, beside: set[Fraction], smallest: Fraction) -> bool:
    """Whether units of the lines can make the amount as well, rounded to the smallest unit.

    Yes, if there are too many ways to tell.
    """
    sums = {Fraction(0)}
    for row in rows:
        unit = _unit(row)
        if unit is None:
            return True
        sums = {sum_ + count * unit for sum_ in sums for count in range(int(row["quantity"]) + 1)}
        if len(sums) > SUMS_MAX:
            return True
    near = {each for sum_ in sums for each in (floor(sum_ / smallest), ceil(sum_ / smallest))}
    return any((amount - other) / smallest in near for other in beside if other != amount)


def _unit(row: Mapping[str, Any]) -> Fraction | None:
    """What one unit cost, taxes included; None if nobody knows or it was free."""
    paid = amount_of(row.get("gross") or row.get("paid"))
    if paid is None or paid <= 0 or not int(row["quantity"]):
        return None
    return Fraction(paid) / int(row["quantity"])


def _units_of(row: Mapping[str, Any], amount: Decimal, smallest: Decimal, blocks: list[ReviewItem]) -> int:
    """The whole units that an amount given back for one line pays for."""
    quantity, paid = int(row["quantity"]), amount_of(row.get("gross") or row.get("paid"))
    says = {"line": row["line_id"], "amount": str(amount), "line_cost": row.get("gross") or row.get("paid")}
    if paid is None or paid <= 0:
        if amount > 0:
            unclear = f"{amount} was given back for line {row['line_id']}, which has no price."
            blocks.append(ReviewItem(LINES_UNKNOWN, unclear, says))
        return 0
    if amount >= paid:
        return quantity
    unit = Fraction(paid) / quantity
    found = counts(Fraction(amount), unit, quantity, Fraction(smallest))
    if len(found) != 1:
        unclear = f"{amount} was given back for line {row['line_id']}: no whole number of units."
        blocks.append(ReviewItem(PART_OF_UNIT, unclear, says))
        return 0
    return found.pop()
