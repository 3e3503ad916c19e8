"""A plan as a gate: tickets are for those whose plan runs, and are paid in credits or by the plan itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.plans.shop import DOCUMENT, NOW, bought, codes, opened
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> AsyncIterator[Vendor]:
    """A tenant under the plans."""
    made = await vendor_under(app, api, DOCUMENT, now=NOW)
    yield made
    await made.close()


async def test_without_the_plan_a_ticket_is_refused_with_what_to_buy(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "credits-100")
    ticket = await opened(shop, "T-1")
    assert (ticket["state"], codes(ticket["reasons"])) == ("rejected", ["plan_required"])
    assert [(r["sku"], r["price"]["amount"]) for r in ticket["remedies"]] == [
        ("maintenance-12-months", "50.00"),
        ("gold", "90.00"),
    ]
    assert ticket["reasons"][0]["would_change"] == "the plan silver or the plan maintenance"


async def test_while_the_plan_runs_a_ticket_is_paid_in_credits(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "maintenance-12-months", "credits-100")
    ticket = await opened(shop, "T-1")
    assert (ticket["state"], ticket["paid_by"], ticket["price"]) == ("in_progress", "credits", 6)
    await shop.move_clock("2026-03-03T10:00:00Z")
    late = await opened(shop, "T-2")
    assert (late["state"], codes(late["reasons"])) == ("rejected", ["plan_required"])
    await sound(shop)


async def test_a_plan_that_pays_goes_before_the_gate(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "maintenance-12-months", "credits-100", "gold")
    ticket = await opened(shop, "T-1", "call")
    assert (ticket["state"], ticket["paid_by"]) == ("in_progress", "cover")
    await shop.move_clock("2025-04-03T10:00:00Z")
    assert codes((await opened(shop, "T-2", "call"))["reasons"]) == ["gold_required"]
    assert (await opened(shop, "T-3"))["paid_by"] == "credits"


async def test_a_higher_plan_has_the_rights_that_it_includes(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-2")
    called = await opened(shop, "T-1", "call")
    assert (called["state"], codes(called["reasons"])) == ("rejected", ["gold_required"])
    assert [remedy["sku"] for remedy in called["remedies"]] == ["gold"]
    assert (await opened(shop, "T-2"))["paid_by"] == "cover"
    await bought(shop, "o2", "gold", customer="bob")
    assert (await opened(shop, "T-3", customer="bob"))["paid_by"] == "cover", "gold includes silver"


async def test_a_promise_asks_for_the_plan(shop: Vendor) -> None:
    await bought(shop, "o1", "silver-2")
    await bought(shop, "o2", "gold", customer="bob")
    due = {}
    for number, customer in enumerate(("ann", "bob")):
        (clock,) = (await opened(shop, f"T-{number}", customer=customer))["clocks"]
        due[customer] = clock["due_at"]
    assert due == {"ann": "2025-03-04T10:00:00Z", "bob": "2025-03-03T11:00:00Z"}


async def test_a_suspended_gate_is_shut_and_explained(shop: Vendor) -> None:
    answer = await bought(shop, "o1", "license-basic", "maintenance-12-months", "credits-100")
    cover = answer["covers"][0]["cover_id"]
    await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {}))
    ticket = await opened(shop, "T-1")
    assert codes(ticket["reasons"]) == ["plan_required"]
    await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {}))
    assert (await opened(shop, "T-2"))["state"] == "in_progress"


async def test_a_ticket_is_reopened_only_while_the_gate_is_open(app: FastAPI, api: httpx.AsyncClient) -> None:
    rule = "cover: {suspensions: 1"
    document = DOCUMENT.replace(rule, f"reopening: {{clause: P-1, window: {{days: 30}}}}\n{rule}")
    shop = await vendor_under(app, api, document)
    await bought(shop, "o1", "license-basic", "maintenance-12-months", "credits-6", at="2025-03-03T08:00:00Z")
    await shop.move_clock("2026-03-01T08:00:00Z")
    assert (await opened(shop, "T-1"))["paid_by"] == "credits"
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {}))
    again = await shop.ok(await shop.post("/v1/tickets/T-1/reopening", {}))
    assert again["state"] == "in_progress", "paid already, and no credits are left"
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {}))
    await shop.move_clock("2026-03-03T08:00:00Z")
    refused = await shop.post("/v1/tickets/T-1/reopening", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_required")
    await sound(shop)
    await shop.close()


async def test_an_explanation_names_the_plan(shop: Vendor) -> None:
    answer = await bought(shop, "o1", "gold")
    explained = await shop.ok(await shop.get(f"/v1/explain/cover/{answer['covers'][0]['cover_id']}"))
    assert "plan gold for 1 month of order o1" in str(explained)


async def test_what_runs_and_for_how_many_is_told_everywhere(shop: Vendor) -> None:
    answer = await bought(shop, "o1", "silver-7")
    assert (answer["covers"][0]["plan"], answer["covers"][0]["seats"]) == ("silver", 7)
    customer = await shop.ok(await shop.get("/v1/customers/ann"))
    assert [(cover["plan"], cover["seats"]) for cover in customer["covers"]] == [("silver", 7)]
    (event,) = [e for e in (await shop.ok(await shop.get("/v1/events")))["data"] if e["type"] == "cover.granted"]
    assert (event["data"]["plan"], event["data"]["seats"]) == ("silver", 7)
    exported = await shop.ok(await shop.get("/v1/customers/ann/export"))
    assert [(cover["plan"], cover["seats"]) for cover in exported["covers"]] == [("silver", 7)]
    policy = await shop.ok(await shop.get("/v1/policies/plans"))
    assert [(plan["plan"], plan["includes"], plan["pays"]) for plan in policy["plans"]] == [
        ("maintenance", ["maintenance"], False),
        ("silver", ["silver"], True),
        ("gold", ["silver", "gold"], True),
    ]


async def test_as_of_the_day_before_the_plan_ends_the_gate_is_open(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "maintenance-12-months")
    await shop.move_clock("2026-06-01T10:00:00Z")
    asked = "/v1/customers/ann/entitlements/open_ticket"
    assert (await shop.ok(await shop.get(asked, as_of="2026-03-03T09:59:59Z")))["allowed"]
    assert not (await shop.ok(await shop.get(asked, as_of="2026-03-03T10:00:00Z")))["allowed"]
    explained = await shop.ok(await shop.get(asked, explain="true"))
    assert codes(explained["reasons"]) == ["plan_required"]


async def test_a_refund_of_the_plan_shuts_the_gate_and_a_merge_brings_it(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "maintenance-12-months", "credits-100")
    refund: Any = {"refund_id": "r1", "lines": [{"line_id": "2", "quantity": 1}], "reason": "changed their mind"}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", refund))
    assert codes((await opened(shop, "T-1"))["reasons"]) == ["plan_required"]
    await bought(shop, "o2", "gold", customer="bob")
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    assert (await opened(shop, "T-2"))["paid_by"] == "cover"
    await sound(shop)


def findings(*changes: tuple[str, str]) -> list[tuple[str, str]]:
    """What the checks find in the document with these changes: code and the text of the line."""
    text = DOCUMENT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    document = load_document(text)
    lines = text.splitlines()
    found = check_policy(document.policy, document.marks)
    return [(problem.code, lines[problem.line - 1].strip()) for problem in found if problem.code != "steps_end"]


def test_plans_are_checked_with_their_lines() -> None:
    line = "- {kind: cover, rule: gold_month, clause: P-2, term: {months: 1}, start: order, plan: golden, seats: 3}"
    assert findings(("plan: gold, seats: 3", "plan: golden, seats: 3")) == [
        ("plan_never_granted", "- {plan: gold, title: Gold, clause: P-2, includes: [silver]}"),
        ("unknown_plan", line),
    ]
    assert findings(("includes: [silver]", "includes: [bronze]")) == [
        ("unknown_plan", "- {plan: gold, title: Gold, clause: P-2, includes: [bronze]}")
    ]
    assert findings(("start: order, plan: gold, seats: 3", "start: order, plan: gold, seats: sku")) == [
        (
            "seats_without_n",
            "- {kind: cover, rule: gold_month, clause: P-2, term: {months: 1}, start: order, plan: gold, seats: sku}",
        )
    ]


def test_a_gate_needs_credits_and_somebody_who_asks() -> None:
    codes_ = {code for code, _ in findings(("means: [credits, cover]", "means: [cover]"))}
    assert "nothing_pays" in codes_
    waits = findings(("start: after_current, plan: maintenance", "start: first_ticket, plan: maintenance"))
    assert [code for code, _ in waits] == ["gate_waits_for_ticket"]
    ungated = load_document(
        DOCUMENT.replace(", pays: false", "").replace("means: [credits, cover]", "means: [credits]")
    )
    (missing, *_) = [p for p in check_policy(ungated.policy, ungated.marks) if p.code == "means_missing"]
    assert "`pays: false`" in missing.hint


async def test_cover_of_gates_alone_is_told_from_cover_that_no_offer_grants(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    gates = DOCUMENT.replace("title: Silver, clause", "title: Silver, pays: false, clause")
    gates = gates.replace("title: Gold, clause", "title: Gold, pays: false, clause")
    answer = await shop.ok(await shop.post("/v1/policies/validate", {"document": gates}, key=None))
    (row,) = [row for row in answer["problems"] if row["code"] == "means_never_granted"]
    assert gates.splitlines()[row["line"] - 1].startswith("payment:")
    assert row["message"] == "All cover that offers grant is of plans that pay for no ticket."
    assert row["hint"] == "Remove `cover`, or `pays: false` of a plan."
