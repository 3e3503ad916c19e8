"""How Alembic reaches the database: asyncpg, one migration at a time in the whole world, never waiting long for a lock.

A migration that waits for a table lock makes everybody else wait behind it, so it gives up after some seconds and is
run again; only the queue of migrators itself is patient.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool

from app.db.address import engine_of

LOCK = 7_236_117_245_001  # "retainer" to nobody but us
LOCK_TIMEOUT = "5s"
QUEUE_TIMEOUT = "120s"
STATEMENT_TIMEOUT = "15min"


def metadata() -> Any:
    """The tables as the code knows them, for `alembic check`."""
    if importlib.util.find_spec("app.db.schema") is None:
        return None
    from app.db import schema

    return schema.metadata


def options() -> dict[str, Any]:
    return {"target_metadata": metadata(), "transaction_per_migration": True, "compare_type": True}


def print_sql() -> None:
    """`alembic upgrade head --sql`: what would be run, for the linter and for a careful administrator."""
    context.configure(dialect_name="postgresql", literal_binds=True, **options())
    with context.begin_transaction():
        context.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
        context.execute(f"set statement_timeout = '{STATEMENT_TIMEOUT}'")
        context.run_migrations()


AFTER = """
do $$
declare found record;
begin
    if not exists (select from pg_roles where rolname = 'retainer_app') then
        return;
    end if;
    if not pg_has_role(current_user, 'retainer_app', 'member') then
        execute format('grant retainer_app to %I', current_user);
    end if;
    for found in
        select c.oid::regclass as name, r.rolname as owner from pg_class c join pg_roles r on r.oid = c.relowner
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
        and pg_has_role(current_user, c.relowner, 'usage')
        and not exists (select from pg_policy p
                        where p.polrelid = c.oid and p.polname = 'owner_all' and p.polroles = array[c.relowner])
    loop
        execute format('drop policy if exists owner_all on %s', found.name);
        execute format('create policy owner_all on %s to %I using (true) with check (true)', found.name, found.owner);
    end loop;
end $$
"""
"""What belongs to the owner of this database and so is in no migration: a backup made on another server brings other
names. Row-level security is forced, so the owner too needs a policy to read a whole table for a backup; the service
never runs as the owner (`app.db.engine.Database.check_role`)."""


def migrate(connection: Connection) -> None:
    connection.execute(text(f"set lock_timeout = '{QUEUE_TIMEOUT}'"))
    connection.execute(text(f"set statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK})
    connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()  # the lock is the session's, and outlives the transactions of the migrations
    try:
        connection.execute(text(AFTER))  # before too: a migration that mends rows has to see them
        connection.commit()
        context.configure(connection=connection, **options())
        with context.begin_transaction():
            context.run_migrations()
        connection.rollback()  # a check of the models leaves a transaction open
        connection.execute(text(AFTER))
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text("select pg_advisory_unlock(:key)"), {"key": LOCK})
        connection.commit()


async def connect_and_migrate(url: str) -> None:
    engine = engine_of(url, application_name="retainer-migrate", poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def main() -> None:
    if context.is_offline_mode():
        return print_sql()
    connection = context.config.attributes.get("connection")
    if connection is not None:
        return migrate(connection)
    url = context.config.attributes.get("database_url") or os.environ.get("DATABASE_URL", "")
    if not url:
        raise SystemExit("alembic: set DATABASE_URL, or use `retainer migrate`, which also knows the embedded Postgres")
    from app.settings import normalise_database_url

    return asyncio.run(connect_and_migrate(normalise_database_url(url)))


main()
