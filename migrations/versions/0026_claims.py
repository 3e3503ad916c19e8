"""Natural keys are claimed by a row, where an advisory lock was taken: an order's id, a ticket's, a source's subject.

Why: an advisory lock holds on one server. Where tenants are divided among several, two transactions that come in by
different ones did not wait for each other. Lock: none (a new table). A process of the version before takes advisory
locks still, and does not wait for one of this version: the unique keys of tickets and grants hold between them. Way
back: drops the table.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

CLAIM = """
CREATE TABLE claim (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_claim PRIMARY KEY (tenant_id, kind, name)
)
"""


def upgrade() -> None:
    """Makes the table, which the service reaches through row-level security as all of a tenant's."""
    op.execute(CLAIM)
    op.execute("grant select, insert, update, delete on claim to retainer_app")
    op.execute("alter table claim enable row level security")
    op.execute("alter table claim force row level security")
    op.execute(
        "create policy tenant_only on claim using (tenant_id = current_setting('app.tenant', true))"
        " with check (tenant_id = current_setting('app.tenant', true))"
    )


def downgrade() -> None:
    """Drops the table."""
    op.execute("drop table claim")
