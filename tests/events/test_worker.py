"""The worker as it runs: events find their way by themselves, and a killed one loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from app.connectors.webhooks.deliveries import Deliveries
from app.db import due
from app.db.engine import Database
from app.worker import run_worker
from tests.conftest import MakeVendor
from tests.events.receiver import Receiver, adjust, endpoint, with_customer
from tests.support.api import settings_for

CHILD = """
import asyncio, sys
from datetime import timedelta
from app.connectors.webhooks import dispatcher
dispatcher.LEASE = timedelta(seconds=1)
dispatcher.Dispatcher.__init__.__kwdefaults__["lease"] = timedelta(seconds=1)
from app.connectors.webhooks.deliveries import Deliveries
from app.db.engine import Database
from app.worker import run_worker
from tests.support.api import settings_for
url = sys.argv[1]
async def main():
    await run_worker(Database(url, pool_size=6), {}, asyncio.Event(),
                     jobs=[Deliveries(settings_for(url, allow_private_webhooks=True))])
asyncio.run(main())
"""
ROOT = Path(__file__).resolve().parent.parent.parent


@contextlib.asynccontextmanager
async def child(url: str):
    """A worker in a process of its own."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, url, cwd=ROOT)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until(condition, seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a receiver has no event to wait for
            await asyncio.sleep(0.05)


async def test_an_event_reaches_its_endpoint_by_itself(
    vendor: MakeVendor, db: Database, module_url: str, receiver: Receiver
):
    shop = await vendor("cs-cart", "2025-01-02T00:00:00Z")
    await with_customer(shop)
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    stop, job = asyncio.Event(), Deliveries(settings_for(module_url, allow_private_webhooks=True))
    task = asyncio.create_task(run_worker(db, {}, stop, jobs=[job]))
    await adjust(shop, "c1")
    await until(lambda: receiver.got)
    stop.set()
    await task
    await job.close()


async def test_kill_9_in_the_middle_of_deliveries_loses_none(vendor: MakeVendor, module_url: str, receiver: Receiver):
    shop = await vendor("cs-cart", "2025-01-02T00:00:00Z")
    names = [f"k{number}" for number in range(4)]
    for name in names:
        await with_customer(shop, name)
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    for _ in range(6):
        for name in names:
            await adjust(shop, name)
    for after in (2, 9):  # killed while a request is open: it came, and nobody wrote that it did
        async with child(module_url) as process:
            await until(lambda after=after: len(receiver.got) >= after)
            receiver.hang = True
            count = len(receiver.got)
            with contextlib.suppress(TimeoutError):
                await until(lambda count=count: len(receiver.got) > count, 3)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        receiver.hang = False
    async with child(module_url):
        await until(lambda: len(set(receiver.ids())) == 24)
        await asyncio.sleep(1.5)
    assert len(set(receiver.ids())) == 24
    assert len(receiver.got) <= 24 + 2 * 8  # twice at most what was under way, with the same id
    for name in names:
        first_seen: list[int] = []
        for one in receiver.got:
            if one.json["data"]["customer_id"] == name and one.json["data"]["sequence"] not in first_seen:
                first_seen.append(one.json["data"]["sequence"])
        assert first_seen == sorted(first_seen)


async def test_a_fault_between_turns_does_not_end_the_worker(
    vendor: MakeVendor, db: Database, module_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    shop = await vendor("cs-cart", "2025-01-02T00:00:00Z")
    await with_customer(shop)
    await endpoint(shop, receiver.url, event_types=["credits.adjusted"])
    failed: set[str] = set()

    def failing_once(name: str) -> None:
        plain = getattr(due, name)

        async def fails_once(*given: Any, **more: Any) -> Any:
            if name not in failed:
                failed.add(name)
                raise RuntimeError("a fault of ours")
            return await plain(*given, **more)

        monkeypatch.setattr(due, name, fails_once)

    for name in ("keep_up", "anything", "claim"):
        failing_once(name)
    stop, job = asyncio.Event(), Deliveries(settings_for(module_url, allow_private_webhooks=True))
    task = asyncio.create_task(run_worker(db, {}, stop, jobs=[job]))
    try:
        await adjust(shop, "c1")
        await until(lambda: receiver.got or task.done())
        assert failed == {"keep_up", "anything", "claim"}
        assert [one.type for one in receiver.got] == ["credits.adjusted"]
    finally:
        stop.set()
        await task
        await job.close()
