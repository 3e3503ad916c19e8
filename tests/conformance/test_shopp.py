"""Shopp: service hours, promises, qualification, outcomes (SHOPP-1 to 13). The credits are in the other file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.steps import (
    act,
    an_order,
    applied,
    balance,
    clock,
    codes,
    ids,
    problem,
    reason,
    refused,
    the_ticket,
)

POLICY = "shopp"
MONDAY = "2025-03-03T15:00:00Z"
"""Ten in the morning in New York, the Monday before daylight saving begins."""
HOURS = "/v1/calendars/service-hours"
FACTS = {
    "official": True,
    "modified": False,
    "current_release": True,
    "request_kind": "diagnosis",
    "single_issue": True,
    "clear_description": True,
    "backup": "done",
}
SERVICE = {"author": "vendor", "kind": "service", "public": True}
INQUIRY = {"author": "vendor", "kind": "inquiry", "public": True}
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
FIVE = ["answered", "solution_pointed_out", "known_issue", "upgrade_resolves", "environment"]


async def a_key(shop: Any, customer: str, at: str, *credits: str, registered: bool = True) -> str:
    """The customer buys a support key, registers it, and buys credits."""
    order = await an_order(shop, f"o-{customer}", customer, at, "license", *(credits or ("credit-priority",)))
    license_id: str = order["licenses"][0]["license_id"]
    if registered:
        path = f"/v1/licenses/{license_id}/registration"
        await shop.ok(await shop.post(path, {"domain": "shop.example.com"}))
    return license_id


async def a_desk(vendor: Any, at: str = MONDAY, **facts: Any) -> tuple[Any, Any]:
    """A desk with one ticket T-1 of anna's that waits for an agent."""
    shop = await vendor(POLICY, now=at)
    license_id = await a_key(shop, "anna", at)
    ticket = await applied(shop, "T-1", "anna", "priority", {**FACTS, **facts}, license_id=license_id)
    return shop, ticket


async def accepted(vendor: Any, at: str = MONDAY) -> tuple[Any, Any]:
    """A desk with one ticket that an agent accepted at once."""
    shop, ticket = await a_desk(vendor, at)
    assert ticket["state"] == "awaiting_qualification"
    return shop, await act(shop, "T-1", "qualification", decision="accept")


async def _closed(shop: Any, first: str, last: str) -> dict[str, list[str]]:
    found = await shop.ok(await shop.get(f"{HOURS}/closures", **{"from": first, "to": last}), 200)
    return {one["date"]: one["reasons"] for one in found["data"]}


# --- SHOPP-1 to 4: hours ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2025-01-06T13:59:59Z", False),
        ("2025-01-06T14:00:00Z", True),
        ("2025-01-06T21:59:59Z", True),
        ("2025-01-06T22:00:00Z", False),
        ("2025-07-07T12:59:59Z", False),
        ("2025-07-07T13:00:00Z", True),
        ("2025-07-07T20:59:59Z", True),
        ("2025-07-07T21:00:00Z", False),
        ("2025-03-08T16:00:00Z", False),
        ("2025-03-09T16:00:00Z", False),
        ("2025-03-07T14:00:00Z", True),
        ("2025-03-10T13:00:00Z", True),
    ],
)
async def test_shopp_1_monday_to_friday_nine_to_five_eastern_with_daylight_saving(
    vendor: Any, at: str, is_open: bool
) -> None:
    """Mon-Fri 9 AM-5 PM Eastern, with daylight saving; the close is exclusive."""
    shop = await vendor(POLICY, now="2025-01-01T00:00:00Z")
    assert (await shop.ok(await shop.get(f"{HOURS}/open", at=at), 200))["open"] is is_open


async def test_shopp_2_the_closed_days_of_a_year(vendor: Any) -> None:
    """Federal holidays and the vendor's own five; closures by executive order and Inauguration Day do not count."""
    shop = await vendor(POLICY, now="2025-01-01T00:00:00Z")
    year = await _closed(shop, "2025-01-01", "2025-12-31")
    assert list(year) == [
        "2025-01-01",
        "2025-01-20",
        "2025-02-17",
        "2025-04-18",
        "2025-05-26",
        "2025-06-19",
        "2025-07-04",
        "2025-09-01",
        "2025-10-13",
        "2025-11-11",
        "2025-11-27",
        "2025-11-28",
        "2025-12-24",
        "2025-12-25",
        "2025-12-26",
        "2025-12-31",
    ]
    assert all(len(reasons) == 1 for reasons in year.values()), "an executive order adds no reason either"
    assert "2025-01-09" not in year, "a day of mourning by executive order"
    assert "Inauguration" not in str(year)
    assert "2021-01-20" not in await _closed(shop, "2021-01-01", "2021-01-31")


async def test_shopp_2_observed_days_and_days_with_two_reasons(vendor: Any) -> None:
    """Federal holidays also on their observed weekday, the own days never; two reasons are one day naming both."""
    shop = await vendor(POLICY, now="2025-01-01T00:00:00Z")
    july = await _closed(shop, "2026-07-01", "2026-07-10")
    assert list(july) == ["2026-07-03", "2026-07-04"]
    for day, words in {
        "2027-12-24": ("Christmas Eve", "Christmas Day"),
        "2022-12-26": ("Day after Christmas", "Christmas Day"),
        "2021-12-31": ("New Year's Eve", "New Year's Day"),
    }.items():
        reasons = (await _closed(shop, day, day))[day]
        assert len(reasons) == 2, reasons
        assert all(any(word.lower() in one.lower() for one in reasons) for word in words), reasons
    assert "2022-12-23" not in await _closed(shop, "2022-12-20", "2022-12-31"), "Christmas Eve on a Saturday"
    assert "2026-12-28" not in await _closed(shop, "2026-12-20", "2026-12-31"), "the 26th on a Saturday"
    assert "2028-12-29" not in await _closed(shop, "2028-12-20", "2028-12-31"), "New Year's Eve on a Sunday"


@pytest.mark.parametrize(
    ("good_friday", "after_thanksgiving"),
    [("2008-03-21", "2008-11-28"), ("2038-04-23", "2038-11-26"), ("2060-04-16", "2060-11-26")],
)
async def test_shopp_2_computed_for_any_year(vendor: Any, good_friday: str, after_thanksgiving: str) -> None:
    """Good Friday and the day after Thanksgiving in years near and far."""
    shop = await vendor(POLICY, now="2025-01-01T00:00:00Z")
    year = good_friday[:4]
    closed = await _closed(shop, f"{year}-01-01", f"{year}-12-31")
    assert "Good Friday" in closed[good_friday]
    assert any("thanksgiving" in one.lower() for one in closed[after_thanksgiving])
    shown = await shop.ok(await shop.get("/v1/policies/shopp"), 200)
    clause = next(one for one in shown["clauses"] if one["clause"] == "SHOPP-2")
    assert clause["reading"] is True


async def test_shopp_3_a_change_with_less_than_thirty_days_notice_is_refused(vendor: Any) -> None:
    """29 days before it takes effect is refused, 30 days are enough; the announcement's date is the local one."""
    shop = await vendor(POLICY, now="2025-06-02T03:00:00Z")  # still the 1st in New York

    def closing(day: str, since: str) -> dict[str, Any]:
        return {"effective_from": since, "exceptions": [{"date": day, "kind": "closed", "name": "Stocktaking"}]}

    body = problem(await shop.post(f"{HOURS}/versions", closing("2025-06-30", "2025-06-30")), 409, "notice_too_short")
    assert reason(body, "notice_too_short")["clause"] == "SHOPP-3"
    early = await shop.post(f"{HOURS}/versions", closing("2025-06-30", "2025-06-10"))
    problem(early, 409, "notice_too_short")
    assert "2025-06-30" not in await _closed(shop, "2025-06-30", "2025-07-01"), "refused is not written"
    await shop.ok(await shop.post(f"{HOURS}/versions", closing("2025-07-01", "2025-07-01")), 201)
    assert (await _closed(shop, "2025-06-30", "2025-07-01")) == {"2025-07-01": ["Stocktaking"]}
    await shop.move_clock("2025-06-30T15:00:00Z")
    license_id = await a_key(shop, "anna", "2025-06-30T15:00:00Z")
    ticket = await applied(shop, "T-1", "anna", "priority", FACTS, license_id=license_id)
    assert clock(ticket, "first_response")["due_at"] == "2025-07-02T21:00:00Z", "from its date on"


async def test_shopp_3_announced_changes_move_only_the_clocks_they_touch(vendor: Any) -> None:
    """A new business day moves the clock that would wait over it and no other; longer hours need no notice."""
    shop = await vendor(POLICY, now="2025-06-05T15:00:00Z")
    for name in ("anna", "bea"):
        await a_key(shop, name, "2025-06-05T15:00:00Z")
    await applied(shop, "T-1", "anna", "priority", FACTS)
    await shop.move_clock("2025-06-06T15:00:00Z")
    await applied(shop, "T-2", "bea", "priority", FACTS)
    saturday = {"date": "2025-06-07", "kind": "add", "hours": [["10:00", "14:00"]], "name": "Open Saturday"}
    change = {"effective_from": "2025-06-07", "exceptions": [saturday]}
    tried = await shop.ok(await shop.post(f"{HOURS}/versions?validate_only=true", change))
    assert "T-2" in str(tried)
    assert "T-1" not in str(tried), "only the open clocks that would move are named"
    assert clock(await the_ticket(shop, "T-2"), "first_response")["due_at"] == "2025-06-09T21:00:00Z"
    await shop.ok(await shop.post(f"{HOURS}/versions", change), 201)
    assert clock(await the_ticket(shop, "T-1"), "first_response")["due_at"] == "2025-06-06T21:00:00Z"
    assert clock(await the_ticket(shop, "T-2"), "first_response")["due_at"] == "2025-06-07T18:00:00Z"


async def test_shopp_4_response_times_count_only_in_service_hours(vendor: Any) -> None:
    """Nights, weekends and closed days do not count."""
    shop, ticket = await a_desk(vendor, "2025-04-17T20:00:00Z")  # Thursday 16:00, Good Friday follows
    found = clock(ticket, "first_response")
    assert (found["due_at"], found["remaining_business_seconds"]) == ("2025-04-21T21:00:00Z", 9 * 3600)
    for instant in ("2025-04-17T21:00:00Z", "2025-04-18T16:00:00Z", "2025-04-20T16:00:00Z", "2025-04-21T13:00:00Z"):
        await shop.move_clock(instant)
        left = clock(await the_ticket(shop, "T-1"), "first_response")["remaining_business_seconds"]
        assert left == 8 * 3600, instant
    span = {"from": "2025-04-17T20:00:00Z", "to": "2025-04-21T14:00:00Z"}
    assert (await shop.ok(await shop.get(f"{HOURS}/elapsed", **span), 200))["business_seconds"] == 2 * 3600


# --- SHOPP-5 and 6: promises ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("applied_at", "due_at"),
    [
        ("2025-03-03T15:00:00Z", "2025-03-04T22:00:00Z"),
        ("2025-03-04T04:59:59Z", "2025-03-04T22:00:00Z"),
        ("2025-03-04T05:00:00Z", "2025-03-05T22:00:00Z"),
        ("2025-03-03T10:00:00Z", "2025-03-04T22:00:00Z"),
        ("2025-03-07T23:00:00Z", "2025-03-10T21:00:00Z"),
        ("2025-03-08T18:00:00Z", "2025-03-10T21:00:00Z"),
        ("2025-03-09T18:00:00Z", "2025-03-10T21:00:00Z"),
        ("2025-11-26T15:00:00Z", "2025-12-01T22:00:00Z"),
        ("2025-12-30T15:00:00Z", "2026-01-02T22:00:00Z"),
    ],
)
async def test_shopp_5_due_at_the_close_of_the_next_business_day(vendor: Any, applied_at: str, due_at: str) -> None:
    """The close of the next business day after the local date on which the credit was applied."""
    _, ticket = await a_desk(vendor, applied_at)
    found = clock(ticket, "first_response")
    assert (found["due_at"], found["phase"]) == (due_at, "running")


async def test_shopp_5_the_clock_starts_with_the_credit_whatever_facts_are_missing(vendor: Any) -> None:
    """Facts still missing do not keep it from running, nor do they start it anew when they arrive."""
    shop = await vendor(POLICY, now=MONDAY)
    license_id = await a_key(shop, "anna", MONDAY)
    ticket = await applied(shop, "T-1", "anna", "priority", {}, license_id=license_id)
    assert (ticket["state"], ticket["charge"]["held"]) == ("needs_facts", 1)
    assert clock(ticket, "first_response")["due_at"] == "2025-03-04T22:00:00Z"
    await shop.move_clock("2025-03-04T15:00:00Z")
    told = await act(shop, "T-1", "details", facts=FACTS)
    assert told["state"] == "awaiting_qualification"
    assert clock(told, "first_response")["due_at"] == "2025-03-04T22:00:00Z"


@pytest.mark.parametrize("body", [{"decision": "accept"}, {"decision": "reject", "reasons": ["wordpress_too_old"]}])
@pytest.mark.parametrize(("at", "outcome"), [("2025-03-04T22:00:00Z", "met"), ("2025-03-04T22:00:01Z", "breached")])
async def test_shopp_5_the_qualification_either_way_is_the_response(
    vendor: Any, body: dict[str, Any], at: str, outcome: str
) -> None:
    """Approval or denial stops it, an inquiry does not; at the due second it is kept, a second later it is not."""
    shop, _ = await a_desk(vendor)
    await act(shop, "T-1", "responses", **INQUIRY)
    assert clock(await the_ticket(shop, "T-1"), "first_response")["phase"] == "running"
    await shop.move_clock(at)
    found = clock(await act(shop, "T-1", "qualification", **body), "first_response")
    assert (found["phase"], found["outcome"]) == ("stopped", outcome)
    assert len(found["breaches"]) == (outcome == "breached")
    listed = await shop.ok(await shop.get("/v1/clocks", ticket_id="T-1"), 200)
    assert "first_response" in {one["milestone"] for one in listed["data"]}
    why = await shop.ok(await shop.get(f"/v1/explain/clock/{found['clock_id']}"), 200)
    assert (why["clause"], why["reading"]) == ("SHOPP-5", True)


async def _daily(shop: Any) -> Any:
    return clock(await the_ticket(shop, "T-1"), "each_business_day")


def _missed(found: Any) -> list[str]:
    return [one["window_date"] for one in found["breaches"]]


async def test_shopp_6_each_business_day_that_closes_without_a_response_is_one_breach(vendor: Any) -> None:
    """The approval day is not owed; then one breach a business day, none for weekends and closed days."""
    shop, ticket = await accepted(vendor, "2025-11-24T15:00:00Z")
    assert clock(ticket, "each_business_day")["due_at"] == "2025-11-25T22:00:00Z"
    await shop.move_clock("2025-11-24T23:00:00Z")
    assert _missed(await _daily(shop)) == [], "the approval day"
    await shop.move_clock("2025-11-25T22:00:00Z")
    assert _missed(await _daily(shop)) == [], "at the close itself it could still be kept"
    await shop.move_clock("2025-11-25T22:00:01Z")
    assert _missed(await _daily(shop)) == ["2025-11-25"]
    await shop.move_clock("2025-12-02T15:00:00Z")
    found = await _daily(shop)
    assert _missed(found) == ["2025-11-25", "2025-11-26", "2025-12-01"]
    why = await shop.ok(await shop.get(f"/v1/explain/clock/{found['clock_id']}"), 200)
    assert (why["clause"], why["reading"]) == ("SHOPP-6", True)


@pytest.mark.parametrize(
    ("at", "counts_for"),
    [
        ("2025-03-04T14:30:00Z", "2025-03-04"),
        ("2025-03-04T22:00:00Z", "2025-03-04"),
        ("2025-03-04T11:00:00Z", "2025-03-04"),
        ("2025-03-03T22:00:01Z", "2025-03-04"),
        ("2025-03-04T23:00:00Z", "2025-03-05"),
    ],
)
async def test_shopp_6_a_response_counts_for_its_date_until_the_close_and_later_for_the_next(
    vendor: Any, at: str, counts_for: str
) -> None:
    """Until the close (17:00:00) it counts for its date, later for the next business day."""
    shop, _ = await accepted(vendor)
    await shop.move_clock(at)
    await act(shop, "T-1", "responses", **INQUIRY)
    await shop.move_clock("2025-03-06T15:00:00Z")
    assert _missed(await _daily(shop)) == [day for day in ("2025-03-04", "2025-03-05") if day != counts_for]


async def test_shopp_6_only_public_responses_of_the_vendor_count(vendor: Any) -> None:
    """An internal note, a message of the customer's and one on the approval day keep nothing."""
    shop, _ = await accepted(vendor)
    await act(shop, "T-1", "responses", **SERVICE)
    await shop.move_clock("2025-03-04T15:00:00Z")
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=False)
    await act(shop, "T-1", "responses", author="customer", kind="inquiry", public=True)
    await shop.move_clock("2025-03-05T15:00:00Z")
    assert _missed(await _daily(shop)) == ["2025-03-04"]


@pytest.mark.parametrize("why", ["waiting_for_customer", "waiting_for_logs"])
async def test_shopp_6_not_when_resolved_or_paused_for_the_customer(vendor: Any, why: str) -> None:
    """Days that close while the customer is waited for, or after the resolution, are no breaches."""
    shop, _ = await accepted(vendor)
    wrong = await shop.post("/v1/tickets/T-1/pauses", {"reason": "waiting_for_holidays", "party": "none"})
    problem(wrong, 422, "unknown_pause_reason")
    paused = await act(shop, "T-1", "pauses", reason=why, party="customer")
    assert (paused["pauses"][0]["party"], paused["pauses"][0]["clause"]) == ("customer", "SHOPP-6")
    assert clock(paused, "each_business_day")["phase"] == "paused"
    await shop.move_clock("2025-03-06T15:00:00Z")
    await act(shop, "T-1", "resumptions", reason=why, party="customer")
    assert _missed(await _daily(shop)) == []
    await act(shop, "T-1", "responses", **SERVICE)
    await shop.move_clock("2025-03-07T23:00:00Z")
    assert _missed(await _daily(shop)) == ["2025-03-07"], "running again"
    await shop.move_clock("2025-03-10T20:59:59Z")
    await act(shop, "T-1", "resolution", outcome="answered")
    await shop.move_clock("2025-03-14T15:00:00Z")
    assert _missed(await _daily(shop)) == ["2025-03-07"]


# --- SHOPP-7 and 8: channel and access --------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["email", "contact_form", "forum", "phone"])
async def test_shopp_7_only_through_the_help_desk(vendor: Any, channel: str) -> None:
    """Any other channel is rejected, holds nothing and starts no clock."""
    shop = await vendor(POLICY, now=MONDAY)
    license_id = await a_key(shop, "anna", MONDAY)
    more = {"license_id": license_id, "channel": channel}
    ticket = await applied(shop, "T-1", "anna", "priority", FACTS, **more)
    assert ticket["state"] == "rejected"
    assert reason(ticket, "wrong_channel")["clause"] == "SHOPP-7"
    assert (ticket["clocks"], (await balance(shop, "anna"))["by_type"]["priority"]["available"]) == ([], 1)


@pytest.mark.parametrize(
    ("asked_at", "deadline"),
    [
        (MONDAY, "2025-03-06T22:00:00Z"),
        ("2025-03-06T15:00:00Z", "2025-03-11T21:00:00Z"),
        ("2025-04-16T15:00:00Z", "2025-04-22T21:00:00Z"),
        ("2025-04-19T15:00:00Z", "2025-04-23T21:00:00Z"),
    ],
)
async def test_shopp_8_by_default_until_the_close_of_the_third_business_day(
    vendor: Any, asked_at: str, deadline: str
) -> None:
    """The request names kinds and a deadline; vendor clocks pause; at the deadline itself access is in time."""
    shop, _ = await accepted(vendor, asked_at)
    asked = await act(shop, "T-1", "access-requests", kinds=["ftp", "logs", "admin", "database"])
    (request,) = asked["access_requests"]
    assert (request["kinds"], request["deadline_at"]) == (["ftp", "logs", "admin", "database"], deadline)
    assert clock(asked, "access")["due_at"] == deadline
    assert clock(asked, "each_business_day")["phase"] == "paused"
    await shop.move_clock(deadline)
    granted = await act(shop, "T-1", f"access-requests/{request['number']}/grant")
    assert granted["state"] == "in_progress"
    assert clock(granted, "access")["outcome"] == "met"
    assert (clock(granted, "each_business_day")["phase"], _missed(await _daily(shop))) == ("running", [])


@pytest.mark.parametrize("qualified", [True, False])
async def test_shopp_8_past_the_deadline_it_is_resolved_and_the_credit_captured(vendor: Any, qualified: bool) -> None:
    """Past the deadline, before qualification too: access_not_provided, the credit taken, nothing refunded."""
    shop, _ = await (accepted if qualified else a_desk)(vendor)
    deadline = "2025-03-05T12:00:00Z"
    await act(shop, "T-1", "access-requests", kinds=["ftp"], deadline_at=deadline)
    await shop.move_clock(deadline)
    assert (await the_ticket(shop, "T-1"))["state"] != "resolved", "the deadline itself is still in time"
    await shop.move_clock("2025-03-05T12:00:01Z")
    ended = await the_ticket(shop, "T-1")
    assert (ended["state"], ended["outcome"]) == ("resolved", "access_not_provided")
    why = reason(ended, "access_not_provided")
    assert (why["clause"], why["reading"]) == ("SHOPP-8", True)
    assert (ended["charge"]["captured"], ended["charge"]["held"], ended["charge"]["refunded"]) == (1, 0, 0)
    view = await balance(shop, "anna")
    assert (view["available"], view["held"]) == (0, 0)
    vendors = [one for one in ended["clocks"] if one["milestone"] != "access"]
    assert [one["breaches"] for one in vendors] == [[]] * len(vendors), "the vendor was not late"


async def test_shopp_8_an_agents_own_denial_for_limited_access_releases_the_credit(vendor: Any) -> None:
    """limited_access as a ground of the agent's gives the credit back, and the deadline ends nothing any more."""
    shop, _ = await a_desk(vendor)
    await act(shop, "T-1", "access-requests", kinds=["ftp"])
    denied = await act(shop, "T-1", "qualification", decision="reject", reasons=["limited_access"])
    assert (denied["state"], denied["charge"]["held"]) == ("rejected", 0)
    await shop.move_clock("2025-03-10T15:00:00Z")
    assert (await the_ticket(shop, "T-1"))["state"] == "rejected"
    assert (await balance(shop, "anna"))["available"] == 1


async def test_shopp_8_the_first_response_waits_for_access_too(vendor: Any) -> None:
    """Before qualification the first response pauses; two requests at once are both waited for."""
    shop, _ = await a_desk(vendor)
    await act(shop, "T-1", "access-requests", kinds=["ftp"])
    await act(shop, "T-1", "access-requests", kinds=["database"])
    await shop.move_clock("2025-03-05T15:00:00Z")
    one = await act(shop, "T-1", "access-requests/1/grant")
    assert clock(one, "first_response")["phase"] == "paused"
    both = await act(shop, "T-1", "access-requests/2/grant")
    found = clock(both, "first_response")
    assert (found["phase"], found["breaches"]) == ("running", [])
    assert found["due_at"] >= "2025-03-06T22:00:00Z"


# --- SHOPP-9 to 13: qualification and resolution ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"official": False}, "not_official"),
        ({"modified": True}, "modified_product"),
        ({"current_release": False}, "not_current_release"),
    ],
)
async def test_shopp_9_only_official_unmodified_current_public_releases(
    vendor: Any, facts: dict[str, bool], code: str
) -> None:
    """Each fact is a check of its own; unknown is asked for, a failure reaches the agent."""
    shop, ticket = await a_desk(vendor, **facts)
    failed = [name for name, one in ids(ticket["qualification"]["checks"]).items() if one == "failed"]
    assert failed == [code]
    advice = ticket["qualification"]["recommendation"]
    assert advice["decision"] == "reject"
    assert (code, "SHOPP-9") in {(one["code"], one["clause"]) for one in advice["reasons"]}
    (name,) = facts
    unknown = await act(shop, "T-1", "details", facts={name: None})
    assert (unknown["state"], unknown["asks"]) == ("needs_facts", [name])
    denied = await act(shop, "T-1", "qualification", decision="reject", reasons=[code])
    assert (denied["state"], codes(denied)) == ("rejected", [code])


async def test_shopp_10_every_requirement_is_a_named_check_with_its_own_result(vendor: Any) -> None:
    """Clear description, single issue, supported product, registered, active key: each has its own result."""
    shop = await vendor(POLICY, now=MONDAY)
    license_id = await a_key(shop, "anna", MONDAY, registered=False)
    facts = {**FACTS, "clear_description": False, "single_issue": False, "supported_product": False}
    ticket = await applied(shop, "T-1", "anna", "priority", facts, license_id=license_id)
    checks = ids([one for one in ticket["qualification"]["checks"] if one["clause"] == "SHOPP-10"])
    assert checks == {
        "unclear_description": "failed",
        "several_issues": "failed",
        "unsupported_product": "failed",
        "not_registered": "failed",
        "support_key_inactive": "passed",
    }
    advised = {one["code"] for one in ticket["qualification"]["recommendation"]["reasons"]}
    assert advised == {"unclear_description", "several_issues", "unsupported_product", "not_registered"}
    await shop.ok(await shop.post(f"/v1/licenses/{license_id}/registration", {"domain": "shop.example.com"}))
    good = {"clear_description": True, "single_issue": True, "supported_product": True}
    told = await act(shop, "T-1", "details", facts=good)
    assert told["qualification"]["recommendation"]["decision"] == "accept"
    assert {one["result"] for one in told["qualification"]["checks"]} <= {"passed", "not_applicable"}


async def test_shopp_10_the_support_key_must_be_active(vendor: Any) -> None:
    """A key that has ended is not active; the purchase stays verifiable."""
    shop = await vendor(POLICY, now=MONDAY)
    license_id = await a_key(shop, "anna", MONDAY)
    await shop.ok(await shop.post(f"/v1/licenses/{license_id}/termination", {"effective_at": MONDAY}))
    ticket = await applied(shop, "T-1", "anna", "priority", FACTS, license_id=license_id)
    assert ticket["state"] == "awaiting_qualification"
    assert ids(ticket["qualification"]["checks"])["support_key_inactive"] == "failed"
    advice = {one["code"]: one["clause"] for one in ticket["qualification"]["recommendation"]["reasons"]}
    assert advice == {"support_key_inactive": "SHOPP-10"}


async def test_shopp_10_what_is_not_stated_is_asked_for(vendor: Any) -> None:
    """Missing facts ask for themselves instead of passing; an agent may decide without them all the same."""
    shop = await vendor(POLICY, now=MONDAY)
    license_id = await a_key(shop, "anna", MONDAY)
    ticket = await applied(shop, "T-1", "anna", "priority", {"request_kind": "fixing"}, license_id=license_id)
    assert ticket["state"] == "needs_facts"
    assert {"clear_description", "single_issue", "official", "modified", "current_release"} <= set(ticket["asks"])
    missing = reason(ticket, "fact_missing")
    assert (missing["clause"], missing["reading"]) == ("ALL-3", True)
    decided = await act(shop, "T-1", "qualification", decision="accept", note="Seen on their site.")
    assert decided["state"] == "in_progress"


async def test_shopp_11_no_service_before_an_authorised_representative_has_qualified(vendor: Any) -> None:
    """Service is refused not_qualified; inquiries, access requests and customer responses pass."""
    shop, ticket = await a_desk(vendor)
    assert ticket["state"] == "awaiting_qualification"
    early = await refused(shop, "/v1/tickets/T-1/responses", "not_qualified", **SERVICE)
    assert reason(early, "not_qualified")["clause"] == "SHOPP-11"
    await act(shop, "T-1", "responses", **INQUIRY)
    await act(shop, "T-1", "responses", author="customer", kind="inquiry", public=True)
    await act(shop, "T-1", "responses", author="customer", kind="service", public=True)
    await act(shop, "T-1", "access-requests", kinds=["logs"])
    await act(shop, "T-1", "access-requests/1/grant")
    await refused(shop, "/v1/tickets/T-1/resolution", "not_qualified", outcome="answered")


async def test_shopp_11_qualifying_needs_the_scope_and_who_did_it_is_kept(vendor: Any) -> None:
    """A key without tickets:qualify is 403; the answer says who decided, when and with what note."""
    shop, _ = await a_desk(vendor)
    path = "/v1/tickets/T-1/qualification"
    clerk = await shop.as_key("tickets:write", "tickets:read")
    body = {"decision": "accept", "note": "A clear case."}
    forbidden = await clerk.post(path, json=body, headers={"Idempotency-Key": "clerk"})
    assert forbidden.status_code == 403
    agent = await shop.as_key("tickets:qualify", label="agent")
    answer = await agent.post(path, json=body, headers={"Idempotency-Key": "agent"})
    assert answer.status_code == 200, answer.text
    found = (await the_ticket(shop, "T-1"))["qualification"]
    assert (found["decision"], found["at"], found["note"]) == ("accept", MONDAY, "A clear case.")
    assert found["by"]
    assert (await act(shop, "T-1", "responses", **SERVICE))["state"] == "in_progress"


@pytest.mark.parametrize("ground", GROUNDS)
async def test_shopp_12_thirteen_grounds_for_denial(vendor: Any, ground: str) -> None:
    """Each of the thirteen grounds denies by itself and is listed by the policy."""
    shop, _ = await a_desk(vendor)
    shown = await shop.ok(await shop.get("/v1/policies/shopp"), 200)
    assert ground in {one["code"] for one in shown["reasons"]}
    denied = await act(shop, "T-1", "qualification", decision="reject", reasons=[ground])
    assert (denied["state"], codes(denied)) == ("rejected", [ground])
    assert (denied["reasons"][0]["clause"], denied["reasons"][0]["reading"]) == ("SHOPP-12", True)


async def test_shopp_12_several_at_once_and_other_with_a_note(vendor: Any) -> None:
    """Several grounds at once; `other` needs a note; unknown codes and no reason at all are 422."""
    assert len(set(GROUNDS)) == 13
    shop, _ = await a_desk(vendor)
    path = "/v1/tickets/T-1/qualification"
    for bad in (
        {"decision": "reject", "reasons": ["other"]},
        {"decision": "reject", "reasons": ["bad_mood"]},
        {"decision": "reject", "reasons": []},
        {"decision": "maybe", "reasons": ["other"], "note": "x"},
    ):
        assert (await shop.post(path, bad)).status_code == 422, bad
    body = {"decision": "reject", "reasons": [*GROUNDS, "other"], "note": "And this customer is a rival."}
    denied = await act(shop, "T-1", "qualification", **body)
    assert codes(denied) == [*GROUNDS, "other"]
    assert denied["qualification"]["note"] == "And this customer is a rival."


@pytest.mark.parametrize(
    ("fact", "value", "ground"),
    [
        ("modified", True, "modified_product"),
        ("custom_code_required", True, "custom_code_required"),
        ("unsupported_environment", True, "unsupported_environment"),
        ("third_party_cause", True, "third_party_cause"),
        ("wordpress_too_new", True, "wordpress_too_new"),
        ("wordpress_too_old", True, "wordpress_too_old"),
        ("unrelated_styling", True, "unrelated_styling"),
        ("admin_browser_problem", True, "admin_browser_problem"),
        ("unsupported_browser", True, "unsupported_browser"),
        ("limited_access", True, "limited_access"),
    ],
)
async def test_shopp_12_failed_checks_are_recommendations_and_accepting_over_one_needs_a_note(
    vendor: Any, fact: str, value: bool, ground: str
) -> None:
    """What the helpdesk knows recommends the ground; accepting over it needs a note that is kept."""
    shop, ticket = await a_desk(vendor, **{fact: value})
    assert ticket["state"] == "awaiting_qualification", "a recommendation decides nothing"
    advice = ticket["qualification"]["recommendation"]
    assert advice["decision"] == "reject"
    assert ground in {one["code"] for one in advice["reasons"]}
    await refused(shop, "/v1/tickets/T-1/qualification", "note_required", 422, decision="accept")
    kept = await act(shop, "T-1", "qualification", decision="accept", note="At our discretion.")
    assert (kept["state"], kept["qualification"]["note"]) == ("in_progress", "At our discretion.")


@pytest.mark.parametrize("outcome", FIVE)
async def test_shopp_13_five_ways_to_be_resolved_each_capturing_the_credit(vendor: Any, outcome: str) -> None:
    """Five outcomes, each capturing the credit, whatever the cause; anything else is 422."""
    shop, _ = await accepted(vendor)
    wrong = await shop.post("/v1/tickets/T-1/resolution", {"outcome": "gave_up"})
    problem(wrong, 422, "unknown_outcome")
    done = await act(shop, "T-1", "resolution", outcome=outcome, cause="software_bug")
    assert (done["state"], done["outcome"]) == ("resolved", outcome)
    assert (done["charge"]["captured"], done["charge"]["held"], done["charge"]["net"]) == (1, 0, 1)
    shown = await shop.ok(await shop.get("/v1/policies/shopp"), 200)
    assert {one["outcome"] for one in shown["outcomes"]} == {*FIVE, "access_not_provided"}
