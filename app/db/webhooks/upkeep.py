"""Upkeep of webhook deliveries: figures, retention, and what is forgotten of a customer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, or_, text, update

from app.db.engine import Tx
from app.db.events.events import oldest_id
from app.db.schema import webhook_endpoint as e

_FIGURES: Final = text(
    "select count(*) as pending, count(*) filter (where d.step > 0) as retrying, min(d.created_at) as oldest,"
    " coalesce(extract(epoch from coalesce(cast(:now as timestamptz), clock_timestamp()) - min(d.created_at)), 0)"
    " as oldest_seconds,"
    " coalesce(max(extract(epoch from coalesce(cast(:now as timestamptz), clock_timestamp()) - d.next_attempt_at))"
    "  filter (where d.claim is null), 0) as lag_seconds"
    " from webhook_delivery d join webhook_endpoint e on e.tenant_id = d.tenant_id and e.endpoint_id = d.endpoint_id"
    " where d.tenant_id = :tenant and d.state = 'pending' and e.state = 'enabled'"
)


async def figures(tx: Tx, now: datetime | None = None) -> dict[str, float]:
    """Return of the tenant's enabled endpoints how many deliveries wait, and how many of them failed before. Return
    also the age of the oldest, and how late the latest is, in seconds.
    """
    row = await tx.row(_FIGURES, {"tenant": tx.tenant_id, "now": now})
    return {
        "pending": row.pending,
        "retrying": row.retrying,
        "oldest_seconds": max(0, int(row.oldest_seconds)),
        "lag_seconds": max(0, int(row.lag_seconds)),
    }


_PURGE: Final = text(
    "delete from webhook_delivery where tenant_id = :tenant and delivery_id in (select w.delivery_id"
    " from webhook_delivery w left join webhook_endpoint e"
    " on e.tenant_id = w.tenant_id and e.endpoint_id = w.endpoint_id"
    " where w.tenant_id = :tenant and ((w.delivery_id < :before and w.state <> 'pending') or e.state = 'deleted')"
    " order by w.delivery_id limit :limit)"
)


async def purge(tx: Tx, before: datetime, *, limit: int) -> int:
    """Removes finished deliveries made before a moment, all of deleted endpoints, then those endpoints; how many."""
    done = await tx.execute(_PURGE, {"tenant": tx.tenant_id, "before": oldest_id("dlv", before), "limit": limit})
    if done.rowcount < limit:
        await tx.execute(delete(e).where(e.c.tenant_id == tx.tenant_id, e.c.state == "deleted"))
    return int(done.rowcount)


_ERASE: Final = text(
    "update webhook_delivery set log = (select coalesce(jsonb_agg(one - 'response'), '[]'::jsonb)"
    " from jsonb_array_elements(log) as one) where tenant_id = :tenant and customer_id = :customer"
)


async def erase(tx: Tx, customer_id: str, external_id: str | None) -> None:
    """Forgets what receivers answered about a customer (they may have named it), and descriptions that name it.

    Payloads are not kept: they are made when they are sent, with the name that the customer has then.
    """
    if tx.validate_only:
        return
    await tx.execute(_ERASE, {"tenant": tx.tenant_id, "customer": customer_id})
    conditions = [e.c.customer_id == customer_id]
    if external_id:
        conditions.append(e.c.description.contains(external_id, autoescape=True))
    await tx.execute(update(e).where(e.c.tenant_id == tx.tenant_id, or_(*conditions)).values(description=""))
