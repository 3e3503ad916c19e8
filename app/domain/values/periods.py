"""Days, weeks, months, quarters and years of a calendar in a zone: the instants at which they begin and end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

_DAY: Final = timedelta(days=1)
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


def period_of(each: str, at: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the begin and the end, exclusive, of the day, week, month, quarter or year of an instant in a zone."""
    first, days = at.astimezone(zone).date(), 1
    match each:
        case "week":
            first, days = first - _DAY * first.weekday(), 7
        case "month":
            first, days = first.replace(day=1), 31
        case "quarter":
            first, days = first.replace(month=(first.month - 1) // 3 * 3 + 1, day=1), 92
        case "year":
            first, days = first.replace(month=1, day=1), 366
    try:
        following = first + _DAY * days
    except OverflowError:
        return _midnight(first, zone), _NEVER
    if each in ("month", "quarter", "year"):
        following = following.replace(day=1, month=1 if each == "year" else following.month)
    return _midnight(first, zone), _midnight(following, zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in a zone, also where the clock skips midnight."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
