"""A table's share of the writing statement (`app.db.write`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from app.domain.values.phrase import english

_MANY: Final = 2000
"""Rows that become JSON in a few milliseconds."""
_encode: Final = msgspec.json.Encoder(enc_hook=english).encode
_TENANT: Final = " join tenant t on t.tenant_id = :tenant"
"""New rows take their tenant from its own row: so a server that divides tenants among machines knows where they go."""


class StatementPart:
    """One table's share of the writing statement: its columns with their types and how a row gives them.

    Rows travel as one JSON text each part. With 64 commands a batch, arrays cost asyncpg 0.15 ms a command to encode
    (an abstract-class check for every element). JSON costs a tenth of that. Without ``values`` a row is a mapping by
    column.
    """

    def __init__(
        self, name: str, columns: dict[str, str], sql: str, values: Callable[[Any], tuple[Any, ...]] | None = None
    ) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.values = values
        typed = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
        batch = f"json_to_recordset(cast(:{name} as json)) as u({typed})"
        names = ", ".join(columns)
        picked = ", ".join(f"u.{column}" for column in columns)
        self.sql = sql.format(names=names, picked=picked, batch=batch, tenant=_TENANT)

    def bind(self, rows: Sequence[Any], into: dict[str, Any]) -> None:
        """Adds the rows' values to the parameters."""
        columns, values = self.columns, self.values
        if values is not None:
            rows = [dict(zip(columns, values(row), strict=True)) for row in rows]
        into[self.name] = _encode(rows).decode()


async def bind_all(
    parts: Mapping[str, StatementPart], shares: Iterable[tuple[str, Sequence[Any]]], into: dict[str, Any]
) -> list[str]:
    """Add the rows of each part to the parameters; return the names of the parts that have any."""
    found = [(name, rows) for name, rows in shares if rows]

    def bind() -> None:
        for name, rows in found:
            parts[name].bind(rows, into)

    if sum(len(rows) for _, rows in found) > _MANY:  # what an order of hundreds of units writes
        await asyncio.to_thread(bind)
    else:
        bind()
    return [name for name, _ in found]
