"""What is measured: Postgres with durable settings, a tenant, customers with credits, and the service in processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from fastapi import FastAPI, Request, Response
from sqlalchemy.engine import make_url

from app.api.deps import authenticate
from app.commands.migrate import upgrade
from app.db.engine import Database
from app.documents.policy_document import load_policy
from app.embedded import EmbeddedPostgres, find_bin_dir
from app.main import create_app
from app.usecases.credits import credits as ledger
from app.usecases.tenants import keys, tenants

TENANT = "bench"
CUSTOMERS = 10_000
DESK = "desk"
"""The tenant of the main job: X-Cart's policy, which prices a ticket, holds its credits and starts a clock."""
DESK_CUSTOMERS = 500
SEVERITY = "severity"
"""The tenant whose tickets have severities: HiveMQ's policy, where the plan and the priority say the promise."""
SEVERITY_POLICY = "hivemq"
ROOT = Path(__file__).resolve().parent.parent
SQL = tuple(Path(__file__).with_name(name) for name in ("debit.sql", "main_job.sql"))
ORDINARY_KEY = "ordinary-0123456789"


@dataclass
class Ground:
    """The database under measurement and a key for it."""

    url: str
    key: str
    desk: str
    severity: str
    directory: Path

    @property
    def plain(self) -> str:
        """The URL for asyncpg and pgbench."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextlib.contextmanager
def ground(*, customers: int = CUSTOMERS, desk: int = DESK_CUSTOMERS) -> Iterator[Ground]:
    """A migrated database with a tenant in real time and customers who have a million credits each."""
    directory = Path(tempfile.mkdtemp(prefix="retainer-bench-"))
    directory.chmod(0o755)
    try:
        with EmbeddedPostgres(directory, durable=True) as postgres:
            assert postgres.url is not None
            upgrade(postgres.url)
            yield Ground(postgres.url, *asyncio.run(_found(postgres.url, customers, desk)), directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _found(url: str, customers: int, desk: int) -> tuple[str, str, str]:
    database = Database(url, pool_size=4)
    made = []
    try:
        text = (ROOT / "docs" / "examples" / f"{SEVERITY_POLICY}.yaml").read_text("utf-8")
        founded = (
            (TENANT, tenants.PutTenant(policy="avactis"), None, "c", customers),
            (DESK, tenants.PutTenant(policy="x-cart"), None, "s", desk),
            (SEVERITY, tenants.PutTenant(policy=SEVERITY_POLICY, document=text), load_policy(text), "s", 0),
        )
        for tenant, command, own, letter, many in founded:
            async with database.founding(tenant, actor="bench") as tx:
                await tenants.put(tx, command, own=own)
            answer = await database.run(
                tenant, lambda tx: keys.create(tx, scopes=["*"], label="bench", expires_at=None, now=tx.at, options={})
            )
            made.append(str(answer["key"]))
            for first in range(0, many, 100):
                seed = [
                    ledger.CreditCommand(
                        kind="adjust", customer_id=f"{letter}{n}", credits=1_000_000, reason="bench", key=f"seed-{n}"
                    )
                    for n in range(first, min(first + 100, many))
                ]
                await database.run(tenant, lambda tx, seed=seed: ledger.apply(tx, seed))  # type: ignore[misc]
    finally:
        await database.close()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    for path in SQL:
        await connection.execute(path.read_text())
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()
    return made[0], made[1], made[2]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def service(at: Ground, *, workers: int = 1, worker: bool = False) -> Iterator[tuple[str, int]]:
    """The service over HTTP: its URL and the process id of the parent. ``worker``: with its background work.

    It logs at `info`, the default, into a file.
    """
    environment = {
        "RETAINER_OPERATOR_KEY": "rtn_op_bench-0123456789",
        "RETAINER_SECRET_KEY": "bench-secret-0123456789-0123456789",
        "RETAINER_DATA_DIR": str(at.directory / "service"),
        "RETAINER_LOG_LEVEL": "info",
        "RETAINER_WORKER_IN_PROCESS": str(worker).lower(),
    }
    more = ["--factory", "--no-access-log", "--log-level", "warning"]
    with _served(at, "bench.service:app", workers, environment, more, "/livez") as found:
        yield found


@contextlib.contextmanager
def ordinary(at: Ground, *, workers: int = 1) -> Iterator[tuple[str, int]]:
    """`bench.ordinary` in the same way, with the access log that uvicorn writes."""
    environment = {"ORDINARY_KEY": ORDINARY_KEY}
    with _served(at, "bench.ordinary:app", workers, environment, ["--log-level", "info"], "/openapi.json") as found:
        yield found


@contextlib.contextmanager
def _served(
    at: Ground, name: str, workers: int, environment: dict[str, str], more: list[str], probe: str
) -> Iterator[tuple[str, int]]:
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    with (at.directory / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", name, *options, "--loop", "uvloop", "--http", "httptools", *more],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": at.url, **environment},
            start_new_session=True,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(url + probe, process)
        yield url, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_ready(probe: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(900):
        if process.poll() is not None:
            raise RuntimeError("the service ended at its start")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(probe, timeout=1)
            time.sleep(0.7)
            return
        time.sleep(0.1)
    raise RuntimeError("the service did not come up")


def app() -> FastAPI:
    """The application, with an echo beside it that has the same authentication and middleware."""
    made = create_app()

    @made.post("/bench/echo")
    async def echo(request: Request) -> Response:
        await authenticate(request)
        return Response(await request.body(), media_type="application/json")

    made.router.routes.insert(0, made.router.routes.pop())  # as near as the busiest door
    beats = _Beats()

    @made.post("/bench/stretch")
    async def stretch() -> dict[str, float]:
        return {"seconds": beats.longest()}

    return made


class _Beats:
    """How long the event loop's thread computed between two beats, at most: not shorter than one stretch of it."""

    def __init__(self) -> None:
        self._longest = self._before = 0.0
        self._beating: asyncio.Task[None] | None = None

    def longest(self) -> float:
        """The longest since the last question, in seconds of a core; the first question begins it."""
        if self._beating is None:
            self._before = time.thread_time()
            self._beating = asyncio.create_task(self._beat())
        found, self._longest = self._longest, 0.0
        return found

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.002)
            now = time.thread_time()
            self._longest, self._before = max(self._longest, now - self._before), now


def memory(parent: int) -> int:
    """The largest resident size of the serving processes, in MiB."""
    sizes = []
    for one in [parent, *children(parent)]:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
            sizes += [int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:")]
    return max(sizes, default=0)


def children(parent: int) -> list[int]:
    """The processes below a process."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            for one in (task / "children").read_text().split():
                found += [int(one), *children(int(one))]
    return found


_HERTZ = os.sysconf("SC_CLK_TCK")


def _cpu(process: int, *, reaped: bool) -> float:
    """CPU seconds of a process, to the nanosecond, and of its children that have ended, in steps of 10 ms."""
    try:
        own = time.clock_gettime(_clock_of(process))
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return own + (sum(int(one) for one in fields[13:15]) / _HERTZ if reaped else 0.0)


def _clock_of(process: int) -> int:
    """The clock of a process' CPU, as `clock_getcpuclockid` makes it: Python has that for threads only."""
    return (~process << 3) | 2


def cpu_of_postgres(at: Ground) -> float:
    """CPU seconds that the server has used so far, all its processes together."""
    return cpu_of_server(int((at.directory / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]))


def cpu_of_server(parent: int) -> float:
    """CPU seconds that a Postgres has used so far, with those of its processes that have ended. ``parent``: its first
    process."""
    return _cpu(parent, reaped=True) + sum(_cpu(one, reaped=False) for one in children(parent))


def cpu_of_service(parent: int) -> float:
    """CPU seconds that the serving processes have used so far."""
    return sum(_cpu(one, reaped=False) for one in [parent, *children(parent)])


def pgbench(
    at: Ground, script: str, *, clients: int, seconds: float, tenant: str = TENANT, most: int | None = None
) -> float:
    """Transactions a second of a pgbench script, on the same server: for so many seconds, or ``most`` in all."""
    program = find_bin_dir(None) / "pgbench"
    found = str(program) if program.exists() else shutil.which("pgbench")
    if found is None:
        raise RuntimeError("there is no pgbench")
    path = at.directory / "script.sql"
    path.write_text(script)
    url = make_url(at.url)
    host = url.query.get("host") or url.host or ""
    environment = {**os.environ, "PGOPTIONS": f"-c role=retainer_app -c app.tenant={tenant}"}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    length = ["-T", str(int(seconds))] if most is None else ["-t", str(max(1, most // clients))]
    load = ["-n", "-M", "prepared", "-f", str(path), "-c", str(clients), "-j", "2", *length]
    where = ["-h", str(host), "-p", str(url.port or 5432), "-U", str(url.username), str(url.database)]
    done = subprocess.run([found, *load, *where], capture_output=True, text=True, env=environment, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    raise RuntimeError(done.stdout + done.stderr)
