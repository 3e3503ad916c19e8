"""Recurring grants of many customers fall due at one instant, and each comes once, whenever a worker is killed.

``make midnight`` tries it with many, and with debits of others beside them: ``make midnight ARGS=100000``. The workers
run before midnight already, so that what is compared is a machine with grants that come and one without.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from bench.service import cpu_of_server, cpu_of_service
from tests.faults.harness import Harness, harness
from tests.recurring.shop import document
from tests.support.ports import free_port

pytestmark = pytest.mark.slow
MANY = int(os.environ.get("RETAINER_TEST_GRANTS", "1200"))
KILLS = int(os.environ.get("RETAINER_TEST_KILLS", "4"))
DEBITS = float(os.environ.get("RETAINER_TEST_DEBITS", "0"))
"""Seconds for which debits are counted before midnight, to be compared with those beside it; 0: no debits."""
DEBTORS = 32
CALLERS = 16
LIMIT = 600.0 + max(MANY - 100_000, 0) / 400
"""Seconds within which all must have come: ten minutes for 100,000."""
TENANT = "midnight"
DAILY = """
  - sku: daily
    title: Five credits a day
    kind: credits
    clause: A-1
    grants:
      - kind: credits
        rule: daily
        clause: A-1
        credits: 5
        recurs: {interval: {days: 1}, lasts: {days: 30}, at_renewal: accumulate}
"""
TABLES = ("customer", "purchase_order", "account", "recurring_grant", "lot", "operation", "entry", "agenda")
OPERATOR = {"Authorization": "Bearer rtn_op_faults-12345"}


@pytest.fixture
def at() -> Iterator[Harness]:
    with harness() as made:
        yield made


async def connection(at: Harness) -> Any:
    url = make_url(at.direct)
    return await asyncpg.connect(host=str(url.query["host"]), user=url.username, database=url.database)


async def a_customer(at: Harness, placed_at: datetime) -> None:
    """A tenant in real time, and one customer whose first credits came a day before."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at.port}", timeout=60) as client:
        body = {"policy": "allowances", "document": document(DAILY)}
        made = await client.put(f"/v1/tenants/{TENANT}", json=body, headers=OPERATOR)
        assert made.status_code == 201, made.text
        key = (await client.post(f"/v1/tenants/{TENANT}/keys", json={"scopes": ["*"]}, headers=OPERATOR)).json()["key"]
        order = {
            "customer_id": "c0",
            "placed_at": placed_at.isoformat(),
            "currency": "EUR",
            "lines": [{"line_id": "1", "sku": "daily"}],
        }
        answer = await client.put("/v1/orders/o0", json=order, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 201, answer.text
    at.key = key


async def copied(db: Any, many: int) -> None:
    """Copies of the customer, each with ids of its own, and with everything that hangs on it."""
    ids = ["c0", "o0"]
    for table, column in (("customer", "customer_id"), ("recurring_grant", "grant_id"), ("operation", "operation_id")):
        ids += [row[0] for row in await db.fetch(f"select {column} from {table} where tenant_id = $1", TENANT)]
    lots = [row[0] for row in await db.fetch("select lot_id from lot where tenant_id = $1", TENANT)]
    for table in TABLES:
        row = "to_jsonb(t)::text"
        for name in ids:
            row = f"replace({row}, '{name}', '{name}_' || n)"
        for name in lots:  # named after their grants, whose names are replaced already
            stem = name.removeprefix("lot_").rpartition("_")[0]
            row = f"replace({row}, 'lot_{stem}_1', 'lot_{stem}_' || n || '_1')"
        # `offset 0`: each record is made once, not once for each of its columns
        await db.execute(
            f"insert into {table} select (made.r).* from {table} t cross join generate_series(1, {many}) n"
            f" cross join lateral (select jsonb_populate_record(null::{table}, ({row})::jsonb) as r offset 0) made"
            f" where t.tenant_id = '{TENANT}'"
        )


async def missing(db: Any, midnight: datetime) -> int:
    """How many have not got their second day's credits; asked of an index, so that the question costs little."""
    found = "select count(*) from agenda where tenant_id = $1 and kind = 'credits.recurring' and at <= $2"
    return int(await db.fetchval(found, TENANT, midnight))


@dataclass
class Cpu:
    """CPU seconds used so far: by the workers, those that were killed too, by the debits' service, by Postgres."""

    workers: float
    debits: float
    postgres: float

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.workers - other.workers, self.debits - other.debits, self.postgres - other.postgres)


@dataclass
class Night:
    """The workers, the debits and Postgres, with the CPU that each has used."""

    workers: tuple[Harness, Harness]
    debits: Debits
    ended: float = 0.0
    """CPU seconds of workers that were killed."""

    def kill(self, victim: Harness) -> None:
        """Kill a worker, and start another."""
        self.ended += _used(victim)
        victim.kill()
        victim.start()

    def cpu(self) -> Cpu:
        """CPU used so far."""
        postgres = self.debits.at.postgres._process
        assert postgres is not None
        workers = self.ended + sum(_used(each) for each in self.workers)
        return Cpu(workers, _used(self.debits.at), cpu_of_server(postgres.pid))


def _used(service: Harness) -> float:
    return 0.0 if service.process is None else cpu_of_service(service.process.pid)


class Debits:
    """Callers who spend the credits of others all the time, and when each debit was answered."""

    def __init__(self, at: Harness) -> None:
        self.at = at
        self.answered: list[float] = []
        self._stop = asyncio.Event()
        self._callers: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Give some customers credits, and begin to spend them."""
        await self.at.ready()
        async with self._client() as client:
            for number in range(DEBTORS):
                body = {"credits": 10_000_000, "reason": "to spend"}
                headers = {"Idempotency-Key": f"debtor-{number}"}
                answer = await client.post(f"/v1/customers/debtor-{number}/adjustments", json=body, headers=headers)
                assert answer.status_code == 201, answer.text
        self._callers = [asyncio.create_task(self._call(number)) for number in range(CALLERS)]

    def count(self, since: float, until: float) -> int:
        """Debits that were answered in between."""
        return sum(since <= at < until for at in self.answered)

    async def end(self) -> None:
        """Stop them."""
        self._stop.set()
        await asyncio.gather(*self._callers)

    def _client(self) -> httpx.AsyncClient:
        key = {"Authorization": f"Bearer {self.at.key}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.at.port}", timeout=60, headers=key)

    async def _call(self, caller: int) -> None:
        rng = random.Random(caller)
        async with self._client() as client:
            while not self._stop.is_set():
                headers = {"Idempotency-Key": f"debit-{caller}-{rng.random()}"}
                path = f"/v1/customers/debtor-{rng.randrange(DEBTORS)}/debits"
                answer = await client.post(path, json={"credits": 1}, headers=headers)
                assert answer.status_code == 201, answer.text
                self.answered.append(time.monotonic())


@dataclass
class Stretch:
    """A time in which debits are answered: seconds, debits, CPU."""

    seconds: float
    debits: int
    cpu: Cpu

    @property
    def rate(self) -> float:
        """Debits a second."""
        return self.debits / self.seconds

    @property
    def postgres_each(self) -> float:
        """CPU seconds of Postgres for a debit."""
        return self.cpu.postgres / max(self.debits, 1)


class Watch:
    """Makes a `Stretch` of the time since it was begun."""

    def __init__(self, night: Night) -> None:
        self._night, self._at, self._cpu = night, time.monotonic(), night.cpu()

    def ended(self) -> Stretch:
        """The time until now."""
        now = time.monotonic()
        return Stretch(now - self._at, self._night.debits.count(self._at, now), self._night.cpu() - self._cpu)


async def test_what_falls_due_at_one_midnight_comes_once_whoever_is_killed(at: Harness) -> None:
    at.start()
    await at.ready()
    filling = 60 + MANY / 1500
    midnight = datetime.now(UTC) + timedelta(seconds=filling + 3 * DEBITS)
    takes = min(MANY / 200, 480 + MANY / 1000)  # at a measured pace for eight minutes, then as fast as can be
    print(f"\n{MANY} grants, {KILLS} kills: about {(filling + 3 * DEBITS + takes + 40) / 60:.0f} minutes")
    await a_customer(at, midnight - timedelta(days=1))
    at.kill()
    db = await connection(at)
    await copied(db, MANY - 1)
    await db.execute("vacuum analyze")
    first = replace(at, process=None, environment={"RETAINER_WORKER_IN_PROCESS": "true"})
    night = Night((first, replace(first, port=free_port())), Debits(replace(at, process=None, port=free_port())))
    rng = random.Random(int(os.environ.get("RETAINER_TEST_SEED", "7")))
    quiet = None
    try:
        for each in night.workers:
            each.start()
            await each.ready()
        if DEBITS:
            night.debits.at.start()
            await night.debits.begin()
            await asyncio.sleep(DEBITS / 2)  # warm
            watch = Watch(night)
            await asyncio.sleep(DEBITS)
            quiet = watch.ended()
        assert datetime.now(UTC) < midnight, "the copies took too long"
        await asyncio.sleep((midnight - datetime.now(UTC)).total_seconds())
        watch, kills = Watch(night), 0
        while left := await missing(db, midnight):
            assert watch.ended().seconds < LIMIT, f"{MANY - left} of {MANY} came"
            if kills < KILLS and MANY - left > kills * MANY // (KILLS + 1):
                await asyncio.sleep(rng.uniform(0.0, 0.7))  # at any moment
                night.kill(rng.choice(night.workers))
                kills += 1
            await asyncio.sleep(rng.uniform(0.05, 0.4) if MANY <= 2_000 else 1.0)
        beside = watch.ended()
        print(f"{MANY} grants in {beside.seconds:.1f} s with {kills} kills, {MANY / beside.seconds:.0f} a second")
        if quiet is not None:
            watch = Watch(night)
            await asyncio.sleep(DEBITS)
            after = watch.ended()
            await night.debits.end()
            print(figures(quiet, beside, after))
        await check(at, db)
        assert kills == KILLS
    finally:
        for each in (*night.workers, night.debits.at):
            each.kill()
        await db.close()


def figures(quiet: Stretch, beside: Stretch, after: Stretch) -> str:
    """What the grants cost and what they leave to debits, as counted and by CPU, which a busy machine does not blur.

    Both are compared with the mean of before and after: others may use the machine too, and Postgres writes pages whole
    that it touches for the first time. The share by CPU: what is left of the machine's cores beside what the grants,
    and the kills, take of them.
    """
    debit_in_postgres = (quiet.postgres_each + after.postgres_each) / 2
    postgres = max(beside.cpu.postgres - debit_in_postgres * beside.debits, 0.0)
    taken = (beside.cpu.workers + postgres) / beside.seconds / (os.cpu_count() or 1)
    each = [1000 * one / MANY for one in (beside.cpu.workers, postgres)]
    debit = [1000 * one for one in (quiet.cpu.debits / max(quiet.debits, 1), debit_in_postgres)]
    share = 2 * beside.rate / (quiet.rate + after.rate)
    return (
        f"a grant: {each[0]:.2f} ms CPU of the service (with its starts after kills) and {each[1]:.2f} of Postgres\n"
        f"a debit: {debit[0]:.2f} ms CPU of the service and {debit[1]:.2f} of Postgres\n"
        f"debits: {quiet.rate:.0f} a second before, {beside.rate:.0f} beside it, {after.rate:.0f} after it\n"
        f"they kept {share:.2f} of their rate as counted, {1 - taken:.2f} by CPU (0.80 is wanted)"
    )


async def check(at: Harness, db: Any) -> None:
    """Each customer has both days' credits once, was told of the second once, and the audit finds nothing."""
    found = (
        "select a.available, count(*) from account a join customer c using (tenant_id, customer_id)"
        " where tenant_id = $1 and c.external_id not like 'debtor%' group by 1 order by 1"
    )
    rows = await db.fetch(found, TENANT)
    assert [tuple(row) for row in rows] == [(10, MANY)]
    told = await db.fetch(
        "select data ->> 'lot_id' as lot, count(*) as times from outbox where tenant_id = $1"
        " and type = 'credits.granted' and data ->> 'interval' = '2' group by 1",
        TENANT,
    )
    assert (len(told), {row["times"] for row in told}) == (MANY, {1})
    waiting = await db.fetch(
        "select count(*), min(at) = max(at) from agenda where tenant_id = $1 and kind = 'credits.recurring'", TENANT
    )
    assert [tuple(row) for row in waiting] == [(MANY, True)]
    if MANY <= 2_000:
        await audited(at)


async def audited(at: Harness) -> None:
    at.start()
    await at.ready()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at.port}", timeout=120) as client:
        found = (await client.get("/v1/audit", headers={"Authorization": f"Bearer {at.key}"})).json()["data"]
    at.kill()
    assert found == []
