"""Very many grants due at one instant: they come at a pace, and what is urgent does not wait behind them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.db.engine import Database
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import sweeps
from tests.faults.test_midnight import DAILY, TENANT, copied
from tests.recurring.shop import document
from tests.support import databases
from tests.support.api import Vendor, client_of

MANY = 230


async def due_at_once(app: FastAPI, api: httpx.AsyncClient, url: str) -> Vendor:
    """Customers whose second grant falls due at one instant, and a hold of somebody else that ends right after it."""
    body = {"policy": "allowances", "document": document(DAILY)}
    assert (await api.put(f"/v1/tenants/{TENANT}", json=body)).status_code == 201
    key = (await api.post(f"/v1/tenants/{TENANT}/keys", json={"scopes": ["*"]})).json()["key"]
    shop = Vendor(TENANT, "allowances", key, client_of(app, key), app)
    midnight = datetime.now(UTC) + timedelta(seconds=4)
    line = {"line_id": "1", "sku": "daily"}
    order = {"customer_id": "c0", "placed_at": (midnight - timedelta(days=1)).isoformat(), "currency": "EUR"}
    await shop.ok(await shop.put("/v1/orders/o0", {**order, "lines": [line]}))
    owner: Any = await databases.connect(url)
    await owner.execute("select set_config('app.tenant', $1, false)", TENANT)
    await copied(owner, MANY - 1)
    await owner.close()
    await shop.ok(await shop.post("/v1/customers/ann/adjustments", {"credits": 5, "reason": "a gift"}))
    ends = midnight + timedelta(milliseconds=500)
    await shop.ok(await shop.post("/v1/customers/ann/holds", {"credits": 5, "expires_at": ends.isoformat()}))
    await asyncio.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds() + 0.1))
    return shop


async def told_of(database: Database, type_: str) -> int:
    """How many events of a type there are, of the second day."""
    second = " and data ->> 'interval' = '2'" if type_ == "credits.granted" else ""
    async with database.reading(TENANT) as tx:
        found = await tx.connection.exec_driver_sql(
            f"select count(*) from outbox where tenant_id = '{TENANT}' and type = '{type_}'{second}"
        )
        return int(found.scalar_one())


async def test_what_may_wait_comes_at_a_pace_and_lets_others_go_first(
    app: FastAPI, api: httpx.AsyncClient, module_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await due_at_once(app, api, module_url)
    database: Database = app.state.house.database
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(sweeps.asyncio, "sleep", rest)
    monkeypatch.setattr(sweeps, "_STRETCH", 0.0)
    monkeypatch.setattr(sweeps, "ROWS_A_SECOND", 1)
    first = await sweeps.fire_due(database, TENANT, HANDLERS)
    assert first < MANY
    assert rests
    assert min(rests) > 0
    assert await told_of(database, "credits.granted") < MANY
    assert await told_of(database, "credits.released") == 1
    while await sweeps.fire_due(database, TENANT, HANDLERS):
        pass
    assert await told_of(database, "credits.granted") == MANY
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    await shop.close()


async def test_what_is_late_already_comes_as_fast_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    class Row:
        kind = "credits.recurring"
        at = datetime(2025, 3, 3, tzinfo=UTC)

    monkeypatch.setattr(sweeps.asyncio, "sleep", rest)
    rows = [Row()] * sweeps.BATCH_ROWS_MAX
    await sweeps._Pace().rest(rows, HANDLERS, 0.1, Row.at + sweeps.MAY_WAIT)
    assert rests == []
    await sweeps._Pace().rest(rows, HANDLERS, 0.1, Row.at + timedelta(seconds=1))
    assert rests == [pytest.approx(sweeps.BATCH_ROWS_MAX / sweeps.ROWS_A_SECOND - 0.1)]
    await sweeps._Pace().rest(rows[:-1], HANDLERS, 0.1, Row.at)
    assert len(rests) == 1
