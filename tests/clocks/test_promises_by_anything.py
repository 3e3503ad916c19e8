"""Promises that hold for some tickets only: by severity, in calendars of their own, with names of their own.

No shipped policy has them. The document is one of a vendor with office hours who answers critical
problems at any hour.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.documents.policy_document import dump
from app.usecases.tenants import tenants
from tests.support.api import OPERATOR_KEY, Vendor, client_of
from tests.tickets.desk import act, open_ticket, order, refused

FRIDAY = "2025-06-06T16:30:00Z"
CRITICAL = {"fact": "severity", "value": "critical"}
PROMISES: list[dict[str, Any]] = [
    {
        "milestone": "first_response",
        "when": CRITICAL,
        "calendar": "always",
        "target": "business_seconds:3600",
        "starts": "opened",
        "stops": ["vendor_response"],
        "clause": "XC-2",
        "warnings": [{"percent": 50}],
    },
    {
        "milestone": "first_response",
        "when": {"fact": "severity", "value": "high"},
        "target": "same_day:15:00",
        "starts": "opened",
        "stops": ["vendor_response"],
        "clause": "XC-2",
    },
    {
        "milestone": "first_response",
        "target": "business_days:1",
        "starts": "opened",
        "stops": ["vendor_response"],
        "clause": "XC-2",
    },
    {
        "milestone": "update",
        "when": CRITICAL,
        "calendar": "always",
        "target": "rolling:14400",
        "starts": "opened",
        "stops": ["resolved"],
        "clause": "XC-2",
    },
    {
        "milestone": "workaround",
        "target": "business_seconds:28800",
        "starts": "accepted",
        "stops": ["reached", "resolved"],
        "clause": "XC-2",
    },
    {
        "milestone": "next_reply",
        "target": "business_seconds:7200",
        "starts": "customer_reply",
        "stops": ["vendor_response"],
        "clause": "XC-2",
    },
]


def document(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(dump(tenants.templates()["x-cart"][0]))
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    found["facts"] = [
        *found.get("facts", []),
        {
            "fact": "severity",
            "title": "Severity",
            "clause": "XC-2",
            "type": "choice",
            "values": ["critical", "high", "low"],
        },
    ]
    found["service_hours"] = {
        "zone": "UTC",
        "clause": "XC-2",
        "weekly_hours": {day: [["09:00", "17:00"]] for day in days[:5]},
    }
    found["calendars"] = {
        "always": {"zone": "UTC", "clause": "XC-2", "weekly_hours": {day: [["00:00", "24:00"]] for day in days}}
    }
    found["promises"] = PROMISES
    return {**found, **changes}


@pytest_asyncio.fixture
async def shop(app: FastAPI) -> AsyncIterator[Vendor]:
    vendor = await under(app)
    yield vendor
    await vendor.close()


async def ticket(shop: Vendor, severity: str | None) -> dict[str, Any]:
    facts = {} if severity is None else {"severity": severity}
    return await open_ticket(shop, "ann", category="level_0", facts=facts)


async def now(shop: Vendor) -> str:
    return str((await shop.ok(await shop.get("/v1/clock")))["now"])


async def clocks(shop: Vendor, opened: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The clocks of a ticket that are not cancelled, by milestone."""
    shown = (await shop.ok(await shop.get(f"/v1/tickets/{opened['ticket_id']}")))["clocks"]
    found = {clock["milestone"]: clock for clock in shown if clock["phase"] != "cancelled"}
    assert len(found) == len([clock for clock in shown if clock["phase"] != "cancelled"])
    return found


@pytest.mark.parametrize(
    ("severity", "calendar", "due"),
    [
        ("critical", "always", "2025-06-06T17:30:00Z"),
        ("high", "service-hours", "2025-06-09T17:00:00Z"),
        ("low", "service-hours", "2025-06-09T16:30:00Z"),
        (None, "service-hours", "2025-06-09T16:30:00Z"),
    ],
)
async def test_the_first_promise_that_holds_is_given(
    shop: Vendor, severity: str | None, calendar: str, due: str
) -> None:
    found = await clocks(shop, await ticket(shop, severity))
    assert (found["first_response"]["calendar"], found["first_response"]["due_at"]) == (calendar, due)
    assert ("update" in found) == (severity == "critical")
    assert "next_reply" not in found


async def test_what_comes_before_the_hour_is_answered_on_the_same_day(shop: Vendor) -> None:
    for now, due in (
        ("2025-06-09T08:00:00Z", "2025-06-09T17:00:00Z"),
        ("2025-06-09T14:59:59Z", "2025-06-09T17:00:00Z"),
        ("2025-06-09T15:00:00Z", "2025-06-10T17:00:00Z"),
        ("2025-06-14T10:00:00Z", "2025-06-16T17:00:00Z"),
    ):
        await shop.move_clock(now)
        assert (await clocks(shop, await ticket(shop, "high")))["first_response"]["due_at"] == due


async def test_a_ticket_that_becomes_critical_is_owed_the_other_promise_with_the_time_already_used(
    shop: Vendor,
) -> None:
    opened = await ticket(shop, "low")
    await shop.move_clock("2025-06-06T17:10:00Z")
    await act(shop, opened, "details", {"facts": {"severity": "critical"}})
    found = await clocks(shop, opened)
    assert found["first_response"]["due_at"] == "2025-06-06T17:30:00Z", "an hour of the wall clock from the opening"
    assert found["first_response"]["calendar"] == "always"
    assert found["first_response"]["started_at"] == FRIDAY
    assert found["update"]["due_at"] == "2025-06-06T21:10:00Z"
    told = (await shop.ok(await shop.get(f"/v1/explain/clock/{found['first_response']['clock_id']}")))["trace"]
    assert any("another deadline holds" in step["summary"] for step in told)
    await shop.move_clock("2025-06-06T17:31:00Z")
    assert (await clocks(shop, opened))["first_response"]["outcome"] == "breached"


async def test_a_promise_already_missed_by_its_new_target_is_missed_from_now_on(shop: Vendor) -> None:
    opened = await ticket(shop, "low")
    await shop.move_clock("2025-06-09T09:30:00Z")
    await act(shop, opened, "details", {"facts": {"severity": "critical"}})
    await shop.move_clock("2025-06-09T09:31:00Z")
    (breach,) = (await clocks(shop, opened))["first_response"]["breaches"]
    assert (breach["due_at"], breach["at"]) == ("2025-06-06T17:30:00Z", "2025-06-09T09:30:00Z")


async def test_a_ticket_that_is_critical_no_more_goes_back(shop: Vendor) -> None:
    opened = await ticket(shop, "critical")
    await shop.move_clock("2025-06-06T16:40:00Z")
    await act(shop, opened, "details", {"facts": {"severity": "low"}})
    found = await clocks(shop, opened)
    assert (found["first_response"]["due_at"], "update" in found) == ("2025-06-09T16:30:00Z", False)
    await shop.move_clock("2025-06-06T18:00:00Z")
    assert (await clocks(shop, opened))["first_response"]["breaches"] == []


async def test_a_promise_that_was_given_up_is_owed_again_when_it_holds_again(shop: Vendor) -> None:
    opened = await ticket(shop, "critical")
    gone = (await clocks(shop, opened))["update"]["clock_id"]
    await shop.move_clock("2025-06-06T16:40:00Z")
    await act(shop, opened, "details", {"facts": {"severity": "low"}})
    why = await shop.ok(await shop.get(f"/v1/explain/clock/{gone}"))
    assert "Nothing is owed by it any more." in why["summary"]
    assert "this promise holds no more for the ticket" in why["trace"][-1]["summary"]
    await shop.move_clock("2025-06-06T18:00:00Z")
    await act(shop, opened, "details", {"facts": {"severity": "critical"}})
    assert (await clocks(shop, opened))["update"]["due_at"] == "2025-06-06T22:00:00Z"
    await act(shop, opened, "pauses", {"reason": document()["pause_reasons"][0]["reason"]})
    await act(shop, opened, "details", {"facts": {"severity": "low"}})
    await act(shop, opened, "details", {"facts": {"severity": "critical"}})
    assert {clock["phase"] for clock in (await clocks(shop, opened)).values()} == {"paused"}


async def test_what_was_answered_is_not_owed_again_when_a_promise_begins_to_hold(app: FastAPI) -> None:
    """A first response after the first response would be missed, and bring credits, with nothing left to do."""
    bring = {**PROMISES[0], "warnings": [], "breach_returns_credits": 20}
    shop = await under(app, now="2025-06-02T09:00:00Z", promises=[bring])
    opened = await ticket(shop, "low")
    await shop.move_clock("2025-06-02T09:10:00Z")
    await act(shop, opened, "responses", {"author": "vendor", "kind": "service"})
    await act(shop, opened, "details", {"facts": {"severity": "critical"}})
    own = await open_ticket(shop, "ann", category="level_0", facts={"severity": "low"}, opened_by="vendor")
    await act(shop, own, "details", {"facts": {"severity": "critical"}})
    await shop.move_clock("2025-06-03T09:00:00Z")
    assert (await clocks(shop, opened), await clocks(shop, own)) == ({}, {})
    assert await breach_lots(shop) == []
    await shop.close()


async def test_one_thing_missed_brings_its_credits_once_however_often_the_priority_changes(app: FastAPI) -> None:
    critical = {**PROMISES[0], "warnings": [], "breach_returns_credits": 20}
    other = {**PROMISES[2], "breach_returns_credits": 5}
    shop = await under(app, now="2025-06-02T09:00:00Z", promises=[critical, other])
    opened = await ticket(shop, "critical")
    await shop.move_clock("2025-06-02T11:00:00Z")
    for severity in ("low", "critical", "low", "critical", "low"):
        await act(shop, opened, "details", {"facts": {"severity": severity}})
        await shop.move_clock((datetime.fromisoformat(await now(shop)) + timedelta(minutes=5)).isoformat())
    await shop.move_clock("2025-06-05T09:00:00Z")
    assert [lot["granted"] for lot in await breach_lots(shop)] == [20]
    later = await ticket(shop, "low")
    await shop.move_clock("2025-06-09T09:00:00Z")
    await act(shop, later, "details", {"facts": {"severity": "critical"}})
    await shop.move_clock("2025-06-09T12:00:00Z")
    granted = sorted(lot["granted"] for lot in await breach_lots(shop))
    assert granted == [5, 15, 20], "the dearer promise brings what it brings more"
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    await shop.close()


async def test_a_pause_stays_when_another_promise_holds(shop: Vendor) -> None:
    opened = await ticket(shop, "low")
    reason = document()["pause_reasons"][0]["reason"]
    await act(shop, opened, "pauses", {"reason": reason})
    await act(shop, opened, "details", {"facts": {"severity": "critical"}})
    assert {clock["phase"] for clock in (await clocks(shop, opened)).values()} == {"paused"}
    await shop.move_clock("2025-06-06T20:30:00Z")
    await act(shop, opened, "resumptions", {})
    assert (await clocks(shop, opened))["first_response"]["due_at"] == "2025-06-06T21:30:00Z"


async def test_the_customers_oldest_unanswered_message_is_owed_a_reply(shop: Vendor) -> None:
    opened = await ticket(shop, "low")
    await act(shop, opened, "responses", {"author": "customer"})
    assert "next_reply" not in await clocks(shop, opened), "the first response is owed still"
    await act(shop, opened, "responses", {"author": "vendor"})
    await shop.move_clock("2025-06-09T10:00:00Z")
    await act(shop, opened, "responses", {"author": "customer"})
    await shop.move_clock("2025-06-09T11:00:00Z")
    await act(shop, opened, "responses", {"author": "customer"})
    assert (await clocks(shop, opened))["next_reply"]["due_at"] == "2025-06-09T12:00:00Z"
    await act(shop, opened, "responses", {"author": "vendor"})
    assert (await clocks(shop, opened))["next_reply"]["outcome"] == "met"
    await shop.move_clock("2025-06-10T09:00:00Z")
    await act(shop, opened, "responses", {"author": "customer"})
    again = (await clocks(shop, opened))["next_reply"]
    assert (again["phase"], again["cycle"], again["due_at"]) == ("running", 2, "2025-06-10T11:00:00Z")


async def test_a_milestone_of_the_vendors_own_is_reached_once(shop: Vendor) -> None:
    opened = await ticket(shop, "low")
    await shop.move_clock("2025-06-09T12:00:00Z")
    told = await act(shop, opened, "milestones", {"milestone": "workaround", "occurred_at": "2025-06-09T11:00:00Z"})
    assert [(row["milestone"], row["at"]) for row in told["milestones"]] == [("workaround", "2025-06-09T11:00:00Z")]
    clock = (await clocks(shop, opened))["workaround"]
    assert (clock["outcome"], clock["stopped_at"]) == ("met", "2025-06-09T11:00:00Z")
    for milestone in ("workaround", "first_response", "nothing"):
        told = await refused(shop, opened, "milestones", {"milestone": milestone})
        assert told["code"] == "milestone_not_running"
    trail = (await shop.ok(await shop.get(f"/v1/explain/ticket/{opened['ticket_id']}")))["trace"]
    assert any("this is reached: workaround" in step["summary"] for step in trail)


async def test_another_calendar_moves_only_its_own_clocks(shop: Vendor) -> None:
    critical, low = await ticket(shop, "critical"), await ticket(shop, "low")
    hours = {day: [["12:00", "13:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    body = {"effective_from": "2025-06-09", "weekly_hours": hours, "correction": True, "reason": "summer"}
    await shop.ok(await shop.post("/v1/calendars/service-hours/versions", body), 201)
    assert (await clocks(shop, critical))["first_response"]["due_at"] == "2025-06-06T17:30:00Z"
    assert (await clocks(shop, low))["first_response"]["due_at"] == "2025-06-09T13:00:00Z"


async def under(app: FastAPI, now: str = FRIDAY, **changes: Any) -> Vendor:
    """A tenant under the document with other promises."""
    tenant = f"t-{uuid.uuid4().hex[:10]}"
    body = {"policy": "x-cart", "document": document(**changes), "clock": {"mode": "virtual", "now": now}}
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/{tenant}", json=body)
        assert made.status_code == 201, made.text
        key = (await operator.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"], "label": "tests"})).json()[
            "key"
        ]
    vendor = Vendor(tenant, "x-cart", key, client_of(app, key), app)
    await order(vendor, "ann", "license")
    return vendor


async def test_a_promise_names_the_waits_at_which_it_stands(app: FastAPI) -> None:
    reason = document()["pause_reasons"][0]["reason"]
    stands = {**PROMISES[2], "paused_by": [reason]}
    goes_on = {**PROMISES[4], "milestone": "update", "target": "rolling:3600", "starts": "opened", "paused_by": []}
    shop = await under(app, promises=[stands, goes_on, PROMISES[4]])
    opened = await ticket(shop, None)
    await act(shop, opened, "pauses", {"reason": reason})
    phases = {name: clock["phase"] for name, clock in (await clocks(shop, opened)).items()}
    assert phases == {"first_response": "paused", "update": "running", "workaround": "paused"}
    await shop.move_clock("2025-06-09T09:31:00Z")
    assert (await clocks(shop, opened))["update"]["outcome"] == "breached"
    await shop.close()


async def test_an_escalation_names_who_is_to_be_notified(app: FastAPI) -> None:
    promise = {
        **PROMISES[2],
        "warnings": [{"percent": 50}, {"business_seconds_before": 1800, "notify": ["team lead"]}],
        "reminders": [
            {"business_seconds_after": 60, "notify": ["team lead", "manager"]},
            {"business_seconds_after": 3600, "notify": ["director"]},
        ],
    }
    shop = await under(app, promises=[promise])
    await ticket(shop, None)
    await shop.move_clock("2025-06-10T12:00:00Z")
    told = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    found = [
        (event["type"], event["data"].get("notify"))
        for event in told
        if event["type"] in ("clock.warned", "clock.reminded")
    ]
    assert found == [
        ("clock.warned", None),
        ("clock.warned", ["team lead"]),
        ("clock.reminded", ["team lead", "manager"]),
        ("clock.reminded", ["director"]),
    ]
    await shop.close()


async def test_breaches_bring_credits_by_priority_and_no_more_than_a_month_allows(app: FastAPI) -> None:
    cap = {"credits": 30, "per": "month", "clause": "XC-2"}
    critical = {**PROMISES[0], "warnings": [], "breach_returns_credits": 20, "breach_cap": cap}
    other = {**PROMISES[2], "breach_returns_credits": 5, "breach_cap": cap}
    shop = await under(app, now="2025-06-02T09:00:00Z", promises=[critical, other])
    for number, severity in enumerate(("low", "critical", "critical", "critical")):
        await ticket(shop, severity)
        await shop.move_clock(f"2025-06-{4 + number * 4:02d}T09:00:00Z")
    granted = [lot["granted"] for lot in await breach_lots(shop)]
    assert sorted(granted) == [5, 5, 20], "the third brings what is left of the month's 30, the fourth nothing"
    await shop.move_clock("2025-07-01T09:00:00Z")
    await ticket(shop, "critical")
    await shop.move_clock("2025-07-02T09:00:00Z")
    assert sorted(lot["granted"] for lot in await breach_lots(shop)) == [5, 5, 20, 20]
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
    await shop.close()


async def test_a_priority_is_made_of_impact_and_urgency_until_one_is_stated(app: FastAPI) -> None:
    levels = ["high", "low"]
    matrix = [
        {
            "priority": "p1",
            "title": "Priority 1",
            "when": {"all": [{"fact": "impact", "value": "high"}, {"fact": "urgency", "value": "high"}]},
        },
        {
            "priority": "p2",
            "title": "Priority 2",
            "when": {"any": [{"fact": "impact", "value": "high"}, {"fact": "urgency", "value": "high"}]},
        },
        {"priority": "p3", "title": "Priority 3", "when": {"fact": "impact", "op": "known"}},
    ]
    facts = [
        {"fact": name, "title": name, "clause": "XC-2", "type": "choice", "values": levels}
        for name in ("impact", "urgency")
    ]
    first = {**PROMISES[0], "when": {"fact": "ticket.priority", "value": "p1"}, "warnings": []}
    base = document()["facts"]
    shop = await under(app, priorities=matrix, facts=[*base, *facts], promises=[first, PROMISES[2]])
    opened = await open_ticket(shop, "ann", category="level_0", facts={"impact": "low", "urgency": "high"})
    assert opened["priority"] == "p2"
    told = await act(shop, opened, "details", {"facts": {"impact": "high"}})
    assert told["priority"] == "p1"
    assert (await clocks(shop, opened))["first_response"]["due_at"] == "2025-06-06T17:30:00Z"
    told = await act(shop, opened, "details", {"priority": "p3"})
    assert told["priority"] == "p3"
    assert (await clocks(shop, opened))["first_response"]["due_at"] == "2025-06-09T16:30:00Z"
    assert (await open_ticket(shop, "ann", category="level_0"))["priority"] is None
    wrong = [{**matrix[2], "when": {"fact": "cover.active", "value": True}}]
    body = {"document": document(priorities=wrong, promises=[PROMISES[2]])}
    told = await shop.ok(await shop.post("/v1/policies/validate", body))
    assert "fact_of_the_account" in {problem["code"] for problem in told["problems"]}
    await shop.close()


async def breach_lots(shop: Vendor) -> list[dict[str, Any]]:
    shown = await shop.ok(await shop.get("/v1/customers/ann"))
    return [lot for lot in shown["lots"] if lot["source"] == "breach"]


def faulty(**changes: Any) -> list[dict[str, Any]]:
    return [{**PROMISES[0], **changes}, PROMISES[2]]


@pytest.mark.parametrize(
    ("promises", "code"),
    [
        ([PROMISES[2], PROMISES[0]], "unreachable_promise"),
        ([PROMISES[2], PROMISES[2]], "unreachable_promise"),
        (faulty(calendar="nights"), "unknown_calendar"),
        (faulty(when={"fact": "severity", "value": "urgent"}), "bad_comparison"),
        (faulty(when={"fact": "urgency", "value": "urgent"}), "unknown_fact"),
        (faulty(target="same_day:25:00"), "bad_target"),
        (faulty(milestone="First response"), "bad_name"),
        (faulty(paused_by=["tea"]), "unknown_reason"),
        (
            faulty(breach_returns_credits=5, breach_cap={"credits": 4, "per": "month", "clause": "XC-2"}),
            "cap_below_breach",
        ),
        (faulty(breach_cap={"credits": 4, "per": "year", "clause": "XC-2"}), "cap_of_nothing"),
        ([PROMISES[0], {**PROMISES[2], "starts": "accepted"}], "milestone_starts_twice"),
        ([PROMISES[0], {**PROMISES[1], "when": {"fact": "ticket.channel", "value": "phone"}}], "promises_overlap"),
    ],
)
async def test_a_check_names_what_is_wrong(shop: Vendor, promises: list[dict[str, Any]], code: str) -> None:
    told = await shop.ok(await shop.post("/v1/policies/validate", {"document": document(promises=promises)}))
    found = {problem["code"] for problem in told["problems"]}
    assert code in found, told["problems"]


async def test_the_policy_shows_its_promises(shop: Vendor) -> None:
    shown = (await shop.ok(await shop.get("/v1/policies/x-cart")))["milestones"]
    assert [(row["milestone"], row["calendar"], row["applies"]) for row in shown[:3]] == [
        ("first_response", "always", "severity is critical"),
        ("first_response", "service-hours", "severity is high"),
        ("first_response", "service-hours", None),
    ]
