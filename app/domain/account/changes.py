"""The plan: the closed set of effects a domain function may ask for. `app.db.plan.write` alone carries them out.

``validate_only``, single calls, batches and sweeps share it; ``validate_only`` stops before it (decision 0001).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.domain.account.customer import Addon, Choice, Cover, Customer, License, Order, OrderRefund
from app.domain.account.payment_dispute import PaymentDispute
from app.domain.ledger.journal import Journal
from app.domain.ledger.refunded_units import voided_event
from app.domain.ledger.top_up import DUE, ask, overdrawn_data
from app.domain.values.agent import Agent
from app.domain.values.ids import CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One immutable fact in the life of a ticket, cover, license, choice or clock.

    ``occurred_at``: when it happened; ``recorded_at`` is the plan's ``at`` unless given. Unique by
    (stream, entity, seq).
    """

    stream: str
    entity_id: str
    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    customer_id: CustomerId
    payload: Mapping[str, Any]
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """A change that callers are told of. ``type`` e.g. ``credits.granted``; ``sequence`` rises by one a customer.

    ``dedupe_key`` (optional): at most one event with this key is ever written.
    """

    type: str
    customer_id: CustomerId
    sequence: int
    occurred_at: datetime
    data: Mapping[str, Any]
    dedupe_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaItem:
    """Something that falls due at ``at``: one row a (kind, subject), moved when put again (decision 0010)."""

    at: datetime
    kind: str
    subject: str
    customer_id: CustomerId
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaDrop:
    """What was to fall due no longer does."""

    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A ticket's searchable projection; the truth is the fold of its events (stream ``ticket``)."""

    ticket_id: str
    external_id: str
    customer_id: CustomerId
    person_id: CustomerId | None
    state: str
    category: str | None
    subject: str
    channel: str | None
    license_id: str | None
    parent_id: str | None
    payload_hash: str
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    version: int
    document: Mapping[str, Any]
    """The folded ticket as JSON, so that reading one is one row."""
    counted: list[dict[str, Any]] | None = None
    """What of it counts in the windows of the policy; None: nothing."""
    counted_at: datetime | None = None
    """The last instant at which something of it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """An SLA clock's projection; the truth is the fold of its events (stream ``clock``)."""

    clock_id: str
    ticket_id: str
    customer_id: CustomerId
    milestone: str
    party: str
    phase: str
    outcome: str
    started_at: datetime
    due_at: datetime | None
    remaining_business_seconds: int | None
    stopped_at: datetime | None
    next_action_at: datetime | None
    calendar: str
    calendar_revision: int
    tzdb_version: str
    version: int
    spec: Mapping[str, Any]
    """The promise as it was when the clock started (policy pinned)."""
    folded: Mapping[str, Any] | None = None
    """The state from which a firing of a daily promise goes on (`app.domain.clocks.folded`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOutcome:
    """A judgement of a clock, unique by (clock, cycle, window_date, kind): exactly once whatever sweeps."""

    clock_id: str
    cycle: int
    window_date: str | None
    kind: str
    at: datetime
    due_at: datetime | None
    calendar_revision: int
    tzdb_version: str
    customer_id: CustomerId
    event: OutboxEvent | None = None
    """Published only when this outcome is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Who did what (append-only)."""

    action: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)


_ACTED: Final = ("ticket.", "cover.", "customer.")
"""Events that say who acted."""


@dataclass(slots=True)
class Plan:
    """What is to be written for one customer, in order of making.

    Entities are put whole (the last put of an entity wins). Ledger changes are collected by
    `app.domain.ledger.journal.Journal` and written from there.
    """

    customer: Customer
    at: datetime
    actor: str | None = None
    events: list[StreamEvent] = field(default_factory=list)
    outbox: list[OutboxEvent] = field(default_factory=list)
    agenda: list[AgendaItem | AgendaDrop] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)
    licenses: dict[str, License] = field(default_factory=dict)
    covers: dict[str, Cover] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    lines_changed: set[str] = field(default_factory=set)
    """Orders whose lines are others by now, so that what is refunded of them may be all or a part."""
    refunds: list[OrderRefund] = field(default_factory=list)
    refunds_undone: list[OrderRefund] = field(default_factory=list)
    """Refunds known before, whose taking back was undone."""
    payment_disputes: dict[tuple[str, str], PaymentDispute] = field(default_factory=dict)
    """By order and dispute."""
    addons: list[Addon] = field(default_factory=list)
    tickets: dict[str, TicketRow] = field(default_factory=dict)
    clocks: dict[str, ClockRow] = field(default_factory=dict)
    outcomes: list[ClockOutcome] = field(default_factory=list)
    agent: Agent | None = None
    """Who acts for the vendor since `act_for`."""

    def act_for(self, agent: Agent | None, action: str, subject: str) -> None:
        """Says who acts for the vendor from now on, and on what: it shows in the events and in the trail."""
        self.agent = agent
        if agent is not None:
            self.audit.append(AuditRow(action=action, subject=subject, data={"acting_agent": dict(agent)}))

    def emit(
        self, type_: str, data: Mapping[str, Any], *, occurred_at: datetime | None = None, dedupe_key: str | None = None
    ) -> None:
        """Publishes a change; the customer's sequence rises by one."""
        if self.agent is not None and type_.startswith(_ACTED):
            data = {**data, "acting_agent": dict(self.agent)}
        self.customer.event_sequence += 1
        self.outbox.append(
            OutboxEvent(
                type=type_,
                customer_id=self.customer.customer_id,
                sequence=self.customer.event_sequence,
                occurred_at=occurred_at or self.at,
                data=data,
                dedupe_key=dedupe_key,
            )
        )

    def record(
        self,
        stream: str,
        entity_id: str,
        seq: int,
        kind: str,
        payload: Mapping[str, Any],
        *,
        occurred_at: datetime | None = None,
    ) -> None:
        """Appends a fact to a stream."""
        self.events.append(
            StreamEvent(
                stream=stream,
                entity_id=entity_id,
                seq=seq,
                kind=kind,
                occurred_at=occurred_at or self.at,
                recorded_at=self.at,
                customer_id=self.customer.customer_id,
                payload=payload,
                actor=self.actor,
            )
        )

    def put_license(
        self, license_: License, kind: str, payload: Mapping[str, Any], *, occurred_at: datetime | None = None
    ) -> None:
        """Writes a license and the fact that changed it."""
        license_.version += 1
        self.licenses[license_.license_id] = license_
        self.record("license", license_.license_id, license_.version, kind, payload, occurred_at=occurred_at)

    def put_cover(
        self, cover: Cover, kind: str, payload: Mapping[str, Any], *, occurred_at: datetime | None = None
    ) -> None:
        """Write a cover and the fact that changed it.

        The writer adds the cover, as it then stands, to each event's payload as ``cover``. So the cover as of an
        instant is in the last event by then.
        """
        cover.version += 1
        self.covers[cover.cover_id] = cover
        self.record("cover", cover.cover_id, cover.version, kind, payload, occurred_at=occurred_at)

    def put_choice(self, choice: Choice, kind: str, payload: Mapping[str, Any]) -> None:
        """Writes a choice and the fact that changed it."""
        choice.version += 1
        self.choices[choice.choice_id] = choice
        self.record("choice", choice.choice_id, choice.version, kind, payload)

    def due(self, at: datetime, kind: str, subject: str, **payload: Any) -> None:
        """Puts something on the agenda (moves it if it is there)."""
        self.agenda.append(
            AgendaItem(at=at, kind=kind, subject=subject, customer_id=self.customer.customer_id, payload=payload)
        )

    def drop(self, kind: str, subject: str) -> None:
        """Takes something off the agenda."""
        self.agenda.append(AgendaDrop(kind=kind, subject=subject))


def emit_of_ledger(plan: Plan, ledger: Journal) -> None:
    """Publish what the ledger alone knows.

    Credits that came back to refunded units were voided at once. Some were overdrawn. The shop is asked for more.
    """
    for lot, voided in ledger.take_reclaimed():
        plan.emit("credits.voided", voided_event(ledger, lot, voided))
    overdrawn, ledger.overdrawn = ledger.overdrawn, []
    for lot, _ in overdrawn:
        plan.emit("credits.overdrawn", overdrawn_data(ledger, lot.lot_id))
    if plan.customer.external_id is None:  # of an erased person nobody asks for money
        return
    for asked in ask(ledger):
        plan.emit("credits.top_up_due", asked.data)
        if asked.again_at is not None:
            subject = asked.subject(plan.customer.customer_id)
            plan.due(asked.again_at, DUE, subject, credit_type=asked.credit_type)
