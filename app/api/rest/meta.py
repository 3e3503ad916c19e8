"""What the service says about itself: health, and the catalogue of problems."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response

from app import __version__
from app.api.deps import house, wall_clock
from app.api.headers import etag
from app.api.observability import CONTENT_TYPE
from app.api.openapi import build
from app.api.problems import problem, problems
from app.api.published import Published, has_already
from app.api.reply import Reply
from app.api.scraping import admit
from app.api.shared_parts import shared, text
from app.api.strict import StrictRoute
from app.usecases.reports import health
from app.views.health import Liveness, readiness_view

router = APIRouter(route_class=StrictRoute, tags=["Service"])

READY_SECONDS = 3.0
SECURITY_DAYS = timedelta(days=180)
"""How long what `security.txt` says holds: RFC 9116 advises less than a year."""


@router.get("/livez", operation_id="getLiveness")
async def livez() -> Response:
    """Whether this process answers; asks no database."""
    alive: Liveness = {"status": "ok"}
    return Reply(alive)


@router.get("/readyz", operation_id="getReadiness", responses=problems(503))
async def readyz(request: Request) -> Response:
    """Whether calls can be served: the database answers, as the right role, with the newest schema.

    `warnings` names what keeps no call from being served and should be looked at. `clock`: this host's clock differs
    from the database's by more than 5 seconds.
    """
    if getattr(request.app.state, "stopping", False):
        return problem("unavailable", "The service is stopping.", checks=["stopping"], headers={"Retry-After": "1"})
    try:
        async with asyncio.timeout(READY_SECONDS):
            found = await health.look(house(request).database)
    except TimeoutError:
        found = health.Health(["database"])
    if failed := found.failed:
        return problem("unavailable", f"Not ready: {', '.join(failed)}.", checks=failed, headers={"Retry-After": "1"})
    return Reply(readiness_view(found.skewed, health.SKEW_FIX))


@router.get("/version", include_in_schema=False)
async def version(request: Request) -> Response:
    """Which version answers; asks no database."""
    found = {"service": "retainer", "version": __version__, "schema": health.newest_revision()}
    headers = {"ETag": etag(found), "Cache-Control": "no-cache"}
    if has_already(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Reply(found, headers=headers)


@router.get("/.well-known/security.txt", include_in_schema=False)
async def security_txt(request: Request) -> Response:
    """Where to report a weakness (RFC 9116)."""
    settings = house(request).settings
    ends = (wall_clock() + SECURITY_DAYS).replace(hour=0, minute=0, second=0, microsecond=0)
    host = urlsplit(settings.public_url or "").hostname or request.url.hostname or "localhost"
    lines = [
        f"Contact: {settings.security_contact or f'mailto:security@{host}'}",
        f"Expires: {ends:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
    ]
    if settings.public_url is not None:
        lines.append(f"Canonical: {settings.public_url}/.well-known/security.txt")
    return Response("\n".join(lines) + "\n", media_type="text/plain", headers={"Cache-Control": "max-age=86400"})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus: for whoever holds RETAINER_METRICS_TOKEN; without that setting for this machine alone."""
    state = house(request)
    admit(request, state.settings.metrics_token, state.limiter)
    await state.watch.look(state.database)
    return Response(request.scope["retainer.figures"].text(), media_type=CONTENT_TYPE)


@router.get("/openapi.json", include_in_schema=False)
async def get_contract(request: Request) -> Response:
    """The contract of this version."""
    app = request.app
    found: Published | None = getattr(app.state, "contract", None)
    if found is None:
        found = app.state.contract = await asyncio.to_thread(_contract, app)
    return found.answer(request)


def _contract(app: FastAPI) -> Published:
    document = shared(build(app))
    public: str | None = app.state.settings.public_url
    if public is not None:
        document["servers"] = [{"url": public, "description": "This server"}]
    return Published.of(text(document), "application/json")
