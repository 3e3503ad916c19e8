"""Events of some hours in a feed of closed days, as what they would take away of each date.

Such an event may be a meeting as well, so it is only offered to a person. A feed of ours marks the half days in it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.domain.calendar.opening_hours import MINUTES_A_DAY, format_minute

DATES_MAX: Final = 14
"""Dates of one event that are offered."""


def closed_hours(event: Any, *, name: str, here: ZoneInfo, source: str) -> list[dict[str, Any]]:
    """Exceptions that close the hours of an event on each of its dates, by the calendar's wall clock; none for others.

    A whole date between its first and its last is closed.
    """
    start = event["DTSTART"].dt
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        # So many hours pass on the clock of the instants, also where the wall clock is changed meanwhile.
        end = (start if start.tzinfo is None else start.astimezone(UTC)) + event["DURATION"].dt
    else:
        return []
    begins, ends = _wall(start, here), _wall(end, here)
    if last_minute(ends):
        ends = next_midnight(ends)
    if not begins < ends or (ends.date() - begins.date()).days > DATES_MAX:
        return []
    rows: list[dict[str, Any]] = []
    for offset in range((ends.date() - begins.date()).days + 1):
        on = begins.date() + timedelta(days=offset)
        low = _minute(begins) if on == begins.date() else 0
        until = _minute(ends) + (ends.second > 0) if on == ends.date() else MINUTES_A_DAY
        if low < until:
            whole = (low, until) == (0, MINUTES_A_DAY)
            hours = {} if whole else {"hours": [[format_minute(low), format_minute(until)]]}
            kind = "closed" if whole else "subtract"
            rows.append({"date": on.isoformat(), "kind": kind, **hours, "name": name, "source": source})
    return rows


def rest_of(hours: list[list[str]]) -> list[list[str]]:
    """What of a day lies outside one stretch of it."""
    ((begins, ends),) = hours
    return [[a, b] for a, b in (("00:00", begins), (ends, "24:00")) if a != b]


def _wall(at: date, here: ZoneInfo) -> datetime:
    """The calendar's wall clock at a value."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    return (at if at.tzinfo is None else at.astimezone(here)).replace(tzinfo=None)


def _minute(at: datetime) -> int:
    return at.hour * 60 + at.minute


def last_minute(at: date) -> bool:
    """Whether a day ends here: many programs say 23:59."""
    return isinstance(at, datetime) and at.time().replace(second=0) == time(23, 59) and at.year < 9999


def next_midnight(at: datetime) -> datetime:
    """The midnight after a time."""
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)
