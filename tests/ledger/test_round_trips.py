"""How often the short ways ask the database, and what becomes of a statement that goes straight to the driver."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.db.engine import Database, Locked, Tx
from app.usecases.tenants import tenants
from tests.conftest import MakeVendor
from tests.ledger.test_credits_at_the_door import funded
from tests.support import databases
from tests.support.databases import execute
from tests.support.statements import sent

WHO = text("select pg_backend_pid() as process, current_user as role, current_setting('app.tenant') as tenant")


async def founded(db: Database) -> str:
    name = f"trips-{uuid.uuid4().hex[:8]}"
    async with db.founding(name, actor="test") as tx:
        await tenants.put(tx, tenants.PutTenant(policy="avactis"))
    return name


async def test_a_debit_asks_the_database_five_times(app: FastAPI, vendor: MakeVendor) -> None:
    made = await funded(vendor)
    await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 1}), 201)
    with sent(app.state.house.database) as found:
        await made.ok(await made.post("/v1/customers/ann/debits", {"credits": 1}), 201)
    names = ("retainer_begin_for", "for update", "from command", "from account", "insert into operation")
    assert len(found) == len(names), found
    for name, statement in zip(names, found, strict=True):
        assert name in statement


async def test_a_balance_asks_the_database_four_times(app: FastAPI, vendor: MakeVendor) -> None:
    made = await funded(vendor)
    await made.ok(await made.get("/v1/customers/ann/balance"))
    with sent(app.state.house.database) as found:
        await made.ok(await made.get("/v1/customers/ann/balance"))
    assert len(found) == 4, found


async def test_both_ways_share_one_transaction_with_its_role_and_tenant(db: Database) -> None:
    name = await founded(db)
    async with db.transaction(name) as tx:
        straight = await tx.row(WHO)
        other = (await tx.execute(WHO)).one()
        assert (straight.process, straight["role"], straight[2]) == tuple(other)
        assert (straight.role, straight.tenant) == ("retainer_app", name)
        assert straight._mapping == dict(other._mapping)
        with pytest.raises(AttributeError):
            _ = straight.nothing


async def test_a_tenant_that_is_not_there_is_not_found_at_the_begin(db: Database) -> None:
    with pytest.raises(Exception, match="tenant_not_found"):
        async with db.transaction("nobody-at-all"):
            pass


async def test_a_connection_that_is_lost_is_replaced_and_the_work_done_again(module_url: str) -> None:
    database = Database(module_url, pool_size=1)
    name = await founded(database)
    processes: list[int] = []

    async def work(tx: Tx) -> int:
        processes.append((await tx.row(WHO)).process)
        if len(processes) == 1:
            await execute(module_url, f"select pg_terminate_backend({processes[0]})")
        return int((await tx.row(text("select 1 as one"))).one)

    assert await database.run(name, work) == 1
    assert len(set(processes)) == 2
    await database.close()


async def test_a_lock_that_is_not_had_in_time_is_told_as_such(db: Database, module_url: str) -> None:
    name = await founded(db)
    other = Database(module_url, pool_size=1, lock_timeout_ms=50)
    tenant: dict[str, Any] = {"tenant": name}
    row = text("select 1 from tenant where tenant_id = :tenant for update")
    async with db.transaction(name) as tx:
        await tx.rows(row, tenant)
        with pytest.raises(Locked):
            await other.run(name, lambda late: late.rows(row, tenant))
    assert await other.run(name, lambda late: late.rows(row, tenant))
    await other.close()


async def test_a_schema_that_changes_under_a_prepared_statement_costs_one_more_try(postgres: databases.Server) -> None:
    url = await postgres.clone()
    database = Database(url, pool_size=1)
    name = await founded(database)
    every = text("select * from secret_key")
    await database.run(name, lambda tx: tx.rows(every))
    await execute(url, "alter table secret_key add column note text", "insert into secret_key values ('f')")
    assert (await database.run(name, lambda tx: tx.row(every))).note is None
    await database.close()
    await postgres.drop(url)
