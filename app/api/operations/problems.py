"""The catalogue of problems: what each refusal means and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.api.fields import PathId
from app.api.headers import etag
from app.api.languages import language_headers
from app.api.operations.call import Answer, Call
from app.api.operations.table import OPEN, Operations
from app.api.problems import Problem, known, published
from app.views.event import ProblemEntry
from app.views.shapes import PageOf

OPERATIONS = Operations("Service")
_BY_ACCEPT: Final = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Language"}
"""A browser is shown a page at the same address (`app.api.pages.problems_page`)."""


@OPERATIONS.get("listProblems", "/problems", access=OPEN, refusals=None)
async def list_problems(call: Call) -> Answer[PageOf[ProblemEntry]]:
    """Every code that a refusal can have, with its cause and what to do; a page for browsers, JSON for programs."""
    view: PageOf[ProblemEntry] = {"data": published(), "next_cursor": None}
    return Answer(view, headers=_tagged(view), versioned=True)


@OPERATIONS.get("getProblem", "/problems/{code}", access=OPEN, refusals=(404,))
async def get_problem(call: Call, code: PathId) -> Answer[ProblemEntry]:
    """One code; a page for browsers, JSON for programs."""
    entry = known(code)
    if entry is None:
        raise Problem("not_found")
    view = entry.view(code)
    return Answer(view, headers=_tagged(view), versioned=True)


def _tagged(view: Mapping[str, Any]) -> dict[str, str]:
    return {"ETag": etag(view), **language_headers(), **_BY_ACCEPT}
