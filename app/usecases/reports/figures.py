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
SECONDS_MAX: Final = 1.0
"""A look takes no longer; the tenants that are left have their turn at the next one."""


class Watch:
    """The last figures of each tenant. Sums only: no tenant and no customer is a label."""

    def __init__(self) -> None:
        self._last: dict[str, figures.TenantFigures] = {}
        self._at: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def look(self, db: Database) -> None:
        """Measures what is older than `FRESH_SECONDS`, the oldest first. A database that cannot answer changes
        nothing: `/metrics` is what one looks at then."""
        async with self._lock:
            began = time.monotonic()
            try:
                async with asyncio.timeout(SECONDS_MAX):
                    known = await db.tenant_ids()
                    for gone in self._last.keys() - set(known):
                        self._last.pop(gone)
                    for tenant_id in sorted(known, key=lambda item: self._at.get(item, -1.0)):
                        if began - self._at.get(tenant_id, -FRESH_SECONDS) < FRESH_SECONDS:
                            break
                        self._at[tenant_id] = began
                        await self._measure(db, tenant_id)
            except (TimeoutError, Unavailable, Retry):
                return

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
