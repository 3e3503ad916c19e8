"""Telerik Report Server's support, an example document: ten incidents a year, bugs and requests outside the count.

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

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "report-server.yaml"
FRIDAY = "2025-06-13T12:00:00Z"


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document, with a customer of each plan."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=FRIDAY)
    for plan in ("lite", "priority", "ultimate"):
        await bought(made, plan, f"license-{plan}", FRIDAY)
    yield made
    await made.close()


async def bought(shop: Vendor, customer: str, sku: str, at: str) -> None:
    line = {"line_id": "1", "sku": sku, "quantity": 1}
    body = {"customer_id": customer, "placed_at": at, "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put(f"/v1/orders/{customer}-{sku}-{at[:10]}", body), 201)


async def opened(shop: Vendor, number: int | str, customer: str = "lite", kind: str = "question", **more: Any) -> Any:
    held = (await shop.get(f"/v1/customers/{customer}")).json()["licenses"]
    body = {
        "customer_id": customer,
        "subject": "A report stays empty",
        "channel": "helpdesk",
        "license_id": held[0]["license_id"],
        "facts": {"request_kind": kind},
        **more,
    }
    return await shop.ok(await shop.put(f"/v1/tickets/{customer}-{number}", body), 201)


async def resolved(shop: Vendor, number: int | str, cause: str, customer: str = "lite") -> None:
    await shop.ok(await shop.post(f"/v1/tickets/{customer}-{number}/resolution", {"cause": cause}))


async def test_trs_1_support_runs_for_12_months_and_is_renewed_by_the_year(shop: Vendor) -> None:
    assert (await opened(shop, 1))["paid_by"] == "cover"
    await shop.move_clock("2026-06-13T12:00:00Z")
    assert codes(await opened(shop, 2)) == ["support_ended"]
    await bought(shop, "lite", "renewal", "2026-06-13T12:00:00Z")
    assert (await opened(shop, 3))["state"] == "in_progress"


async def test_trs_2_ten_incidents_in_each_year_of_support(shop: Vendor) -> None:
    for number in range(10):
        assert (await opened(shop, number))["state"] == "in_progress"
    eleventh = await opened(shop, 10)
    assert (eleventh["state"], codes(eleventh)) == ("rejected", ["incidents_used_up"])
    assert eleventh["reasons"][0]["message"] == "10 of 10 incidents of this year were used."
    assert eleventh["reasons"][0]["reading"] is True
    await bought(shop, "lite", "renewal", FRIDAY)
    later = await opened(shop, 11)
    assert later["reasons"][0]["facts"]["counts"][0]["next_at"] == "2026-06-13T12:00:00Z"
    await shop.move_clock("2026-06-13T12:00:00Z")
    assert (await opened(shop, 12))["state"] == "in_progress"


async def test_trs_3_bug_reports_and_feature_requests_are_no_incidents(shop: Vendor) -> None:
    for number in range(9):
        await opened(shop, number)
    for number, kind in ((20, "bug_report"), (21, "feature_request"), (22, "bug_report")):
        assert (await opened(shop, number, kind=kind))["state"] == "in_progress"
    await resolved(shop, 20, "bug")
    assert (await opened(shop, 9))["state"] == "in_progress"  # the tenth
    assert codes(await opened(shop, 10)) == ["incidents_used_up"]
    assert (await opened(shop, 23, kind="bug_report"))["state"] == "in_progress"
    await resolved(shop, 0, "bug")  # asked as a question, and it was a bug
    assert (await opened(shop, 11))["state"] == "in_progress"


async def test_trs_4_priority_and_ultimate_have_no_limit(shop: Vendor) -> None:
    for number in range(11):
        assert (await opened(shop, number, "priority"))["state"] == "in_progress"
    assert (await opened(shop, 0, "ultimate"))["state"] == "in_progress"


async def test_trs_5_lite_responds_within_72_hours_the_others_within_24(shop: Vendor) -> None:
    due = {plan: (await opened(shop, 0, plan))["clocks"][0]["due_at"] for plan in ("lite", "priority", "ultimate")}
    assert due == {
        "lite": "2025-06-18T12:00:00Z",
        "priority": "2025-06-16T12:00:00Z",
        "ultimate": "2025-06-16T12:00:00Z",
    }


async def test_trs_6_hours_are_weekdays_from_8_to_22_utc(shop: Vendor) -> None:
    for at, is_open in (
        ("2025-06-13T07:59:59Z", False),
        ("2025-06-13T08:00:00Z", True),
        ("2025-06-13T21:59:59Z", True),
        ("2025-06-13T22:00:00Z", False),
        ("2025-06-14T12:00:00Z", False),
    ):
        found = await shop.ok(await shop.get("/v1/calendars/service-hours/open", at=at))
        assert found["open"] is is_open, at


async def test_trs_7_a_question_that_was_handed_in_as_a_bug_is_an_incident_once_it_is_known(shop: Vendor) -> None:
    for number in range(9):
        await opened(shop, number)
    await opened(shop, "disguised", kind="bug_report")
    await resolved(shop, "disguised", "question")
    assert codes(await opened(shop, 9)) == ["incidents_used_up"]
    body = {"cause": "bug", "reason": "it was one after all"}
    await shop.ok(await shop.post("/v1/tickets/lite-disguised/cause", body))
    assert (await opened(shop, 10))["state"] == "in_progress"


async def test_trs_8_only_ultimate_has_assistance_by_telephone(shop: Vendor) -> None:
    assert codes(await opened(shop, 0, channel="phone")) == ["not_by_telephone"]
    assert codes(await opened(shop, 0, "priority", channel="phone")) == ["not_by_telephone"]
    assert (await opened(shop, 0, "ultimate", channel="phone"))["state"] == "in_progress"
