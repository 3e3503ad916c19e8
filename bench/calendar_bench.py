"""How fast business time is, by itself: ``python -m bench.calendar_bench [--json]``.

Prints a table and, as its last line, JSON. Each rate is the best of five rounds, datetimes in and out, on the hours
9-17 Mon-Fri of New York with 105 holidays. Where ``businesstimedelta`` is installed, it runs on the same input.
"""

import importlib
import json
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import CalendarVersion, Closure, Reason, weekly_hours
from app.domain.calendar.timeline import year_pieces
from app.domain.clocks.clock import judge
from app.domain.clocks.event import ClockEvent, ClockSpec, EventKind, WarnShare
from app.domain.clocks.target import due_at, parse_target

ZONE = ZoneInfo("America/New_York")
EIGHT_HOURS = 28_800


def holidays(per_year: int, first: int = 2022, last: int = 2028) -> list[date]:
    """So many weekdays in each year, always the same ones."""
    pick = random.Random(7)  # noqa: S311 - the same days each time
    found: list[date] = []
    for year in range(first, last + 1):
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
        found += sorted(pick.sample([day for day in days if day.isoweekday() <= 5], per_year))
    return found


def calendar(closed: list[date]) -> BusinessCalendar:
    """9-17 Mon-Fri, New York."""
    hours = weekly_hours({day: [(540, 1020)] for day in range(1, 6)})
    closures = tuple(Closure(on, (Reason("holiday"),)) for on in closed)
    return BusinessCalendar("bench", ZONE, [CalendarVersion(1, date(2000, 1, 1), hours, closures=closures)])


def rate(call: Callable[..., object], inputs: Sequence[tuple[Any, ...]], rounds: int = 5) -> int:
    """Calls a second, best of ``rounds``."""
    best = 0
    for _ in range(rounds):
        start = perf_counter()
        for given in inputs:
            call(*given)
        best = max(best, int(len(inputs) / (perf_counter() - start)))
    return best


def reference(closed: list[date], instants: list[datetime]) -> dict[str, int]:
    """The same sums by the best-known library, where it is installed."""
    try:
        library: Any = importlib.import_module("businesstimedelta")
        zones: Any = importlib.import_module("pytz")  # the library knows no other zones
    except ImportError:
        return {}
    zone = zones.timezone("America/New_York")
    workday = library.WorkDayRule(start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4], tz=zone)
    days_off = library.HolidayRule(set(closed), tz=zone)
    rules = library.Rules([workday, days_off])
    eight = library.BusinessTimeDelta(rules, hours=8)
    half_year = timedelta(days=180)
    return {
        "businesstimedelta_adds_per_s": rate(lambda at: at + eight, [(at,) for at in instants[:300]], 3),
        "businesstimedelta_between_180_days_per_s": rate(
            rules.difference, [(at, at + half_year) for at in instants[:5]], 1
        ),
    }


def measure() -> dict[str, float | int]:
    """All lines, by name."""
    closed = holidays(15)
    pick = random.Random(1)  # noqa: S311 - the same instants each time
    instants = [
        datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=pick.randrange(3 * 365 * 86_400)) for _ in range(20_000)
    ]
    ours = calendar(closed)
    ours.between(datetime(2010, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    half_year, ten_years = timedelta(days=180), timedelta(days=3_652)
    next_close = parse_target("business_days:1:close")
    lines: dict[str, float | int] = {
        "holidays": len(closed),
        "adds_8_business_hours_per_s": rate(ours.add_left, [(at, EIGHT_HOURS) for at in instants]),
        "between_180_days_per_s": rate(ours.between, [(at, at + half_year) for at in instants]),
        "between_10_years_per_s": rate(ours.between, [(at - ten_years, at) for at in instants]),
        "close_of_next_business_day_per_s": rate(due_at, [(ours, next_close, at) for at in instants[:5_000]]),
        "judge_a_clock_per_s": rate(_a_judgement(ours), [(at,) for at in instants[:1_000]]),
        "build_a_year_with_20_closures_ms": _build_ms(),
    }
    lines.update(reference(closed, instants))
    if "businesstimedelta_adds_per_s" in lines:
        lines["adds_times_businesstimedelta"] = round(
            lines["adds_8_business_hours_per_s"] / max(1, lines["businesstimedelta_adds_per_s"]), 1
        )
    return lines


def _a_judgement(ours: BusinessCalendar) -> Callable[[datetime], object]:
    spec = ClockSpec(
        milestone="first_response", target=parse_target("business_days:1:close"), warnings=(WarnShare(80),)
    )

    def call(at: datetime) -> object:
        kinds = [(EventKind.START, 0), (EventKind.PAUSE, 1), (EventKind.RESUME, 2), (EventKind.STOP, 4)]
        events = [
            ClockEvent(seq=i, kind=kind, occurred_at=at + timedelta(days=days), recorded_at=at + timedelta(days=days))
            for i, (kind, days) in enumerate(kinds)
        ]
        return judge(spec, ours, events, at=at + timedelta(days=9))

    return call


def _build_ms() -> float:
    """One year from nothing, the zone's transitions included; the median of seven years."""
    closed = holidays(20)
    times = []
    for year in range(2022, 2029):
        year_pieces.cache_clear()
        fresh = calendar([on for on in closed if on.year == year])
        start = perf_counter()
        fresh.is_business_date(date(year, 6, 2))
        times.append((perf_counter() - start) * 1000)
    return round(sorted(times)[len(times) // 2], 2)


def main() -> None:
    """Prints the table, unless ``--json`` is given, and the JSON."""
    lines = measure()
    if "--json" not in sys.argv:
        width = max(map(len, lines))
        for name, value in lines.items():
            sys.stdout.write(f"{name:<{width}}  {value:>12,}\n")
    sys.stdout.write(json.dumps(lines) + "\n")


if __name__ == "__main__":
    main()
