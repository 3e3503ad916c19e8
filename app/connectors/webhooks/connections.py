"""Connections kept open, for each endpoint its own: nobody else's requests go over them."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpcore

from app.connectors.webhooks.address_guard import PinnedBackend, Resolve
from app.connectors.webhooks.pace import LANES_MAX

IDLE_SECONDS: Final = 15.0
"""A connection is kept for so long after its last answer."""
POOLS_OPEN_MAX: Final = 32
"""Endpoints that may keep connections at once; then those that were used least lately close theirs."""


@dataclass(slots=True)
class _Pool:
    """One endpoint's connections."""

    connections: httpcore.AsyncConnectionPool
    using: int = 0
    used_at: float = 0.0


class Pools:
    """The connections of all endpoints. Each goes to an address that was judged when it was opened."""

    def __init__(self, tls: ssl.SSLContext, *, allow_private: bool, resolver: Resolve) -> None:
        self._tls = tls
        self._network = PinnedBackend(allow_private=allow_private, resolver=resolver)
        self._pools: dict[str, _Pool] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def of(self, via: str) -> AsyncIterator[httpcore.AsyncConnectionPool]:
        """An endpoint's connections, for one request."""
        pool = self._pools.pop(via, None) or self._made()
        self._pools[via] = pool  # the last one used stands last
        pool.using += 1
        try:
            yield pool.connections
        finally:
            pool.using -= 1
            pool.used_at = time.monotonic()
            self._tidy()

    async def close(self) -> None:
        """Closes all of them."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        pools, self._pools = list(self._pools.values()), {}
        await asyncio.gather(*(pool.connections.aclose() for pool in pools), *self._closing)

    def _made(self) -> _Pool:
        connections = httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=LANES_MAX,
            max_keepalive_connections=LANES_MAX,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=self._network,
        )
        return _Pool(connections)

    def _tidy(self) -> None:
        """Closes what was idle for long, and what is too much; looks again while there is something open."""
        old = time.monotonic() - IDLE_SECONDS
        surplus = len(self._pools) - POOLS_OPEN_MAX
        for via, pool in list(self._pools.items()):
            if not pool.using and (surplus > 0 or pool.used_at <= old):
                del self._pools[via]
                surplus -= 1
                task = asyncio.get_running_loop().create_task(pool.connections.aclose())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
            elif surplus <= 0 and pool.used_at > old:
                break
        if self._pools and self._look is None:
            self._look = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        self._tidy()
