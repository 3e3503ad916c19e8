"""Clocks: promised times of tickets, and how they stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from app.api.fields import Body, Instant, LongText, PathId, QueryId, several
from app.api.operations.arguments import AsOf
from app.api.operations.call import Answer, Call
from app.api.operations.lists import SortByEnd
from app.api.operations.table import Operations
from app.domain.clocks.event import Outcome, Phase
from app.usecases.clocks import clocks
from app.views.clock import Clock, ClockJudgement
from app.views.shapes import PageOf

OPERATIONS = Operations("Calendars and clocks")


class JudgementBody(Body):
    """Why an ended clock is judged anew, e.g. a calendar that was wrong and has been corrected."""

    reason: LongText


@OPERATIONS.get("listClocks", "/v1/clocks", scope="clocks:read", paging="pages", refusals=(404,))
async def list_clocks(
    call: Call,
    asked: AsOf,
    phase: Annotated[
        Annotated[str, several(Phase)] | None, Query(max_length=200, description="Phases, with commas between them")
    ] = None,
    outcome: Annotated[
        Annotated[str, several(Outcome)] | None, Query(max_length=200, description="Outcomes, in the same way")
    ] = None,
    ticket_id: QueryId | None = None,
    customer_id: QueryId | None = None,
    due_after: Annotated[Instant | None, Query(description="Due from then on; by due time")] = None,
    due_before: Annotated[Instant | None, Query(description="Due before then, the soonest first")] = None,
    sort: SortByEnd = "oldest",
) -> Answer[PageOf[Clock]]:
    """Clocks, by when they were made; `soonest`, `latest` and with a bound of due times by these.

    ``as_of`` and ``known_at``: as they stood; a page may then have fewer rows.
    """
    return await call.pages(
        lambda tx, part: clocks.list_clocks(
            tx,
            phases=phase.split(",") if phase else (),
            outcomes=outcome.split(",") if outcome else (),
            ticket_id=ticket_id,
            customer_id=customer_id,
            due_after=due_after,
            due_before=due_before,
            newest_first=sort in ("newest", "latest"),
            by_due=sort in ("soonest", "latest"),
            as_of=asked.as_of,
            known_at=asked.known_at,
            part=part,
        )
    )


@OPERATIONS.get("getClock", "/v1/clocks/{clock_id}", scope="clocks:read", refusals=(404,))
async def get_clock(call: Call, clock_id: PathId, asked: AsOf) -> Clock:
    """A clock as it stands, or stood ``as_of`` by what was ``known_at``."""
    return await call.read(lambda tx: clocks.get_clock(tx, clock_id, as_of=asked.as_of, known_at=asked.known_at))


@OPERATIONS.post(
    "judgeClock",
    "/v1/clocks/{clock_id}/judgements",
    scope="calendars:write",
    key="keyed",
    status=201,
    refusals=(404, 409),
)
async def judge_clock(call: Call, clock_id: PathId, body: JudgementBody) -> Answer[ClockJudgement]:
    """Judges an ended clock anew on its calendar as it is now. What was judged before stays, and stands beside it."""
    return await call.keyed("clocks.judge", body, lambda tx: clocks.judge_clock(tx, clock_id, reason=body.reason))
