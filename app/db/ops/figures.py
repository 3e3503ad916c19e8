"""What a scrape asks the tables of a tenant: how far its outbox is behind, and what an operator should be woken by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from app.db.engine import Tx

# `recorded_at` of a sandbox is in the sandbox's own time, so only real tenants have an age (see `of_tenant`).
_ASK: Final = text("""
    select (select count(*) from outbox where tenant_id = :tenant and position is null),
           (select coalesce(extract(epoch from :at - min(recorded_at)), 0)
            from outbox where tenant_id = :tenant and position is null),
           (select count(*) filter (where kind = 'breached') - count(*) filter (where kind = 'breach_retracted')
            from clock_outcome where tenant_id = :tenant),
           (select count(*) from inbound_delivery where tenant_id = :tenant and state = 'parked'),
           (select coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)
            from inbound_delivery where tenant_id = :tenant and state = 'parked'),
           (select coalesce(sum(abs(a.available - l.available) + abs(a.held - l.held) + abs(a.spent - l.spent)), 0)
            from account a, lateral (
                select coalesce(sum(available), 0) available, coalesce(sum(held), 0) held, coalesce(sum(spent), 0) spent
                from lot where lot.tenant_id = :tenant and lot.customer_id = a.customer_id
                and lot.credit_type = a.credit_type) l
            where a.tenant_id = :tenant)
""")


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """The figures are:

    - ``unplaced``: events without a position yet, and the age of the oldest
    - breaches that stand
    - inbound deliveries that wait for a person, and the age of the oldest
    - credits by which balances differ from their lots (never anything but 0)
    """

    unplaced: int = 0
    oldest_seconds: float = 0.0
    breaches: int = 0
    parked: int = 0
    parked_seconds: float = 0.0
    drift: int = 0


async def of_tenant(tx: Tx) -> TenantFigures:
    """The figures of the transaction's tenant."""
    found = await tx.row(_ASK, {"tenant": tx.tenant_id, "at": tx.at})
    unplaced, oldest, breaches, parked, parked_age, drift = found
    age = 0.0 if tx.tenant.virtual else max(float(oldest), 0.0)
    return TenantFigures(int(unplaced), age, int(breaches), int(parked), max(float(parked_age), 0.0), int(drift))
