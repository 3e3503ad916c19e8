"""Group commit: commands that arrive together share one database transaction (decision 0002).

This module knows nothing of credits.

- Forming a batch: there is no timer. While a batch runs, new commands queue, and the next batch is formed of them. On
  an idle service a command starts at once.
- Fairness: one queue a tenant, one tenant a batch, one batch in flight a tenant. Tenants take turns, several at once.
- Failure: a batch that fails is run again in groups, then one by one. So one bad command cannot fail the others.
- Contention: a batch waits only a moment for what somebody else holds locked. Then the commands that need it wait by
  themselves, those that come later wait behind them, and all others are served.
- Joining: a batch that has its locks takes in the commands that came for the same meanwhile. Where processes take turns
  at one busy customer, each turn then carries all that wait there.
- Bounds: every queue has a limit. Past it callers get `Busy` (503 with ``Retry-After``).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.db.engine import PATIENCE
from app.db.failures import Busy, Locked, Unavailable

C = TypeVar("C")
R = TypeVar("R")

Item = tuple[C, asyncio.Future[R], float]
"""A command, who waits for its result, and since when (the loop's time)."""
Join = Callable[[Collection[Hashable]], None]
"""Told what a batch holds locked; adds the commands that wait for the same to the batch (`Gatherer`)."""


def nobody(_: Collection[Hashable]) -> None:
    """The `Join` of a batch that takes nobody in."""


@dataclass(slots=True)
class GatherStats:
    """Counters for the metrics page."""

    batches: int = 0
    commands: int = 0
    largest: int = 0
    refused: int = 0
    split: int = 0
    aside: int = 0
    joined: int = 0
    retried: int = 0
    waiting: int = 0
    sizes: deque[int] = field(default_factory=lambda: deque(maxlen=256))


class Gatherer(Generic[C, R]):
    """Runs commands in batches through ``run(tenant, commands, join)``, which answers one result a command, in order.

    ``run`` may call ``join(groups)`` once it holds these groups' locks, before it reads what they protect. The commands
    of these groups at the head of the tenant's line are then appended to ``commands``. Nobody overtakes anybody.

    - ``group_of`` names what commands may block each other on (a customer). After a failure groups are run apart.
    - ``in_flight``: batches of one tenant at once in this process (one is best on fast disks, two on slow ones).
    - ``tenants``: batches at once of all tenants.
    - ``batch``: the most commands in one. ``queue``: the most commands that wait.
    - ``attempts``: tries when the database was lost. Every try has the same commands, so that their keys make the
      second one a replay.
    - ``deadline``: seconds after which callers hear that the outcome is unknown, whatever becomes of their batch. A
      batch itself has at least a fifth of it.
    - ``patient``: like ``run``, but waits longer for locks. With it, ``run`` is expected to give up soon (`Locked`),
      and what it gave up on is set aside.
    """

    def __init__(
        self,
        run: Callable[[str, Sequence[C], Join], Awaitable[Sequence[R]]],
        *,
        patient: Callable[[str, Sequence[C], Join], Awaitable[Sequence[R]]] | None = None,
        group_of: Callable[[C], Hashable] = id,
        in_flight: int = 1,
        tenants: int = 4,
        batch: int = 128,
        queue: int = 4096,
        groups_at_once: int = 4,
        attempts: int = 3,
        pause: float = 0.1,
        deadline: float = 4.0,
    ) -> None:
        self._run = run
        self._patient = patient
        self._group_of = group_of
        self._in_flight = in_flight
        self._tenants = max(tenants, in_flight)
        self._under_way: Counter[str] = Counter()
        self._batch = batch
        self._queue = queue
        self._groups_at_once = groups_at_once
        self._attempts = attempts
        self._pause = pause
        self._deadline = deadline
        self._waiting: dict[str, deque[Item[C, R]]] = {}
        self._turns: deque[str] = deque()
        self._running: dict[asyncio.Task[None], str] = {}
        """Batches under way, and whose each is."""
        self._given_up: set[asyncio.Task[None]] = set()
        self._aside: dict[tuple[str, Hashable], deque[Item[C, R]]] = {}
        self._waiting_aside: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(groups_at_once)
        self._scheduled = False
        self._closed = False
        self.stats = GatherStats()

    async def submit(self, tenant: str, command: C) -> R:
        """The command's result. Goes on even if the caller goes away. Raises `Busy` beyond the bounds."""
        self._check_room(1)
        # Nobody else holds this future, and whoever serves it passes over one that was cancelled: it needs no shield.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._line(tenant).append((command, future, loop.time()))
        self._go_on(1)
        return await future

    def submit_many(self, tenant: str, commands: Sequence[C]) -> list[asyncio.Future[R]]:
        """Puts all commands in the queue at once, or none (`Busy`); one awaitable each, shielded from cancellation."""
        self._check_room(len(commands))
        loop = asyncio.get_running_loop()
        line = self._line(tenant)
        shields: list[asyncio.Future[R]] = []
        for command in commands:
            future: asyncio.Future[R] = loop.create_future()
            future.add_done_callback(_retrieved)
            line.append((command, future, loop.time()))
            shields.append(asyncio.shield(future))
        self._go_on(len(commands))
        return shields

    def _check_room(self, count: int) -> None:
        if self._closed:
            raise Busy("the service is shutting down")
        if self.stats.waiting + count > self._queue:
            self.stats.refused += count
            raise Busy("too many commands are waiting")

    def _line(self, tenant: str) -> deque[Item[C, R]]:
        line = self._waiting.get(tenant)
        if line is None:
            line = self._waiting[tenant] = deque()
            if self._under_way[tenant] < self._in_flight:
                self._turns.append(tenant)
        return line

    def _go_on(self, count: int) -> None:
        self.stats.waiting += count
        if not self._scheduled and self._turns and len(self._running) < self._tenants:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    async def close(self) -> None:
        """Takes no more, and drains what is there."""
        self._closed = True
        while self._running or self._turns or self._waiting_aside:
            self._pump()
            busy = {*self._running, *self._waiting_aside}
            if busy:
                await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0)

    def _pump(self) -> None:
        self._scheduled = False
        while self._turns and len(self._running) < self._tenants:
            tenant = self._turns.popleft()
            line = self._waiting[tenant]
            items = [line.popleft() for _ in range(min(len(line), self._batch))]
            if not line:
                del self._waiting[tenant]
            self.stats.waiting -= len(items)
            if self._aside:
                items = [item for item in items if not self._joins_aside(tenant, item)]
            if items:
                task = asyncio.get_running_loop().create_task(self._serve(tenant, items))
                self._running[task] = tenant
                self._under_way[tenant] += 1
                task.add_done_callback(self._served)
            if line and self._under_way[tenant] < self._in_flight:
                self._turns.append(tenant)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._end(task)
        if self._turns and not self._scheduled:
            self._pump()

    def _end(self, task: asyncio.Task[None]) -> None:
        """A batch is under way no more: its tenant's next one may be."""
        tenant = self._running.pop(task, None)
        if tenant is None:
            return
        self._under_way[tenant] -= 1
        if not self._under_way[tenant]:
            del self._under_way[tenant]
        if tenant in self._waiting and tenant not in self._turns:
            self._turns.append(tenant)

    async def _serve(self, tenant: str, items: list[Item[C, R]], *, patient: bool = False) -> None:
        stats = self.stats
        stats.batches += 1
        serving = asyncio.current_task()
        loop = asyncio.get_running_loop()
        # Who waited behind a batch that was given up is told soon after, unless the next way is open.
        waited = 0.0 if patient else loop.time() - items[0][2]
        seconds = max(self._deadline - waited, self._deadline / 5)
        late = loop.call_later(seconds, self._give_up, serving, items)

        def joined(groups: Collection[Hashable]) -> list[Item[C, R]]:
            # Who is told at the deadline is told by then: nobody may join a batch that was given up.
            found = self._take_head(tenant, groups, self._batch - len(items)) if serving in self._running else []
            items.extend(found)
            return found

        try:
            await self._attempt(tenant, items, patient=patient, joined=joined)
        except BaseException as error:
            for _, future, _ in items:
                if not future.done():
                    future.set_exception(
                        Unavailable("the service stopped before it could answer", outcome_unknown=True)
                    )
            if not isinstance(error, Exception):
                raise
        finally:
            late.cancel()
            stats.commands += len(items)
            stats.largest = max(stats.largest, len(items))
            stats.sizes.append(len(items))

    def _take_head(self, tenant: str, groups: Collection[Hashable], most: int) -> list[Item[C, R]]:
        """Takes from the head of a tenant's line what is of these groups, up to the first that is not."""
        line = self._waiting.get(tenant, deque())
        found: list[Item[C, R]] = []
        while line and len(found) < most:
            group = self._group_of(line[0][0])
            if group not in groups or (tenant, group) in self._aside:
                break
            found.append(line.popleft())
        if found and not line:
            del self._waiting[tenant]
            with contextlib.suppress(ValueError):
                self._turns.remove(tenant)
        self.stats.waiting -= len(found)
        self.stats.joined += len(found)
        return found

    def _give_up(self, task: asyncio.Task[None] | None, items: Sequence[Item[C, R]]) -> None:
        """The database takes what it is sent and does not answer: callers are told, others go on without this batch."""
        _fail(items, Unavailable("the database does not answer", outcome_unknown=True))
        if task is not None and task in self._running:
            self._end(task)
            self._given_up.add(task)
            task.add_done_callback(self._given_up.discard)
            self._pump()

    async def _attempt(
        self,
        tenant: str,
        items: list[Item[C, R]],
        *,
        patient: bool = False,
        joined: Callable[[Collection[Hashable]], list[Item[C, R]]] | None = None,
    ) -> None:
        run = self._patient if patient and self._patient is not None else self._run
        began = time.monotonic()
        for attempt in range(1, self._attempts + 1):
            commands = [command for command, _, _ in items]

            def join(groups: Collection[Hashable], commands: list[C] = commands) -> None:
                if joined is not None:
                    commands.extend(command for command, _, _ in joined(groups))

            try:
                results = await run(tenant, commands, join)
            except Locked as error:
                failure: Exception = error
                break
            except Busy as error:
                _fail(items, error)
                return
            except Unavailable as error:
                failure = error
                if attempt < self._attempts and time.monotonic() - began < PATIENCE:
                    self.stats.retried += 1
                    await asyncio.sleep(self._pause * attempt)
                    continue
                _fail(items, failure)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not hurt the neighbours
                failure = error
                break
            else:
                for (_, future, _), result in zip(items, results, strict=True):
                    if not future.done():
                        future.set_result(result)
                return
        else:
            return
        await self._apart(tenant, items, failure, patient=patient)

    async def _apart(self, tenant: str, items: list[Item[C, R]], failure: Exception, *, patient: bool) -> None:
        """Runs what failed together in groups that cannot block each other, then one by one; what is locked, aside."""
        groups: dict[Hashable, list[Item[C, R]]] = {}
        for item in items:
            groups.setdefault(self._group_of(item[0]), []).append(item)
        if len(groups) == 1:
            if isinstance(failure, Locked) and self._patient is not None and not patient:
                self._set_aside(tenant, next(iter(groups)), items)
                return
            if len(items) == 1 or isinstance(failure, Locked):
                _fail(items, failure)
                return
            self.stats.split += 1
            for item in items:
                await self._attempt(tenant, [item], patient=patient)
            return
        self.stats.split += 1
        gate = asyncio.Semaphore(self._groups_at_once)

        async def one(group: list[Item[C, R]]) -> None:
            async with gate:
                await self._attempt(tenant, group)

        await asyncio.gather(*(one(group) for group in groups.values()))

    def _set_aside(self, tenant: str, group: Hashable, items: list[Item[C, R]]) -> None:
        """Lets a group wait by itself for whoever holds its lock; others of it that come meanwhile wait behind it."""
        self.stats.aside += len(items)
        self.stats.waiting += len(items)
        line = self._aside.get((tenant, group))
        if line is not None:
            line.extend(items)
            return
        self._aside[tenant, group] = deque(items)
        task = asyncio.get_running_loop().create_task(self._wait_aside(tenant, group))
        self._waiting_aside.add(task)
        task.add_done_callback(self._waiting_aside.discard)

    def _joins_aside(self, tenant: str, item: Item[C, R]) -> bool:
        group = self._group_of(item[0])
        if (tenant, group) not in self._aside:
            return False
        self._set_aside(tenant, group, [item])
        return True

    async def _wait_aside(self, tenant: str, group: Hashable) -> None:
        line = self._aside[tenant, group]
        try:
            while line:
                async with self._gate:
                    items = [line.popleft() for _ in range(min(len(line), self._batch))]
                    self.stats.waiting -= len(items)
                    await self._serve(tenant, items, patient=True)
        finally:
            del self._aside[tenant, group]
            self.stats.waiting -= len(line)
            _fail(list(line), Unavailable("the service stopped before it could answer"))


def _fail(items: Sequence[Item[C, R]], error: Exception) -> None:
    for _, future, _ in items:
        if not future.done():
            future.set_exception(error)


def _retrieved(future: asyncio.Future[R]) -> None:
    if not future.cancelled():
        future.exception()
