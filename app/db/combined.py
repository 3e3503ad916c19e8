"""Read several tables in one round trip: each select becomes a JSON list, decoded into the domain's own classes.

Ten selects cost 2.3 ms of the service's CPU, the same rows in one statement 0.1 ms (docs/performance.md). What the rows
mean stays in Python: a select here only filters by keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Table, TextClause, text

from app.db.engine import Tx

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Select(Generic[R]):
    """One select of a combined statement.

    - ``name``: of the column that carries its rows; one word, unique in a statement.
    - ``sql``: a select with named parameters, `:tenant` among them.
    - ``decoder``: turns the JSON list into rows.
    """

    name: str
    sql: str
    decoder: msgspec.json.Decoder[list[R]]


def select_into(name: str, row: type[R], sql: str) -> Select[R]:
    """Return a select whose rows become instances of ``row``, by the names of its columns.

    ``row``: a dataclass or a struct. Columns that it does not name are left out; a field without a column keeps its
    default.
    """
    return Select(name, sql, msgspec.json.Decoder(list[row]))  # type: ignore[valid-type]


def columns_of(table: Table, *, without: tuple[str, ...] = ("tenant_id",), alias: str | None = None) -> str:
    """Return the names of a table's columns for a select, each behind the table's name or its alias."""
    name = alias or table.name
    return ", ".join(f"{name}.{column.name}" for column in table.columns if column.name not in without)


@lru_cache(maxsize=200)
def _statement(selects: tuple[Select[Any], ...], source: str = "") -> TextClause:
    """Return the statement that carries these selects, a text column for each (the driver would decode `json`)."""
    return text(f"select {columns_of_selects(selects)}{source}")


def columns_of_selects(selects: tuple[Select[Any], ...]) -> str:
    """Return the columns of a combined statement."""
    return ", ".join(f"(select json_agg(r)::text from ({select.sql}) r) as {select.name}" for select in selects)


@dataclass(frozen=True, slots=True)
class Looking:
    """What a combined statement asks. ``source``: from " from" on, the one row by which the selects read (`asked`)."""

    selects: tuple[Select[Any], ...]
    source: str = ""


async def read(tx: Tx, selects: tuple[Select[Any], ...], parameters: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Run the selects in one statement and return their rows by name; the tenant is added to the parameters.

    All of them see the same snapshot. Lock the rows that must not move in an earlier statement (decision 0003).
    """
    by = {"tenant": tx.tenant_id, **parameters}
    row = await (tx.row(_statement(selects), by) if tx.peers is None else tx.peers.look(Looking(selects), by))
    return _decoded(selects, row)


async def read_from(
    tx: Tx, source: str, selects: tuple[Select[Any], ...], parameters: Mapping[str, Any]
) -> dict[str, list[Any]] | None:
    """Run the selects for the one row that ``source`` finds; they name its columns. None where there is no such row.

    ``source``: from " from" on; it calls the row `asked`.
    """
    by = {"tenant": tx.tenant_id, **parameters}
    statement = _statement(selects, source)
    row = await (tx.row(statement, by) if tx.peers is None else tx.peers.look(Looking(selects, source), by))
    return None if row is None else _decoded(selects, row)


def _decoded(selects: tuple[Select[Any], ...], row: Any) -> dict[str, list[Any]]:
    return {
        select.name: [] if (cell := row[select.name]) is None else select.decoder.decode(cell) for select in selects
    }
