"""Business calendars: dated versions of opening hours on the instants of a zone (TERMS-1, TERMS-2, TERMS-3).

The rule: an instant is business time if its local wall clock lies in an open interval of that local date. The interval
is half-open. The wall clock is the date and time of day in the calendar's zone. Nothing is ever mapped: a gap holds no
instants, a fold holds each wall time twice.

A UTC year is cut into pieces of constant offset. Inside a piece local time is UTC plus a constant. So each date's hours
become UTC segments by one subtraction. What is asked of them is in `app.domain.calendar.timeline`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.calendar import intervals as sets
from app.domain.calendar.intervals import Segment
from app.domain.calendar.opening_hours import CalendarVersion, Closure
from app.domain.calendar.timeline import DAY_S, EPOCH_ORDINAL, Timeline, Year, from_s, to_s, year_pieces, year_start

_ALL_DAY: Final = ((0, DAY_S),)


def _spans(version: CalendarVersion, day: int) -> Sequence[Segment]:
    """The hours of a date, in seconds of its local day; ``day`` is a proleptic ordinal."""
    dated = version.dated_seconds.get(day)
    return version.weekly_seconds[(day - 1) % 7] if dated is None else dated


def _closed_on(closure: Closure) -> date:
    return closure.on


class BusinessCalendar(Timeline):
    """Effective-dated versions on one timeline. Before the first version it is closed.

    A local date follows the version with the latest ``effective_from`` not after it. Of two with the same date the
    higher revision holds (a correction). Nothing special happens where versions meet.
    """

    def __init__(self, name: str, zone: ZoneInfo, versions: Iterable[CalendarVersion]) -> None:
        super().__init__(name, zone)
        newest: dict[date, CalendarVersion] = {}
        for version in sorted(versions, key=lambda v: v.revision):
            newest[version.effective_from] = version
        self.versions: tuple[CalendarVersion, ...] = tuple(newest[on] for on in sorted(newest))
        self._from = [version.effective_from.toordinal() for version in self.versions]
        self.goes_over_midnight = any(version.whole_shifts for version in self.versions)

    @property
    def revision(self) -> int:
        """The highest revision on the timeline, 0 without any."""
        return max((version.revision for version in self.versions), default=0)

    def version_on(self, on: date) -> CalendarVersion | None:
        """The version that holds on a local date; None before the first."""
        i = bisect_right(self._from, on.toordinal())
        return self.versions[i - 1] if i else None

    def closures(self, first: date, last: date) -> tuple[Closure, ...]:
        """Closed and half days by name, ``first`` and ``last`` included, in order (TERMS-2)."""
        low = bisect_left(self._closed, first, key=_closed_on)
        return self._closed[low : bisect_right(self._closed, last, key=_closed_on)]

    def versions_since(self, on: date) -> tuple[CalendarVersion, ...]:
        """The versions that hold on a local date or after it."""
        return self.versions[max(bisect_right(self._from, on.toordinal()) - 1, 0) :]

    def open_minutes(self, on: date) -> int:
        """Minutes of its day that a date is open for, whatever the zone makes of them."""
        version = self.version_on(on)
        if version is None:
            return 0
        return sets.length(version.dated.get(on, version.weekly[on.weekday()]))

    def closed_stretches(self, closure: Closure) -> list[tuple[datetime, datetime]]:
        """What of its weekday's hours a half day is closed for, as instants."""
        version = self.version_on(closure.on)
        weekly = () if version is None else version.weekly[closure.on.weekday()]
        midnight = datetime(closure.on.year, closure.on.month, closure.on.day, tzinfo=self.zone)
        spans = sets.difference(sets.normalise(weekly), sets.normalise(closure.hours))
        return [
            (from_s(to_s(midnight + timedelta(minutes=a))), from_s(to_s(midnight + timedelta(minutes=b))))
            for a, b in spans
        ]

    @cached_property
    def _closed(self) -> tuple[Closure, ...]:
        """Every closure on the timeline, in order."""
        found = [
            closure
            for version in self.versions
            for on, closure in version.named.items()
            if self.version_on(on) is version
        ]
        return tuple(sorted(found, key=_closed_on))

    def build_year(self, year: int) -> Year:
        low, high = year_start(year), year_start(year + 1)
        first_day, last_day = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        segments: list[Segment] = []
        days: dict[int, Segment] = {}
        for start, end, offset in year_pieces(self.zone, year):
            # "first" and "until" are ordinals of local dates of this piece
            first = (start + offset) // DAY_S + EPOCH_ORDINAL
            until = (end - 1 + offset) // DAY_S + EPOCH_ORDINAL + 1
            for spans, day in self._days(first, until):
                midnight = (day - EPOCH_ORDINAL) * DAY_S - offset
                for opens, closes in spans:
                    a, b = midnight + opens, midnight + closes
                    if a < start or b > end:
                        a, b = max(a, start), min(b, end)
                        if a >= b:
                            continue
                    owner = day - 1 if opens == 0 and self._goes_on(day, spans) else day
                    if first_day <= owner <= last_day:
                        known = days.get(owner)
                        days[owner] = (a, b) if known is None else (known[0], b)
                    a, b = max(a, low), min(b, high)
                    if a < b:
                        if segments and segments[-1][1] == a:
                            segments[-1] = (segments[-1][0], b)
                        else:
                            segments.append((a, b))
        return Year(segments, days, sorted(days))

    def _goes_on(self, day: int, spans: Sequence[Segment]) -> bool:
        """Whether the hours from 00:00 of a date belong to a shift that began the day before."""
        i = bisect_right(self._from, day - 1)
        if not i or not self.versions[i - 1].whole_shifts:
            return False
        before = _spans(self.versions[i - 1], day - 1)
        return bool(before) and before[-1][1] == DAY_S and _ALL_DAY not in (tuple(before), tuple(spans))

    def _days(self, first: int, until: int) -> Iterable[tuple[Sequence[Segment], int]]:
        """The hours of each day that has any, in order."""
        for i, version in enumerate(self.versions):
            end = self._from[i + 1] if i + 1 < len(self._from) else until
            weekly, dated = version.weekly_seconds, version.dated_seconds
            for day in range(max(first, self._from[i]), min(until, end)):
                spans = dated[day] if day in dated else weekly[(day - 1) % 7]
                if spans:
                    yield spans, day


@dataclass(frozen=True, slots=True)
class RemovedTime:
    """Open time that a change would take away: UTC ``[start, end)``."""

    start: datetime
    end: datetime


def removed_open_time(old: Timeline, new: Timeline, *, start: datetime, end: datetime) -> tuple[RemovedTime, ...]:
    """Open time of ``old`` in ``[start, end)`` that ``new`` no longer has: by segments, not by comparing rows."""
    a, b = to_s(start), to_s(end)
    removed = sets.difference(old.segments_s(a, b), new.segments_s(a, b))
    return tuple(RemovedTime(from_s(x), from_s(y)) for x, y in removed)


def reopened(old: BusinessCalendar, new: BusinessCalendar, since: date) -> list[Closure]:
    """Return the dates from one on that ``old`` closes and ``new`` opens longer.

    ``old`` may close them wholly or in part, with or without a name.
    """
    found = [
        version.named.get(on) or Closure(on, (), spans)
        for version in old.versions_since(since)
        for on, spans in version.dated.items()
        if on >= since and old.version_on(on) is version and new.open_minutes(on) > sets.length(spans)
    ]
    return sorted(found, key=_closed_on)


def removed_within_notice(
    old: BusinessCalendar, new: BusinessCalendar, *, announced_at: datetime, notice_days: int, since: date
) -> tuple[RemovedTime, ...]:
    """Open time taken away too soon (TERMS-3); empty means that the notice is kept. Added time needs no notice.

    Days are counted in the calendar's zone from the local date of the announcement. Announced on the 1st with 30 days,
    the 31st may close. ``since`` is the local date from which the change applies; before today, it takes away the past.
    """
    announced = old.local_date(announced_at)
    free_from = old.start_of_date_s(announced + timedelta(days=notice_days))
    start = old.start_of_date_s(since)
    if start >= free_from:
        return ()
    return removed_open_time(old, new, start=from_s(start), end=from_s(free_from))
