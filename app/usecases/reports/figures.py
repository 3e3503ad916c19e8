"""Figures of all tenants together, measured when somebody looks and the last look is a while ago."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from app.db.engine import Database
from app.db.failures import Retry, Unavailable
from app.db.ops import figures
from app.domain.values.errors import DomainError

FRESH_SECONDS: Final = 15.0
SHARE: Final = 0.02
"""Of the time that is spent on looking: where a round over all tenants takes long, the next one comes later."""
FEW: Final = 50
"""So many tenants are waited for, up to `SECONDS_MAX`; of more, a scrape tells what is known by then."""
SECONDS_MAX: Final = 1.0
MANY_SECONDS_MAX: Final = 0.02


class Watch:
    """The last figures of each tenant. Sums only: no tenant and no customer is a label."""

    def __init__(self) -> None:
        self._last: dict[str, figures.TenantFigures] = {}
        self._round: asyncio.Task[None] | None = None
        self._fresh_until = float("-inf")
        self._tenants = 0

    async def look(self, db: Database) -> None:
        """Begins a round over all tenants when the last one is a while ago, and waits for it a moment.

        A database that cannot answer changes nothing: `/metrics` is what one looks at then.
        """
        if self._round is None and time.monotonic() >= self._fresh_until:
            self._fresh_until = time.monotonic() + FRESH_SECONDS  # others who scrape meanwhile begin no round
            try:
                known = await db.tenant_ids()
            except (Unavailable, Retry):
                return
            self._tenants = len(known)
            self._round = asyncio.create_task(self._look(db, known))
        if self._round is not None:
            await asyncio.wait({self._round}, timeout=SECONDS_MAX if self._tenants <= FEW else MANY_SECONDS_MAX)

    async def close(self) -> None:
        """Breaks a round off that is under way."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait({self._round})

    async def _look(self, db: Database, known: list[str]) -> None:
        began = time.monotonic()
        try:
            for gone in self._last.keys() - set(known):
                self._last.pop(gone)
            for tenant_id in known:
                await self._measure(db, tenant_id)
        except (Unavailable, Retry):
            return
        finally:
            ended = time.monotonic()
            self._fresh_until = ended + max(FRESH_SECONDS, (ended - began) / SHARE if self._tenants > FEW else 0.0)
            self._round = None

    async def _measure(self, db: Database, tenant_id: str) -> None:
        try:
            self._last[tenant_id] = await db.read(tenant_id, figures.of_tenant)
        except DomainError:  # the tenant is gone
            self._last.pop(tenant_id, None)

    def sample(self) -> Iterator[tuple[str, str, str, float]]:
        """For ``/metrics``: name, help, kind, value."""
        every = list(self._last.values())
        oldest = max((tenant_figures.oldest_seconds for tenant_figures in every), default=0.0)
        unplaced = sum(tenant_figures.unplaced for tenant_figures in every)
        yield "retainer_outbox_unplaced", "Events committed without a position yet", "gauge", unplaced
        yield "retainer_outbox_oldest_seconds", "Age of the oldest of them", "gauge", oldest
        breaches = sum(tenant_figures.breaches for tenant_figures in every)
        yield "retainer_sla_breaches", "Promised times that were missed", "counter", breaches
        parked = sum(tenant_figures.parked for tenant_figures in every)
        yield "retainer_deliveries_parked", "Deliveries that wait for a person", "gauge", parked
        waiting = max((tenant_figures.parked_seconds for tenant_figures in every), default=0.0)
        yield "retainer_deliveries_parked_oldest_seconds", "Age of the oldest of them", "gauge", waiting
        drift = sum(tenant_figures.drift for tenant_figures in every)
        yield "retainer_ledger_drift_points", "Credits by which balances differ from lots", "gauge", drift
