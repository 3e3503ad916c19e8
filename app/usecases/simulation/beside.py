"""A simulation beside the event loop: it computes for many seconds, in which everybody else is to be served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

import uvloop

from app.db.engine import Database
from app.domain.policy.policy import Policy
from app.usecases.simulation import draft as drafts
from app.views.simulation import PolicySimulation

_RUNS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="simulations")


async def simulate(
    db: Database, tenant_id: str, name: str, *, draft: Policy, start: datetime | None, end: datetime | None, limit: int
) -> PolicySimulation:
    """`app.usecases.simulation.draft.simulate` in a thread, with an event loop and a connection of its own. The
    connection is one of the tenant's."""

    async def run(made: Callable[[], Database]) -> PolicySimulation:
        own = made()
        try:
            return await drafts.simulate(own, tenant_id, name, draft=draft, start=start, end=end, limit=limit)
        finally:
            await own.close()

    async with db.lend(tenant_id) as made:
        return await asyncio.get_running_loop().run_in_executor(_RUNS, lambda: uvloop.run(run(made)))
