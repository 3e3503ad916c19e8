"""The catalogue of problems: what each refusal means and what to do."""

from __future__ import annotations

import functools

from app.api.fields import PathId
from app.api.operations.call import Answer, Call
from app.api.operations.table import OPEN, Operations
from app.api.problems import Problem, known, problem_html, published
from app.views.event import ProblemEntry
from app.views.shapes import PageOf

OPERATIONS = Operations("Service")


@OPERATIONS.get("listProblems", "/problems", access=OPEN, refusals=None)
async def list_problems(call: Call) -> PageOf[ProblemEntry]:
    """Every code that a refusal can have, with its cause and what to do."""
    return {"data": published(), "next_cursor": None}


@OPERATIONS.get("getProblem", "/problems/{code}", access=OPEN, refusals=(404,))
async def get_problem(call: Call, code: PathId) -> Answer[ProblemEntry]:
    """One code; a page for browsers, JSON for programs."""
    entry = known(code)
    if entry is None:
        raise Problem("not_found")
    return Answer(entry.view(code), page=functools.partial(problem_html, code))
