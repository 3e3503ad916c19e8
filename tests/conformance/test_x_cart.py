"""X-Cart: incidents and points. Each test is named by the clause it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.steps import a_ticket, an_order, balance, clock, codes, problem, reason

POLICY = "x-cart"
START = "2025-04-07T09:00:00Z"


async def _resolve(shop: Any, ticket: str, **body: Any) -> Any:
    return await shop.ok(await shop.post(f"/v1/tickets/{ticket}/resolution", {"outcome": "answered", **body}))


async def test_xc_1_an_incident_is_one_charge_whatever_the_correspondence(vendor: Any) -> None:
    """Ten responses, one charge."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license")
    await a_ticket(shop, "T-1", "frank", category="level_1")
    for number in range(10):
        author = "vendor" if number % 2 else "customer"
        body = {"author": author, "kind": "service" if author == "vendor" else "inquiry", "public": True}
        answer = await shop.ok(await shop.post("/v1/tickets/T-1/responses", body))
        assert answer["charge"]["held"] == 10
    assert (await _resolve(shop, "T-1"))["charge"]["net"] == 10
    assert (await balance(shop, "frank"))["available"] == 50


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2025-04-08T15:00:00Z", "2025-04-09T15:00:00Z"),
        ("2025-04-12T11:30:00Z", "2025-04-15T00:00:00Z"),
        ("2025-04-11T23:59:59Z", "2025-04-14T23:59:59Z"),
        ("2025-12-24T10:00:00Z", "2025-12-25T10:00:00Z"),
    ],
)
async def test_xc_2_received_at_any_hour_and_due_after_one_business_day(vendor: Any, opened: str, due: str) -> None:
    """Tuesday 15:00 gives Wednesday 15:00, Saturday the end of Monday; no holidays; zone UTC."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license")
    await shop.move_clock(opened)
    ticket = await a_ticket(shop, "T-1", "frank", category="level_0")
    first = clock(ticket, "first_response")
    assert (first["phase"], first["due_at"]) == ("running", due)
    answered = await shop.ok(
        await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service", "public": True})
    )
    assert clock(answered, "first_response")["outcome"] == "met"


@pytest.mark.parametrize("channel", ["email", "phone", "forum", "contact_form"])
async def test_xc_2_another_channel_than_the_help_desk_is_refused(vendor: Any, channel: str) -> None:
    """Issues come through the web-based help desk; a channel that is not named is not judged. A reading."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license")
    ticket = await a_ticket(shop, "T-1", "frank", category="level_0", channel=channel)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["wrong_channel"])
    why = reason(ticket, "wrong_channel")
    assert (why["clause"], why["reading"]) == ("XC-2", True)
    assert (await a_ticket(shop, "T-2", "frank", category="level_0", channel=None))["state"] == "in_progress"


async def test_xc_2_the_due_second_is_in_time_and_the_next_is_a_breach(vendor: Any) -> None:
    """Met at the due instant; breached after it, once."""
    shop = await vendor(POLICY, now="2025-04-08T15:00:00Z")
    await an_order(shop, "o1", "frank", "2025-04-08T15:00:00Z", "license")
    await a_ticket(shop, "T-1", "frank", category="level_0")
    await a_ticket(shop, "T-2", "frank", category="level_0")
    await shop.move_clock("2025-04-09T15:00:00Z")
    answered = await shop.ok(
        await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service", "public": True})
    )
    assert clock(answered, "first_response")["outcome"] == "met"
    await shop.move_clock("2025-04-10T00:00:00Z")
    late = clock(await shop.ok(await shop.get("/v1/tickets/T-2"), 200), "first_response")
    assert late["outcome"] == "breached"
    assert len(late["breaches"]) == 1


async def test_xc_3_every_licence_of_the_first_order_brings_points_later_orders_none(vendor: Any) -> None:
    """60 points with each licence of the customer's first order, expiring as bought ones do."""
    shop = await vendor(POLICY, now=START)
    first = await an_order(shop, "o1", "frank", START, {"sku": "license", "quantity": 3})
    assert [one["granted"] for one in first["lots"]] == [60, 60, 60]
    assert all(one["expires_at"] == "2027-04-07T09:00:00Z" for one in first["lots"])
    assert {one["clause"] for one in first["lots"]} == {"XC-3"}
    assert all(one["reading"] is True for one in first["lots"])
    second = await an_order(shop, "o2", "frank", START, "license")
    assert second["lots"] == []
    assert len(second["licenses"]) == 1
    (why,) = second["not_granted"]
    assert (why["line_id"], why["code"], why["clause"], why["reading"]) == ("1", "not_first_order", "XC-3", True)
    assert first["not_granted"] == []


async def test_xc_3_two_orders_at_once_have_one_first(vendor: Any) -> None:
    """Two orders at once: exactly one of them is the first."""
    shop = await vendor(POLICY, now=START)
    for number in range(4):
        customer = f"frank-{number}"
        await asyncio.gather(
            an_order(shop, f"a{number}", customer, START, "license"),
            an_order(shop, f"b{number}", customer, START, "license"),
        )
        assert (await balance(shop, customer))["available"] == 60


async def test_xc_3_the_order_that_arrives_late_but_was_placed_first_is_the_first(vendor: Any) -> None:
    """By the date of the order, not by arrival."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o2", "frank", "2025-04-06T00:00:00Z", "license")
    early = await an_order(shop, "o1", "frank", "2025-04-05T00:00:00Z", "license")
    assert [one["granted"] for one in early["lots"]] == [60]
    assert (await balance(shop, "frank"))["available"] == 60


@pytest.mark.parametrize("touched", [False, True])
async def test_xc_3_an_order_refunded_untouched_does_not_count_afterwards(vendor: Any, touched: bool) -> None:
    """What is bought after the refund is the first order; not where its points were used. Our reading, and said so."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license")
    if touched:
        await a_ticket(shop, "T-1", "frank", category="level_1")
    await shop.ok(await shop.post("/v1/orders/o1/refunds", {"refund_id": "r1", "lines": []}, key=None))
    again = await an_order(shop, "o2", "frank", START, "license")
    assert [one["granted"] for one in again["lots"]] == ([] if touched else [60])
    left_out = [one for one in again["decisions"] if one["rule"] == "refunded_untouched"]
    assert [(one["clause"], one["reading"]) for one in left_out] == ([] if touched else [("XC-3", True)])


@pytest.mark.parametrize(("points", "price"), [(60, "34.50"), (120, "68.50"), (300, "169.50"), (1200, "673.33")])
async def test_xc_4_point_packs_and_their_prices(vendor: Any, points: int, price: str) -> None:
    """60, 120, 300, 1200 points at 34.50, 68.50, 169.50, 673.33 dollars, exact to the cent."""
    shop = await vendor(POLICY, now=START)
    offers = await shop.ok(await shop.get("/v1/offers", customer_id="frank"), 200)
    offer = next(one for one in offers["data"] if one["sku"] == f"credits-{points}")
    assert offer["price"] == {"amount": price, "currency": "USD"}
    order = await an_order(shop, "o1", "frank", START, f"credits-{points}")
    assert [one["granted"] for one in order["lots"]] == [points]


async def test_xc_5_unused_points_expire_two_years_from_the_purchase(vendor: Any) -> None:
    """Calendar years, 29 February included; a day the month lacks becomes its last; the end is exclusive."""
    shop = await vendor(POLICY, now="2024-02-29T08:00:00Z")
    order = await an_order(shop, "o1", "frank", "2024-02-29T08:00:00Z", "credits-60")
    assert order["lots"][0]["expires_at"] == "2026-02-28T08:00:00Z"
    await shop.move_clock("2026-02-28T07:59:59Z")
    assert (await balance(shop, "frank"))["available"] == 60
    await shop.move_clock("2026-02-28T08:00:00Z")
    assert (await balance(shop, "frank"))["available"] == 0
    gone = (await shop.ok(await shop.get("/v1/customers/frank/statement"), 200))["balance_modifications"][-1]
    assert (gone["credits"], gone["kind"], gone["clause"]) == (-60, "expired", "XC-5")


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
}
SERVICES = {"installation": 150, "ssl_certificate": 150, "store_transfer": 150, "sef_analysis": 60}


@pytest.mark.parametrize(("category", "points"), sorted({**PRICES, **SERVICES}.items()))
async def test_xc_6_and_7_fixed_prices(vendor: Any, category: str, points: int) -> None:
    """Levels, warranty, modifications, patch; installation, certificate, transfer, analysis."""
    await _costs(vendor, category, points)


async def _costs(vendor: Any, category: str, points: int, **more: Any) -> None:
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "credits-1200")
    ticket = await a_ticket(shop, "T-1", "frank", category=category, **more)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", points)


async def test_xc_6_the_price_list_is_the_policys(vendor: Any) -> None:
    """The list names each category with its clause."""
    shop = await vendor(POLICY, now=START)
    view = await shop.ok(await shop.get(f"/v1/policies/{POLICY}"), 200)
    listed = {one["category"]: one for one in view["categories"]}
    for category, points in PRICES.items():
        assert listed[category]["price"] == {"kind": "fixed", "credits": points}
        assert listed[category]["clause"] == "XC-6"


async def test_xc_7_installation_and_transfer_are_on_the_list(vendor: Any) -> None:
    """150, 150, 150, 60."""
    shop = await vendor(POLICY, now=START)
    view = await shop.ok(await shop.get(f"/v1/policies/{POLICY}"), 200)
    listed = {one["category"]: one for one in view["categories"]}
    for category, points in SERVICES.items():
        assert listed[category]["price"] == {"kind": "fixed", "credits": points}
        assert listed[category]["clause"] == "XC-7"


@pytest.mark.parametrize(
    ("category", "least", "most"),
    [
        ("third_party_installation", 100, None),
        ("server_applications", 150, None),
        ("customized_store_transfer", 150, None),
        ("sales_n_stats_transfer", 80, 100),
        ("performance_optimization", 80, None),
        ("server_optimization", 120, None),
        ("other", None, None),
    ],
)
async def test_xc_8_minimum_range_and_by_quote(vendor: Any, category: str, least: int | None, most: int | None) -> None:
    """from 100, from 150, from 80, from 120, 80-100, upon request: nothing is held before an assessment."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "credits-1200")
    ticket = await a_ticket(shop, "T-1", "frank", category=category)
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_assessment", 0)

    async def assess(points: int, **more: Any) -> Any:
        return await shop.post("/v1/tickets/T-1/assessments", {"category": category, "credits": points, **more})

    if least is not None:
        problem(await assess(least - 1), 422, "reason_required")
    good = await shop.ok(await assess(least or 7))
    assert (good["status"], good["charge"]["held"]) == ("in_force", least or 7)
    if most is not None:
        assert (await shop.ok(await assess(most)))["charge"]["held"] == most
        problem(await assess(most + 1), 422, "reason_required")
        marked = await shop.ok(await assess(most + 1, reason="many stores"))
        assert marked["assessments"][-1]["outside_list"] is True


@pytest.mark.parametrize(
    ("category", "inputs", "points"),
    [
        ("aspe_transfer", {"N": 0}, 120),
        ("aspe_transfer", {"N": 1}, 180),
        ("aspe_transfer", {"N": 7}, 540),
        ("security_audit", {"X": 0}, 150),
        ("security_audit", {"X": 4}, 390),
    ],
)
async def test_xc_9_formula_prices(vendor: Any, category: str, inputs: dict[str, int], points: int) -> None:
    """120 + N*60 and 150 + X*60."""
    await _costs(vendor, category, points, inputs=inputs)


async def test_xc_9_inputs_are_named_and_checked(vendor: Any) -> None:
    """A missing input is asked for; a wrong one is refused naming the field."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "credits-1200")
    asked = await a_ticket(shop, "T-1", "frank", category="aspe_transfer")
    assert asked["state"] == "needs_facts"
    assert any("N" in one for one in asked["asks"])
    done = await shop.ok(await shop.post("/v1/tickets/T-1/details", {"inputs": {"N": 2}}))
    assert (done["state"], done["charge"]["held"]) == ("in_progress", 240)
    for number, bad in enumerate(({"N": -1}, {"N": "2"}, {"N": True}, {"X": 1}, {"N": 1.5})):
        body = {
            "customer_id": "frank",
            "subject": "x",
            "channel": "helpdesk",
            "category": "aspe_transfer",
            "inputs": bad,
        }
        answer = await shop.put(f"/v1/tickets/bad-{number}", body)
        assert answer.status_code == 422, answer.text
        assert "inputs" in str(answer.json()["errors"])
    priced = await shop.ok(
        await shop.post(f"/v1/policies/{POLICY}/price", {"category": "aspe_transfer", "inputs": {"N": 3}})
    )
    assert (priced["credits"], priced["clause"]) == (300, "XC-9")
    unsaid = await shop.post(f"/v1/policies/{POLICY}/price", {"category": "security_audit"})
    assert unsaid.status_code == 422
    assert unsaid.json()["errors"][0]["pointer"] == "/inputs/X"


async def test_xc_10_the_price_may_change_while_the_problem_is_solved(vendor: Any) -> None:
    """Re-assessment up and down; want of points leaves the old price standing; the history is kept."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "credits-60")
    await a_ticket(shop, "T-1", "frank", category="level_2")
    up = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "level_3"}))
    assert (up["status"], up["charge"]["held"]) == ("in_force", 40)
    body = problem(await shop.post("/v1/tickets/T-1/assessments", {"category": "level_4"}), 409, "insufficient_credits")
    assert reason(body, "insufficient_credits")["facts"]["missing"] == 20
    same = await shop.ok(await shop.get("/v1/tickets/T-1"), 200)
    assert same["charge"]["held"] == 40
    down = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "level_1"}))
    assert down["charge"]["held"] == 10
    assert [one["credits"] for one in down["assessments"]] == [25, 40, 10]
    assert (await balance(shop, "frank"))["available"] == 50


async def test_xc_11_a_software_bug_returns_all_points(vendor: Any) -> None:
    """The points will be all returned."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license", "credits-120")
    await a_ticket(shop, "T-1", "frank", category="level_4")
    done = await _resolve(shop, "T-1", cause="software_bug")
    assert done["charge"]["net"] == 0
    assert (await balance(shop, "frank"))["available"] == 180


async def test_xc_11_a_bug_found_long_after_the_resolution_returns_all_points_too(vendor: Any) -> None:
    """The text sets no time: corrected two months later, by itself or with the decision of a dispute."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license", "credits-120")
    for ticket in ("T-1", "T-2"):
        await a_ticket(shop, ticket, "frank", category="level_3")
        await _resolve(shop, ticket)
    await shop.move_clock("2025-06-01T00:00:00Z")
    found = {"cause": "software_bug", "reason": "found in a later release"}
    done = await shop.ok(await shop.post("/v1/tickets/T-1/cause", found))
    assert (done["charge"]["net"], done["reasons"][0]["clause"]) == (0, "XC-11")
    await shop.ok(await shop.post("/v1/tickets/T-2/disputes", {"reason": "a bug"}))
    decided = {"decision": "returned", "cause": "software_bug"}
    done = await shop.ok(await shop.post("/v1/tickets/T-2/disputes/1/decision", decided))
    assert (done["cause"], done["dispute"]["returned"], done["dispute"]["forfeited"]) == ("software_bug", 40, 0)
    assert (await balance(shop, "frank"))["available"] == 180


@pytest.mark.parametrize(
    ("decision", "credits", "net"), [("upheld", None, 40), ("reduced", 25, 25), ("returned", None, 0)]
)
async def test_xc_12_the_vendor_reconsiders_a_charge(vendor: Any, decision: str, credits: int | None, net: int) -> None:
    """A dispute ends upheld, reduced or returned; credits is the new charge."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "credits-60")
    await a_ticket(shop, "T-1", "frank", category="level_3")
    await _resolve(shop, "T-1")
    opened = await shop.ok(await shop.post("/v1/tickets/T-1/disputes", {"reason": "it was one question"}))
    number = opened["disputes"][-1]["number"]
    assert opened["disputes"][-1]["clause"] == "XC-12"
    body = {"decision": decision, **({} if credits is None else {"credits": credits})}
    done = await shop.ok(await shop.post(f"/v1/tickets/T-1/disputes/{number}/decision", body))
    assert done["charge"]["net"] == net
    assert (await balance(shop, "frank"))["available"] == 60 - net
    assert (await shop.post(f"/v1/tickets/T-1/disputes/{number}/decision", body)).status_code == 409


async def test_xc_13_the_account_page_has_three_parts_whose_sums_meet_the_balance(vendor: Any) -> None:
    """Modifications (expiries negative), in progress, resolved (net of returns)."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license", "credits-300")
    await shop.ok(await shop.post("/v1/customers/frank/adjustments", {"credits": -5, "reason": "typing error"}))
    await a_ticket(shop, "T-1", "frank", category="level_2")
    await a_ticket(shop, "T-2", "frank", category="level_4")
    await _resolve(shop, "T-2", cause="software_bug")
    await a_ticket(shop, "T-3", "frank", category="level_3")
    await _resolve(shop, "T-3")
    statement = await shop.ok(await shop.get("/v1/customers/frank/statement"), 200)
    modified = sum(one["credits"] for one in statement["balance_modifications"])
    progress = {one["ticket_id"]: one["credits"] for one in statement["tickets_in_progress"]}
    resolved = {one["ticket_id"]: one["credits"] for one in statement["resolved_tickets"]}
    assert modified == 355
    assert progress == {"T-1": 25}
    assert resolved["T-3"] == 40
    assert resolved.get("T-2", 0) == 0
    assert statement["available"] == modified - sum(progress.values()) - sum(resolved.values()) == 290
    await shop.move_clock("2027-05-01T00:00:00Z")
    later = await shop.ok(await shop.get("/v1/customers/frank/statement"), 200)
    assert later["available"] == 0
    assert sum(one["credits"] for one in later["balance_modifications"]) - 25 - 40 == 0
    then = await shop.ok(await shop.get("/v1/customers/frank/statement", as_of=START), 200)
    assert then["available"] in (355, 290), "the instant itself holds all that happened at it"


async def test_xc_14_points_are_captured_while_in_progress_and_deducted_at_the_end(vendor: Any) -> None:
    """Hold, then capture."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license")
    opened = await a_ticket(shop, "T-1", "frank", category="level_2")
    assert (opened["charge"]["held"], opened["charge"]["captured"]) == (25, 0)
    view = await balance(shop, "frank")
    assert (view["available"], view["held"]) == (35, 25)
    done = await _resolve(shop, "T-1")
    assert (done["charge"]["held"], done["charge"]["captured"]) == (0, 25)
    view = await balance(shop, "frank")
    assert (view["available"], view["held"]) == (35, 0)


async def test_xc_10_too_few_points_are_recorded_with_the_offers(vendor: Any) -> None:
    """An opening that cannot be held waits for credits, and goes on after a top-up."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "frank", START, "license")
    waiting = await a_ticket(shop, "T-1", "frank", category="level_4")
    assert waiting["state"] == "awaiting_credits"
    assert "insufficient_credits" in codes(waiting)
    assert {one["sku"] for one in waiting["remedies"]} >= {"credits-60"}
    await an_order(shop, "o2", "frank", START, "credits-60")
    done = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "level_4"}))
    assert (done["state"], done["charge"]["held"]) == ("in_progress", 80)
