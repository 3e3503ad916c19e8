"""Tables of tickets and their clocks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql

from app.db.schema.columns import at_column, json_column, metadata, text_column

ticket = Table(
    "ticket",
    metadata,
    text_column("tenant_id"),
    text_column("ticket_id"),
    text_column("external_id"),
    text_column("customer_id"),
    text_column("person_id", nullable=True),
    text_column("state"),
    text_column("category", nullable=True),
    text_column("subject"),
    text_column("channel", nullable=True),
    text_column("license_id", nullable=True),
    text_column("parent_id", nullable=True),
    text_column("payload_hash"),
    at_column("opened_at"),
    at_column("updated_at"),
    at_column("resolved_at", nullable=True),
    Column("version", Integer, nullable=False),
    json_column("document"),
    json_column("counted", nullable=True),
    at_column("counted_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "ticket_id"),
    UniqueConstraint("tenant_id", "external_id"),
    _Index("ix_ticket_customer", "tenant_id", "customer_id", "opened_at", "ticket_id"),
    _Index(
        "ix_ticket_person",
        "tenant_id",
        "person_id",
        "opened_at",
        "ticket_id",
        postgresql_where=_sql("person_id is not null"),
    ),
    _Index(
        "ix_ticket_counted", "tenant_id", "customer_id", "counted_at", postgresql_where=_sql("counted_at is not null")
    ),
    _Index("ix_ticket_state", "tenant_id", "state", "opened_at", "ticket_id"),
    _Index("ix_ticket_opened", "tenant_id", "opened_at", "ticket_id"),
    _Index(
        "ix_ticket_expiring",
        "tenant_id",
        "opened_at",
        "ticket_id",
        postgresql_where=_sql(
            "state in ('needs_facts', 'awaiting_qualification', 'awaiting_assessment', 'awaiting_choice',"
            " 'awaiting_confirmation', 'awaiting_credits') and (document ->> 'credit_expires_at') is not null"
        ),
    ),
)

clock = Table(
    "clock",
    metadata,
    text_column("tenant_id"),
    text_column("clock_id"),
    text_column("ticket_id"),
    text_column("customer_id"),
    text_column("milestone"),
    text_column("party"),
    text_column("phase"),
    text_column("outcome"),
    at_column("started_at"),
    at_column("due_at", nullable=True),
    Column("remaining_business_seconds", BigInteger, nullable=True),
    at_column("stopped_at", nullable=True),
    at_column("next_action_at", nullable=True),
    text_column("calendar"),
    Column("calendar_revision", Integer, nullable=False),
    text_column("tzdb_version"),
    Column("version", Integer, nullable=False),
    json_column("spec"),
    json_column("folded", nullable=True),
    PrimaryKeyConstraint("tenant_id", "clock_id"),
    _Index("ix_clock_ticket", "tenant_id", "ticket_id"),
    _Index("ix_clock_customer", "tenant_id", "customer_id", "clock_id"),
    _Index("ix_clock_state", "tenant_id", "phase", "outcome", "clock_id"),
    _Index(
        "ix_clock_open",
        "tenant_id",
        "calendar",
        "customer_id",
        "clock_id",
        postgresql_where=_sql("phase in ('running', 'paused')"),
    ),
    _Index("ix_clock_state_due", "tenant_id", "phase", "outcome", "due_at", "clock_id"),
)

clock_outcome = Table(
    "clock_outcome",
    metadata,
    text_column("tenant_id"),
    text_column("clock_id"),
    Column("cycle", Integer, nullable=False),
    text_column("window_date"),
    text_column("kind"),
    text_column("customer_id"),
    at_column("at"),
    at_column("due_at", nullable=True),
    Column("calendar_revision", Integer, nullable=False),
    text_column("tzdb_version"),
    at_column("recorded_at"),
    PrimaryKeyConstraint("tenant_id", "clock_id", "cycle", "window_date", "kind"),
    _Index("ix_clock_outcome_customer", "tenant_id", "customer_id"),
)
