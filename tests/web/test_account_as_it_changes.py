"""The account while things change behind an open page: merges, refusals, pauses; and what stays the vendor's own."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.api.pages import words
from app.domain.ledger.lot import LotSource
from tests.living.shop import bought
from tests.living.test_overdraft import NOW, OVERDRAWN
from tests.support.api import Vendor, client_of, make_vendor
from tests.support.vendors import opened, vendor_under
from tests.web.desk import person
from tests.web.test_account import account, forms, order, ticket, visitor

SECRET = "Only-among-us"


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


async def with_credits(vendor: Vendor, customer: str) -> None:
    made = await order(vendor, customer, f"o-{customer}", "license")
    choice = made["choices"][0]["choice_id"]
    await vendor.ok(await vendor.post(f"/v1/customers/{customer}/choices/{choice}", {"option": "credits"}))


async def test_a_link_from_before_a_merge_shows_the_account_that_it_became(acme: Vendor) -> None:
    for customer in ("ann", "anna"):
        await with_credits(acme, customer)
        await ticket(acme, f"t-{customer}", customer, category="category_2")
    made = await acme.ok(await acme.post("/v1/customers/anna/tokens", {"may": "act"}, key=None))
    await acme.ok(await acme.post("/v1/customers/anna/merge", {"into_customer_id": "ann"}))
    async with client_of(acme.app, None) as browser:
        await browser.get(f"/account?token={made['token']}")
        page = await browser.get("/account")
        assert page.status_code == 200
        assert {form["ticket_id"] for form in forms(page.text, "confirm")} == {"t-ann", "t-anna"}
        for form in forms(page.text, "confirm"):
            assert (await browser.post("/account/act", data=form)).status_code == 303
            assert (await browser.get("/account/ticket", params={"id": form["ticket_id"]})).status_code == 200
    async with client_of(acme.app, made["token"]) as api:
        for name in ("anna", "ann"):
            assert (await api.get(f"/v1/customers/{name}/balance")).json()["held"] == 20
        assert (await api.get("/v1/customers/bob/balance")).status_code == 404
    fresh = await acme.ok(await acme.post("/v1/customers/anna/tokens", {}, key=None))
    assert fresh["customer_id"] == "ann"
    async with client_of(acme.app, fresh["token"]) as api:
        assert (await api.get(f"/v1/customers/{fresh['customer_id']}")).status_code == 200
    await acme.ok(await acme.post("/v1/customers/ann/erasure", key=None))
    await asyncio.sleep(1.1)
    async with client_of(acme.app, made["token"]) as api:
        assert (await api.get("/v1/customers/anna")).status_code == 401


async def test_a_person_is_told_whose_account_pays(acme: Vendor) -> None:
    await with_credits(acme, "firm")
    await acme.ok(await acme.put("/v1/customers/per", {"name": "Per", "company_id": "firm"}))
    page = (await (await visitor(acme, "per")).get("/account")).text
    assert 'The account of <span class="who">firm</span> pays for your tickets.' in page
    assert "pays for your tickets" not in (await (await visitor(acme, "firm")).get("/account")).text


async def test_what_the_ticket_no_longer_allows_is_not_offered(acme: Vendor) -> None:
    browser = await account(acme)
    (form,) = forms((await browser.get("/account")).text, "confirm")
    await browser.post("/account/act", data=form)
    offered = (await browser.get("/account/ticket?id=t-1")).text
    assert forms(offered, "withdraw")
    await acme.ok(await acme.post("/v1/tickets/t-1/resolution", {"cause": "modified_code"}))
    shown = (await browser.get("/account/ticket?id=t-1")).text
    assert not forms(shown, "withdraw")
    assert not forms(shown, "dispute")  # this policy knows no dispute
    refused = await browser.post("/account/act", data=forms(offered, "withdraw")[0])
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert refused.headers["hx-push-url"] == "false"  # the address stays that of the page


async def test_a_refusal_loses_nothing_of_what_was_typed(app: FastAPI) -> None:
    shop = await make_vendor(app, "x-cart")
    await shop.ok(await shop.put("/v1/customers/ann", {"name": "Ann"}))
    await ticket(shop, "t-1", "ann")
    browser = await visitor(shop, "ann")
    form = {"csrf": forms((await browser.get("/account/ticket?id=t-1")).text, "withdraw")[0]["csrf"], "key": "k"}
    said = {**form, "do": "dispute", "ticket_id": "t-1", "back": "ticket", "reason": "</textarea>It took an hour"}
    refused = await browser.post("/account/act", data=said)
    assert refused.status_code == 409
    agent = await person(shop)
    page = (await agent.get("/card?ticket_id=t-1")).text
    (form,) = forms(page, "assess")
    typed = {**form, "credits": "a few", "reason": "<b>It is large</b>"}
    kept = await agent.post("/card/act", data=typed)
    assert kept.status_code == 422
    assert "<details open><summary>Assess" in kept.text
    assert 'value="a few"' in kept.text
    assert 'value="&lt;b&gt;It is large&lt;/b&gt;"' in kept.text
    assert 'value="a few"' not in (await agent.get("/card?ticket_id=t-1")).text
    await shop.close()


async def needy(app: FastAPI) -> tuple[Vendor, httpx.AsyncClient]:
    shop = await make_vendor(app, "shopp")
    await order(shop, "ann", "o-1", "license", "credit-priority")
    license_id = (await shop.get("/v1/licenses")).json()["data"][0]["license_id"]
    await ticket(shop, "t-1", "ann", license_id=license_id)
    return shop, await visitor(shop, "ann")


async def test_a_question_of_yes_or_no_is_answered_so(app: FastAPI) -> None:
    shop, browser = await needy(app)
    page = (await browser.get("/account/ticket?id=t-1")).text
    names = [html.unescape(name) for name in re.findall(r'<select id="ask-[^>]* name="([^"]+)"', page)]
    assert "fact:modified" in names
    assert "Whether the software was modified" in page
    assert "credit_type" not in page  # a kind of credit is applied by the vendor
    answers = dict.fromkeys(names, "true") | {"fact:modified": "false"}
    done = await browser.post("/account/act", data={**forms(page, "state")[0], **answers})
    assert done.status_code == 303
    facts: dict[str, Any] = (await shop.get("/v1/tickets/t-1")).json()["facts"]
    assert facts["modified"] is False
    assert facts["official"] is True
    assert not forms((await browser.get("/account/ticket?id=t-1")).text, "state")
    await shop.close()


async def test_what_agents_keep_among_themselves_reaches_no_customer(app: FastAPI) -> None:
    shop, browser = await needy(app)
    await shop.ok(await shop.post("/v1/tickets/t-1/details", {"metadata": {"mood": SECRET}}))
    unseen = {"author": "vendor", "kind": "inquiry", "public": False}
    await shop.ok(await shop.post("/v1/tickets/t-1/responses", unseen))
    await shop.ok(await shop.post("/v1/tickets/t-1/responses", {"author": "vendor", "kind": "inquiry"}))
    ruling = {"decision": "reject", "reasons": ["other"], "note": SECRET}
    await shop.ok(await shop.post("/v1/tickets/t-1/qualification", ruling))
    token = browser.cookies["retainer-customer"]
    paths = ["/v1/tickets/t-1", "/v1/tickets?customer_id=ann", "/v1/customers/ann", "/v1/explain/ticket/t-1"]
    paths += ["/v1/explain/charge/t-1", "/v1/customers/ann/statement"]
    async with client_of(app, token) as api:
        for path in paths:
            seen = await api.get(path)
            assert seen.status_code == 200, path
            assert SECRET not in seen.text, path
            assert "unseen" not in seen.text, path
        seen = (await api.get("/v1/tickets/t-1")).json()
        assert [response["number"] for response in seen["responses"]] == [2]
        assert (seen["metadata"], seen["qualification"]["note"]) == ({}, None)
        query = {"query": '{ ticket(ticketId: "t-1") { metadata qualification { note } responses { number } } }'}
        twin = (await api.post("/graphql", json=query)).json()["data"]["ticket"]
        assert twin == {"metadata": {}, "qualification": {"note": None}, "responses": [{"number": 2}]}
    for path in ("/account", "/account/ticket?id=t-1", "/account/statement.csv", "/card?ticket_id=t-1"):
        page = await browser.get(path if path[1] == "a" else f"{path}&token={token}")
        assert page.status_code == 200, path
        assert SECRET not in page.text, path
        assert "unseen by" not in page.text, path
    vendors = (await shop.get("/v1/tickets/t-1")).json()
    assert (vendors["metadata"], vendors["qualification"]["note"]) == ({"mood": SECRET}, SECRET)
    assert len(vendors["responses"]) == 2
    assert "unseen by the customer" in (await shop.get("/v1/explain/ticket/t-1")).text
    await shop.close()


async def test_a_day_that_no_calendar_has_is_refused(acme: Vendor) -> None:
    browser = await account(acme)
    for day in ("2025-13-01", "2025-02-30", "2025-00-00", "20250101", "2025-1-1"):
        assert (await browser.get("/account/statement", params={"since": day})).status_code == 422, day
    assert (await browser.get("/account/statement", params={"since": "2024-02-29"})).status_code == 200


async def test_every_page_with_a_time_says_in_which_zone(acme: Vendor) -> None:
    await account(acme)
    agent = await person(acme)
    for path in ("/card?ticket_id=t-1", "/card/why?id=t-1", "/desk/tickets/t-1", "/desk/board"):
        page = (await agent.get(path)).text
        minutes = re.findall(r'<time [^>]*data-shape="minute">([^<]*)</time>', page)
        assert minutes or path == "/card?ticket_id=t-1", path
        assert all(text.endswith(" UTC") for text in minutes), path
        assert "Times name their zone" in page, path


async def test_what_is_owed_and_what_credits_are_good_for(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, OVERDRAWN, now=NOW)
    await bought(shop, "plan", "p1")
    await bought(shop, "trainings", "p2", customer="bob")
    for number in range(4):
        await opened(shop, f"t{number}")
    browser = await visitor(shop, "ann")
    for path in ("/account", "/account/balance"):
        page = (await browser.get(path)).text
        assert re.search(r"4</span> credits are owed: the next that come pay them\.", page), path
        assert "Spent before they came" in page, path
        assert "for training only" not in page, path
    assert "for training only" in (await (await visitor(shop, "bob")).get("/account/balance")).text
    await shop.close()


def test_each_source_of_credits_has_words() -> None:
    assert set(words.SOURCES) == set(get_args(LotSource))
