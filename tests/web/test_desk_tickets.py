"""A ticket at the desk over HTTP: what it shows, and what its buttons do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from fastapi import FastAPI

from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, escaped, forms, person, plain


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    line = {"line_id": "1", "sku": "license", "quantity": 1}
    order = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]}
    made = await vendor.ok(await vendor.put("/v1/orders/o-1", order))
    choice = made["choices"][0]["choice_id"]
    await vendor.ok(await vendor.post(f"/v1/customers/ann/choices/{choice}", {"option": "credits"}))
    yield vendor
    await vendor.close()


async def ticket(vendor: Vendor, ticket_id: str, **fields: Any) -> dict[str, Any]:
    body = {"customer_id": "ann", "subject": "Shipping", "channel": "helpdesk", "language": "en", **fields}
    return await vendor.ok(await vendor.put(f"/v1/tickets/{ticket_id}", body))


async def test_an_agent_works_a_ticket(acme: Vendor) -> None:
    await ticket(acme, "a b/c".replace("/", "-"), category="category_2")
    browser = await person(acme)
    page = (await browser.get("/desk/tickets")).text
    assert 'href="/desk/tickets/a%20b-c"' in page
    page = (await browser.get("/desk/tickets/a%20b-c")).text
    plain(page)
    assert "CSC-7" in page
    (form,) = forms(page, "send_quote")
    sent = await browser.post("/desk/tickets/act", data=form)
    assert sent.status_code == 200
    assert "/account?token=" in sent.text
    (form,) = forms(page, "assess")
    done = await browser.post("/desk/tickets/act", data={**form, "category": "category_3", "reason": "modified"})
    assert (done.status_code, done.headers["location"]) == (303, "/desk/tickets/a%20b-c?done=assessed")
    assert "The assessment is made." in (await browser.get(done.headers["location"])).text
    assert (await acme.get("/v1/tickets/a b-c")).json()["assessments"][-1]["category"] == "category_3"


async def test_a_refusal_stands_on_the_page(acme: Vendor) -> None:
    await ticket(acme, "t-1", category="category_2")
    browser = await person(acme)
    (form,) = forms((await browser.get("/desk/tickets/t-1")).text, "assess")
    refused = await browser.post("/desk/tickets/act", data={**form, "credits": "many"})
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert (await browser.post("/desk/tickets/act", data={**form, "csrf": "x"})).status_code == 403
    gone = await browser.post("/desk/tickets/act", data={**form, "ticket_id": "nobodys", "key": "k"})
    assert gone.status_code == 404


async def test_who_may_see_what(acme: Vendor, app: FastAPI) -> None:
    await ticket(acme, "t-1", subject=HOSTILE, requester=HOSTILE)
    reader = await person(acme, "tickets:read")
    page = await reader.get("/desk/tickets/t-1")
    assert page.status_code == 200
    assert escaped(HOSTILE) in page.text
    plain(page.text)
    assert forms(page.text, "respond") == []
    refused = await (await person(acme, "customers:read")).get("/desk/tickets/t-1")
    assert refused.status_code == 403
    assert "tickets:read" in refused.text
    beta = await make_vendor(app, "cs-cart")
    other = await person(beta)
    assert (await other.get("/desk/tickets/t-1")).status_code == 404
    empty = (await other.get("/desk/tickets")).text
    assert "There is no ticket." in empty
    for odd in ("%00", "x" * 300, "%F0%9F%92%A9"):
        assert (await other.get(f"/desk/tickets/{odd}")).status_code in (404, 422), odd
    await beta.close()


async def test_the_list_is_narrowed(acme: Vendor) -> None:
    await ticket(acme, "t-1", category="category_2")
    await ticket(acme, "t-2", customer_id="bob")
    browser = await person(acme)
    page = (await browser.get("/desk/tickets?customer_id=bob")).text
    assert re.findall('href="/desk/tickets/([^"]+)"', page) == ["t-2"]
    assert "No ticket is like that." in (await browser.get("/desk/tickets?state=resolved")).text
    assert (await browser.get("/desk/tickets", params={"state": HOSTILE})).status_code == 422
