"""Recurring grants of customers, as they stand and as they stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.db import policies
from app.db.engine import Tx
from app.domain.ledger.recurring import RecurringGrant, check_reach
from app.domain.values.wire import parse_iso

_NAMES: Final = ", ".join(field.name for field in fields(RecurringGrant))
_OF: Final = text(
    f"select {_NAMES} from recurring_grant where tenant_id = :tenant and customer_id = any(:customers)"
    " order by customer_id, grant_id"
)
_THEN: Final = text(
    "select t.payload, (select max(cast(l.data #>> '{recurring,no}' as integer)) + 1 from lot l"
    " where l.tenant_id = :tenant and l.order_id = t.order_id and l.data #>> '{recurring,grant_id}' = t.entity_id"
    " and l.effective_at <= :at and (cast(:known as timestamptz) is null or exists (select from entry e"
    " join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id"
    " where e.tenant_id = :tenant and e.lot_id = l.lot_id and o.recorded_at <= :known))) as granted"
    " from (select distinct on (e.entity_id) e.entity_id, e.payload, g.order_id"
    " from entity_event e join recurring_grant g on g.tenant_id = e.tenant_id and g.grant_id = e.entity_id"
    " where e.tenant_id = :tenant and e.stream = 'recurring_grant' and g.customer_id = :customer"
    " and e.occurred_at <= :at and (cast(:known as timestamptz) is null or e.recorded_at <= :known)"
    " order by e.entity_id, e.seq desc) t where t.payload #>> '{grant,customer_id}' = :customer order by t.entity_id"
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


async def load_as_of(tx: Tx, customer_id: str, *, at: datetime, known_at: datetime | None) -> list[RecurringGrant]:
    """Return the recurring grants that were a customer's then, as they stood, with what they had granted.

    What came before a merge lies with the other account. 422 ``instant_out_of_range`` where too much would come.
    """
    if not await policies.recurs(tx):
        return []
    by: dict[str, Any] = {"tenant": tx.tenant_id, "customer": customer_id, "at": at, "known": known_at}
    found = []
    for payload, granted in await tx.rows(_THEN, by):
        stored = payload["grant"]
        for name in ("stopped_at", "known_at"):
            stored[name] = None if stored[name] is None else parse_iso(stored[name])
        found.append(RecurringGrant(**{**stored, "granted": granted or 0}))
    check_reach(found, at)
    return found
