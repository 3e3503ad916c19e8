"""Whether bought periods that wait for others stand where they belong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select, text

from app.db import policies
from app.db import schema as s
from app.db.engine import Tx
from app.db.ledger.invariants import QUEUES
from app.db.orders.orders import order_of
from app.domain.account.customer import Cover, License, Order
from app.domain.orders.queues import QUEUED, displaced

PERIODS_MAX: Final = 500
"""Periods of an account that are looked at: what it takes grows with their square."""
_OF_THESE: Final = text("any(:customers)")
_ORDERS: Final = (
    select(s.purchase_order)
    .where(s.purchase_order.c.tenant_id == text(":tenant"), s.purchase_order.c.customer_id == _OF_THESE)
    .order_by(s.purchase_order.c.placed_at, s.purchase_order.c.order_id)
)
_LICENSES: Final = select(s.license_).where(
    s.license_.c.tenant_id == text(":tenant"), s.license_.c.customer_id == _OF_THESE
)


async def displaced_periods(tx: Tx, covers: Mapping[str, Sequence[Cover]]) -> list[dict[str, Any]]:
    """Return which of these customers' periods stand elsewhere than their orders say. ``covers``: of each customer."""
    asked = sorted(customer_id for customer_id, mine in covers.items() if _asked(mine))
    if not asked:
        return []
    by = {"tenant": tx.tenant_id, "customers": asked}
    orders: dict[str, list[Order]] = {customer_id: [] for customer_id in asked}
    for row in await tx.rows(_ORDERS, by):
        orders[row.customer_id].append(order_of(row))
    licenses: dict[str, list[License]] = {customer_id: [] for customer_id in asked}
    for row in await tx.rows(_LICENSES, by):
        values = {name: value for name, value in row._mapping.items() if name != "tenant_id"}
        licenses[row.customer_id].append(License(**values))
    terms = await policies.terms(tx)
    found = []
    for customer_id in asked:
        for cover, (starts_at, ends_at) in await asyncio.to_thread(
            displaced, orders[customer_id], terms, covers[customer_id], licenses[customer_id]
        ):
            words = {"expected": f"{starts_at} to {ends_at}", "found": f"{cover.starts_at} to {cover.ends_at}"}
            found.append({"invariant": QUEUES, "subject": cover.cover_id, **words})
    return found


def _asked(mine: Sequence[Cover]) -> bool:
    waits = any(cover.start in QUEUED and cover.state != "voided" for cover in mine)
    return waits and 1 < len(mine) <= PERIODS_MAX
