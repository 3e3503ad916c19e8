"""Explanations: the trace of any stored decision, charge or due time, clause by clause."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from app.api.fields import PathId
from app.api.operations.call import Call
from app.api.operations.table import Operations
from app.usecases.clocks import clocks
from app.usecases.reports import explain
from app.views.explanation import Explanation

OPERATIONS = Operations("Helpdesk")
Kind = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z_]+$", examples=list(explain.KINDS))]


@OPERATIONS.get("explain", "/v1/explain/{kind}/{id}", scope="tickets:read", refusals=(404,))
async def get_explanation(call: Call, kind: Kind, id: PathId) -> Explanation:
    """The whole trace: rules in order with their clauses, facts and results, and what would have changed the answer.

    ``kind``: ticket, charge, assessment (``<ticket>:<number>``), order, refund (``<order>:<refund>``), license, lot,
    cover, choice, operation, hold or clock.
    """
    return await call.read(lambda tx: explain.explain(tx, kind, id, clock=clocks.explain_clock))
