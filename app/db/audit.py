"""Rows of `audit_trail`: who did what, append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from app.db.engine import Tx
from app.db.schema import audit_trail


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing somebody did."""

    audit_id: str
    at: datetime
    actor: str | None
    action: str
    subject: str
    data: Mapping[str, Any]


async def note(
    tx: Tx, action: str, subject: str, data: Mapping[str, Any] | None = None, *, at: datetime | None = None
) -> None:
    """Appends an entry in this transaction; not when only validating."""
    if not tx.validate_only:
        await tx.execute(
            insert(audit_trail).values(
                tenant_id=tx.tenant_id,
                audit_id=tx.mint("aud"),
                at=at or tx.at,
                actor=tx.actor,
                action=action,
                subject=subject,
                data=dict(data or {}),
            )
        )


async def before(
    tx: Tx, audit_id: str | None, limit: int, *, actor: str | None, action: str | None, subject: str | None
) -> list[AuditEntry]:
    """Entries, newest first, older than ``audit_id``."""
    c = audit_trail.c
    statement = select(c.audit_id, c.at, c.actor, c.action, c.subject, c.data).where(
        c.tenant_id == tx.tenant_id
    )
    for column, wanted in ((c.actor, actor), (c.action, action), (c.subject, subject)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if audit_id is not None:
        statement = statement.where(c.audit_id < audit_id)
    rows = await tx.rows(statement.order_by(c.audit_id.desc()).limit(limit))
    return [AuditEntry(**dict(row._mapping)) for row in rows]
