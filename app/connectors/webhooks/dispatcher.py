"""The dispatcher: makes deliveries of placed events and sends them, many at once, in order for each customer.

One turn of a tenant claims nothing by itself. It starts a runner for each endpoint that has something due, and goes on.
So a receiver that hangs holds up nobody but itself. Rows are claimed by lease, sent outside any transaction, and
written afterwards. A dispatcher killed in between leaves a lease that lapses. The event then goes out again with its
id.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from app.connectors.webhooks.metrics import METRICS, DispatcherMetrics
from app.connectors.webhooks.pace import Pace
from app.connectors.webhooks.runner import Runner, Tools
from app.connectors.webhooks.sender import Sender
from app.db import due
from app.db.engine import Database, Tx
from app.db.events import events
from app.db.failures import Busy, Retry, Unavailable
from app.db.minting import mint
from app.db.secrets import Cipher
from app.db.webhooks import upkeep, webhooks
from app.domain.events.webhook_retry import JITTER_PERCENT
from app.domain.values.errors import DomainError

logger = logging.getLogger("retainer.webhooks")

LEASE: Final = timedelta(seconds=60)
"""Longer than any lane of deliveries can take."""
RETENTION_EVERY: Final = 3600.0
"""Seconds between two looks for what has been kept long enough."""
BATCH: Final = 500
MEASURED_EVERY: Final = 10.0
"""Seconds between two counts of what waits."""
PACES_MAX: Final = 10_000
"""Endpoints of which it is remembered how they answered."""

Clock = Callable[[], datetime]
Jitter = Callable[[], int]


def any_jitter() -> int:
    """Thousandths of the wait, either way."""
    return random.randint(-10 * JITTER_PERCENT, 10 * JITTER_PERCENT)  # noqa: S311 - only spreads the load


class Dispatcher:
    """``clock``: the delivery clock, the database's unless given (tests); ``jitter``: thousandths of a wait."""

    def __init__(
        self,
        db: Database,
        sender: Sender,
        cipher: Cipher,
        *,
        clock: Clock | None = None,
        jitter: Jitter = any_jitter,
        lease: timedelta = LEASE,
        metrics: DispatcherMetrics = METRICS,
        keep_deliveries: timedelta = timedelta(days=30),
        keep_events: timedelta = timedelta(days=400),
    ) -> None:
        self._db, self._clock = db, clock
        self._keep_deliveries, self._keep_events = keep_deliveries, keep_events
        self.metrics = metrics
        self._tools = Tools(
            db=db,
            sender=sender,
            cipher=cipher,
            clock=clock,
            jitter=jitter,
            lease=lease,
            metrics=metrics,
            name=f"{os.getpid()}:{mint('dsp')}",
        )
        self._runners: dict[tuple[str, str], Runner] = {}
        self._paces: dict[tuple[str, str], Pace] = {}
        self._swept: dict[str, float] = {}
        self._measured: dict[str, float] = {}

    # --- the worker's job ---------------------------------------------------------------------------------------------

    async def deliveries(self, db: Database, tenant_id: str) -> int:
        """The worker's job (`app.worker.Job`): fans events out and starts runners; never waits for a receiver."""
        made, more = 0, True
        while more:
            done, more, ready = await self._db.run(tenant_id, self._look)
            made += done
            self._start(tenant_id, ready)
        await self._measure(tenant_id)
        return made

    async def _look(self, tx: Tx) -> tuple[int, bool, list[str]]:
        """Makes deliveries of placed events: how many events were looked at, whether there may be more, and the
        endpoints that have something due."""
        now = self._clock() if self._clock else None
        made, more = await webhooks.fan_out(tx, now)
        return made, more, await webhooks.ready(tx, now)

    def _start(self, tenant_id: str, endpoints: Iterable[str]) -> None:
        """Has a runner for each of these endpoints."""
        for endpoint_id in sorted(endpoints):
            key = (tenant_id, endpoint_id)
            if (runner := self._runners.get(key)) is not None:
                runner.poke()
                continue
            if len(self._paces) > PACES_MAX:
                self._paces.pop(next(iter(self._paces)))
            pace = self._paces.setdefault(key, Pace())
            runner = self._runners[key] = Runner(self._tools, tenant_id, endpoint_id, pace)
            runner.task = asyncio.create_task(self._run(key, runner))

    async def _run(self, key: tuple[str, str], runner: Runner) -> None:
        try:
            await runner.run()
        except (Unavailable, Busy, Retry, DomainError) as error:
            logger.warning("deliveries to %s wait: %s", runner.endpoint_id, error)
        except Exception:
            logger.exception("deliveries to %s failed", runner.endpoint_id)
        finally:
            if self._runners.get(key) is runner:
                del self._runners[key]
        try:
            await self._db.run(runner.tenant_id, due.refresh)
        except (Unavailable, Busy, Retry, DomainError) as error:
            logger.warning("when %s has its next attempt is found within the hour: %s", runner.endpoint_id, error)

    async def _measure(self, tenant_id: str) -> None:
        """Counts what waits, now and then: that looks at every row that does."""
        if time.monotonic() - self._measured.get(tenant_id, float("-inf")) < MEASURED_EVERY:
            return
        self._measured[tenant_id] = time.monotonic()
        now = self._clock() if self._clock else None
        self.metrics.tenants[tenant_id] = await self._db.read(tenant_id, lambda tx: upkeep.figures(tx, now))

    async def retention(self, db: Database, tenant_id: str) -> int:
        """The worker's job: removes what has been kept long enough, at most every hour."""
        if time.monotonic() - self._swept.get(tenant_id, float("-inf")) < RETENTION_EVERY:
            return 0
        self._swept[tenant_id] = time.monotonic()
        now = self._clock() if self._clock else await self._db.read(tenant_id, webhooks.clock)
        removed = await self._remove(tenant_id, upkeep.purge, now - self._keep_deliveries)
        return removed + await self._remove(tenant_id, events.purge, now - self._keep_events)

    async def _remove(self, tenant_id: str, purge: Any, before: datetime) -> int:
        removed = 0
        for _ in range(20):
            done = int(await self._db.run(tenant_id, lambda tx: purge(tx, before, limit=BATCH)))
            removed += done
            if done < BATCH:
                break
        return removed

    async def drain(self, tenant_id: str) -> int:
        """Everything that is due now, to the end, for tests and for a last turn; how many attempts."""
        before = self.metrics.sent
        await self.deliveries(self._db, tenant_id)
        while tasks := self._tasks():
            await asyncio.gather(*tasks)
        return self.metrics.sent - before

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [runner.task for runner in self._runners.values() if runner.task is not None]

    async def close(self, *, seconds: float = 5.0) -> None:
        """Lets what is under way finish for a moment, then stops; what was cut off goes out again after its lease."""
        if tasks := self._tasks():
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._tools.sender.close()
