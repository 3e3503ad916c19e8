"""Clocks: promised times of tickets, and how they stand."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.api.deps import AsOf, Caller, KeyedCall, scoped
from app.api.paging import Paging
from app.api.problems import problems
from app.api.reply import Reply
from app.api.strict import Body, Instant, LongText, PathId, QueryId, StrictRoute
from app.usecases import clocks
from app.views.clock import Clock, ClockJudgement
from app.views.shapes import PageOf

router = APIRouter(route_class=StrictRoute, tags=["Calendars and clocks"])
Reader = Annotated[Caller, scoped("clocks:read")]


class JudgementBody(Body):
    """Why an ended clock is judged anew, e.g. a calendar that was wrong and has been corrected."""

    reason: LongText


@router.get("/v1/clocks", operation_id="listClocks", responses=problems())
async def list_clocks(
    caller: Reader,
    page: Paging,
    asked: AsOf,
    phase: Annotated[Literal["running", "paused", "stopped", "cancelled", "pending"] | None, Query()] = None,
    outcome: Annotated[Literal["open", "met", "breached"] | None, Query()] = None,
    ticket_id: QueryId | None = None,
    due_before: Annotated[Instant | None, Query(description="Due before then, the soonest first")] = None,
) -> Reply[PageOf[Clock]]:
    """Clocks, the oldest first. ``as_of`` and ``known_at``: as they stood; a page may then have fewer rows."""
    return await caller.page(
        page,
        lambda tx, part: clocks.list_clocks(
            tx,
            phase=phase,
            outcome=outcome,
            ticket_id=ticket_id,
            due_before=due_before,
            as_of=asked.as_of,
            known_at=asked.known_at,
            part=part,
        ),
    )


@router.get("/v1/clocks/{clock_id}", operation_id="getClock", responses=problems(404))
async def get_clock(clock_id: PathId, caller: Reader, asked: AsOf) -> Reply[Clock]:
    """A clock as it stands, or stood ``as_of`` by what was ``known_at``."""
    return await caller.read(
        lambda tx: clocks.get_clock(tx, clock_id, as_of=asked.as_of, known_at=asked.known_at)
    )


@router.post(
    "/v1/clocks/{clock_id}/judgements",
    operation_id="judgeClock",
    status_code=201,
    responses=problems(404, 409),
)
async def judge_clock(
    clock_id: PathId,
    body: JudgementBody,
    caller: Annotated[Caller, scoped("calendars:write")],
    call: KeyedCall,
) -> Reply[ClockJudgement]:
    """Judges an ended clock anew on its calendar as it is now. What was judged before stays, and stands beside it."""
    return await call.keyed(
        "clocks.judge",
        {"clock_id": clock_id},
        body,
        lambda tx: clocks.judge_clock(tx, clock_id, reason=body.reason),
        status=201,
    )
