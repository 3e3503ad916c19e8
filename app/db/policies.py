"""Policy versions of a tenant: immutable rows, each parsed once a process."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import func, insert, select, update

from app.db.engine import Tx
from app.db.schema import policy_version, purchase_order, tenant
from app.documents.policy_document import dump, policy_from_json
from app.domain.orders.alone import sells_queues
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso

Version = tuple[int, datetime, Policy]
"""A version's number, the instant from which it is in force, and what it says."""
_Row = tuple[int, datetime, datetime]
"""(version, effective_from, created_at) of a row: what it says does not change."""
_CHANGED: Final = "policy.changed"
"""A transaction's memo: it has written a version, which may yet be rolled back, so that nothing it reads is kept."""
_PARSED_AT_A_STRETCH: Final = 10
"""Documents that become policies before the event loop has its turn."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of the policy; ``withdrawn_at``: when it was taken back, before its day came."""

    version: int
    effective_from: datetime
    policy: Policy
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Known:
    """The versions of a tenant's policy as a process knows them; a question costs the same however many there are."""

    state: tuple[str, int]
    every: tuple[StoredVersion, ...]
    by_number: Mapping[int, Policy]
    """All of them, with those that were withdrawn."""
    versions: tuple[Version, ...]
    """Those that are or will be in force."""
    terms: Mapping[int, Policy]
    in_order: tuple[Version, ...]
    """By the instant that each takes effect."""
    recurs: bool
    queues: bool
    extended_rules: tuple[str, ...]
    """Those of credits that a purchase of others makes good for longer."""
    parsed: Mapping[_Row, Policy]

    def in_force(self, at: datetime) -> Policy | None:
        """The newest whose date has come; else the oldest version."""
        place = bisect_right(self.in_order, at, key=itemgetter(1))
        found = self.in_order[place - 1] if place else next(iter(self.versions), None)
        return None if found is None else found[2]


async def _known(tx: Tx) -> _Known:
    state = (tx.tenant.policy_name, tx.tenant.policy_revision)
    key = ("policy", tx.tenant_id)
    cached: _Known | None = tx.database.process_cache.get(key)
    if cached is not None and cached.state == state:
        return cached
    c = policy_version.c
    mine = (c.tenant_id == tx.tenant_id, c.name == tx.tenant.policy_name)
    columns = (c.version, c.effective_from, c.created_at, c.withdrawn_at)
    rows = await tx.rows(select(*columns).where(*mine).order_by(c.version))
    parsed: dict[_Row, Policy] = {}
    if cached is not None and cached.state[0] == state[0]:
        parsed.update(cached.parsed)
    missing = [row[:3] for row in rows if row[:3] not in parsed]
    if missing:
        new = c.version.in_([version for version, _, _ in missing])
        documents = {row[0]: row[1] for row in await tx.rows(select(c.version, c.document).where(*mine, new))}
        for number, row in enumerate(missing, 1):
            parsed[row] = _parsed(row[0], row[1], documents[row[0]])
            if number % _PARSED_AT_A_STRETCH == 0:
                await asyncio.sleep(0)
    known = _of(state, [StoredVersion(row[0], row[1], parsed[row[:3]], row[3]) for row in rows], parsed)
    if _CHANGED not in tx.caches and not tx.database.process_cache.get("disabled"):
        tx.database.process_cache[key] = known
    return known


def _of(state: tuple[str, int], every: Sequence[StoredVersion], parsed: Mapping[_Row, Policy]) -> _Known:
    alive = tuple(
        (stored.version, stored.effective_from, stored.policy) for stored in every if stored.withdrawn_at is None
    )
    return _Known(
        state=state,
        every=tuple(every),
        by_number={stored.version: stored.policy for stored in every},
        versions=alive,
        terms=MappingProxyType({number: policy for number, _, policy in alive}),
        in_order=tuple(sorted(alive, key=itemgetter(1, 0))),
        recurs=any(policy.recurs for _, _, policy in alive),
        queues=any(sells_queues(policy) for _, _, policy in alive),
        extended_rules=tuple(sorted(set().union(*(policy.extended_rules() for _, _, policy in alive)))),
        parsed=parsed,
    )


async def every_version(tx: Tx) -> Sequence[StoredVersion]:
    """All versions of the tenant's policy, oldest first, with those that were withdrawn."""
    return (await _known(tx)).every


async def versions(tx: Tx) -> Sequence[Version]:
    """The versions that are or will be in force: (version, effective_from, policy), oldest first."""
    return (await _known(tx)).versions


async def terms(tx: Tx) -> Mapping[int, Policy]:
    """The versions that are or will be in force, by number."""
    return (await _known(tx)).terms


async def queues(tx: Tx) -> bool:
    """Whether any version sells periods that wait for one another, so that every order may move another's."""
    return (await _known(tx)).queues


async def recurs(tx: Tx) -> bool:
    """Whether any version brings credits that come again, so that accounts have recurring grants."""
    return (await _known(tx)).recurs


async def extended_rules(tx: Tx) -> Sequence[str]:
    """The rules of credits that a purchase of others makes good for longer, by any version."""
    return (await _known(tx)).extended_rules


def _parsed(version: int, since: datetime, document: dict[str, Any]) -> Policy:
    return replace(policy_from_json({**document, "version": version}), effective_from=iso(since))


async def in_force(tx: Tx, at: datetime | None = None) -> Policy:
    """The policy in force at ``at`` (now): the newest version whose effective date has come; else the oldest."""
    found = (await _known(tx)).in_force(at or tx.at)
    if found is None:
        raise DomainError("policy_not_found", name=tx.tenant.policy_name)
    return found


async def of_version(tx: Tx, version: int) -> Policy:
    """A pinned version: grants and quotes keep the policy they were made under."""
    found = (await _known(tx)).by_number.get(version)
    if found is None:
        raise DomainError("policy_not_found", name=tx.tenant.policy_name, version=version)
    return found


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
    tx.caches[_CHANGED] = True
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
    tx.caches[_CHANGED] = True
    c = policy_version.c
    await tx.execute(
        update(policy_version)
        .where(c.tenant_id == tx.tenant_id, c.name == name, c.version == version)
        .values(withdrawn_at=tx.at)
    )
    await tx.execute(
        update(tenant).where(tenant.c.tenant_id == tx.tenant_id).values(policy_revision=tenant.c.policy_revision + 1)
    )
