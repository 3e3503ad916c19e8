"""Why money went back: units that a refund takes, as far as the shop says so or the amount leaves one answer.

A refund that names units is believed. One that names an amount alone is compared with everything that the order's total
is made of: its units, and what stands beside the lines (shipping, taxes, fees, tips). If exactly one answer fits to the
last unit of the currency, it is taken; otherwise a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.domain.feeds.review import ReviewItem

Seen = dict[str, Any]
MOST_REASONS: Final = 10
"""Reasons beside the lines that are combined with each other; with more, nobody can tell."""
MOST_SUMS: Final = 20_000
LINES_UNKNOWN: Final = "refund_lines_unknown"
PART_OF_UNIT: Final = "refund_part_of_unit"
OF_REFUNDS: Final = frozenset({LINES_UNKNOWN, PART_OF_UNIT})
"""Doubts about refunds: once a person has settled one, the rest of the order goes on."""


def units_refunded(seen: Seen, order: Seen, blocks: list[ReviewItem]) -> dict[str, int]:
    """Units of each line that the refunds take, cumulative; adds to ``blocks`` what nobody can tell."""
    units = {row["line_id"]: int(row["quantity"]) for row in order["lines"]}
    standing = _standing(seen, order)
    if any(one["full"] for one in standing.values()):
        return units
    given = sum((_decimal(one["amount"]) or Decimal(0) for one in standing.values()), Decimal(0))
    given = max(given, _decimal(seen.get("refunded_total")) or Decimal(0))
    total = _decimal(order.get("total"))
    if total is not None and total > 0 and given >= total:
        return units
    found: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    decided = set(seen.get("settled_refunds") or ())
    loose = sorted(key for key, one in standing.items() if not _told(one) and key not in decided)
    for refund_id, one in sorted(standing.items()):
        if refund_id not in loose:
            given -= _decimal(one["amount"]) or Decimal(0)
        if refund_id not in decided:
            _take_told(refund_id, one, found, amounts, blocks)
    if given > 0:
        _explain(order, given, loose, found, blocks)
    rows = {row["line_id"]: row for row in order["lines"]}
    for line_id, amount in sorted(amounts.items()):
        if line_id in rows:
            found[line_id] = found.get(line_id, 0) + _units_of(rows[line_id], amount, blocks)
    for row in order["lines"]:
        if row.get("gone"):
            found[row["line_id"]] = max(found.get(row["line_id"], 0), int(row["gone"]))
    return {
        line_id: min(count, units[line_id])
        for line_id, count in sorted(found.items())
        if line_id in units and count
    }


def takes_units(refund: Mapping[str, Any], order: Seen) -> bool:
    """Whether a refund, looked at alone, takes any unit of the order."""
    if refund["full"]:
        return True
    alone = {"refunds": {"one": {**refund, "reversed": False}}}
    return any(units_refunded(alone, {**order, "refund_ids": None}, []).values())


def _standing(seen: Seen, order: Seen) -> dict[str, Seen]:
    """Refunds that were made and that the order still has, where the shop lists them."""
    listed = order.get("refund_ids")
    return {
        key: one
        for key, one in (seen.get("refunds") or {}).items()
        if one["settled"] and (listed is None or key in listed)
    }


def _told(one: Mapping[str, Any]) -> bool:
    return one["units"] is not None or one["amounts"] is not None or one.get("other") is not None


def _take_told(
    refund_id: str, one: Seen, found: dict[str, int], amounts: dict[str, Decimal], blocks: list[ReviewItem]
) -> None:
    """Takes what a refund says of itself; what it leaves unsaid is a doubt of its own."""
    for line_id, count in (one["units"] or {}).items():
        found[line_id] = found.get(line_id, 0) + int(count)
    for line_id, text in (one["amounts"] or {}).items():
        amounts[line_id] = amounts.get(line_id, Decimal(0)) + Decimal(text)
    left = _decimal(one.get("left"))
    if left:
        blocks.append(
            ReviewItem(
                LINES_UNKNOWN,
                f"Refund {refund_id} gave back {left} more than its lines, shipping and taxes come to.",
                {
                    "refunds": [refund_id],
                    "amount": one["amount"],
                    "unexplained": str(left),
                    "units": one["units"],
                },
            )
        )


def _explain(
    order: Seen, amount: Decimal, refund_ids: Sequence[str], found: dict[str, int], blocks: list[ReviewItem]
) -> None:
    """Takes the units that an amount alone can mean, if it can mean but one thing."""
    rows = [row for row in order["lines"] if int(row["quantity"]) or row.get("trouble")]
    beside = _sums([Fraction(one) for one in order.get("others") or ()])
    says = {
        "refunds": list(refund_ids),
        "amount": str(amount),
        "lines": {row["line_id"]: row.get("gross") or row.get("paid") for row in rows},
        "beside_the_lines": list(order.get("others") or ()),
    }
    wanted = Fraction(amount)
    if len(rows) != 1:
        alone = beside is not None and wanted in beside and not _fits_lines(rows, wanted, beside)
        if not alone:
            blocks.append(
                ReviewItem(
                    LINES_UNKNOWN,
                    f"{amount} was given back, and the shop does not say for which lines.",
                    says,
                )
            )
        return
    row = rows[0]
    unit = _unit(row)
    if unit is None:
        blocks.append(
            ReviewItem(
                LINES_UNKNOWN, f"{amount} was given back for line {row['line_id']}, which has no price.", says
            )
        )
        return
    known = beside if beside is not None else {Fraction(0)}
    fits = [count for count in range(int(row["quantity"]) + 1) if wanted - count * unit in known]
    if len(fits) == 1 and beside is not None:
        found[row["line_id"]] = found.get(row["line_id"], 0) + fits[0]
    elif not fits:
        blocks.append(
            ReviewItem(
                PART_OF_UNIT,
                f"{amount} was given back for line {row['line_id']}: no whole number of units, and nothing else that"
                " the order was charged for.",
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


def _sums(amounts: Sequence[Fraction]) -> set[Fraction] | None:
    """Every sum that some of the amounts make, nothing included; None if there are too many."""
    amounts = [one for one in amounts if one]
    if len(amounts) > MOST_REASONS:
        return None
    found = {Fraction(0)}
    for one in amounts:
        found |= {one + other for other in found}
    return found


def _fits_lines(rows: Sequence[Seen], wanted: Fraction, beside: set[Fraction]) -> bool:
    """Whether units of the lines can make the amount as well; yes, if there are too many ways to tell."""
    sums = {Fraction(0)}
    for row in rows:
        unit = _unit(row)
        if unit is None:
            return True
        sums = {one + count * unit for one in sums for count in range(int(row["quantity"]) + 1)}
        if len(sums) > MOST_SUMS:
            return True
    return any(wanted - other in sums for other in beside if other != wanted)


def _unit(row: Mapping[str, Any]) -> Fraction | None:
    """What one unit cost, taxes included; None if nobody knows or it was free."""
    paid = _decimal(row.get("gross") or row.get("paid"))
    if paid is None or paid <= 0 or not int(row["quantity"]):
        return None
    return Fraction(paid) / int(row["quantity"])


def _units_of(row: Mapping[str, Any], amount: Decimal, blocks: list[ReviewItem]) -> int:
    """The whole units that an amount given back for one line pays for."""
    quantity, paid = int(row["quantity"]), _decimal(row.get("gross") or row.get("paid"))
    says = {"line": row["line_id"], "amount": str(amount), "line_cost": row.get("gross") or row.get("paid")}
    if paid is None or paid <= 0:
        if amount > 0:
            unclear = f"{amount} was given back for line {row['line_id']}, which has no price."
            blocks.append(ReviewItem(LINES_UNKNOWN, unclear, says))
        return 0
    if amount >= paid:
        return quantity
    count = int(amount * quantity // paid)
    if amount * quantity != paid * count:
        unclear = f"{amount} was given back for line {row['line_id']}: no whole number of units."
        blocks.append(ReviewItem(PART_OF_UNIT, unclear, says))
        return 0
    return count


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
