"""Who did what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.api.deps import Caller, scoped
from app.api.paging import Key, Paging
from app.api.problems import problems
from app.api.strict import StrictRoute
from app.usecases import audit_trail
from app.usecases.commands import Tx

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

    async def work(tx: Tx, after: Key | None) -> tuple[list[dict[str, Any]], Key | None]:
        rows, last = await audit_trail.list_entries(
            tx,
            limit=page.limit,
            after=str(after[0]) if after else None,
            actor=actor,
            action=action,
            subject=subject,
        )
        return rows, None if last is None else [last]

    return await caller.page(page, work)
