"""Terms in calendar units, worked by hand (ALL-1): a month is not 30 days, and no end is a day too far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.values.term import Term, add_term


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


MONTHS: tuple[tuple[str, int, str], ...] = (
    ("2025-01-01", 1, "2025-02-01"),
    ("2025-01-15", 1, "2025-02-15"),
    ("2025-01-28", 1, "2025-02-28"),
    ("2025-01-29", 1, "2025-02-28"),
    ("2025-01-30", 1, "2025-02-28"),
    ("2025-01-31", 1, "2025-02-28"),
    ("2024-01-29", 1, "2024-02-29"),
    ("2024-01-31", 1, "2024-02-29"),
    ("2025-02-28", 1, "2025-03-28"),
    ("2024-02-29", 1, "2024-03-29"),
    ("2025-03-31", 1, "2025-04-30"),
    ("2025-04-30", 1, "2025-05-30"),
    ("2025-05-31", 1, "2025-06-30"),
    ("2025-12-31", 1, "2026-01-31"),
    ("2025-12-31", 2, "2026-02-28"),
    ("2025-10-31", 4, "2026-02-28"),
    ("2023-10-31", 4, "2024-02-29"),
    ("2025-01-31", 2, "2025-03-31"),
    ("2025-01-31", 3, "2025-04-30"),
    ("2025-01-31", 12, "2026-01-31"),
    ("2025-01-01", 6, "2025-07-01"),
    ("2025-08-31", 6, "2026-02-28"),
    ("2023-08-31", 6, "2024-02-29"),
    ("2025-07-31", 6, "2026-01-31"),
    ("2025-03-31", 6, "2025-09-30"),
    ("2025-08-29", 6, "2026-02-28"),
    ("2023-08-29", 6, "2024-02-29"),
    ("2025-01-01", 12, "2026-01-01"),
    ("2024-02-29", 12, "2025-02-28"),
    ("2024-02-29", 24, "2026-02-28"),
    ("2024-02-29", 48, "2028-02-29"),
    ("2025-02-28", 12, "2026-02-28"),
    ("2023-02-28", 12, "2024-02-28"),
    ("2025-12-01", 13, "2027-01-01"),
    ("2025-06-30", 120, "2035-06-30"),
    ("2025-01-31", 0, "2025-01-31"),
)
YEARS: tuple[tuple[str, int, str], ...] = (
    ("2025-01-01", 1, "2026-01-01"),
    ("2024-02-29", 1, "2025-02-28"),
    ("2024-02-29", 2, "2026-02-28"),
    ("2024-02-29", 4, "2028-02-29"),
    ("2023-02-28", 1, "2024-02-28"),
    ("2025-12-31", 2, "2027-12-31"),
    ("2025-07-16", 2, "2027-07-16"),
    ("2096-02-29", 4, "2100-02-28"),
    ("2096-02-29", 8, "2104-02-29"),
)
DAYS: tuple[tuple[str, int, str], ...] = (
    ("2025-01-01", 30, "2025-01-31"),
    ("2025-01-31", 30, "2025-03-02"),
    ("2024-01-31", 30, "2024-03-01"),
    ("2025-02-01", 30, "2025-03-03"),
    ("2024-02-01", 30, "2024-03-02"),
    ("2025-12-15", 30, "2026-01-14"),
    ("2025-03-01", 30, "2025-03-31"),
    ("2025-06-30", 30, "2025-07-30"),
    ("2024-02-28", 1, "2024-02-29"),
    ("2025-02-28", 1, "2025-03-01"),
    ("2025-12-31", 1, "2026-01-01"),
    ("2025-01-01", 365, "2026-01-01"),
    ("2024-01-01", 365, "2024-12-31"),
    ("2025-01-01", 7, "2025-01-08"),
    ("2025-03-29", 2, "2025-03-31"),
)


@pytest.mark.parametrize(
    ("start", "unit", "count", "end"),
    [
        *((start, "months", count, end) for start, count, end in MONTHS),
        *((start, "years", count, end) for start, count, end in YEARS),
        *((start, "days", count, end) for start, count, end in DAYS),
    ],
)
def test_terms_end_where_a_calendar_says(start: str, unit: str, count: int, end: str) -> None:
    """Sixty cases worked by hand; the time of day stays."""
    term = Term(**{unit: count})
    for clock in ("T00:00:00", "T13:37:01", "T23:59:59"):
        assert add_term(at(start + clock), term) == at(end + clock)


def test_a_month_and_a_day_are_a_month_and_then_a_day() -> None:
    assert add_term(at("2025-01-31T00:00:00"), Term(months=1, days=1)) == at("2025-03-01T00:00:00")
    assert add_term(at("2025-01-31T00:00:00"), Term(months=1).times(2)) == at("2025-03-31T00:00:00")
    assert add_term(at("2024-02-29T00:00:00"), Term(years=1, months=1)) == at("2025-03-29T00:00:00")
    assert Term(years=1, months=6, days=1).text == "1 year 6 months 1 day"
    assert (Term().text, bool(Term()), bool(Term(days=1))) == ("no time", False, True)


def test_in_a_zone_the_clock_on_the_wall_stays() -> None:
    """Through the change to summer time a month keeps the hour that people read."""
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2025, 3, 15, 10, 0, tzinfo=berlin)
    assert add_term(start, Term(months=1), berlin) == datetime(2025, 4, 15, 10, 0, tzinfo=berlin)
    assert add_term(start, Term(months=1), berlin) - start == timedelta(days=31, hours=-1)
    late = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)
    assert add_term(late, Term(months=1), berlin) == datetime(2025, 2, 28, 23, 30, tzinfo=UTC)
