"""Every call twice: with accounts read in part, rolled back, then with whole ones. Both must do and answer the same.

Ids are counted, so that both make the same ones, and the tenants' clocks stand still. `both_ways` patches the database
of this process; what a part was not enough for is counted, not compared.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from app.db import engine, plan
from app.db.engine import Database, Tx
from app.db.rows import Rows
from app.domain.ledger.journal import LedgerChanges
from app.domain.ledger.rest import NotLoaded
from app.domain.values.errors import DomainError
from app.domain.values.paging import Stretch
from app.usecases.clocks import sandbox
from app.usecases.credits import credits as ledger

Work = Callable[[Tx], Awaitable[Any]]
_BLOCK: Final = 1_000_000
_ids: ContextVar[Iterator[int] | None] = ContextVar("ids", default=None)
_written: ContextVar[list[list[str]] | None] = ContextVar("written", default=None)


@dataclass
class Seen:
    """What was compared. ``apart``: how often a part was not enough."""

    compared: int = 0
    apart: int = 0
    differences: list[str] = field(default_factory=list)


_PASSING: Final = re.compile(
    rf"rtn_\w+|whsec_\w+|{datetime.now(UTC):%Y-%m-%d}T[\d:.]+Z|datetime\({datetime.now(UTC):%Y, %-m, %-d}[^)]*\)"
)
"""Secrets, and instants of the wall's clock."""


def _plain(told: Any) -> str:
    return _PASSING.sub("", repr(told))


class _UndoneError(Exception):
    """Takes back what was done with accounts in part."""


def _told(rows: Rows) -> list[str]:
    """Return what is written, without an order."""
    found: list[str] = []
    for item in fields(rows):
        value = getattr(rows, item.name)
        values = [(table, one) for table, many in value.items() for one in _each(many)] if _is_map(value) else value
        for one in values:
            if isinstance(one, LedgerChanges):
                found += [f"{part.name} {each!r}" for part in fields(one) for each in _all(getattr(one, part.name))]
            else:
                found.append(f"{item.name} {one!r}")
    return sorted(found)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _each(many: Any) -> list[Any]:
    return sorted(many.values(), key=repr) if isinstance(many, dict) else many


def _all(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


def _first_rows(answer: Any) -> Any:
    """Return an answer with the first rows of each list and how many there are: a long list may have no others."""
    if isinstance(answer, dict):
        return {name: _first_rows(value) for name, value in answer.items()}
    if isinstance(answer, Stretch | list):
        return len(answer), [_first_rows(row) for row in answer[:100]]
    return answer


async def _outcome(work: Work, tx: Tx, first: int) -> tuple[str, list[list[str]]]:
    """Return what a piece of work answers and writes; ids are counted from ``first``."""
    written: list[list[str]] = []
    ids, rows = _ids.set(itertools.count(first)), _written.set(written)
    try:
        return repr(_first_rows(await work(tx))), written
    except DomainError as error:
        return f"{error.code} {error.facts!r} {error.decision!r}", written
    finally:
        _ids.reset(ids)
        _written.reset(rows)


@dataclass
class _Both:
    """What stands in for the database's own ways while every call is done both ways."""

    seen: Seen
    run: Callable[..., Awaitable[Any]] = Database.run
    read: Callable[..., Awaitable[Any]] = Database.read
    blocks: Iterator[int] = field(default_factory=lambda: itertools.count(_BLOCK, _BLOCK))

    def compare(self, work: Work, part: Any, whole: Any) -> None:
        self.seen.compared += 1
        if _plain(part) != _plain(whole):
            name = getattr(work, "__qualname__", "work")
            self.seen.differences.append(f"{name}\nPART  {part}\nWHOLE {whole}")

    async def in_part(self, database: Database, tenant_id: str, work: Work, first: int, given: dict[str, Any]) -> Any:
        found = None
        try:
            async with database.transaction(tenant_id, **given) as tx:
                tx.whole = False
                found = await _outcome(work, tx, first)
                raise _UndoneError
        except _UndoneError:
            return found
        except NotLoaded:
            self.seen.apart += 1
            return None

    async def run_both(self, database: Database, tenant_id: str, work: Work, **more: Any) -> Any:
        first = next(self.blocks)
        given = {name: more[name] for name in ("actor", "validate_only") if name in more}
        part = await self.in_part(database, tenant_id, work, first, given)

        async def whole(tx: Tx) -> Any:
            tx.whole = True
            kept: list[Any] = []

            async def keep(tx: Tx) -> Any:
                kept.append(await work(tx))
                return kept[0]

            told = await _outcome(keep, tx, first)
            if part is not None:
                self.compare(work, part, told)
            if not kept:
                await work(tx)  # refuses again
            return kept[0]

        return await self.run(database, tenant_id, whole, **more)

    async def read_both(self, database: Database, tenant_id: str, work: Work, **more: Any) -> Any:
        async def twice(tx: Tx) -> Any:
            first, tx.whole = next(self.blocks), False
            part = await _outcome(work, tx, first)
            tx.caches.clear()
            tx.whole = True
            self.compare(work, part, await _outcome(work, tx, first))
            tx.whole = False
            return await work(tx)

        return await self.read(database, tenant_id, twice, **more)


@contextlib.contextmanager
def both_ways() -> Iterator[Seen]:
    """Do every call of the databases of this process both ways meanwhile."""
    both, mint, write_rows = _Both(Seen()), engine.mint, plan.write_rows

    def counted(prefix: str) -> str:
        ids = _ids.get()
        return mint(prefix) if ids is None else f"{prefix}_{next(ids):026d}"

    async def run(database: Database, tenant_id: str, work: Work, **more: Any) -> Any:
        return await both.run_both(database, tenant_id, work, **more)

    async def read(database: Database, tenant_id: str, work: Work, **more: Any) -> Any:
        return await both.read_both(database, tenant_id, work, **more)

    async def noted(tx: Tx, rows: Rows) -> None:
        if (written := _written.get()) is not None:
            written.append(_told(rows))
        await write_rows(tx, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "mint", counted)
        patch.setattr(Database, "run", run)
        patch.setattr(Database, "read", read)
        patch.setattr(plan, "write_rows", noted)
        patch.setattr(ledger, "write_rows", noted)
        # How far one step of a tenant's time goes must not hang on how busy the machine is.
        patch.setattr(sandbox, "STEP_SECONDS", 3600.0)
        yield both.seen
