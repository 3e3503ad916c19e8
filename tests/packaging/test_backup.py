"""Backup and restore: what went in comes out, and nothing is lost by a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

pytestmark = pytest.mark.packaging


def retainer(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env=environment | {"RETAINER_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_backup_restores_into_an_empty_database_and_over_a_full_one_only_by_force(own_folder: Path) -> None:
    data, dump, cut = own_folder / "data", own_folder / "all.dump", own_folder / "cut.dump"
    assert retainer(data, "migrate").returncode == 0
    done = retainer(data, "backup", str(dump))
    assert done.returncode == 0, done.stderr
    assert dump.stat().st_mode & 0o777 == 0o600

    refused = retainer(data, "restore", str(dump))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr

    cut.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    broken = retainer(data, "restore", "--force", str(cut))
    assert broken.returncode == 1
    assert "pg_restore failed" in broken.stderr
    again = retainer(data, "backup", str(own_folder / "again.dump"))
    assert again.returncode == 0, again.stderr
    assert (own_folder / "again.dump").stat().st_size == dump.stat().st_size  # the broken one cost nothing

    assert retainer(data, "restore", "--force", str(dump)).returncode == 0
    done = retainer(own_folder / "other", "restore", str(dump))
    assert done.returncode == 0, done.stderr


def test_a_place_that_cannot_be_written_to_is_named(own_folder: Path) -> None:
    done = retainer(own_folder / "data", "backup", str(own_folder / "nowhere" / "all.dump"))
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
