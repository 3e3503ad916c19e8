"""A receiver of webhooks that behaves as badly as it is told to, on a real socket; and vendors with events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.connectors.webhooks.dispatcher import Dispatcher, DispatcherMetrics
from app.connectors.webhooks.sender import Sender
from app.db.engine import Database
from app.db.events import positions
from app.db.secrets import Cipher
from tests.support.api import SECRET_KEY, Vendor


@dataclass
class Got:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes
    at: datetime

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.json["type"])

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


Answer = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """``answer``: what it says to each request; ``hang``: it says nothing at all; ``keeps``: it lets callers keep their
    connections; ``connections``: how many it saw; ``drops``: it closes kept ones without a word at the next request."""

    url: str
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], Answer] = lambda _: (200, {})
    hang: bool = False
    keeps: bool = False
    drops: bool = False
    connections: int = 0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def ids(self) -> list[str]:
        return [one.id for one in self.got]


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of this machine."""
    receiver = Receiver("")
    open_: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        receiver.connections += 1
        try:
            await one(reader, writer)
            while receiver.keeps:
                if receiver.drops:
                    await reader.readuntil(b"\r\n\r\n")
                    break
                await one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_.discard(writer)
            writer.close()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        got = Got(headers, body, receiver.now())
        receiver.got.append(got)
        if receiver.hang:
            await asyncio.sleep(30)
        status, more = receiver.answer(got)
        more = more if receiver.keeps else {**more, "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}Content-Length: 2\r\n\r\nok".encode())
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        for one in list(open_):
            one.transport.abort()
        await asyncio.sleep(0.01)


@dataclass
class Time:
    """A delivery clock that stands still until it is moved."""

    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def dispatcher_for(db: Database, clock: Time | None = None, *, timeout: float = 2.0, **more: Any) -> Dispatcher:
    """A dispatcher that may send to this machine; without jitter unless asked."""
    more.setdefault("jitter", lambda: 0)
    sender = more.pop("sender", None) or Sender(allow_private=True, timeout=timeout)
    return Dispatcher(db, sender, Cipher(SECRET_KEY), clock=clock, metrics=DispatcherMetrics(), **more)


async def place(db: Database, vendor: Vendor) -> None:
    """Gives the vendor's events their positions, as the worker does."""
    await positions.assign(db, vendor.tenant_id)


async def adjust(vendor: Vendor, customer_id: str, credits: int = 10) -> None:
    """One change, for which there is an event or two."""
    answer = await vendor.post(f"/v1/customers/{customer_id}/adjustments", {"credits": credits, "reason": "goodwill"})
    assert answer.status_code in (200, 201), answer.text


async def with_customer(vendor: Vendor, customer_id: str = "c1") -> None:
    """A customer comes into being with its first order."""
    answer = await vendor.put(
        f"/v1/orders/o-{customer_id}",
        {
            "customer_id": customer_id,
            "placed_at": "2025-01-01T00:00:00Z",
            "currency": "USD",
            "lines": [{"line_id": "1", "sku": "credits-10", "quantity": 1, "unit_price": "30.00"}],
        },
    )
    assert answer.status_code == 201, answer.text


async def endpoint(vendor: Vendor, url: str, **more: Any) -> dict[str, Any]:
    """An endpoint, with its secret."""
    answer = await vendor.post("/v1/webhook-endpoints", {"url": url, **more}, key=None)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
