"""CS-Cart: periods or credits. Each test is named by the clause it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.steps import (
    a_ticket,
    act,
    an_order,
    balance,
    choose,
    clock,
    codes,
    entitled,
    events,
    offer,
    problem,
    reason,
    sidebar,
    the_ticket,
)

POLICY = "cs-cart"
START = "2025-01-15T10:00:00Z"
PERIODS = ("support-1-months", "support-3-months", "support-6-months", "support-12-months")
PACKS = ("credits-25", "credits-50", "credits-100", "credits-200")


async def a_shop(vendor: Any, now: str = START) -> Any:
    """A vendor under the policy."""
    return await vendor(POLICY, now=now)


async def an_owner(shop: Any, customer: str = "anna", option: str | None = "credits", at: str = START) -> Any:
    """A license owner who took an option; the order."""
    order = await an_order(shop, f"first-of-{customer}", customer, at, "license")
    if option is not None:
        await choose(shop, customer, option)
    return order


async def the_covers(shop: Any, customer: str = "anna") -> list[Any]:
    """The covers on the account, oldest first."""
    return list((await sidebar(shop, customer))["covers"])


async def a_running_period(shop: Any, sku: str = "support-1-months", at: str = START) -> Any:
    """An owner with no credits left to choose and one paid period, begun now; the cover."""
    await an_order(shop, "o-first", "anna", at, "license")
    await choose(shop, "anna", "credits")
    order = await an_order(shop, "o-period", "anna", at, sku)
    ticket = await a_ticket(shop, "T-begin", "anna", pay_with="cover")
    assert ticket["state"] == "in_progress", ticket
    cover_id = order["covers"][0]["cover_id"]
    return next(one for one in await the_covers(shop) if one["cover_id"] == cover_id)


async def refused(shop: Any, path: str, status: int, code: str, **body: Any) -> Any:
    """A POST that is refused so."""
    return problem(await shop.post(path, body), status, code)


# --- CSC-1 ------------------------------------------------------------------------------------------------------------


async def test_csc_1_the_first_licence_opens_a_choice_and_grants_nothing_until_it_is_made(vendor: Any) -> None:
    """30 days or 40 credits: a choice is open until made; a ticket meanwhile is choice_required, a reading."""
    shop = await a_shop(vendor)
    order = await an_order(shop, "o1", "anna", START, "license")
    (choice,) = order["choices"]
    assert set(choice["options"]) == {"credits", "cover"}
    assert (order["lots"], order["covers"], order["not_granted"]) == ([], [], [])
    listed = await shop.ok(await shop.get("/v1/customers/anna/choices"), 200)
    assert [one["choice_id"] for one in listed["data"]] == [choice["choice_id"]]
    assert set(listed["data"][0]["options"]) == {"credits", "cover"}
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1")
    assert ticket["state"] == "awaiting_choice"
    why = reason(ticket, "choice_required")
    assert (why["clause"], why["reading"]) == ("CSC-1", True)
    denied = await entitled(shop, "anna", "open_ticket")
    assert denied["allowed"] is False
    assert reason(denied, "choice_required")["reading"] is True
    assert (await balance(shop, "anna"))["available"] == 0
    assert await the_covers(shop) == []
    await shop.move_clock("2030-01-01T00:00:00Z")
    assert (await sidebar(shop, "anna"))["choices"], "a choice stays open until made"


async def test_csc_1_choosing_credits_grants_forty_and_no_days(vendor: Any) -> None:
    """The option `credits` grants exactly 40 credits and no cover; the ticket that waited goes on."""
    shop = await a_shop(vendor)
    await an_order(shop, "o1", "anna", START, "license")
    await a_ticket(shop, "T-1", "anna", category="category_1")
    await choose(shop, "anna", "credits")
    found = await balance(shop, "anna")
    assert (found["available"], [one["granted"] for one in found["lots"]]) == (40, [40])
    assert await the_covers(shop) == []
    assert (await sidebar(shop, "anna"))["choices"] == []
    again = await act(shop, "T-1", "details")
    assert (again["state"], again["charge"]["held"]) == ("in_progress", 5)


async def test_csc_1_choosing_cover_grants_thirty_days_that_start_with_the_first_request(vendor: Any) -> None:
    """The option `cover` grants 30 days of 24 hours, pending until the first request; the end is exclusive."""
    shop = await a_shop(vendor)
    await an_owner(shop, option="cover")
    (cover,) = await the_covers(shop)
    assert (cover["state"], cover["starts_at"], cover["ends_at"]) == ("pending", None, None)
    assert (cover["clause"], cover["reading"]) == ("CSC-1", True)
    assert (await balance(shop, "anna"))["available"] == 0
    await shop.move_clock("2025-02-14T09:30:15Z")
    ticket = await a_ticket(shop, "T-1", "anna", category="category_3")
    assert (ticket["state"], ticket["paid_by"], ticket["charge"]["held"]) == ("in_progress", "cover", 0)
    (cover,) = await the_covers(shop)
    assert (cover["starts_at"], cover["ends_at"]) == ("2025-02-14T09:30:15Z", "2025-03-16T09:30:15Z")
    await shop.move_clock("2025-03-16T09:30:14Z")
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is True
    await shop.move_clock("2025-03-16T09:30:15Z")
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is False


@pytest.mark.parametrize("option", ["credits", "cover"])
async def test_csc_1_until_the_choice_is_made_nothing_was_there(vendor: Any, option: str) -> None:
    """Asked as of a day between the order and the choice, the account had neither credits nor days."""
    shop = await a_shop(vendor)
    await an_owner(shop, option=None)
    await shop.move_clock("2025-01-20T00:00:00Z")
    await choose(shop, "anna", option)
    await shop.move_clock("2025-01-25T00:00:00Z")
    account = "/v1/customers/anna"
    for day, available in (("2025-01-19T23:59:59Z", 0), ("2025-01-20T00:00:00Z", 40 * (option == "credits"))):
        then = await shop.ok(await shop.get(f"{account}/balance", as_of=day), 200)
        page = await shop.ok(await shop.get(f"{account}/statement", as_of=day), 200)
        right = await shop.ok(await shop.get(f"{account}/entitlements/open_ticket", as_of=day), 200)
        assert then["available"] == page["available"] == available
        assert right["allowed"] is (day > "2025-01-20")
        assert ("choice_required" in codes(right)) is (day < "2025-01-20")


async def test_csc_1_a_choice_is_made_once_even_when_both_options_come_at_once(vendor: Any) -> None:
    """Exactly one option is granted; a second choice is refused."""
    shop = await a_shop(vendor)
    order = await an_order(shop, "o1", "anna", START, "license")
    path = f"/v1/customers/anna/choices/{order['choices'][0]['choice_id']}"
    answers = await asyncio.gather(
        *(shop.post(path, {"option": one}) for one in ("credits", "cover", "credits", "cover"))
    )
    done = sorted(one.status_code for one in answers)
    assert (done[0] in (200, 201), done[1:]) == (True, [409, 409, 409])
    summary = await sidebar(shop, "anna")
    assert len(summary["covers"]) + len(summary["lots"]) == 1
    assert (await shop.post(path, {"option": "credits"})).status_code == 409
    other = await an_order(shop, "o2", "bea", START, "license")
    unknown = f"/v1/customers/bea/choices/{other['choices'][0]['choice_id']}"
    assert (await shop.post(unknown, {"option": "money"})).status_code == 422


# --- CSC-2 ------------------------------------------------------------------------------------------------------------


async def test_csc_2_each_further_licence_brings_twenty_credits_only(vendor: Any) -> None:
    """Three licences in one order: one choice, twice 20 credits; a fourth later 20 more."""
    shop = await a_shop(vendor)
    order = await an_order(shop, "o1", "anna", START, {"sku": "license", "quantity": 3})
    assert [one["ordinal"] for one in order["licenses"]] == [1, 2, 3]
    assert len(order["choices"]) == 1
    assert [(one["granted"], one["clause"]) for one in order["lots"]] == [(20, "CSC-2"), (20, "CSC-2")]
    assert (await balance(shop, "anna"))["available"] == 40
    later = await an_order(shop, "o2", "anna", START, "license")
    assert (later["choices"], later["covers"]) == ([], [])
    assert [one["granted"] for one in later["lots"]] == [20]


async def test_csc_2_two_first_orders_at_once_bring_one_choice(vendor: Any) -> None:
    """The ordinal is safe against orders at once: one choice, the others 20 credits each."""
    shop = await a_shop(vendor)
    await asyncio.gather(*(an_order(shop, f"o{n}", "anna", START, "license") for n in range(5)))
    summary = await sidebar(shop, "anna")
    assert sorted(one["ordinal"] for one in summary["licenses"]) == [1, 2, 3, 4, 5]
    assert len(summary["choices"]) == 1
    assert summary["choices"][0]["order_id"] == "o0", "at one instant the order's id decides"
    assert summary["balance"]["available"] == 80


async def test_csc_2_the_ordinal_is_by_the_orders_date_not_by_arrival(vendor: Any) -> None:
    """An order that was placed first and arrives last has the first licence."""
    shop = await a_shop(vendor)
    late = await an_order(shop, "o2", "anna", "2025-01-10T00:00:00Z", "license")
    assert len(late["choices"]) == 1
    early = await an_order(shop, "o1", "anna", "2025-01-09T23:59:59Z", "license")
    assert (len(early["choices"]), early["lots"]) == (1, [])
    summary = await sidebar(shop, "anna")
    assert {one["order_id"]: one["ordinal"] for one in summary["licenses"]} == {"o1": 1, "o2": 2}
    assert [one["order_id"] for one in summary["choices"]] == ["o1"]
    assert summary["balance"]["available"] == 20
    stood = await shop.ok(await shop.get("/v1/orders/o2"), 200)
    assert [one["granted"] for one in stood["lots"]] == [20]


async def test_csc_2_what_was_touched_stays_and_is_reported(vendor: Any) -> None:
    """A choice that was made before the earlier order arrived stays; the account is reported for review."""
    shop = await a_shop(vendor)
    await an_order(shop, "o2", "anna", "2025-01-10T00:00:00Z", "license")
    await choose(shop, "anna", "credits")
    await a_ticket(shop, "T-1", "anna", category="category_1")
    await an_order(shop, "o1", "anna", "2025-01-09T00:00:00Z", "license")
    assert (await balance(shop, "anna"))["held"] == 5
    assert [one["data"]["order_id"] for one in await events(shop, "grant_review")] == ["o2"]
    stood = await shop.ok(await shop.get("/v1/orders/o2"), 200)
    assert [one["granted"] for one in stood["lots"]] == [40], "what stays is not granted a second time"


@pytest.mark.parametrize("touched", [False, True])
async def test_csc_2_one_refunded_untouched_does_not_count_afterwards(vendor: Any, touched: bool) -> None:
    """Bought again, it is the first license again; one whose credits were used counts. Our reading, and said so."""
    shop = await a_shop(vendor)
    await an_order(shop, "o1", "anna", "2025-01-06T00:00:00Z", "license")
    await choose(shop, "anna", "credits")
    if touched:
        await a_ticket(shop, "T-1", "anna", category="category_1")
    standing = await an_order(shop, "o2", "anna", "2025-01-06T00:00:00Z", "license")
    await shop.ok(await shop.post("/v1/orders/o1/refunds", {"refund_id": "r1", "lines": []}, key=None))
    await shop.ok(await shop.post("/v1/orders/o2/refunds", {"refund_id": "r2", "lines": []}, key=None))
    now = (await shop.ok(await shop.get("/v1/clock")))["now"]
    again = await an_order(shop, "o3", "anna", now, "license")
    assert [one["granted"] for one in standing["lots"]] == [20]
    assert len(again["choices"]) == (0 if touched else 1)
    left_out = [one for one in again["decisions"] if one["rule"] == "refunded_untouched"]
    assert [(one["clause"], one["reading"]) for one in left_out] == [("CSC-2", True)]


# --- CSC-3 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "ru", "Ru-ru", "RU", None])
async def test_csc_3_english_and_russian_are_served_and_an_absent_language_is_not_judged(
    vendor: Any, language: str | None
) -> None:
    """The primary subtag decides, in any case; an absent language is not judged."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1", language=language)
    assert ticket["state"] == "in_progress"


@pytest.mark.parametrize("language", ["de", "DE-de", "uk", "fr-RU", "zh-Hans-CN"])
async def test_csc_3_other_languages_are_rejected(vendor: Any, language: str) -> None:
    """Only English or Russian: unsupported_language, a recorded rejection, a reading; nothing is held."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1", language=language)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["unsupported_language"])
    why = reason(ticket, "unsupported_language")
    assert (why["clause"], why["reading"]) == ("CSC-3", True)
    assert (await balance(shop, "anna"))["held"] == 0


# --- CSC-4 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sku", "end"),
    [
        ("support-1-months", "2025-02-28T12:00:00Z"),
        ("support-3-months", "2025-04-30T12:00:00Z"),
        ("support-6-months", "2025-07-31T12:00:00Z"),
        ("support-12-months", "2026-01-31T12:00:00Z"),
    ],
)
async def test_csc_4_a_period_starts_with_the_first_request_and_lasts_its_months(
    vendor: Any, sku: str, end: str
) -> None:
    """Pending until the first accepted ticket that it pays for; 31 January and a month is 28 February."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    order = await an_order(shop, "o2", "anna", START, sku)
    (cover,) = order["covers"]
    assert (cover["state"], cover["starts_at"], cover["ends_at"]) == ("pending", None, None)
    assert (cover["clause"], cover["reading"]) == ("CSC-4", True)
    await shop.move_clock("2025-01-31T12:00:00Z")
    await a_ticket(shop, "T-1", "anna", pay_with="cover")
    (cover,) = await the_covers(shop)
    assert (cover["starts_at"], cover["ends_at"]) == ("2025-01-31T12:00:00Z", end)
    await shop.move_clock("2025-02-01T00:00:00Z")
    await a_ticket(shop, "T-2", "anna", pay_with="cover")
    assert (await the_covers(shop))[0]["ends_at"] == end, "a later request moves nothing"


async def test_csc_4_rejected_free_and_credit_paid_tickets_start_nothing(vendor: Any) -> None:
    """Only a ticket that is accepted and that the period pays for starts it."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await an_order(shop, "o2", "anna", START, "support-3-months")
    await a_ticket(shop, "T-1", "anna", language="de", pay_with="cover")
    await a_ticket(shop, "T-2", "anna", channel="email", pay_with="cover")
    await a_ticket(shop, "T-3", "anna", category="category_1", pay_with="credits")
    await a_ticket(shop, "T-4", "anna", category="bug_report", pay_with="cover")
    await a_ticket(shop, "T-5", "anna", facts={"request_kind": "new_function"}, pay_with="cover")
    await a_ticket(shop, "T-6", "anna", category="category_1")
    body = {"customer_id": "anna", "subject": "?", "channel": "helpdesk", "pay_with": "cover"}
    dry = await shop.ok(await shop.put("/v1/tickets/T-7", body, params={"validate_only": "true"}))
    assert dry["paid_by"] == "cover"
    assert [one["state"] for one in await the_covers(shop)] == ["pending"]


async def test_csc_4_the_oldest_pending_period_goes_first(vendor: Any) -> None:
    """Oldest by the order's date: one that arrives late but was placed first goes first."""
    shop = await a_shop(vendor)
    await an_owner(shop, at="2025-01-01T00:00:00Z")
    await an_order(shop, "o3", "anna", "2025-01-12T00:00:00Z", "support-1-months")
    await an_order(shop, "o2", "anna", "2025-01-11T00:00:00Z", "support-6-months")
    ticket = await a_ticket(shop, "T-1", "anna", pay_with="cover")
    states = {one["order_id"]: (one["cover_id"], one["state"]) for one in await the_covers(shop)}
    assert states["o2"] == (ticket["cover_id"], "running")
    assert states["o3"][1] == "pending"


async def test_csc_4_the_free_days_go_before_a_period_that_was_bought(vendor: Any) -> None:
    """Free before bought, then the oldest: the month bought with the license waits for the free days."""
    shop = await a_shop(vendor)
    await an_order(shop, "o1", "anna", START, "license", "support-1-months")
    await choose(shop, "anna", "cover")
    await a_ticket(shop, "T-1", "anna", category="category_1")
    covers = {one["rule"]: one["state"] for one in (await sidebar(shop, "anna"))["covers"]}
    assert covers == {"first_license_days": "running", "period_1": "pending"}


async def test_csc_4_of_one_order_the_first_line_goes_first(vendor: Any) -> None:
    """Periods bought together are equally old; they begin in the order of the lines, on every account alike."""
    shop = await a_shop(vendor)
    packs = ["support-12-months", "support-3-months", "support-1-months", "support-6-months"]
    for customer in ("anna", "ben", "cleo", "dora"):
        await an_owner(shop, customer)
        bought = await an_order(shop, f"{customer}-2", customer, START, *packs)
        ticket = await a_ticket(shop, f"{customer}-T", customer, pay_with="cover")
        assert ticket["cover_id"] == bought["covers"][0]["cover_id"]
        assert [one["rule"] for one in bought["covers"]] == ["period_12", "period_3", "period_1", "period_6"]


async def test_csc_4_two_first_requests_at_once_start_one_period(vendor: Any) -> None:
    """Of two pending periods two tickets at once start one."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await an_order(shop, "o2", "anna", START, {"sku": "support-1-months", "quantity": 2})
    made = await asyncio.gather(*(a_ticket(shop, f"T-{n}", "anna", pay_with="cover") for n in range(4)))
    assert len({one["cover_id"] for one in made}) == 1
    assert sorted(one["state"] for one in await the_covers(shop)) == ["pending", "running"]


# --- CSC-5 ------------------------------------------------------------------------------------------------------------


async def test_csc_5_a_period_is_suspended_and_resumed_once_and_its_end_moves_by_that_time(vendor: Any) -> None:
    """The end moves by the time suspended, to the second; the second suspension is suspension_used."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop)
    assert cover["ends_at"] == "2025-02-15T10:00:00Z"
    path = f"/v1/covers/{cover['cover_id']}"
    await shop.move_clock("2025-02-15T09:59:59Z")
    stopped = await shop.ok(await shop.post(f"{path}/suspension"), (200, 201))
    assert stopped["state"] == "suspended"
    await shop.move_clock("2025-06-01T00:00:00Z")
    assert await events(shop, "cover.ended") == [], "a suspended period does not end"
    going = await shop.ok(await shop.post(f"{path}/resumption"), (200, 201))
    assert (going["state"], going["ends_at"]) == ("running", "2025-06-01T00:00:01Z")
    body = await refused(shop, f"{path}/suspension", 409, "suspension_used")
    why = reason(body, "suspension_used")
    assert (why["clause"], why["reading"]) == ("CSC-5", True)
    await shop.move_clock("2025-06-01T00:00:01Z")
    assert [one["state"] for one in await the_covers(shop)] == ["ended"]
    assert [one["occurred_at"] for one in await events(shop, "cover.ended")] == ["2025-06-01T00:00:01Z"]


async def test_csc_5_suspending_and_resuming_need_no_body(vendor: Any) -> None:
    """Nothing needs to be said: a POST with its Idempotency-Key alone."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop)
    for verb, state in (("suspension", "suspended"), ("resumption", "running")):
        path = f"/v1/covers/{cover['cover_id']}/{verb}"
        answer = await shop.client.post(path, headers={"Idempotency-Key": f"key-of-{verb}"})
        assert (await shop.ok(answer, (200, 201)))["state"] == state
        replay = await shop.client.post(path, headers={"Idempotency-Key": f"key-of-{verb}"})
        assert replay.headers["Idempotent-Replayed"] == "true"


async def test_csc_5_each_subscription_period_has_its_own_suspension(vendor: Any) -> None:
    """Once in a subscription period: the next period can be suspended again."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop)
    await an_order(shop, "o-next", "anna", START, "support-1-months")
    for verb in ("suspension", "resumption"):
        await shop.ok(await shop.post(f"/v1/covers/{cover['cover_id']}/{verb}"), (200, 201))
    await shop.move_clock("2025-02-15T10:00:00Z")
    ticket = await a_ticket(shop, "T-2", "anna", pay_with="cover")
    assert ticket["cover_id"] != cover["cover_id"]
    again = await shop.ok(await shop.post(f"/v1/covers/{ticket['cover_id']}/suspension"), (200, 201))
    assert again["state"] == "suspended"


async def test_csc_5_free_pending_and_ended_cover_is_not_suspendable(vendor: Any) -> None:
    """Free or pending cover is not_suspendable; nor what has ended; nor is what runs resumed."""
    shop = await a_shop(vendor)
    await an_owner(shop, option="cover")
    order = await an_order(shop, "o2", "anna", START, "support-1-months")
    paid = order["covers"][0]["cover_id"]
    body = await refused(shop, f"/v1/covers/{paid}/suspension", 409, "not_suspendable")
    why = reason(body, "not_suspendable")
    assert (why["clause"], why["reading"]) == ("CSC-5", True)
    ticket = await a_ticket(shop, "T-1", "anna")
    free = ticket["cover_id"]
    assert free != paid
    await refused(shop, f"/v1/covers/{free}/suspension", 409, "not_suspendable")
    await refused(shop, f"/v1/covers/{free}/resumption", 409, "not_suspended")
    await shop.move_clock("2025-02-14T10:00:00Z")
    await a_ticket(shop, "T-2", "anna")
    await shop.move_clock("2025-03-14T10:00:00Z")
    await refused(shop, f"/v1/covers/{paid}/suspension", 409, "not_suspendable")


async def test_csc_5_a_ticket_meanwhile_is_cover_suspended_and_resumes_nothing(vendor: Any) -> None:
    """A ticket while the period is suspended is cover_suspended; no other period starts in its place."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop)
    await an_order(shop, "o-next", "anna", START, "support-3-months")
    await shop.ok(await shop.post(f"/v1/covers/{cover['cover_id']}/suspension"), (200, 201))
    ticket = await a_ticket(shop, "T-2", "anna", category="category_1", pay_with="cover")
    assert (ticket["state"], codes(ticket)) == ("rejected", ["cover_suspended"])
    why = reason(ticket, "cover_suspended")
    assert (why["clause"], why["reading"]) == ("CSC-5", True)
    assert [one["state"] for one in await the_covers(shop)] == ["suspended", "pending"]
    credits_ = await a_ticket(shop, "T-3", "anna", category="category_1", pay_with="credits")
    assert (credits_["state"], credits_["paid_by"]) == ("in_progress", "credits")
    await shop.post("/v1/customers/anna/adjustments", {"credits": -35, "reason": "test"})
    without = await a_ticket(shop, "T-4", "anna", category="category_1")
    assert codes(without) == ["cover_suspended"]
    assert reason(await entitled(shop, "anna", "open_ticket"), "cover_suspended")["clause"] == "CSC-5"


async def test_csc_5_a_ticket_opened_before_is_served_on_while_the_period_is_suspended(vendor: Any) -> None:
    """What was accepted is served to its end."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop)
    await shop.ok(await shop.post(f"/v1/covers/{cover['cover_id']}/suspension"), (200, 201))
    await act(shop, "T-begin", "responses", author="vendor", kind="service", public=True)
    assert (await act(shop, "T-begin", "resolution", outcome="answered"))["state"] == "resolved"


# --- CSC-6 and CSC-7 --------------------------------------------------------------------------------------------------


async def test_csc_6_credits_have_no_time_limit(vendor: Any) -> None:
    """Lots without expiry, from whatever source; all there twenty years on."""
    shop = await a_shop(vendor)
    await an_order(shop, "o1", "anna", START, {"sku": "license", "quantity": 2}, "credits-25")
    await choose(shop, "anna", "credits")
    lots = (await balance(shop, "anna"))["lots"]
    assert sorted((one["granted"], one["expires_at"]) for one in lots) == [(20, None), (25, None), (40, None)]
    await shop.move_clock("2045-01-15T10:00:00Z")
    assert (await balance(shop, "anna"))["available"] == 85
    assert await events(shop, "credits.expired") == []


@pytest.mark.parametrize(("category", "credits"), [("category_1", 5), ("category_2", 10), ("category_3", 20)])
async def test_csc_7_three_categories_cost_five_ten_and_twenty(vendor: Any, category: str, credits: int) -> None:
    """The price list, by the calculator and on a ticket charged to its end."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    priced = await shop.ok(await shop.post(f"/v1/policies/{POLICY}/price", {"category": category}), 200)
    assert priced["credits"] == credits
    assert priced["clause"] == "CSC-7"
    ticket = await a_ticket(shop, "T-1", "anna", category=category, agreed_up_to=20)
    assert (ticket["charge"]["held"], ticket["assessments"][0]["clause"]) == (credits, "CSC-7")
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)
    await act(shop, "T-1", "resolution", outcome="answered")
    assert (await balance(shop, "anna"))["available"] == 40 - credits


# --- CSC-8 to CSC-10 --------------------------------------------------------------------------------------------------


async def test_csc_8_agreed_in_advance_is_answered_first_then_categorised_and_deducted(vendor: Any) -> None:
    """agreed_up_to is held at opening, no confirmation is needed within it, the surplus is released."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", agreed_up_to=20)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 20)
    assert (await balance(shop, "anna"))["available"] == 20
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)
    body = await act(shop, "T-1", "assessments", category="category_2")
    assert body["assessments"][-1]["status"] == "in_force"
    assert body["status"] == "in_force"
    assert (body["charge"]["held"], (await balance(shop, "anna"))["available"]) == (10, 30)
    done = await act(shop, "T-1", "resolution", outcome="answered")
    assert (done["state"], done["charge"]["captured"], done["charge"]["held"]) == ("resolved", 10, 0)
    assert (await balance(shop, "anna"))["available"] == 30


async def test_csc_8_exactly_what_was_agreed_needs_no_confirmation_one_credit_less_does(vendor: Any) -> None:
    """The edge: category 3 within 20 goes ahead, within 19 it waits."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    within = await a_ticket(shop, "T-1", "anna", agreed_up_to=20)
    within = await act(shop, "T-1", "assessments", category="category_3")
    assert (within["state"], within["charge"]["held"]) == ("in_progress", 20)
    above = await a_ticket(shop, "T-2", "anna", agreed_up_to=19)
    assert above["charge"]["held"] == 19
    above = await act(shop, "T-2", "assessments", category="category_3")
    assert above["state"] == "awaiting_confirmation"
    assert above["charge"]["held"] == 19, "what was agreed stays held while it waits"
    confirmed = await act(shop, "T-2", "assessments/1/confirmation", accept=True)
    assert (confirmed["state"], confirmed["charge"]["held"]) == ("in_progress", 20)


async def test_csc_8_what_pays_any_listed_category_is_enough_of_what_was_agreed(vendor: Any) -> None:
    """More was agreed than there is: what there is is held, if it pays the dearest category of the list."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", agreed_up_to=100)
    assert (ticket["state"], ticket["charge"]["held"]) == ("in_progress", 40)


async def test_csc_8_more_than_there_is_cannot_be_agreed(vendor: Any) -> None:
    """What was agreed and cannot be held waits for credits, with the offers, where a category might cost more."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await shop.ok(await shop.post("/v1/customers/anna/debits", {"credits": 21}), 201)
    ticket = await a_ticket(shop, "T-1", "anna", agreed_up_to=41)
    assert ticket["state"] == "awaiting_credits"
    assert (await balance(shop, "anna"))["held"] == 0
    assert {one.get("sku") for one in ticket["remedies"]} >= set(PACKS)


async def test_csc_8_absent_means_asked_beforehand(vendor: Any) -> None:
    """Without agreed_up_to nothing is held and nothing is answered before the assessment."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna")
    assert (ticket["state"], ticket["charge"]["held"]) == ("awaiting_assessment", 0)
    answer = await shop.post("/v1/tickets/T-1/responses", {"author": "vendor", "kind": "service"})
    assert answer.status_code == 409
    waiting = await act(shop, "T-1", "assessments", category="category_2")
    assert waiting["state"] == "awaiting_confirmation"


async def test_csc_9_category_1_is_answered_without_confirmation(vendor: Any) -> None:
    """Asked beforehand, the first category needs no confirmation."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna")
    body = await act(shop, "T-1", "assessments", category="category_1")
    assert (body["status"], body["state"], body["charge"]["held"]) == ("in_force", "in_progress", 5)
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)


@pytest.mark.parametrize(("category", "credits"), [("category_2", 10), ("category_3", 20)])
async def test_csc_9_categories_2_and_3_are_answered_only_after_confirmation(
    vendor: Any, category: str, credits: int
) -> None:
    """Until confirmed, vendor responses of kind service are refused; inquiries and the customer's pass."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna")
    body = await act(shop, "T-1", "assessments", category=category)
    assert (body["status"], body["state"]) == ("awaiting_confirmation", "awaiting_confirmation")
    why = reason(body, "awaiting_confirmation")
    assert (why["clause"], why["reading"]) == ("CSC-9", True)
    told = [one for one in await events(shop, "ticket.assessed") if one["data"]["ticket_id"] == "T-1"]
    assert told, "a notification of the category and the credits"
    assert (told[-1]["data"]["assessment"]["category"], told[-1]["data"]["assessment"]["credits"]) == (
        category,
        credits,
    )
    no = await refused(shop, "/v1/tickets/T-1/responses", 409, "awaiting_confirmation", author="vendor", kind="service")
    assert reason(no, "awaiting_confirmation")["clause"] == "CSC-9"
    await act(shop, "T-1", "responses", author="vendor", kind="inquiry", public=True)
    await act(shop, "T-1", "responses", author="customer", kind="inquiry", public=True)
    body = await act(shop, "T-1", "assessments/1/confirmation", accept=True)
    assert (body["state"], body["charge"]["held"]) == ("in_progress", credits)
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)


async def test_csc_9_the_waiting_pauses_the_clocks_and_adds_to_the_time(vendor: Any) -> None:
    """Clocks pause while a confirmation is awaited and run on afterwards."""
    shop = await a_shop(vendor, now="2025-03-03T08:00:00Z")
    await an_owner(shop, at="2025-03-03T08:00:00Z")
    await a_ticket(shop, "T-1", "anna")
    waiting = await act(shop, "T-1", "assessments", category="category_2")
    assert clock(waiting, "resolution")["phase"] == "paused"
    await shop.move_clock("2025-03-03T12:00:00Z")
    body = await act(shop, "T-1", "assessments/1/confirmation", accept=True)
    (pause,) = clock(body, "resolution")["pauses"]
    assert (pause["party"], clock(body, "resolution")["phase"]) == ("customer", "running")
    listed = await shop.ok(await shop.get("/v1/clocks", ticket_id="T-1"), 200)
    assert {one["milestone"] for one in listed["data"]} >= {"resolution", "confirmation"}


async def test_csc_8_agreeing_later_lets_a_waiting_ticket_go_on(vendor: Any) -> None:
    """What was asked beforehand can be agreed by details: within it no confirmation is needed."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    waiting = await a_ticket(shop, "T-1", "anna", category="category_3")
    assert waiting["state"] == "awaiting_confirmation"
    agreed = await act(shop, "T-1", "details", agreed_up_to=20)
    assert (agreed["state"], agreed["charge"]["held"]) == ("in_progress", 20)


async def test_csc_9_no_closes_uncharged(vendor: Any) -> None:
    """`accept: false` closes the ticket uncharged."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    waiting = await a_ticket(shop, "T-1", "anna", category="category_3")
    assert waiting["state"] == "awaiting_confirmation"
    closed = await act(shop, "T-1", "assessments/1/confirmation", accept=False)
    assert (closed["state"], closed["charge"]["held"], closed["charge"]["net"]) == ("withdrawn", 0, 0)
    assert (await balance(shop, "anna"))["available"] == 40
    again = await shop.post("/v1/tickets/T-1/assessments/1/confirmation", {"accept": True})
    assert again.status_code == 409


async def test_csc_10_within_what_was_agreed_the_category_changes_at_once(vendor: Any) -> None:
    """Up within agreed_up_to and down at once; the charge follows and the history is kept."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_1", agreed_up_to=20)
    for category, held in (("category_3", 20), ("category_2", 10), ("category_1", 5)):
        body = await act(shop, "T-1", "assessments", category=category)
        assert (body["status"], body["state"], body["charge"]["held"]) == ("in_force", "in_progress", held)
    history = [(one["category"], one["credits"]) for one in body["assessments"]]
    assert history == [("category_1", 5), ("category_3", 20), ("category_2", 10), ("category_1", 5)]
    assert [one["number"] for one in body["assessments"]] == [1, 2, 3, 4]


async def test_csc_10_above_what_was_agreed_it_waits_while_the_old_price_stands(vendor: Any) -> None:
    """Above agreed_up_to the change awaits confirmation, a reading; declined, the old price goes on."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_2", agreed_up_to=10)
    body = await act(shop, "T-1", "assessments", category="category_3")
    assert (body["status"], body["charge"]["held"], body["category"]) == ("awaiting_confirmation", 10, "category_2")
    why = reason(body, "awaiting_confirmation")
    assert (why["clause"], why["reading"]) == ("CSC-10", True)
    declined = await act(shop, "T-1", "assessments/2/confirmation", accept=False)
    assert (declined["state"], declined["charge"]["held"]) == ("in_progress", 10)
    await act(shop, "T-1", "assessments", category="category_3")
    raised = await act(shop, "T-1", "assessments/3/confirmation", accept=True)
    assert (raised["charge"]["held"], raised["category"]) == (20, "category_3")


async def test_csc_10_asked_beforehand_up_to_category_2_or_3_waits_and_down_is_at_once(vendor: Any) -> None:
    """Asked beforehand a change to category 2 or 3 awaits confirmation; downward is at once, even to 2."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_1")
    up = await act(shop, "T-1", "assessments", category="category_3")
    assert (up["status"], up["charge"]["held"]) == ("awaiting_confirmation", 5)
    up = await act(shop, "T-1", "assessments/2/confirmation", accept=True)
    assert up["charge"]["held"] == 20
    down = await act(shop, "T-1", "assessments", category="category_2")
    assert (down["status"], down["state"], down["charge"]["held"]) == ("in_force", "in_progress", 10)
    assert (await balance(shop, "anna"))["available"] == 30
    up = await act(shop, "T-1", "assessments", category="category_3")
    assert up["status"] == "awaiting_confirmation"


async def test_csc_10_a_change_is_charged_once_at_the_end(vendor: Any) -> None:
    """The number of credits charged for the ticket is changed accordingly: one charge, of the last category."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_1", agreed_up_to=20)
    await act(shop, "T-1", "assessments", category="category_3")
    await act(shop, "T-1", "resolution", outcome="answered")
    statement = await shop.ok(await shop.get("/v1/customers/anna/statement"), 200)
    assert [one["credits"] for one in statement["resolved_tickets"]] == [20]
    assert (statement["tickets_in_progress"], statement["available"]) == ([], 20)


# --- CSC-11 to CSC-14 -------------------------------------------------------------------------------------------------


async def test_csc_11_a_whole_ticket_is_charged_once_and_another_question_is_a_ticket_of_its_own(vendor: Any) -> None:
    """Ten answers, one charge; a split names its parent and is assessed on its own."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_1", language="en")
    for _ in range(5):
        await act(shop, "T-1", "responses", author="customer", kind="inquiry", public=True)
        await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)
    assert (await the_ticket(shop, "T-1"))["charge"]["held"] == 5
    child = await shop.ok(await shop.post("/v1/tickets/T-1/splits", {"ticket_id": "T-2", "subject": "Another"}), 201)
    assert (child["ticket_id"], child["parent"]) == ("T-2", "T-1")
    assert (child["category"], child["charge"]["held"]) == (None, 0)
    assert (await the_ticket(shop, "T-1"))["children"] == ["T-2"]
    assert (await the_ticket(shop, "T-2"))["parent"] == "T-1"
    same = await shop.post("/v1/tickets/T-1/splits", {"ticket_id": "T-2", "subject": "Another"})
    again = await shop.ok(same, (200, 201))
    assert (again["ticket_id"], again["parent"]) == ("T-2", "T-1"), "the ticket's id is a natural key"
    await refused(shop, "/v1/tickets/T-1/splits", 409, "ticket_conflict", ticket_id="T-2", subject="Third")
    await act(shop, "T-2", "assessments", category="category_2")
    await act(shop, "T-2", "assessments/1/confirmation", accept=True)
    assert (await the_ticket(shop, "T-1"))["charge"]["held"] == 5
    assert (await balance(shop, "anna"))["held"] == 15


async def test_csc_12_with_both_kinds_available_the_customer_chooses(vendor: Any) -> None:
    """Without a choice the answer lists both and asks; nothing is held or started before it."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await an_order(shop, "o2", "anna", START, "support-1-months")
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1")
    assert ticket["state"] == "awaiting_choice"
    assert {one["pay_with"] for one in ticket["options"]} == {"credits", "cover"}
    assert ticket["reasons"][0]["clause"] == "CSC-12"
    assert ((await balance(shop, "anna"))["held"], (await the_covers(shop))[0]["state"]) == (0, "pending")
    by_credits = await act(shop, "T-1", "details", pay_with="credits")
    assert (by_credits["state"], by_credits["paid_by"]) == ("in_progress", "credits")
    assert (by_credits["charge"]["held"], (await the_covers(shop))[0]["state"]) == (5, "pending")
    by_cover = await a_ticket(shop, "T-2", "anna", category="category_3", pay_with="cover")
    assert (by_cover["state"], by_cover["paid_by"], by_cover["charge"]["held"]) == ("in_progress", "cover", 0)
    assert (await the_covers(shop))[0]["state"] == "running"
    both = await a_ticket(shop, "T-3", "anna", category="category_1")
    assert both["state"] == "awaiting_choice", "a running period and credits: both are available"


async def test_csc_12_what_was_chosen_can_be_changed_while_it_waits(vendor: Any) -> None:
    """Credits were chosen and do not suffice: choosing the period serves the ticket."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await an_order(shop, "o2", "anna", START, "support-1-months")
    await shop.post("/v1/customers/anna/adjustments", {"credits": -38, "reason": "test"})
    short = await a_ticket(shop, "T-1", "anna", category="category_1", pay_with="credits")
    assert (short["state"], (await the_covers(shop))[0]["state"]) == ("awaiting_credits", "pending")
    served = await act(shop, "T-1", "details", pay_with="cover")
    assert (served["state"], served["paid_by"]) == ("in_progress", "cover")


async def test_csc_12_with_one_kind_available_nobody_is_asked(vendor: Any) -> None:
    """Cover alone, or credits alone, is what pays."""
    shop = await a_shop(vendor)
    await an_owner(shop, "anna", "cover")
    await an_owner(shop, "bea", "credits")
    alone = await a_ticket(shop, "T-1", "anna", category="category_2")
    assert (alone["state"], alone["paid_by"]) == ("in_progress", "cover")
    other = await a_ticket(shop, "T-2", "bea", category="category_1")
    assert (other["state"], other["paid_by"]) == ("in_progress", "credits")


@pytest.mark.parametrize("channel", ["email", "contact_form", "forum"])
async def test_csc_13_licence_owners_are_served_only_through_the_help_desk(vendor: Any, channel: str) -> None:
    """E-mail, contact form and forum are refused wrong_channel for license owners."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", channel=channel, category="category_1")
    assert (ticket["state"], codes(ticket)) == ("rejected", ["wrong_channel"])
    why = reason(ticket, "wrong_channel")
    assert (why["clause"], why["reading"]) == ("CSC-13", False)
    assert (await balance(shop, "anna"))["held"] == 0


async def test_csc_14_support_is_given_during_the_day_at_utc_plus_three_all_year(vendor: Any) -> None:
    """Monday to Friday 09-18 at a fixed UTC+3; the boundaries to the second, summer and winter alike."""
    shop = await a_shop(vendor)

    async def open_at(at: str) -> bool:
        answer = await shop.ok(await shop.get("/v1/calendars/service-hours/open", at=at), 200)
        return bool(answer["open"])

    for day in ("2025-01-20", "2025-07-21"):
        assert await open_at(f"{day}T05:59:59Z") is False
        assert await open_at(f"{day}T06:00:00Z") is True
        assert await open_at(f"{day}T14:59:59Z") is True
        assert await open_at(f"{day}T15:00:00Z") is False
    assert await open_at("2025-01-18T09:00:00Z") is False, "a Saturday"
    assert await open_at("2025-01-19T09:00:00Z") is False, "a Sunday"
    span = {"from": "2025-01-17T14:00:00Z", "to": "2025-01-20T07:00:00Z"}
    elapsed = await shop.ok(await shop.get("/v1/calendars/service-hours/elapsed", **span), 200)
    assert elapsed["business_seconds"] == 7200


async def test_csc_14_the_hours_are_marked_as_assumed(vendor: Any) -> None:
    """The text says only "during the day": the clause is a reading, and the policy says so."""
    shop = await a_shop(vendor)
    policy = await shop.ok(await shop.get(f"/v1/policies/{POLICY}"), 200)
    clause = next(one for one in policy["clauses"] if "CSC-14" in one.values())
    assert clause["reading"] is True
    hours = policy["document"]["service_hours"]
    assert (hours["zone"], hours["reading"], hours["clause"]) == ("Etc/GMT-3", True, "CSC-14")


async def test_csc_14_every_weekday_is_a_setting(vendor: Any) -> None:
    """A new version of the calendar sets each weekday by itself."""
    shop = await a_shop(vendor)
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = {day: [[f"{8 + n:02}:00", "20:00"]] for n, day in enumerate(days)}
    body = {"effective_from": "2025-04-07", "weekly_hours": hours}
    await shop.ok(await shop.post("/v1/calendars/service-hours/versions", body), (200, 201))
    for n in range(7):
        for second, expected in (("04:59:59", False), ("05:00:00", True)):
            hour = int(second[:2]) + n
            at = f"2025-04-{7 + n:02}T{hour:02}{second[2:]}Z"
            answer = await shop.ok(await shop.get("/v1/calendars/service-hours/open", at=at), 200)
            assert answer["open"] is expected, at


# --- CSC-15 and CSC-16 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [{"request_kind": "new_function"}, {"request_kind": "changes_to_standard_functionality"}, {"customization": True}],
)
async def test_csc_15_new_functions_and_changes_are_custom_development(vendor: Any, facts: dict[str, Any]) -> None:
    """Rejected out_of_scope_customization with custom development as the remedy; nothing is charged."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", category="category_2", facts=facts)
    assert (ticket["state"], codes(ticket)) == ("rejected", ["out_of_scope_customization"])
    why = reason(ticket, "out_of_scope_customization")
    assert (why["clause"], why["reading"]) == ("CSC-15", False)
    assert "custom_development" in [one["kind"] for one in ticket["remedies"]]
    assert (await balance(shop, "anna"))["held"] == 0


async def test_csc_15_every_failing_check_is_named_at_once(vendor: Any) -> None:
    """Language, channel and scope at once."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", language="fr", channel="forum", facts={"customization": True})
    assert set(codes(ticket)) == {"unsupported_language", "wrong_channel", "out_of_scope_customization"}


async def test_csc_16_errors_caused_by_bugs_of_the_software_cost_nothing(vendor: Any) -> None:
    """Cause software_bug returns the charge in full to the lots it came from."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_3", agreed_up_to=20)
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)
    done = await act(shop, "T-1", "resolution", outcome="corrected", cause="software_bug")
    assert (done["state"], done["charge"]["net"]) == ("resolved", 0)
    assert (await balance(shop, "anna"))["available"] == 40
    told = next(one for one in done["reasons"] if one["clause"] == "CSC-16")
    assert told["code"] == "software_bug"


async def test_csc_16_a_bug_found_long_after_the_resolution_is_free_too(vendor: Any) -> None:
    """The text sets no time: the cause is corrected two months later, and the charge is returned."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_3", agreed_up_to=20)
    await act(shop, "T-1", "resolution", outcome="answered", cause="settings")
    await shop.move_clock("2025-06-01T00:00:00Z")
    done = await act(shop, "T-1", "cause", cause="software_bug", reason="found in a later release")
    assert (done["charge"]["net"], done["reasons"][0]["clause"]) == (0, "CSC-16")
    assert (await balance(shop, "anna"))["available"] == 40
    again = await act(shop, "T-1", "cause", cause="modified_code", reason="the file was changed")
    assert again["charge"]["net"] == 20


async def test_csc_16_errors_of_modified_code_are_charged(vendor: Any) -> None:
    """Cause modified_code keeps the charge."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_3", agreed_up_to=20)
    done = await act(shop, "T-1", "resolution", outcome="answered", cause="modified_code")
    assert done["charge"]["captured"] == 20
    assert (await balance(shop, "anna"))["available"] == 20


async def test_csc_16_technical_impossibility_decides_only_whether_correction_is_owed(vendor: Any) -> None:
    """A bug that cannot be corrected there is not charged either; without a bug the charge stays."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="category_1", facts={"no_technical_capability": True})
    done = await act(
        shop,
        "T-1",
        "resolution",
        outcome="no_technical_capability",
        cause="software_bug",
        result={"no_technical_capability": True},
    )
    assert done["charge"]["net"] == 0
    await a_ticket(shop, "T-2", "anna", category="category_1", facts={"no_technical_capability": True})
    kept = await act(shop, "T-2", "resolution", outcome="no_technical_capability", cause="server")
    assert kept["charge"]["net"] == 5


async def test_csc_16_a_bug_report_is_accepted_at_nothing_without_credits_or_cover(vendor: Any) -> None:
    """A bug report needs neither credits nor cover, not even a made choice; it is a reading."""
    shop = await a_shop(vendor)
    await an_owner(shop, option=None)
    ticket = await a_ticket(shop, "T-1", "anna", category="bug_report")
    assert (ticket["state"], ticket["charge"]["held"], ticket["price"]) == ("in_progress", 0, 0)
    (assessed,) = ticket["assessments"]
    assert (assessed["credits"], assessed["clause"], assessed["reading"]) == (0, "CSC-16", True)
    await act(shop, "T-1", "responses", author="vendor", kind="service", public=True)
    done = await act(shop, "T-1", "resolution", outcome="corrected", cause="software_bug")
    assert (done["state"], done["charge"]["net"]) == ("resolved", 0)


async def test_csc_16_a_bug_report_that_is_none_is_assessed_like_any_other(vendor: Any) -> None:
    """Found to come from modified code: category 3 after confirmation, and charged."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await a_ticket(shop, "T-1", "anna", category="bug_report")
    up = await act(shop, "T-1", "assessments", category="category_3")
    assert (up["status"], up["charge"]["held"]) == ("awaiting_confirmation", 0)
    await act(shop, "T-1", "assessments/2/confirmation", accept=True)
    done = await act(shop, "T-1", "resolution", outcome="answered", cause="modified_code")
    assert done["charge"]["captured"] == 20


# --- CSC-17 to CSC-21 -------------------------------------------------------------------------------------------------


async def test_csc_17_when_the_period_has_expired_the_denial_lists_the_offers(vendor: Any) -> None:
    """The denial of an expired period lists periods and packages with their prices."""
    shop = await a_shop(vendor)
    await an_owner(shop, option="cover")
    await a_ticket(shop, "T-1", "anna")
    await shop.move_clock("2025-02-14T10:00:00Z")
    denied = await entitled(shop, "anna", "open_ticket")
    assert denied["allowed"] is False
    why = reason(denied, "cover_expired")
    assert (why["clause"], why["facts"]["ended_at"]) == ("CSC-17", "2025-02-14T10:00:00Z")
    prices = {one["sku"]: one["price"]["amount"] for one in denied["remedies"] if one["kind"] == "buy"}
    assert (prices["support-1-months"], prices["credits-200"]) == ("65.00", "270.00")
    assert set(prices) == {*PERIODS, *PACKS}
    ticket = await a_ticket(shop, "T-2", "anna", category="category_1")
    assert ticket["state"] == "awaiting_credits"
    assert {one.get("sku") for one in ticket["remedies"]} >= {*PERIODS, *PACKS}


async def test_csc_17_when_the_credits_are_used_up_the_denial_lists_the_offers(vendor: Any) -> None:
    """The denial for want of credits lists the offers; after buying, the ticket goes on."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    for n in (1, 2):
        await a_ticket(shop, f"T-{n}", "anna", category="category_3", agreed_up_to=20)
        await act(shop, f"T-{n}", "resolution", outcome="answered")
    denied = await entitled(shop, "anna", "open_ticket")
    assert denied["allowed"] is False
    assert reason(denied, "credits_used_up")["clause"] == "CSC-17"
    assert {one.get("sku") for one in denied["remedies"]} >= {*PERIODS, *PACKS}
    ticket = await a_ticket(shop, "T-3", "anna", category="category_1")
    assert ticket["state"] == "awaiting_credits"
    assert {one.get("sku") for one in ticket["remedies"]} >= {*PERIODS, *PACKS}
    await an_order(shop, "o2", "anna", START, "support-1-months")
    renewed = await act(shop, "T-3", "details")
    assert (renewed["state"], renewed["paid_by"]) == ("in_progress", "cover")


@pytest.mark.parametrize(
    ("licenses", "prices"),
    [
        (1, ("65.00", "180.00", "350.00", "650.00")),
        (2, ("75.00", "210.00", "405.00", "750.00")),
        (5, ("105.00", "300.00", "570.00", "1050.00")),
    ],
)
async def test_csc_18_the_price_of_a_period_depends_on_the_number_of_licences(
    vendor: Any, licenses: int, prices: tuple[str, ...]
) -> None:
    """65, 180, 350, 650 dollars, and 10, 30, 55, 100 for each further licence."""
    shop = await a_shop(vendor)
    await an_order(shop, "o1", "anna", START, {"sku": "license", "quantity": licenses})
    for sku, price in zip(PERIODS, prices, strict=True):
        assert (await offer(shop, "anna", sku))["price"] == {"amount": price, "currency": "USD"}


async def test_csc_18_a_licence_that_ended_no_longer_counts(vendor: Any) -> None:
    """The number of licences is that of today."""
    shop = await a_shop(vendor)
    order = await an_order(shop, "o1", "anna", START, {"sku": "license", "quantity": 2})
    path = f"/v1/licenses/{order['licenses'][1]['license_id']}/termination"
    await shop.ok(await shop.post(path, {"effective_at": "2025-02-01T00:00:00Z"}), (200, 201))
    assert (await offer(shop, "anna", "support-1-months"))["price"]["amount"] == "75.00"
    await shop.move_clock("2025-02-01T00:00:00Z")
    assert (await offer(shop, "anna", "support-1-months"))["price"]["amount"] == "65.00"


async def test_csc_19_periods_are_summed_and_the_next_starts_with_the_next_request(vendor: Any) -> None:
    """A queue of pending covers: no day lost, none started early, the boundary to the second."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop, "support-1-months")
    second = await an_order(shop, "o-next", "anna", START, "support-3-months")
    assert second["covers"][0]["state"] == "pending"
    await shop.move_clock("2025-02-15T09:59:59Z")
    last = await a_ticket(shop, "T-2", "anna", pay_with="cover")
    assert last["cover_id"] == cover["cover_id"]
    await shop.move_clock("2025-04-01T08:00:00Z")
    states = [(one["state"], one["starts_at"]) for one in await the_covers(shop)]
    assert states == [("ended", START), ("pending", None)], "it does not start by itself"
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is True
    ticket = await a_ticket(shop, "T-3", "anna", pay_with="cover")
    assert ticket["cover_id"] == second["covers"][0]["cover_id"]
    started = (await the_covers(shop))[1]
    assert (started["starts_at"], started["ends_at"]) == ("2025-04-01T08:00:00Z", "2025-07-01T08:00:00Z")


async def test_csc_19_a_refunded_period_leaves_the_queue(vendor: Any) -> None:
    """A pending period whose order is refunded starts no more; the others keep their length."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    await an_order(shop, "o2", "anna", START, "support-1-months")
    await an_order(shop, "o3", "anna", "2025-01-15T10:00:00Z", "support-3-months")
    refund = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "returned"}
    await shop.ok(await shop.post("/v1/orders/o2/refunds", refund), (200, 201))
    await a_ticket(shop, "T-1", "anna", pay_with="cover")
    states = {one["order_id"]: (one["state"], one["ends_at"]) for one in await the_covers(shop)}
    assert states["o2"][0] == "voided"
    assert states["o3"] == ("running", "2025-04-15T10:00:00Z")


async def test_csc_19_at_the_very_end_of_one_period_a_request_starts_the_next(vendor: Any) -> None:
    """Ends are exclusive: at the instant of the end the next period starts with the request."""
    shop = await a_shop(vendor)
    cover = await a_running_period(shop)
    bought = await an_order(shop, "o-next", "anna", START, {"sku": "support-1-months", "quantity": 2})
    assert [one["state"] for one in bought["covers"]] == ["pending", "pending"]
    await shop.move_clock(cover["ends_at"])
    ticket = await a_ticket(shop, "T-2", "anna", pay_with="cover")
    assert ticket["cover_id"] in {one["cover_id"] for one in bought["covers"]}
    assert [one["state"] for one in await the_covers(shop)].count("pending") == 1


@pytest.mark.parametrize(
    ("sku", "credits", "price"),
    [
        ("credits-25", 25, "35.00"),
        ("credits-50", 50, "70.00"),
        ("credits-100", 100, "135.00"),
        ("credits-200", 200, "270.00"),
    ],
)
async def test_csc_20_packages_of_credits_for_licence_holders(vendor: Any, sku: str, credits: int, price: str) -> None:
    """25, 50, 100 and 200 credits at 35, 70, 135 and 270 dollars; without a licence not granted, no_license."""
    shop = await a_shop(vendor)
    await an_order(shop, "o1", "anna", START, "license")
    found = await offer(shop, "anna", sku)
    assert found["price"] == {"amount": price, "currency": "USD"}
    order = await an_order(shop, "o2", "anna", START, sku)
    assert [(one["granted"], one["expires_at"], one["clause"]) for one in order["lots"]] == [(credits, None, "CSC-20")]
    stranger = await an_order(shop, "o3", "nobody", START, sku)
    assert stranger["lots"] == []
    (why,) = stranger["not_granted"]
    assert (why["line_id"], why["code"], why["clause"]) == ("1", "no_license", "CSC-20")
    assert (await balance(shop, "nobody"))["available"] == 0


async def test_csc_20_a_licence_in_the_same_order_or_arriving_late_is_enough(vendor: Any) -> None:
    """Bought together the package is granted, whichever line stands first; so when the licence arrives late."""
    shop = await a_shop(vendor)
    together = await an_order(shop, "o1", "anna", START, "credits-25", "license")
    assert ([one["granted"] for one in together["lots"]], together["not_granted"]) == ([25], [])
    waits = await an_order(shop, "o2", "bea", "2025-01-12T00:00:00Z", "credits-25")
    assert waits["not_granted"][0]["code"] == "no_license"
    await an_order(shop, "o3", "bea", "2025-01-11T00:00:00Z", "license")
    assert (await balance(shop, "bea"))["available"] == 25
    stood = await shop.ok(await shop.get("/v1/orders/o2"), 200)
    assert ([one["granted"] for one in stood["lots"]], stood["not_granted"]) == ([25], [])


async def test_csc_21_paid_support_applies_to_all_licences(vendor: Any) -> None:
    """A period and a package serve any licence of the account, also one bought later."""
    shop = await a_shop(vendor)
    order = await an_order(shop, "o1", "anna", START, {"sku": "license", "quantity": 2}, "support-1-months")
    await choose(shop, "anna", "credits")
    assert order["covers"][0]["scope"] == "account"
    later = await an_order(shop, "o2", "anna", START, "license")
    held = [one["license_id"] for one in (*order["licenses"], *later["licenses"])]
    for n, one in enumerate(held):
        by_cover = await a_ticket(shop, f"T-{n}", "anna", license_id=one, pay_with="cover")
        assert (by_cover["state"], by_cover["paid_by"]) == ("in_progress", "cover")
        assert by_cover["cover_id"] == order["covers"][0]["cover_id"]
        by_credits = await a_ticket(shop, f"C-{n}", "anna", license_id=one, pay_with="credits", category="category_1")
        assert (by_credits["state"], by_credits["charge"]["held"]) == ("in_progress", 5)
    wrong = await a_ticket(shop, "T-9", "anna", license_id="lic_of_nobody", pay_with="cover")
    assert wrong["state"] == "rejected", "not the customer's: a recorded rejection, never 404"


# --- CSC-22 to CSC-24 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["helpdesk", "email", "contact_form", "forum", "phone"])
async def test_csc_22_an_account_without_a_licence_is_sent_to_the_contact_form(vendor: Any, channel: str) -> None:
    """Rejected no_license with the contact form as the remedy, never wrong_channel."""
    shop = await a_shop(vendor)
    ticket = await a_ticket(shop, "T-1", "nobody", channel=channel, category="category_1")
    assert (ticket["state"], codes(ticket)) == ("rejected", ["no_license"])
    why = reason(ticket, "no_license")
    assert (why["clause"], why["reading"]) == ("CSC-22", False)
    assert "contact_form" in [one["kind"] for one in ticket["remedies"]]


async def test_csc_22_a_licence_that_ended_or_was_refunded_opens_the_help_desk_no_more(vendor: Any) -> None:
    """A bug report too needs a licence; one that was terminated or refunded is none."""
    shop = await a_shop(vendor)
    order = await an_owner(shop)
    assert (await entitled(shop, "anna", "open_ticket"))["allowed"] is True
    path = f"/v1/licenses/{order['licenses'][0]['license_id']}/termination"
    await shop.ok(await shop.post(path, {"effective_at": "2025-01-15T10:00:00Z"}), (200, 201))
    ended = await a_ticket(shop, "T-1", "anna", category="bug_report")
    assert (ended["state"], codes(ended)) == ("rejected", ["no_license"])
    await an_owner(shop, "bea")
    refund = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "returned"}
    await shop.ok(await shop.post("/v1/orders/first-of-bea/refunds", refund), (200, 201))
    gone = await a_ticket(shop, "T-2", "bea", category="category_1")
    assert codes(gone) == ["no_license"]
    denied = await entitled(shop, "stranger", "open_ticket")
    assert denied["allowed"] is False
    assert reason(denied, "no_license")["clause"] == "CSC-22"


@pytest.mark.parametrize("kind", ["consultation", "configuration", "problem", "bug", "minor_modification"])
async def test_csc_23_what_is_included_is_accepted(vendor: Any, kind: str) -> None:
    """Consultations, configuration, issues that are not the customer's changes, minor modifications."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    ticket = await a_ticket(shop, "T-1", "anna", category="category_1", facts={"request_kind": kind})
    assert ticket["state"] == "in_progress"


async def test_csc_23_a_minor_modification_is_not_rejected_as_customization(vendor: Any) -> None:
    """CSC-15 does not reject minor_modification; its price is named by an assessment and confirmed."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    for n, facts in enumerate(({}, {"customization": True}, {"request_kind": "minor_modification"})):
        ticket = await a_ticket(shop, f"T-{n}", "anna", category="minor_modification", facts=facts)
        assert ticket["state"] == "awaiting_assessment", facts
        assert "out_of_scope_customization" not in codes(ticket)
    asked = await act(shop, "T-0", "assessments", category="minor_modification", credits=15)
    assert (asked["status"], asked["charge"]["held"]) == ("awaiting_confirmation", 0)
    going = await act(shop, "T-0", "assessments/1/confirmation", accept=True)
    assert (going["state"], going["charge"]["held"]) == ("in_progress", 15)


async def test_csc_23_a_minor_modification_is_served_under_cover(vendor: Any) -> None:
    """A period pays for whatever is included."""
    shop = await a_shop(vendor)
    await an_owner(shop, option="cover")
    ticket = await a_ticket(shop, "T-1", "anna", category="minor_modification")
    assert (ticket["state"], ticket["paid_by"]) == ("in_progress", "cover")


async def test_csc_24_only_registered_licence_owners_post_in_the_forums(vendor: Any) -> None:
    """Owners post anywhere; others only in "Why CS-Cart?"."""
    shop = await a_shop(vendor)
    await an_owner(shop)
    for forum in ("General questions", "Why CS-Cart?", None):
        assert (await entitled(shop, "anna", "forum_post", forum=forum))["allowed"] is True
    assert (await entitled(shop, "nobody", "forum_post", forum="Why CS-Cart?"))["allowed"] is True
    for forum in ("General questions", "Why CS-Cart", None):
        denied = await entitled(shop, "nobody", "forum_post", forum=forum)
        assert denied["allowed"] is False
        assert reason(denied, "no_license")["clause"] == "CSC-24"
