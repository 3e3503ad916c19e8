"""A replica is refused as primary: against a Postgres that really is in recovery."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.commands import doctor
from app.commands.migrate import upgrade
from app.db.engine import Database
from app.db.failures import StartRefused
from app.embedded import EmbeddedPostgres
from app.main import create_app, prepare
from tests.support.api import OPERATOR_KEY, running, settings_for
from tests.support.databases import open_to_postgres


class Standby(EmbeddedPostgres):
    """Started as a standby, which calls itself so once it takes connections."""

    def _status(self) -> Any:
        found = super()._status()
        return dataclasses.replace(found, state="ready") if found and found.state == "standby" else found


@pytest.fixture
def standby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated, furnished database whose server was started again as a hot standby."""
    folder = open_to_postgres(tmp_path_factory.mktemp("standby"))
    with EmbeddedPostgres(folder, durable=False) as primary:
        assert primary.url is not None
        upgrade(primary.url)
        asyncio.run(prepare(settings_for(primary.url), primary.url))
        pgdata = Path(primary.pgdata)
        owner = (pgdata / "PG_VERSION").stat()
    signal_file = pgdata / "standby.signal"
    signal_file.touch(0o600)
    os.chown(signal_file, owner.st_uid, owner.st_gid)
    with Standby(folder, durable=False) as second:
        assert second.url is not None
        yield second.url


async def test_a_standby_is_refused_at_the_start_by_the_doctor_and_by_readiness(standby: str) -> None:
    database = Database(standby, pool_size=1)
    with pytest.raises(StartRefused, match="replica"):
        await database.check_start()
    await database.close()
    wrong = {one.what: one.fix for one in await doctor._ask(standby) if one.fix is not None}
    assert any("replica" in what or "standby" in what for what in wrong), wrong


async def test_a_primary_that_becomes_a_standby_is_not_ready_and_refuses_writes(
    standby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def passed(_: Database) -> None:
        """As when the roles changed after the start."""

    monkeypatch.setattr(Database, "check_role", passed)
    app = create_app(settings_for(standby))
    async with (
        running(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://retainer.test",
            headers={"Authorization": f"Bearer {OPERATOR_KEY}"},
        ) as client,
    ):
        ready = await client.get("/readyz")
        assert ready.status_code == 503, ready.text
        assert "primary" in ready.text
        assert (await client.get("/livez")).status_code == 200
        made = await client.put("/v1/tenants/late", json={"policy": "shopp"})
        assert made.status_code == 503, made.text
        assert "retry-after" in made.headers
        assert made.json()["code"] == "unavailable"
