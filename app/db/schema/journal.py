"""Tables of what was done and what is due: commands, histories, the agenda, events and the audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql

from app.db.schema.columns import at_column, json_column, metadata, text_column

command = Table(
    "command",
    metadata,
    text_column("tenant_id"),
    text_column("key"),
    text_column("kind"),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    json_column("answer"),
    text_column("actor", nullable=True),
    text_column("customer_id", nullable=True),
    at_column("created_at"),
    PrimaryKeyConstraint("tenant_id", "key"),
    _Index("ix_command_customer", "tenant_id", "customer_id", postgresql_where=_sql("customer_id is not null")),
)

# Natural keys that somebody claimed: the row is the lock, by a digest (`app.db.claims`).
claim = Table(
    "claim",
    metadata,
    text_column("tenant_id"),
    text_column("kind"),
    text_column("name"),
    PrimaryKeyConstraint("tenant_id", "kind", "name"),
)

entity_event = Table(
    "entity_event",
    metadata,
    text_column("tenant_id"),
    text_column("stream"),
    text_column("entity_id"),
    Column("seq", Integer, nullable=False),
    text_column("kind"),
    at_column("occurred_at"),
    at_column("recorded_at"),
    text_column("customer_id"),
    text_column("actor", nullable=True),
    json_column("payload"),
    PrimaryKeyConstraint("tenant_id", "stream", "entity_id", "seq"),
    _Index("ix_entity_event_customer", "tenant_id", "customer_id", "stream", "recorded_at"),
)

agenda = Table(
    "agenda",
    metadata,
    text_column("tenant_id"),
    text_column("kind"),
    text_column("subject"),
    at_column("at"),
    text_column("customer_id"),
    json_column("payload"),
    PrimaryKeyConstraint("tenant_id", "kind", "subject"),
    _Index("ix_agenda_at", "tenant_id", "at", "kind", "subject"),
    _Index("ix_agenda_customer", "tenant_id", "customer_id"),
    _Index("ix_agenda_failed", "tenant_id", "at", "kind", "subject", postgresql_where=_sql("payload ? 'failed'")),
)

outbox = Table(
    "outbox",
    metadata,
    text_column("tenant_id"),
    text_column("event_id"),
    Column("position", BigInteger, nullable=True),
    text_column("customer_id"),
    Column("sequence", BigInteger, nullable=False),
    text_column("type"),
    at_column("occurred_at"),
    at_column("recorded_at"),
    json_column("data"),
    text_column("dedupe_key", nullable=True),
    PrimaryKeyConstraint("tenant_id", "event_id"),
    UniqueConstraint("tenant_id", "customer_id", "sequence"),
    UniqueConstraint("tenant_id", "dedupe_key"),
    _Index("ix_outbox_type", "tenant_id", "type", "position"),
    _Index("ix_outbox_unplaced", "tenant_id", "event_id", postgresql_where=_sql("position is null")),
    _Index("ix_outbox_position", "tenant_id", "position", unique=True, postgresql_where=_sql("position is not null")),
)

audit_trail = Table(
    "audit_trail",
    metadata,
    text_column("tenant_id"),
    text_column("audit_id"),
    at_column("at"),
    text_column("actor", nullable=True),
    text_column("action"),
    text_column("subject"),
    json_column("data"),
    PrimaryKeyConstraint("tenant_id", "audit_id"),
    _Index("ix_audit_trail_action", "tenant_id", "action", "audit_id"),
    _Index("ix_audit_trail_actor", "tenant_id", "actor", "audit_id"),
    _Index("ix_audit_trail_subject", "tenant_id", "subject", "audit_id"),
)
