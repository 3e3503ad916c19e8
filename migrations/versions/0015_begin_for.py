"""One function begins a tenant's transaction and looks at the tenant's row, where two statements did.

Why: each transaction of a tenant begins so, and a statement of its own cost a round trip. `retainer_begin` stays for
what belongs to no tenant, and for processes of the version before. Lock: none. Way back: drops the function.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The row is read after the role is set, so that row-level security holds; it is empty where there is no such tenant.
BEGIN_FOR = """
create function retainer_begin_for(
    tenant text, lock_patience text, statement_patience text,
    out clock timestamptz, out policy_name text, out clock_mode text, out clock_now timestamptz,
    out suspended boolean, out policy_revision bigint, out calendar_revision bigint
) language plpgsql as $$
begin
    clock := retainer_begin(tenant, lock_patience, statement_patience);
    select t.policy_name, t.clock_mode, t.clock_now, t.suspended, t.policy_revision, t.calendar_revision
        into policy_name, clock_mode, clock_now, suspended, policy_revision, calendar_revision
        from tenant t where t.tenant_id = tenant;
end $$
"""


def upgrade() -> None:
    """Makes the function."""
    op.execute(BEGIN_FOR)


def downgrade() -> None:
    """Drops the function."""
    op.execute("drop function retainer_begin_for(text, text, text)")
