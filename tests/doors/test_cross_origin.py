"""Pages of a helpdesk call from a browser: off unless their origins are named."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.commands.doctor import _origins
from app.main import create_app
from app.settings import Settings, SettingsError
from tests.conftest import MakeVendor
from tests.support.api import client_of, make_vendor, running, settings_for

DESK = "https://desk.example"
ASKS = {
    "Origin": DESK,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization,if-none-match",
}


@pytest_asyncio.fixture(scope="module")
async def opened(module_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(module_url, cors_origins=(DESK,)))) as app:
        yield app


async def sidebar(app: FastAPI) -> tuple[httpx.AsyncClient, str]:
    """What a page has: a token for one customer."""
    shop = await make_vendor(app, "cs-cart")
    order = {
        "customer_id": "ann",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "license"}],
    }
    await shop.ok(await shop.put("/v1/orders/o", order), 201)
    token = await shop.ok(await shop.post("/v1/customers/ann/tokens", {"minutes": 5}))
    await shop.close()
    return client_of(app, token["token"]), "/v1/customers/ann"


async def test_without_the_setting_no_page_may_call(app: FastAPI, vendor: MakeVendor) -> None:
    page, path = await sidebar(app)
    async with page:
        asked = await page.options(path, headers=ASKS)
        answer = await page.get(path, headers={"Origin": DESK})
    assert answer.status_code == 200
    assert not [name for one in (asked, answer) for name in one.headers if name.startswith("access-control-")]


async def test_a_named_page_asks_first_and_reads_the_answer(opened: FastAPI) -> None:
    page, path = await sidebar(opened)
    async with page:
        asked = await page.options(path, headers=ASKS)
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == DESK
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in asked.headers
        answer = await page.get(path, headers={"Origin": DESK})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == DESK
        assert "Origin" in answer.headers["vary"]
        shown = {one.strip().lower() for one in answer.headers["access-control-expose-headers"].split(",")}
        assert {"etag", "link", "ratelimit", "idempotent-replayed", "retry-after", "x-request-id"} <= shown
        assert answer.headers["cache-control"] == "no-store"


async def test_a_page_reads_problems_too(opened: FastAPI) -> None:
    page, _ = await sidebar(opened)
    async with page:
        for answer in (
            await page.get("/v1/customers/nobody", headers={"Origin": DESK}),
            await page.get("/v1/nothing", headers={"Origin": DESK}),
            await page.get("/v1/customers/ann", headers={"Origin": DESK, "Authorization": "Bearer wrong"}),
        ):
            assert answer.status_code in (401, 403, 404)
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert answer.headers["access-control-allow-origin"] == DESK
            assert answer.json()["code"]


async def test_another_page_is_told_nothing(opened: FastAPI) -> None:
    page, path = await sidebar(opened)
    other = "https://desk.example.evil"
    async with page:
        asked = await page.options(path, headers={**ASKS, "Origin": other})
        answer = await page.get(path, headers={"Origin": other})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "wrong", ["desk.example", "https://desk.example/", "https://desk.example/x", "https://*.example"]
)
def test_what_is_no_origin_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAINER_CORS_ORIGINS", wrong)
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        Settings.read()


def test_the_doctor_finds_any_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAINER_CORS_ORIGINS", "https://desk.example, http://localhost:3000")
    assert list(_origins(Settings.read())) == []
    monkeypatch.setenv("RETAINER_CORS_ORIGINS", "*,http://desk.example")
    found = [one.what for one in _origins(Settings.read())]
    assert [what.split()[0] for what in found] == ["RETAINER_CORS_ORIGINS", "http://desk.example"]
