"""Credits that come again: a table of recurring grants, and room for a lot an interval in the key of grants.

Why: an order line may bring credits each month; each interval is granted once. Lock: none that a caller feels. The
table is new; the index is built beside the traffic (`concurrently`), outside a transaction, before the one that it
replaces is dropped, so that a unit is never granted twice meanwhile. A process of the version before makes no lots of
intervals, for which both say the same. Way back: the old index, which fails while there are such lots; drops the table.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

GRANTS = """
CREATE TABLE recurring_grant (
    tenant_id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    credit_type TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    unit_no INTEGER NOT NULL,
    rule TEXT NOT NULL,
    license_id TEXT,
    cover_id TEXT,
    policy_version INTEGER NOT NULL,
    terms JSONB NOT NULL,
    spans JSONB NOT NULL,
    granted INTEGER NOT NULL,
    emitted INTEGER NOT NULL,
    stopped_at TIMESTAMP WITH TIME ZONE,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_recurring_grant PRIMARY KEY (tenant_id, grant_id),
    CONSTRAINT ck_recurring_grant_counted CHECK (granted >= 0 and emitted >= 0 and emitted <= granted)
) WITH (fillfactor = 70)
"""
INDEXES = (
    (
        "CREATE UNIQUE INDEX uq_recurring_grant_unit ON recurring_grant (tenant_id, order_id, line_id, rule, unit_no)"
        " WHERE not withdrawn"
    ),
    "CREATE INDEX ix_recurring_grant_customer ON recurring_grant (tenant_id, customer_id, grant_id)",
)
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
KEY = "lot (tenant_id, order_id, line_id, credit_type, rule, unit_no{more}) where not (data ? 'withdrawn')"
INTERVAL = ", (coalesce(data #>> '{recurring,no}', ''))"


def _replace(more: str) -> None:
    """Builds the key anew under another name, then puts it in place of the old one."""
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        op.execute(f"{ALLOWED}drop index concurrently if exists uq_lot_grant_next")
        on = KEY.replace("{more}", more)
        op.execute(f"{ALLOWED}create unique index concurrently if not exists uq_lot_grant_next on {on}")
        op.execute("set lock_timeout = '5s'")
        op.execute(f"{ALLOWED}drop index concurrently if exists uq_lot_grant")
        # Nobody but Postgres goes by the name of an index.
        op.execute("-- squawk-ignore renaming-object\nalter index uq_lot_grant_next rename to uq_lot_grant")


def upgrade() -> None:
    """Makes the table, which the service reaches through row-level security as all of a tenant's; replaces the key."""
    _replace(INTERVAL)
    op.execute(GRANTS)
    for index in INDEXES:
        op.execute(index)
    op.execute("grant select, insert, update, delete on recurring_grant to retainer_app")
    op.execute("alter table recurring_grant enable row level security")
    op.execute("alter table recurring_grant force row level security")
    op.execute(
        "create policy tenant_only on recurring_grant using (tenant_id = current_setting('app.tenant', true))"
        " with check (tenant_id = current_setting('app.tenant', true))"
    )


def downgrade() -> None:
    """Puts the old key back, and drops the table."""
    _replace("")
    op.execute("drop table if exists recurring_grant")
