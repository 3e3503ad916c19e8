"""The service on loopback with a database of its own, for the gates that want a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import uvicorn

from app.api.edges import GuardedProtocol
from app.main import create_app
from tests.support import databases
from tests.support.api import OPERATOR_KEY, settings_for


def run(work: Callable[[str, str], Awaitable[int]], *, policy: str = "cs-cart") -> int:
    """What ``work`` answers, given the service's address and a key of a fresh sandbox with every scope."""
    with databases.server() as server:
        return asyncio.run(_run(server, work, policy))


async def _run(server: databases.Server, work: Callable[[str, str], Awaitable[int]], policy: str) -> int:
    url = await server.clone()
    try:
        async with _serving(url) as base:
            return await work(base, await _key(base, policy))
    finally:
        await server.drop(url)


@contextlib.asynccontextmanager
async def _serving(database_url: str) -> AsyncIterator[str]:
    # Named as TCP, since asyncio sets TCP_NODELAY on nothing else: without it each answer waits 40 ms for an
    # acknowledgement. `retainer serve` has uvloop, which always sets it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        app = create_app(settings_for(database_url))
        config = uvicorn.Config(app, http=GuardedProtocol, log_level="warning", access_log=False)
        service = uvicorn.Server(config)
        serving = asyncio.create_task(service.serve(sockets=[bound]))
        while not service.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            service.should_exit = True
            await serving


async def _key(base: str, policy: str) -> str:
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    async with httpx.AsyncClient(base_url=base, headers=headers) as client:
        clock = {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}
        tenant = await client.put("/v1/tenants/gates", json={"policy": policy, "clock": clock})
        tenant.raise_for_status()
        made = (await client.post("/v1/tenants/gates/keys", json={"scopes": ["*"]})).raise_for_status()
    key: str = made.json()["key"]
    return key


async def command(*words: str) -> int:
    """Runs a program beside the service; its exit code."""
    process = await asyncio.create_subprocess_exec(*words)
    return await process.wait()
