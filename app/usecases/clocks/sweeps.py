"""Sweeps: everything on the agenda that is due happens, once, however many workers look and however late.

Each row is taken off and its handler run in one transaction under the customer's lock, so a crash at any statement
leaves both undone. Handlers judge by ideal instants (a breach bears its due time), so a late sweep writes what a timely
one would have. Work is proportional to what is due, never to what is open.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.db import agenda
from app.db.agenda import Batched, Handler, Handlers
from app.db.engine import Database, Tx
from app.db.failures import Busy, Elsewhere, Retry, Unavailable
from app.domain.account.changes import AgendaItem

__all__ = ["METRICS", "Backoff", "Handler", "Handlers", "SweepMetrics", "fire_due"]

logger = logging.getLogger("retainer.sweeps")
SCAN_ROWS_MAX: Final = 200
"""Rows looked at at once."""
BATCH_ROWS_MAX: Final = 100
"""Rows handled in one transaction, where their handler takes many at once (`agenda.Batched`)."""
ROWS_A_SECOND: Final = 220
"""How fast rows that may wait are handled while many are due, so that requests keep the machine."""
MAY_WAIT: Final = timedelta(minutes=8)
"""How late such rows may get before they are handled as fast as can be."""
_STRETCH: Final = 1.0
"""Seconds of such rows after which others have their turn."""
_WEIGHT: Final = 5
"""How many of those a row weighs that is handled by itself."""
_WAIT_MAX: Final = timedelta(minutes=5)
ACTOR: Final = "worker"


@dataclass(slots=True)
class SweepMetrics:
    """What the worker shows to whoever watches it: how far behind, how much done, what failed. Of this process."""

    fired: int = 0
    failed: int = 0
    skipped: int = 0
    lag_seconds: float = 0.0
    """How late the latest row was that was handled in the last sweep; 0 when nothing was due."""
    by_kind: dict[str, int] = field(default_factory=dict)

    def handled(self, item: AgendaItem, now: datetime) -> None:
        """Counts one row."""
        self.fired += 1
        self.by_kind[item.kind] = self.by_kind.get(item.kind, 0) + 1
        self.lag_seconds = max(self.lag_seconds, (now - item.at).total_seconds())


METRICS: Final = SweepMetrics()


@dataclass(slots=True)
class Backoff:
    """Rows whose handler failed wait longer each time, so that one bad row neither stops nor hides the others."""

    failures: dict[tuple[str, str, str], tuple[int, datetime]] = field(default_factory=dict)

    def waits(self, tenant_id: str, row: Any, now: datetime) -> bool:
        """Whether the row is not to be tried yet."""
        known = self.failures.get((tenant_id, row.kind, row.subject))
        return known is not None and now < known[1]

    def failed(self, tenant_id: str, row: Any, now: datetime) -> None:
        """Remembers one more failure."""
        key = (tenant_id, row.kind, row.subject)
        count = self.failures.get(key, (0, now))[0] + 1
        self.failures[key] = (count, now + min(timedelta(seconds=2**count), _WAIT_MAX))
        if len(self.failures) > 10_000:
            self.failures.pop(next(iter(self.failures)))

    def done(self, tenant_id: str, item: AgendaItem) -> None:
        """Forgets a row that went through."""
        self.failures.pop((tenant_id, item.kind, item.subject), None)


_BACKOFF: Final = Backoff()


async def fire_due(
    db: Database,
    tenant_id: str,
    handlers: Handlers,
    *,
    until: datetime | None = None,
    limit: int = 10_000,
    backoff: Backoff = _BACKOFF,
) -> int:
    """Fires what is due by now (or ``until``, never later than now) in a real tenant; how many rows.

    Ordered by (at, kind, subject), in bounded batches until nothing is left or ``limit`` is reached; several at once
    share the work. What a handler puts on the agenda for a time already past is fired in the same call. Rows whose
    customer is locked elsewhere and rows that fail are left for the next sweep.
    """
    fired = 0
    METRICS.lag_seconds = 0.0
    for _ in range(1 + limit // SCAN_ROWS_MAX):
        done, more = await _pass(db, tenant_id, handlers, until, limit - fired, backoff)
        fired += done
        if not more or not done or fired >= limit:
            break
    return fired


@dataclass(slots=True)
class _Pace:
    """How rows that may wait are handled where many are due: with rests, and with a turn of others after a while."""

    began: float = field(default_factory=time.monotonic)
    is_paced: bool = False

    async def rest(self, rows: Sequence[Any], handlers: Handlers, took: float, now: datetime) -> None:
        """Rest after a full batch of rows that may wait and are not late yet. ``took``: seconds of the batch."""
        if len(rows) < BATCH_ROWS_MAX or not all(_may_wait(handlers, row.kind) for row in rows):
            return
        self.is_paced = True
        if now - rows[0].at < MAY_WAIT:
            await asyncio.sleep(min(max(len(rows) / ROWS_A_SECOND - took, 0.0), 10 * took))

    @property
    def is_over(self) -> bool:
        """Whether others are to have their turn."""
        return self.is_paced and time.monotonic() - self.began >= _STRETCH


def _may_wait(handlers: Handlers, kind: str) -> bool:
    handler = handlers.get(kind)
    return isinstance(handler, Batched) and handler.may_wait


async def _others(
    db: Database, tenant_id: str, handlers: Handlers, until: datetime | None, limit: int, backoff: Backoff
) -> int:
    """Fire the first rows that may not wait, past those that may; how many."""
    without = [kind for kind in handlers if _may_wait(handlers, kind)]

    async def look(tx: Tx) -> tuple[Sequence[Any], datetime]:
        now = tx.at if until is None else min(until, tx.at)
        return await agenda.others_due(tx, now, without=without, limit=min(SCAN_ROWS_MAX, limit)), now

    rows, now = await db.read(tenant_id, look)
    ready = [row for row in rows if not backoff.waits(tenant_id, row, now)]
    return sum([await _fire(db, tenant_id, handlers, batch, now, backoff) for batch in _batches(ready, handlers)])


async def _pass(
    db: Database, tenant_id: str, handlers: Handlers, until: datetime | None, limit: int, backoff: Backoff
) -> tuple[int, bool]:
    """Once through all that is due; how many were fired, and whether there was anything at all."""
    after: agenda.Key | None = None
    fired, found_any = 0, False
    pace = _Pace()
    while fired < limit:
        start = after

        async def look(tx: Tx, start: agenda.Key | None = start) -> tuple[Sequence[Any], datetime]:
            if tx.tenant.virtual:
                return (), tx.at
            now = tx.at if until is None else min(until, tx.at)
            return await agenda.due(tx, now, after=start, limit=min(SCAN_ROWS_MAX, limit)), now

        rows, now = await db.read(tenant_id, look)
        if not rows:
            break
        found_any = True
        after = (rows[-1].at, rows[-1].kind, rows[-1].subject)
        ready = [row for row in rows if not backoff.waits(tenant_id, row, now)]
        for batch in _batches(ready, handlers):
            began = time.monotonic()
            fired += await _fire(db, tenant_id, handlers, batch, now, backoff)
            await pace.rest(batch, handlers, time.monotonic() - began, now)
        if pace.is_over:
            fired += await _others(db, tenant_id, handlers, until, SCAN_ROWS_MAX, backoff)
            return fired, False
        if len(rows) < SCAN_ROWS_MAX:
            break
    return fired, found_any


def _batches(rows: Sequence[Any], handlers: Handlers) -> Iterator[list[Any]]:
    """Cut rows into what one transaction handles, in their order."""
    batch: list[Any] = []
    weight = 0
    for row in rows:
        own = 1 if isinstance(handlers.get(row.kind), Batched) else _WEIGHT
        if weight + own > BATCH_ROWS_MAX:
            yield batch
            batch, weight = [], 0
        batch.append(row)
        weight += own
    if batch:
        yield batch


async def _set_aside(db: Database, tenant_id: str, row: Any, now: datetime, error: Exception) -> None:
    """Puts a row that failed off, where everybody can see it. What cannot be written now is tried at its next turn."""
    try:
        await db.run(tenant_id, lambda tx: agenda.set_aside(tx, row, now, error), actor=ACTOR)
    except Unavailable:
        logger.warning("agenda row %s of tenant %s could not be set aside", row.kind, tenant_id)


async def _fire(
    db: Database, tenant_id: str, handlers: Handlers, rows: Sequence[Any], now: datetime, backoff: Backoff
) -> int:
    """A few rows in one transaction; when one fails, each in its own."""

    async def work(tx: Tx) -> list[AgendaItem]:
        return await agenda.run_many(tx, await agenda.lock(tx, rows, wait=False), now, handlers)

    try:
        items = await db.run(tenant_id, work, actor=ACTOR)
    except (Unavailable, Busy, Retry, Elsewhere):
        raise
    except Exception as error:  # one bad row must not stop the sweep
        if len(rows) == 1:
            logger.exception("agenda row %s of tenant %s failed", rows[0].kind, tenant_id)
            METRICS.failed += 1
            backoff.failed(tenant_id, rows[0], now)
            await _set_aside(db, tenant_id, rows[0], now, error)
            return 0
        items = []
        failed = True
    else:
        failed = False
    if failed:
        return sum([await _fire(db, tenant_id, handlers, [row], now, backoff) for row in rows])
    METRICS.skipped += len(rows) - len(items)
    for item in items:
        METRICS.handled(item, now)
        backoff.done(tenant_id, item)
    return len(items)
