"""Waiting: what ends a pause, silence, automatic answers, tickets that the vendor opened, reminders, merged tickets."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.clocks.promises import FIRST, SOLVED, a_policy, a_ticket, a_vendor, act, clock_of, points, told
from tests.conftest import MakeVendor
from tests.support.graphql import do

Api = httpx.AsyncClient
CUSTOMER = {"author": "customer"}
VENDOR = {"author": "vendor"}
SILENCE: dict[str, Any] = {"after": "business_days:2:close", "then": "resolved", "outcome": "silent", "clause": "P-9"}
OUTCOMES = [
    {"outcome": "answered", "title": "Answered", "clause": "P-5"},
    {"outcome": "silent", "title": "No answer", "clause": "P-5", "by_agent": False},
]


def waiting(**rule: Any) -> dict[str, Any]:
    """A policy that waits for the customer by this rule."""
    reasons = [{"reason": "asked", "party": "customer", **rule}, {"reason": "storm", "party": "none"}]
    return a_policy(SOLVED, pause_reasons=reasons, outcomes=OUTCOMES)


@pytest.mark.parametrize("reason", ["asked", "their_own_word"])
async def test_the_customers_answer_ends_the_wait_for_it(app: FastAPI, api: Api, reason: str) -> None:
    one = await a_vendor(app, api, waiting())
    await a_ticket(one)
    await one.move_clock("2025-03-03T10:00:00Z")
    await act(one, "pauses", {"reason": reason, "party": "customer"})
    await act(one, "pauses", {"reason": "storm"})
    await one.move_clock("2025-03-03T12:00:00Z")
    for body in (VENDOR, {**CUSTOMER, "automatic": True}, {**CUSTOMER, "public": False}):
        held = await act(one, "responses", body)
        assert held["pauses"][0]["ended_at"] is None
    heard = await act(one, "responses", CUSTOMER)
    pauses = {each["reason"]: each for each in heard["pauses"]}
    assert (pauses[reason]["ended_at"], pauses[reason]["ended_by"]) == ("2025-03-03T12:00:00Z", "answer")
    assert pauses["storm"]["ended_at"] is None, "nobody answers for a storm"
    await act(one, "resumptions")
    clock = await clock_of(one, milestone="resolution")
    assert (clock["phase"], clock["due_at"]) == ("running", "2025-03-04T11:00:00Z")
    assert [each["data"].get("ended_by") for each in await told(one, "ticket.resumed")] == ["answer", None]


async def test_a_policy_may_let_the_wait_go_on(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, waiting(ends_with_answer=False))
    await a_ticket(one)
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-03T12:00:00Z")
    assert (await act(one, "responses", CUSTOMER))["pauses"][0]["ended_at"] is None


async def test_an_answer_never_ends_the_waits_for_consent_and_access(vendor: MakeVendor) -> None:
    one = await vendor("cs-cart", now="2025-03-03T09:00:00Z")
    lines = [{"line_id": "1", "sku": "license", "quantity": 1}, {"line_id": "2", "sku": "credits-25", "quantity": 1}]
    order = {"customer_id": "ann", "placed_at": "2025-03-03T09:00:00Z", "currency": "USD", "lines": lines}
    await one.ok(await one.put("/v1/orders/O1", order), 201)
    choice = (await one.ok(await one.get("/v1/customers/ann/choices")))["data"][0]["choice_id"]
    await one.ok(await one.post(f"/v1/customers/ann/choices/{choice}", {"option": "credits"}))
    made = await a_ticket(one, category="category_2", language="en")
    assert made["state"] == "awaiting_confirmation"
    after = await act(one, "responses", CUSTOMER)
    assert after["state"] == "awaiting_confirmation"
    assert {each["phase"] for each in after["clocks"] if each["party"] == "vendor"} <= {"paused"}


async def test_a_pause_ends_by_itself_at_its_instant(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, waiting())
    await a_ticket(one)
    body = {"reason": "asked", "until": "2025-03-03T11:00:00Z"}
    paused = await act(one, "pauses", body)
    assert paused["pauses"][0]["until"] == "2025-03-03T11:00:00Z"
    moved = await one.move_clock("2025-03-03T12:00:00Z")
    assert moved["fired"] >= 1
    (pause,) = (await one.ok(await one.get("/v1/tickets/T1")))["pauses"]
    assert (pause["ended_at"], pause["ended_by"]) == ("2025-03-03T11:00:00Z", "until")
    clock = await clock_of(one, milestone="resolution")
    assert (clock["phase"], clock["due_at"]) == ("running", "2025-03-04T11:00:00Z")
    wrong = await one.post("/v1/tickets/T1/pauses", {"reason": "asked", "until": "2025-03-03T12:00:00Z"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "until_in_past")
    late = {"reason": "asked", "until": "2025-03-03T11:45:00Z", "occurred_at": "2025-03-03T11:15:00Z"}
    assert (await act(one, "pauses", late))["pauses"][1]["ended_at"] == "2025-03-03T11:45:00Z"
    assert (await clock_of(one, milestone="resolution"))["due_at"] == "2025-03-04T11:30:00Z"
    again = await do(
        one,
        "pauseTicket",
        "pauses { until endedBy }",
        kind="Ticket",
        ticketId="T1",
        reason="storm",
        until="2025-03-04T09:00:00Z",
        idempotencyKey="p",
    )
    assert again["pauses"][2] == {"until": "2025-03-04T09:00:00Z", "endedBy": None}


async def test_a_silent_customer_resolves_the_ticket_where_the_policy_says_so(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, waiting(silence=SILENCE))
    await a_ticket(one)
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-05T17:00:00Z")
    assert (await one.ok(await one.get("/v1/tickets/T1")))["state"] == "in_progress"
    await one.move_clock("2025-03-05T17:00:01Z")
    done = await one.ok(await one.get("/v1/tickets/T1"))
    assert (done["state"], done["outcome"], done["reasons"][0]["clause"]) == ("resolved", "silent", "P-9")
    assert (done["pauses"][0]["ended_by"], done["charge"]["net"]) == ("silence", 0)
    assert done["resolved_at"] == done["pauses"][0]["ended_at"] == "2025-03-05T17:00:00Z", "no second later"
    assert (await clock_of(one, milestone="resolution"))["outcome"] == "met"
    chosen = await a_ticket(one, "T2")
    assert chosen["state"] == "in_progress"
    refused = await one.post("/v1/tickets/T2/resolution", {"outcome": "silent"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_outcome")


async def test_an_answer_in_time_is_no_silence_and_a_reminder_resolves_nothing(app: FastAPI, api: Api) -> None:
    rule = {"after": "business_days:1:close"}
    one = await a_vendor(app, api, waiting(silence=rule, ends_with_answer=False))
    for ticket in ("T1", "T2"):
        await a_ticket(one, ticket)
        await act(one, "pauses", {"reason": "asked"}, ticket)
    await one.move_clock("2025-03-04T16:00:00Z")
    await act(one, "responses", CUSTOMER)
    await one.move_clock("2025-03-05T12:00:00Z")
    answered = await one.ok(await one.get("/v1/tickets/T1"))
    silent = await one.ok(await one.get("/v1/tickets/T2"))
    assert (answered["pauses"][0]["ended_at"], silent["state"]) == (None, "in_progress")
    assert (silent["pauses"][0]["ended_by"], silent["pauses"][0]["ended_at"]) == ("silence", "2025-03-04T17:00:00Z")
    clock = await clock_of(one, "T2", milestone="resolution")
    assert clock["due_at"] == "2025-03-05T17:00:00Z", "a whole day was left"
    (reminded,) = await told(one, "ticket.reminded")
    assert reminded["data"]["ticket_id"] == "T2"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"silence": {"after": "business_days:2:close", "then": "resolved"}}, "silence_without_outcome"),
        ({"silence": {**SILENCE, "outcome": "no_such"}}, "unknown_outcome"),
        ({"silence": {**SILENCE, "after": "each_business_day"}}, "bad_target"),
        ({"silence": SILENCE, "party": "third_party"}, "silence_of_nobody"),
    ],
)
async def test_silence_needs_an_outcome_that_the_policy_names(
    app: FastAPI, api: Api, rule: dict[str, Any], code: str
) -> None:
    one = await a_vendor(app, api, waiting())
    found = await one.ok(await one.post("/v1/policies/validate", {"document": json.dumps(waiting(**rule))}))
    assert (found["valid"], code in {each["code"] for each in found["problems"]}) == (False, True)


async def test_machines_and_notes_never_meet_a_first_response(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one)
    shown = await act(one, "responses", {**VENDOR, "automatic": True})
    assert shown["response"]["automatic"] is True
    await act(one, "responses", {**VENDOR, "public": False})
    assert (await clock_of(one))["phase"] == "running"
    await one.move_clock("2025-03-03T10:00:00Z")
    await act(one, "responses", VENDOR)
    assert (await clock_of(one))["outcome"] == "met"


async def test_a_ticket_that_the_vendor_opened_owes_no_first_response_before_the_customer_wrote(
    app: FastAPI, api: Api
) -> None:
    one = await a_vendor(app, api, a_policy(FIRST, SOLVED))
    made = await a_ticket(one, opened_by="vendor")
    assert (made["opened_by"], [each["milestone"] for each in made["clocks"]]) == ("vendor", ["resolution"])
    await one.move_clock("2025-03-04T10:00:00Z")
    await act(one, "responses", VENDOR)
    await act(one, "responses", {**CUSTOMER, "automatic": True})
    await act(one, "responses", {**CUSTOMER, "occurred_at": "2025-03-04T09:30:00Z"})
    clock = await clock_of(one)
    assert (clock["started_at"], clock["due_at"]) == ("2025-03-04T09:30:00Z", "2025-03-04T13:30:00Z")
    await act(one, "responses", CUSTOMER)
    assert len((await one.ok(await one.get("/v1/clocks", ticket_id="T1")))["data"]) == 2
    body = {"customer_id": "ann", "subject": "s", "channel": "helpdesk", "category": "help"}
    assert (await one.put("/v1/tickets/T1", {**body, "opened_by": "vendor"})).status_code == 200
    assert (await one.put("/v1/tickets/T1", {**body, "opened_by": "customer"})).status_code == 409


async def test_reminders_after_a_breach_come_in_levels(app: FastAPI, api: Api) -> None:
    levels = [{"business_seconds_after": 3600}, {"business_seconds_after": 14400}]
    one = await a_vendor(app, api, a_policy({**FIRST, "reminders": levels}))
    await a_ticket(one)
    await one.move_clock("2025-03-03T14:30:00Z")
    await act(one, "pauses", {"reason": "asked"})
    await one.move_clock("2025-03-03T15:30:00Z")
    await act(one, "resumptions")
    await one.move_clock("2025-03-04T12:00:00Z")
    found = [(each["data"]["level"], each["occurred_at"]) for each in await told(one, "clock.reminded")]
    assert found == [(1, "2025-03-03T14:00:00Z"), (2, "2025-03-04T10:00:00Z")]
    assert [each["fired"] for each in (await clock_of(one))["reminders"]] == [True, True]
    await a_ticket(one, "T2")
    await one.move_clock("2025-03-04T16:30:00Z")
    await act(one, "responses", VENDOR, "T2")
    await one.move_clock("2025-03-06T12:00:00Z")
    assert len(await told(one, "clock.reminded")) == 2, "an answer ends it"


# --- merged tickets ---------------------------------------------------------------------------------------------------


async def test_two_tickets_that_are_one_issue_cost_once_and_owe_since_the_earlier(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST, SOLVED))
    await one.ok(await one.post("/v1/customers/ann/adjustments", {"credits": 10, "reason": "gift"}))
    await a_ticket(one, "OLD", category="work")
    await one.move_clock("2025-03-03T11:00:00Z")
    await a_ticket(one, "NEW", category="work")
    assert await points(one) == 2
    await act(one, "responses", CUSTOMER, "OLD")
    merged = await act(one, "merge", {"into_ticket_id": "NEW"}, "OLD", key="m")
    assert (merged["state"], merged["merged_into"], merged["charge"]["held"]) == ("withdrawn", "NEW", 0)
    assert {each["phase"] for each in merged["clocks"]} == {"cancelled"}
    assert await points(one) == 6
    kept = await one.ok(await one.get("/v1/tickets/NEW"))
    assert (kept["merged"], len(kept["responses"]), kept["charge"]["held"]) == (["OLD"], 1, 4)
    clock = await clock_of(one, "NEW")
    assert (clock["started_at"], clock["due_at"]) == ("2025-03-03T09:00:00Z", "2025-03-03T13:00:00Z")
    again = await one.post("/v1/tickets/OLD/merge", {"into_ticket_id": "NEW"}, key="m")
    assert again.headers["idempotent-replayed"] == "true"
    assert (await one.ok(await one.get("/v1/audit")))["data"] == []
    (event,) = await told(one, "ticket.merged")
    assert (event["data"]["ticket_id"], event["data"]["into"]) == ("OLD", "NEW")


async def test_an_answer_on_the_duplicate_answers_the_one_that_goes_on(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    await a_ticket(one, "OLD")
    await one.move_clock("2025-03-03T12:00:00Z")
    await a_ticket(one, "NEW")
    await act(one, "responses", VENDOR, "OLD")
    await one.move_clock("2025-03-03T17:00:00Z")
    assert (await clock_of(one, "NEW"))["outcome"] == "breached"
    query = "state mergedInto clocks { phase }"
    done = await do(one, "mergeTicket", query, kind="Ticket", ticketId="OLD", intoTicketId="NEW", idempotencyKey="g")
    assert (done["state"], done["mergedInto"]) == ("withdrawn", "NEW")
    clock = await clock_of(one, "NEW")
    assert (clock["outcome"], clock["stopped_at"]) == ("met", "2025-03-03T12:00:00Z")
    assert clock["breaches"][0]["retracted_at"] == "2025-03-03T17:00:00Z"


async def test_a_merge_that_was_done_says_where_the_ticket_lives_on(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    for ticket in ("A", "B", "C", "D"):
        await a_ticket(one, ticket)
    await act(one, "merge", {"into_ticket_id": "B"}, "A")
    kept = await one.ok(await one.get("/v1/tickets/A"))
    await act(one, "merge", {"into_ticket_id": "C"}, "B")
    for ticket, into, code, lives_on in (
        ("A", "B", "merged_already", "C"),  # the same again, told by another key
        ("A", "D", "merged_already", "C"),
        ("B", "C", "merged_already", "C"),
        ("C", "A", "merged_already", "C"),  # the two are one by now
        ("D", "A", "merge_chain", "C"),
    ):
        answer = await one.post(f"/v1/tickets/{ticket}/merge", {"into_ticket_id": into})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, code), (ticket, into)
        assert problem["facts"]["merged_into"] == lives_on
        assert "facts.merged_into" in problem["next_step"]
        twin = await do(
            one, "mergeTicket", "state", kind="Ticket", ticketId=ticket, intoTicketId=into, idempotencyKey=ticket + into
        )
        # GraphQL names its own members: a refusal's facts stand in `refusalFacts` there.
        assert twin["code"] == code
        assert "refusalFacts.merged_into" in twin["nextStep"]
    assert await one.ok(await one.get("/v1/tickets/A")) == kept


async def test_what_cannot_be_one_issue_is_refused_and_leaves_no_trace(app: FastAPI, api: Api) -> None:
    one = await a_vendor(app, api, a_policy(FIRST))
    for ticket in ("A", "B", "C", "D"):
        await a_ticket(one, ticket)
    await a_ticket(one, "E", customer_id="bob")
    await act(one, "withdrawal", None, "D")
    await act(one, "merge", {"into_ticket_id": "B"}, "C")
    before = await one.ok(await one.get("/v1/tickets/A"))
    for into, status, code in (
        ("A", 409, "same_ticket"),
        ("D", 409, "merge_closed"),
        ("C", 409, "merge_chain"),
        ("E", 409, "merge_other_customer"),
        ("Z", 404, "ticket_not_found"),
    ):
        answer = await one.post("/v1/tickets/A/merge", {"into_ticket_id": into})
        assert (answer.status_code, answer.json()["code"]) == (status, code), into
        assert answer.json()["next_step"]
    gone = await one.post("/v1/tickets/D/merge", {"into_ticket_id": "A"})
    assert (gone.status_code, gone.json()["code"]) == (409, "merge_closed")
    assert (await one.post("/v1/tickets/A/merge", {})).status_code == 422
    assert await one.ok(await one.get("/v1/tickets/A")) == before
    checked = await one.ok(await one.post("/v1/tickets/A/merge?validate_only=true", {"into_ticket_id": "B"}))
    assert checked["merged_into"] == "B"
    assert await one.ok(await one.get("/v1/tickets/A")) == before
    limited = await one.as_key("tickets:read")
    denied = await limited.post("/v1/tickets/A/merge", json={"into_ticket_id": "B"}, headers={"Idempotency-Key": "x"})
    assert denied.status_code == 403
