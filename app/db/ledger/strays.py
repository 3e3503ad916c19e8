"""Rows of the ledger that hang on nothing: no customer leads to them, so they are looked for along their own keys.

The questions about customers (`app.db.ledger.audit`) start from a customer, an account or a lot. An entry whose
operation and lot are gone, or a command that names no customer, is on none of those ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import TextClause, text

from app.db import due
from app.db.engine import Tx
from app.db.ledger.invariants import CREDIT_KINDS
from app.domain.values.wire import iso

STEP: Final = 2_000
"""Rows of one table looked at in one step."""
_REST: Final = "x.tenant_id = :tenant and x.{key} > :after"
_RANGE: Final = f"{_REST} and x.{{key}} <= :upto"
_KNOWN: Final = (
    "exists (select from customer c where c.tenant_id = x.tenant_id and c.customer_id = x.customer_id)"
    " or exists (select from account a where a.tenant_id = x.tenant_id and a.customer_id = x.customer_id)"
    " or exists (select from lot l where l.tenant_id = x.tenant_id and l.customer_id = x.customer_id)"
)
_OPERATION: Final = (
    "exists (select from operation o where o.tenant_id = x.tenant_id and o.operation_id = x.operation_id)"
)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A table, the key to walk along, and the questions about its rows: name and condition, expected, found."""

    key: str
    questions: tuple[tuple[str, str, str, str], ...]


_WALKS: Final = {
    "operation": _Walk("operation_id", (("operation_has_customer", f"not ({_KNOWN})", "'a customer'", "'none'"),)),
    "entry": _Walk("operation_id", (("entry_has_operation", f"not {_OPERATION}", "'an operation'", "'none'"),)),
    "hold": _Walk("hold_id", (("hold_has_customer", f"not ({_KNOWN})", "'a customer'", "'none'"),)),
    "hold_line": _Walk(
        "hold_id",
        (
            (
                "hold_line_has_hold",
                "not exists (select from hold h where h.tenant_id = x.tenant_id and h.hold_id = x.hold_id)",
                "'a hold'",
                "'none'",
            ),
        ),
    ),
    "command": _Walk(
        "key",
        (
            (
                "an_acknowledged_command_has_its_effect",
                (
                    f"x.kind = any({CREDIT_KINDS}) and x.status < 300 and x.customer_id is null"
                    # Counted, so that a plan looks only for the few commands that are left here.
                    " and (select count(*) from operation o"
                    " where o.tenant_id = x.tenant_id and o.command_id = x.key) = 0"
                ),
                "x.kind",
                "'no operation'",
            ),
            (
                "a_refused_command_leaves_no_trace",
                f"x.kind = any({CREDIT_KINDS}) and x.status >= 300 and x.customer_id is null",
                "'not kept'",
                "x.kind || ' ' || x.status",
            ),
        ),
    ),
}


def _question(table: str, walk: _Walk, rows: str) -> TextClause:
    where = rows.format(key=walk.key)
    return text(
        " union all ".join(
            f"select distinct '{name}' as name, x.{walk.key} as subject, {expected} as expected, {found} as found"
            f" from {table} x where {where} and {condition}"
            for name, condition, expected, found in walk.questions
        )
    )


_QUESTIONS: Final = {table: _question(table, walk, _RANGE) for table, walk in _WALKS.items()}
_LAST_QUESTIONS: Final = {table: _question(table, walk, _REST) for table, walk in _WALKS.items()}
"""Without an upper end: a plan that is made once could not use the index for an end that may be missing."""
_ENDS: Final = {
    table: text(
        f"select {walk.key} from {table} where tenant_id = :tenant and {walk.key} > :after"
        f" order by {walk.key} offset :step limit 1"
    )
    for table, walk in _WALKS.items()
}
_TABLES: Final = tuple(_WALKS)
FIRST: Final = f"{_TABLES[0]}/"
"""The place where the walks begin. A place is a table and the last key looked at; a customer's id has no slash."""
DUE: Final = "what_is_due_is_known"


def is_place(after: str) -> bool:
    """Whether this is a place of a walk, not a customer of ours."""
    return after.partition("/")[0] in _WALKS and "/" in after


async def step(tx: Tx, place: str) -> tuple[list[dict[str, Any]], str | None]:
    """Looks at the next rows behind a place: those that hang on nothing, and the place reached (None: the end)."""
    table, _, after = place.partition("/")
    by: dict[str, Any] = {"tenant": tx.tenant_id, "after": after}
    end: Sequence[Any] = await tx.rows(_ENDS[table], {**by, "step": STEP})
    upto = end[0][0] if end else None
    rows: Sequence[Any] = await (
        tx.rows(_LAST_QUESTIONS[table], by) if upto is None else tx.rows(_QUESTIONS[table], {**by, "upto": upto})
    )
    found = [
        {"invariant": row.name, "subject": row.subject, "expected": str(row.expected), "found": str(row.found)}
        for row in rows
    ]
    if upto is not None:
        return found, f"{table}/{upto}"
    following = _TABLES.index(table) + 1
    if following < len(_TABLES):
        return found, f"{_TABLES[following]}/"
    return found + await _unknown(tx), None


async def _unknown(tx: Tx) -> list[dict[str, Any]]:
    """What is due and would not be looked at in time: the table of what is due does not know of it."""
    return [
        {"invariant": DUE, "subject": row.kind, "expected": f"known to be due at {iso(row.at)}", "found": "not known"}
        for row in await due.unknown(tx)
    ]
