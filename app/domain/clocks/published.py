"""A change of a clock in the plan: its projection, its outcomes, and the events that publish them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.account.changes import ClockOutcome, ClockRow, OutboxEvent, Plan
from app.domain.clocks import stored as wire
from app.domain.clocks.clock import ClockState, OutcomeFact
from app.domain.clocks.ticket_clock import Hours, Key, TicketClock
from app.domain.values.wire import iso_or_none


def emit_due(
    plan: Plan, hours: Hours, clock: TicketClock, old: datetime | None, new: datetime | None, cause: str
) -> None:
    """Publishes that a due time moved, and why."""
    plan.emit(
        "clock.due_changed",
        {
            **_named(clock),
            "old": iso_or_none(old),
            "new": iso_or_none(new),
            "cause": cause,
            "calendar_revision": hours.revision,
            "tzdb_version": hours.tzdb_version,
        },
    )


def row_of(
    plan: Plan,
    hours: Hours,
    clock: TicketClock,
    state: ClockState,
    following: datetime | None,
    folded: Mapping[str, Any] | None,
) -> ClockRow:
    """The projection of a clock, as it is stored."""
    return ClockRow(
        clock_id=clock.clock_id,
        ticket_id=clock.ticket_id,
        customer_id=plan.customer.customer_id,
        milestone=clock.spec.milestone,
        party=clock.spec.owing.value,
        phase=state.phase.value,
        outcome=state.outcome.value,
        started_at=state.started_at or state.at,
        due_at=state.due_at,
        remaining_business_seconds=state.remaining_business_seconds,
        stopped_at=state.stopped_at,
        next_action_at=following,
        calendar=clock.spec.calendar,
        calendar_revision=state.calendar_revision or hours.revision,
        tzdb_version=state.tzdb_version or hours.tzdb_version,
        version=len(clock.events) or (folded or clock.folded or {})["version"],
        folded=folded,
        spec=wire.dump_spec(clock.spec, clock.terms),
    )


def publish(plan: Plan, hours: Hours, clock: TicketClock, fact: OutcomeFact, key: Key, state: ClockState) -> None:
    """Writes an outcome down, with the event that tells of it."""
    data = {
        **_named(clock),
        "cycle": fact.cycle,
        "window_date": key[1] or None,
        "at": fact.at,
        "due_at": fact.due_at,
        "outcome": state.outcome.value,
        "calendar_revision": state.calendar_revision,
        "tzdb_version": state.tzdb_version,
        "clause": clock.terms.clause,
    }
    if fact.kind in ("breached", "breach_retracted"):
        data["breach_id"] = wire.breach_id(clock.clock_id, fact)
    if fact.kind == "reminded":
        data["level"] = fact.rule + 1
    notify = {"warned": clock.terms.warning_notify, "reminded": clock.terms.reminder_notify}.get(fact.kind, ())
    if fact.rule < len(notify) and notify[fact.rule]:
        data["notify"] = list(notify[fact.rule])
    customer = plan.customer
    customer.event_sequence += 1
    plan.outcomes.append(
        ClockOutcome(
            clock_id=clock.clock_id,
            cycle=fact.cycle,
            window_date=key[1] or None,
            kind=key[2],
            at=fact.at,
            due_at=fact.due_at,
            calendar_revision=state.calendar_revision or hours.revision,
            tzdb_version=state.tzdb_version or hours.tzdb_version,
            customer_id=customer.customer_id,
            event=OutboxEvent(
                type=f"clock.{fact.kind}",
                customer_id=customer.customer_id,
                sequence=customer.event_sequence,
                occurred_at=fact.at,
                data=data,
                dedupe_key=f"clock:{clock.clock_id}:{key[0]}:{key[1]}:{key[2]}",
            ),
        )
    )


def _named(clock: TicketClock) -> dict[str, Any]:
    named = {"clock_id": clock.clock_id, "ticket_id": clock.external_ticket_id, "milestone": clock.spec.milestone}
    return named if clock.terms.team is None else {**named, "team": clock.terms.team}
