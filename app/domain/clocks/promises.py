"""Which promises are given to a ticket, which of its clocks stand for them, and what those wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.domain.calendar.timeline import SlaUnreachable
from app.domain.clocks.clock import fold
from app.domain.clocks.event import EventKind, Party, Pause, Phase, in_force
from app.domain.clocks.stored import spec_of
from app.domain.clocks.target import NoTarget, Target, due_at, parse_target
from app.domain.clocks.ticket_clock import LIVE, Hours, TicketClock
from app.domain.policy.conditions import Facts, holds
from app.domain.policy.service_levels import Promise


def promised_to(promises: Sequence[Promise], facts: Callable[[], Facts]) -> list[Promise]:
    """Of each milestone the first promise that holds. A fact that is not stated holds nothing.

    ``facts`` is asked only where a promise has a condition.
    """
    known: Facts | None = None
    found: dict[tuple[str, str], Promise] = {}
    for promise in promises:
        place = (promise.milestone, promise.starts)
        if place in found:
            continue
        if promise.when is not None:
            known = facts() if known is None else known
            if holds(promise.when, known) is not True:
                continue
        found[place] = promise
    return list(found.values())


def is_chosen(promise: Promise, promises: Sequence[Promise]) -> bool:
    """Whether the promise is one of several for its milestone, or holds for some tickets only."""
    return any(other.when is not None for other in promises if other.milestone == promise.milestone)


def newest(clocks: Sequence[TicketClock]) -> list[TicketClock]:
    """Of the clocks of one promise the newest: those before it were replaced."""
    found = {(clock.spec.milestone, clock.terms.starts, clock.terms.ref): clock.clock_id for clock in clocks}
    return [clock for clock in clocks if clock.clock_id in found.values()]


def rests(clocks: Sequence[TicketClock], at: datetime, when: datetime) -> list[Pause]:
    """What the vendor's clocks waited for since ``when`` or wait for now: it holds for a new one too."""
    found: dict[tuple[str, datetime], Pause] = {}
    for clock in clocks:
        if clock.spec.owing is not Party.VENDOR:
            continue
        state = clock.state(at)
        for pause in state.pauses:
            stands = pause.until is None and state.phase is Phase.PAUSED
            if stands or (pause.until is not None and pause.until > when and when < at):
                found.setdefault((pause.reason, pause.since), pause)
    return [found[key] for key in sorted(found)]


def reachable(promise: Promise, target: Target, hours: Hours, at: datetime) -> Target:
    """A calendar that never opens promises nothing, but does not keep a ticket from being recorded."""
    try:
        due_at(hours.calendar, target, at, spec_of(promise, target).after_close)
    except SlaUnreachable:
        return NoTarget()
    return target


def suits(clock: TicketClock, promise: Promise) -> bool:
    """Whether a clock counts as a promise does, in the same hours and by the same clause, whatever the target."""
    spec = spec_of(promise, clock.spec.target)
    return clock.spec == spec and clock.terms.alike(promise)


def takes(clock: TicketClock, kind: EventKind, reason: str | None, moment: datetime) -> bool:
    """Whether a pause or a resumption changes a clock at that moment."""
    state = clock.state(moment)
    stands = any(pause.until is None and reason in (None, pause.reason) for pause in state.pauses)
    return state.phase in LIVE and stands == (kind is EventKind.RESUME)


def revision_of(clock: TicketClock, kind: EventKind, when: datetime) -> int:
    """The revision of a late fact: that of then, and none older than the clock was on; a start's is the newest."""
    if kind is EventKind.START:
        return clock.hours.revision
    known = [event.calendar_revision or 0 for event in in_force(clock.events) if event.occurred_at <= when]
    return max(clock.hours.revision_at(when), *known)


def newly_never(clock: TicketClock, at: datetime, *, fresh: bool) -> bool:
    """Whether the calendar ended this promise only now. ``fresh``: an event has just been appended."""
    if clock.stored_due_at is not None:
        return True
    earlier = clock.events[:-1]
    if not fresh or not earlier:
        return False
    return not fold(clock.spec, clock.hours.calendar, earlier, at=at, history=clock.hours.history).never_due


def deadline(hours: Hours, target: str, *, at: datetime) -> datetime | None:
    """Return when a target would fall due if it started now, e.g. an access request's default.

    None for ``none``, and on a calendar that opens no more.
    """
    try:
        return due_at(hours.calendar, parse_target(target), at)
    except SlaUnreachable:
        return None
