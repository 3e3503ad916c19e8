"""Opening hours as a vendor states them: weekly hours, dated exceptions, named closures, versions of all three.

Minutes of the local day run from 0 to 1440, so ``24:00`` is 1440 and never ``23:59`` or an empty ``00:00``. What a
local date is open for is ``((weekly or REPLACE) + ADD - SUBTRACT) - CLOSED``; the order in which rows are given
means nothing.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from app.domain.errors import DomainError
from app.domain.segments import Segment, difference, normalise

MINUTES_A_DAY = 1440
Span = tuple[int, int]
"""Half-open minutes of a local day, ``0 <= start < end <= 1440``."""


class InvalidHours(DomainError):  # noqa: N818 - the word of the API
    """Hours that no day can have; refused when a version is made, so that arithmetic never meets them."""

    def __init__(self, detail: str) -> None:
        super().__init__("invalid_hours", detail=detail)


def parse_minute(text: str) -> int:
    """``"09:30"`` -> 570. ``"24:00"`` -> 1440. Anything else is refused."""
    hours, colon, minutes = text.partition(":")
    if not (
        colon and len(hours) == 2 and len(minutes) == 2 and text.isascii() and (hours + minutes).isdigit()
    ):
        raise InvalidHours(f"not a time of day HH:MM: {text!r}")
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > MINUTES_A_DAY:
        raise InvalidHours(f"not a time of day HH:MM: {text!r}")
    return minute


def format_minute(minute: int) -> str:
    """570 -> ``"09:30"``; 1440 -> ``"24:00"``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def tidy(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted and merged minutes of a day. Empty, reversed or out-of-range spans are refused, overlaps count once."""
    listed = list(spans)
    for start, end in listed:
        if not 0 <= start < end <= MINUTES_A_DAY:
            raise InvalidHours(f"hours must satisfy 0 <= start < end <= 1440 minutes, got {start}..{end}")
    return tuple(normalise(listed))


WeeklyHours = tuple[tuple[Span, ...], ...]
"""Seven entries, Monday first."""


def weekly_hours(hours: Mapping[int, Iterable[Span]]) -> WeeklyHours:
    """Weekly hours from isodow (1 Monday .. 7 Sunday) to spans; days left out are closed."""
    for day in hours:
        if not 1 <= day <= 7:
            raise InvalidHours(f"isodow must be 1..7, got {day}")
    return tuple(tidy(hours.get(day, ())) for day in range(1, 8))


def split_overnight(isodow: int, start: int, end: int) -> tuple[tuple[int, Span], ...]:
    """An opening that may run past midnight (``end <= start``), as one row a weekday.

    Friday 22:00-06:00 becomes Friday 22:00-24:00 and Saturday 00:00-06:00, because a day's hours never leave that
    day. ``00:00-00:00`` is the whole day.
    """
    if not (0 <= start < MINUTES_A_DAY and 0 <= end <= MINUTES_A_DAY):
        raise InvalidHours(f"minutes out of range: {start}..{end}")
    if end > start:
        return ((isodow, (start, end)),)
    head = (isodow, (start, MINUTES_A_DAY))
    return (head,) if end == 0 else (head, (isodow % 7 + 1, (0, end)))


class ExceptionKind(enum.StrEnum):
    """What a dated exception does to the hours of its date."""

    CLOSED = "closed"
    REPLACE = "replace"
    ADD = "add"
    SUBTRACT = "subtract"


@dataclass(frozen=True, slots=True)
class CalendarException:
    """One dated exception. ``spans`` is empty for ``closed``; an empty ``replace`` closes the date too."""

    on: date
    kind: ExceptionKind
    spans: tuple[Span, ...] = ()
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        tidy(self.spans)
        if self.kind is ExceptionKind.CLOSED and self.spans:
            raise InvalidHours("a closed date has no hours; use subtract for a part of a day")
        if self.kind in (ExceptionKind.ADD, ExceptionKind.SUBTRACT) and not self.spans:
            raise InvalidHours(f"{self.kind} needs hours")


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why a date is closed, and where we have that from (``rule``, a holiday set, a person)."""

    name: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Closure:
    """A whole local date that is closed, with every reason: closed twice over is one day that names both (TERMS-2)."""

    on: date
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class CalendarVersion:
    """Hours from ``effective_from`` (a local date) until the next version's. ``revision`` orders corrections."""

    revision: int
    effective_from: date
    weekly: WeeklyHours
    exceptions: tuple[CalendarException, ...] = ()
    closures: tuple[Closure, ...] = ()

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise InvalidHours("weekly hours have seven entries, Monday first")
        for spans in self.weekly:
            tidy(spans)

    @cached_property
    def weekly_seconds(self) -> tuple[tuple[Segment, ...], ...]:
        """Weekly hours in seconds of the local day, Monday first."""
        return tuple(_seconds(tidy(spans)) for spans in self.weekly)

    @cached_property
    def dated_seconds(self) -> Mapping[int, tuple[Segment, ...]]:
        """Hours, in seconds, of every date that differs from its weekday, by proleptic ordinal."""
        by_date: dict[date, list[CalendarException]] = {}
        for row in self.exceptions:
            by_date.setdefault(row.on, []).append(row)
        found = {
            on.toordinal(): _seconds(_open_spans(self.weekly[on.weekday()], rows))
            for on, rows in by_date.items()
        }
        found.update({closure.on.toordinal(): () for closure in self.closures})
        return found

    @cached_property
    def closed_reasons(self) -> Mapping[date, tuple[Reason, ...]]:
        """Every date this version closes as a whole, with its reasons in a total order and none twice."""
        found: dict[date, set[Reason]] = {}
        for closure in self.closures:
            found.setdefault(closure.on, set()).update(closure.reasons)
        for row in self.exceptions:
            empties = row.kind is ExceptionKind.REPLACE and not row.spans
            if row.kind is ExceptionKind.CLOSED or (empties and not self.dated_seconds[row.on.toordinal()]):
                found.setdefault(row.on, set()).add(Reason(row.name, row.source))
        return {on: tuple(sorted(reasons)) for on, reasons in found.items()}


def _seconds(spans: Sequence[Span]) -> tuple[Segment, ...]:
    return tuple((start * 60, end * 60) for start, end in spans)


def _open_spans(weekly: Sequence[Span], rows: Sequence[CalendarException]) -> tuple[Span, ...]:
    """``((weekly or REPLACE) + ADD - SUBTRACT) - CLOSED`` of one date."""
    kinds: dict[ExceptionKind, list[Span]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).extend(row.spans)
    if ExceptionKind.CLOSED in kinds:
        return ()
    base = kinds.get(ExceptionKind.REPLACE, list(weekly))
    opened = normalise([*base, *kinds.get(ExceptionKind.ADD, [])])
    return tuple(difference(opened, normalise(kinds.get(ExceptionKind.SUBTRACT, []))))
