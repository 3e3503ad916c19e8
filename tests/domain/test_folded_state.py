"""A daily promise that goes on from what it keeps comes to what folding all its events comes to, whatever happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.timeline import from_s, to_s
from app.domain.clocks import folded as folded_state
from app.domain.clocks.clock import ClockState, OutcomeFact, fold, judge, next_action_at
from app.domain.clocks.event import ClockEvent, ClockSpec, EventKind, Party, Phase
from app.domain.clocks.target import EachBusinessDay
from app.domain.clocks.ticket_clock import Hours, Key
from tests.domain.sla_builders import NINE_TO_FIVE, a_calendar, ny, shopp_calendar

START = to_s(ny("2025-10-03 08:00"))
DAILY = ClockSpec(milestone="each_business_day", target=EachBusinessDay())
KINDS = (
    *(EventKind.RESPONSE,) * 4,
    *(EventKind.PAUSE, EventKind.RESUME) * 2,
    EventKind.CORRECT,
    EventKind.CALENDAR_CHANGED,
    EventKind.REJUDGE,
    EventKind.STOP,
    EventKind.REOPEN,
)


def revisions(calendar: BusinessCalendar, closed: date) -> list[Hours]:
    """A calendar as it is, and after a version by which a date is closed and Saturdays are open."""
    (first,) = calendar.versions
    later = replace(
        a_calendar({**NINE_TO_FIVE, 6: [(600, 700)]}, closed=[closed]).versions[0],
        revision=first.revision + 1,
        effective_from=closed - timedelta(days=3),
    )
    both = BusinessCalendar(calendar.name, calendar.zone, [first, later])
    history = {first.revision: calendar}
    return [
        Hours(name="service-hours", calendar=calendar, history=history, tzdb_version="1"),
        Hours(name="service-hours", calendar=both, history={**history, later.revision: both}, tzdb_version="1"),
    ]


CALENDARS = (
    shopp_calendar(),
    a_calendar(
        {1: [(0, 1440)], 2: [(540, 720), (780, 1440)], 5: [(0, 90)], 7: [(60, 180)]}, zone="Australia/Lord_Howe"
    ),
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[ClockSpec, list[Hours], list[ClockEvent]]:
    """A promise, its calendar before and after a version, and events in the order in which they were told."""
    calendar = draw(st.sampled_from(CALENDARS))
    spec = replace(DAILY, late_response_counts=draw(st.booleans()), resume_date_owed=draw(st.booleans()))
    told = [(START, START, EventKind.START)]
    for _ in range(draw(st.integers(0, 10))):
        occurred = START + draw(st.integers(0, 20 * 24)) * 3600
        delay = draw(st.sampled_from([0, 0, 0, 0, 60, 3600, 2 * 86_400]))
        told.append((occurred + delay, occurred, draw(st.sampled_from(KINDS))))
    hours = revisions(calendar, date(2025, 10, 6) + timedelta(days=draw(st.integers(0, 14))))
    revision, events = hours[0].revision, []
    for seq, (recorded, occurred, kind) in enumerate(sorted(told, key=lambda one: one[0]), 1):
        if kind is EventKind.CALENDAR_CHANGED:
            revision = hours[1].revision
        events.append(
            ClockEvent(
                seq=seq,
                kind=kind,
                occurred_at=from_s(occurred),
                recorded_at=from_s(recorded),
                reason=draw(st.sampled_from(["a", "b"])),
                party=Party.CUSTOMER,
                corrects=draw(st.integers(1, seq)) if kind is EventKind.CORRECT else None,
                corrected_occurred_at=from_s(occurred) if kind is EventKind.CORRECT else None,
                calendar_revision=revision,
                tzdb_version="1",
            )
        )
    return spec, hours, events


def shown(state: ClockState) -> dict[str, Any]:
    """What of a state is written or told."""
    names = ("phase", "outcome", "cycle", "target", "started_at", "due_at", "remaining_business_seconds", "stopped_at")
    names += ("window_date", "calendar_revision", "tzdb_version", "never_due", "breach_watch_at", "ticking")
    return {**{name: getattr(state, name) for name in names}, "next": next_action_at(state)}


def key_of(fact: OutcomeFact) -> Key:
    return (fact.key[0], "" if fact.key[1] is None else fact.key[1].isoformat(), fact.key[2])


class Life:
    """A clock whose firings go on from what it keeps where they may, each compared with the fold of everything."""

    def __init__(self, spec: ClockSpec) -> None:
        self.spec = spec
        self.events: list[ClockEvent] = []
        self.judged: set[Key] = set()
        self.folded: dict[str, Any] | None = None
        self.went_on = 0

    def fold(self, hours: Hours, at: datetime) -> tuple[ClockState, list[OutcomeFact]]:
        state = fold(self.spec, hours.calendar, self.events, at=at, history=hours.history)
        facts = judge(self.spec, hours.calendar, self.events, at=at, history=hours.history)
        return state, [fact for fact in facts if key_of(fact) not in self.judged]

    def tell(self, event: ClockEvent, hours: Hours) -> None:
        self.events.append(event)
        self.judged |= {key_of(fact) for fact in self.fold(hours, event.recorded_at)[1]}
        self.folded = folded_state.keep(self.spec, hours, self.events, self.judged, event.recorded_at)

    def fire(self, hours: Hours, at: datetime) -> datetime | None:
        state, facts = self.fold(hours, at)
        if self.folded is not None and folded_state.is_usable(self.folded, hours, at):
            self.went_on += 1
            went_on, found, folded = folded_state.go_on(self.spec, hours, self.folded, at)
            assert shown(went_on) == shown(state)
            assert found == facts
            self.judged |= {key_of(fact) for fact in facts}
            assert folded == folded_state.keep(self.spec, hours, self.events, self.judged, at)
        else:
            self.judged |= {key_of(fact) for fact in facts}
            folded = folded_state.keep(self.spec, hours, self.events, self.judged, at)
        self.folded = folded
        return next_action_at(state) if state.phase in (Phase.RUNNING, Phase.PAUSED) else None

    def pass_time(self, hours: Hours, at: datetime, until: datetime, late: timedelta) -> None:
        """Fire whenever something falls due, so much late, before an instant."""
        following = self.fire(hours, at)
        while following is not None and following + late < until:
            following = self.fire(hours, following + late)


@settings(max_examples=300, deadline=None)
@given(lives(), st.sampled_from([timedelta(0), timedelta(hours=5), timedelta(days=4)]))
def test_going_on_comes_to_what_folding_everything_does(
    life: tuple[ClockSpec, list[Hours], list[ClockEvent]], late: timedelta
) -> None:
    spec, hours, events = life
    clock = Life(spec)
    now = hours[0]
    for event, following in zip(events, [*events[1:], None], strict=True):
        now = hours[1] if event.calendar_revision == hours[1].revision else now
        clock.tell(event, now)
        until = from_s(START + 40 * 86_400) if following is None else following.recorded_at
        clock.pass_time(now, event.recorded_at, until, late)


@pytest.mark.parametrize("kind", [EventKind.REOPEN, EventKind.START])
@pytest.mark.parametrize("calendar", CALENDARS)
def test_a_running_clock_is_not_begun_again_and_follows_the_calendar_that_came_with_it(
    calendar: BusinessCalendar, kind: EventKind
) -> None:
    """A stop that was corrected away leaves a reopening behind it. Its calendar may lack the date that was owed."""
    start = ClockEvent(
        seq=1,
        kind=EventKind.START,
        occurred_at=from_s(START),
        recorded_at=from_s(START),
        calendar_revision=1,
        tzdb_version="1",
    )
    for days in range(15):
        now = revisions(calendar, date(2025, 10, 6) + timedelta(days=days))[1]
        for hours in range(0, 60, 2):
            told = from_s(START + hours * 3600)
            again = replace(start, seq=2, kind=kind, occurred_at=told, recorded_at=told, calendar_revision=2)
            changed = replace(again, kind=EventKind.CALENDAR_CHANGED)
            at = from_s(START + 40 * 86_400)
            state = fold(DAILY, now.calendar, [start, again], at=at, history=now.history)
            moved = fold(DAILY, now.calendar, [start, changed], at=at, history=now.history)
            assert state.ignored == (2,)
            assert state.due_at == moved.due_at


def old_clock(days: int) -> tuple[Life, Hours, datetime]:
    """A promise that somebody answered now and then for so many days."""
    hours = revisions(CALENDARS[0], date(2025, 10, 13))[0]
    clock = Life(DAILY)
    at = from_s(START)
    start = ClockEvent(seq=1, kind=EventKind.START, occurred_at=at, recorded_at=at, calendar_revision=hours.revision)
    clock.tell(start, hours)
    for day in range(3, days, 7):
        when = from_s(START + day * 86_400)
        clock.tell(
            replace(start, seq=len(clock.events) + 1, kind=EventKind.RESPONSE, occurred_at=when, recorded_at=when),
            hours,
        )
    return clock, hours, clock.events[-1].recorded_at


def test_a_firing_after_two_years_does_no_more_than_one_after_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[int, int] = {}
    close_of = BusinessCalendar.close_of_s
    for days in (30, 730):
        clock, hours, at = old_clock(days)
        assert clock.folded is not None
        asked[days] = 0

        def counted(self: BusinessCalendar, on: date, days: int = days) -> int:
            asked[days] += 1
            return close_of(self, on)

        monkeypatch.setattr(BusinessCalendar, "close_of_s", counted)
        state, facts, folded = folded_state.go_on(DAILY, hours, clock.folded, at + timedelta(days=3))
        monkeypatch.setattr(BusinessCalendar, "close_of_s", close_of)
        assert facts
        assert folded is not None
        assert len(str(folded)) < 500
        assert state.due_at is not None
    assert 0 < asked[730] <= asked[30] + 3
