"""Edges of clocks: pauses without work, nothing left, corrected calendars, nights, and by how much a clock is late."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import FastAPI

from tests.clocks.promises import FIRST, NINE_TO_FIVE, SOLVED, a_policy, a_ticket, a_vendor, act, clock_of, told

Api = httpx.AsyncClient
VERSIONS = "/v1/calendars/service-hours/versions"
DAY = {**FIRST, "target": "business_days:1"}


@pytest.mark.parametrize(
    ("since", "until"),
    [("2025-03-03T17:00:00Z", "2025-03-04T09:00:00Z"), ("2025-03-03T18:00:00Z", "2025-03-03T18:30:00Z")],
)
async def test_a_pause_without_a_business_second_moves_nothing(app: FastAPI, api: Api, since: str, until: str) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED, DAY))
    await a_ticket(one)
    before = [await clock_of(one), await clock_of(one, milestone="resolution")]
    assert [each["due_at"] for each in before] == ["2025-03-04T09:00:00Z", "2025-03-03T17:00:00Z"]
    await one.move_clock(since)
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock(until)
    await act(one, "resumptions")
    after = [await clock_of(one), await clock_of(one, milestone="resolution")]
    assert [each["due_at"] for each in after] == [each["due_at"] for each in before]


@pytest.mark.parametrize(
    ("resumed", "due"),
    [
        ("2025-03-05T12:00:00Z", "2025-03-06T09:00:00Z"),
        ("2025-03-05T20:00:00Z", "2025-03-06T09:00:00Z"),
        ("2025-03-07T16:59:59Z", "2025-03-10T09:00:00Z"),
    ],
)
async def test_days_with_nothing_left_are_due_at_the_next_opening(
    app: FastAPI, api: Api, resumed: str, due: str
) -> None:
    one = await a_vendor(app, api, a_policy(DAY), now="2025-03-02T12:00:00Z")  # a Sunday: due Tuesday at nine
    await a_ticket(one)
    assert (await clock_of(one))["due_at"] == "2025-03-04T09:00:00Z"
    await one.move_clock("2025-03-03T18:00:00Z")
    await act(one, "pauses", {"reason": "asked"})
    assert (await clock_of(one))["remaining_business_seconds"] == 0
    await one.move_clock(resumed)
    await act(one, "resumptions")
    clock = await clock_of(one)
    assert (clock["due_at"], clock["outcome"]) == (due, "open")


async def test_seconds_with_nothing_left_are_due_at_the_resumption(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    await one.move_clock("2025-03-03T13:00:00Z")
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-03T15:00:00Z")
    await act(one, "resumptions")
    assert (await clock_of(one))["due_at"] == "2025-03-03T15:00:00Z"


async def test_a_forgotten_holiday_takes_its_breach_back_and_the_next_is_told(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED), now="2025-05-02T13:00:00Z")  # Friday 14:00 in London
    await a_ticket(one)
    assert (await clock_of(one, milestone="resolution"))["due_at"] == "2025-05-05T13:00:00Z"
    await one.move_clock("2025-05-05T15:00:00Z")
    correction = {
        "effective_from": "2000-01-01",
        "exceptions": [{"date": "2025-05-05", "kind": "closed", "name": "Early May bank holiday"}],
        "correction": True,
        "reason": "forgotten",
    }
    await one.ok(await one.post(VERSIONS, correction), 201)
    clock = await clock_of(one, milestone="resolution")
    assert (clock["outcome"], clock["due_at"]) == ("open", "2025-05-06T13:00:00Z")
    assert clock["breaches"][0]["retracted_at"] == "2025-05-05T15:00:00Z"
    await one.move_clock("2025-05-06T14:00:00Z")
    again = await clock_of(one, milestone="resolution")
    assert (again["outcome"], len(again["breaches"])) == ("breached", 2)
    assert again["breaches"][0]["due_at"] == "2025-05-06T13:00:00Z", "those that stand come first"
    due = [each["data"]["due_at"] for each in await told(one, "clock.breached")]
    assert due == ["2025-05-05T13:00:00Z", "2025-05-06T13:00:00Z"]
    assert len(await told(one, "clock.breach_retracted")) == 1


async def test_a_forgotten_holiday_owes_no_answer_of_its_day(app: FastAPI, api: Api) -> None:
    daily = {
        **FIRST,
        "milestone": "each_business_day",
        "target": "each_business_day",
        "starts": "accepted",
        "stops": ["resolved"],
    }
    one = await a_vendor(app, api, a_policy(daily), now="2025-05-02T13:00:00Z")
    await a_ticket(one)
    await one.move_clock("2025-05-06T08:00:00Z")
    assert (await clock_of(one, milestone="each_business_day"))["outcome"] == "breached"
    correction = {
        "effective_from": "2000-01-01",
        "exceptions": [{"date": "2025-05-05", "kind": "closed", "name": "Early May bank holiday"}],
        "correction": True,
        "reason": "forgotten",
    }
    await one.ok(await one.post(VERSIONS, correction), 201)
    clock = await clock_of(one, milestone="each_business_day")
    assert (clock["outcome"], clock["due_at"]) == ("open", "2025-05-06T16:00:00Z")
    assert [each["retracted_at"] for each in clock["breaches"]] == ["2025-05-06T08:00:00Z"]


async def test_a_night_shift_is_one_business_day_unless_a_version_says_otherwise(app: FastAPI, api: Api) -> None:
    nights = {day: [["22:00", "06:00"]] for day in NINE_TO_FIVE}
    hours = {"zone": "Europe/London", "clause": "P-6", "weekly_hours": nights}
    daily = {
        **FIRST,
        "milestone": "each_business_day",
        "target": "each_business_day",
        "starts": "accepted",
        "stops": ["resolved"],
    }
    document = a_policy(daily, service_hours=hours)
    one = await a_vendor(app, api, document, now="2025-03-07T22:30:00Z")  # Friday
    (version,) = (await one.ok(await one.get(VERSIONS)))["data"]
    assert version["whole_shifts"] is True
    assert version["weekly_hours"]["sat"] == [["00:00", "06:00"]]
    await a_ticket(one)
    await one.move_clock("2025-03-08T07:00:00Z")
    clock = await clock_of(one, milestone="each_business_day")
    assert (clock["outcome"], clock["due_at"]) == ("open", "2025-03-11T06:00:00Z")
    due = await one.ok(
        await one.get("/v1/calendars/service-hours/due?from=2025-03-07T23:00:00Z&target=business_days:1:close")
    )
    assert (due["due_at"], due["business_date"]) == ("2025-03-11T06:00:00Z", "2025-03-10")
    by_date = {"effective_from": "2025-04-01", "weekly_hours": nights, "whole_shifts": False}
    made = await one.ok(await one.post(VERSIONS, by_date), 201)
    assert made["whole_shifts"] is False
    split = await one.ok(
        await one.get("/v1/calendars/service-hours/due?from=2025-04-04T22:00:00Z&target=business_days:1:close")
    )
    assert split["business_date"] == "2025-04-05"


@pytest.mark.parametrize(
    "hours", [{"mon": [["22:00", "06:00"]], "tue": [["05:00", "12:00"]]}, {"mon": [["09:00", "09:00"]]}]
)
async def test_nights_that_overlap_the_next_day_are_named(
    app: FastAPI, api: Api, hours: dict[str, list[list[str]]]
) -> None:
    document = a_policy(FIRST, service_hours={"zone": "Europe/London", "clause": "P-6", "weekly_hours": hours})
    one = await a_vendor(app, api, a_policy(FIRST))
    found = await one.ok(await one.post("/v1/policies/validate", {"document": json.dumps(document)}))
    assert found["valid"] is False
    wrong = {each["code"] for each in found["problems"] if each["severity"] == "error"}
    assert wrong in ({"overlapping_hours"}, {"bad_hours"})


async def test_overdue_says_by_how_much_and_leaves_pauses_out(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    await one.move_clock("2025-03-03T13:00:00Z")
    assert (await clock_of(one))["overdue_business_seconds"] is None
    await one.move_clock("2025-03-03T14:00:00Z")
    assert (await clock_of(one))["overdue_business_seconds"] == 3600
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-04T10:00:00Z")
    assert (await clock_of(one))["overdue_business_seconds"] == 3600
    await act(one, "resumptions")
    await one.move_clock("2025-03-04T10:30:00Z")
    assert (await clock_of(one))["overdue_business_seconds"] == 5400
    await act(one, "responses", {"author": "vendor"})
    await one.move_clock("2025-03-05T12:00:00Z")
    stopped = await clock_of(one)
    assert (stopped["outcome"], stopped["overdue_business_seconds"]) == ("breached", 5400)
