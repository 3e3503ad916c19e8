"""Where a tenant lives: a table of tenants that move between servers, looked at where each transaction begins.

Why: while a tenant moves it is read and not written, and afterwards every call is told the other server's address. The
table stands outside row-level security, like the directory: it holds a tenant's id, a state and an address, and the
worker asks it for all tenants at once. It stays on its server when a tenant's rows are copied to another. Lock: none.
Way back: drops both; `retainer_begin_for` stays for processes of the version before.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MOVES = """
CREATE TABLE tenant_move (
    tenant_id TEXT NOT NULL, 
    state TEXT NOT NULL, 
    address TEXT, 
    since TIMESTAMP WITH TIME ZONE NOT NULL, 
    CONSTRAINT pk_tenant_move PRIMARY KEY (tenant_id), 
    CONSTRAINT ck_tenant_move_state CHECK (state in ('arriving', 'leaving', 'moving', 'moved'))
)
"""
# As `retainer_begin_for`, and one row also where there is no such tenant: it may be about to arrive.
ENTER = """
create function retainer_enter(
    tenant text, lock_patience text, statement_patience text,
    out clock timestamptz, out policy_name text, out clock_mode text, out clock_now timestamptz,
    out suspended boolean, out policy_revision bigint, out calendar_revision bigint, out move text, out address text
) language plpgsql as $$
begin
    clock := retainer_begin(tenant, lock_patience, statement_patience);
    select t.policy_name, t.clock_mode, t.clock_now, t.suspended, t.policy_revision, t.calendar_revision
        into policy_name, clock_mode, clock_now, suspended, policy_revision, calendar_revision
        from tenant t where t.tenant_id = tenant;
    select m.state, m.address into move, address from tenant_move m where m.tenant_id = tenant;
end $$
"""


def upgrade() -> None:
    """Makes the table and the function."""
    op.execute(MOVES)
    op.execute("grant select, insert, update, delete on tenant_move to retainer_app")
    op.execute(ENTER)


def downgrade() -> None:
    """Drops both."""
    op.execute("drop function retainer_enter(text, text, text)")
    op.execute("drop table tenant_move")
