"""A stranger's first hour, by persona: the commands of each how-to page print what the page shows.

The five pages that ask a service share one. The operator's page starts its own, by `scripts/processes.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.pages.markdown import ROOT, Block, blocks, name, pages
from tests.support import walks
from tests.support.ports import free_port
from tests.support.serving import serving

FOLDER = ROOT / "docs" / "how-to"
ASKING = ("checkout", "partner", "manager", "data")
EVERY = sorted(page.stem for page in FOLDER.glob("*.md"))


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service with its worker, which acts on deliveries and gives events their places."""
    with serving(module_url, worker_in_process=True, port=free_port()) as client:
        yield client


def fresh(persona: str) -> None:
    """Take away what an earlier walk left."""
    shutil.rmtree(ROOT / "build" / persona, ignore_errors=True)


def test_an_environment_in_front_of_the_path_does_not_hide_the_python_with_pip(tmp_path: Path) -> None:
    """Step 1 of the tutorial puts `.venv/bin` there, whose Python has no pip."""
    made = tmp_path / "scripts"
    made.mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap.sh", made)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "site.lock").touch()
    front = tmp_path / ".venv" / "bin"
    front.mkdir(parents=True)
    (front / "python3").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (front / "python3").chmod(0o755)
    path = f"{front}:{os.environ['PATH']}"
    done = subprocess.run(
        [made / "bootstrap.sh", "site"], env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_there_is_a_page_for_each_persona() -> None:
    assert sorted((*ASKING, "helpdesk", "operator")) == EVERY
    for page in (ROOT / "docs" / "index.md", ROOT / "README.md", ROOT / "mkdocs.yml"):
        text = page.read_text(encoding="utf-8")
        assert [persona for persona in EVERY if f"how-to/{persona}.md" not in text] == [], name(page)


@pytest.mark.parametrize("persona", EVERY)
def test_every_block_is_a_command_or_what_one_prints(persona: str) -> None:
    page = FOLDER / f"{persona}.md"
    assert {block.language for block in blocks(page)} == {"sh", "text"}
    assert sum(step.shown is not None for step in walks.steps(page)) >= 1


@pytest.mark.parametrize("persona", ASKING)
def test_a_page_goes_as_it_says(service: httpx.Client, tmp_path: Path, persona: str) -> None:
    fresh(persona)
    if persona == "partner":  # what it installs is installed before the clock runs
        subprocess.run([ROOT / "scripts" / "bootstrap.sh", "clients"], check=True, timeout=600)
    page = FOLDER / f"{persona}.md"
    with walks.walked(page, walks.environment(str(service.base_url)), tmp_path) as printed:
        walks.as_shown(page, printed)


def test_the_page_of_helpdesks_goes_as_it_says(service: httpx.Client, tmp_path: Path) -> None:
    """Its card is looked at in a browser by `tests/browser/test_first_hours.py`."""
    fresh("helpdesk")
    page, port = FOLDER / "helpdesk.md", str(free_port())
    with walks.walked(page, walks.environment(str(service.base_url)), tmp_path, instead={"3001": port}) as printed:
        walks.as_shown(page, printed)


@pytest.mark.skipif(not Path("/usr/sbin/pgbouncer").exists(), reason="no pgbouncer is installed (on Debian: pgbouncer)")
def test_the_page_of_operators_goes_as_it_says(tmp_path: Path) -> None:
    fresh("operator")
    page, port = FOLDER / "operator.md", free_port()
    instead = {"8100": str(port), "8101": str(port + 1)}
    with walks.walked(page, {"PATH": walks.environment("")["PATH"]}, tmp_path, instead=instead) as printed:
        walks.as_shown(page, printed)


@pytest.mark.parametrize(
    "block",
    [block for page in pages() if page.parent == FOLDER for block in blocks(page)],
    ids=lambda one: f"{one.page}:{one.line}",
)
def test_a_command_says_no_secret_of_its_own(block: Block) -> None:
    assert "rtn_" not in block.text
