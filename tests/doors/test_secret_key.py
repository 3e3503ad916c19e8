"""The database knows its secret key: another one does not start, and a change of keys loses nothing on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.commands.doctor import _ask
from app.db.engine import Database
from app.db.secrets import SealBroken, WrongSecretKey, check_key, reseal
from app.main import create_app, prepare
from app.settings import Settings, SettingsError
from tests.support import databases
from tests.support.api import SECRET_KEY, client_of, make_vendor, running, settings_for
from tests.support.shops import SECRET, raw, sign_woo

OTHER = "another-secret-of-the-tests-0123456789"


@pytest_asyncio.fixture
async def url(postgres: databases.Server) -> AsyncIterator[str]:
    """A database of the test's own that was served with `SECRET_KEY`."""
    made = await postgres.clone()
    await prepare(settings_for(made), made)
    yield made
    await postgres.drop(made)


def with_keys(url: str, first: str, second: str | None = None) -> Settings:
    return settings_for(url, secret_key=first, **({} if second is None else {"secret_key_second": second}))


async def source_of(app: FastAPI) -> tuple[str, str]:
    """A tenant with a shop's source: the tenant's key and the source's path."""
    vendor = await make_vendor(app, "avactis", now=None)
    given = {"kind": "woocommerce", "secret": SECRET, "products": {}}
    made = await vendor.put("/v1/sources/woo", given)
    assert made.status_code == 201, made.text
    await vendor.close()
    return vendor.key, made.json()["path"]


async def delivery(app: FastAPI, path: str) -> int:
    body = raw({"webhook_id": 7})
    headers = sign_woo(body)
    async with client_of(app, None) as shop:
        return (await shop.post(path, content=body, headers=headers)).status_code


async def test_a_process_with_another_key_does_not_start_and_the_doctor_says_what_to_do(url: str) -> None:
    with pytest.raises(WrongSecretKey, match="set RETAINER_SECRET_KEY to that key"):
        await prepare(with_keys(url, OTHER), url)
    wrong = {one.what: one.fix for one in await _ask(url, (OTHER,)) if one.fix is not None}
    assert list(wrong) == ["the secret key is not the one that sealed what the database stores"]
    assert "RETAINER_SECRET_KEY" in str(next(iter(wrong.values())))
    assert [one for one in await _ask(url, (SECRET_KEY,)) if one.fix is not None] == []


async def test_what_an_older_version_sealed_is_tried_before_a_key_becomes_known(url: str) -> None:
    app = create_app(settings_for(url))
    async with running(app):
        await source_of(app)
    await forget(url)
    with pytest.raises(WrongSecretKey):
        await prepare(with_keys(url, OTHER), url)
    await prepare(with_keys(url, SECRET_KEY), url)


async def test_a_call_that_meets_a_secret_of_another_key_is_503_and_later_succeeds(url: str) -> None:
    app = create_app(settings_for(url))
    async with running(app):
        _, path = await source_of(app)
        assert await delivery(app, path) == 200
    await forget(url)
    wrong = create_app(with_keys(url, OTHER))
    async with running(wrong):
        assert await delivery(wrong, path) == 503
    async with running(create_app(settings_for(url))) as right:
        assert await delivery(right, path) == 200


async def test_keys_are_changed_in_steps_with_two_live_ones(url: str) -> None:
    old, new = SECRET_KEY, OTHER
    async with running(create_app(with_keys(url, old))) as app:
        key, path = await source_of(app)
        async with client_of(app, key) as caller:
            cursor = (await caller.get("/v1/events", params={"limit": 1})).json()["next_cursor"]

    await prepare(with_keys(url, old, new), url)  # 1: both are known to every process
    await prepare(with_keys(url, new, old), url)  # 2: the new one seals
    async with running(create_app(with_keys(url, new, old))) as app:
        assert await delivery(app, path) == 200
        if cursor is not None:
            async with client_of(app, key) as caller:
                assert (await caller.get("/v1/events", params={"cursor": cursor})).status_code == 200
    with pytest.raises(WrongSecretKey):  # 3 was left out: some secrets may still be of the old key
        await prepare(with_keys(url, new), url)

    database = Database(url, pool_size=1)
    assert await reseal(database, (new, old)) == 1
    await check_key(database, (new,))
    with pytest.raises(WrongSecretKey):
        await check_key(database, (old,))
    with pytest.raises(SealBroken):
        await reseal(database, (old,))
    await database.close()
    async with running(create_app(with_keys(url, new))) as app:
        assert await delivery(app, path) == 200


async def forget(url: str) -> None:
    """As in a database of a version that knew no fingerprints."""
    await databases.execute(url, "delete from secret_key")


def test_a_short_second_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAINER_SECRET_KEY_SECOND", "short")
    with pytest.raises(SettingsError, match="RETAINER_SECRET_KEY_SECOND: it must have at least 32"):
        Settings.read()
