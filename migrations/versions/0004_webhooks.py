"""Webhooks going out: the endpoints of a tenant, and one row for each event that each of them is to be told.

Why: at least once, in order for each customer, with a log. Lock: none to speak of (new tables). Way back: drops them.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ["webhook_endpoint", "webhook_delivery"]

CREATE = [
    """
CREATE TABLE webhook_endpoint (
    tenant_id TEXT NOT NULL, 
    endpoint_id TEXT NOT NULL, 
    url TEXT NOT NULL, 
    event_types TEXT[] NOT NULL, 
    customer_id TEXT, 
    description TEXT NOT NULL, 
    state TEXT NOT NULL, 
    disabled_reason TEXT, 
    disabled_at TIMESTAMP WITH TIME ZONE, 
    secret BYTEA NOT NULL, 
    previous_secret BYTEA, 
    previous_until TIMESTAMP WITH TIME ZONE, 
    position BIGINT NOT NULL, 
    version INTEGER NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_webhook_endpoint PRIMARY KEY (tenant_id, endpoint_id), 
    CONSTRAINT ck_webhook_endpoint_state CHECK (state in ('enabled', 'disabled', 'deleted')), 
    CONSTRAINT ck_webhook_endpoint_disabled CHECK ((state = 'disabled') = (disabled_at is not null))
)
    """,
    """
CREATE TABLE webhook_delivery (
    tenant_id TEXT NOT NULL, 
    delivery_id TEXT NOT NULL, 
    endpoint_id TEXT NOT NULL, 
    event_id TEXT NOT NULL, 
    type TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    position BIGINT NOT NULL, 
    lane TEXT NOT NULL, 
    state TEXT NOT NULL, 
    step INTEGER NOT NULL, 
    attempts INTEGER NOT NULL, 
    next_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    claim TEXT, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    finished_at TIMESTAMP WITH TIME ZONE, 
    replay_of TEXT, 
    log JSONB NOT NULL, 
    payload JSONB, 
    CONSTRAINT pk_webhook_delivery PRIMARY KEY (tenant_id, delivery_id), 
    CONSTRAINT ck_webhook_delivery_state CHECK (state in ('pending', 'delivered', 'failed')), 
    CONSTRAINT ck_webhook_delivery_finished CHECK ((state = 'pending') = (finished_at is null))
)
    """,
    """
CREATE INDEX ix_webhook_delivery_customer ON webhook_delivery (tenant_id, customer_id)
    """,
    """
CREATE INDEX ix_webhook_delivery_endpoint ON webhook_delivery (tenant_id, endpoint_id, delivery_id)
    """,
    """
CREATE INDEX ix_webhook_delivery_lane ON webhook_delivery (tenant_id, endpoint_id, lane, position, delivery_id) WHERE state = 'pending'
    """,
    """
CREATE INDEX ix_webhook_delivery_ready ON webhook_delivery (tenant_id, endpoint_id, next_attempt_at, position) WHERE state = 'pending'
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
    """Drops them; endpoints and what was still to be sent are lost."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
