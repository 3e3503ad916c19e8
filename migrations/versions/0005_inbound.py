"""Events coming in: the shops and helpdesks a tenant listens to, their deliveries as they came, what is known of each subject.

Why: a delivery is stored before it is answered, and acted on afterwards, once for each order and ticket it speaks of. Lock:
none to speak of (new tables). Way back: drops them.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ["inbound_source", "inbound_delivery", "inbound_subject"]

CREATE = [
    """
CREATE TABLE inbound_source (
    tenant_id TEXT NOT NULL, 
    name TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    token_hash BYTEA NOT NULL, 
    sealed BYTEA NOT NULL, 
    products JSONB NOT NULL, 
    options JSONB NOT NULL, 
    progress JSONB NOT NULL, 
    version INTEGER NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    deleted_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_inbound_source PRIMARY KEY (tenant_id, name), 
    CONSTRAINT uq_inbound_source_tenant_id_token_hash UNIQUE (tenant_id, token_hash)
)
    """,
    """
CREATE TABLE inbound_delivery (
    tenant_id TEXT NOT NULL, 
    delivery_id TEXT NOT NULL, 
    source TEXT NOT NULL, 
    event_key TEXT NOT NULL, 
    topic TEXT, 
    subject TEXT, 
    headers JSONB NOT NULL, 
    body BYTEA NOT NULL, 
    fetched JSONB, 
    state TEXT NOT NULL, 
    reason TEXT, 
    detail TEXT, 
    attempts INTEGER NOT NULL, 
    effects JSONB, 
    customer_id TEXT, 
    received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    next_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    finished_at TIMESTAMP WITH TIME ZONE, 
    erased_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_inbound_delivery PRIMARY KEY (tenant_id, delivery_id), 
    CONSTRAINT uq_inbound_delivery_tenant_id_source_event_key UNIQUE (tenant_id, source, event_key), 
    CONSTRAINT ck_inbound_delivery_state CHECK (state in ('received', 'done', 'parked', 'ignored')), 
    CONSTRAINT ck_inbound_delivery_finished CHECK ((state = 'received') = (finished_at is null))
)
    """,
    """
CREATE INDEX ix_inbound_delivery_customer ON inbound_delivery (tenant_id, customer_id)
    """,
    """
CREATE INDEX ix_inbound_delivery_ready ON inbound_delivery (tenant_id, attempts, delivery_id) WHERE state = 'received'
    """,
    """
CREATE INDEX ix_inbound_delivery_state ON inbound_delivery (tenant_id, source, state, delivery_id)
    """,
    """
CREATE INDEX ix_inbound_delivery_subject ON inbound_delivery (tenant_id, source, subject, delivery_id)
    """,
    """
CREATE TABLE inbound_subject (
    tenant_id TEXT NOT NULL, 
    source TEXT NOT NULL, 
    subject TEXT NOT NULL, 
    seen JSONB NOT NULL, 
    customer_id TEXT, 
    version BIGINT NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_inbound_subject PRIMARY KEY (tenant_id, source, subject)
)
    """,
    """
CREATE INDEX ix_inbound_subject_customer ON inbound_subject (tenant_id, customer_id)
    """,
]


def upgrade() -> None:
    """Makes the tables and their walls, as 0001 does."""
    for statement in CREATE:
        op.execute(statement)
    for table in TABLES:
        op.execute(f"grant select, insert, update, delete on {table} to retainer_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(
            f"create policy tenant_only on {table} using (tenant_id = current_setting('app.tenant', true))"
            " with check (tenant_id = current_setting('app.tenant', true))"
        )


def downgrade() -> None:
    """Drops them; deliveries that were not acted on yet are lost."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
