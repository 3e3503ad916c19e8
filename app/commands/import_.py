"""`retainer import`: customers, licenses, lots and covers from CSV or JSON Lines; a dry run unless told
otherwise."""

from __future__ import annotations

import asyncio
import csv
import functools
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.commands.base import CommandError, database
from app.db.engine import Database, Tx, Unavailable
from app.domain.errors import DomainError
from app.settings import Settings
from app.usecases import imports
from app.usecases.imports import BadLineError, Outcome, Row

SHOWN: Final = 100
"""Bad lines printed; the rest are counted."""
MAX_BYTES: Final = 512 * 1024 * 1024


def run(
    file: Annotated[
        str, typer.Argument(help="A .csv file with a header, or JSON Lines; `-` reads JSON Lines.")
    ],
    tenant: Annotated[str, typer.Option(help="The tenant's id.")],
    kind: Annotated[str | None, typer.Option(help="The kind of every line that names none.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write, once every line is good.")] = False,
) -> None:
    """Check a file line by line; with --apply, bring it in. Safe to run again: what is there is passed over."""
    rows, bad = understood(_lines(file), kind)
    with database(Settings.read()) as settings:
        code = asyncio.run(_bring(settings.database_url or "", tenant, rows, bad, apply=apply))
    if code:
        raise typer.Exit(code)


def understood(lines: Iterator[tuple[int, Any]], kind: str | None) -> tuple[list[Row], list[Outcome]]:
    """The rows of a file, and the lines that are none."""
    rows: list[Row] = []
    bad: list[Outcome] = []
    seen: dict[tuple[str, str], int] = {}
    for number, given in lines:
        try:
            if not isinstance(given, Mapping):
                raise BadLineError(str(given) if isinstance(given, BadLineError) else "not an object")
            row = imports.understood(number, given, kind)
            before = seen.setdefault((row.kind, row.import_id), number)
            if before != number:
                raise BadLineError(f"{row.kind} {row.import_id} stands in line {before} already")
        except BadLineError as error:
            bad.append(Outcome(number=number, state="bad", message=str(error)))
        else:
            rows.append(row)
    return rows, bad


def _lines(file: str) -> Iterator[tuple[int, Any]]:
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise CommandError(f"{file}: larger than {MAX_BYTES // 1024**2} MiB; bring it in in parts")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if file.lower().endswith(".csv"):
        return _csv(text)
    return _json_lines(text)


def _csv(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            wide = None in row or None in row.values()
            yield reader.line_num, BadLineError("another number of columns than the header") if wide else row
    except csv.Error as error:
        yield reader.line_num, BadLineError(f"not CSV: {error}")


def _json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError) as error:
            yield number, BadLineError(f"not JSON: {error}")


async def _bring(url: str, tenant: str, rows: Sequence[Row], bad: list[Outcome], *, apply: bool) -> int:
    by_customer: dict[str, list[Row]] = {}
    for row in rows:
        by_customer.setdefault(row.customer_id, []).append(row)
    opened = Database(url, pool_size=1)
    try:
        checked = await bring_all(opened, tenant, by_customer, validate_only=True, label="checked")
        bad += [one for one in checked if one.state == "bad"]
        for one in sorted(bad, key=lambda one: one.number)[:SHOWN]:
            print(f"line {one.number}: {one.message}")
        if len(bad) > SHOWN:
            print(f"and {len(bad) - SHOWN} more")
        count = Counter(one.state for one in checked)
        print(f"retainer: {len(bad)} bad lines, {count['there']} there already, {count['new']} new")
        if bad:
            print("retainer: nothing was written; mend the lines above and run it again")
            return 1
        if not apply:
            print("retainer: nothing was written; run it with --apply to bring it in")
            return 0
        done = await bring_all(opened, tenant, by_customer, validate_only=False, label="brought in")
        failed = [one for one in done if one.state == "bad"]
        for one in failed[:SHOWN]:
            print(f"line {one.number}: {one.message}")
        print(f"retainer: {sum(one.state == 'new' for one in done)} brought in, {len(failed)} not")
        return 1 if failed else 0
    except DomainError as error:
        raise CommandError(f"{error.code}: {error.facts.get('message') or error.facts}") from None
    except Unavailable as error:
        raise CommandError(f"{error}; run the same command again, what is there is passed over") from None
    finally:
        await opened.close()


async def bring_all(
    db: Database, tenant: str, by_customer: Mapping[str, Sequence[Row]], *, validate_only: bool, label: str
) -> list[Outcome]:
    """Every customer in a transaction of its own, with progress on stderr."""
    found: list[Outcome] = []
    every = max(1, len(by_customer) // 20)
    for number, mine in enumerate(by_customer.values(), start=1):
        found += await db.run(
            tenant, functools.partial(_one, rows=mine), actor="import", validate_only=validate_only
        )
        if number % every == 0 or number == len(by_customer):
            print(f"{label} {number} of {len(by_customer)} customers", file=sys.stderr)
    return found


async def _one(tx: Tx, *, rows: Sequence[Row]) -> list[Outcome]:
    return await imports.bring(tx, rows)
