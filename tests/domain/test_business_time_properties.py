"""The invariants of business time, over calendars whose edges lie where zones break."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.intervals import difference, intersection, normalise
from app.domain.calendar.opening_hours import (
    CalendarException,
    CalendarVersion,
    Closure,
    ExceptionKind,
    Reason,
    Span,
    WeeklyHours,
    weekly_hours,
)
from app.domain.calendar.timeline import SlaUnreachable, Timeline, from_s, to_s

# Gap and fold dates, a skipped date, a midnight gap, negative daylight saving, half an hour and three quarters of one.
BREAKS = [
    ("Australia/Lord_Howe", date(2025, 4, 6)),
    ("Australia/Lord_Howe", date(2025, 10, 5)),
    ("Europe/Dublin", date(2025, 3, 30)),
    ("Europe/Dublin", date(2025, 10, 26)),
    ("Europe/Moscow", date(2011, 3, 27)),
    ("Europe/Moscow", date(2014, 10, 26)),
    ("Africa/Casablanca", date(2025, 2, 23)),
    ("Africa/Casablanca", date(2025, 4, 6)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Chatham", date(2025, 4, 6)),
    ("Pacific/Chatham", date(2025, 9, 28)),
    ("America/New_York", date(2025, 3, 9)),
    ("America/New_York", date(2025, 11, 2)),
    ("America/New_York", date(2024, 12, 31)),
    ("UTC", date(2025, 1, 1)),
]

_minutes = st.one_of(
    st.sampled_from([0, 1, 30, 60, 90, 119, 120, 121, 150, 165, 180, 210, 225, 540, 720, 1020, 1380, 1439, 1440]),
    st.integers(0, 1440),
)


@st.composite
def day_spans(draw: st.DrawFn) -> list[Span]:
    """No to three spans, adjacent ones and whole days among them."""
    if draw(st.integers(0, 4)) == 0:
        return [(0, 1440)]
    edges = sorted(draw(st.sets(_minutes, max_size=6)))
    if draw(st.booleans()):
        return list(pairwise(edges))  # all adjacent
    return list(zip(edges[::2], edges[1::2], strict=False))


class Case:
    """One calendar near one break: its parts, so that a property can vary them."""

    def __init__(
        self, zone: str, near: date, hours: dict[int, list[Span]], rows: list[CalendarException], closed: list[date]
    ) -> None:
        self.zone, self.near, self.hours, self.rows, self.closed = zone, near, hours, rows, closed
        self.calendar = self.build()

    def build(
        self,
        *,
        hours: WeeklyHours | None = None,
        rows: list[CalendarException] | None = None,
        closed: list[date] | None = None,
        zone: str | None = None,
        more: tuple[CalendarVersion, ...] = (),
    ) -> BusinessCalendar:
        version = self.version(1, date(1901, 1, 1), hours, rows, closed)
        return BusinessCalendar("c", ZoneInfo(zone or self.zone), [version, *more])

    def version(
        self,
        revision: int,
        effective_from: date,
        hours: WeeklyHours | None = None,
        rows: list[CalendarException] | None = None,
        closed: list[date] | None = None,
    ) -> CalendarVersion:
        return CalendarVersion(
            revision,
            effective_from,
            weekly_hours(self.hours) if hours is None else hours,
            tuple(self.rows if rows is None else rows),
            tuple(Closure(on, (Reason("closed"),)) for on in (self.closed if closed is None else closed)),
        )

    def __repr__(self) -> str:
        return f"Case({self.zone}, {self.near}, {self.hours}, {self.rows}, {self.closed})"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, near = draw(st.sampled_from(BREAKS))
    hours = {day: draw(day_spans()) for day in range(1, 8)}
    if draw(st.integers(0, 5)):  # mostly not an empty week
        hours[draw(st.integers(1, 7))] = [(0, 180), (540, 1020)]
    around = st.integers(-6, 6).map(lambda days: near + timedelta(days=days))
    rows = []
    for on in draw(st.lists(around, max_size=4)):
        kind = draw(st.sampled_from(list(ExceptionKind)))
        given_spans = tuple(draw(day_spans())) if kind is not ExceptionKind.CLOSED else ()
        if given_spans or kind in (ExceptionKind.CLOSED, ExceptionKind.REPLACE):
            rows.append(CalendarException(on, kind, given_spans, "why"))
    return Case(zone, near, hours, rows, draw(st.lists(around | st.just(near), max_size=3)))


def near_s(draw: st.DrawFn, case: Case) -> int:
    """An instant near the break: any second, a minute, or an edge and a second to either side."""
    middle = (case.near - date(1970, 1, 1)).days * 86_400
    any_second = draw(st.integers(middle - 6 * 86_400, middle + 6 * 86_400))
    if draw(st.booleans()):
        edges = [edge for pair in case.calendar.segments_s(middle - 6 * 86_400, middle + 6 * 86_400) for edge in pair]
        if edges:
            return edges[bisect_right(edges, any_second) % len(edges)] + draw(st.sampled_from([-1, 0, 1]))
    return any_second


@st.composite
def moments(draw: st.DrawFn, count: int) -> tuple[Case, list[int]]:
    case = draw(cases())
    return case, [near_s(draw, case) for _ in range(count)]


def amount(draw: st.DrawFn, calendar: Timeline, start: int) -> int:
    """Seconds to add; often exactly what some whole segments hold."""
    if draw(st.booleans()):
        segments = calendar.segments_s(start, start + 20 * 86_400)
        if segments:
            return sum(b - a for a, b in segments[: draw(st.integers(1, len(segments)))])
    return draw(st.integers(1, 200_000))


@st.composite
def additions(draw: st.DrawFn) -> tuple[Case, int, int]:
    case = draw(cases())
    assume(any(case.hours.values()))
    start = near_s(draw, case)
    return case, start, amount(draw, case.calendar, start)


fast = settings(max_examples=40, deadline=None)


def by_the_clock(case: Case, second: int) -> bool:
    """Membership straight from the zone database and the rows, by none of the code under test."""
    local = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(case.zone))
    on, minute = local.date(), local.hour * 60 + local.minute
    rows = [row for row in case.rows if row.on == on]

    def inside(spans: list[Span]) -> bool:
        return any(a <= minute < b for a, b in spans)

    def given_by(kind: ExceptionKind) -> list[Span]:
        return [span for row in rows if row.kind is kind for span in row.spans]

    if any(row.kind is ExceptionKind.CLOSED for row in rows):
        return False
    replaced = any(row.kind is ExceptionKind.REPLACE for row in rows)
    # What is said of a date wins over a rule that closes it.
    usual = [] if on in case.closed else case.hours[on.isoweekday()]
    base = given_by(ExceptionKind.REPLACE) if replaced else usual
    return (inside(base) or inside(given_by(ExceptionKind.ADD))) and not inside(given_by(ExceptionKind.SUBTRACT))


@settings(max_examples=25, deadline=None)
@given(cases(), st.integers(-3, 3))
def test_p16_open_time_is_what_a_minute_walk_reads_off_the_clock(case: Case, shift: int) -> None:
    start = ((case.near - date(1970, 1, 1)).days + shift) * 86_400
    end = start + 86_400
    walked = 0
    for second in range(start, end, 60):
        opened = by_the_clock(case, second)
        assert case.calendar.is_open_s(second) == opened, from_s(second)
        walked += 60 * opened
    assert case.calendar.between_s(start, end) == walked


@fast
@given(moments(4))
def test_p16_is_open_at_any_second(given_: tuple[Case, list[int]]) -> None:
    case, instants = given_
    for second in instants:
        assert case.calendar.is_open_s(second) == by_the_clock(case, second)


@fast
@given(moments(3))
def test_p1_p2_parts_add_up_and_stay_in_bounds(given_: tuple[Case, list[int]]) -> None:
    case, instants = given_
    a, b, c = sorted(instants)
    between = case.calendar.between_s
    assert between(a, b) + between(b, c) == between(a, c)
    assert 0 <= between(a, b) <= b - a


@fast
@given(additions())
def test_p3_to_p6_due_is_the_earliest_and_resumption_the_latest(given_: tuple[Case, int, int]) -> None:
    case, start, seconds = given_
    calendar = case.calendar
    try:
        due, resumes = calendar.add_left_s(start, seconds), calendar.add_right_s(start, seconds)
    except SlaUnreachable:
        assume(False)
    assert calendar.between_s(start, due) == seconds
    assert calendar.between_s(start, due - 1) < seconds
    assert calendar.is_open_s(due - 1)
    assert calendar.between_s(start, resumes) == seconds
    assert calendar.is_open_s(resumes)
    assert due <= resumes


@fast
@given(additions(), st.integers(0, 90_000), st.integers(0, 90_000))
def test_p7_to_p9_sums_and_order(given_: tuple[Case, int, int], more: int, later: int) -> None:
    case, start, seconds = given_
    add = case.calendar.add_left_s
    try:
        whole = add(start, seconds + more)
        assert add(add(start, seconds), more) == whole
        assert add(start, seconds) <= whole
        assert add(start, seconds) <= add(start + later, seconds)
    except SlaUnreachable:
        assume(False)


@fast
@given(additions())
def test_p10_p11_taking_away_undoes_adding(given_: tuple[Case, int, int]) -> None:
    case, start, seconds = given_
    try:
        before = case.calendar.sub_s(start, seconds)
    except SlaUnreachable:
        assume(False)
    assert case.calendar.between_s(before, start) == seconds
    assert case.calendar.is_open_s(before)
    assert case.calendar.add_left_s(before, seconds) <= start


@fast
@given(additions(), st.integers(-5, 5), day_spans())
def test_p17_closing_never_helps_and_opening_never_hurts(
    given_: tuple[Case, int, int], days: int, spans: list[Span]
) -> None:
    case, start, seconds = given_
    on = case.near + timedelta(days=days)
    try:
        due = case.calendar.add_left_s(start, seconds)
        assert case.build(closed=[*case.closed, on]).add_left_s(start, seconds) >= due
        if spans:
            added = CalendarException(on, ExceptionKind.ADD, tuple(spans))
            assert case.build(rows=[*case.rows, added]).add_left_s(start, seconds) <= due
    except SlaUnreachable:
        assume(False)


@fast
@given(additions(), st.randoms(use_true_random=False))
def test_p18_p19_order_and_splitting_change_nothing(given_: tuple[Case, int, int], shuffler: object) -> None:
    case, start, _ = given_
    rows, closed = list(reversed(case.rows)), list(reversed(case.closed))
    split = {
        day: [half for a, b in reversed(spans) for half in ((a, (a + b) // 2), ((a + b) // 2, b)) if half[0] < half[1]]
        for day, spans in case.hours.items()
    }
    other = case.build(hours=weekly_hours(split), rows=rows, closed=closed)
    span = (start - 9 * 86_400, start + 9 * 86_400)
    assert other.segments_s(*span) == case.calendar.segments_s(*span)


@fast
@given(additions(), st.integers(-12, 12))
def test_p20_a_fixed_offset_commutes(given_: tuple[Case, int, int], hours: int) -> None:
    case, start, seconds = given_
    at_utc = case.build(zone="UTC")
    shifted = case.build(zone=f"Etc/GMT{-hours:+d}" if hours else "UTC")
    try:
        due = at_utc.add_left_s(start, seconds)
    except SlaUnreachable:
        assume(False)
    assert shifted.add_left_s(start - hours * 3600, seconds) == due - hours * 3600


@fast
@given(additions(), st.integers(-9, 9), day_spans())
def test_p21_p22_versions(given_: tuple[Case, int, int], days: int, spans: list[Span]) -> None:
    case, start, _ = given_
    on = case.near + timedelta(days=days)
    span = (start - 12 * 86_400, start + 12 * 86_400)
    same = case.build(more=(case.version(2, on),))
    assert same.segments_s(*span) == case.calendar.segments_s(*span)
    other = case.build(more=(case.version(2, on, weekly_hours(dict.fromkeys(range(1, 8), spans))),))
    until = other.start_of_date_s(on)
    if span[0] < until:
        assert other.segments_s(span[0], until) == case.calendar.segments_s(span[0], until)


_sets = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


@fast
@given(_sets, _sets)
def test_segment_algebra_against_sets_of_seconds(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    def seconds(segments: list[tuple[int, int]]) -> set[int]:
        return {second for a, b in segments for second in range(a, b)}

    a, b = normalise(left), normalise(right)
    assert seconds(a) == seconds(left)
    assert all(x[1] < y[0] for x, y in pairwise(a))
    assert seconds(intersection(a, b)) == seconds(a) & seconds(b)
    assert seconds(difference(a, b)) == seconds(a) - seconds(b)


@fast
@given(moments(1))
def test_business_dates_are_the_local_dates_of_open_seconds(given_: tuple[Case, list[int]]) -> None:
    case, (second,) = given_
    calendar = case.calendar
    on = calendar.local_date_s(second)
    if calendar.is_open_s(second):
        assert calendar.is_business_date(on)
        assert calendar.open_of_s(on) <= second < calendar.close_of_s(on)
    span = calendar.date_span_s(on)
    if span is not None:
        assert calendar.local_date_s(span[0]) == on == calendar.local_date_s(span[1] - 1)
    assert to_s(from_s(second)) == second
