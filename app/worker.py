"""The second composition root: what nobody asks for and must happen all the same.

One question finds the tenants that have something due (`app.db.due`), and one process takes each for a turn. A turn
does, in this order:

- what is due on the agenda (of real tenants; sandboxes move by their own clock)
- positions for committed events (decision 0022)
- further ``jobs`` such as deliveries

It runs in the service's own process by default, and in one of its own by ``retainer worker``. Any number of them at
once is safe, since rows are claimed under locks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from app.db import agenda, due
from app.db.agenda import Handlers
from app.db.due import Turn
from app.db.engine import Database, Tx
from app.db.events import positions
from app.db.failures import Busy, Elsewhere, Retry, Unavailable
from app.documents.zones import TZDB_VERSION
from app.domain.values.errors import DomainError
from app.usecases.clocks import calendars, sweeps

logger = logging.getLogger("retainer.worker")

Job = Callable[[Database, str], Awaitable[int]]
"""Does some work for a tenant, in bounded batches and transactions of its own; how much it did (0: nothing to do).

Its attribute ``due`` says of what kind it is (`app.db.due`); without one it is done in every turn.
"""
LOOK_SECONDS: Final = 0.2
"""Between two looks at what is due. A commit in this process that makes something due is followed by a look at once."""
REST: Final = timedelta(seconds=0.2)
"""How long a tenant that had something to do is left alone after its turn."""
RETRY: Final = timedelta(seconds=2)
"""How long it is left alone after a turn that failed."""
ZONES_SECONDS: Final = 0.02
"""For each tenant, in which it is compared with zone data that no process had before."""
TURN_ROWS_MAX: Final = 500
"""Agenda rows of one tenant in one turn; then the others have theirs."""
TENANTS_CONCURRENT_MAX: Final = 2
"""Tenants served at the same time, so that one with much to do does not hold up the rest (nor take the whole pool)."""


@dataclass(slots=True)
class WorkerMetrics:
    """Of this process, for ``/metrics`` and ``/readyz``. ``turns``: tenants served; ``rounds``: looks at the table."""

    rounds: int = 0
    turns: int = 0
    failures: int = 0
    positions: int = 0
    jobs: dict[str, int] = field(default_factory=dict)


METRICS: Final = WorkerMetrics()


async def run_worker(db: Database, handlers: Handlers, stop_event: asyncio.Event, *, jobs: Sequence[Job] = ()) -> None:
    """Works until ``stop_event`` is set. Faults of one tenant, or of the database, are logged and tried again."""
    worker = _Worker(db, handlers, jobs, stop_event)
    db.on_due(worker.wake.set)
    try:
        await worker.run()
    finally:
        db.on_due(None)


class _Worker:
    """Takes tenants that have something due, a few at a time."""

    def __init__(self, db: Database, handlers: Handlers, jobs: Sequence[Job], stop_event: asyncio.Event) -> None:
        self.wake = asyncio.Event()
        self._db, self._handlers, self._jobs, self._stop = db, handlers, jobs, stop_event
        self._turns: set[asyncio.Task[None]] = set()
        self._begun = False

    async def run(self) -> None:
        while not self._stop.is_set():
            self.wake.clear()
            try:
                if not self._begun:
                    await self._begin()
                free = TENANTS_CONCURRENT_MAX - len(self._turns)
                for turn in await due.claim(self._db, free) if free and await due.anything(self._db) else ():
                    task = asyncio.create_task(self._serve(turn))
                    self._turns.add(task)
                    task.add_done_callback(self._served)
            except (Unavailable, Retry) as error:
                logger.warning("the worker cannot ask what is due: %s", error)
                METRICS.failures += 1
            except Exception as error:  # a worker that ends lets everything wait, and nobody sees it
                logger.error("the worker cannot ask what is due, and asks again", exc_info=error)
                METRICS.failures += 1
            METRICS.rounds += 1
            await self._pause()
        if self._turns:
            await asyncio.wait(self._turns)

    async def _begin(self) -> None:
        """See to it that no tenant is without upkeep, and that all are compared with this process's zone data."""
        await due.keep_up(self._db)
        within = timedelta(seconds=ZONES_SECONDS * len(await self._db.tenant_ids()))
        await due.compare_zones(self._db, TZDB_VERSION, within=within)
        self._begun = True

    def _served(self, task: asyncio.Task[None]) -> None:
        self._turns.discard(task)
        if not task.cancelled():
            task.exception()

    async def _pause(self) -> None:
        """Wait until something was made due, a turn has ended, or it is time to look anyway."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self.wake)]
        full = len(self._turns) >= TENANTS_CONCURRENT_MAX
        if full:
            waits.pop().cancel()
        try:
            await asyncio.wait(
                [*waits, *self._turns] if full else waits,
                timeout=None if full else LOOK_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for wait in waits:
                wait.cancel()

    async def _serve(self, turn: Turn) -> None:
        METRICS.turns += 1
        kinds = turn.kinds or frozenset({due.LOOK})
        try:
            await _take_turn(self._db, turn, kinds, self._handlers, self._jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            _log(turn.tenant_id, error)
            METRICS.failures += 1
            gone = isinstance(error, DomainError) and error.code == "tenant_not_found"
            try:
                if gone:
                    await due.forget(self._db, turn.tenant_id)
                elif not isinstance(error, Elsewhere):  # what moves is not touched; where it lives, its turn falls due
                    await due.put_back(self._db, turn, kinds, pause=RETRY)
            except (Unavailable, Retry) as lost:
                logger.warning("tenant %s comes up again after its lease: %s", turn.tenant_id, lost)


def _log(tenant_id: str, error: Exception) -> None:
    if isinstance(error, DomainError):
        logger.info("tenant %s: %s", tenant_id, error.code)
    elif isinstance(error, Unavailable | Busy | Retry):
        logger.warning("the worker could not serve tenant %s: %s", tenant_id, error)
    else:
        logger.error("the worker failed for tenant %s", tenant_id, exc_info=error)


async def _take_turn(db: Database, turn: Turn, kinds: frozenset[str], handlers: Handlers, jobs: Sequence[Job]) -> None:
    """Do what is due of these kinds, then say when to look at the tenant again."""
    tenant_id = turn.tenant_id
    if kinds & {due.ZONES, due.UPKEEP}:
        await calendars.recompute_after_tzdb_change(db, tenant_id)
    done = await run_once(db, tenant_id, handlers, jobs=jobs, kinds=kinds)
    more = done >= TURN_ROWS_MAX

    async def end_turn(tx: Tx) -> None:
        if due.LOOK in kinds:
            await due.later(tx, due.LOOK, due.LOOK_EVERY)
        if due.UPKEEP in kinds:
            await due.later(tx, due.UPKEEP, due.UPKEEP_SOON if done else due.UPKEEP_EVERY)
        pause = timedelta(0) if more else REST if done else RETRY / 4
        await due.end_turn(tx, turn, pause=pause, rest=REST if done and not more else timedelta(0))

    await db.run(tenant_id, end_turn)


async def run_once(
    db: Database,
    tenant_id: str,
    handlers: Handlers,
    *,
    jobs: Sequence[Job] = (),
    kinds: frozenset[str] = due.EVERYTHING,
) -> int:
    """One turn of a tenant, for these kinds of what is due: sweep, positions, jobs. How much was done."""

    async def look(tx: Tx) -> tuple[bool, bool]:
        following, unplaced = await agenda.state(tx)
        return not tx.tenant.virtual and following is not None and following <= tx.at, unplaced

    done = 0
    chosen = set(kinds)
    if chosen & {due.AGENDA, due.EVENTS}:
        is_due, unplaced = await db.read(tenant_id, look)
        done = await sweeps.fire_due(db, tenant_id, handlers, limit=TURN_ROWS_MAX) if is_due else 0
        if unplaced or done:
            placed = await positions.assign(db, tenant_id)
            METRICS.positions += placed
            done += placed
            chosen.add(due.WEBHOOKS)
    wanted_jobs = [job for job in jobs if getattr(job, "due", None) in {None, *chosen}]
    # Side by side: an event need not wait for what a shop has sent.
    counts = await asyncio.gather(*(job(db, tenant_id) for job in wanted_jobs), return_exceptions=True)
    for job, count in zip(wanted_jobs, counts, strict=True):
        if isinstance(count, BaseException):
            raise count
        name = getattr(job, "__name__", "job")
        METRICS.jobs[name] = METRICS.jobs.get(name, 0) + count
        done += count
    return done
