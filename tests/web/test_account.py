"""The customer's account over HTTP: what it shows, what its forms do, and what it makes of bad input."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.recurring import shop as recurring
from tests.support.api import Vendor, client_of, make_vendor
from tests.support.chance import altered

PLACED = "2025-01-01T00:00:00Z"
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&{{7*7}}'
ARABIC = "مرحبا بالعالم \u202eevil"


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


async def order(vendor: Vendor, customer: str, order_id: str, *skus: str) -> dict[str, Any]:
    lines = [{"line_id": str(number), "sku": sku, "quantity": 1} for number, sku in enumerate(skus, 1)]
    body = {"customer_id": customer, "placed_at": PLACED, "currency": "USD", "lines": lines}
    return await vendor.ok(await vendor.put(f"/v1/orders/{order_id}", body))


async def ticket(vendor: Vendor, ticket_id: str, customer: str, **fields: Any) -> dict[str, Any]:
    body = {"customer_id": customer, "subject": "Shipping is wrong", "channel": "helpdesk", "language": "en", **fields}
    return await vendor.ok(await vendor.put(f"/v1/tickets/{ticket_id}", body))


async def visitor(vendor: Vendor, customer: str, may: str = "act") -> httpx.AsyncClient:
    made = await vendor.ok(await vendor.post(f"/v1/customers/{customer}/tokens", {"may": may}, key=None))
    client = client_of(vendor.app, None)
    vendor.spare.append(client)
    moved = await client.get(f"/account?token={made['token']}")
    assert (moved.status_code, moved.headers["location"]) == (303, "/account")
    return client


def forms(page: str, action: str) -> list[dict[str, str]]:
    """The fields of each form of a page that does this."""
    found = [
        {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)
        }
        for form in re.findall(r"<form.*?</form>", page, re.DOTALL)
    ]
    return [form for form in found if form.get("do") == action]


async def account(vendor: Vendor) -> httpx.AsyncClient:
    """A customer with credits, and a ticket whose quote waits."""
    made = await order(vendor, "ann", "o-1", "license")
    choice = made["choices"][0]["choice_id"]
    await vendor.ok(await vendor.post(f"/v1/customers/ann/choices/{choice}", {"option": "credits"}))
    await ticket(vendor, "t-1", "ann", category="category_2")
    return await visitor(vendor, "ann")


async def test_a_customer_confirms_a_quote(acme: Vendor) -> None:
    browser = await account(acme)
    page = await browser.get("/account")
    assert page.status_code == 200
    assert "Confirm 10 credits" in page.text
    (form,) = forms(page.text, "confirm")
    done = await browser.post("/account/act", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/account?done=confirmed")
    assert (await browser.post("/account/act", data=form)).status_code == 303  # sent twice, done once
    shown = await browser.get("/account?done=confirmed")
    assert "You confirmed the quote." in shown.text
    assert (await acme.get("/v1/tickets/t-1")).json()["charge"]["held"] == 10


async def test_a_customer_chooses_between_a_period_and_credits(acme: Vendor) -> None:
    await order(acme, "eva", "o-2", "license")
    browser = await visitor(acme, "eva")
    page = (await browser.get("/account")).text
    options = {form["option"]: form for form in forms(page, "choose")}
    assert set(options) == {"credits", "cover"}
    assert (await browser.post("/account/act", data=options["cover"])).status_code == 303
    refused = await browser.post("/account/act", data={**options["credits"], "key": "another"})
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text


async def test_a_refusal_stands_on_the_page_with_what_helps(acme: Vendor) -> None:
    browser = await account(acme)
    await acme.ok(await acme.post("/v1/customers/ann/debits", {"credits": 36}))
    (form,) = forms((await browser.get("/account")).text, "confirm")
    refused = await browser.post("/account/act", data=form)
    assert refused.status_code == 409
    alert = refused.text.partition('role="alert"')[2].partition("</ul>")[0]
    assert "credits-25" in alert
    await acme.ok(await acme.post("/v1/customers/ann/adjustments", {"credits": 36, "reason": "sorry"}))
    assert (await browser.post("/account/act", data=form)).status_code == 303  # a refusal is not kept: again, it works


async def test_a_link_that_reads_shows_no_button(acme: Vendor) -> None:
    await account(acme)
    browser = await visitor(acme, "ann", "read")
    page = await browser.get("/account")
    assert "Confirm 10 credits" not in page.text
    assert "This link only reads" in page.text
    (form,) = forms((await (await visitor(acme, "ann")).get("/account")).text, "confirm")
    assert (await browser.post("/account/act", data=form)).status_code == 403


async def test_the_charge_is_explained_in_words(acme: Vendor) -> None:
    browser = await account(acme)
    page = await browser.get("/account/ticket", params={"id": "t-1"})
    assert page.status_code == 200
    assert "Why it costs what it costs" in page.text
    assert "CSC-7" in page.text


async def test_the_statement_is_filtered_and_comes_as_a_table(acme: Vendor) -> None:
    browser = await account(acme)
    await order(acme, "ann", "=HYPERLINK(1)", "credits-25")
    everything = list(csv.DictReader(io.StringIO((await browser.get("/account/statement.csv")).text)))
    assert {row["part"] for row in everything} == {"balance_modifications"}
    assert [row["order_id"] for row in everything if "HYPER" in row["order_id"]] == ["'=HYPERLINK(1)"]
    assert sum(int(row["credits"]) for row in everything) == 65
    page = await browser.get("/account/statement", params={"since": "2030-01-01"})
    assert page.status_code == 200
    assert "+40" not in page.text.split("<table")[1]
    assert (await browser.get("/account/statement", params={"since": "soon"})).status_code == 422
    assert (await browser.get("/account/statement", params={"cursor": "forged"})).status_code == 400


PATHS = (
    "/account",
    "/account/statement",
    "/account/statement.csv",
    "/account/balance",
    "/account/tickets",
    "/account/ticket?id=t-1",
)


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_sees_a_page_without_a_token_that_is_good(acme: Vendor, app: FastAPI, path: str) -> None:
    made = (await acme.put("/v1/customers/ann", {"name": "Ann"})).status_code
    assert made == 201
    token = (await acme.post("/v1/customers/ann/tokens", {"minutes": 1}, key=None)).json()
    for secret in ("", "rtn_ct_nonsense", altered(token["token"]), acme.key, "a" * 5000):
        async with client_of(app, None, cookies={"retainer-customer": secret} if secret else {}) as browser:
            answer = await browser.get(path)
            assert answer.status_code == 401, secret
            assert answer.headers["content-type"].startswith("text/html")
            assert "Ann" not in answer.text
    await acme.delete(f"/v1/keys/{token['token_id']}")
    async with client_of(app, None, cookies={"retainer-customer": token["token"]}) as browser:
        assert (await browser.get(path)).status_code == 401


async def test_another_customers_things_are_not_there(acme: Vendor) -> None:
    browser = await account(acme)
    await acme.ok(await acme.put("/v1/customers/bob", {"name": "Bob"}))
    await ticket(acme, "t-bob", "bob", subject="Secret of Bob")
    for path in ("/account/ticket?id=t-bob", "/account/why?id=t-bob", "/account/ticket?id=nobodys"):
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert "Secret" not in answer.text
    (form,) = forms((await browser.get("/account")).text, "confirm")
    assert (await browser.post("/account/act", data={**form, "ticket_id": "t-bob", "key": "k"})).status_code == 404
    card = await browser.get("/account/ticket?id=t-1")
    assert card.status_code == 200


async def test_another_tenants_token_sees_its_own_tenant(acme: Vendor, app: FastAPI) -> None:
    await account(acme)
    beta = await make_vendor(app, "cs-cart")
    await beta.ok(await beta.put("/v1/customers/ann", {"name": "Another Ann"}))
    browser = await visitor(beta, "ann")
    assert "Another Ann" in (await browser.get("/account")).text
    assert (await browser.get("/account/ticket?id=t-1")).status_code == 404
    await beta.close()


@pytest.mark.parametrize("text", [HOSTILE, ARABIC], ids=["markup", "right to left"])
async def test_what_people_wrote_is_text(acme: Vendor, text: str) -> None:
    await account(acme)
    await acme.ok(await acme.post("/v1/tickets/t-1/withdrawal"))
    profile = {"name": text, "emails": ["a@x.example"]}
    await acme.ok(await acme.put("/v1/customers/ann", profile), 200)
    await acme.ok(await acme.post("/v1/customers/ann/adjustments", {"credits": 50, "reason": text}))
    await ticket(acme, "t-w", "ann", subject=text, category="category_2", requester=text)
    await acme.ok(await acme.post("/v1/tickets/t-w/assessments", {"category": "category_3", "reason": text}))
    browser = await visitor(acme, "ann")
    for path in (*PATHS, "/account/ticket?id=t-w"):
        page = await browser.get(path)
        assert page.status_code == 200, path
        if path.endswith(".csv"):
            continue
        assert "<script>alert" not in page.text
        assert 'onerror="' not in page.text
        assert html.escape(text, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page.text or (
            path in ("/account/statement", "/account/balance")
        ), path


async def test_a_subject_of_a_thousand_characters_is_cut_in_lists_and_whole_on_its_page(acme: Vendor) -> None:
    await order(acme, "ann", "o-1", "license")
    subject = "x" * 1000
    assert (await acme.put("/v1/tickets/t-9", {"customer_id": "ann", "subject": "x" * 10_000})).status_code == 422
    await ticket(acme, "t-1", "ann", subject=subject)
    browser = await visitor(acme, "ann")
    assert subject not in (await browser.get("/account")).text
    assert subject in (await browser.get("/account/ticket?id=t-1")).text


async def test_an_erased_customers_link_opens_nothing(acme: Vendor) -> None:
    browser = await account(acme)
    await acme.ok(await acme.post("/v1/customers/ann/erasure", key=None))
    answer = await browser.get("/account")
    assert answer.status_code in (401, 404)  # for less than a second the token is still known, and nobody is there
    assert "ann" not in re.sub(r'value="[^"]*"', "", answer.text.lower()).replace("vendor", "").split("<main")[1]


@pytest.mark.parametrize(
    "form",
    [
        {"do": "nothing"},
        {"do": "confirm", "ticket_id": "t-1", "number": "-1"},
        {"do": "confirm", "ticket_id": "t-1", "number": "9" * 400},
        {"do": "confirm", "ticket_id": "\u0000", "number": "1"},
        {"do": "choose", "choice_id": "x" * 300, "option": "credits"},
        {"do": "state", "ticket_id": "t-1", "input:N": "1.5"},
        {"do": "state", "ticket_id": "t-1", "fact:x": "\u0000"},
        {"do": "dispute", "ticket_id": "t-1", "reason": "y" * 20_000},
        {"do": "withdraw"},
    ],
    ids=str,
)
async def test_a_bad_form_is_refused_on_a_page(acme: Vendor, form: dict[str, str]) -> None:
    browser = await account(acme)
    (shown,) = forms((await browser.get("/account")).text, "confirm")
    answer = await browser.post("/account/act", data={"csrf": shown["csrf"], "key": "k", **form})
    assert answer.status_code in (404, 409, 422), answer.text[:300]
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_form_is_a_form(acme: Vendor) -> None:
    browser = await account(acme)
    assert (await browser.post("/account/act", json={"do": "confirm"})).status_code == 415
    large = "a=" + "x" * 70_000
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert (await browser.post("/account/act", content=large, headers=kind)).status_code == 413
    many = "&".join(f"a{number}=1" for number in range(300))
    assert (await browser.post("/account/act", content=many, headers=kind)).status_code == 400
    assert (await browser.post("/account/act", content=b"\xff=%ff", headers=kind)).status_code == 400
    assert (await browser.post("/account/act", data={"do": "confirm"})).status_code == 403


async def test_what_a_page_says_of_itself_to_a_browser(acme: Vendor) -> None:
    browser = await account(acme)
    page = await browser.get("/account")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page.text)
    assert set(re.findall(r'(?:src|href|action)="(https?:)?//', page.text)) == set()
    for address in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text):
        asset = await browser.get(address)
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = await browser.get(address, headers={"if-none-match": asset.headers["etag"]})
        assert again.status_code == 304
    assert (await browser.get("/assets/000000000000/pages.css")).status_code == 404
    assert (await browser.get("/assets/000000000000/..%2f..%2fdoor.py")).status_code == 404


async def test_the_head_names_the_vendor_and_not_our_word_for_it(acme: Vendor) -> None:
    browser = await account(acme)
    for path in ("/account", "/account/balance", "/account/tickets", "/account/statement", "/account/ticket?id=t-1"):
        page = (await browser.get(path)).text
        assert '<span class="who">CS-Cart</span></a>' in page, path
        assert acme.tenant_id not in page, path


async def test_credits_that_come_again_are_announced(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await recurring.vendor_under(app, api)
    until = "They come until 31 Jan 2026."
    wanted = {
        "reset": f"On 28 Feb 2025 60 credits come. What is left of the last ones then expires. {until}",
        "keep": f"On 28 Feb 2025 60 credits come. {until}",
        "capped": "On 28 Feb 2025 60 credits come. Of what is left of the last ones then, 100 credits at most go over."
        f" {until}",
    }
    for sku in wanted:
        await recurring.bought(shop, sku, f"o-{sku}", customer=sku)
    await recurring.bought(shop, "pack", "o-pack", customer="packs")
    for who, sentence in wanted.items():
        page = (await (await visitor(shop, who)).get("/account")).text
        assert sentence in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page)), who
        seen = await shop.ok(await shop.get(f"/v1/customers/{who}"))
        (order,) = (await shop.ok(await shop.get(f"/v1/orders/o-{who}")))["recurring_grants"]
        assert seen["recurring_grants"] == [order]
    await shop.move_clock("2025-03-01T00:00:00Z")
    page = (await (await visitor(shop, "keep")).get("/account", params={"lang": "de"})).text
    assert re.search(r"Am 31\.\s?(März|03\.)\s?2025 kommen 60 Guthabenpunkte", re.sub(r"<[^>]+>", "", page))
    await shop.move_clock("2026-02-01T00:00:00Z")
    for who in ("keep", "packs"):
        assert "recurring_grants" not in await shop.ok(await shop.get(f"/v1/customers/{who}")), who
        assert " come. " not in (await (await visitor(shop, who)).get("/account")).text
