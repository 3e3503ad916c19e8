"""Statements that go straight to the driver: a `text`, with its parameters by name.

SQLAlchemy costs a statement five times the CPU that the driver does. The pool, the transaction and whatever is built
from tables stay SQLAlchemy's; both ways share one connection and its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import asyncpg
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT: Final[Any] = dialect()  # type: ignore[no-untyped-call]


class Row(asyncpg.Record):  # type: ignore[misc]  # the driver tells no types
    """A row: its values by position, by key and by name, as a row of SQLAlchemy's has them."""

    @property
    def _mapping(self) -> dict[str, Any]:
        """The values by the names of their columns."""
        return dict(self)

    def __getattr__(self, name: str) -> Any:
        """Return the value of a column."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@lru_cache(maxsize=1000)
def _compiled(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return what the driver is sent, and the names of its parameters in order."""
    made = text(sql).compile(dialect=_DIALECT)
    return str(made), tuple(made.positiontup or ())


async def fetch(
    connection: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any] | None = None
) -> list[Row]:
    """Run a statement in the transaction that an earlier one has begun, and return its rows.

    What the database refuses is raised as the driver's own error. A lost connection is taken out of the pool.
    """
    query, names = _compiled(statement.text)
    values = [parameters[name] for name in names] if parameters else ()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        rows: list[Row] = await driver.fetch(query, *values, record_class=Row)
    except asyncpg.InternalClientError as error:
        # The server closed the connection while nothing was asked, and the driver has not seen the end of it yet.
        await connection.invalidate()
        raise asyncpg.InterfaceError("the connection was closed meanwhile") from error
    except BaseException:
        if driver.is_closed():
            await connection.invalidate()
        raise
    return rows
