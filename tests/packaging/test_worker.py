"""`retainer worker` as a process of its own: at work, its figures told to whom they may be, stopped when told to."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support.api import SECRET_KEY
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent


@contextlib.contextmanager
def working(module_url: str, said: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on the database of the tests, until it has ended; what it says goes to a file."""
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "worker"],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"],
                "DATABASE_URL": module_url,
                "RETAINER_SECRET_KEY": SECRET_KEY,
                "RETAINER_OPERATOR_KEY": "rtn_op_of-the-tests",
                "RETAINER_DATA_DIR": str(said.parent),
                **settings,
            },
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def asked(port: int, token: str | None = None, path: str = "/metrics") -> tuple[int, str]:
    """Status and text, as soon as somebody listens."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.1)


def figure(text: str, name: str) -> float:
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} "))


def test_a_worker_tells_its_figures_and_stops_when_told(module_url: str, tmp_path: Path) -> None:
    port, said = free_port(), tmp_path / "said"
    with working(module_url, said, RETAINER_WORKER_METRICS_PORT=str(port)) as process:
        rounds, deadline = 0.0, time.monotonic() + 30
        while rounds < 2:
            assert time.monotonic() < deadline, said.read_text()
            status, text = asked(port)
            assert status == 200
            rounds = figure(text, "retainer_worker_rounds_total")
            time.sleep(0.05)
        assert "retainer_agenda_lag_seconds" in text
        assert asked(port, path="/v1/customers")[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, said.read_text()
    assert "the worker has stopped" in said.read_text()
    assert "Traceback" not in said.read_text()


def test_a_workers_figures_are_behind_the_same_token(module_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = {"RETAINER_WORKER_METRICS_PORT": str(port), "RETAINER_METRICS_TOKEN": "of-the-scraper"}
    with working(module_url, tmp_path / "said", **settings):
        assert asked(port, "of-the-scraper")[0] == 200
        assert asked(port)[0] == 401
        status, text = asked(port, "of-somebody-else")
        assert status == 401
        assert '"code":"unauthorized"' in text


def test_a_port_that_is_taken_is_told_in_a_line(module_url: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, said = str(taken.getsockname()[1]), tmp_path / "said"
        with working(module_url, said, RETAINER_WORKER_METRICS_PORT=port) as process:
            assert process.wait(60) == 1
    assert "RETAINER_WORKER_METRICS_PORT" in said.read_text()
    assert "Traceback" not in said.read_text()
