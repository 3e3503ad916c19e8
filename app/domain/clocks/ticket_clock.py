"""One clock of a ticket and the hours it counts on, and what another calendar would do to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.timeline import SlaUnreachable, to_s
from app.domain.clocks.clock import ClockState, OutcomeFact, explain_clock, fold, judge, next_action_at
from app.domain.clocks.event import ClockEvent, ClockSpec, EventKind, Outcome, Phase, in_force
from app.domain.clocks.stored import PromiseTerms
from app.domain.clocks.target import EachBusinessDay, Explanation, NoTarget, Rolling

LIVE: Final = (Phase.RUNNING, Phase.PAUSED)
PROMISE_CHANGED: Final = "promise_changed"
"""Why a clock goes over: another promise holds for its ticket now."""
Key = tuple[int, str, str]
Asked = tuple[datetime, datetime | None, tuple[ClockEvent, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A calendar as it stands: the whole timeline, earlier ones by revision (what was judged stays so), zone data."""

    name: str
    calendar: BusinessCalendar
    history: Mapping[int, BusinessCalendar]
    tzdb_version: str
    clause: str | None = None

    @property
    def revision(self) -> int:
        """The newest published revision."""
        return self.calendar.revision

    def revision_at(self, when: datetime) -> int:
        """The newest revision that was published by then; the first, before any was."""
        for revision in sorted(self.history, reverse=True):
            published = next(
                (version.published_at for version in self.history[revision].versions if version.revision == revision),
                None,
            )
            if published is None or published <= when:
                return revision
        return min(self.history, default=self.revision)


@dataclass(slots=True, kw_only=True)
class TicketClock:
    """One clock: what it promises, what happened to it, and which outcomes are written."""

    clock_id: str
    ticket_id: str
    external_ticket_id: str
    customer_id: str
    spec: ClockSpec
    terms: PromiseTerms
    hours: Hours
    events: list[ClockEvent] = field(default_factory=list)
    judged: set[Key] = field(default_factory=set)
    on_agenda: bool = False
    stored_due_at: datetime | None = None
    """The due time as last written."""
    folded: Mapping[str, Any] | None = None
    """What a daily promise keeps (`app.domain.clocks.folded`). Where it is given, the events may be left out."""
    _folded: tuple[Asked, Hours, ClockSpec, ClockState] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    """What was asked last of `state`, and its answer: a call asks the same several times."""

    def known(self, known_at: datetime | None) -> list[ClockEvent]:
        """The events recorded by then."""
        return [event for event in self.events if known_at is None or event.recorded_at <= known_at]

    def state(self, at: datetime, known_at: datetime | None = None, hours: Hours | None = None) -> ClockState:
        """How it stands at an instant, by what was known then."""
        on, memo, asked = hours or self.hours, self._folded, (at, known_at, tuple(self.events))
        if memo is not None and memo[0] == asked and memo[1] is on and memo[2] is self.spec:
            return memo[3]
        found = fold(self.spec, on.calendar, self.known(known_at), at=at, history=on.history)
        self._folded = (asked, on, self.spec, found)
        return found

    def facts(self, at: datetime, known_at: datetime | None = None) -> tuple[OutcomeFact, ...]:
        """Every outcome that has come about by then."""
        known = self.known(known_at)
        state = self.state(at, known_at) if all(event.recorded_at <= at for event in known) else None
        return judge(self.spec, self.hours.calendar, known, at=at, history=self.hours.history, state=state)

    @property
    def revision(self) -> int | None:
        """The calendar revision its last event was judged on."""
        found = [event.calendar_revision for event in self.events if event.calendar_revision is not None]
        return max(found, default=None)

    @property
    def began(self) -> datetime | None:
        """When it started first, by what is known now."""
        starts = [
            clock_event.occurred_at for clock_event in in_force(self.events) if clock_event.kind is EventKind.START
        ]
        return min(starts, default=None)

    @property
    def given_up(self) -> bool:
        """Whether it ended since its promise held no more for the ticket, by what is known now."""
        turns = (EventKind.START, EventKind.STOP, EventKind.CANCEL, EventKind.REOPEN)
        last = next((event for event in reversed(self.events) if event.kind in turns), None)
        return last is not None and last.kind is EventKind.CANCEL and last.reason == PROMISE_CHANGED

    def explain(self, at: datetime) -> Explanation:
        """The stretches that count towards the due time and the closures skipped."""
        state = self.state(at)
        on = self.hours.history.get(state.calendar_revision or 0, self.hours.calendar)
        return explain_clock(self.spec, on, state)

    def started_by(self, at: datetime, known_at: datetime | None = None) -> bool:
        """Whether it had started by then, by what was known. One that took over from another started when it did."""
        known = self.known(known_at)
        taken_over_at = self._taken_over_at(known)
        return any(event.occurred_at <= at for event in known) and (taken_over_at is None or taken_over_at <= at)

    def _taken_over_at(self, known: Sequence[ClockEvent]) -> datetime | None:
        """Return when it took over from the clock of another promise, whose beginning it has; None of all others."""
        if len(known) < 2 or not isinstance(self.spec.target, NoTarget):
            return None
        start, change = known[:2]
        at_once = change.kind is EventKind.RETARGET and change.recorded_at == start.recorded_at
        return change.occurred_at if at_once else None


def touched(clock: TicketClock, at: datetime, hours: Hours) -> bool:
    """Whether a newer calendar moves anything for a live clock. One that owes each day is always moved to it."""
    if clock.revision is None or clock.revision >= hours.revision:
        return False
    old = clock.state(at)
    if old.phase not in LIVE:
        return False
    if isinstance(old.target, EachBusinessDay):
        return True
    new = recomputed(clock, at, hours)
    return _shown(old) != _shown(new)


def _shown(state: ClockState) -> tuple[Any, ...]:
    """What of a clock a calendar may move."""
    missed = tuple(breach.due_at for breach in state.breaches)
    return state.due_at, state.remaining_business_seconds, next_action_at(state), missed


def recomputed(clock: TicketClock, at: datetime, hours: Hours) -> ClockState:
    """How the clock would stand if it went over to another calendar now."""
    changed = ClockEvent(
        seq=len(clock.events) + 1,
        kind=EventKind.CALENDAR_CHANGED,
        occurred_at=at,
        recorded_at=at,
        calendar_revision=hours.revision,
        tzdb_version=hours.tzdb_version,
    )
    return fold(clock.spec, hours.calendar, [*clock.events, changed], at=at, history=hours.history)


def moved(clock: TicketClock, at: datetime, hours: Hours) -> tuple[datetime | None, datetime | None, bool]:
    """What publishing a calendar would do: the due time before and after, and whether it would breach at once."""
    old = clock.state(at)
    if old.phase not in LIVE:
        return old.due_at, old.due_at, False
    new = recomputed(clock, at, hours)
    late = new.due_at is not None and to_s(new.due_at) < to_s(at)
    return (old.due_at, new.due_at, old.outcome is not Outcome.BREACHED and (late or new.outcome is Outcome.BREACHED))


def closes_for_good(hours: Hours, at: datetime) -> bool:
    """Whether a calendar has no open date after its newest version began."""
    newest = max((version.effective_from for version in hours.calendar.versions), default=at.date())
    try:
        hours.calendar.business_date_after(max(newest, at.date()))
    except SlaUnreachable:
        return True
    return False


def never_due(clock: TicketClock, at: datetime, hours: Hours, *, closing: bool) -> bool:
    """Whether a calendar ends the promise of a live clock: at once, or, ``closing``, after its last open date."""
    if clock.state(at).phase not in LIVE:
        return False
    new = recomputed(clock, at, hours)
    return new.never_due or (closing and isinstance(new.target, EachBusinessDay | Rolling))
