"""SenSage's Standard and Premium Support, an example document: seats of a plan, and the people who have them.

Each test is named by the clause that it keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from tests.conformance.steps import codes
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "sensage.yaml"
THURSDAY = "2025-06-12T23:00:00Z"
"""16:00 in California, an hour before the end of support hours; the next Thursday is Juneteenth, a holiday."""
PLANS = {"five": "standard", "ten": "premium"}


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document, with a company of each plan, each with twelve people."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=THURSDAY)
    for company, plan in PLANS.items():
        line = {"line_id": "1", "sku": f"{plan}-support", "quantity": 1}
        body = {"customer_id": company, "placed_at": THURSDAY, "currency": "USD", "lines": [line]}
        await made.ok(await made.put(f"/v1/orders/o-{company}", body), 201)
        for number in range(12):
            await made.ok(await made.put(f"/v1/customers/{company}-{number}", {"company_id": company}))
    yield made
    await made.close()


async def named(shop: Vendor, company: str, many: int, *, status: int = 200) -> Any:
    body = {"contacts": [f"{company}-{number}" for number in range(many)]}
    answer = await shop.put(f"/v1/customers/{company}/contacts", body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def opened(shop: Vendor, ticket: str, person: str, **more: Any) -> Any:
    body = {"customer_id": person, "subject": "No data is loaded", "channel": "email", **more}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body), 201)


async def due(shop: Vendor, company: str, priority: str | None) -> str | None:
    """When the first response is due."""
    await named(shop, company, 1)
    ticket = await opened(shop, f"{company}-{priority}", f"{company}-0", priority=priority)
    found: str | None = ticket["clocks"][0]["due_at"]
    return found


async def test_sen_1_a_customer_is_served_while_support_runs(shop: Vendor) -> None:
    assert codes(await opened(shop, "T-1", "nobody")) == ["no_support"]
    await named(shop, "five", 1)
    assert (await opened(shop, "T-2", "five-0"))["paid_by"] == "cover"
    await shop.move_clock("2026-06-12T23:00:00Z")
    assert codes(await opened(shop, "T-3", "five-0")) == ["no_support"]


async def test_sen_2_five_authorized_people_alone_may_ask(shop: Vendor) -> None:
    refused = await named(shop, "five", 6, status=409)
    assert (refused["code"], refused["facts"]["seats"]) == ("contact_seats_taken", 5)
    await named(shop, "five", 5)
    assert (await opened(shop, "T-1", "five-4"))["state"] == "in_progress"
    stranger = await opened(shop, "T-2", "five-5")
    assert (stranger["state"], codes(stranger)) == ("rejected", ["not_authorized"])
    assert stranger["remedies"][0]["text"].endswith("in the place of another: 5 of 5 seats are taken.")


async def test_sen_3_premium_is_for_five_more(shop: Vendor) -> None:
    await named(shop, "ten", 11, status=409)
    assert len((await named(shop, "ten", 10))["contacts"]) == 10
    assert (await opened(shop, "T-1", "ten-9"))["state"] == "in_progress"
    # Where Standard follows Premium, the five who were named first remain.
    await shop.move_clock("2026-06-12T23:00:00Z")
    line = {"line_id": "1", "sku": "standard-support", "quantity": 1}
    body = {"customer_id": "ten", "placed_at": "2026-06-12T23:00:00Z", "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/o-2", body), 201)
    states = [(await opened(shop, f"A-{number}", f"ten-{number}"))["state"] for number in range(10)]
    assert states.count("in_progress") == 5


async def test_sen_4_incidents_are_not_limited(shop: Vendor) -> None:
    await named(shop, "five", 1)
    for number in range(25):
        assert (await opened(shop, f"T-{number}", "five-0"))["state"] == "in_progress"


async def test_sen_5_hours_are_weekdays_from_8_to_17_pacific_time_without_holidays(shop: Vendor) -> None:
    for at, is_open in (
        ("2025-06-12T14:59:59Z", False),
        ("2025-06-12T15:00:00Z", True),
        ("2025-06-12T23:59:59Z", True),
        ("2025-06-13T00:00:00Z", False),
        ("2025-06-19T18:00:00Z", False),
    ):
        found = await shop.ok(await shop.get("/v1/calendars/service-hours/open", at=at))
        assert found["open"] is is_open, at


async def test_sen_6_priority_1_within_12_hours_under_premium_within_2(shop: Vendor) -> None:
    assert await due(shop, "five", "p1") == "2025-06-16T17:00:00Z"  # 1 hour of Thursday, 9 of Friday, 2 of Monday
    assert await due(shop, "ten", "p1") == "2025-06-13T01:00:00Z"


async def test_sen_7_priority_2_within_a_day_under_premium_within_6_hours(shop: Vendor) -> None:
    assert await due(shop, "five", "p2") == "2025-06-13T23:00:00Z"
    assert await due(shop, "ten", "p2") == "2025-06-13T20:00:00Z"


async def test_sen_8_priority_3_has_no_time(shop: Vendor) -> None:
    assert await due(shop, "five", "p3") is None
    assert await due(shop, "ten", "p3") is None


async def test_sen_9_premium_answers_priority_1_at_any_hour(shop: Vendor) -> None:
    await shop.move_clock("2025-06-14T03:00:00Z")  # a Friday night
    assert await due(shop, "ten", "p1") == "2025-06-14T05:00:00Z"
    assert await due(shop, "ten", "p2") == "2025-06-16T21:00:00Z"
