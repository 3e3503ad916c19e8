"""Every acknowledged command is in the ledger once and nothing else is, whatever dies under load.

Callers see 503 with ``Retry-After`` or a broken connection, never 500; ``RETAINER_FAULT_ROUNDS`` repeats each fault.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text

from app.db.account import accounts
from app.db.engine import Database
from app.usecases.reports import audit
from tests.faults.harness import CUSTOMERS, ROUNDS, TENANT, Harness, Proxy, harness, under_load
from tests.support.databases import connect

pytestmark = pytest.mark.slow


@pytest.fixture
def at() -> Iterator[Harness]:
    with harness() as made:
        yield made


async def test_kill_9_of_the_service_again_and_again(at: Harness) -> None:
    at.start()
    await at.ready()
    async with under_load(at) as load:
        for _ in range(2 * ROUNDS):
            await asyncio.sleep(1.5)
            await asyncio.to_thread(at.kill)
            at.start()
            await at.ready()
        await asyncio.sleep(1)
    assert load.lost > 0


async def test_an_immediate_restart_of_postgres(at: Harness) -> None:
    at.start()
    await at.ready()
    async with under_load(at) as load:
        for _ in range(ROUNDS):
            await asyncio.sleep(1.5)
            await asyncio.to_thread(at.restart_postgres)
            await asyncio.sleep(1.5)
    assert 500 not in load.statuses


async def test_the_wire_is_cut_after_commit_and_before_the_answer(at: Harness) -> None:
    async with Proxy(at.direct) as proxy:
        at.database_url = proxy.url(at.direct)
        at.start()
        await at.ready()
        async with under_load(at):
            await asyncio.sleep(1)
            proxy.armed = True
            await asyncio.sleep(3 * ROUNDS)
            proxy.armed = False
        assert proxy.cut > 0
        at.kill()


async def test_a_database_that_takes_everything_and_answers_nothing(at: Harness) -> None:
    async with Proxy(at.direct) as proxy:
        at.database_url = proxy.url(at.direct)
        at.start()
        await at.ready()
        headers = {"Authorization": f"Bearer {at.key}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at.port}", headers=headers, timeout=60) as client:

            async def debit(key: str) -> httpx.Response:
                return await client.post(
                    f"/v1/customers/{CUSTOMERS[0]}/debits", json={"credits": 1}, headers={"Idempotency-Key": key}
                )

            assert (await debit("before")).status_code == 201
            for number in range(ROUNDS):
                proxy.silent = True
                began = time.monotonic()
                answers = await asyncio.gather(*(debit(f"silent-{number}-{n}") for n in range(12)))
                took = time.monotonic() - began
                alive = time.monotonic()
                assert (await client.get("/livez")).status_code == 200
                assert time.monotonic() - alive < 1
                assert {one.status_code for one in answers} == {503}
                assert all("retry-after" in one.headers for one in answers)
                assert took < 7, "the batch under way, and the one that waited behind it"
                began = time.monotonic()
                others = await asyncio.gather(
                    *(
                        client.get(path)
                        for path in (f"/v1/customers/{CUSTOMERS[0]}/balance", "/v1/tickets", "/v1/calendars") * 3
                    ),
                    client.put(f"/v1/tickets/silent-{number}", json={"customer_id": CUSTOMERS[0], "category": "x"}),
                )
                print(f"answered after {took:.1f} s, others after {time.monotonic() - began:.1f} s")
                assert {one.status_code for one in others} == {503}
                assert all("retry-after" in one.headers for one in others)
                assert time.monotonic() - began < 7
                proxy.silent = False
                for n in range(12):
                    for _ in range(100):
                        if (await debit(f"silent-{number}-{n}")).status_code == 201:
                            break
                        await asyncio.sleep(0.2)
    database = Database(at.direct, pool_size=1)
    _, found = await database.read(TENANT, audit.recompute)
    spent = await database.read(TENANT, lambda tx: tx.row(text("select sum(spent) from account")))
    await database.close()
    assert found == []
    assert spent is not None
    assert spent[0] == 1 + 12 * ROUNDS


async def test_several_processes_serve_one_database(at: Harness) -> None:
    at.workers = 3
    at.start()
    await at.ready()
    async with under_load(at, callers=18) as load:
        await asyncio.sleep(3 * ROUNDS)
    assert load.lost == 0
    assert set(load.statuses) == {201}


async def test_terminated_backends(at: Harness) -> None:
    at.start()
    await at.ready()
    async with under_load(at) as load:
        connection = await connect(at.direct)
        for _ in range(10 * ROUNDS):
            await asyncio.sleep(0.2)
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'retainer' and pid <> pg_backend_pid()"
            )
        await connection.close()
    assert 500 not in load.statuses


async def test_a_lock_that_is_not_had_in_time_is_503_and_hurts_nobody_else(at: Harness) -> None:
    at.start()
    await at.ready()
    database = Database(at.direct, pool_size=1)
    headers = {"Authorization": f"Bearer {at.key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at.port}", headers=headers, timeout=20) as client:

        async def debit(who: str, key: str) -> httpx.Response:
            return await client.post(
                f"/v1/customers/{who}/debits", json={"credits": 1}, headers={"Idempotency-Key": key}
            )

        async with database.transaction(TENANT) as tx:
            customer = await accounts.require_customer(tx, CUSTOMERS[0])
            await accounts.lock_customers(tx, [customer.customer_id])
            locked, free = await asyncio.gather(debit(CUSTOMERS[0], "locked"), debit(CUSTOMERS[1], "free"))
        assert (locked.status_code, locked.json()["code"]) == (503, "busy")
        assert int(locked.headers["retry-after"]) >= 1
        assert free.status_code == 201
        assert (await debit(CUSTOMERS[0], "locked")).status_code == 201
    await database.close()
