"""What the service says about itself: health, and the catalogue of problems."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.api.deps import house
from app.api.problems import CATALOGUE, Problem, page_of, problem, problems, published
from app.api.reply import Reply
from app.api.strict import PathId, StrictRoute
from app.usecases import health

router = APIRouter(route_class=StrictRoute, tags=["Service"])

READY_SECONDS = 3.0


@router.get("/livez", operation_id="getLiveness")
async def livez() -> Response:
    """Whether this process answers; asks no database."""
    return Reply({"status": "ok"})


@router.get("/readyz", operation_id="getReadiness", responses=problems(503))
async def readyz(request: Request) -> Response:
    """Whether calls can be served: the database answers, as the right role, with the newest schema."""
    if getattr(request.app.state, "stopping", False):
        return problem("unavailable", "The service is stopping.", checks=["stopping"], headers={"Retry-After": "1"})
    try:
        async with asyncio.timeout(READY_SECONDS):
            failed = await health.failed_checks(house(request).database)
    except TimeoutError:
        failed = ["database"]
    if failed:
        return problem("unavailable", f"Not ready: {', '.join(failed)}.", checks=failed, headers={"Retry-After": "1"})
    return Reply({"status": "ok"})


@router.get("/problems", operation_id="listProblems")
async def list_problems() -> Response:
    """Every code that a refusal can have, with its cause and what to do."""
    return Reply({"data": published(), "next_cursor": None})


@router.get("/problems/{code}", operation_id="getProblem", responses=problems(404))
async def get_problem(code: PathId, request: Request) -> Response:
    """One code; a page for browsers, JSON for programs."""
    if code not in CATALOGUE:
        raise Problem("not_found")
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(page_of(code))
    body: dict[str, Any] = {"code": code, "type": f"/problems/{code}", **CATALOGUE[code].json()}
    return Reply(body)
