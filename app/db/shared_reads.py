"""Several calls that read, in one snapshot: what they ask in a combined statement is asked for all of them at once.

Each read goes on as it is written (`app.db.peers`). A statement of its own is run for it alone, in the same snapshot.
Who needs more than a page's rows leaves, and reads in a snapshot of its own: nobody waits for a large account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.db.combined import Looking
from app.db.engine import Database, Tx
from app.db.peers import Alone, Ask, Outcome, Peer, Work, as_coroutine, look, of_kind, step
from app.domain.values.errors import DomainError

READS_MAX: Final = 16
"""Reads of one snapshot: what waits for it waits for all of them."""


Do = Callable[[Tx], Awaitable[Any]]


class _Own:
    """A statement that one read asks by itself."""

    __slots__ = ("statement",)

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@dataclass(slots=True)
class _ReaderTx(Tx):
    """The shared snapshot as one of the reads sees it."""

    async def row(self, statement: Any, parameters: Any = None) -> Any:
        """The first row of a statement of its own; see `Tx.row`."""
        found = await self.rows(statement, parameters)
        return found[0] if found else None

    async def rows(self, statement: Any, parameters: Any = None) -> Sequence[Any]:
        """The rows of a statement of its own; see `Tx.rows`."""
        found: Sequence[Any] = await Ask(_Own(statement), parameters)
        return found

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Refuse: what is read row by row is long."""
        raise Alone

    def refusable(self) -> Any:
        """Refuse: nothing is written."""
        raise Alone

    async def look(self, looking: Looking, parameters: Mapping[str, Any]) -> Any:
        """Return the row of a combined statement."""
        return await Ask(looking, parameters)

    def keep(self, rows: Any) -> None:
        """Refuse: nothing is written."""
        raise Alone


async def run(database: Database, tenant_id: str, works: Sequence[Work]) -> list[Outcome]:
    """Run reads in one snapshot, and return what became of each. A read that comes alone is run as it is."""
    if len(works) == 1:
        return [await _run_one(database, tenant_id, works[0])]
    async with database.reading(tenant_id) as tx:
        peers = [_Reading(as_coroutine(work.do, _reader(tx))) for work in works]
        try:
            await _go_on(tx, peers)
        finally:
            for peer in peers:
                peer.coroutine.close()
    return [peer.outcome or Outcome(alone=True) for peer in peers]


async def _run_one(database: Database, tenant_id: str, work: Work) -> Outcome:
    try:
        return Outcome(answer=await database.read(tenant_id, work.do))
    except DomainError as error:
        return Outcome(refusal=error)


def _reader(tx: Tx) -> _ReaderTx:
    made = _ReaderTx(tx.connection, tx.tenant, tx.at, tx.database, read_only=True, whole=False)
    made.peers = made
    return made


class _Reading(Peer):
    """A read under way. What fails in it is its own: it reads alone then, and fails there."""

    __slots__ = ()

    def step(self, answer: Any = None) -> None:
        """Go on to the next question, or to the end."""
        try:
            super().step(answer)
        except Exception:  # noqa: BLE001 - whoever reads alone tells it
            self.leave()


class Seat:
    """A query's place in a snapshot that it shares with queries that began at the same time.

    All that it reads is of the one snapshot, which goes on until the last of them leaves.
    """

    def __init__(self) -> None:
        self.left = False
        self._waiting: list[tuple[Do, asyncio.Future[Any]]] = []
        self._under_way: list[tuple[Do, asyncio.Future[Any]]] = []
        self._bell: asyncio.Event | None = None
        self._failure: Exception | None = None
        self._mates: Sequence[Seat] = ()

    async def read(self, do: Do) -> Any:
        """Return what ``do`` finds in the snapshot."""
        if self._failure is not None:
            raise self._failure
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((do, future))
        self._ring()
        return await future

    def leave(self) -> bool:
        """Read no more. Return whether it is the last to leave, so that the snapshot ends."""
        self.left = True
        self._ring()
        return bool(self._mates) and all(mate.left for mate in self._mates)

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.set()

    def sit(self, bell: asyncio.Event, mates: Sequence[Seat]) -> None:
        """Take the place, and ring from now on when something is asked."""
        self._bell, self._mates = bell, mates

    def take(self) -> list[tuple[Do, asyncio.Future[Any]]]:
        """Return what is asked, each with who waits for it."""
        self._under_way, self._waiting = self._waiting, []
        return [(do, future) for do, future in self._under_way if not future.done()]

    def fail(self, error: Exception) -> None:
        """Tell whoever reads that the snapshot is no more."""
        self._failure = error
        for _, future in (*self._under_way, *self.take()):
            if not future.done():
                future.set_exception(error)


async def sit(database: Database, tenant_id: str, seats: Sequence[Seat]) -> list[None]:
    """Serve the reads of several queries in one snapshot, until all of them have left."""
    try:
        async with database.reading(tenant_id) as tx:
            await _serve(tx, seats)
    except Exception as error:  # noqa: BLE001 - each query tells it in its own way
        for seat in seats:
            seat.fail(error)
    return [None] * len(seats)


async def _serve(tx: Tx, seats: Sequence[Seat]) -> None:
    bell = asyncio.Event()
    readers = {seat: _reader(tx) for seat in seats}
    for seat in seats:
        seat.sit(bell, seats)
    while True:
        await asyncio.sleep(0)  # what the queries ask in one turn of the event loop is asked together
        bell.clear()
        asked = [(seat, do, future) for seat in seats for do, future in seat.take()]
        if not asked:
            if all(seat.left for seat in seats):
                return
            await bell.wait()
            continue
        peers = [_Reading(as_coroutine(do, readers[seat])) for seat, do, _ in asked]
        try:
            await _go_on(tx, peers)
        finally:
            for peer in peers:
                peer.coroutine.close()
        for peer, (seat, do, future) in zip(peers, asked, strict=True):
            await _hand_over(peer.outcome or Outcome(alone=True), do, future, readers[seat])


async def _hand_over(outcome: Outcome, do: Do, future: asyncio.Future[Any], reader: Tx) -> None:
    """Answer a read; one that could not share its statements is done by itself, in the same snapshot."""
    if outcome.alone and not future.done():
        alone = Tx(reader.connection, reader.tenant, reader.at, reader.database, read_only=True, whole=False)
        alone.caches = reader.caches
        try:
            outcome = Outcome(answer=await do(alone))
        except Exception as error:  # noqa: BLE001 - whoever asked tells it
            if not future.done():
                future.set_exception(error)
            return
    if future.done():
        return
    if outcome.refusal is not None:
        future.set_exception(outcome.refusal)
    else:
        future.set_result(outcome.answer)


async def _go_on(tx: Tx, peers: Sequence[Peer]) -> None:
    await step([(peer, None) for peer in peers])
    while asking := [peer for peer in peers if peer.ask is not None]:
        for looking, those in of_kind(asking, Looking).items():
            await look(tx, looking, those)
        for own, those in of_kind(asking, _Own).items():
            for peer in those:
                peer.step(await tx.rows(own.statement, peer.ask.parameters))
            await asyncio.sleep(0)
