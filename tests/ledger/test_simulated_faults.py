"""Seeded faults at every await of the use cases: a connection lost before or after a statement, work that collides, a
lock not had, a commit that never arrived, and one whose answer was lost. Callers send again with the same keys, and the
story ends exactly as it does without faults.

Sequential and on a virtual clock, so that a seed always hurts the same awaits; ``RETAINER_SIMULATED_FAULTS`` (seeds a
story, 20 unless given) goes further. A failing case names its story and seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.db import driver
from app.db.engine import Database
from app.db.failures import Locked, Retry
from app.main import create_app
from tests.support.api import Vendor, make_vendor, running, settings_for

STORIES = 5
KINDS = ("hold", "debit", "debit", "capture", "refund", "release", "grant", "wait", "batch", "ticket")
SHOWN = ("kind", "credits", "from", "to", "effective_at", "version", "reason", "clause", "order_id", "ticket_id")
SEEDS = int(os.environ.get("RETAINER_SIMULATED_FAULTS", "20"))


@dataclass
class Hurt:
    """What goes wrong. ``odds``: faults in a hundred awaits; at most ``left`` of them, so that every story ends."""

    dice: random.Random = field(default_factory=lambda: random.Random(0))
    odds: int = 0
    left: int = 0
    done: dict[str, int] = field(default_factory=dict)

    def begin(self, seed: int) -> None:
        self.dice, self.odds, self.left = random.Random(seed), self.dice_odds(seed), 25

    @staticmethod
    def dice_odds(seed: int) -> int:
        return (3, 8, 20)[seed % 3]

    def end(self) -> None:
        self.odds = 0

    def now(self, weight: int = 1) -> bool:
        if self.left <= 0 or self.dice.randrange(100) >= self.odds * weight:
            return False
        self.left -= 1
        return True

    def note(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1


HURT = Hurt()


class HurtConnection:
    """A connection on which anything that is awaited may fail, before its effect or after it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, *args: Any) -> Any:
        return await hurt(lambda: self._connection.execute(*args))


async def hurt(statement: Callable[[], Awaitable[Any]]) -> Any:
    """Run a statement; it may fail before its effect or after it."""
    if HURT.now():
        kind = HURT.dice.choice(["lost", "lost", "collided", "locked"])
        HURT.note(kind)
        raise {"lost": ConnectionResetError("lost"), "collided": Retry("40P01"), "locked": Locked("locked")}[kind]
    answer = await statement()
    if HURT.now():
        HURT.note("lost after a statement")
        raise ConnectionResetError("lost after a statement")
    return answer


async def hurt_fetch(*args: Any) -> Any:
    """`driver.fetch`, on which statements of the driver's own go."""
    return await hurt(lambda: driver.fetch(*args))


async def hurt_end(connection: Any, *, commit: bool) -> None:
    """`driver.end`, by which a transaction is committed."""
    if commit and HURT.now(weight=2):
        HURT.note("commit never arrived")
        raise ConnectionResetError("the commit never arrived")
    await driver.end(connection, commit=commit)
    if commit and HURT.now(weight=2):
        HURT.note("commit unanswered")
        raise ConnectionResetError("the answer to the commit was lost")


class HurtDatabase(Database):
    @contextlib.asynccontextmanager
    async def _connection(self, *args: Any) -> AsyncIterator[Any]:
        async with super()._connection(*args) as connection:
            yield HurtConnection(connection)


class Quick:
    """asyncio in which nobody has to wait before trying again."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)


@pytest_asyncio.fixture(scope="module")
async def hurt_app(module_url: str) -> AsyncIterator[FastAPI]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.main.Database", HurtDatabase)
        patch.setattr("app.main.LAST_USED_SECONDS", 1e9)  # what runs beside would take from the dice
        patch.setattr("app.db.engine.asyncio", Quick())
        patch.setattr("app.db.gather.asyncio", Quick())
        patch.setattr("app.db.engine.fetch", hurt_fetch)
        patch.setattr("app.db.engine.end", hurt_end)
        async with running(create_app(settings_for(module_url))) as started:
            yield started


# --- the story --------------------------------------------------------------------------------------------------------


@dataclass
class Teller:
    """Tells a story to the service: whatever is answered 503 is sent again as it was."""

    shop: Vendor
    said: list[str] = field(default_factory=list)
    keyed: list[tuple[str, dict[str, Any], str, bytes]] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    day: int = 1

    async def until_told(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        for _ in range(100):
            answer = await send()
            if answer.status_code != 503:
                assert answer.status_code < 500, answer.text
                return answer
            assert "retry-after" in answer.headers
        raise AssertionError("never told")

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        key = f"key-{len(self.said)}"
        answer = await self.until_told(lambda: self.shop.post(path, body, key=key))
        if answer.status_code < 300 and not path.endswith("/refunds"):  # those have a key of their own in the body
            self.keyed.append((path, body, key, answer.content))
        self.heard(answer)
        return answer

    async def put(self, path: str, body: dict[str, Any]) -> None:
        self.heard(await self.until_told(lambda: self.shop.put(path, json=body)))

    def heard(self, answer: httpx.Response) -> None:
        self.said.append("done" if answer.status_code < 300 else f"{answer.status_code} {answer.json()['code']}")

    async def wait(self, days: int) -> None:
        self.day += days
        now = f"2025-{1 + (self.day - 1) // 28:02}-{1 + (self.day - 1) % 28:02}T00:00:00Z"
        for _ in range(100):
            answer = await self.until_told(lambda: self.shop.put("/v1/clock", json={"now": now}))
            if answer.json()["reached"]:
                return

    async def tell(self, story: int) -> None:
        dice = random.Random(story)
        await self.buy("o-1", "license", "credits-30")
        await self.grant(10, "2025-02-01T00:00:00Z")
        await self.grant(5, "2025-03-01T00:00:00Z")
        for step in range(14):
            await self.something(dice, step)
        await self.post("/v1/orders/o-1/refunds", {"refund_id": "r-1", "lines": []})

    async def something(self, dice: random.Random, step: int) -> None:
        kind = dice.choice(
            ["hold", "debit", "debit", "capture", "refund", "release", "grant", "wait", "batch", "ticket"]
        )
        if kind in ("hold", "debit"):
            answer = await self.post(f"/v1/customers/ann/{kind}s", {"credits": dice.randint(1, 12)})
            if answer.status_code == 201:
                self.holds.append(answer.json()["hold_id"])
        elif kind in ("capture", "refund", "release") and self.holds:
            await self.post(f"/v1/holds/{dice.choice(self.holds)}/{kind}", {"credits": dice.randint(1, 4)})
        elif kind == "grant":
            await self.grant(dice.choice([3, -2]), None)
        elif kind == "wait":
            await self.wait(dice.randint(5, 20))
        elif kind == "batch":
            await self.batch(step, [dice.randint(1, 6) for _ in range(3)])
        elif kind == "ticket":
            await self.ticket(f"t-{step}", dice)

    async def grant(self, credits: int, ends: str | None) -> None:
        body = {"credits": credits, "reason": "r", **({} if ends is None else {"expires_at": ends})}
        await self.post("/v1/customers/ann/adjustments", body)

    async def buy(self, order_id: str, *skus: str) -> None:
        lines = [{"line_id": sku, "sku": sku, "quantity": 1} for sku in skus]
        body = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": lines}
        await self.put(f"/v1/orders/{order_id}", body)

    async def batch(self, step: int, amounts: list[int]) -> None:
        """Each command of a batch has its own fate, and its own key."""
        commands = [
            {"idempotency_key": f"batch-{step}-{n}", "kind": "debit", "customer_id": "ann", "credits": amount}
            for n, amount in enumerate(amounts)
        ]
        told: dict[str, str] = {}
        for _ in range(100):
            open_ = [one for one in commands if one["idempotency_key"] not in told]
            answer = await self.until_told(
                lambda open_=open_: self.shop.post("/v1/credit-batches", {"commands": open_}, key=None)
            )
            for one in answer.json()["results"]:
                if one["status"] != 503:
                    told[one["idempotency_key"]] = one["code"] or "done"
                if one["status"] == 503:
                    break  # what stands behind it is sent again too, so that the order of effects stays
            if len(told) == len(commands):
                break
        self.said += [told[str(one["idempotency_key"])] for one in commands]

    async def ticket(self, name: str, dice: random.Random) -> None:
        body = {
            "customer_id": "ann",
            "subject": "s",
            "channel": "helpdesk",
            "language": "en",
            "category": "features",
            "agreed_up_to": 40,
        }
        await self.put(f"/v1/tickets/{name}", body)
        await self.post(f"/v1/tickets/{name}/assessments", {"category": "features", "credits": dice.randint(1, 5)})
        await self.post(f"/v1/tickets/{name}/resolution", {"outcome": dice.choice(["answered", "resolved"])})

    async def ending(self) -> dict[str, Any]:
        """All that can be seen at the end, without ids."""
        balance = (await self.shop.get("/v1/customers/ann/balance")).json()
        shown = (await self.shop.get("/v1/customers/ann")).json()
        entries, cursor = [], None
        while True:
            page = (await self.shop.get("/v1/customers/ann/entries", limit=100, cursor=cursor)).json()
            entries += page["data"]
            if (cursor := page["next_cursor"]) is None:
                break
        events = (await self.shop.get("/v1/events", limit=100)).json()["data"]
        tickets = (await self.shop.get("/v1/tickets", limit=100)).json()["data"]
        return {
            "balance": (balance["available"], balance["held"]),
            "entries": [tuple(one[name] for name in SHOWN) for one in entries],
            "licenses": [(one["sku"], one["ordinal"], one["ended_reason"]) for one in shown["licenses"]],
            "covers": [(one["rule"], one["state"]) for one in shown["covers"]],
            "tickets": [(one["ticket_id"], one["state"], one["charge"]) for one in tickets],
            "events": sorted((one["sequence"], one["type"]) for one in events),
            "audit": (await self.shop.get("/v1/audit")).json()["data"],
        }


async def play(app: FastAPI, story: int, seed: int | None) -> Teller:
    shop = await make_vendor(app, "avactis")
    teller = Teller(shop)
    if seed is not None:
        HURT.begin(seed)
    try:
        await teller.tell(story)
    finally:
        HURT.end()
    return teller


@pytest.mark.parametrize("story", range(STORIES))
async def test_a_story_full_of_faults_ends_as_it_does_without(hurt_app: FastAPI, story: int) -> None:
    plain = await play(hurt_app, story, None)
    wanted = await plain.ending()
    assert wanted["audit"] == []
    assert len(wanted["entries"]) > 10
    await plain.shop.close()
    HURT.done.clear()
    for seed in range(story * 100_000, story * 100_000 + SEEDS):
        hurt = await play(hurt_app, story, seed)
        assert hurt.said == plain.said, f"story {story}, seed {seed}"
        assert await hurt.ending() == wanted, f"story {story}, seed {seed}"
        for path, body, key, first in hurt.keyed[:: max(1, len(hurt.keyed) // 4)]:
            again = await hurt.shop.post(path, body, key=key)
            assert (again.content, again.headers["idempotent-replayed"]) == (first, "true")
        await hurt.shop.close()
    assert set(HURT.done) == {
        "lost",
        "collided",
        "locked",
        "lost after a statement",
        "commit never arrived",
        "commit unanswered",
    }
