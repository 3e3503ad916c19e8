"""Sharing an amount among lines to the last unit of its currency, and telling rounding from what nobody explains."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from app.domain.values.money import unit_of


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Share an amount in proportion to the weights: parts in smallest units that sum to it exactly.

    Each part is the difference of two rounded running sums, so that the parts depend on the order of the lines alone.
    """
    total = sum(weights, Decimal(0))
    if not amount or total <= 0:
        return [Decimal(0)] * len(weights)
    unit = unit_of(currency)
    parts: list[Decimal] = []
    running = shared = Decimal(0)
    for weight in weights:
        running += weight
        upto = amount if running == total else (amount * running / total).quantize(unit, rounding=ROUND_HALF_UP)
        parts.append(upto - shared)
        shared = upto
    return parts


def unexplained(left: Decimal, currency: str, parts: int) -> Decimal:
    """What is left over of a sum, or nothing where rounding each of its parts explains it (half a unit each)."""
    return Decimal(0) if abs(left) <= unit_of(currency) * (parts // 2) else left
