"""How many buffers each statement of the service reads: every one is explained as it runs, in its own transaction."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

_EXPLAINED = ("select", "with", "insert", "update", "delete")
_OURS = "statement_explained"


@dataclass(frozen=True)
class Read:
    """What one statement read: pages of 8 kB in memory or on disk, and how long it took, in milliseconds."""

    statement: str
    buffers: int
    milliseconds: float
    plan: str

    def __str__(self) -> str:
        return f"{self.buffers} buffers, {self.milliseconds:.1f} ms: {self.statement[:300]}\n{self.plan}"


@contextlib.contextmanager
def read() -> Iterator[list[Read]]:
    """What each statement read that any connection of this process sent meanwhile, by its generic plan.

    A statement that writes is explained on a savepoint first, so that it finds what it would have found.
    """
    found: list[Read] = []
    fetch, fetch_all, many = PreparedStatement.fetch, asyncpg.Connection.fetch, asyncpg.Connection.executemany
    busy: set[int] = set()

    async def look(connection: Any, query: str, given: Sequence[Any]) -> None:
        if id(connection) in busy or not query.lstrip().lower().startswith(_EXPLAINED):
            return
        if any(name in query for name in ("retainer_begin", "retainer_enter", "retainer_key")):
            return
        busy.add(id(connection))
        try:
            found.append(await _explained(connection, query, given))
        finally:
            busy.discard(id(connection))

    async def by_prepared(self: Any, *given: Any, **more: Any) -> Any:
        await look(_owner(self), self.get_query(), given)
        return await fetch(self, *given, **more)

    async def by_connection(self: Any, query: str, *given: Any, **more: Any) -> Any:
        await look(self, query, given)
        return await fetch_all(self, query, *given, **more)

    async def by_many(self: Any, query: str, rows: Any, **more: Any) -> Any:
        all_rows = list(rows)
        if all_rows:
            await look(self, query, all_rows[0])
        return await many(self, query, all_rows, **more)

    PreparedStatement.fetch = by_prepared
    asyncpg.Connection.fetch = by_connection
    asyncpg.Connection.executemany = by_many
    try:
        yield found
    finally:
        PreparedStatement.fetch, asyncpg.Connection.fetch = fetch, fetch_all
        asyncpg.Connection.executemany = many


def _owner(prepared: Any) -> Any:
    return prepared._connection


async def _explained(connection: Any, query: str, given: Sequence[Any]) -> Read:
    """Explains a statement as a prepared one, since the service's statements run by their generic plan."""
    prepared = await connection.prepare(query)
    literals = []
    for type_, value in zip(prepared.get_parameters(), given, strict=True):
        array = type_.name.endswith("[]")
        name = type_.name if array or type_.schema == "pg_catalog" else f'"{type_.schema}".{type_.name}'
        literals.append(await connection.fetchval(f"select quote_nullable(cast($1 as {name})::text)", value))
    await connection.execute("savepoint explained")
    try:
        await connection.execute(f"prepare {_OURS} as {query}")
        arguments = f"({', '.join(literals)})" if literals else ""
        rows = await connection.fetch(f"explain (analyze, buffers, timing off, format json) execute {_OURS}{arguments}")
        told = rows[0][0]
        plan = (json.loads(told) if isinstance(told, str) else told)[0]
    finally:
        await connection.execute("rollback to savepoint explained")
        await connection.execute("release savepoint explained")
    await connection.execute(f"deallocate {_OURS}")
    top = plan["Plan"]
    buffers = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Read(" ".join(query.split()), buffers, plan["Execution Time"], "\n".join(_lines(top)))


def _lines(node: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """The plan, a line for each node."""
    index = node.get("Index Name", "")
    where = " ".join(str(node.get(one, "")) for one in ("Index Cond", "Filter")).strip()
    read_ = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    yield (
        f"{'  ' * depth}{node['Node Type']} {node.get('Relation Name', '')} {index} rows={node['Actual Rows']}"
        f" loops={node['Actual Loops']} buffers={read_} {where[:160]}"
    )
    for one in node.get("Plans", ()):
        yield from _lines(one, depth + 1)
