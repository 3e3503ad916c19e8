"""The policy bench over HTTP: findings at their lines, what differs, what history says, and a new version."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from fastapi import FastAPI

from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, escaped, person, plain

PATH = "/desk/policies/act"


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "x-cart", now="2025-03-03T09:00:00Z")
    yield vendor
    await vendor.close()


async def bench(browser: httpx.AsyncClient) -> tuple[dict[str, str], str]:
    """The fields that every form of the bench has, and the document."""
    page = (await browser.get("/desk/policies")).text
    plain(page)
    found = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[-1]
    return {"csrf": csrf, "key": "k-1"}, html.unescape(found[1])


async def test_what_is_in_force_can_be_published_again(acme: Vendor) -> None:
    browser = await person(acme)
    form, text = await bench(browser)
    page = (await browser.post(PATH, data={**form, "do": "compare", "document": text})).text
    assert "The draft can be published" in page
    assert "Nothing differs." in page


async def test_a_mistake_stands_at_its_line(acme: Vendor) -> None:
    browser = await person(acme)
    form, text = await bench(browser)
    wrong = text.replace("\n", f"\nnonsense: {HOSTILE[8:13]}\n", 1)
    page = (await browser.post(PATH, data={**form, "do": "check", "document": wrong})).text
    plain(page)
    assert "The draft cannot be published" in page
    assert re.search(r"Line 2</span>.*?nonsense", page, re.DOTALL)
    odd = await browser.post(PATH, data={**form, "do": "check", "document": HOSTILE})
    assert odd.status_code == 200
    plain(odd.text)
    assert escaped(HOSTILE) in odd.text
    for empty in ("", "\u0000"):
        refused = await browser.post(PATH, data={**form, "do": "check", "document": empty})
        assert refused.status_code == 422
    assert (await browser.post(PATH, data={**form, "do": "sing", "document": text})).status_code == 422
    large = await browser.post(PATH, data={**form, "do": "check", "document": "x" * 600_000})
    assert large.status_code == 413


async def test_history_is_run_and_a_version_published(acme: Vendor) -> None:
    await acme.ok(await acme.post("/v1/customers/ann/adjustments", {"credits": 100, "reason": "a start"}))
    ticket = {"customer_id": "ann", "subject": "Shipping", "channel": "helpdesk", "category": "level_1"}
    before = await acme.ok(await acme.put("/v1/tickets/t-1", ticket))
    browser = await person(acme)
    form, text = await bench(browser)
    row = re.search(r"- category: level_1\n(?:  .*\n)*?    (?:fixed|credits|amount): (\d+)\n", text)
    assert row is not None, text[text.index("categories:") :][:600]
    draft = text[: row.start(1)] + "3" + text[row.end(1) :]
    page = (await browser.post(PATH, data={**form, "do": "compare", "document": draft})).text
    assert page.count('<span class="mark mark--good">New') == 1
    page = (await browser.post(PATH, data={**form, "do": "simulate", "document": draft})).text
    plain(page)
    assert "1 of 1 differ" in page
    assert f"{before['charge']['held']} set aside" in page
    assert "3 set aside" in page
    reader = await person(acme, "policies:read")
    read, _ = await bench(reader)
    assert (await reader.post(PATH, data={**read, "do": "publish", "document": draft})).status_code == 403
    day = {"effective_from": "2025-03-04"}
    done = await browser.post(PATH, data={**form, **day, "do": "publish", "document": draft})
    assert (done.status_code, done.headers["location"]) == (303, "/desk/policies?done=published")
    policy = (await acme.get("/v1/policies/x-cart")).json()
    assert policy["versions"][-1]["effective_from"] == "2025-03-04T00:00:00Z"
    assert "Version 2" in (await browser.get("/desk/policies?version=2")).text


async def test_who_may_see_what(acme: Vendor) -> None:
    refused = await (await person(acme, "tickets:read")).get("/desk/policies")
    assert refused.status_code == 403
    assert "policies:read" in refused.text
    browser = await person(acme)
    assert (await browser.get("/desk/policies", params={"version": HOSTILE})).status_code == 200
    assert (await browser.get("/desk/policies?version=99")).status_code == 404
