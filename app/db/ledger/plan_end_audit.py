"""Whether credits that live as long as a plan end with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Tx
from app.db.ledger.invariants import PLAN_ENDS
from app.domain.account.customer import Cover
from app.domain.account.plan_credits import plan_end
from app.domain.values.wire import parse_iso_or_none

_LOTS: Final = text(
    "select lot_id, customer_id, license_id, effective_at, expires_at, data from lot where tenant_id = :tenant"
    " and customer_id = any(:customers) and data ? 'ends_with' and available > 0 and origin_lot_id is null"
    " and not data ?| array['extended', 'withdrawn', 'recurring'] and (expires_at is null or expires_at > :at)"
)
"""Lots as they were bought; what was given away, returned or extended has an end of its own."""


async def ended(tx: Tx, customer_ids: Sequence[str], covers: Mapping[str, Sequence[Cover]]) -> list[dict[str, Any]]:
    """Return the lots of these customers that end otherwise than their plan. ``covers``: of each customer."""
    rows = await tx.rows(_LOTS, {"tenant": tx.tenant_id, "customers": list(customer_ids), "at": tx.at})
    found = []
    for row in rows:
        bound = row.data["ends_with"]
        plan = plan_end(covers.get(row.customer_id, ()), bound["rules"], row.license_id, row.effective_at)
        expected = min((end for end in (plan, parse_iso_or_none(bound["by"])) if end is not None), default=None)
        if expected != row.expires_at:
            words = {"expected": str(expected), "found": str(row.expires_at)}
            found.append({"invariant": PLAN_ENDS, "subject": row.lot_id, **words})
    return found
