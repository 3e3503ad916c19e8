"""Credits by edition and level: ranges, free levels, a bug that returns everything (the avactis texts)."""

from __future__ import annotations

import pytest

from tests.conftest import MakeVendor
from tests.tickets.desk import act, balance, codes, open_ticket, order, refused

LEVEL_1 = {"features": (20, 30), "setup": (30, 45)}
LEVEL_2 = {
    "domain_change": (10, 10),
    "customization": (20, 45),
    "root_cause": (20, 60),
    "root_cause_debugging": (60, 200),
    "hosting": (20, 60),
    "edition_update": (60, 60),
    "clarification": (10, 20),
}


async def test_ava_4_a_level_serves_only_the_license_that_brought_it(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    leased = (await order(shop, "amy", "license-leased"))["licenses"][0]["license_id"]
    owned = (await order(shop, "amy", "license-owned"))["licenses"][0]["license_id"]
    asked = await open_ticket(shop, "amy", category="features")
    assert (asked["state"], codes(asked), asked["asks"]) == ("needs_facts", ["license_required"], ["license_id"])
    assert asked["reasons"][0]["clause"] == "AVA-4"
    free = await act(shop, asked, "details", {"license_id": leased})
    assert (free["state"], free["paid_by"], free["charge"]["held"]) == ("in_progress", "cover", 0)
    paid = await open_ticket(shop, "amy", category="features", license_id=owned)
    assert paid["state"] == "awaiting_assessment"
    assert (await act(shop, paid, "assessments", {"credits": 25}))["charge"]["held"] == 25


async def test_ava_4_a_level_ends_with_its_license(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    leased = (await order(shop, "ben", "license-leased"))["licenses"][0]["license_id"]
    assert (await open_ticket(shop, "ben", category="setup"))["paid_by"] == "cover"
    await shop.ok(await shop.post(f"/v1/licenses/{leased}/termination", {"effective_at": "2025-01-01T00:00:00Z"}))
    assert (await open_ticket(shop, "ben", category="setup"))["state"] == "awaiting_assessment"


@pytest.mark.parametrize("category", ["features", "setup", "domain_change", "edition_update"])
async def test_ava_2_free_credits_serve_any_license_of_the_account(vendor: MakeVendor, category: str) -> None:
    shop = await vendor("avactis")
    await order(shop, "cat", "license-owned")
    await order(shop, "cat", "license-owned")
    assert (await balance(shop, "cat"))["available"] == 400
    ticket = await open_ticket(shop, "cat", category=category)
    assert ticket["state"] in ("awaiting_assessment", "in_progress")


async def test_ava_7_inside_the_range_passes_outside_needs_a_reason_and_is_marked(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await order(shop, "dan", "license-owned", "credits-1000")
    for category, (least, most) in {**LEVEL_1, **LEVEL_2}.items():
        if least == most:
            continue
        ticket = await open_ticket(shop, "dan", category=category)
        for amount in (least, most):
            inside = await act(shop, ticket, "assessments", {"credits": amount})
            assert (inside["status"], inside["assessment"]["outside_list"]) == ("in_force", False)
        for amount in (least - 1, most + 1):
            assert (await refused(shop, ticket, "assessments", {"credits": amount}, status=422))[
                "code"
            ] == "reason_required"
            outside = await act(shop, ticket, "assessments", {"credits": amount, "reason": "much to look at"})
            assert (outside["assessment"]["outside_list"], outside["charge"]["held"]) == (True, amount)
        await act(shop, ticket, "withdrawal")


@pytest.mark.parametrize("category", ["general", "warranty", "bug_report", "quote_request"])
async def test_ava_8_general_warranty_bug_and_quote_issues_are_free(vendor: MakeVendor, category: str) -> None:
    shop = await vendor("avactis")
    ticket = await open_ticket(shop, "eva", category=category)
    assert (ticket["state"], ticket["paid_by"]) == ("in_progress", "nobody")
    assert ticket["assessments"][0]["clause"] == "AVA-8"


@pytest.mark.parametrize(
    ("edition", "free"),
    [
        ("license-leased", LEVEL_1),
        ("license-saas-basic", LEVEL_1),
        ("license-saas-standard", LEVEL_1),
        ("license-saas-professional", {**LEVEL_1, **LEVEL_2}),
        ("license-owned", {}),
        ("license-free", {}),
    ],
)
async def test_ava_9_and_ava_10_levels_are_free_by_edition(
    vendor: MakeVendor, edition: str, free: dict[str, tuple[int, int]]
) -> None:
    shop = await vendor("avactis")
    await order(shop, "fay", edition)
    await order(shop, "fay", "credits-1000")
    for category, (least, most) in {**LEVEL_1, **LEVEL_2}.items():
        ticket = await open_ticket(shop, "fay", category=category)
        if category in free:
            shown = (ticket["paid_by"], ticket["charge"]["held"], ticket["state"])
            assert shown == ("cover", 0, "in_progress"), category
            assert ticket["reasons"][0]["clause"] == ("AVA-9" if category in LEVEL_1 else "AVA-10")
        elif least == most:
            assert (ticket["paid_by"], ticket["charge"]["held"]) == ("credits", least), category
        else:
            assert ticket["state"] == "awaiting_assessment", category


async def test_ava_10_a_free_issue_that_turns_out_to_be_another_is_charged(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await order(shop, "gus", "license-leased")
    ticket = await open_ticket(shop, "gus", category="features")
    dearer = await act(shop, ticket, "assessments", {"category": "root_cause", "credits": 20})
    assert (dearer["paid_by"], dearer["charge"]["held"], dearer["cover_id"]) == ("credits", 20, None)
    free = await act(shop, ticket, "assessments", {"category": "setup"})
    assert (free["paid_by"], free["charge"]["held"]) == ("cover", 0)


async def test_ava_11_a_bug_of_the_software_returns_all_credits_to_their_lots(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await order(shop, "hue", "license-owned", "credits-30")
    ticket = await open_ticket(shop, "hue", category="root_cause_debugging")
    await act(shop, ticket, "assessments", {"credits": 200})
    done = await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert done["charge"] == {"held": 0, "captured": 200, "refunded": 200, "net": 0}
    assert (done["reasons"][0]["clause"], (await balance(shop, "hue"))["available"]) == ("AVA-11", 230)


async def test_ava_15_patching_by_staff_is_not_free_although_the_bug_report_is(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await order(shop, "ike", "license-owned")
    ticket = await open_ticket(shop, "ike", category="patching")
    assert ticket["state"] == "awaiting_assessment"
    await act(shop, ticket, "assessments", {"credits": 40})
    done = await act(shop, ticket, "resolution", {"cause": "software_bug"})
    assert (done["charge"]["net"], (await balance(shop, "ike"))["available"]) == (40, 160)


@pytest.mark.parametrize("category", ["domain_change", "customization"])
async def test_ava_10_an_agent_who_assesses_an_included_level_names_the_cover_that_pays(
    vendor: MakeVendor, category: str
) -> None:
    """The same answer whether the ticket named its category or an agent finds it."""
    shop = await vendor("avactis")
    license_id = (await order(shop, "eve", "license-saas-professional"))["licenses"][0]["license_id"]
    named = await open_ticket(shop, "eve", category=category, license_id=license_id)
    waiting = await open_ticket(shop, "eve", license_id=license_id)
    assert waiting["state"] == "awaiting_assessment"
    found = await act(shop, waiting, "assessments", {"category": category})
    for ticket in (named, found):
        assert (ticket["state"], ticket["paid_by"], ticket["price"]) == ("in_progress", "cover", 0)
    assert found["cover_id"] == named["cover_id"] is not None
    assert found["qualification"]["reasons"][0]["clause"] == "AVA-10"
    free = await open_ticket(shop, "eve", license_id=license_id)
    free = await act(shop, free, "assessments", {"category": "warranty"})
    assert (free["paid_by"], free["cover_id"]) == ("nobody", None), "the list has it for nothing"
