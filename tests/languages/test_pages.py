"""What a customer reads on the pages, by the language of the browser or by choice."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.support.api import Vendor, client_of, make_vendor
from tests.support.vendors import vendor_under
from tests.web.desk import person
from tests.web.test_account import account, forms, ticket, visitor

PATHS = ("/account", "/account/balance", "/account/statement", "/account/tickets", "/account/ticket?id=t-1")
GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
RUSSIAN = {"accept-language": "ru"}
HOURS = Path(__file__).parents[2] / "docs" / "examples" / "block-hours.yaml"
TIMES = ((GERMAN, "2 Std. 45 Min.", "1 Std. 30 Min."), (RUSSIAN, "2 ч 45 мин", "1 ч 30 мин"))


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


def words(page: str) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.partition("<body")[2])).split())


@pytest.mark.parametrize("path", PATHS)
async def test_a_browser_chooses_the_language(acme: Vendor, path: str) -> None:
    browser = await account(acme)
    for headers, language in ((GERMAN, "de"), (RUSSIAN, "ru"), ({"accept-language": "fr"}, "en"), ({}, "en")):
        page = await browser.get(path, headers=headers)
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text
        assert page.headers["content-language"] == language
        assert page.headers["vary"] == "Accept-Encoding, Accept-Language, Cookie"


async def test_the_account_is_german(acme: Vendor) -> None:
    page = words((await (await account(acme)).get("/account", headers=GERMAN)).text)
    for expected in (
        "Ihr Supportkonto",
        "10 Guthabenpunkte bestätigen",
        "1 wartet auf Sie",
        "40 Guthabenpunkte verfügbar",
        "1. Jan. 2025",
        "Kontoauszug",
        "Was Sie kaufen können",
        "Guthabenpunkte gewährt, Ihre Wahl",
        "65,00 $",
    ):
        assert expected in page, page
    assert "Your support account" not in page


async def test_the_account_is_russian(acme: Vendor) -> None:
    page = words((await (await account(acme)).get("/account", headers=RUSSIAN)).text)
    for expected in ("Ваш счёт поддержки", "Подтвердить 10 кредитов", "1 ждёт вас", "янв. 2025", "6 месяцев поддержки"):
        assert expected in page, page


async def test_a_form_answers_in_the_readers_language(acme: Vendor) -> None:
    browser = await account(acme)
    browser.headers.update(GERMAN)
    (form,) = forms((await browser.get("/account")).text, "confirm")
    done = await browser.post("/account/act", data=form)
    assert "Sie haben den Kostenvoranschlag bestätigt." in (await browser.get(done.headers["location"])).text
    again = await browser.post("/account/act", data={**form, "key": "another"})
    assert again.status_code == 409
    assert "Laden Sie die Seite neu" in again.text
    assert again.headers["content-language"] == "de"


async def test_a_choice_on_the_page_is_remembered(acme: Vendor) -> None:
    browser = await account(acme)
    first = await browser.get("/account/statement?part=resolved_tickets", headers=GERMAN)
    choices = re.findall(r'<li><a href="([^"]+)" lang="(\w+)"', first.text)
    assert [language for _, language in choices] == ["en", "de", "ru"]
    address = html.unescape({language: found for found, language in choices}["ru"])
    assert address == "/account/statement?part=resolved_tickets&lang=ru"
    chosen = await browser.get(address, headers=GERMAN)
    assert "Выписка" in chosen.text
    cookie = chosen.headers["set-cookie"]
    assert cookie.startswith("retainer-language=ru; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
    assert '<html lang="ru"' in (await browser.get("/account", headers=GERMAN)).text


@pytest.mark.parametrize("wrong", ["xx", "../de", "de%00", "<b>", "x" * 500])
async def test_a_language_that_is_none_is_not_remembered(acme: Vendor, wrong: str) -> None:
    browser = await account(acme)
    page = await browser.get("/account", params={"lang": wrong})
    assert page.status_code == 200
    assert '<html lang="en"' in page.text
    assert "set-cookie" not in page.headers
    browser.cookies.set("retainer-language", wrong[:50])
    assert '<html lang="en"' in (await browser.get("/account")).text


async def test_a_link_names_its_language(acme: Vendor) -> None:
    await account(acme)
    made = await acme.ok(await acme.post("/v1/customers/ann/tokens", {"may": "act"}, key=None))
    async with client_of(acme.app, None) as browser:
        moved = await browser.get(f"/account?token={made['token']}&lang=de")
        assert moved.headers["location"] == "/account"
        assert "Ihr Supportkonto" in (await browser.get("/account")).text
    async with client_of(acme.app, None) as framed:  # a frame of another site may keep no cookie
        page = await framed.get(f"/card?token={made['token']}&lang=de")
        links = [html.unescape(found) for found in re.findall(r'href="(/card[^"]*)"', page.text)]
        assert links
        framed.cookies.clear()
        for address in links:
            expected = re.findall("lang=(..)", address)[-1]
            assert f'<html lang="{expected}"' in (await framed.get(address)).text


async def test_an_explanation_is_german_and_what_it_cites_is_marked_as_english(acme: Vendor) -> None:
    page = (await (await account(acme)).get("/account/ticket?id=t-1", headers=GERMAN)).text
    assert "<p>Ticket t-1 wartet auf die Bestätigung des Preises durch den Kunden." in page
    cited = re.findall(r'<dd class="small"><span lang="en">([^<]+)</span>', page)
    assert cited
    assert len(re.findall('<span lang="en">', page)) == len(cited)
    english = (await (await account_again(acme)).get("/account/ticket?id=t-1")).text
    assert "<p>Ticket t-1 waits for the customer to confirm the price." in english
    assert 'lang="en">' not in english.partition("</html>")[0].partition("<body")[2].replace('lang="en" hreflang', "")


async def account_again(vendor: Vendor) -> httpx.AsyncClient:
    """The same customer in another browser."""
    made = await vendor.ok(await vendor.post("/v1/customers/ann/tokens", {"may": "act"}, key=None))
    browser = client_of(vendor.app, None)
    vendor.spare.append(browser)
    await browser.get(f"/account?token={made['token']}")
    return browser


async def test_a_page_that_needs_a_link_says_so_in_the_readers_language(acme: Vendor) -> None:
    async with client_of(acme.app, None) as nobody:
        for headers, expected in ((GERMAN, "Diese Seite braucht einen neuen Link"), (RUSSIAN, "нужна новая ссылка")):
            page = await nobody.get("/account", headers=headers)
            assert page.status_code == 401
            assert expected in page.text
        assert "Anmelden" in (await nobody.get("/sign-in", headers=GERMAN)).text
        assert "Jede Operation" in (await nobody.get("/", headers=GERMAN)).text


async def test_a_path_of_two_slashes_leads_nowhere_else(acme: Vendor) -> None:
    browser = await account(acme)
    for path in ("/account//evil.example/x", "//evil.example/account"):
        page = await browser.get(f"http://testserver{path}", headers=GERMAN)
        assert not re.findall(r'href="(?:https?:)?//', page.text)


async def test_the_card_speaks_the_agents_language(acme: Vendor) -> None:
    await account(acme)
    agent = await person(acme)
    page = words((await agent.get("/card?ticket_id=t-1", headers=GERMAN)).text)
    for expected in ("Guthaben 40 Guthabenpunkte", "Kostenvoranschlag", "Kostenvoranschlag senden", "Deutsch"):
        assert expected in page, page
    assert "Send the quote" in (await agent.get("/card?ticket_id=t-1")).text


@pytest.mark.parametrize("path", ["/desk", "/desk/tickets", "/desk/tickets/t-1", "/desk/board", "/desk/reports"])
async def test_pages_of_the_vendors_people_are_english(acme: Vendor, path: str) -> None:
    await account(acme)
    agent = await person(acme)
    plain, german = await agent.get(path), await agent.get(path, headers={**GERMAN, "cookie": cookies(agent, "de")})
    for page in (plain, german):
        assert page.status_code == 200
        assert '<html lang="en">' in page.text
        assert page.headers["vary"] == "Accept-Encoding, Cookie"
        assert "content-language" not in page.headers
    assert words(plain.text) == words(german.text)


def cookies(browser: httpx.AsyncClient, language: str) -> str:
    """The browser's cookies, and a language that was chosen on another page."""
    return "; ".join([*(f"{name}={value}" for name, value in browser.cookies.items()), f"retainer-language={language}"])


async def test_a_fragment_names_its_language_in_its_address(acme: Vendor) -> None:
    await ticket(acme, "t-1", "ann")
    made = await acme.client.post(
        f"/v1/tenants/{acme.tenant_id}/keys", json={"scopes": ["customers:read"], "label": "FreeScout"}
    )
    key = made.json()["key"]
    async with client_of(acme.app, None) as helpdesk:
        answer = await helpdesk.post(f"/card/fragment?key={key}&lang=de", data={"customerEmail": "x@example.com"})
        assert "Unter x@example.com ist niemand bekannt." in answer.text
        answer = await helpdesk.post(f"/card/fragment?key={key}", data={"customerEmail": "x@example.com"})
        assert "Nobody is known by x@example.com." in answer.text


async def test_a_csv_names_what_happened_in_the_readers_language(acme: Vendor) -> None:
    browser = await account(acme)
    assert "Guthabenpunkte gewährt" in (await browser.get("/account/statement.csv", headers=GERMAN)).text
    assert "Credits granted" in (await browser.get("/account/statement.csv")).text


async def test_credits_that_are_time_are_written_in_the_readers_language(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, HOURS.read_text(encoding="utf-8"), now="2025-03-04T02:00:00Z")
    line = {"line_id": "1", "sku": "block-5-hours", "quantity": 1}
    body = {"customer_id": "kim", "placed_at": "2025-03-04T02:00:00Z", "currency": "AUD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/o-1", body), 201)
    await shop.ok(await shop.post("/v1/customers/kim/debits", {"credits": 45}), 201)
    await shop.ok(await shop.post("/v1/customers/kim/holds", {"credits": 90}), 201)
    browser, agent = await visitor(shop, "kim"), await person(shop)
    pages = [(browser, "/account"), (browser, "/account/balance"), (agent, "/card?customer_id=kim")]
    for headers, left, held in (({}, "2 h 45 min", "1 h 30 min"), *TIMES):
        for reader, path in pages:
            page = words((await reader.get(path, headers=headers)).text)
            assert left in page, page
            assert held in page or path == "/account/balance", page
    await shop.close()
