"""The webhook dispatcher: makes deliveries of placed events and sends them, many at once, in order for each customer.

One turn of a tenant claims nothing by itself: it starts a runner for each endpoint that has something due and goes on,
so that a receiver that hangs holds up nobody but itself. Rows are claimed by lease, sent outside any transaction, and
written afterwards; a dispatcher killed in between leaves a lease that lapses, and the event goes out again with its id.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from app.connectors.webhooks.sender import Sender, body_of, signed_headers
from app.db.engine import Database, Tx
from app.db.events import events
from app.db.failures import Busy, Retry, Unavailable
from app.db.minting import mint
from app.db.secrets import Cipher, SealBroken
from app.db.webhooks import upkeep, webhooks
from app.domain.events.webhook_retry import JITTER_PERCENT, Attempt, Outcome, judge
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, jsonable
from app.views.event_types import TEST

logger = logging.getLogger("retainer.webhooks")

LEASE: Final = timedelta(seconds=60)
"""Longer than any attempt can take."""
LEASED_DELIVERIES_MAX: Final = 6
"""Deliveries claimed, and sent, at once; each of another lane."""
RUNNER_SENDS_CONCURRENT_MAX: Final = 2
"""Such batches of one endpoint at the same time, of one tenant, of this process."""
TENANT_SENDS_CONCURRENT_MAX: Final = 8
SENDS_CONCURRENT_MAX: Final = 24
RETENTION_EVERY: Final = timedelta(hours=1)
BATCH: Final = 500
MEASURED_EVERY: Final = 10.0
"""Seconds between two counts of what waits."""

Clock = Callable[[], datetime]
Jitter = Callable[[], int]


def any_jitter() -> int:
    """Thousandths of the wait, either way."""
    return random.randint(-10 * JITTER_PERCENT, 10 * JITTER_PERCENT)  # noqa: S311 - only spreads the load


@dataclass(slots=True)
class DispatcherMetrics:
    """Of this process, for ``/metrics``. The gauges by tenant are as of its last turn."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    gave_up: int = 0
    disabled: int = 0
    in_flight: int = 0
    tenants: dict[str, dict[str, float]] = field(default_factory=dict)

    def sample(self) -> list[tuple[str, str, str, float]]:
        """(name, help, kind, value), as `app.api.observability.Figures` asks."""
        waiting = list(self.tenants.values())
        return [
            ("retainer_webhook_attempts", "Attempts made", "counter", self.sent),
            ("retainer_webhook_delivered", "Deliveries made", "counter", self.delivered),
            ("retainer_webhook_failures", "Attempts that failed", "counter", self.failed),
            ("retainer_webhook_given_up", "Deliveries given up", "counter", self.gave_up),
            ("retainer_webhook_in_flight", "Attempts under way", "gauge", self.in_flight),
            ("retainer_webhook_pending", "Deliveries that wait", "gauge", sum(row["pending"] for row in waiting)),
            (
                "retainer_webhook_oldest_seconds",
                "Age of the oldest delivery that waits",
                "gauge",
                max((row["oldest_seconds"] for row in waiting), default=0),
            ),
            (
                "retainer_webhook_lag_seconds",
                "How late the latest due delivery is",
                "gauge",
                max((row["lag_seconds"] for row in waiting), default=0),
            ),
        ]


METRICS: Final = DispatcherMetrics()


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
        self._db, self._sender, self._cipher = db, sender, cipher
        self._clock, self._jitter, self._lease = clock, jitter, lease
        self._keep_deliveries, self._keep_events = keep_deliveries, keep_events
        self.metrics = metrics
        self._token = f"{os.getpid()}:{mint('cou')}"
        self._runners: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(SENDS_CONCURRENT_MAX)
        self._tenant_slots: dict[str, asyncio.Semaphore] = {}
        self._swept: dict[str, datetime] = {}
        self._measured: dict[str, float] = {}

    # --- the worker's job ---------------------------------------------------------------------------------------------

    async def deliveries(self, db: Database, tenant_id: str) -> int:
        """The worker's job (`app.worker.Job`): fans events out and starts runners; never waits for a receiver."""
        behind, due = await self._db.read(tenant_id, self._look)
        made = 0
        if behind:
            made = await self.fan_out(tenant_id, behind)
            _, due = await self._db.read(tenant_id, self._look)
        await self._measure(tenant_id)
        for endpoint_id in due:
            key = (tenant_id, endpoint_id)
            if key not in self._runners or self._runners[key].done():
                self._runners[key] = asyncio.create_task(self._run(tenant_id, endpoint_id))
        return made

    async def _look(self, tx: Tx) -> tuple[list[str], list[str]]:
        now = self._clock() if self._clock else None
        return await webhooks.behind(tx), await webhooks.ready(tx, now)

    async def _measure(self, tenant_id: str) -> None:
        """Counts what waits, now and then: that looks at every row that does."""
        if time.monotonic() - self._measured.get(tenant_id, float("-inf")) < MEASURED_EVERY:
            return
        self._measured[tenant_id] = time.monotonic()
        now = self._clock() if self._clock else None
        self.metrics.tenants[tenant_id] = await self._db.read(tenant_id, lambda tx: upkeep.figures(tx, now))

    async def fan_out(self, tenant_id: str, behind: list[str]) -> int:
        """Makes deliveries of all placed events; how many events were looked at."""
        total = 0
        now = self._clock() if self._clock else None
        for endpoint_id in behind:
            for _ in range(BATCH):
                done = await self._db.run(tenant_id, functools.partial(_fan_out, endpoint_id=endpoint_id, now=now))
                total += done
                if done < webhooks.FAN_OUT:
                    break
        return total

    async def retention(self, db: Database, tenant_id: str) -> int:
        """The worker's job: removes what has been kept long enough, at most every hour."""
        now = self._clock() if self._clock else await self._db.read(tenant_id, webhooks.clock)
        swept = self._swept.get(tenant_id)
        if swept is not None and now - swept < RETENTION_EVERY:
            return 0
        self._swept[tenant_id] = now
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
        await asyncio.gather(*self._runners.values())
        return self.metrics.sent - before

    async def close(self, *, seconds: float = 5.0) -> None:
        """Lets what is under way finish for a moment, then stops; what was cut off goes out again after its lease."""
        tasks = [runner for runner in self._runners.values() if not runner.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._sender.close()

    # --- sending ------------------------------------------------------------------------------------------------------

    async def _run(self, tenant_id: str, endpoint_id: str) -> None:
        """Sends all that is due to one endpoint, a few at a time."""
        slots = self._tenant_slots.setdefault(tenant_id, asyncio.Semaphore(TENANT_SENDS_CONCURRENT_MAX))
        lines = (self._line(tenant_id, endpoint_id, slots) for _ in range(RUNNER_SENDS_CONCURRENT_MAX))
        for failed in await asyncio.gather(*lines, return_exceptions=True):
            if isinstance(failed, (Unavailable, Busy, Retry, DomainError)):
                logger.warning("deliveries to %s wait: %s", endpoint_id, failed)
            elif isinstance(failed, Exception):
                logger.error("deliveries to %s failed", endpoint_id, exc_info=failed)

    async def _line(self, tenant_id: str, endpoint_id: str, slots: asyncio.Semaphore) -> None:
        while True:
            async with slots, self._slots:
                if not await self._batch(tenant_id, endpoint_id):
                    return

    async def _batch(self, tenant_id: str, endpoint_id: str) -> bool:
        """Claims some deliveries, sends them, writes what came of each; False when none is due."""
        now = self._clock() if self._clock else None
        token = f"{self._token}:{mint('clm')}"

        async def take(tx: Tx) -> tuple[list[Row[Any]], webhooks.Endpoint | None, dict[str, Row[Any]]]:
            rows = await webhooks.claim(
                tx, endpoint_id, token=token, lease=self._lease, now=now, most=LEASED_DELIVERIES_MAX
            )
            if not rows:
                return [], None, {}
            found = await events.several(tx, [row.event_id for row in rows if row.payload is None])
            return rows, await webhooks.find(tx, endpoint_id), found

        rows, endpoint, found = await self._db.run(tenant_id, take)
        if endpoint is None:
            return False
        sends = (self._one(tenant_id, row, endpoint, found.get(row.event_id), token) for row in rows)
        for failed in await asyncio.gather(*sends, return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed
        return True

    async def _one(
        self, tenant_id: str, row: Row[Any], endpoint: webhooks.Endpoint, event: Row[Any] | None, token: str
    ) -> None:
        self.metrics.sent += 1
        self.metrics.in_flight += 1
        try:
            attempt = await self._attempt(tenant_id, row, endpoint, event)
        finally:
            self.metrics.in_flight -= 1
        await self._written(tenant_id, row, token, attempt)

    async def _attempt(
        self, tenant_id: str, row: Row[Any], endpoint: webhooks.Endpoint, event: Row[Any] | None
    ) -> Attempt | None:
        """Signs and sends; None when the event is no longer kept."""
        if event is not None:
            data = {
                **jsonable(event.data),
                "customer_id": event.customer_id,
                "sequence": event.sequence,
                "position": event.position,
            }
            body = body_of(event.type, iso(event.occurred_at), data, event_id=row.event_id)
        elif row.payload is not None:
            body = body_of(TEST, iso(row.at), row.payload, event_id=row.event_id)
        else:
            return None
        sealed, until = [endpoint.secret], endpoint.previous_until
        if endpoint.previous_secret is not None and until is not None and row.at < until:
            sealed.append(endpoint.previous_secret)
        try:
            secrets = [
                self._cipher.open(chunk, tenant_id=tenant_id, subject=f"endpoint/{endpoint.endpoint_id}")
                for chunk in sealed
            ]
        except SealBroken:
            return Attempt(None, "the secret cannot be read: RETAINER_SECRET_KEY has changed; rotate the secret")
        return await self._sender.send(endpoint.url, signed_headers(row.event_id, row.at, body, secrets), body)

    async def _written(self, tenant_id: str, row: Row[Any], token: str, made: Attempt | None) -> None:
        attempt = made or Attempt(None, "the event is no longer kept")
        outcome = (
            Outcome("lost", row.step, None)
            if made is None
            else judge(attempt, step=row.step, at=row.at, jitter_permille=self._jitter())
        )
        entry = {
            "at": iso(row.at),
            "status": attempt.status,
            "error": attempt.error,
            "duration_ms": attempt.duration_ms,
            "retry_after": attempt.retry_after,
            "response": attempt.response,
        }
        state = {"delivered": "delivered", "retry": "pending"}.get(outcome.verdict, "failed")

        async def write(tx: Tx) -> bool:
            known = await webhooks.record(
                tx, row, token=token, state=state, step=outcome.step, at=row.at, next_at=outcome.next_at, entry=entry
            )
            if known and outcome.verdict in ("gone", "exhausted"):
                reason = "receiver_gone" if outcome.verdict == "gone" else "retries_exhausted"
                self.metrics.disabled += await webhooks.disable(tx, row.endpoint_id, reason, row.at)
            return known

        await self._db.run(tenant_id, write)
        if outcome.verdict == "delivered":
            self.metrics.delivered += 1
        else:
            self.metrics.failed += 1
            self.metrics.gave_up += outcome.verdict != "retry"
            logger.info("delivery %s: %s, %s", row.delivery_id, attempt.error or attempt.status, outcome.verdict)


async def _fan_out(tx: Tx, *, endpoint_id: str, now: datetime | None) -> int:
    """One batch of an endpoint's deliveries."""
    return await webhooks.fan_out(tx, endpoint_id, now)
