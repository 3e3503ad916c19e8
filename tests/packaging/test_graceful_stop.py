"""SIGTERM under load, on the real program: no answer is cut, and what has no answer has no effect."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.packaging.conftest import ROOT
from tests.support.api import OPERATOR_KEY, SECRET_KEY

pytestmark = [pytest.mark.packaging, pytest.mark.slow]
ROUNDS = int(os.environ.get("RETAINER_FAULT_ROUNDS", "1"))
CALLERS = 12
HOST = "127.0.0.1"


class CutError(Exception):
    """An answer that began and did not end, or a request that got no answer at all."""


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, key: str, **more: object
) -> tuple[int, dict[str, str], bytes]:
    """One call on a connection that may be kept. Raises `CutError`."""
    body = json.dumps(more["body"]).encode() if "body" in more else b""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {key}",
        f"Content-Length: {len(body)}",
    ]
    if body:
        lines += ["Content-Type: application/json", f"Idempotency-Key: {more['once']}"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        return (int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0"))))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        partial = getattr(error, "partial", b"")
        raise CutError("half an answer" if partial else "no answer") from error


async def once(port: int, method: str, path: str, key: str = OPERATOR_KEY, **more: object) -> tuple[int, bytes]:
    """One call on a connection of its own."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        status, _, body = await exchange(reader, writer, method, path, key, **more)
        return status, body
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def serving(
    folder: Path, url: str, workers: int, delay: str
) -> AsyncIterator[tuple[subprocess.Popen[bytes], int, Path]]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RETAINER_")} | {
        "DATABASE_URL": url,
        "RETAINER_DATA_DIR": str(folder / "data"),
        "RETAINER_PORT": str(port),
        "RETAINER_WORKERS": str(workers),
        "RETAINER_OPERATOR_KEY": OPERATOR_KEY,
        "RETAINER_SECRET_KEY": SECRET_KEY,
        "RETAINER_WORKER_IN_PROCESS": "false",
        "RETAINER_STOP_DELAY": delay,
    }
    log = folder / f"log-{time.monotonic_ns()}"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            [sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(OSError, CutError):
                    if (await once(port, "GET", "/readyz"))[0] == 200:
                        break
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.05)
        yield process, port, log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


async def caller(port: int, key: str, number: int, seen: collections.Counter[str], done: asyncio.Event) -> None:
    """Calls again and again, keeping its connection as long as it may."""
    count = 0
    while not done.is_set():
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            seen["refused"] += 1
            return
        with contextlib.suppress(ConnectionError):
            kept = True
            while kept and not done.is_set():
                count += 1
                given = {"body": {"credits": 1, "reason": "load"}, "once": f"{number}-{count}"}
                path = f"/v1/customers/c{number}"
                try:
                    status, headers, _ = (
                        await exchange(reader, writer, "POST", f"{path}/adjustments", key, **given)
                        if count % 3 == 1
                        else await exchange(reader, writer, "GET", f"{path}/balance", key)
                    )
                except CutError as cut:
                    seen[str(cut)] += 1
                    break
                seen[str(status)] += 1
                kept = headers.get("connection") != "close"
            writer.close()


async def processes_told(port: int) -> int:
    """How many processes the page of figures tells of."""
    page = (await once(port, "GET", "/metrics"))[1].decode()
    told = re.search(r"^retainer_processes (\d+)", page, re.MULTILINE)
    return int(told[1]) if told else 0


async def commands_of(url: str, tenant: str) -> int:
    """How many adjustments of a tenant took effect."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    try:
        await connection.execute("select set_config('app.tenant', $1, false)", tenant)
        return int(await connection.fetchval("select count(*) from operation where tenant_id = $1", tenant))
    finally:
        await connection.close()


async def readiness(port: int) -> list[int]:
    """What `/readyz` answers until nobody does."""
    found: list[int] = []
    while True:
        try:
            found.append((await once(port, "GET", "/readyz"))[0])
        except (OSError, CutError):
            return found
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(("workers", "delay"), [(1, "0.7"), (2, "0"), (2, "0.7")])
async def test_a_stop_under_load_cuts_no_answer(own_folder: Path, module_url: str, workers: int, delay: str) -> None:
    """With a delay, readiness is red while calls are still taken: a load balancer has the time to look elsewhere."""
    for turn in range(ROUNDS):
        async with serving(own_folder, module_url, workers, delay) as (process, port, log):
            tenant = f"stop-{workers}-{delay[0:1]}{delay[2:]}-{turn}"
            clock = {"mode": "virtual", "now": "2025-01-01T00:00:00Z"}
            made = await once(
                port, "PUT", f"/v1/tenants/{tenant}", body={"policy": "cs-cart", "clock": clock}, once="t"
            )
            assert made[0] == 201, made
            key = json.loads(
                (await once(port, "POST", f"/v1/tenants/{tenant}/keys", body={"scopes": ["*"]}, once="k"))[1]
            )["key"]
            seen: collections.Counter[str] = collections.Counter()
            done = asyncio.Event()
            callers = [asyncio.create_task(caller(port, key, number, seen, done)) for number in range(CALLERS)]
            while seen["201"] < CALLERS * 3:  # noqa: ASYNC110 - a count, not an event
                await asyncio.sleep(0.02)
            async with asyncio.timeout(30):  # until the last of the processes has come up
                while await processes_told(port) != workers:  # noqa: ASYNC110 - a page
                    await asyncio.sleep(0.05)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            red = await readiness(port) if delay != "0" else [503]
            code = await asyncio.to_thread(process.wait, 30)
            took = time.monotonic() - began
            done.set()
            await asyncio.gather(*callers)
            assert red[-1] == 503, red
            assert code == 0, log.read_text()
            assert took < 10, took
            assert set(seen) <= {"200", "201", "refused", "503", "no answer"}, seen
            # HTTP/1.1 leaves one gap that no server can close: a request that is on its way while the port, or a kept
            # connection that lay idle, is being closed. It was never taken, so it has no effect and is safe to repeat.
            assert seen["no answer"] <= CALLERS, seen
            assert await commands_of(module_url, tenant) == seen["201"], seen
            assert "Traceback" not in log.read_text()
