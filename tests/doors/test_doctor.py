"""`retainer doctor` and readiness: each thing that can be wrong is found, and what to do about it is said."""

from __future__ import annotations

from pathlib import Path
from time import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.commands import doctor
from app.db import engine
from app.db.engine import Database
from app.db.failures import StartRefused, Unavailable
from app.db.ops import health
from app.db.ops.health import State
from app.usecases.reports.findings import FIXES
from app.usecases.reports.health import newest_revision
from tests.support.api import client_of, settings_for


async def test_a_healthy_database_has_nothing_to_fix(module_url: str) -> None:
    found = await doctor._ask(module_url)
    assert [one.what for one in found if one.fix is not None] == []
    assert found


@pytest.mark.parametrize(
    ("state", "check"),
    [
        (State(False, True, newest_revision()), "primary"),
        (State(True, False, newest_revision()), "role"),
        (State(False, False, "0000"), "schema"),
        (State(False, False, None), "schema"),
    ],
    ids=["a replica", "a mighty role", "an older schema", "no schema"],
)
async def test_what_is_wrong_with_the_database_is_told_with_its_fix(
    app: FastAPI, module_url: str, monkeypatch: pytest.MonkeyPatch, state: State, check: str
) -> None:
    async def told(_: Database) -> State:
        return state

    monkeypatch.setattr(health, "state", told)
    wrong = [one for one in await doctor._ask(module_url) if one.fix is not None]
    assert [(one.what, one.fix) for one in wrong] == [(FIXES[check].what, FIXES[check].fix)]
    async with client_of(app, None) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]) == (503, [check])
        assert answer.headers["retry-after"] == "1"
        assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize("ahead", [12.4, -12.4], ids=["behind the database's", "ahead of the database's"])
async def test_clocks_that_differ_are_told_and_calls_are_served(
    app: FastAPI, module_url: str, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(health, "time", lambda: time() - ahead)
    wrong = [one for one in await doctor._ask(module_url) if one.fix is not None]
    assert [(one.what, "NTP" in str(one.fix)) for one in wrong] == [("clocks differ by 12 s", True)]
    async with client_of(app, None) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    (warning,) = answer.json()["warnings"]
    assert warning["check"] == "clock"
    assert "12 s" in warning["detail"]
    assert "NTP" in warning["detail"]


async def test_a_slow_answer_is_no_other_clock(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time()
    told = iter((began - 60, began + 60))
    monkeypatch.setattr(health, "time", lambda: next(told))
    async with client_of(app, None) as client:
        assert (await client.get("/readyz")).json() == {"status": "ok", "warnings": []}


async def test_a_replica_is_refused_at_the_start(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def standby(*_: Any) -> list[SimpleNamespace]:
        return [SimpleNamespace(role="retainer_app", rolsuper=False, rolbypassrls=False, is_replica=True)]

    monkeypatch.setattr(engine, "fetch", standby)
    with pytest.raises(StartRefused, match="replica"):
        await db.check_role()


async def test_a_starting_process_waits_for_its_database_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that comes up beside the service ends no start; one that does not come ends it with its reason."""
    late = Database("postgresql+asyncpg://nobody@/nothing?host=/nonexistent", pool_size=1)
    looked: list[int] = []
    really = late.check_role

    async def comes_up() -> None:
        looked.append(1)
        if len(looked) < 3:
            await really()

    monkeypatch.setattr(late, "check_role", comes_up)
    await late.check_start()
    assert len(looked) == 3
    monkeypatch.setattr(late, "check_role", really)
    monkeypatch.setattr(engine, "START_PATIENCE", 0.1)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await late.check_start()
    await late.close()


async def test_a_database_that_is_not_there_is_told() -> None:
    [wrong] = await doctor._ask("postgresql+asyncpg://nobody@/nothing?host=/nonexistent")
    assert "does not answer" in wrong.what
    assert wrong.fix


def test_the_machine_is_looked_at(tmp_path: Path) -> None:
    settings = settings_for("postgresql+asyncpg://x@y/z", data_dir=tmp_path, operator_key="short")
    key = tmp_path / "operator-key"
    key.write_text("rtn_op_x")
    key.chmod(0o644)
    wrong = {one.what: one.fix for one in doctor._machine(settings) if one.fix is not None}
    assert wrong[f"{key} can be read by others"] == f"chmod 600 {key}"
    assert "16 random characters" in wrong["RETAINER_OPERATOR_KEY can be guessed"]


async def test_a_move_that_has_not_ended_is_told(app: FastAPI, module_url: str, api: httpx.AsyncClient) -> None:
    made = await api.put("/v1/tenants/mover", json={"policy": "cs-cart"})
    assert made.status_code == 201, made.text
    for state, told in (("leaving", True), ("here", False)):
        answer = await api.put("/v1/tenants/mover/move", json={"state": state})
        assert answer.status_code == 200, answer.text
        found = [one for one in await doctor._ask(module_url) if one.what.startswith("tenant mover is leaving since")]
        assert bool(found) is told
        assert all(one.fix is not None and "move-tenant" in one.fix for one in found)
