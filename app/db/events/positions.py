"""Give committed events their positions in the feed, for each tenant (decision 0022).

A reader who remembers the last position it saw misses nothing.

A number drawn while a transaction is still open can become visible after a higher one. A position is drawn afterwards,
under the tenant's lock. So positions appear in order and without gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text

from app.db.engine import Database, Tx

BATCH: Final = 1000
_WAIT = text("select event_position from tenant where tenant_id = :tenant for no key update")
_LOCK = text("select event_position from tenant where tenant_id = :tenant for no key update skip locked")
_NEXT = text(
    "select event_id, customer_id, sequence from outbox where tenant_id = :tenant and position is null"
    " order by event_id limit :limit"
)
_EARLIER = text(
    "select event_id, customer_id, sequence from outbox where tenant_id = :tenant and position is null"
    " and customer_id = any(:customers)"
)
_PLACE = text(
    "update outbox o set position = placed.position"
    " from unnest(cast(:events as text[]), cast(:positions as bigint[])) as placed(event_id, position)"
    " where o.tenant_id = :tenant and o.event_id = placed.event_id"
)
_ADVANCE = text("update tenant set event_position = :position where tenant_id = :tenant")


def in_order(rows: Sequence[Row[Any]]) -> list[str]:
    """Event ids by the time of their making, each customer's own in their sequence, whatever its clock said."""
    by_customer: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_customer.setdefault(row.customer_id, []).append(row)
    following = {customer: iter(sorted(own, key=lambda row: row.sequence)) for customer, own in by_customer.items()}
    return [next(following[row.customer_id]).event_id for row in sorted(rows, key=lambda row: row.event_id)]


async def assign(db: Database, tenant_id: str, *, limit: int = BATCH) -> int:
    """Gives the committed events of a tenant their positions, in batches until none is left; how many."""
    placed = 0
    while True:
        done = await db.run(tenant_id, lambda tx: assign_batch(tx, limit))
        placed += done
        if done < limit:
            return placed


async def assign_batch(tx: Tx, limit: int = BATCH, *, wait: bool = False) -> int:
    """One batch. 0 when there is none, or when another worker is at it (unless ``wait``: then after that one)."""
    last = await tx.row(_WAIT if wait else _LOCK, {"tenant": tx.tenant_id})
    if last is None:
        return 0
    rows = await tx.rows(_NEXT, {"tenant": tx.tenant_id, "limit": limit})
    if not rows:
        return 0
    if len(rows) == limit:
        rows = await _whole(tx, rows)
    ids = in_order(rows)
    first = last.event_position + 1
    await tx.rows(_PLACE, {"tenant": tx.tenant_id, "events": ids, "positions": list(range(first, first + len(ids)))})
    await tx.rows(_ADVANCE, {"tenant": tx.tenant_id, "position": first + len(ids) - 1})
    return len(ids)


async def _whole(tx: Tx, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """A batch cut off by its limit, with what comes earlier in the sequence of its customers."""
    highest: dict[str, int] = {}
    for row in rows:
        highest[row.customer_id] = max(highest.get(row.customer_id, 0), row.sequence)
    more = await tx.rows(_EARLIER, {"tenant": tx.tenant_id, "customers": sorted(highest)})
    known = {row.event_id: row for row in rows}
    known.update({row.event_id: row for row in more if row.sequence <= highest[row.customer_id]})
    return list(known.values())
