"""Named contacts of a company: only they open its tickets, so many as there are seats, and they may change so often."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.people.test_companies import refused
from tests.prices.test_checks import found_in, line_of
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

DOCUMENT = """
policy: by-name
title: Help for those who are named
vendor: Nobody
source: made up for the tests
clauses:
  - {id: P-1, text: "Two people of a company may ask."}
  - {id: P-2, text: "One of them may change in a year."}
contacts:
  clause: P-1
  seats: 2
  changes: {most: 1, within: {days: 365}, clause: P-2}
offers: [{sku: hello, title: Hello, kind: addon, clause: P-1}]
actions:
  - action: open_ticket
    title: Open a ticket
    rules:
      - {allow: true, code: named, clause: P-1, message: They are named., when: {fact: person.named, value: true}}
      - allow: false
        code: not_named
        clause: P-1
        message: "Only the {customer.contacts} named contacts may ask."
        remedies: [{kind: name_contact}]
qualification:
  by: rules
  clause: P-1
  checks:
    - check: named
      code: not_named
      clause: P-1
      message: Only named contacts may ask.
      require: {fact: person.named, value: true}
      remedies: [{kind: name_contact}]
categories: [{category: question, title: A question, price: {kind: fixed, credits: 0}, clause: P-1}]
payment: {means: [cover]}
outcomes: [{outcome: answered, title: Answered, clause: P-1}]
causes: [{cause: other, title: Something else}]
service_hours: {zone: UTC, clause: P-1, weekly_hours: {mon: [["09:00", "17:00"]]}}
"""
BEGIN = "2026-01-05T09:00:00Z"


async def company(app: FastAPI, api: httpx.AsyncClient, document: str = DOCUMENT) -> Vendor:
    """A company with four people."""
    shop = await vendor_under(app, api, document, now=BEGIN)
    await shop.ok(await shop.put("/v1/customers/acme", {"name": "Acme"}))
    for person in ("ann", "ben", "cem", "dea"):
        await shop.ok(await shop.put(f"/v1/customers/{person}", {"company_id": "acme"}))
    return shop


async def names(shop: Vendor, *people: str) -> httpx.Response:
    """Names these people and nobody else."""
    answer: httpx.Response = await shop.put("/v1/customers/acme/contacts", {"contacts": list(people)})
    return answer


async def asks(shop: Vendor, person: str, ticket: str) -> str:
    """What becomes of a ticket: its state, or the code of its refusal."""
    body = {"customer_id": person, "subject": "Help", "category": "question"}
    found = await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body))
    return str(found["reasons"][0]["code"] if found["state"] == "rejected" else found["state"])


async def test_only_named_contacts_open_tickets(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api)
    assert await asks(shop, "ann", "T-1") == "not_named"
    assert (await shop.ok(await names(shop, "ann")))["contacts"] == ["ann"]
    assert await asks(shop, "ann", "T-2") == "in_progress"
    body = {"customer_id": "ben", "subject": "Help", "category": "question"}
    other = await shop.ok(await shop.put("/v1/tickets/T-3", body))
    assert other["remedies"] == [
        {"kind": "name_contact", "text": "Name the person as a contact of the company: 1 of 2 seats are taken."}
    ]
    asked = await shop.ok(await shop.get("/v1/customers/ben/entitlements/open_ticket"))
    assert (asked["allowed"], asked["reasons"][0]["message"]) == (False, "Only the 1 named contacts may ask.")
    assert asked["remedies"][0]["kind"] == "name_contact"
    assert (await shop.ok(await shop.get("/v1/customers/ann/entitlements/open_ticket")))["allowed"] is True
    assert (await shop.ok(await shop.get("/v1/customers/acme")))["contacts"] == ["ann"]
    alone = await asks(shop, "somebody", "T-4")  # a customer without a company asks for itself
    assert alone == "in_progress"


async def test_seats_and_changes_are_bounded(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api)
    facts = refused(await names(shop, "ann", "ben", "cem"), 409, "contact_seats_taken")
    assert (facts["seats"], facts["named"]) == (2, 3)
    await shop.ok(await names(shop, "ann", "ben"))
    await shop.ok(await names(shop, "ann", "ben"))  # again: nothing changes
    await shop.ok(await names(shop, "ann", "cem"))
    assert await asks(shop, "ben", "T-1") == "not_named"
    facts = refused(await names(shop, "dea", "cem"), 409, "contact_changes_used_up")
    assert (facts["used"], facts["most"], facts["next_at"]) == (1, 1, "2027-01-05T09:00:00Z")
    checked = await shop.put("/v1/customers/acme/contacts?validate_only=true", {"contacts": ["dea", "cem"]})
    assert checked.status_code == 409
    await shop.move_clock("2027-01-05T09:00:00Z")
    assert (await shop.ok(await names(shop, "dea", "cem")))["contacts"] == ["dea", "cem"]
    then = {"as_of": "2026-06-01T00:00:00Z"}
    assert (await shop.ok(await shop.get("/v1/customers/ann/entitlements/open_ticket", **then)))["allowed"] is True
    assert (await shop.ok(await shop.get("/v1/customers/dea/entitlements/open_ticket", **then)))["allowed"] is False


async def test_who_leaves_or_becomes_another_is_followed(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api)
    refused(await names(shop, "stranger"), 422, "contact_not_of_company")
    await shop.ok(await names(shop, "ann", "ben"))
    await shop.ok(await shop.put("/v1/customers/ben", {"company_id": None}))
    assert (await shop.ok(await shop.get("/v1/customers/acme")))["contacts"] == ["ann"]
    await shop.ok(await names(shop, "ann", "cem"))  # whoever left is no change
    await shop.ok(await shop.post("/v1/customers/cem/merge", {"into_customer_id": "dea"}))
    assert (await shop.ok(await shop.get("/v1/customers/acme")))["contacts"] == ["ann", "dea"]
    assert await asks(shop, "dea", "T-1") == "in_progress"
    await shop.ok(await shop.post("/v1/customers/ann/erasure"))
    assert (await shop.ok(await shop.get("/v1/customers/acme")))["contacts"] == ["dea"]
    await shop.ok(await shop.put("/v1/customers/globex", {"name": "Globex"}))
    await shop.ok(await shop.post("/v1/customers/acme/merge", {"into_customer_id": "globex"}))
    assert (await shop.ok(await shop.get("/v1/customers/globex")))["contacts"] == ["dea"]
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_a_policy_without_contacts_has_none(app: FastAPI, api: httpx.AsyncClient) -> None:
    without = DOCUMENT.replace("contacts:\n  clause: P-1\n  seats: 2\n", "").replace(
        "  changes: {most: 1, within: {days: 365}, clause: P-2}\n", ""
    )
    assert "unknown_fact" in {code for code, _, _ in found_in(without)}
    open_ = without.replace("fact: person.named", "fact: license.given").replace("{customer.contacts} ", "")
    shop = await company(app, api, open_)
    refused(await names(shop, "ann"), 409, "contacts_not_offered")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("seats: 0", "out_of_bounds"),
        ("seats: 2\n  changes: {most: 1, clause: P-2}", "bad_count_window"),
        ("seats: 2\n  changes: {most: 1, each: year, within: {days: 9}, clause: P-2}", "bad_count_window"),
        ("seats: 2\n  changes: {most: -1, each: year, clause: P-2}", "out_of_bounds"),
    ],
)
def test_contacts_that_make_no_sense_are_found(written: str, code: str) -> None:
    kept = "" if "changes" in written else "\n  changes: {most: 1, within: {days: 365}, clause: P-2}"
    text = DOCUMENT.replace("seats: 2\n  changes: {most: 1, within: {days: 365}, clause: P-2}", written + kept)
    assert (code, line_of(text, written.splitlines()[-1].strip()), "error") in found_in(text)


def test_contacts_that_no_rule_looks_at_are_found() -> None:
    unread = DOCUMENT.replace("fact: person.named", "fact: license.given")
    assert ("contacts_unused", line_of(unread, "contacts:"), "warning") in found_in(unread)
