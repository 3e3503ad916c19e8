"""`retainer import`: customers, licenses, lots, covers and open tickets from CSV or JSON Lines; a dry run unless told
otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Self

import typer

from app.commands.base import CommandError, existing
from app.commands.import_files import ColumnError, check_columns, records
from app.db.engine import Database
from app.db.failures import Locked, Unavailable
from app.domain.values.errors import DomainError
from app.settings import Settings
from app.usecases import imports
from app.usecases.imports import BadLineError, Outcome, Row

SHOWN: Final = 100
"""Bad lines printed; the rest are counted."""
CHUNK_CUSTOMERS: Final = 200
CHUNK_ROWS: Final = 1_000
CHUNKS_CONCURRENT: Final = 2
"""What one transaction brings in at most; whoever else writes on one of its customers waits for it."""
PROGRESS_ROWS: Final = 10_000
"""Lines read between two words of progress."""


def run(
    file: Annotated[str, typer.Argument(help="A .csv file with a header, or JSON Lines; `-` reads JSON Lines.")],
    tenant: Annotated[str, typer.Option(help="The tenant's id.")],
    kind: Annotated[str | None, typer.Option(help="The kind of every line that names none.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write, once every line is good.")] = False,
) -> None:
    """Check a file line by line; with --apply, bring it in. Safe to run again: what is there is passed over."""
    with Staged() as staged:
        staged.read(file, kind)
        with existing(Settings.read()) as settings:
            code = asyncio.run(_bring(settings.database_url or "", tenant, staged, apply=apply))
    if code:
        raise typer.Exit(code)


class Staged:
    """The lines of a file, understood and put in order on disk: memory holds one customer's at a time."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="retainer-import-")
        self.rows = sqlite3.connect(Path(self.folder.name) / "rows")
        self.rows.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -8192;"
            "create table row (customer text, number integer, kind text, import_id text, given text,"
            " primary key (kind, import_id)) without rowid; create index by_customer on row (customer, number)"
        )
        self.bad = Bad()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rows.close()
        self.folder.cleanup()

    def read(self, file: str, kind: str | None) -> None:
        """Reads a file. Raises `CommandError` for what is wrong with the file itself."""
        try:
            with contextlib.closing(records(file, kind)) as found:
                for count, (number, record) in enumerate(found, start=1):
                    try:
                        self._take(number, record, kind)
                    except BadLineError as error:
                        self.bad.note(number, str(error))
                    if count % PROGRESS_ROWS == 0:
                        print(f"read {count} lines", file=sys.stderr)
        except ColumnError as error:
            raise CommandError(f"{file}: {error}") from None
        self.rows.commit()

    def _take(self, number: int, record: Any, kind: str | None) -> None:
        if isinstance(record, BadLineError):
            raise record
        if not isinstance(record, Mapping):
            raise BadLineError("not an object")
        check_columns(record, number)
        row = imports.understood(number, record, kind)
        try:
            self.rows.execute(
                "insert into row values (?, ?, ?, ?, ?)",
                (row.customer_id, number, row.kind, row.import_id, json.dumps(dict(record))),
            )
        except sqlite3.IntegrityError:
            before = self.rows.execute(
                "select number from row where kind = ? and import_id = ?", (row.kind, row.import_id)
            ).fetchone()
            raise BadLineError(f"{row.kind} {row.import_id} stands in line {before[0]} already") from None

    def customers(self) -> int:
        """How many customers the lines are of."""
        return int(self.rows.execute("select count(distinct customer) from row").fetchone()[0])

    def by_customer(self) -> Iterator[list[Row]]:
        """The rows of one customer after another, in the order in which the file names the customers."""
        customers = self.rows.execute("select customer from row group by customer order by min(number)")
        for (customer,) in customers:
            found = self.rows.execute(
                "select number, kind, given from row where customer = ? order by number", (customer,)
            )
            yield [imports.understood(number, json.loads(record), name) for number, name, record in found]


class Bad:
    """Bad lines: the first of them by number, and how many."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def note(self, number: int, message: str) -> None:
        """One more."""
        self.count += 1
        self.first.append((number, message))
        if len(self.first) > 2 * SHOWN:
            self.first = sorted(self.first)[:SHOWN]

    def print(self) -> None:
        """Shows the first of them."""
        for number, message in sorted(self.first)[:SHOWN]:
            print(f"line {number}: {message}")
        if self.count > SHOWN:
            print(f"and {self.count - SHOWN} more")


async def _bring(url: str, tenant: str, staged: Staged, *, apply: bool) -> int:
    opened = Database(url, pool_size=CHUNKS_CONCURRENT)
    try:
        bad = staged.bad
        count = await bring_all(opened, tenant, staged, bad, validate_only=True, label="checked")
        bad.print()
        print(f"retainer: {bad.count} bad lines, {count['there']} there already, {count['new']} new")
        if bad.count:
            print("retainer: nothing was written; mend the lines above and run it again")
            return 1
        if not apply:
            print("retainer: nothing was written; run it with --apply to bring it in")
            return 0
        failed = Bad()
        done = await bring_all(opened, tenant, staged, failed, validate_only=False, label="brought in")
        failed.print()
        print(f"retainer: {done['new']} brought in, {failed.count} not")
        return 1 if failed.count else 0
    except DomainError as error:
        raise CommandError(f"{error.code}: {error.facts.get('message') or error.facts}") from None
    except Unavailable as error:
        raise CommandError(f"{error}; run the same command again, what is there is passed over") from None
    finally:
        await opened.close()


async def bring_all(
    db: Database, tenant: str, staged: Staged, bad: Bad, *, validate_only: bool, label: str
) -> Counter[str]:
    """Brings in every customer whole, many a transaction, with progress on stderr: how many lines became what."""
    found: Counter[str] = Counter()
    total, brought = staged.customers(), 0
    every = max(1, total // 20)

    async def bring_next(chunks: Iterator[list[list[Row]]]) -> None:
        nonlocal brought
        for chunk in chunks:
            for outcome in await _bring_chunk(db, tenant, chunk, validate_only=validate_only):
                found[outcome.state] += 1
                if outcome.state == "bad":
                    bad.note(outcome.number, outcome.message)
            before, brought = brought, brought + len(chunk)
            if before // every != brought // every or brought == total:
                print(f"{label} {brought} of {total} customers", file=sys.stderr)

    # One chunk is made ready while the database has another.
    chunks = _chunks(staged.by_customer())
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(CHUNKS_CONCURRENT):
                group.create_task(bring_next(chunks))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return found


def _chunks(customers: Iterable[list[Row]]) -> Iterator[list[list[Row]]]:
    """Some customers at a time, with a bounded number of rows."""
    chunk: list[list[Row]] = []
    for mine in customers:
        chunk.append(mine)
        if len(chunk) >= CHUNK_CUSTOMERS or sum(map(len, chunk)) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _bring_chunk(db: Database, tenant: str, chunk: list[list[Row]], *, validate_only: bool) -> list[Outcome]:
    """Some customers in one transaction; each in its own where one of them cannot be brought in like that."""
    try:
        return await db.run(
            tenant, functools.partial(imports.bring_chunk, chunk=chunk), actor="import", validate_only=validate_only
        )
    except (DomainError, Locked):
        if len(chunk) == 1:
            raise
    found: list[Outcome] = []
    for mine in chunk:
        found += await _bring_chunk(db, tenant, [mine], validate_only=validate_only)
    return found
