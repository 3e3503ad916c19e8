"""Covers: suspension, resumption, extension."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.fields import LongText, PathId
from app.api.operations.acting import ActingBody
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.usecases.orders import covers
from app.views.license import Cover

OPERATIONS = Operations("Helpdesk")

Months = Annotated[int, Field(strict=True, ge=1, le=120)]


class CoverPauseBody(ActingBody):
    """Why; optional."""

    reason: LongText | None = None


class ExtensionBody(ActingBody):
    """How many months, and why."""

    months: Months
    reason: LongText


@OPERATIONS.get("getCover", "/v1/covers/{cover_id}", scope="customers:read", refusals=(404,))
async def get_cover(call: Call, cover_id: PathId) -> Cover:
    """A cover as it stands now."""
    return await call.read(lambda tx: covers.get_cover(tx, cover_id))


@OPERATIONS.post(
    "suspendCover", "/v1/covers/{cover_id}/suspension", scope="tickets:write", key="keyed", refusals=(404, 409)
)
async def suspend_cover(call: Call, cover_id: PathId, body: CoverPauseBody | None = None) -> Answer[Cover]:
    """Stops a running period, as often as the policy says."""
    content = body or CoverPauseBody()
    return await call.keyed("covers.suspend", content, lambda tx: covers.suspend(tx, cover_id))


@OPERATIONS.post(
    "resumeCover", "/v1/covers/{cover_id}/resumption", scope="tickets:write", key="keyed", refusals=(404, 409)
)
async def resume_cover(call: Call, cover_id: PathId, body: CoverPauseBody | None = None) -> Answer[Cover]:
    """Goes on with a suspended period; its end moves by the time it was suspended."""
    content = body or CoverPauseBody()
    return await call.keyed("covers.resume", content, lambda tx: covers.resume(tx, cover_id))


@OPERATIONS.post(
    "extendCover", "/v1/covers/{cover_id}/extension", scope="tickets:write", key="keyed", refusals=(404, 409)
)
async def extend_cover(call: Call, cover_id: PathId, body: ExtensionBody) -> Answer[Cover]:
    """Extends cover without an order, where the policy does; else refused."""
    return await call.keyed(
        "covers.extend", body, lambda tx: covers.extend(tx, cover_id, months=body.months, reason=body.reason)
    )
