"""Files that `retainer import` reads: CSV as spreadsheets really write it, and JSON Lines.

A file is read line by line, whatever its size. A fault of the whole file (its encoding, its header, a column that a
spreadsheet rewrote) is one message. A fault of a line is that line's.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.commands.base import CommandError
from app.usecases import imports
from app.usecases.imports import BadLineError

MAX_BYTES: Final = 512 * 1024 * 1024
DELIMITERS: Final = (",", ";", "\t", "|")
_HEADER_BYTES: Final = 64 * 1024
_SEP: Final = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)
_EXPONENT: Final = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE][+-]?\d+\Z")
_DAY_FIRST: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}(\D.*)?\Z")

Record = tuple[int, Any]
"""(number of the line in its file, what it says: a mapping, or the `BadLineError` that it is)."""


class ColumnError(Exception):
    """A column that a spreadsheet rewrote: wrong in every line alike."""


def records(file: str, kind: str | None = None) -> Generator[Record]:
    """Yield the lines of a file; `-` reads JSON Lines. Raises `CommandError` for what is wrong with the file itself."""
    with _opened(file) as raw:
        lines = _Lines(raw, file)
        try:
            yield from _csv(lines, kind) if file.lower().endswith((".csv", ".tsv")) else _json_lines(lines)
        finally:
            lines.text.detach()


def check_columns(record: Mapping[str, Any], number: int) -> None:
    """Refuse values that a spreadsheet rewrote. Raises `ColumnError`."""
    for name, value in record.items():
        text = str(value).strip()
        if name in imports.IDS and _EXPONENT.match(text):
            raise ColumnError(
                f"column {name}: {text} in line {number} is a number in exponent form, so the id itself is lost."
                " Format the column as text in the spreadsheet and export the file again"
            )
        if name in imports.INSTANTS and _DAY_FIRST.match(text):
            raise ColumnError(
                f"column {name}: {text} in line {number} is a date whose day and month nobody can tell apart."
                " Write instants such as 2025-01-31T09:00:00Z in the whole column"
            )


def _opened(file: str) -> BinaryIO:
    """The file, or what came in, kept on disk since it is looked at from its start."""
    if file == "-":
        spooled = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the caller
        size = 0
        while chunk := sys.stdin.buffer.read(1 << 20):
            size += len(chunk)
            if size > MAX_BYTES:
                raise CommandError(f"-: larger than {MAX_BYTES // 1024**2} MiB; bring it in in parts")
            spooled.write(chunk)
        spooled.seek(0)
        return spooled
    try:
        if Path(file).stat().st_size > MAX_BYTES:
            raise CommandError(f"{file}: larger than {MAX_BYTES // 1024**2} MiB; bring it in in parts")
        return Path(file).open("rb")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from None


def _encoding(raw: BinaryIO) -> str:
    """UTF-8 or UTF-16, by the mark at the start or by the zero bytes of plain letters."""
    head = raw.read(4)
    raw.seek(0)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) >= 2 and head[1] == 0 and head[0] != 0:
        return "utf-16-le"
    if len(head) >= 2 and head[0] == 0 and head[1] != 0:
        return "utf-16-be"
    return "utf-8-sig"


class _Lines:
    """The lines of a file as text, each counted; a byte that is no text ends the file with one message."""

    def __init__(self, raw: BinaryIO, file: str) -> None:
        self.file, self.number = file, 0
        self.encoding = _encoding(raw)
        self.text = io.TextIOWrapper(raw, encoding=self.encoding, newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self.text.readline(_HEADER_BYTES * 16)
        except UnicodeError:
            name = "UTF-16" if self.encoding.startswith("utf-16") else "UTF-8"
            raise CommandError(f"{self.file}: not {name} after line {self.number}; save it as UTF-8") from None
        if not line:
            raise StopIteration
        self.number += 1
        return line


def _csv(lines: _Lines, kind: str | None) -> Iterator[Record]:
    first = next(lines, "")
    separator = _SEP.match(first)
    if separator is not None:
        first = next(lines, "")
    delimiter = separator[1] if separator is not None else _delimiter(first)
    header = _header(first, delimiter, lines.file, kind)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = lines.number + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise CommandError(
                f"{lines.file}: the quotes of the record that begins in line {number} do not match ({error});"
                " double each quote inside a quoted field"
            ) from None
        if row is None:
            return
        if not any(value.strip() for value in row):
            continue
        while len(row) > len(header) and not row[-1].strip():
            row.pop()
        if len(row) != len(header):
            yield number, BadLineError(f"{len(row)} columns, and the header has {len(header)}")
        else:
            yield number, {name: value.strip() for name, value in zip(header, row, strict=True)}


def _delimiter(first: str) -> str:
    """What the header is divided by: the mark that gives the most columns that are known."""
    known = imports.COLUMNS
    return max(DELIMITERS, key=lambda item: sum(_name(part) in known for part in first.split(item)))


def _name(text: str) -> str:
    return text.strip().strip('"').strip().lower()


def _header(first: str, delimiter: str, file: str, kind: str | None) -> Sequence[str]:
    try:
        header = [_name(name) for name in next(csv.reader([first], delimiter=delimiter, strict=True), [])]
    except csv.Error:
        raise CommandError(f"{file}: the quotes of the header do not match") from None
    while header and not header[-1]:
        header.pop()
    if not header:
        raise CommandError(f"{file}: the first line names no columns")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise CommandError(f"{file}: the header names {', '.join(twice)} more than once; keep one column of it")
    unknown = [name or "an empty one" for name in header if name not in imports.COLUMNS]
    if unknown:
        raise CommandError(
            f"{file}: the header names columns that no kind has: {', '.join(unknown[:5])}; known are"
            f" {', '.join(sorted(imports.COLUMNS))}"
        )
    if "kind" not in header and kind is None:
        raise CommandError(f"{file}: the header names no column kind; add it, or give --kind")
    if "customer_id" not in header:
        raise CommandError(f"{file}: the header names no column customer_id")
    return header


def _json_lines(lines: _Lines) -> Iterator[Record]:
    for line in lines:
        if not line.strip():
            continue
        try:
            yield lines.number, json.loads(line, parse_float=str, parse_constant=str, object_pairs_hook=_once)
        except BadLineError as error:
            yield lines.number, error
        except (ValueError, RecursionError) as error:
            yield lines.number, BadLineError(f"not JSON: {error}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        raise BadLineError(f"{', '.join(twice)} stands more than once")
    return found
