"""The kinds of keys are checked for the rows that were there before.

Why: apart from the migration before, so that the look at all rows holds no lock that anybody waits for. Lock: share update
exclusive. Way back: nothing to do, a validated constraint refuses no more than one that is not.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

# The linter reads all migrations as one transaction; each has its own (`transaction_per_migration`), so this one is apart.
APART = "-- squawk-ignore constraint-missing-not-valid\n"


def upgrade() -> None:
    """Looks at every row once."""
    op.execute(APART + "ALTER TABLE api_key VALIDATE CONSTRAINT ck_api_key_kind")


def downgrade() -> None:
    """Leaves it."""
