"""What happened, who did it and where it is told, as GraphQL types; see `app.api.graphql.types`."""

from __future__ import annotations

from strawberry import ID

from app.api.graphql.scalars import JSON, DateTime, Long
from app.api.graphql.shapes import shape


@shape
class AuditEntry:
    """Who did what."""

    audit_id: ID
    at: DateTime | None
    actor: str | None
    action: str | None
    subject: str | None
    data: JSON | None


@shape
class LedgerAudit:
    """Every broken invariant of the ledger; empty ``data`` is the promise."""

    data: JSON
    at: DateTime | None
    checked: list[str] | None
    next_cursor: str | None


@shape
class Event:
    """Something that happened. ``position`` orders a tenant's events, ``sequence`` a customer's."""

    id: ID
    type: str
    sequence: Long | None
    position: Long | None
    customer_id: ID | None
    occurred_at: DateTime | None
    recorded_at: DateTime | None
    data: JSON | None


@shape
class WebhookEndpoint:
    """Where events are sent; the secret is shown when it is made."""

    endpoint_id: ID
    url: str | None
    event_types: list[str] | None
    customer_id: ID | None
    description: str | None
    enabled: bool | None
    disabled_reason: str | None
    disabled_at: DateTime | None
    previous_secret_until: DateTime | None
    version: int | None
    created_at: DateTime | None
    updated_at: DateTime | None
    secret: str | None
    deleted: bool | None


@shape
class WebhookDelivery:
    """One event on its way to an endpoint, with every attempt."""

    delivery_id: ID
    endpoint_id: ID | None
    event_id: ID | None
    type: str | None
    state: str | None
    attempts: JSON | None
    failures: int | None
    next_attempt_at: DateTime | None
    created_at: DateTime | None
    finished_at: DateTime | None
    replay_of: ID | None


@shape
class WebhookReplay:
    """How much of a span is sent again, and where to go on."""

    endpoint_id: ID
    replayed: int | None
    next_after: Long | None
