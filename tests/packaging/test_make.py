"""The commands that a stranger types."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.mutants import MUTANTS, Mutant
from tests.packaging.conftest import ROOT

TARGETS = (
    "serve",
    "worker",
    "migrate",
    "demo",
    "doctor",
    "test",
    "lint",
    "format",
    "contracts",
    "lock",
    "bench",
    "bench-short",
    "deliveries",
    "faults",
    "fuzz",
    "lives",
    "mutants",
    "soak",
    "histories",
    "recovery",
    "failover",
    "docs-assets",
    "clean",
)


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    # The make that runs these tests must not speak to the one that they run.
    inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**inherited, **environment}, timeout=60
    )


def test_every_target_can_be_planned() -> None:
    for target in TARGETS:
        if (
            target in {"bench", "deliveries", "faults", "fuzz", "lives", "mutants", "soak"}
            and not (ROOT / f"scripts/{target}.py").exists()
        ):
            continue
        done = run("make", "-n", target)
        assert done.returncode == 0, done.stderr


def test_a_ready_environment_is_not_made_again() -> None:
    if not (ROOT / ".venv" / ".stamp-dev").exists():
        pytest.skip("these tests run in an environment that make did not make")
    done = run("make", "run-env", "dev-env")
    assert done.returncode == 0, done.stderr
    assert "installing" not in done.stderr


@pytest.fixture
def fresh(own_folder: Path) -> Path:
    (own_folder / "scripts").mkdir()
    (own_folder / "scripts/bootstrap.sh").write_text((ROOT / "scripts/bootstrap.sh").read_text())
    (own_folder / "scripts/bootstrap.sh").chmod(0o755)
    (own_folder / "requirements").mkdir()
    (own_folder / "requirements/run.lock").write_text("# nothing\n")
    (own_folder / "requirements/embedded.lock").write_text("# nothing but the bundled Postgres\n")
    return own_folder


def a_python(fresh: Path, pip: str) -> str:
    """An interpreter whose pip says that it is another version."""
    fake = fresh / "lib" / "pip"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(f"__version__ = {pip!r}\n")
    program = fresh / "python3"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={fake.parent} exec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return str(program)


def test_an_old_pip_is_named_and_so_is_what_is_wanted(fresh: Path) -> None:
    done = run("scripts/bootstrap.sh", "run", cwd=fresh, PYTHON=a_python(fresh, "20.3.4"))
    assert done.returncode == 1
    assert "pip 20.3.4" in done.stderr
    assert "22.3 or newer" in done.stderr


def test_a_missing_python_is_named(fresh: Path) -> None:
    done = run("scripts/bootstrap.sh", "run", cwd=fresh, PYTHON="python-that-is-not-here")
    assert done.returncode == 1
    assert "python-that-is-not-here" in done.stderr


def test_the_environment_is_made_without_ensurepip_and_stamped(fresh: Path) -> None:
    first = run("scripts/bootstrap.sh", "run", cwd=fresh)
    assert first.returncode == 0, first.stderr
    assert not list(fresh.glob(".venv/lib/python*/site-packages/pip"))
    second = run("scripts/bootstrap.sh", "run", cwd=fresh)
    assert second.stderr == ""
    (fresh / "requirements/run.lock").write_text("# another\n")
    assert "installing" in run("scripts/bootstrap.sh", "run", cwd=fresh).stderr


def test_the_bundled_postgres_is_an_extra_that_a_database_of_ones_own_leaves_out(fresh: Path) -> None:
    own = {"DATABASE_URL": "postgresql://db.example/retainer"}
    first = run("scripts/bootstrap.sh", "run", cwd=fresh, **own)
    assert "requirements/embedded.lock" not in first.stderr
    second = run("scripts/bootstrap.sh", "run", cwd=fresh)
    assert "requirements/run.lock requirements/embedded.lock" in second.stderr
    assert run("scripts/bootstrap.sh", "run", cwd=fresh, **own).stderr == "", "what is more is enough"
    assert "embedded" not in (ROOT / "requirements/run.in").read_text()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_a_line_that_is_there_and_names_a_test_that_is(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1
    file, *names = mutant.test.split("[")[0].split("::")
    assert all(f"def {name}(" in (ROOT / file).read_text() for name in names)
