"""How long a bought term serves: to the instant or to the end of its last day, and with days of grace.

A term's nominal end is counted from where an unbroken chain of periods began, so that no renewal moves the date. The
31st is the 31st again after February. The paid period ends there, or with that local day. Service may go on for some
days of grace. In the shipped policies all of this is off (ALL-1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.policy.policy import Policy
from app.domain.values.term import Term, add_term

_MONTHS_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time under cover; ``ends`` is exclusive, None without an end. ``license_id`` None: it serves all licenses.

    ``term`` is what was bought, None where the end is no term's. ``renewable_until``: a renewal by then goes on
    from its end.
    """

    starts: datetime
    ends: datetime | None
    actions: tuple[str, ...]
    levels: tuple[int, ...]
    license_id: str | None
    term: Term | None = None
    renewable_until: datetime | None = None

    def counts_for(self, actions: Sequence[str], levels: Sequence[int]) -> bool:
        """Whether cover of these actions and levels is of use only beyond it."""
        if not set(self.actions) & set(actions):
            return False
        return not self.levels or bool(set(self.levels) & set(levels))


@dataclass(frozen=True, slots=True)
class CoverTerms:
    """What a policy says of the ends of terms."""

    zone: tzinfo
    last_day: tzinfo | None
    """The zone in which the last day counts whole; None: a term ends to the instant."""
    grace: int
    renewal: int | None
    """Days after its end in which a period is renewed without a gap. None: a renewal begins when it is bought."""

    @classmethod
    def of(cls, policy: Policy) -> CoverTerms:
        """The terms of a policy."""
        rules = policy.cover
        return cls(
            zone=_zone(policy.term_zone),
            last_day=None if rules.end_of_day is None else _zone(rules.end_of_day),
            grace=rules.grace,
            renewal=None if rules.renewal is None else max(rules.renewal.within, rules.grace),
        )

    @property
    def chained(self) -> bool:
        """Whether a period that goes on from another is counted from where the first began."""
        return self.last_day is not None or self.renewal is not None

    def paid(self, nominal: datetime) -> datetime:
        """The end of what was paid for: the instant, or the end of its local day."""
        if self.last_day is None:
            return nominal
        return self._midnight(nominal, 1)

    def served(self, nominal: datetime) -> datetime:
        """The end of what is served, days of grace included."""
        if self.last_day is None:
            return nominal + timedelta(days=self.grace)
        return self._midnight(nominal, 1 + self.grace)

    def _midnight(self, at: datetime, days: int) -> datetime:
        on = at.astimezone(self.last_day).date() + timedelta(days=days)
        return datetime.combine(on, time(), self.last_day).astimezone(UTC)

    def periods(
        self, starts: datetime, term: Term, count: int, before: Sequence[Stretch] = ()
    ) -> list[tuple[datetime, datetime]]:
        """``count`` terms one after another from ``starts``, which may go on from cover of ``before``."""
        anchor, total = self._chain(starts, before, {})
        found = []
        for i in range(1, count + 1):
            nominal = add_term(anchor, _sum(total, term.times(i)), self.zone)
            found.append((starts, max(self.served(nominal), starts)))
            starts = self.paid(nominal)
        return found

    def paid_up(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """The stretches as bought cover sees them: each ends where what was paid for ends."""
        if not self.grace and not self.chained:
            return list(stretches)
        chains: dict[datetime, tuple[datetime, Term]] = {}
        found = []
        for stretch in stretches:
            nominal = self._nominal(stretch, stretches, chains)
            if nominal is not None:
                until = None if self.renewal is None else self.paid(nominal) + timedelta(days=self.renewal)
                stretch = replace(stretch, ends=self.paid(nominal), renewable_until=until)  # noqa: PLW2901
            found.append(stretch)
        return found

    def nominal_end(self, starts: datetime, ends: datetime, term: Term, known: Sequence[Stretch]) -> datetime:
        """Where what was bought ends to the instant, without the days of grace and the rest of the last day.

        These stay at the end of a period that became longer. One that was cut short ends where it was cut.
        """
        if not self.grace and not self.chained:
            return ends
        anchor, total = self._chain(starts, known, {})
        nominal = add_term(anchor, _sum(total, term), self.zone)
        served = self.served(nominal)
        if ends <= served:
            return min(ends, nominal)
        for more in range(1, _MONTHS_MAX + 1):  # months that were added to the end are added to what was bought
            extended = add_term(served, Term(months=more), self.zone)
            if extended >= ends:
                return (
                    add_term(nominal, Term(months=more), self.zone) if extended == ends else ends - (served - nominal)
                )
        return ends - (served - nominal)

    def _nominal(
        self, stretch: Stretch, known: Sequence[Stretch], chains: dict[datetime, tuple[datetime, Term]]
    ) -> datetime | None:
        """Where a stretch's term ends to the instant; None where it does not end as it was bought."""
        if stretch.ends is None or stretch.term is None:
            return None
        anchor, total = self._chain(stretch.starts, known, chains)
        nominal = add_term(anchor, _sum(total, stretch.term), self.zone)
        return nominal if stretch.ends == self.served(nominal) else None

    def _chain(
        self, starts: datetime, known: Sequence[Stretch], chains: dict[datetime, tuple[datetime, Term]]
    ) -> tuple[datetime, Term]:
        """Where the unbroken chain of terms that leads to an instant began, and how long it is by then."""
        if starts in chains:
            return chains[starts]
        chains[starts] = (starts, Term())
        if self.chained:
            before = [
                stretch
                for stretch in known
                if stretch.starts < starts and stretch.ends is not None and starts <= stretch.ends
            ]
            for stretch in sorted(before, key=lambda item: item.starts, reverse=True):
                nominal = self._nominal(stretch, known, chains)
                if nominal is not None and stretch.term is not None and self.paid(nominal) == starts:
                    anchor, total = chains[stretch.starts]
                    chains[starts] = (anchor, _sum(total, stretch.term))
                    break
        return chains[starts]

    def as_bought(self, starts: datetime, ends: datetime | None, term: Term) -> bool:
        """Whether an end is that of a term from ``starts``, or of one more term of a chain that leads there.

        A period counted from a far anchor may end up to three days after its own start plus its term. Example: 31
        January, 28 February, 31 March. In a chain of whole days it may also end earlier.
        """
        period = self.served(add_term(starts, term, self.zone))
        if ends is None or ends == period:
            return ends == period
        if self.chained:
            return abs(ends - period) <= timedelta(days=4)
        return bool(term.months or term.years) and period < ends <= period + timedelta(days=3)


def resumes_at(stretches: Sequence[Stretch], placed_at: datetime, license_id: str | None) -> datetime:
    """Where a renewal goes on: at the end of what has just run out, or when it is bought."""
    mine = [stretch for stretch in stretches if stretch.license_id is None or stretch.license_id == license_id]
    if any(stretch.starts <= placed_at and (stretch.ends is None or placed_at < stretch.ends) for stretch in mine):
        return placed_at
    return max(
        (
            stretch.ends
            for stretch in mine
            if stretch.ends is not None
            and stretch.renewable_until is not None
            and stretch.ends <= placed_at < stretch.renewable_until
        ),
        default=placed_at,
    )


def _sum(term: Term, other: Term) -> Term:
    return Term(years=term.years + other.years, months=term.months + other.months, days=term.days + other.days)


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
