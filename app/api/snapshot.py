"""The snapshot of a query: all its fields read one state of the database, opened when the first needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, cast

from app.api.state import SharedQueries
from app.usecases.commands import Busy, Database, Seat, Tx
from app.usecases.credits import accounts
from app.usecases.customers import loading

T = TypeVar("T")


class Snapshot:
    """Stands in for the database while a query runs: every read uses the one snapshot, in turn.

    Customers that several fields will ask about are read together when the first of them has its turn.
    """

    def __init__(self, database: Database, queries: SharedQueries | None = None) -> None:
        self._database = database
        self._queries = queries
        self._seat: Seat | None = None
        self._place: asyncio.Future[None] | None = None
        self._stack = AsyncExitStack()
        self._open: dict[str, Tx] = {}
        self._turn = asyncio.Lock()
        self._names: dict[str, None] = {}
        self.reads = 0

    @property
    def is_shared(self) -> bool:
        """Whether other queries read in it, too: what all of them ask is asked together."""
        return self._seat is not None

    def add(self, customer_id: str) -> None:
        """Notes a customer whom a field that waits for its turn will ask about."""
        self._names[customer_id] = None

    async def read(
        self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], *, attempts: int = 3, even_moved: bool = False
    ) -> T:
        """What ``work`` finds in the snapshot. ``even_moved``: wherever the tenant lives."""
        if self._seat is not None and not even_moved:
            return cast(T, await self._seat.read(work))
        async with self._turn:
            self.reads += 1
            tx = self._open.get(tenant_id)
            if tx is None:
                tx = await self._stack.enter_async_context(self._database.reading(tenant_id, even_moved=even_moved))
                self._open[tenant_id] = tx
            if len(self._names) > 1:
                names, self._names = list(self._names), {}
                await loading.prepare(tx, names)
            return await work(tx)

    async def read_shared(self, tenant_id: str, work: Callable[[Tx], Awaitable[T]]) -> T:
        """`read`, of a query whose snapshot may be shared with queries that began at the same time.

        ``work`` takes a bounded time. The first read of a query says in which snapshot all of them read.
        """
        if self._seat is None and self._queries is not None and not self._open and not self._turn.locked():
            seat = Seat()
            (self._place,) = self._queries.submit_many(tenant_id, [seat])
            self._place.add_done_callback(_retrieved)
            self._seat = seat
        return await self.read(tenant_id, work)

    async def _stand_up(self) -> None:
        """Leave a shared snapshot, if it is one. The last one waits for its end."""
        if self._seat is not None and self._place is not None:
            is_last, self._seat = self._seat.leave(), None
            if is_last:
                await asyncio.wait([self._place])

    async def run(self, tenant_id: str, work: Callable[[Tx], Awaitable[T]], **more: Any) -> T:
        """For the few readings that write first (placing events). What nobody has read yet is then read anew.

        A query never holds two connections: `Busy` where other fields have read in the snapshot already.
        """
        async with self._turn:
            if self._seat is not None or (self._open and self.reads > 1):
                raise Busy("the snapshot is open")
            await self._stack.aclose()
            self._open.clear()
            return await self._database.run(tenant_id, work, **more)

    @asynccontextmanager
    async def lend(self, tenant_id: str) -> AsyncIterator[Callable[[], Database]]:
        """For simulations: the snapshot gives its connection up for as long, and a new one serves what is read after
        them. The other fields wait: a query never holds two connections."""
        async with self._turn:
            await self._stand_up()
            await self._stack.aclose()
            self._open.clear()
            async with self._database.lend(tenant_id) as made:
                yield made

    async def close(self) -> None:
        """Ends the snapshot; may be called when none was opened."""
        await self._stand_up()
        await self._stack.aclose()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


def _retrieved(place: asyncio.Future[None]) -> None:
    """Look at how a place ended: its reads were told."""
    if not place.cancelled():
        place.exception()


class SnapshotBalances:
    """Balances asked for at once are read at once, in the snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._waiting: list[tuple[str, asyncio.Future[Any]]] = []

    async def submit(self, tenant_id: str, customer_id: str) -> Any:
        """One customer's balance now, or the refusal in its place."""
        if self._snapshot.is_shared:
            return await self._snapshot.read(tenant_id, lambda tx: accounts.balance(tx, customer_id))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((customer_id, future))
        await self._snapshot.read(tenant_id, self._answer)
        return await future

    async def _answer(self, tx: Tx) -> None:
        batch, self._waiting = self._waiting, []
        try:
            found = await accounts.balances(tx, [name for name, _ in batch]) if batch else []
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), answer in zip(batch, found, strict=True):
            future.set_result(answer)
