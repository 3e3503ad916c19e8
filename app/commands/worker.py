"""`retainer worker`: sweeps, event positions and deliveries in a process of their own.

For installations that serve with ``RETAINER_WORKER_IN_PROCESS=false``. Any number may run at once. Ctrl-C or SIGTERM
lets what is under way finish. With ``RETAINER_WORKER_METRICS_PORT`` its figures are told there.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from app import main, worker
from app.api.observability import Figures
from app.api.scraping import metrics_app
from app.commands.base import CommandError, database, database_errors
from app.db.engine import Database
from app.db.secrets import check_key
from app.serving.options import GUARDED
from app.settings import Settings
from app.usecases.agenda import HANDLERS

GRACE_SECONDS = 20.0
READERS_MAX = 50


def run() -> None:
    """Do what falls due (clocks, expiries, reminders), place events and deliver them, until told to stop."""
    settings, _ = Settings.read().with_secrets(create=False)
    with database(settings) as ready, _listening(ready) as listening, database_errors():
        asyncio.run(_work(ready, listening))
    print("retainer: the worker has stopped", flush=True)


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket | None]:
    """The port for figures, taken at once so that a clash is told; None where none is wanted."""
    port = settings.worker_metrics_port
    if port is None:
        yield None
        return
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        bound = socket.create_server((settings.host, port), family=family)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {settings.host}:{port}: {error.strerror}; set RETAINER_WORKER_METRICS_PORT"
        ) from None
    with bound:
        yield bound


class _Page(uvicorn.Server):
    """A server that leaves the signals to the worker."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


@contextlib.asynccontextmanager
async def _serving_metrics(settings: Settings, listening: socket.socket | None) -> AsyncIterator[None]:
    """Tells the figures of this process, where they are wanted, until it ends."""
    if listening is None:
        yield
        return
    figures = Figures()
    figures.samples.append(main.work_samples)
    config = uvicorn.Config(
        metrics_app(figures, settings.metrics_token),
        lifespan="off",
        limit_concurrency=READERS_MAX,
        timeout_graceful_shutdown=2,
        **GUARDED,
    )
    server = _Page(config)
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _work(settings: Settings, listening: socket.socket | None) -> None:
    assert settings.database_url is not None  # noqa: S101 - given by `database`
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    db = Database(
        settings.database_url,
        pool_size=settings.pool_size,
        application_name="retainer-worker",
        prepared_statements=settings.prepared_statements,
    )
    jobs = main.worker_jobs(settings)
    try:
        await db.check_start()
        await check_key(db, settings.secret_keys())
        async with _serving_metrics(settings, listening):
            print("retainer: the worker is at work", flush=True)
            task = asyncio.create_task(worker.run_worker(db, HANDLERS, stop, jobs=jobs))
            await stop.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(task, GRACE_SECONDS)
    finally:
        for job in jobs:
            if hasattr(job, "close"):
                await job.close()
        await db.close()
