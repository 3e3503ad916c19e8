"""A vendor of the tests who counts: incidents a year, calls a month, minutes of work, tickets open at once."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.support.api import Vendor
from tests.support.vendors import opened, ordered, vendor_under

BEGIN = "2026-01-01T09:00:00Z"

DOCUMENT = """
policy: by-the-count
title: Help by the count
vendor: Nobody
source: made up for the tests
currency: EUR
term_zone: Europe/Berlin
clauses:
  - {id: N-1, text: "A year of support for each license."}
  - {id: N-2, text: "Three incidents in any 365 days; a bug of ours does not count."}
  - {id: N-3, text: "Two calls in a month."}
  - {id: N-4, text: "Two hours of work in a month."}
  - {id: N-5, text: "Two open at once by one person."}
  - {id: N-6, text: "One visit in a quarter for each license."}
  - {id: N-7, text: "Two reviews in a period of support."}
offers:
  - sku: license
    title: A license
    kind: license
    clause: N-1
    grants: [{kind: cover, rule: year, clause: N-1, term: {years: 1}, start: order, scope: license}]
  - sku: year
    title: Another year
    kind: cover
    clause: N-1
    grants: [{kind: cover, rule: more, clause: N-1, term: {years: 1}, start: after_current}]
counts:
  - count: incidents
    title: incidents
    clause: N-2
    within: {days: 365}
    when: {fact: ticket.category, value: incident}
    unless: {fact: ticket.cause, value: software_bug}
  - {count: calls, title: calls, clause: N-3, each: month, when: {fact: ticket.channel, value: phone}}
  - {count: work, title: work, clause: N-4, of: minutes, each: month}
  - {count: open, title: tickets, clause: N-5, per: person, at_once: true}
  - count: visits
    title: visits
    clause: N-6
    per: license
    each: quarter
    when: {fact: ticket.category, value: visit}
  - {count: reviews, title: reviews, clause: N-7, each: cover, when: {fact: ticket.category, value: review}}
actions:
  - action: open_ticket
    title: Open a ticket
    rules:
      - allow: false
        code: incidents_used_up
        clause: N-2
        message: "{count.incidents} incidents were used in 365 days."
        when: {fact: count.incidents, op: ge, value: 3}
      - {allow: true, code: may_ask, clause: N-1, message: Anybody may ask.}
qualification:
  by: rules
  clause: N-1
  checks:
    - check: incidents
      code: incidents_used_up
      clause: N-2
      message: "{count.incidents} of 3 incidents were used."
      applies: {fact: ticket.category, value: incident}
      require: {fact: count.incidents, op: lt, value: 3}
    - check: calls
      code: calls_used_up
      clause: N-3
      message: No call is left this month.
      applies: {fact: ticket.channel, value: phone}
      require: {fact: count.calls, op: le, value: 1}
    - check: hours
      code: hours_used_up
      clause: N-4
      message: The hours of the month are used.
      applies: {fact: ticket.category, value: work}
      require: {fact: count.work, op: lt, value: 120}
    - check: at_once
      code: too_many_open
      clause: N-5
      message: Two are open already.
      applies: {fact: ticket.category, value: question}
      require: {fact: count.open, op: lt, value: 2}
    - check: visits
      code: visits_used_up
      clause: N-6
      message: There was a visit this quarter.
      applies: {fact: ticket.category, value: visit}
      require: {fact: count.visits, op: lt, value: 1}
    - check: reviews
      code: reviews_used_up
      clause: N-7
      message: The reviews of this period are used.
      applies: {fact: ticket.category, value: review}
      require: {fact: count.reviews, op: lt, value: 2}
payment: {means: [cover]}
categories:
  - {category: incident, title: An incident, price: {kind: fixed, credits: 0}, clause: N-2}
  - {category: question, title: A question, price: {kind: fixed, credits: 0}, clause: N-5}
  - {category: visit, title: A visit, price: {kind: fixed, credits: 0}, clause: N-6}
  - {category: review, title: A review, price: {kind: fixed, credits: 0}, clause: N-7}
  - {category: work, title: Work, price: {kind: fixed, credits: 0}, clause: N-4}
work: {clause: N-4}
split_clause: N-1
reopening: {clause: N-2, window: {days: 14}}
outcomes: [{outcome: answered, title: Answered, clause: N-1}]
causes: [{cause: software_bug, title: A bug of ours, clause: N-2}, {cause: other, title: Something else}]
service_hours: {zone: Europe/Berlin, clause: N-1, weekly_hours: {mon: [["09:00", "17:00"]]}}
"""


async def counting(app: FastAPI, api: httpx.AsyncClient, document: str = DOCUMENT, now: str = BEGIN) -> Vendor:
    """A tenant of its own that counts."""
    return await vendor_under(app, api, document, now=now)


async def licensed(shop: Vendor, customer: str = "ann", order: str = "o1", units: int = 1) -> list[str]:
    """Buys licenses; their ids."""
    found = await ordered(shop, order, [{"sku": "license", "quantity": units}], customer=customer)
    return [license_["license_id"] for license_ in found["licenses"]]


async def ask(shop: Vendor, ticket: str, category: str = "incident", customer: str = "ann", **more: Any) -> Any:
    """A ticket by the helpdesk, at an instant if one is given."""
    if (at := more.pop("at", None)) is not None:
        await shop.move_clock(at)
    return await opened(shop, ticket, category, customer, **more)


async def done(shop: Vendor, ticket: str, cause: str = "other") -> Any:
    """Resolves a ticket."""
    return await shop.ok(await shop.post(f"/v1/tickets/{ticket}/resolution", {"outcome": "answered", "cause": cause}))


def counts_of(ticket: dict[str, Any]) -> dict[str, Any]:
    """What the first reason says of its count."""
    found: dict[str, Any] = ticket["reasons"][0]["facts"]["counts"][0]
    return found
