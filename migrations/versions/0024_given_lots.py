"""An index of the lots of which credits were given to other customers.

Why: a refund looks for those who have credits of its order by now, and at no other lot. Lock: none that a caller feels;
it is built beside the traffic (`concurrently`), outside a transaction. One that was broken off is dropped first. Way
back: drops it.
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEXES = {"ix_lot_given": "lot (tenant_id, customer_id) where data ? 'given'"}
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
