"""Avactis: credits by edition and level. Each test is named by the clause it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.steps import a_ticket, an_order, balance, codes, entitled, events, problem, reason

POLICY = "avactis"
START = "2025-01-31T12:00:00Z"
YEAR = "2026-01-31T12:00:00Z"


def _licenses(order: Any) -> dict[str, str]:
    return {one["sku"]: one["license_id"] for one in order["licenses"]}


async def test_ava_1_one_unit_two_sources_of_lots(vendor: Any) -> None:
    """Credits pay for all support; they come with a licence or are bought."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "clara", START, "license-owned", "credits-35")
    assert [(one["source"], one["granted"]) for one in order["lots"]] == [("license", 200), ("purchase", 35)]
    view = await balance(shop, "clara")
    assert view["available"] == 235
    assert set(view["by_type"]) == {"credit"}


async def test_ava_2_free_credits_add_up_and_serve_any_licence(vendor: Any) -> None:
    """Each licence's free credits add up and serve any licence on the account."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "clara", START, "license-owned", "license-leased", "license-saas-basic")
    assert (await balance(shop, "clara"))["available"] == 300
    owned = _licenses(order)["license-owned"]
    await a_ticket(shop, "T-1", "clara", category="root_cause_debugging", license_id=owned)
    body = {"category": "root_cause_debugging", "credits": 230, "reason": "long hunt"}
    done = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", body))
    assert done["charge"]["held"] == 230, "more than the 200 of that licence"


async def test_ava_3_free_credits_expire_twelve_months_from_the_order_date(vendor: Any) -> None:
    """Calendar months from the order date, not from arrival; the end is exclusive."""
    shop = await vendor(POLICY, now="2025-03-10T00:00:00Z")
    order = await an_order(shop, "o1", "clara", START, "license-owned")
    assert order["lots"][0]["expires_at"] == YEAR
    await shop.move_clock("2026-01-31T11:59:59Z")
    assert (await balance(shop, "clara"))["available"] == 200
    await shop.move_clock(YEAR)
    assert (await balance(shop, "clara"))["available"] == 0
    statement = await shop.ok(await shop.get("/v1/customers/clara/statement"), 200)
    assert [(one["credits"], one["clause"]) for one in statement["balance_modifications"]] == [
        (200, "AVA-4"),
        (-200, "AVA-3"),
    ]
    explained = await shop.ok(await shop.get(f"/v1/explain/lot/{order['lots'][0]['lot_id']}"), 200)
    assert explained["expires_at"] == YEAR


@pytest.mark.parametrize(
    ("sku", "credits", "levels"),
    [
        ("license-free", 0, None),
        ("license-leased", 50, [1]),
        ("license-owned", 200, None),
        ("license-saas-basic", 50, [1]),
        ("license-saas-standard", 200, [1]),
        ("license-saas-professional", 0, [1, 2]),
    ],
)
async def test_ava_4_grants_by_edition_and_plan(vendor: Any, sku: str, credits: int, levels: list[int] | None) -> None:
    """Free 0; Leased level 1 and 50; Owned 200; SaaS level 1, Professional level 2 too, Basic 50, Standard 200."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "clara", START, sku)
    assert sum(one["granted"] for one in order["lots"]) == credits
    if levels is None:
        assert order["covers"] == []
    else:
        assert sorted({level for one in order["covers"] for level in one["levels"]}) == levels
        assert all(one["ends_at"] is None for one in order["covers"])


async def test_ava_4_a_level_serves_its_own_licence_and_ends_with_it(vendor: Any) -> None:
    """A level serves only the licence that brought it; among several the ticket must name one."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "clara", START, "license-leased", "license-owned")
    leased, owned = _licenses(order)["license-leased"], _licenses(order)["license-owned"]
    unnamed = await a_ticket(shop, "T-0", "clara", category="features")
    assert unnamed["state"] == "needs_facts"
    why = reason(unnamed, "license_required")
    assert (why["clause"], why["reading"]) == ("AVA-4", True)
    named = await shop.ok(await shop.post("/v1/tickets/T-0/details", {"license_id": leased}))
    assert (named["state"], named["charge"]["held"]) == ("in_progress", 0)
    other = await a_ticket(shop, "T-1", "clara", category="features", license_id=owned)
    assert other["state"] == "awaiting_assessment"
    await shop.ok(await shop.post(f"/v1/licenses/{leased}/termination", {"effective_at": START}))
    late = await a_ticket(shop, "T-2", "clara", category="features", license_id=leased)
    assert late["state"] != "in_progress", "the level ended with the lease"


async def test_ava_5_bought_credits_never_expire(vendor: Any) -> None:
    """Credits bought separately never expire, in any number."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "clara", START, {"sku": "credits-123", "unit_price": "99.00"})
    assert (order["lots"][0]["granted"], order["lots"][0]["expires_at"]) == (123, None)
    await shop.move_clock("2049-01-01T00:00:00Z")
    assert (await balance(shop, "clara"))["available"] == 123


@pytest.mark.parametrize(
    ("listed", "paid", "granted"),
    [
        ("200.00", "160.00", 200),
        ("200.00", "159.99", 0),
        ("10000.00", "7999.00", 0),
        ("10000.00", "8000.00", 200),
        ("99.99", "79.99", 200),  # 79.992: no shop can take less than a cent off
        ("99.99", "79.98", 0),
        ("0.00", "0.00", 0),
        (None, "1.00", 200),
    ],
)
async def test_ava_6_no_credits_above_twenty_per_cent_discount(
    vendor: Any, listed: str | None, paid: str, granted: int
) -> None:
    """20 % exactly still grants, 20.01 % does not; the order's answer says why."""
    shop = await vendor(POLICY, now=START)
    prices = {"unit_price": paid, **({} if listed is None else {"list_price": listed})}
    order = await an_order(shop, "o1", "clara", START, {"sku": "license-owned", **prices})
    assert len(order["licenses"]) == 1, "the licence is granted in any case"
    assert sum(one["granted"] for one in order["lots"]) == granted
    if granted == 0:
        (why,) = order["not_granted"]
        assert (why["line_id"], why["clause"]) == ("1", "AVA-6")
        assert why["code"]
        (decided,) = (one for one in order["decisions"] if not one["granted"])
        assert (decided["clause"], decided["reading"]) == ("AVA-6", False)


async def test_ava_7_the_list_gives_ranges_and_specialists_set_the_cost(vendor: Any) -> None:
    """An assessment inside the range passes; outside needs a reason and is marked."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    opened = await a_ticket(shop, "T-1", "clara", category="root_cause")
    assert (opened["state"], opened["charge"]["held"]) == ("awaiting_assessment", 0)
    problem(await shop.post("/v1/tickets/T-1/assessments", {"category": "root_cause"}), 422, "credits_required")
    for price in (20, 60):
        done = await shop.ok(
            await shop.post("/v1/tickets/T-1/assessments", {"category": "root_cause", "credits": price})
        )
        assert (done["status"], done["charge"]["held"]) == ("in_force", price)
        assert done["assessments"][-1]["outside_list"] is False
    problem(
        await shop.post("/v1/tickets/T-1/assessments", {"category": "root_cause", "credits": 61}),
        422,
        "reason_required",
    )
    body = {"category": "root_cause", "credits": 61, "reason": "two servers"}
    done = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", body))
    assert done["assessments"][-1]["outside_list"] is True
    assert done["charge"]["held"] == 61


@pytest.mark.parametrize("category", ["general", "warranty", "bug_report", "quote_request"])
async def test_ava_8_general_issues_are_free(vendor: Any, category: str) -> None:
    """General, warranty, bug-report and quote-request issues are free, even without credits."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-free")
    ticket = await a_ticket(shop, "T-1", "clara", category=category)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 0)
    resolved = await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"outcome": "answered"}))
    assert resolved["charge"]["net"] == 0


@pytest.mark.parametrize("category", ["features", "setup"])
@pytest.mark.parametrize("sku", ["license-leased", "license-saas-basic", "license-saas-professional"])
async def test_ava_9_level_1_is_free_on_leased_and_saas(vendor: Any, category: str, sku: str) -> None:
    """Features and setup are free on Leased and SaaS, 20-30 and 30-45 on Owned."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, sku)
    ticket = await a_ticket(shop, "T-1", "clara", category=category)
    assert (ticket["state"], ticket["charge"]["held"], ticket["paid_by"]) == ("in_progress", 0, "cover")
    await an_order(shop, "o2", "dave", START, "license-owned")
    paying = await a_ticket(shop, "T-2", "dave", category=category)
    assert paying["state"] == "awaiting_assessment"
    least = {"features": 20, "setup": 30}[category]
    done = await shop.ok(await shop.post("/v1/tickets/T-2/assessments", {"category": category, "credits": least}))
    assert done["charge"]["held"] == least


LEVEL_2 = {
    "domain_change": (10, 10),
    "customization": (20, 45),
    "root_cause": (20, 60),
    "root_cause_debugging": (60, 200),
    "hosting": (20, 60),
    "edition_update": (60, 60),
    "clarification": (10, 20),
}


@pytest.mark.parametrize("category", sorted(LEVEL_2))
async def test_ava_10_level_2_is_free_only_on_saas_professional(vendor: Any, category: str) -> None:
    """Level 2 is free on Professional only; elsewhere it costs what the list says."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-saas-professional")
    ticket = await a_ticket(shop, "T-1", "clara", category=category)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 0)
    await an_order(shop, "o2", "dave", START, "license-saas-standard")
    paying = await a_ticket(shop, "T-2", "dave", category=category)
    least, most = LEVEL_2[category]
    if least == most:
        assert (paying["state"], paying["charge"]["held"]) == ("in_progress", least)
        return
    assert paying["state"] == "awaiting_assessment"
    for price in (least, most):
        done = await shop.ok(await shop.post("/v1/tickets/T-2/assessments", {"category": category, "credits": price}))
        assert done["assessments"][-1]["outside_list"] is False


async def test_ava_11_a_bug_returns_everything_to_the_lots_it_came_from(vendor: Any) -> None:
    """100 % of the ticket's credits come back to their lots."""
    shop = await vendor(POLICY, now=START)
    order = await an_order(shop, "o1", "clara", START, "license-saas-basic", "credits-100")
    free, bought = (one["lot_id"] for one in order["lots"])
    await a_ticket(shop, "T-1", "clara", category="root_cause")
    await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"category": "root_cause", "credits": 60}))
    lots = {one["lot_id"]: one["available"] for one in (await balance(shop, "clara"))["lots"]}
    assert (lots.get(free, 0), lots[bought]) == (0, 90)
    done = await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"cause": "software_bug"}))
    assert (done["charge"]["captured"], done["charge"]["refunded"], done["charge"]["net"]) == (60, 60, 0)
    lots = {one["lot_id"]: one["available"] for one in (await balance(shop, "clara"))["lots"]}
    assert (lots[free], lots[bought]) == (50, 100)
    explained = (await shop.ok(await shop.get("/v1/explain/ticket/T-1"), 200))["ledger"]
    assert "AVA-11" in {one["clause"] for one in explained}


async def test_ava_11_a_bug_found_long_after_the_resolution_returns_everything_too(vendor: Any) -> None:
    """The text sets no time: the cause is corrected two months later, and the credits come back."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    await a_ticket(shop, "T-1", "clara", category="domain_change")
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"outcome": "answered"}))
    await shop.move_clock("2025-04-01T00:00:00Z")
    found = {"cause": "software_bug", "reason": "found in a later build"}
    done = await shop.ok(await shop.post("/v1/tickets/T-1/cause", found))
    assert (done["charge"]["net"], done["cause_correction"]["returned"]) == (0, 10)
    assert done["reasons"][0]["clause"] == "AVA-11"
    assert (await balance(shop, "clara"))["available"] == 200


async def test_ava_11_not_for_staff_patching_or_upgrading(vendor: Any) -> None:
    """AVA-15 prices patching and upgrading, so a bug returns nothing there; the update of an edition is AVA-10's."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    await a_ticket(shop, "T-1", "clara", category="edition_update")
    done = await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"cause": "software_bug"}))
    assert (done["charge"]["captured"], done["charge"]["net"]) == (60, 0)
    await a_ticket(shop, "T-2", "clara", category="patching")
    await shop.ok(await shop.post("/v1/tickets/T-2/assessments", {"credits": 35}))
    done = await shop.ok(await shop.post("/v1/tickets/T-2/resolution", {"cause": "software_bug"}))
    assert (done["charge"]["captured"], done["charge"]["net"]) == (35, 35)


async def test_ava_12_every_ticket_event_carries_charge_and_balance(vendor: Any) -> None:
    """Every e-mail says how many credits were charged: every ticket event carries charge and balance."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    await a_ticket(shop, "T-1", "clara", category="domain_change")
    await shop.ok(await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service", "public": True}))
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"outcome": "answered"}))
    told = [one for one in await events(shop) if one["type"].startswith("ticket.")]
    assert told
    for one in told:
        assert {"held", "captured", "refunded", "net"} <= set(one["data"]["charge"]), one
        assert {"available", "held"} <= set(one["data"]["balance"]), one
    resolved = next(one for one in told if one["type"] == "ticket.resolved")
    assert resolved["data"]["charge"]["net"] == 10
    assert resolved["data"]["balance"]["available"] == 190


async def test_ava_13_soonest_to_expire_is_spent_first(vendor: Any) -> None:
    """Expiring credits are spent before never-expiring ones, the soonest first."""
    shop = await vendor(POLICY, now="2025-06-01T00:00:00Z")
    order = await an_order(shop, "o1", "clara", "2025-06-01T00:00:00Z", "credits-100", "license-saas-basic")
    older = await an_order(shop, "o0", "clara", START, "license-saas-basic")
    bought, newer = (one["lot_id"] for one in order["lots"])
    oldest = older["lots"][0]["lot_id"]
    hold = await shop.ok(await shop.post("/v1/customers/clara/holds", {"credits": 120}))
    assert [(one["lot_id"], one["credits"]) for one in hold["lots"]] == [(oldest, 50), (newer, 50), (bought, 20)]


async def test_ava_13_of_one_order_the_first_line_is_spent_first(vendor: Any) -> None:
    """Packs bought together expire alike; they are spent in the order of the lines, on every account alike."""
    shop = await vendor(POLICY, now=START)
    for customer in ("clara", "dora", "emil", "fritz"):
        packs = ("credits-40", "credits-10", "credits-30", "credits-20")
        order = await an_order(shop, f"{customer}-1", customer, START, *packs)
        hold = await shop.ok(await shop.post(f"/v1/customers/{customer}/holds", {"credits": 85}))
        assert [(one["lot_id"], one["credits"]) for one in hold["lots"]] == list(
            zip((one["lot_id"] for one in order["lots"]), (40, 10, 30, 5), strict=True)
        )


async def test_ava_14_a_refunded_order_takes_back_what_is_unspent_and_reports_the_rest(vendor: Any) -> None:
    """30-day guarantee: unspent grants are taken back, what was spent is reported, never below zero."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    await shop.ok(await shop.post("/v1/customers/clara/debits", {"credits": 30}))
    await shop.move_clock("2025-02-10T00:00:00Z")
    answer = await shop.ok(
        await shop.post(
            "/v1/orders/o1/refunds",
            {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "changed my mind"},
        )
    )
    assert answer["within_guarantee"] is True
    assert answer["clause"] == "AVA-14"
    assert [one["credits"] for one in answer["taken_back"] if one["kind"] == "credits"] == [170]
    assert [one["spent"] for one in answer["not_taken_back"]] == [30]
    assert (await balance(shop, "clara"))["available"] == 0
    assert (await shop.ok(await shop.get("/v1/audit"), 200))["data"] == []


async def test_ava_14_the_guarantee_ends_after_thirty_days(vendor: Any) -> None:
    """A refund after the guarantee is recorded and says so."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    await shop.move_clock("2025-03-10T00:00:00Z")
    body = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "late"}
    assert (await shop.ok(await shop.post("/v1/orders/o1/refunds", body)))["within_guarantee"] is False


async def test_ava_15_patching_by_staff_is_not_free_although_the_bug_report_is(vendor: Any) -> None:
    """A separate category with a price of its own."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-owned")
    report = await a_ticket(shop, "T-1", "clara", category="bug_report")
    assert (report["state"], report["charge"]["held"]) == ("in_progress", 0)
    patching = await a_ticket(shop, "T-2", "clara", category="patching")
    assert patching["state"] == "awaiting_assessment"
    done = await shop.ok(await shop.post("/v1/tickets/T-2/assessments", {"category": "patching", "credits": 40}))
    assert done["charge"]["held"] == 40
    done = await shop.ok(await shop.post("/v1/tickets/T-2/resolution", {"cause": "software_bug"}))
    assert done["charge"]["net"] == 40


async def test_ava_16_bug_fixes_and_new_builds_are_free_to_download(vendor: Any) -> None:
    """download of bug fixes and new builds is allowed without credits."""
    shop = await vendor(POLICY, now=START)
    await an_order(shop, "o1", "clara", START, "license-free")
    assert (await balance(shop, "clara"))["available"] == 0
    for product in (None, "bug_fix", "new_build"):
        decision = await entitled(shop, "clara", "download", product=product)
        assert decision["allowed"] is True
        assert "AVA-16" in {one["clause"] for one in decision["reasons"]}
    assert codes(await entitled(shop, "stranger", "download"))
