"""Rows of a whole tenant in the order of their keys, a page at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Database, Tx
from app.db.ledger.read import LINE
from app.db.minting import first_of
from app.domain.ledger.line import Line
from app.domain.values.paging import PageRequest

_ENTRIES: Final = (
    f"select {LINE}, o.customer_id from entry e"
    " join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id"
    " where e.tenant_id = :tenant and e.operation_id < :below{beyond} order by e.operation_id, e.line_no limit :most"
)
_FIRST: Final = text(_ENTRIES.format(beyond=""))
_FURTHER: Final = text(_ENTRIES.format(beyond=" and (e.operation_id, e.line_no) > (:operation, :line)"))


_ALONE: Final = text("set local role none")
_OLDEST: Final = text(
    "select clock_timestamp() as now, min(xact_start) as began from pg_stat_activity where datname = current_database()"
    " and pid <> pg_backend_pid() and backend_xid is not null"
)


async def settled_before(database: Database) -> datetime:
    """Return the instant before which all ids were minted that will ever be: the begin of the oldest write, else now.

    Ask before the rows are read. A write locks a row before it mints an id, so that Postgres has a number for it by
    then. Its begin is seen by the user who connects alone, and not by the role of the statements.
    """
    async with database.bare() as connection:
        await connection.execute(_ALONE)
        row = (await connection.execute(_OLDEST)).one()
    found: datetime = row.now if row.began is None else min(row.now, row.began)
    return found


async def entries(tx: Tx, part: PageRequest, *, until: datetime) -> tuple[list[tuple[Line, str]], bool]:
    """A part of a tenant's entries, each with our id of its customer, in the order in which they were made.

    ``until``: only those that were minted before.
    """
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "most": part.most, "below": first_of("opr", until)}
    if part.key is not None:
        parameters["operation"], parameters["line"] = part.key
    rows = await tx.rows(_FIRST if part.key is None else _FURTHER, parameters)
    found, more = part.trim(rows)
    return [
        (Line(**{name: row[name] for name in Line.__dataclass_fields__}), row["customer_id"]) for row in found
    ], more
