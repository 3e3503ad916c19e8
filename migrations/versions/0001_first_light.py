"""First light: every table, row-level security forced for a role that owns nothing, and the append-only rules.

Why: the house stands on these. Lock: none to speak of (new tables). Way back: drops everything it made.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = [
    "account",
    "addon",
    "agenda",
    "api_key",
    "audit_trail",
    "calendar",
    "calendar_version",
    "choice",
    "clock",
    "clock_outcome",
    "command",
    "cover",
    "customer",
    "directory",
    "entity_event",
    "entry",
    "hold",
    "hold_line",
    "license",
    "lot",
    "operation",
    "order_refund",
    "outbox",
    "policy_version",
    "purchase_order",
    "tenant",
    "ticket",
]
OPEN_TABLES = ["directory"]
APPEND_ONLY = ["entity_event", "operation", "entry", "audit_trail", "clock_outcome"]

CREATE = [
    """
CREATE TABLE account (
    tenant_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    credit_type TEXT NOT NULL, 
    granted BIGINT DEFAULT 0 NOT NULL, 
    available BIGINT DEFAULT 0 NOT NULL, 
    held BIGINT DEFAULT 0 NOT NULL, 
    spent BIGINT DEFAULT 0 NOT NULL, 
    expired BIGINT DEFAULT 0 NOT NULL, 
    voided BIGINT DEFAULT 0 NOT NULL, 
    owed BIGINT DEFAULT 0 NOT NULL, 
    next_expiry TIMESTAMP WITH TIME ZONE, 
    version BIGINT NOT NULL, 
    CONSTRAINT pk_account PRIMARY KEY (tenant_id, customer_id, credit_type), 
    CONSTRAINT ck_account_no_loan CHECK (available >= 0 and held >= 0 and spent >= 0 and expired >= 0 and voided >= 0 and owed >= 0), 
    CONSTRAINT ck_account_identity CHECK (granted + owed = available + held + spent + expired + voided)
)
 WITH (fillfactor = 70)
    """,
    """
CREATE TABLE addon (
    tenant_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    order_id TEXT NOT NULL, 
    line_id TEXT NOT NULL, 
    addon TEXT NOT NULL, 
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    voided_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_addon PRIMARY KEY (tenant_id, order_id, line_id)
)
    """,
    """
CREATE INDEX ix_addon_customer ON addon (tenant_id, customer_id)
    """,
    """
CREATE TABLE agenda (
    tenant_id TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    subject TEXT NOT NULL, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    customer_id TEXT NOT NULL, 
    payload JSONB NOT NULL, 
    CONSTRAINT pk_agenda PRIMARY KEY (tenant_id, kind, subject)
)
    """,
    """
CREATE INDEX ix_agenda_at ON agenda (tenant_id, at, kind, subject)
    """,
    """
CREATE TABLE api_key (
    tenant_id TEXT NOT NULL, 
    key_id TEXT NOT NULL, 
    hash BYTEA NOT NULL, 
    label TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    scopes TEXT[] NOT NULL, 
    options JSONB NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    expires_at TIMESTAMP WITH TIME ZONE, 
    revoked_at TIMESTAMP WITH TIME ZONE, 
    last_used_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_api_key PRIMARY KEY (tenant_id, key_id), 
    CONSTRAINT uq_api_key_tenant_id_hash UNIQUE (tenant_id, hash), 
    CONSTRAINT ck_api_key_kind CHECK (kind in ('key', 'customer_token'))
)
    """,
    """
CREATE TABLE audit_trail (
    tenant_id TEXT NOT NULL, 
    audit_id TEXT NOT NULL, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    actor TEXT, 
    action TEXT NOT NULL, 
    subject TEXT NOT NULL, 
    data JSONB NOT NULL, 
    CONSTRAINT pk_audit_trail PRIMARY KEY (tenant_id, audit_id)
)
    """,
    """
CREATE TABLE calendar (
    tenant_id TEXT NOT NULL, 
    name TEXT NOT NULL, 
    zone TEXT NOT NULL, 
    notice_days INTEGER NOT NULL, 
    revision INTEGER NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_calendar PRIMARY KEY (tenant_id, name)
)
    """,
    """
CREATE TABLE calendar_version (
    tenant_id TEXT NOT NULL, 
    name TEXT NOT NULL, 
    revision INTEGER NOT NULL, 
    effective_from TEXT NOT NULL, 
    weekly_hours JSONB NOT NULL, 
    exceptions JSONB NOT NULL, 
    closure_rules JSONB NOT NULL, 
    closures JSONB NOT NULL, 
    is_correction BOOLEAN NOT NULL, 
    reason TEXT, 
    library_version TEXT NOT NULL, 
    announced_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    published_at TIMESTAMP WITH TIME ZONE, 
    created_by TEXT, 
    CONSTRAINT pk_calendar_version PRIMARY KEY (tenant_id, name, revision)
)
    """,
    """
CREATE TABLE choice (
    tenant_id TEXT NOT NULL, 
    choice_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    order_id TEXT NOT NULL, 
    line_id TEXT NOT NULL, 
    license_id TEXT, 
    unit_no INTEGER NOT NULL, 
    rule TEXT NOT NULL, 
    clause TEXT NOT NULL, 
    reading BOOLEAN NOT NULL, 
    options JSONB NOT NULL, 
    policy_version INTEGER NOT NULL, 
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    option TEXT, 
    made_at TIMESTAMP WITH TIME ZONE, 
    voided_at TIMESTAMP WITH TIME ZONE, 
    version INTEGER NOT NULL, 
    CONSTRAINT pk_choice PRIMARY KEY (tenant_id, choice_id), 
    CONSTRAINT uq_choice_tenant_id_order_id_line_id_unit_no_rule UNIQUE (tenant_id, order_id, line_id, unit_no, rule)
)
    """,
    """
CREATE INDEX ix_choice_customer ON choice (tenant_id, customer_id)
    """,
    """
CREATE TABLE clock (
    tenant_id TEXT NOT NULL, 
    clock_id TEXT NOT NULL, 
    ticket_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    milestone TEXT NOT NULL, 
    party TEXT NOT NULL, 
    phase TEXT NOT NULL, 
    outcome TEXT NOT NULL, 
    started_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    due_at TIMESTAMP WITH TIME ZONE, 
    remaining_business_seconds BIGINT, 
    stopped_at TIMESTAMP WITH TIME ZONE, 
    next_action_at TIMESTAMP WITH TIME ZONE, 
    calendar TEXT NOT NULL, 
    calendar_revision INTEGER NOT NULL, 
    tzdb_version TEXT NOT NULL, 
    version INTEGER NOT NULL, 
    spec JSONB NOT NULL, 
    CONSTRAINT pk_clock PRIMARY KEY (tenant_id, clock_id)
)
    """,
    """
CREATE INDEX ix_clock_due ON clock (tenant_id, phase, due_at, clock_id)
    """,
    """
CREATE INDEX ix_clock_ticket ON clock (tenant_id, ticket_id)
    """,
    """
CREATE TABLE clock_outcome (
    tenant_id TEXT NOT NULL, 
    clock_id TEXT NOT NULL, 
    cycle INTEGER NOT NULL, 
    window_date TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    due_at TIMESTAMP WITH TIME ZONE, 
    calendar_revision INTEGER NOT NULL, 
    tzdb_version TEXT NOT NULL, 
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_clock_outcome PRIMARY KEY (tenant_id, clock_id, cycle, window_date, kind)
)
    """,
    """
CREATE TABLE command (
    tenant_id TEXT NOT NULL, 
    key TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    payload_hash BYTEA NOT NULL, 
    status INTEGER NOT NULL, 
    answer JSONB NOT NULL, 
    actor TEXT, 
    customer_id TEXT, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_command PRIMARY KEY (tenant_id, key)
)
    """,
    """
CREATE TABLE cover (
    tenant_id TEXT NOT NULL, 
    cover_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    license_id TEXT, 
    order_id TEXT, 
    line_id TEXT, 
    rule TEXT NOT NULL, 
    clause TEXT NOT NULL, 
    reading BOOLEAN NOT NULL, 
    scope TEXT NOT NULL, 
    levels INTEGER[] NOT NULL, 
    actions TEXT[] NOT NULL, 
    term JSONB, 
    start TEXT NOT NULL, 
    free BOOLEAN NOT NULL, 
    state TEXT NOT NULL, 
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    starts_at TIMESTAMP WITH TIME ZONE, 
    ends_at TIMESTAMP WITH TIME ZONE, 
    policy_version INTEGER NOT NULL, 
    suspended_at TIMESTAMP WITH TIME ZONE, 
    suspensions INTEGER NOT NULL, 
    suspended_seconds BIGINT NOT NULL, 
    voided_at TIMESTAMP WITH TIME ZONE, 
    version INTEGER NOT NULL, 
    CONSTRAINT pk_cover PRIMARY KEY (tenant_id, cover_id), 
    CONSTRAINT ck_cover_state CHECK (state in ('pending', 'running', 'suspended', 'voided')), 
    CONSTRAINT ck_cover_pending CHECK ((state = 'pending') = (starts_at is null) or state = 'voided'), 
    CONSTRAINT ck_cover_period CHECK (ends_at is null or starts_at is null or starts_at <= ends_at)
)
    """,
    """
CREATE INDEX ix_cover_customer ON cover (tenant_id, customer_id)
    """,
    """
CREATE TABLE customer (
    tenant_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    external_id TEXT, 
    last_at TIMESTAMP WITH TIME ZONE, 
    event_sequence BIGINT DEFAULT 0 NOT NULL, 
    data JSONB NOT NULL, 
    profile JSONB NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    erased_at TIMESTAMP WITH TIME ZONE, 
    merged_into TEXT, 
    CONSTRAINT pk_customer PRIMARY KEY (tenant_id, customer_id), 
    CONSTRAINT uq_customer_tenant_id_external_id UNIQUE (tenant_id, external_id)
)
 WITH (fillfactor = 70)
    """,
    """
CREATE TABLE directory (
    hash BYTEA NOT NULL, 
    tenant_id TEXT NOT NULL, 
    CONSTRAINT pk_directory PRIMARY KEY (hash)
)
    """,
    """
CREATE TABLE entity_event (
    tenant_id TEXT NOT NULL, 
    stream TEXT NOT NULL, 
    entity_id TEXT NOT NULL, 
    seq INTEGER NOT NULL, 
    kind TEXT NOT NULL, 
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    customer_id TEXT NOT NULL, 
    actor TEXT, 
    payload JSONB NOT NULL, 
    CONSTRAINT pk_entity_event PRIMARY KEY (tenant_id, stream, entity_id, seq)
)
    """,
    """
CREATE INDEX ix_entity_event_customer ON entity_event (tenant_id, customer_id, stream, recorded_at)
    """,
    """
CREATE TABLE entry (
    tenant_id TEXT NOT NULL, 
    operation_id TEXT NOT NULL, 
    line_no INTEGER NOT NULL, 
    lot_id TEXT NOT NULL, 
    source TEXT NOT NULL, 
    target TEXT NOT NULL, 
    credits BIGINT DEFAULT 0 NOT NULL, 
    CONSTRAINT pk_entry PRIMARY KEY (tenant_id, operation_id, line_no), 
    CONSTRAINT ck_entry_move CHECK (credits > 0 and source <> target)
)
    """,
    """
CREATE TABLE hold (
    tenant_id TEXT NOT NULL, 
    hold_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    credit_type TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    credits BIGINT DEFAULT 0 NOT NULL, 
    ticket_id TEXT, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    expires_at TIMESTAMP WITH TIME ZONE, 
    closed_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_hold PRIMARY KEY (tenant_id, hold_id), 
    CONSTRAINT ck_hold_credits CHECK (credits > 0)
)
    """,
    """
CREATE INDEX ix_hold_open ON hold (tenant_id, customer_id) WHERE closed_at is null
    """,
    """
CREATE INDEX ix_hold_ticket ON hold (tenant_id, ticket_id) WHERE ticket_id is not null
    """,
    """
CREATE TABLE hold_line (
    tenant_id TEXT NOT NULL, 
    hold_id TEXT NOT NULL, 
    line_no INTEGER NOT NULL, 
    lot_id TEXT NOT NULL, 
    credits BIGINT DEFAULT 0 NOT NULL, 
    captured BIGINT DEFAULT 0 NOT NULL, 
    released BIGINT DEFAULT 0 NOT NULL, 
    refunded BIGINT DEFAULT 0 NOT NULL, 
    CONSTRAINT pk_hold_line PRIMARY KEY (tenant_id, hold_id, line_no), 
    CONSTRAINT ck_hold_line_within CHECK (credits > 0 and captured >= 0 and released >= 0 and captured + released <= credits), 
    CONSTRAINT ck_hold_line_refund CHECK (refunded >= 0 and refunded <= captured)
)
    """,
    """
CREATE TABLE license (
    tenant_id TEXT NOT NULL, 
    license_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    order_id TEXT NOT NULL, 
    line_id TEXT NOT NULL, 
    unit_no INTEGER NOT NULL, 
    sku TEXT NOT NULL, 
    edition TEXT, 
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    ordinal INTEGER NOT NULL, 
    first_order BOOLEAN NOT NULL, 
    policy_version INTEGER NOT NULL, 
    registered_domain TEXT, 
    registered_at TIMESTAMP WITH TIME ZONE, 
    ended_at TIMESTAMP WITH TIME ZONE, 
    ended_reason TEXT, 
    version INTEGER NOT NULL, 
    CONSTRAINT pk_license PRIMARY KEY (tenant_id, license_id), 
    CONSTRAINT uq_license_tenant_id_order_id_line_id_unit_no UNIQUE (tenant_id, order_id, line_id, unit_no)
)
    """,
    """
CREATE INDEX ix_license_customer ON license (tenant_id, customer_id)
    """,
    """
CREATE TABLE lot (
    tenant_id TEXT NOT NULL, 
    lot_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    credit_type TEXT NOT NULL, 
    source TEXT NOT NULL, 
    rule TEXT NOT NULL, 
    granted BIGINT DEFAULT 0 NOT NULL, 
    available BIGINT DEFAULT 0 NOT NULL, 
    held BIGINT DEFAULT 0 NOT NULL, 
    spent BIGINT DEFAULT 0 NOT NULL, 
    expired BIGINT DEFAULT 0 NOT NULL, 
    voided BIGINT DEFAULT 0 NOT NULL, 
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    expires_at TIMESTAMP WITH TIME ZONE, 
    is_open BOOLEAN NOT NULL, 
    priority INTEGER NOT NULL, 
    scope TEXT NOT NULL, 
    license_id TEXT, 
    order_id TEXT, 
    line_id TEXT, 
    unit_no INTEGER NOT NULL, 
    cost_amount NUMERIC(18, 4), 
    cost_currency TEXT, 
    policy_version INTEGER NOT NULL, 
    origin_lot_id TEXT, 
    clause TEXT, 
    reading BOOLEAN NOT NULL, 
    reason TEXT, 
    data JSONB NOT NULL, 
    CONSTRAINT pk_lot PRIMARY KEY (tenant_id, lot_id), 
    CONSTRAINT uq_lot_grant UNIQUE (tenant_id, order_id, line_id, credit_type, rule, unit_no), 
    CONSTRAINT ck_lot_granted CHECK (granted > 0), 
    CONSTRAINT ck_lot_no_loan CHECK (available >= 0 and held >= 0 and spent >= 0 and expired >= 0 and voided >= 0), 
    CONSTRAINT ck_lot_identity CHECK (granted = available + held + spent + expired + voided)
)
 WITH (fillfactor = 70)
    """,
    """
CREATE INDEX ix_lot_customer ON lot (tenant_id, customer_id, lot_id)
    """,
    """
CREATE INDEX ix_lot_open ON lot (tenant_id, customer_id) WHERE is_open
    """,
    """
CREATE TABLE operation (
    tenant_id TEXT NOT NULL, 
    operation_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    credit_type TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    account_version BIGINT NOT NULL, 
    effective_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    hold_id TEXT, 
    ticket_id TEXT, 
    order_id TEXT, 
    command_id TEXT, 
    reason TEXT, 
    clause TEXT, 
    reading BOOLEAN NOT NULL, 
    CONSTRAINT pk_operation PRIMARY KEY (tenant_id, operation_id), 
    CONSTRAINT uq_operation_version UNIQUE (tenant_id, customer_id, credit_type, account_version)
)
    """,
    """
CREATE TABLE order_refund (
    tenant_id TEXT NOT NULL, 
    order_id TEXT NOT NULL, 
    refund_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    payload_hash TEXT NOT NULL, 
    answer JSONB NOT NULL, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_order_refund PRIMARY KEY (tenant_id, order_id, refund_id)
)
    """,
    """
CREATE TABLE outbox (
    tenant_id TEXT NOT NULL, 
    event_id TEXT NOT NULL, 
    position BIGINT, 
    customer_id TEXT NOT NULL, 
    sequence BIGINT NOT NULL, 
    type TEXT NOT NULL, 
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    data JSONB NOT NULL, 
    dedupe_key TEXT, 
    CONSTRAINT pk_outbox PRIMARY KEY (tenant_id, event_id), 
    CONSTRAINT uq_outbox_tenant_id_customer_id_sequence UNIQUE (tenant_id, customer_id, sequence), 
    CONSTRAINT uq_outbox_tenant_id_dedupe_key UNIQUE (tenant_id, dedupe_key)
)
    """,
    """
CREATE UNIQUE INDEX ix_outbox_position ON outbox (tenant_id, position) WHERE position is not null
    """,
    """
CREATE INDEX ix_outbox_unplaced ON outbox (tenant_id, event_id) WHERE position is null
    """,
    """
CREATE TABLE policy_version (
    tenant_id TEXT NOT NULL, 
    name TEXT NOT NULL, 
    version INTEGER NOT NULL, 
    document JSON NOT NULL, 
    source TEXT NOT NULL, 
    effective_from TIMESTAMP WITH TIME ZONE NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    created_by TEXT, 
    CONSTRAINT pk_policy_version PRIMARY KEY (tenant_id, name, version), 
    CONSTRAINT ck_policy_version_version CHECK (version > 0)
)
    """,
    """
CREATE TABLE purchase_order (
    tenant_id TEXT NOT NULL, 
    order_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    currency TEXT NOT NULL, 
    lines JSONB NOT NULL, 
    payload_hash TEXT NOT NULL, 
    answer JSONB NOT NULL, 
    policy_version INTEGER NOT NULL, 
    source TEXT NOT NULL, 
    version INTEGER NOT NULL, 
    CONSTRAINT pk_purchase_order PRIMARY KEY (tenant_id, order_id)
)
    """,
    """
CREATE INDEX ix_purchase_order_customer ON purchase_order (tenant_id, customer_id)
    """,
    """
CREATE TABLE tenant (
    tenant_id TEXT NOT NULL, 
    policy_name TEXT NOT NULL, 
    clock_mode TEXT NOT NULL, 
    clock_now TIMESTAMP WITH TIME ZONE, 
    suspended BOOLEAN DEFAULT false NOT NULL, 
    policy_revision BIGINT DEFAULT 0 NOT NULL, 
    calendar_revision BIGINT DEFAULT 0 NOT NULL, 
    event_position BIGINT DEFAULT 0 NOT NULL, 
    payload_hash TEXT NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    settings JSONB NOT NULL, 
    CONSTRAINT pk_tenant PRIMARY KEY (tenant_id), 
    CONSTRAINT ck_tenant_clock_mode CHECK (clock_mode in ('real', 'virtual')), 
    CONSTRAINT ck_tenant_clock_now CHECK ((clock_mode = 'virtual') = (clock_now is not null))
)
    """,
    """
CREATE TABLE ticket (
    tenant_id TEXT NOT NULL, 
    ticket_id TEXT NOT NULL, 
    external_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    state TEXT NOT NULL, 
    category TEXT, 
    subject TEXT NOT NULL, 
    channel TEXT, 
    license_id TEXT, 
    parent_id TEXT, 
    payload_hash TEXT NOT NULL, 
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    resolved_at TIMESTAMP WITH TIME ZONE, 
    version INTEGER NOT NULL, 
    document JSONB NOT NULL, 
    CONSTRAINT pk_ticket PRIMARY KEY (tenant_id, ticket_id), 
    CONSTRAINT uq_ticket_tenant_id_external_id UNIQUE (tenant_id, external_id)
)
    """,
    """
CREATE INDEX ix_ticket_customer ON ticket (tenant_id, customer_id, opened_at, ticket_id)
    """,
    """
CREATE INDEX ix_ticket_state ON ticket (tenant_id, state, opened_at, ticket_id)
    """,
]


def upgrade() -> None:
    """Makes the role, the tables, their policies, grants and triggers."""
    op.execute(
        """
        do $$ begin
            if not exists (select from pg_roles where rolname = 'retainer_app') then
                create role retainer_app nologin nosuperuser nocreatedb nocreaterole nobypassrls;
            end if;
        exception when duplicate_object or unique_violation then null;
        end $$
        """
    )
    op.execute("do $$ begin execute format('grant retainer_app to %I', current_user); end $$")
    for statement in CREATE:
        op.execute(statement)
    op.execute(
        """
        create function retainer_refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception 'rows of % are never changed', tg_table_name using errcode = 'restrict_violation';
        end $$
        """
    )
    op.execute("do $$ begin execute format('grant usage on schema %I to retainer_app', current_schema()); end $$")
    op.execute("grant select on alembic_version to retainer_app")  # readiness compares it with the code
    for table in TABLES:
        op.execute(f"grant select, insert, update, delete on {table} to retainer_app")
        if table in OPEN_TABLES:
            continue
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy tenant_only on {table} using (tenant_id = current_setting('app.tenant', true))"
            " with check (tenant_id = current_setting('app.tenant', true))"
        )
    for table in APPEND_ONLY:
        op.execute(f"revoke update, delete, truncate on {table} from retainer_app")
        op.execute(
            f"create trigger never_changed before update or delete on {table}"
            " for each row execute function retainer_refuse_change()"
        )


def downgrade() -> None:
    """Drops all of it; the role stays when other databases of the server use it."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
    op.execute("drop function retainer_refuse_change()")
    op.execute("do $$ begin execute format('revoke usage on schema %I from retainer_app', current_schema()); end $$")
