"""Fills a ledger with history: so many debits of one credit, spread over all customers, written set-wise and true."""

from __future__ import annotations

import asyncpg

from bench.service import CUSTOMERS, TENANT, Ground

CHUNK = 200_000

_WRITE = """
with made as (
    select n, c.customer_id, l.lot_id, (n - 1) / $2 + v.version + 1 as version,
           'hld_' || lpad(to_hex(n), 26, '0') as hold_id, 'opr_' || lpad(to_hex(n), 26, '0') as operation_id
    from generate_series($3::bigint, $4::bigint) n
    join bench_customer c on c.number = (n - 1) % $2
    join lot l on l.tenant_id = $1 and l.customer_id = c.customer_id
    join bench_version v on v.customer_id = c.customer_id),
w1 as (insert into hold select $1, hold_id, customer_id, 'credit', 'debit', 1, null, now(), null, now(), 'captured'
    from made),
w2 as (insert into hold_line select $1, hold_id, 1, lot_id, 1, 1, 0, 0 from made),
w0 as (insert into command (tenant_id, key, kind, payload_hash, status, answer, actor, customer_id, created_at)
       select $1, md5(n::text), 'debit', sha256(n::text::bytea), 201,
           jsonb_build_object('hold_id', hold_id, 'credits', 1), 'bench', customer_id, now() from made),
w3 as (insert into operation (tenant_id, operation_id, customer_id, credit_type, kind, account_version, effective_at,
           recorded_at, hold_id, command_id, reading)
       select $1, operation_id, customer_id, 'credit', 'debit', version, now(), now(), hold_id, md5(n::text), false
       from made)
insert into entry select $1, operation_id, 1, lot_id, 'available', 'spent', 1 from made
"""


async def fill(at: Ground, entries: int) -> None:
    """Writes the history; the invariants hold afterwards."""
    connection = await asyncpg.connect(at.plain)
    try:
        await connection.execute("select set_config('app.tenant', $1, false)", TENANT)
        await connection.execute(
            "create temp table bench_customer as select row_number() over (order by customer_id) - 1 as number,"
            " customer_id from customer"
        )
        await connection.execute("create temp table bench_version as select customer_id, version from account")
        await connection.execute("analyze bench_customer; analyze bench_version")
        # What is written is true; checking each row's references again would take longer than writing them.
        await connection.execute("set session_replication_role = replica")
        for first in range(1, entries + 1, CHUNK):
            last = min(first + CHUNK - 1, entries)
            await connection.execute(_WRITE, TENANT, CUSTOMERS, first, last)
        each = (
            "select v.customer_id, count(*) as n from generate_series(1, $1::bigint) n"
            " join bench_customer c on c.number = (n - 1) % $2 join bench_version v on v.customer_id = c.customer_id"
            " group by 1"
        )
        await connection.execute(
            f"with e as ({each}) update lot set available = available - e.n, spent = spent + e.n from e"
            " where lot.customer_id = e.customer_id",
            entries,
            CUSTOMERS,
        )
        await connection.execute(
            f"with e as ({each}) update account set available = available - e.n, spent = spent + e.n,"
            " version = account.version + e.n from e where account.customer_id = e.customer_id",
            entries,
            CUSTOMERS,
        )
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
