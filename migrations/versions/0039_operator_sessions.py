"""The operator's links and sessions, for the pages that show all tenants.

Why: a session of a tenant's opens that tenant's pages alone, so the operator's cannot be one. The table stands outside
row-level security, like the directory: it holds a digest and times, and nothing of any tenant's. The operator's key is
part of each digest, so that nothing opens once that key has changed. Lock: none. Way back: drops the table; whoever is
signed in as the operator signs in again.
"""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

SESSIONS = """
CREATE TABLE operator_session (
    hash BYTEA NOT NULL, 
    kind TEXT NOT NULL, 
    created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
    ended_at TIMESTAMP WITH TIME ZONE, 
    CONSTRAINT pk_operator_session PRIMARY KEY (hash), 
    CONSTRAINT ck_operator_session_kind CHECK (kind in ('link', 'session'))
)
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(SESSIONS)
    op.execute("grant select, insert, update, delete on operator_session to retainer_app")


def downgrade() -> None:
    """Drops it."""
    op.execute("drop table operator_session")
