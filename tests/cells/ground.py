"""Two cells: two Postgres servers, each with its own service and worker, and callers who follow a tenant's address."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app.commands.migrate import upgrade
from app.db.address import canonical
from app.main import create_app, prepare
from scripts import move_tenant
from tests.clocks.promises import a_policy
from tests.support.api import OPERATOR_KEY, client_of, running, settings_for
from tests.support.databases import open_to_postgres
from tests.support.servers import Server

ADDRESSES = (f"127.0.0.{number}" for number in itertools.count(130))
FAST = {
    "fsync": "off",
    "shared_buffers": "64MB",
    "wal_level": "logical",
    "max_wal_senders": "20",
    "max_logical_replication_workers": "20",
    "max_worker_processes": "30",
    "max_sync_workers_per_subscription": "8",
    "wal_retrieve_retry_interval": "100ms",
}
SECONDS = 2
"""A ticket is to be answered within so many seconds, which nobody does: a promise that falls due in the middle."""


@dataclass
class Cell:
    """A server, and the service on it."""

    server: Server
    url: str
    address: str
    app: FastAPI | None = None
    clients: dict[str | None, httpx.AsyncClient] = field(default_factory=dict)

    @property
    def started(self) -> FastAPI:
        assert self.app is not None
        return self.app


@dataclass
class Cells:
    """The old cell and the new one, and how to move a tenant from the one to the other."""

    old: Cell
    new: Cell
    said: list[str] = field(default_factory=list)

    def turned(self) -> Cells:
        return Cells(self.new, self.old)

    @contextlib.asynccontextmanager
    async def moving(self, tenant_id: str, **more: Any) -> AsyncIterator[move_tenant.Move]:
        """A run of the script."""
        async with move_tenant.cell("old", self.old.url) as source, move_tenant.cell("new", self.new.url) as target:
            yield move_tenant.Move(
                tenant_id=tenant_id,
                source=source,
                target=target,
                address=self.new.address,
                seen_from_target=move_tenant.libpq(self.old.url),
                say=self.said.append,
                **more,
            )

    def at(self, address: str) -> Cell:
        return next(cell for cell in (self.old, self.new) if cell.address == address)


@contextlib.contextmanager
def servers(folder: Path, count: int = 2) -> Iterator[list[Server]]:
    """Servers that keep a logical log, each with an empty database."""
    open_to_postgres(folder)
    found: list[Server] = []
    try:
        for number in range(count):
            server = Server(folder / str(number), next(ADDRESSES), **FAST)
            server.start()
            found.append(server)
        yield found
    finally:
        for server in found:
            server.stop(timeout=5)


def cell_of(server: Server, number: int) -> Cell:
    """A migrated database on a server."""
    url = canonical(f"postgresql://retainer@{server.address}:5432/retainer")
    upgrade(url)
    return Cell(server, url, f"https://cell-{number}.example")


@contextlib.asynccontextmanager
async def serving(cell: Cell, **changes: Any) -> AsyncIterator[Cell]:
    """The service of a cell, its worker with it."""
    settings = settings_for(cell.url, **{"worker_in_process": True, "allow_private_webhooks": True, **changes})
    await prepare(settings, cell.url)
    async with running(create_app(settings)) as app, contextlib.AsyncExitStack() as stack:
        cell.app = app
        for key in (None, OPERATOR_KEY):
            cell.clients[key] = await stack.enter_async_context(client_of(app, key))
        yield cell
        for client in cell.clients.values():
            await client.aclose()
        cell.clients.clear()


async def found_tenant(cell: Cell, tenant_id: str) -> str:
    """A tenant in real time whose promises fall due within seconds; its key."""
    promise = {
        "milestone": "first_response",
        "target": f"seconds:{SECONDS}",
        "starts": "opened",
        "stops": ["vendor_response"],
        "clause": "P-5",
    }
    operator = cell.clients[OPERATOR_KEY]
    made = await operator.put(f"/v1/tenants/{tenant_id}", json={"policy": "plain", "document": a_policy(promise)})
    assert made.status_code == 201, made.text
    key = await operator.post(f"/v1/tenants/{tenant_id}/keys", json={"scopes": ["*"]})
    assert key.status_code == 201, key.text
    return str(key.json()["key"])


class Callers:
    """Callers of one tenant: each repeats a call until it is answered, where the last answer said the tenant is."""

    def __init__(self, cells: Cells, key: str, customers: int, pause: float) -> None:
        self.cells, self.key, self.pause = cells, key, pause
        self.cell = cells.old
        self.customers = [f"c{number}" for number in range(customers)]
        self.done: dict[str, set[str]] = {name: set() for name in ("debit", "order", "ticket", "hold")}
        self.answers: Counter[tuple[str, int]] = Counter()
        self.stop = False
        self._clients: dict[str, httpx.AsyncClient] = {}

    def client(self, cell: Cell) -> httpx.AsyncClient:
        if cell.address not in self._clients:
            self._clients[cell.address] = client_of(cell.started, self.key)
        return self._clients[cell.address]

    async def call(self, method: str, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Asks until it is done, or refused for good."""
        for _ in range(2000):
            cell = self.cell
            headers = {} if key is None else {"Idempotency-Key": key}
            answer = await self.client(cell).request(method, path, json=body, headers=headers)
            self.answers[cell.address, answer.status_code] += 1
            if answer.status_code == 421:
                self.cell = self.cells.at(answer.json()["address"])
            elif answer.status_code == 503:
                assert answer.headers["Retry-After"]
                await asyncio.sleep(0.05)
            else:
                return answer
        raise AssertionError("it was never answered")

    async def load(self) -> None:
        """Calls until told to stop."""
        await asyncio.gather(*(self._one(customer, number) for number, customer in enumerate(self.customers)))

    async def _one(self, customer: str, number: int) -> None:
        for turn in itertools.count():
            if self.stop:
                return
            name = f"{customer}-{turn}"
            await self._acknowledged("debit", name, await self._debit(customer, name))
            if turn % 4 == number % 4:
                await self._acknowledged("order", name, await self._order(customer, name))
                await self._acknowledged("ticket", name, await self._ticket(customer, name))
                await self._acknowledged("hold", name, await self._hold(customer, name))
            await asyncio.sleep(self.pause)

    async def _acknowledged(self, kind: str, name: str, answer: httpx.Response) -> None:
        assert answer.status_code in (200, 201), (kind, answer.text)
        self.done[kind].add(name)

    async def _debit(self, customer: str, name: str) -> httpx.Response:
        return await self.call("POST", f"/v1/customers/{customer}/debits", {"credits": 1}, f"debit-{name}")

    async def _hold(self, customer: str, name: str) -> httpx.Response:
        ends = (datetime.now(UTC) + timedelta(seconds=SECONDS)).isoformat().replace("+00:00", "Z")
        body = {"credits": 1, "expires_at": ends}
        key = f"hold-{name}"
        answer = await self.call("POST", f"/v1/customers/{customer}/holds", body, key)
        # Told again with another end, the key says what it was first told: it was done.
        return answer if answer.status_code != 422 else httpx.Response(200)

    async def _order(self, customer: str, name: str) -> httpx.Response:
        line = {"line_id": "1", "sku": "points-5", "quantity": 1, "unit_price": "5.00"}
        placed = "2026-01-01T00:00:00Z"
        body = {"customer_id": customer, "placed_at": placed, "currency": "USD", "lines": [line]}
        return await self.call("PUT", f"/v1/orders/O-{name}", body)

    async def _ticket(self, customer: str, name: str) -> httpx.Response:
        return await self.call("PUT", f"/v1/tickets/T-{name}", {"customer_id": customer, "category": "help"})

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


async def pages(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows of a list."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        given = {**query, "limit": 100, **({} if cursor is None else {"cursor": cursor})}
        answer = await client.get(path, params=given)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["data"]
        cursor = body.get("next_cursor")
        if cursor is None:
            return found
