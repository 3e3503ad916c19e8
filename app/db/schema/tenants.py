"""Tables of tenants: their keys, policies and calendars."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from app.db.schema.columns import at_column, json_column, metadata, text_column

tenant = Table(
    "tenant",
    metadata,
    text_column("tenant_id", primary_key=True),
    text_column("policy_name"),
    text_column("clock_mode"),
    at_column("clock_now", nullable=True),
    Column("suspended", Boolean, nullable=False, server_default=_sql("false")),
    Column("policy_revision", BigInteger, nullable=False, server_default=_sql("0")),
    Column("calendar_revision", BigInteger, nullable=False, server_default=_sql("0")),
    Column("event_position", BigInteger, nullable=False, server_default=_sql("0")),
    text_column("payload_hash"),
    at_column("created_at"),
    json_column("settings"),
    CheckConstraint("clock_mode in ('real', 'virtual')", name="clock_mode"),
    CheckConstraint("(clock_mode = 'virtual') = (clock_now is not null)", name="clock_now"),
)

# Outside row-level security: finds the tenant of a key, an inbound source or a customer token, and holds nothing else.
directory = Table("directory", metadata, Column("hash", LargeBinary, primary_key=True), text_column("tenant_id"))

# Outside row-level security too: tenants that move between servers, or have moved (`app.db.tenants.moves`).
tenant_move = Table(
    "tenant_move",
    metadata,
    text_column("tenant_id", primary_key=True),
    text_column("state"),
    text_column("address", nullable=True),
    at_column("since"),
    CheckConstraint("state in ('arriving', 'leaving', 'moving', 'moved')", name="state"),
)

# Outside row-level security too: what is due of which tenant, and when, so that the worker asks once for all of them
# (`app.db.due`). Nothing of anybody's stands in it.
due = Table(
    "due",
    metadata,
    text_column("tenant_id"),
    text_column("kind"),
    text_column("mark"),
    at_column("at"),
    PrimaryKeyConstraint("tenant_id", "kind", "mark"),
    _Index("ix_due_at", "at", "tenant_id"),
)

# Outside row-level security too: the keys with which stored secrets may be sealed, by fingerprint (`app.db.secrets`).
secret_key = Table(
    "secret_key",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=_sql("clock_timestamp()")),
)

# Outside row-level security too: the operator's links and sessions (`app.db.tenants.operator_sessions`).
operator_session = Table(
    "operator_session",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    text_column("kind"),
    at_column("created_at"),
    at_column("expires_at"),
    at_column("ended_at", nullable=True),
    CheckConstraint("kind in ('link', 'session')", name="kind"),
)

api_key = Table(
    "api_key",
    metadata,
    text_column("tenant_id"),
    text_column("key_id"),
    Column("hash", LargeBinary, nullable=False),
    text_column("label"),
    text_column("kind"),
    Column("scopes", ARRAY(Text), nullable=False),
    json_column("options"),
    at_column("created_at"),
    at_column("expires_at", nullable=True),
    at_column("revoked_at", nullable=True),
    at_column("last_used_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "key_id"),
    UniqueConstraint("tenant_id", "hash"),
    CheckConstraint("kind in ('key', 'customer_token', 'sign_in_link', 'session')", name="kind"),
)

policy_version = Table(
    "policy_version",
    metadata,
    text_column("tenant_id"),
    text_column("name"),
    Column("version", Integer, nullable=False),
    Column("document", JSON, nullable=False),  # not JSONB: the order of categories and options is the author's
    text_column("source"),
    at_column("effective_from"),
    at_column("created_at"),
    text_column("created_by", nullable=True),
    at_column("withdrawn_at", nullable=True),  # before its day came; its number is not used again
    PrimaryKeyConstraint("tenant_id", "name", "version"),
    CheckConstraint("version > 0", name="version"),
)

calendar = Table(
    "calendar",
    metadata,
    text_column("tenant_id"),
    text_column("name"),
    text_column("zone"),
    Column("notice_days", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    at_column("created_at"),
    at_column("updated_at"),
    PrimaryKeyConstraint("tenant_id", "name"),
)

calendar_version = Table(
    "calendar_version",
    metadata,
    text_column("tenant_id"),
    text_column("name"),
    Column("revision", Integer, nullable=False),
    text_column("effective_from"),
    json_column("weekly_hours"),
    json_column("exceptions"),
    json_column("closure_rules"),
    json_column("closures"),
    Column("is_correction", Boolean, nullable=False),
    text_column("reason", nullable=True),
    text_column("library_version"),
    at_column("announced_at"),
    at_column("published_at", nullable=True),
    text_column("created_by", nullable=True),
    Column("exceptions_win", Boolean, nullable=False, server_default=_sql("false")),
    Column("whole_shifts", Boolean, nullable=False, server_default=_sql("false")),
    PrimaryKeyConstraint("tenant_id", "name", "revision"),
)
