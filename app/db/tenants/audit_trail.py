"""Rows of `audit_trail`: who did what, append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from app.db.engine import Tx
from app.db.keyset import select_page
from app.db.schema import audit_trail
from app.domain.values.paging import PageRequest


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


async def page(
    tx: Tx, part: PageRequest, *, actor: str | None, action: str | None, subject: str | None
) -> tuple[list[AuditEntry], bool]:
    """A part of the entries, newest first; and whether there are more."""
    c = audit_trail.c
    statement = select(c.audit_id, c.at, c.actor, c.action, c.subject, c.data).where(c.tenant_id == tx.tenant_id)
    for column, value in ((c.actor, actor), (c.action, action), (c.subject, subject)):
        if value is not None:
            statement = statement.where(column == value)
    rows, more = part.trim(await tx.rows(select_page(statement, part, c.audit_id, newest_first=True)))
    return [AuditEntry(**dict(row._mapping)) for row in rows], more
