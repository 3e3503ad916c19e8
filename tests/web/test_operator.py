"""The operator's page of all tenants: who gets in, what it shows, and what its buttons do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from app.api.deps import wall_clock
from app.api.pages import registry
from app.db.engine import Database
from app.usecases.reports import findings
from app.usecases.tenants import operator_sessions
from tests.support import shops
from tests.support.api import OPERATOR_KEY, Vendor, client_of, make_vendor
from tests.support.chance import altered
from tests.web.desk import HOSTILE, escaped, forms, person, plain
from tests.web.operator import fields_of, operator_link, sign_in
from tests.web.test_every_page import ELSEWHERE

PAGES = sorted({(method, route.path) for route in registry.routes() for method in route.methods - {"HEAD"}})
OF_OPERATOR = [page for page in PAGES if page[1].startswith("/operator")]
OPEN = {"/", "/sign-in", "/sign-in/start", "/sign-in/return", "/assets/{digest}/{name}", "/card/fragment", "/sign-out"}
"""What both sides use: the way in and out, and files. The fragment takes a key and no cookie."""
OF_TENANTS = [page for page in PAGES if page not in OF_OPERATOR and page[1] not in OPEN | ELSEWHERE]
NAME = "Ann Brightwater"


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    await vendor.ok(await vendor.put("/v1/customers/ann", {"name": NAME}))
    yield vendor
    await vendor.close()


@pytest_asyncio.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app, None) as client:
        yield client


# who gets in ----------------------------------------------------------------------------------------------------------


async def test_a_link_opens_one_session_of_the_operators(app: FastAPI, browser: httpx.AsyncClient) -> None:
    link = await operator_link(app, minutes=5)
    page = await browser.get(link)
    assert "You are the operator of this service." in page.text
    assert (await browser.get(link)).status_code == 200  # looking uses nothing up: mail scanners look
    found = fields_of(await browser.get(link))
    form = {"csrf": found["csrf"], "link": found["link"]}
    opened = await browser.post("/sign-in", data=form)
    assert (opened.status_code, opened.headers["location"]) == (303, "/operator")
    cookie = next(one for one in opened.headers.get_list("set-cookie") if one.startswith("retainer-session="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    seconds = int(re.search(r"Max-Age=(\d+)", cookie)[1])  # type: ignore[index]
    assert 3500 < seconds <= operator_sessions.SESSION_MINUTES * 60
    assert (await browser.get("/operator")).status_code == 200
    assert (await browser.post("/sign-in", data=form)).status_code == 409
    assert "used" in (await browser.get(link)).text


@pytest.mark.parametrize("body", [{"minutes": 0}, {"minutes": 61}, {"minutes": "5"}, {"scopes": ["*"]}, []])
async def test_a_link_that_is_asked_for_wrongly_is_refused(app: FastAPI, body: Any) -> None:
    async with client_of(app, OPERATOR_KEY) as operator:
        assert (await operator.post("/v1/operator/sign-in-links", json=body)).status_code in (400, 422)


async def test_only_the_operators_key_makes_links(acme: Vendor, app: FastAPI) -> None:
    refused = await acme.client.post("/v1/operator/sign-in-links", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "operator_only")
    async with client_of(app, None) as nobody:
        assert (await nobody.post("/v1/operator/sign-in-links", json={})).status_code == 401


async def test_a_rehearsed_link_opens_nothing(app: FastAPI, browser: httpx.AsyncClient) -> None:
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.post("/v1/operator/sign-in-links", params={"validate_only": "true"}, json={})
    assert made.is_success, made.text
    address = "/sign-in" + made.json()["url"].partition("/sign-in")[2]
    assert (await browser.get(address)).status_code == 409


async def test_a_form_of_somebody_else_is_refused(app: FastAPI, browser: httpx.AsyncClient) -> None:
    link = await operator_link(app)
    found = fields_of(await browser.get(link))
    for csrf in ("", altered(found["csrf"])):
        refused = await browser.post("/sign-in", data={"csrf": csrf, "link": found["link"]})
        assert (refused.status_code, "form_refused" in refused.text) == (403, True)
    assert (await browser.post("/sign-in", data={"csrf": found["csrf"], "link": found["link"]})).status_code == 303


async def test_sign_out_ends_the_session_everywhere(app: FastAPI, browser: httpx.AsyncClient) -> None:
    await sign_in(app, browser)
    copied = dict(browser.cookies)
    page = await browser.get("/operator")
    assert (await browser.post("/sign-out", data={"csrf": "x"})).status_code == 403
    assert (await browser.post("/sign-out", data={"csrf": fields_of(page)["csrf"]})).status_code == 303
    async with client_of(app, None, cookies=copied) as thief:
        assert (await thief.get("/operator")).status_code == 401


async def test_links_and_sessions_end_with_the_operators_key(db: Database) -> None:
    now = wall_clock()
    made = await operator_sessions.make_link(db, "first", minutes=5, now=now, address="", validate_only=False)
    link = made["url"].partition("=")[2]
    opened = await operator_sessions.open_by_link(db, "first", link, now=now)
    assert await operator_sessions.is_live(db, "first", opened.secret, now=now)
    assert not await operator_sessions.is_live(db, "second", opened.secret, now=now)


async def test_a_session_lives_for_an_hour(app: FastAPI, db: Database, browser: httpx.AsyncClient) -> None:
    for minutes, status in ((59, 200), (60, 401)):
        now = wall_clock() - timedelta(minutes=minutes, seconds=1)
        made = await operator_sessions.make_link(db, OPERATOR_KEY, minutes=5, now=now, address="", validate_only=False)
        link = made["url"].partition("=")[2]
        opened = await operator_sessions.open_by_link(db, OPERATOR_KEY, link, now=now)
        browser.cookies.set("retainer-session", opened.secret, domain="testserver.local", path="/")
        assert (await browser.get("/operator")).status_code == status, minutes


async def test_links_and_sessions_open_no_call(app: FastAPI, browser: httpx.AsyncClient) -> None:
    link = await operator_link(app)
    await sign_in(app, browser)
    for secret in (link.partition("=")[2], browser.cookies["retainer-session"]):
        async with client_of(app, secret) as client:
            assert (await client.get("/v1/tenants")).status_code == 401
            assert (await client.post("/graphql", json={"query": "{ __typename }"})).status_code == 401


async def test_a_link_of_the_operators_opens_no_card(app: FastAPI, browser: httpx.AsyncClient) -> None:
    link = (await operator_link(app)).partition("=")[2]
    assert (await browser.get("/card", params={"link": link})).status_code == 409
    assert (await browser.get("/operator")).status_code == 401


# the two sides -------------------------------------------------------------------------------------------------------


def test_both_sides_have_pages() -> None:
    assert len(OF_OPERATOR) == 3
    assert len(OF_TENANTS) > 30


@pytest.mark.parametrize(("method", "path"), OF_TENANTS, ids=str)
async def test_the_operators_session_opens_no_page_of_a_tenant(
    acme: Vendor, app: FastAPI, browser: httpx.AsyncClient, method: str, path: str
) -> None:
    """403 where a page looks at the cookie; 401 where it looks at others alone (a customer's account)."""
    await sign_in(app, browser)
    csrf = fields_of(await browser.get("/operator"))["csrf"]
    named = {"customer_id": "ann", "query": "ann", "id": "t-1", "tenant_id": acme.tenant_id}
    form = {"csrf": csrf, "do": "confirm", "key": "k", **named}
    sent: dict[str, Any] = {"params": named} if method == "GET" else {"data": form}
    answer = await browser.request(method, path, **sent)
    assert answer.status_code == (401 if path.startswith("/account") else 403), answer.text
    assert NAME not in answer.text
    for other in ("card", "customer"):
        cookies = {f"retainer-{other}": browser.cookies["retainer-session"]}
        async with client_of(app, None, cookies=cookies) as swapped:
            answer = await swapped.request(method, path, **sent)
            assert (answer.status_code, NAME in answer.text) == (401, False), other


@pytest.mark.parametrize(("method", "path"), OF_OPERATOR, ids=str)
async def test_a_session_of_a_tenant_opens_no_page_of_the_operators(
    acme: Vendor, app: FastAPI, method: str, path: str
) -> None:
    browser = await person(acme)
    csrf = fields_of(await browser.get("/desk"))["csrf"]
    form = {"csrf": csrf, "do": "suspend", "key": "k", "tenant_id": acme.tenant_id}
    answer = await browser.request(method, path, **({} if method == "GET" else {"data": form}))
    assert answer.status_code == 403
    assert "operator_only" in answer.text
    assert acme.tenant_id not in answer.text
    async with client_of(app, OPERATOR_KEY) as operator:
        listed = await operator.get("/v1/tenants", params={"query": acme.tenant_id})
    assert [row["suspended"] for row in listed.json()["data"]] == [False]


# what it shows -------------------------------------------------------------------------------------------------------


async def test_it_shows_the_tenants_with_their_filters(app: FastAPI, browser: httpx.AsyncClient) -> None:
    live = await make_vendor(app, "x-cart")
    other = await make_vendor(app, "cs-cart")
    await sign_in(app, browser)
    page = await browser.get("/operator", params={"query": live.tenant_id.upper()})
    plain(page.text)
    assert live.tenant_id in page.text
    assert other.tenant_id not in page.text
    assert '<div class="who">x-cart</div>' in page.text
    found = await browser.get("/operator", params={"query": other.tenant_id, "policy": "x-cart"})
    assert found.status_code == 200
    assert "No tenant is like that." in found.text
    for suspended, shown in (("true", False), ("false", True)):
        page = await browser.get("/operator", params={"query": live.tenant_id, "suspended": suspended})
        assert (f'<span class="who">{live.tenant_id}</span>' in page.text) is shown
    await live.close()
    await other.close()


async def test_it_tells_live_from_sandbox(app: FastAPI, browser: httpx.AsyncClient) -> None:
    clock = {"mode": "virtual", "now": "2025-03-01T09:00:00Z"}
    async with client_of(app, OPERATOR_KEY) as operator:
        for name, sent in (("kind-live", {"mode": "real"}), ("kind-sandbox", clock)):
            made = await operator.put(f"/v1/tenants/{name}", json={"policy": "x-cart", "clock": sent})
            assert made.is_success, made.text
    await sign_in(app, browser)
    for name, kind, not_kind in (("kind-live", ">Live<", ">Sandbox "), ("kind-sandbox", ">Sandbox ", ">Live<")):
        page = (await browser.get("/operator", params={"query": name})).text
        assert (kind in page, not_kind in page) == (True, False), name


async def test_it_has_parts(app: FastAPI, browser: httpx.AsyncClient) -> None:
    async with client_of(app, OPERATOR_KEY) as operator:
        for n in range(53):
            made = await operator.put(f"/v1/tenants/part-{n:02}", json={"policy": "x-cart"})
            assert made.is_success, made.text
    await sign_in(app, browser)
    page = await browser.get("/operator", params={"query": "part-"})
    rows = re.findall(r'<th scope="row"><span class="who">([^<]+)', page.text)
    further = re.search(r'href="(/operator\?cursor=[^"]+)">Further tenants', page.text)
    assert further
    page = await browser.get(further[1].replace("&amp;", "&"))
    rows += re.findall(r'<th scope="row"><span class="who">([^<]+)', page.text)
    assert rows == [f"part-{n:02}" for n in range(53)]
    assert "Further tenants" not in page.text
    assert (await browser.get("/operator", params={"cursor": "x"})).status_code == 400


async def test_what_the_page_does_not_know_is_told(acme: Vendor, app: FastAPI, browser: httpx.AsyncClient) -> None:
    await sign_in(app, browser)
    for name, value in (("colour", "red"), ("suspended", "maybe")):
        page = await browser.get("/operator", params={"query": acme.tenant_id, name: value})
        assert page.status_code == 422
        assert f"<code>/{name}</code>" in page.text
        assert f'<span class="who">{acme.tenant_id}</span>' in page.text


async def test_markup_is_shown_as_text(app: FastAPI, browser: httpx.AsyncClient) -> None:
    await sign_in(app, browser)
    page = await browser.get("/operator", params={"query": HOSTILE, "policy": HOSTILE})
    assert page.status_code == 200
    plain(page.text)
    assert page.text.count(f'value="{escaped(HOSTILE)}"') == 2


async def test_health_is_what_doctor_finds(
    app: FastAPI, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(app, browser)
    assert '<span class="mark mark--good">Well</span>' in (await browser.get("/operator")).text

    async def found(_: Database) -> list[Any]:
        return [findings.FIXES["disk"]]

    monkeypatch.setattr(findings, "of_service", found)
    page = (await browser.get("/operator")).text
    assert "1 to look at" in page
    assert findings.FIXES["disk"].fix in page  # type: ignore[operator]


def _looked_at(page: str, tenant_id: str) -> str:
    """Return what stands beside a tenant under "To look at", without markup."""
    row = page.partition(f'<span class="who">{tenant_id}</span>')[2]
    cell = re.search(r'data-label="To look at">(.*?)</td>', row, re.DOTALL)
    assert cell
    return " ".join(re.sub("<[^>]+>", " ", cell[1]).split())


async def test_each_tenant_says_what_doctor_finds_of_it(
    acme: Vendor, app: FastAPI, db: Database, browser: httpx.AsyncClient
) -> None:
    other = await make_vendor(app, "cs-cart")
    await sign_in(app, browser)

    async def looked_at(vendor: Vendor) -> str:
        return _looked_at((await browser.get("/operator", params={"query": vendor.tenant_id})).text, vendor.tenant_id)

    assert [await looked_at(acme), await looked_at(other)] == ["Nothing", "Nothing"]
    made = await acme.ok(await acme.put("/v1/sources/woo", {"kind": "woocommerce", "secret": shops.SECRET}), 201)
    for number in (1, 2):
        body = shops.raw({**shops.woo_order(), "id": number, "currency": 7})
        await acme.client.post(made["path"], content=body, headers=shops.sign_woo(body))
    words = (
        "Deliveries of shops or helpdesks that wait for a person: 2. The tenant's people find them under Operations."
    )
    assert (await looked_at(acme)).replace("&#39;", "'") == words
    assert await looked_at(other) == "Nothing"
    async with db.transaction(other.tenant_id) as tx:
        await tx.execute(
            text(
                "insert into agenda (tenant_id, kind, subject, at, customer_id, payload)"
                " values (:tenant, 'cover.ended', 'cov_x', now(), '', cast(:payload as jsonb))"
            ),
            {"tenant": other.tenant_id, "payload": '{"failed": {"code": "internal_error", "failures": 3}}'},
        )
    assert "1 things that fell due failed and wait (internal_error)." in await looked_at(other)
    await other.close()


async def test_tenants_that_it_has_no_time_for_are_said_to_be_such(
    acme: Vendor, app: FastAPI, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "LOOK_SECONDS", -1.0)
    await sign_in(app, browser)
    page = (await browser.get("/operator", params={"query": acme.tenant_id})).text
    assert _looked_at(page, acme.tenant_id) == "Not looked at"


# what its buttons do -------------------------------------------------------------------------------------------------


async def test_a_tenant_is_suspended_and_the_suspension_lifted(
    acme: Vendor, app: FastAPI, browser: httpx.AsyncClient
) -> None:
    await sign_in(app, browser)
    page = await browser.get("/operator", params={"query": acme.tenant_id})
    (form,) = forms(page.text, "suspend")
    done = await browser.post("/operator/act", data={**form, "reason": f"Unpaid {HOSTILE}"})
    assert done.status_code == 303, done.text
    page = await browser.get(done.headers["location"])
    assert "The tenant is suspended." in page.text
    assert f'<span class="who">{acme.tenant_id}</span>' in page.text
    assert '<span class="mark mark--bad">Suspended</span>' in page.text
    assert (await acme.get("/v1/customers")).status_code == 403
    (form,) = forms(page.text, "lift")
    done = await browser.post("/operator/act", data=form)
    page = await browser.get(done.headers["location"])
    assert "The suspension is lifted." in page.text
    assert (await acme.get("/v1/customers")).status_code == 200
    trail = (await acme.get("/v1/audit-trail")).json()["data"]
    noted = [row for row in trail if row["action"] in ("tenant.suspended", "tenant.resumed")]
    assert {(row["action"], row["actor"]) for row in noted} == {
        ("tenant.suspended", "operator"),
        ("tenant.resumed", "operator"),
    }
    assert [row["data"] for row in noted if row["action"] == "tenant.suspended"] == [{"reason": f"Unpaid {HOSTILE}"}]


async def test_a_form_that_was_not_shown_suspends_nobody(
    acme: Vendor, app: FastAPI, browser: httpx.AsyncClient
) -> None:
    await sign_in(app, browser)
    form = {"do": "suspend", "tenant_id": acme.tenant_id, "key": "k", "csrf": "x"}
    assert (await browser.post("/operator/act", data=form)).status_code == 403
    good = fields_of(await browser.get("/operator"))["csrf"]
    crossing = {"sec-fetch-site": "cross-site"}
    assert (await browser.post("/operator/act", data={**form, "csrf": good}, headers=crossing)).status_code == 403
    assert (await acme.get("/v1/customers")).status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"tenant_id": "nobody-of-ours"}, 404),
        ({"tenant_id": ""}, 422),
        ({"tenant_id": "a/b"}, 422),
        ({"do": "erase"}, 422),
        ({"reason": "x" * 10_001}, 422),
        ({"suspended": "maybe", "tenant_id": "nobody-of-ours"}, 404),
        ({"cursor": "x", "tenant_id": "nobody-of-ours"}, 400),
    ],
)
async def test_an_act_that_cannot_be_is_refused_on_the_page(
    acme: Vendor, app: FastAPI, browser: httpx.AsyncClient, change: dict[str, str], status: int
) -> None:
    await sign_in(app, browser)
    (form,) = forms((await browser.get("/operator", params={"query": acme.tenant_id})).text, "suspend")
    refused = await browser.post("/operator/act", data={**form, **change})
    assert refused.status_code == status, refused.text
    assert "Sign out" in refused.text or status == 400
    assert (await acme.get("/v1/customers")).status_code == 200
