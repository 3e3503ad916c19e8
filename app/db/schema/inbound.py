"""Tables of events coming in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql

from app.db.schema.columns import at_column, json_column, metadata, text_column

inbound_source = Table(
    "inbound_source",
    metadata,
    text_column("tenant_id"),
    text_column("name"),
    text_column("kind"),
    Column("token_hash", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    json_column("products"),
    json_column("options"),
    json_column("progress"),
    Column("version", Integer, nullable=False),
    at_column("created_at"),
    at_column("updated_at"),
    at_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "name"),
    UniqueConstraint("tenant_id", "token_hash"),
)

inbound_delivery = Table(
    "inbound_delivery",
    metadata,
    text_column("tenant_id"),
    text_column("delivery_id"),
    text_column("source"),
    text_column("event_key"),
    text_column("topic", nullable=True),
    text_column("subject", nullable=True),
    json_column("headers"),
    Column("body", LargeBinary, nullable=False),
    json_column("fetched", nullable=True),
    text_column("state"),
    text_column("reason", nullable=True),
    text_column("detail", nullable=True),
    Column("attempts", Integer, nullable=False),
    json_column("effects", nullable=True),
    text_column("customer_id", nullable=True),
    at_column("received_at"),
    at_column("next_at"),
    at_column("finished_at", nullable=True),
    at_column("erased_at", nullable=True),
    json_column("review", nullable=True),
    json_column("dismissal", nullable=True),
    PrimaryKeyConstraint("tenant_id", "delivery_id"),
    UniqueConstraint("tenant_id", "source", "event_key"),
    CheckConstraint("state in ('received', 'done', 'parked', 'ignored', 'dismissed')", name="state"),
    CheckConstraint("(state = 'received') = (finished_at is null)", name="finished"),
    _Index(
        "ix_inbound_delivery_ready", "tenant_id", "attempts", "delivery_id", postgresql_where=_sql("state = 'received'")
    ),
    _Index(
        "ix_inbound_delivery_kept",
        "tenant_id",
        "delivery_id",
        postgresql_where=_sql("erased_at is null and state <> 'received'"),
    ),
    _Index("ix_inbound_delivery_subject", "tenant_id", "source", "subject", "delivery_id"),
    _Index("ix_inbound_delivery_state", "tenant_id", "source", "state", "delivery_id"),
    _Index("ix_inbound_delivery_customer", "tenant_id", "customer_id"),
    _Index("ix_inbound_delivery_parked", "tenant_id", "received_at", postgresql_where=_sql("state = 'parked'")),
)

inbound_payment = Table(
    "inbound_payment",
    metadata,
    text_column("tenant_id"),
    text_column("source"),
    text_column("payment"),
    text_column("subject"),
    PrimaryKeyConstraint("tenant_id", "source", "payment"),
)

inbound_subject = Table(
    "inbound_subject",
    metadata,
    text_column("tenant_id"),
    text_column("source"),
    text_column("subject"),
    json_column("seen"),
    text_column("customer_id", nullable=True),
    Column("version", BigInteger, nullable=False),
    at_column("updated_at"),
    PrimaryKeyConstraint("tenant_id", "source", "subject"),
    _Index("ix_inbound_subject_customer", "tenant_id", "customer_id"),
)
