"""The one writer: everything that one call changes goes to the tables in one statement (decision 0001).

The statement is made of parts, one a table, each of which inserts or updates what one JSON parameter holds. Only the
parts that have rows are in it; the few shapes that exist are built once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import dialect

from app.db import due
from app.db import schema as s
from app.db.engine import Tx
from app.db.rows import PUT_ON_AGENDA, Rows
from app.db.write_parts import StatementPart, bind_all

_DIALECT: Final = dialect()  # type: ignore[no-untyped-call]


def _columns_of(table: Table) -> dict[str, str]:
    """The columns of a table with their types in SQL, without the tenant and what is written apart."""
    written = [column for column in table.columns if column.name != "tenant_id" and not column.info]
    return {column.name: column.type.compile(dialect=_DIALECT).lower() for column in written}


_BUCKETS: Final = ("available", "held", "spent", "expired", "voided")
_RECURRING_CHANGES: Final = (
    "customer_id",
    "terms",
    "spans",
    "granted",
    "emitted",
    "stopped_at",
    "known_at",
    "withdrawn",
    "version",
)
_ACCOUNT_MORE: Final = ("next_expiry", "version", "asked_at")
_MOVED: Final = dict.fromkeys(("captured", "released", "refunded"), "bigint")
_PARTS: Final = (
    StatementPart(
        "acc",
        {
            "customer_id": "text",
            "credit_type": "text",
            **dict.fromkeys(("granted", *_BUCKETS, "owed"), "bigint"),
            "next_expiry": "timestamptz",
            "version": "bigint",
            "asked_at": "timestamptz",
        },
        "insert into account (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}"
        " on conflict (tenant_id, customer_id, credit_type) do update set "
        + ", ".join(f"{name} = excluded.{name}" for name in ("granted", *_BUCKETS, "owed", *_ACCOUNT_MORE)),
        lambda a: (
            a.customer_id,
            a.credit_type,
            a.granted,
            a.available,
            a.held,
            a.spent,
            a.expired,
            a.voided,
            a.owed,
            a.next_expiry,
            a.version,
            a.asked_at,
        ),
    ),
    StatementPart(
        "lotn",
        {
            "lot_id": "text",
            "customer_id": "text",
            "credit_type": "text",
            "source": "text",
            "rule": "text",
            **dict.fromkeys(("granted", *_BUCKETS), "bigint"),
            "effective_at": "timestamptz",
            "expires_at": "timestamptz",
            "is_open": "boolean",
            "priority": "integer",
            "scope": "text",
            "license_id": "text",
            "order_id": "text",
            "line_id": "text",
            "unit_no": "integer",
            "cost_amount": "numeric",
            "cost_currency": "text",
            "policy_version": "integer",
            "origin_lot_id": "text",
            "clause": "text",
            "reading": "boolean",
            "reason": "text",
            "data": "jsonb",
        },
        "insert into lot (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}",
        lambda item: (
            item.lot_id,
            item.customer_id,
            item.credit_type,
            item.source,
            item.rule,
            item.granted,
            item.available,
            item.held,
            item.spent,
            item.expired,
            item.voided,
            item.effective_at,
            item.expires_at,
            item.is_open,
            item.priority,
            item.scope,
            item.license_id,
            item.order_id,
            item.line_id,
            item.unit_no,
            None if item.cost is None else item.cost.amount,
            None if item.cost is None else item.cost.currency,
            item.policy_version,
            item.origin_lot_id,
            item.clause,
            item.reading,
            item.reason,
            item.data,
        ),
    ),
    StatementPart(
        "lotc",
        {
            "lot_id": "text",
            **dict.fromkeys(_BUCKETS, "bigint"),
            "expires_at": "timestamptz",
            "is_open": "boolean",
            "data": "jsonb",
        },
        "update lot set "
        + ", ".join(f"{name} = u.{name}" for name in (*_BUCKETS, "expires_at", "is_open"))
        + ", data = u.data from {batch} where lot.tenant_id = :tenant and lot.lot_id = u.lot_id",
        lambda item: (
            item.lot_id,
            item.available,
            item.held,
            item.spent,
            item.expired,
            item.voided,
            item.expires_at,
            item.is_open,
            item.data,
        ),
    ),
    StatementPart(
        "rg",
        _columns_of(s.recurring_grant),
        "insert into recurring_grant (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}"
        " on conflict (tenant_id, grant_id) do update set "
        + ", ".join(f"{name} = excluded.{name}" for name in _RECURRING_CHANGES),
        lambda item: tuple(getattr(item, name) for name in _columns_of(s.recurring_grant)),
    ),
    StatementPart(
        "hn",
        {
            "hold_id": "text",
            "customer_id": "text",
            "credit_type": "text",
            "kind": "text",
            "credits": "bigint",
            "ticket_id": "text",
            "created_at": "timestamptz",
            "expires_at": "timestamptz",
            "closed_at": "timestamptz",
            "state": "text",
        },
        "insert into hold (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}",
        lambda item: (
            item.hold_id,
            item.customer_id,
            item.credit_type,
            item.kind,
            item.credits,
            item.ticket_id,
            item.created_at,
            item.expires_at,
            item.closed_at,
            item.state,
        ),
    ),
    StatementPart(
        "hc",
        {"hold_id": "text", "closed_at": "timestamptz", "customer_id": "text", "credits": "bigint", "state": "text"},
        "update hold set closed_at = u.closed_at, customer_id = u.customer_id, credits = u.credits, state = u.state"
        " from {batch} where hold.tenant_id = :tenant and hold.hold_id = u.hold_id",
        lambda item: (item.hold_id, item.closed_at, item.customer_id, item.credits, item.state),
    ),
    StatementPart(
        "ln",
        {
            "hold_id": "text",
            "line_no": "integer",
            "lot_id": "text",
            "credits": "bigint",
            "captured": "bigint",
            "released": "bigint",
            "refunded": "bigint",
        },
        "insert into hold_line (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}",
        lambda item: (
            item[0],
            item[1].line_no,
            item[1].lot_id,
            item[1].credits,
            item[1].captured,
            item[1].released,
            item[1].refunded,
        ),
    ),
    StatementPart(
        "lc",
        {"hold_id": "text", "line_no": "integer", "lot_id": "text", **_MOVED},
        "update hold_line set lot_id = u.lot_id, captured = u.captured, released = u.released, refunded = u.refunded"
        " from {batch}"
        " where hold_line.tenant_id = :tenant and hold_line.hold_id = u.hold_id and hold_line.line_no = u.line_no",
        lambda item: (item[0], item[1].line_no, item[1].lot_id, item[1].captured, item[1].released, item[1].refunded),
    ),
    StatementPart(
        "op",
        {
            "operation_id": "text",
            "customer_id": "text",
            "credit_type": "text",
            "kind": "text",
            "account_version": "bigint",
            "effective_at": "timestamptz",
            "hold_id": "text",
            "ticket_id": "text",
            "order_id": "text",
            "command_id": "text",
            "reason": "text",
            "clause": "text",
            "reading": "boolean",
        },
        "insert into operation (tenant_id, recorded_at, {names})"
        " select t.tenant_id, :recorded_at, {picked} from {batch}{tenant}",
        lambda item: (
            item.operation_id,
            item.customer_id,
            item.credit_type,
            item.kind,
            item.account_version,
            item.effective_at,
            item.hold_id,
            item.ticket_id,
            item.order_id,
            item.command_id,
            item.reason,
            item.clause,
            item.reading,
        ),
    ),
    StatementPart(
        "en",
        {
            "operation_id": "text",
            "line_no": "integer",
            "lot_id": "text",
            "source": "text",
            "target": "text",
            "credits": "bigint",
        },
        "insert into entry (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}",
        lambda item: (item[0], item[1].line_no, item[1].lot_id, item[1].source, item[1].target, item[1].credits),
    ),
)


def _put(table: Table) -> StatementPart:
    """Rows of a table as they now are, whole."""
    columns = _columns_of(table)
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return StatementPart(
        f"put_{table.name}",
        columns,
        f"insert into {table.name} (tenant_id, {{names}}) select t.tenant_id, {{picked}} from {{batch}}{{tenant}}"
        f" on conflict ({', '.join(keys)}) do update set {changed}",
    )


def _add(table: Table) -> StatementPart:
    """New rows of a table."""
    return StatementPart(
        f"add_{table.name}",
        _columns_of(table),
        f"insert into {table.name} (tenant_id, {{names}}) select t.tenant_id, {{picked}} from {{batch}}{{tenant}}",
    )


_PUT: Final = {
    table.name: _put(table)
    for table in (
        s.license_,
        s.cover,
        s.choice,
        s.purchase_order,
        s.order_refund,
        s.payment_dispute,
        s.addon,
        s.ticket,
        s.clock,
    )
}
_ADDED: Final = {table.name: _add(table) for table in (s.order_refund, s.entity_event, s.audit_trail)}
_EVENT: Final = {
    "event_id": "text",
    "customer_id": "text",
    "sequence": "bigint",
    "type": "text",
    "occurred_at": "timestamptz",
    "data": "jsonb",
}
_OUTCOMES: Final = _columns_of(s.clock_outcome)
_OUTCOME: Final = {"clock_id": "text", "cycle": "integer", "window_date": "text", "kind": "text"}
_OUTBOX: Final = (
    "insert into outbox (tenant_id, recorded_at, {names})"
    " select t.tenant_id, :recorded_at, {picked} from {batch}{tenant}"
)
_ONCE: Final = " on conflict (tenant_id, dedupe_key) do nothing"
_BATCH_PARTS: Final = (
    *_PUT.values(),
    *_ADDED.values(),
    *_PARTS,
    StatementPart(
        "cu",
        {"customer_id": "text", "last_at": "timestamptz", "event_sequence": "bigint"},
        "update customer set last_at = u.last_at, event_sequence = u.event_sequence from {batch}"
        " where customer.tenant_id = :tenant and customer.customer_id = u.customer_id",
        lambda item: item[:3],
    ),
    StatementPart(
        "cw",
        {
            "customer_id": "text",
            "last_at": "timestamptz",
            "event_sequence": "bigint",
            "data": "jsonb",
            "profile": "jsonb",
        },
        "update customer set last_at = u.last_at, event_sequence = u.event_sequence, data = u.data, profile = u.profile"
        " from {batch} where customer.tenant_id = :tenant and customer.customer_id = u.customer_id",
        lambda item: item,
    ),
    StatementPart("ev", _EVENT, _OUTBOX, lambda item: item[:6]),
    StatementPart("ek", {**_EVENT, "dedupe_key": "text"}, _OUTBOX + _ONCE, lambda item: item),
    StatementPart(
        "cm",
        {
            "key": "text",
            "kind": "text",
            "payload_hash": "bytea",
            "status": "integer",
            "answer": "jsonb",
            "actor": "text",
            "customer_id": "text",
        },
        "insert into command (tenant_id, created_at, {names})"
        " select t.tenant_id, :recorded_at, {picked} from {batch}{tenant}",
        lambda item: (item.key, item.kind, "\\x" + item.payload_hash.hex(), *item[3:]),
    ),
    StatementPart(
        "ag",
        {"kind": "text", "subject": "text", "at": "timestamptz", "customer_id": "text", "payload": "jsonb"},
        "insert into agenda (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant} on conflict"
        " (tenant_id, kind, subject) do update set at = excluded.at, customer_id = excluded.customer_id,"
        " payload = excluded.payload",
        lambda item: item,
    ),
    StatementPart(
        "ad",
        {"kind": "text", "subject": "text"},
        "delete from agenda using {batch}"
        " where agenda.tenant_id = :tenant and agenda.kind = u.kind and agenda.subject = u.subject",
        lambda item: item,
    ),
    StatementPart(
        "oc",
        _OUTCOMES,
        "insert into clock_outcome (tenant_id, {names}) select t.tenant_id, {picked} from {batch}{tenant}"
        " on conflict do nothing returning clock_id, cycle, window_date, kind",
        lambda item: tuple(item.values[name] for name in _OUTCOMES),
    ),
    StatementPart(
        "eo",
        {
            **_EVENT,
            "dedupe_key": "text",
            "o_clock_id": "text",
            "o_cycle": "integer",
            "o_window_date": "text",
            "o_kind": "text",
        },
        f"insert into outbox (tenant_id, recorded_at, {', '.join(_EVENT)}, dedupe_key) select t.tenant_id,"
        f" :recorded_at, {', '.join('u.' + name for name in _EVENT)}, u.dedupe_key from {{batch}} join w_oc on"
        " (w_oc.clock_id, w_oc.cycle, w_oc.window_date, w_oc.kind)"
        f" = (u.o_clock_id, u.o_cycle, u.o_window_date, u.o_kind){{tenant}}{_ONCE}",
        lambda item: (*item.event, *(item.values[name] for name in _OUTCOME)),
    ),
    StatementPart("du", {"kind": "text", "mark": "text", "at": "timestamptz"}, due.MARK, lambda item: item),
)
_NAMED: Final = {part.name: part for part in _BATCH_PARTS}


@cache
def _statement(names: tuple[str, ...]) -> TextClause:
    """The writing statement of these parts; a few shapes exist in all."""
    parts = [_NAMED[name] for name in names]
    if len(parts) == 1:
        return text(parts[0].sql)
    return text("with " + ", ".join(f"w_{part.name} as ({part.sql})" for part in parts) + " select 1")


async def write_rows(tx: Tx, rows: Rows) -> None:
    """Write the rows in one statement. Does nothing when only validating, or when there are none.

    ``recorded_at`` is the transaction's instant, and never before an operation's own.
    """
    if tx.validate_only:
        return
    if tx.peers is not None:
        tx.peers.keep(rows)
        return
    operations = [row for ledger in rows.ledgers for row in ledger.operations]
    latest = max((row.effective_at for row in operations), default=tx.at)
    parameters: dict[str, Any] = {"tenant": tx.tenant_id}
    names = await bind_all(_NAMED, _shares(rows, operations), parameters)
    if not names:
        return
    marks = _marks(tx, rows, names)
    if marks:
        _NAMED["du"].bind(marks, parameters)
        names.append("du")
    if not _RECORDED.isdisjoint(names):
        parameters["recorded_at"] = max(tx.at, latest)
    await tx.rows(_statement(tuple(names)), parameters)


def _marks(tx: Tx, rows: Rows, names: Sequence[str]) -> list[tuple[str, str, datetime | None]]:
    """What the rows make due for the worker (`app.db.due`)."""
    marks: list[tuple[str, str, datetime | None]] = []
    if not _EVENTS.isdisjoint(names):
        tx.made_due = True
        marks.append((due.EVENTS, tx.mint("due"), None))
    if not rows.agenda:
        return marks
    first = min(row.at for row in rows.agenda)
    tx.caches[PUT_ON_AGENDA] = min(first, tx.caches.get(PUT_ON_AGENDA, first))
    if not tx.tenant.virtual:
        tx.made_due = tx.made_due or first <= tx.at
        marks.append((due.AGENDA, tx.mint("due"), first))
    return marks


_EVENTS: Final = frozenset({"ev", "ek", "eo"})
"""Parts that write events."""
_RECORDED: Final = frozenset({"op", "ev", "ek", "cm", "eo"})
"""Parts that say when their rows were recorded."""


def _shares(rows: Rows, operations: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """What each part writes, in the order of the parts."""
    for table, found in rows.put.items():
        yield f"put_{table}", list(found.values())
    for table, new in rows.added.items():
        yield f"add_{table}", new
    ledgers = rows.ledgers
    yield "acc", [row for ledger in ledgers for row in ledger.accounts]
    yield "lotn", [row for ledger in ledgers for row in ledger.lots_new]
    yield "lotc", [row for ledger in ledgers for row in ledger.lots_changed]
    yield "rg", [row for ledger in ledgers for row in ledger.recurring]
    yield "hn", [row for ledger in ledgers for row in ledger.holds_new]
    yield "hc", [row for ledger in ledgers for row in ledger.holds_changed]
    yield "ln", [item for ledger in ledgers for item in ledger.every_new_line()]
    yield "lc", [(hold.hold_id, line) for ledger in ledgers for hold in ledger.holds_changed for line in hold.lines]
    yield "op", operations
    yield "en", [(row.operation_id, entry) for row in operations for entry in row.entries]
    yield "cu", [row for row in rows.customers if row.data is None]
    yield "cw", [row for row in rows.customers if row.data is not None]
    yield "ev", [row for row in rows.outbox if row.dedupe_key is None]
    yield "ek", [row for row in rows.outbox if row.dedupe_key is not None]
    yield "cm", rows.commands
    yield "ag", rows.agenda
    yield "ad", rows.dropped
    yield "oc", rows.outcomes
    yield "eo", [row for row in rows.outcomes if row.event is not None]
