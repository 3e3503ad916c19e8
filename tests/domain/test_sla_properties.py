"""The invariants of clocks: pauses conserve, folds forget no order, sweeps may come late or often."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.timeline import from_s, to_s
from app.domain.clocks.clock import ClockState, fold, judge, next_action_at
from app.domain.clocks.event import (
    ClockEvent,
    ClockSpec,
    EventKind,
    Outcome,
    Party,
    PauseRule,
    Phase,
    WarnBefore,
    WarnShare,
    WindowState,
)
from app.domain.clocks.target import parse_target
from tests.domain.sla_builders import a_calendar, ny, shopp_calendar

fast = settings(max_examples=60, deadline=None)
SHOPP = shopp_calendar()
SYDNEY = a_calendar(
    {1: [(0, 1440)], 2: [(540, 720), (780, 1440)], 5: [(0, 90), (150, 300)], 7: [(60, 180)]}, zone="Australia/Lord_Howe"
)
START = to_s(ny("2025-10-03 08:00"))
TARGETS = [
    "business_seconds:28800",
    "business_days:1",
    "business_days:2:close",
    "seconds:86400",
    "rolling:20000",
    "each_business_day",
    "none",
]
calendars = st.sampled_from([SHOPP, SYDNEY])
seconds = st.one_of(st.integers(0, 12 * 86_400), st.integers(0, 12 * 24).map(lambda hours: hours * 3600))


@st.composite
def specs(draw: st.DrawFn, targets: tuple[str, ...] = tuple(TARGETS)) -> ClockSpec:
    return ClockSpec(
        milestone="resolution",
        target=parse_target(draw(st.sampled_from(targets))),
        warnings=draw(st.sampled_from([(), (WarnShare(50),), (WarnShare(80), WarnBefore(3600))])),
        pause_rule=draw(st.sampled_from(PauseRule)),
        grace_seconds=draw(st.sampled_from([0, 0, 120])),
        resume_date_owed=draw(st.booleans()),
    )


@st.composite
def histories(draw: st.DrawFn, late: bool = True) -> list[ClockEvent]:
    """A start and then anything, in any order of occurrence, some of it recorded late, some of it nonsense."""
    events = [_event(1, EventKind.START, START)]
    kinds = st.sampled_from(
        [
            EventKind.PAUSE,
            EventKind.RESUME,
            EventKind.RESPONSE,
            EventKind.PAUSE,
            EventKind.RESUME,
            EventKind.RESPONSE,
            EventKind.STOP,
            EventKind.REOPEN,
            EventKind.RETARGET,
            EventKind.CORRECT,
            EventKind.CALENDAR_CHANGED,
        ]
    )
    for seq in range(2, draw(st.integers(2, 9))):
        kind, occurred = draw(kinds), START + draw(seconds)
        delay = draw(st.sampled_from([0, 0, 0, 30, 3600, 2 * 86_400])) if late else 0
        events.append(
            ClockEvent(
                seq=seq,
                kind=kind,
                occurred_at=from_s(occurred),
                recorded_at=from_s(occurred + delay),
                reason=draw(st.sampled_from(["a", "b"])),
                party=draw(st.sampled_from(Party)),
                target=parse_target(draw(st.sampled_from(TARGETS))) if kind is EventKind.RETARGET else None,
                corrects=draw(st.integers(1, seq)) if kind is EventKind.CORRECT else None,
            )
        )
    return events


def _event(seq: int, kind: EventKind, second: int, **fields: object) -> ClockEvent:
    return ClockEvent(seq=seq, kind=kind, occurred_at=from_s(second), recorded_at=from_s(second), **fields)  # type: ignore[arg-type]


def _paused(spec: ClockSpec, calendar: BusinessCalendar, spans: list[tuple[int, int]], at: int) -> ClockState:
    """A clock with the pauses ``spans``, each for a reason of its own, so that they may overlap."""
    events = [_event(1, EventKind.START, START)]
    for i, (start, end) in enumerate(spans):
        events.append(_event(2 * i + 2, EventKind.PAUSE, start, reason=str(i)))
        events.append(_event(2 * i + 3, EventKind.RESUME, end, reason=str(i)))
    return fold(spec, calendar, events, at=from_s(at))


SINGLE = ("business_seconds:28800", "business_days:1", "business_days:2:close", "seconds:86400")
spans = st.tuples(seconds, seconds).map(lambda pair: (START + min(pair), START + max(pair)))
FAR = START + 12 * 86_400


@fast
@given(calendars, st.lists(spans, max_size=4), st.integers(1, 100_000))
def test_p12_p24_running_time_at_the_due_time_is_what_was_promised(
    calendar: BusinessCalendar, pauses: list[tuple[int, int]], amount: int
) -> None:
    spec = ClockSpec(milestone="resolution", target=parse_target(f"business_seconds:{amount}"))
    due = _paused(spec, calendar, pauses, FAR).due_at
    assert due is not None
    # By brute force: the running seconds, overlapping reasons counted once.
    edges = sorted({START, to_s(due), *(min(max(edge, START), to_s(due)) for span in pauses for edge in span)})
    running = sum(calendar.between_s(a, b) for a, b in pairwise(edges) if not any(p <= a and b <= q for p, q in pauses))
    assert running == amount


@fast
@given(specs(SINGLE), calendars, spans, st.integers(0, 3 * 86_400))
def test_p14_p15_a_pause_never_brings_a_due_time_forward(
    spec: ClockSpec, calendar: BusinessCalendar, pause: tuple[int, int], longer: int
) -> None:
    far = FAR + longer
    before, paused = _paused(spec, calendar, [], far).due_at, _paused(spec, calendar, [pause], far).due_at
    more = _paused(spec, calendar, [(pause[0], pause[1] + longer)], far).due_at
    assert before is not None
    assert paused is not None
    assert more is not None
    assert before <= paused <= more


@fast
@given(specs(SINGLE[:3]), calendars, spans)
def test_p13_a_pause_wholly_outside_hours_does_nothing(
    spec: ClockSpec, calendar: BusinessCalendar, pause: tuple[int, int]
) -> None:
    opening = calendar.next_opening_s(pause[0])
    assert opening is not None
    quiet = (pause[0], min(pause[1], opening))
    before = _paused(spec, calendar, [], FAR)
    assume(calendar.between_s(*quiet) == 0)
    # A pause exactly at the due time leaves nothing to keep, and the end of the pause is the due time.
    assume(before.due_at is None or not quiet[0] <= to_s(before.due_at) <= quiet[1])
    assert _paused(spec, calendar, [quiet], FAR).due_at == before.due_at


@fast
@given(specs(), calendars, histories(), st.randoms(use_true_random=False), seconds)
def test_p23_the_order_in_which_events_are_given_means_nothing(
    spec: ClockSpec, calendar: BusinessCalendar, events: list[ClockEvent], shuffler: object, later: int
) -> None:
    at = from_s(START + later)
    shuffled = list(events)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(spec, calendar, shuffled, at=at) == fold(spec, calendar, events, at=at)
    assert judge(spec, calendar, shuffled, at=at) == judge(spec, calendar, events, at=at)


@fast
@given(specs(), calendars, histories(late=False), seconds)
def test_p25_the_ledger_adds_up_to_the_wall_clock(
    spec: ClockSpec, calendar: BusinessCalendar, events: list[ClockEvent], later: int
) -> None:
    at = START + later
    once = [event for event in events if event.kind not in (EventKind.REOPEN, EventKind.CORRECT)]
    state = fold(spec, calendar, once, at=from_s(at))
    end = at if state.stopped_at is None else to_s(state.stopped_at)
    ledger = state.ledger
    assert ledger.wall_seconds == end - START
    parts = (
        ledger.closed_seconds,
        ledger.vendor_seconds,
        ledger.customer_seconds,
        ledger.third_party_seconds,
        ledger.none_seconds,
    )
    assert min(parts) >= 0
    assert sum(parts) == ledger.wall_seconds


@fast
@given(specs(), calendars, histories(), st.lists(seconds, min_size=1, max_size=6))
def test_p26_p27_sweeps_at_any_instants_find_the_same_outcomes(
    spec: ClockSpec, calendar: BusinessCalendar, events: list[ClockEvent], sweeps: list[int]
) -> None:
    """Whoever sweeps, when and how often: the rows by key, with their instants, are those of one look at the end."""
    end = FAR + 4 * 86_400
    stored: dict[object, object] = {}
    for sweep in sorted(START + s for s in sweeps):
        for fact in judge(spec, calendar, events, at=from_s(sweep)):
            stored.setdefault(fact.key, fact)
    final = {fact.key: fact for fact in judge(spec, calendar, events, at=from_s(end))}
    assert stored.items() <= final.items()


@fast
@given(specs(), calendars, histories(late=False))
def test_next_action_misses_nothing(spec: ClockSpec, calendar: BusinessCalendar, events: list[ClockEvent]) -> None:
    """Between two events, the instants of next_action_at are exactly those at which judging finds something new."""
    at = START
    events = [event for event in events if event.kind is not EventKind.CORRECT]
    ends = sorted({to_s(event.occurred_at) for event in events} | {FAR})
    for end in ends:
        for _ in range(200):
            following = next_action_at(fold(spec, calendar, events, at=from_s(at)))
            if following is None or to_s(following) >= end:
                break
            assert to_s(following) > at
            before = judge(spec, calendar, events, at=following - timedelta(seconds=1))
            assert len(before) == len(judge(spec, calendar, events, at=from_s(at)))
            at = to_s(following)
        at = max(at, end)


@fast
@given(calendars, st.lists(spans, max_size=3), st.lists(seconds, max_size=6), seconds, st.booleans())
def test_p28_every_owed_business_date_is_covered_missed_or_excused_once(
    calendar: BusinessCalendar, pauses: list[tuple[int, int]], responses: list[int], later: int, owed: bool
) -> None:
    spec = ClockSpec(milestone="each_business_day", target=parse_target("each_business_day"), resume_date_owed=owed)
    events = [_event(1, EventKind.START, START)]
    for i, (start, end) in enumerate(pauses):
        events.append(_event(10 + i, EventKind.PAUSE, start, reason=str(i)))
        events.append(_event(20 + i, EventKind.RESUME, end, reason=str(i)))
    events += [_event(100 + i, EventKind.RESPONSE, START + s) for i, s in enumerate(responses)]
    at = START + later
    state = fold(spec, calendar, events, at=from_s(at))
    first = calendar.local_date_s(START)
    due = [
        on
        for on in (first + timedelta(days=n) for n in range(1, 21))
        if calendar.is_business_date(on) and calendar.close_of_s(on) < at
    ]
    seen = [window.window_date for window in state.windows if to_s(window.closes_at) < at]
    assert sorted(seen) == due
    missed = [window.window_date for window in state.windows if window.state is WindowState.MISSED]
    assert missed == [breach.window_date for breach in state.breaches]
    for on in missed:
        close = calendar.close_of_s(on)
        assert not any(p <= close < q for p, q in pauses)


@fast
@given(specs(), calendars, histories(late=False), seconds)
def test_phase_and_outcome_agree_with_what_is_shown(
    spec: ClockSpec, calendar: BusinessCalendar, events: list[ClockEvent], later: int
) -> None:
    at = from_s(START + later)
    state = fold(spec, calendar, events, at=at)
    if state.phase is Phase.PAUSED:
        assert state.due_at is None
        assert not state.ticking
    if state.phase is Phase.STOPPED:
        assert next_action_at(state) is None
    breached = [breach for breach in state.breaches if breach.cycle == state.cycle]
    assert (state.outcome is Outcome.BREACHED) == bool(breached)
    for breach in state.breaches:
        # A target changed to one that is due already is missed at the very instant of the change.
        assert breach.due_at <= breach.at <= at
        assert breach.due_at < at
    for mark in state.warnings:
        assert mark.fired == (mark.at <= at)
    keys = [fact.key for fact in judge(spec, calendar, events, at=at)]
    assert len(keys) == len(set(keys))


@fast
@given(specs(SINGLE[:3]), calendars, spans)
def test_warnings_fall_inside_hours_and_before_the_due_time(
    spec: ClockSpec, calendar: BusinessCalendar, pause: tuple[int, int]
) -> None:
    for at in (START, *pause):
        state = _paused(spec, calendar, [pause], at)
        for mark in state.warnings:
            assert calendar.is_open(mark.at)
            if not mark.fired:
                assert state.due_at is not None
                assert at < to_s(mark.at) < to_s(state.due_at)


@fast
@given(specs(), histories(late=False), seconds, st.integers(1, 30))
def test_p30_equal_hours_under_another_zone_database_change_nothing(
    spec: ClockSpec, events: list[ClockEvent], later: int, hours: int
) -> None:
    at = from_s(START + later)
    changed = _event(99, EventKind.TZDB_CHANGED, START + hours * 3600, tzdb_version="2099a")
    before, after = (fold(spec, SHOPP, known, at=at) for known in (events, [*events, changed]))
    assert (after.due_at, after.outcome, after.ledger) == (before.due_at, before.outcome, before.ledger)


def test_the_calendars_of_these_tests_break_where_they_should() -> None:
    assert SYDNEY.is_business_date(date(2025, 10, 5))
    assert isinstance(from_s(START), datetime)


@fast
@given(
    st.lists(calendars, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 2 * 86_400), st.integers(0, 2 * 86_400)), min_size=1, max_size=4),
    st.integers(1, 200_000),
    st.sampled_from(("business_seconds", "business_days", "close")),
    st.data(),
)
def test_p31_a_pause_freezes_what_remains_whatever_is_published_during_it(
    timelines: list[BusinessCalendar], stretches: list[tuple[int, int]], amount: int, kind: str, data: st.DataObject
) -> None:
    """Any hours at all may be published during any pause: each is a timeline of its own, the past in it too."""
    text = {"business_seconds": f"business_seconds:{amount}", "business_days": "business_days:1"}
    spec = ClockSpec(milestone="resolution", target=parse_target(text.get(kind, "business_days:2:close")))
    history = {number + 1: one for number, one in enumerate(timelines)}
    events = [_event(1, EventKind.START, START, calendar_revision=1)]
    at, revision = START, 1

    def state(second: int) -> ClockState:
        return fold(spec, timelines[-1], events, at=from_s(second), history=history)

    running = 0
    for runs, rests in stretches:
        before, at = at, at + runs
        passed = state(at)
        if passed.due_at is not None and to_s(passed.due_at) <= at:
            at = before
            break
        running += history[revision].between_s(before, at)
        events.append(_event(len(events) + 1, EventKind.PAUSE, at, reason="a"))
        frozen = state(at).remaining_business_seconds
        revision = data.draw(st.integers(revision, len(timelines)))
        at += rests
        assert state(at).remaining_business_seconds == frozen
        events.append(_event(len(events) + 1, EventKind.RESUME, at, calendar_revision=revision))
        # A promise of days with nothing left is due at the next opening after the resumption.
        if frozen or kind == "business_seconds":
            assert state(at).remaining_business_seconds == frozen
    due = state(at).due_at
    assert due is not None
    if kind == "business_seconds" and to_s(due) >= at:
        assert running + history[revision].between_s(at, to_s(due)) == amount
