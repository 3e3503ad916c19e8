"""Credits that live: when a shop was asked for more, suspended time that runs on, replaced plans, an index.

Why: the shop is asked once until credits arrive; a call that reads an account in part looks whether lots are kept for
some categories. Lock: none that a caller feels. The columns rewrite no row, and the index is built beside the traffic
(`concurrently`), outside a transaction. Way back: drops them.
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
INDEX = "ix_lot_kept"
ON = "lot (tenant_id, customer_id) where is_open and scope = 'category'"


def _beside_traffic(*statements: str) -> None:
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for statement in statements:
            op.execute(f"{ALLOWED}{statement}")
        op.execute("set lock_timeout = '5s'")


def upgrade() -> None:
    """Adds the column, and builds the index."""
    op.execute("alter table account add column if not exists asked_at timestamp with time zone")
    op.execute("alter table cover add column if not exists runs_on boolean not null default false")
    op.execute("alter table cover add column if not exists data jsonb not null default '{}'::jsonb")
    _beside_traffic(
        f"drop index concurrently if exists {INDEX}", f"create index concurrently if not exists {INDEX} on {ON}"
    )


def downgrade() -> None:
    """Drops the index and the column."""
    _beside_traffic(f"drop index concurrently if exists {INDEX}")
    op.execute("alter table cover drop column if exists data")
    op.execute("alter table cover drop column if exists runs_on")
    op.execute("alter table account drop column if exists asked_at")
