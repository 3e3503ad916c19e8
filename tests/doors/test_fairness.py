"""Budgets: one tenant's many or slow calls leave the others theirs, and are told when they are too many."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.db.budget import BESIDE, HOUSE, OneByOne, Shares
from app.domain.values.errors import DomainError
from app.main import create_app
from tests.conftest import MakeVendor
from tests.policies.test_simulate import shipped
from tests.support import databases
from tests.support.api import Vendor, client_of, running, settings_for
from tests.support.graphql import send

POOL = 4


@pytest_asyncio.fixture(scope="module")
async def app(module_url: str) -> AsyncIterator[FastAPI]:
    """The application with a pool of four."""
    async with running(create_app(settings_for(module_url, pool_size=POOL))) as started:
        yield started


@contextlib.asynccontextmanager
async def locked(url: str, vendor: Vendor) -> AsyncIterator[None]:
    """Somebody outside holds all of the tenant's customers locked meanwhile."""
    connection = await databases.connect(url)
    try:
        async with connection.transaction():
            await connection.fetch("select 1 from customer where tenant_id = $1 for update", vendor.tenant_id)
            yield
    finally:
        await connection.close()


async def a_shop(vendor: MakeVendor, customers: int = 1) -> Vendor:
    """A shop whose customers have support."""
    shop = await vendor("x-cart")
    for number in range(customers):
        await shop.ok(await shop.put(f"/v1/orders/o{number}", order(f"c{number}")))
    return shop


def order(customer: str) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license", "quantity": 1}],
    }


def ticket(customer: str) -> dict[str, Any]:
    return {"customer_id": customer, "subject": "s", "channel": "helpdesk", "category": "level_0"}


def in_use(app: FastAPI) -> int:
    return int(app.state.house.database.engine.pool.checkedout())


async def until(what: Any) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - of the pool, which tells nobody
            await asyncio.sleep(0.005)


# --- over HTTP


async def test_writes_of_one_customer_hold_one_connection_and_others_read_at_once(
    app: FastAPI, vendor: MakeVendor, module_url: str
) -> None:
    noisy, quiet = await a_shop(vendor), await a_shop(vendor)
    budget = app.state.house.database.budget
    async with locked(module_url, noisy):
        writes = [asyncio.create_task(noisy.put(f"/v1/tickets/t{n}", ticket("c0"))) for n in range(12)]
        await until(lambda: budget.writes.waiting == 11)
        await until(lambda: in_use(app) == 1)
        began = time.monotonic()
        await quiet.ok(await quiet.get("/v1/customers/c0/balance"))
        await quiet.ok(await quiet.put("/v1/tickets/q1", ticket("c0")))
        assert time.monotonic() - began < 2
        assert budget.writes.waiting == 11
    assert {one.status_code for one in await asyncio.gather(*writes)} == {201}
    assert (budget.writes.waiting, budget.shares.held) == (0, {})


async def test_blocked_writers_of_many_customers_leave_another_tenant_a_connection(
    app: FastAPI, vendor: MakeVendor, module_url: str
) -> None:
    noisy, quiet = await a_shop(vendor, 12), await a_shop(vendor)
    shares = app.state.house.database.budget.shares
    async with locked(module_url, noisy):
        writes = [asyncio.create_task(noisy.put(f"/v1/tickets/t{n}", ticket(f"c{n}"))) for n in range(12)]
        await until(lambda: in_use(app) == POOL - 1 and shares.waiting == 12 - (POOL - 1))
        began = time.monotonic()
        await quiet.ok(await quiet.get("/v1/customers/c0/balance"))
        await quiet.ok(await quiet.put("/v1/tickets/q1", ticket("c0")))
        assert time.monotonic() - began < 2
        assert in_use(app) == POOL - 1
    assert {one.status_code for one in await asyncio.gather(*writes)} == {201}
    assert (shares.waiting, shares.held, shares.free) == (0, {}, POOL)


async def test_a_caller_that_goes_away_leaves_its_place(app: FastAPI, vendor: MakeVendor, module_url: str) -> None:
    shop = await a_shop(vendor)
    budget = app.state.house.database.budget
    async with locked(module_url, shop):
        writes = [asyncio.create_task(shop.put(f"/v1/tickets/t{n}", ticket("c0"))) for n in range(6)]
        await until(lambda: budget.writes.waiting == 5)
        for one in writes[1:]:
            one.cancel()
        await asyncio.gather(*writes[1:], return_exceptions=True)
        assert budget.writes.waiting == 0
    assert (await writes[0]).status_code == 201
    assert (await shop.put("/v1/tickets/later", ticket("c0"))).status_code == 201
    assert budget.shares.held == {}


async def test_too_many_waiting_writes_of_one_customer_are_429_and_nothing_is_written(
    app: FastAPI, vendor: MakeVendor, module_url: str
) -> None:
    shop = await a_shop(vendor, 2)
    writes = app.state.house.database.budget.writes
    most, writes.most = writes.most, 3
    try:
        async with locked(module_url, shop):
            began = [asyncio.create_task(shop.put(f"/v1/tickets/t{n}", ticket("c0"))) for n in range(4)]
            await until(lambda: writes.waiting == 3)
            refused = await shop.put("/v1/tickets/t9", ticket("c0"))
            assert_busy(refused)
            told = await send(
                shop.client,
                "mutation($i: PutTicketInput!) { putTicket(input: $i) { __typename } }",
                {"i": {"ticketId": "t9", "customerId": "c0", "subject": "s"}},
            )
            assert told.json()["errors"][0]["extensions"]["code"] == "tenant_busy"
            assert int(told.headers["retry-after"]) >= 1
        assert {one.status_code for one in await asyncio.gather(*began)} == {201}
    finally:
        writes.most = most
    assert (await shop.get("/v1/tickets/t9")).status_code == 404
    assert most == 256


def assert_busy(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "tenant_busy"), answer.text
    assert int(answer.headers["retry-after"]) >= 1


async def test_one_simulation_at_a_time_for_a_tenant(app: FastAPI, vendor: MakeVendor) -> None:
    shop, other = await a_shop(vendor), await a_shop(vendor)
    body = {"document": shipped("x-cart")}
    path = "/v1/policies/x-cart/simulate"
    with app.state.house.database.budget.one("simulation", shop.tenant_id):
        assert_busy(await shop.post(path, body, key=None))
        told = await send(
            shop.client,
            "query($i: SimulatePolicyInput!) { simulatePolicy(input: $i) { __typename } }",
            {"i": {"name": "x-cart", **body}},
        )
        assert told.json()["errors"][0]["extensions"]["code"] == "tenant_busy", told.text
        assert int(told.headers["retry-after"]) >= 1
        assert (await other.post(path, body, key=None)).status_code == 200
    answers = await asyncio.gather(*(shop.post(path, body, key=None) for _ in range(6)))
    assert {one.status_code for one in answers} == {200, 429}
    assert (await shop.post(path, body, key=None)).status_code == 200


async def test_one_publication_at_a_time_for_a_tenant(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await a_shop(vendor)
    hours = {
        "effective_from": "2025-06-01",
        "weekly_hours": {"mon": [["00:00", "24:00"]]},
        "correction": True,
        "reason": "x",
    }
    with app.state.house.database.budget.one("publication", shop.tenant_id):
        assert_busy(await shop.post("/v1/calendars/service-hours/versions", hours))
        assert_busy(await shop.post("/v1/policies/x-cart/versions", {"document": shipped("x-cart")}))
    published = await shop.post("/v1/policies/x-cart/versions", {"document": shipped("x-cart")})
    assert published.status_code == 201, published.text


async def test_a_query_that_reads_events_beside_other_fields_takes_one_connection(
    app: FastAPI, vendor: MakeVendor
) -> None:
    shop = await a_shop(vendor)
    shares = app.state.house.database.budget.shares
    for _ in range(POOL - 1):
        assert shares.take(HOUSE)
    try:
        async with asyncio.timeout(3):
            told = await send(
                shop.client, '{ customer(customerId: "c0") { customerId } events(first: 50) { nodes { type } } }', {}
            )
    finally:
        for _ in range(POOL - 1):
            shares.give_back(HOUSE)
    body = told.json()
    assert "errors" not in body, body
    assert body["data"]["customer"] == {"customerId": "c0"}
    assert "order.recorded" in {one["type"] for one in body["data"]["events"]["nodes"]}, body


async def test_a_query_that_simulates_takes_one_connection(app: FastAPI, vendor: MakeVendor) -> None:
    """Also beside fields that read, before it and after it."""
    shop = await a_shop(vendor)
    shares = app.state.house.database.budget.shares
    simulated = "simulatePolicy(input: $i) { ... on PolicySimulation { customers orders { replayed } complete } }"
    beside = 'customer(customerId: "c0") { customerId }'
    for _ in range(POOL - 1):
        assert shares.take(HOUSE)
    try:
        for fields in (simulated, f"a: {beside} {simulated} b: {beside}"):
            query = f"query($i: SimulatePolicyInput!) {{ {fields} }}"
            async with asyncio.timeout(20):
                told = await send(shop.client, query, {"i": {"name": "x-cart", "document": shipped("x-cart")}})
            body = told.json()
            assert "errors" not in body, body
            found = body["data"]["simulatePolicy"]
            assert (found["customers"], found["orders"]["replayed"], found["complete"]) == (1, 1, True)
        assert body["data"]["a"] == body["data"]["b"] == {"customerId": "c0"}
    finally:
        for _ in range(POOL - 1):
            shares.give_back(HOUSE)


async def test_checks_of_drafts_hold_no_connection_and_go_one_by_one(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await a_shop(vendor)
    budget = app.state.house.database.budget
    for _ in range(POOL):
        assert budget.shares.take(HOUSE)
    try:
        async with asyncio.timeout(30):
            body = {"document": shipped("cactushop")}
            answers = await asyncio.gather(*(shop.post("/v1/policies/validate", body, key=None) for _ in range(3)))
    finally:
        for _ in range(POOL):
            budget.shares.give_back(HOUSE)
    assert [one.json()["valid"] for one in answers] == [True] * 3
    async with budget.writes.turn((shop.tenant_id, "draft")):
        waiting = asyncio.create_task(shop.post("/v1/policies/validate", body, key=None))
        await until(lambda: budget.writes.waiting == 1)
        await shop.ok(await shop.get("/v1/customers/c0/balance"))
    assert (await waiting).json()["valid"]


async def test_the_figures_tell_who_waits(app: FastAPI) -> None:
    async with client_of(app, None) as client:
        page = (await client.get("/metrics")).text
    for name in ("connections_waiting", "connections_waited", "writes_waiting", "refused"):
        assert f"retainer_budget_{name}" in page


# --- the rules, without a database


async def test_a_tenant_alone_has_all_connections_but_the_one_that_is_kept() -> None:
    shares = Shares(10)
    assert [shares.take("a") for _ in range(10)] == [True] * 9 + [False]
    assert shares.take("b")
    assert not shares.take("c")


async def test_work_beside_the_calls_is_served_before_a_crowd_of_them_until_it_has_its_share() -> None:
    shares = Shares(10)
    for _ in range(5):
        assert shares.take("a")
        shares.take("b")
    order: list[str] = []

    async def one(tenant: str) -> None:
        assert await shares.wait(tenant, 5)
        order.append("beside" if tenant == BESIDE else tenant)

    tasks = [asyncio.create_task(one(name)) for name in ["a"] * 3 + ["b"] * 3 + [BESIDE] * 3]
    await asyncio.sleep(0)
    for held in ("a", "b", "a", "b"):
        shares.give_back(held)
        await asyncio.sleep(0)
    assert order == ["beside", "beside", "a", "b"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_tenant_gets_no_more_than_half_while_another_waits_and_turns_go_round() -> None:
    shares = Shares(4)
    for _ in range(3):
        assert shares.take("a")
    assert shares.take("b")
    order: list[str] = []

    async def one(tenant: str) -> None:
        assert await shares.wait(tenant, 5)
        order.append(tenant)

    tasks = [asyncio.create_task(one(name)) for name in ("a", "a", "b", "c", "b", "c")]
    await asyncio.sleep(0)
    for held in ("a", "b", "a", "a"):
        shares.give_back(held)
        await asyncio.sleep(0)
        assert max(shares.held.values()) <= 2
    # a held three, then two: it is passed over until it holds less than half; b and c take turns meanwhile.
    assert order == ["b", "c", "a", "b"]
    for held in ("b", "c"):
        shares.give_back(held)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    for held in ("a", "a", "b", "c"):
        shares.give_back(held)
    assert (shares.held, shares.free, shares.waiting) == ({}, 4, 0)


async def test_who_waits_too_long_or_goes_away_takes_no_connection_with_it() -> None:
    shares = Shares(1)
    assert shares.take("a")
    assert not await shares.wait("b", 0.01)
    granted = asyncio.create_task(shares.wait("b", 5))
    await asyncio.sleep(0)
    shares.give_back("a")
    granted.cancel()  # just as its turn had come
    await asyncio.gather(granted, return_exceptions=True)
    assert (shares.free, shares.held, shares.waiting) == (1, {}, 0)


async def test_writes_of_one_customer_keep_their_order_and_do_not_overlap() -> None:
    line, inside, order = OneByOne(), [0], list[int]()

    async def one(number: int) -> None:
        async with line.turn("c"):
            inside[0] += 1
            assert inside == [1]
            await asyncio.sleep(0)
            order.append(number)
            inside[0] -= 1

    tasks = [asyncio.create_task(one(number)) for number in range(20)]
    await asyncio.sleep(0)
    tasks[7].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [number for number in range(20) if number != 7]
    async with line.turn("c"):
        assert line.waiting == 0


async def test_a_write_that_waits_too_long_is_refused_and_leaves_its_place() -> None:
    line = OneByOne(patience=0.01)
    async with line.turn("c"):
        with pytest.raises(DomainError, match="tenant_busy"):
            async with line.turn("c"):
                raise AssertionError("never its turn")
        assert line.waiting == 0
