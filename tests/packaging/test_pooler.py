"""Behind pgbouncer in transaction mode the service is the same service: role, timeouts, plans, ledger and answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from app.commands.doctor import _ask
from app.commands.migrate import upgrade
from app.db.address import canonical
from app.db.engine import Database
from app.db.failures import StartRefused
from app.main import create_app, prepare
from tests.support.api import SECRET_KEY, client_of, make_vendor, running, settings_for
from tests.support.databases import open_to_postgres
from tests.support.servers import Server, pooler

pytestmark = [
    pytest.mark.packaging,
    pytest.mark.skipif(
        not Path("/usr/sbin/pgbouncer").exists(), reason="no pgbouncer is installed (on Debian: pgbouncer)"
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = open_to_postgres(tmp_path_factory.mktemp("pooled"))
    with Server(folder, "127.0.0.41") as started:
        started.found()
        upgrade(canonical(started.dsn))
        yield started


@pytest.fixture(scope="module")
def pooled(server: Server) -> Iterator[str]:
    with pooler(server, server.data_dir) as url:
        yield canonical(url)


@pytest_asyncio.fixture(scope="module")
async def app(pooled: str) -> AsyncIterator[FastAPI]:
    settings = settings_for(pooled, prepared_statements=False, pool_size=12)
    await prepare(settings, pooled)
    async with running(create_app(settings)) as started:
        yield started


async def test_a_transaction_is_the_same_as_on_a_direct_connection(server: Server, pooled: str) -> None:
    asked = text(
        "select current_user, current_setting('statement_timeout'), current_setting('lock_timeout'),"
        " current_setting('enable_seqscan'), current_setting('plan_cache_mode'), current_setting('timezone')"
    )
    found = []
    for url, prepared in ((canonical(server.dsn), True), (pooled, False)):
        database = Database(url, pool_size=2, prepared_statements=prepared)
        async with database.bare() as connection:
            found.append(tuple((await connection.execute(asked)).one()))
        await database.close()
    assert found[0] == found[1] == ("retainer_app", "20s", "3s", "off", "force_generic_plan", "UTC")


async def test_nothing_of_a_transaction_is_left_on_the_connection_for_the_next(app: FastAPI, pooled: str) -> None:
    database = Database(pooled, pool_size=1, prepared_statements=False)
    async with database.transaction("avactis") as tx:
        assert tx.tenant_id == "avactis"
    async with database.engine.connect() as connection:
        left = (await connection.execute(text("select current_user, current_setting('app.tenant', true)"))).one()
    await database.close()
    assert tuple(left) in {("vendor", ""), ("vendor", None)}


async def test_readiness_and_the_doctor_are_content(app: FastAPI, pooled: str) -> None:
    async with client_of(app, None) as client:
        ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "warnings": []})
    assert [one.what for one in await _ask(pooled, (SECRET_KEY,)) if one.fix is not None] == []


async def test_an_order_a_ticket_and_many_debits_at_once_end_in_a_sound_ledger(app: FastAPI) -> None:
    vendor = await make_vendor(app, "avactis")
    order = {
        "customer_id": "clara",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license-owned", "quantity": 1}],
    }
    assert (await vendor.put("/v1/orders/1", order)).status_code == 201
    ticket = {"customer_id": "clara", "subject": "s", "channel": "helpdesk", "category": "domain_change"}
    opened = await vendor.put("/v1/tickets/T-1", ticket)
    assert opened.json()["state"] == "in_progress"

    async def debit(number: int) -> httpx.Response:
        return await vendor.post("/v1/customers/clara/debits", {"credits": 1}, key=f"d{number}")

    answers = await asyncio.gather(*(debit(number % 60) for number in range(120)))
    assert {one.status_code for one in answers} == {201}
    balance = (await vendor.get("/v1/customers/clara/balance")).json()
    assert (balance["available"], balance["held"]) == (130, 10)
    listed = await asyncio.gather(*(vendor.get("/v1/customers/clara/statement") for _ in range(20)))
    assert {one.json()["available"] for one in listed} == {130}
    asked = {"query": '{customer(customerId: "clara") {balance {available}}}'}
    shown = await asyncio.gather(*(vendor.client.post("/graphql", json=asked) for _ in range(20)))
    assert {one.json()["data"]["customer"]["balance"]["available"] for one in shown} == {130}
    assert (await vendor.get("/v1/audit")).json()["data"] == []
    await vendor.close()


async def test_a_service_whose_statements_run_as_the_owner_does_not_start(server: Server, pooled: str) -> None:
    """As through a pooler that swallows the role: seen with a function that does not set it."""
    database = Database(pooled, pool_size=1, prepared_statements=False)
    owner = Database(canonical(server.dsn), pool_size=1)
    async with owner.engine.begin() as connection:
        kept = (await connection.execute(text(_DEFINITION))).scalar_one()
        await connection.execute(text(kept.replace("set local role retainer_app;", "")))
    try:
        with pytest.raises(StartRefused, match="statements run as vendor, not as retainer_app"):
            await database.check_start()
        wrong = [one.what for one in await _ask(pooled) if one.fix is not None]
        assert wrong == ["statements do not run as retainer_app"]
    finally:
        async with owner.engine.begin() as connection:
            await connection.execute(text(kept))
        await owner.close()
        await database.close()


_DEFINITION = "select pg_get_functiondef('retainer_begin(text, text, text)'::regprocedure)"
