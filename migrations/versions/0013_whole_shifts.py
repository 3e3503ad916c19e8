"""A version of a calendar says whether a shift past midnight is one business day.

Why: a desk that works from 22:00 to 06:00 owed an answer at the end of the very shift in which it accepted a ticket.
New versions count whole shifts; those that are stored stay as they were promised. Lock: the table, for an instant; a
constant default rewrites nothing. Way back: the column goes, and with it what new versions said.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE calendar_version ADD COLUMN whole_shifts boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    """Takes it away."""
    op.execute("ALTER TABLE calendar_version DROP COLUMN whole_shifts")
