"""The server on a real port: slow and silent sockets are cut, good callers do not notice, a stop cuts no answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.api import socket_deadlines
from app.api.socket_deadlines import GuardedProtocol
from tests.conftest import MakeVendor

HOST = "127.0.0.1"


@contextlib.asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """The application on a free port, as `serve` runs it."""
    config = uvicorn.Config(
        app,
        host=HOST,
        port=0,
        http=GuardedProtocol,
        ws="none",
        proxy_headers=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same deadlines, sooner."""
    monkeypatch.setattr(socket_deadlines, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(socket_deadlines, "BODY_SECONDS", 0.6)


async def cut_after(port: int, sent: bytes, *, drip: bytes = b"") -> tuple[float, bytes]:
    """How long the server holds a socket that sends this and then nothing (or a byte now and then)."""
    reader, writer = await asyncio.open_connection(HOST, port)
    began = time.monotonic()
    writer.write(sent)
    answer = b""
    try:
        async with asyncio.timeout(5):
            while True:
                try:
                    async with asyncio.timeout(0.1):
                        part = await reader.read(4096)
                except TimeoutError:
                    if drip:
                        writer.write(drip)
                    continue
                if not part:
                    break
                answer += part
    except ConnectionError:
        pass
    took = time.monotonic() - began
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return took, answer


HEAD = b"PUT /v1/orders/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"


@pytest.mark.parametrize(
    ("sent", "drip"),
    [
        (b"", b""),
        (b"GET /liv", b""),
        (HEAD, b""),
        (b"GET /livez HTTP/1.1\r\nX: ", b"x"),
        (HEAD + b"\r\n{", b""),
        (HEAD + b"\r\n{", b" "),
    ],
    ids=["silence", "half a line", "half a head", "dripping head", "half a body", "dripping body"],
)
async def test_slow_sockets_are_cut(app: FastAPI, short: None, sent: bytes, drip: bytes) -> None:
    async with served(app) as port:
        took, answer = await cut_after(port, sent, drip=drip)
    assert took < 2.0
    assert b" 200 " not in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (
            b"GET /livez HTTP/1.1\r\nHost: x\r\n"
            + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(64))
            + b"\r\n",
            b"431",
        ),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ],
    ids=["nonsense", "two lengths", "length and chunks", "64 KiB of headers", "70 KB of path", "bytes in the path"],
)
async def test_what_is_no_proper_request_is_a_problem(app: FastAPI, sent: bytes, status: bytes) -> None:
    async with served(app) as port:
        took, answer = await cut_after(port, sent)
    assert answer.split(b" ", 2)[1] == status, answer[:200]
    assert b"application/problem+json" in answer
    assert took < 3


async def test_two_hundred_slow_sockets_do_not_hurt_good_callers(app: FastAPI, vendor: MakeVendor) -> None:
    """The slowest of a hundred calls takes at most twice as long beside them. Other programs on the machine disturb
    single rounds, so that the best of some counts: what the sockets cost, they cost in each."""
    shop = await vendor("cs-cart")
    headers = {"Authorization": f"Bearer {shop.key}"}
    rounds = []
    async with served(app) as port, httpx.AsyncClient(base_url=f"http://{HOST}:{port}", headers=headers) as client:
        await p99(client)
        for _ in range(6):
            quiet = await p99(client)
            async with slow_sockets(port, 200):
                busy = await p99(client)
            rounds.append((quiet, busy))
            if busy < 2 * quiet:
                return
    raise AssertionError(rounds)


@contextlib.asynccontextmanager
async def slow_sockets(port: int, count: int) -> AsyncIterator[None]:
    writers = []
    for number in range(count):
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write((HEAD + b"\r\n{", HEAD, b"G", b"")[number % 4])
        writers.append(writer)
    yield
    for writer in writers:
        assert not writer.is_closing()
        writer.close()


async def p99(client: httpx.AsyncClient) -> float:
    times = []
    for _ in range(150):
        began = time.perf_counter()
        assert (await client.get("/v1/tickets")).status_code == 200
        times.append(time.perf_counter() - began)
    return sorted(times)[-2]


async def test_a_stop_cuts_no_answer(app: FastAPI) -> None:
    async def slow() -> dict[str, bool]:
        await asyncio.sleep(0.5)
        return {"done": True}

    app.add_api_route("/slow", slow, include_in_schema=False)
    async with httpx.AsyncClient() as client:
        async with served(app) as port:
            under_way = asyncio.create_task(client.get(f"http://{HOST}:{port}/slow"))
            await asyncio.sleep(0.2)
        assert (await under_way).json() == {"done": True}


async def test_pipelined_and_chunked_requests_still_work(app: FastAPI) -> None:
    async with served(app) as port:
        two = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        _, answer = await cut_after(port, two)
        assert answer.count(b"HTTP/1.1 200") == 2
        chunked = (
            b"PUT /v1/tenants/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
        _, answer = await cut_after(port, chunked)
        assert answer.startswith(b"HTTP/1.1 401")
