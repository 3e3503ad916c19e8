"""Files as spreadsheets and other programs really write them: each is read, or refused by one message."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.commands import import_
from app.commands.base import CommandError
from tests.conftest import MakeVendor

HEADER = "kind,customer_id,import_id,credits,granted_at,expires_at"
LINES = [
    "lot,woo:17,B1,10,2024-06-01T00:00:00Z,2026-06-01T00:00:00Z",
    'lot,"Roe, Kim",B2,5,2024-06-01T00:00:00Z,2026-06-01T00:00:00Z',
]
GOOD = "\r\n".join([HEADER, *LINES]) + "\r\n"
CUSTOMERS = ["Roe, Kim", "woo:17"]


def staged(tmp_path: Path, content: bytes, name: str = "lots.csv", kind: str | None = None) -> list[str]:
    """The customers that a file names, where every line is good."""
    file = tmp_path / name
    file.write_bytes(content)
    with import_.Staged() as found:
        found.read(str(file), kind)
        assert found.bad.first == []
        rows = [row for mine in found.by_customer() for row in mine]
        assert all(row.values["credits"] in (5, 10) for row in rows)
        return sorted(row.customer_id for row in rows)


def refused(tmp_path: Path, content: bytes, name: str = "lots.csv", kind: str | None = None) -> str:
    """The one message about a file."""
    file = tmp_path / name
    file.write_bytes(content)
    with import_.Staged() as found, pytest.raises(CommandError) as error:
        found.read(str(file), kind)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("commas", GOOD.encode()),
        ("a byte-order mark", GOOD.encode("utf-8-sig")),
        ("UTF-16 with its mark", GOOD.encode("utf-16")),
        ("UTF-16 without", GOOD.encode("utf-16-le")),
        ("UTF-16, the other way round", GOOD.encode("utf-16-be")),
        ("no empty line at the end", GOOD.rstrip().encode()),
        ("empty lines and lines of commas alone", (GOOD + "\r\n,,,,,\r\n \r\n").encode()),
        ("line feeds alone", GOOD.replace("\r\n", "\n").encode()),
        ("semicolons", GOOD.replace(",", ";").replace('"Roe; Kim"', '"Roe, Kim"').encode()),
        ("tabs", GOOD.replace(",", "\t").replace('"Roe\t Kim"', '"Roe, Kim"').encode()),
        (
            "a line that says what it is divided by",
            ("sep=;\r\n" + GOOD.replace(",", ";").replace('"Roe; Kim"', '"Roe, Kim"')).encode(),
        ),
        (
            "a header in capitals, with spaces and quotes",
            GOOD.replace(HEADER, 'Kind, "Customer_ID" ,IMPORT_ID,credits,Granted_At,expires_at').encode(),
        ),
        ("a further empty column", "\r\n".join(line + "," for line in GOOD.splitlines()).encode()),
    ],
)
def test_what_can_be_read_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    assert staged(tmp_path, content) == CUSTOMERS, name


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a column twice", GOOD.replace("granted_at,expires_at", "granted_at,granted_at"), "granted_at more than once"),
        ("a column twice in other letters", GOOD.replace("expires_at", "Granted_At"), "granted_at more than once"),
        ("a column that no kind has", GOOD.replace("expires_at", "valid_until"), "valid_until"),
        ("no kind", GOOD.replace("kind,", "", 1).replace("lot,", ""), "no column kind"),
        ("no customer", GOOD.replace("customer_id", "name"), "no column customer_id"),
        (
            "an id that a spreadsheet made a number of",
            GOOD.replace("woo:17", "1.23E+05"),
            "column customer_id: 1.23E+05",
        ),
        ("the same with a comma", GOOD.replace("B1", '"1,23457E+11"'), "column import_id: 1,23457E+11"),
        ("a day first", GOOD.replace("2026-06-01T00:00:00Z", "31/12/2025"), "column expires_at: 31/12/2025 in line 2"),
        ("a day first, with points", GOOD.replace("2024-06-01T00:00:00Z", "31.12.2024 10:00"), "column granted_at"),
        ("quotes that do not match", GOOD.replace('"Roe, Kim"', '"Roe, "Kim"'), "begins in line 3"),
        ("a quote that is never closed", GOOD.replace('"Roe, Kim"', '"Roe, Kim'), "begins in line 3"),
        ("nothing", "", "names no columns"),
        ("an empty first line", "\r\n" + GOOD, "names no columns"),
    ],
)
def test_what_cannot_be_read_is_refused_by_one_message(tmp_path: Path, name: str, content: str, told: str) -> None:
    message = refused(tmp_path, content.encode())
    assert told in message, (name, message)
    assert "\n" not in message


def test_another_encoding_is_refused_by_one_message(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace("Roe", "Rößler").encode("cp1252"))
    assert "not UTF-8" in message
    assert "save it as UTF-8" in message


def test_a_kind_for_every_line_needs_no_column_of_it(tmp_path: Path) -> None:
    bare = GOOD.replace("kind,", "", 1).replace("lot,", "")
    assert staged(tmp_path, bare.encode(), kind="lot") == CUSTOMERS


def test_json_lines_are_read_in_any_encoding_and_refuse_a_name_twice(tmp_path: Path) -> None:
    rows = [
        {"kind": "lot", "customer_id": name, "import_id": name, "credits": 10, "granted_at": "2024-06-01T00:00:00Z"}
        for name in CUSTOMERS
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert staged(tmp_path, text.encode(encoding), "lots.jsonl") == CUSTOMERS
    file = tmp_path / "twice.jsonl"
    file.write_text(text.replace('"credits": 10', '"credits": 10, "credits": 20'), encoding="utf-8")
    with import_.Staged() as found:
        found.read(str(file), None)
        assert sorted(found.bad.first) == [(1, "credits stands more than once"), (2, "credits stands more than once")]
    assert "exponent form" in refused(tmp_path, text.replace("woo:17", "1.5e7").encode(), "lots.jsonl")


def test_a_line_with_other_columns_is_that_lines_own_matter(tmp_path: Path) -> None:
    file = tmp_path / "lots.csv"
    file.write_text(GOOD + "lot,c-3\r\nlot,c-4,B4,ten,2024-06-01T00:00:00Z,\r\n", encoding="utf-8")
    with import_.Staged() as found:
        found.read(str(file), None)
        assert [number for number, _ in found.bad.first] == [4, 5]
        assert found.customers() == 2


def test_what_comes_in_by_a_pipe_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"kind": "lot", "customer_id": "c", "import_id": "B", "credits": 5, "granted_at": "2024-06-01T00:00:00Z"}

    class Pipe:
        buffer = io.BytesIO(json.dumps(row).encode())

    monkeypatch.setattr(sys, "stdin", Pipe())
    with import_.Staged() as found:
        found.read("-", None)
        assert found.customers() == 1


STAGE = """
import resource, sys
from app.commands import import_
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with import_.Staged() as found:
    found.read(sys.argv[1], None)
    mine = next(found.by_customer())
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(found.customers(), [row.number for row in mine], (after - before) // 1024)
"""


def test_a_hundred_thousand_lines_are_read_in_bounded_memory_and_with_progress(tmp_path: Path) -> None:
    """In a process of its own, so that what it needs is its own as well."""
    file = tmp_path / "many.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write(HEADER + "\n")
        for number in range(100_000):
            out.write(f"lot,c-{number % 40_000},B{number},10,2024-06-01T00:00:00Z,2026-06-01T00:00:00Z\n")
    ran = subprocess.run([sys.executable, "-c", STAGE, str(file)], capture_output=True, text=True, check=True)
    customers, *numbers, mebibytes = ran.stdout.replace(",", "").replace("[", "").replace("]", "").split()
    assert (int(customers), numbers) == (40_000, ["2", "40002", "80002"])
    assert int(mebibytes) < 48, ran.stdout
    assert ran.stderr.count("read ") == 10


async def test_a_file_of_a_spreadsheet_is_brought_in(app: FastAPI, vendor: MakeVendor, tmp_path: Path) -> None:
    tenant = await vendor("cactushop", now="2025-03-10T00:00:00Z")
    file = tmp_path / "cover.csv"
    file.write_bytes(
        "kind;customer_id;import_id;starts_at;ends_at\r\n"
        "cover;woo:17;c1;2025-01-01T00:00:00Z;2026-01-01T00:00:00Z\r\n;;;;\r\n".encode("utf-16")
    )
    with import_.Staged() as found:
        found.read(str(file), None)
        url = app.state.settings.database_url
        assert await import_._bring(url, tenant.tenant_id, found, apply=True) == 0
    (cover,) = (await tenant.ok(await tenant.get("/v1/customers/woo:17")))["covers"]
    assert cover["ends_at"] == "2026-01-01T00:00:00Z"
