"""The policy bench over HTTP: findings at their lines, what differs, what history says, and a new version."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.documents.policy_document import json_schema
from app.usecases.tenants import tenants
from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, escaped, forms, person, plain

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
    assert re.search(r"Line 2</a>.*?nonsense", page, re.DOTALL)
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


CHEAP = "price: {kind: fixed, credits: 10}"


async def test_the_text_is_as_it_was_written(acme: Vendor) -> None:
    browser = await person(acme)
    form, text = await bench(browser)
    assert text == tenants.templates()["x-cart"][1]
    written = f"# {HOSTILE}\n{text}"
    done = await browser.post(PATH, data={**form, "do": "publish", "document": written})
    assert done.status_code == 303
    _, again = await bench(browser)
    assert again == written
    page = (await browser.post(PATH, data={**form, "do": "compare", "document": text})).text
    assert "only comments or spaces differ" in page


async def test_a_draft_is_compared_in_words_and_by_lines(acme: Vendor) -> None:
    browser = await person(acme)
    form, text = await bench(browser)
    assert text.count(CHEAP) == 1
    draft = text.replace(CHEAP, CHEAP.replace("10", "15"))
    page = (await browser.post(PATH, data={**form, "do": "compare", "document": draft})).text
    plain(page)
    assert "costs 15 points instead of 10." in page
    assert page.count('<span class="mark mark--good">New') == 1


async def test_a_request_is_priced_by_the_draft_beside_what_is_in_force(acme: Vendor) -> None:
    browser = await person(acme)
    form, text = await bench(browser)
    draft = text.replace(CHEAP, CHEAP.replace("10", "15"))
    asked = {**form, "do": "price", "document": draft}
    page = (await browser.post(PATH, data={**asked, "category": "level_1"})).text
    plain(page)
    assert re.search(r"Under the draft</dt><dd class=\"num\">15 points", page)
    assert re.search(r"In force</dt><dd class=\"num\">10 points", page)
    new = (await browser.post(PATH, data={**asked, "category": "level_1", "customer_id": "nobody-yet"})).text
    assert 'The customer has</dt><dd class="num">0 points: not enough' in new
    stores = (await browser.post(PATH, data={**asked, "category": "aspe_transfer", "inputs": "N=3"})).text
    assert re.search(r"Under the draft</dt><dd class=\"num\">300 points", stores)
    for wrong in ({"category": "nonsense"}, {"category": "level_1", "inputs": "three"}, {"category": ""}):
        refused = await browser.post(PATH, data={**asked, **wrong})
        assert refused.status_code == 422
        plain(refused.text)
    broken = await browser.post(PATH, data={**asked, "category": "level_1", "document": "policy: x-cart"})
    assert broken.status_code == 422
    assert "Line 1" in broken.text
    named = text.replace("category: level_1\n", "category: first_level\n")
    page = (await browser.post(PATH, data={**asked, "category": "first_level", "document": named})).text
    assert "not known there" in page


async def test_history_is_run_with_totals(acme: Vendor) -> None:
    await acme.ok(await acme.post("/v1/customers/ann/adjustments", {"credits": 100, "reason": "a start"}))
    ticket = {"customer_id": "ann", "subject": "Shipping", "channel": "helpdesk", "category": "level_1"}
    await acme.ok(await acme.put("/v1/tickets/t-1", ticket))
    browser = await person(acme)
    form, text = await bench(browser)
    draft = text.replace(CHEAP, CHEAP.replace("10", "3"))
    asked = {**form, "do": "simulate", "document": draft}
    page = (await browser.post(PATH, data={**asked, "from": "2024-12-02"})).text
    plain(page)
    assert "1 of 1 differ" in page
    assert "1 of 1 fare otherwise" in page
    held = r"Credits set aside for tickets</th><td[^>]*><div>10</div></td><td[^>]*><div>3</div>"
    assert re.search(held, page)
    assert "10 set aside" in page
    assert "sells nothing at another price" in page
    none = (await browser.post(PATH, data={**asked, "from": "2025-03-04"})).text
    assert "0 of 0 differ" in none
    assert 'id="from" name="from" type="date" value="2024-12-02"' in (await browser.get("/desk/policies")).text


async def test_a_version_is_scheduled_and_withdrawn(acme: Vendor) -> None:
    browser = await person(acme)
    form, text = await bench(browser)
    draft = text.replace(CHEAP, CHEAP.replace("10", "3"))
    reader = await person(acme, "policies:read")
    read, _ = await bench(reader)
    assert (await reader.post(PATH, data={**read, "do": "publish", "document": draft})).status_code == 403
    day = {"effective_from": "2025-03-04"}
    done = await browser.post(PATH, data={**form, **day, "do": "publish", "document": draft})
    assert (done.status_code, done.headers["location"]) == (303, "/desk/policies?done=published")
    policy = (await acme.get("/v1/policies/x-cart")).json()
    assert policy["versions"][-1]["effective_from"] == "2025-03-04T00:00:00Z"
    shown = (await browser.get("/desk/policies?version=2")).text
    assert "Version 2, scheduled for" in shown
    assert 'Version 1</a> <span class="mark mark--good">in force' in shown
    assert "Withdraw" not in (await reader.get("/desk/policies")).text
    assert (await reader.post(PATH, data={**read, "do": "withdraw", "version": "2"})).status_code == 403
    (withdrawal,) = forms((await browser.get("/desk/policies")).text, "withdraw")
    for wrong in ("1", "9", "", "x"):
        refused = await browser.post(PATH, data={**withdrawal, "version": wrong})
        assert refused.status_code in (404, 409, 422), wrong
        plain(refused.text)
    gone = await browser.post(PATH, data=withdrawal)
    assert (gone.status_code, gone.headers["location"]) == (303, "/desk/policies?done=withdrawn")
    page = (await browser.get("/desk/policies?version=2")).text
    assert "Version 2, withdrawn" in page
    assert forms(page, "withdraw") == []


async def test_each_clause_says_what_keeps_it(acme: Vendor) -> None:
    page = (await (await person(acme, "policies:read")).get("/desk/policies")).text
    plain(page)
    row = re.search(r"XC-12</span>.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert "The dispute of a charge" in row[0]
    silent = re.search(r"ALL-1</span>.*?</tr>", page, re.DOTALL)
    assert silent is not None
    assert "How the service works." in silent[0]


async def test_the_editor_finds_the_schema(acme: Vendor) -> None:
    browser = await person(acme)
    page = (await browser.get("/desk/policies")).text
    schema = re.search(r'data-schema="([^"]+)"', page)
    script = re.search(r'data-script="([^"]+)"', page)
    assert schema is not None
    assert script is not None
    assert (await browser.get(schema[1])).json() == json_schema()
    assert (await browser.get(script[1])).headers["content-type"].startswith("text/javascript")


async def test_who_may_see_what(acme: Vendor) -> None:
    refused = await (await person(acme, "tickets:read")).get("/desk/policies")
    assert refused.status_code == 403
    assert "policies:read" in refused.text
    browser = await person(acme)
    assert (await browser.get("/desk/policies", params={"version": HOSTILE})).status_code == 422
    assert (await browser.get("/desk/policies?version=99")).status_code == 404


def kept(page: httpx.Response, draft: str) -> bool:
    """Whether the bench still holds a draft."""
    found = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    return found is not None and html.unescape(found[1]) == draft


async def test_a_refusal_brings_the_draft_back(acme: Vendor) -> None:
    browser, reader = await person(acme), await person(acme, "policies:read")
    form, text = await bench(browser)
    read, _ = await bench(reader)
    draft = f"# not done yet\n{text}"
    refused = await reader.post(PATH, data={**read, "do": "publish", "document": draft})
    assert (refused.status_code, kept(refused, draft)) == (403, True)
    assert "policies:write" in refused.text
    for version in ("1", "9", "x"):
        refused = await browser.post(PATH, data={**form, "do": "withdraw", "version": version, "document": draft})
        assert refused.status_code in (404, 409, 422)
        assert kept(refused, draft), version
    bare = await browser.post(PATH, data={**form, "do": "withdraw", "version": "9"})
    assert kept(bare, text)
    nobody = await person(acme, "tickets:read")
    assert (await nobody.post(PATH, data={"do": "publish", "document": draft})).status_code == 403


async def test_history_begins_by_the_tenants_time_whatever_the_scopes(acme: Vendor) -> None:
    page = (await (await person(acme, "policies:read")).get("/desk/policies")).text
    assert 'id="from" name="from" type="date" value="2024-12-02"' in page


async def test_a_refusal_lists_what_may_be_named(acme: Vendor) -> None:
    """A next step does not send people to members of an answer that a page does not show."""
    browser = await person(acme)
    form, text = await bench(browser)
    page = await browser.post(PATH, data={**form, "do": "price", "document": text, "category": "nonsense"})
    assert page.status_code == 422
    assert "Use one of what is listed here." not in page.text
    assert "Use one of those listed here." in page.text
    assert re.search(r"There are: .*<code class=\"who\">level_1</code>", page.text)
    odd = await browser.post(PATH, data={**form, "do": "sing", "document": text})
    for answer in (page, odd):
        assert "facts.known" not in answer.text
        assert "named in `errors`" not in answer.text
        assert "`known`" not in answer.text
