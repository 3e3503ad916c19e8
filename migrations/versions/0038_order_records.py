"""The id of an order's record, in the order of their recording.

Why: an export goes on from a position, and an order may be placed long before it is told. Lock: the table is locked for
an instant, and no row is rewritten: what is there has the empty id, and is the first by its time. The index is built
beside the traffic (`concurrently`), outside a transaction. Way back: drops both.
"""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
INDEX = "ix_purchase_order_recorded"
ON = "purchase_order (tenant_id, record_id, received_at, order_id)"


def _beside_traffic(*statements: str) -> None:
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for statement in statements:
            op.execute(f"{ALLOWED}{statement}")
        op.execute("set lock_timeout = '5s'")


def upgrade() -> None:
    """Adds the column, and builds the index."""
    op.execute("alter table purchase_order add column if not exists record_id text not null default ''")
    _beside_traffic(
        f"drop index concurrently if exists {INDEX}", f"create index concurrently if not exists {INDEX} on {ON}"
    )


def downgrade() -> None:
    """Drops the index and the column."""
    _beside_traffic(f"drop index concurrently if exists {INDEX}")
    op.execute("alter table purchase_order drop column if exists record_id")
