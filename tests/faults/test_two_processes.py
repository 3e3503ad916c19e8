"""Two API processes on one database, each asked the same things at the same time by every door."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.db.engine import Database
from app.usecases.credits.credit_command import CreditCommand
from app.usecases.credits.credits import apply
from app.usecases.reports import audit
from tests.faults.harness import ROUNDS, TENANT, Harness, harness
from tests.support.ports import free_port

pytestmark = pytest.mark.slow
DEBIT = """mutation($i: CreateDebitInput!) { createDebit(input: $i) { __typename
    ... on Hold { holdId captured } ... on Refusal { code } } }"""
REFUSED = {"insufficient_credits", "over_capture", "over_release", "over_refund", "hold_wrong_state"}


@pytest.fixture
def at() -> Iterator[Harness]:
    with harness() as made:
        yield made


@contextlib.asynccontextmanager
async def two(first: Harness) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """A client of each of two processes, and a way to the database of our own."""
    second = replace(first, port=free_port(), process=None)
    database = Database(first.direct, pool_size=2)
    try:
        async with contextlib.AsyncExitStack() as stack:
            clients = []
            for one in (first, second):
                one.start()
                await one.ready()
                clients.append(await stack.enter_async_context(client_of(one)))
            assert first.process is not None
            assert second.process is not None
            assert first.process.pid != second.process.pid
            yield clients, database
    finally:
        first.kill()
        second.kill()
        await database.close()


def client_of(one: Harness) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{one.port}",
        headers={"Authorization": f"Bearer {one.key}"},
        timeout=60,
        limits=httpx.Limits(max_connections=100),
    )


async def fund(database: Database, customer: str, *lots: int) -> None:
    commands = [
        CreditCommand(kind="adjust", customer_id=customer, credits=one, reason="seed", key=uuid.uuid4().hex)
        for one in lots
    ]
    assert all(one.error is None for one in await database.run(TENANT, lambda tx: apply(tx, commands)))


async def operations(database: Database, where: str, **by: Any) -> list[Any]:
    statement = text(f"select command_id, kind, customer_id from operation where {where}")
    return list(await database.read(TENANT, lambda tx: tx.rows(statement, by)))


async def nothing_is_wrong(database: Database) -> None:
    assert (await database.read(TENANT, audit.recompute))[1] == []


async def rest(client: httpx.AsyncClient, customer: str, key: str) -> str:
    answer = await client.post(
        f"/v1/customers/{customer}/debits", json={"credits": 1}, headers={"Idempotency-Key": key}
    )
    return "done" if answer.status_code == 201 else str(answer.json()["code"])


async def batch(client: httpx.AsyncClient, customer: str, key: str) -> str:
    command = {"kind": "debit", "customer_id": customer, "credits": 1, "idempotency_key": key}
    answer = await client.post("/v1/credit-batches", json={"commands": [command]})
    (one,) = answer.json()["results"]
    return "done" if one["status"] == 201 else str(one["code"])


async def graph(client: httpx.AsyncClient, customer: str, key: str) -> str:
    given = {"i": {"customerId": customer, "credits": 1, "idempotencyKey": key}}
    answer = await client.post("/graphql", json={"query": DEBIT, "variables": given})
    made = answer.json()["data"]["createDebit"]
    return "done" if made["__typename"] == "Hold" else str(made["code"])


DOORS = (rest, batch, graph)


async def test_two_hundred_debits_at_once_take_exactly_the_hundred_there_are(at: Harness) -> None:
    async with two(at) as (clients, database):
        for number in range(2 * ROUNDS):
            customer = f"hundred-{number}"
            await fund(database, customer, 37, 41, 22)
            said = await asyncio.gather(*(DOORS[n % 3](clients[n % 2], customer, uuid.uuid4().hex) for n in range(200)))
            assert Counter(said) == {"done": 100, "insufficient_credits": 100}
        made = await operations(database, "kind = 'debit'")
        assert len(made) == 100 * 2 * ROUNDS
        await nothing_is_wrong(database)


async def test_one_key_at_both_processes_and_every_door_has_one_effect(at: Harness) -> None:
    async with two(at) as (clients, database):
        await fund(database, "same", 50)
        for number in range(2 * ROUNDS):
            key = f"same-{number}"
            said = await asyncio.gather(*(DOORS[n % 3](clients[n % 2], "same", key) for n in range(64)))
            assert set(said) == {"done"}
            assert len(await operations(database, "command_id = :key", key=key)) == 1
        bodies = {
            (
                await client.post(
                    "/v1/customers/same/debits", json={"credits": 1}, headers={"Idempotency-Key": "same-0"}
                )
            ).content
            for client in clients
        }
        assert len(bodies) == 1
        await nothing_is_wrong(database)


async def test_mixed_commands_each_sent_to_both_at_once_happen_once(at: Harness) -> None:
    async with two(at) as (clients, database):
        names = ["m1", "m2", "m3"]
        for name in names:
            await fund(database, name, 9, 7, 5)
        holds: list[str] = []
        done: dict[str, bytes] = {}

        async def somebody(seed: int) -> None:
            dice = random.Random(seed)
            for step in range(12 * ROUNDS):
                path, body = _asked(dice, names, holds)
                key = f"mixed-{seed}-{step}"
                both = await asyncio.gather(
                    *(client.post(path, json=body, headers={"Idempotency-Key": key}) for client in clients)
                )
                good = [one for one in both if one.status_code < 300]
                assert all(one.json()["code"] in REFUSED for one in both if one.status_code >= 300), [
                    one.text for one in both
                ]
                assert len({one.content for one in good}) <= 1
                if good:
                    done[key] = good[0].content
                    if path.endswith(("/holds", "/debits")):
                        holds.append(good[0].json()["hold_id"])

        await asyncio.gather(*(somebody(seed) for seed in range(8)))
        made = Counter(row[0] for row in await operations(database, "command_id like 'mixed-%' and kind <> 'expire'"))
        assert set(made) == set(done)
        assert set(made.values()) == {1}
        for key, body in list(done.items())[:50]:
            assert await _again(clients, key, body), key
        await nothing_is_wrong(database)


def _asked(dice: random.Random, names: Sequence[str], holds: Sequence[str]) -> tuple[str, dict[str, Any]]:
    kind = dice.choice(["holds", "debits", "debits", "adjustments", "capture", "release", "refund"])
    name = dice.choice(names)
    if kind in ("capture", "release", "refund") and holds:
        body: dict[str, Any] = {"credits": dice.randint(1, 3)}
        return f"/v1/holds/{dice.choice(holds)}/{kind}", body | (
            {"final": dice.random() < 0.5} if kind == "capture" else {}
        )
    if kind == "adjustments":
        return f"/v1/customers/{name}/adjustments", {"credits": dice.choice([1, 2, -1]), "reason": "r"}
    return f"/v1/customers/{name}/{'holds' if kind == 'holds' else 'debits'}", {"credits": dice.randint(1, 4)}


async def _again(clients: Sequence[httpx.AsyncClient], key: str, body: bytes) -> bool:
    """Whether a done key with another payload is refused by both processes, without an effect."""
    answers = [
        await client.post("/v1/customers/m1/debits", json={"credits": 999_999}, headers={"Idempotency-Key": key})
        for client in clients
    ]
    return all(
        (one.status_code, one.json()["code"]) == (422, "idempotency_key_reused") and one.content != body
        for one in answers
    )
