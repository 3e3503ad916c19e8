"""Covers: suspension, resumption, extension."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from app.api.deps import Caller, KeyedCall, scoped
from app.api.problems import problems
from app.api.strict import Body, LongText, PathId, StrictRoute
from app.usecases import covers

router = APIRouter(route_class=StrictRoute, tags=["Helpdesk"])

Months = Annotated[int, Field(strict=True, ge=1, le=120)]


class CoverPauseBody(Body):
    """Why; optional."""

    reason: LongText | None = None


class ExtensionBody(Body):
    """How many months, and why."""

    months: Months
    reason: LongText


@router.get("/v1/covers/{cover_id}", operation_id="getCover", responses=problems(404))
async def get_cover(cover_id: PathId, caller: Annotated[Caller, scoped("customers:read")]) -> Response:
    """A cover as it stands now."""
    return await caller.read(lambda tx: covers.get_cover(tx, cover_id))


@router.post("/v1/covers/{cover_id}/suspension", operation_id="suspendCover", responses=problems(404, 409))
async def suspend_cover(
    cover_id: PathId,
    caller: Annotated[Caller, scoped("tickets:write")],
    call: KeyedCall,
    body: CoverPauseBody | None = None,
) -> Response:
    """Stops a running period, as often as the policy says."""
    given = body or CoverPauseBody()
    return await call.keyed(
        "covers.suspend", {"cover_id": cover_id}, given, lambda tx: covers.suspend(tx, cover_id)
    )


@router.post("/v1/covers/{cover_id}/resumption", operation_id="resumeCover", responses=problems(404, 409))
async def resume_cover(
    cover_id: PathId,
    caller: Annotated[Caller, scoped("tickets:write")],
    call: KeyedCall,
    body: CoverPauseBody | None = None,
) -> Response:
    """Goes on with a suspended period; its end moves by the time it was suspended."""
    given = body or CoverPauseBody()
    return await call.keyed(
        "covers.resume", {"cover_id": cover_id}, given, lambda tx: covers.resume(tx, cover_id)
    )


@router.post("/v1/covers/{cover_id}/extension", operation_id="extendCover", responses=problems(404, 409))
async def extend_cover(
    cover_id: PathId, body: ExtensionBody, caller: Annotated[Caller, scoped("tickets:write")], call: KeyedCall
) -> Response:
    """Extends cover without an order, where the policy does; else refused."""
    return await call.keyed(
        "covers.extend",
        {"cover_id": cover_id},
        body,
        lambda tx: covers.extend(tx, cover_id, months=body.months, reason=body.reason),
    )
