"""How long deliveries are kept as they came: they hold names and addresses, and nobody needs them for ever."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.db.engine import Database, Tx
from app.db.inbound import inbox
from app.db.webhooks import webhooks

SWEEP_INTERVAL: Final = 3600.0
BATCH: Final = 500
BATCHES_MAX: Final = 20
"""In one turn; then others have theirs."""


@dataclass(slots=True, kw_only=True)
class Retention:
    """``days``: what was acted on is emptied after so long, ``parked`` what waits for a person; ``rows``: what is empty
    is removed after so long. What is known of an order or ticket (no name, no address) stays."""

    days: timedelta
    parked: timedelta
    rows: timedelta
    _swept: dict[str, float] = field(default_factory=dict)

    async def housekeeping(self, db: Database, tenant_id: str) -> int:
        """The worker's job, at most every hour: how many deliveries were emptied or removed."""
        if time.monotonic() - self._swept.get(tenant_id, float("-inf")) < SWEEP_INTERVAL:
            return 0
        self._swept[tenant_id] = time.monotonic()
        return await self.sweep(db, tenant_id, await db.read(tenant_id, webhooks.clock))

    async def sweep(self, db: Database, tenant_id: str, now: datetime) -> int:
        """Empties and removes as of an instant of real time, in bounded batches."""

        async def empty(tx: Tx) -> int:
            return await inbox.empty_old(tx, now - self.days, now - self.parked, limit=BATCH)

        async def remove(tx: Tx) -> int:
            return await inbox.remove_old(tx, now - self.rows, limit=BATCH)

        return await self._all(db, tenant_id, empty) + await self._all(db, tenant_id, remove)

    async def _all(self, db: Database, tenant_id: str, work: Callable[[Tx], Awaitable[int]]) -> int:
        total = 0
        for _ in range(BATCHES_MAX):
            done = await db.run(tenant_id, work, actor="housekeeping")
            total += done
            if done < BATCH:
                break
        return total
