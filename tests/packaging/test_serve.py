"""`serve`, as a person and a supervisor use it: one key, one URL, Ctrl-C, kill -9, a second start."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT
from tests.packaging.test_embedded import none_left
from tests.support.ports import free_port

pytestmark = [pytest.mark.packaging, pytest.mark.slow]


class Service:
    """A `serve` on a folder, in a process group of its own, as a terminal makes it."""

    def __init__(self, folder: Path, workers: int = 1, command: tuple[str, ...] = ()) -> None:
        self.port = free_port()
        self.data = folder / "data"
        self.log = folder / f"log-{time.monotonic_ns()}"
        environment = {
            name: value
            for name, value in os.environ.items()
            if name != "DATABASE_URL" and not name.startswith(("RETAINER_", "MAKE", "MFLAGS"))
        }
        environment |= {
            "RETAINER_DATA_DIR": str(self.data),
            "RETAINER_PORT": str(self.port),
            "RETAINER_WORKERS": str(workers),
            "PYTHONUNBUFFERED": "1",
        }
        self.environment = environment
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command or (sys.executable, "-m", "app.cli", "serve"),
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def until_ready(self, seconds: float = 45) -> Service:
        deadline = time.monotonic() + seconds
        while not self.ready():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self

    def said(self) -> str:
        return self.log.read_text()

    def interrupt(self) -> int:
        """Ctrl-C: the whole group is told."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def started(own_folder: Path) -> Iterator[list[Service]]:
    services: list[Service] = []
    yield services
    for service in services:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
    none_left(own_folder)


def test_a_whole_life_key_once_second_start_ctrl_c_warm_start(own_folder: Path, started: list[Service]) -> None:
    first = Service(own_folder)
    started.append(first)
    first.until_ready()
    keys = re.findall(r"^operator key: (rtn_op_\S+)$", first.said(), re.MULTILINE)
    assert len(keys) == 1
    kept = first.data / "operator-key"
    assert kept.read_text().strip() == keys[0]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (first.data / "secret-key").stat().st_mode & 0o777 == 0o600

    second = Service(own_folder)
    started.append(second)
    assert second.process.wait(30) == 1
    assert "another retainer serves this data folder" in second.said()
    assert "Traceback" not in second.said()
    assert first.ready()

    assert first.interrupt() == 0, first.said()
    assert "Traceback" not in first.said()
    assert none_left(own_folder, 2)

    again = Service(own_folder)
    started.append(again)
    began = time.monotonic()
    again.until_ready()
    assert time.monotonic() - began < 20
    assert "operator key" not in again.said()
    assert f"ready on http://127.0.0.1:{again.port}" in again.said() or again.ready()
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(30) == 0, again.said()


def test_kill_9_takes_workers_and_postgres_along_and_the_next_start_recovers(
    own_folder: Path, started: list[Service]
) -> None:
    first = Service(own_folder, workers=2)
    started.append(first)
    first.until_ready()
    first.process.kill()
    first.process.wait()
    deadline = time.monotonic() + 20
    while first.ready() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert none_left(own_folder, 20)
    second = Service(own_folder, workers=2)
    started.append(second)
    second.until_ready()
    assert second.interrupt() == 0, second.said()
    assert none_left(own_folder, 5)


def test_a_postgres_killed_under_the_service_is_brought_back(own_folder: Path, started: list[Service]) -> None:
    service = Service(own_folder)
    started.append(service)
    service.until_ready()
    pid = int((service.data / "postgres/data/postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while "Postgres is back" not in service.said():
        assert time.monotonic() < deadline, service.said()
        time.sleep(0.05)
    service.until_ready(20)
    assert service.interrupt() == 0, service.said()


def test_killing_make_stops_the_service(own_folder: Path, started: list[Service]) -> None:
    if not (ROOT / ".venv/.stamp-run").exists() or sys.platform != "linux":
        pytest.skip("make would install first")
    service = Service(own_folder, command=("make", "--no-print-directory", "serve"))
    started.append(service)
    service.until_ready()
    service.process.kill()
    assert none_left(own_folder, 20)
    assert not service.ready()


def test_a_taken_port_and_a_bad_setting_are_told_in_a_line(own_folder: Path, started: list[Service]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            env={
                "PATH": os.environ["PATH"],
                "RETAINER_DATA_DIR": str(own_folder / "data"),
                "RETAINER_PORT": str(taken.getsockname()[1]),
            },
        )
    assert done.returncode == 1
    assert done.stderr.startswith("retainer: cannot listen on 127.0.0.1:")
    assert "RETAINER_PORT" in done.stderr
    assert not (own_folder / "data" / "postgres").exists()

    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "RETAINER_PORT": "many", "DATABASE_URL": "mysql://elsewhere"},
    )
    assert done.returncode == 1
    assert "RETAINER_PORT" in done.stderr
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_installed_script_starts_several_workers_as_the_module_does(
    own_folder: Path, started: list[Service]
) -> None:
    script = ROOT / ".venv" / "bin" / "retainer"
    if not script.exists():
        pytest.skip("these tests run in an environment that make did not make")
    service = Service(own_folder, workers=2, command=(str(script), "serve"))
    started.append(service)
    service.until_ready(90)
    assert service.said().count("operator key: ") == 1
    assert service.interrupt() == 0, service.said()
    assert none_left(own_folder, 5)


def test_a_database_that_cannot_be_used_is_one_sentence(own_folder: Path) -> None:
    for url, sentence in (
        ("postgresql://u@127.0.0.1:1/db", "the database refused: "),
        ("postgresql://u@h/db?sslmode=maybe", "DATABASE_URL: sslmode is one of"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=90,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "RETAINER_DATA_DIR": str(own_folder / "data"),
                "RETAINER_PORT": "0",
            },
        )
        assert done.returncode == 1
        assert sentence in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert not (own_folder / "data" / "secret-key").exists()
