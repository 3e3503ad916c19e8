"""Tenants: a vendor under a policy, in real time or as a sandbox with a clock of its own."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from app.db.clocks import calendars
from app.db.engine import Tx
from app.db.tenants import audit_trail, tenants
from app.db.tenants.tenants import TenantRow
from app.documents.policy_document import load_policy
from app.domain.policy.policy import Policy
from app.domain.values.digests import CallContent, content_of
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.views.tenant import Mode, Tenant, TenantTime

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "policies"


@functools.cache
def templates() -> dict[str, tuple[Policy, str]]:
    """The shipped policies by name, each with its text; copied into a tenant when it is made (decision 0015)."""
    return {
        file.stem: (load_policy(text), text)
        for file in sorted(TEMPLATES.glob("*.yaml"))
        for text in [file.read_text(encoding="utf-8")]
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTenant:
    """What the operator says of a tenant; ``document`` is the text of its own policy."""

    policy: str
    mode: str = "real"
    now: datetime | None = None
    document: str | None = None

    def content(self) -> CallContent:
        """Return the tenant's content, to tell a repeated call from a conflicting one."""
        return CallContent(content_of(self), self._first)

    def _first(self) -> dict[str, Any]:
        first = {"policy": self.policy, "mode": self.mode, "now": self.now}
        return first if self.document is None else {**first, "document": self.document}


async def put(tx: Tx, command: PutTenant, *, own: Policy | None = None) -> tuple[int, Tenant]:
    """Makes the transaction's tenant: (201, view), or (200, today's view) when it is there with the same content.

    ``tx`` comes from ``Database.founding``. ``own`` is the policy of the command's document, sound already. Refused:
    ``unknown_policy``, ``policy_name_differs``, ``tenant_conflict`` with other content.
    """
    policy, mode, now = command.policy, command.mode, command.now
    found = templates().get(policy) if own is None else (own, command.document or "")
    if found is None:
        raise DomainError("unknown_policy", policy=policy, known=sorted(templates()), field="policy")
    if found[0].policy != policy:
        raise DomainError("policy_name_differs", name=policy, document=found[0].policy, field="policy")
    content = command.content()
    existing = await tenants.find(tx)
    if existing is not None:
        if not content.is_of(existing.payload_hash):
            raise DomainError("tenant_conflict", tenant_id=tx.tenant_id)
        return 200, view(existing)
    row = TenantRow(
        tenant_id=tx.tenant_id,
        policy_name=policy,
        clock_mode=mode,
        clock_now=now,
        suspended=False,
        payload_hash=content.digest(),
        created_at=tx.at,
        settings={},
    )
    if not tx.validate_only:
        await tenants.add(tx, row, *found)
        tx.tenant = replace(tx.tenant, policy_name=policy, virtual=mode == "virtual", now=now, policy_revision=1)
        await calendars.seed(tx, found[0])
    await audit_trail.note(tx, "tenant.created", tx.tenant_id, {"policy": policy, "mode": mode})
    return 201, view(row)


async def suspend(tx: Tx, *, suspended: bool, reason: str | None) -> Tenant:
    """Suspends the tenant or lifts it: its keys then open nothing."""
    row = await _require(tx, lock=True)
    await tenants.suspend(tx, suspended)
    await audit_trail.note(
        tx, "tenant.suspended" if suspended else "tenant.resumed", tx.tenant_id, {"reason": reason} if reason else {}
    )
    return view(replace(row, suspended=suspended))


async def get(tx: Tx) -> Tenant:
    """The tenant as published."""
    return view(await _require(tx))


async def _require(tx: Tx, *, lock: bool = False) -> TenantRow:
    row = await tenants.find(tx, lock=lock)
    if row is None:
        raise DomainError("tenant_not_found", tenant_id=tx.tenant_id)
    return row


def view(row: TenantRow) -> Tenant:
    """Return a tenant as published."""
    clock: TenantTime = {"mode": cast(Mode, row.clock_mode)}
    if row.clock_mode == "virtual" and row.clock_now is not None:
        clock["now"] = iso(row.clock_now)
    return {
        "tenant_id": row.tenant_id,
        "policy": row.policy_name,
        "clock": clock,
        "suspended": row.suspended,
        "created_at": iso(row.created_at),
    }
