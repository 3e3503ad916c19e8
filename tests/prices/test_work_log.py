"""The work log: priced by its parts, charged as it grows, within what the customer agreed to."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from tests.conformance.steps import events, problem
from tests.prices.shop import available, resolved, supplied, vendor_under, worked
from tests.support.vendors import opened


async def test_a_line_across_closing_time_is_priced_by_parts_and_rounded_on_the_sum(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    opened_ = await opened(shop, "T-1", "hours")
    assert (opened_["state"], opened_["price"], opened_["charge"]["held"]) == ("in_progress", 0, 2)
    begun = (await shop.get("/v1/explain/ticket/T-1")).json()["trace"][0]["summary"]
    assert "Assessed at 0 credits: work by the hour, 1 credit for each begun 15 minutes" in begun
    assert "cover" not in begun
    await shop.move_clock("2025-03-03T17:00:00Z")
    agent = {"id": "7", "name": "Jo"}
    body = {"minutes": 50, "occurred_at": "2025-03-03T15:40:00Z", "note": "on the phone", "acting_agent": agent}
    logged = await shop.ok(await shop.post("/v1/tickets/T-1/work", body))
    line = logged["work_line"]
    assert [(part["seconds"], part["factor"], part["surcharges"]) for part in line["parts"]] == [
        (1200, "1", []),
        (1800, "1.5", ["after_hours"]),
    ]
    assert (line["credits"], logged["price"], logged["charge"]["held"]) == (5, 5, 5)  # 20 and 45 minutes: 5 begun
    assert line["acting_agent"] == agent
    assert "times 1.5 for work after hours" in line["summary"]
    assert logged["work"]["totals"] == {"lines": 1, "minutes": 50, "billable_minutes": 50, "credits": 5}
    more = await worked(shop, "T-1", 1, kind="senior", occurred_at="2025-03-03T09:00:00Z")
    assert (more["work_line"]["credits"], more["price"]) == (1, 6)
    visit = await worked(shop, "T-1", 15, kind="on_site", occurred_at="2025-03-03T10:00:00Z")
    assert (visit["work_line"]["credits"], visit["price"]) == (5, 11)
    free = await worked(shop, "T-1", 90, kind="travel")
    assert (free["work_line"]["billable"], free["work_line"]["credits"], free["price"]) == (False, 0, 11)
    done = await resolved(shop, "T-1")
    assert done["charge"] == {"held": 0, "captured": 11, "refunded": 0, "net": 11}
    assert [one["data"]["price"] for one in await events(shop, "ticket.worked")] == [5, 6, 11, 11]
    trace = (await shop.get("/v1/explain/ticket/T-1")).json()
    assert all(step["summary"] for step in trace["trace"])
    assert "156 of work" not in trace["summary"]
    assert await available(shop) == 89


async def test_the_least_charge_counts_once_time_is_charged(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    one = await worked(shop, "T-1", 3)
    assert (one["work_line"]["credits"], one["price"]) == (1, 2)
    assert [(step["step"], step["credits"]) for step in one["assessments"][0]["steps"]] == [("work", 1), ("least", 1)]
    await opened(shop, "T-2", "hours")
    nothing = await resolved(shop, "T-2")
    assert nothing["charge"]["net"] == 0
    assert await available(shop) == 98


async def test_the_first_minutes_are_free_in_whatever_order_lines_are_told(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    lines = [(12, "2025-03-03T09:00:00Z"), (20, "2025-03-03T10:00:00Z"), (31, "2025-03-03T11:00:00Z")]
    prices = set()
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        shop = await vendor_under(app, api)
        await supplied(shop)
        await opened(shop, "T-1", "asked", agreed_up_to=20)
        await shop.move_clock("2025-03-03T12:00:00Z")
        for number in order:
            minutes, begin = lines[number]
            last = await worked(shop, "T-1", minutes, occurred_at=begin)
        prices.add((last["price"], last["work"]["totals"]["credits"]))
    assert prices == {(1 + 2 + 3, 6)}


async def test_lines_are_rounded_together_where_the_policy_says_so(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "summed")
    first = await worked(shop, "T-1", 10)
    assert first["price"] == 2
    second = await worked(shop, "T-1", 20)
    assert (second["price"], second["work_line"]["credits"]) == (2, 0)
    third = await worked(shop, "T-1", 1)
    assert (third["price"], third["work_line"]["credits"]) == (4, 2)


async def test_work_beyond_what_was_agreed_waits_for_the_customer(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    made = await opened(shop, "T-1", "hours", agreed_up_to=4)
    assert (made["charge"]["held"], made["work"]["agreed"], made["work"]["used"]) == (4, 4, 0)
    await worked(shop, "T-1", 45)
    refused = problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 40}), 409, "work_beyond_limit")
    reason = refused["reasons"][0]
    assert reason["facts"] == {"agreed": 4, "used": 3, "comes_to": 6}
    assert refused["remedies"][0]["kind"] == "assess"
    assert (await shop.get("/v1/tickets/T-1")).json()["work"]["totals"]["lines"] == 1
    unpaid = await worked(shop, "T-1", 40, billable=False)
    assert unpaid["price"] == 3
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"credits": 8}))
    assert (asked["state"], asked["status"], asked["work"]["asked"]) == ("awaiting_confirmation",) * 2 + (8,)
    assert (asked["price"], asked["charge"]["held"]) == (3, 4)
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 40}), 409, "work_beyond_limit")
    within = await worked(shop, "T-1", 15)
    assert (within["state"], within["price"], within["charge"]["held"]) == ("awaiting_confirmation", 4, 4)
    number = asked["number"]
    yes = await shop.ok(await shop.post(f"/v1/tickets/T-1/assessments/{number}/confirmation", {"accept": True}))
    assert (yes["work"]["agreed"], yes["work"]["asked"], yes["charge"]["held"]) == (8, None, 8)
    assert (yes["price"], yes["assessment"]["credits"], yes["assessment"]["up_to"]) == (4, 4, 8)
    more = await worked(shop, "T-1", 40)
    assert more["price"] == 7
    done = await resolved(shop, "T-1")
    assert done["charge"] == {"held": 0, "captured": 7, "refunded": 0, "net": 7}
    assert await available(shop) == 93


async def test_a_no_leaves_the_old_limit(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    made = await opened(shop, "T-1", "capped")
    assert (made["work"]["agreed"], made["charge"]["held"]) == (6, 6)
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"credits": 9}))
    no = await shop.ok(
        await shop.post(f"/v1/tickets/T-1/assessments/{asked['number']}/confirmation", {"accept": False})
    )
    assert (no["state"], no["work"]["agreed"], no["charge"]["held"]) == ("in_progress", 6, 6)
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 91}), 409, "work_beyond_limit")
    assert (await worked(shop, "T-1", 90))["price"] == 6
    lower = problem(await shop.post("/v1/tickets/T-1/assessments", {"credits": 5}), 422, "limit_below_work")
    assert lower["facts"]["used"] == 6


async def test_work_that_is_asked_for_first_waits_for_an_estimate(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    waits = await opened(shop, "T-1", "asked")
    assert waits["state"] == "awaiting_assessment"
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 5}), 409, "assessment_required")
    problem(await shop.post("/v1/tickets/T-1/assessments", {}), 422, "credits_required")
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"credits": 5}))
    assert (asked["state"], asked["charge"]["held"], asked["work"]["asked"]) == ("awaiting_confirmation", 0, 5)
    yes = await shop.ok(await shop.post("/v1/tickets/T-1/assessments/1/confirmation", {"accept": True}))
    assert (yes["state"], yes["price"], yes["charge"]["held"], yes["work"]["agreed"]) == ("in_progress", 0, 5, 5)
    assert (await worked(shop, "T-1", 30))["price"] == 2
    assert await available(shop) == 95


async def test_a_correction_takes_the_place_of_its_line(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    await worked(shop, "T-1", 120, kind="senior", note="long")
    fixed = await worked(shop, "T-1", 60, corrects=1)
    assert (fixed["work_line"]["kind"], fixed["work_line"]["note"], fixed["price"]) == ("senior", "long", 8)
    rows = fixed["work"]["data"]
    assert [(row["number"], row["corrects"], row["corrected_by"], row["credits"]) for row in rows] == [
        (1, None, 2, 0),
        (2, 1, None, 8),
    ]
    twice = problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 5, "corrects": 1}), 409, "line_corrected")
    assert twice["facts"]["corrected_by"] == 2
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 5, "corrects": 9}), 404, "work_line_not_found")
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 0}), 422, "minutes_required")
    gone = await worked(shop, "T-1", 0, corrects=2)
    assert (gone["price"], gone["charge"]["held"]) == (0, 2)
    assert await available(shop) == 98


async def test_late_lines_and_corrections_after_the_resolution_move_credits_at_once(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    await shop.move_clock("2025-03-03T10:00:00Z")
    await worked(shop, "T-1", 60)
    await shop.move_clock("2025-03-03T12:00:00Z")
    assert (await resolved(shop, "T-1"))["charge"]["net"] == 4
    await shop.move_clock("2025-03-03T13:00:00Z")
    problem(
        await shop.post("/v1/tickets/T-1/work", {"minutes": 5, "occurred_at": "2025-03-03T12:30:00Z"}),
        409,
        "ticket_closed",
    )
    late = await worked(shop, "T-1", 30, occurred_at="2025-03-03T11:00:00Z")
    assert late["charge"] == {"held": 0, "captured": 6, "refunded": 0, "net": 6}
    fixed = await worked(shop, "T-1", 15, corrects=1)
    assert (fixed["price"], fixed["charge"]["net"]) == (3, 3)
    bug = await shop.ok(await shop.post("/v1/tickets/T-1/cause", {"cause": "software_bug", "reason": "ours"}))
    assert bug["charge"]["net"] == 0
    free = await worked(shop, "T-1", 60, corrects=3)
    assert (free["price"], free["charge"]["net"]) == (6, 0)
    settled = await shop.ok(await shop.post("/v1/tickets/T-1/cause", {"cause": "other", "reason": "not ours"}))
    assert settled["charge"]["net"] == 6
    then = (await shop.get("/v1/tickets/T-1", as_of="2025-03-03T10:30:00Z")).json()
    assert (then["price"], then["work"]["totals"]["lines"], then["charge"]["held"]) == (4, 1, 4)
    assert await available(shop) == 94


async def test_a_settled_charge_takes_no_more_work(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    await worked(shop, "T-1", 60)
    await resolved(shop, "T-1")
    await shop.move_clock("2025-03-03T09:00:00Z")
    await shop.ok(await shop.post("/v1/tickets/T-1/disputes", {"reason": "too long"}))
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 30, "corrects": 1}), 409, "dispute_open")
    ruling = {"decision": "reduced", "credits": 3}
    await shop.ok(await shop.post("/v1/tickets/T-1/disputes/1/decision", ruling))
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 30, "corrects": 1}), 409, "charge_settled")
    again = await shop.ok(await shop.post("/v1/tickets/T-1/reopening", {"reason": "still"}))
    assert (again["price"], again["charge"]["net"]) == (3, 3)
    more = await worked(shop, "T-1", 30)
    assert (more["price"], more["charge"]["held"]) == (5, 2)
    done = await resolved(shop, "T-1")
    assert done["charge"]["net"] == 5
    assert await available(shop) == 95


async def test_a_withdrawal_keeps_what_was_worked(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours", agreed_up_to=20)
    await worked(shop, "T-1", 60)
    gone = await shop.ok(await shop.post("/v1/tickets/T-1/withdrawal", {}))
    assert gone["charge"] == {"held": 0, "captured": 4, "refunded": 0, "net": 4}
    assert gone["reasons"][0]["code"] == "work_done"
    await opened(shop, "T-2", "hours", agreed_up_to=20)
    assert (await shop.ok(await shop.post("/v1/tickets/T-2/withdrawal", {})))["charge"]["net"] == 0
    assert await available(shop) == 96


async def test_work_of_a_merged_ticket_is_charged_where_it_goes_on(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop, credits_=20)
    await opened(shop, "T-1", "hours", agreed_up_to=6)
    await opened(shop, "T-2", "hours")
    await worked(shop, "T-1", 60)
    await worked(shop, "T-2", 45)
    await worked(shop, "T-2", 30, corrects=1)
    merged = await shop.ok(await shop.post("/v1/tickets/T-2/merge", {"into_ticket_id": "T-1"}))
    assert (merged["state"], merged["charge"]["net"], merged["charge"]["held"]) == ("withdrawn", 0, 0)
    stands = (await shop.get("/v1/tickets/T-1")).json()
    assert (stands["price"], stands["work"]["totals"]["lines"]) == (6, 3)
    assert [row["corrected_by"] for row in stands["work"]["data"]] == [None, 3, None]
    await opened(shop, "T-3", "hours")
    await worked(shop, "T-3", 15)
    problem(await shop.post("/v1/tickets/T-3/merge", {"into_ticket_id": "T-1"}), 409, "work_beyond_limit")
    assert await available(shop) == 20 - 6 - 2


async def test_too_few_credits_refuse_the_line_and_leave_no_trace(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    poor = await opened(shop, "T-0", "hours")
    assert poor["state"] == "awaiting_credits"
    await supplied(shop, credits_=3)
    await opened(shop, "T-1", "hours")
    refused = problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 61}), 409, "insufficient_credits")
    assert refused["remedies"][0]["sku"] == "credits-2"
    assert (await worked(shop, "T-1", 45))["price"] == 3
    assert await available(shop) == 0


async def test_a_line_is_idempotent_by_its_key_and_may_be_tried_first(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours")
    tried = await shop.ok(await shop.post("/v1/tickets/T-1/work?validate_only=true", {"minutes": 60}))
    assert tried["price"] == 4
    assert (await shop.get("/v1/tickets/T-1")).json()["work"]["totals"]["lines"] == 0
    first = await shop.post("/v1/tickets/T-1/work", {"minutes": 60}, key="k1")
    again = await shop.post("/v1/tickets/T-1/work", {"minutes": 60}, key="k1")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 61}, key="k1"), 422, "idempotency_key_reused")
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 60}, key=None), 400, "idempotency_key_missing")
    reader = await shop.as_key("tickets:read")
    refused = await reader.post("/v1/tickets/T-1/work", json={"minutes": 5}, headers={"Idempotency-Key": "k2"})
    problem(refused, 403, "scope_missing")
    problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 5, "kind": "golf"}), 422, "unknown_work_kind")
    priced = {"category": "hours", "work": [{"minutes": 5}, {"minutes": 5, "kind": "golf"}]}
    refused = await shop.post("/v1/policies/desk-by-the-hour/price", priced)
    problem(refused, 422, "unknown_work_kind")
    assert "work/1/kind" in refused.text, "the line of the request that names it"
    ahead = {"minutes": 5, "occurred_at": "2025-03-03T08:00:01Z"}
    problem(await shop.post("/v1/tickets/T-1/work", ahead), 422, "occurred_in_future")
    before = {"minutes": 5, "occurred_at": "2025-03-03T07:59:59Z"}
    problem(await shop.post("/v1/tickets/T-1/work", before), 422, "occurred_before_opening")
    for minutes in (-1, 1.5, "5", None, 10_081, True):
        assert (await shop.post("/v1/tickets/T-1/work", {"minutes": minutes})).status_code == 422


async def test_a_long_log_is_shown_a_hundred_lines_at_a_time(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop, credits_=1000)
    await opened(shop, "T-1", "hours")
    for _ in range(103):
        last = await worked(shop, "T-1", 1)
    assert (len(last["work"]["data"]), last["price"]) == (100, 103)
    shown = (await shop.get("/v1/tickets/T-1")).json()["work"]
    assert shown["totals"]["lines"] == 103
    rest = (await shop.get("/v1/tickets/T-1", cursor=shown["next_cursor"])).json()["work"]
    assert ([row["number"] for row in rest["data"]], rest["next_cursor"]) == ([101, 102, 103], None)
    assert rest["totals"] == shown["totals"]


async def test_a_ticket_with_a_fixed_price_may_have_a_log(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "question")
    logged = await worked(shop, "T-1", 90, kind="senior")
    assert (logged["price"], logged["work_line"]["credits"], logged["charge"]["held"]) == (6, 0, 6)
    timed = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "hours"}))
    assert (timed["price"], timed["charge"]["held"]) == (12, 12)
    fixed = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "question"}))
    assert (fixed["price"], fixed["charge"]["held"]) == (6, 6)
    assert await available(shop) == 94


async def test_a_history_is_rehearsed_with_its_work(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours", channel="phone", priority="high")
    await worked(shop, "T-1", 60)
    await resolved(shop, "T-1")
    document = (await shop.get("/v1/policies/desk-by-the-hour")).json()["document"]
    path = "/v1/policies/desk-by-the-hour/simulate"
    same = await shop.ok(await shop.post(path, {"document": document}))
    assert (same["differences"], same["errors"]) == ([], [])
    dearer = {
        **document,
        "surcharges": [{**rule, "add": 7} if rule.get("add") == 2 else rule for rule in document["surcharges"]],
    }
    found = await shop.ok(await shop.post(path, {"document": dearer}))
    assert found["errors"] == []
    assert len(found["differences"]) == 1


async def test_a_yes_is_to_no_more_than_was_asked_for(app: FastAPI, api: httpx.AsyncClient) -> None:
    """Work goes on while the customer is asked, as long as a yes to what is asked would still cover it."""
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "summed", agreed_up_to=2)
    await worked(shop, "T-1", 1)
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "hours", "credits": 3}))
    assert (asked["state"], asked["price"], asked["work"]["asked"]) == ("awaiting_confirmation", 2, 3)
    await worked(shop, "T-1", 1)
    assert (await worked(shop, "T-1", 1))["price"] == 2
    refused = problem(await shop.post("/v1/tickets/T-1/work", {"minutes": 1}), 409, "work_beyond_limit")
    assert refused["reasons"][0]["facts"] == {"agreed": 3, "used": 3, "comes_to": 4}
    assert refused["detail"] == "The work would come to 4 credits; 3 credits are asked for."
    yes = await shop.ok(await shop.post("/v1/tickets/T-1/assessments/2/confirmation", {"accept": True}))
    assert (yes["price"], yes["work"]["agreed"], yes["work"]["used"], yes["charge"]["held"]) == (3, 3, 3, 3)
    await opened(shop, "T-2", "question", agreed_up_to=6)
    await shop.ok(await shop.post("/v1/tickets/T-2/assessments", {"category": "hours", "credits": 7}))
    problem(await shop.post("/v1/tickets/T-2/work", {"minutes": 120}), 409, "work_beyond_limit")
    await worked(shop, "T-2", 105)
    yes = await shop.ok(await shop.post("/v1/tickets/T-2/assessments/2/confirmation", {"accept": True}))
    assert (yes["price"], yes["charge"]["held"]) == (7, 7)
    assert await available(shop) == 90


async def test_a_priority_that_makes_work_dearer_than_agreed_asks_the_customer(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "hours", agreed_up_to=4)
    await worked(shop, "T-1", 45)
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "high"}))
    assert (asked["priority"], asked["state"], asked["price"]) == ("high", "awaiting_confirmation", 3)
    assert (asked["work"]["agreed"], asked["work"]["asked"], asked["charge"]["held"]) == (4, 7, 4)
    assert (await worked(shop, "T-1", 15))["price"] == 4, "within the old limit work goes on"
    back = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "low"}))
    assert (back["state"], back["price"], back["work"]["agreed"], back["work"]["asked"]) == ("in_progress", 4, 4, None)
    late = await shop.post("/v1/tickets/T-1/assessments/2/confirmation", {"accept": True})
    problem(late, 409, "not_awaiting_confirmation")
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "high"}))
    number = asked["assessments"][-1]["number"]
    yes = await shop.ok(await shop.post(f"/v1/tickets/T-1/assessments/{number}/confirmation", {"accept": True}))
    assert (yes["state"], yes["price"], yes["work"]["agreed"], yes["charge"]["held"]) == ("in_progress", 7, 7, 7)
    assert await available(shop) == 93
