"""One function waits for a keyed call of the same key and looks up its answer, where two statements did.

Why: each keyed call begins so. The answer is read after the wait, with a snapshot of its own, so that whoever waited
sees what the first one stored. Lock: none. Way back: drops the function.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# A volatile function takes a snapshot for each of its statements.
CLAIMED = """
create function retainer_claimed_command(tenant text, command_key text)
    returns table (kind text, payload_hash bytea, status integer, answer jsonb)
language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(hashtextextended(tenant || '/' || command_key, 11));
    return query select c.kind, c.payload_hash, c.status, c.answer
        from command c where c.tenant_id = tenant and c.key = command_key;
end $$
"""


def upgrade() -> None:
    """Makes the function."""
    op.execute(CLAIMED)


def downgrade() -> None:
    """Drops the function."""
    op.execute("drop function retainer_claimed_command(text, text)")
