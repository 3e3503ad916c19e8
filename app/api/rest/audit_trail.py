"""Who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.deps import Caller, scoped
from app.api.paging import Paging
from app.api.problems import problems
from app.api.strict import StrictRoute
from app.usecases import audit_trail

router = APIRouter(route_class=StrictRoute, tags=["Policies, partners, operations"])
Word = Annotated[str | None, Query(min_length=1, max_length=200)]


@router.get("/v1/audit-trail", operation_id="listAuditTrail", responses=problems())
async def list_audit_trail(
    caller: Annotated[Caller, scoped("audit:read")],
    page: Paging,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
) -> Response:
    """What was done by whom, newest first."""
    return await caller.page(
        page,
        lambda tx, part: audit_trail.list_entries(tx, part, actor=actor, action=action, subject=subject),
    )
