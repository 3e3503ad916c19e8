"""Customers: everything that is kept about one, erasing what names them (decision 0008), and merging two."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Executable, Table, and_, cast, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from app.db import schema as s
from app.db.account import asked
from app.db.combined import Select, select_into
from app.db.engine import Tx
from app.domain.orders import merges
from app.domain.values.paging import Stretch
from app.domain.values.wire import iso, jsonable
from app.views.customer import OpenTicket

_OPEN_TICKET: Final = ("resolved", "rejected", "withdrawn")
_EXPORTED: Final[tuple[tuple[str, Table, tuple[str, ...]], ...]] = (
    ("external_ids", s.customer_link, ("system", "external_id")),
    ("licenses", s.license_, ("placed_at", "license_id")),
    ("covers", s.cover, ("granted_at", "cover_id")),
    ("choices", s.choice, ("placed_at", "choice_id")),
    ("addons", s.addon, ("placed_at", "order_id", "line_id")),
    ("orders", s.purchase_order, ("placed_at", "order_id")),
    ("refunds", s.order_refund, ("at", "refund_id")),
    ("payment_disputes", s.payment_dispute, ("opened_at", "dispute_id")),
    ("accounts", s.account, ("credit_type",)),
    ("lots", s.lot, ("effective_at", "lot_id")),
    ("holds", s.hold, ("created_at", "hold_id")),
    ("operations", s.operation, ("effective_at", "operation_id")),
    ("tickets", s.ticket, ("opened_at", "ticket_id")),
    ("clocks", s.clock, ("started_at", "clock_id")),
    ("clock_outcomes", s.clock_outcome, ("at", "clock_id", "kind")),
    ("history", s.entity_event, ("recorded_at", "stream", "entity_id", "seq")),
    ("events", s.outbox, ("sequence",)),
    ("agenda", s.agenda, ("at", "kind", "subject")),
    ("commands", s.command, ("created_at", "key")),
    ("deliveries", s.inbound_delivery, ("delivery_id",)),
)
_ASKED: Final = (s.ticket, s.clock, s.clock_outcome, s.entity_event)
"""What is a person's of a ticket that a company pays for."""
_HIDDEN: Final = frozenset({"tenant_id", "payload_hash", "hash", "folded", "counted", "counted_at"})
_T = s.ticket.c
_WHO = s.customer.alias("who")
OPEN_TICKETS_MAX: Final = 10_000
"""Open tickets of one customer that are read at most; an answer shows them in pages."""
OPEN_TICKETS: Final = (
    select(
        _T.external_id,
        _T.state,
        _T.category,
        _T.subject,
        _T.license_id,
        _T.opened_at,
        _T.updated_at,
        _T.customer_id,
        _T.person_id,
        select(_WHO.c.external_id)
        .where(_WHO.c.tenant_id == _T.tenant_id, _WHO.c.customer_id == func.coalesce(_T.person_id, _T.customer_id))
        .scalar_subquery()
        .label("customer"),
    )
    .where(_T.state.not_in(_OPEN_TICKET))
    .order_by(_T.opened_at.desc(), _T.ticket_id.desc())
)


class OpenTicketRow(msgspec.Struct):
    """What a customer's page shows of a ticket."""

    external_id: str
    state: str
    category: str | None
    subject: str
    license_id: str | None
    opened_at: datetime
    updated_at: datetime
    customer: str | None = None
    """The vendor's id of who asked."""


class OpenTickets(msgspec.Struct):
    """How many tickets are open."""

    total: int


def open_tickets_of(whose: str) -> tuple[Select[Any], ...]:
    """Return the selects of a customer's open tickets, newest first, `:most` from `:start` on, and of their number.

    ``whose``: the customer's id in SQL. They are those on the account, and those that the customer asked as one of a
    company's people.
    """
    columns = "external_id, state, category, subject, license_id, opened_at, updated_at"
    newest = "order by opened_at desc, ticket_id desc"
    by_column = {
        column: f"from ticket where tenant_id = :tenant and {column} = {whose} and state not in {_OPEN_TICKET!r}"
        for column in ("customer_id", "person_id")
    }
    found = " union all ".join(
        f"(select {columns}, ticket_id, coalesce(person_id, customer_id) as customer_id {mine} {newest}"
        " limit cast(:start as bigint) + cast(:most as bigint))"
        for mine in by_column.values()
    )
    who = "(select external_id from customer p where p.tenant_id = :tenant and p.customer_id = t.customer_id)"
    page = (
        f"select {columns}, {who} as customer from ({found}) t {newest}"
        " offset cast(:start as bigint) limit cast(:most as bigint)"
    )
    every = " union all ".join(f"(select 1 {mine} limit {OPEN_TICKETS_MAX})" for mine in by_column.values())
    number = f"select least(count(*), {OPEN_TICKETS_MAX}) as total from ({every}) t"
    return (select_into("open_tickets", OpenTicketRow, page), select_into("open_ticket_number", OpenTickets, number))


def open_tickets_shown(found: Mapping[str, list[Any]], start: int) -> Sequence[OpenTicketRow]:
    """Return the open tickets that these selects read."""
    rows: list[OpenTicketRow] = found["open_tickets"]
    total: int = found["open_ticket_number"][0].total
    return rows if len(rows) == total else Stretch(rows, start=start, total=total)


def open_ticket_views(rows: Sequence[Any]) -> Sequence[OpenTicket]:
    """Return these tickets as a customer's page shows them."""
    if isinstance(rows, Stretch):
        return rows.mapped(open_ticket_views)
    return [
        {
            "ticket_id": row.external_id,
            "customer_id": row.customer,
            "state": row.state,
            "category": row.category,
            "subject": row.subject,
            "license_id": row.license_id,
            "opened_at": iso(row.opened_at),
            "updated_at": iso(row.updated_at),
        }
        for row in rows
    ]


async def open_tickets(tx: Tx, customer_id: str) -> Sequence[OpenTicket]:
    """The tickets on the customer's account that are not closed, newest first."""
    where = OPEN_TICKETS.where(_T.tenant_id == tx.tenant_id, _T.customer_id == customer_id).limit(OPEN_TICKETS_MAX)
    return open_ticket_views(await tx.rows(where))


STEP_ROWS: Final = 500
"""Rows of an export that are read at once."""


async def everything(tx: Tx, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """All rows kept about a customer, by table."""
    found: dict[str, Sequence[Any]] = {}
    for name, table, order in _EXPORTED:
        found[name] = await _in_steps(
            tx,
            select(table)
            .where(table.c.tenant_id == tx.tenant_id, table.c.customer_id == customer_id)
            .order_by(*(table.c[column] for column in order)),
        )
    holds = [row.hold_id for row in found["holds"]]
    operations = [row.operation_id for row in found["operations"]]
    found["hold_lines"] = await _of(tx, s.hold_line, "hold_id", holds, ("hold_id", "line_no"))
    found["entries"] = await _of(tx, s.entry, "operation_id", operations, ("operation_id", "line_no"))
    # Beside the event loop: an account of thousands of licenses takes long.
    return await asyncio.to_thread(lambda: {name: [_row(row) for row in rows] for name, rows in found.items()})


async def asked_elsewhere(tx: Tx, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """Rows about the tickets that the customer asked on a company's account, by table. No credits are among them."""
    theirs = await asked.by_people(tx, [customer_id])
    found: dict[str, list[dict[str, Any]]] = {}
    for name, table, order in _EXPORTED if theirs is not None else ():
        if theirs is not None and table in _ASKED:
            statement = select(table).where(*theirs.where(tx, table))
            rows = await tx.rows(statement.order_by(*(table.c[column] for column in order)))
            found[name] = [_row(row) for row in rows]
    return found


async def _of(tx: Tx, table: Table, column: str, ids: Sequence[str], order: Sequence[str]) -> Sequence[Any]:
    found: list[Any] = []
    columns = [table.c[name] for name in order]
    for first in range(0, len(ids), STEP_ROWS):
        part = table.c[column].in_(ids[first : first + STEP_ROWS])
        found += await _in_steps(tx, select(table).where(table.c.tenant_id == tx.tenant_id, part).order_by(*columns))
    return sorted(found, key=attrgetter(*order))


async def _in_steps(tx: Tx, statement: Executable) -> list[Any]:
    """Read the rows a few at a time, all of one snapshot, so that no step keeps the database or the loop for long."""
    found: list[Any] = []
    result = await tx.connection.stream(statement)
    async for part in result.partitions(STEP_ROWS):
        found += part
    return found


def _row(row: Any) -> dict[str, Any]:
    return {
        name: value.decode("utf-8", "replace") if name == "body" else jsonable(value)
        for name, value in row._mapping.items()
        if name not in _HIDDEN and (name == "body" or not isinstance(value, (bytes, memoryview)))
    }


async def erase(tx: Tx, customer_id: str, external_id: str | None, at: datetime) -> None:
    """Removes what names a customer: ids, subjects, domains, attributes, stored answers. The ledger stays as it is."""

    def mine(table: Table) -> ColumnElement[bool]:
        return and_(table.c.tenant_id == tx.tenant_id, table.c.customer_id == customer_id)

    await tx.execute(
        update(s.customer).where(mine(s.customer)).values(external_id=None, profile={}, company_id=None, erased_at=at)
    )
    await tx.execute(update(s.license_).where(mine(s.license_)).values(registered_domain=None))
    await tx.execute(
        update(s.ticket).where(mine(s.ticket)).values(subject="", external_id=s.ticket.c.ticket_id, payload_hash="")
    )
    await tx.execute(
        text(
            "update purchase_order o set payload_hash = '', lines = coalesce((select jsonb_agg("
            " jsonb_set(line, '{attributes}', '{}') order by n) from jsonb_array_elements(o.lines) with ordinality"
            " as each(line, n)), '[]') where tenant_id = :tenant and customer_id = :customer"
        ),
        {"tenant": tx.tenant_id, "customer": customer_id},
    )
    await tx.execute(
        update(s.order_refund)
        .where(mine(s.order_refund))
        .values(payload_hash="", answer=s.order_refund.c.answer.op("||")(cast({"reason": None}, JSONB)))
    )
    await tx.execute(
        update(s.command)
        .where(mine(s.command))
        .values(answer=func.to_jsonb(literal('{"erased":true}')).cast(JSONB), payload_hash=b"")
    )
    await tx.execute(
        delete(s.api_key).where(
            s.api_key.c.tenant_id == tx.tenant_id,
            s.api_key.c.kind == "customer_token",
            or_(
                s.api_key.c.options["customer_id"].astext == customer_id,
                s.api_key.c.options["customer_id"].astext == external_id,
            ),
        )
    )


_MARK_COVERS: Final = text(
    "update cover set data = jsonb_set(data, '{merges}', coalesce(data -> 'merges', '[]') || cast(:mark as jsonb))"
    " where tenant_id = :tenant and customer_id = :customer"
)
_MARK_ORDERS: Final = text(
    "update purchase_order set answer = jsonb_set(answer, '{merges}', coalesce(answer -> 'merges', '[]')"
    " || cast(:mark as jsonb)) where tenant_id = :tenant and customer_id = :customer"
)


async def merge(tx: Tx, source: str, target: str, at: datetime) -> None:
    """Move what hangs on one customer to another. The ledger's lots are moved by their own entries. So the orders are
    marked: they have nothing more to grant, and in which accounts their first lots stay. Orders and covers of both are
    marked with the side on which they were bought (`app.domain.orders.merges`).
    """
    for side in (source, target):
        row = {"tenant": tx.tenant_id, "customer": side, "mark": json.dumps(merges.mark(source, side, at))}
        await tx.execute(_MARK_COVERS, row)
        await tx.execute(_MARK_ORDERS, row)
    await tx.execute(
        text(
            "update purchase_order set answer = jsonb_set(answer || '{\"merged\": true}', '{owners}',"
            " coalesce(answer -> 'owners', '[]') || cast(:owner as jsonb)) where tenant_id = :tenant"
            " and customer_id = :customer"
        ),
        {"tenant": tx.tenant_id, "customer": source, "owner": json.dumps(source)},
    )
    for table in (
        s.license_,
        s.cover,
        s.choice,
        s.addon,
        s.purchase_order,
        s.recurring_grant,
        s.order_refund,
        s.payment_dispute,
        s.ticket,
        s.clock,
        s.agenda,
        s.inbound_subject,
        s.inbound_delivery,
        s.webhook_endpoint,
    ):
        await tx.execute(
            update(table)
            .where(table.c.tenant_id == tx.tenant_id, table.c.customer_id == source)
            .values(customer_id=target)
        )
    await tx.execute(
        text(
            "update customer set merged_into = :target, data = data || cast(:since as jsonb)"
            " where tenant_id = :tenant and customer_id = :source"
        ),
        {"tenant": tx.tenant_id, "source": source, "target": target, "since": json.dumps(merges.stamp(at))},
    )


async def merged_from(tx: Tx, customer_id: str) -> list[str]:
    """Our ids of the customers that were merged into this one, and of those merged into them, sorted."""
    found: set[str] = set()
    near = [customer_id]
    while near:
        rows = await tx.rows(
            select(s.customer.c.customer_id).where(
                s.customer.c.tenant_id == tx.tenant_id, s.customer.c.merged_into.in_(near)
            )
        )
        near = [str(row[0]) for row in rows if row[0] not in found]
        found.update(near)
    return sorted(found)


async def name_of(tx: Tx, customer_id: str) -> str | None:
    """The vendor's id of a customer, also of one that was merged; None for an erased one."""
    row = await tx.row(
        select(s.customer.c.external_id).where(
            s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id == customer_id
        )
    )
    return None if row is None or row[0] is None else str(row[0])
