"""`write(tx, plans)`: the only path by which effects reach the tables (decision 0001)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Table, delete, insert, text
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db import books
from app.db import ledger as ledger_rows
from app.db import schema as s
from app.db.engine import Tx
from app.domain.account.account import Book
from app.domain.account.changes import (
    AgendaDrop,
    AgendaItem,
    ClockOutcome,
    OutboxEvent,
    Plan,
    StreamEvent,
    emit_reclaimed,
)
from app.domain.values.wire import jsonable


async def write_book(tx: Tx, book: Book) -> None:
    """Writes one book's plan and ledger changes, and those of the customers to whom credits of it were given."""
    every = {one.customer.customer_id: one for one in (book, *book.others.values())}
    await write(tx, [(one.plan, one.ledger) for one in every.values()])


async def write(tx: Tx, plans: Sequence[tuple[Plan, Any]]) -> None:
    """Writes plans with their ledgers, in the order given. Does nothing when only validating."""
    if tx.validate_only:
        return
    tx.caches["writes"] = tx.caches.get("writes", 0) + 1
    for plan, ledger in plans:
        if ledger is not None:
            emit_reclaimed(plan, ledger)
    ledgers = [ledger for _, ledger in plans if ledger is not None]
    changes = [each.changes() for one in ledgers for each in (one, *one.former.values())]
    await ledger_rows.write(tx, changes)
    for plan, _ in plans:
        await _write_plan(tx, plan)


async def _write_plan(tx: Tx, plan: Plan) -> None:
    tenant = tx.tenant_id
    await _put(tx, s.license_, [_row(tenant, one) for one in plan.licenses.values()])
    await _put(tx, s.cover, [_row(tenant, one) for one in plan.covers.values()])
    await _put(tx, s.choice, [_row(tenant, one) for one in plan.choices.values()])
    await _put(
        tx,
        s.purchase_order,
        [
            {
                **_row(tenant, one),
                "lines": jsonable([asdict(line) for line in one.lines]),
                "answer": jsonable(one.answer),
            }
            for one in plan.orders.values()
        ],
    )
    if plan.refunds:
        await tx.execute(
            insert(s.order_refund),
            [{**_row(tenant, one), "answer": jsonable(one.answer)} for one in plan.refunds],
        )
    await _put(
        tx,
        s.order_refund,
        [{**_row(tenant, one), "answer": jsonable(one.answer)} for one in plan.refunds_undone],
    )
    await _put(
        tx,
        s.payment_dispute,
        [{**_row(tenant, one), "undo": jsonable(one.undo)} for one in plan.payment_disputes.values()],
    )
    await _put(tx, s.addon, [_row(tenant, one) for one in plan.addons])
    await _put(
        tx,
        s.ticket,
        [{**_row(tenant, one), "document": jsonable(one.document)} for one in plan.tickets.values()],
    )
    await _put(
        tx, s.clock, [{**_row(tenant, one), "spec": jsonable(one.spec)} for one in plan.clocks.values()]
    )
    if plan.events:
        await tx.execute(insert(s.entity_event), [_event(tenant, one, plan) for one in plan.events])
    await _agenda(tx, plan.agenda)
    outbox = list(plan.outbox)
    outbox += [one.event for one in plan.outcomes if await _outcome(tx, one) and one.event is not None]
    await write_outbox(tx, outbox)
    if plan.audit:
        await tx.execute(
            insert(s.audit_trail),
            [
                {
                    "tenant_id": tenant,
                    "audit_id": tx.mint("aud"),
                    "at": plan.at,
                    "actor": plan.actor,
                    "action": one.action,
                    "subject": one.subject,
                    "data": jsonable(one.data),
                }
                for one in plan.audit
            ],
        )
    await books.touch(tx, plan.customer, at=plan.at)


async def write_outbox(tx: Tx, events: Iterable[OutboxEvent]) -> None:
    """Appends events to the outbox; one with a ``dedupe_key`` already there is left out."""
    rows = [
        {
            "tenant_id": tx.tenant_id,
            "event_id": tx.mint("evt"),
            "position": None,
            "customer_id": one.customer_id,
            "sequence": one.sequence,
            "type": one.type,
            "occurred_at": one.occurred_at,
            "recorded_at": tx.at,
            "data": jsonable(one.data),
            "dedupe_key": one.dedupe_key,
        }
        for one in events
    ]
    if rows:
        await tx.execute(
            upsert(s.outbox).on_conflict_do_nothing(index_elements=["tenant_id", "dedupe_key"]), rows
        )


async def _agenda(tx: Tx, changes: Iterable[AgendaItem | AgendaDrop]) -> None:
    last: dict[tuple[str, str], AgendaItem | AgendaDrop] = {(one.kind, one.subject): one for one in changes}
    items = [
        {
            "tenant_id": tx.tenant_id,
            "kind": one.kind,
            "subject": one.subject,
            "at": one.at,
            "customer_id": one.customer_id,
            "payload": jsonable(one.payload),
        }
        for one in last.values()
        if isinstance(one, AgendaItem)
    ]
    for drop in last.values():
        if isinstance(drop, AgendaDrop):
            await tx.execute(
                delete(s.agenda).where(
                    s.agenda.c.tenant_id == tx.tenant_id,
                    s.agenda.c.kind == drop.kind,
                    s.agenda.c.subject == drop.subject,
                )
            )
    await _put(tx, s.agenda, items)


async def _outcome(tx: Tx, one: ClockOutcome) -> bool:
    row = await tx.row(
        upsert(s.clock_outcome)
        .values(
            tenant_id=tx.tenant_id,
            clock_id=one.clock_id,
            cycle=one.cycle,
            window_date=one.window_date or "",
            kind=one.kind,
            customer_id=one.customer_id,
            at=one.at,
            due_at=one.due_at,
            calendar_revision=one.calendar_revision,
            tzdb_version=one.tzdb_version,
            recorded_at=tx.at,
        )
        .on_conflict_do_nothing()
        .returning(text("1"))
    )
    return row is not None


def _row(tenant: str, entity: Any) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        **{name: _value(getattr(entity, name)) for name in entity.__dataclass_fields__},
    }


def _value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _event(tenant: str, one: StreamEvent, plan: Plan) -> dict[str, Any]:
    payload = jsonable(one.payload)
    if (
        one.stream == "cover"
        and (cover := plan.covers.get(one.entity_id)) is not None
        and cover.version == one.seq
    ):
        payload = {**payload, "cover": jsonable(asdict(cover))}
    return {**_row(tenant, one), "payload": payload}


async def _put(tx: Tx, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = upsert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
