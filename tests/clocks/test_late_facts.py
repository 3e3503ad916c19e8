"""Facts told later than they happened: every verb takes ``occurred_at``, a ticket ``opened_at``.

Clocks and cover are judged as of then; credits move when it is told.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.clocks.promises import FIRST, SOLVED, a_policy, a_ticket, a_vendor, act, clock_of, points, told
from tests.conftest import MakeVendor
from tests.support.graphql import do

Api = httpx.AsyncClient


async def test_a_solution_in_time_that_is_told_late_meets_its_promise(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED))
    await a_ticket(one)
    await one.move_clock("2025-03-03T17:30:00Z")
    assert (await clock_of(one, milestone="resolution"))["outcome"] == "breached"
    done = await act(one, "resolution", {"outcome": "answered", "occurred_at": "2025-03-03T16:55:00Z"})
    assert (done["resolved_at"], done["closed_at"]) == ("2025-03-03T16:55:00Z", "2025-03-03T16:55:00Z")
    clock = await clock_of(one, milestone="resolution")
    assert (clock["outcome"], clock["stopped_at"]) == ("met", "2025-03-03T16:55:00Z")
    assert clock["breaches"][0]["retracted_at"] == "2025-03-03T17:30:00Z"
    assert len(await told(one, "clock.breach_retracted")) == 1
    (resolved,) = await told(one, "ticket.resolved")
    assert resolved["occurred_at"] == "2025-03-03T16:55:00Z"


async def test_a_solution_that_was_late_and_is_told_later_stays_missed(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED))
    await a_ticket(one)
    await one.move_clock("2025-03-05T12:00:00Z")
    await act(one, "resolution", {"outcome": "answered", "occurred_at": "2025-03-04T09:00:01Z"})
    clock = await clock_of(one, milestone="resolution")
    assert (clock["outcome"], clock["breaches"][0]["retracted_at"]) == ("breached", None)


async def test_a_pause_and_its_end_that_are_told_late_take_a_breach_back(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    await one.move_clock("2025-03-03T14:00:00Z")
    assert (await clock_of(one))["outcome"] == "breached"
    paused = await act(one, "pauses", {"reason": "asked", "occurred_at": "2025-03-03T10:00:00Z"})
    assert paused["pauses"][0]["started_at"] == "2025-03-03T10:00:00Z"
    frozen = await clock_of(one)
    assert (frozen["outcome"], frozen["remaining_business_seconds"]) == ("open", 3 * 3600)
    await act(one, "resumptions", {"occurred_at": "2025-03-03T10:30:00Z"})
    again = await clock_of(one)
    assert (again["outcome"], again["due_at"]) == ("breached", "2025-03-03T13:30:00Z")
    assert [each["retracted_at"] is None for each in again["breaches"]] == [True, False]
    assert [each["data"]["breach_id"][-2:] for each in await told(one, "clock.breached")] == [":-", ":2"]


async def test_a_pause_that_is_told_after_the_answer_still_counts(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    await one.move_clock("2025-03-03T14:00:00Z")
    await act(one, "responses", {"author": "vendor"})
    assert (await clock_of(one))["outcome"] == "breached"
    await act(one, "pauses", {"reason": "storm", "occurred_at": "2025-03-03T10:00:00Z"})
    await act(one, "resumptions", {"occurred_at": "2025-03-03T12:00:00Z"})
    clock = await clock_of(one)
    assert (clock["outcome"], clock["due_at"]) == ("met", "2025-03-03T15:00:00Z")


async def test_an_acceptance_that_is_told_late_is_judged_as_of_then(vendor: MakeVendor) -> None:
    one = await vendor("shopp", now="2025-03-03T15:00:00Z")  # Monday 10:00 in New York
    lines = [
        {"line_id": "1", "sku": "license", "quantity": 1},
        {"line_id": "2", "sku": "credit-priority", "quantity": 1},
    ]
    order = {"customer_id": "ann", "placed_at": "2025-03-03T15:00:00Z", "currency": "USD", "lines": lines}
    made = await one.ok(await one.put("/v1/orders/O1", order), 201)
    facts = {
        "official": True,
        "modified": False,
        "current_release": True,
        "request_kind": "diagnosis",
        "single_issue": True,
        "clear_description": True,
        "backup": "done",
    }
    license_id = made["licenses"][0]["license_id"]
    await one.ok(await one.post(f"/v1/licenses/{license_id}/registration", {"domain": "ann.example"}))
    await a_ticket(one, category=None, language="en", facts=facts, credit_type="priority", license_id=license_id)
    await one.move_clock("2025-03-05T20:00:00Z")  # Wednesday 15:00; due Tuesday 17:00
    assert (await clock_of(one))["outcome"] == "breached"
    body = {"decision": "accept", "note": "fine", "occurred_at": "2025-03-04T20:00:00Z"}
    taken = await act(one, "qualification", body)
    assert taken["accepted_at"] == "2025-03-04T20:00:00Z"
    assert (await clock_of(one))["outcome"] == "met"
    daily = await clock_of(one, milestone="each_business_day")
    assert (daily["started_at"], daily["due_at"]) == ("2025-03-04T20:00:00Z", "2025-03-05T22:00:00Z")
    early = await one.post("/v1/tickets/T1/responses", {"author": "vendor", "occurred_at": "2025-03-03T14:00:00Z"})
    assert (early.status_code, early.json()["code"]) == (422, "occurred_before_opening")
    asked = await act(one, "access-requests", {"kinds": ["ftp"]})
    number = asked["access_request"]["number"]
    await one.move_clock("2025-03-06T15:00:00Z")
    wrong = await one.post(f"/v1/tickets/T1/access-requests/{number}/grant", {"occurred_at": "2025-03-05T19:00:00Z"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "occurred_out_of_order")
    given = await act(one, f"access-requests/{number}/grant", {"occurred_at": "2025-03-05T21:00:00Z"})
    assert given["access_request"]["granted_at"] == "2025-03-05T21:00:00Z"
    access = await clock_of(one, milestone="access")
    assert (access["outcome"], access["stopped_at"]) == ("met", "2025-03-05T21:00:00Z")
    # Given in time, and told after the ticket was resolved for want of it: the clock is judged anew, credits stay.
    asked = await act(one, "access-requests", {"kinds": ["admin"], "deadline_at": "2025-03-07T16:00:00Z"})
    second = f"access-requests/{asked['access_request']['number']}/grant"
    await one.move_clock("2025-03-07T17:00:00Z")
    missed = await one.ok(await one.get("/v1/tickets/T1"))
    assert (missed["state"], missed["outcome"]) == ("resolved", "access_not_provided")
    after = await one.post(f"/v1/tickets/T1/{second}", {"occurred_at": "2025-03-07T16:30:00Z"})
    assert (after.status_code, after.json()["code"]) == (409, "ticket_closed")
    plain = await one.post(f"/v1/tickets/T1/{second}", {})
    assert (plain.status_code, plain.json()["code"]) == (409, "ticket_closed")
    told_late = await act(one, second, {"occurred_at": "2025-03-07T15:00:00Z"})
    assert (told_late["state"], told_late["charge"]) == ("resolved", missed["charge"])
    assert told_late["access_request"]["granted_at"] == "2025-03-07T15:00:00Z"
    _, access = (
        each
        for each in (await one.ok(await one.get("/v1/clocks", ticket_id="T1")))["data"]
        if each["milestone"] == "access"
    )
    assert (access["outcome"], access["stopped_at"]) == ("met", "2025-03-07T15:00:00Z")
    assert access["breaches"][0]["retracted_at"] == "2025-03-07T17:00:00Z"
    again = await act(one, "reopening", {})
    assert (again["state"], again["charge"]["net"]) == ("in_progress", missed["charge"]["net"])
    await one.move_clock("2025-03-12T17:00:00Z")
    assert (await one.ok(await one.get("/v1/tickets/T1")))["state"] == "in_progress"
    assert (await one.ok(await one.get("/v1/audit")))["data"] == []


async def test_a_withdrawal_that_is_told_late_ends_the_clocks_as_of_then(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    await one.move_clock("2025-03-03T14:00:00Z")
    await act(one, "withdrawal", {"occurred_at": "2025-03-03T12:00:00Z"})
    clock = await clock_of(one)
    assert (clock["phase"], clock["outcome"], clock["stopped_at"]) == ("cancelled", "open", "2025-03-03T12:00:00Z")
    assert clock["breaches"][0]["retracted_at"] == "2025-03-03T14:00:00Z"


async def test_an_assessment_that_is_told_late_bears_its_instant(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    await one.move_clock("2025-03-03T11:00:00Z")
    body = {"category": "help", "occurred_at": "2025-03-03T10:00:00Z"}
    assert (await act(one, "assessments", body))["assessments"][-1]["at"] == "2025-03-03T10:00:00Z"


async def test_an_answer_that_is_told_after_the_solution_meets_or_misses(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    for ticket in ("T1", "T2"):
        await a_ticket(one, ticket)
        await one.move_clock("2025-03-03T15:00:00Z" if ticket == "T1" else "2025-03-03T16:00:00Z")
        await act(one, "resolution", {"outcome": "answered"}, ticket)
    assert (await clock_of(one))["outcome"] == "breached", "until it is told"
    await act(one, "responses", {"author": "vendor", "occurred_at": "2025-03-03T10:00:00Z"})
    met = await clock_of(one)
    assert (met["phase"], met["outcome"], met["stopped_at"]) == ("stopped", "met", "2025-03-03T10:00:00Z")
    missed = await act(one, "responses", {"author": "vendor", "occurred_at": "2025-03-03T14:30:00Z"})
    assert missed["state"] == "resolved"
    after = await one.post("/v1/tickets/T1/responses", {"author": "vendor"})
    assert (after.status_code, after.json()["code"]) == (409, "ticket_closed")


async def test_a_ticket_that_is_told_late_runs_since_it_was_opened(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST), now="2025-03-04T12:00:00Z")
    made = await a_ticket(one, opened_at="2025-03-03T10:00:00Z")
    assert made["opened_at"] == "2025-03-03T10:00:00Z"
    clock = await clock_of(one)
    assert (clock["started_at"], clock["due_at"], clock["outcome"]) == (
        "2025-03-03T10:00:00Z",
        "2025-03-03T14:00:00Z",
        "breached",
    )
    (breach,) = await told(one, "clock.breached")
    assert breach["data"]["at"] == "2025-03-03T14:00:00Z"
    await act(one, "responses", {"author": "vendor", "occurred_at": "2025-03-03T13:00:00Z"})
    assert (await clock_of(one))["outcome"] == "met"
    again = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": "help"}
    same = await one.put("/v1/tickets/T1", {**again, "opened_at": "2025-03-03T10:00:00Z"})
    assert same.status_code == 200
    assert (await one.put("/v1/tickets/T1", again)).status_code == 409


async def test_cover_is_judged_as_of_the_opening(vendor: MakeVendor) -> None:
    one = await vendor("cactushop", now="2024-01-10T10:00:00Z")
    lines = [{"line_id": "1", "sku": "license-standard", "quantity": 1}]
    order = {"customer_id": "ann", "placed_at": "2024-01-10T10:00:00Z", "currency": "USD", "lines": lines}
    covers = (await one.ok(await one.put("/v1/orders/O1", order), 201))["covers"]
    ends = max(each["ends_at"] for each in covers)
    await one.move_clock("2025-12-01T10:00:00Z")
    assert ends < "2025-12-01"
    body = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "language": "en"}
    late = await one.ok(await one.put("/v1/tickets/L", {**body, "opened_at": "2024-02-01T10:00:00Z"}), 201)
    now = await one.ok(await one.put("/v1/tickets/N", body), 201)
    assert (late["state"], now["state"]) == ("in_progress", "rejected")


@pytest.mark.parametrize(("rule", "left"), [("takes_back", 1), ("stays", 5)])
async def test_credits_of_a_breach_that_was_none_go_as_far_as_unspent(
    app: FastAPI, api: Api, rule: str, left: int
) -> None:
    promise = {**FIRST, "breach_returns_credits": 5, "retracted_breach": rule}
    one = await a_vendor(app, api, a_policy(promise))
    await a_ticket(one)
    await one.move_clock("2025-03-03T13:10:00Z")
    assert await points(one) == 5
    await one.ok(await one.post("/v1/customers/ann/adjustments", {"credits": 1, "reason": "gift"}))
    await one.ok(await one.post("/v1/customers/ann/debits", {"credits": 1}))
    before = await points(one)
    assert before == 5
    await act(one, "responses", {"author": "vendor", "occurred_at": "2025-03-03T12:50:00Z"})
    assert await points(one) == left
    voided = await told(one, "credits.voided")
    assert [each["data"]["reason"] for each in voided] == ["breach_retracted"] * (rule == "takes_back")
    assert (await one.ok(await one.get("/v1/audit")))["data"] == []


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("resolution", {"occurred_at": "2025-03-03T08:59:59Z"}, "occurred_before_opening"),
        ("resolution", {"occurred_at": "2025-03-03T14:00:01Z"}, "occurred_in_future"),
        ("pauses", {"reason": "asked", "occurred_at": "2025-03-03T08:00:00Z"}, "occurred_before_opening"),
        ("pauses", {"reason": "asked", "occurred_at": "2025-03-04T00:00:00Z"}, "occurred_in_future"),
        ("pauses", {"reason": "storm", "occurred_at": "2025-03-03T12:30:00Z"}, "occurred_out_of_order"),
        ("withdrawal", {"occurred_at": "2025-03-03T08:00:00Z"}, "occurred_before_opening"),
        ("withdrawal", {"occurred_at": "2026-01-01T00:00:00Z"}, "occurred_in_future"),
        ("assessments", {"category": "help", "occurred_at": "2025-03-03T08:00:00Z"}, "occurred_before_opening"),
        ("responses", {"author": "vendor", "occurred_at": "2025-03-03T08:00:00Z"}, "occurred_before_opening"),
        ("resumptions", {"reason": "asked", "occurred_at": "2025-03-03T13:20:00Z"}, "occurred_out_of_order"),
    ],
)
async def test_what_cannot_have_happened_then_is_refused_and_leaves_no_trace(
    app: FastAPI, api: Api, verb: str, body: dict[str, Any], code: str
) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED))
    await a_ticket(one)
    await one.move_clock("2025-03-03T12:00:00Z")
    await act(one, "pauses", {"reason": "storm"})
    await one.move_clock("2025-03-03T13:00:00Z")
    await act(one, "resumptions", {"reason": "storm"})
    await one.move_clock("2025-03-03T14:00:00Z")
    if verb == "resumptions":
        await act(one, "pauses", {"reason": "asked", "occurred_at": "2025-03-03T13:30:00Z"})
    before = await one.ok(await one.get("/v1/tickets/T1"))
    answer = await one.post(f"/v1/tickets/T1/{verb}", body)
    found = answer.json()
    assert (answer.status_code, found["code"], found["errors"][0]["pointer"]) == (422, code, "/occurred_at")
    assert found["next_step"]
    assert await one.ok(await one.get("/v1/tickets/T1")) == before


async def test_a_policy_bounds_how_late_a_thing_may_be_told(app: FastAPI, api: Api) -> None:
    bounds = {"within": {"days": 2}, "opened_within": {"days": 10}, "clause": "P-9"}
    one = await a_vendor(app, api, a_policy(SOLVED, late_facts=bounds))
    body = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": "help"}
    old = await one.put("/v1/tickets/T1", {**body, "opened_at": "2025-02-20T09:00:00Z"})
    assert (old.status_code, old.json()["code"]) == (422, "told_too_late")
    ahead = await one.put("/v1/tickets/T1", {**body, "opened_at": "2025-03-03T09:00:01Z"})
    assert (ahead.status_code, ahead.json()["code"]) == (422, "opened_in_future")
    assert (await one.get("/v1/tickets/T1")).status_code == 404
    await a_ticket(one, opened_at="2025-02-22T09:00:00Z")
    late = await one.post("/v1/tickets/T1/resolution", {"occurred_at": "2025-03-01T08:59:59Z"})
    assert (late.status_code, late.json()["code"]) == (422, "told_too_late")
    await act(one, "resolution", {"occurred_at": "2025-03-01T09:00:00Z"})


async def test_graphql_takes_the_same_and_answers_the_same(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(SOLVED), now="2025-03-04T12:00:00Z")
    opened = {"ticketId": "G", "customerId": "ann", "channel": "helpdesk", "category": "help"}
    at = "2025-03-03T09:00:00Z"
    made = await do(one, "putTicket", "openedAt", kind="Ticket", **opened, openedAt=at)
    assert made["openedAt"] == at
    early = await do(
        one,
        "withdrawTicket",
        "state",
        kind="Ticket",
        ticketId="G",
        idempotencyKey="w",
        occurredAt="2025-03-03T08:59:59Z",
    )
    assert (early["code"], early["status"]) == ("occurred_before_opening", 422)
    done = await do(
        one,
        "resolveTicket",
        "state resolvedAt clocks { outcome }",
        kind="Ticket",
        ticketId="G",
        idempotencyKey="g",
        occurredAt="2025-03-03T16:00:00Z",
    )
    assert (done["state"], done["resolvedAt"]) == ("resolved", "2025-03-03T16:00:00Z")
    assert done["clocks"] == [{"outcome": "met"}]


async def test_pauses_told_with_a_ticket_that_is_told_late_are_judged_on_its_calendar(app: FastAPI, api: Api) -> None:
    """A version was published between the opening and the day on which it was told."""
    whole = {**SOLVED, "target": "business_seconds:86400"}
    one = await a_vendor(app, api, a_policy(whole), now="2025-03-04T10:00:00Z")  # Tuesday
    day_off = {"effective_from": "2025-03-05", "exceptions": [{"date": "2025-03-06", "kind": "closed", "name": "Off"}]}
    await one.ok(await one.post("/v1/calendars/service-hours/versions", day_off), 201)
    await one.move_clock("2025-03-05T12:00:00Z")
    await a_ticket(one, opened_at="2025-03-03T09:00:00Z")
    await act(one, "pauses", {"reason": "asked", "occurred_at": "2025-03-03T15:00:00Z"})
    await act(one, "resumptions", {"occurred_at": "2025-03-03T16:00:00Z"})
    clock = await clock_of(one, milestone="resolution")
    assert (clock["due_at"], clock["calendar_revision"]) == ("2025-03-07T10:00:00Z", 2)


async def test_a_pause_told_late_keeps_what_remained_by_the_calendar_of_then(app: FastAPI, api: Api) -> None:
    """The correction before the pause moved no due time, yet it says otherwise of the hours until then."""
    document = a_policy(FIRST)
    document["service_hours"]["weekly_hours"] = {
        "mon": [["09:00", "11:00"], ["12:00", "17:00"]],
        "tue": [["09:00", "17:00"]],
    }
    one = await a_vendor(app, api, document)
    await a_ticket(one)
    await one.move_clock("2025-03-03T10:00:00Z")
    lunch = {"date": "2025-03-03", "kind": "replace", "hours": [["09:00", "12:00"], ["13:00", "17:00"]]}
    later = {"effective_from": "2000-01-01", "exceptions": [lunch], "correction": True, "reason": "lunch at one"}
    made = await one.ok(await one.post("/v1/calendars/service-hours/versions", later), 201)
    assert made["preview"]["moved"] == 0
    await one.move_clock("2025-03-03T11:40:00Z")
    await act(one, "pauses", {"reason": "asked", "occurred_at": "2025-03-03T11:30:00Z"})
    assert (await clock_of(one))["remaining_business_seconds"] == 5_400
    await one.move_clock("2025-03-04T09:00:00Z")
    await act(one, "resumptions", {})
    assert (await clock_of(one))["due_at"] == "2025-03-04T10:30:00Z"


async def test_a_resumption_told_after_a_correction_and_a_pause_after_that_follow_it(app: FastAPI, api: Api) -> None:
    """Resumed before it, paused again after it, and both told later: the hours that ran count as corrected."""
    one = await a_vendor(app, api, a_policy(SOLVED))  # eight hours from Monday 09:00
    await a_ticket(one)
    await one.move_clock("2025-03-03T10:00:00Z")
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-03T12:00:00Z")
    late_start = {"date": "2025-03-03", "kind": "replace", "hours": [["09:30", "17:00"]], "name": "Late start"}
    later = {"effective_from": "2000-01-01", "exceptions": [late_start], "correction": True, "reason": "late start"}
    await one.ok(await one.post("/v1/calendars/service-hours/versions", later), 201)
    await one.move_clock("2025-03-03T13:00:00Z")
    await act(one, "resumptions", {"occurred_at": "2025-03-03T11:00:00Z"})
    assert (await clock_of(one, milestone="resolution"))["due_at"] == "2025-03-04T10:30:00Z"
    await one.move_clock("2025-03-03T14:00:00Z")
    await act(one, "pauses", {"reason": "asked", "occurred_at": "2025-03-03T12:30:00Z"})
    assert (await clock_of(one, milestone="resolution"))["remaining_business_seconds"] == 6 * 3600


async def test_a_solution_told_late_is_judged_on_a_correction_of_before_it(app: FastAPI, api: Api) -> None:
    """Paused when the hours were corrected, as was known then; its end, told late, lay before the correction."""
    one = await a_vendor(app, api, a_policy(SOLVED))
    await a_ticket(one)
    await one.move_clock("2025-03-03T10:00:00Z")
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-03T11:00:00Z")
    longer = {"date": "2025-03-03", "kind": "replace", "hours": [["09:00", "20:00"]], "name": "Long Monday"}
    later = {"effective_from": "2000-01-01", "exceptions": [longer], "correction": True, "reason": "long Monday"}
    await one.ok(await one.post("/v1/calendars/service-hours/versions", later), 201)
    await one.move_clock("2025-03-04T12:00:00Z")
    await act(one, "resumptions", {"occurred_at": "2025-03-03T10:30:00Z"})
    clock = await clock_of(one, milestone="resolution")
    assert (clock["due_at"], clock["outcome"]) == ("2025-03-03T17:30:00Z", "breached"), "seven hours were left"
    await act(one, "resolution", {"occurred_at": "2025-03-03T18:00:00Z"})
    clock = await clock_of(one, milestone="resolution")
    assert (clock["due_at"], clock["outcome"]) == ("2025-03-03T17:30:00Z", "breached")
