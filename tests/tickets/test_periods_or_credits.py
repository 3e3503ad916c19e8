"""Periods or credits: who pays, consent in advance or beforehand, what is out of scope (the cs-cart texts)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.tickets.desk import act, balance, clock, codes, next_id, open_ticket, order, refused, ticket_of


async def customer(vendor: Vendor, option: str | None = "credits", name: str | None = None) -> str:
    """A license holder who has chosen credits (40) or the free 30 days."""
    who = name or next_id("c")
    choice = (await order(vendor, who, "license"))["choices"][0]
    if option is not None:
        await vendor.ok(await vendor.post(f"/v1/customers/{who}/choices/{choice['choice_id']}", {"option": option}))
    return who


async def covers_of(vendor: Vendor, who: str) -> list[dict[str, Any]]:
    covers: list[dict[str, Any]] = (await vendor.ok(await vendor.get(f"/v1/customers/{who}")))["covers"]
    return covers


async def test_csc_1_a_ticket_while_the_choice_is_open_waits_and_grants_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop, None)
    ticket = await open_ticket(shop, who, category="category_1")
    assert (ticket["state"], codes(ticket), ticket["reasons"][0]["clause"]) == (
        "awaiting_choice",
        ["choice_required"],
        "CSC-1",
    )
    assert ticket["reasons"][0]["reading"] is True
    assert (await balance(shop, who))["available"] == 0
    choice = ticket["options"][0]["choice_id"]
    await act(shop, await open_ticket(shop, who, category="bug_report"), "resolution", {"cause": "software_bug"})
    await shop.ok(await shop.post(f"/v1/customers/{who}/choices/{choice}", {"option": "credits"}))
    done = await act(shop, ticket, "details", {})
    assert (done["state"], done["charge"]["held"]) == ("in_progress", 5)


@pytest.mark.parametrize(
    ("language", "state"),
    [
        ("en", "in_progress"),
        ("RU", "in_progress"),
        ("en-US", "in_progress"),
        ("ru_RU", "in_progress"),
        (None, "in_progress"),
        ("de", "rejected"),
        ("eng", "rejected"),
    ],
)
async def test_csc_3_english_or_russian_by_the_primary_subtag(
    vendor: MakeVendor, language: str | None, state: str
) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), category="category_1", language=language)
    assert ticket["state"] == state
    if state == "rejected":
        assert (codes(ticket), ticket["reasons"][0]["clause"]) == (["unsupported_language"], "CSC-3")
        assert (ticket["clocks"], ticket["charge"]["held"]) == ([], 0)


async def test_csc_4_a_period_starts_with_the_first_accepted_ticket_that_it_pays_for(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop, "cover")
    await shop.move_clock("2025-01-10T00:00:00Z")
    assert (await open_ticket(shop, who, language="de"))["state"] == "rejected"
    await open_ticket(shop, who, category="bug_report")
    assert [one["state"] for one in await covers_of(shop, who)] == ["pending"]
    await shop.move_clock("2025-02-01T12:00:00Z")
    ticket = await open_ticket(shop, who, category="category_3")
    assert (ticket["state"], ticket["paid_by"], ticket["charge"]["held"]) == ("in_progress", "cover", 0)
    cover = (await covers_of(shop, who))[0]
    assert (cover["cover_id"], cover["starts_at"], cover["ends_at"]) == (
        ticket["cover_id"],
        "2025-02-01T12:00:00Z",
        "2025-03-03T12:00:00Z",
    )


async def test_csc_5_a_ticket_while_cover_is_suspended_is_refused_and_resumes_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop, "cover")
    await act(shop, await open_ticket(shop, who), "withdrawal")
    await shop.move_clock("2025-02-02T00:00:00Z")
    await order(shop, who, "support-1-months", placed_at="2025-02-02T00:00:00Z")
    await act(shop, await open_ticket(shop, who), "withdrawal")
    running = next(one for one in await covers_of(shop, who) if one["state"] == "running")
    await shop.ok(await shop.post(f"/v1/covers/{running['cover_id']}/suspension"))
    ticket = await open_ticket(shop, who, category="category_1")
    assert (ticket["state"], codes(ticket)) == ("rejected", ["cover_suspended"])
    assert ticket["reasons"][0]["clause"] == "CSC-5"
    assert "suspended" in [one["state"] for one in await covers_of(shop, who)]
    await order(shop, who, "credits-25", placed_at="2025-02-02T00:00:00Z")
    assert (await open_ticket(shop, who, category="category_1"))["paid_by"] == "credits"
    assert codes(await open_ticket(shop, who, category="category_1", pay_with="cover")) == ["cover_suspended"]


async def test_csc_8_agreed_in_advance_is_answered_first_and_the_surplus_released(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    ticket = await open_ticket(shop, who, agreed_up_to=20)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 20)
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert (await refused(shop, ticket, "resolution", {}))["code"] == "assessment_required"
    assessed = await act(shop, ticket, "assessments", {"category": "category_2"})
    assert (assessed["status"], assessed["charge"]["held"]) == ("in_force", 10)
    done = await act(shop, ticket, "resolution", {})
    assert (done["charge"]["net"], (await balance(shop, who))["available"]) == (10, 30)


async def test_csc_8_with_the_category_named_only_the_price_is_held(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), agreed_up_to=20, category="category_2")
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 10)


async def test_csc_9_category_1_is_answered_without_confirmation(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop))
    assert ticket["state"] == "awaiting_assessment"
    done = await act(shop, ticket, "assessments", {"category": "category_1"})
    assert (done["status"], done["state"], done["charge"]["held"]) == ("in_force", "in_progress", 5)
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})


@pytest.mark.parametrize(("category", "credits"), [("category_2", 10), ("category_3", 20)])
async def test_csc_9_categories_2_and_3_wait_for_confirmation(vendor: MakeVendor, category: str, credits: int) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    ticket = await open_ticket(shop, who)
    asked = await act(shop, ticket, "assessments", {"category": category})
    assert (asked["status"], asked["state"], asked["charge"]["held"]) == (
        "awaiting_confirmation",
        "awaiting_confirmation",
        0,
    )
    no = await refused(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert (no["code"], no["reasons"][0]["clause"]) == ("awaiting_confirmation", "CSC-9")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "inquiry"})
    await act(shop, ticket, "responses", {"author": "customer", "kind": "inquiry"})
    assert (await refused(shop, ticket, "resolution", {}))["code"] == "awaiting_confirmation"
    done = await act(shop, ticket, "assessments/1/confirmation", {"accept": True})
    assert (done["state"], done["status"], done["charge"]["held"]) == ("in_progress", "in_force", credits)
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})


async def test_csc_9_the_waiting_for_confirmation_adds_to_the_time(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart", now="2025-03-03T08:00:00Z")
    ticket = await open_ticket(shop, await customer(shop), category="category_2")
    assert clock(ticket, "resolution")["phase"] == "paused"
    await shop.move_clock("2025-03-03T10:00:00Z")
    done = await act(shop, ticket, "assessments/1/confirmation", {"accept": True})
    running = clock(done, "resolution")
    assert (running["phase"], running["pauses"][0]["party"]) == ("running", "customer")
    assert (clock(done, "confirmation")["phase"], running["ledger"]["customer_seconds"]) == ("stopped", 7200)


async def test_csc_9_no_to_the_opening_quote_closes_uncharged(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    ticket = await open_ticket(shop, who, category="category_3", agreed_up_to=10)
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_confirmation", 10)
    done = await act(shop, ticket, "assessments/1/confirmation", {"accept": False})
    assert (done["state"], codes(done), done["charge"]["net"]) == ("withdrawn", ["declined"], 0)
    assert (await balance(shop, who))["available"] == 40
    assert {one["phase"] for one in done["clocks"]} == {"cancelled"}


async def test_csc_10_within_what_was_agreed_at_once_above_it_after_confirmation(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), category="category_1", agreed_up_to=10)
    up = await act(shop, ticket, "assessments", {"category": "category_2"})
    assert (up["status"], up["charge"]["held"]) == ("in_force", 10)
    above = await act(shop, ticket, "assessments", {"category": "category_3"})
    assert (above["status"], above["charge"]["held"], above["category"]) == ("awaiting_confirmation", 10, "category_2")
    assert above["reasons"][0]["clause"] == "CSC-10"
    back = await act(shop, ticket, "assessments/3/confirmation", {"accept": False})
    assert (back["state"], back["charge"]["held"], back["price"]) == ("in_progress", 10, 10)
    await act(shop, ticket, "assessments", {"category": "category_3"})
    yes = await act(shop, ticket, "assessments/4/confirmation", {"accept": True})
    assert (yes["charge"]["held"], yes["category"]) == (20, "category_3")
    down = await act(shop, ticket, "assessments", {"category": "category_1"})
    assert (down["status"], down["charge"]["held"]) == ("in_force", 5)
    assert [one["status"] for one in down["assessments"]] == [
        "superseded",
        "superseded",
        "declined",
        "superseded",
        "in_force",
    ]


async def test_csc_10_asked_beforehand_categories_2_and_3_wait_while_the_old_price_stands(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), category="category_1")
    for category in ("category_2", "category_3"):
        waits = await act(shop, ticket, "assessments", {"category": category})
        assert (waits["status"], waits["charge"]["held"], waits["price"]) == ("awaiting_confirmation", 5, 5)
    assert [one["status"] for one in waits["assessments"]] == ["in_force", "superseded", "awaiting_confirmation"]
    assert (await refused(shop, ticket, "assessments/2/confirmation", {"accept": True}))[
        "code"
    ] == "not_awaiting_confirmation"


async def test_csc_11_another_question_becomes_a_ticket_that_names_its_parent(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    ticket = await open_ticket(shop, who, category="category_1")
    name = next_id("T")
    child = await act(shop, ticket, "splits", {"ticket_id": name, "subject": "And another thing"})
    assert (child["ticket_id"], child["parent"], child["state"]) == (name, ticket["ticket_id"], "awaiting_assessment")
    assert (await ticket_of(shop, ticket))["children"] == [name]
    assert (await act(shop, child, "assessments", {"category": "category_1"}))["charge"]["held"] == 5
    assert (await balance(shop, who))["held"] == 10
    assert (await refused(shop, ticket, "splits", {"ticket_id": name, "subject": "Again"}))["code"] == "ticket_conflict"


async def test_a_splits_ticket_id_is_a_natural_key(vendor: MakeVendor) -> None:
    """No Idempotency-Key is needed, one sent anyway is tolerated, and the same split shows the ticket of today."""
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), category="category_1")
    other = await open_ticket(shop, await customer(shop), category="category_1")
    path, body = (f"/v1/tickets/{ticket['ticket_id']}/splits", {"ticket_id": next_id("T"), "subject": "And more"})
    first = await shop.post(path, body, key=None)
    assert first.status_code == 201, first.text
    assert (await shop.post(path, body, key=None)).json() == first.json()
    await act(shop, first.json(), "assessments", {"category": "category_1"})
    again = await shop.post(path, body)
    assert (again.status_code, again.json()["parent"], again.json()["charge"]["held"]) == (200, ticket["ticket_id"], 5)
    assert (await ticket_of(shop, ticket))["children"] == [body["ticket_id"]]
    elsewhere = await shop.post(f"/v1/tickets/{other['ticket_id']}/splits", body, key=None)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "ticket_conflict")
    taken = await shop.post(path, {**body, "ticket_id": other["ticket_id"]}, key=None)
    assert (taken.status_code, taken.json()["code"]) == (409, "ticket_conflict")


async def test_csc_12_both_types_available_the_customer_chooses(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop, "cover")
    await order(shop, who, "credits-25")
    ticket = await open_ticket(shop, who, category="category_1")
    assert (ticket["state"], codes(ticket), ticket["reasons"][0]["clause"]) == (
        "awaiting_choice",
        ["pay_with_required"],
        "CSC-12",
    )
    assert [one["pay_with"] for one in ticket["options"]] == ["credits", "cover"]
    assert [one["state"] for one in await covers_of(shop, who)] == ["pending"]
    by_credits = await act(shop, ticket, "details", {"pay_with": "credits"})
    assert (by_credits["state"], by_credits["paid_by"], by_credits["charge"]["held"]) == ("in_progress", "credits", 5)
    assert [one["state"] for one in await covers_of(shop, who)] == ["pending"]
    by_cover = await open_ticket(shop, who, category="category_1", pay_with="cover")
    assert (by_cover["paid_by"], by_cover["charge"]["held"]) == ("cover", 0)
    assert [one["state"] for one in await covers_of(shop, who)] == ["running"]


@pytest.mark.parametrize("channel", ["email", "contact_form", "forum"])
async def test_csc_13_license_owners_are_served_through_the_help_desk_only(vendor: MakeVendor, channel: str) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), channel=channel, category="category_1")
    assert (ticket["state"], codes(ticket), ticket["reasons"][0]["clause"]) == ("rejected", ["wrong_channel"], "CSC-13")


@pytest.mark.parametrize("channel", ["helpdesk", "contact_form", "email"])
async def test_csc_22_an_account_without_a_license_is_sent_to_the_contact_form(
    vendor: MakeVendor, channel: str
) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, next_id("stranger"), channel=channel)
    assert (ticket["state"], codes(ticket), ticket["reasons"][0]["clause"]) == ("rejected", ["no_license"], "CSC-22")
    assert "contact_form" in [one["kind"] for one in ticket["remedies"]]


async def test_csc_15_new_functions_are_rejected_with_custom_development_as_remedy(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    for facts in (
        {"request_kind": "new_function"},
        {"request_kind": "changes_to_standard_functionality"},
        {"customization": True},
    ):
        ticket = await open_ticket(shop, who, facts=facts)
        assert (ticket["state"], codes(ticket)) == ("rejected", ["out_of_scope_customization"])
        assert ticket["remedies"][0]["kind"] == "custom_development"
    several = await open_ticket(shop, who, facts={"customization": True}, language="fr", channel="email")
    assert set(codes(several)) == {"unsupported_language", "wrong_channel", "out_of_scope_customization"}


@pytest.mark.parametrize("kind", ["consultation", "configuration", "problem", "bug", "minor_modification"])
async def test_csc_23_what_is_included_is_accepted(vendor: MakeVendor, kind: str) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), category="category_1", facts={"request_kind": kind})
    assert ticket["state"] == "in_progress"
    small = await open_ticket(shop, await customer(shop), category="minor_modification", facts={"customization": True})
    assert small["state"] == "awaiting_assessment"


async def test_csc_16_a_bug_report_costs_nothing_and_needs_nothing(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop, None)
    ticket = await open_ticket(shop, who, category="bug_report")
    assert (ticket["state"], ticket["paid_by"], ticket["charge"]["held"]) == ("in_progress", "nobody", 0)
    done = await act(shop, ticket, "resolution", {"cause": "software_bug", "outcome": "corrected"})
    assert done["charge"]["net"] == 0


async def test_csc_16_a_bug_returns_the_charge_modified_code_does_not(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    for cause, outcome, net in (("software_bug", "no_technical_capability", 0), ("modified_code", "answered", 5)):
        ticket = await open_ticket(shop, who, category="category_1")
        done = await act(shop, ticket, "resolution", {"cause": cause, "outcome": outcome})
        assert done["charge"]["net"] == net
    agreed = await open_ticket(shop, who, agreed_up_to=20)
    done = await act(shop, agreed, "resolution", {"cause": "software_bug"})
    assert (done["charge"]["net"], (await balance(shop, who))["available"]) == (0, 35)


async def test_csc_17_want_of_means_lists_the_offers(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop, "cover")
    await act(shop, await open_ticket(shop, who), "withdrawal")
    await shop.move_clock("2025-03-01T00:00:00Z")
    ticket = await open_ticket(shop, who, category="category_1")
    assert ticket["state"] == "awaiting_credits"
    assert {"support-1-months", "credits-25"} <= {one.get("sku") for one in ticket["remedies"]}


async def test_all_2_a_confirmation_without_credits_keeps_waiting(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    who = await customer(shop)
    await open_ticket(shop, who, agreed_up_to=35)
    unpayable = await open_ticket(shop, who, category="category_2")
    assert (unpayable["state"], unpayable["reasons"][0]["clause"]) == ("awaiting_credits", "ALL-2")
    ticket = await open_ticket(shop, who)
    await act(shop, ticket, "assessments", {"category": "category_2"})
    short = await refused(shop, ticket, "assessments/1/confirmation", {"accept": True})
    assert (short["code"], short["reasons"][0]["facts"]["missing"]) == ("insufficient_credits", 5)
    assert (await ticket_of(shop, ticket))["state"] == "awaiting_confirmation"
    await order(shop, who, "credits-25")
    assert (await act(shop, ticket, "assessments/1/confirmation", {"accept": True}))["charge"]["held"] == 10
    again = await act(shop, unpayable, "details", {})
    assert (again["state"], again["assessments"][0]["status"]) == ("awaiting_confirmation", "awaiting_confirmation")


async def test_all_3_a_license_that_is_not_the_customers_is_a_recorded_rejection(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), license_id="lic_of_somebody_else", category="category_1")
    assert (ticket["state"], codes(ticket), ticket["charge"]["held"]) == ("rejected", ["license_not_found"], 0)


async def test_disputes_are_offered_only_where_the_policy_says(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), category="category_1")
    await act(shop, ticket, "resolution", {})
    assert (await refused(shop, ticket, "disputes", {}))["code"] == "disputes_not_offered"


async def test_csc_3_reasons_speak_the_tickets_language_where_the_policy_has_words(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    ticket = await open_ticket(shop, await customer(shop), language="ru-RU", channel="email")
    assert (codes(ticket), ticket["reasons"][0]["message"]) == (
        ["wrong_channel"],
        "Владельцы лицензий получают поддержку только через Customer Help Desk.",
    )
