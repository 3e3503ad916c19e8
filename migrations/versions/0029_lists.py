"""Indexes of orders, refunds, holds, licenses and covers in the order of their lists.

Why: a list over all customers reads the rows of its page and no others. Lock: none that a caller feels; they are built
beside the traffic (`concurrently`), outside a transaction. One that was broken off is dropped first. Way back: drops
them.
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

NEW = {
    "ix_purchase_order_list": "purchase_order (tenant_id, placed_at, order_id)",
    "ix_order_refund_list": "order_refund (tenant_id, at, order_id, refund_id)",
    "ix_hold_opened": "hold (tenant_id, hold_id) where closed_at is null",
    "ix_license_list": "license (tenant_id, placed_at, license_id)",
    "ix_license_ended": "license (tenant_id, placed_at, license_id) where ended_at is not null",
    "ix_cover_list": "cover (tenant_id, granted_at, cover_id)",
    "ix_cover_license": "cover (tenant_id, license_id) where license_id is not null",
}
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"


def upgrade() -> None:
    """Builds the indexes beside the traffic."""
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name, on in NEW.items():
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
            op.execute(f"{ALLOWED}create index concurrently if not exists {name} on {on}")
        op.execute("set lock_timeout = '5s'")


def downgrade() -> None:
    """Drops them."""
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name in NEW:
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
        op.execute("set lock_timeout = '5s'")
