"""Payment disputes of orders: rows in, domain values out."""

from __future__ import annotations

from sqlalchemy import select

from app.db import schema as s
from app.db.engine import Tx
from app.domain.account.payment_dispute import PaymentDispute


async def of_order(tx: Tx, order_id: str) -> list[PaymentDispute]:
    """Return the disputes of an order's payment, oldest first."""
    table = s.payment_dispute
    rows = await tx.rows(
        select(table)
        .where(table.c.tenant_id == tx.tenant_id, table.c.order_id == order_id)
        .order_by(table.c.opened_at, table.c.dispute_id)
    )
    found = []
    for row in rows:
        values = dict(row._mapping)
        values.pop("tenant_id")
        found.append(PaymentDispute(**values))
    return found
