"""Pictures of figures: columns along the time, or a bar a group. Numbers only; a table beside them says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

HEIGHT: Final = 100
"""Units of a column picture; the page stretches it."""
WIDTH: Final = 1000
BARS_MAX: Final = 20
COLUMNS_MAX: Final = 240
_STEPS: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class Series:
    """One of the figures that a picture draws: its name, its words, and its colour in the style sheet."""

    name: str
    title: str
    tone: str


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a column or a bar."""

    tone: str
    at: int
    size: int


@dataclass(frozen=True, slots=True)
class Stack:
    """A column or a bar: its label, its whole, and its parts one upon the other."""

    label: str
    whole: Decimal
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of a report."""

    title: str
    unit: str
    """How its numbers are written: ``count``, ``duration`` or a currency."""
    series: Sequence[Series]
    stacks: Sequence[Stack]
    top: Decimal
    """What the full height or width stands for."""
    along_time: bool
    more: int
    """Groups that are not drawn."""

    @property
    def width(self) -> int:
        """Return the units that a column takes."""
        return WIDTH // max(len(self.stacks), 1)


Values = Mapping[str, Mapping[str, Decimal]]
"""Group -> figure -> value."""


def chart_of(title: str, unit: str, series: Sequence[Series], values: Values, *, along_time: bool) -> Chart | None:
    """Return the picture of figures by group; None where there is nothing to see. What is below zero is not drawn."""
    drawn = _drawn(series, values)
    if not any(sum(row.values()) for row in drawn.values()):
        return None
    names = _filled(list(drawn)) if along_time else sorted(drawn, key=lambda name: (-sum(drawn[name].values()), name))
    shown = names[-COLUMNS_MAX:] if along_time else names[:BARS_MAX]
    most = max(Decimal(sum(drawn.get(name, {}).values())) for name in shown)
    top = _round_up(most) if along_time else most
    size = HEIGHT if along_time else WIDTH
    stacks = [_stack(name, series, drawn.get(name, {}), top, size) for name in shown]
    return Chart(title, unit, series, stacks, top, along_time, len(names) - len(shown))


def _drawn(series: Sequence[Series], values: Values) -> dict[str, dict[str, Decimal]]:
    return {
        name: {figure.name: max(row.get(figure.name, Decimal()), Decimal()) for figure in series}
        for name, row in values.items()
    }


def _stack(name: str, series: Sequence[Series], row: Mapping[str, Decimal], top: Decimal, size: int) -> Stack:
    boxes, below = [], Decimal()
    for figure in series:
        value = row.get(figure.name, Decimal())
        first, last = (round(part / top * size) if top else 0 for part in (below, below + value))
        if value:
            boxes.append(Box(figure.tone, first, max(last - first, 1)))
        below += value
    return Stack(name, below, boxes)


def _round_up(most: Decimal) -> Decimal:
    """Return the next number that people count by: 1, 2, 2.5 or 5 of a power of ten."""
    power = Decimal(10) ** most.adjusted()
    return next((power * step for step in _STEPS if power * step >= most), most)


def _filled(names: list[str]) -> list[str]:
    """Return months or days without gaps, so that time runs evenly; what is no time stands last."""
    times = sorted(name for name in names if name[:4].isdigit())
    rest = sorted(name for name in names if not name[:4].isdigit())
    if not times:
        return rest
    found, on = [times[0]], times[0]
    while on < times[-1]:
        on = _next(on)
        found.append(on)
        if len(found) > 2 * COLUMNS_MAX:  # too long to be even
            return [*times, *rest]
    return [*found, *rest]


def _next(name: str) -> str:
    if len(name) == 7:  # a month
        year, month = int(name[:4]), int(name[5:])
        return f"{year + month // 12:04}-{month % 12 + 1:02}"
    return (date.fromisoformat(name) + timedelta(days=1)).isoformat()
