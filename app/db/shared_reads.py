"""Several calls that read, in one snapshot: what they ask in a combined statement is asked for all of them at once.

Each read goes on as it is written (`app.db.peers`). A statement of its own is run for it alone, in the same snapshot.
Who needs more than a page's rows leaves, and reads in a snapshot of its own: nobody waits for a large account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.db.combined import Looking
from app.db.engine import Database, Tx
from app.db.peers import Alone, Ask, Outcome, Peer, Work, as_coroutine, look, of_kind, step
from app.domain.values.errors import DomainError

READS_MAX: Final = 16
"""Reads of one snapshot: what waits for it waits for all of them."""


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
        peers = [Peer(as_coroutine(work.do, _reader(tx))) for work in works]
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


async def _go_on(tx: Tx, peers: Sequence[Peer]) -> None:
    await step([(peer, None) for peer in peers])
    while asking := [peer for peer in peers if peer.ask is not None]:
        for looking, those in of_kind(asking, Looking).items():
            await look(tx, looking, those)
        for own, those in of_kind(asking, _Own).items():
            for peer in those:
                peer.step(await tx.rows(own.statement, peer.ask.parameters))
            await asyncio.sleep(0)
