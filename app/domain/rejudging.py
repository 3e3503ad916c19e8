"""Judging an ended clock anew, on request: what its calendar as corrected since would have said, beside what was said.

An ended clock is never judged again by itself: whoever reads it later finds what stood when it ended. Where a version
of the calendar was wrong and has been corrected, a person may ask for a second judgement. Both are kept; no outcome,
no breach and no credit moves by it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.domain import clock_wire as wire
from app.domain.errors import DomainError
from app.domain.sla_clock import ClockState, OutcomeFact, fold, judge
from app.domain.sla_event import ClockEvent, EventKind, Phase
from app.domain.ticket_clocks import TicketClock
from app.domain.wire import iso_or_none

STREAM: Final = "clock_judgement"
_ENDED: Final = (Phase.STOPPED, Phase.CANCELLED)
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
    same = ("due_at", "outcome", "breaches")
    return {"before": before, "after": after, "changed": any(before[one] != after[one] for one in same)}


def _bare(events: list[ClockEvent]) -> list[ClockEvent]:
    """What happened, without what it was judged on then: one timeline decides over all of it."""
    return [
        replace(one, calendar_revision=None, tzdb_version=None) for one in events if one.kind not in _MOVES
    ]


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
