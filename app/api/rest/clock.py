"""A sandbox tenant's own time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from app.api.deps import Caller, scoped
from app.api.problems import problems
from app.api.reply import Reply
from app.api.strict import Body, Instant, StrictRoute
from app.usecases import sandbox
from app.usecases.agenda import HANDLERS

router = APIRouter(route_class=StrictRoute, tags=["Operator and sandbox"])


class ClockMove(Body):
    """Where to, forward only."""

    now: Instant


@router.get("/v1/clock", operation_id="getTime", responses=problems())
async def get_clock(caller: Annotated[Caller, scoped("sandbox:clock", "clocks:read")]) -> Response:
    """The tenant's time: its own, or the real one."""
    return await caller.read(sandbox.get_clock)


@router.put("/v1/clock", operation_id="moveTime", responses=problems(409))
async def move_clock(body: ClockMove, caller: Annotated[Caller, scoped("sandbox:clock")]) -> Response:
    """Moves a sandbox's time forward; everything due in between happens, in order. Repeat until ``reached``."""
    return Reply(
        await sandbox.move_clock(
            caller.database,
            caller.tenant_id,
            body.now,
            HANDLERS,
            actor=caller.actor,
            validate_only=caller.validate_only,
        )
    )
