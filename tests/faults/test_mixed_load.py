"""Debits beside merges, erasures, publications and simulations, while the service is killed: nothing halved, no 500."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.db.engine import Database
from app.usecases.reports import audit
from tests.faults.harness import ROUNDS, TENANT, Harness, harness, under_load

pytestmark = pytest.mark.slow
_numbers = itertools.count()


@pytest.fixture
def at() -> Iterator[Harness]:
    with harness() as made:
        yield made


@dataclass
class Mix:
    """Callers of everything but debits; each call is sent again by its key until its outcome is known."""

    at: Harness
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    stopping: bool = False

    async def told(
        self, client: httpx.AsyncClient, what: str, method: str, path: str, body: Any = None, *, of: str = ""
    ) -> int:
        """The outcome of one call; notes under ``of`` whether an answer was lost on the way."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        for _ in range(600):
            try:
                answer = await client.request(method, path, json=body, headers=headers)
            except httpx.HTTPError:
                self.lost.add(of)
                await asyncio.sleep(0.1)
                continue
            self.statuses[what, answer.status_code] += 1
            if answer.status_code not in (429, 503):
                if answer.status_code >= 500:
                    self.problems.append(f"{what}: {answer.status_code} {answer.text[:200]}")
                return answer.status_code
            await asyncio.sleep(0.1)
        self.problems.append(f"{what}: never told")
        return 0

    async def accounts(self, client: httpx.AsyncClient) -> None:
        """Two customers buy, become one, and now and then that one is erased beside a write."""
        number = next(_numbers)
        one, other = f"one-{number}", f"other-{number}"
        for who in (one, other):
            line = {
                "line_id": "1",
                "sku": "license-owned",
                "quantity": 1,
                "list_price": "200.00",
                "unit_price": "200.00",
            }
            body = {"customer_id": who, "placed_at": "2026-01-01T00:00:00Z", "currency": "USD", "lines": [line]}
            await self.told(client, "order", "PUT", f"/v1/orders/o-{who}", body)
        debit = self.told(client, "debit of one", "POST", f"/v1/customers/{one}/debits", {"credits": 1})
        merge = self.told(client, "merge", "POST", f"/v1/customers/{one}/merge", {"into_customer_id": other})
        _, done = await asyncio.gather(debit, merge)
        if done == 200:
            self.merged.append((one, other))
        if number % 3 == 0:
            ticket = {"customer_id": other, "subject": "s", "channel": "helpdesk", "category": "domain_change"}
            _, done = await asyncio.gather(
                self.told(client, "ticket", "PUT", f"/v1/tickets/t-{number}", ticket),
                self.told(client, "erasure", "POST", f"/v1/customers/{other}/erasure", {}, of=other),
            )
            # It keeps no answer: sent again after an answer that was lost, it finds nobody any more.
            if done == 200 or (done == 404 and other in self.lost):
                self.erased.append(other)
            elif done:
                self.problems.append(f"erasure of {other}: {done}")

    async def policies(self, client: httpx.AsyncClient) -> None:
        """The policy in force is published again, its hours corrected, and a simulation asked for."""
        read = await client.get("/v1/policies/avactis")
        if read.status_code != 200:
            return
        document = {"document": read.json()["document"]}
        hours = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
        version = {"effective_from": "2026-01-01", "weekly_hours": hours, "correction": True, "reason": "r"}
        await self.told(client, "simulation", "POST", "/v1/policies/avactis/simulate", {**document, "limit": 50})
        await self.told(client, "publication", "POST", "/v1/policies/avactis/versions", document)
        await self.told(client, "hours", "POST", "/v1/calendars/service-hours/versions", version)

    async def go(self, what: str) -> None:
        """One caller."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.at.port}", headers={"Authorization": f"Bearer {self.at.key}"}, timeout=60
        ) as client:
            while not self.stopping:
                with contextlib.suppress(httpx.HTTPError):
                    await (self.accounts if what == "accounts" else self.policies)(client)
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def mixed(at: Harness) -> AsyncIterator[Mix]:
    mix = Mix(at)
    tasks = [asyncio.create_task(mix.go(what)) for what in ("accounts", "accounts", "accounts", "policies")]
    yield mix
    mix.stopping = True
    await asyncio.gather(*tasks)


async def test_everything_at_once_while_the_service_is_killed(at: Harness) -> None:
    at.start()
    await at.ready()
    async with mixed(at) as mix:
        for _ in range(ROUNDS):
            await asyncio.sleep(8)
            at.kill()
            at.start()
            await at.ready()
            await asyncio.sleep(4)
    print("mixed load:", dict(sorted(mix.statuses.items())), len(mix.merged), "merged,", len(mix.erased), "erased")
    assert mix.problems == []
    assert mix.merged
    assert {what for what, status in mix.statuses if status < 300} >= {"order", "merge", "publication", "simulation"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{at.port}", headers={"Authorization": f"Bearer {at.key}"}, timeout=60
    ) as client:
        for one, other in mix.merged:
            read = [(await client.get(f"/v1/customers/{who}/balance")) for who in (one, other)]
            if other in mix.erased:
                assert read[0].status_code == 404, "the absorbed name leads nowhere"
                # A ticket that came after the erasure made a new customer of that name, who has nothing.
                assert read[1].status_code == 404 or read[1].json()["lots"] == []
            else:
                assert read[0].json()["available"] == read[1].json()["available"]
        assert (await client.get("/v1/audit")).json()["data"] == []
    database = Database(at.direct, pool_size=2)
    try:
        assert (await database.read(TENANT, audit.recompute))[1] == []
    finally:
        await database.close()


async def test_debits_are_counted_exactly_beside_policies_and_simulations(at: Harness) -> None:
    """The load of debits that every fault is played under, with publications and simulations beside it."""
    at.start()
    await at.ready()
    mix = Mix(at)
    beside = asyncio.create_task(mix.go("policies"))
    async with under_load(at, callers=6):
        for _ in range(ROUNDS):
            await asyncio.sleep(5)
            at.kill()
            at.start()
            await at.ready()
            await asyncio.sleep(3)
    mix.stopping = True
    await beside
    assert mix.problems == []
