"""What a tenant may take of one process: connections, waiting writes of one customer, one long piece of work at a time.

Nothing here asks the database. The quiet way is a few looks into dictionaries and never waits. Whoever has to wait
stands in a line of its tenant or customer that holds no connection. Whoever goes away leaves the line.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from app.domain.values.errors import DomainError

WAITING_WRITES: Final = 256
"""Writes of one customer that may wait at once in a process."""
WRITE_PATIENCE: Final = 10.0
"""Seconds for which a write waits for the customer's earlier ones; nothing of it has begun by then."""
_SMALL: Final = 4
"""A pool below this many connections keeps none back: its work may need two at once."""
House = Literal[""]
HOUSE: Final[House] = ""
"""Work of no tenant (who a key belongs to, readiness): it takes turns like a tenant, and no cap is on it."""
BESIDE: Final = "\x00beside"
"""The work beside the calls, of whichever tenant: what falls due, deliveries, what shops have sent."""
Long = Literal["simulation", "publication"]
_Turn = asyncio.Future[bool]


class Shares:
    """Hands out a pool's connections: fair between tenants, and work-conserving but for one that is kept back.

    Tenants that wait are served in turn. While another waits, one tenant gets no more than half of the pool. The last
    free connection goes only to who holds less than half, so that a newcomer need not wait for somebody's slow work.

    `BESIDE` goes before all of them while it holds less than its share: a crowd of calls would hold up what is due.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.half = max(1, size // 2)
        self.reserve = 1 if size >= _SMALL else 0
        self.beside = max(1, size // 5)
        self.free = size
        self.held: dict[str, int] = {}
        self.waited = 0
        """How often somebody had to wait, for the figures."""
        self._lines: dict[str, deque[_Turn]] = {}
        """Who waits, by tenant; the dictionary's order is the order of turns."""

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(len(line) for line in self._lines.values())

    def take(self, tenant: str) -> bool:
        """Takes a connection if one may be had at once."""
        if tenant in self._lines or not self._may(tenant):
            return False
        self._give(tenant)
        return True

    async def wait(self, tenant: str, seconds: float) -> bool:
        """Takes a connection when it is this tenant's turn; False when that did not come in time."""
        loop = asyncio.get_running_loop()
        turn: _Turn = loop.create_future()
        self._lines.setdefault(tenant, deque()).append(turn)
        self.waited += 1
        late = loop.call_later(seconds, _late, turn)
        try:
            granted = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.give_back(tenant)
            else:
                self._leave(tenant, turn)
            raise
        finally:
            late.cancel()
        if not granted:
            self._leave(tenant, turn)
        return granted

    def give_back(self, tenant: str) -> None:
        """Returns a connection, and lets on whoever is next."""
        self.free += 1
        left = self.held[tenant] - 1
        if left:
            self.held[tenant] = left
        else:
            del self.held[tenant]
        if self._lines:
            self._go_on()

    def _give(self, tenant: str) -> None:
        self.free -= 1
        self.held[tenant] = self.held.get(tenant, 0) + 1

    def _may(self, tenant: str) -> bool:
        if not self.free:
            return False
        if tenant == HOUSE or self.held.get(tenant, 0) < self.half:
            return True
        return self.free > self.reserve and not any(line != tenant for line in self._lines)

    def _go_on(self) -> None:
        while self.free and (tenant := self._next()) is not None:
            line = self._lines.pop(tenant)
            turn = line.popleft()
            if line:  # behind the others, for its next turn
                self._lines[tenant] = line
            if not turn.done():
                self._give(tenant)
                turn.set_result(True)

    def _next(self) -> str | None:
        if BESIDE in self._lines and self.held.get(BESIDE, 0) < self.beside:
            return BESIDE
        return next(filter(self._may, self._lines), None)

    def _leave(self, tenant: str, turn: _Turn) -> None:
        line = self._lines.get(tenant)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[tenant]
                self._go_on()


def _late(turn: _Turn) -> None:
    if not turn.done():
        turn.set_result(False)


class OneByOne:
    """Lets the writes of one customer in one by one, first come, first served; the others wait outside the pool."""

    def __init__(self, most: int = WAITING_WRITES, patience: float = WRITE_PATIENCE) -> None:
        self.most = most
        self.patience = patience
        self.refused = 0
        self._lines: dict[Hashable, deque[_Turn]] = {}
        """Of each customer with a write under way: who waits for it."""

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(len(line) for line in self._lines.values())

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """The block is run alone for its key. 429 ``tenant_busy`` when too many wait, or it took too long."""
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = deque()
        else:
            await self._wait(key, line)
        try:
            yield
        finally:
            self._next(key)

    async def _wait(self, key: Hashable, line: deque[_Turn]) -> None:
        if len(line) >= self.most:
            self.refused += 1
            raise busy("writes of one customer", most=self.most)
        loop = asyncio.get_running_loop()
        turn: _Turn = loop.create_future()
        line.append(turn)
        late = loop.call_later(self.patience, _late, turn)
        try:
            granted = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self._next(key)
            elif turn in line:
                line.remove(turn)
            raise
        finally:
            late.cancel()
        if not granted:
            if turn in line:
                line.remove(turn)
            self.refused += 1
            raise busy("writes of one customer", most=self.most)

    def _next(self, key: Hashable) -> None:
        line = self._lines[key]
        while line:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        del self._lines[key]


def busy(what: str, *, most: int) -> DomainError:
    """429 ``tenant_busy``: the tenant itself has as much under way as it may."""
    return DomainError("tenant_busy", what=what, most=most)


@dataclass(slots=True)
class Budget:
    """The budgets of one process."""

    shares: Shares
    writes: OneByOne = field(default_factory=OneByOne)
    refused: int = 0
    under_way: set[tuple[Long, str]] = field(default_factory=set)

    @contextmanager
    def one(self, what: Long, tenant: str) -> Iterator[None]:
        """Long work that a tenant does once at a time; 429 ``tenant_busy`` while another of its kind runs."""
        key = (what, tenant)
        if key in self.under_way:
            self.refused += 1
            raise busy(what, most=1)
        self.under_way.add(key)
        try:
            yield
        finally:
            self.under_way.discard(key)
