"""Policy versions of a tenant: immutable rows, parsed once a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from app.db.engine import Tx
from app.db.schema import policy_version, purchase_order, tenant
from app.documents.policy_document import dump, policy_from_json
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of the policy; ``withdrawn_at``: when it was taken back, before its day came."""

    version: int
    effective_from: datetime
    policy: Policy
    withdrawn_at: datetime | None


async def every_version(tx: Tx) -> Sequence[StoredVersion]:
    """All versions of the tenant's policy, oldest first, with those that were withdrawn."""
    key = ("policy", tx.tenant_id)
    cached = tx.database.process_cache.get(key)
    if cached is not None and cached[0] == (tx.tenant.policy_name, tx.tenant.policy_revision):
        found: Sequence[StoredVersion] = cached[1]
        return found
    c = policy_version.c
    rows = await tx.rows(
        select(c.version, c.effective_from, c.document, c.withdrawn_at)
        .where(c.tenant_id == tx.tenant_id, c.name == tx.tenant.policy_name)
        .order_by(c.version)
    )
    parsed = tuple(
        StoredVersion(version, since, _parsed(version, since, document), withdrawn)
        for version, since, document, withdrawn in rows
    )
    if not tx.database.process_cache.get("disabled"):
        tx.database.process_cache[key] = ((tx.tenant.policy_name, tx.tenant.policy_revision), parsed)
    return parsed


async def versions(tx: Tx) -> list[tuple[int, datetime, Policy]]:
    """The versions that are or will be in force: (version, effective_from, policy), oldest first."""
    return [
        (stored.version, stored.effective_from, stored.policy)
        for stored in await every_version(tx)
        if stored.withdrawn_at is None
    ]


async def recurs(tx: Tx) -> bool:
    """Whether any version brings credits that come again, so that accounts have recurring grants."""
    key = ("recurs", tx.tenant_id)
    state = (tx.tenant.policy_name, tx.tenant.policy_revision)
    known = tx.database.process_cache.get(key)
    if known is not None and known[0] == state:
        return bool(known[1])
    found = any(policy.recurs for _, _, policy in await versions(tx))
    if not tx.database.process_cache.get("disabled"):
        tx.database.process_cache[key] = (state, found)
    return found


def _parsed(version: int, since: datetime, document: dict[str, Any]) -> Policy:
    return replace(policy_from_json({**document, "version": version}), effective_from=iso(since))


async def in_force(tx: Tx, at: datetime | None = None) -> Policy:
    """The policy in force at ``at`` (now): the newest version whose effective date has come; else the oldest."""
    found = await versions(tx)
    if not found:
        raise DomainError("policy_not_found", name=tx.tenant.policy_name)
    moment = at or tx.at
    best = [pair for pair in found if pair[1] <= moment]
    return (max(best, key=lambda item: (item[1], item[0])) if best else found[0])[2]


async def of_version(tx: Tx, version: int) -> Policy:
    """A pinned version: grants and quotes keep the policy they were made under."""
    for stored in await every_version(tx):
        if stored.version == version:
            return stored.policy
    raise DomainError("policy_not_found", name=tx.tenant.policy_name, version=version)


async def source(tx: Tx, name: str, version: int) -> str:
    """The text of a version as it was sent."""
    c = policy_version.c
    row = await tx.row(select(c.source).where(c.tenant_id == tx.tenant_id, c.name == name, c.version == version))
    return "" if row is None else str(row[0])


async def newest_version(tx: Tx, name: str) -> int:
    """The number of the newest version, 0 when there is none. Locks the tenant, so that two publishers take turns."""
    await tx.execute(select(tenant.c.tenant_id).where(tenant.c.tenant_id == tx.tenant_id).with_for_update())
    c = policy_version.c
    row = await tx.row(select(func.max(c.version)).where(c.tenant_id == tx.tenant_id, c.name == name))
    return int(row[0] or 0)


async def add_version(tx: Tx, policy: Policy, *, version: int, source: str, effective_from: datetime) -> None:
    """Keeps a new, immutable version; every process reads the versions anew afterwards."""
    await tx.execute(
        insert(policy_version).values(
            tenant_id=tx.tenant_id,
            name=policy.policy,
            version=version,
            document={**dump(policy), "version": version},
            source=source,
            effective_from=effective_from,
            created_at=tx.at,
            created_by=tx.actor,
        )
    )
    await tx.execute(
        update(tenant).where(tenant.c.tenant_id == tx.tenant_id).values(policy_revision=tenant.c.policy_revision + 1)
    )


async def is_used(tx: Tx, version: int) -> bool:
    """Whether an order was decided by a version whose day has not come: one that is placed a little ahead of now."""
    c = purchase_order.c
    ahead = select(c.order_id).where(c.tenant_id == tx.tenant_id, c.placed_at > tx.at, c.policy_version == version)
    return await tx.row(ahead.limit(1)) is not None


async def withdraw(tx: Tx, name: str, version: int) -> None:
    """Marks a version, so that it never comes into force; every process reads the versions anew afterwards."""
    c = policy_version.c
    await tx.execute(
        update(policy_version)
        .where(c.tenant_id == tx.tenant_id, c.name == name, c.version == version)
        .values(withdrawn_at=tx.at)
    )
    await tx.execute(
        update(tenant).where(tenant.c.tenant_id == tx.tenant_id).values(policy_revision=tenant.c.policy_revision + 1)
    )
