"""SLA clocks: a fold of append-only events over a business calendar, and the outcomes a sweep must write (TERMS-4..6).

Phase (pending, running, paused, stopped, cancelled) and outcome (open, met, breached) are two axes. A breach does not
stop a clock. `fold` says how a clock stands at an instant. `judge` lists every outcome that has come about by then,
each with its ideal instant. A sweep that comes late, twice or four at a time therefore writes the same rows.
`next_action_at` says when to look again. Times are floored to the second once, at the border.

Met iff it occurred at or before the due time; breached once now is after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal

from app.domain.calendar.timeline import Timeline, from_s, to_s
from app.domain.clocks.cycle import Progress
from app.domain.clocks.event import (
    FROZEN,
    Breach,
    ClockEvent,
    ClockSpec,
    CycleEnd,
    EventKind,
    Outcome,
    Party,
    Pause,
    Phase,
    TimeLedger,
    WarningMark,
    Window,
    WindowState,
    by_second,
)
from app.domain.clocks.standing import breach_due, expected_warnings, overdue, remaining, shown_due
from app.domain.clocks.target import EXPLAIN_LIMIT, Explanation, Target, explain, runs_round_the_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """How a clock stands ``at`` an instant.

    ``due_at`` is None while paused, and ``remaining_business_seconds`` is shown instead: wall seconds for a wall
    target. A deadline that was stated stays shown, since pauses do not move it. ``overdue_business_seconds``: by how
    much it is or was late, None where it is not. ``breaches``, ``warnings``, ``windows`` and ``ended`` go over all
    cycles; ``outcome`` is the present cycle's. ``consumed_seconds``: time used in the present cycle. ``ignored``:
    events that changed nothing where they stood, e.g. a second resumption. ``never_due``: the calendar closed for good,
    so nothing falls due until a version opens it again.
    """

    at: datetime
    phase: Phase
    outcome: Outcome
    cycle: int
    target: Target
    ticking: bool
    started_at: datetime | None
    due_at: datetime | None
    remaining_business_seconds: int | None
    overdue_business_seconds: int | None
    window_date: date | None
    stopped_at: datetime | None
    consumed_seconds: int
    breaches: tuple[Breach, ...]
    warnings: tuple[WarningMark, ...]
    reminders: tuple[WarningMark, ...]
    windows: tuple[Window, ...]
    ended: tuple[CycleEnd, ...]
    pauses: tuple[Pause, ...]
    ledger: TimeLedger
    calendar_revision: int | None
    tzdb_version: str | None
    ignored: tuple[int, ...]
    breach_watch_at: datetime | None
    never_due: bool = False


OutcomeKind = Literal["warned", "breached", "reminded", "met", "breach_retracted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFact:
    """One outcome, a row that is written once. ``at`` is when it ideally came about, however late anyone looked.

    ``rule`` tells several warnings apart, and a second breach from a first that was taken back. It is 0 for all else.
    """

    cycle: int
    window_date: date | None
    kind: OutcomeKind
    at: datetime
    due_at: datetime | None
    rule: int = 0

    @property
    def key(self) -> tuple[int, date | None, str]:
        """Return the unique key within the clock: (cycle, window date, kind).

        ``warned_2`` is a second warning rule's, ``breached_2`` that of a breach after one that was taken back.
        """
        return (self.cycle, self.window_date, self.kind if self.rule == 0 else f"{self.kind}_{self.rule + 1}")


def fold(
    spec: ClockSpec,
    calendar: Timeline,
    events: Iterable[ClockEvent],
    *,
    at: datetime,
    known_at: datetime | None = None,
    history: Mapping[int, Timeline] | None = None,
) -> ClockState:
    """The clock as it stands at ``at`` by what was recorded up to ``known_at`` (default: all that is given).

    ``calendar`` is the whole timeline of dated versions. ``history`` gives earlier timelines by revision, for clocks
    whose events carry ``calendar_revision``. Each judgement stays with the revision it was made on. A
    ``calendar_changed`` event goes over to the next. Without it every event is judged on ``calendar``, which is the
    same thing as long as versions only look ahead. The order in which events are given means nothing.
    """
    return fold_of(spec, calendar, events, at=at, known_at=known_at, history=history).state()


def judge(
    spec: ClockSpec,
    calendar: Timeline,
    events: Sequence[ClockEvent],
    *,
    at: datetime,
    history: Mapping[int, Timeline] | None = None,
    state: ClockState | None = None,
) -> tuple[OutcomeFact, ...]:
    """Return every outcome that has come about by ``at``, in the order of their instants. A later call only adds rows.

    Each moment is judged on what was known then. A breach stays listed though a late fact or a corrected calendar shows
    that it was none. ``breach_retracted`` is added at the instant when that was recorded. Nothing is taken back from
    the list. Missing the due time that holds instead is a breach of its own.

    ``state``: how it stands at ``at`` by all of ``events``, where that was folded before.
    """
    found: dict[tuple[int, date | None, str], OutcomeFact] = {}
    standing: dict[tuple[int, date | None], OutcomeFact] = {}
    count: dict[tuple[int, date | None], int] = {}
    known_from: datetime | None = None
    for until in [*_late_facts(events, at), None]:
        if until is None:
            known, now = [e for e in events if e.recorded_at <= at], at
        else:
            known, now = [e for e in events if e.recorded_at < until], until
        read = state if until is None else None
        facts = outcomes_of(read or fold_of(spec, calendar, known, at=now, history=history).state())
        missed = {(fact.cycle, fact.window_date): fact for fact in facts if fact.kind == "breached"}
        for key, fact in list(standing.items()):
            again = missed.get(key)
            if known_from is not None and (again is None or again.due_at != fact.due_at):
                taken_back = replace(fact, kind="breach_retracted", at=known_from)
                found.setdefault(taken_back.key, taken_back)
                del standing[key]
        for fact in facts:
            key = (fact.cycle, fact.window_date)
            if fact.kind != "breached":
                found.setdefault(fact.key, fact)
            elif key not in standing:
                number = count.get(key, 0)
                numbered = replace(fact, rule=number) if number else fact
                count[key] = number + 1
                standing[key] = found[numbered.key] = numbered
        known_from = until
    return tuple(sorted(found.values(), key=lambda fact: (fact.at, fact.cycle, str(fact.window_date), fact.key[2])))


_MOVES_BY_ITSELF: Final = (EventKind.CALENDAR_CHANGED, EventKind.TZDB_CHANGED)
"""Events that work the due time out anew for the calendar that they bring."""
_JUDGES_ANEW: Final = (EventKind.CORRECT, EventKind.CALENDAR_CHANGED, EventKind.REJUDGE)


def _late_facts(events: Iterable[ClockEvent], at: datetime) -> list[datetime]:
    """The instants at which facts about an earlier second arrived: only there can a judgement have been premature."""
    return sorted(
        {
            event.recorded_at
            for event in events
            if event.recorded_at <= at
            and (
                event.kind in _JUDGES_ANEW
                or (event.recorded_at > event.occurred_at and to_s(event.recorded_at) > to_s(event.occurred_at))
            )
        }
    )


def outcomes_of(state: ClockState) -> list[OutcomeFact]:
    """Return what a state says has come about."""
    facts = [
        OutcomeFact(cycle=b.cycle, window_date=b.window_date, kind="breached", at=b.at, due_at=b.due_at)
        for b in state.breaches
    ]
    facts += [
        OutcomeFact(cycle=w.cycle, window_date=w.window_date, kind="warned", at=w.at, due_at=None, rule=w.rule)
        for w in state.warnings
        if w.fired
    ]
    facts += [
        OutcomeFact(cycle=w.cycle, window_date=w.window_date, kind="reminded", at=w.at, due_at=None, rule=w.rule)
        for w in state.reminders
        if w.fired
    ]
    facts += [
        OutcomeFact(cycle=w.cycle, window_date=w.window_date, kind="met", at=w.at, due_at=w.closes_at)
        for w in state.windows
        if w.state is WindowState.COVERED
    ]
    facts += [
        OutcomeFact(cycle=c.cycle, window_date=None, kind="met", at=c.stopped_at, due_at=c.due_at)
        for c in state.ended
        if c.outcome is Outcome.MET
    ]
    return facts


def next_action_at(state: ClockState) -> datetime | None:
    """The first instant at which a sweep finds something new, if no event comes before; None when nothing can.

    A breach comes one second after the due time and its grace: an answer at the due time still meets it. At the instant
    that is returned `judge` lists the new outcome, so looking then always makes progress.
    """
    instants = [mark.at for mark in (*state.warnings, *state.reminders) if not mark.fired]
    if state.breach_watch_at is not None:
        instants.append(state.breach_watch_at)
    return min(instants, default=None)


def explain_clock(spec: ClockSpec, calendar: Timeline, state: ClockState, *, limit: int = EXPLAIN_LIMIT) -> Explanation:
    """The stretches that count towards the due time of the present cycle, without its pauses, and the closures
    skipped.

    Up to the due time, or to now while there is none (paused, or nothing promised).
    """
    if state.started_at is None:
        return Explanation(0, (), ())
    end = state.due_at or state.stopped_at or state.at
    pauses = [(pause.since, pause.until or end) for pause in state.pauses]
    return explain(
        calendar, state.started_at, end, without=pauses, round_the_clock=runs_round_the_clock(state.target), limit=limit
    )


class Fold:
    """Mutable while it runs; what leaves is a frozen `ClockState`, or what a daily promise keeps of it (`kept`)."""

    def __init__(self, spec: ClockSpec, calendar: Timeline, history: Mapping[int, Timeline] | None, at: int) -> None:
        self.spec = spec
        self.calendar = calendar
        self.history = history or {}
        self.at = at
        self.phase = Phase.PENDING
        self.outcome = Outcome.OPEN
        self.stopped_at: int | None = None
        self.standing: dict[str, Pause] = {}
        self.past_pauses: list[Pause] = []
        self.closed = 0
        self.seconds: dict[Party, int] = {}
        self.counted_to: int | None = None
        self.calendar_revision: int | None = None
        self.tzdb_version: str | None = None
        self.ignored: list[int] = []
        self.progress = Progress(spec, calendar, spec.target, cycle=1)
        self.breaches: list[Breach] = []
        self.warned: list[WarningMark] = []
        self.reminded: list[WarningMark] = []
        self.windows: list[Window] = []
        self.ended: list[CycleEnd] = []

    # time

    def advance(self, to: int, *, grace: int = 0) -> None:
        """Lets time pass up to ``to``: counts it, fires warnings, breaches what fell due before."""
        start, progress = self.counted_to, self.progress
        if start is None or not self._live():
            return
        if to > start:
            self._count(start, to)
        progress.pass_time(to, grace=grace)
        if progress.breaches:
            self.outcome = Outcome.BREACHED

    def _count(self, start: int, to: int) -> None:
        progress, spent = self.progress, to - start
        business = spent if progress.wall else progress.calendar.between_s(start, to)
        self.closed += spent - business
        if self.standing:
            party = next(iter(self.standing.values())).party
        else:
            party = self.spec.owing
            progress.consumed += business
        self.seconds[party] = self.seconds.get(party, 0) + business
        self.counted_to = to

    # events

    def apply(self, event: ClockEvent, second: int) -> None:
        self.advance(second)
        if event.calendar_revision is not None:
            self.calendar_revision = event.calendar_revision
            self._go_over(event, second, self.history.get(event.calendar_revision, self.calendar))
        if event.tzdb_version is not None:
            self.tzdb_version = event.tzdb_version
        if not self._dispatch(event, second):
            self.ignored.append(event.seq)

    def _go_over(self, event: ClockEvent, second: int, calendar: Timeline) -> None:
        """Takes the calendar that an event was judged on; what is due follows it before anything else happens."""
        if calendar is self.progress.calendar:
            return
        self.progress.go_over_to(calendar)
        # A running clock starts no second time: what is due follows the calendar all the same.
        begins = event.kind in (EventKind.START, EventKind.REOPEN) and not self._live()
        if not begins and event.kind not in _MOVES_BY_ITSELF and event.edition >= FROZEN:
            self._recompute(event, second)
            self.advance(second)  # the due time that holds now may lie before

    def _dispatch(self, event: ClockEvent, second: int) -> bool:
        match event.kind:
            case EventKind.START:
                return self._start(event, second, Phase.PENDING)
            case EventKind.REOPEN:
                return self._reopen(event, second)
            case EventKind.PAUSE:
                return self._pause(event, second)
            case EventKind.RESUME:
                return self._resume(event.reason, second, event.edition)
            case EventKind.STOP | EventKind.CANCEL:
                return self._end(event.kind, second, event.edition)
            case EventKind.RESPONSE:
                return self._live() and self.progress.respond(second)
            case EventKind.RETARGET:
                if event.target is None or not (self._live() or self.phase is Phase.PENDING):
                    return False
                self.progress.retarget(event.target, second)
                return True
            case EventKind.CALENDAR_CHANGED | EventKind.TZDB_CHANGED:
                self._recompute(event, second)
                return True
            case EventKind.CORRECT | EventKind.REJUDGE:
                return True

    def _live(self) -> bool:
        return self.phase in (Phase.RUNNING, Phase.PAUSED)

    def _recompute(self, event: ClockEvent, second: int) -> None:
        if not self._live():
            return
        corrects = event.kind is not EventKind.TZDB_CHANGED and event.edition >= FROZEN
        self.progress.recompute(second, edition=event.edition, corrects=corrects)
        if corrects and not self.progress.breaches:
            self.outcome = Outcome.OPEN

    def _start(self, event: ClockEvent, second: int, expected: Phase) -> bool:
        if self.phase is not expected:
            return False
        if event.target is not None:
            self.progress.aim(event.target)
        self.phase, self.counted_to = Phase.RUNNING, second
        self.progress.start(second)
        if self.standing:
            self.phase = Phase.PAUSED
            self.progress.pause(second)
        return True

    def _reopen(self, event: ClockEvent, second: int) -> bool:
        if self.phase not in (Phase.STOPPED, Phase.CANCELLED):
            return False
        old = self.progress
        self._archive()
        self.progress = Progress(self.spec, old.calendar, old.target, cycle=old.cycle + 1)
        self.outcome, self.stopped_at = Outcome.OPEN, None
        return self._start(event, second, self.phase)

    def _archive(self) -> None:
        self.breaches += self.progress.breaches
        self.warned += self.progress.warned
        self.reminded += self.progress.reminded
        self.windows += self.progress.windows

    def _pause(self, event: ClockEvent, second: int) -> bool:
        reason = event.reason or ""
        if reason in self.standing or self.phase in (Phase.STOPPED, Phase.CANCELLED):
            return False
        if not self.standing and self.phase is Phase.RUNNING:
            self.phase = Phase.PAUSED
            self.progress.pause(second)
        self.standing[reason] = Pause(reason, event.party, from_s(second), None)
        return True

    def _resume(self, reason: str | None, second: int, edition: int) -> bool:
        ended = [name for name in self.standing if reason is None or name == reason]
        for name in ended:
            pause = self.standing.pop(name)
            self.past_pauses.append(Pause(name, pause.party, pause.since, from_s(second)))
        if ended and not self.standing and self.phase is Phase.PAUSED:
            self.phase = Phase.RUNNING
            self.progress.resume(second, edition=edition)
        return bool(ended)

    def _end(self, kind: EventKind, second: int, edition: int) -> bool:
        if self.phase is Phase.PENDING and kind is EventKind.STOP:
            return False
        if not self._live() and self.phase is not Phase.PENDING:
            return False
        # A stop while paused first ends the pause: what remained is still there, so it meets its target.
        self._resume(None, second, edition)
        self.stopped_at = second
        self.phase = Phase.STOPPED if kind is EventKind.STOP else Phase.CANCELLED
        self.progress.stop(second)
        if kind is EventKind.STOP and self.outcome is Outcome.OPEN and self.progress.promises:
            self.outcome = Outcome.MET
        due = shown_due(self.progress) if kind is EventKind.STOP else None
        self.ended.append(
            CycleEnd(self.progress.cycle, self.outcome, from_s(second), None if due is None else from_s(due))
        )
        return True

    # the answer

    def state(self) -> ClockState:
        self.advance(self.at, grace=self.spec.grace_seconds)
        now, progress = self.at, self.progress
        self._archive()
        running = self.phase is Phase.RUNNING
        live = self._live()
        shown = shown_due(progress) if live or self.phase is Phase.STOPPED else None
        watch = breach_due(progress) if live else None
        expected = expected_warnings(progress) if running else []
        reminding = progress.expected_reminders() if running and self.spec.reminders else []
        return ClockState(
            at=from_s(now),
            phase=self.phase,
            outcome=self.outcome,
            cycle=progress.cycle,
            target=progress.target,
            ticking=running and (progress.wall or progress.calendar.is_open_s(now)),
            started_at=None if progress.anchor is None else from_s(progress.anchor),
            due_at=None if shown is None else from_s(shown),
            remaining_business_seconds=remaining(progress, now) if live else None,
            overdue_business_seconds=overdue(progress, now),
            window_date=progress.window_date() if live else None,
            stopped_at=None if self.stopped_at is None else from_s(self.stopped_at),
            consumed_seconds=progress.consumed,
            breaches=tuple(self.breaches),
            warnings=(*self.warned, *expected),
            reminders=(*self.reminded, *reminding),
            windows=tuple(self.windows),
            ended=tuple(self.ended),
            pauses=(*self.past_pauses, *self.standing.values()),
            ledger=TimeLedger(self.closed, *[self.seconds.get(party, 0) for party in Party]),
            calendar_revision=self.calendar_revision,
            tzdb_version=self.tzdb_version,
            ignored=tuple(self.ignored),
            breach_watch_at=None if watch is None else from_s(watch + self.spec.grace_seconds + 1),
            never_due=progress.never and live and shown is None,
        )


def fold_of(
    spec: ClockSpec,
    calendar: Timeline,
    events: Iterable[ClockEvent],
    *,
    at: datetime,
    known_at: datetime | None = None,
    history: Mapping[int, Timeline] | None = None,
) -> Fold:
    """Run the events up to an instant; its state is asked for next."""
    now = to_s(at)
    run = Fold(spec, calendar, history, now)
    known = events if known_at is None else [e for e in events if e.recorded_at <= known_at]
    holding = by_second(known)
    if any([event.kind is EventKind.REJUDGE for _, _, event in holding]):  # noqa: C419 - as in `by_second`
        holding = [(second, seq, replace(event, edition=FROZEN)) for second, seq, event in holding]
    for second, _, event in holding:
        if second > now:
            break
        run.apply(event, second)
    return run
