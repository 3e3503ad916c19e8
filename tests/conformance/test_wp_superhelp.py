"""WP SuperHelp's subscriptions, an example document: hours each month, and a bank with a bound for yearly ones.

Each test is named by the clause that it keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from tests.conformance.steps import a_ticket, act, an_order, balance, codes
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "wp-superhelp.yaml"
NEW_YEAR = "2025-01-31T18:00:00Z"
"""10:00 in Los Angeles."""


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=NEW_YEAR)
    yield made
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []
    await made.close()


async def left(shop: Vendor, at: str) -> int:
    """Minutes at an instant."""
    await shop.move_clock(at)
    return int((await balance(shop, "kim"))["available"])


async def test_wps_1_a_subscription_has_minutes_of_work_each_month(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "yearly-120")
    assert (await balance(shop, "kim"))["shown"]["available"] == "2 h"
    assert await left(shop, "2025-02-28T18:00:00Z") == 240
    await shop.move_clock("2026-01-31T18:00:00Z")
    order = await shop.ok(await shop.get("/v1/orders/o1"))
    assert [row["intervals_granted"] for row in order["recurring_grants"]] == [12]
    refused = await a_ticket(shop, "T-1", "lee", category="work")
    assert (refused["state"], codes(refused)) == ("rejected", ["not_subscribed"])


async def test_wps_2_minutes_of_a_monthly_subscription_end_with_the_month(shop: Vendor) -> None:
    made = await an_order(shop, "o1", "kim", NEW_YEAR, "monthly-120")
    assert [lot["expires_at"] for lot in made["lots"]] == ["2025-02-28T18:00:00Z"]
    await shop.move_clock("2025-02-27T00:00:00Z")
    await an_order(shop, "o2", "kim", "2025-02-27T00:00:00Z", "monthly-120")
    assert await left(shop, "2025-02-28T17:59:59Z") == 120
    assert await left(shop, "2025-02-28T18:00:00Z") == 120
    assert await left(shop, "2025-03-28T17:00:00Z") == 0


async def test_wps_3_unused_minutes_of_a_year_go_into_a_bank_of_four_hours(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "yearly-120")
    seen = [await left(shop, f"2025-{month:02}-28T19:00:00Z") for month in (2, 4, 5, 6)]
    assert seen == [240, 360, 360, 360]  # 240 in the bank, and the month's 120


async def test_wps_4_what_does_not_fit_is_lost_and_said(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "yearly-120")
    await shop.move_clock("2025-05-01T00:00:00Z")
    statement = await shop.ok(await shop.get("/v1/customers/kim/statement"))
    lost = [row for row in statement["balance_modifications"] if row["credits"] < 0]
    assert [(row["credits"], row["clause"]) for row in lost] == [(-120, "WPS-4")]


async def test_wps_5_a_year_goes_on_from_a_month(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "monthly-120")
    await shop.move_clock("2025-02-10T00:00:00Z")
    year = await an_order(shop, "o2", "kim", "2025-02-10T00:00:00Z", "yearly-120")
    assert [cover["starts_at"] for cover in year["covers"]] == ["2025-02-28T18:00:00Z"]
    assert await left(shop, "2025-02-28T18:00:00Z") == 120
    assert await left(shop, "2025-03-28T17:00:00Z") == 240


async def test_wps_6_updates_take_no_minutes(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "yearly-120")
    ticket = await a_ticket(shop, "T-1", "kim", category="update")
    assert (ticket["state"], ticket["price"]) == ("in_progress", 0)
    await act(shop, "T-1", "resolution", outcome="done")
    assert (await balance(shop, "kim"))["available"] == 120


async def test_wps_7_a_theme_is_updated_with_the_minutes(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "yearly-120")
    await shop.move_clock("2025-02-28T18:00:00Z")
    await a_ticket(shop, "T-1", "kim", category="theme")
    await act(shop, "T-1", "work", minutes=50)
    await act(shop, "T-1", "resolution", outcome="done")
    lots = (await balance(shop, "kim"))["lots"]
    assert [(lot["interval"], lot["available"]) for lot in lots] == [(1, 70), (2, 120)]  # the bank first


async def test_wps_8_a_repair_is_asked_for_on_its_own(shop: Vendor) -> None:
    await an_order(shop, "o1", "kim", NEW_YEAR, "yearly-120")
    ticket = await a_ticket(shop, "T-1", "kim", category="repair")
    assert (ticket["state"], ticket["price"]) == ("awaiting_assessment", None)
