"""Which statements reach the database: those that SQLAlchemy sends, and those that go straight to the driver."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import event

from app.db.engine import Database

_AROUND: Final = ("begin", "commit", "rollback", "savepoint", "release")


@contextlib.contextmanager
def sent(database: Database) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile, each on one line, without a transaction's begin and end."""
    found: list[str] = []
    engine = database.engine.sync_engine

    def add(statement: str) -> None:
        line = " ".join(statement.split())
        if not line.lower().startswith(_AROUND):
            found.append(line)

    def by_sqlalchemy(_: Any, __: Any, statement: str, *___: Any) -> None:
        add(statement)

    def by_driver(record: Any) -> None:
        add(record.query)

    def taken(dbapi_connection: Any, *_: Any) -> None:
        dbapi_connection.driver_connection.add_query_logger(by_driver)

    def returned(dbapi_connection: Any, *_: Any) -> None:
        if dbapi_connection is not None:
            dbapi_connection.driver_connection.remove_query_logger(by_driver)

    heard = (("before_cursor_execute", by_sqlalchemy), ("checkout", taken), ("checkin", returned))
    for name, listener in heard:
        event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in heard:
            event.remove(engine, name, listener)
