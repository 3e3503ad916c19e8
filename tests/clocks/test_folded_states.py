"""The state that a daily promise keeps is held against its events by the audit, after months as after a day."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.db.ledger.invariants import CLOCK_STATES
from app.usecases.reports import audit
from tests.clocks.test_shopp_week import shopp_ticket
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import act

CHANGES = (
    "folded || '{\"due\": 1}'",
    'folded || \'{"window": "2024-01-02"}\'',
    'folded || \'{"outcome": "met"}\'',
    "folded || '{\"cycle\": 7}'",
    "folded || '{\"version\": 1}'",
    'folded || \'{"handled": "2030-01-01"}\'',
    'folded || \'{"covered": ["2030-01-01"]}\'',
)


async def folding(app: FastAPI, shop: Vendor) -> int:
    """How many clocks of the tenant keep a state."""
    database: Database = app.state.house.database
    async with database.reading(shop.tenant_id) as tx:
        found = await tx.connection.exec_driver_sql(
            f"select count(*) from clock where tenant_id = '{shop.tenant_id}' and folded is not null"
        )
        return int(found.scalar_one())


async def lived(vendor: MakeVendor) -> Vendor:
    """A ticket that is owed each business day: answered, paused, told late, and then left alone for months."""
    shop, ticket = await shopp_ticket(vendor)
    await act(shop, ticket, "qualification", {"decision": "accept", "note": "looked at"})
    await shop.move_clock("2025-11-25T20:00:00Z")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service", "public": True})
    await shop.move_clock("2025-12-02T12:00:00Z")
    late = {"author": "vendor", "kind": "service", "public": True, "occurred_at": "2025-11-26T21:00:00Z"}
    await act(shop, ticket, "responses", late)
    await shop.move_clock("2026-03-04T23:30:00Z")
    return shop


async def test_it_is_what_the_events_come_to_whatever_happened(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await lived(vendor)
    assert await folding(app, shop) == 1
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


@pytest.mark.parametrize("change", CHANGES)
async def test_another_state_is_seen(app: FastAPI, vendor: MakeVendor, change: str) -> None:
    shop = await lived(vendor)
    database: Database = app.state.house.database
    async with database.transaction(shop.tenant_id, validate_only=True) as tx:
        await tx.connection.exec_driver_sql("set local role none")
        await tx.connection.exec_driver_sql(
            f"update clock set folded = {change} where folded is not null and tenant_id = '{shop.tenant_id}'"
        )
        await tx.connection.exec_driver_sql("set local role retainer_app")
        assert CLOCK_STATES in {row["invariant"] for row in (await audit.recompute(tx))[1]}
