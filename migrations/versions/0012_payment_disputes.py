"""Disputes of orders' payments: what each did to the order's grants, and what has to be put back if it is won.

Why: a bank takes a payment back and may have to return it; what that took has to come back to where it was. Lock: none to
speak of (a new table). Way back: drops it; what a dispute took stays taken.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ["payment_dispute"]

CREATE = [
    """
CREATE TABLE payment_dispute (
    tenant_id TEXT NOT NULL, 
    order_id TEXT NOT NULL, 
    dispute_id TEXT NOT NULL, 
    customer_id TEXT NOT NULL, 
    state TEXT NOT NULL, 
    action TEXT NOT NULL, 
    wanted JSONB NOT NULL, 
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    amount TEXT, 
    currency TEXT, 
    credits BIGINT NOT NULL, 
    holds JSONB NOT NULL, 
    undo JSONB NOT NULL, 
    refund_id TEXT, 
    takes INTEGER NOT NULL, 
    version INTEGER NOT NULL, 
    CONSTRAINT pk_payment_dispute PRIMARY KEY (tenant_id, order_id, dispute_id), 
    CONSTRAINT ck_payment_dispute_state CHECK (state in ('warning', 'open', 'lost', 'won')), 
    CONSTRAINT ck_payment_dispute_action CHECK (action in ('none', 'suspended', 'taken_back'))
)
    """,
    """
CREATE INDEX ix_payment_dispute_customer ON payment_dispute (tenant_id, customer_id)
    """,
]


def upgrade() -> None:
    """Makes the table and its wall, as 0001 does."""
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
    """Drops it."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
