"""Tables of webhooks going out."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema.columns import at_column, json_column, metadata, text_column

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    text_column("tenant_id"),
    text_column("endpoint_id"),
    text_column("url"),
    Column("event_types", ARRAY(Text), nullable=False),
    text_column("customer_id", nullable=True),
    text_column("description"),
    text_column("state"),
    text_column("disabled_reason", nullable=True),
    at_column("disabled_at", nullable=True),
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary, nullable=True),
    at_column("previous_until", nullable=True),
    Column("position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    at_column("created_at"),
    at_column("updated_at"),
    PrimaryKeyConstraint("tenant_id", "endpoint_id"),
    CheckConstraint("state in ('enabled', 'disabled', 'deleted')", name="state"),
    CheckConstraint("(state = 'disabled') = (disabled_at is not null)", name="disabled"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    text_column("tenant_id"),
    text_column("delivery_id"),
    text_column("endpoint_id"),
    text_column("event_id"),
    text_column("type"),
    text_column("customer_id"),
    Column("position", BigInteger, nullable=False),
    text_column("lane"),
    text_column("state"),
    Column("step", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    at_column("next_attempt_at"),
    text_column("claim", nullable=True),
    at_column("created_at"),
    at_column("finished_at", nullable=True),
    text_column("replay_of", nullable=True),
    json_column("log"),
    json_column("payload", nullable=True),
    PrimaryKeyConstraint("tenant_id", "delivery_id"),
    CheckConstraint("state in ('pending', 'delivered', 'failed')", name="state"),
    CheckConstraint("(state = 'pending') = (finished_at is null)", name="finished"),
    _Index(
        "ix_webhook_delivery_ready",
        "tenant_id",
        "endpoint_id",
        "next_attempt_at",
        "position",
        postgresql_where=_sql("state = 'pending'"),
    ),
    _Index(
        "ix_webhook_delivery_lane",
        "tenant_id",
        "endpoint_id",
        "lane",
        "position",
        "delivery_id",
        postgresql_where=_sql("state = 'pending'"),
    ),
    _Index("ix_webhook_delivery_endpoint", "tenant_id", "endpoint_id", "delivery_id"),
    _Index("ix_webhook_delivery_customer", "tenant_id", "customer_id"),
)
