"""Two services on a database whose advisory locks do nothing: what must be exact is held by rows and unique keys.

A cluster takes transactions in by several servers, and an advisory lock of one is unknown to the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.main import create_app
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor, running, settings_for
from tests.support.databases import Server, execute

ROUNDS = 12
SHADOWS = (
    "create schema shadow",
    "create function shadow.pg_advisory_xact_lock(bigint) returns void language sql as 'select'",
    "create function shadow.pg_try_advisory_xact_lock(bigint) returns boolean language sql as 'select true'",
    "grant usage on schema shadow to retainer_app",
)


@pytest_asyncio.fixture(scope="module")
async def two(postgres: Server) -> AsyncIterator[tuple[FastAPI, FastAPI]]:
    """Two applications on one database, whose advisory locks are shadowed."""
    url = await postgres.clone()
    name = make_url(url).database
    await execute(url, *SHADOWS, f'alter database "{name}" set search_path = shadow, public, pg_catalog')
    async with running(create_app(settings_for(url))) as first, running(create_app(settings_for(url))) as second:
        yield first, second
    await postgres.drop(url)


@contextlib.asynccontextmanager
async def vendor_of(
    two: tuple[FastAPI, FastAPI], policy: str = "cs-cart"
) -> AsyncIterator[tuple[Vendor, list[httpx.AsyncClient]]]:
    """A vendor, and a client of each application."""
    vendor = await make_vendor(two[0], policy, now=None)
    async with client_of(two[0], vendor.key) as one, client_of(two[1], vendor.key) as other:
        yield vendor, [one, other]
    await vendor.close()


async def test_the_locks_are_shadowed(two: tuple[FastAPI, FastAPI]) -> None:
    async with vendor_of(two) as (vendor, _):
        database = two[0].state.house.database
        async with database.transaction(vendor.tenant_id, validate_only=True) as tx:
            found = await tx.row(
                text(
                    "select pg_advisory_xact_lock(1), (select count(*) from pg_locks"
                    " where locktype = 'advisory' and pid = pg_backend_pid()) as held"
                )
            )
            assert found.held == 0


async def test_one_key_does_a_thing_once(two: tuple[FastAPI, FastAPI]) -> None:
    async with vendor_of(two) as (_, clients):
        for number in range(ROUNDS):
            key, body = uuid.uuid4().hex, {"credits": 10, "reason": "gift"}
            answers = await asyncio.gather(
                *(
                    client.post("/v1/customers/ann/adjustments", json=body, headers={"Idempotency-Key": key})
                    for client in clients * 3
                )
            )
            assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
            assert len({answer.json()["operation_id"] for answer in answers if "operation_id" in answer.json()}) <= 1
            balance = (await clients[0].get("/v1/customers/ann/balance")).json()
            assert balance["available"] == 10 * (number + 1)


async def test_one_id_is_one_ticket_whoever_asks(two: tuple[FastAPI, FastAPI]) -> None:
    async with vendor_of(two) as (vendor, clients):
        for customer in ("ann", "bob"):
            await vendor.post(f"/v1/customers/{customer}/adjustments", {"credits": 100, "reason": "gift"})
        for number in range(ROUNDS):
            asked = [{"customer_id": customer, "category": "category_1"} for customer in ("ann", "bob", "ann", "bob")]
            answers = await asyncio.gather(
                *(
                    client.put(f"/v1/tickets/T-{number}", json=body)
                    for client, body in zip(clients * 2, asked, strict=True)
                )
            )
            assert_one_winner(answers)
        listed = (await clients[0].get("/v1/tickets", params={"limit": 100})).json()["data"]
        assert Counter(row["ticket_id"] for row in listed) == {f"T-{number}": 1 for number in range(ROUNDS)}
        await nothing_is_wrong(clients[1])


async def test_one_id_is_one_order_whoever_buys(two: tuple[FastAPI, FastAPI]) -> None:
    placed = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    async with vendor_of(two, "x-cart") as (_, clients):
        for number in range(ROUNDS):
            line = {"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "34.50"}
            asked = [
                {"customer_id": customer, "placed_at": placed, "currency": "USD", "lines": [line]}
                for customer in ("cat", "dan", "cat", "dan")
            ]
            answers = await asyncio.gather(
                *(
                    client.put(f"/v1/orders/O-{number}", json=body)
                    for client, body in zip(clients * 2, asked, strict=True)
                )
            )
            assert_one_winner(answers)
        found = [
            (await clients[0].get(f"/v1/customers/{customer}/balance")).json().get("available", 0)
            for customer in ("cat", "dan")  # who wins nothing is nobody here
        ]
        assert sum(found) == 60 * ROUNDS
        await nothing_is_wrong(clients[1])


async def test_a_tenant_is_founded_once(two: tuple[FastAPI, FastAPI]) -> None:
    async with client_of(two[0], OPERATOR_KEY) as one, client_of(two[1], OPERATOR_KEY) as other:
        for number in range(ROUNDS):
            answers = await asyncio.gather(
                *(client.put(f"/v1/tenants/n-{number}", json={"policy": "cs-cart"}) for client in [one, other] * 2)
            )
            assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 3}


def assert_one_winner(answers: list[httpx.Response]) -> None:
    """One made it, who asked the same found it there, who asked otherwise is refused."""
    told: Counter[Any] = Counter(answer.status_code for answer in answers)
    assert told == {201: 1, 200: 1, 409: 2}, [answer.text for answer in answers]


async def nothing_is_wrong(client: httpx.AsyncClient) -> None:
    audit = await client.get("/v1/audit")
    assert (audit.status_code, audit.json()["data"]) == (200, [])
