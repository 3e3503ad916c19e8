"""Terms in calendar units and half-open periods: the one owner of boundaries (ALL-1)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.domain.values.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A length in calendar units. Months and days are different things: 30 days is not a month (ALL-1)."""

    years: int = 0
    """Calendar years, 0 to 100."""
    months: int = 0
    """Calendar months, 0 to 1,200."""
    days: int = 0
    """Days, 0 to 36,525; in the zone UTC of 24 hours."""

    def __bool__(self) -> bool:
        return bool(self.years or self.months or self.days)

    def times(self, n: int) -> Term:
        """The term n times over, counted from one anchor (31 Jan + 2 months is 31 Mar, not 28 Mar)."""
        return Term(years=self.years * n, months=self.months * n, days=self.days * n)

    @property
    def text(self) -> str:
        """The term in words, e.g. ``6 months``."""
        parts = [(self.years, "year"), (self.months, "month"), (self.days, "day")]
        return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "no time"


def add_term(at: datetime, term: Term, zone: tzinfo = UTC) -> datetime:
    """``at`` plus a term (ALL-1): calendar months in the policy's term zone, a day the month lacks becomes its last.

    A day is 24 hours when the zone is UTC, as it is in all shipped policies. The answer is in UTC.
    Beyond the year 9999: 422 ``instant_out_of_range``.
    """
    try:
        return _added(at, term, zone)
    except (OverflowError, ValueError):
        raise DomainError("instant_out_of_range", start=at.astimezone(UTC).isoformat(), term=term.text) from None


def _added(at: datetime, term: Term, zone: tzinfo) -> datetime:
    local = at.astimezone(zone)
    months = local.year * 12 + local.month - 1 + term.years * 12 + term.months
    year, month = divmod(months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    moved = local.replace(year=year, month=month + 1, day=day)
    return (moved + timedelta(days=term.days)).astimezone(UTC)
