"""Sign-in of the vendor's people: links that are good once, sessions that end, and forms that are bound to them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.api.deps import wall_clock
from app.db.engine import Database
from app.usecases.tenants import sessions
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor
from tests.support.chance import altered

KIM = {"id": "7", "name": "Kim"}


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


@pytest_asyncio.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app, None) as client:
        yield client


async def link_of(vendor: Vendor, client: httpx.AsyncClient | None = None, **fields: Any) -> str:
    body = {"scopes": ["customers:read"], "person": KIM, **fields}
    made = await (client or vendor.client).post(f"/v1/tenants/{vendor.tenant_id}/sign-in-links", json=body)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    return "/sign-in" + str(made.json()["url"]).partition("/sign-in")[2]


def field(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


async def signed_in(vendor: Vendor, browser: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    page = await browser.get(await link_of(vendor, **fields))
    assert page.status_code == 200, page.text
    form = {"csrf": field(page, "csrf"), "link": field(page, "link")}
    return await browser.post("/sign-in", data=form)


async def test_a_link_opens_one_session(acme: Vendor, browser: httpx.AsyncClient) -> None:
    link = await link_of(acme)
    page = await browser.get(link)
    assert "Kim" in page.text
    assert (await browser.get(link)).status_code == 200  # looking uses nothing up: mail scanners look
    form = {"csrf": field(page, "csrf"), "link": field(page, "link")}
    page = await browser.get(link)
    form["csrf"] = field(page, "csrf")
    opened = await browser.post("/sign-in", data=form)
    assert (opened.status_code, opened.headers["location"]) == (303, "/desk")
    cookie = next(one for one in opened.headers.get_list("set-cookie") if one.startswith("retainer-session="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/desk")).status_code == 200
    assert (await browser.post("/sign-in", data=form)).status_code == 409
    assert "used" in (await browser.get(link)).text


async def test_a_form_of_somebody_else_is_refused(acme: Vendor, app: FastAPI, browser: httpx.AsyncClient) -> None:
    link = await link_of(acme)
    async with client_of(app, None) as other:
        stolen = field(await other.get(link), "csrf")
    page = await browser.get(link)
    for csrf in (stolen, "", altered(field(page, "csrf"))):
        refused = await browser.post("/sign-in", data={"csrf": csrf, "link": field(page, "link")})
        assert refused.status_code == 403, csrf
        assert "form_refused" in refused.text
    crossing = {"sec-fetch-site": "cross-site"}
    good = {"csrf": field(page, "csrf"), "link": field(page, "link")}
    assert (await browser.post("/sign-in", data=good, headers=crossing)).status_code == 403
    assert (await browser.post("/sign-in", data=good)).status_code == 303


async def test_sign_out_ends_the_session_everywhere(acme: Vendor, app: FastAPI, browser: httpx.AsyncClient) -> None:
    await signed_in(acme, browser)
    copied = dict(browser.cookies)
    page = await browser.get("/desk")
    assert (await browser.post("/sign-out", data={"csrf": "x"})).status_code == 403
    assert (await browser.post("/sign-out", data={"csrf": field(page, "csrf")})).status_code == 303
    async with client_of(app, None, cookies=copied) as thief:
        assert (await thief.get("/desk")).status_code == 401


async def test_a_session_ends_with_the_key_that_made_its_link(
    acme: Vendor, app: FastAPI, browser: httpx.AsyncClient
) -> None:
    admin = await acme.as_key("*", label="admin")
    page = await browser.get(await link_of(acme, admin))
    await browser.post("/sign-in", data={"csrf": field(page, "csrf"), "link": field(page, "link")})
    assert (await browser.get("/desk")).status_code == 200
    waiting = await link_of(acme, admin)
    keys = (await acme.get("/v1/keys")).json()["data"]
    made = next(key for key in keys if key["label"] == "admin")
    await acme.delete(f"/v1/keys/{made['key_id']}")
    assert (await browser.get("/desk")).status_code == 401
    assert (await browser.get(waiting)).status_code == 409


async def test_a_session_is_revoked_like_a_key(acme: Vendor, browser: httpx.AsyncClient) -> None:
    await signed_in(acme, browser)
    trail = (await acme.get("/v1/audit-trail")).json()["data"]
    session = next(row["subject"] for row in trail if row["action"] == "session.opened")
    assert (await acme.delete(f"/v1/keys/{session}")).status_code == 200
    assert (await browser.get("/desk")).status_code == 401
    assert all(row["key_id"] != session for row in (await acme.get("/v1/keys")).json()["data"])


async def test_links_and_sessions_open_no_call(acme: Vendor, app: FastAPI, browser: httpx.AsyncClient) -> None:
    link = await link_of(acme, scopes=["*"])
    await signed_in(acme, browser, scopes=["*"])
    for secret in (link.partition("=")[2], browser.cookies["retainer-session"]):
        async with client_of(app, secret) as client:
            assert (await client.get("/v1/customers")).status_code == 401
            assert (await client.post("/graphql", json={"query": "{ __typename }"})).status_code == 401


async def test_a_page_checks_what_its_operation_checks(acme: Vendor, browser: httpx.AsyncClient) -> None:
    await signed_in(acme, browser, scopes=["tickets:read"])
    refused = await browser.get("/desk", params={"query": "ann"})
    assert refused.status_code == 403
    assert "scope_missing" in refused.text


async def test_only_the_operator_and_admins_make_links(acme: Vendor, app: FastAPI) -> None:
    path, body = f"/v1/tenants/{acme.tenant_id}/sign-in-links", {"scopes": ["*"], "person": KIM}
    agent = await acme.as_key("tickets:read", "tickets:write", "customers:read")
    assert (await agent.post(path, json=body)).status_code == 403
    beta = await make_vendor(app, "cs-cart")
    assert (await beta.client.post(path, json=body)).status_code == 404
    await beta.close()
    async with client_of(app, OPERATOR_KEY) as operator:
        assert (await operator.post(path, json=body)).status_code == 201
        assert (await operator.post(path, json={**body, "scopes": ["everything"]})).status_code == 422
        for page in ("https://evil.example/", "//evil.example", "/v1/customers", "/desk\\@x"):
            assert (await operator.post(path, json={**body, "page": page})).status_code == 422, page


async def test_an_old_session_gets_another_secret(
    acme: Vendor, app: FastAPI, db: Database, browser: httpx.AsyncClient
) -> None:
    now = wall_clock() - timedelta(minutes=sessions.ROTATE_MINUTES + 1)
    opened = await db.run(
        acme.tenant_id,
        lambda tx: sessions.open_for(tx, {"id": "7", "name": "Kim"}, ["customers:read"], now=now, page="/desk"),
    )
    browser.cookies.set("retainer-session", opened.secret, domain="testserver.local", path="/")
    answer = await browser.get("/desk")
    assert answer.status_code == 200
    assert browser.cookies["retainer-session"] != opened.secret
    assert (await browser.get("/desk")).status_code == 200


async def test_an_expired_session_opens_nothing(acme: Vendor, db: Database, browser: httpx.AsyncClient) -> None:
    now = wall_clock() - timedelta(hours=sessions.SESSION_HOURS, seconds=1)
    opened = await db.run(acme.tenant_id, lambda tx: sessions.open_for(tx, {"id": "7"}, ["*"], now=now, page="/desk"))
    browser.cookies.set("retainer-session", opened.secret, domain="testserver.local", path="/")
    assert (await browser.get("/desk")).status_code == 401
