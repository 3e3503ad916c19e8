"""A durable Postgres, the service as a process, callers who retry by key, and a proxy that cuts the wire."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
from sqlalchemy.engine import make_url

from app.commands.migrate import upgrade
from app.db.engine import Database
from app.embedded import EmbeddedPostgres
from app.usecases.credits.credit_command import CreditCommand
from app.usecases.credits.credits import apply
from app.usecases.reports import audit
from app.usecases.tenants import keys, tenants
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
TENANT = "faults"
ROUNDS = int(os.environ.get("RETAINER_FAULT_ROUNDS", "1"))
CUSTOMERS = [f"c{n}" for n in range(6)]
SEED = 1_000_000


@dataclass
class Harness:
    """The database and the port of the service."""

    directory: Path
    postgres: EmbeddedPostgres
    key: str = ""
    port: int = 0
    database_url: str = ""
    workers: int = 1
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def direct(self) -> str:
        """The URL of the server itself."""
        assert self.postgres.url is not None
        return self.postgres.url

    def start(self) -> None:
        """Starts the service."""
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "app.main:create_app",
                "--factory",
                "--host",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--loop",
                "uvloop",
                "--http",
                "httptools",
                "--no-access-log",
                "--log-level",
                "error",
                "--workers",
                str(self.workers),
            ],
            cwd=ROOT,
            start_new_session=True,
            env={
                **os.environ,
                "DATABASE_URL": self.database_url or self.direct,
                "RETAINER_OPERATOR_KEY": "rtn_op_faults-12345",
                "RETAINER_SECRET_KEY": "faults-secret-0123456789-0123456789",
                "RETAINER_DATA_DIR": str(self.directory / "s"),
                "RETAINER_LOG_LEVEL": "error",
                "RETAINER_WORKER_IN_PROCESS": "false",
                **self.environment,
            },
        )

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def restart_postgres(self) -> None:
        """An immediate shutdown (no checkpoint, no goodbye) and a start that recovers."""
        process = self.postgres._process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
        time.sleep(0.3)
        self.postgres.start()

    async def ready(self) -> None:
        """Waits until the service answers."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            for _ in range(900):
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("/livez")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        raise AssertionError("the service did not come up")


@contextlib.contextmanager
def harness() -> Iterator[Harness]:
    """A fresh one."""
    directory = Path(tempfile.mkdtemp(prefix="retainer-faults-"))
    directory.chmod(0o755)
    postgres = EmbeddedPostgres(directory, durable=True)
    made = Harness(directory, postgres)
    try:
        url = postgres.start()
        upgrade(url)
        made.key = asyncio.run(_found(url))
        made.port = free_port()
        yield made
    finally:
        made.kill()
        postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _found(url: str) -> str:
    database = Database(url, pool_size=2)
    async with database.founding(TENANT, actor="faults") as tx:
        await tenants.put(tx, tenants.PutTenant(policy="avactis"))
    made = await database.run(
        TENANT, lambda tx: keys.create(tx, scopes=["*"], label="f", expires_at=None, now=tx.at, options={})
    )
    seed = [
        CreditCommand(kind="adjust", customer_id=name, credits=SEED, reason="seed", key=f"seed-{name}")
        for name in CUSTOMERS
    ]
    await database.run(TENANT, lambda tx: apply(tx, seed))
    await database.close()
    return str(made["key"])


@dataclass
class Callers:
    """Callers who debit one credit at a time and retry each key until they are told."""

    at: Harness
    acknowledged: dict[str, str] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    problems: list[str] = field(default_factory=list)
    stopping: bool = False

    async def one(self, number: int) -> None:
        """One caller."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.at.port}", headers={"Authorization": f"Bearer {self.at.key}"}, timeout=10
        ) as client:
            while not self.stopping:
                key = uuid.uuid4().hex
                customer = CUSTOMERS[number % len(CUSTOMERS)]
                await self.until_told(client, key, customer)

    async def until_told(self, client: httpx.AsyncClient, key: str, customer: str) -> None:
        """Sends one command until its outcome is known."""
        until = time.monotonic() + 90
        while time.monotonic() < until:
            try:
                answer = await client.post(
                    f"/v1/customers/{customer}/debits", json={"credits": 1}, headers={"Idempotency-Key": key}
                )
            except httpx.HTTPError:
                self.lost += 1
                await asyncio.sleep(0.1)
                continue
            self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["hold_id"]
                return
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                self.problems.append(f"{answer.status_code} {answer.text[:300]}")
                return
            await asyncio.sleep(0.1)
        self.problems.append(f"never told about {key}")


@contextlib.asynccontextmanager
async def under_load(at: Harness, callers: int = 12) -> AsyncIterator[Callers]:
    """Load for the length of the block, then every caller is told, then everything is checked."""
    load = Callers(at)
    tasks = [asyncio.create_task(load.one(n)) for n in range(callers)]
    yield load
    load.stopping = True
    await asyncio.gather(*tasks)
    await check(load)


async def check(load: Callers) -> None:
    """Every acknowledged command is in the ledger once, nothing else is, callers saw 503 and never 500."""
    assert load.problems == []
    assert load.acknowledged
    assert set(load.statuses) <= {201, 503}
    database = Database(load.at.direct, pool_size=2)
    try:
        from sqlalchemy import text

        rows = await database.read(
            TENANT, lambda tx: tx.rows(text("select command_id, hold_id from operation where kind = 'debit'"))
        )
        assert {row[0]: row[1] for row in rows} == load.acknowledged
        assert len(rows) == len(load.acknowledged)
        spent = await database.read(TENANT, lambda tx: tx.row(text("select sum(spent) from account")))
        assert spent is not None
        assert spent[0] == len(load.acknowledged)
        _, found = await database.read(TENANT, audit.recompute)
        assert found == []
    finally:
        await database.close()


class Proxy:
    """A TCP proxy before Postgres that, now and then, swallows the answer to a COMMIT and hangs up; with ``silent`` it
    takes whatever is sent and passes nothing on, in either direction."""

    def __init__(self, url: str, *, every: int = 7) -> None:
        folder = make_url(url).query["host"]
        self.path = f"{folder}/.s.PGSQL.5432"
        self.every = every
        self.commits = 0
        self.cut = 0
        self.armed = False
        self.silent = False

    async def __aenter__(self) -> Proxy:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    def url(self, direct: str) -> str:
        """The database's URL by way of this proxy."""
        parsed = make_url(direct)
        return f"postgresql+asyncpg://{quote(str(parsed.username))}@127.0.0.1:{self.port}/{parsed.database}?ssl=disable"

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        while (data := await reader.read(65536)) and self.silent:
            pass
        return data

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_unix_connection(self.path)
        except OSError:
            writer.close()
            return
        swallow = asyncio.Event()

        async def outward() -> None:
            while data := await self._heard(reader):
                if b"COMMIT" in data:
                    self.commits += 1
                    if self.armed and self.commits % self.every == 0:
                        swallow.set()
                inner_writer.write(data)
                await inner_writer.drain()

        async def inward() -> None:
            while data := await self._heard(inner_reader):
                if swallow.is_set():
                    self.cut += 1
                    return
                writer.write(data)
                await writer.drain()

        tasks = [asyncio.create_task(outward()), asyncio.create_task(inward())]
        with contextlib.suppress(ConnectionError, OSError):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in (writer, inner_writer):
            with contextlib.suppress(Exception):
                one.close()
