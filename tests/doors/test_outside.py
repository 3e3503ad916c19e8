"""Behind a prefix and a proxy: links, problem types and addresses are those that a caller can follow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings, SettingsError
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor, running, settings_for
from tests.tickets.desk import order

PUBLIC = "https://shop.example/retainer"
SOURCE = {"kind": "woocommerce", "secret": "s" * 20, "products": {"7": {"sku": "license"}}}


@pytest_asyncio.fixture(scope="module")
async def behind(module_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(module_url, public_url=PUBLIC))) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def proxied(module_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(module_url, trusted_proxies=("127.0.0.1/32",)))) as started:
        yield started


async def shop_of(app: FastAPI) -> Vendor:
    shop = await make_vendor(app, "x-cart", "2025-01-01T00:00:00Z")
    for name in ("a", "b", "c"):
        await order(shop, name, "license")
    return shop


@pytest.mark.parametrize("prefix", ["/retainer", ""])
async def test_a_service_behind_a_prefix_says_where_it_is(behind: FastAPI, prefix: str) -> None:
    """Whether or not the proxy takes the prefix off."""
    shop = await shop_of(behind)
    page = await shop.get(f"{prefix}/v1/orders", limit=1)
    link = page.headers["link"].partition(">")[0].removeprefix("<")
    assert link.startswith(f"{PUBLIC}/v1/orders?")
    parts = urlsplit(link)
    further = await shop.get(f"{parts.path}?{parts.query}")
    assert further.status_code == 200
    assert further.json()["data"] != page.json()["data"]
    wrong = (await shop.get(f"{prefix}/v1/orders/nothing")).json()
    assert wrong["type"] == f"{PUBLIC}/problems/{wrong['code']}"
    assert (await shop.get(urlsplit(wrong["type"]).path)).status_code == 200
    asked = await shop.client.post(f"{prefix}/graphql", json={"query": '{ order(orderId: "nothing") { orderId } }'})
    assert asked.status_code == 200
    made = await shop.ok(await shop.put(f"{prefix}/v1/sources/shop{len(prefix)}", SOURCE))
    assert made["url"] == f"{PUBLIC}{made['path']}"
    assert (await shop.client.post(urlsplit(made["url"]).path, json={})).status_code in (400, 401)
    contract = (await shop.get(f"{prefix}/openapi.json")).json()
    assert contract["servers"][0]["url"] == PUBLIC
    docs = await shop.get(f"{prefix}/docs")
    assert 'href="static/swagger-ui.css"' in docs.text


async def test_headers_of_named_proxies_count(proxied: FastAPI) -> None:
    shop = await shop_of(proxied)
    said = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "desk.example",
        "X-Forwarded-Prefix": "/support/",
        "X-Forwarded-For": "203.0.113.9",
    }
    wrong = (await shop.client.get("/v1/orders/nothing", headers=said)).json()
    assert wrong["type"] == f"https://desk.example/support/problems/{wrong['code']}"
    made = await shop.ok(await shop.client.put("/v1/sources/shop", json=SOURCE, headers=said))
    assert made["url"] == f"https://desk.example/support{made['path']}"
    for odd in (
        {"X-Forwarded-Host": "desk.example/evil?"},
        {"X-Forwarded-Host": "desk.example", "X-Forwarded-Prefix": "//evil.example<script>"},
        {"X-Forwarded-Host": "a" * 300},
        {"X-Forwarded-For": "not an address"},
    ):
        answer = (await shop.client.get("/v1/orders/nothing", headers=odd)).json()
        assert "evil" not in answer["type"], answer
        assert answer["type"].endswith(f"/problems/{answer['code']}")


async def test_links_to_pages_are_those_that_the_proxys_callers_can_follow(proxied: FastAPI) -> None:
    """A link that names where the service listens opens nothing on the machine of whoever gets it."""
    shop = await shop_of(proxied)
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "desk.example", "X-Forwarded-Prefix": "/support"}
    outside = "https://desk.example/support"
    token = await shop.client.post("/v1/customers/a/tokens", json={"minutes": 5}, headers=said)
    assert token.json()["url"].startswith(f"{outside}/account?token=")
    person = {"person": {"id": "kim"}, "scopes": ["tickets:read"]}
    async with client_of(proxied, OPERATOR_KEY) as operator:
        link = await operator.post(f"/v1/tenants/{shop.tenant_id}/sign-in-links", json=person, headers=said)
        assert link.json()["url"].startswith(f"{outside}/sign-in?link="), link.text
        whole = await operator.post("/v1/operator/sign-in-links", json={}, headers=said)
        assert whole.json()["url"].startswith(f"{outside}/sign-in?link=")
        inside = await operator.post("/v1/operator/sign-in-links", json={})
        assert "desk.example" not in inside.json()["url"]
    page = await shop.client.get(
        whole.json()["url"].removeprefix(outside), headers={**said, "Accept": "text/html", "Authorization": ""}
    )
    assert page.status_code == 200
    assert '"/support/' in page.text
    assert 'href="/assets' not in page.text
    assert 'action="/sign-in' not in page.text


async def test_headers_of_anybody_else_count_for_nothing(app: FastAPI, module_url: str) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/x"}
    others = create_app(settings_for(module_url, trusted_proxies=("10.0.0.0/8",)))
    async with running(others):
        for where in (app, others):
            async with client_of(where, OPERATOR_KEY) as client:
                answer = (await client.get("/v1/nothing", headers=said)).json()
                assert answer["type"] == f"/problems/{answer['code']}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "shop.example"),
        ("public_url", "https://shop.example/retainer?x=1"),
        ("public_url", "https://shop.example/v1"),
        ("public_url", "javascript:alert(1)"),
        ("trusted_proxies", "proxy.example"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"RETAINER_{name.upper()}"):
        Settings.read(**{name: value})
