"""The clocks of one ticket, as a working copy over the plan: start, stop, pause, resume, cancel, reopen, judge.

A ticket says what happened (``vendor_response``, ``resolved`` ...); the policy's promises say which clocks that starts
or stops. Every change appends clock events, judges what has come about by now, and puts the projection, the outcomes
and the next look on the agenda (kind ``clock``) into the plan. Nothing here knows the time but by ``at``.

A breach is looked for one second after the due time, since an answer at the due time still meets it; the outcome and
its event bear the due time itself, however late anyone looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.domain.account.changes import Plan
from app.domain.calendar.timeline import SlaUnreachable, to_s
from app.domain.clocks import stored as wire
from app.domain.clocks.clock import OutcomeFact, fold, next_action_at
from app.domain.clocks.event import ClockEvent, EventKind, Party, Pause, Phase, in_force
from app.domain.clocks.published import emit_due, publish, row_of
from app.domain.clocks.target import EachBusinessDay, NoTarget, Rolling, Target, due_at, parse_target
from app.domain.clocks.ticket_clock import LIVE, Hours, TicketClock, touched
from app.domain.policy.policy import Policy
from app.domain.policy.service_levels import Promise
from app.domain.values.ids import Mint

AGENDA_KIND: Final = "clock"
PAST_DUE: Final = timedelta(seconds=1)
"""What is due at t is missed at t + this, not at t."""
_REOPENS: Final = ("opened", "accepted")


BreachHook = Callable[[TicketClock, OutcomeFact, str], None]


@dataclass(slots=True, kw_only=True)
class TicketClocks:
    """The clocks of one ticket, from `load_for_ticket` of the steps; every change goes into ``plan``.

    ``ticket_id`` and ``external_ticket_id`` of a ticket that is just being made are set by `bind` before the first
    `start`. ``on_breach`` is told of each new breach of the vendor, and of each that turned out to be none. Credits may
    come back by it (decision 0023).
    """

    plan: Plan
    policy: Policy
    hours: Hours
    mint: Mint
    ticket_id: str | None = None
    external_ticket_id: str | None = None
    clocks: list[TicketClock] = field(default_factory=list)
    on_breach: BreachHook | None = None

    def bind(self, ticket_id: str, external_ticket_id: str) -> None:
        """Names the ticket, for one that has just been made."""
        self.ticket_id, self.external_ticket_id = ticket_id, external_ticket_id

    # --- what happens to the ticket ---------------------------------------------------------------------------------

    def start(
        self,
        trigger: str,
        *,
        at: datetime,
        occurred_at: datetime | None = None,
        due_at: datetime | None = None,
        ref: str | None = None,
        without: Sequence[str] = (),
        only: Sequence[str] = (),
    ) -> list[str]:
        """Starts every promise whose ``starts`` is the trigger; their clock ids.

        ``due_at`` gives the deadline instead of the promise's target (access requests); ``ref`` tells several clocks of
        one promise apart; ``occurred_at`` before now is a late fact. A stopped clock of the promise begins a new cycle,
        a running one runs on (with ``due_at``, it is retargeted). Reasons for waiting that stand on the ticket's other
        clocks hold for a vendor's new one. ``without`` and ``only``: milestones.
        """
        when = min(occurred_at or at, at)
        return [
            self._start(promise, at, when, due_at, ref)
            for promise in self.policy.promises
            if promise.starts == trigger
            and promise.milestone not in without
            and (not only or promise.milestone in only)
        ]

    def start_earlier(self, milestone: str, since: datetime | None, *, at: datetime) -> None:
        """The first cycle of a milestone's clocks began earlier: it was owed on another ticket that is this one."""
        for clock in self.clocks:
            start = clock.events[0]
            if clock.spec.milestone != milestone or since is None or start.kind is not EventKind.START:
                continue
            began = clock.began
            if began is not None and since < began:
                self._append(clock, EventKind.CORRECT, at=at, corrects=start.seq, moved_to=since)

    def stop(self, trigger: str, *, at: datetime, occurred_at: datetime | None = None, ref: str | None = None) -> None:
        """Stops every clock that the trigger stops; a vendor response covers a window where one is owed each day.

        ``occurred_at`` before now is a late fact: it may retract a breach, and never erases one. ``resolved`` ends all
        other clocks of the ticket too, as cancelled; a first response that was still owed is given by it, in time or
        late. One at a due time that was missed is judged first.
        """
        when = min(occurred_at or at, at)
        for clock in self.clocks:
            if ref is not None and clock.terms.ref != ref:
                continue
            state = clock.state(at)
            recurring = isinstance(state.target, EachBusinessDay | Rolling)
            late = to_s(when) < to_s(at)
            live = state.phase in LIVE
            if late and live and state.started_at is not None and when < state.started_at:
                live = False  # it happened before this cycle began
                if trigger == "resolved" and state.cycle == 1:
                    self._append(clock, EventKind.CANCEL, at=at, occurred_at=state.started_at)
                    continue
            if trigger == "vendor_response" and recurring and (live or late):
                self._append(clock, EventKind.RESPONSE, at=at, occurred_at=when)
            elif trigger in clock.terms.stops and (live or (late and clock.state(when).phase in LIVE)):
                self._append(clock, EventKind.STOP, at=at, occurred_at=when)
            elif trigger == "resolved" and live:
                answered = clock.spec.milestone == "first_response" and "vendor_response" in clock.terms.stops
                kind = EventKind.STOP if answered else EventKind.CANCEL
                self._append(clock, kind, at=at, occurred_at=when)

    def pause(self, reason: str, party: str, *, at: datetime, occurred_at: datetime | None = None) -> bool:
        """A reason for waiting arrived: every running clock of the vendor keeps what remains. Whether one was."""
        return self._vendors(EventKind.PAUSE, reason, Party(party), at, occurred_at)

    def resume(self, reason: str | None, *, at: datetime, occurred_at: datetime | None = None) -> bool:
        """A reason for waiting (None: all) is gone; a clock runs again when it was the last. Whether one was there."""
        return self._vendors(EventKind.RESUME, reason, Party.NONE, at, occurred_at)

    def cancel(
        self, *, at: datetime, occurred_at: datetime | None = None, ref: str | None = None, milestone: str | None = None
    ) -> None:
        """Nothing is owed any more: withdrawn, rejected, declined. With ``ref`` or ``milestone``: only that one."""
        for clock in self.clocks:
            if ref is not None and clock.terms.ref != ref:
                continue
            if milestone is not None and clock.spec.milestone != milestone:
                continue
            if clock.state(at).phase in LIVE:
                self._append(clock, EventKind.CANCEL, at=at, occurred_at=min(occurred_at or at, at))

    def reopen(self, *, at: datetime) -> None:
        """A new cycle of each vendor's clock that starts at the opening or the acceptance; no old one comes back."""
        for clock in self.clocks:
            ended = clock.state(at).phase not in LIVE
            if ended and clock.spec.owing is Party.VENDOR and clock.terms.starts in _REOPENS:
                self._append(clock, EventKind.REOPEN, at=at)

    def judge(self, *, at: datetime, clock_id: str | None = None) -> None:
        """Writes what has come about by now and puts the next look on the agenda: what a sweep does."""
        for clock in self.clocks:
            if clock_id is None or clock.clock_id == clock_id:
                self._catch_up(clock, at)
                self._judge_and_project(clock, at)

    def calendar_changed(self, *, at: datetime) -> int:
        """Puts every live clock on the newest calendar if that moves anything for it; how many it moved."""
        found = [clock for clock in self.clocks if touched(clock, at, self.hours)]
        for clock in found:
            self._append(clock, EventKind.CALENDAR_CHANGED, at=at, cause=EventKind.CALENDAR_CHANGED.value)
        return len(found)

    def tzdb_changed(self, *, at: datetime) -> int:
        """Puts every live clock whose due time other zone data moves on that data; how many. The rest keep theirs."""
        moved = 0
        for clock in self.clocks:
            state = clock.state(at)
            stale = state.tzdb_version != self.hours.tzdb_version and state.phase in LIVE
            if stale and state.due_at != clock.stored_due_at:
                self._append(clock, EventKind.TZDB_CHANGED, at=at, cause=EventKind.TZDB_CHANGED.value)
                moved += 1
        return moved

    def rejudge(self, *, at: datetime) -> None:
        """Brings live clocks that older rules judged to the present ones: what was wrongly a breach is taken back."""
        for clock in self.clocks:
            if clock.state(at).phase in LIVE:
                self._append(clock, EventKind.REJUDGE, at=at, cause="pause_frozen")

    # --- questions --------------------------------------------------------------------------------------------------

    def deadline(self, target: str, *, at: datetime) -> datetime | None:
        """Return when a target would fall due if it started now, e.g. an access request's default.

        None for ``none``, and on a calendar that opens no more.
        """
        try:
            return due_at(self.hours.calendar, parse_target(target), at)
        except SlaUnreachable:
            return None

    def live(self, *, at: datetime) -> list[TicketClock]:
        """The clocks that run or are paused."""
        return [clock for clock in self.clocks if clock.state(at).phase in LIVE]

    # --- inside -----------------------------------------------------------------------------------------------------

    def _start(self, promise: Promise, at: datetime, when: datetime, due: datetime | None, ref: str | None) -> str:
        target = wire.target_of(promise, due)
        same = [
            clock
            for clock in self.clocks
            if clock.terms.ref == ref
            and clock.spec.milestone == promise.milestone
            and clock.terms.starts == promise.starts
        ]
        if same:
            clock = same[-1]
            if clock.state(at).phase not in LIVE:
                self._append(clock, EventKind.REOPEN, at=at, target=self._reachable(promise, target, at))
            elif due is not None:
                self._append(clock, EventKind.RETARGET, at=at, target=target, cause="retarget")
            return clock.clock_id
        if self.ticket_id is None or self.external_ticket_id is None:
            raise ValueError("bind the ticket before starting its clocks")
        rests = self._rests(at, when) if promise.party == "vendor" else []
        clock = TicketClock(
            clock_id=self.mint("clk"),
            ticket_id=self.ticket_id,
            external_ticket_id=self.external_ticket_id,
            customer_id=self.plan.customer.customer_id,
            spec=wire.spec_of(promise, self._reachable(promise, target, when)),
            terms=wire.terms_of(promise, policy_version=self.policy.version, ref=ref),
            hours=self.hours,
        )
        self.clocks.append(clock)
        self._append(clock, EventKind.START, at=at, occurred_at=when, project=not rests)
        for rest in rests:
            since = max(when, rest.since)
            self._append(clock, EventKind.PAUSE, at=at, occurred_at=since, reason=rest.reason, party=rest.party)
            if rest.until is not None:
                self._append(clock, EventKind.RESUME, at=at, occurred_at=rest.until, reason=rest.reason)
        return clock.clock_id

    def _reachable(self, promise: Promise, target: Target, at: datetime) -> Target:
        """A calendar that never opens promises nothing, but does not keep a ticket from being recorded."""
        try:
            spec = wire.spec_of(promise, target)
            due_at(self.hours.calendar, target, at, spec.after_close)
        except SlaUnreachable:
            return NoTarget()
        return target

    def _rests(self, at: datetime, when: datetime) -> list[Pause]:
        """What the vendor's other clocks waited for since ``when`` or wait for now: it holds for a new one too."""
        found: dict[tuple[str, datetime], Pause] = {}
        for clock in self.clocks:
            if clock.spec.owing is not Party.VENDOR:
                continue
            state = clock.state(at)
            for pause in state.pauses:
                stands = pause.until is None and state.phase is Phase.PAUSED
                if stands or (pause.until is not None and pause.until > when and when < at):
                    found.setdefault((pause.reason, pause.since), pause)
        return [found[key] for key in sorted(found)]

    def _vendors(
        self, kind: EventKind, reason: str | None, party: Party, at: datetime, occurred_at: datetime | None
    ) -> bool:
        changed = False
        when = min(occurred_at or at, at)
        for clock in self.clocks:
            if clock.spec.owing is not Party.VENDOR:
                continue
            # A late fact also concerns a clock that has ended since.
            if any(self._takes(clock, kind, reason, moment) for moment in dict.fromkeys((at, when))):
                self._append(clock, kind, at=at, occurred_at=when, reason=reason, party=party)
                changed = True
        return changed

    @staticmethod
    def _takes(clock: TicketClock, kind: EventKind, reason: str | None, moment: datetime) -> bool:
        state = clock.state(moment)
        stands = any(pause.until is None and reason in (None, pause.reason) for pause in state.pauses)
        return state.phase in LIVE and stands == (kind is EventKind.RESUME)

    def _append(
        self,
        clock: TicketClock,
        kind: EventKind,
        *,
        at: datetime,
        occurred_at: datetime | None = None,
        reason: str | None = None,
        party: Party = Party.NONE,
        target: Target | None = None,
        corrects: int | None = None,
        moved_to: datetime | None = None,
        cause: str | None = None,
        project: bool = True,
    ) -> None:
        if kind not in (EventKind.START, EventKind.CALENDAR_CHANGED, EventKind.TZDB_CHANGED):
            self._catch_up(clock, at)
        when = occurred_at or at
        backdated = to_s(when) < to_s(at)
        before = clock.stored_due_at
        event = ClockEvent(
            seq=len(clock.events) + 1,
            kind=kind,
            occurred_at=when,
            recorded_at=self.plan.at,
            reason=reason,
            party=party,
            target=target,
            corrects=corrects,
            corrected_occurred_at=moved_to,
            # A late fact is judged on what was in force where it belongs.
            calendar_revision=self._revision_of(clock, kind, when) if backdated else self.hours.revision,
            tzdb_version=None if backdated and kind is not EventKind.START else self.hours.tzdb_version,
        )
        clock.hours = self.hours
        clock.events.append(event)
        self.plan.record("clock", clock.clock_id, event.seq, kind.value, wire.dump_event(event), occurred_at=when)
        if backdated:
            # A late fact is judged on the hours of then; from now on the newest hold.
            self._catch_up(clock, at)
        emitted = self._judge_and_project(clock, at, fresh=True) if project else False
        if cause is not None and not emitted:
            after = clock.stored_due_at
            if after != before:
                emit_due(self.plan, self.hours, clock, before, after, cause)

    def _revision_of(self, clock: TicketClock, kind: EventKind, when: datetime) -> int:
        """The revision of a late fact: that of then, and none older than the clock was on; a start's is the newest."""
        if kind is EventKind.START:
            return self.hours.revision
        known = [
            clock_event.calendar_revision or 0
            for clock_event in in_force(clock.events)
            if clock_event.occurred_at <= when
        ]
        return max(self.hours.revision_at(when), *known)

    def _catch_up(self, clock: TicketClock, at: datetime) -> None:
        """A clock that started while a calendar version was being published goes over to it here at the latest."""
        if touched(clock, at, self.hours):
            self._append(clock, EventKind.CALENDAR_CHANGED, at=at, cause=EventKind.CALENDAR_CHANGED.value)

    def _judge_and_project(self, clock: TicketClock, at: datetime, *, fresh: bool = False) -> bool:
        """Judges, writes the projection, and says when to look again. True when it told that nothing falls due.

        ``fresh``: an event has just been appended.
        """
        state = clock.state(at)
        emitted = state.never_due and self._newly_never(clock, at, fresh=fresh)
        if emitted:
            emit_due(self.plan, self.hours, clock, clock.stored_due_at, None, wire.NEVER_OPENS)
        for fact in clock.facts(at):
            key = (fact.key[0], "" if fact.key[1] is None else fact.key[1].isoformat(), fact.key[2])
            if key not in clock.judged:
                clock.judged.add(key)
                publish(self.plan, self.hours, clock, fact, key, state)
                breach = fact.kind in ("breached", "breach_retracted")
                if breach and self.on_breach is not None and clock.spec.owing is Party.VENDOR:
                    self.on_breach(clock, fact, wire.breach_id(clock.clock_id, fact))
        following = next_action_at(state) if state.phase in LIVE else None
        if following is not None:
            self.plan.due(following, AGENDA_KIND, clock.clock_id, ticket_id=clock.ticket_id)
        elif clock.on_agenda:
            self.plan.drop(AGENDA_KIND, clock.clock_id)
        clock.on_agenda = following is not None
        clock.stored_due_at = state.due_at
        self.plan.clocks[clock.clock_id] = row_of(self.plan, self.hours, clock, state, following)
        return emitted

    @staticmethod
    def _newly_never(clock: TicketClock, at: datetime, *, fresh: bool) -> bool:
        """Whether the calendar ended this promise only now."""
        if clock.stored_due_at is not None:
            return True
        earlier = clock.events[:-1]
        if not fresh or not earlier:
            return False
        return not fold(clock.spec, clock.hours.calendar, earlier, at=at, history=clock.hours.history).never_due
