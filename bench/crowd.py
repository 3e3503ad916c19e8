"""Makes one tenant large: all that its customers have is copied as often as wanted, set-wise, and stays true.

A few lives are made through the API first. A copy has the ids of the original with a number behind them, so that
accounts, lots, holds and entries of a copy belong together as the original's do. Documents keep the original's ids,
save for the place of a ticket in its lists.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Set

import asyncpg
from sqlalchemy import ARRAY, Table, Text

from app.db import schema as s

TABLES = (
    s.customer,
    s.customer_link,
    s.command,
    s.entity_event,
    s.license_,
    s.cover,
    s.choice,
    s.purchase_order,
    s.order_refund,
    s.addon,
    s.ticket,
    s.clock,
    s.clock_outcome,
    s.agenda,
    s.outbox,
    s.audit_trail,
    s.account,
    s.lot,
    s.hold,
    s.hold_line,
    s.operation,
    s.entry,
)
"""What is copied."""
IDS = frozenset(
    {
        "audit_id",
        "choice_id",
        "clock_id",
        "command_id",
        "cover_id",
        "customer_id",
        "dedupe_key",
        "entity_id",
        "event_id",
        "external_id",
        "hold_id",
        "key",
        "license_id",
        "lot_id",
        "operation_id",
        "order_id",
        "origin_lot_id",
        "parent_id",
        "refund_id",
        "registered_domain",
        "subject",
        "ticket_id",
    }
)
"""Columns of ids; a ticket's subject is none."""
SPREAD = frozenset({("ticket", "opened_at"), ("ticket", "updated_at"), ("clock", "due_at")})
"""Times that differ from copy to copy: seven seconds earlier each. A due time is not what its events come to then."""
DUE = frozenset({("clock", "due_at")})
CHUNK = 100_000
WORDS = """
insert into customer_word (tenant_id, word, customer_id) select c.tenant_id, w.word, c.customer_id
from customer c, regexp_split_to_table(lower(c.external_id), '[^[:alnum:]]+') as w(word)
where c.tenant_id = $1 and w.word <> '' on conflict do nothing
"""
"""By which a search finds the copies."""
_OPENED = "to_char((x.opened_at - n * interval '7 seconds') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_INDEXES = """
select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid where t.relnamespace = current_schema()::regnamespace
and t.relname = any($1::text[]) and not exists (select from pg_constraint o where o.conindid = i.indexrelid)
"""


def copied(table: Table, spread: Set[tuple[str, str]] = SPREAD) -> str:
    """The statement that copies a table's rows of a tenant ($1), once for each number from $2 to $3.

    The outbox has its places in one order: copies go behind all that is there, $4.
    """
    values = []
    for column in table.columns:
        expression = f'x."{column.name}"'
        is_id = column.name in IDS and isinstance(column.type, Text) and not isinstance(column.type, ARRAY)
        if is_id and (table.name, column.name) != ("ticket", "subject"):
            expression = f"nullif({expression}, '') || '-' || n" if column.nullable else f"{expression} || '-' || n"
        elif (table.name, column.name) == ("ticket", "document"):
            expression = (
                f"{expression} || jsonb_build_object('ticket_id', x.ticket_id || '-' || n, 'opened_at', {_OPENED})"
            )
        elif (table.name, column.name) in spread:
            expression = f"{expression} - n * interval '7 seconds'"
        elif (table.name, column.name) == ("outbox", "position"):
            expression = "$4::bigint + row_number() over (order by n, x.position)"
        values.append(expression)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    where = " and x.customer_id <> ''" if "customer_id" in table.columns else ""
    if table is s.outbox:
        where += " and x.position is not null"
    last = "" if table is s.outbox else " and $4::bigint is not null"
    return (
        f"insert into {table.name} ({names}) select {', '.join(values)} from bench_{table.name} x,"
        f" generate_series($2::bigint, $3::bigint) n where x.tenant_id = $1{where}{last}"
    )


async def multiply(
    connection: asyncpg.Connection,
    tenant: str,
    copies: int,
    *,
    spread: Set[tuple[str, str]] = SPREAD,
    told: bool = False,
) -> None:
    """Copies all customers of a tenant so often. Events of the tenant have to have their places by then.

    ``spread``: which times differ; the audit finds fault with `DUE`.

    For a database of one's own: indexes are built anew afterwards, which takes less time than keeping them.
    """
    indexes = await connection.fetch(_INDEXES, [table.name for table in TABLES])
    for name, _ in indexes:
        await connection.execute(f"drop index {name}")
    try:
        await _copy(connection, tenant, copies, spread, told=told)
    finally:
        for _, definition in indexes:
            await connection.execute(definition)
    await connection.execute("vacuum analyze")


async def _copy(
    connection: asyncpg.Connection, tenant: str, copies: int, spread: Set[tuple[str, str]], *, told: bool
) -> None:
    await connection.execute("select set_config('app.tenant', $1, false)", tenant)
    for table in TABLES:
        await connection.execute(
            f"create temp table bench_{table.name} as select * from {table.name}"
            f" where tenant_id = {await connection.fetchval('select quote_literal($1::text)', tenant)}"
        )
    customers = await connection.fetchval("select count(*) from bench_customer")
    step = max(1, CHUNK // max(1, customers))
    for table in TABLES:
        began = time.monotonic()
        for first in range(1, copies + 1, step):
            last = await connection.fetchval("select event_position from tenant where tenant_id = $1", tenant)
            await connection.execute(copied(table, spread), tenant, first, min(first + step - 1, copies), last)
            if table is s.outbox:
                await connection.execute(
                    "update tenant set event_position = (select max(position) from outbox where tenant_id = $1)"
                    " where tenant_id = $1",
                    tenant,
                )
        if told:
            print(f"{table.name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    await connection.execute(WORDS, tenant)
    for table in TABLES:
        await connection.execute(f"drop table bench_{table.name}")
