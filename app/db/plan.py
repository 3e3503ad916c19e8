"""Plans as rows: what the rules asked for goes to the one writer (`app.db.write`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Table

from app.db import schema as s
from app.db.account import erasure
from app.db.engine import Tx
from app.db.orders import payment_states
from app.db.rows import AgendaRow, CustomerRow, OutboxRow, OutcomeRow, Rows
from app.db.write import write_rows
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AgendaItem, ClockOutcome, OutboxEvent, Plan, StreamEvent, emit_of_ledger
from app.domain.ledger.journal import Journal
from app.domain.values.wire import jsonable

_LEFT: Final = (str, int, datetime)
_MANY: Final = 300
"""Entities and events that become rows in a few milliseconds."""


async def write_account(tx: Tx, account: CustomerAccount) -> None:
    """Write one account's plan and ledger changes, and those of the customers to whom credits of it were given."""
    every = {other.customer.customer_id: other for other in (account, *account.others.values())}
    await write(tx, [(customer_account.plan, customer_account.ledger) for customer_account in every.values()])


async def write(tx: Tx, plans: Sequence[tuple[Plan, Journal | None]]) -> None:
    """Writes plans with their ledgers in one statement. Does nothing when only validating."""
    if tx.validate_only:
        return
    tx.caches["writes"] = tx.caches.get("writes", 0) + 1
    many = sum(map(_size, plans)) > _MANY
    # What a thousand licenses write takes long to be put into rows, so it is done beside the event loop.
    rows = await asyncio.to_thread(_rows, tx, plans) if many else _rows(tx, plans)
    await write_rows(tx, rows)
    if paid := {order_id for plan, _ in plans for order_id in _paid_anew(plan)}:
        await payment_states.keep(tx, sorted(paid))
    erased = {plan.customer.customer_id for plan, _ in plans if _says_something(plan)}
    if erased:
        await erasure.keep_erased(tx, sorted(erased))


def _paid_anew(plan: Plan) -> Iterator[str]:
    """Yield the orders that may be paid otherwise by now."""
    yield from plan.lines_changed
    yield from (refund.order_id for refund in (*plan.refunds, *plan.refunds_undone))
    yield from (order_id for order_id, _ in plan.payment_disputes)


def _size(written: tuple[Plan, Journal | None]) -> int:
    plan, _ = written
    return len(plan.licenses) + len(plan.covers) + len(plan.events) + len(plan.outbox) + len(plan.clocks)


def _rows(tx: Tx, plans: Sequence[tuple[Plan, Journal | None]]) -> Rows:
    rows = Rows()
    for plan, ledger in plans:
        if ledger is not None:
            emit_of_ledger(plan, ledger)
            rows.ledgers += [each.changes() for each in (ledger, *ledger.former.values())]
    for plan, _ in plans:
        _entities(rows, plan)
        rows.added.setdefault("entity_event", []).extend(_event(event, plan) for event in plan.events)
        rows.outbox += [_outbox(tx, outbox_event) for outbox_event in plan.outbox]
        rows.outcomes += [_outcome(tx, outcome) for outcome in plan.outcomes]
        rows.added.setdefault("audit_trail", []).extend(_audit(tx, plan))
    _agenda(rows, (plan for plan, _ in plans))
    touched = {plan.customer.customer_id: plan for plan, _ in plans}
    rows.customers += [
        CustomerRow(
            id_, plan.at, plan.customer.event_sequence, jsonable(plan.customer.data), jsonable(plan.customer.profile)
        )
        for id_, plan in touched.items()
    ]
    return rows


def _says_something(plan: Plan) -> bool:
    """Whether somebody wrote on the account of an erased person. What falls due by itself says nothing new."""
    return plan.customer.external_id is None and plan.actor not in (None, "worker")


async def write_outbox(tx: Tx, events: Iterable[OutboxEvent]) -> None:
    """Appends events to the outbox; one with a ``dedupe_key`` already there is left out."""
    await write_rows(tx, Rows(outbox=[_outbox(tx, event) for event in events]))


def _entities(rows: Rows, plan: Plan) -> None:
    _put(rows, s.license_, plan.licenses.values())
    _put(rows, s.cover, plan.covers.values())
    _put(rows, s.choice, plan.choices.values())
    _put(rows, s.purchase_order, plan.orders.values(), lines=lambda lines: [asdict(line) for line in lines])
    rows.added.setdefault("order_refund", []).extend(_row(refund) for refund in plan.refunds)
    _put(rows, s.order_refund, plan.refunds_undone)
    _put(rows, s.payment_dispute, plan.payment_disputes.values())
    _put(rows, s.addon, plan.addons)
    _put(rows, s.ticket, plan.tickets.values())
    _put(rows, s.clock, plan.clocks.values())


def _put(rows: Rows, table: Table, entities: Collection[Any], **cells: Callable[[Any], Any]) -> None:
    if not len(entities):
        return
    keys, found = _keys(table), rows.put.setdefault(table.name, {})
    for entity in entities:
        row = _row(entity, **cells)
        found[tuple(row[key] for key in keys)] = row


@cache
def _keys(table: Table) -> tuple[str, ...]:
    """What tells the rows of a tenant apart."""
    return tuple(column.name for column in table.primary_key if column.name != "tenant_id")


def _row(entity: Any, **cells: Callable[[Any], Any]) -> dict[str, Any]:
    """An entity by column; ``cells``: how a column's value is made where it is not the field itself."""
    row = {name: _cell(getattr(entity, name)) for name in entity.__dataclass_fields__ if name not in cells}
    return row | {name: _cell(made(getattr(entity, name))) for name, made in cells.items()} if cells else row


def _cell(value: Any) -> Any:
    """A value for JSON; instants of their own are left to the encoder."""
    return value if value is None or isinstance(value, _LEFT) else jsonable(value)


def _event(event: StreamEvent, plan: Plan) -> dict[str, Any]:
    row = _row(event)
    if (
        event.stream == "cover"
        and (cover := plan.covers.get(event.entity_id)) is not None
        and cover.version == event.seq
    ):
        row["payload"] = {**row["payload"], "cover": jsonable(asdict(cover))}
    return row


def _outbox(tx: Tx, event: OutboxEvent) -> OutboxRow:
    return OutboxRow(
        tx.mint("evt"),
        event.customer_id,
        event.sequence,
        event.type,
        event.occurred_at,
        jsonable(event.data),
        event.dedupe_key,
    )


def _outcome(tx: Tx, outcome: ClockOutcome) -> OutcomeRow:
    values = {
        "clock_id": outcome.clock_id,
        "cycle": outcome.cycle,
        "window_date": outcome.window_date or "",
        "kind": outcome.kind,
        "customer_id": outcome.customer_id,
        "at": outcome.at,
        "due_at": outcome.due_at,
        "calendar_revision": outcome.calendar_revision,
        "tzdb_version": outcome.tzdb_version,
        "recorded_at": tx.at,
    }
    return OutcomeRow(values, None if outcome.event is None else _outbox(tx, outcome.event))


def _audit(tx: Tx, plan: Plan) -> Iterator[dict[str, Any]]:
    for audit_row in plan.audit:
        yield {
            "audit_id": tx.mint("aud"),
            "at": plan.at,
            "actor": plan.actor,
            "action": audit_row.action,
            "subject": audit_row.subject,
            "data": jsonable(audit_row.data),
        }


def _agenda(rows: Rows, plans: Iterable[Plan]) -> None:
    """The last that was said of each thing that falls due."""
    last = {(agenda_item.kind, agenda_item.subject): agenda_item for plan in plans for agenda_item in plan.agenda}
    for key, due in last.items():
        if isinstance(due, AgendaItem):
            rows.agenda.append(AgendaRow(due.kind, due.subject, due.at, due.customer_id, jsonable(due.payload)))
        else:
            rows.dropped.append(key)
