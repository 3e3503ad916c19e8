"""Prices with conditions: by channel, by priority, by the hours of the opening, for the first tickets."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from tests.conformance.steps import problem
from tests.prices.shop import available, resolved, supplied, vendor_under
from tests.support.vendors import opened


async def test_surcharges_that_hold_are_added_each_with_its_clause(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    plain = await opened(shop, "T-1", "question")
    assert (plain["price"], plain["charge"]["held"]) == (6, 6)
    assert "steps" not in plain["assessments"][0]
    dear = await opened(shop, "T-2", "question", channel="phone", priority="high")
    assert (dear["price"], dear["charge"]["held"], dear["priority"]) == (11, 11, "high")
    steps = dear["assessments"][0]["steps"]
    assert [(step["step"], step["surcharge"], step["credits"], step["clause"]) for step in steps] == [
        ("list", None, 6, "D-2"),
        ("surcharge", "call", 2, "D-3"),
        ("surcharge", "high", 3, "D-3"),
    ]
    assert [step["without"] for step in steps] == [None, 9, 8]
    assert steps[1]["summary"] == "2 credits are added for a call (D-3)."
    assert steps[1]["would_change"] == "not so: the channel is phone"
    explained = (await shop.get("/v1/explain/ticket/T-2")).json()
    assert "3 credits are added for high priority (D-3)." in explained["summary"]
    assert await available(shop) == 100 - 17


async def test_the_part_that_survives_a_bug_stays_charged(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "question", channel="phone", priority="high")
    done = await resolved(shop, "T-1", outcome="answered", cause="software_bug")
    assert done["charge"] == {"held": 0, "captured": 11, "refunded": 6, "net": 5}
    assert done["reasons"][0]["facts"]["surviving"] == 5
    assert await available(shop) == 95
    other = await shop.ok(await shop.post("/v1/tickets/T-1/cause", {"cause": "other", "reason": "it was settings"}))
    assert other["charge"]["net"] == 11
    again = await shop.ok(await shop.post("/v1/tickets/T-1/cause", {"cause": "software_bug", "reason": "no, a bug"}))
    assert again["charge"]["net"] == 5
    disputed = await opened(shop, "T-2", "question", channel="phone")
    assert disputed["price"] == 8
    await resolved(shop, "T-2")
    await shop.ok(await shop.post("/v1/tickets/T-2/disputes", {"reason": "a bug"}))
    ruling = {"decision": "returned", "cause": "software_bug"}
    decided = await shop.ok(await shop.post("/v1/tickets/T-2/disputes/1/decision", ruling))
    assert (decided["charge"]["net"], decided["dispute"]["credits"], decided["dispute"]["returned"]) == (2, 2, 6)
    assert await available(shop) == 93


async def test_a_bug_report_for_nothing_costs_its_surcharges(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    free = await opened(shop, "T-1", "bug")
    assert (free["price"], free["paid_by"]) == (0, "nobody")
    dear = await opened(shop, "T-2", "bug", channel="phone", priority="high")
    assert dear["price"] == 5
    done = await resolved(shop, "T-2", cause="software_bug")
    assert done["charge"] == {"held": 0, "captured": 5, "refunded": 0, "net": 5}
    assert await available(shop) == 95


async def test_a_factor_by_the_hour_of_the_opening_is_rounded_half_up(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await shop.move_clock("2025-03-03T15:59:59Z")
    assert (await opened(shop, "T-1", "question"))["price"] == 6
    await shop.move_clock("2025-03-03T16:00:00Z")
    late = await opened(shop, "T-2", "question", channel="phone")
    assert late["price"] == 12  # 6 and 2 for the call, times 1.5
    await shop.move_clock("2025-03-03T17:00:00Z")
    assert (await opened(shop, "T-3", "question"))["price"] == 9
    told_late = await opened(shop, "T-4", "question", opened_at="2025-03-03T15:00:00Z")
    assert told_late["price"] == 6


async def test_a_range_moves_with_its_surcharges(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    waits = await opened(shop, "T-1", "move", channel="phone")
    assert waits["state"] == "awaiting_assessment"
    low = await shop.post("/v1/tickets/T-1/assessments", {"credits": 21})
    assert problem(low, 422, "reason_required")["facts"]["least"] == 22
    made = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"credits": 42}))
    assert (made["price"], made["assessment"]["outside_list"]) == (42, False)
    assert [step["credits"] for step in made["assessment"]["steps"]] == [40, 2]
    done = await resolved(shop, "T-1", cause="software_bug")
    assert done["charge"]["net"] == 2


async def test_the_first_two_tickets_are_free_and_a_place_comes_back(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    for number in (1, 2):
        free = await opened(shop, f"T-{number}", "hello")
        assert (free["state"], free["price"], free["paid_by"]) == ("in_progress", 0, "nobody"), number
    third = await opened(shop, "T-3", "hello")
    assert third["state"] == "awaiting_credits"
    await shop.ok(await shop.post("/v1/tickets/T-2/withdrawal", {}))
    fourth = await opened(shop, "T-4", "hello")
    assert fourth["price"] == 0
    other = await opened(shop, "T-5", "hello", customer="bob")
    assert other["price"] == 0
    await supplied(shop)
    assert (await opened(shop, "T-6", "hello"))["price"] == 4


async def test_the_priority_of_a_ticket_that_is_worked_on_changes_its_price(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "question")
    dearer = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "high"}))
    assert (dearer["priority"], dearer["price"], dearer["charge"]["held"]) == ("high", 9, 9)
    assert [row["status"] for row in dearer["assessments"]] == ["superseded", "in_force"]
    cheaper = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "low"}))
    assert (cheaper["price"], cheaper["charge"]["held"]) == (6, 6)
    agreed = await opened(shop, "T-2", "question", agreed_up_to=7)
    assert agreed["price"] == 6
    asked = await shop.ok(await shop.post("/v1/tickets/T-2/details", {"priority": "high"}))
    assert (asked["state"], asked["priority"], asked["price"]) == ("awaiting_confirmation", "high", 6)
    back = await shop.ok(await shop.post("/v1/tickets/T-2/details", {"priority": "low"}))
    assert (back["state"], back["price"], back["charge"]["held"]) == ("in_progress", 6, 6)
    late = await shop.post("/v1/tickets/T-2/assessments/2/confirmation", {"accept": True})
    problem(late, 409, "not_awaiting_confirmation")
    asked = await shop.ok(await shop.post("/v1/tickets/T-2/details", {"priority": "high"}))
    number = asked["assessments"][-1]["number"]
    yes = await shop.ok(await shop.post(f"/v1/tickets/T-2/assessments/{number}/confirmation", {"accept": True}))
    assert (yes["state"], yes["price"], yes["charge"]["held"]) == ("in_progress", 9, 9)
    assert await available(shop) == 85


async def test_a_priority_is_one_that_the_policy_names(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    body = {"customer_id": "ann", "category": "question", "priority": "urgent"}
    refused = problem(await shop.put("/v1/tickets/T-1", body), 422, "unknown_priority")
    assert refused["facts"]["known"] == ["high", "low"]
    await supplied(shop)
    await opened(shop, "T-1", "question", priority="low")
    body = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "category": "question", "priority": "low"}
    assert (await shop.put("/v1/tickets/T-1", body)).status_code == 200
    conflict = await shop.put("/v1/tickets/T-1", {**body, "priority": "high"})
    problem(conflict, 409, "ticket_conflict")
    listed = (await shop.get("/v1/policies/desk-by-the-hour")).json()
    assert [row["priority"] for row in listed["priorities"]] == ["high", "low"]
    assert [row["kind"] for row in listed["work_kinds"]] == ["remote", "senior", "on_site", "travel"]


async def test_the_calculator_says_what_a_ticket_is_charged(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    ask = {"category": "question", "channel": "phone", "priority": "high", "customer_id": "ann"}
    price = await shop.ok(await shop.post("/v1/policies/desk-by-the-hour/price", ask))
    ticket = await opened(shop, "T-1", "question", channel="phone", priority="high")
    assert price["credits"] == ticket["price"] == 11
    assert price["steps"] == ticket["assessments"][0]["steps"]
    assert price["surviving"] == 5
    absent = {row["surcharge"]: row["would_change"] for row in price["not_applied"]}
    assert absent["after_hours"] == "whether the work is in hours is no"
    late = {**ask, "opened_at": "2025-03-02T12:00:00Z"}
    assert (await shop.ok(await shop.post("/v1/policies/desk-by-the-hour/price", late)))["credits"] == 17
    work = [{"minutes": 50, "occurred_at": "2025-03-03T15:40:00Z"}, {"minutes": 5, "kind": "on_site"}]
    timed = {"category": "hours", "work": work}
    found = await shop.ok(await shop.post("/v1/policies/desk-by-the-hour/price", timed))
    assert found["credits"] == 5 + 1 + 4
    assert [step["step"] for step in found["steps"]] == ["work"]
