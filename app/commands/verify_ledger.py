"""`retainer verify-ledger`: recompute every balance from the entries; not zero when anything differs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from app.commands.base import existing, plain
from app.commands.remote import refused
from app.db.engine import Database, Tx
from app.domain.values.errors import DomainError
from app.settings import Settings
from app.usecases.reports import audit

STRETCH: Final = 4_000
"""Customers of one snapshot, some seconds; a long one would keep the database from clearing up."""
AT_ONCE: Final = 2
"""Stretches that are looked at at the same time."""

Report = Callable[[str, int, str | None], None]
"""Told after each stretch: the tenant, customers looked at so far, the place reached (None at the end)."""


async def verify(
    url: str,
    tenant_ids: list[str] | None = None,
    *,
    after: str = "",
    at_once: int = AT_ONCE,
    report: Report | None = None,
) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """Customers looked at and differences found, by tenant (all of them unless named). ``after``: go on behind this
    customer of ours, as an earlier run told it."""
    db = Database(url, pool_size=at_once + 1)
    try:
        answer: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        for tenant_id in tenant_ids or await db.tenant_ids():
            customers, found = 0, list[dict[str, Any]]()
            place: str | None = after
            while place is not None:
                stretches, place = await _next(db, tenant_id, place, at_once)
                customers += sum(stretch.customers for stretch in stretches)
                found += [row for stretch in stretches for row in stretch.found if row not in found]
                if report is not None:
                    report(tenant_id, customers, place)
            answer[tenant_id] = customers, found
        return answer
    finally:
        await db.close()


async def _next(db: Database, tenant_id: str, after: str, at_once: int) -> tuple[list[audit.Stretch], str | None]:
    """The next stretches, looked at together, and where they end: None at the end of the tenant."""

    async def ends(tx: Tx) -> list[str]:
        return await audit.places(tx, after, number=at_once, customers=STRETCH)

    async def look(begin: str, end: str | None) -> audit.Stretch:
        return await db.read(tenant_id, lambda tx: audit.look(tx, begin, end))

    places = await db.read(tenant_id, ends)
    bounds: list[str | None] = [*places] if len(places) == at_once else [*places, None]
    begins = [after, *places]
    stretches = await asyncio.gather(*(look(pair, end) for pair, end in zip(begins, bounds, strict=False)))
    return stretches, bounds[-1] or stretches[-1].reached


def run(
    tenant: Annotated[list[str] | None, typer.Argument(help="Tenants to look at; all unless named.")] = None,
    after: Annotated[str, typer.Option(help="Go on behind this place, as a run that was broken off told it.")] = "",
) -> None:
    """Recompute the ledger from its entries and compare."""
    if after and len(tenant or ()) != 1:
        raise typer.BadParameter("--after goes on in one tenant: name it", param_hint="--after")
    began = time.monotonic()

    def report(tenant_id: str, customers: int, place: str | None) -> None:
        if place is not None:
            seconds = time.monotonic() - began
            text = f"{tenant_id}: {customers} customers after {seconds:.0f} s; to go on from here: --after {place}"
            print(text, file=sys.stderr, flush=True)

    with existing(Settings.read()) as settings:
        assert settings.database_url is not None  # noqa: S101 - what `existing` is for
        try:
            answer = asyncio.run(verify(settings.database_url, tenant, after=after, report=report))
        except DomainError as error:
            raise refused(error) from None
    broken = 0
    for tenant_id, (customers, found) in answer.items():
        broken += len(found)
        print(f"{tenant_id}: {customers} customers, {len(found)} differences")
        for row in found:
            words = f"{row['invariant']}: {row['subject']} should be {row['expected']}, is {row['found']}"
            print(f"  {plain(words)}")
    if broken:
        raise typer.Exit(1)
