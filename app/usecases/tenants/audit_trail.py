"""Who did what: append-only, readable with a scope of its own."""

from __future__ import annotations

from typing import Any

from app.db import audit
from app.db.engine import Tx
from app.domain.values.paging import Part, Slice
from app.domain.values.wire import iso, jsonable


async def list_entries(
    tx: Tx,
    part: Part,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> Slice[dict[str, Any]]:
    """A part of the entries, newest first."""
    rows, more = await audit.page(tx, part, actor=actor, action=action, subject=subject)
    found = [
        {
            "audit_id": one.audit_id,
            "at": iso(one.at),
            "actor": one.actor,
            "action": one.action,
            "subject": one.subject,
            "data": jsonable(one.data),
        }
        for one in rows
    ]
    return part.told(rows, more, found, lambda row: [row.audit_id])
