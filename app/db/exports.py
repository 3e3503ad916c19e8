"""Rows of a whole tenant in the order of their keys, a page at a time."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Tx
from app.db.ledger.read import LINE
from app.domain.ledger.line import Line
from app.domain.values.paging import PageRequest

_ENTRIES: Final = (
    f"select {LINE}, o.customer_id from entry e"
    " join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id"
    " where e.tenant_id = :tenant{beyond} order by e.operation_id, e.line_no limit :most"
)
_FIRST: Final = text(_ENTRIES.format(beyond=""))
_FURTHER: Final = text(_ENTRIES.format(beyond=" and (e.operation_id, e.line_no) > (:operation, :line)"))


async def entries(tx: Tx, part: PageRequest) -> tuple[list[tuple[Line, str]], bool]:
    """A part of a tenant's entries, each with our id of its customer, in the order in which they were made."""
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "most": part.most}
    if part.key is not None:
        parameters["operation"], parameters["line"] = part.key
    rows = await tx.rows(_FIRST if part.key is None else _FURTHER, parameters)
    found, more = part.trim(rows)
    return [
        (Line(**{name: row[name] for name in Line.__dataclass_fields__}), row["customer_id"]) for row in found
    ], more
