"""Windows, exact at their edges: a ticket that counts no more the instant its window has gone by."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.counts.shop import ask, counting, counts_of, done, licensed


async def test_three_in_any_365_days(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    for number, day in enumerate(("01-04", "02-10", "03-20"), 1):
        served = await ask(shop, f"T-{number}", at=f"2026-{day}T10:00:00Z")
        assert served["state"] == "in_progress"
        await done(shop, f"T-{number}")
    fourth = await ask(shop, "T-4", at="2026-12-01T10:00:00Z")
    assert (fourth["state"], fourth["reasons"][0]["code"]) == ("rejected", "incidents_used_up")
    assert fourth["reasons"][0]["message"] == "3 of 3 incidents were used."
    assert counts_of(fourth) == {
        "count": "incidents",
        "used": 3,
        "most": 3,
        "since": "2026-01-04T10:00:00Z",
        "next_at": "2027-01-04T10:00:00Z",
    }
    assert fourth["reasons"][0]["would_change"] == "waiting until 4 January 2027, 11:00 CET"
    assert fourth["remedies"] == [
        {
            "kind": "wait",
            "text": "3 of 3 incidents are used since 4 January 2026; the next is free on 4 January 2027, 11:00 CET.",
            "helps_at": "2027-01-04T10:00:00Z",
        }
    ]
    early = await ask(shop, "T-5", at="2027-01-04T09:59:59Z")
    assert early["state"] == "rejected"  # a ticket that was rejected counts for nothing
    served = await ask(shop, "T-6", at="2027-01-04T10:00:00Z")
    assert served["state"] == "in_progress"
    again = await ask(shop, "T-7")
    assert counts_of(again)["next_at"] == "2027-02-10T10:00:00Z"


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("2026-01-31T22:59:59Z", "2026-01-31T23:00:00Z"),  # winter: midnight in Berlin is 23:00 UTC
        ("2026-03-31T21:59:59Z", "2026-03-31T22:00:00Z"),  # the clocks went forward on the 29th
        ("2026-10-31T22:59:59Z", "2026-10-31T23:00:00Z"),  # and back on the 25th
    ],
)
async def test_a_month_ends_at_midnight_in_the_policys_zone(
    app: FastAPI, api: httpx.AsyncClient, last: str, first: str
) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1", "question", channel="phone", at=f"{last[:8]}10T08:00:00Z")
    await ask(shop, "T-2", "question", channel="phone", customer="ann", at=last)
    third = await ask(shop, "T-3", "question", channel="phone", customer="ann")
    assert [reason["code"] for reason in third["reasons"]] == ["calls_used_up", "too_many_open"]
    assert counts_of(third)["next_at"] == first
    await done(shop, "T-1")
    served = await ask(shop, "T-4", "question", channel="phone", at=first)
    assert served["state"] == "in_progress"


async def test_one_a_quarter_for_each_license(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    one, other = await licensed(shop, units=2)
    assert (await ask(shop, "T-1", "visit", license_id=one, at="2026-03-31T21:59:59Z"))["state"] == "in_progress"
    assert (await ask(shop, "T-2", "visit", license_id=other))["state"] == "in_progress"
    refused = await ask(shop, "T-3", "visit", license_id=one)
    assert (refused["state"], counts_of(refused)["next_at"]) == ("rejected", "2026-03-31T22:00:00Z")
    assert (await ask(shop, "T-4", "visit", license_id=one, at="2026-03-31T22:00:00Z"))["state"] == "in_progress"


async def test_two_in_a_period_of_cover(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await licensed(shop)
    renewal = {"line_id": "1", "sku": "year", "quantity": 1}
    body = {"customer_id": "ann", "placed_at": "2026-01-01T09:00:00Z", "currency": "EUR", "lines": [renewal]}
    await shop.ok(await shop.put("/v1/orders/o2", body))
    await ask(shop, "T-1", "review", at="2026-02-01T00:00:00Z")
    await ask(shop, "T-2", "review", at="2026-12-31T00:00:00Z")
    refused = await ask(shop, "T-3", "review", at="2027-01-01T08:59:59Z")
    assert counts_of(refused) == {
        "count": "reviews",
        "used": 2,
        "most": 2,
        "since": "2026-01-01T09:00:00Z",
        "next_at": "2027-01-01T09:00:00Z",
    }
    assert (await ask(shop, "T-4", "review", at="2027-01-01T09:00:00Z"))["state"] == "in_progress"


async def test_hours_of_a_month_by_the_begin_of_each_line(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1", "work", at="2026-01-30T10:00:00Z")
    line = {"minutes": 90, "occurred_at": "2026-01-30T10:00:00Z"}
    await shop.ok(await shop.post("/v1/tickets/T-1/work", line))
    await shop.move_clock("2026-02-02T10:00:00Z")
    await shop.ok(await shop.post("/v1/tickets/T-1/work", {"minutes": 119, "occurred_at": "2026-02-02T08:00:00Z"}))
    assert (await ask(shop, "T-2", "work"))["state"] == "in_progress"  # 119 minutes of February
    await shop.ok(await shop.post("/v1/tickets/T-2/work", {"minutes": 1}))
    refused = await ask(shop, "T-3", "work")
    assert refused["remedies"][0]["text"] == (
        "2 h of 2 h of work are used since 1 February 2026; the next is free on 1 March 2026."
    )
    corrected = {"minutes": 0, "corrects": 2}
    await shop.ok(await shop.post("/v1/tickets/T-1/work", corrected))
    assert (await ask(shop, "T-4", "work"))["state"] == "in_progress"


async def test_what_is_told_late_counts_when_it_was(app: FastAPI, api: httpx.AsyncClient) -> None:
    """Three in any 365 days holds for every stretch of them, also one that ends later than the ticket told late."""
    shop = await counting(app, api)
    for number, day in enumerate(("03-10", "03-20", "03-25"), 1):
        await ask(shop, f"T-{number}", at=f"2026-{day}T10:00:00Z")
    late = await ask(shop, "T-4", opened_at="2026-03-08T10:00:00Z")
    assert (late["state"], counts_of(late)["used"]) == ("rejected", 3)
    await done(shop, "T-1", "software_bug")
    late = await ask(shop, "T-5", opened_at="2026-03-08T10:00:00Z")
    assert late["state"] == "in_progress"
    assert counts_of(await ask(shop, "T-6", at="2026-04-01T00:00:00Z"))["since"] == "2026-03-08T10:00:00Z"
