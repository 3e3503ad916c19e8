"""`retainer worker`: sweeps, event positions and deliveries in a process of their own.

For installations that serve with ``RETAINER_WORKER_IN_PROCESS=false``. Any number may run at once. Ctrl-C or SIGTERM
lets what is under way finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

from app import main, worker
from app.commands.base import database
from app.db.engine import Database
from app.settings import Settings

GRACE_SECONDS = 20.0


def run() -> None:
    """Do what falls due (clocks, expiries, reminders), place events and deliver them, until told to stop."""
    settings, _ = Settings.read().with_secrets(create=False)
    with database(settings) as ready:
        asyncio.run(_work(ready))
    print("retainer: the worker has stopped", flush=True)


async def _work(settings: Settings) -> None:
    assert settings.database_url is not None  # noqa: S101 - given by `database`
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    db = Database(settings.database_url, pool_size=settings.pool_size, application_name="retainer-worker")
    jobs = main.worker_jobs(settings)
    try:
        await db.check_role()
        print("retainer: the worker is at work", flush=True)
        task = asyncio.create_task(worker.run_worker(db, worker.agenda_handlers(), stop, jobs=jobs))
        await stop.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task, GRACE_SECONDS)
    finally:
        for job in jobs:
            if hasattr(job, "close"):
                await job.close()
        await db.close()
