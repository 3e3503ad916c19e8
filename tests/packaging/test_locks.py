"""The lock files and the recipes that use them hold on every machine, not only on the one that made them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from app import __version__
from tests.packaging.conftest import ROOT

FOLDER = ROOT / "requirements"
LOCKS = sorted(FOLDER.glob("*.lock"))


def test_the_lock_files_stand_in_their_folder() -> None:
    assert {path.stem for path in LOCKS} == {"run", "embedded", "otel", "dev", "gates", "clients", "site"}
    assert {path.stem for path in LOCKS} == {path.stem for path in FOLDER.glob("*.in")}
    assert not list(ROOT.glob("requirements*.*"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_host_and_pins_every_package_with_hashes(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    joined = text.replace("\\\n", " ")
    pinned = [line for line in joined.splitlines() if re.match(r"[a-z0-9]", line)]
    assert pinned
    for line in pinned:
        assert re.match(r"[a-z0-9.\-]+(\[[a-z,]+\])?==", line), line
        assert "--hash=sha256:" in line, line


def test_the_development_lock_is_a_superset_of_what_the_service_runs_with() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.\-]+==[^ \\]+)", (FOLDER / f"{name}.lock").read_text(), re.MULTILINE))

    assert pins("run") | pins("embedded") <= pins("dev")


def test_every_wished_for_package_is_in_its_lock() -> None:
    for stem in (path.stem for path in LOCKS):
        locked = set(re.findall(r"^([a-z0-9.\-]+)==", (FOLDER / f"{stem}.lock").read_text(), re.MULTILINE))
        wished = re.findall(r"^([A-Za-z0-9_.\-]+)", (FOLDER / f"{stem}.in").read_text(), re.MULTILINE)
        assert {name.lower() for name in wished if not name.startswith("-")} <= locked


def test_no_lock_in_a_format_that_carries_hosts_is_tracked() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode != 0:
        pytest.skip("not a clone")
    assert not [name for name in tracked.stdout.splitlines() if re.search(r"(uv\.lock|pylock.*\.toml)$", name)]


def test_the_version_is_said_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert "version" not in project["project"]
    assert "setuptools" not in project["tool"]
    assert f"ARG VERSION={__version__}\n" in (ROOT / "Dockerfile").read_text()
