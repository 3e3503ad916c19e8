"""The rows of one page of a statement: which entries and charges they are, how many there are, and their lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text

from app.db import combined
from app.db.combined import select_into
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.domain.ledger.line import Line, StatementPage

ROWS_MAX: Final = 101
"""Rows of each part that a page reads: one more than it shows."""


@dataclass(slots=True)
class _Entry:
    operation_id: str
    line_no: int


@dataclass(slots=True)
class _Rows:
    modifications: int
    progress: int
    resolved: int
    entries: list[_Entry] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    captured: list[str] = field(default_factory=list)


def _keys(what: str) -> str:
    """Return the select of the charges of a part, from `:start` on, in the order of their first entries."""
    return (
        f"coalesce((select json_agg(k.charge) from (select charge from charges where {what} > 0"
        f" order by effective_at, credit_type, account_version offset :start limit {ROWS_MAX}) k), '[]') as {what}"
    )


# What credits came from or went to without a charge; a charge is a ticket's, or a hold's that has none.
_PAGE: Final = select_into(
    "statement_rows",
    _Rows,
    "with lines as materialized (select o.effective_at, o.credit_type, o.account_version, e.line_no, o.operation_id,"
    " o.hold_id, coalesce(o.ticket_id, o.hold_id) as charge, e.source, e.target, e.credits"
    " from operation o join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id"
    " where o.tenant_id = :tenant and o.customer_id = :customer),"
    " outside as materialized (select effective_at, credit_type, account_version, line_no, operation_id from lines"
    " where (source in ('world', 'owed', 'voided')) <> (target in ('expired', 'voided', 'owed'))),"
    " moved as (select charge, effective_at, credit_type, account_version,"
    " case when target = 'held' then credits when source = 'held' then -credits else 0 end as held,"
    " case when target = 'spent' then credits else 0 end as captured from lines where hold_id is not null),"
    " charges as materialized (select distinct on (charge) charge, effective_at, credit_type, account_version,"
    " sum(held) over (partition by charge) as held, sum(captured) over (partition by charge) as captured from moved"
    " order by charge, effective_at, credit_type, account_version)"
    " select (select count(*) from outside) as modifications,"
    " (select count(*) from charges where held > 0) as progress,"
    " (select count(*) from charges where captured > 0) as resolved,"
    " coalesce((select json_agg(x) from (select operation_id, line_no from outside"
    f" order by effective_at, credit_type, account_version, line_no offset :start limit {ROWS_MAX}) x), '[]')"
    f" as entries, {_keys('held')}, {_keys('captured')}",
)
_LINES: Final = text(
    f"select {rows.LINE} from operation o join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id"
    " where o.tenant_id = :tenant and o.customer_id = :customer and o.operation_id in"
    " (select unnest(cast(:operations as text[])) union select m.operation_id from hold h join operation m"
    " on m.tenant_id = :tenant and m.hold_id = h.hold_id where h.tenant_id = :tenant and h.customer_id = :customer"
    " and (h.hold_id = any(:charges) or h.ticket_id = any(:charges)))"
)


async def page(tx: Tx, customer_id: str, start: int) -> tuple[StatementPage, list[Line]]:
    """Return what a page of a customer's statement shows from a row on, and the lines of it; nothing may be due."""
    found: _Rows = (await combined.read(tx, (_PAGE,), {"customer": customer_id, "start": start}))[_PAGE.name][0]
    entries = [(entry.operation_id, entry.line_no) for entry in found.entries]
    shown = StatementPage(
        start=start,
        modifications=found.modifications,
        progress=found.progress,
        resolved=found.resolved,
        entries=frozenset(entries),
        held=tuple(found.held),
        captured=tuple(found.captured),
    )
    by = {
        "tenant": tx.tenant_id,
        "customer": customer_id,
        "operations": sorted({operation_id for operation_id, _ in entries}),
        "charges": sorted({*found.held, *found.captured}),
    }
    return shown, [rows.line_of(row) for row in await tx.rows(_LINES, by)]
