"""HiveMQ's Basic and Extended Support, an example document: four priorities, and any hour by telephone.

Each test is named by the clause that it keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.conformance.steps import act, codes
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = Path(__file__).parents[2] / "docs" / "examples" / "hivemq.yaml"
THURSDAY = "2025-06-12T15:00:00Z"
"""17:00 in Munich, an hour before the end of Basic Support hours; the next Thursday is Corpus Christi, a holiday."""


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> Any:
    """A tenant under the document, with a customer of each plan."""
    made = await vendor_under(app, api, DOCUMENT.read_text(encoding="utf-8"), now=THURSDAY)
    for plan in ("basic", "extended"):
        line = {"line_id": "1", "sku": f"{plan}-support", "quantity": 1}
        body = {"customer_id": plan, "placed_at": THURSDAY, "currency": "EUR", "lines": [line]}
        await made.ok(await made.put(f"/v1/orders/o-{plan}", body), 201)
    yield made
    await made.close()


async def opened(shop: Vendor, plan: str, priority: str | None, **more: Any) -> Any:
    body = {"customer_id": plan, "subject": "Clients cannot connect", "channel": "email", **more}
    if priority is not None:
        body["priority"] = priority
    return await shop.ok(await shop.put(f"/v1/tickets/{plan}-{priority}", body), 201)


async def due(shop: Vendor, plan: str, priority: str | None, **more: Any) -> tuple[str, str]:
    """When the first response is due, and by which clause."""
    (clock,) = (await opened(shop, plan, priority, **more))["clocks"]
    return clock["due_at"], clock["clause"]


async def test_hmq_1_support_is_given_while_the_contract_runs(shop: Vendor) -> None:
    assert (await opened(shop, "basic", "p3"))["paid_by"] == "cover"
    await shop.move_clock("2026-06-12T15:00:00Z")
    late = await opened(shop, "extended", "p3")
    assert (late["state"], codes(late)) == ("rejected", ["no_contract"])


async def test_hmq_2_basic_hours_leave_out_the_holidays_of_bavaria(shop: Vendor) -> None:
    hours = "/v1/calendars/service-hours/open"
    for at, is_open in (
        ("2025-06-12T15:59:59Z", True),
        ("2025-06-12T16:00:00Z", False),
        ("2025-06-19T10:00:00Z", False),
    ):
        assert (await shop.ok(await shop.get(hours, at=at)))["open"] is is_open


async def test_hmq_3_extended_hours_are_every_hour(shop: Vendor) -> None:
    for at in ("2025-06-15T02:00:00Z", "2025-12-25T12:00:00Z"):
        assert (await shop.ok(await shop.get("/v1/calendars/any-hour/open", at=at)))["open"]


@pytest.mark.parametrize(
    ("channel", "at", "clause"),
    [("phone", "2025-06-12T19:00:00Z", "HMQ-4"), ("email", "2025-06-13T10:00:00Z", "HMQ-6")],
)
async def test_hmq_4_priority_1_by_telephone_counts_at_any_hour(
    shop: Vendor, channel: str, at: str, clause: str
) -> None:
    assert await due(shop, "extended", "p1", channel=channel, facts={"production": True}) == (at, clause)


async def test_hmq_5_basic_support_responds_within_1_2_3_and_5_days(shop: Vendor) -> None:
    assert await due(shop, "basic", "p1", channel="phone", facts={"production": True}) == (
        "2025-06-13T15:00:00Z",
        "HMQ-5",
    )
    assert (await due(shop, "basic", "p2"))[0] == "2025-06-16T15:00:00Z"
    assert await due(shop, "basic", "p3") == ("2025-06-17T15:00:00Z", "HMQ-5")
    assert (await due(shop, "basic", "p4"))[0] == "2025-06-20T15:00:00Z", "over the holiday"


async def test_hmq_6_extended_support_responds_within_4_hours_1_and_2_days(shop: Vendor) -> None:
    for priority, at in (
        ("p2", "2025-06-13T10:00:00Z"),
        ("p3", "2025-06-13T15:00:00Z"),
        ("p4", "2025-06-16T15:00:00Z"),
    ):
        assert await due(shop, "extended", priority, channel="phone") == (at, "HMQ-6")


async def test_hmq_7_a_day_is_the_same_time_on_the_next_day_of_support(shop: Vendor) -> None:
    await shop.move_clock("2025-06-14T10:00:00Z")
    assert await due(shop, "basic", None) == ("2025-06-24T07:00:00Z", "HMQ-7"), "from Monday 9:00, over the holiday"


async def test_hmq_8_what_becomes_priority_1_is_owed_four_hours_from_its_beginning(shop: Vendor) -> None:
    case = await opened(shop, "extended", "p3", channel="phone")
    await shop.move_clock("2025-06-12T17:30:00Z")
    told = await act(shop, case["ticket_id"], "details", priority="p1", facts={"production": True})
    (clock,) = [clock for clock in told["clocks"] if clock["phase"] == "running"]
    assert (clock["due_at"], clock["clause"]) == ("2025-06-12T19:00:00Z", "HMQ-4")


async def test_hmq_9_outside_of_production_priority_1_is_served_as_priority_2(shop: Vendor) -> None:
    test_system = {"production": False}
    assert await due(shop, "basic", "p1", facts=test_system) == ("2025-06-16T15:00:00Z", "HMQ-9")
    assert await due(shop, "extended", "p1", channel="phone", facts=test_system) == ("2025-06-13T10:00:00Z", "HMQ-6")


async def test_hmq_10_a_priority_is_one_of_four(shop: Vendor) -> None:
    body = {"customer_id": "basic", "subject": "A question", "priority": "urgent"}
    refused = await shop.put("/v1/tickets/T", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_priority")
    assert refused.json()["facts"]["known"] == ["p1", "p2", "p3", "p4"]
