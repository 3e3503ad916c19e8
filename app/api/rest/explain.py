"""Explanations: the trace of any stored decision, charge or due time, clause by clause."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.api.deps import Caller, scoped
from app.api.problems import problems
from app.api.strict import PathId, StrictRoute
from app.usecases import clocks, explain

router = APIRouter(route_class=StrictRoute, tags=["Helpdesk"])
Kind = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z_]+$", examples=list(explain.KINDS))]


@router.get("/v1/explain/{kind}/{id}", operation_id="explain", responses=problems(404))
async def get_explanation(
    kind: Kind, id: PathId, caller: Annotated[Caller, scoped("tickets:read")]
) -> Response:
    """The whole trace: rules in order with their clauses, facts and results, and what would have changed the answer.

    ``kind``: ticket, charge, assessment (``<ticket>:<number>``), order, refund (``<order>:<refund>``), license, lot,
    cover, choice, operation, hold or clock.
    """
    return await caller.read(lambda tx: explain.explain(tx, kind, id, clock=clocks.explain_clock))
