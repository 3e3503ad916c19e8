"""Policy versions that were withdrawn before their day came.

Why: a manager takes a scheduled version back; its number and its text stay. Lock: the table is locked for an instant, and
no row is rewritten. Way back: drops the column; a version that was withdrawn is then scheduled again.
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("alter table policy_version add column if not exists withdrawn_at timestamp with time zone")


def downgrade() -> None:
    """Drops the column."""
    op.execute("alter table policy_version drop column if exists withdrawn_at")
