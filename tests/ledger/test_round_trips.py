"""How often the short ways ask the database, and what becomes of a statement that goes straight to the driver."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.db.engine import Database, Tx
from app.db.failures import Locked
from app.usecases.tenants import tenants
from bench.main_job import PAGE
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
    names = ("retainer_enter", "for update", "from command", "from account", "insert into operation")
    assert len(found) == len(names), found
    for name, statement in zip(names, found, strict=True):
        assert name in statement


async def test_a_balance_asks_the_database_four_times(app: FastAPI, vendor: MakeVendor) -> None:
    made = await funded(vendor)
    await made.ok(await made.get("/v1/customers/ann/balance"))
    with sent(app.state.house.database) as found:
        await made.ok(await made.get("/v1/customers/ann/balance"))
    assert len(found) == 4, found


AROUND = 2
"""A transaction's begin and its end."""
LINES: list[dict[str, Any]] = [
    {"line_id": "1", "sku": "license", "quantity": 1},
    {"line_id": "2", "sku": "credits-60", "quantity": 1, "unit_price": "60.00"},
]
TICKET: dict[str, Any] = {"customer_id": "ann", "subject": "Install it", "channel": "helpdesk", "category": "level_2"}
CALLS: tuple[tuple[str, str, str, dict[str, Any] | None, int], ...] = (
    ("a known customer's order", "PUT", "/v1/orders/1003", {"customer_id": "ann", "lines": LINES}, 9),
    ("a new customer's order", "PUT", "/v1/orders/1004", {"customer_id": "new", "lines": LINES}, 9),
    ("a ticket", "PUT", "/v1/tickets/T-2", TICKET, 8),
    ("a response", "POST", "/v1/tickets/T-2/responses", {"author": "vendor", "kind": "service"}, 8),
    ("an assessment", "POST", "/v1/tickets/T-2/assessments", {"category": "level_1"}, 8),
    ("a resolution", "POST", "/v1/tickets/T-2/resolution", {"outcome": "answered", "cause": "question"}, 8),
    ("a customer's page", "GET", "/v1/customers/ann", None, 4),
    ("an entitlement", "GET", "/v1/customers/ann/entitlements/open_ticket", None, 4),
    ("a ticket's page", "GET", "/v1/tickets/T-1", None, 4),
    ("a statement", "GET", "/v1/customers/ann/statement", None, 4),
    ("a customer's offers", "GET", "/v1/offers?customer_id=ann", None, 4),
    ("an order's page", "GET", "/v1/orders/1001", None, 7),
)
"""What is called, and how many round trips it may take, begin and end of the transaction included."""


async def test_the_calls_of_shop_and_helpdesk_take_so_many_round_trips(
    app: FastAPI, vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.auth.CACHE_SECONDS", 600.0)  # on a slow machine a key would be looked up in between
    made = await vendor("x-cart")
    placed = {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
    for order_id in ("1001", "1002"):
        body = {"customer_id": "ann", "lines": LINES, **placed}
        await made.ok(await made.put(f"/v1/orders/{order_id}", body), 201)
    await made.ok(await made.put("/v1/tickets/T-1", TICKET), 201)
    await made.ok(await made.get("/v1/tickets/T-1"))
    for name, method, path, body, most in CALLS:
        with sent(app.state.house.database) as found:
            if method == "GET":
                answer = await made.get(path)
            elif method == "POST":
                answer = await made.post(path, body)
            else:
                answer = await made.put(path, {**body, **placed} if "orders" in path else body)
        assert answer.status_code < 300, answer.text
        # The use of a key that was not known yet is noted in a transaction of its own.
        keys = any("retainer_key(" in line for line in found)
        begins = [number for number, line in enumerate(found) if "retainer_enter(" in line]
        assert len(begins) == 1 or keys, (name, found)
        assert len(found[begins[-1] :]) + AROUND <= most, (name, found)


async def test_a_customers_page_in_graphql_asks_of_one_snapshot_once(app: FastAPI, vendor: MakeVendor) -> None:
    made = await vendor("x-cart")
    placed = {"placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
    await made.ok(await made.put("/v1/orders/1001", {"customer_id": "ann", "lines": LINES, **placed}), 201)
    await made.ok(await made.put("/v1/tickets/T-1", TICKET), 201)
    body = {"query": PAGE, "variables": {"id": "ann"}}
    await made.ok(await made.post("/graphql", body))
    with sent(app.state.house.database) as found:
        answer = await made.ok(await made.post("/graphql", body))
    asked = [line for line in found if "retainer_key(" not in line and "begin(" not in line]
    assert len(asked) + AROUND <= 7, asked
    shown = answer["data"]["customer"]
    ticket = shown["tickets"]["nodes"][0]
    assert ticket["ticketId"] == "T-1"
    assert [clock["milestone"] for clock in ticket["clocks"]] == ["first_response"]
    assert shown["balance"]["held"] > 0


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


@pytest.mark.parametrize("wait", [0, 0.002, 0.01, 0.1])
async def test_a_connection_that_is_lost_is_replaced_and_the_work_done_again(module_url: str, wait: float) -> None:
    database = Database(module_url, pool_size=1)
    name = await founded(database)
    processes: list[int] = []

    async def work(tx: Tx) -> int:
        processes.append((await tx.row(WHO)).process)
        if len(processes) == 1:
            await execute(module_url, f"select pg_terminate_backend({processes[0]})")
            await asyncio.sleep(wait)  # the driver reads the server's last words before it sees the end, or after
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
