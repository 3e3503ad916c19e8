"""Several calls of different customers in one transaction: what they ask is asked for all of them at once.

Each call's work runs as it is written, in steps: up to a question that all of them ask (`app.db.peers`), then on with
its answer. No rule knows of it.

1. The keys of keyed calls are taken, sorted, with what is stored under them.
2. All claims are taken, sorted, then all customers are locked, sorted (decision 0003).
3. The accounts are read in one statement, a row for each call.
4. What the calls write goes to the one writer as one, and is committed once.

A call that is refused writes nothing; the others are not touched. Some ask something else than the common
way: a new customer, a merged account, a repeated call. They are left out, with nothing written, and run alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import TextClause, text

from app.db.combined import Looking
from app.db.engine import Database, Tx
from app.db.failures import Locked, Unavailable
from app.db.peers import Alone, Ask, Outcome, Peer, Work, as_coroutine, look, of_kind, step
from app.db.rows import Rows
from app.db.write import write_rows
from app.domain.values.errors import DomainError

WORKS_MAX: Final = 16
"""Works of one transaction: what waits for it waits for all of them."""
LONG: Final = 0.5
"""Seconds after which a work that runs by itself is waited for by its own caller alone."""
_CLAIM = text(
    "insert into claim (tenant_id, kind, name) select t.tenant_id, u.kind, u.name from tenant t,"
    " unnest(cast(:kinds as text[]), cast(:names as text[])) as u(kind, name) where t.tenant_id = :tenant"
    " order by u.kind, u.name on conflict (tenant_id, kind, name) do update set name = excluded.name returning 1"
)


@dataclass(slots=True)
class SharedStats:
    """Counters for the metrics page: how many calls share a transaction is ``works`` by ``transactions``."""

    works: int = 0
    transactions: int = 0
    left: int = 0


METRICS: Final = SharedStats()


@dataclass(frozen=True, eq=False)
class Locking:
    """A statement that locks one call's customer, and the one that locks those of several calls.

    ``several``: takes `:asked`, the values of the parameter that ``by`` names; each row says its own as `asked`.
    ``whose``: the select of the customers that it locks.
    """

    by: str
    several: TextClause
    whose: str


@dataclass(frozen=True, eq=False)
class Keyed:
    """A statement that takes one call's key, and the one that takes those of several; as `Locking`, without ``whose``.

    A row without a ``kind`` says that nothing is stored under its key.
    """

    by: str
    several: TextClause


_SHARED: Final[dict[str, Locking | Keyed]] = {}


def lock_shared(single: TextClause, several: str, *, by: str, whose: str) -> None:
    """Let the customers of several calls be locked at once where each would be by ``single``."""
    _SHARED[single.text] = Locking(by, text(several), whose)


def key_shared(single: TextClause, several: str, *, by: str) -> None:
    """Let the keys of several calls be taken at once where each would be by ``single``."""
    _SHARED[single.text] = Keyed(by, text(several))


@dataclass(slots=True)
class _PeerTx(Tx):
    """The shared transaction as one of the works sees it. Statements that nobody shares end its part in it."""

    pending: list[Rows] = field(default_factory=list)
    """What the work has to write."""

    async def row(self, statement: Any, parameters: Any = None) -> Any:
        """The row of a statement that locks, or takes a key; see `Tx.row`."""
        about = _SHARED.get(statement.text) if type(statement) is TextClause else None
        if about is None:
            raise Alone
        return await Ask(about, parameters)

    async def rows(self, statement: Any, parameters: Any = None) -> Sequence[Any]:
        """Refuse: see `row`."""
        raise Alone

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Refuse: see `row`."""
        raise Alone

    def refusable(self) -> Any:
        """Refuse: a savepoint would be everybody's."""
        raise Alone

    async def look(self, looking: Looking, parameters: Mapping[str, Any]) -> Any:
        """Return the row of a combined statement."""
        return await Ask(looking, parameters)

    def keep(self, rows: Rows) -> None:
        """Keep what is to be written with what the others write.

        Whose time is ahead of the transaction's writes alone: all rows of one statement are recorded at one instant.
        """
        if any(row.last_at > self.at for row in rows.customers):
            raise Alone
        self.pending.append(rows)


class _Peer(Peer):
    """A work under way, with its part in the transaction."""

    __slots__ = ("customer", "tx")

    def __init__(self, tx: _PeerTx, work: Work) -> None:
        super().__init__(as_coroutine(work.do, tx))
        self.tx = tx
        self.customer: str | None = None

    def drop(self) -> None:
        """Let nothing of the work be written."""
        self.tx.pending.clear()


async def run(
    database: Database, tenant_id: str, works: Sequence[Work], *, lock_timeout_ms: int | None = None
) -> list[Outcome]:
    """Run works in one transaction, and return what became of each.

    Where the database refuses it, nothing was done, and each is run alone. Raises `Locked` where somebody else holds
    what one of them needs, and `Unavailable` where nobody knows what became of the commit.
    """
    METRICS.works += len(works)
    METRICS.transactions += 1
    try:
        return await _run(database, tenant_id, works, lock_timeout_ms)
    except Locked:
        raise
    except Unavailable as error:
        if error.outcome_unknown:
            raise
        return [Outcome(alone=True) for _ in works]


async def _run(database: Database, tenant_id: str, works: Sequence[Work], lock_timeout_ms: int | None) -> list[Outcome]:
    async with database.transaction(tenant_id, lock_timeout_ms=lock_timeout_ms) as tx:
        tx.whole = False
        peers = [_Peer(_peer_tx(tx, work), work) for work in works]
        try:
            await _go_on(tx, peers)
            await write_rows(tx, _joined(rows for peer in peers for rows in peer.tx.pending))
        finally:
            for peer in peers:
                peer.coroutine.close()
    outcomes = [peer.outcome or Outcome(alone=True) for peer in peers]
    METRICS.left += sum(outcome.alone for outcome in outcomes)
    return outcomes


async def run_one(database: Database, tenant_id: str, work: Work, *, lock_timeout_ms: int | None = None) -> Outcome:
    """Run a work that nobody shares a transaction with. After `LONG` seconds it goes on by itself (`Outcome.later`)."""
    METRICS.works += 1
    METRICS.transactions += 1

    async def done(tx: Tx) -> Any:
        tx.agent = work.agent
        return await work.do(tx)

    async def outcome() -> Outcome:
        try:
            return Outcome(await database.run(tenant_id, done, actor=work.actor, lock_timeout_ms=lock_timeout_ms))
        except DomainError as error:
            if error.code != "request_in_flight" or lock_timeout_ms is None:
                return Outcome(refusal=error)
            if not late:  # somebody has the key: its work is waited for as somebody's lock is
                raise Locked("a call of the same key is under way") from None
            return Outcome(alone=True)
        except Locked:
            if not late:
                raise
            return Outcome(alone=True)

    late = False
    task = asyncio.create_task(outcome())
    try:
        await asyncio.wait({task}, timeout=LONG)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.done():
        return task.result()
    late = True
    return Outcome(later=task)


def _peer_tx(tx: Tx, work: Work) -> _PeerTx:
    made = _PeerTx(tx.connection, tx.tenant, tx.at, tx.database, actor=work.actor, agent=work.agent, whole=False)
    made.peers = made
    return made


async def _go_on(tx: Tx, peers: Sequence[_Peer]) -> None:
    await step([(peer, None) for peer in peers])
    while asking := [peer for peer in peers if peer.ask is not None]:
        # Everybody has a key before anybody locks, and locks before anybody reads: who reads has all the locks there
        # will be.
        if keyed := of_kind(asking, Keyed):
            for key, those in keyed.items():
                await _take_keys(tx, key, those)
        elif locking := of_kind(asking, Locking):
            await _lock(tx, locking, peers)
        else:
            looking, those = next(iter(of_kind(asking, Looking).items()))
            await look(tx, looking, those)


async def _take_keys(tx: Tx, keyed: Keyed, asking: Sequence[_Peer]) -> None:
    """Take the keys of these works. Of two works with one key the second waits for the first, and goes on alone."""
    first: dict[str, _Peer] = {}
    for peer in asking:
        if first.setdefault(peer.asked[keyed.by], peer) is not peer:
            peer.leave()
    rows = await tx.rows(keyed.several, {"tenant": tx.tenant_id, "asked": sorted(first)})
    stored = {row.asked: row for row in rows if row.kind is not None}
    await step([(peer, stored.get(key)) for key, peer in first.items()])


async def _lock(tx: Tx, locking: Mapping[Locking, Sequence[_Peer]], peers: Sequence[_Peer]) -> None:
    """Take the claims of these works, then lock their customers. Two works on one of either do not share."""
    claimed: dict[tuple[str, str], _Peer] = {}
    for those in locking.values():
        for peer in those:
            by = peer.asked
            if "kind" in by and claimed.setdefault((by["kind"], by["name"]), peer) is not peer:
                peer.leave()
    if claimed:
        kinds, names = zip(*sorted(claimed), strict=True)
        await tx.rows(_CLAIM, {"tenant": tx.tenant_id, "kinds": list(kinds), "names": list(names)})
    asked = {
        about: sorted({peer.asked[about.by] for peer in those if peer.ask is not None})
        for about, those in locking.items()
    }
    if len(asked) > 1:  # in one order, whatever names them
        lists = {f"asked_{number}": names for number, names in enumerate(asked.values())}
        await tx.rows(_all_of(tuple(asked)), {"tenant": tx.tenant_id, **lists})
    answers: list[tuple[_Peer, Any]] = []
    locked_ids = {peer.customer for peer in peers if peer.customer is not None}
    for about, those in locking.items():
        rows = await tx.rows(about.several, {"tenant": tx.tenant_id, "asked": asked[about]})
        found = {row.asked: row for row in rows}
        for peer in those:
            row = None if peer.ask is None else found.get(peer.asked[about.by])
            if row is None or row.customer_id in locked_ids:
                peer.leave()
                continue
            peer.customer = row.customer_id
            locked_ids.add(row.customer_id)
            answers.append((peer, row))
    await step(answers)


@lru_cache(maxsize=50)
def _all_of(asked: tuple[Locking, ...]) -> TextClause:
    """Return the statement that locks the customers of several kinds of works, sorted."""
    whose = " union ".join(about.whose.replace(":asked", f":asked_{number}") for number, about in enumerate(asked))
    return text(
        f"select c.customer_id from customer c where c.tenant_id = :tenant and c.customer_id in ({whose})"
        " order by c.customer_id for update"
    )


def _joined(pending: Any) -> Rows:
    """Return what several works write as one; no two of them have a row in common."""
    whole = Rows()
    for rows in pending:
        for name in ("ledgers", "customers", "outbox", "commands", "agenda", "dropped", "outcomes"):
            getattr(whole, name).extend(getattr(rows, name))
        for table, found in rows.put.items():
            whole.put.setdefault(table, {}).update(found)
        for table, new in rows.added.items():
            whole.added.setdefault(table, []).extend(new)
    return whole
