"""Several calls of different customers in one transaction: what they ask is asked for all of them at once.

Each call's work runs as it is written, in steps: up to a question that all of them ask (`Ask`), then on with its
answer. No rule knows of it.

1. The keys of keyed calls are taken, sorted, with what is stored under them.
2. All claims are taken, sorted, then all customers are locked, sorted (decision 0003).
3. The accounts are read in one statement, a row for each call.
4. What the calls write goes to the one writer as one, and is committed once.

A call that is refused writes nothing; the others are not touched. Some ask something else than the common
way: a new customer, a merged account, a repeated call. They are left out, with nothing written, and run alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import TextClause, text

from app.db.combined import Select, columns_of_selects
from app.db.engine import Database, Tx
from app.db.failures import Locked, Retry, Unavailable
from app.db.rows import Rows
from app.db.write import write_rows
from app.domain.ledger.rest import NotLoaded
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError
from app.domain.values.phrase import english

WORKS_MAX: Final = 16
"""Works of one transaction: what waits for it waits for all of them."""
LONG: Final = 0.5
"""Seconds after which a work that runs by itself is waited for by its own caller alone."""
STEPS_AT_A_STRETCH: Final = 4
"""Works that go on before the event loop has its turn: a few milliseconds."""
_CLAIM = text(
    "insert into claim (tenant_id, kind, name) select t.tenant_id, u.kind, u.name from tenant t,"
    " unnest(cast(:kinds as text[]), cast(:names as text[])) as u(kind, name) where t.tenant_id = :tenant"
    " order by u.kind, u.name on conflict (tenant_id, kind, name) do update set name = excluded.name returning 1"
)
_TYPES: Final = {
    "customer": "text",
    "external": "text",
    "order": "text",
    "person": "text",
    "placed": "timestamptz",
    "ticket": "text",
    "part_ticket": "text",
    "part_orders": "text[]",
    "part_licenses": "boolean",
}
"""Parameters that calls may differ in, with their types in SQL."""
_PARAMETER: Final = re.compile(r"(?<![:\w]):(?!tenant\b)(\w+)")
_encode = msgspec.json.Encoder(enc_hook=english).encode
Q = TypeVar("Q")


@dataclass(slots=True)
class SharedStats:
    """Counters for the metrics page: how many calls share a transaction is ``works`` by ``transactions``."""

    works: int = 0
    transactions: int = 0
    left: int = 0


METRICS: Final = SharedStats()


class Alone(Exception):  # noqa: N818 - no error: the caller goes on by itself
    """This work needs a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a call does in a transaction. ``group``: calls of one group may wait for each other (a customer)."""

    do: Callable[[Tx], Awaitable[Any]]
    group: str
    actor: str | None = None
    agent: Agent | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a work: its answer, its refusal, or that its caller runs it ``alone``."""

    answer: Any = None
    refusal: DomainError | None = None
    alone: bool = False
    later: asyncio.Task[Outcome] | None = None
    """Where it takes long: the work under way, for which nobody else shall wait."""

    async def whole(self) -> Outcome:
        """Return what became of it at last. It goes on where the caller goes away."""
        return self if self.later is None else await asyncio.shield(self.later)


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


class Ask:
    """A question of a work. Who awaits it is answered when all of its peers have asked theirs."""

    __slots__ = ("about", "parameters")

    def __init__(self, about: Locking | Keyed | tuple[Select[Any], ...], parameters: Mapping[str, Any]) -> None:
        self.about = about
        self.parameters = parameters

    def __await__(self) -> Generator[Any, Any, Any]:
        """Hand the question to `_Group`, and return the row."""
        return (yield self)


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

    async def look(self, selects: tuple[Select[Any], ...], parameters: Mapping[str, Any]) -> Any:
        """Return the row of a combined statement."""
        return await Ask(selects, parameters)

    def keep(self, rows: Rows) -> None:
        """Keep what is to be written with what the others write.

        Whose time is ahead of the transaction's writes alone: all rows of one statement are recorded at one instant.
        """
        if any(row.last_at > self.at for row in rows.customers):
            raise Alone
        self.pending.append(rows)


class _Peer:
    """A work under way."""

    __slots__ = ("ask", "coroutine", "customer", "outcome", "tx")

    def __init__(self, tx: _PeerTx, work: Work) -> None:
        self.tx = tx
        self.coroutine = _as_coroutine(work.do, tx)
        self.ask: Ask | None = None
        self.customer: str | None = None
        self.outcome: Outcome | None = None

    def step(self, answer: Any = None) -> None:
        """Go on to the next question, or to the end."""
        self.ask = None
        try:
            asked = self.coroutine.send(answer)
        except StopIteration as end:
            self.outcome = Outcome(answer=end.value)
        except DomainError as error:
            self.outcome = Outcome(refusal=error)
            self.tx.pending.clear()
        except (Alone, NotLoaded, Retry):
            self.leave()
        else:
            if isinstance(asked, Ask):
                self.ask = asked
            else:  # something is done beside the event loop
                self.leave()

    def leave(self) -> None:
        """End this work's part in the transaction."""
        self.ask = None
        self.coroutine.close()
        self.tx.pending.clear()
        self.outcome = Outcome(alone=True)


async def _as_coroutine(do: Callable[[Tx], Awaitable[Any]], tx: Tx) -> Any:
    return await do(tx)


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
    await _step([(peer, None) for peer in peers])
    while asking := [peer for peer in peers if peer.ask is not None]:
        # Everybody has a key before anybody locks, and locks before anybody reads: who reads has all the locks there
        # will be.
        if keyed := _of_kind(asking, Keyed):
            for key, those in keyed.items():
                await _take_keys(tx, key, those)
        elif locking := _of_kind(asking, Locking):
            await _lock(tx, locking, peers)
        else:
            selects, those = next(iter(_of_kind(asking, tuple).items()))
            await _look(tx, selects, those)


def _of_kind(asking: Sequence[_Peer], kind: type[Q]) -> dict[Q, list[_Peer]]:
    """Return those whose question is of a kind, by the question."""
    found: dict[Q, list[_Peer]] = {}
    for peer in asking:
        if peer.ask is not None and isinstance(peer.ask.about, kind):
            found.setdefault(peer.ask.about, []).append(peer)
    return found


async def _step(answers: Sequence[tuple[_Peer, Any]]) -> None:
    for number, (peer, answer) in enumerate(answers, 1):
        peer.step(answer)
        if number % STEPS_AT_A_STRETCH == 0:
            await asyncio.sleep(0)


async def _take_keys(tx: Tx, keyed: Keyed, asking: Sequence[_Peer]) -> None:
    """Take the keys of these works. Of two works with one key the second waits for the first, and goes on alone."""
    first: dict[str, _Peer] = {}
    for peer in asking:
        if first.setdefault(_asked(peer)[keyed.by], peer) is not peer:
            peer.leave()
    rows = await tx.rows(keyed.several, {"tenant": tx.tenant_id, "asked": sorted(first)})
    stored = {row.asked: row for row in rows if row.kind is not None}
    await _step([(peer, stored.get(key)) for key, peer in first.items()])


async def _lock(tx: Tx, locking: Mapping[Locking, Sequence[_Peer]], peers: Sequence[_Peer]) -> None:
    """Take the claims of these works, then lock their customers. Two works on one of either do not share."""
    claimed: dict[tuple[str, str], _Peer] = {}
    for those in locking.values():
        for peer in those:
            by = _asked(peer)
            if "kind" in by and claimed.setdefault((by["kind"], by["name"]), peer) is not peer:
                peer.leave()
    if claimed:
        kinds, names = zip(*sorted(claimed), strict=True)
        await tx.rows(_CLAIM, {"tenant": tx.tenant_id, "kinds": list(kinds), "names": list(names)})
    asked = {
        about: sorted({_asked(peer)[about.by] for peer in those if peer.ask is not None})
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
            row = None if peer.ask is None else found.get(_asked(peer)[about.by])
            if row is None or row.customer_id in locked_ids:
                peer.leave()
                continue
            peer.customer = row.customer_id
            locked_ids.add(row.customer_id)
            answers.append((peer, row))
    await _step(answers)


@lru_cache(maxsize=50)
def _all_of(asked: tuple[Locking, ...]) -> TextClause:
    """Return the statement that locks the customers of several kinds of works, sorted."""
    whose = " union ".join(about.whose.replace(":asked", f":asked_{number}") for number, about in enumerate(asked))
    return text(
        f"select c.customer_id from customer c where c.tenant_id = :tenant and c.customer_id in ({whose})"
        " order by c.customer_id for update"
    )


async def _look(tx: Tx, selects: tuple[Select[Any], ...], asking: Sequence[_Peer]) -> None:
    """Read for these works in one statement."""
    names = _names_in(selects)
    if not names <= _TYPES.keys():
        for peer in asking:
            peer.leave()
        return
    rows = [{"number": number, **{name: _asked(peer)[name] for name in names}} for number, peer in enumerate(asking)]
    found = await tx.rows(_statement(selects), {"tenant": tx.tenant_id, "asked": _encode(rows).decode()})
    by_number = {row.number: row for row in found}
    await _step([(peer, by_number[number]) for number, peer in enumerate(asking)])


def _asked(peer: _Peer) -> Mapping[str, Any]:
    assert peer.ask is not None  # noqa: S101 - it is one of those that ask
    return peer.ask.parameters


@lru_cache(maxsize=50)
def _names_in(selects: tuple[Select[Any], ...]) -> frozenset[str]:
    return frozenset(name for select in selects for name in _PARAMETER.findall(select.sql))


@lru_cache(maxsize=50)
def _statement(selects: tuple[Select[Any], ...]) -> TextClause:
    """Return the combined statement for several calls: their parameters are the columns of `asked`, a row for each."""
    columns = _PARAMETER.sub(r'asked."\1"', columns_of_selects(selects))
    columns_asked = ", ".join(f'"{name}" {_TYPES[name]}' for name in sorted(_names_in(selects)))
    rows = f"json_to_recordset(cast(:asked as json)) as asked(number integer, {columns_asked})"
    return text(f"select asked.number, {columns} from {rows}")


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
