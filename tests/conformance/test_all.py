"""For all five, where every text is silent. Each test is named by the clause it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.steps import (
    a_ticket,
    act,
    an_order,
    balance,
    choose,
    codes,
    entitled,
    entries,
    events,
    problem,
    reason,
    sidebar,
    the_ticket,
)

START = "2025-01-15T10:00:00Z"
POLICIES = ("cactushop", "cs-cart", "avactis", "shopp", "x-cart")
PACKS = ("credits-25", "credits-50", "credits-100", "credits-200")


async def an_owner(shop: Any, customer: str = "anna") -> None:
    """A license owner with 40 credits that do not expire."""
    await an_order(shop, f"first-of-{customer}", customer, START, "license")
    await choose(shop, customer, "credits")


async def adjusted(shop: Any, credits_: int, customer: str = "anna", expires_at: str | None = None) -> Any:
    """Credits put right by hand, with an end if asked."""
    body: dict[str, Any] = {"credits": credits_, "reason": "by hand"}
    if expires_at is not None:
        body["expires_at"] = expires_at
    return await shop.ok(await shop.post(f"/v1/customers/{customer}/adjustments", body), (200, 201))


async def statement_meets_the_balance(shop: Any, customer: str = "anna") -> Any:
    """The statement, whose three parts must sum up to what is available; no invariant is broken."""
    page = await shop.ok(await shop.get(f"/v1/customers/{customer}/statement"), 200)
    total = sum(one["credits"] for one in page["balance_modifications"])
    total -= sum(one["credits"] for one in page["tickets_in_progress"])
    total -= sum(one["credits"] for one in page["resolved_tickets"])
    assert page["available"] == total == (await balance(shop, customer))["available"]
    audit = await shop.ok(await shop.get("/v1/audit"), 200)
    assert audit["data"] == []
    return page


# --- ALL-1 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "sku", "placed", "end"),
    [
        ("cactushop", "support-12-months", "2024-02-29T12:00:00Z", "2025-02-28T12:00:00Z"),
        ("cactushop", "license-standard", "2025-08-31T23:59:59Z", "2026-02-28T23:59:59Z"),
        ("cactushop", "license-standard", "2023-08-31T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("cactushop", "license-standard", "2025-01-31T22:30:00-05:00", "2025-08-01T03:30:00Z"),
        ("cactushop", "license-standard", "2025-03-01T01:30:00+03:00", "2025-08-28T22:30:00Z"),
    ],
)
async def test_all_1_months_are_added_to_the_instant_in_utc(
    vendor: Any, policy: str, sku: str, placed: str, end: str
) -> None:
    """Added in UTC whatever the offset; a day the month lacks becomes its last."""
    shop = await vendor(policy, now="2026-08-31T23:59:59Z")
    order = await an_order(shop, "o1", "anna", placed, sku)
    assert order["covers"][0]["ends_at"] == end


@pytest.mark.parametrize(
    ("policy", "sku", "placed", "end"),
    [
        ("x-cart", "credits-60", "2024-02-29T08:00:00Z", "2026-02-28T08:00:00Z"),
        ("x-cart", "credits-60", "2024-03-01T00:00:00+14:00", "2026-02-28T10:00:00Z"),
        ("avactis", "license-owned", "2024-02-29T08:00:00Z", "2025-02-28T08:00:00Z"),
        ("shopp", "credit-priority", "2025-08-31T08:00:00Z", "2026-02-28T08:00:00Z"),
    ],
)
async def test_all_1_years_and_months_of_credits_are_added_alike(
    vendor: Any, policy: str, sku: str, placed: str, end: str
) -> None:
    """29 February and two years is 28 February; six months from 31 August is 28 February."""
    shop = await vendor(policy, now=placed)
    order = await an_order(shop, "o1", "anna", placed, "license", sku)
    mine = [one for one in order["lots"] if one["line_id"] == "2"]
    assert [one["expires_at"] for one in mine] == [end]


async def test_all_1_the_end_of_credits_is_exclusive(vendor: Any) -> None:
    """The last second counts, the end itself does not, and nothing need have run at it."""
    shop = await vendor("x-cart", now="2024-02-29T08:00:00Z")
    await an_order(shop, "o1", "anna", "2024-02-29T08:00:00Z", "credits-60")
    await shop.move_clock("2026-02-28T07:59:59Z")
    assert (await balance(shop, "anna"))["available"] == 60
    last = await a_ticket(shop, "T-1", "anna", category="level_1")
    assert last["charge"]["held"] == 10
    await shop.move_clock("2026-02-28T08:00:00Z")
    assert (await balance(shop, "anna"))["available"] == 0
    late = await a_ticket(shop, "T-2", "anna", category="level_1")
    assert late["state"] == "awaiting_credits"
    assert [one["occurred_at"] for one in await events(shop, "credits.expired")] == ["2026-02-28T08:00:00Z"]
    before = await shop.get("/v1/customers/anna/balance", as_of="2026-02-28T07:59:59Z")
    assert (await shop.ok(before, 200))["available"] == 50


async def test_all_1_a_day_is_24_hours(vendor: Any) -> None:
    """30 days are 720 hours, across any change of clocks, and no calendar month."""
    shop = await vendor("cs-cart", now="2025-03-10T00:00:00Z")
    await an_order(shop, "o1", "anna", "2025-03-10T00:00:00Z", "license")
    await choose(shop, "anna", "cover")
    await shop.move_clock("2025-03-15T23:30:00Z")
    await a_ticket(shop, "T-1", "anna")
    (cover,) = (await sidebar(shop, "anna"))["covers"]
    assert cover["ends_at"] == "2025-04-14T23:30:00Z"


# --- ALL-2 ------------------------------------------------------------------------------------------------------------


async def test_all_2_an_opening_that_cannot_be_held_is_recorded_and_a_top_up_lets_it_go_on(vendor: Any) -> None:
    """awaiting_credits with the offers, a reading; a new assessment after a top-up holds it."""
    shop = await vendor("cs-cart", now=START)
    await an_owner(shop)
    await adjusted(shop, -36)
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1")
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_credits", 0)
    why = ticket["reasons"][0]
    assert (why["code"], why["clause"], why["reading"]) == ("insufficient_credits", "ALL-2", True)
    assert (why["facts"]["available"], why["facts"]["required"]) == (4, 5)
    assert {one.get("sku") for one in ticket["remedies"]} >= set(PACKS)
    assert (await the_ticket(shop, "T-1"))["state"] == "awaiting_credits"
    refused = await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service"})
    assert refused.status_code == 409
    await an_order(shop, "o2", "anna", START, "credits-25")
    going = await act(shop, "T-1", "assessments", category="category_1")
    assert (going["status"], going["state"], going["charge"]["held"]) == ("in_force", "in_progress", 5)


async def test_all_2_exactly_enough_is_enough(vendor: Any) -> None:
    """The edge: 10 points for a price of 10 are held, 9 are not."""
    shop = await vendor("x-cart", now=START)
    for customer, credits_, state in (("anna", 10, "in_progress"), ("bea", 9, "awaiting_credits")):
        await an_order(shop, f"o-{customer}", customer, START, "license")
        await adjusted(shop, credits_ - 60, customer)
        ticket = await a_ticket(shop, f"T-{customer}", customer, category="level_1")
        assert ticket["state"] == state
        assert (await balance(shop, customer))["available"] == (0 if state == "in_progress" else 9)


async def test_all_2_points_too_after_a_top_up(vendor: Any) -> None:
    """The same under another policy: details, too, decides again."""
    shop = await vendor("x-cart", now=START)
    ticket = await a_ticket(shop, "T-1", "anna", category="level_2")
    assert ticket["state"] == "awaiting_credits"
    assert {one.get("sku") for one in ticket["remedies"]} >= {"credits-60", "credits-1200"}
    still = await act(shop, "T-1", "assessments", category="level_2")
    assert still["state"] == "awaiting_credits"
    await an_order(shop, "o1", "anna", START, "credits-60")
    going = await act(shop, "T-1", "assessments", category="level_2")
    assert (going["state"], going["charge"]["held"]) == ("in_progress", 25)


async def test_all_2_on_reassessment_the_old_price_stands(vendor: Any) -> None:
    """Refused for want of credits with the offers; the old price stands and the work goes on."""
    shop = await vendor("x-cart", now=START)
    await an_order(shop, "o1", "anna", START, "license")
    await a_ticket(shop, "T-1", "anna", category="level_3")
    answer = await shop.post("/v1/tickets/T-1/assessments", {"category": "level_4"})
    body = problem(answer, 409, "insufficient_credits")
    why = reason(body, "insufficient_credits")
    assert (why["clause"], why["reading"]) == ("ALL-2", True)
    stood = await the_ticket(shop, "T-1")
    assert (stood["state"], stood["category"], stood["charge"]["held"]) == ("in_progress", "level_3", 40)
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)
    await an_order(shop, "o2", "anna", START, "credits-60")
    raised = await act(shop, "T-1", "assessments", category="level_4")
    assert (raised["status"], raised["charge"]["held"]) == ("in_force", 80)


async def test_all_2_what_was_asked_beforehand_and_cannot_be_paid_waits_on(vendor: Any) -> None:
    """A confirmation without the credits is refused; after a top-up it holds."""
    shop = await vendor("cs-cart", now=START)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_1")
    await adjusted(shop, -30)
    await act(shop, "T-1", "assessments", category="category_3")
    answer = await shop.post("/v1/tickets/T-1/assessments/2/confirmation", {"accept": True})
    problem(answer, 409, "insufficient_credits")
    assert (await the_ticket(shop, "T-1"))["charge"]["held"] == 5
    await an_order(shop, "o2", "anna", START, "credits-25")
    held = await act(shop, "T-1", "assessments/2/confirmation", accept=True)
    assert (held["state"], held["charge"]["held"]) == ("in_progress", 20)


# --- ALL-3 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "category", "credits"),
    [
        ("avactis", "features", 25),
        ("avactis", "patching", 120),
        ("x-cart", "small_modification", None),
        ("x-cart", "installation", None),
        ("x-cart", "other", 15),
    ],
)
async def test_all_3_range_minimum_and_by_quote_prices_hold_nothing_before_an_assessment(
    vendor: Any, policy: str, category: str, credits: int | None
) -> None:
    """Nothing is held until an assessment names the credits; a fixed price is held at once."""
    shop = await vendor(policy, now=START)
    license_ = "license-owned" if policy == "avactis" else "license"
    await an_order(shop, "o1", "anna", START, license_)
    await adjusted(shop, 1000)
    before = (await balance(shop, "anna"))["available"]
    priced = await shop.ok(await shop.post(f"/v1/policies/{policy}/price", {"category": category}), 200)
    ticket = await a_ticket(shop, "T-1", "anna", category=category)
    if credits is None:
        assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", priced["credits"])
        return
    assert priced["credits"] is None
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_assessment", 0)
    why = reason(ticket, "assessment_required")
    assert why["reading"] is True
    assert (await balance(shop, "anna"))["available"] == before
    unnamed = await shop.post("/v1/tickets/T-1/assessments", {"category": category})
    assert unnamed.status_code == 422
    going = await act(shop, "T-1", "assessments", category=category, credits=credits)
    assert (going["state"], going["charge"]["held"]) == ("in_progress", credits)
    assert (await balance(shop, "anna"))["available"] == before - credits


async def test_all_3_minimum_prices_wait_for_the_credits_too(vendor: Any) -> None:
    """Every `from N` price of the points policy waits; below N is outside the list and needs a reason."""
    shop = await vendor("x-cart", now=START)
    await adjusted_account(shop)
    policy = await shop.ok(await shop.get("/v1/policies/x-cart"), 200)
    open_prices = [one for one in policy["categories"] if one["price"]["kind"] not in ("fixed", "formula")]
    assert len(open_prices) >= 4
    for n, one in enumerate(open_prices):
        ticket = await a_ticket(shop, f"T-{n}", "anna", category=one["category"])
        assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_assessment", 0), one


async def adjusted_account(shop: Any) -> None:
    """An account with plenty of credits."""
    await an_order(shop, "o1", "anna", START, "license")
    await adjusted(shop, 5000)


async def test_all_3_a_formula_asks_for_its_inputs(vendor: Any) -> None:
    """An input that is not stated is unknown: it is asked for, and nothing is held meanwhile."""
    shop = await vendor("x-cart", now=START)
    await adjusted_account(shop)
    ticket = await a_ticket(shop, "T-1", "anna", category="aspe_transfer")
    assert (ticket["state"], ticket["charge"]["held"]) == ("needs_facts", 0)
    assert any(one.endswith("N") for one in ticket["asks"])
    going = await act(shop, "T-1", "details", inputs={"N": 3})
    assert (going["state"], going["charge"]["held"]) == ("in_progress", 300)


async def test_all_3_an_absent_fact_rejects_nothing_and_is_asked_for(vendor: Any) -> None:
    """Facts not stated are unknown: needs_facts names them, a reading; stated, the ticket goes on."""
    shop = await vendor("shopp", now=START)
    order = await an_order(shop, "o1", "anna", START, "license", "credit-priority")
    license_id = order["licenses"][0]["license_id"]
    await shop.ok(
        await shop.post(f"/v1/licenses/{license_id}/registration", {"domain": "shop.example.com"}), (200, 201)
    )
    ticket = await a_ticket(shop, "T-1", "anna", credit_type="priority", license_id=license_id)
    assert ticket["state"] == "needs_facts"
    assert ticket["asks"]
    assert {one["clause"] for one in ticket["reasons"]} == {"ALL-3"}
    assert all(one["reading"] for one in ticket["reasons"])
    stated = {
        "official": True,
        "modified": False,
        "current_release": True,
        "request_kind": "diagnosis",
        "single_issue": True,
        "clear_description": True,
    }
    going = await act(shop, "T-1", "details", facts=stated)
    assert going["state"] == "awaiting_qualification"


@pytest.mark.parametrize("policy", ["cs-cart", "avactis", "x-cart", "cactushop"])
async def test_all_3_a_ticket_of_which_hardly_anything_is_stated_is_not_rejected(vendor: Any, policy: str) -> None:
    """Without channel, language, license, category and facts nothing is rejected by itself."""
    shop = await vendor(policy, now=START)
    names = {"cs-cart": "license", "x-cart": "license", "avactis": "license-owned"}
    await an_order(shop, "o1", "anna", START, names.get(policy, "license-standard"))
    if policy == "cs-cart":
        await choose(shop, "anna", "credits")
    ticket = await shop.ok(await shop.put("/v1/tickets/T-1", {"customer_id": "anna", "subject": "?"}), 201)
    assert ticket["state"] in ("awaiting_assessment", "in_progress", "needs_facts")
    assert ticket["state"] != "rejected"
    assert ticket["charge"]["held"] == 0


# --- ALL-4 ------------------------------------------------------------------------------------------------------------


async def a_ticket_over_an_expiry(vendor: Any) -> Any:
    """A ticket in progress whose 10 credits come from a lot that has expired since; the shop."""
    shop = await vendor("x-cart", now="2025-01-01T00:00:00Z")
    await an_order(shop, "o1", "anna", "2023-01-02T00:00:00Z", "credits-60")
    ticket = await a_ticket(shop, "T-1", "anna", category="level_1")
    assert ticket["charge"]["held"] == 10
    await shop.move_clock("2025-01-02T00:00:00Z")
    found = await balance(shop, "anna")
    assert (found["available"], found["held"]) == (0, 10)
    await shop.move_clock("2025-01-10T12:00:00Z")
    return shop


async def test_all_4_returned_for_a_bug_a_new_lot_lives_thirty_days(vendor: Any) -> None:
    """Cause software_bug: the credits come back in a new lot with 30 days, to the second; a reading."""
    shop = await a_ticket_over_an_expiry(vendor)
    done = await act(shop, "T-1", "resolution", outcome="corrected", cause="software_bug")
    assert done["charge"]["net"] == 0
    found = await balance(shop, "anna")
    assert found["available"] == 10
    (lot,) = found["lots"]
    assert (lot["granted"], lot["expires_at"]) == (10, "2025-02-09T12:00:00Z")
    assert (lot["clause"], lot["reading"]) == ("ALL-4", True)
    page = await statement_meets_the_balance(shop)
    assert page["available"] == 10
    # What was lost and what stands in its place cite the rule of that; the charge that of its return.
    late = [one for one in page["balance_modifications"] if one["at"] == "2025-01-10T12:00:00Z"]
    assert [(one["kind"], one["credits"], one["clause"], one["reading"]) for one in late] == [
        ("expired", -10, "ALL-4", True),
        ("granted", 10, "ALL-4", True),
    ]
    assert [(one["credits"], one["clause"]) for one in page["resolved_tickets"]] == [(0, "XC-11")]
    await shop.move_clock("2025-02-09T11:59:59Z")
    assert (await balance(shop, "anna"))["available"] == 10
    await shop.move_clock("2025-02-09T12:00:00Z")
    assert (await balance(shop, "anna"))["available"] == 0
    await statement_meets_the_balance(shop)


async def test_all_4_otherwise_returned_credits_are_forfeited_and_both_lines_are_shown(vendor: Any) -> None:
    """A withdrawn ticket: the return and the forfeiture are both lines of the ledger; a reading."""
    shop = await a_ticket_over_an_expiry(vendor)
    done = await act(shop, "T-1", "withdrawal")
    assert (done["state"], done["charge"]["held"], done["charge"]["net"]) == ("withdrawn", 0, 0)
    assert (await balance(shop, "anna"))["available"] == 0
    lines = [one for one in await entries(shop, "anna") if one["ticket_id"] == "T-1"]
    back = [one for one in lines if (one["from"], one["to"]) == ("held", "available")]
    lost = [one for one in lines if (one["from"], one["to"]) == ("available", "expired")]
    assert ([one["credits"] for one in back], [one["credits"] for one in lost]) == ([10], [10])
    page = await statement_meets_the_balance(shop)
    assert -10 in [one["credits"] for one in page["balance_modifications"]]
    gone = [one for one in page["balance_modifications"] if one["credits"] == -10]
    assert (gone[0]["clause"], gone[0]["reading"]) == ("ALL-4", True)


async def test_all_4_a_dispute_that_returns_gives_nothing_to_an_expired_lot(vendor: Any) -> None:
    """Returned by a dispute without a bug: forfeited, both lines shown."""
    shop = await a_ticket_over_an_expiry(vendor)
    await act(shop, "T-1", "resolution", outcome="answered", cause="question")
    await act(shop, "T-1", "disputes", reason="too much")
    body = await act(shop, "T-1", "disputes/1/decision", decision="returned")
    assert body["charge"]["net"] == 0
    assert (await balance(shop, "anna"))["available"] == 0
    lines = {(one["from"], one["to"]) for one in await entries(shop, "anna") if one["ticket_id"] == "T-1"}
    assert lines >= {("spent", "available"), ("available", "expired")}
    page = await statement_meets_the_balance(shop)
    (gone,) = [one for one in page["balance_modifications"] if one["operation"] == "refund"]
    assert (gone["kind"], gone["credits"], gone["clause"], gone["reading"]) == ("expired", -10, "ALL-4", True)
    (charge,) = page["resolved_tickets"]
    assert (charge["captured"], charge["refunded"], charge["clause"]) == (10, 10, "XC-6")


async def test_all_4_only_the_expired_part_is_lost(vendor: Any) -> None:
    """Credits of a living lot go back to it, those of an expired one follow the rule."""
    shop = await vendor("cs-cart", now=START)
    await an_owner(shop)
    await adjusted(shop, 4, expires_at="2025-02-01T00:00:00Z")
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1")
    assert ticket["charge"]["held"] == 5
    bug = await a_ticket(shop, "T-2", "anna", category="category_1")
    assert bug["charge"]["held"] == 5
    await shop.move_clock("2025-02-01T00:00:00Z")
    await act(shop, "T-1", "withdrawal")
    assert (await balance(shop, "anna"))["available"] == 35, "four were of the expired lot, one was not"
    await act(shop, "T-2", "resolution", outcome="corrected", cause="software_bug")
    assert (await balance(shop, "anna"))["available"] == 40
    await statement_meets_the_balance(shop)


async def test_all_4_for_a_bug_under_every_policy_that_returns_credits(vendor: Any) -> None:
    """The same 30 days under the policy of levels, for credits that expire 12 months from the order."""
    shop = await vendor("avactis", now="2025-01-01T00:00:00Z")
    await an_order(shop, "o1", "anna", "2024-01-02T00:00:00Z", "license-owned")
    await a_ticket(shop, "T-1", "anna", category="root_cause")
    await act(shop, "T-1", "assessments", category="root_cause", credits=40)
    await shop.move_clock("2025-01-02T00:00:00Z")
    assert (await balance(shop, "anna"))["available"] == 0
    await act(shop, "T-1", "resolution", cause="software_bug")
    (lot,) = (await balance(shop, "anna"))["lots"]
    assert (lot["available"], lot["expires_at"], lot["reading"]) == (40, "2025-02-01T00:00:00Z", True)
    await statement_meets_the_balance(shop)


# --- ALL-5 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
async def test_all_5_a_line_that_is_not_sold_is_recorded_never_refused(vendor: Any, policy: str) -> None:
    """201 with not_granted naming line, code and clause, a reading; the other lines are granted."""
    shop = await vendor(policy, now=START)
    names = {"cactushop": "license-standard", "avactis": "license-owned"}
    good = names.get(policy, "license")
    order = await an_order(shop, "o1", "anna", START, {"sku": "a-mug", "quantity": 3, "unit_price": "9.50"}, good)
    assert len(order["licenses"]) == 1
    (row,) = order["not_granted"]
    assert (row["line_id"], row["code"], row["clause"]) == ("1", "unknown_sku", "ALL-5")
    assert row["reading"] is True
    read = await shop.ok(await shop.get("/v1/orders/o1"), 200)
    assert read["not_granted"] == order["not_granted"]
    only = await an_order(shop, "o2", "bea", START, "a-mug")
    assert (only["licenses"], only["lots"], only["covers"], only["choices"]) == ([], [], [], [])
    again = await an_order(shop, "o2", "bea", START, "a-mug", status=200)
    assert again["not_granted"] == only["not_granted"]


async def test_all_5_a_pack_size_that_is_not_on_the_list_is_not_granted(vendor: Any) -> None:
    """30 credits are not sold; the line is recorded and brings nothing."""
    shop = await vendor("cs-cart", now=START)
    await an_owner(shop)
    order = await an_order(shop, "o2", "anna", START, "credits-30")
    assert order["lots"] == []
    assert [one["line_id"] for one in order["not_granted"]] == ["1"]
    assert (await balance(shop, "anna"))["available"] == 40


async def test_all_5_a_line_that_grants_nothing_says_why(vendor: Any) -> None:
    """A list price of zero brings no credits: the license is there, the credits are not, and the answer says why."""
    shop = await vendor("avactis", now=START)
    free = {"sku": "license-owned", "list_price": "0.00", "unit_price": "0.00"}
    order = await an_order(shop, "o1", "anna", START, free)
    assert (len(order["licenses"]), order["lots"]) == (1, [])
    (row,) = order["not_granted"]
    assert row["line_id"] == "1"
    assert row["clause"]
    assert row["code"]


async def test_all_5_such_an_order_makes_the_account_but_no_license(vendor: Any) -> None:
    """The line is kept and the customer exists: a ticket of the account is decided like any other."""
    shop = await vendor("cs-cart", now=START)
    await an_order(shop, "o1", "anna", START, "a-mug")
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1")
    assert codes(ticket) == ["no_license"]
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is False
