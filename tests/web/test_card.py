"""The card over HTTP: who sees it, what it shows to whom, and the fragment without scripts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.main import create_app
from tests.support.api import Vendor, client_of, make_vendor, running, settings_for
from tests.web.test_account import HOSTILE, account, forms, order
from tests.web.test_sign_in import signed_in

HELPDESK = "https://desk.example"


@pytest_asyncio.fixture(scope="module")
async def framed(module_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(module_url, frame_origins=(HELPDESK,)))) as app:
        yield app


@pytest_asyncio.fixture
async def acme(framed: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(framed, "cs-cart")
    yield vendor
    await vendor.close()


@pytest_asyncio.fixture
async def browser(framed: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(framed, None) as client:
        yield client


async def token(vendor: Vendor, customer: str, may: str = "read") -> str:
    made = await vendor.ok(await vendor.post(f"/v1/customers/{customer}/tokens", {"may": may}, key=None))
    return str(made["token"])


async def test_the_card_names_who_may_frame_it_and_no_other_page_does(acme: Vendor, browser: httpx.AsyncClient) -> None:
    await account(acme)
    card = await browser.get("/card", params={"token": await token(acme, "ann")})
    assert card.status_code == 200
    assert f"frame-ancestors {HELPDESK}" in card.headers["content-security-policy"]
    assert "x-frame-options" not in card.headers
    for path in ("/sign-in", "/desk", "/account"):
        page = await browser.get(path)
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"


async def test_a_customers_token_shows_that_customer_alone(acme: Vendor, browser: httpx.AsyncClient) -> None:
    await account(acme)
    await acme.ok(await acme.put("/v1/customers/bob", {"name": "Bob Secret"}))
    secret = await token(acme, "ann", "act")
    for named in ({}, {"customer_id": "bob"}, {"email": "bob"}, {"query": "bob"}):
        page = await browser.get("/card", params={"token": secret, **named})
        assert page.status_code == 200
        assert "Secret" not in page.text
    page = await browser.get("/card", params={"token": secret})
    assert not forms(page.text, "qualify")
    assert not forms(page.text, "resolve")
    (form,) = forms(page.text, "confirm")
    assert (await browser.post("/card/act", data={**form, "do": "resolve"})).status_code == 403
    assert (await browser.post("/card/act", data=form)).status_code == 303


@pytest.mark.parametrize("named", [{"ticket_id": "t-1"}, {"customer_id": "ann"}, {"email": "ann@shop.example"}])
async def test_another_tenants_session_sees_nothing(
    acme: Vendor, framed: FastAPI, browser: httpx.AsyncClient, named: dict[str, str]
) -> None:
    await account(acme)
    beta = await make_vendor(framed, "cs-cart")
    await signed_in(beta, browser, scopes=["*"])
    page = await browser.get("/card", params=named)
    assert page.status_code in (200, 404)
    assert "Shipping is wrong" not in page.text
    await beta.close()


async def test_buttons_are_those_that_the_scopes_allow(acme: Vendor, browser: httpx.AsyncClient) -> None:
    await account(acme)
    await signed_in(acme, browser, scopes=["customers:read", "tickets:read"])
    page = await browser.get("/card", params={"ticket_id": "t-1"})
    assert page.status_code == 200
    assert "<form" not in page.text
    forged = {"do": "assess", "ticket_id": "t-1", "category": "category_1", "csrf": "x", "key": "k"}
    assert (await browser.post("/card/act", data=forged)).status_code == 403


async def test_nobody_is_shown_the_way_to_sign_in(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/card", params={"ticket_id": "t-1"})
    assert page.status_code == 401
    assert "Sign in" in page.text
    assert (await browser.get("/card", params={"link": "rtn_sl_nonsense"})).status_code == 409


async def fragment(client: httpx.AsyncClient, key: str, email: str) -> httpx.Response:
    form = {"customerEmail": email, "conversationSubject": "Hello", "mailboxId": "1"}
    return await client.post("/card/fragment", params={"key": key}, data=form)


async def test_the_fragment_is_small_and_holds_no_script(acme: Vendor, browser: httpx.AsyncClient) -> None:
    await order(acme, "ann", "o-1", "license")
    who: dict[str, Any] = {"name": HOSTILE, "emails": ["ann@shop.example"]}
    await acme.ok(await acme.put("/v1/customers/ann", who), 200)
    for number in range(12):
        ticket = {"customer_id": "ann", "subject": HOSTILE * 10, "channel": "helpdesk"}
        await acme.ok(await acme.put(f"/v1/tickets/t-{number}", ticket))
    reader = (await acme.as_key("customers:read")).headers["authorization"].partition(" ")[2]
    page = await fragment(browser, reader, "Ann@shop.example")
    assert page.status_code == 200
    assert len(page.content) < 10_000
    assert html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page.text
    assert not re.search(r"<(script|form|style|iframe|img|link)|\son\w+=\"|javascript:", page.text)
    assert 'href="http' in page.text
    assert "/card?customer_id=ann" in page.text
    assert "Nobody is known" in (await fragment(browser, reader, "x@nowhere.example")).text
    assert (await fragment(browser, acme.key, "ann@shop.example")).status_code == 403
    assert (await fragment(browser, "nonsense", "ann@shop.example")).status_code == 401


async def test_the_fragment_takes_the_json_that_the_module_posts(acme: Vendor, browser: httpx.AsyncClient) -> None:
    """FreeScout's module sends these members, with the mailbox as a number and the telephones as a list."""
    await acme.ok(await acme.put("/v1/customers/ann", {"name": "Ann Lee", "emails": ["ann@shop.example"]}))
    reader = (await acme.as_key("customers:read")).headers["authorization"].partition(" ")[2]
    said: dict[str, Any] = {
        "customerEmail": "Ann@shop.example",
        "customerPhones": [{"type": 1, "value": "+49 30 1", "n": "49301"}],
        "conversationSubject": "Grüße",
        "conversationType": "Email",
        "mailboxId": 1,
        "secret": "",
    }

    async def posted(body: Any, media: str = "application/json", key: str = reader) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": media, "Accept": "text/html"}
        return await browser.post("/card/fragment", params={"key": key}, content=content, headers=headers)

    by_form = await fragment(browser, reader, "ann@shop.example")
    for media in ("application/json", "Application/JSON; charset=utf-8"):
        answer = await posted(said, media)
        assert answer.status_code == 200, answer.text
        assert answer.text == by_form.text
        assert "Ann Lee" in answer.text
    for email in (None, "", [], 7):
        assert "No e-mail address came" in (await posted({**said, "customerEmail": email})).text
    assert (await posted(said, key="nonsense")).status_code == 401
    assert (await posted(said, key=acme.key)).status_code == 403
    assert [(await posted(body)).status_code for body in (b"{", b"[]", b"x" * 70_000)] == [400, 422, 413]


async def test_another_media_type_is_told_what_the_address_takes(acme: Vendor, browser: httpx.AsyncClient) -> None:
    """What was refused and what to do about it do not contradict each other."""
    form, object_ = "application/x-www-form-urlencoded", "application/json"
    for path, media, takes in (("/card/fragment", "text/xml", (form, object_)), ("/card/act", object_, (form,))):
        answer = await browser.post(path, content=b"x", headers={"Content-Type": media})
        assert answer.status_code == 415
        assert all("This address takes" in answer.text and one in answer.text for one in takes)
        assert "unless" in answer.text
    other = await acme.client.put("/v1/customers/ann", content=b"a=1", headers={"Content-Type": form})
    assert (other.status_code, other.json()["detail"]) == (415, "The body is not `application/json` in UTF-8.")
