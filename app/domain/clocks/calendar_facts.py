"""What the calendar says of an instant and of a stretch of time: in hours or after, on which day, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.timeline import from_s, to_s
from app.domain.clocks.ticket_clock import Hours
from app.domain.policy.surcharges import WEEKDAYS

_DAY = timedelta(days=1)


def calendar_facts(hours: Hours, at: datetime) -> dict[str, Any]:
    """How the calendar stands at an instant: ``in_hours``, ``on_business_day``, ``weekday``, by its own zone."""
    return _facts(hours.calendar, to_s(at))


Stretch = tuple[datetime, int, Mapping[str, Any]]
"""The begin of a part, its seconds, and how the calendar stands in it."""


def stretches(hours: Hours, begin: datetime, minutes: int) -> list[Stretch]:
    """A line of work, cut where the calendar opens, closes, or a day ends."""
    calendar, start = hours.calendar, to_s(begin)
    end = start + minutes * 60
    edges = {start, end}
    for opens, closes in calendar.segments_s(start, end):
        edges |= {opens, closes}
    day = calendar.local_date_s(start)
    while (midnight := calendar.start_of_date_s(day := day + _DAY)) < end:
        if midnight > start:
            edges.add(midnight)
    return [(from_s(first), last - first, _facts(calendar, first)) for first, last in pairwise(sorted(edges))]


def _facts(calendar: BusinessCalendar, second: int) -> dict[str, Any]:
    on = calendar.local_date_s(second)
    return {
        "in_hours": bool(calendar.segments_s(second, second + 1)),
        "on_business_day": calendar.is_business_date(on),
        "weekday": WEEKDAYS[on.weekday()],
    }
