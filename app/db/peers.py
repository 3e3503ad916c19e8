"""Works of several calls that go on together: each as it is written, up to a question that its peers ask, too.

`app.db.shared_calls` writes so, `app.db.shared_reads` reads so. What a combined statement asks (`app.db.combined`) is
asked for all of them at once: their parameters become rows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import TextClause, text

from app.db.combined import Looking, columns_of_selects
from app.db.engine import Tx
from app.db.failures import Retry
from app.domain.ledger.rest import NotLoaded
from app.domain.values.agent import Agent
from app.domain.values.errors import DomainError
from app.domain.values.phrase import english

STEPS_AT_A_STRETCH: Final = 4
"""Works that go on before the event loop has its turn: a few milliseconds."""
_TYPES: Final = {
    "after_at": "timestamptz",
    "after_id": "text",
    "asked": "text",
    "at": "timestamptz",
    "customer": "text",
    "external": "text",
    "most": "integer",
    "named": "text",
    "order": "text",
    "person": "text",
    "placed": "timestamptz",
    "since": "timestamptz",
    "start": "integer",
    "state_0": "text",
    "ticket": "text",
    "tickets": "text[]",
    "until": "timestamptz",
    "part_ticket": "text",
    "part_orders": "text[]",
    "part_licenses": "boolean",
}
"""Parameters that calls may differ in, with their types in SQL."""
_PARAMETER: Final = re.compile(r"(?<![:\w]):(?!tenant\b)(\w+)")
_encode = msgspec.json.Encoder(enc_hook=english).encode
Q = TypeVar("Q")


class Alone(Exception):  # noqa: N818 - no error: the caller goes on by itself
    """This work needs a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a call does in a transaction. ``group``: calls of one group may wait for each other (a customer)."""

    do: Callable[[Tx], Awaitable[Any]]
    group: str = ""
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


class Ask:
    """A question of a work. Who awaits it is answered when all of its peers have asked theirs."""

    __slots__ = ("about", "parameters")

    def __init__(self, about: Any, parameters: Mapping[str, Any]) -> None:
        self.about = about
        self.parameters = parameters

    def __await__(self) -> Generator[Any, Any, Any]:
        """Hand the question to whoever steps the work, and return the answer."""
        return (yield self)


class Peer:
    """A work under way."""

    __slots__ = ("ask", "coroutine", "outcome")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine
        self.ask: Ask | None = None
        self.outcome: Outcome | None = None

    @property
    def asked(self) -> Mapping[str, Any]:
        """Return the parameters of its question."""
        assert self.ask is not None  # noqa: S101 - it is one of those that ask
        return self.ask.parameters

    def step(self, answer: Any = None) -> None:
        """Go on to the next question, or to the end."""
        self.ask = None
        try:
            asked = self.coroutine.send(answer)
        except StopIteration as end:
            self.outcome = Outcome(answer=end.value)
        except DomainError as error:
            self.outcome = Outcome(refusal=error)
            self.drop()
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
        self.drop()
        self.outcome = Outcome(alone=True)

    def drop(self) -> None:
        """Let nothing of the work be done."""


async def as_coroutine(do: Callable[[Tx], Awaitable[Any]], tx: Tx) -> Any:
    """Return what a work answers, as a coroutine that can be stepped."""
    return await do(tx)


async def step(answers: Sequence[tuple[Peer, Any]]) -> None:
    """Let works go on, each with its answer, a few at a stretch of the event loop."""
    for number, (peer, answer) in enumerate(answers, 1):
        peer.step(answer)
        if number % STEPS_AT_A_STRETCH == 0:
            await asyncio.sleep(0)


def of_kind(asking: Sequence[Peer], kind: type[Q]) -> dict[Q, list[Any]]:
    """Return those whose question is of a kind, by the question."""
    found: dict[Q, list[Peer]] = {}
    for peer in asking:
        if peer.ask is not None and isinstance(peer.ask.about, kind):
            found.setdefault(peer.ask.about, []).append(peer)
    return found


async def look(tx: Tx, looking: Looking, asking: Sequence[Peer]) -> None:
    """Read for these works in one statement."""
    names = _names_in(looking)
    if not names <= _TYPES.keys():
        for peer in asking:
            peer.leave()
        return
    rows = [
        {"peer": number, **{f"by_{name}": peer.asked[name] for name in names}} for number, peer in enumerate(asking)
    ]
    found = await tx.rows(_statement(looking), {"tenant": tx.tenant_id, "calls": _encode(rows).decode()})
    by_number = {row.peer: row for row in found}
    await step([(peer, by_number.get(number)) for number, peer in enumerate(asking)])


@lru_cache(maxsize=50)
def _names_in(looking: Looking) -> frozenset[str]:
    found = {name for select in looking.selects for name in _PARAMETER.findall(select.sql)}
    return frozenset(found | set(_PARAMETER.findall(looking.source)))


@lru_cache(maxsize=50)
def _statement(looking: Looking) -> TextClause:
    """Return the combined statement for several calls: their parameters are the columns of `call`, a row for each.

    No column is called as anything in the selects is, which would be taken for the column.
    """
    columns = _of_call(columns_of_selects(looking.selects))
    columns_of_call = "".join(f", by_{name} {_TYPES[name]}" for name in sorted(_names_in(looking)))
    rows = f"json_to_recordset(cast(:calls as json)) as call(peer integer{columns_of_call})"
    source = f" cross join lateral (select asked.*{_of_call(looking.source)}) asked" if looking.source else ""
    return text(f"select call.peer, {columns} from {rows}{source}")


def _of_call(sql: str) -> str:
    """Return a part of a statement with the columns of `call` in the place of its parameters."""
    return _PARAMETER.sub(r"call.by_\1", sql)
