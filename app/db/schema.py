"""All tables: SQLAlchemy Core. The tenant leads every key, so that nothing references across tenants.

Row-level security, grants, triggers and the append-only rules stand in the migrations, which a test compares with this.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Index as _Index
from sqlalchemy import text as _sql
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _at(name: str, *, nullable: bool = False, **more: object) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, **more)  # type: ignore[arg-type]


def _text(name: str, *, nullable: bool = False, **more: object) -> Column[object]:
    return Column(name, Text, nullable=nullable, **more)  # type: ignore[arg-type]


def _json(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSONB, nullable=nullable)


tenant = Table(
    "tenant",
    metadata,
    _text("tenant_id", primary_key=True),
    _text("policy_name"),
    _text("clock_mode"),
    _at("clock_now", nullable=True),
    Column("suspended", Boolean, nullable=False, server_default=_sql("false")),
    Column("policy_revision", BigInteger, nullable=False, server_default=_sql("0")),
    Column("calendar_revision", BigInteger, nullable=False, server_default=_sql("0")),
    Column("event_position", BigInteger, nullable=False, server_default=_sql("0")),
    _text("payload_hash"),
    _at("created_at"),
    _json("settings"),
    CheckConstraint("clock_mode in ('real', 'virtual')", name="clock_mode"),
    CheckConstraint("(clock_mode = 'virtual') = (clock_now is not null)", name="clock_now"),
)

# Outside row-level security: finds the tenant of a key, an inbound source or a customer token, and holds nothing else.
directory = Table("directory", metadata, Column("hash", LargeBinary, primary_key=True), _text("tenant_id"))

# Outside row-level security too: the keys with which stored secrets may be sealed, by fingerprint (`app.db.secrets`).
secret_key = Table(
    "secret_key",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=_sql("clock_timestamp()")),
)

api_key = Table(
    "api_key",
    metadata,
    _text("tenant_id"),
    _text("key_id"),
    Column("hash", LargeBinary, nullable=False),
    _text("label"),
    _text("kind"),
    Column("scopes", ARRAY(Text), nullable=False),
    _json("options"),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("revoked_at", nullable=True),
    _at("last_used_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "key_id"),
    UniqueConstraint("tenant_id", "hash"),
    CheckConstraint("kind in ('key', 'customer_token')", name="kind"),
)

policy_version = Table(
    "policy_version",
    metadata,
    _text("tenant_id"),
    _text("name"),
    Column("version", Integer, nullable=False),
    Column("document", JSON, nullable=False),  # not JSONB: the order of categories and options is the author's
    _text("source"),
    _at("effective_from"),
    _at("created_at"),
    _text("created_by", nullable=True),
    PrimaryKeyConstraint("tenant_id", "name", "version"),
    CheckConstraint("version > 0", name="version"),
)

calendar = Table(
    "calendar",
    metadata,
    _text("tenant_id"),
    _text("name"),
    _text("zone"),
    Column("notice_days", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    _at("created_at"),
    _at("updated_at"),
    PrimaryKeyConstraint("tenant_id", "name"),
)

calendar_version = Table(
    "calendar_version",
    metadata,
    _text("tenant_id"),
    _text("name"),
    Column("revision", Integer, nullable=False),
    _text("effective_from"),
    _json("weekly_hours"),
    _json("exceptions"),
    _json("closure_rules"),
    _json("closures"),
    Column("is_correction", Boolean, nullable=False),
    _text("reason", nullable=True),
    _text("library_version"),
    _at("announced_at"),
    _at("published_at", nullable=True),
    _text("created_by", nullable=True),
    Column("exceptions_win", Boolean, nullable=False, server_default=_sql("false")),
    Column("whole_shifts", Boolean, nullable=False, server_default=_sql("false")),
    PrimaryKeyConstraint("tenant_id", "name", "revision"),
)

customer = Table(
    "customer",
    metadata,
    _text("tenant_id"),
    _text("customer_id"),
    _text("external_id", nullable=True),
    _at("last_at", nullable=True),
    Column("event_sequence", BigInteger, nullable=False, server_default=_sql("0")),
    _json("data"),
    _json("profile"),
    _at("created_at"),
    _at("erased_at", nullable=True),
    _text("merged_into", nullable=True),
    PrimaryKeyConstraint("tenant_id", "customer_id"),
    UniqueConstraint("tenant_id", "external_id"),
    # In the order of bytes a prefix is a range, whatever the database's own collation.
    _Index("ix_customer_name", "tenant_id", "external_id", postgresql_ops={"external_id": "text_pattern_ops"}),
    _Index("ix_customer_merged", "tenant_id", "merged_into", postgresql_where=_sql("merged_into is not null")),
    postgresql_with={"fillfactor": "70"},
)

command = Table(
    "command",
    metadata,
    _text("tenant_id"),
    _text("key"),
    _text("kind"),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    _json("answer"),
    _text("actor", nullable=True),
    _text("customer_id", nullable=True),
    _at("created_at"),
    PrimaryKeyConstraint("tenant_id", "key"),
    _Index("ix_command_customer", "tenant_id", "customer_id", postgresql_where=_sql("customer_id is not null")),
)

entity_event = Table(
    "entity_event",
    metadata,
    _text("tenant_id"),
    _text("stream"),
    _text("entity_id"),
    Column("seq", Integer, nullable=False),
    _text("kind"),
    _at("occurred_at"),
    _at("recorded_at"),
    _text("customer_id"),
    _text("actor", nullable=True),
    _json("payload"),
    PrimaryKeyConstraint("tenant_id", "stream", "entity_id", "seq"),
    _Index("ix_entity_event_customer", "tenant_id", "customer_id", "stream", "recorded_at"),
)

license_ = Table(
    "license",
    metadata,
    _text("tenant_id"),
    _text("license_id"),
    _text("customer_id"),
    _text("order_id"),
    _text("line_id"),
    Column("unit_no", Integer, nullable=False),
    _text("sku"),
    _text("edition", nullable=True),
    _at("placed_at"),
    Column("ordinal", Integer, nullable=False),
    Column("first_order", Boolean, nullable=False),
    Column("policy_version", Integer, nullable=False),
    _text("registered_domain", nullable=True),
    _at("registered_at", nullable=True),
    _at("ended_at", nullable=True),
    _text("ended_reason", nullable=True),
    _text("uncounted_after", nullable=True),
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
)

cover = Table(
    "cover",
    metadata,
    _text("tenant_id"),
    _text("cover_id"),
    _text("customer_id"),
    _text("license_id", nullable=True),
    _text("order_id", nullable=True),
    _text("line_id", nullable=True),
    _text("rule"),
    _text("clause"),
    Column("reading", Boolean, nullable=False),
    _text("scope"),
    Column("levels", ARRAY(Integer), nullable=False),
    Column("actions", ARRAY(Text), nullable=False),
    _json("term", nullable=True),
    _text("start"),
    Column("free", Boolean, nullable=False),
    _text("state"),
    _at("granted_at"),
    _at("starts_at", nullable=True),
    _at("ends_at", nullable=True),
    Column("policy_version", Integer, nullable=False),
    _at("suspended_at", nullable=True),
    Column("suspensions", Integer, nullable=False),
    Column("suspended_seconds", BigInteger, nullable=False),
    _at("voided_at", nullable=True),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "cover_id"),
    CheckConstraint("state in ('pending', 'running', 'suspended', 'voided')", name="state"),
    CheckConstraint("(state = 'pending') = (starts_at is null) or state = 'voided'", name="pending"),
    CheckConstraint("ends_at is null or starts_at is null or starts_at <= ends_at", name="period"),
    _Index("ix_cover_customer", "tenant_id", "customer_id"),
)

choice = Table(
    "choice",
    metadata,
    _text("tenant_id"),
    _text("choice_id"),
    _text("customer_id"),
    _text("order_id"),
    _text("line_id"),
    _text("license_id", nullable=True),
    Column("unit_no", Integer, nullable=False),
    _text("rule"),
    _text("clause"),
    Column("reading", Boolean, nullable=False),
    _json("options"),
    Column("policy_version", Integer, nullable=False),
    _at("opened_at"),
    _at("placed_at"),
    _text("option", nullable=True),
    _at("made_at", nullable=True),
    _at("voided_at", nullable=True),
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

purchase_order = Table(
    "purchase_order",
    metadata,
    _text("tenant_id"),
    _text("order_id"),
    _text("customer_id"),
    _at("placed_at"),
    _at("received_at"),
    _text("currency"),
    _json("lines"),
    _text("payload_hash"),
    _json("answer"),
    Column("policy_version", Integer, nullable=False),
    _text("source"),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "order_id"),
    _Index("ix_purchase_order_customer", "tenant_id", "customer_id"),
    _Index("ix_purchase_order_received", "tenant_id", "received_at", "customer_id"),
)

order_refund = Table(
    "order_refund",
    metadata,
    _text("tenant_id"),
    _text("order_id"),
    _text("refund_id"),
    _text("customer_id"),
    _text("payload_hash"),
    _json("answer"),
    _at("at"),
    PrimaryKeyConstraint("tenant_id", "order_id", "refund_id"),
    _Index("ix_order_refund_customer", "tenant_id", "customer_id"),
)

payment_dispute = Table(
    "payment_dispute",
    metadata,
    _text("tenant_id"),
    _text("order_id"),
    _text("dispute_id"),
    _text("customer_id"),
    _text("state"),
    _text("action"),
    _json("wanted"),
    _at("opened_at"),
    _at("updated_at"),
    _text("amount", nullable=True),
    _text("currency", nullable=True),
    Column("credits", BigInteger, nullable=False),
    _json("holds"),
    _json("undo"),
    _text("refund_id", nullable=True),
    Column("takes", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "order_id", "dispute_id"),
    CheckConstraint("state in ('warning', 'open', 'lost', 'won')", name="state"),
    CheckConstraint("action in ('none', 'suspended', 'taken_back')", name="action"),
    _Index("ix_payment_dispute_customer", "tenant_id", "customer_id"),
)

addon = Table(
    "addon",
    metadata,
    _text("tenant_id"),
    _text("customer_id"),
    _text("order_id"),
    _text("line_id"),
    _text("addon"),
    _at("placed_at"),
    _at("voided_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "order_id", "line_id"),
    _Index("ix_addon_customer", "tenant_id", "customer_id"),
)

ticket = Table(
    "ticket",
    metadata,
    _text("tenant_id"),
    _text("ticket_id"),
    _text("external_id"),
    _text("customer_id"),
    _text("state"),
    _text("category", nullable=True),
    _text("subject"),
    _text("channel", nullable=True),
    _text("license_id", nullable=True),
    _text("parent_id", nullable=True),
    _text("payload_hash"),
    _at("opened_at"),
    _at("updated_at"),
    _at("resolved_at", nullable=True),
    Column("version", Integer, nullable=False),
    _json("document"),
    PrimaryKeyConstraint("tenant_id", "ticket_id"),
    UniqueConstraint("tenant_id", "external_id"),
    _Index("ix_ticket_customer", "tenant_id", "customer_id", "opened_at", "ticket_id"),
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
    _text("tenant_id"),
    _text("clock_id"),
    _text("ticket_id"),
    _text("customer_id"),
    _text("milestone"),
    _text("party"),
    _text("phase"),
    _text("outcome"),
    _at("started_at"),
    _at("due_at", nullable=True),
    Column("remaining_business_seconds", BigInteger, nullable=True),
    _at("stopped_at", nullable=True),
    _at("next_action_at", nullable=True),
    _text("calendar"),
    Column("calendar_revision", Integer, nullable=False),
    _text("tzdb_version"),
    Column("version", Integer, nullable=False),
    _json("spec"),
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
    _text("tenant_id"),
    _text("clock_id"),
    Column("cycle", Integer, nullable=False),
    _text("window_date"),
    _text("kind"),
    _text("customer_id"),
    _at("at"),
    _at("due_at", nullable=True),
    Column("calendar_revision", Integer, nullable=False),
    _text("tzdb_version"),
    _at("recorded_at"),
    PrimaryKeyConstraint("tenant_id", "clock_id", "cycle", "window_date", "kind"),
    _Index("ix_clock_outcome_customer", "tenant_id", "customer_id"),
)

agenda = Table(
    "agenda",
    metadata,
    _text("tenant_id"),
    _text("kind"),
    _text("subject"),
    _at("at"),
    _text("customer_id"),
    _json("payload"),
    PrimaryKeyConstraint("tenant_id", "kind", "subject"),
    _Index("ix_agenda_at", "tenant_id", "at", "kind", "subject"),
    _Index("ix_agenda_customer", "tenant_id", "customer_id"),
)

outbox = Table(
    "outbox",
    metadata,
    _text("tenant_id"),
    _text("event_id"),
    Column("position", BigInteger, nullable=True),
    _text("customer_id"),
    Column("sequence", BigInteger, nullable=False),
    _text("type"),
    _at("occurred_at"),
    _at("recorded_at"),
    _json("data"),
    _text("dedupe_key", nullable=True),
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
    _text("tenant_id"),
    _text("audit_id"),
    _at("at"),
    _text("actor", nullable=True),
    _text("action"),
    _text("subject"),
    _json("data"),
    PrimaryKeyConstraint("tenant_id", "audit_id"),
    _Index("ix_audit_trail_action", "tenant_id", "action", "audit_id"),
    _Index("ix_audit_trail_actor", "tenant_id", "actor", "audit_id"),
    _Index("ix_audit_trail_subject", "tenant_id", "subject", "audit_id"),
)

# --- the ledger -------------------------------------------------------------------------------------------------------


def _credits(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False, server_default=_sql("0"))


account = Table(
    "account",
    metadata,
    _text("tenant_id"),
    _text("customer_id"),
    _text("credit_type"),
    _credits("granted"),
    _credits("available"),
    _credits("held"),
    _credits("spent"),
    _credits("expired"),
    _credits("voided"),
    _credits("owed"),
    _at("next_expiry", nullable=True),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "customer_id", "credit_type"),
    CheckConstraint(
        "available >= 0 and held >= 0 and spent >= 0 and expired >= 0 and voided >= 0 and owed >= 0", name="no_loan"
    ),
    CheckConstraint("granted + owed = available + held + spent + expired + voided", name="identity"),
    postgresql_with={"fillfactor": "70"},
)

lot = Table(
    "lot",
    metadata,
    _text("tenant_id"),
    _text("lot_id"),
    _text("customer_id"),
    _text("credit_type"),
    _text("source"),
    _text("rule"),
    _credits("granted"),
    _credits("available"),
    _credits("held"),
    _credits("spent"),
    _credits("expired"),
    _credits("voided"),
    _at("effective_at"),
    _at("expires_at", nullable=True),
    Column("is_open", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    _text("scope"),
    _text("license_id", nullable=True),
    _text("order_id", nullable=True),
    _text("line_id", nullable=True),
    Column("unit_no", Integer, nullable=False),
    Column("cost_amount", Numeric(18, 4), nullable=True),
    _text("cost_currency", nullable=True),
    Column("policy_version", Integer, nullable=False),
    _text("origin_lot_id", nullable=True),
    _text("clause", nullable=True),
    Column("reading", Boolean, nullable=False),
    _text("reason", nullable=True),
    _json("data"),
    PrimaryKeyConstraint("tenant_id", "lot_id"),
    _Index(
        "uq_lot_grant",
        "tenant_id",
        "order_id",
        "line_id",
        "credit_type",
        "rule",
        "unit_no",
        unique=True,
        postgresql_where=_sql("not (data ? 'withdrawn')"),
    ),
    CheckConstraint("granted > 0", name="granted"),
    CheckConstraint("available >= 0 and held >= 0 and spent >= 0 and expired >= 0 and voided >= 0", name="no_loan"),
    CheckConstraint("granted = available + held + spent + expired + voided", name="identity"),
    _Index("ix_lot_open", "tenant_id", "customer_id", postgresql_where=_sql("is_open")),
    _Index("ix_lot_customer", "tenant_id", "customer_id", "lot_id"),
    _Index("ix_lot_origin", "tenant_id", "origin_lot_id", postgresql_where=_sql("origin_lot_id is not null")),
    postgresql_with={"fillfactor": "70"},
)

hold = Table(
    "hold",
    metadata,
    _text("tenant_id"),
    _text("hold_id"),
    _text("customer_id"),
    _text("credit_type"),
    _text("kind"),
    _credits("credits"),
    _text("ticket_id", nullable=True),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("closed_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "hold_id"),
    CheckConstraint("credits > 0", name="credits"),
    _Index("ix_hold_customer", "tenant_id", "customer_id", "hold_id"),
    _Index("ix_hold_open", "tenant_id", "customer_id", postgresql_where=_sql("closed_at is null")),
    _Index("ix_hold_ticket", "tenant_id", "ticket_id", postgresql_where=_sql("ticket_id is not null")),
)

hold_line = Table(
    "hold_line",
    metadata,
    _text("tenant_id"),
    _text("hold_id"),
    Column("line_no", Integer, nullable=False),
    _text("lot_id"),
    _credits("credits"),
    _credits("captured"),
    _credits("released"),
    _credits("refunded"),
    PrimaryKeyConstraint("tenant_id", "hold_id", "line_no"),
    CheckConstraint(
        "credits > 0 and captured >= 0 and released >= 0 and captured + released <= credits", name="within"
    ),
    CheckConstraint("refunded >= 0 and refunded <= captured", name="refund"),
)

operation = Table(
    "operation",
    metadata,
    _text("tenant_id"),
    _text("operation_id"),
    _text("customer_id"),
    _text("credit_type"),
    _text("kind"),
    Column("account_version", BigInteger, nullable=False),
    _at("effective_at"),
    _at("recorded_at"),
    _text("hold_id", nullable=True),
    _text("ticket_id", nullable=True),
    _text("order_id", nullable=True),
    _text("command_id", nullable=True),
    _text("reason", nullable=True),
    _text("clause", nullable=True),
    Column("reading", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant_id", "operation_id"),
    UniqueConstraint("tenant_id", "customer_id", "credit_type", "account_version", name="uq_operation_version"),
    _Index("ix_operation_ticket", "tenant_id", "ticket_id", postgresql_where=_sql("ticket_id is not null")),
    _Index("ix_operation_order", "tenant_id", "order_id", postgresql_where=_sql("order_id is not null")),
    _Index("ix_operation_hold", "tenant_id", "hold_id", postgresql_where=_sql("hold_id is not null")),
)

entry = Table(
    "entry",
    metadata,
    _text("tenant_id"),
    _text("operation_id"),
    Column("line_no", Integer, nullable=False),
    _text("lot_id"),
    _text("source"),
    _text("target"),
    _credits("credits"),
    PrimaryKeyConstraint("tenant_id", "operation_id", "line_no"),
    _Index("ix_entry_lot", "tenant_id", "lot_id"),
    CheckConstraint("credits > 0 and source <> target", name="move"),
)

# --- webhooks going out -----------------------------------------------------------------------------------------------

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    _text("tenant_id"),
    _text("endpoint_id"),
    _text("url"),
    Column("event_types", ARRAY(Text), nullable=False),
    _text("customer_id", nullable=True),
    _text("description"),
    _text("state"),
    _text("disabled_reason", nullable=True),
    _at("disabled_at", nullable=True),
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary, nullable=True),
    _at("previous_until", nullable=True),
    Column("position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    _at("created_at"),
    _at("updated_at"),
    PrimaryKeyConstraint("tenant_id", "endpoint_id"),
    CheckConstraint("state in ('enabled', 'disabled', 'deleted')", name="state"),
    CheckConstraint("(state = 'disabled') = (disabled_at is not null)", name="disabled"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    _text("tenant_id"),
    _text("delivery_id"),
    _text("endpoint_id"),
    _text("event_id"),
    _text("type"),
    _text("customer_id"),
    Column("position", BigInteger, nullable=False),
    _text("lane"),
    _text("state"),
    Column("step", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    _at("next_attempt_at"),
    _text("claim", nullable=True),
    _at("created_at"),
    _at("finished_at", nullable=True),
    _text("replay_of", nullable=True),
    _json("log"),
    _json("payload", nullable=True),
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

# --- events coming in -------------------------------------------------------------------------------------------------

inbound_source = Table(
    "inbound_source",
    metadata,
    _text("tenant_id"),
    _text("name"),
    _text("kind"),
    Column("token_hash", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _json("products"),
    _json("options"),
    _json("progress"),
    Column("version", Integer, nullable=False),
    _at("created_at"),
    _at("updated_at"),
    _at("deleted_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "name"),
    UniqueConstraint("tenant_id", "token_hash"),
)

inbound_delivery = Table(
    "inbound_delivery",
    metadata,
    _text("tenant_id"),
    _text("delivery_id"),
    _text("source"),
    _text("event_key"),
    _text("topic", nullable=True),
    _text("subject", nullable=True),
    _json("headers"),
    Column("body", LargeBinary, nullable=False),
    _json("fetched", nullable=True),
    _text("state"),
    _text("reason", nullable=True),
    _text("detail", nullable=True),
    Column("attempts", Integer, nullable=False),
    _json("effects", nullable=True),
    _text("customer_id", nullable=True),
    _at("received_at"),
    _at("next_at"),
    _at("finished_at", nullable=True),
    _at("erased_at", nullable=True),
    _json("review", nullable=True),
    _json("dismissal", nullable=True),
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
)

inbound_payment = Table(
    "inbound_payment",
    metadata,
    _text("tenant_id"),
    _text("source"),
    _text("payment"),
    _text("subject"),
    PrimaryKeyConstraint("tenant_id", "source", "payment"),
)

inbound_subject = Table(
    "inbound_subject",
    metadata,
    _text("tenant_id"),
    _text("source"),
    _text("subject"),
    _json("seen"),
    _text("customer_id", nullable=True),
    Column("version", BigInteger, nullable=False),
    _at("updated_at"),
    PrimaryKeyConstraint("tenant_id", "source", "subject"),
    _Index("ix_inbound_subject_customer", "tenant_id", "customer_id"),
)
