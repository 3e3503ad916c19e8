"""An index of the lots that were passed on, by the lot that they came from.

Why: the audit looks at some customers at a time, together with those to whom their lots went. Lock: none that a caller
feels; it is built beside the traffic (`concurrently`), outside a transaction. One that was broken off is dropped first.
Way back: drops it.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Builds the index."""
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        downgrade_one()
        op.execute(
            "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"
            "create index concurrently if not exists ix_lot_origin on lot (tenant_id, origin_lot_id) where origin_lot_id is not null"
        )
        op.execute("set lock_timeout = '5s'")


def downgrade_one() -> None:
    """Drops the index, whole or not."""
    op.execute(
        "-- squawk-ignore ban-concurrent-index-creation-in-transaction\ndrop index concurrently if exists ix_lot_origin"
    )


def downgrade() -> None:
    """Drops the index."""
    with op.get_context().autocommit_block():
        downgrade_one()
