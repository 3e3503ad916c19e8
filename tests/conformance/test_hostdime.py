"""HostDime's ticket response times, an example document: a missed promise brings a part of the month's fee.

Each test is named by the clause that it keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.conformance.steps import act, balance, codes
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "hostdime.yaml"
SUNDAY = "2025-06-01T02:00:00Z"
"""3:00 in London, at night."""


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document, with a client whose hosting is managed."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=SUNDAY)
    await ordered(made, SUNDAY)
    yield made
    await made.close()


async def ordered(shop: Vendor, at: str) -> None:
    line = {"line_id": "1", "sku": "managed-hosting", "quantity": 1}
    body = {"customer_id": "kim", "placed_at": at, "currency": "GBP", "lines": [line]}
    await shop.ok(await shop.put(f"/v1/orders/o-{at}", body), 201)


async def asked(shop: Vendor, ticket: str, **more: Any) -> Any:
    body = {"customer_id": "kim", "subject": "The site is slow", "category": "level_1", "channel": "helpdesk", **more}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body), 201)


async def test_hdm_1_the_agreement_holds_while_managed_hosting_runs(shop: Vendor) -> None:
    assert (await asked(shop, "T-1"))["state"] == "in_progress"
    stranger = await asked(shop, "T-2", customer_id="lee")
    assert (stranger["state"], codes(stranger)) == ("rejected", ["not_managed"])


async def test_hdm_2_support_is_given_at_every_hour(shop: Vendor) -> None:
    for at in (SUNDAY, "2025-12-25T12:00:00Z"):
        assert (await shop.ok(await shop.get("/v1/calendars/service-hours/open", at=at)))["open"]


async def test_hdm_3_level_1_is_answered_within_45_minutes(shop: Vendor) -> None:
    (clock,) = (await asked(shop, "T-1"))["clocks"]
    assert (clock["due_at"], clock["clause"]) == ("2025-06-01T02:45:00Z", "HDM-3")
    await shop.move_clock("2025-06-01T02:45:00Z")
    (met,) = (await act(shop, "T-1", "responses", author="vendor"))["clocks"]
    assert met["outcome"] == "met"


@pytest.mark.parametrize("more", [{"channel": "phone"}, {"category": "other"}])
async def test_hdm_4_what_is_no_trouble_ticket_of_level_1_has_no_deadline(shop: Vendor, more: dict[str, Any]) -> None:
    (clock,) = (await asked(shop, "T-1", **more))["clocks"]
    assert (clock["due_at"], clock["clause"]) == (None, "HDM-4")


async def test_hdm_5_each_request_that_is_not_answered_in_time_brings_5_percent(shop: Vendor) -> None:
    for number in range(2):
        await asked(shop, f"T-{number}")
    await shop.move_clock("2025-06-01T02:45:01Z")
    assert (await balance(shop, "kim"))["available"] == 10
    await act(shop, "T-0", "responses", author="vendor", occurred_at="2025-06-01T02:44:00Z")
    assert (await balance(shop, "kim"))["available"] == 5, "it was answered in time, and told late"


async def test_hdm_6_a_month_brings_100_percent_at_most(shop: Vendor) -> None:
    for number in range(22):
        await asked(shop, f"T-{number}")
    await shop.move_clock("2025-06-02T00:00:00Z")
    assert (await balance(shop, "kim"))["available"] == 100
    await ordered(shop, "2025-06-02T00:00:00Z")
    await shop.move_clock("2025-06-30T23:30:00Z")
    await asked(shop, "T-july")
    await shop.move_clock("2025-07-01T01:00:00Z")
    assert (await balance(shop, "kim"))["available"] == 105, "in London it was July"
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
