"""Whether recurring grants brought what they yield: each interval once, when it began, in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Tx
from app.db.ledger import recurring
from app.db.ledger.invariants import RECURRING
from app.domain.ledger.recurring import RecurringGrant, yields

_LOTS: Final = text(
    "select l.data #>> '{recurring,grant_id}' as grant_id, cast(l.data #>> '{recurring,no}' as integer) as number,"
    " l.effective_at, l.granted, l.available"
    " from unnest(cast(:orders as text[])) o(order_id) join lot l on l.tenant_id = :tenant and l.order_id = o.order_id"
    " where l.data ? 'recurring' order by 1, 2"
)


async def yielded(tx: Tx, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return where a grant of these customers brought something else than it yields."""
    grants = [grant for each in (await recurring.load(tx, customer_ids)).values() for grant in each]
    if not grants:
        return []
    orders = sorted({grant.order_id for grant in grants})
    lots: dict[str, list[Any]] = {}
    for row in await tx.rows(_LOTS, {"tenant": tx.tenant_id, "orders": orders}):
        lots.setdefault(row.grant_id, []).append(row)
    return [
        {"invariant": RECURRING, "subject": grant.grant_id, "expected": str(expected), "found": str(found)}
        for grant in grants
        for expected, found in _differences(grant, lots.get(grant.grant_id, []))
    ]


def _differences(grant: RecurringGrant, lots: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    numbers = [lot.number for lot in lots]
    if numbers != list(range(grant.granted)):
        yield f"intervals 0 to {grant.granted - 1}", numbers
        return
    coming = yields(grant)
    for lot in lots:
        item = None if grant.withdrawn else next(coming, None)
        if (item is None or grant.terms.get("gone")) and lot.available:
            yield f"nothing left of interval {lot.number}", lot.available
        elif item is not None and (item.at, item.credits) != (lot.effective_at, lot.granted):
            yield f"{item.credits} at {item.at}", f"{lot.granted} at {lot.effective_at}"
