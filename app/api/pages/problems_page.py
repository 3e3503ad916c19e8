"""Show people what refusals mean: a page of every code, and one of each. Programs get JSON at the same addresses."""

from __future__ import annotations

from typing import Final

from fastapi import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from app.api.pages.door import Pages, page
from app.api.pages.visit import Visit
from app.api.problems import Problem, known, published
from app.views.event import ProblemEntry

PAGES: Final = Pages(translated=True)
GROUPS: Final = (
    (400, "The request itself"),
    (401, "Who calls"),
    (403, "What a caller may do"),
    (404, "What is not there"),
    (405, "How a request is made"),
    (409, "Refused as things stand"),
    (412, "Changed meanwhile"),
    (413, "Too large, or of another type"),
    (421, "Lives elsewhere"),
    (422, "Wrong input"),
    (429, "Too much at once"),
    (500, "Faults and waiting"),
)
"""From which status a heading holds, in order; a code stands below the last that its status reaches."""


@PAGES.get("/problems", kinds=(), open=True)
async def show_problems(visit: Visit) -> Response:
    """List every code by its status."""
    groups: dict[str, list[ProblemEntry]] = {heading: [] for _, heading in GROUPS}
    for entry in published():
        groups[_heading(entry["status"])].append(entry)
    return page(visit, "problems.html", groups=[(name, rows) for name, rows in groups.items() if rows])


@PAGES.get("/problems/{code}", kinds=(), open=True)
async def show_problem(visit: Visit) -> Response:
    """Say what one code means."""
    code = visit.request.path_params["code"]
    entry = known(code)
    if entry is None:
        raise Problem("not_found")
    return page(visit, "problem_code.html", entry=entry.view(code))


def _heading(status: int) -> str:
    return next((name for first, name in reversed(GROUPS) if status >= first), GROUPS[0][1])


class _ForBrowsers(Route):
    """A route that only takes a request of somebody who wants to read a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is for this page."""
        found = super().matches(scope)
        for_people = any(
            name == b"hx-request" or (name == b"accept" and b"text/html" in value)
            for name, value in scope.get("headers", ())
        )
        return found if for_people or found[0] is Match.NONE else (Match.NONE, {})


def routes() -> list[BaseRoute]:
    """Return the routes, to be tried before the operations at the same addresses."""
    return [
        _ForBrowsers(route.path, route.endpoint, methods=["GET"], include_in_schema=False)
        for route in PAGES.routes
        if isinstance(route, Route)
    ]
