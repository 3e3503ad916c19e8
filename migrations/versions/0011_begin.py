"""One function begins each transaction; the secret key that sealed the stored secrets is known by its fingerprint.

Why: start-up parameters do not pass a transaction pooler, which then serves as the tables' owner and without timeouts.
And a process with another secret key must not start: it could open nothing of what is stored. Lock: none. Way back:
drops both.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Every statement of the service looks rows up by an index. A plan that was made while its tables were empty must stay
# right when they are full (measured: a batch's write fell from 9 to 19 ms on 10,000 customers, by scanning them
# twice); reports that scan a tenant set these back for themselves.
# `set local` and not `set_config`: a sharded engine passes the former on to its workers.
BEGIN = """
create function retainer_begin(tenant text, lock_patience text, statement_patience text) returns timestamptz
language plpgsql as $$
begin
    execute format('set local app.tenant = %L', tenant);
    execute format('set local lock_timeout = %L', lock_patience);
    execute format('set local statement_timeout = %L', statement_patience);
    set local idle_in_transaction_session_timeout = '60s';
    set local timezone = 'UTC';
    set local enable_seqscan = off;
    set local enable_hashjoin = off;
    set local enable_mergejoin = off;
    set local jit = off;
    set local plan_cache_mode = force_generic_plan;
    set local role retainer_app;
    return clock_timestamp();
end $$
"""
KEYS = """
CREATE TABLE secret_key (
    fingerprint TEXT NOT NULL, 
    added_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL, 
    CONSTRAINT pk_secret_key PRIMARY KEY (fingerprint)
)
"""


def upgrade() -> None:
    """Makes the function, and the table of the installation's keys, which holds nothing of any tenant's."""
    op.execute(BEGIN)
    op.execute(KEYS)
    op.execute("grant select, insert, delete on secret_key to retainer_app")


def downgrade() -> None:
    """Drops both."""
    op.execute("drop table secret_key")
    op.execute("drop function retainer_begin(text, text, text)")
