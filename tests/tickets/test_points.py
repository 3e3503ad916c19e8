"""Incidents and points: prices, holds, re-assessment, bugs and disputes (the x-cart texts)."""

from __future__ import annotations

import pytest

from tests.conftest import MakeVendor
from tests.tickets.desk import act, balance, clock, codes, open_ticket, order, refused, ticket_of

PRICES = {
    "level_0": 0,
    "level_1": 10,
    "level_2": 25,
    "level_3": 40,
    "level_4": 80,
    "warranty": 0,
    "small_modification": 25,
    "medium_modification": 50,
    "patch": 40,
    "installation": 150,
    "ssl_certificate": 150,
    "store_transfer": 150,
    "sef_analysis": 60,
}


async def test_xc_6_and_xc_7_the_price_list_is_held_when_a_ticket_is_opened(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "frank", "credits-1200")
    for category, amount in PRICES.items():
        ticket = await open_ticket(shop, "frank", category=category)
        assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", amount), category
        assert ticket["assessments"][0]["credits"] == amount


async def test_xc_6_level_0_and_warranty_need_no_points_at_all(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    for category in ("level_0", "warranty"):
        ticket = await open_ticket(shop, "nobody", category=category)
        assert (ticket["state"], ticket["paid_by"], ticket["charge"]["net"]) == ("in_progress", "nobody", 0)
    assert (await balance(shop, "nobody"))["available"] == 0
    assert (await shop.get("/v1/customers/nobody/entries")).json()["data"] == [], "nothing is booked for nothing"


@pytest.mark.parametrize(
    ("category", "too_low", "passes"),
    [
        ("third_party_installation", 99, 100),
        ("server_applications", 149, 150),
        ("performance_optimization", 79, 80),
        ("server_optimization", 119, 120),
        ("customized_store_transfer", 149, 150),
    ],
)
async def test_xc_8_a_least_price_waits_for_an_assessment(
    vendor: MakeVendor, category: str, too_low: int, passes: int
) -> None:
    shop = await vendor("x-cart")
    await order(shop, "gil", "credits-300")
    ticket = await open_ticket(shop, "gil", category=category)
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_assessment", 0)
    unnamed = await refused(shop, ticket, "assessments", {"category": category}, status=422)
    assert unnamed["code"] == "credits_required"
    low = await refused(shop, ticket, "assessments", {"credits": too_low}, status=422)
    assert low["code"] == "reason_required"
    done = await act(shop, ticket, "assessments", {"credits": passes})
    assert (done["status"], done["state"], done["charge"]["held"]) == ("in_force", "in_progress", passes)
    assert done["assessment"]["outside_list"] is False


async def test_xc_8_a_range_passes_inside_and_is_marked_outside(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "hal", "credits-300")
    for amount, reason, outside in ((80, None, False), (100, None, False), (101, "three old stores", True)):
        ticket = await open_ticket(shop, "hal", category="sales_n_stats_transfer")
        body = {"credits": amount} if reason is None else {"credits": amount, "reason": reason}
        done = await act(shop, ticket, "assessments", body)
        assert done["assessment"]["outside_list"] is outside
        await act(shop, ticket, "withdrawal")
    assert (await balance(shop, "hal"))["available"] == 300


async def test_xc_8_upon_request_is_by_quote_only(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ida", "credits-60")
    ticket = await open_ticket(shop, "ida", category="other")
    assert ticket["state"] == "awaiting_assessment"
    assert (await refused(shop, ticket, "assessments", {}, status=422))["code"] == "credits_required"
    assert (await act(shop, ticket, "assessments", {"credits": 33}))["charge"]["held"] == 33


async def test_xc_9_formula_prices_with_named_inputs(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "jan", "credits-1200")
    assert (await open_ticket(shop, "jan", category="aspe_transfer", inputs={"N": 3}))["charge"]["held"] == 300
    assert (await open_ticket(shop, "jan", category="security_audit", inputs={"X": 0}))["charge"]["held"] == 150
    asked = await open_ticket(shop, "jan", category="security_audit")
    assert (asked["state"], asked["asks"]) == ("needs_facts", ["inputs.X"])
    done = await act(shop, asked, "details", {"inputs": {"X": 2}})
    assert (done["state"], done["charge"]["held"]) == ("in_progress", 270)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"category": "level_9"}, "unknown_category", "/category"),
        ({"category": "aspe_transfer", "inputs": {"M": 1}}, "unknown_input", "/inputs/M"),
        ({"category": "aspe_transfer", "inputs": {"N": -1}}, "invalid_input", "/inputs/N"),
        ({"category": "aspe_transfer", "inputs": {"N": "3"}}, "invalid_input", "/inputs/N"),
        ({"category": "aspe_transfer", "inputs": {"N": 100_001}}, "input_out_of_range", "/inputs/N"),
        ({"channel": "pigeon"}, "unknown_channel", "/channel"),
        ({"pay_with": "gold"}, "unknown_pay_with", "/pay_with"),
        ({"credit_type": "gold"}, "unknown_credit_type", "/credit_type"),
        ({"facts": {"x": 1}}, "unknown_fact", "/facts/x"),
    ],
)
async def test_xc_9_wrong_input_is_refused_and_named(
    vendor: MakeVendor, change: dict[str, object], code: str, pointer: str
) -> None:
    shop = await vendor("x-cart")
    answer = await open_ticket(shop, "kim", status=422, **change)
    assert answer["code"] == code
    assert answer["errors"][0]["pointer"] == pointer


async def test_xc_1_ten_responses_are_one_charge(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "lea", "credits-60")
    ticket = await open_ticket(shop, "lea", category="level_1")
    for n in range(10):
        author = "vendor" if n % 2 else "customer"
        await act(shop, ticket, "responses", {"author": author, "kind": "service", "public": True})
    done = await act(shop, ticket, "resolution", {"outcome": "answered"})
    assert (len(done["responses"]), done["charge"]["net"]) == (10, 10)
    assert (await balance(shop, "lea"))["available"] == 50


async def test_xc_14_points_are_held_in_progress_and_captured_at_the_end(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "max", "credits-60")
    ticket = await open_ticket(shop, "max", category="level_3")
    held = await balance(shop, "max")
    assert (held["available"], held["held"]) == (20, 40)
    done = await act(shop, ticket, "resolution", {})
    assert (done["state"], done["outcome"], done["charge"]) == (
        "resolved",
        "answered",
        {"held": 0, "captured": 40, "refunded": 0, "net": 40},
    )
    after = await balance(shop, "max")
    assert (after["available"], after["held"]) == (20, 0)


async def test_xc_10_the_price_changes_both_ways_while_the_problem_is_solved(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ned", "credits-60")
    ticket = await open_ticket(shop, "ned", category="level_1")
    up = await act(shop, ticket, "assessments", {"category": "level_3"})
    assert (up["status"], up["charge"]["held"], up["category"]) == ("in_force", 40, "level_3")
    short = await refused(shop, ticket, "assessments", {"category": "level_4"})
    assert (short["code"], short["reasons"][0]["would_change"]) == ("insufficient_credits", "20 more points")
    stands = await ticket_of(shop, ticket)
    assert (stands["charge"]["held"], len(stands["assessments"])) == (40, 2)
    down = await act(shop, ticket, "assessments", {"category": "level_2"})
    assert [one["status"] for one in down["assessments"]] == ["superseded", "superseded", "in_force"]
    assert (down["charge"]["held"], (await balance(shop, "ned"))["available"]) == (25, 35)


async def test_xc_11_a_software_bug_returns_all_points(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "ola", "license")
    ticket = await open_ticket(shop, "ola", category="level_3")
    done = await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert done["charge"] == {"held": 0, "captured": 40, "refunded": 40, "net": 0}
    assert (done["reasons"][0]["clause"], (await balance(shop, "ola"))["available"]) == ("XC-11", 60)
    again = await act(shop, await open_ticket(shop, "ola", category="level_3"), "resolution", {"cause": "settings"})
    assert again["charge"]["net"] == 40


async def test_xc_12_a_dispute_ends_upheld_reduced_or_returned(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "pia", "credits-120")
    for decision, amount, net in (("upheld", None, 40), ("reduced", 10, 10), ("returned", None, 0)):
        ticket = await open_ticket(shop, "pia", category="level_3")
        assert (await refused(shop, ticket, "disputes", {"reason": "too dear"}))["code"] == "wrong_state"
        await act(shop, ticket, "resolution", {})
        opened = await act(shop, ticket, "disputes", {"reason": "too dear"})
        assert (opened["dispute"]["number"], opened["dispute"]["clause"]) == (1, "XC-12")
        assert (await refused(shop, ticket, "disputes", {}))["code"] == "dispute_open"
        body = {"decision": decision} if amount is None else {"decision": decision, "credits": amount}
        done = await act(shop, ticket, "disputes/1/decision", body)
        assert (done["charge"]["net"], done["dispute"]["credits"]) == (net, net)
        assert (await refused(shop, ticket, "disputes/1/decision", body))["code"] == "dispute_decided"
    assert (await balance(shop, "pia"))["available"] == 120 - 50


async def test_xc_12_a_reduced_charge_is_below_the_old_one(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "quin", "credits-60")
    ticket = await open_ticket(shop, "quin", category="level_1")
    await act(shop, ticket, "resolution", {})
    await act(shop, ticket, "disputes", {})
    for amount in (10, 11):
        body = {"decision": "reduced", "credits": amount}
        answer = await refused(shop, ticket, "disputes/1/decision", body, status=422)
        assert answer["code"] == "credits_not_below"
    assert (await refused(shop, ticket, "disputes/1/decision", {"decision": "reduced"}, status=422))[
        "code"
    ] == "credits_required"


async def test_xc_2_a_ticket_is_received_at_any_hour_and_due_after_one_business_day(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart", now="2025-04-08T15:00:00Z")
    tuesday = await open_ticket(shop, "rex", category="level_0")
    assert clock(tuesday, "first_response")["due_at"] == "2025-04-09T15:00:00Z"
    await shop.move_clock("2025-04-12T11:00:00Z")
    saturday = await open_ticket(shop, "rex", category="level_0")
    assert clock(saturday, "first_response")["due_at"] == "2025-04-15T00:00:00Z"
    answered = await act(shop, saturday, "responses", {"author": "vendor", "kind": "inquiry", "public": True})
    assert clock(answered, "first_response")["outcome"] == "met"


async def test_all_2_too_few_credits_is_recorded_with_the_offers_and_held_after_a_top_up(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "sam", "credits-60")
    ticket = await open_ticket(shop, "sam", category="level_4")
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_credits", 0)
    assert (ticket["reasons"][0]["clause"], ticket["reasons"][0]["would_change"]) == ("ALL-2", "20 more points")
    assert {"kind": "buy", "sku": "credits-60", "price": {"amount": "34.50", "currency": "USD"}} in ticket["remedies"]
    await order(shop, "sam", "credits-60")
    done = await act(shop, ticket, "assessments", {"category": "level_4"})
    assert (done["status"], done["state"], done["charge"]["held"]) == ("in_force", "in_progress", 80)
    assert [one["status"] for one in done["assessments"]] == ["superseded", "in_force"]


async def test_all_2_details_decide_again_after_a_top_up(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    ticket = await open_ticket(shop, "tia", category="level_1")
    assert (ticket["state"], codes(ticket)) == ("awaiting_credits", ["insufficient_credits", "credits_used_up"])
    assert (await act(shop, ticket, "details", {}))["state"] == "awaiting_credits"
    await order(shop, "tia", "credits-60")
    done = await act(shop, ticket, "details", {})
    assert (done["state"], done["charge"]["held"], len(done["assessments"])) == ("in_progress", 10, 1)


async def test_all_3_nothing_is_held_before_the_credits_are_named(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "uma", "credits-60")
    ticket = await open_ticket(shop, "uma")
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_assessment", 0)
    assert (await refused(shop, ticket, "resolution", {}))["code"] == "assessment_required"
    assert (await act(shop, ticket, "assessments", {"category": "level_2"}))["charge"]["held"] == 25


async def test_all_4_credits_returned_to_a_dead_lot_come_back_for_30_days_after_a_bug(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await order(shop, "vic", "credits-60")
    ticket = await open_ticket(shop, "vic", category="level_3")
    await shop.move_clock("2027-01-02T00:00:00Z")
    assert (await balance(shop, "vic"))["available"] == 0
    done = await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert done["charge"]["net"] == 0
    after = await balance(shop, "vic")
    assert after["available"] == 40
    assert [one["expires_at"] for one in after["lots"] if one["available"]] == ["2027-02-01T00:00:00Z"]
