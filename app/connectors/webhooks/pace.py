"""How much of this process each endpoint's receiver may take, by how it answered lately."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

LANES_AT_FIRST: Final = 4
LANES_MAX: Final = 16
"""Deliveries of one endpoint under way at once, each of another lane."""
SLOW_MS: Final = 2_000
"""A receiver that takes longer counts as doubtful, like one that fails."""
ANSWERING_SENDS_MAX: Final = 128
"""Deliveries under way at once, of all endpoints that answer."""
DOUBTFUL_SENDS_MAX: Final = 64
"""The same, of all endpoints that are new, slow or failing: however many hang, the others have their own places."""
TENANT_SHARE: Final = 3
"""One tenant gets at most this part of either: a third."""


@dataclass(slots=True)
class Pace:
    """One receiver's: it begins carefully, gets more with each good answer, and is tried one by one after a bad one."""

    lanes: int = LANES_AT_FIRST
    proven: bool = False

    def adjust(self, *, good: bool, milliseconds: int) -> None:
        """Takes in how an attempt went."""
        self.proven = good and milliseconds < SLOW_MS
        if self.proven:
            self.lanes = min(self.lanes + 1, LANES_MAX)
        else:
            self.lanes = max(1, self.lanes // 2) if good else 1


@dataclass(slots=True)
class Places:
    """The places of one kind. Who waits for one stands in line, without a connection and without a lease."""

    most: int
    in_use: Counter[str] = field(default_factory=Counter)
    _line: deque[asyncio.Future[None]] = field(default_factory=deque)

    def take(self, tenant: str, count: int) -> int:
        """Takes at most so many places, as many as are free; how many."""
        free = min(self.most - self.in_use.total(), max(1, self.most // TENANT_SHARE) - self.in_use[tenant])
        got = max(0, min(count, free))
        self.in_use[tenant] += got
        return got

    async def wait(self, tenant: str) -> None:
        """Takes one place as soon as there is one."""
        while not self.take(tenant, 1):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._line.append(turn)
            await turn

    def give_back(self, tenant: str, count: int = 1) -> None:
        """Returns places, and lets those who wait look again."""
        self.in_use[tenant] -= count
        if not self.in_use[tenant]:
            del self.in_use[tenant]
        while self._line:
            if not (turn := self._line.popleft()).done():
                turn.set_result(None)


@dataclass(slots=True)
class Room:
    """The places of this process."""

    answering: Places = field(default_factory=lambda: Places(ANSWERING_SENDS_MAX))
    doubtful: Places = field(default_factory=lambda: Places(DOUBTFUL_SENDS_MAX))

    def of(self, pace: Pace) -> Places:
        """The places that a receiver's deliveries share."""
        return self.answering if pace.proven else self.doubtful
