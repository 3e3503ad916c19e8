"""Builders with dull defaults for calendars, clocks and instants, so that a test names only what matters."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import (
    CalendarException,
    CalendarVersion,
    Closure,
    ExceptionKind,
    Reason,
    Span,
    parse_minute,
    weekly_hours,
)
from app.domain.clocks.clock import ClockState, OutcomeFact, fold, judge
from app.domain.clocks.event import ClockEvent, ClockSpec, EventKind
from app.domain.clocks.target import parse_target

DATA = Path(__file__).parent.parent / "data" / "business_time"
NEW_YORK = ZoneInfo("America/New_York")
DOW = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}
NINE_TO_FIVE = {day: [(540, 1020)] for day in range(1, 6)}
LONG_AGO = date(1901, 1, 1)


def ny(text: str) -> datetime:
    """``"2025-06-13 16:30"`` (or with seconds) on New York's clock, as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def rows(name: str) -> Iterator[dict[str, Any]]:
    with (DATA / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def spans(pairs: Iterable[Iterable[str]]) -> list[Span]:
    return [(parse_minute(a), parse_minute(b)) for a, b in pairs]


def a_calendar(
    hours: Mapping[int, Iterable[Span]] | None = None,
    *,
    zone: str = "America/New_York",
    closed: Iterable[date] = (),
    exceptions: Iterable[CalendarException] = (),
    effective_from: date = LONG_AGO,
) -> BusinessCalendar:
    return BusinessCalendar(
        "service-hours",
        ZoneInfo(zone),
        [
            CalendarVersion(
                1,
                effective_from,
                weekly_hours(NINE_TO_FIVE if hours is None else hours),
                tuple(exceptions),
                tuple(Closure(on, (Reason(f"closed {on}"),)) for on in closed),
            )
        ],
    )


def calendar_of(row: Mapping[str, Any]) -> BusinessCalendar:
    """The calendar of a vector: shifts replace a date's hours, breaks are taken from it, holidays close it."""
    exceptions = [
        CalendarException(date.fromisoformat(on), kind, tuple(spans(pairs)))
        for key, kind in (("shifts", ExceptionKind.REPLACE), ("breaks", ExceptionKind.SUBTRACT))
        for on, pairs in row.get(key, {}).items()
    ]
    return a_calendar(
        {DOW[day]: spans(pairs) for day, pairs in row["hours"].items()},
        zone=row["tz"],
        closed=[date.fromisoformat(on) for on in row["holidays"]],
        exceptions=exceptions,
    )


def _nth(year: int, month: int, isodow: int, nth: int) -> date:
    if nth < 0:
        last = (date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return last - timedelta(days=(last.isoweekday() - isodow) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(isodow - first.isoweekday()) % 7 + 7 * (nth - 1))


def _easter(year: int) -> date:
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def shopp_closures(first: int, last: int) -> tuple[Closure, ...]:
    """SHOPP-2 by hand: eleven federal holidays with their observed weekdays, and the vendor's own five days."""
    found: dict[date, list[Reason]] = {}

    def close(on: date, name: str) -> None:
        found.setdefault(on, []).append(Reason(name))

    for year in range(first, last + 1):
        for month, day, name in (
            (1, 1, "New Year's Day"),
            (6, 19, "Juneteenth"),
            (7, 4, "Independence Day"),
            (11, 11, "Veterans Day"),
            (12, 25, "Christmas Day"),
        ):
            on = date(year, month, day)
            close(on, name)
            if on.isoweekday() >= 6:
                close(on + timedelta(days=-1 if on.isoweekday() == 6 else 1), f"{name} (observed)")
        for month, isodow, nth, name in (
            (1, 1, 3, "Martin Luther King Jr. Day"),
            (2, 1, 3, "Washington's Birthday"),
            (5, 1, -1, "Memorial Day"),
            (9, 1, 1, "Labor Day"),
            (10, 1, 2, "Columbus Day"),
            (11, 4, 4, "Thanksgiving"),
        ):
            close(_nth(year, month, isodow, nth), name)
        close(_easter(year) - timedelta(days=2), "Good Friday")
        close(_nth(year, 11, 4, 4) + timedelta(days=1), "Day after Thanksgiving")
        close(date(year, 12, 24), "Christmas Eve")
        close(date(year, 12, 26), "Day after Christmas")
        close(date(year, 12, 31), "New Year's Eve")
    return tuple(Closure(on, tuple(reasons)) for on, reasons in sorted(found.items()))


def shopp_calendar() -> BusinessCalendar:
    version = CalendarVersion(1, LONG_AGO, weekly_hours(NINE_TO_FIVE), closures=shopp_closures(2022, 2029))
    return BusinessCalendar("service-hours", NEW_YORK, [version])


class Story:
    """A clock and what happens to it; each event is recorded when it occurs unless the test says otherwise."""

    def __init__(self, target: str = "business_days:1:close", calendar: Any = None, **spec: Any) -> None:
        self.calendar = calendar or shopp_calendar()
        self.spec = ClockSpec(milestone=spec.pop("milestone", "first_response"), target=parse_target(target), **spec)
        self.events: list[ClockEvent] = []

    def then(self, kind: str, at: str | datetime, *, recorded: str | datetime | None = None, **fields: Any) -> "Story":
        occurred = ny(at) if isinstance(at, str) else at
        learnt = occurred if recorded is None else ny(recorded) if isinstance(recorded, str) else recorded
        if "target" in fields:
            fields["target"] = parse_target(fields["target"])
        self.events.append(
            ClockEvent(
                seq=len(self.events) + 1, kind=EventKind(kind), occurred_at=occurred, recorded_at=learnt, **fields
            )
        )
        return self

    def state(self, at: str | datetime) -> ClockState:
        return fold(self.spec, self.calendar, self.events, at=ny(at) if isinstance(at, str) else at)

    def judged(self, at: str | datetime) -> tuple[OutcomeFact, ...]:
        return judge(self.spec, self.calendar, self.events, at=ny(at) if isinstance(at, str) else at)
