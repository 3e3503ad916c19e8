"""Keys may be links that sign a person in, and sessions of pages.

Why: people of the vendor look at pages. Lock: the constraint is replaced by a wider one that is not validated here (see
the next migration), an instant. Way back: links and sessions end; the narrow constraint returns.
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

KINDS = "'key', 'customer_token'"
# The wider constraint is made in the same transaction, and no client leans on the narrower one.
DROP = "-- squawk-ignore ban-drop-constraint\nALTER TABLE api_key DROP CONSTRAINT ck_api_key_kind"
ADD = "ALTER TABLE api_key ADD CONSTRAINT ck_api_key_kind CHECK (kind in ({kinds})) NOT VALID"


def upgrade() -> None:
    """Widens the constraint."""
    op.execute(DROP)
    op.execute(ADD.format(kinds=f"{KINDS}, 'sign_in_link', 'session'"))


def downgrade() -> None:
    """Ends links and sessions, and narrows the constraint."""
    op.execute("ALTER TABLE api_key NO FORCE ROW LEVEL SECURITY")  # the owner deletes rows of every tenant
    op.execute("DELETE FROM api_key WHERE kind in ('sign_in_link', 'session')")
    op.execute("ALTER TABLE api_key FORCE ROW LEVEL SECURITY")
    op.execute(DROP)
    op.execute(ADD.format(kinds=KINDS))
    op.execute("ALTER TABLE api_key VALIDATE CONSTRAINT ck_api_key_kind")
