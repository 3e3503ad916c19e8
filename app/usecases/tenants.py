"""Tenants: a vendor under a policy, in real time or as a sandbox with a clock of its own."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.db import audit, tenants
from app.db.engine import Tx
from app.db.tenants import TenantRow
from app.documents.policy_document import load_policy
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, iso_or_none, payload_hash

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "policies"


@functools.cache
def templates() -> dict[str, tuple[Policy, str]]:
    """The shipped policies by name, each with its text; copied into a tenant when it is made (decision 0015)."""
    return {
        file.stem: (load_policy(text), text)
        for file in sorted(TEMPLATES.glob("*.yaml"))
        for text in [file.read_text(encoding="utf-8")]
    }


async def put(
    tx: Tx, *, policy: str, mode: str, now: datetime | None, own: tuple[Policy, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Makes the transaction's tenant: (201, view), or (200, today's view) when it is there with the same content.

    ``tx`` comes from ``Database.founding``. ``now`` is the sandbox's first instant. ``own``: a policy of the vendor's
    own with its text, instead of a shipped one; sound already. Refused: ``unknown_policy``, ``policy_name_differs``,
    ``tenant_conflict`` with other content.
    """
    found = templates().get(policy) if own is None else own
    if found is None:
        raise DomainError("unknown_policy", policy=policy, known=sorted(templates()), field="policy")
    if found[0].policy != policy:
        raise DomainError("policy_name_differs", name=policy, document=found[0].policy, field="policy")
    said = {"policy": policy, "mode": mode, "now": now}
    digest = payload_hash(said if own is None else {**said, "document": own[1]})
    existing = await tenants.find(tx)
    if existing is not None:
        if existing.payload_hash != digest:
            raise DomainError("tenant_conflict", tenant_id=tx.tenant_id)
        return 200, view(existing)
    row = TenantRow(
        tenant_id=tx.tenant_id,
        policy_name=policy,
        clock_mode=mode,
        clock_now=now,
        suspended=False,
        payload_hash=digest,
        created_at=tx.at,
        settings={},
    )
    if not tx.validate_only:
        await tenants.add(tx, row, *found)
        tx.tenant = replace(
            tx.tenant, policy_name=policy, virtual=mode == "virtual", now=now, policy_revision=1
        )
        await _seed_calendar(tx, found[0])
    await audit.note(tx, "tenant.created", tx.tenant_id, {"policy": policy, "mode": mode})
    return 201, view(row)


async def _seed_calendar(tx: Tx, policy: Policy) -> None:
    if importlib.util.find_spec("app.db.calendars") is not None:
        await importlib.import_module("app.db.calendars").seed(tx, policy)


async def suspend(tx: Tx, *, suspended: bool, reason: str | None) -> dict[str, Any]:
    """Suspends the tenant or lifts it: its keys then open nothing."""
    row = await _require(tx, lock=True)
    await tenants.suspend(tx, suspended)
    await audit.note(
        tx,
        "tenant.suspended" if suspended else "tenant.resumed",
        tx.tenant_id,
        {"reason": reason} if reason else {},
    )
    return view(replace(row, suspended=suspended))


async def get(tx: Tx) -> dict[str, Any]:
    """The tenant as published."""
    return view(await _require(tx))


async def _require(tx: Tx, *, lock: bool = False) -> TenantRow:
    row = await tenants.find(tx, lock=lock)
    if row is None:
        raise DomainError("tenant_not_found", tenant_id=tx.tenant_id)
    return row


def view(row: TenantRow) -> dict[str, Any]:
    """A tenant as published."""
    clock: dict[str, Any] = {"mode": row.clock_mode}
    if row.clock_mode == "virtual":
        clock["now"] = iso_or_none(row.clock_now)
    return {
        "tenant_id": row.tenant_id,
        "policy": row.policy_name,
        "clock": clock,
        "suspended": row.suspended,
        "created_at": iso(row.created_at),
    }
