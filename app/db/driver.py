"""What goes straight to the driver: a `text` with its parameters by name, and a transaction's begin and end.

SQLAlchemy costs a statement five times the CPU that the driver does, and a begin four times. The pool and whatever is
built from tables stay SQLAlchemy's; both ways share one connection and its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import asyncpg
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection

_SNAPSHOT: Final = {"isolation": "repeatable_read", "readonly": True}
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


def _adapted(connection: AsyncConnection) -> Any:
    """Return SQLAlchemy's adapter of the driver's connection, without a turn through its threads of greenlets."""
    return connection.sync_connection.connection.dbapi_connection  # type: ignore[union-attr]


async def begin(
    connection: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any], *, snapshot: bool = False
) -> Any:
    """Begin a transaction, run its first statement, and return the row. ``snapshot``: one that only reads.

    The transaction is SQLAlchemy's too, as if it had begun it. A connection that was lost is shown to SQLAlchemy, which
    then trusts no other connection of the pool either.
    """
    adapted = _adapted(connection)
    driver = adapted.driver_connection
    try:
        transaction = driver.transaction(**_SNAPSHOT) if snapshot else driver.transaction()
        await transaction.start()
        adapted._transaction = transaction
        return (await fetch(connection, statement, parameters))[0]
    except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError):
        if not driver.is_closed() or connection.invalidated:
            raise
        return (await connection.execute(statement, parameters)).one()
    except BaseException:
        if adapted._transaction is None and not connection.invalidated:
            await connection.invalidate()  # nobody knows whether it has begun
        raise


async def end(connection: AsyncConnection, *, commit: bool) -> None:
    """Commit the transaction, or roll it back; SQLAlchemy is told, and has nothing left to do.

    What the database or the connection refuses is raised as the driver's own error, and the connection is given up.
    """
    adapted = _adapted(connection)
    transaction, adapted._transaction = adapted._transaction, None
    if transaction is not None:
        try:
            await (transaction.commit() if commit else transaction.rollback())
        except BaseException:
            if not connection.invalidated:
                await connection.invalidate()
            raise
    made = connection.sync_connection
    if made is not None and made.in_transaction():
        (made.commit if commit else made.rollback)()


async def fetch(
    connection: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any] | None = None
) -> list[Row]:
    """Run a statement in the transaction that an earlier one has begun, and return its rows.

    What the database refuses is raised as the driver's own error. A lost connection is taken out of the pool.
    """
    query, names = _compiled(statement.text)
    values = [parameters[name] for name in names] if parameters else ()
    driver: Any = _adapted(connection).driver_connection
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
