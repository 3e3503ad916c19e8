"""``POST /mcp``: who may come in. The protocol itself is the library's, which is imported with the first call.

Whoever calls sends a key, or an access token of the configured issuer. A page of another origin is refused. So is a
name that is not ours, where the service listens on this machine alone (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import Message, Receive, Scope, Send

from app.api.deps import authenticate, house
from app.api.outside import base
from app.api.problems import Problem
from app.api.reply import Reply
from app.api.strict import BODY_LIMIT, StrictRoute, check_media, take_body
from app.settings import Settings
from app.usecases.tenants.keys import SCOPES

router = APIRouter(route_class=StrictRoute)
METADATA: Final = "/.well-known/oauth-protected-resource"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Agents:
    """The library's part of the door, in this process: made with the first call, ended with the service."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._manager: Any = None
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of somebody who was let in."""
        if self._manager is None:
            await self._start()
        await self._manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """End it."""
        self._end.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _start(self) -> None:
        async with self._lock:
            if self._manager is not None:
                return
            # It takes half a second of CPU, which other calls of this process must not wait for.
            server = await asyncio.to_thread(importlib.import_module, "app.api.mcp.server")
            manager = server.manager()
            started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(manager, started))
            await started
            self._manager = manager

    async def _run(self, manager: Any, started: asyncio.Future[None]) -> None:
        async with manager.run():
            started.set_result(None)
            await self._end.wait()


@contextlib.asynccontextmanager
async def agents(app: FastAPI) -> AsyncIterator[None]:
    """Have the door of an application open."""
    app.state.agents = opened = Agents()
    try:
        yield
    finally:
        await opened.close()


class _Served(Response):
    """The library's own answer."""

    def __init__(self, opened: Agents, body: bytes) -> None:
        super().__init__()
        self._opened, self._sent = opened, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the library, which is given the body that was read."""
        unread = True

        async def again() -> Message:
            nonlocal unread
            if not unread:
                return await receive()
            unread = False
            return {"type": "http.request", "body": self._sent, "more_body": False}

        await self._opened.serve(scope, again, send)


@router.post("/mcp", include_in_schema=False)
async def mcp(request: Request) -> Response:
    """Tools for agents, by the Model Context Protocol over HTTP."""
    settings = house(request).settings
    check_host(request, settings)
    check_origin(request, settings)
    try:
        await authenticate(request)
    except Problem as refusal:
        if refusal.code == "unauthorized" and settings.oidc_issuer is not None:
            where = f'Bearer realm="retainer", resource_metadata="{_address(request, METADATA)}/mcp"'
            raise Problem("unauthorized", headers={"WWW-Authenticate": where}) from None
        raise
    check_media(request)
    await take_body(request, limit=BODY_LIMIT, raw=True, has_body=True)
    return _Served(request.app.state.agents, await request.body())


@router.get(METADATA, include_in_schema=False)
@router.get(f"{METADATA}/mcp", include_in_schema=False)
async def metadata(request: Request) -> Response:
    """Where an agent gets an access token (RFC 9728). 404 where the service takes none."""
    issuer = house(request).settings.oidc_issuer
    if issuer is None:
        raise Problem("path_not_found")
    return Reply(
        {
            "resource": _address(request, "/mcp"),
            "resource_name": "Retainer",
            "authorization_servers": [issuer],
            "scopes_supported": [scope for scope in SCOPES if scope != "*"],
            "bearer_methods_supported": ["header"],
        },
        headers={"Cache-Control": "max-age=3600"},
    )


def check_host(request: Request, settings: Settings) -> None:
    """Refuse a name that is not ours. 421 ``host_refused``.

    A service with a public address answers to that name, and one that listens on this machine alone to its names.
    """
    host = request.url.hostname
    public = settings.public_url and urlsplit(settings.public_url).hostname
    listens_here = settings.host in LOOPBACK or settings.host.startswith("127.")
    if base() or host == public or host in LOOPBACK:
        return
    if public or listens_here:
        raise Problem("host_refused")


def check_origin(request: Request, settings: Settings) -> None:
    """Refuse a page of another origin, unless it is named. 403 ``origin_refused``."""
    origin = request.headers.get("origin")
    if origin is None or origin in settings.cors_origins or "*" in settings.cors_origins:
        return
    ours = {f"{part.scheme}://{part.netloc}" for part in (urlsplit(_address(request, "/")),)}
    if origin not in ours:
        raise Problem("origin_refused")


def _address(request: Request, path: str) -> str:
    """Return the whole address of a path of ours."""
    return f"{base() or str(request.base_url).rstrip('/')}{path}"
