"""Who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.tenants import audit_trail
from app.views.audit import AuditEntry
from app.views.shapes import PageOf

OPERATIONS = Operations("Policies, partners, operations")
Word = Annotated[str | None, Query(min_length=1, max_length=200)]


@OPERATIONS.get("listAuditTrail", "/v1/audit-trail", scope="audit:read", paging="pages")
async def list_audit_trail(
    call: Call, actor: Word = None, action: Word = None, subject: Word = None
) -> Answer[PageOf[AuditEntry]]:
    """What was done by whom, newest first."""
    return await call.pages(
        lambda tx, part: audit_trail.list_entries(tx, part, actor=actor, action=action, subject=subject)
    )
