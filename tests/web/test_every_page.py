"""The permission matrix of pages: every page x nobody, a forged and an ended session, other kinds of secrets.

A page that is missing here is missing from the registry.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.api.pages import registry
from app.usecases.tenants.keys import fresh_key
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor
from tests.web.operator import operator_link
from tests.web.test_sign_in import link_of, signed_in

NAME = "Ann Brightwater"
"""Long enough that no random key of a form spells it."""
ELSEWHERE = {"/account/{rest:path}", "/card/{rest:path}", "/desk/{rest:path}", "/operator/{rest:path}"}
OPEN = {"/", "/sign-in", "/sign-in/start", "/sign-in/return", "/assets/{digest}/{name}", "/card/fragment", *ELSEWHERE}
"""Open to everybody: the way in, files, and what is no page. The fragment takes a key, and has a test of its own."""
PAGES = sorted({(method, route.path) for route in registry.routes() for method in route.methods - {"HEAD"}})
CLOSED = [(method, path) for method, path in PAGES if path not in OPEN]


@dataclass
class Cast:
    """Secrets of every kind, none of which opens a page as the cookie that it is put in."""

    vendor: Vendor
    secrets: dict[str, str]


@pytest_asyncio.fixture(scope="module")
async def cast(app: FastAPI) -> AsyncIterator[Cast]:
    vendor = await make_vendor(app, "cs-cart")
    await vendor.ok(await vendor.put("/v1/customers/ann", {"name": NAME}))
    token = (await vendor.post("/v1/customers/ann/tokens", {"minutes": 5}, key=None)).json()
    await vendor.delete(f"/v1/keys/{token['token_id']}")
    async with client_of(app, None) as browser:
        await signed_in(vendor, browser, scopes=["*"])
        session = browser.cookies["retainer-session"]
    trail = (await vendor.get("/v1/audit-trail")).json()["data"]
    opened = next(row["subject"] for row in trail if row["action"] == "session.opened")
    await vendor.delete(f"/v1/keys/{opened}")
    await asyncio.sleep(1)
    secrets = {
        "nothing": "",
        "noise": "x" * 500,
        "forged session": fresh_key("ss"),
        "forged token": fresh_key("ct"),
        "ended session": session,
        "ended token": token["token"],
        "a key": vendor.key,
        "the operator's key": OPERATOR_KEY,
        "a link": (await link_of(vendor)).partition("=")[2],
        "a forged session of the operator's": fresh_key("os"),
        "a link of the operator's": (await operator_link(app)).partition("=")[2],
    }
    yield Cast(vendor, secrets)
    await vendor.close()


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=str)
async def test_no_page_opens_without_a_secret_of_its_own(cast: Cast, app: FastAPI, method: str, path: str) -> None:
    for kind, secret in cast.secrets.items():
        cookies = {f"retainer-{name}": secret for name in ("session", "customer", "card", "visitor")} if secret else {}
        async with client_of(app, None, cookies=cookies) as browser:
            sent: dict[str, Any] = {} if method == "GET" else {"data": {"csrf": "x", "do": "confirm", "key": "k"}}
            answer = await browser.request(method, path, params={"token": secret} if secret else None, **sent)
            assert answer.status_code == 401, f"{kind}: {answer.status_code}"
            assert NAME not in answer.text


@pytest.mark.parametrize(("method", "path"), [page for page in CLOSED if page[0] == "GET"], ids=str)
async def test_a_session_without_scopes_of_use_sees_nothing(cast: Cast, app: FastAPI, method: str, path: str) -> None:
    """A session whose scopes open nothing here: no page shows a customer, and none fails."""
    async with client_of(app, None) as browser:
        await signed_in(cast.vendor, browser, scopes=["sandbox:clock"])
        answer = await browser.get(path, params={"customer_id": "ann", "query": "ann", "id": "t-1"})
        assert answer.status_code in (200, 401, 403, 404, 422), answer.text
        assert NAME not in answer.text


@pytest.mark.parametrize("path", ["/account/nothing", "/card/nothing/at/all", "/desk/nothing", "/operator/nothing"])
async def test_what_is_no_page_is_refused_on_a_page(cast: Cast, path: str) -> None:
    async with client_of(cast.vendor.app, None) as browser:
        for method in ("GET", "HEAD"):
            answer = await browser.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "home"),
    [
        ("/account/act", "/account"),
        ("/card/act", "/card"),
        ("/desk/policies/act", "/desk"),
        ("/operator/act", "/operator"),
    ],
)
async def test_where_a_form_went_leads_back_when_it_is_asked_for_again(cast: Cast, path: str, home: str) -> None:
    async with client_of(cast.vendor.app, None) as browser:
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, home)


async def test_a_secret_opens_no_page_from_another_ones_cookie(cast: Cast, app: FastAPI) -> None:
    token = (await cast.vendor.post("/v1/customers/ann/tokens", {"may": "act"}, key=None)).json()["token"]
    async with client_of(app, None) as browser:
        await signed_in(cast.vendor, browser, scopes=["*"])
        session = browser.cookies["retainer-session"]
    for kind, secret, path in (
        ("session", token, "/desk"),
        ("session", token, "/desk?query=ann"),
        ("card", token, "/card"),
        ("customer", session, "/account"),
    ):
        async with client_of(app, None, cookies={f"retainer-{kind}": secret}) as browser:
            answer = await browser.get(path)
            assert (answer.status_code, NAME in answer.text) == (401, False), (kind, path)
    async with client_of(app, None) as browser:
        assert (await browser.get("/card", params={"token": session})).status_code == 401
        assert (await browser.get("/card", params={"token": token})).status_code == 200
