"""Judging an ended clock anew, on request: what its calendar as corrected since would have said, beside what was said.

An ended clock is never judged again by itself: whoever reads it later finds what stood when it ended. Where a version
of the calendar was wrong and has been corrected, a person may ask for a second judgement. Both are kept; no outcome, no
breach and no credit moves by it.

Clocks that were resumed before a pause froze what remains are judged anew by the present rules. An ended one is judged
as above. A live one gets an event of its own, so that it goes on rightly and a wrong breach is taken back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.domain.clocks import stored as wire
from app.domain.clocks.clock import ClockState, OutcomeFact, fold, judge
from app.domain.clocks.event import FROZEN, ClockEvent, EventKind, Phase
from app.domain.clocks.ticket_clock import TicketClock
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso_or_none

STREAM: Final = "clock_judgement"
_ENDED: Final = (Phase.STOPPED, Phase.CANCELLED)
_SAME: Final = ("due_at", "outcome", "breaches")
_MOVES: Final = (EventKind.CALENDAR_CHANGED, EventKind.TZDB_CHANGED)


def second_judgement(clock: TicketClock, at: datetime) -> dict[str, Any]:
    """What was judged and what the newest timeline says of the same facts. 409 ``clock_not_ended`` for a live one."""
    stood = clock.state(at)
    if stood.phase not in _ENDED:
        raise DomainError("clock_not_ended", clock_id=clock.clock_id, phase=stood.phase.value)
    facts = _bare(clock.events)
    timeline, data = clock.hours.calendar, clock.hours.tzdb_version
    anew = fold(clock.spec, timeline, facts, at=at)
    before = _judged(clock, stood, clock.facts(at), stood.calendar_revision, stood.tzdb_version)
    after = _judged(clock, anew, judge(clock.spec, timeline, facts, at=at), clock.hours.revision, data)
    return {"before": before, "after": after, "changed": any(before[name] != after[name] for name in _SAME)}


def _bare(events: list[ClockEvent]) -> list[ClockEvent]:
    """What happened, without what it was judged on then: one timeline decides over all of it."""
    return [
        replace(event, calendar_revision=None, tzdb_version=None, edition=FROZEN)
        for event in events
        if event.kind not in _MOVES
    ]


def frozen_judgement(clock: TicketClock, at: datetime) -> dict[str, Any] | None:
    """What the same facts come to where a pause freezes what remains; None where that changes nothing."""
    if all(event.edition >= FROZEN for event in clock.events):
        return None
    stood, hours = clock.state(at), clock.hours
    facts = [replace(event, edition=FROZEN) for event in clock.events]
    anew = fold(clock.spec, hours.calendar, facts, at=at, history=hours.history)
    judged = judge(clock.spec, hours.calendar, facts, at=at, history=hours.history)
    before = _judged(clock, stood, clock.facts(at), stood.calendar_revision, stood.tzdb_version)
    after = _judged(clock, anew, judged, anew.calendar_revision, anew.tzdb_version)
    changed = any(before[name] != after[name] for name in _SAME)
    return {"before": before, "after": after, "changed": True} if changed else None


def _judged(
    clock: TicketClock,
    state: ClockState,
    facts: tuple[OutcomeFact, ...],
    revision: int | None,
    tzdb_version: str | None,
) -> dict[str, Any]:
    return {
        "due_at": iso_or_none(state.due_at),
        "outcome": state.outcome.value,
        "breaches": wire.breaches_json(clock.clock_id, facts),
        "calendar_revision": revision,
        "tzdb_version": tzdb_version,
    }
