"""A cover has a plan, and seats.

Why: plans are gates and levels, and what was bought keeps its plan whatever the policy sells later. Lock: a moment; the
columns are empty for what was granted before. Way back: drops the columns.
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns."""
    op.execute("alter table cover add column plan text, add column seats integer")


def downgrade() -> None:
    """Drops the columns."""
    op.execute("alter table cover drop column plan, drop column seats")
