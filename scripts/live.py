"""The service on loopback with a database of its own, for the gates that want a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from app.api.socket_deadlines import GuardedProtocol
from app.main import create_app
from app.settings import Settings
from tests.support import databases
from tests.support.api import OPERATOR_KEY, settings_for

TENANT = "gates"
Work = Callable[[str, str], Awaitable[int]]


def run(work: Work, *, policy: str = "cs-cart") -> int:
    """What ``work`` answers, given the service's address and a key of a fresh sandbox with every scope."""
    with databases.server() as server:
        return asyncio.run(_run(server, work, policy))


async def _run(server: databases.Server, work: Work, policy: str) -> int:
    async with serving(server, log_level="warning") as (base, _):
        return await work(base, await key_of_tenant(base, policy))


@contextlib.asynccontextmanager
async def serving(server: databases.Server, **changes: Any) -> AsyncIterator[tuple[str, FastAPI]]:
    """The service on a database of its own: its address, and the application. ``changes`` are settings."""
    url = await server.clone()
    try:
        async with _serving(settings_for(url, **changes)) as found:
            yield found
    finally:
        await server.drop(url)


@contextlib.asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[tuple[str, FastAPI]]:
    # Named as TCP, since asyncio sets TCP_NODELAY on nothing else: without it each answer waits 40 ms for an
    # acknowledgement. `retainer serve` has uvloop, which always sets it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        app = create_app(settings)
        config = uvicorn.Config(app, http=GuardedProtocol, log_level="warning", access_log=False)
        service = uvicorn.Server(config)
        serving = asyncio.create_task(service.serve(sockets=[bound]))
        while not service.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}", app
        finally:
            service.should_exit = True
            await serving


async def key_of_tenant(base: str, policy: str, tenant: str = TENANT) -> str:
    """A key with every scope, of a new sandbox under a policy."""
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    async with httpx.AsyncClient(base_url=base, headers=headers) as client:
        clock = {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}
        made = await client.put(f"/v1/tenants/{tenant}", json={"policy": policy, "clock": clock})
        made.raise_for_status()
        keyed = (await client.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"]})).raise_for_status()
    key: str = keyed.json()["key"]
    return key


async def command(*words: str, **environment: str) -> int:
    """Runs a program beside the service; its exit code."""
    process = await asyncio.create_subprocess_exec(*words, env={**os.environ, **environment})
    return await process.wait()
