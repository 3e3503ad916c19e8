"""Block hours, an example document: hours in packs, by the quarter hour. Each test is named by the clause it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from tests.conformance.steps import act, balance, codes, problem
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "block-hours.yaml"
TUESDAY = "2025-03-04T02:00:00Z"
"""10:00 in Perth, the day after Labour Day."""


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document, on a Tuesday."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=TUESDAY)
    yield made
    await made.close()


async def bought(shop: Vendor, hours: int, customer: str = "kim") -> None:
    now = (await shop.get("/v1/clock")).json()["now"]
    line = {"line_id": "1", "sku": f"block-{hours}-hours", "quantity": 1}
    body = {"customer_id": customer, "placed_at": now, "currency": "AUD", "lines": [line]}
    await shop.ok(await shop.put(f"/v1/orders/o-{customer}-{hours}", body), 201)


async def asked(shop: Vendor, ticket: str, category: str = "work", customer: str = "kim", **more: Any) -> Any:
    body = {"customer_id": customer, "subject": "A change", "category": category, **more}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body), 201)


async def work(shop: Vendor, ticket: str, minutes: int, **more: Any) -> Any:
    return await act(shop, ticket, "work", minutes=minutes, **more)


async def test_hd_1_hours_are_bought_in_blocks_of_5_10_and_20(shop: Vendor) -> None:
    for hours, customer in ((5, "a"), (10, "b"), (20, "c")):
        await bought(shop, hours, customer)
        found = await balance(shop, customer)
        assert (found["available"], found["shown"]["available"]) == (hours * 60, f"{hours} h")


async def test_hd_2_a_block_expires_by_its_size(shop: Vendor) -> None:
    for hours, ends in ((5, "2026-03-04T02:00:00Z"), (10, "2027-03-04T02:00:00Z"), (20, None)):
        await bought(shop, hours, f"c{hours}")
        assert [lot["expires_at"] for lot in (await balance(shop, f"c{hours}"))["lots"]] == [ends]


async def test_hd_3_the_least_that_is_consumed_is_an_hour(shop: Vendor) -> None:
    await bought(shop, 5)
    await asked(shop, "T-1")
    logged = await work(shop, "T-1", 10)
    assert (logged["price"], logged["price_shown"]) == (60, "1 h")
    assert [(step["step"], step["clause"]) for step in logged["assessments"][0]["steps"]] == [
        ("work", "HD-4"),
        ("least", "HD-3"),
    ]
    assert (await act(shop, "T-1", "resolution"))["charge"]["net"] == 60


async def test_hd_4_after_the_first_hour_time_is_consumed_by_the_quarter_hour(shop: Vendor) -> None:
    await bought(shop, 5)
    await asked(shop, "T-1")
    prices = [(await work(shop, "T-1", minutes))["price"] for minutes in (40, 20, 1, 14, 1)]
    assert prices == [60, 60, 75, 75, 90]


async def test_hd_5_an_emergency_after_hours_is_consumed_at_twice_the_rate(shop: Vendor) -> None:
    await bought(shop, 10)
    await shop.move_clock("2025-03-04T12:00:00Z")
    await asked(shop, "T-1", facts={"emergency": True}, opened_at="2025-03-04T08:00:00Z")
    logged = await work(shop, "T-1", 60, occurred_at="2025-03-04T09:00:00Z")  # 17:00 to 18:00 in Perth
    assert [(part["seconds"], part["factor"]) for part in logged["work_line"]["parts"]] == [(1800, "1"), (1800, "2")]
    assert logged["price"] == 90
    await asked(shop, "T-2", opened_at="2025-03-04T08:00:00Z")
    plain = await work(shop, "T-2", 60, occurred_at="2025-03-04T09:00:00Z")
    assert plain["price"] == 60


async def test_hd_6_business_hours_leave_out_the_public_holidays_of_western_australia(shop: Vendor) -> None:
    ask = {"category": "work", "facts": {"emergency": True}}
    path = "/v1/policies/block-hours/price"
    for begin, minutes, price in (
        ("2025-03-03T04:00:00Z", 60, 120),  # Labour Day at noon
        ("2025-03-10T04:00:00Z", 60, 60),  # a holiday elsewhere, a working day here
        ("2025-03-07T09:29:00Z", 61, 121),  # a Friday, one minute before 17:30
        ("2025-03-08T04:00:00Z", 60, 120),  # a Saturday
        ("2025-03-04T00:00:00Z", 90, 90),  # from 8:00
    ):
        body = {**ask, "opened_at": begin, "work": [{"minutes": minutes}]}
        found = await shop.ok(await shop.post(path, body), 200)
        assert found["credits"] == -(-price // 15) * 15, begin


async def test_hd_7_the_double_rate_may_be_left_out_by_agreement(shop: Vendor) -> None:
    await bought(shop, 5)
    await shop.move_clock("2025-03-04T12:00:00Z")
    await asked(shop, "T-1", facts={"emergency": True, "loading_waived": True})
    assert (await work(shop, "T-1", 60))["price"] == 60


async def test_hd_8_care_plans_and_training_are_not_paid_by_block_hours(shop: Vendor) -> None:
    await bought(shop, 5)
    waits = await asked(shop, "T-1", facts={"request_kind": "training"})
    assert (waits["state"], waits["asks"]) == ("needs_facts", ["approved"])
    refused = await asked(shop, "T-2", facts={"request_kind": "care_plan", "approved": False})
    assert (refused["state"], codes(refused)) == ("rejected", ["not_from_block_hours"])
    served = await act(shop, "T-1", "details", facts={"approved": True})
    assert served["state"] == "in_progress"


async def test_hd_9_where_the_hours_do_not_suffice_another_block_is_offered(shop: Vendor) -> None:
    poor = await asked(shop, "T-0", customer="lee")
    assert poor["state"] == "awaiting_credits"
    assert [remedy["sku"] for remedy in poor["remedies"]] == ["block-5-hours", "block-10-hours", "block-20-hours"]
    await bought(shop, 5)
    await asked(shop, "T-1")
    await work(shop, "T-1", 300)
    refused = problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 5}), 409, "insufficient_credits")
    assert refused["remedies"][0]["sku"] == "block-5-hours"
    assert refused["reasons"][0]["message"] == "15 min are needed, 0 min are available."
    billed = await work(shop, "T-1", 5, billable=False, note="billed at the hourly rate")
    assert billed["price"] == 300


async def test_hd_10_blocks_are_not_refunded(shop: Vendor) -> None:
    await bought(shop, 5)
    lot = (await balance(shop, "kim"))["lots"][0]["lot_id"]
    quoted = await shop.ok(await shop.get(f"/v1/lots/{lot}/refund-quote"), 200)
    assert (quoted["basis"], quoted["decision"]["allowed"]) == ("none", False)


async def test_hd_11_travel_preparation_and_aftercare_count_as_work(shop: Vendor) -> None:
    await bought(shop, 10)
    await asked(shop, "T-1")
    kinds = ("work", "travel", "consultation", "preparation", "training", "aftercare")
    for kind in kinds:
        logged = await work(shop, "T-1", 30, kind=kind)
    assert (logged["price"], logged["work"]["totals"]["billable_minutes"]) == (180, 180)


async def test_hd_12_work_beyond_the_estimate_goes_on_once_the_customer_agrees(shop: Vendor) -> None:
    await bought(shop, 5)
    assert (await asked(shop, "T-1", "estimated"))["state"] == "awaiting_assessment"
    estimate = await act(shop, "T-1", "assessments", credits=120)
    assert (estimate["state"], estimate["work"]["asked_shown"]) == ("awaiting_confirmation", "2 h")
    await act(shop, "T-1", "assessments/1/confirmation", accept=True)
    await work(shop, "T-1", 120)
    refused = problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 30}), 409, "work_beyond_limit")
    assert refused["reasons"][0]["clause"] == "HD-12"
    more = await act(shop, "T-1", "assessments", credits=180, reason="the theme is older than it looked")
    await act(shop, "T-1", f"assessments/{more['number']}/confirmation", accept=True)
    assert (await work(shop, "T-1", 30))["price"] == 150
    done = await act(shop, "T-1", "resolution")
    assert (done["charge"]["net"], (await balance(shop, "kim"))["available"]) == (150, 150)


async def test_hd_13_a_project_is_quoted_and_changes_by_agreement(shop: Vendor) -> None:
    await bought(shop, 10)
    await asked(shop, "T-1", "project")
    await act(shop, "T-1", "assessments", credits=300)
    await act(shop, "T-1", "assessments/1/confirmation", accept=True)
    logged = await work(shop, "T-1", 420)
    assert (logged["price"], logged["charge"]["held"]) == (300, 300)
    wider = await act(shop, "T-1", "assessments", credits=400, reason="a wider scope")
    assert (wider["state"], wider["price"]) == ("awaiting_confirmation", 300)


async def test_hd_14_hours_are_used_at_any_rate(shop: Vendor) -> None:
    await bought(shop, 5)
    for number in (1, 2, 3):
        await asked(shop, f"T-{number}")
        await work(shop, f"T-{number}", 60)
        await act(shop, f"T-{number}", "resolution")
    assert (await balance(shop, "kim"))["shown"]["available"] == "2 h"
