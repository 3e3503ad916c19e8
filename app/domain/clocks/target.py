"""Targets: what a promise counts, when it falls due, and the explanation of a due time (TERMS-4, TERMS-5, XC-2).

"One business day" has four readings, and the contract chooses:

- 8 business hours (``business_seconds:28800``);
- the same time on the next business day (``business_days:1``);
- the close of the next business day (``business_days:1:close``);
- so many seconds of the wall clock (``seconds:86400``).

A day is never 24 hours and never 8.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from app.domain.calendar import intervals as sets
from app.domain.calendar.intervals import Segment
from app.domain.calendar.opening_hours import MINUTES_A_DAY, Closure, InvalidHours, format_minute, parse_minute
from app.domain.calendar.timeline import Timeline, from_s, to_s
from app.domain.values.errors import DomainError

MAX_SECONDS: Final = 20 * 31_557_600
MAX_DAYS: Final = 7_305
EXPLAIN_LIMIT: Final = 100
"""Segments and closures listed by an explanation; what is left out is counted."""


class InvalidTarget(DomainError):  # noqa: N818 - the word of the API
    """A target that cannot be read, or that lacks its instant."""

    def __init__(self, target: str) -> None:
        super().__init__("invalid_target", target=target)


class AfterClose(enum.StrEnum):
    """What an anchor outside hours means for "close of the nth business day".

    ``same_date``: counted from its local date, so Friday 18:00 and Saturday both give Monday's close (TERMS-5).
    ``next_open``: it counts as received at the next opening, so both give Tuesday's close.
    """

    SAME_DATE = "same_date"
    NEXT_OPEN = "next_open"


class DayEdge(enum.StrEnum):
    """Which instant of the nth business date is meant."""

    SAME_TIME = "same_time"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class BusinessSeconds:
    """So many seconds of open time."""

    seconds: int

    def __str__(self) -> str:
        return f"business_seconds:{self.seconds}"


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """The nth business date after the anchor, at the anchor's wall time or at the close."""

    days: int
    edge: DayEdge = DayEdge.SAME_TIME

    def __str__(self) -> str:
        return f"business_days:{self.days}" + (":close" if self.edge is DayEdge.CLOSE else "")


@dataclass(frozen=True, slots=True)
class SameDay:
    """The close of the business date on which it came, if it came before a time of day; else of the next one.

    What comes outside hours counts as come at the next opening.
    """

    before: int
    """Minutes from midnight."""

    def __str__(self) -> str:
        return f"same_day:{format_minute(self.before)}"


@dataclass(frozen=True, slots=True)
class WallSeconds:
    """So many seconds of the wall clock, round the clock."""

    seconds: int

    def __str__(self) -> str:
        return f"seconds:{self.seconds}"


@dataclass(frozen=True, slots=True)
class EachBusinessDay:
    """A response on each business date after the anchor's (TERMS-6); asked for a due time, the first close owed."""

    def __str__(self) -> str:
        return "each_business_day"


@dataclass(frozen=True, slots=True)
class Rolling:
    """A response at least every so many business seconds."""

    seconds: int

    def __str__(self) -> str:
        return f"rolling:{self.seconds}"


@dataclass(frozen=True, slots=True)
class At:
    """A given instant, e.g. a deadline named in an access request; None until it is known. Pauses do not move it."""

    instant: datetime | None = None

    def __str__(self) -> str:
        if self.instant is None:
            return "at"
        return "at:" + self.instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class NoTarget:
    """Measured only: time is counted, nothing is promised."""

    def __str__(self) -> str:
        return "none"


Target = BusinessSeconds | BusinessDays | SameDay | WallSeconds | EachBusinessDay | Rolling | At | NoTarget


def parse_target(text: str) -> Target:
    """The target a text names; ``str()`` of a target gives the text back. Anything else is `InvalidTarget`.

    ``business_seconds:28800``, ``business_days:1``, ``business_days:1:close``, ``same_day:15:00``, ``seconds:86400``,
    ``each_business_day``, ``rolling:28800``, ``at``, ``at:2025-01-01T00:00:00Z``, ``none``. Amounts are whole, at
    least 1, at most 20 years.
    """
    if text == "each_business_day":
        return EachBusinessDay()
    if text == "none":
        return NoTarget()
    if text == "at":
        return At()
    kind, _, rest = text.partition(":")
    if kind == "at":
        return At(_instant(rest, text))
    amount, _, edge = rest.partition(":")
    if kind == "business_days" and edge in ("", "close") and not rest.endswith(":"):
        return BusinessDays(_amount(amount, MAX_DAYS, text), DayEdge.CLOSE if edge else DayEdge.SAME_TIME)
    if kind == "same_day":
        return SameDay(_minute(rest, text))
    if kind == "business_seconds":
        return BusinessSeconds(_amount(rest, MAX_SECONDS, text))
    if kind == "seconds":
        return WallSeconds(_amount(rest, MAX_SECONDS, text))
    if kind == "rolling":
        return Rolling(_amount(rest, MAX_SECONDS, text))
    raise InvalidTarget(text)


def _amount(digits: str, most: int, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and 1 <= int(digits) <= most):
        raise InvalidTarget(text)
    return int(digits)


def _minute(value: str, text: str) -> int:
    try:
        minute = parse_minute(value)
    except InvalidHours:
        raise InvalidTarget(text) from None
    if not 0 < minute < MINUTES_A_DAY:
        raise InvalidTarget(text)
    return minute


def _instant(value: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidTarget(text) from None
    if instant.tzinfo is None:
        raise InvalidTarget(text)
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # the year 1 or 9999, and an offset that leads out of it
        raise InvalidTarget(text) from None


def runs_round_the_clock(target: Target) -> bool:
    """Whether the target counts seconds of the wall clock, so that hours of operation mean nothing to it."""
    return isinstance(target, WallSeconds)


def due_s(
    calendar: Timeline, target: Target, anchor: int, after_close: AfterClose = AfterClose.SAME_DATE
) -> int | None:
    """`due_at` on seconds since 1970. Those of days are kept with the calendar: each reading of a clock asks again."""
    if not isinstance(target, BusinessDays | SameDay):
        return _due_s(calendar, target, anchor, after_close)
    asked = target, anchor, after_close
    found = calendar.dues.get(asked)
    if found is None:
        found = _due_s(calendar, target, anchor, after_close)
        if len(calendar.dues) >= _DUES_MAX:
            calendar.dues.clear()
        calendar.dues[asked] = found
    return found


_DUES_MAX: Final = 10_000
"""Due times that a calendar keeps."""


def _due_s(calendar: Timeline, target: Target, anchor: int, after_close: AfterClose) -> int | None:
    match target:
        case BusinessSeconds(seconds) | Rolling(seconds):
            return calendar.add_left_s(anchor, seconds)
        case WallSeconds(seconds):
            return anchor + seconds
        case BusinessDays(days, DayEdge.CLOSE):
            if after_close is AfterClose.NEXT_OPEN:
                anchor = calendar.add_right_s(anchor, 0)
            return calendar.close_of_s(calendar.business_date_after(calendar.business_date_s(anchor), days))
        case SameDay(before):
            opened = calendar.add_right_s(anchor, 0)
            on, wall = calendar.business_date_s(opened), from_s(opened).astimezone(calendar.zone)
            early = (wall.date() - on).days * MINUTES_A_DAY + wall.hour * 60 + wall.minute < before
            return calendar.close_of_s(on if early else calendar.business_date_after(on))
        case BusinessDays(days):
            return _same_time(calendar, calendar.add_right_s(anchor, 0), days)
        case EachBusinessDay():
            return calendar.close_of_s(calendar.business_date_after(calendar.business_date_s(anchor)))
        case At(instant):
            if instant is None:
                raise InvalidTarget("at")
            return to_s(instant)
        case NoTarget():
            return None


def _same_time(calendar: Timeline, opened: int, days: int) -> int:
    """The wall time of ``opened`` so many business dates later, moved to the nearest open time of that date."""
    wall = from_s(opened).astimezone(calendar.zone)
    began = calendar.business_date_s(opened) if calendar.goes_over_midnight else wall.date()
    on = calendar.business_date_after(began, days)
    # A wall time that occurs twice means its first occurrence, one that a gap skips means the instant after the gap.
    # Past midnight in a shift, it is past midnight in that one.
    same = on + (wall.date() - began) if calendar.goes_over_midnight else on
    at = to_s(datetime.combine(same, wall.time().replace(fold=0), calendar.zone))
    opens, closes = calendar.open_of_s(on), calendar.close_of_s(on)
    if at <= opens or at >= closes:
        return min(max(at, opens), closes)
    # In a break of that date: its last second of work before, which is the same amount of business time.
    return max(end for _, end in calendar.segments_s(opens, at))


def due_at(
    calendar: Timeline, target: Target, anchor: datetime, after_close: AfterClose = AfterClose.SAME_DATE
) -> datetime | None:
    """When a target that starts at ``anchor`` falls due, without the explanation; None where nothing is promised.

    XC-2 is ``business_days:1`` on a Mon-Fri round-the-clock calendar. Tuesday 15:00 gives Wednesday 15:00, Saturday the
    end of Monday. Raises SlaUnreachable when the calendar does not open enough within twenty years.
    """
    found = due_s(calendar, target, to_s(anchor), after_close)
    return None if found is None else from_s(found)


@dataclass(frozen=True, slots=True)
class Consumed:
    """A stretch of business time that was counted: UTC ``[start, end)``."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its length."""
        return to_s(self.end) - to_s(self.start)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a due time is what it is: the stretches counted, and the closures skipped with their names.

    Both lists hold at most `EXPLAIN_LIMIT` rows, the earliest; ``more_consumed`` and ``more_skipped`` count the
    rest. ``business_seconds`` is the whole sum.
    """

    business_seconds: int
    consumed: tuple[Consumed, ...]
    skipped: tuple[Closure, ...]
    more_consumed: int = 0
    more_skipped: int = 0


def explain(
    calendar: Timeline,
    start: datetime,
    end: datetime,
    *,
    without: Sequence[tuple[datetime, datetime]] = (),
    round_the_clock: bool = False,
    limit: int = EXPLAIN_LIMIT,
) -> Explanation:
    """The business time in ``[start, end)`` outside the pauses ``without``, and the named closures on the way."""
    low, high = to_s(start), to_s(end)
    if high <= low:
        return Explanation(0, (), ())
    counted: list[Segment] = [(low, high)] if round_the_clock else calendar.segments_s(low, high)
    counted = sets.difference(counted, sets.normalise((to_s(a), to_s(b)) for a, b in without))
    skipped: Sequence[Closure] = ()
    if not round_the_clock:
        skipped = calendar.closures(calendar.local_date_s(low), calendar.local_date_s(high - 1))
    return Explanation(
        sets.length(counted),
        tuple(Consumed(from_s(a), from_s(b)) for a, b in counted[:limit]),
        tuple(skipped[:limit]),
        max(0, len(counted) - limit),
        max(0, len(skipped) - limit),
    )


@dataclass(frozen=True, slots=True)
class Due:
    """A due time with its explanation. ``due_at`` is None where nothing is promised."""

    target: Target
    anchor: datetime
    due_at: datetime | None
    business_date: date | None
    explain: Explanation


def due(
    calendar: Timeline,
    target: Target,
    anchor: datetime,
    *,
    after_close: AfterClose = AfterClose.SAME_DATE,
    limit: int = EXPLAIN_LIMIT,
) -> Due:
    """When a target that starts at ``anchor`` falls due, with the consumed stretches and the skipped closures."""
    at = due_at(calendar, target, anchor, after_close)
    if at is None:
        return Due(target, anchor, None, None, Explanation(0, (), ()))
    why = explain(calendar, anchor, at, round_the_clock=runs_round_the_clock(target), limit=limit)
    return Due(target, anchor, at, calendar.business_date_s(to_s(at) - 1), why)
