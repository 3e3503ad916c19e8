"""Several processes, one page of figures: whichever is asked tells what all of them counted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.main import create_app
from tests.support.api import client_of, running, settings_for

PROCESS = """
import sys
from app.api.observability import Figures
figures = Figures()
debits = int(sys.argv[1])
figures.debits.labels("done").inc(debits)
figures.duration.labels("GET", "/livez", "200").observe(0.02)
figures.in_flight.inc()
figures.processes.set(1)  # as the service does when it begins to serve
figures.samples.append(lambda: [
    ("retainer_ledger_commands", "Commands", "counter", 10.0 * debits),
    ("retainer_db_connections_in_use", "Connections", "gauge", float(debits)),
    ("retainer_agenda_lag_seconds", "Late", "gauge", float(debits)),
])
figures.shared.append(lambda: [("retainer_outbox_unplaced", "Events without a position", "gauge", 7.0)])
figures.refresh()
for _ in sys.stdin:
    page = figures.text()
    print(len(page), flush=True)
    sys.stdout.buffer.write(page)
    sys.stdout.buffer.flush()
"""


class Process:
    """A process of the service that counts, and tells its page when it is asked."""

    def __init__(self, folder: Path | None, debits: int) -> None:
        more = {} if folder is None else {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
        self.running = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(debits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **more},
        )

    def page(self) -> str:
        asked, told = self.running.stdin, self.running.stdout
        assert asked is not None
        assert told is not None
        asked.write(b"?\n")
        asked.flush()
        return told.read(int(told.readline())).decode()

    def die(self) -> None:
        self.running.kill()
        self.running.communicate()


@pytest.fixture
def several(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    made = Process(tmp_path, 3), Process(tmp_path, 4)
    for one in made:
        one.page()
    yield made
    for one in made:
        one.die()


def values(page: str) -> dict[str, float]:
    """The samples without labels but those that tell outcomes apart."""
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


def test_whichever_is_asked_tells_what_all_of_them_counted(several: tuple[Process, Process]) -> None:
    for one in several:
        page = one.page()
        found = values(page)
        assert found["retainer_debits_total"] == 7
        assert found["http_server_request_duration_seconds_count"] == 2
        assert found["http_server_active_requests"] == found["retainer_processes"] == 2
        assert found["retainer_ledger_commands_total"] == 70
        assert found["retainer_db_connections_in_use"] == 7
        assert found["retainer_agenda_lag_seconds"] == 4
        assert found["retainer_outbox_unplaced"] == 7
        assert page.count("# TYPE retainer_debits_total counter") == 1
        assert "# HELP retainer_debits_total Debits, by what came of them" in page
        assert "pid=" not in page


def test_what_a_process_counted_outlives_it_and_its_gauges_do_not(several: tuple[Process, Process]) -> None:
    first, second = several
    first.die()
    found = values(second.page())
    assert found["retainer_debits_total"] == 7
    assert found["retainer_ledger_commands_total"] == 70
    assert found["http_server_active_requests"] == 1
    assert found["retainer_db_connections_in_use"] == 4


def test_asking_twice_counts_once(several: tuple[Process, Process]) -> None:
    first, _ = several
    assert values(first.page()) == values(first.page())


def test_one_process_tells_its_own() -> None:
    alone = Process(None, 3)
    found = values(alone.page())
    alone.die()
    assert (found["retainer_debits_total"], found["retainer_ledger_commands_total"]) == (3, 30)


async def test_the_page_of_a_service(module_url: str) -> None:
    async with running(create_app(settings_for(module_url))) as app, client_of(app, None) as client:
        page = (await client.get("/metrics")).text
    assert "\nretainer_ledger_commands_total 0.0" in page
    assert "\nretainer_ledger_drift_points 0.0" in page
