"""The picture of periods: bars on a line from the first begin to the last end, and where now is. Numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.values.wire import parse_iso

WIDTH: Final = 1000
"""Units of the picture; the page stretches it to its own width."""
ROWS_MAX: Final = 24
_BESIDE: Final = timedelta(days=14)
"""How much of the line is left free on both sides of now."""
_NO_END: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Bar:
    """A period on the line."""

    cover: Mapping[str, Any]
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Line:
    """A picture of periods."""

    begins: datetime
    ends: datetime
    now: int
    bars: Sequence[Bar]
    more: int
    """Periods that are not shown."""


def line_of(covers: Sequence[Mapping[str, Any]], at: str) -> Line | None:
    """Return the picture of a customer's covers, those that matter most first; None where none has begun or will."""
    now = parse_iso(at)
    dated = [cover for cover in covers if cover["starts_at"] is not None and cover["state"] != "voided"]
    if not dated:
        return None
    dated.sort(key=lambda cover: (_PLACES.get(cover["state"], 9), cover["starts_at"], cover["cover_id"]))
    shown = sorted(dated[:ROWS_MAX], key=lambda cover: (cover["starts_at"], cover["cover_id"]))
    starts = [parse_iso(cover["starts_at"]) for cover in shown]
    ends = [_end(cover, now) for cover in shown]
    begins, stops = min(*starts, now - _BESIDE), max(*ends, now + _BESIDE)
    whole = (stops - begins).total_seconds()

    def place(instant: datetime) -> int:
        return round((instant - begins).total_seconds() / whole * WIDTH)

    bars = [
        Bar(cover, place(start), max(4, place(end) - place(start)))
        for cover, start, end in zip(shown, starts, ends, strict=True)
    ]
    return Line(begins, stops, place(now), bars, len(dated) - len(shown))


_PLACES: Final = {"running": 0, "suspended": 1, "scheduled": 2, "pending": 3, "ended": 4}


def _end(cover: Mapping[str, Any], now: datetime) -> datetime:
    """Return where a period ends on the line; one without an end goes on for a year."""
    start = parse_iso(cover["starts_at"])
    return max(now, start) + _NO_END if cover["ends_at"] is None else parse_iso(cover["ends_at"])
