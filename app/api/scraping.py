"""Figures for Prometheus: who may read them, and a page of their own for a process that serves nothing else."""

from __future__ import annotations

import hmac
from typing import Final

from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from app.api import handlers
from app.api.limits import Limits
from app.api.observability import CONTENT_TYPE, Figures
from app.api.problems import Problem
from app.api.state import Limiter

FORWARDED: Final = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "x-original-forwarded-for",
)
"""Headers by which a proxy says that it passes a request on."""


def admit(request: Request, token: SecretStr | None, limiter: Limiter | None) -> None:
    """Let in whoever holds the token; without one, this machine alone. Raises 401, 403 or 429.

    A proxy on this machine passes strangers on, and says so in a header: those are refused too.
    """
    if token is None:
        if not on_this_machine(request):
            raise Problem("metrics_closed")
        return
    presented = request.headers.get("authorization", "").partition(" ")[2].strip()
    if not hmac.compare_digest(presented.encode(), token.get_secret_value().encode()):
        if limiter is not None:
            limiter.failed(request)
        raise Problem("unauthorized", headers={"WWW-Authenticate": 'Bearer realm="metrics"'})


def on_this_machine(request: Request) -> bool:
    """Whether the caller is on this machine itself. What a proxy on it passes on is not."""
    host = request.client.host if request.client else ""
    near = host in ("testclient", "127.0.0.1", "::1") or host.startswith("127.")
    return near and not any(name in request.headers for name in FORWARDED)


def metrics_app(figures: Figures, token: SecretStr | None) -> FastAPI:
    """An application that tells one process' figures at ``/metrics``, and nothing else."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    limiter = Limits(per_key=None, per_tenant=None)
    handlers.install(app)

    async def metrics(request: Request) -> Response:
        admit(request, token, limiter)
        return Response(figures.text(), media_type=CONTENT_TYPE)

    app.add_api_route("/metrics", metrics, methods=["GET"])
    return app
