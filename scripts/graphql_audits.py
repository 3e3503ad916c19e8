"""Starts the service on a database of its own and runs the `graphql-http` audits against it; needs node and npm.

Exit 0 only when all audits pass.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import httpx
import uvicorn

from app.main import create_app
from scripts import node_tools
from tests.support import databases
from tests.support.api import OPERATOR_KEY, settings_for

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Runs the audits; the exit code."""
    folder = str(node_tools.tools())
    with databases.server() as server:
        return asyncio.run(_on_a_copy(server, folder))


async def _on_a_copy(server: databases.Server, folder: str) -> int:
    url = await server.clone()
    try:
        return await _audit(url, folder)
    finally:
        await server.drop(url)


async def _audit(database_url: str, folder: str) -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = create_app(settings_for(database_url))
        service = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        serving = asyncio.create_task(service.serve(sockets=[bound]))
        while not service.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.05)
        try:
            key = await _key(base)
            audits = await asyncio.create_subprocess_exec(
                "node", str(HERE / "graphql_audits.mjs"), f"{base}/graphql", key, folder
            )
            return await audits.wait()
        finally:
            service.should_exit = True
            await serving


async def _key(base: str) -> str:
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    async with httpx.AsyncClient(base_url=base, headers=headers) as client:
        clock = {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}
        (await client.put("/v1/tenants/audits", json={"policy": "cs-cart", "clock": clock})).raise_for_status()
        made = (await client.post("/v1/tenants/audits/keys", json={"scopes": ["*"]})).raise_for_status()
    key: str = made.json()["key"]
    return key


if __name__ == "__main__":
    sys.exit(main())
