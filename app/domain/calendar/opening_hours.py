"""Opening hours as a vendor states them: weekly hours, dated exceptions, named closures, versions of all three.

Minutes of the local day run from 0 to 1440. ``24:00`` is 1440, never ``23:59`` or an empty ``00:00``. A local date is
open for ``((weekly - RULES or REPLACE) + ADD - SUBTRACT) - CLOSED``. A statement about one date wins over rules and
holiday sets. The order in which rows are given means nothing.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from app.domain.calendar.intervals import Segment, difference, intersection, length, normalise
from app.domain.values.errors import DomainError

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
    if not (colon and len(hours) == 2 and len(minutes) == 2 and text.isascii() and (hours + minutes).isdigit()):
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

    Friday 22:00-06:00 becomes Friday 22:00-24:00 and Saturday 00:00-06:00. A day's hours never leave that day.
    ``00:00-00:00`` is the whole day.
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
    """A local date that is closed, with every reason: closed twice over is one day that names both (TERMS-2).

    With ``hours`` it is a half day. In a rule they bound what the weekday leaves open; in an answer they are what is.
    """

    on: date
    reasons: tuple[Reason, ...]
    hours: tuple[Span, ...] = ()


@dataclass(frozen=True)
class CalendarVersion:
    """Hours from ``effective_from`` (a local date) until the next version's. ``revision`` orders corrections.

    ``whole_shifts``: a night shift is one business day. Hours from 00:00 belong to the business day before, where that
    ends at 24:00 and neither is open all day.
    """

    revision: int
    effective_from: date
    weekly: WeeklyHours
    exceptions: tuple[CalendarException, ...] = ()
    closures: tuple[Closure, ...] = ()
    exceptions_win: bool = True
    """Whether exceptions of a date win over rules and sets. Versions of before that was so keep what was promised."""
    whole_shifts: bool = False
    published_at: datetime | None = None
    """Since when it is known; None: always."""

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
    def dated(self) -> Mapping[date, tuple[Span, ...]]:
        """Hours, in minutes, of every date that differs from its weekday by an exception or a rule."""
        return {on: self.spans_on(on, rows) for on, rows in self._rows.items()}

    @cached_property
    def dated_seconds(self) -> Mapping[int, tuple[Segment, ...]]:
        """`dated` in seconds, by proleptic ordinal."""
        return {on.toordinal(): _seconds(spans) for on, spans in self.dated.items()}

    @cached_property
    def _rows(self) -> Mapping[date, list[CalendarException]]:
        """The exceptions of every date that has one or a closure by rule."""
        found: dict[date, list[CalendarException]] = {on: [] for on in self._rules}
        for row in self.exceptions:
            found.setdefault(row.on, []).append(row)
        return found

    @cached_property
    def _rules(self) -> Mapping[date, Closure]:
        return {closure.on: closure for closure in self.closures}

    def spans_on(self, on: date, rows: Sequence[CalendarException]) -> tuple[Span, ...]:
        """What a date is open for under these exceptions of it."""
        rule, weekly = self._rules.get(on), self.weekly[on.weekday()]
        if rule is not None and not self.exceptions_win:
            return ()
        if rule is not None:
            halved = bool(rule.hours) and bool(weekly)
            weekly = tuple(intersection(normalise(weekly), normalise(rule.hours))) if halved else ()
        return _open_spans(weekly, rows) if rows else tuple(normalise(weekly))

    @cached_property
    def named(self) -> Mapping[date, Closure]:
        """Every closed or half day of this version by date, with its reasons in a total order and none twice."""
        found = {on: self._named(on, rows) for on, rows in self._rows.items()}
        return {on: closure for on, closure in found.items() if closure.reasons}

    def _named(self, on: date, rows: Sequence[CalendarException]) -> Closure:
        rule, spans, weekly = self._rules.get(on), self.dated[on], self.weekly[on.weekday()]
        reasons: set[Reason] = set()
        if not spans or length(spans) < length(weekly):
            # A half day by rule on a weekday that is closed anyway closes nothing.
            if rule is not None and (weekly or not rule.hours):
                reasons.update(rule.reasons)
            reasons.update(
                Reason(row.name, row.source) for row in rows if _counts(row, spans, weekly, ruled=rule is not None)
            )
        named = {reason for reason in reasons if reason.name}
        if spans or named:  # a half day is listed for its name; a closed one, for want of any, also without
            reasons = named
        return Closure(on, tuple(sorted(reasons)), spans)

    def without_effect(self, row: CalendarException) -> bool:
        """Whether a date would be open for the same hours without this exception; ``closed`` at least names the day."""
        rows = self._rows[row.on]
        rest = [row_ for row_ in rows if row_ is not row]
        return row.kind is not ExceptionKind.CLOSED and self.spans_on(row.on, rest) == self.dated[row.on]


def _counts(row: CalendarException, spans: Sequence[Span], weekly: Sequence[Span], *, ruled: bool) -> bool:
    """Whether an exception is a reason why a date is closed, or open for less than its weekday."""
    match row.kind:
        case ExceptionKind.CLOSED:
            return True
        case ExceptionKind.REPLACE:
            return bool(spans) or not row.spans
        case ExceptionKind.SUBTRACT:
            return bool(weekly)
        case ExceptionKind.ADD:
            return ruled and bool(spans)


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
