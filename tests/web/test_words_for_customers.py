"""What a customer reads where something is refused or comes again: no step of the vendor's, no code of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.api.catalogue import CATALOGUE
from app.api.pages import words
from tests.recurring.shop import bought, vendor_under
from tests.support.api import Vendor, client_of, make_vendor
from tests.web.desk import HOSTILE, escaped, forms, person, plain
from tests.web.test_account import account, order, ticket, visitor


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


async def test_a_customer_reads_what_a_customer_can_do(acme: Vendor) -> None:
    browser = await account(acme)
    await acme.ok(await acme.post("/v1/customers/ann/debits", {"credits": 36}))
    (form,) = forms((await browser.get("/account")).text, "confirm")
    refused = await browser.post("/account/act", data=form)
    assert refused.status_code == 409
    code = "insufficient_credits"
    assert escaped(words.FOR_CUSTOMERS[code]) in refused.text
    assert escaped(CATALOGUE[code].next_step) not in refused.text
    gone = await browser.get("/account/ticket?id=nobody")
    assert gone.status_code == 404
    assert escaped(CATALOGUE["ticket_not_found"].next_step) not in gone.text
    assert escaped(words.FOR_CUSTOMERS["ticket_not_found"]) in gone.text
    agent = await person(acme)
    assert escaped(CATALOGUE["ticket_not_found"].next_step) in (await agent.get("/desk/tickets/nobody")).text


def test_each_code_that_has_words_for_customers_is_one_of_ours() -> None:
    assert words.FOR_CUSTOMERS.keys() <= CATALOGUE.keys()
    for code in CATALOGUE:
        said = words.next_step({"code": code, "next_step": "Ask the API."}, customer=True)
        assert said
        assert "API" not in said


async def test_an_agents_note_stands_on_the_ticket_at_the_desk_alone(app: FastAPI) -> None:
    shop = await make_vendor(app, "shopp")
    await order(shop, "eve", "o-1", "license", "credit-priority")
    await ticket(shop, "t-1", "eve", credit_type="priority")
    decided: dict[str, Any] = {"decision": "reject", "reasons": [], "note": HOSTILE}
    asked = await shop.post("/v1/tickets/t-1/qualification", decided)
    decided["reasons"] = asked.json()["facts"]["known"][:1]
    await shop.ok(await shop.post("/v1/tickets/t-1/qualification", decided))
    browser = await person(shop)
    page = (await browser.get("/desk/tickets/t-1")).text
    plain(page)
    assert escaped(HOSTILE) in page
    theirs = await (await visitor(shop, "eve")).get("/account/ticket?id=t-1")
    assert escaped(HOSTILE) not in theirs.text
    await shop.close()


async def test_where_a_tickets_form_went_leads_back_to_the_tickets(acme: Vendor, app: FastAPI) -> None:
    browser = await person(acme)
    answer = await browser.get("/desk/tickets/act")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/tickets")
    async with client_of(app, None) as nobody:
        assert (await nobody.get("/desk/tickets/act")).status_code == 401


async def test_credits_that_come_again_say_so(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "keep", customer="kim")
    await shop.move_clock("2025-03-01T10:00:00Z")
    page = (await (await visitor(shop, "kim")).get("/account/balance")).text
    assert "comes again, no. 1" in page
    assert "comes again, no. 2" in page
    await shop.ok(await shop.post("/v1/customers/lea/adjustments", {"credits": 5, "reason": "a gift"}))
    assert "comes again" not in (await (await visitor(shop, "lea")).get("/account/balance")).text
