"""Tables of customers: their names, licenses, covers, choices and add-ons."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.schema.columns import at_column, json_column, metadata, text_column

customer = Table(
    "customer",
    metadata,
    text_column("tenant_id"),
    text_column("customer_id"),
    text_column("external_id", nullable=True),
    at_column("last_at", nullable=True),
    Column("event_sequence", BigInteger, nullable=False, server_default=_sql("0")),
    json_column("data"),
    json_column("profile"),
    at_column("created_at"),
    at_column("erased_at", nullable=True),
    text_column("merged_into", nullable=True),
    text_column("company_id", nullable=True),
    PrimaryKeyConstraint("tenant_id", "customer_id"),
    UniqueConstraint("tenant_id", "external_id"),
    # In the order of bytes a prefix is a range, whatever the database's own collation.
    _Index("ix_customer_name", "tenant_id", "external_id", postgresql_ops={"external_id": "text_pattern_ops"}),
    _Index("ix_customer_merged", "tenant_id", "merged_into", postgresql_where=_sql("merged_into is not null")),
    _Index("ix_customer_company", "tenant_id", "company_id", postgresql_where=_sql("company_id is not null")),
    postgresql_with={"fillfactor": "70"},
)

customer_link = Table(
    "customer_link",
    metadata,
    text_column("tenant_id"),
    text_column("system"),
    text_column("external_id"),
    text_column("customer_id"),
    PrimaryKeyConstraint("tenant_id", "system", "external_id"),
    _Index("ix_customer_link_customer", "tenant_id", "customer_id"),
)

customer_word = Table(
    "customer_word",
    metadata,
    text_column("tenant_id"),
    # In the order of bytes the words that begin alike are a range, whatever the database's own collation.
    Column("word", Text(collation="C"), nullable=False),
    text_column("customer_id"),
    PrimaryKeyConstraint("tenant_id", "word", "customer_id"),
    _Index("ix_customer_word_customer", "tenant_id", "customer_id", "word"),
)

license_ = Table(
    "license",
    metadata,
    text_column("tenant_id"),
    text_column("license_id"),
    text_column("customer_id"),
    text_column("order_id"),
    text_column("line_id"),
    Column("unit_no", Integer, nullable=False),
    text_column("sku"),
    text_column("edition", nullable=True),
    at_column("placed_at"),
    Column("ordinal", Integer, nullable=False),
    Column("first_order", Boolean, nullable=False),
    Column("policy_version", Integer, nullable=False),
    text_column("registered_domain", nullable=True),
    at_column("registered_at", nullable=True),
    at_column("ended_at", nullable=True),
    text_column("ended_reason", nullable=True),
    text_column("uncounted_after", nullable=True),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "license_id"),
    _Index(
        "uq_license_unit",
        "tenant_id",
        "order_id",
        "line_id",
        "unit_no",
        unique=True,
        postgresql_where=_sql("ended_reason is distinct from 'corrected'"),
    ),
    _Index("ix_license_customer", "tenant_id", "customer_id"),
    _Index(
        "ix_license_domain", "tenant_id", "registered_domain", postgresql_where=_sql("registered_domain is not null")
    ),
    _Index("ix_license_list", "tenant_id", "placed_at", "license_id"),
    _Index("ix_license_ended", "tenant_id", "placed_at", "license_id", postgresql_where=_sql("ended_at is not null")),
    _Index(
        "ix_license_reason",
        "tenant_id",
        "ended_reason",
        "placed_at",
        "license_id",
        postgresql_where=_sql("ended_at is not null"),
    ),
)

cover = Table(
    "cover",
    metadata,
    text_column("tenant_id"),
    text_column("cover_id"),
    text_column("customer_id"),
    text_column("license_id", nullable=True),
    text_column("order_id", nullable=True),
    text_column("line_id", nullable=True),
    text_column("rule"),
    text_column("clause"),
    Column("reading", Boolean, nullable=False),
    text_column("scope"),
    Column("levels", ARRAY(Integer), nullable=False),
    Column("actions", ARRAY(Text), nullable=False),
    json_column("term", nullable=True),
    text_column("start"),
    Column("free", Boolean, nullable=False),
    text_column("state"),
    at_column("granted_at"),
    at_column("starts_at", nullable=True),
    at_column("ends_at", nullable=True),
    Column("policy_version", Integer, nullable=False),
    at_column("suspended_at", nullable=True),
    Column("suspensions", Integer, nullable=False),
    Column("suspended_seconds", BigInteger, nullable=False),
    at_column("voided_at", nullable=True),
    Column("version", Integer, nullable=False),
    text_column("plan", nullable=True),
    Column("seats", Integer, nullable=True),
    Column("runs_on", Boolean, nullable=False, server_default=_sql("false")),
    Column("data", JSONB, nullable=False, server_default=_sql("'{}'::jsonb")),
    PrimaryKeyConstraint("tenant_id", "cover_id"),
    CheckConstraint("state in ('pending', 'running', 'suspended', 'voided')", name="state"),
    CheckConstraint("(state = 'pending') = (starts_at is null) or state = 'voided'", name="pending"),
    CheckConstraint("ends_at is null or starts_at is null or starts_at <= ends_at", name="period"),
    _Index("ix_cover_customer", "tenant_id", "customer_id"),
    _Index("ix_cover_list", "tenant_id", "granted_at", "cover_id"),
    _Index(
        "ix_cover_ends",
        "tenant_id",
        "state",
        # Written as Postgres shows it, lines and all, so that the two are compared. (`coalesce` would not do: behind
        # row-level security no index is searched by it.)
        _sql("(\ncase\nwhen ends_at is null then '9999-12-31 00:00:00+00'::timestamptz\nelse ends_at\nend)"),
        "cover_id",
        "starts_at",
        "granted_at",
    ),
    _Index("ix_cover_license", "tenant_id", "license_id", postgresql_where=_sql("license_id is not null")),
)

choice = Table(
    "choice",
    metadata,
    text_column("tenant_id"),
    text_column("choice_id"),
    text_column("customer_id"),
    text_column("order_id"),
    text_column("line_id"),
    text_column("license_id", nullable=True),
    Column("unit_no", Integer, nullable=False),
    text_column("rule"),
    text_column("clause"),
    Column("reading", Boolean, nullable=False),
    json_column("options"),
    Column("policy_version", Integer, nullable=False),
    at_column("opened_at"),
    at_column("placed_at"),
    text_column("option", nullable=True),
    at_column("made_at", nullable=True),
    at_column("voided_at", nullable=True),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "choice_id"),
    _Index(
        "uq_choice_unit",
        "tenant_id",
        "order_id",
        "line_id",
        "unit_no",
        "rule",
        unique=True,
        postgresql_where=_sql("voided_at is null"),
    ),
    _Index("ix_choice_customer", "tenant_id", "customer_id"),
)

addon = Table(
    "addon",
    metadata,
    text_column("tenant_id"),
    text_column("customer_id"),
    text_column("order_id"),
    text_column("line_id"),
    text_column("addon"),
    at_column("placed_at"),
    at_column("voided_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "order_id", "line_id"),
    _Index("ix_addon_customer", "tenant_id", "customer_id"),
)
