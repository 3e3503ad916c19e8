"""`retainer verify-ledger`: recompute every balance from the entries; not zero when anything differs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from app.commands.base import database
from app.db.engine import Database, Tx
from app.settings import Settings
from app.usecases.reports import audit

STRETCH: Final = 5.0
"""Seconds of one snapshot; a long one would keep the database from clearing up."""

Told = Callable[[str, int, str | None], None]
"""Told after each stretch: the tenant, customers looked at so far, the last one (None at the end)."""


async def verify(
    url: str, tenant_ids: list[str] | None = None, *, after: str = "", told: Told | None = None
) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """Customers looked at and differences found, by tenant (all of them unless named). ``after``: go on behind this
    customer of ours, as an earlier run told it."""
    db = Database(url, pool_size=1)
    try:
        answer: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        for tenant_id in tenant_ids or await db.tenant_ids():
            customers, found = 0, list[dict[str, Any]]()
            place: str | None = after
            while place is not None:

                async def look(tx: Tx, place: str = place) -> audit.Stretch:
                    return await audit.look(tx, place, seconds=STRETCH)

                stretch = await db.read(tenant_id, look)
                customers, place = customers + stretch.customers, stretch.reached
                found += [row for row in stretch.found if row not in found]
                if told is not None:
                    told(tenant_id, customers, place)
            answer[tenant_id] = customers, found
        return answer
    finally:
        await db.close()


def run(
    tenant: Annotated[list[str] | None, typer.Argument(help="Tenants to look at; all unless named.")] = None,
    after: Annotated[str, typer.Option(help="Go on behind this customer, as a run that was broken off told it.")] = "",
) -> None:
    """Recompute the ledger from its entries and compare."""
    if after and len(tenant or ()) != 1:
        raise typer.BadParameter("--after goes on in one tenant: name it", param_hint="--after")
    began = time.monotonic()

    def told(tenant_id: str, customers: int, place: str | None) -> None:
        if place is not None:
            seconds = time.monotonic() - began
            said = f"{tenant_id}: {customers} customers after {seconds:.0f} s; to go on from here: --after {place}"
            print(said, file=sys.stderr, flush=True)

    with database(Settings.read()) as settings:
        assert settings.database_url is not None  # noqa: S101 - what `database` is for
        answer = asyncio.run(verify(settings.database_url, tenant, after=after, told=told))
    broken = 0
    for tenant_id, (customers, found) in answer.items():
        broken += len(found)
        print(f"{tenant_id}: {customers} customers, {len(found)} differences")
        for row in found:
            print(f"  {row['invariant']}: {row['subject']} should be {row['expected']}, is {row['found']}")
    if broken:
        raise typer.Exit(1)
