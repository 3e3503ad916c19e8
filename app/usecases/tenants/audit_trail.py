"""Who did what: append-only, readable with a scope of its own."""

from __future__ import annotations

from app.db.engine import Tx
from app.db.tenants import audit_trail
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, jsonable
from app.views.audit import AuditEntry


async def list_entries(
    tx: Tx, part: PageRequest, *, actor: str | None = None, action: str | None = None, subject: str | None = None
) -> Page[AuditEntry]:
    """A part of the entries, newest first."""
    rows, more = await audit_trail.page(tx, part, actor=actor, action=action, subject=subject)
    return part.page_of(rows, more, [_view(entry) for entry in rows], lambda row: [row.audit_id])


def _view(entry: audit_trail.AuditEntry) -> AuditEntry:
    """Return an entry of the audit trail as published."""
    return {
        "audit_id": entry.audit_id,
        "at": iso(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "data": jsonable(entry.data),
    }
