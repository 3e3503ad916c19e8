"""Processes that a test starts are ended by it, and run as root as well as under an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.embedded import find_bin_dir

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Owner:
    """Who runs a process in a test: ourselves, or an ordinary user when we are root."""

    name: str
    uid: int
    gid: int

    def become(self) -> Callable[[], None] | None:
        if os.geteuid() == self.uid:
            return None

        def run() -> None:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

        return run


def _owners() -> list[Owner]:
    me = Owner("root" if os.geteuid() == 0 else "ourselves", os.geteuid(), os.getegid())
    if os.geteuid() != 0:
        return [me]
    nobody = pwd.getpwuid(65534)
    return [me, Owner("nobody", nobody.pw_uid, nobody.pw_gid)]


def reaches(owner: Owner, *paths: Path | str) -> bool:
    """Whether that user can read (and enter or run) all of these."""
    script = 'for path; do test -r "$path" && test -x "$path" || exit 1; done'
    return subprocess.run(["/bin/sh", "-c", script, "sh", *map(str, paths)], preexec_fn=owner.become()).returncode == 0


def interpreter(owner: Owner) -> str:
    """A Python that this user can run: ours may lie in root's home. Skips the test where there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        if reaches(owner, os.path.realpath(python), ROOT, find_bin_dir()):
            return python
    pytest.skip(f"{owner.name} can reach neither this folder nor a Python")


@pytest.fixture(params=_owners(), ids=lambda owner: owner.name)
def owner(request: pytest.FixtureRequest) -> Owner:
    return request.param


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder with a short path, which every user can reach."""
    made = Path(tempfile.mkdtemp(prefix="rtn-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def folder(owner: Owner, own_folder: Path) -> Path:
    """Such a folder, that owner's."""
    os.chown(own_folder, owner.uid, owner.gid)
    return own_folder
