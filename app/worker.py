"""The second composition root: what nobody asks for and must happen all the same.

For every tenant in turn: what is due on the agenda (real tenants; sandboxes move by their own clock), positions for
committed events (decision 0022), then further ``jobs`` such as deliveries. In the service's own process by default, in
one of its own by ``retainer worker``; any number of them at once is safe, since rows are claimed under locks.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.db import agenda
from app.db.agenda import Handlers
from app.db.engine import Database, Tx
from app.db.events import positions
from app.db.failures import Busy, Retry, Unavailable
from app.domain.values.errors import DomainError
from app.usecases.clocks import calendars, sweeps

logger = logging.getLogger("retainer.worker")

Job = Callable[[Database, str], Awaitable[int]]
"""Does some work for a tenant, in bounded batches and transactions of its own; how much it did (0: nothing to do)."""
SHORTEST: Final = 0.2
LONGEST: Final = 2.0
"""Seconds between two looks at a tenant: soon after there was something, later while there is nothing."""
TENANTS_SECONDS: Final = 1.0
TURN_ROWS_MAX: Final = 500
"""Agenda rows of one tenant in one turn; then the others have theirs."""
TENANTS_CONCURRENT_MAX: Final = 2
"""Tenants served at the same time, so that one with much to do does not hold up the rest (nor take the whole pool)."""


@dataclass(slots=True)
class _Turn:
    """When to look at a tenant again, and whether its clocks were compared with this process's zone data."""

    at: float = 0.0
    pause: float = SHORTEST
    zones_checked: bool = False


@dataclass(slots=True)
class WorkerMetrics:
    """Of this process, for ``/metrics`` and ``/readyz``."""

    rounds: int = 0
    failures: int = 0
    positions: int = 0
    last_round_at: float = 0.0
    jobs: dict[str, int] = field(default_factory=dict)


METRICS: Final = WorkerMetrics()


async def run_worker(db: Database, handlers: Handlers, stop_event: asyncio.Event, *, jobs: Sequence[Job] = ()) -> None:
    """Works until ``stop_event`` is set. Faults of one tenant, or of the database, are logged and tried again."""
    turns: dict[str, _Turn] = {}
    listed_at = float("-inf")
    slots = asyncio.Semaphore(TENANTS_CONCURRENT_MAX)
    while not stop_event.is_set():
        now = time.monotonic()
        if now - listed_at >= TENANTS_SECONDS:
            try:
                known = set(await db.tenant_ids())
                listed_at = now
                turns = {name: turns.get(name) or _Turn() for name in sorted(known)}
            except (Unavailable, Retry) as error:
                logger.warning("the worker cannot list tenants: %s", error)
                METRICS.failures += 1
                await _sleep(stop_event, LONGEST)
                continue
        ready = [turn_ for turn_, turn in turns.items() if turn.at <= now]
        await asyncio.gather(*(_serve(db, name, turns[name], handlers, jobs, slots, stop_event) for name in ready))
        METRICS.rounds += 1
        METRICS.last_round_at = time.time()
        soonest = min((turn.at for turn in turns.values()), default=now + LONGEST)
        await _sleep(stop_event, min(max(soonest - time.monotonic(), 0.02), TENANTS_SECONDS))


async def _serve(
    db: Database,
    tenant_id: str,
    turn: _Turn,
    handlers: Handlers,
    jobs: Sequence[Job],
    slots: asyncio.Semaphore,
    stop_event: asyncio.Event,
) -> None:
    async with slots:
        if stop_event.is_set():
            return
        try:
            if not turn.zones_checked:
                await calendars.recompute_after_tzdb_change(db, tenant_id)
                turn.zones_checked = True
            done = await run_once(db, tenant_id, handlers, jobs=jobs)
        except (Unavailable, Busy, Retry) as error:
            logger.warning("the worker could not serve tenant %s: %s", tenant_id, error)
            METRICS.failures += 1
            done = 0
        except DomainError as error:  # the tenant is gone
            logger.info("tenant %s: %s", tenant_id, error.code)
            done = 0
        except Exception:
            logger.exception("the worker failed for tenant %s", tenant_id)
            METRICS.failures += 1
            done = 0
    turn.pause = 0.0 if done >= TURN_ROWS_MAX else SHORTEST if done else min(max(turn.pause, SHORTEST) * 1.5, LONGEST)
    turn.at = time.monotonic() + turn.pause * random.uniform(0.8, 1.2)  # noqa: S311 - only spreads the load


async def run_once(db: Database, tenant_id: str, handlers: Handlers, *, jobs: Sequence[Job] = ()) -> int:
    """One turn of a tenant: sweep, positions, jobs. How much was done."""

    async def look(tx: Tx) -> tuple[bool, bool]:
        following, unplaced = await agenda.state(tx)
        return not tx.tenant.virtual and following is not None and following <= tx.at, unplaced

    due, unplaced = await db.read(tenant_id, look)
    done = await sweeps.fire_due(db, tenant_id, handlers, limit=TURN_ROWS_MAX) if due else 0
    if unplaced or done:
        placed = await positions.assign(db, tenant_id)
        METRICS.positions += placed
        done += placed
    # Side by side: an event need not wait for what a shop has sent.
    counts = await asyncio.gather(*(job(db, tenant_id) for job in jobs), return_exceptions=True)
    for job, count in zip(jobs, counts, strict=True):
        if isinstance(count, BaseException):
            raise count
        name = getattr(job, "__name__", "job")
        METRICS.jobs[name] = METRICS.jobs.get(name, 0) + count
        done += count
    return done


async def _sleep(stop_event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop_event.wait()
    except TimeoutError:
        pass
