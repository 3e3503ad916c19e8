"""What the audit finds where a recurring grant brought something else than it yields."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.db.ledger.invariants import RECURRING
from app.usecases.reports import audit
from tests.recurring.shop import bought, vendor_under
from tests.support.vendors import sound


@pytest.mark.parametrize(
    "change",
    [
        "update recurring_grant set granted = granted + 1",
        "update recurring_grant set granted = granted - 1, emitted = emitted - 1",
        "update recurring_grant set terms = terms || '{\"credits\": 61}'",
        "update recurring_grant set spans = '[[\"2025-01-30T10:00:00Z\", null]]'",
        "update recurring_grant set terms = terms || '{\"gone\": true}'",
        "update lot set effective_at = effective_at + interval '1 second'",
        "update lot set data = data #- '{recurring}' where data #>> '{recurring,no}' = '1' and true",
    ],
)
async def test_an_interval_that_came_otherwise_is_seen(app: FastAPI, api: httpx.AsyncClient, change: str) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "keep")
    await shop.move_clock("2025-04-01T00:00:00Z")
    await sound(shop)
    database: Database = app.state.house.database
    async with database.transaction(shop.tenant_id, validate_only=True) as tx:
        await tx.connection.exec_driver_sql("set local role none")
        where = "and" if " where " in change else "where"
        await tx.connection.exec_driver_sql(f"{change} {where} tenant_id = '{shop.tenant_id}'")
        await tx.connection.exec_driver_sql("set local role retainer_app")
        assert RECURRING in {row["invariant"] for row in (await audit.recompute(tx))[1]}
