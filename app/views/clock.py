"""Clocks as published: what was promised, how it stands, what was missed and what was judged anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from app.domain.clocks.clock import ClockState
from app.domain.clocks.event import Outcome, Party, Phase, WindowState
from app.domain.clocks.event import TimeLedger as Seconds
from app.domain.clocks.stored import NEVER_OPENS, breaches_json
from app.domain.clocks.ticket_clock import TicketClock
from app.domain.clocks.ticket_clocks import TicketClocks
from app.domain.values.wire import iso, iso_or_none
from app.views.shapes import Closed, Day, Id, Instant, Whole

ClockPhase = Annotated[Phase, Closed("ClockPhase", "Whether a clock runs.")]
ClockOutcome = Annotated[Outcome, Closed("ClockOutcome", "What became of the promise.")]
ClockParty = Annotated[Party, Closed("Party", "Who owes something, or who is waited for.")]


class Breach(TypedDict):
    """A promise that was not kept."""

    breach_id: Annotated[Id, "The stable name of the breach."]
    cycle: Annotated[int, "The cycle of the clock, from 1; each reopening begins another."]
    window_date: Annotated[Day | None, "The business day, for a clock that owes each day."]
    due_at: Annotated[Instant | None, "When it was due."]
    at: Annotated[Instant, "When it was missed, however late that was found."]
    retracted_at: Annotated[Instant | None, "When a fact that came late took the breach back."]


class Judgement(TypedDict):
    """How a clock was judged, and on which calendar."""

    due_at: Annotated[Instant | None, "When it was due."]
    outcome: Annotated[ClockOutcome, "What became of the promise."]
    breaches: Annotated[Sequence[Breach], "The breaches."]
    calendar_revision: Annotated[int | None, "The revision of the calendar."]
    tzdb_version: Annotated[str | None, "The version of the zone database."]


class ClockJudgement(TypedDict):
    """An ended clock judged anew on request; the earlier judgement stands beside it."""

    clock_id: Annotated[Id, "The clock."]
    number: Annotated[int, "Which judgement of the clock it is, from 1."]
    reason: Annotated[str, "Why it was judged anew."]
    before: Annotated[Judgement, "How it had been judged."]
    after: Annotated[Judgement, "How it is judged by the calendar as it is now."]
    changed: Annotated[bool, "Whether the two differ."]
    judged_at: Annotated[Instant, "When it was judged anew."]
    actor: Annotated[str | None, "Who asked for it."]


class ClockPause(TypedDict):
    """A stretch in which a clock stands."""

    reason: Annotated[str | None, "Why it stands; the policy names the reasons."]
    party: Annotated[ClockParty, "Who is waited for."]
    since: Annotated[Instant, "When the pause began."]
    until: Annotated[Instant | None, "When it ended; null while it lasts."]


class ClockWarning(TypedDict):
    """A warning before a promise falls due."""

    at: Annotated[Instant, "When the warning is due."]
    rule: Annotated[int, "Which of the promise's warnings it is, from 1."]
    fired: Annotated[bool, "Whether it was given."]


class ClockReminder(TypedDict):
    """A reminder of a promise that was missed."""

    at: Annotated[Instant, "When the reminder is due."]
    level: Annotated[int, "Which reminder it is, from 1."]
    fired: Annotated[bool, "Whether it was given."]


class Window(TypedDict):
    """One business day of a clock that owes each."""

    date: Annotated[Day, "The business day."]
    closes_at: Annotated[Instant, "When it closes."]
    state: Annotated[
        Annotated[WindowState, Closed("WindowState", "How a business day of a promise ended.")],
        "Whether something was done on it.",
    ]
    at: Annotated[Instant, "When that was decided."]


class TimeLedger(TypedDict):
    """Seconds by responsibility; they add up to the wall's."""

    wall_seconds: Annotated[Whole, "All seconds since the clock started."]
    closed_seconds: Annotated[Whole, "Seconds outside business hours."]
    vendor_seconds: Annotated[Whole, "Seconds in which the vendor was at work."]
    customer_seconds: Annotated[Whole, "Seconds in which the customer was waited for."]
    third_party_seconds: Annotated[Whole, "Seconds in which a third party was waited for."]
    none_seconds: Annotated[Whole, "Seconds in which nobody was waited for."]


class Clock(TypedDict):
    """A promised time of a ticket, and how it stands."""

    clock_id: Annotated[Id, "Our id of the clock."]
    ticket_id: Annotated[Id, "The ticket, by the helpdesk's id."]
    milestone: Annotated[str, "What the clock waits for; the policy names the milestones."]
    target: Annotated[str, "What was promised, such as `business_seconds:28800`."]
    party: Annotated[ClockParty, "Who owes it."]
    phase: Annotated[ClockPhase, "Whether the clock runs."]
    outcome: Annotated[ClockOutcome, "What became of the promise in the present cycle."]
    ticking: Annotated[bool, "Whether time passes on it at this instant."]
    cycle: Annotated[int, "The present cycle, from 1; each reopening begins another."]
    started_at: Annotated[Instant | None, "When the present cycle started."]
    due_at: Annotated[Instant | None, "When it is due; null while it stands still."]
    never_due: Annotated[str | None, "Why it is never due: `calendar_never_opens`."]
    remaining_business_seconds: Annotated[Whole | None, "What remains of the target; null once it has ended."]
    overdue_business_seconds: Annotated[Whole | None, "By how much it is or was late; null where it is not."]
    consumed_seconds: Annotated[Whole, "Time used in the present cycle."]
    window_date: Annotated[Day | None, "The business day that is owed now, for a clock of each day."]
    stopped_at: Annotated[Instant | None, "When what was promised was done."]
    pauses: Annotated[Sequence[ClockPause], "The stretches in which it stood."]
    warnings: Annotated[Sequence[ClockWarning], "The warnings before it falls due."]
    reminders: Annotated[Sequence[ClockReminder], "The reminders after it was missed."]
    windows: Annotated[Sequence[Window], "The business days of a clock that owes each."]
    ledger: Annotated[TimeLedger, "Where the time went."]
    breaches: Annotated[Sequence[Breach], "Every breach, those that stand first."]
    calendar: Annotated[str, "The calendar that it runs on."]
    calendar_revision: Annotated[int | None, "The revision of the calendar."]
    tzdb_version: Annotated[str | None, "The version of the zone database."]
    policy_version: Annotated[int, "The version of the policy that made the promise."]
    clause: Annotated[str, "The clause of the promise."]
    reading: Annotated[bool, "Whether it is our reading."]
    team: NotRequired[Annotated[str, "The vendor's team that owes it to the others; customers do not see it."]]
    judgements: NotRequired[
        Annotated[Sequence[ClockJudgement], "The judgements anew, the oldest first; where one clock is asked for."]
    ]


def clock_view(clock: TicketClock, at: datetime, known_at: datetime | None = None) -> Clock:
    """Return a clock as it stood ``at`` an instant, by what was known at ``known_at``."""
    state = clock.state(at, known_at)
    owed: Clock = {
        "clock_id": clock.clock_id,
        "ticket_id": clock.external_ticket_id,
        "milestone": clock.spec.milestone,
        "target": str(state.target),
        "party": clock.spec.owing,
        "phase": state.phase,
        "outcome": state.outcome,
        "ticking": state.ticking,
        "cycle": state.cycle,
        "started_at": iso_or_none(state.started_at),
        "due_at": iso_or_none(state.due_at),
        "never_due": NEVER_OPENS if state.never_due else None,
        "remaining_business_seconds": state.remaining_business_seconds,
        "overdue_business_seconds": state.overdue_business_seconds,
        "consumed_seconds": state.consumed_seconds,
        "window_date": None if state.window_date is None else state.window_date.isoformat(),
        "stopped_at": iso_or_none(state.stopped_at),
        "pauses": [
            {"reason": pause.reason, "party": pause.party, "since": iso(pause.since), "until": iso_or_none(pause.until)}
            for pause in state.pauses
        ],
        "warnings": [{"at": iso(mark.at), "rule": mark.rule + 1, "fired": mark.fired} for mark in state.warnings],
        "reminders": [{"at": iso(mark.at), "level": mark.rule + 1, "fired": mark.fired} for mark in state.reminders],
        "windows": _windows(state),
        "ledger": ledger_view(state.ledger),
        "breaches": breaches_json(clock.clock_id, clock.facts(at, known_at)),
        "calendar": clock.spec.calendar,
        "calendar_revision": state.calendar_revision,
        "tzdb_version": state.tzdb_version,
        "policy_version": clock.terms.policy_version,
        "clause": clock.terms.clause,
        "reading": clock.terms.reading,
    }
    if clock.terms.team is not None:
        owed["team"] = clock.terms.team
    return owed


def clock_views(clocks: TicketClocks, at: datetime) -> list[Clock]:
    """Return the clocks of a ticket that had started by then, the oldest first."""
    return [clock_view(clock, at) for clock in clocks.clocks if clock.started_by(at)]


def _windows(state: ClockState) -> list[Window]:
    return [
        {
            "date": window.window_date.isoformat(),
            "closes_at": iso(window.closes_at),
            "state": window.state,
            "at": iso(window.at),
        }
        for window in state.windows
    ]


def ledger_view(ledger: Seconds) -> TimeLedger:
    """Return seconds by responsibility; they add up to ``wall_seconds`` exactly."""
    return {
        "wall_seconds": ledger.wall_seconds,
        "closed_seconds": ledger.closed_seconds,
        "vendor_seconds": ledger.vendor_seconds,
        "customer_seconds": ledger.customer_seconds,
        "third_party_seconds": ledger.third_party_seconds,
        "none_seconds": ledger.none_seconds,
    }
