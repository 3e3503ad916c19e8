"""The clocks of one ticket, as a working copy over the plan: start, stop, pause, resume, cancel, reopen, judge.

A ticket says what happened (``vendor_response``, ``resolved`` ...); the policy's promises say which clocks that starts
or stops. Every change appends clock events and judges what has come about by now. It puts the projection, the outcomes
and the next look on the agenda (kind ``clock``) into the plan. Nothing here knows the time but by ``at``.

A breach is looked for one second after the due time, since an answer at the due time still meets it. The outcome and
its event bear the due time itself, however late anyone looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.account.changes import Plan
from app.domain.calendar.timeline import to_s
from app.domain.clocks import stored as wire
from app.domain.clocks.clock import ClockState, OutcomeFact, next_action_at
from app.domain.clocks.event import ClockEvent, EventKind, Party, Pause
from app.domain.clocks.folded import go_on, keep
from app.domain.clocks.promises import (
    is_chosen,
    newest,
    newly_never,
    promised_to,
    reachable,
    rests,
    revision_of,
    suits,
    takes,
)
from app.domain.clocks.published import emit_due, publish, row_of
from app.domain.clocks.target import EachBusinessDay, NoTarget, Rolling, Target
from app.domain.clocks.ticket_clock import LIVE, PROMISE_CHANGED, Hours, TicketClock, touched
from app.domain.policy.conditions import Facts
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
    come back by it (decision 0023). ``named``: the policy's calendars beside ``hours``. ``facts``: what is known of the
    ticket, for promises that hold for some tickets only.
    """

    plan: Plan
    policy: Policy
    hours: Hours
    mint: Mint
    ticket_id: str | None = None
    external_ticket_id: str | None = None
    clocks: list[TicketClock] = field(default_factory=list)
    on_breach: BreachHook | None = None
    named: Mapping[str, Hours] = field(default_factory=dict)
    facts: Callable[[], Facts] = dict

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
        """Starts every promise whose ``starts`` is the trigger, of each milestone the first that holds; the clock ids.

        ``due_at`` gives the deadline instead of the promise's target (access requests). ``ref`` tells several clocks of
        one promise apart. ``occurred_at`` before now is a late fact. A stopped clock of the promise begins a new cycle.
        A running one runs on; with ``due_at`` it is retargeted. Reasons for waiting that stand on the ticket's other
        clocks hold for a vendor's new one. ``without`` and ``only``: milestones.
        """
        when = min(occurred_at or at, at)
        return [
            self._start(promise, at, when, due_at, ref)
            for promise in promised_to(self.policy.promises, self.facts)
            if promise.starts == trigger
            and promise.milestone not in without
            and (not only or promise.milestone in only)
        ]

    def follow(
        self,
        fired: Sequence[str],
        *,
        at: datetime,
        occurred_at: datetime | None = None,
        done: Sequence[str] = (),
        without: Sequence[str] = (),
    ) -> None:
        """What the ticket says of itself changed: each live clock goes over to the promise that holds now.

        The time already used is kept. A clock whose promise holds no more is cancelled. A promise that holds only now,
        or again, starts now, if the ticket ``fired`` its trigger before and nothing that stops it is ``done``.
        ``without``: milestones that are not owed yet.
        """
        when = min(occurred_at or at, at)
        promised = {(p.milestone, p.starts): p for p in promised_to(self.policy.promises, self.facts)}
        conditional = {(p.milestone, p.starts) for p in self.policy.promises if p.when is not None}
        for clock in newest(self.clocks):
            place = (clock.spec.milestone, clock.terms.starts)
            if place not in conditional or clock.state(at).phase not in LIVE:
                continue
            promise = promised.get(place)
            if promise is None:
                _give_up(self, clock, at, when)
            else:
                self._go_over(clock, promise, at, when)
        newest_at = {(clock.spec.milestone, clock.terms.starts): clock for clock in newest(self.clocks)}
        for place, promise in promised.items():
            owed = place in conditional and promise.starts in fired and promise.milestone not in without
            if not owed or (wire.owed_once(promise) and any(trigger in promise.stops for trigger in done)):
                continue
            gone = newest_at.get(place)
            if gone is None:
                self._start(promise, at, when, None, None)
            elif gone.given_up:
                _come_back(self, gone, promise, at, when)

    def start_earlier(self, milestone: str, since: datetime | None, *, at: datetime) -> None:
        """The first cycle of a milestone's clocks began earlier: it was owed on another ticket that is this one."""
        for clock in newest(self.clocks):
            start = clock.events[0]
            if clock.spec.milestone != milestone or since is None or start.kind is not EventKind.START:
                continue
            began = clock.began
            if began is not None and since < began:
                self._append(clock, EventKind.CORRECT, at=at, corrects=start.seq, moved_to=since)

    def stop(
        self,
        trigger: str,
        *,
        at: datetime,
        occurred_at: datetime | None = None,
        ref: str | None = None,
        milestone: str | None = None,
    ) -> None:
        """Stops every clock that the trigger stops; a vendor response covers a window where one is owed each day.

        ``occurred_at`` before now is a late fact: it may retract a breach, and never erases one. ``resolved`` ends all
        other clocks of the ticket too, as cancelled. It also gives a first response that was still owed, in time or
        late. One at a due time that was missed is judged first. With ``ref`` or ``milestone``: only that one.
        """
        when = min(occurred_at or at, at)
        for clock in self.clocks:
            if ref is not None and clock.terms.ref != ref:
                continue
            if milestone is not None and clock.spec.milestone != milestone:
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
        for clock in newest(self.clocks):
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
        found = [clock for clock in self.clocks if touched(clock, at, clock.hours)]
        for clock in found:
            self._append(clock, EventKind.CALENDAR_CHANGED, at=at, cause=EventKind.CALENDAR_CHANGED.value)
        return len(found)

    def tzdb_changed(self, *, at: datetime) -> int:
        """Puts every live clock whose due time other zone data moves on that data; how many. The rest keep theirs."""
        moved = 0
        for clock in self.clocks:
            if _moved_by_zone_data(clock, at):
                self._append(clock, EventKind.TZDB_CHANGED, at=at, cause=EventKind.TZDB_CHANGED.value)
                moved += 1
        return moved

    def rejudge(self, *, at: datetime) -> None:
        """Brings live clocks that older rules judged to the present ones: what was wrongly a breach is taken back."""
        for clock in self.clocks:
            if clock.state(at).phase in LIVE:
                self._append(clock, EventKind.REJUDGE, at=at, cause="pause_frozen")

    def live(self, *, at: datetime) -> list[TicketClock]:
        """The clocks that run or are paused."""
        return [clock for clock in self.clocks if clock.state(at).phase in LIVE]

    # --- inside -----------------------------------------------------------------------------------------------------

    def _start(self, promise: Promise, at: datetime, when: datetime, due: datetime | None, ref: str | None) -> str:
        target, hours = wire.target_of(promise, due), self._hours(promise)
        place = (promise.milestone, promise.starts, ref)
        same = [c for c in self.clocks if (c.spec.milestone, c.terms.starts, c.terms.ref) == place]
        if same:
            clock, live = same[-1], same[-1].state(at).phase in LIVE
            if live and due is not None:
                self._append(clock, EventKind.RETARGET, at=at, target=target, cause="retarget")
            elif not live and (suits(clock, promise) or not is_chosen(promise, self.policy.promises)):
                self._append(clock, EventKind.REOPEN, at=at, target=reachable(promise, target, hours, at))
                live = True
            if live:
                return clock.clock_id
        waits = rests(self.clocks, at, when) if promise.party == "vendor" else []
        return self._begin(promise, reachable(promise, target, hours, when), at, when, ref, waits).clock_id

    def _begin(
        self,
        promise: Promise,
        target: Target,
        at: datetime,
        when: datetime,
        ref: str | None,
        waits: Sequence[Pause],
        replaced: tuple[str, ...] = (),
    ) -> TicketClock:
        clock = _new_clock(self, promise, target, ref, replaced)
        waits = [wait for wait in waits if clock.terms.stands_at(wait.reason)]
        self.clocks.append(clock)
        self._append(clock, EventKind.START, at=at, occurred_at=when, project=not waits)
        for rest in waits:
            since = max(when, rest.since)
            self._append(clock, EventKind.PAUSE, at=at, occurred_at=since, reason=rest.reason, party=rest.party)
            if rest.until is not None:
                self._append(clock, EventKind.RESUME, at=at, occurred_at=rest.until, reason=rest.reason)
        return clock

    def _go_over(self, clock: TicketClock, promise: Promise, at: datetime, when: datetime) -> None:
        """A live clock goes over to another promise of its milestone."""
        state = clock.state(at)
        began = state.started_at or when
        target = reachable(promise, wire.target_of(promise, None), self._hours(promise), began)
        if suits(clock, promise):
            if state.target != target:
                self._append(clock, EventKind.RETARGET, at=at, occurred_at=when, target=target, cause=PROMISE_CHANGED)
            return
        # Another calendar, other warnings, another clause: a clock of its own, which began when the first one did.
        waits = {(wait.reason, wait.since): wait for wait in (*rests(self.clocks, at, began), *state.pauses)}
        _give_up(self, clock, at, when)
        replaced = wire.replaced_by(promise, clock.clock_id, clock.terms, state.cycle)
        pauses = [waits[key] for key in sorted(waits)]
        new = self._begin(promise, NoTarget(), at, began, clock.terms.ref, pauses, replaced)
        self._append(new, EventKind.RETARGET, at=at, occurred_at=when, target=target, cause=PROMISE_CHANGED)

    def _hours(self, promise: Promise) -> Hours:
        return self.hours if promise.calendar == self.hours.name else self.named[promise.calendar]

    def _vendors(
        self, kind: EventKind, reason: str | None, party: Party, at: datetime, occurred_at: datetime | None
    ) -> bool:
        changed = False
        when = min(occurred_at or at, at)
        for clock in self.clocks:
            if clock.spec.owing is not Party.VENDOR:
                continue
            if kind is EventKind.PAUSE and reason is not None and not clock.terms.stands_at(reason):
                continue
            # A late fact also concerns a clock that has ended since.
            if any(takes(clock, kind, reason, moment) for moment in dict.fromkeys((at, when))):
                self._append(clock, kind, at=at, occurred_at=when, reason=reason, party=party)
                changed = True
        return changed

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
        more: dict[str, Any] = {"reason": reason, "party": party, "target": target, "corrects": corrects}
        event = _event(self, clock, kind, at, when, corrected_occurred_at=moved_to, **more)
        clock.events.append(event)
        self.plan.record("clock", clock.clock_id, event.seq, kind.value, wire.dump_event(event), occurred_at=when)
        if backdated:
            # A late fact is judged on the hours of then; from now on the newest hold.
            self._catch_up(clock, at)
        emitted = self._judge_and_project(clock, at, fresh=True) if project else False
        if cause is not None and not emitted:
            after = clock.stored_due_at
            if after != before:
                emit_due(self.plan, clock.hours, clock, before, after, cause)

    def _catch_up(self, clock: TicketClock, at: datetime) -> None:
        """A clock that started while a calendar version was being published goes over to it here at the latest."""
        if touched(clock, at, clock.hours):
            self._append(clock, EventKind.CALENDAR_CHANGED, at=at, cause=EventKind.CALENDAR_CHANGED.value)

    def _judge_and_project(self, clock: TicketClock, at: datetime, *, fresh: bool = False) -> bool:
        """Judges, writes the projection, and says when to look again. True when it told that nothing falls due.

        ``fresh``: an event has just been appended.
        """
        state = clock.state(at)
        emitted = state.never_due and newly_never(clock, at, fresh=fresh)
        if emitted:
            emit_due(self.plan, clock.hours, clock, clock.stored_due_at, None, wire.NEVER_OPENS)
        self.publish_new(clock, clock.facts(at), state)
        self.project(clock, state, keep(clock.spec, clock.hours, clock.events, clock.judged, at))
        return emitted

    def publish_new(self, clock: TicketClock, facts: Iterable[OutcomeFact], state: ClockState) -> None:
        """Write the outcomes down that are new."""
        for fact in facts:
            key = (fact.key[0], "" if fact.key[1] is None else fact.key[1].isoformat(), fact.key[2])
            if key not in clock.judged:
                clock.judged.add(key)
                publish(self.plan, clock.hours, clock, fact, key, state)
                breach = fact.kind in ("breached", "breach_retracted")
                if breach and self.on_breach is not None and clock.spec.owing is Party.VENDOR:
                    self.on_breach(clock, fact, wire.breach_id(clock.clock_id, fact))

    def project(self, clock: TicketClock, state: ClockState, folded: dict[str, Any] | None) -> None:
        """Write the projection, and say when to look again."""
        following = next_action_at(state) if state.phase in LIVE else None
        if following is not None:
            self.plan.due(following, AGENDA_KIND, clock.clock_id, ticket_id=clock.ticket_id)
        elif clock.on_agenda:
            self.plan.drop(AGENDA_KIND, clock.clock_id)
        clock.on_agenda = following is not None
        clock.stored_due_at = state.due_at
        self.plan.clocks[clock.clock_id] = row_of(self.plan, clock.hours, clock, state, following, folded)
        clock.folded = folded


def judge_folded(copy: TicketClocks, clock: TicketClock, *, at: datetime) -> None:
    """`TicketClocks.judge` of a clock whose kept state `is_usable`: it goes on from there, without its events."""
    assert clock.folded is not None  # noqa: S101 - it was asked for
    state, facts, folded = go_on(clock.spec, clock.hours, clock.folded, at)
    if state.never_due and clock.stored_due_at is not None:
        emit_due(copy.plan, clock.hours, clock, clock.stored_due_at, None, wire.NEVER_OPENS)
    copy.publish_new(clock, facts, state)
    copy.project(clock, state, folded)


def _moved_by_zone_data(clock: TicketClock, at: datetime) -> bool:
    state = clock.state(at)
    stale = state.tzdb_version != clock.hours.tzdb_version and state.phase in LIVE
    return stale and state.due_at != clock.stored_due_at


def _give_up(copy: TicketClocks, clock: TicketClock, at: datetime, when: datetime) -> None:
    """Its promise holds no more for the ticket."""
    copy._append(clock, EventKind.CANCEL, at=at, occurred_at=when, reason=PROMISE_CHANGED, cause=PROMISE_CHANGED)


def _come_back(copy: TicketClocks, gone: TicketClock, promise: Promise, at: datetime, when: datetime) -> None:
    """A promise that held no more holds again: it begins anew, since nothing was owed meanwhile."""
    target = reachable(promise, wire.target_of(promise, None), copy._hours(promise), when)
    replaced = wire.replaced_by(promise, gone.clock_id, gone.terms, gone.state(at).cycle)
    waits = rests(copy.clocks, at, when) if promise.party == "vendor" else []
    copy._begin(promise, target, at, when, gone.terms.ref, waits, replaced)


def _new_clock(
    copy: TicketClocks, promise: Promise, target: Target, ref: str | None, replaced: tuple[str, ...]
) -> TicketClock:
    if copy.ticket_id is None or copy.external_ticket_id is None:
        raise ValueError("bind the ticket before starting its clocks")
    return TicketClock(
        clock_id=copy.mint("clk"),
        ticket_id=copy.ticket_id,
        external_ticket_id=copy.external_ticket_id,
        customer_id=copy.plan.customer.customer_id,
        spec=wire.spec_of(promise, target),
        terms=wire.terms_of(promise, policy_version=copy.policy.version, ref=ref, replaced=replaced),
        hours=copy._hours(promise),
    )


def _event(
    copy: TicketClocks, clock: TicketClock, kind: EventKind, at: datetime, when: datetime, **more: Any
) -> ClockEvent:
    """An event of a clock; a late fact is judged on what was in force where it belongs."""
    backdated = to_s(when) < to_s(at)
    return ClockEvent(
        seq=len(clock.events) + 1,
        kind=kind,
        occurred_at=when,
        recorded_at=copy.plan.at,
        calendar_revision=revision_of(clock, kind, when) if backdated else clock.hours.revision,
        tzdb_version=None if backdated and kind is not EventKind.START else clock.hours.tzdb_version,
        **more,
    )
