"""Several processes, one page of figures: whichever is asked tells what all of them counted."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.api.observability import Figures
from app.api.peers import Peers
from app.main import create_app
from tests.support.api import client_of, running, settings_for


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="rtn-") as name:
        yield Path(name)


def counted(debits: int) -> Figures:
    figures = Figures()
    figures.debits.labels("done").inc(debits)
    figures.duration.labels("GET", "/livez", "200").observe(0.02)
    figures.shared.append(lambda: [("retainer_outbox_unplaced", "Events without a position", "gauge", 7.0)])
    return figures


def peer(folder: Path, figures: Figures, name: str) -> Peers:
    made = Peers(folder, figures.own)
    made.name = name
    return made


async def test_each_process_is_there_once_and_what_is_everybodys_once_in_all(folder: Path) -> None:
    one, other = counted(3), counted(4)
    first, second = peer(folder, one, "11"), peer(folder, other, "22")
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(first.told())
        await stack.enter_async_context(second.told())
        page = one.text(await first.others(), first.name).decode()
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert page.count("# TYPE retainer_debits_total ") == 1
    assert {
        (sample.labels["process"], sample.value)
        for sample in families["retainer_debits"].samples
        if sample.name.endswith("_total")
    } == {("11", 3.0), ("22", 4.0)}
    buckets = [
        one for one in families["http_server_request_duration_seconds"].samples if one.name.endswith("_count")
    ]
    assert {one.labels["process"] for one in buckets} == {"11", "22"}
    assert [(one.labels, one.value) for one in families["retainer_outbox_unplaced"].samples] == [({}, 7.0)]


async def test_a_process_that_died_is_left_out_and_forgotten(folder: Path) -> None:
    figures = counted(1)
    mine, gone = peer(folder, figures, "11"), folder / "22.sock"
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(gone))
    async with mine.told():
        assert await mine.others() == {}
        assert not gone.exists()


async def test_a_folder_that_takes_no_socket_stops_nothing(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    mine = peer(deep, counted(1), "11")
    async with mine.told():
        assert await mine.others() == {}


async def test_one_process_needs_no_label(module_url: str, folder: Path) -> None:
    async with running(create_app(settings_for(module_url))) as app:
        assert "process=" not in await scraped(app)
    async with running(create_app(settings_for(module_url, peers_dir=folder))) as app:
        page = await scraped(app)
        assert 'retainer_ledger_commands_total{process="' in page
        assert "\nretainer_ledger_drift_points 0.0" in page


async def scraped(app: FastAPI) -> str:
    async with client_of(app, None) as client:
        return (await client.get("/metrics")).text
