"""Who did what: append-only, readable with a scope of its own."""

from __future__ import annotations

from typing import Any

from app.db import audit
from app.db.engine import Tx
from app.domain.wire import iso, jsonable


async def list_entries(
    tx: Tx,
    *,
    limit: int,
    after: str | None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries, newest first, and the id to go on after."""
    rows = await audit.before(tx, after, limit + 1, actor=actor, action=action, subject=subject)
    found = [
        {
            "audit_id": one.audit_id,
            "at": iso(one.at),
            "actor": one.actor,
            "action": one.action,
            "subject": one.subject,
            "data": jsonable(one.data),
        }
        for one in rows[:limit]
    ]
    return found, rows[limit - 1].audit_id if len(rows) > limit else None
