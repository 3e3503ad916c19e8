"""Recurring grants of customers, as they stand and as they stood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.db import policies
from app.db.engine import Tx
from app.domain.ledger.lot import Lot
from app.domain.ledger.recurring import RecurringGrant
from app.domain.values.wire import parse_iso

_NAMES: Final = ", ".join(field.name for field in fields(RecurringGrant))
_OF: Final = text(
    f"select {_NAMES} from recurring_grant where tenant_id = :tenant and customer_id = any(:customers)"
    " order by customer_id, grant_id"
)
_THEN: Final = text(
    "select distinct on (e.entity_id) e.payload from entity_event e join recurring_grant g"
    " on g.tenant_id = e.tenant_id and g.grant_id = e.entity_id"
    " where e.tenant_id = :tenant and e.stream = 'recurring_grant' and g.customer_id = :customer"
    " and e.occurred_at <= :at and (cast(:known as timestamptz) is null or e.recorded_at <= :known)"
    " order by e.entity_id, e.seq desc"
)


async def load(tx: Tx, customer_ids: Sequence[str]) -> dict[str, list[RecurringGrant]]:
    """Return the customers' recurring grants; nothing is asked where no policy of the tenant brings any."""
    found: dict[str, list[RecurringGrant]] = {customer_id: [] for customer_id in customer_ids}
    if await policies.recurs(tx):
        for row in await tx.rows(_OF, {"tenant": tx.tenant_id, "customers": list(customer_ids)}):
            grant = RecurringGrant(**dict(row._mapping))
            found[grant.customer_id].append(grant)
    return found


async def unread(tx: Tx) -> Sequence[RecurringGrant] | None:
    """Return what a ledger is told whose recurring grants were not read: None, or that there are none."""
    return None if await policies.recurs(tx) else ()


async def in_batch(tx: Tx, customer_ids: Sequence[str]) -> Mapping[str, Sequence[RecurringGrant] | None]:
    """Return the recurring grants of customers whose accounts are read in part; None where they were not read.

    They are only asked for once something is due: then the work began again with whole accounts.
    """
    return await load(tx, customer_ids) if tx.whole else dict.fromkeys(customer_ids, await unread(tx))


async def load_as_of(
    tx: Tx, customer_id: str, lots: Iterable[Lot], *, at: datetime, known_at: datetime | None
) -> list[RecurringGrant]:
    """Return a customer's recurring grants as they stood, with what they had granted by these lots of then."""
    if not await policies.recurs(tx):
        return []
    by: dict[str, Any] = {"tenant": tx.tenant_id, "customer": customer_id, "at": at, "known": known_at}
    granted: dict[str, int] = {}
    for lot in lots:
        if (made := lot.data.get("recurring")) is not None:
            granted[made["grant_id"]] = max(granted.get(made["grant_id"], 0), made["no"] + 1)
    found = []
    for (payload,) in await tx.rows(_THEN, by):
        stored = payload["grant"]
        for name in ("stopped_at", "known_at"):
            stored[name] = None if stored[name] is None else parse_iso(stored[name])
        found.append(RecurringGrant(**{**stored, "granted": granted.get(stored["grant_id"], 0)}))
    return found
