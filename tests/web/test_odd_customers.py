"""Odd and erased customers at every page of the desk: what they wrote is text, and what was erased is nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.support.api import Vendor, make_vendor
from tests.web.desk import HOSTILE, escaped, person, plain
from tests.web.test_account import account, ticket, visitor

RIGHT_TO_LEFT = "\u0645\u0631\u062d\u0628\u0627 \u202egpj.exe\u202c \u05e9\u05dc\u05d5\u05dd"
DESK = (
    "/desk?query=ann",
    "/desk/board",
    "/desk/board?group=customer",
    "/desk/tickets",
    "/desk/tickets?customer_id=ann",
    "/desk/tickets/t-w",
    "/desk/reports/liability?group_by=customer",
    "/desk/reports/grants?group_by=customer&group_by=source",
    "/desk/reports/agents?group_by=agent",
    "/desk/calendars",
    "/desk/calendars/service-hours",
    "/desk/policies",
    "/desk/operations",
    "/desk/operations/audit-trail",
    "/desk/operations/keys",
    "/card?ticket_id=t-w",
    "/card?customer_id=ann",
    "/card?email=a@x.example",
    "/card/why?id=t-w",
)
CUSTOMERS = ("/account", "/account/balance", "/account/statement", "/account/tickets", "/account/ticket?id=t-w")


@pytest_asyncio.fixture
async def acme(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await make_vendor(app, "cs-cart")
    yield vendor
    await vendor.close()


async def written(vendor: Vendor, text: str, who: str = "Kim") -> None:
    """Let a text stand in each field that people fill."""
    await account(vendor)
    await vendor.ok(await vendor.post("/v1/tickets/t-1/withdrawal"))
    agent = {"id": who[:60], "name": who}
    profile = {"name": text, "emails": ["a@x.example"], "metadata": {"note": text}}
    await vendor.ok(await vendor.put("/v1/customers/ann", profile), 200)
    await vendor.ok(await vendor.post("/v1/customers/ann/adjustments", {"credits": 50, "reason": text}))
    await ticket(vendor, "t-w", "ann", subject=text, category="category_2", requester=text, metadata={"queue": text})
    priced = {"category": "category_3", "reason": text, "acting_agent": agent}
    await vendor.ok(await vendor.post("/v1/tickets/t-w/assessments", priced))
    pause = {"reason": "waiting_for_customer", "party": "customer", "acting_agent": agent}
    await vendor.post("/v1/tickets/t-w/pauses", pause)
    await vendor.ok(
        await vendor.post(f"/v1/tenants/{vendor.tenant_id}/keys", {"scopes": ["*"], "label": who}, key=None)
    )


@pytest.mark.parametrize("text", [HOSTILE, RIGHT_TO_LEFT], ids=["markup", "right to left"])
async def test_what_people_wrote_is_text_at_every_page(acme: Vendor, text: str) -> None:
    await written(acme, text, text)
    agent, customer = await person(acme), await visitor(acme, "ann")
    shown = 0
    for browser, paths in ((agent, DESK), (customer, CUSTOMERS)):
        for path in paths:
            page = await browser.get(path)
            assert page.status_code == 200, path
            plain(page.text)
            assert 'onerror="' not in page.text, path
            shown += escaped(text)[:40] in page.text
    assert shown > 10


async def test_an_erased_customer_is_at_no_page(acme: Vendor) -> None:
    await written(acme, "Annabella Quill")
    customer = await visitor(acme, "ann")
    await acme.ok(await acme.post("/v1/customers/ann/erasure", key=None))
    agent = await person(acme)
    for path in DESK:
        page = await agent.get(path)
        assert page.status_code in (200, 404), path
        for gone in ("Annabella", "a@x.example"):
            left = page.text.replace('value="a@x.example"', "").replace("email=a@x.example", "")
            assert gone not in left, path
    assert (await customer.get("/account")).status_code in (401, 404)
