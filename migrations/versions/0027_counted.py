"""A ticket's row says what of it counts in the windows of its policy, with the last instant at which it does.

Why: "6 in any 365 days" reads the tickets of a window, by an index, and no others. Lock: a moment for two empty
columns; the index is built beside the traffic (`concurrently`), outside a transaction. Way back: drops both.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

INDEX = "ticket (tenant_id, customer_id, counted_at) where counted_at is not null"
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"


def upgrade() -> None:
    """Adds the columns and builds the index."""
    op.execute("alter table ticket add column counted jsonb, add column counted_at timestamptz")
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        op.execute(f"{ALLOWED}drop index concurrently if exists ix_ticket_counted")
        op.execute(f"{ALLOWED}create index concurrently if not exists ix_ticket_counted on {INDEX}")
        op.execute("set lock_timeout = '5s'")


def downgrade() -> None:
    """Drops the index and the columns."""
    with op.get_context().autocommit_block():
        op.execute(f"{ALLOWED}drop index concurrently if exists ix_ticket_counted")
    op.execute("alter table ticket drop column counted_at, drop column counted")
