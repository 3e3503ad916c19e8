"""Rows of `tenant`, and the first version of its policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, text, update

from app.db import due
from app.db.engine import Tx
from app.db.schema import policy_version, tenant
from app.db.tenants import keys
from app.documents.policy_document import dump
from app.domain.policy.policy import Policy

FAR_PAST = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK_CLOCK = text("select clock_mode, clock_now from tenant where tenant_id = :tenant for no key update")
_SET_CLOCK = text("update tenant set clock_now = :now where tenant_id = :tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    """A tenant as kept."""

    tenant_id: str
    policy_name: str
    clock_mode: str
    clock_now: datetime | None
    suspended: bool
    payload_hash: str
    created_at: datetime
    settings: dict[str, Any]


async def find(tx: Tx, *, lock: bool = False) -> TenantRow | None:
    """The transaction's tenant, or None."""
    c = tenant.c
    statement = select(
        c.tenant_id, c.policy_name, c.clock_mode, c.clock_now, c.suspended, c.payload_hash, c.created_at, c.settings
    ).where(c.tenant_id == tx.tenant_id)
    row = await tx.row(statement.with_for_update() if lock else statement)
    return None if row is None else TenantRow(**dict(row._mapping))


async def add(tx: Tx, row: TenantRow, policy: Policy, source: str) -> None:
    """Keeps a tenant with version 1 of its policy, in force since ever, and makes it known to the worker."""
    await tx.execute(
        insert(tenant).values(
            tenant_id=row.tenant_id,
            policy_name=row.policy_name,
            clock_mode=row.clock_mode,
            clock_now=row.clock_now,
            payload_hash=row.payload_hash,
            created_at=row.created_at,
            settings=row.settings,
            policy_revision=1,
        )
    )
    await tx.execute(
        insert(policy_version).values(
            tenant_id=row.tenant_id,
            name=row.policy_name,
            version=1,
            document=dump(policy),
            source=source,
            effective_from=FAR_PAST,
            created_at=row.created_at,
            created_by=tx.actor,
        )
    )
    await keys.register(tx, directory_hash(row.tenant_id))
    await due.found(tx)


def directory_hash(tenant_id: str) -> bytes:
    """The hash of the directory row that stands for the tenant itself."""
    return hashlib.sha256(f"tenant:{tenant_id}".encode()).digest()


async def suspend(tx: Tx, suspended: bool) -> None:
    """Suspends the tenant, or lifts it."""
    if not tx.validate_only:
        await tx.execute(update(tenant).where(tenant.c.tenant_id == tx.tenant_id).values(suspended=suspended))


async def lock_clock(tx: Tx) -> Any:
    """The mode and time of the tenant's clock, its row locked so that two movers take turns."""
    return await tx.row(_LOCK_CLOCK, {"tenant": tx.tenant_id})


async def set_clock(tx: Tx, now: datetime) -> None:
    """Writes the time of a sandbox tenant."""
    await tx.rows(_SET_CLOCK, {"tenant": tx.tenant_id, "now": now})
