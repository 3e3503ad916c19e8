"""What explanations are made of: the streams and the ledger lines behind one stored thing, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from sqlalchemy import bindparam, select, text

from app.db import schema as s
from app.db.engine import Tx

Of = Literal["ticket", "order", "taken_back", "lot", "operation", "hold"]
_WHERE: Final[dict[str, str]] = {
    "ticket": "o.ticket_id = :id",
    "order": "o.order_id = :id",
    "taken_back": "o.order_id = :id and o.kind in ('void', 'refund', 'expire')",
    "lot": "e.lot_id = :id",
    "operation": "o.operation_id = :id",
    "hold": "o.hold_id = :id",
}
_OPERATIONS: Final = {
    of: text(
        f"""
        select o.operation_id, o.kind, o.effective_at, o.recorded_at, o.reason, o.clause, o.reading, o.hold_id,
               o.ticket_id, o.order_id, o.credit_type, e.lot_id, e.source, e.target, e.credits, l.expires_at,
               l.priority, l.source as lot_source, coalesce(l.cost_amount, 0) > 0 as paid, l.granted, l.rule,
               l.order_id as lot_order_id, l.effective_at as lot_effective_at,
               l.data->'bought'->>'order_id' as bought_order_id
        from operation o
        join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
        join lot l on l.tenant_id = e.tenant_id and l.lot_id = e.lot_id
        where o.tenant_id = :tenant and {where}
        order by o.customer_id, o.credit_type, o.account_version, e.line_no
        limit 2000
        """
    )
    for of, where in _WHERE.items()
}
_EVENTS: Final = (
    select(s.entity_event)
    .where(
        s.entity_event.c.tenant_id == bindparam("tenant"),
        s.entity_event.c.stream == bindparam("stream"),
        s.entity_event.c.entity_id == bindparam("entity"),
    )
    .order_by(s.entity_event.c.seq)
)


async def operations(tx: Tx, of: str, id_: str) -> Sequence[Any]:
    """Operations with their entries and the lots they moved in, in the order of the account; at most 2,000 lines."""
    return await tx.rows(_OPERATIONS[of], {"tenant": tx.tenant_id, "id": id_})


async def events(tx: Tx, stream: str, entity_id: str) -> Sequence[Any]:
    """The stream of one entity, in order."""
    return await tx.rows(_EVENTS, {"tenant": tx.tenant_id, "stream": stream, "entity": entity_id})


async def clocks_of(tx: Tx, ticket_id: str) -> Sequence[Any]:
    """The clocks of a ticket."""
    return await tx.rows(
        select(
            s.clock.c.clock_id,
            s.clock.c.milestone,
            s.clock.c.due_at,
            s.clock.c.outcome,
            s.clock.c.phase,
            s.clock.c.stopped_at,
            s.clock.c.spec,
        )
        .where(s.clock.c.tenant_id == tx.tenant_id, s.clock.c.ticket_id == ticket_id)
        .order_by(s.clock.c.clock_id)
    )


async def order(tx: Tx, order_id: str) -> Any:
    """An order's row, or None."""
    table = s.purchase_order
    return await tx.row(select(table).where(table.c.tenant_id == tx.tenant_id, table.c.order_id == order_id))


async def refund(tx: Tx, order_id: str, refund_id: str) -> Any:
    """A refund's row, or None."""
    table = s.order_refund
    return await tx.row(
        select(table).where(
            table.c.tenant_id == tx.tenant_id, table.c.order_id == order_id, table.c.refund_id == refund_id
        )
    )


async def lot(tx: Tx, lot_id: str) -> Any:
    """A lot's row, or None."""
    return await tx.row(select(s.lot).where(s.lot.c.tenant_id == tx.tenant_id, s.lot.c.lot_id == lot_id))
