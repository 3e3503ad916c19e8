-- Distributes the tables of a migrated, empty database among the workers of a Citus cluster. docs/scale.md says more.
--
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus.sql
--
-- As the tables' owner, who has BYPASSRLS or is a superuser: the coordinator moves shards as the owner.

-- The service's role goes from node to node under its own name, so it must be let in there, by no password of its own:
-- `hostssl all retainer_app <nodes> cert` or the like in pg_hba.conf of each node, and for nobody else.
alter role retainer_app login;
-- What `retainer_begin` sets on one server, each connection between nodes begins with. Plans are chosen by parameters
-- there, since the coordinator must see the tenant to find its node.
alter role retainer_app set enable_seqscan = off;
alter role retainer_app set enable_hashjoin = off;
alter role retainer_app set enable_mergejoin = off;
alter role retainer_app set jit = off;
-- `set local app.tenant` reaches the nodes that a transaction touches.
alter role retainer_app set citus.propagate_set_commands = 'local';

create or replace function retainer_begin(tenant text, lock_patience text, statement_patience text) returns timestamptz
language plpgsql as $$
begin
    set local citus.propagate_set_commands = 'local';
    execute format('set local app.tenant = %L', tenant);
    execute format('set local lock_timeout = %L', lock_patience);
    execute format('set local statement_timeout = %L', statement_patience);
    set local idle_in_transaction_session_timeout = '60s';
    set local timezone = 'UTC';
    set local role retainer_app;
    return clock_timestamp();
end $$;

-- As the migrations make it, but with a column to select: what a node hands back for another's question has one.
create or replace function retainer_due(lock_patience text, statement_patience text) returns boolean
language plpgsql as $$
begin
    perform retainer_begin('', lock_patience, statement_patience);
    return exists (select 1 from due d where d.at <= statement_timestamp()
        and not exists (select 1 from tenant_move m where m.tenant_id = d.tenant_id and m.state <> 'leaving'));
end $$;

-- The triggers of append-only tables look at their own row alone.
set citus.enable_unsafe_triggers = on;

-- Tables of the installation: small, and the same on every node.
select create_reference_table(name::regclass)
from unnest(array['alembic_version', 'directory', 'operator_session', 'secret_key', 'tenant_move']) name
where to_regclass(name) is not null;

-- Tables of tenants, and what is due of each: all rows of a tenant on one node.
select create_distributed_table('tenant', 'tenant_id');
select create_distributed_table(c.oid::regclass, 'tenant_id', colocate_with => 'tenant')
from pg_class c
where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname <> 'tenant'
    and (c.relrowsecurity or c.relname = 'due');
