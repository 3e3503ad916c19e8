"""The main job: orders, tickets, responses and resolutions, and the reads of shop and helpdesk, each as a load.

Beside each write stand the rows that it writes, as one SQL function under pgbench (`main_job.sql`), and beside a
ticket the one of an ordinary FastAPI service with the SQLAlchemy ORM (`ordinary.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from bench.doors import Caller
from bench.lines import Line, load
from bench.load import Result, request, run
from bench.service import DESK, DESK_CUSTOMERS, ORDINARY_KEY, Ground, cpu_of_postgres, pgbench

PLACED = "2026-01-05T00:00:00Z"
LICENSE = {"line_id": "1", "sku": "license", "quantity": 1}
PACK = {"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"}
TICKET = {"subject": "Install it", "channel": "helpdesk", "category": "level_2"}
SEVERE = {"subject": "It stands still", "priority": "p2"}
EXTENDED = {"line_id": "1", "sku": "extended-support", "quantity": 1}
BY_SEVERITY = "PUT ticket by severity"
"""A ticket under a policy of severities; it may cost at most `BY_SEVERITY_MOST` times the CPU of one under X-Cart."""
BY_SEVERITY_MOST = 1.2
RESPONSE = {"author": "vendor", "kind": "service"}
RESOLUTION = {"outcome": "answered", "cause": "question"}
PAGE = (
    "query($id: ID!) { customer(customerId: $id) { customerId"
    " licenses { licenseId sku } covers { coverId state endsAt }"
    " balance { available held unit lots { lotId available expiresAt } }"
    " tickets(first: 20) { nodes { ticketId subject state openedAt clocks { clockId milestone phase dueAt } } } } }"
)
ECHO = "echo"
READS = {
    "GET customer": "/v1/customers/{who}",
    "GET statement": "/v1/customers/{who}/statement",
    "GET entitlement": "/v1/customers/{who}/entitlements/open_ticket",
    "GET ticket": "/v1/tickets/first-{who}",
    "GET balance": "/v1/customers/{who}/balance",
}
GRAPHQL_PAGE = "GraphQL customer's page"
PER_CUSTOMER = f"\\set n random(0, {DESK_CUSTOMERS - 1})\n"
SQL = {
    "PUT ticket": PER_CUSTOMER + "select bench_ticket('s' || :n, '{salt}-' || nextval('bench_turn'));\n",
    "POST response": "select bench_respond('{salt}-' || nextval('bench_turn'));\n",
    "POST resolution": "select bench_resolve('{salt}-' || nextval('bench_turn'));\n",
    "PUT order": PER_CUSTOMER + "select bench_order('s' || :n, '{salt}-' || nextval('bench_turn'));\n",
}
WRITES = tuple(SQL)


def now() -> str:
    """Return the present, as a shop says it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def who() -> str:
    """Return a customer's id."""
    return f"s{random.randrange(DESK_CUSTOMERS)}"  # noqa: S311 - which customer


class Requests:
    """The requests of a tenant."""

    def __init__(self, key: str, severity: str = "") -> None:
        self.key = key
        self.severity = severity
        self.salt = os.urandom(4).hex()
        self.fresh = itertools.count()

    def send(self, method: str, path: str, body: Any = None, *, keyed: bool = False, key: str = "") -> bytes:
        """Return a request."""
        raw = b"" if body is None else json.dumps(body).encode()
        note = f"{self.salt}-{next(self.fresh)}" if keyed else None
        return request(method, path, key or self.key, body=raw, idempotency_key=note)

    def first_order(self, customer: str) -> bytes:
        """Return an order of a license."""
        body = {"customer_id": customer, "placed_at": PLACED, "currency": "USD", "lines": [LICENSE]}
        return self.send("PUT", f"/v1/orders/first-{customer}", body)

    def first_ticket(self, customer: str) -> bytes:
        """Return the ticket that is read later."""
        return self.ticket_of(customer, f"first-{customer}")

    def ticket_of(self, customer: str, name: str) -> bytes:
        """Return a ticket of a customer: qualified, priced, held, its clock started."""
        return self.send("PUT", f"/v1/tickets/{name}", {"customer_id": customer, **TICKET})

    def order(self, _: int = 0) -> bytes:
        """Return an order of a pack of credits, of a customer who has ordered before."""
        body = {"customer_id": who(), "placed_at": PLACED, "currency": "USD", "lines": [PACK]}
        return self.send("PUT", f"/v1/orders/{self.salt}-{next(self.fresh)}", body)

    def ticket(self, _: int = 0) -> bytes:
        """Return a ticket of any customer."""
        return self.ticket_of(who(), f"{self.salt}-{next(self.fresh)}")

    def extended(self, customer: str) -> bytes:
        """Return an order of a plan with severities."""
        body = {"customer_id": customer, "placed_at": now(), "currency": "EUR", "lines": [EXTENDED]}
        return self.send("PUT", f"/v1/orders/first-{customer}", body, key=self.severity)

    def severe(self, _: int = 0) -> bytes:
        """Return a ticket of any customer with a severity."""
        body = {"customer_id": who(), **SEVERE}
        return self.send("PUT", f"/v1/tickets/{self.salt}-{next(self.fresh)}", body, key=self.severity)

    def response(self, ticket: str) -> bytes:
        """Return a response, which stops the clock."""
        return self.send("POST", f"/v1/tickets/{ticket}/responses", RESPONSE, keyed=True)

    def resolution(self, ticket: str) -> bytes:
        """Return a resolution, which captures what is held."""
        return self.send("POST", f"/v1/tickets/{ticket}/resolution", RESOLUTION, keyed=True)

    def read(self, name: str) -> bytes:
        """Return a read."""
        if name == ECHO:
            return self.send("POST", "/bench/echo", {"credits": 1})
        if name == GRAPHQL_PAGE:
            return self.send("POST", "/graphql", {"query": PAGE, "variables": {"id": who()}})
        return self.send("GET", READS[name].format(who=who()))

    def ordinary(self, _: int = 0) -> bytes:
        """Return the same ticket for the ordinary service."""
        body = json.dumps({"customer_id": who(), **TICKET}).encode()
        return request("PUT", f"/tickets/{self.salt}-{next(self.fresh)}", ORDINARY_KEY, body=body)


class MainJob:
    """Measures the lines of the main job."""

    def __init__(self, at: Ground, seconds: float, connections: int, clients: int = 32, warm: float = 0.5) -> None:
        self.at = at
        self.seconds = seconds
        self.connections = connections
        self.clients = clients
        self.warm = warm
        self.requests = Requests(at.desk, at.severity)
        self.open: dict[str, list[str]] = {}
        self.in_sql: tuple[str, int] = ("", 0)

    async def fill(self, url: str) -> None:
        """Give each customer a license and a ticket, and let Postgres count them, as it does within a minute."""
        for make in (self.requests.first_order, self.requests.first_ticket, self.requests.extended):
            found = await run(url, lambda n, make=make: make(f"s{n - 1}"), connections=8, seconds=300,
                              most=DESK_CUSTOMERS)  # fmt: skip
            if set(found.statuses) - {200, 201}:
                raise RuntimeError(f"the main job's customers could not be made: {found.statuses}")
        # Else statements are planned for the empty tables of before, and scan what an index finds.
        connection = await asyncpg.connect(self.at.plain)
        await connection.execute("vacuum analyze")
        await connection.close()

    async def over_http(self, name: str, url: str, parent: int) -> Result:
        """Measure a line of the service, or of the ordinary one."""
        if name in ("POST response", "POST resolution"):
            return await self._of_open(name, url, parent)
        if name.startswith("ordinary"):
            return await self._load(url, parent, self.requests.ordinary)
        if name == "PUT order":
            return await self._load(url, parent, self.requests.order)
        if name == BY_SEVERITY:
            return await self._load(url, parent, self.requests.severe)
        if name == "PUT ticket":
            found = await self._load(url, parent, self.requests.ticket, keep=True)
            self.open["POST response"] = [json.loads(body)["ticket_id"] for body in found.bodies if b'"clocks"' in body]
            self.open["POST resolution"] = list(self.open["POST response"])
            return found
        return await self._load(url, parent, lambda _: self.requests.read(name))

    async def _load(self, url: str, parent: int, make: Callable[[int], bytes], **more: Any) -> Result:
        return await load(
            self.at, parent, url, make, connections=self.connections, seconds=self.seconds, warm=self.warm, **more
        )

    async def _of_open(self, name: str, url: str, parent: int) -> Result:
        """Answer or resolve the tickets that were opened last, each once."""
        make = self.requests.response if name == "POST response" else self.requests.resolution
        ids = self.open[name]
        return await load(
            self.at, parent, url, lambda n: make(ids[n - 1]), connections=self.connections, seconds=60, warm=0,
            most=len(ids),
        )  # fmt: skip

    async def as_sql(self, name: str, most: int | None = None) -> tuple[float, float]:
        """Measure the same rows as one SQL function, ``most`` times if given: how many a second, CPU (ms) of each."""
        if name in ("PUT ticket", "PUT order"):
            self.in_sql = (f"q{os.urandom(4).hex()}", 0)
        await self._turn(1)
        salt, many = self.in_sql
        before = cpu_of_postgres(self.at)
        script = SQL[name].replace("{salt}", salt)
        most = many if name.startswith("POST") else most
        rate = await asyncio.to_thread(
            pgbench, self.at, script, clients=self.clients, seconds=max(1, self.seconds), tenant=DESK, most=most
        )
        done = await self._turn(None) - 1
        if not name.startswith("POST"):
            self.in_sql = (salt, done)
        return rate, (cpu_of_postgres(self.at) - before) * 1000 / max(1, done)

    async def written(self) -> tuple[int, int]:
        """Return the bytes that Postgres has written to its journal so far, and those of the database."""
        connection = await asyncpg.connect(self.at.plain)
        try:
            row = await connection.fetchrow(
                "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, pg_database_size(current_database())"
            )
            return int(row[0]), int(row[1])
        finally:
            await connection.close()

    async def version(self) -> str:
        """Return the version of Postgres."""
        connection = await asyncpg.connect(self.at.plain)
        try:
            return str(await connection.fetchval("show server_version")).split()[0]
        finally:
            await connection.close()

    async def _turn(self, start: int | None) -> int:
        """Set or read the number that the next SQL call takes."""
        connection = await asyncpg.connect(self.at.plain)
        try:
            statement = "select setval('bench_turn', $1, false)" if start else "select nextval('bench_turn')"
            return int(await connection.fetchval(statement, *([start] if start else [])))
        finally:
            await connection.close()


async def round_trips(at: Ground) -> dict[str, int]:
    """Count the round trips of each call, a transaction's begin and end included."""
    from pydantic import SecretStr

    from app.main import create_app
    from app.settings import Settings
    from tests.support.statements import sent

    settings = Settings(
        database_url=at.url,
        worker_in_process=False,
        log_level="error",
        data_dir=Path(at.directory / "service"),
        secret_key=SecretStr("bench-secret-0123456789-0123456789"),
    )
    app, found = create_app(settings), {}
    note = os.urandom(4).hex()
    calls: dict[str, tuple[str, str, Any]] = {
        "PUT order": ("PUT", f"/v1/orders/{note}", {"customer_id": "s1", "placed_at": PLACED, "currency": "USD",
                                                    "lines": [PACK]}),
        "PUT ticket": ("PUT", f"/v1/tickets/{note}", {"customer_id": "s1", **TICKET}),
        "POST response": ("POST", f"/v1/tickets/{note}/responses", RESPONSE),
        "POST resolution": ("POST", f"/v1/tickets/{note}/resolution", RESOLUTION),
        **{name: ("GET", path.format(who="s1"), None) for name, path in READS.items()},
        GRAPHQL_PAGE: ("POST", "/graphql", {"query": PAGE, "variables": {"id": "s1"}}),
    }  # fmt: skip
    async with app.router.lifespan_context(app):
        call = Caller(app, at.desk)
        for path in READS.values():
            await call("GET", path.format(who="s2"))
        for name, (method, path, body) in calls.items():
            with sent(app.state.house.database) as statements:
                await call(method, path, body, f"{note}-{name}" if method == "POST" else None)
            # A key that is not known yet, or no longer, is looked up first.
            looked_up = [number for number, line in enumerate(statements, 1) if "FROM api_key" in line]
            found[name] = len(statements[max(looked_up, default=0) :]) + 2
    return found


def matching(pattern: re.Pattern[str], names: tuple[str, ...]) -> list[str]:
    """Return the lines that were asked for; a response needs the ticket before it."""
    wanted = [name for name in names if pattern.search(name)]
    if any(name.startswith("POST") for name in wanted) and "PUT ticket" not in wanted:
        wanted.insert(0, "PUT ticket")
    return wanted


def note(line: Line, rate: float, cpu: float) -> None:
    """Take in a repeat of a SQL function."""
    line.rates.append(rate)
    line.cpu_postgres.append(cpu)
