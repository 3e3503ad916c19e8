"""Calendar versions say whether their dated exceptions win over holidays and closure rules.

Why: an exception that opened a public holiday was taken and had no effect. New versions mean what they say; versions
published before keep the hours that were promised. Lock: calendar_version for a moment; the constant is not written
to its rows. Way back: the column goes, and with it the hours of half days are no longer understood.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = ["ALTER TABLE calendar_version ADD COLUMN exceptions_win boolean DEFAULT false NOT NULL"]
DOWN = ["ALTER TABLE calendar_version DROP COLUMN exceptions_win"]


def upgrade() -> None:
    """One step forward."""
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    """One step back."""
    for statement in DOWN:
        op.execute(statement)
