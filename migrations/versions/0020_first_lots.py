"""Indexes of open lots in order of spending, of what ends soonest, and of a customer's orders as placed.

Why: a call reads the lots that are spent first and the orders placed last, whatever else an account holds. Lock: none
that a caller feels; they are built beside the traffic (`concurrently`), outside a transaction. One that was broken off
is dropped first. Way back: drops them, and builds those that they replaced.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

NEW = {
    "ix_lot_spending": (
        "lot (tenant_id, customer_id, credit_type, priority, expires_at, (scope = 'account'),"
        " (coalesce(cost_amount, 0) > 0), effective_at, lot_id) where is_open"
    ),
    "ix_lot_ending": (
        "lot (tenant_id, customer_id, credit_type, expires_at, lot_id) where is_open and expires_at is not null"
    ),
    "ix_lot_scoped": "lot (tenant_id, customer_id) where is_open and scope = 'license'",
    "ix_hold_ending": (
        "hold (tenant_id, customer_id, expires_at, hold_id) where closed_at is null and expires_at is not null"
    ),
    "ix_purchase_order_placed": "purchase_order (tenant_id, customer_id, placed_at)",
}
OLD = {
    "ix_lot_open": "lot (tenant_id, customer_id) where is_open",
    "ix_purchase_order_customer": "purchase_order (tenant_id, customer_id)",
}
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"


def _replace(made: dict[str, str], dropped: dict[str, str]) -> None:
    """Builds indexes beside the traffic, then drops those that are no longer needed."""
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name, on in made.items():
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
            op.execute(f"{ALLOWED}create index concurrently if not exists {name} on {on}")
        for name in dropped:
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
        op.execute("set lock_timeout = '5s'")


def upgrade() -> None:
    """Builds the new indexes, and drops the two that they replace."""
    _replace(NEW, OLD)


def downgrade() -> None:
    """Builds the old indexes, and drops the new ones."""
    _replace(OLD, NEW)
