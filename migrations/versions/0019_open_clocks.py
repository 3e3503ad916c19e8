"""Indexes of open clocks by their calendar, and of orders by their arrival.

Why: the preview of a calendar's version looks at open clocks and at no others; a simulation walks the history in its
order and reads no more of it than it runs again. Lock: none that a caller feels; both are built beside the traffic
(`concurrently`), outside a transaction. One that was broken off is dropped first. Way back: drops them.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_clock_open": "clock (tenant_id, calendar, customer_id, clock_id) where phase in ('running', 'paused')",
    "ix_purchase_order_received": "purchase_order (tenant_id, received_at, customer_id)",
}
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"


def upgrade() -> None:
    """Builds the indexes."""
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name, on in INDEXES.items():
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
            op.execute(f"{ALLOWED}create index concurrently if not exists {name} on {on}")
        op.execute("set lock_timeout = '5s'")


def downgrade() -> None:
    """Drops the indexes."""
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
