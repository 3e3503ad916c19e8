"""`retainer verify-ledger`: recompute every balance from the entries; not zero when anything differs."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from app.commands.base import database
from app.db.engine import Database, Tx
from app.settings import Settings
from app.usecases.reports import audit


async def verify(url: str, tenant_ids: list[str] | None = None) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """Customers looked at and differences found, by tenant (all of them unless named)."""
    db = Database(url, pool_size=1, statement_timeout_ms=600_000)
    try:
        answer: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        for tenant_id in tenant_ids or await db.tenant_ids():

            async def look(tx: Tx) -> tuple[int, list[dict[str, Any]]]:
                return await audit.recompute(tx)

            answer[tenant_id] = await db.read(tenant_id, look)
        return answer
    finally:
        await db.close()


def run(
    tenant: Annotated[list[str] | None, typer.Argument(help="Tenants to look at; all unless named.")] = None,
) -> None:
    """Recompute the ledger from its entries and compare."""
    with database(Settings.read()) as settings:
        assert settings.database_url is not None  # noqa: S101 - what `database` is for
        answer = asyncio.run(verify(settings.database_url, tenant))
    broken = 0
    for tenant_id, (customers, found) in answer.items():
        broken += len(found)
        print(f"{tenant_id}: {customers} customers, {len(found)} differences")
        for row in found:
            print(f"  {row['invariant']}: {row['subject']} should be {row['expected']}, is {row['found']}")
    if broken:
        raise typer.Exit(1)
