"""Keys of sandboxes on the pages /docs and /graphql: in development, for whoever sits at this machine alone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.main import create_app
from tests.support.api import OPERATOR_KEY, client_of, running, settings_for

ODD = [b"", b"{", b"[]", b"null", b'{"tenant": 5}', b'{"tenant": ""}', b'{"else": 1}', b"\xff"]
BASE = "http://127.0.0.1:8000"


@pytest_asyncio.fixture
async def browser(module_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on the machine of a service in development."""
    async with running(create_app(settings_for(module_url, development=True))) as app, client_of(app, None) as made:
        made.base_url = httpx.URL(BASE)
        yield made


async def tenant(browser: httpx.AsyncClient, mode: str) -> str:
    made = f"docs-{uuid.uuid4().hex[:8]}"
    clock = {"mode": mode, **({"now": "2025-01-01T00:00:00Z"} if mode == "virtual" else {})}
    operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    answer = await browser.put(f"/v1/tenants/{made}", headers=operator, json={"policy": "avactis", "clock": clock})
    assert answer.status_code == 201, answer.text
    return made


async def test_a_key_of_a_sandbox_opens_it_for_an_hour(browser: httpx.AsyncClient) -> None:
    name = await tenant(browser, "virtual")
    assert name in (await browser.get("/docs/tenants")).json()["tenants"]
    answer = await browser.post("/docs/keys", json={"tenant": name})
    assert answer.headers["cache-control"] == "no-store"
    headers = {"Authorization": f"Bearer {answer.json()['key']}"}
    (row,) = (await browser.get("/v1/keys", headers=headers)).json()["data"]
    assert (row["label"], row["scopes"], row["expires_at"] > row["created_at"]) == ("docs", ["*"], True)
    assert (await browser.get("/v1/clock", headers=headers)).status_code == 200


async def test_a_tenant_in_real_time_has_none(browser: httpx.AsyncClient) -> None:
    name = await tenant(browser, "real")
    assert name not in (await browser.get("/docs/tenants")).json()["tenants"]
    assert (await browser.post("/docs/keys", json={"tenant": name})).status_code == 404
    assert (await browser.post("/docs/keys", json={"tenant": "nobody"})).json()["code"] == "tenant_not_found"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "retainer.example"},
        {"Host": "rebound.example:8000"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"Origin": "https://retainer.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
async def test_nobody_else_is_offered_one(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    name = await tenant(browser, "virtual")
    assert (await browser.get("/docs/tenants", headers=headers)).json() == {"tenants": []}
    assert (await browser.post("/docs/keys", headers=headers, json={"tenant": name})).status_code == 404


async def test_a_proxy_that_names_nobody_is_not_offered_one(browser: httpx.AsyncClient) -> None:
    """nginx, told no more than where to ask: this machine's own name as Host, and HTTP/1.0."""
    name = await tenant(browser, "virtual")
    app = browser._transport.app  # type: ignore[attr-defined]
    for method, path, body in (("GET", "/docs/tenants", None), ("POST", "/docs/keys", {"tenant": name})):
        for version, offered in (("1.0", False), ("1.1", True)):

            async def asked(scope: Any, receive: Any, send: Any, version: str = version) -> None:
                await app({**scope, "http_version": version}, receive, send)

            async with httpx.AsyncClient(transport=httpx.ASGITransport(asked), base_url=BASE) as passed_on:
                answer = await passed_on.request(method, path, json=body)
            assert (name in answer.text or "rtn_test_" in answer.text) is offered, (version, answer.text)


async def test_the_page_itself_is_offered_one(browser: httpx.AsyncClient) -> None:
    name = await tenant(browser, "virtual")
    headers = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    assert (await browser.post("/docs/keys", headers=headers, json={"tenant": name})).status_code == 200


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"tenant": 5}', b'{"tenant": ""}', b'{"else": 1}', b"\xff"]
)
async def test_what_cannot_be_read_is_refused(browser: httpx.AsyncClient, content: bytes) -> None:
    answer = await browser.post("/docs/keys", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["next_step"]


async def test_outside_development_there_is_no_such_thing(api: httpx.AsyncClient) -> None:
    assert (await api.get("/docs/tenants")).json() == {"tenants": []}
    assert (await api.post("/docs/keys", json={"tenant": "avactis"})).status_code == 404


async def test_the_contract_of_the_page_names_refusals_once_and_in_sentences(api: httpx.AsyncClient) -> None:
    contract = (await api.get("/docs/contract")).json()
    whole = (await api.get("/openapi.json")).json()
    assert contract["paths"].keys() == whole["paths"].keys()
    operations = [row for item in contract["paths"].values() for row in item.values() if isinstance(row, dict)]
    assert len(operations) > 100
    assert [row["operationId"] for row in operations if not all(code[0] == "2" for code in row["responses"])] == []
    assert [row["summary"] for row in operations if not (row["summary"].endswith(".") and " " in row["summary"])] == []
    assert [row["summary"] for row in operations if not row["summary"][0].isupper() or "`" in row["summary"]] == []
    assert contract["info"]["description"].count("| 409 |") == 1
