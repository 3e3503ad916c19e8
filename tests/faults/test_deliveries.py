"""Postgres dies while deliveries come in and go out: nothing is skipped, and what comes twice carries the same id."""

from __future__ import annotations

import asyncio
import functools
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.connectors import inbound
from app.db.engine import Database
from app.main import create_app
from app.worker import run_worker
from tests.events.receiver import Receiver, dispatcher_for, receiving
from tests.faults.harness import ROUNDS, TENANT, Harness, harness
from tests.support import shops
from tests.support.api import client_of, running, settings_for

ORDERS = 30 * ROUNDS
SHOPPERS = 6
LEASE = timedelta(seconds=1.5)
"""After which what a dead turn had claimed goes out again."""


@pytest.fixture
def at() -> Iterator[Harness]:
    with harness() as made:
        yield made


class Shop:
    """A shop that repeats each delivery until it is answered 200, as shops do, and some of them once more."""

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self.client, self.path = client, path
        self.answers: Counter[int] = Counter()

    async def tell(self, number: int) -> None:
        """Delivers one paid order."""
        event = shops.purchase(
            "order.paid",
            order_id=f"o{number}",
            customer_id=f"k{number % SHOPPERS}",
            currency="USD",
            placed_at="2024-12-01T10:00:00Z",
            lines=[{"line_id": "1", "sku": "credits-10", "quantity": 1}],
        )
        body = shops.raw(event)
        told = 0
        async with asyncio.timeout(60):
            while told <= number % 3:
                headers = shops.sign_standard(body, ident=f"msg_{number}")
                answer = await self.client.post(self.path, content=body, headers=headers)
                self.answers[answer.status_code] += 1
                if answer.status_code == 200:
                    told += 1
                else:
                    await asyncio.sleep(0.1)

    async def tell_all(self, numbers: list[int]) -> None:
        """Some at a time."""
        waiting = iter(numbers)

        async def one() -> None:
            for number in waiting:
                await self.tell(number)

        await asyncio.gather(*(one() for _ in range(8)))


@asynccontextmanager
async def working(at: Harness, receiver: Receiver) -> AsyncIterator[tuple[Shop, Database]]:
    """The service, its worker, a source and an endpoint for what it grants."""
    settings = settings_for(at.direct, allow_private_webhooks=True)
    db = Database(at.direct, pool_size=8)
    stop = asyncio.Event()
    dispatcher = dispatcher_for(db, lease=LEASE, timeout=1.0)
    jobs = [*inbound.jobs(settings), dispatcher.deliveries]
    async with running(create_app(settings)) as app, client_of(app, at.key) as client:
        source = {"kind": "purchase", "secret": shops.STANDARD_SECRET}
        made = (await client.put("/v1/sources/shop", json=source)).json()
        hook = {"url": receiver.url, "event_types": ["credits.granted"]}
        assert (await client.post("/v1/webhook-endpoints", json=hook)).status_code == 201
        worker = asyncio.create_task(run_worker(db, {}, stop, jobs=jobs))
        try:
            yield Shop(client, made["path"]), db
        finally:
            stop.set()
            await worker
            await dispatcher.close()
            await db.close()


def die(at: Harness, how: signal.Signals) -> None:
    """Postgres is gone at once, and started again."""
    process = at.postgres._process
    assert process is not None
    process.send_signal(how)
    process.wait(20)
    at.postgres.start()


async def until(condition: Any, seconds: float = 60) -> None:
    """Waits for what has no event to wait for."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def rows(db: Database, statement: str) -> list[Any]:
    """Of the tenant."""
    return list(await db.read(TENANT, lambda tx: tx.rows(text(statement))))


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGKILL, id="kill-9"), pytest.param(signal.SIGQUIT, id="immediate", marks=pytest.mark.slow)],
)
async def test_postgres_dies_while_deliveries_come_and_go(at: Harness, how: signal.Signals) -> None:
    async with receiving() as receiver, working(at, receiver) as (shop, db):
        telling = asyncio.create_task(shop.tell_all(list(range(ORDERS))))
        for round_ in range(ROUNDS):
            mark = ORDERS * (round_ + 1) // (ROUNDS + 1) // 2
            await until(lambda mark=mark: len(receiver.got) >= mark)
            receiver.hang = True  # requests are open when it dies: they came, and nobody can write that they did
            count = len(receiver.got)
            await until(lambda count=count: len(receiver.got) > count)
            await asyncio.to_thread(functools.partial(die, at, how))
            receiver.hang = False
        await telling
        assert set(shop.answers) <= {200, 503}
        # What hung in two rounds has failed twice by the dispatcher's book, and is sent again after five minutes.
        await until(lambda: len(set(receiver.ids())) >= ORDERS, 400)
        granted = await rows(db, "select event_id, data->>'order_id' from outbox where type = 'credits.granted'")
        mine = {row[0]: row[1] for row in granted if row[1]}
        assert Counter(mine.values()) == Counter(f"shop:o{number}" for number in range(ORDERS))
        assert set(receiver.ids()) == set(mine)
        assert len(receiver.got) > ORDERS, "nothing was under way when Postgres died"
        bodies: dict[str, set[tuple[str, int]]] = {}
        for one in receiver.got:
            said = one.json["data"]
            bodies.setdefault(one.id, set()).add((said["lot_id"], said["sequence"]))
        assert all(len(same) == 1 for same in bodies.values())
        in_order(receiver)
        lots = await rows(db, "select order_id, sum(granted) from lot where order_id is not null group by 1")
        assert {row[0]: int(row[1]) for row in lots} == {f"shop:o{number}": 10 for number in range(ORDERS)}
        states = await rows(db, "select state, count(*) from inbound_delivery group by 1")
        assert [tuple(row) for row in states] == [("done", ORDERS)]


def in_order(receiver: Receiver) -> None:
    """Each customer's events came first in the order of their sequence."""
    seen: dict[str, list[int]] = {}
    for one in receiver.got:
        told = seen.setdefault(one.json["data"]["customer_id"], [])
        if (number := one.json["data"]["sequence"]) not in told:
            told.append(number)
    assert all(told == sorted(told) for told in seen.values())
