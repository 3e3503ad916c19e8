"""CPU of the service a call, at both doors, without a socket: `python -m bench.doors [--beside FOLDER]`.

The application is called in this process, one call after another, on an embedded Postgres. ``--beside`` names the
checkout of another version: the two take turns, and the best round of each counts.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CUSTOMER, TICKETS, BUYERS = "c-1", 6, 50
LINE = {"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"}
LICENSE = {"line_id": "2", "sku": "license-owned", "quantity": 1}
TICKET = "ticketId customerId state subject openedAt channel"
LOTS = "customerId available held unit at lots { lotId granted available held spent creditType expiresAt }"
QUERIES = {
    "no data": "{ __typename }",
    "balance": f'{{ balance(customerId: "c-1") {{ {LOTS} }} }}',
    "two balances": f'{{ a: balance(customerId: "c-1") {{ {LOTS} }} b: balance(customerId: "c-2") {{ held }} }}',
    "customer": '{ customer(customerId: "c-1") { customerId licenses { licenseId } covers { coverId } } }',
    "ticket": f'{{ ticket(ticketId: "T-1") {{ {TICKET} clocks {{ clockId phase dueAt }} }} }}',
    "tickets": f"{{ tickets(first: 6) {{ nodes {{ {TICKET} }} pageInfo {{ hasNextPage }} }} }}",
    "tickets and customers": "{ tickets(first: 6) { nodes { ticketId customer { customerId } } } }",
    "order": '{ order(orderId: "o-1") { orderId customerId lots { lotId granted } } }',
    "entries": '{ entries(customerId: "c-1", first: 10) { nodes { entryId credits } } }',
    "statement": '{ statement(customerId: "c-1") { customerId available } }',
    "entitlement": '{ entitlement(customerId: "c-1", action: "open_ticket") { allowed reasons { code } } }',
    "clocks": "{ clocks(first: 6) { nodes { clockId phase dueAt } } }",
    "events": "{ events(first: 10) { nodes { id type position } } }",
    "policy": "{ policies { name version } }",
    "offers": '{ offers(customerId: "c-1") { sku } }',
}
DEBIT = "mutation($input: CreateDebitInput!) { createDebit(input: $input) { __typename } }"
PATHS = {
    "balance": "/v1/customers/c-1/balance",
    "customer": "/v1/customers/c-1",
    "ticket": "/v1/tickets/T-1",
    "tickets": "/v1/tickets?limit=6",
    "order": "/v1/orders/o-1",
    "entries": "/v1/customers/c-1/entries?limit=10",
    "offers": "/v1/offers?customer_id=c-1",
    "policies": "/v1/policies",
}


class Caller:
    """Calls an application without a socket."""

    def __init__(self, app: Any, key: str) -> None:
        self.app = app
        self.key = key

    async def __call__(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        headers = [(b"host", b"here"), (b"authorization", f"Bearer {self.key}".encode())]
        if body is not None:
            headers.append((b"content-type", b"application/json"))
        if key is not None:
            headers.append((b"idempotency-key", key.encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answer = b"".join(one.get("body", b"") for one in sent[1:])
        if sent[0]["status"] >= 300 or b'"errors"' in answer:
            raise SystemExit(f"{method} {path}: {sent[0]['status']} {answer[:500]!r}")
        return json.loads(answer)


async def fill(call: Caller) -> None:
    """Make customers, orders and tickets."""
    for number in (1, 2):
        order = {"customer_id": f"c-{number}", "placed_at": "2025-01-02T00:00:00Z", "currency": "USD"}
        await call("PUT", f"/v1/orders/o-{number}", {**order, "lines": [LINE]})
        grant = {"credits": 100_000, "reason": "bench"}
        await call("POST", f"/v1/customers/c-{number}/adjustments", grant, uuid.uuid4().hex)
    for number in range(TICKETS):
        await call("PUT", f"/v1/tickets/T-{number}", {"customer_id": "c-1", "subject": "Help"})
    for number in range(BUYERS):
        order = {"customer_id": f"b-{number}", "placed_at": "2025-01-02T00:00:00Z", "currency": "USD"}
        await call("PUT", f"/v1/orders/b-{number}", {**order, "lines": [LINE, LICENSE]})
        grant = {"credits": 1_000_000, "reason": "bench"}
        await call("POST", f"/v1/customers/b-{number}/adjustments", grant, uuid.uuid4().hex)


async def served(url: str, key: str, only: str, *, first: bool) -> None:
    """Take a turn for each line that comes in, and print the CPU (ms) of each call."""
    from pydantic import SecretStr

    from app.main import create_app
    from app.settings import Settings

    settings = Settings(
        database_url=url,
        worker_in_process=False,
        log_level="error",
        data_dir=Path(os.environ["RETAINER_DATA_DIR"]),
        secret_key=SecretStr("bench-secret-0123456789-0123456789"),
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        call = Caller(app, key)
        if first:
            await fill(call)
        while sys.stdin.readline():
            found = {name: await timed(work) for name, work in lines(call).items() if only in name}
            print(json.dumps(found), flush=True)


def lines(call: Caller) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return what is measured, by name."""
    found: dict[str, Callable[[], Awaitable[Any]]] = {}
    for name, query in QUERIES.items():
        found[f"GraphQL {name}"] = functools.partial(call, "POST", "/graphql", {"query": query})
    for name, path in PATHS.items():
        found[f"REST {name}"] = functools.partial(call, "GET", path)
    found["GraphQL debit"] = lambda: call("POST", "/graphql", debit())
    work = Work(call)
    found["REST PUT order, new customer"] = lambda: work.order(uuid.uuid4().hex)
    found["REST PUT order, known customer"] = lambda: work.order(work.buyer())
    found["REST PUT ticket"] = work.ticket
    found["REST a ticket's life"] = work.life
    found["REST entitlement"] = functools.partial(call, "GET", "/v1/customers/b-1/entitlements/open_ticket")
    found["REST statement"] = functools.partial(call, "GET", "/v1/customers/b-1/statement")
    found["REST debit"] = lambda: call("POST", "/v1/customers/c-2/debits", {"credits": 1}, uuid.uuid4().hex)
    return found


class Work:
    """The main job: orders, tickets, responses and resolutions, spread over some customers."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self.turns = itertools.count()

    def buyer(self) -> str:
        """Return the next customer."""
        return f"b-{next(self.turns) % BUYERS}"

    async def order(self, customer_id: str) -> None:
        """Record an order of a pack of credits."""
        order = {"customer_id": customer_id, "placed_at": "2025-01-02T00:00:00Z", "currency": "USD", "lines": [LINE]}
        await self.call("PUT", f"/v1/orders/{uuid.uuid4().hex}", order)

    async def ticket(self) -> str:
        """Open a ticket: qualified, priced, held, its clock started."""
        name = uuid.uuid4().hex
        body = {"customer_id": self.buyer(), "subject": "Help", "channel": "helpdesk", "category": "domain_change"}
        await self.call("PUT", f"/v1/tickets/{name}", body)
        return name

    async def life(self) -> None:
        """Open a ticket, answer it and resolve it."""
        path = f"/v1/tickets/{await self.ticket()}"
        answer = {"author": "vendor", "kind": "service"}
        await self.call("POST", f"{path}/responses", answer, uuid.uuid4().hex)
        await self.call("POST", f"{path}/resolution", {"outcome": "answered", "cause": "question"}, uuid.uuid4().hex)


def debit() -> Any:
    """Return a debit as a mutation."""
    given = {"customerId": "c-2", "credits": 1, "idempotencyKey": uuid.uuid4().hex}
    return {"query": DEBIT, "variables": {"input": given}}


async def timed(work: Any, calls: int = 10) -> float:
    """Return the CPU of a call in milliseconds."""
    await work()
    began = time.process_time()
    for _ in range(calls):
        await work()
    return (time.process_time() - began) / calls * 1000


def child(at: Any, checkout: Path, only: str, *, first: bool) -> subprocess.Popen[str]:
    """Start the application of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "RETAINER_DATA_DIR": str(at.directory / "service")}
    command = [
        sys.executable,
        __file__,
        "--url",
        at.url,
        "--key",
        at.key,
        "--only",
        only,
        *(["--fill"] if first else []),
    ]
    return subprocess.Popen(
        command, cwd=checkout, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def turn(process: subprocess.Popen[str]) -> dict[str, float]:
    """Let one take its turn."""
    if process.stdin is None or process.stdout is None:
        raise SystemExit("the application has no pipes")
    process.stdin.write("go\n")
    process.stdin.flush()
    found: dict[str, float] = json.loads(process.stdout.readline())
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--only", default="", help="a word of the lines' names")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--url")
    parser.add_argument("--key")
    parser.add_argument("--fill", action="store_true")
    given = parser.parse_args()
    if given.url:
        asyncio.run(served(given.url, given.key, given.only, first=given.fill))
        return
    from bench.service import ground

    with ground(customers=100) as at:
        processes = [child(at, one, given.only, first=not n) for n, one in enumerate([ROOT, given.beside]) if one]
        rounds: list[list[dict[str, float]]] = [[] for _ in processes]
        for process in processes:
            turn(process)
        for _ in range(given.rounds):
            for process, found in zip(processes, rounds, strict=True):
                found.append(turn(process))
        for process in processes:
            process.kill()
    for name in rounds[0][0]:
        print(f"{name:32}", *(f"{min(one[name] for one in found):8.2f}" for found in rounds))


if __name__ == "__main__":
    main()
