"""Backup, restore and a new major version of Postgres: the ledger that comes out is the one that went in, to the entry,
and keys that are sent again have their first effect and no second one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.commands.migrate import upgrade
from app.db.engine import Database
from app.embedded import EmbeddedPostgres, find_bin_dir
from app.usecases.credits.credit_command import CreditCommand, CreditResult
from app.usecases.credits.credits import apply
from app.usecases.tenants import tenants
from tests.packaging.conftest import ROOT

pytestmark = pytest.mark.packaging
OLD = Path("/usr/lib/postgresql/15/bin")
TENANT = "kept"
TABLES = ("account", "lot", "hold", "hold_line", "operation", "entry", "command", "outbox", "customer")
BEFORE = [
    CreditCommand(kind="adjust", customer_id="ann", credits=10, reason="r", key="k1"),
    CreditCommand(kind="adjust", customer_id="ann", credits=10, reason="r", key="k2"),
    CreditCommand(kind="debit", customer_id="ann", credits=12, key="k3"),
    CreditCommand(kind="hold", customer_id="ann", credits=3, key="k4"),
]
AFTER = [CreditCommand(kind="debit", customer_id="ann", credits=4, key="k5")]


def retainer(data: Path, *arguments: str, pg_bin: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"RETAINER_DATA_DIR": str(data)}
    if pg_bin is not None:
        environment["RETAINER_PG_BIN"] = str(pg_bin)
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def done(data: Path, *arguments: str, pg_bin: Path | None = None) -> str:
    answer = retainer(data, *arguments, pg_bin=pg_bin)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@contextmanager
def running(data: Path, pg_bin: Path | None = None) -> Iterator[str]:
    with EmbeddedPostgres(data, pg_bin=pg_bin) as postgres:
        assert postgres.url is not None
        yield postgres.url


def send(url: str, commands: list[CreditCommand], *, found: bool = False) -> list[CreditResult]:
    async def work() -> list[CreditResult]:
        database = Database(url, pool_size=2)
        try:
            if found:
                async with database.founding(TENANT, actor="test") as tx:
                    await tenants.put(tx, tenants.PutTenant(policy="avactis"))
            return await database.run(TENANT, lambda tx: apply(tx, commands))
        finally:
            await database.close()

    return asyncio.run(work())


def rows(url: str) -> dict[str, list[Any]]:
    """Everything of the ledger, row by row."""

    async def work() -> dict[str, list[Any]]:
        database = Database(url, pool_size=1)
        try:
            async with database.reading(TENANT) as tx:
                return {
                    name: sorted(str(row[0]) for row in await tx.rows(text(f"select to_json(t)::text from {name} t")))
                    for name in TABLES
                }
        finally:
            await database.close()

    return asyncio.run(work())


def moved_over(own_folder: Path, old: Path | None, new: Path | None) -> None:
    """Backs up a ledger under one Postgres and restores it under another; checks it before and after."""
    data, other, dump = own_folder / "old", own_folder / "new", own_folder / "all.dump"
    with running(data, old) as url:
        upgrade(url)
        first = send(url, BEFORE, found=True)
        assert all(one.error is None for one in first)
        done(data, "backup", str(dump), pg_bin=old)  # while it serves
        before = rows(url)
        assert send(url, AFTER)[0].error is None  # not in the backup
    assert f"{TENANT}: 1 customers, 0 differences" in done(data, "verify-ledger", pg_bin=old)
    done(other, "restore", str(dump), pg_bin=new)
    assert f"{TENANT}: 1 customers, 0 differences" in done(other, "verify-ledger", pg_bin=new)
    with running(other, new) as url:
        assert rows(url) == before
        again = send(url, [*BEFORE, *AFTER, *AFTER])
        assert [one.body for one in again[:4]] == [one.body for one in first]
        assert [one.replayed for one in again] == [True] * 4 + [False, True]
        assert rows(url)["account"] != before["account"]
    assert "0 differences" in done(other, "verify-ledger", pg_bin=new)


def test_a_backup_brings_the_ledger_back_to_the_entry(own_folder: Path) -> None:
    moved_over(own_folder, None, None)


@pytest.mark.skipif(not (OLD / "initdb").exists(), reason="no Postgres 15 is installed beside the wheel's")
def test_the_data_of_an_older_major_version_go_over_with_backup_and_restore(own_folder: Path) -> None:
    wheel = find_bin_dir()
    assert EmbeddedPostgres(own_folder, pg_bin=wheel).major > EmbeddedPostgres(own_folder, pg_bin=OLD).major == 15
    moved_over(own_folder, OLD, wheel)
    for command in ("serve", "verify-ledger", "migrate"):
        refused = retainer(own_folder / "old", command, pg_bin=wheel)
        assert refused.returncode == 1, refused.stdout
        said = refused.stderr + refused.stdout
        assert "was written by Postgres 15 and these programs are 18" in said
        assert f"RETAINER_PG_BIN={OLD} retainer backup" in said
        assert "Traceback" not in said
    assert "0 differences" in done(own_folder / "old", "verify-ledger", pg_bin=OLD), "a refusal costs nothing"
