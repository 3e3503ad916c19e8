"""A small HTTP/1.1 load generator: keep-alive connections, one request at a time on each, on one core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

MakeRequest = Callable[[int], bytes]
"""The bytes of the nth request."""


@dataclass
class Result:
    """What was measured. Times in seconds."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    cpu_service: float = 0.0
    cpu_postgres: float = 0.0
    warmed: int = 0
    """Answers of the warm-up before it."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    def quantile(self, part: float) -> float:
        """A quantile of the answer times, in milliseconds."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: Callable[[], bytes | None], result: Result, keep: bool) -> None:
        self.next_request = next_request
        self.result = result
        self.keep = keep
        self.buffer = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.wanted = -1
        self.status = 0
        self.body_at = 0
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass
        self._send()

    def _send(self) -> None:
        request = self.next_request()
        if request is None:
            self.transport.close()
            return
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.wanted < 0:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.buffer[:end]).lower()
            self.status = int(head[9:12])
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self.body_at = end + 4
            self.wanted = self.body_at + length
        if len(self.buffer) < self.wanted:
            return
        self.result.times.append(time.perf_counter() - self.sent)
        self.result.statuses[self.status] = self.result.statuses.get(self.status, 0) + 1
        if self.keep:
            self.result.bodies.append(bytes(self.buffer[self.body_at : self.wanted]))
        del self.buffer[: self.wanted]
        self.wanted = -1
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def run(
    url: str, make: MakeRequest, *, connections: int, seconds: float, most: int | None = None, keep: bool = False
) -> Result:
    """Sends as fast as answers come for so many seconds (or ``most`` requests)."""
    parts = urlsplit(url)
    result = Result()
    started = time.perf_counter()
    until = started + seconds
    count = 0

    def next_request() -> bytes | None:
        nonlocal count
        if time.perf_counter() >= until or (most is not None and count >= most):
            return None
        count += 1
        return make(count)

    loop = asyncio.get_running_loop()
    made = await asyncio.gather(
        *(
            loop.create_connection(
                lambda: _Connection(next_request, result, keep), parts.hostname or "127.0.0.1", parts.port or 80
            )
            for _ in range(connections)
        )
    )
    await asyncio.gather(*(protocol.done for _, protocol in made))
    result.seconds = time.perf_counter() - started
    return result


def request(method: str, path: str, key: str, *, body: bytes = b"", idempotency_key: str | None = None) -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    if idempotency_key is not None:
        head += f"Idempotency-Key: {idempotency_key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
