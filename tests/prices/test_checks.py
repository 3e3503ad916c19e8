"""What the checks find in prices with conditions: each with its line, and nothing that passes says otherwise later."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.prices.shop import DOCUMENT, supplied, vendor_under
from tests.support.vendors import opened

TAIL = "work:\n  clause: D-4\n"


def found_in(text: str) -> list[tuple[str, int, str]]:
    """Codes, lines and severities of what is found."""
    document = load_document(text)
    return [(one.code, one.line, one.severity) for one in check_policy(document.policy, document.marks)]


def line_of(text: str, part: str) -> int:
    """The line on which a part of the document stands."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_document_of_these_tests_has_no_finding() -> None:
    assert found_in(DOCUMENT) == []


@pytest.mark.parametrize(
    ("added", "code", "at"),
    [
        ("{surcharge: off, title: x, clause: D-3, add: -7}", "negative_price", "category: question"),
        ("{surcharge: none, title: x, clause: D-3}", "bad_surcharge", "surcharge: none"),
        ('{surcharge: both, title: x, clause: D-3, add: 1, times: "2"}', "bad_surcharge", "surcharge: both"),
        ('{surcharge: minus, title: x, clause: D-3, times: "-1"}', "bad_factor", "surcharge: minus"),
        ('{surcharge: fine, title: x, clause: D-3, times: "1.00001"}', "bad_factor", "surcharge: fine"),
        ("{surcharge: call, title: x, clause: D-3, add: 1}", "duplicate_id", "- {surcharge: call"),
        ("{surcharge: odd, title: x, clause: D-9, add: 1}", "unknown_clause", "surcharge: odd"),
        (
            "{surcharge: odd, title: x, clause: D-3, add: 1, when: {fact: ticket.priority, value: urgent}}",
            "bad_comparison",
            "surcharge: odd",
        ),
        (
            "{surcharge: odd, title: x, clause: D-3, add: 1, when: {fact: work.place, value: a}}",
            "unknown_fact",
            "surcharge: odd",
        ),
        (
            "{surcharge: odd, title: x, clause: D-3, add: 1, when: {no: {fact: ticket.opened_in_hours, op: known}}}",
            "never_holds",
            "surcharge: odd",
        ),
        (
            '{surcharge: late, title: x, clause: D-4, times: "3", group: when, when: {fact: work.weekday, value: sun}}',
            "unreachable_rule",
            "surcharge: late",
        ),
        (
            "{surcharge: odd, title: x, clause: D-4, add: 3, group: when, when: {fact: ticket.channel, value: forum}}",
            "mixed_group",
            "surcharge: odd",
        ),
        (
            "{surcharge: odd, title: x, clause: D-4, add: 3, first: 2, when: {fact: work.kind, value: senior}}",
            "bad_surcharge",
            "surcharge: odd",
        ),
    ],
)
def test_a_surcharge_that_makes_no_sense_is_found_with_its_line(added: str, code: str, at: str) -> None:
    text = DOCUMENT.replace(TAIL, f"  - {added}\n{TAIL}")
    assert code in {one[0] for one in found_in(text)}, found_in(text)
    lines = {line for one, line, severity in found_in(text) if one == code and severity == "error"}
    assert line_of(text, at) in lines, (lines, found_in(text))


@pytest.mark.parametrize(
    ("was", "changed", "code"),
    [
        ("per_minutes: 15, credits: 1, least: 2}", "per_minutes: 0, credits: 1, least: 2}", "out_of_bounds"),
        ("per_minutes: 15, credits: 1, least: 2}", "per_minutes: 15, credits: -1, least: 2}", "negative_price"),
        ("credits: 1, up_to: 6}", "credits: 7, up_to: 6}", "limit_too_low"),
        ("many: credits}\nclauses", "many: credits, minutes: 0}\nclauses", "out_of_bounds"),
        ("  kinds:\n", "  kinds:\n    - {kind: remote, title: again}\n", "duplicate_id"),
    ],
)
def test_a_time_price_has_bounds(was: str, changed: str, code: str) -> None:
    assert was in DOCUMENT
    assert code in {one[0] for one in found_in(DOCUMENT.replace(was, changed))}


def test_surcharges_of_work_need_a_price_by_time() -> None:
    text = DOCUMENT
    for name in ("hours", "capped", "asked", "summed"):
        start = text.index(f"category: {name}")
        end = text.index("}", text.index("kind: time", start)) + 1
        text = text[: text.index("{kind: time", start)] + "{kind: fixed, credits: 3}" + text[end:]
    assert {("unreachable_rule", "error")} <= {(code, severity) for code, _, severity in found_in(text)}


# --- what passes does what the page says ------------------------------------------------------------------------------


def test_needs_means_beside_a_price_is_an_error() -> None:
    text = DOCUMENT.replace("credits: 4}, clause: D-5}", "credits: 4}, clause: D-5, needs_means: false}")
    assert [(code, severity) for code, _, severity in found_in(text)] == [("needs_means_without_effect", "error")]


def test_needs_means_at_0_beside_a_surcharge_that_costs_something_is_told() -> None:
    text = DOCUMENT.replace("credits: 0}, clause: D-7}", "credits: 0}, clause: D-7, needs_means: false}")
    assert found_in(text) == [("needs_means_with_surcharge", line_of(text, "category: bug"), "warning")]
    others = text
    for fact in ("{fact: ticket.channel, value: phone}", "{fact: ticket.priority, value: high}"):
        others = others.replace(fact, "{all: [{fact: ticket.category, value: question}, " + fact + "]}")
    assert found_in(others) == []


async def test_needs_means_at_0_is_served_without_credits(app: FastAPI, api: httpx.AsyncClient) -> None:
    text = DOCUMENT.replace("credits: 0}, clause: D-7}", "credits: 0}, clause: D-7, needs_means: false}")
    shop = await vendor_under(app, api, text)
    free = await opened(shop, "T-1", "bug")
    assert (free["state"], free["paid_by"]) == ("in_progress", "nobody")


SHARED = "".join(
    f"  - {{id: ALL-{number}, text: What holds for every policy, reading: true{mechanism}}}\n"
    for number in range(1, 6)
    for mechanism in (", mechanism: true" if number % 2 else "",)
)


def test_the_shared_clauses_may_be_copied_with_or_without_their_mark() -> None:
    assert found_in(DOCUMENT.replace("priorities:\n", f"{SHARED}priorities:\n")) == []


LICENSE = """
  - sku: license
    title: A license
    kind: license
    clause: D-1
    grants: [{kind: cover, rule: year, clause: D-1, start: order, free: true%s}]
actions:"""


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ("", "cover_never_ends"),
        (", endless: true", None),
        (", endless: true, term: {years: 1}", "endless_with_an_end"),
        (", endless: true, scope: license", "endless_with_an_end"),
        (", scope: license", None),
        (", term: {years: 1}", None),
    ],
)
def test_cover_without_an_end_is_meant_so(ends: str, code: str | None) -> None:
    text = DOCUMENT.replace("means: [credits]", "means: [credits, cover]").replace("\nactions:", LICENSE % ends)
    assert [one[0] for one in found_in(text)] == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (", endless: true", "in_progress"),
        (", term: {years: 1}", "in_progress"),
        (", scope: license, term: {years: 1}", "awaiting_credits"),
        (", scope: license", "awaiting_credits"),
    ],
)
async def test_cover_ends_with_its_license_as_the_page_says(
    app: FastAPI, api: httpx.AsyncClient, ends: str, state: str
) -> None:
    text = DOCUMENT.replace("means: [credits]", "means: [credits, cover]").replace("\nactions:", LICENSE % ends)
    shop = await vendor_under(app, api, text)
    line = {"line_id": "1", "sku": "license", "quantity": 1}
    body = {"customer_id": "ann", "placed_at": "2025-03-03T08:00:00Z", "currency": "EUR", "lines": [line]}
    order = await shop.ok(await shop.put("/v1/orders/o1", body))
    assert (await opened(shop, "T-1", "question"))["paid_by"] == "cover"
    license_id = order["licenses"][0]["license_id"]
    await shop.ok(await shop.post(f"/v1/licenses/{license_id}/termination", {}))
    await shop.move_clock("2025-03-03T09:00:00Z")
    assert (await opened(shop, "T-2", "question"))["state"] == state


NO_CREDITS = """
policy: by-the-invoice
title: Support by cover or invoice
vendor: Nobody
source: made up for the tests
currency: EUR
clauses:
  - {id: N-1, text: A year of support serves every ticket.}
  - {id: N-2, text: Without it a ticket costs 120 euros.}
offers:
  - sku: support-12-months
    title: A year
    kind: cover
    clause: N-1
    price: {amount: "900.00", clause: N-1}
    grants: [{kind: cover, rule: year, clause: N-1, term: {years: 1}, start: order}]
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: N-1, message: Anybody may ask.}]
qualification: {by: rules, clause: N-1}
categories:
  - {category: issue, title: An issue, price: {kind: money, amount: "120.00"}, clause: N-2}
  - {category: project, title: A project, price: {kind: on_request}, clause: N-2}
payment: {means: [cover], exhausted_clause: N-1, exhausted_skus: [support-12-months]}
outcomes: [{outcome: answered, title: Answered, clause: N-1}]
causes: [{cause: other, title: Something else}]
service_hours: {zone: UTC, clause: N-1, weekly_hours: {mon: [["09:00", "17:00"]]}}
"""


async def test_a_vendor_without_credits_has_a_price_list(app: FastAPI, api: httpx.AsyncClient) -> None:
    assert found_in(NO_CREDITS) == []
    shop = await vendor_under(app, api, NO_CREDITS)
    price = await shop.ok(await shop.post("/v1/policies/by-the-invoice/price", {"category": "issue"}))
    assert (price["price"], price["credits"]) == ({"kind": "money", "amount": "120.00"}, None)
    waits = await opened(shop, "T-1", "issue")
    assert (waits["state"], waits["reasons"][0]["code"]) == ("awaiting_credits", "cover_missing")
    assert waits["remedies"][0]["sku"] == "support-12-months"
    paid = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"credits": 0, "reason": "paid by invoice 17"}))
    assert (paid["state"], paid["paid_by"]) == ("in_progress", "nobody")
    line = {"line_id": "1", "sku": "support-12-months", "quantity": 1}
    body = {"customer_id": "bob", "placed_at": "2025-03-03T08:00:00Z", "currency": "EUR", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/o1", body))
    assert (await opened(shop, "T-2", "project", customer="bob"))["paid_by"] == "cover"
    text = NO_CREDITS.replace('{kind: money, amount: "120.00"}', "{kind: fixed, credits: 5}")
    assert [one[0] for one in found_in(text)] == ["credits_not_declared"]
    text = NO_CREDITS.replace('amount: "120.00"', 'amount: "-1.00"')
    assert [one[0] for one in found_in(text)] == ["negative_price"]


# --- credits as time --------------------------------------------------------------------------------------------------


async def test_credits_that_are_time_are_shown_as_people_write_it(app: FastAPI, api: httpx.AsyncClient) -> None:
    text = DOCUMENT.replace("many: credits}\nclauses", "many: credits, minutes: 15}\nclauses")
    assert found_in(text) == []
    shop = await vendor_under(app, api, text)
    await supplied(shop, credits_=10)
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    assert (balance["available"], balance["shown"]) == (10, {"available": "2 h 30 min", "held": "0 min"})
    ticket = await opened(shop, "T-1", "hours", agreed_up_to=5)
    assert ticket["work"]["agreed_shown"] == "1 h 15 min"
    logged = await shop.ok(await shop.post("/v1/tickets/T-1/work", {"minutes": 40}))
    assert (logged["price"], logged["price_shown"], logged["charge"]["shown"]["held"]) == (3, "45 min", "1 h 15 min")
    refused = (await shop.post("/v1/tickets/T-1/work", {"minutes": 60})).json()
    assert refused["reasons"][0]["message"] == "The work would come to 1 h 45 min; 1 h 15 min are agreed."
    poor = await opened(shop, "T-2", "move")
    low = await shop.post("/v1/tickets/T-2/assessments", {"credits": 25})
    assert poor["state"] == "awaiting_assessment"
    shown = low.json() if low.status_code >= 400 else low.json()["reasons"][0]
    assert "6 h 15 min are needed, 1 h 15 min are available" in str(shown)
    price = {"category": "question", "channel": "phone"}
    assert (await shop.ok(await shop.post("/v1/policies/desk-by-the-hour/price", price)))["shown"] == "2 h"
