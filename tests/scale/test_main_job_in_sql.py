"""The bench is honest: its SQL functions write the rows that the service writes, and nothing the audit would find."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import asyncpg
from sqlalchemy.engine import make_url

from bench import main_job
from bench.service import SQL
from tests.conftest import MakeVendor
from tests.support.api import Vendor

MOVED: Final = {"outbox": ("position",), "customer": ("last_at",)}
"""Columns that background work fills, or that every call writes: no row differs by them alone."""
ROWS = (
    "select '{0}:' || md5((to_jsonb(x) - $2::text[])::text) as row, count(*) as many"
    ' from "{0}" x where tenant_id = $1 group by 1'
)


async def rows(connection: asyncpg.Connection, tenant: str) -> Counter[str]:
    """Return all rows of a tenant, by table and content."""
    found: Counter[str] = Counter()
    tables = await connection.fetch(
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id'"
    )
    for (table,) in tables:
        moved = list(MOVED.get(table, ()))
        found.update(dict(await connection.fetch(ROWS.format(table), tenant, moved)))
    return found


def by_table(before: Counter[str], after: Counter[str]) -> dict[str, tuple[int, int]]:
    """Return how many rows each table got and lost."""
    found: dict[str, list[int]] = {}
    for place, rest in enumerate((after - before, before - after)):
        for row, many in rest.items():
            found.setdefault(row.split(":")[0], [0, 0])[place] += many
    return {table: (more, fewer) for table, (more, fewer) in sorted(found.items())}


async def call(made: Vendor, name: str, turn: str) -> None:
    """Make one call of the main job."""
    placed = {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [main_job.PACK]}
    if name == "PUT order":
        answer = await made.put(f"/v1/orders/{turn}", {"customer_id": "ann", **placed})
    elif name == "PUT ticket":
        answer = await made.put(f"/v1/tickets/{turn}", {"customer_id": "ann", **main_job.TICKET})
    elif name == "POST response":
        answer = await made.post(f"/v1/tickets/{turn}/responses", main_job.RESPONSE)
    else:
        answer = await made.post(f"/v1/tickets/{turn}/resolution", main_job.RESOLUTION)
    assert answer.status_code in (200, 201), answer.text


async def in_sql(connection: asyncpg.Connection, name: str, turn: str) -> None:
    """Let the SQL function of a call write its rows."""
    start = int(turn.split("-")[1])
    await connection.fetchval("select setval('bench_turn', $1::bigint, false)", start)
    script = main_job.SQL[name].removeprefix(main_job.PER_CUSTOMER)
    await connection.execute(script.replace("'s' || :n", "'bob'").replace("{salt}", turn.split("-", maxsplit=1)[0]))


async def test_a_sql_function_of_the_bench_writes_the_rows_of_its_call(module_url: str, vendor: MakeVendor) -> None:
    made = await vendor("x-cart", now=None, tenant_id="in-sql")
    for customer in ("ann", "bob"):
        lines = [main_job.LICENSE, {**main_job.PACK, "line_id": "2"}]
        order = {"customer_id": customer, "placed_at": "2026-01-01T00:00:00Z", "currency": "USD", "lines": lines}
        await made.ok(await made.put(f"/v1/orders/first-{customer}", order), 201)
    connection = await asyncpg.connect(make_url(module_url).set(drivername="postgresql").render_as_string(False))
    try:
        for path in SQL:
            await connection.execute(path.read_text())
        await connection.execute("select set_config('app.tenant', 'in-sql', false)")
        # The first round fills what is made once: places in the agenda, keys that were looked up.
        for turn in ("turn-1", "turn-2"):
            for name in ("PUT order", "PUT ticket", "POST response", "POST resolution"):
                counts: list[dict[str, tuple[int, int]]] = []
                for way in (call(made, name, turn), in_sql(connection, name, f"sql-{turn[-1]}")):
                    before = await rows(connection, "in-sql")
                    await way
                    counts.append(by_table(before, await rows(connection, "in-sql")))
                if turn == "turn-2":
                    assert counts[0], name
                    assert counts[0] == counts[1], f"{name}: bench/main_job.sql no longer writes what the service does"
    finally:
        await connection.close()
    audit: dict[str, Any] = (await made.get("/v1/audit")).json()
    assert audit["data"] == []
