"""What is due of all tenants, in one table outside row-level security: a tenant, a kind and an instant a row.

One function says whether anything is due.

Why: the worker asked each tenant in turn whether it had something to do, which cost half a core with a thousand idle
tenants. Lock: none on tables in use; the table is new, and is filled with one row of `look` a tenant, due at once, at
which everything of the tenant is looked at. A process of the version before writes no marks: it does its own tenants'
work as before, and what it left is found at the next look, an hour later at most. Way back: drops both.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE due (
    tenant_id TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    mark TEXT NOT NULL, 
    at TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_due PRIMARY KEY (tenant_id, kind, mark)
)
"""
FILL = """
insert into due (tenant_id, kind, mark, at)
select tenant_id, 'look', '', statement_timestamp() from (select distinct tenant_id from directory) t
"""
# Asked five times a second by each process, so it is a transaction of one statement; as `retainer_app`, like all others.
DUE = """
create function retainer_due(lock_patience text, statement_patience text) returns boolean language plpgsql as $$
begin
    perform retainer_begin('', lock_patience, statement_patience);
    return exists (select from due d where d.at <= statement_timestamp()
        and not exists (select from tenant_move m where m.tenant_id = d.tenant_id and m.state <> 'leaving'));
end $$
"""


def upgrade() -> None:
    """Makes the table and fills it. Marks come and go, so it is vacuumed by their number and not by its size."""
    op.execute(TABLE)
    op.execute("CREATE INDEX ix_due_at ON due (at, tenant_id)")
    op.execute("alter table due set (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0)")
    op.execute("grant select, insert, update, delete on due to retainer_app")
    op.execute(FILL)
    op.execute(DUE)


def downgrade() -> None:
    """Drops both."""
    op.execute("drop function retainer_due(text, text)")
    op.execute("drop table due")
