"""Backup, drop, restore and verify as an ordinary owner of the database, on each Postgres that is here.

No superuser: managed servers give nobody one. The programs are those that the service finds by itself.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from app.commands import backup, restore
from app.commands.base import CommandError
from app.commands.doctor import _ask
from app.commands.migrate import upgrade
from app.commands.verify_ledger import verify
from app.embedded import EmbeddedPostgres, bin_dirs, find_bin_dir
from app.settings import Settings
from tests.packaging.conftest import ROOT
from tests.packaging.test_backup_of_the_ledger import BEFORE, TENANT, rows, send
from tests.support.databases import execute

pytestmark = pytest.mark.packaging
SYSTEM = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
OTHERS = [Path(one) for one in os.environ.get("RETAINER_OTHER_SERVERS", "").split(":") if one]
"""Folders of more servers' programs, by hand: other major versions."""
SERVERS = [find_bin_dir(), *(one for one in [*SYSTEM, *OTHERS] if (one / "postgres").exists())]


def version_of(programs: Path) -> str:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2].replace(".", "-")


@pytest.fixture(params=SERVERS, ids=lambda one: f"postgres-{version_of(one)}")
def owned(request: pytest.FixtureRequest, own_folder: Path) -> Iterator[str]:
    """The URL of an empty database whose owner may make roles and is no superuser."""
    with EmbeddedPostgres(own_folder / "server", pg_bin=request.param, durable=False) as server:
        root = server.url or ""
        (server.pgdata / "pg_hba.conf").write_text("local all all trust\n")
        asyncio.run(execute(root, "select pg_reload_conf()"))
        asyncio.run(execute(root, "create role vendor login createrole", "create database shop owner vendor"))
        yield make_url(root).set(username="vendor", database="shop").render_as_string()


def renew(url: str) -> None:
    """Drops the database and makes it again, empty, for the same owner."""
    root = make_url(url).set(username="retainer", database="retainer").render_as_string()
    asyncio.run(execute(root, "drop database shop with (force)", "create database shop owner vendor"))


def retainer(url: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "RETAINER_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_an_ordinary_owner_backs_up_it_restores_into_the_same_server(owned: str, own_folder: Path) -> None:
    dump = own_folder / "all.dump"
    upgrade(owned)
    first = send(owned, BEFORE, found=True)
    before = rows(owned)

    retainer(owned, own_folder, "backup", str(dump))
    renew(owned)
    retainer(owned, own_folder, "restore", str(dump))
    assert f"{TENANT}: 1 customers, 0 differences" in retainer(owned, own_folder, "verify-ledger")
    assert rows(owned) == before
    again = send(owned, BEFORE)
    assert [one.body for one in again] == [one.body for one in first]
    assert all(one.replayed for one in again)
    assert [one.what for one in asyncio.run(_ask(owned)) if one.fix is not None] == []

    retainer(owned, own_folder, "restore", "--force", str(dump))  # over a full database
    assert rows(owned) == before


def test_newer_programs_alone_restore_what_they_wrote_into_an_older_server(
    owned: str, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = [one for one in bin_dirs() if one == find_bin_dir()]
    for module in (backup, restore):
        monkeypatch.setattr(module, "bin_dirs", lambda chosen=None: bundled)
    monkeypatch.setenv("DATABASE_URL", owned)
    monkeypatch.setenv("RETAINER_DATA_DIR", str(own_folder / "data"))
    dump = own_folder / "all.dump"
    upgrade(owned)
    first = send(owned, BEFORE, found=True)
    before = rows(owned)
    backup.run(dump)
    renew(owned)
    restore.run(dump)
    assert asyncio.run(verify(owned)) == {TENANT: (1, [])}
    assert rows(owned) == before
    again = send(owned, BEFORE)
    assert [one.body for one in again] == [one.body for one in first]
    assert all(one.replayed for one in again)


def test_programs_older_than_the_server_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "bin_dirs", lambda chosen=None: [Path("/old")])
    monkeypatch.setattr(backup, "major_of", lambda one: 14)
    monkeypatch.setattr(backup, "server_major", lambda settings: 18)
    with pytest.raises(CommandError, match="postgresql-client-18, or set RETAINER_PG_BIN"):
        backup.programs_of(Settings.read(database_url="postgresql://h/db"))
