"""Typed credits and qualification by an agent (the shopp texts)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.db.engine import Database
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import GOOD_FACTS, act, balance, clock, codes, next_id, open_ticket, order, refused, ticket_of

START = "2025-03-03T15:00:00Z"
"""A Monday, 10 in the morning at the desk."""
GROUNDS = [
    "purchase_not_verifiable",
    "modified_product",
    "custom_code_required",
    "development_or_design",
    "unsupported_environment",
    "third_party_cause",
    "wordpress_too_new",
    "wordpress_too_old",
    "unrelated_styling",
    "admin_browser_problem",
    "unsupported_browser",
    "limited_access",
    "abusive_conduct",
]
EXCLUSIONS = [
    "upgrade_would_resolve",
    "modified_use",
    "third_party_interaction",
    "incompatible_environment",
    "network_issue",
    "project_assistance",
    "outside_delivery",
]


async def customer(vendor: Vendor, *credits: str, name: str | None = None, registered: bool = True) -> tuple[str, str]:
    """(customer, support key) with a registered key and these credits, bought at the start."""
    who = name or next_id("c")
    bought = await order(vendor, who, "license", *(credits or ("credit-priority",)), placed_at=START)
    license_id = bought["licenses"][0]["license_id"]
    if registered:
        await vendor.ok(await vendor.post(f"/v1/licenses/{license_id}/registration", {"domain": "shop.example.com"}))
    return who, license_id


async def ready(vendor: Vendor, **body: Any) -> tuple[str, dict[str, Any]]:
    """A ticket that waits for an agent."""
    who, license_id = await customer(vendor)
    stated = {"license_id": license_id, "credit_type": "priority", "facts": GOOD_FACTS, **body}
    ticket = await open_ticket(vendor, who, **stated)
    return who, ticket


async def accepted(vendor: Vendor, **body: Any) -> tuple[str, dict[str, Any]]:
    """A ticket that an agent has accepted."""
    who, ticket = await ready(vendor, **body)
    return who, await act(vendor, ticket, "qualification", {"decision": "accept"})


async def test_shopp_5_the_first_response_is_due_at_the_close_of_the_next_business_day(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, monday = await ready(shop)
    assert (monday["state"], monday["charge"]["held"]) == ("awaiting_qualification", 1)
    assert clock(monday, "first_response")["due_at"] == "2025-03-04T22:00:00Z"
    for moment in ("2025-03-07T23:00:00Z", "2025-03-08T18:00:00Z"):  # Friday 18:00 and Saturday
        await shop.move_clock(moment)
        _, late = await ready(shop)
        assert clock(late, "first_response")["due_at"] == "2025-03-10T21:00:00Z"


@pytest.mark.parametrize("body", [{"decision": "accept"}, {"decision": "reject", "reasons": ["limited_access"]}])
async def test_shopp_5_qualification_either_way_is_the_first_response(vendor: MakeVendor, body: dict[str, Any]) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await ready(shop)
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "inquiry"})
    assert clock(await ticket_of(shop, ticket), "first_response")["phase"] == "running"
    done = await act(shop, ticket, "qualification", body)
    assert (clock(done, "first_response")["phase"], clock(done, "first_response")["outcome"]) == ("stopped", "met")
    assert done["qualification"]["by"] is not None


async def test_shopp_6_a_response_is_owed_each_business_day_after_acceptance(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    assert clock(ticket, "each_business_day")["due_at"] == "2025-03-04T22:00:00Z"
    await shop.move_clock("2025-03-05T23:00:00Z")
    late = clock(await ticket_of(shop, ticket), "each_business_day")
    assert [one["window_date"] for one in late["breaches"]] == ["2025-03-04", "2025-03-05"]
    await shop.move_clock("2025-03-06T15:00:00Z")
    answered = await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert clock(answered, "each_business_day")["due_at"] == "2025-03-07T22:00:00Z"
    await act(shop, ticket, "resolution", {})
    await shop.move_clock("2025-03-11T15:00:00Z")
    assert len(clock(await ticket_of(shop, ticket), "each_business_day")["breaches"]) == 2


@pytest.mark.parametrize("channel", ["email", "contact_form", "forum", "phone"])
async def test_shopp_7_only_through_the_help_desk(vendor: MakeVendor, channel: str) -> None:
    shop = await vendor("shopp", now=START)
    who, ticket = await ready(shop, channel=channel)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["wrong_channel"])
    assert ticket["reasons"][0]["clause"] == "SHOPP-7"
    assert (ticket["clocks"], (await balance(shop, who))["by_type"]["priority"]["available"]) == ([], 1)


async def test_shopp_8_access_in_time_lets_the_clocks_go_on(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    asked = await act(shop, ticket, "access-requests", {"kinds": ["ftp", "admin"]})
    assert asked["access_request"]["deadline_at"] == "2025-03-06T22:00:00Z"
    assert (clock(asked, "each_business_day")["phase"], clock(asked, "access")["party"]) == ("paused", "customer")
    await shop.move_clock("2025-03-06T22:00:00Z")
    done = await act(shop, ticket, "access-requests/1/grant")
    assert (done["state"], clock(done, "each_business_day")["phase"]) == ("in_progress", "running")
    assert (clock(done, "access")["outcome"], clock(done, "each_business_day")["breaches"]) == ("met", [])
    assert (await refused(shop, ticket, "access-requests/1/grant"))["code"] == "access_already_granted"
    unknown = await refused(shop, ticket, "access-requests", {"kinds": ["keys"]}, status=422)
    assert unknown["code"] == "unknown_access_kind"


@pytest.mark.parametrize("qualified", [True, False])
async def test_shopp_8_without_timely_access_the_ticket_is_resolved_and_the_credit_captured(
    vendor: MakeVendor, qualified: bool
) -> None:
    shop = await vendor("shopp", now=START)
    who, ticket = await (accepted if qualified else ready)(shop)
    await act(shop, ticket, "access-requests", {"kinds": ["logs"], "deadline_at": "2025-03-04T12:00:00Z"})
    await shop.move_clock("2025-03-04T12:00:00Z")
    assert not (await ticket_of(shop, ticket))["outcome"]
    await shop.move_clock("2025-03-04T12:00:01Z")
    done = await ticket_of(shop, ticket)
    assert (done["state"], done["outcome"], done["charge"]["net"]) == ("resolved", "access_not_provided", 1)
    assert (codes(done), done["reasons"][0]["clause"]) == (["access_not_provided"], "SHOPP-8")
    assert (await balance(shop, who))["by_type"]["priority"]["available"] == 0


async def test_shopp_8_an_agents_own_denial_for_limited_access_releases_the_credit(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, ticket = await ready(shop)
    await act(shop, ticket, "access-requests", {"kinds": ["logs"]})
    await act(shop, ticket, "qualification", {"decision": "reject", "reasons": ["limited_access"]})
    await shop.move_clock("2025-03-10T12:00:00Z")
    assert (await ticket_of(shop, ticket))["state"] == "rejected"
    assert (await balance(shop, who))["by_type"]["priority"]["available"] == 1


@pytest.mark.parametrize(
    ("facts", "code", "clause"),
    [
        ({"official": False}, "not_official", "SHOPP-9"),
        ({"modified": True}, "modified_product", "SHOPP-9"),
        ({"current_release": False}, "not_current_release", "SHOPP-9"),
        ({"clear_description": False}, "unclear_description", "SHOPP-10"),
        ({"single_issue": False}, "several_issues", "SHOPP-10"),
        ({"supported_product": False}, "unsupported_product", "SHOPP-10"),
    ],
)
async def test_shopp_9_and_10_failed_checks_reach_the_agent_as_recommendations(
    vendor: MakeVendor, facts: dict[str, Any], code: str, clause: str
) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await ready(shop, facts={**GOOD_FACTS, **facts})
    advice = ticket["qualification"]["recommendation"]
    assert (ticket["state"], advice["decision"]) == ("awaiting_qualification", "reject")
    assert (code, clause) in [(one["code"], one["clause"]) for one in advice["reasons"]]
    failing = [one["code"] for one in ticket["qualification"]["checks"] if one["result"] == "failed"]
    assert failing == [code]
    no = await refused(shop, ticket, "qualification", {"decision": "accept"}, status=422)
    assert no["code"] == "note_required"
    done = await act(shop, ticket, "qualification", {"decision": "accept", "note": "We look at it all the same."})
    assert (done["state"], done["qualification"]["note"]) == ("in_progress", "We look at it all the same.")


async def test_shopp_10_the_installation_is_registered_to_an_active_key(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop, registered=False)
    ticket = await open_ticket(shop, who, license_id=license_id, credit_type="priority", facts=GOOD_FACTS)
    assert [one["code"] for one in ticket["qualification"]["recommendation"]["reasons"]] == ["not_registered"]


async def test_shopp_10_facts_that_are_missing_ask_for_themselves(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop)
    ticket = await open_ticket(shop, who, license_id=license_id, credit_type="priority")
    assert (ticket["state"], ticket["charge"]["held"]) == ("needs_facts", 1)
    assert set(ticket["asks"]) == {
        "request_kind",
        "official",
        "modified",
        "current_release",
        "clear_description",
        "single_issue",
    }
    assert clock(ticket, "first_response")["phase"] == "running"
    some = await act(shop, ticket, "details", {"facts": {**GOOD_FACTS, "modified": None}})
    assert (some["state"], some["asks"]) == ("needs_facts", ["modified"])
    done = await act(shop, ticket, "details", {"facts": {"modified": False}})
    assert (done["state"], done["qualification"]["recommendation"]) == (
        "awaiting_qualification",
        {"decision": "accept", "reasons": []},
    )


async def test_shopp_11_no_service_before_an_agent_has_qualified(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await ready(shop)
    no = await refused(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert (no["code"], no["reasons"][0]["clause"]) == ("not_qualified", "SHOPP-11")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "inquiry"})
    await act(shop, ticket, "responses", {"author": "customer", "kind": "inquiry"})
    assert (await refused(shop, ticket, "resolution", {"outcome": "answered"}))["code"] == "not_qualified"
    clerk = await shop.as_key("tickets:write", "tickets:read")
    path = f"/v1/tickets/{ticket['ticket_id']}/qualification"
    answer = await clerk.post(path, json={"decision": "accept"}, headers={"Idempotency-Key": next_id("k")})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    agent = await shop.as_key("tickets:qualify")
    body = {"decision": "accept", "note": "ours"}
    answer = await agent.post(path, json=body, headers={"Idempotency-Key": next_id("k")})
    done = answer.json()
    assert (done["state"], done["qualification"]["note"]) == ("in_progress", "ours")
    assert done["qualification"]["by"].startswith("key_")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert (await refused(shop, ticket, "qualification", {"decision": "accept"}))["code"] == "already_qualified"


async def test_shopp_12_thirteen_grounds_several_at_once_and_other_with_a_note(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    assert len(GROUNDS) == 13
    who, ticket = await ready(shop)
    bare = await refused(shop, ticket, "qualification", {"decision": "reject"}, status=422)
    assert bare["code"] == "reasons_required"
    unknown = {"decision": "reject", "reasons": ["bad_mood"]}
    assert (await refused(shop, ticket, "qualification", unknown, status=422))["code"] == "unknown_reason"
    other = {"decision": "reject", "reasons": ["other"]}
    assert (await refused(shop, ticket, "qualification", other, status=422))["code"] == "note_required"
    body = {"decision": "reject", "reasons": [*GROUNDS, "other"], "note": "and more"}
    done = await act(shop, ticket, "qualification", body)
    assert (done["state"], codes(done)) == ("rejected", [*GROUNDS, "other"])
    assert {one["clause"] for one in done["reasons"]} == {"SHOPP-12"}
    assert (await balance(shop, who))["by_type"]["priority"]["available"] == 1


@pytest.mark.parametrize(
    "outcome", ["answered", "solution_pointed_out", "known_issue", "upgrade_resolves", "environment"]
)
async def test_shopp_13_five_ways_to_be_resolved_each_captures(vendor: MakeVendor, outcome: str) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    for wrong in ("access_not_provided", "cancelled", "won"):
        assert (await refused(shop, ticket, "resolution", {"outcome": wrong}, status=422))["code"] == "unknown_outcome"
    done = await act(shop, ticket, "resolution", {"outcome": outcome, "cause": "software_bug"})
    assert (done["state"], done["outcome"], done["charge"]["net"]) == ("resolved", outcome, 1)


async def test_shopp_14_the_account_that_bought_the_product(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, license_id = await customer(shop)
    other = next_id("c")
    await order(shop, other, "credit-priority", placed_at=START)
    ticket = await open_ticket(shop, other, license_id=license_id, credit_type="priority", facts=GOOD_FACTS)
    assert (ticket["state"], set(codes(ticket))) == ("rejected", {"purchase_not_verifiable"})
    assert (ticket["reasons"][0]["clause"], ticket["charge"]["held"]) == ("SHOPP-14", 0)


async def test_shopp_15_a_credit_is_applied_to_a_new_ticket_or_with_a_response(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop, "credit-priority", "credit-escalated", "credit-hosting-certification")
    ticket = await open_ticket(shop, who, license_id=license_id, facts=GOOD_FACTS)
    assert (ticket["state"], ticket["asks"], ticket["clocks"]) == ("needs_facts", ["credit_type"], [])
    await shop.move_clock("2025-03-05T15:00:00Z")
    wrong = await refused(shop, ticket, "credits", {"credit_type": "hosting_certification"})
    assert (wrong["code"], wrong["reasons"][0]["clause"]) == ("wrong_credit_type", "SHOPP-16")
    unknown = await refused(shop, ticket, "credits", {"credit_type": "gold"}, status=422)
    assert unknown["code"] == "unknown_credit_type"
    done = await act(shop, ticket, "credits", {"credit_type": "escalated", "response": {"author": "customer"}})
    assert (done["state"], done["charge"]["held"], len(done["responses"])) == ("awaiting_qualification", 1, 1)
    assert clock(done, "first_response")["due_at"] == "2025-03-06T22:00:00Z"
    again = await refused(shop, ticket, "credits", {"credit_type": "priority"})
    assert again["code"] == "credit_already_applied"


async def test_shopp_15_without_a_credit_of_the_type_the_ticket_waits_for_one(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop, "credit-escalated")
    ticket = await open_ticket(shop, who, license_id=license_id, credit_type="priority", facts=GOOD_FACTS)
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_credits", 0)
    assert [one["sku"] for one in ticket["remedies"]] == ["credit-priority"]
    await order(shop, who, "credit-priority", placed_at=START)
    assert (await act(shop, ticket, "details", {}))["state"] == "awaiting_qualification"


@pytest.mark.parametrize("kind", ["installation", "diagnosis", "fixing", "patching", "best_practices", "learning"])
@pytest.mark.parametrize("credit", ["priority", "escalated"])
async def test_shopp_16_priority_and_escalated_serve_the_six_kinds(vendor: MakeVendor, kind: str, credit: str) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop, f"credit-{credit}")
    facts = {**GOOD_FACTS, "request_kind": kind}
    ticket = await open_ticket(shop, who, license_id=license_id, credit_type=credit, facts=facts)
    assert ticket["state"] == "awaiting_qualification"
    assert ("core" in str(ticket["service"]["served_by"])) is (credit == "escalated")
    facts["request_kind"] = "addon_installation"
    await act(shop, ticket, "withdrawal")
    wrong = await open_ticket(shop, who, license_id=license_id, credit_type=credit, facts=facts)
    assert (wrong["state"], codes(wrong), wrong["charge"]["held"]) == ("rejected", ["wrong_credit_type"], 0)


async def test_shopp_16_what_an_installation_requires_is_named_one_by_one(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop, "credit-addon-installation")
    facts = {
        "request_kind": "addon_installation",
        "working_wordpress": False,
        "working_shopp": False,
        "addon": "Gifts",
        **{name: value for name, value in GOOD_FACTS.items() if name != "request_kind"},
    }
    ticket = await open_ticket(shop, who, license_id=license_id, credit_type="addon_installation", facts=facts)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["requirement_missing"] * 3)
    assert [one["facts"]["requirement"] for one in ticket["reasons"]] == ["working_wordpress", "working_shopp", "addon"]
    await order(shop, who, "addon", placed_at=START, attributes={"addon": "Gifts"})
    good = {**facts, "working_wordpress": True, "working_shopp": True}
    done = await open_ticket(shop, who, license_id=license_id, credit_type="addon_installation", facts=good)
    assert done["state"] == "awaiting_qualification"


@pytest.mark.parametrize("credit", ["plugin", "wordpress"])
async def test_shopp_16_hosting_not_yet_certified_does_not_reject_a_recorded_failure_does(
    vendor: MakeVendor, credit: str
) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop, f"credit-{credit}-installation", "credit-hosting-certification")
    kind = f"{credit}_installation"
    body: dict[str, Any] = {
        "license_id": license_id,
        "credit_type": kind,
        "facts": {
            "request_kind": kind,
            "working_wordpress": True,
            "clear_description": True,
            "single_issue": True,
            "backup": "ordered",
        },
    }
    ticket = await open_ticket(shop, who, **body)
    assert ticket["state"] == "awaiting_qualification"
    assert "Web Hosting Certification" in ticket["service"]["includes"]
    await act(shop, ticket, "withdrawal")
    audit = await open_ticket(
        shop,
        who,
        license_id=license_id,
        credit_type="hosting_certification",
        facts={
            "request_kind": "hosting_certification",
            "clear_description": True,
            "single_issue": True,
            "backup": "done",
        },
    )
    await act(shop, audit, "qualification", {"decision": "accept"})
    await act(shop, audit, "resolution", {"outcome": "environment", "result": {"hosting_certified": False}})
    failed = await open_ticket(shop, who, **body)
    assert (failed["state"], codes(failed)) == ("rejected", ["requirement_missing"])
    assert failed["reasons"][0]["facts"]["requirement"] == "hosting_certified"


@pytest.mark.parametrize("code", EXCLUSIONS)
async def test_shopp_17_an_exclusion_known_at_qualification_releases_the_credit(vendor: MakeVendor, code: str) -> None:
    shop = await vendor("shopp", now=START)
    who, ticket = await ready(shop)
    done = await act(shop, ticket, "qualification", {"decision": "reject", "reasons": [code]})
    assert (done["state"], done["reasons"][0]["clause"], done["charge"]["net"]) == ("rejected", "SHOPP-17", 0)
    assert (await balance(shop, who))["by_type"]["priority"]["available"] == 1


@pytest.mark.parametrize("code", EXCLUSIONS)
async def test_shopp_17_an_exclusion_found_after_acceptance_captures(vendor: MakeVendor, code: str) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    ground = {"decision": "reject", "reasons": ["abusive_conduct"]}
    assert (await refused(shop, ticket, "qualification", ground))["code"] == "already_qualified"
    done = await act(shop, ticket, "qualification", {"decision": "reject", "reasons": [code]})
    assert (done["state"], codes(done), done["charge"]["net"]) == ("resolved", [code], 1)


async def test_shopp_17_facts_that_exclude_reach_the_agent(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await ready(shop, facts={**GOOD_FACTS, "network_issue": True, "third_party_cause": True})
    advice = ticket["qualification"]["recommendation"]
    assert {one["code"] for one in advice["reasons"]} == {"network_issue", "third_party_cause"}


@pytest.mark.parametrize("swept", [True, False])
async def test_shopp_18_an_applied_but_unaccepted_credit_is_void_after_six_months(
    vendor: MakeVendor, db: Database, swept: bool
) -> None:
    shop = await vendor("shopp", now=START)
    who, license_id = await customer(shop)
    ends = "2025-09-03T15:00:00Z"
    await shop.move_clock("2025-09-03T14:59:59Z")
    ticket = await open_ticket(shop, who, license_id=license_id, credit_type="priority", facts=GOOD_FACTS)
    assert (ticket["state"], ticket["credit_expires_at"]) == ("awaiting_qualification", ends)
    if not swept:  # exact without the job too
        swept_away = text("delete from agenda where kind = 'ticket.credit_expiry'")
        await db.run(shop.tenant_id, lambda tx: tx.execute(swept_away))
    await shop.move_clock(ends)
    done = await ticket_of(shop, ticket)
    assert (done["state"], codes(done), done["reasons"][0]["clause"]) == ("rejected", ["credit_expired"], "SHOPP-18")
    assert (done["charge"]["held"], done["updated_at"]) == (0, ends)
    assert (await refused(shop, ticket, "qualification", {"decision": "accept"}))["code"] == "ticket_closed"
    listed = await shop.ok(await shop.get("/v1/tickets", customer_id=who, state="rejected"))
    assert [one["ticket_id"] for one in listed["data"]] == [ticket["ticket_id"]]


async def test_shopp_18_an_accepted_ticket_is_served_to_its_end(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    await shop.move_clock("2025-09-10T15:00:00Z")
    assert (await ticket_of(shop, ticket))["charge"]["held"] == 1
    assert (await act(shop, ticket, "resolution", {}))["charge"]["net"] == 1


async def test_shopp_20_the_first_service_makes_the_credit_used(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, ticket = await accepted(shop)
    lot = (await balance(shop, who))["lots"][0]
    served = await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert served["service_at"] == START
    quote = await shop.get(f"/v1/lots/{lot['lot_id']}/refund-quote")
    if quote.status_code == 200 and quote.json()["credits"]:
        pytest.fail("a used credit is not refunded")
    left = await act(shop, ticket, "withdrawal")
    assert (left["state"], left["charge"]["net"], left["reasons"][0]["clause"]) == ("withdrawn", 1, "SHOPP-20")


async def test_shopp_22_a_denied_ticket_used_no_credit(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    who, ticket = await ready(shop)
    before = (await balance(shop, who))["by_type"]["priority"]
    assert (before["available"], before["held"]) == (0, 1)
    done = await act(shop, ticket, "qualification", {"decision": "reject", "reasons": ["unrelated_styling"]})
    assert done["charge"] == {"held": 0, "captured": 0, "refunded": 0, "net": 0}
    after = (await balance(shop, who))["by_type"]["priority"]
    assert (after["available"], after["held"]) == (1, 0)
    again = await open_ticket(shop, who, credit_type="priority", facts=GOOD_FACTS)
    assert again["charge"]["held"] == 1


@pytest.mark.parametrize("backup", ["done", "ordered", "risk_accepted"])
async def test_shopp_24_service_waits_for_a_decision_on_the_backup(vendor: MakeVendor, backup: str) -> None:
    shop = await vendor("shopp", now=START)
    facts = {name: value for name, value in GOOD_FACTS.items() if name != "backup"}
    _, ticket = await accepted(shop, facts=facts)
    no = await refused(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert (no["code"], no["reasons"][0]["clause"]) == ("backup_undecided", "SHOPP-24")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "inquiry"})
    wrong = await refused(shop, ticket, "details", {"facts": {"backup": "maybe"}}, status=422)
    assert (wrong["code"], wrong["errors"][0]["pointer"]) == ("wrong_fact_type", "/facts/backup")
    await act(shop, ticket, "details", {"facts": {"backup": backup}})
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})


async def test_shopp_25_delay_beyond_control_excuses_breaches(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    paused = await act(shop, ticket, "pauses", {"reason": "beyond_control", "party": "none"})
    assert (paused["pauses"][0]["clause"], clock(paused, "each_business_day")["phase"]) == ("SHOPP-25", "paused")
    assert (await refused(shop, ticket, "pauses", {"reason": "beyond_control"}))["code"] == "already_paused"
    assert (await refused(shop, ticket, "pauses", {"reason": "tired"}, status=422))["code"] == "unknown_pause_reason"
    await shop.move_clock("2025-03-06T15:00:00Z")
    going = await act(shop, ticket, "resumptions", {"reason": "beyond_control", "party": "none"})
    assert clock(going, "each_business_day")["breaches"] == []
    assert (await refused(shop, ticket, "resumptions", {"reason": "beyond_control"}))["code"] == "not_paused"


async def test_shopp_8_what_was_asked_for_before_the_end_is_not_owed_after_a_reopening(vendor: MakeVendor) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    await act(shop, ticket, "access-requests", {"kinds": ["logs"]})
    await act(shop, ticket, "pauses", {"reason": "waiting_for_customer"})
    await act(shop, ticket, "resolution", {})
    again = await act(shop, ticket, "reopening")
    assert (again["state"], again["pauses"][0]["ended_at"]) == ("in_progress", START)
    assert clock(again, "each_business_day")["phase"] == "running"
    await shop.move_clock("2025-03-20T15:00:00Z")
    assert (await ticket_of(shop, ticket))["state"] == "in_progress"
    await act(shop, ticket, "pauses", {"reason": "waiting_for_customer"})


async def test_shopp_8_is_exact_without_the_job(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("shopp", now=START)
    _, ticket = await accepted(shop)
    await act(shop, ticket, "access-requests", {"kinds": ["logs"], "deadline_at": "2025-03-04T12:00:00Z"})
    await db.run(shop.tenant_id, lambda tx: tx.execute(text("delete from agenda where kind = 'ticket.access'")))
    await shop.move_clock("2025-03-05T12:00:00Z")
    done = await ticket_of(shop, ticket)
    assert (done["outcome"], done["resolved_at"], done["charge"]["net"]) == (
        "access_not_provided",
        "2025-03-04T12:00:01Z",
        1,
    )
    assert (await ticket_of(shop, ticket, as_of="2025-03-04T11:00:00Z"))["state"] == "in_progress"
    assert (await ticket_of(shop, ticket, as_of="2025-03-04T13:00:00Z"))["state"] == "resolved"
    assert (await refused(shop, ticket, "resolution", {}))["code"] == "ticket_closed"
