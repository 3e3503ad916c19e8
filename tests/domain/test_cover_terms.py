"""Chains of renewals against another reading of the calendar: the date is kept, nothing is missing or twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cover.terms import CoverTerms, Stretch
from app.domain.values.term import Term

ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "America/Sao_Paulo"])
STARTS = st.datetimes(datetime(2009, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


def chain(terms: CoverTerms, starts: datetime, months: list[int]) -> list[Stretch]:
    """Periods bought one after another, each known with those before it only."""
    found: list[Stretch] = []
    begins = starts
    for length in months:
        ((begins, ends),) = terms.periods(begins, Term(months=length), 1, found)
        found.append(Stretch(begins, ends, ("open_ticket",), (), None, Term(months=length)))
        begins = terms.paid_up(found)[-1].ends or begins
    return found


@settings(max_examples=200, deadline=None)
@given(STARTS, ZONES, st.lists(st.sampled_from([1, 3, 12]), min_size=1, max_size=14), st.integers(0, 9))
def test_every_period_ends_with_the_day_that_the_first_began_on(
    starts: datetime, name: str, months: list[int], grace: int
) -> None:
    zone = ZoneInfo(name)
    terms = CoverTerms(zone=UTC, last_day=zone, grace=grace, renewal=0)
    found = chain(terms, starts, months)
    for i, one in enumerate(found):
        last = (starts + relativedelta(months=sum(months[: i + 1]))).astimezone(zone).date()
        midnight = datetime.combine(last + timedelta(days=1 + grace), datetime.min.time(), zone)
        assert one.ends == midnight.astimezone(UTC)
        if i:
            before = datetime.combine(
                (starts + relativedelta(months=sum(months[:i]))).astimezone(zone).date() + timedelta(days=1),
                datetime.min.time(),
                zone,
            )
            assert one.starts == before.astimezone(UTC), "no gap, and no day twice but those of grace"
        assert terms.as_bought(one.starts, one.ends, one.term or Term())


@settings(max_examples=100, deadline=None)
@given(STARTS, st.lists(st.sampled_from([1, 12]), min_size=1, max_size=24))
def test_to_the_instant_a_renewal_keeps_the_date_too(starts: datetime, months: list[int]) -> None:
    terms = CoverTerms(zone=UTC, last_day=None, grace=0, renewal=0)
    ends = [one.ends for one in chain(terms, starts, months)]
    assert ends == [starts + relativedelta(months=sum(months[: i + 1])) for i in range(len(months))]


@given(STARTS, st.integers(1, 24))
def test_terms_of_the_shipped_policies_are_plain(starts: datetime, months: int) -> None:
    terms = CoverTerms(zone=UTC, last_day=None, grace=0, renewal=None)
    assert terms.periods(starts, Term(months=months), 1) == [(starts, starts + relativedelta(months=months))]
    stretch = Stretch(starts, starts + timedelta(days=3), (), (), None, Term(months=months))
    assert terms.paid_up([stretch]) == [stretch]


def test_cover_that_was_shortened_begins_no_chain() -> None:
    terms = CoverTerms(zone=UTC, last_day=UTC, grace=3, renewal=5)
    starts = datetime(2025, 1, 15, 9, tzinfo=UTC)
    ended = Stretch(starts, starts + timedelta(days=10), ("open_ticket",), (), None, Term(months=12))
    (seen,) = terms.paid_up([ended])
    assert seen == ended, "its end stands, and nothing is renewed from before it"
