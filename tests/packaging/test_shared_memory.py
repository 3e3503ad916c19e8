"""Server processes share what they import, and import nothing that only a person at a console needs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.usecases.reports.health import newest_revision
from tests.packaging.conftest import ROOT
from tests.packaging.test_serve import Service, started

__all__ = ["started"]
SERVED = """
import sys
import app.serving.preloaded
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
UNWANTED = {
    "IPython",
    "alembic",
    "babel",
    "holidays",
    "httpx",
    "hypothesis",
    "icalendar",
    "joserfc",
    "mako",
    "pygments",
    "pytest",
    "recurring_ical_events",
    "rich",
    "schemathesis",
    "structlog",
    "typer",
}
"""What a console, a migration, a feed of closed days, an issuer, a shop's API or a page that is not English needs.

It is imported when it is wanted.
"""


def test_a_serving_process_imports_nothing_for_consoles_and_nothing_that_few_need() -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "RETAINER_OPERATOR_KEY": "rtn_op_0123456789abcdef",
        "RETAINER_SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("RETAINER_SUPERVISOR", None)
    done = subprocess.run(
        [sys.executable, "-c", SERVED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert {"app", "fastapi", "sqlalchemy", "strawberry", "uvloop"} <= imported
    assert imported & UNWANTED == set()


def test_the_newest_migration_is_the_one_that_the_tool_for_migrations_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()


def _children(process: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # gone meanwhile
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_children(int(child))]
    return found


def _python(process: int) -> list[int]:
    """The process and what is below it, without the database's."""
    found = []
    for one in [process, *_children(process)]:
        with contextlib.suppress(OSError):
            if b"postgres" not in Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")[0]:
                found.append(one)
    return found


def _mib(process: int) -> float:
    """What a process takes, what it shares divided by those who share it."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@pytest.mark.packaging
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_two_servers_share_their_memory_and_a_killed_one_is_replaced(own_folder: Path, started: list[Service]) -> None:
    service = Service(own_folder, workers=2)
    started.append(service)
    service.until_ready(90)
    time.sleep(3)
    processes = _python(service.process.pid)
    sizes = {one: round(_mib(one)) for one in processes}
    assert len(sizes) == 5, sizes  # who watches, who cleans up, who forks, and two servers
    assert sum(sizes.values()) < 220, sizes
    killed = processes[-1]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while killed in _python(service.process.pid) or len(_python(service.process.pid)) < 5:
        assert time.monotonic() < deadline, service.said()
        time.sleep(0.2)
    assert service.until_ready(60).interrupt() == 0, service.said()
    assert "Traceback" not in service.said()
