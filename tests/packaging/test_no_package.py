"""`pip install .` is refused plainly: what it would make is not what the folder and the image serve."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
HOOKS = (
    "get_requires_for_build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_editable",
    "build_wheel",
    "build_sdist",
    "build_editable",
)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_way_to_a_package_is_refused_and_says_how_to_install(hook: str, tmp_path: Path) -> None:
    script = f"import {BUILD['build-backend']} as backend; backend.{hook}({str(tmp_path)!r})"
    folder = ROOT / BUILD["backend-path"][0]
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    for way in ("make serve", "scripts/bootstrap.sh run", "docker build -t retainer ."):
        assert way in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_ways_that_are_named_are_there() -> None:
    assert "\nserve:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("scripts/bootstrap.sh", "Dockerfile", "README.md", "docs/integrations.md"):
        assert (ROOT / name).is_file(), name


def test_pip_shows_the_refusal_and_asks_no_index(tmp_path: Path) -> None:
    python = getattr(sys, "_base_executable", sys.executable)
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
        pytest.skip("this Python has no pip")
    words = [python, "-m", "pip", "install", "--no-index", "--no-deps", "--target", str(tmp_path), str(ROOT)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "Retainer is not installed as a package" in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
