"""A vendor of the tests whose prices depend on everything: channel, priority, hours, kind of work, first tickets.

He opens at 9 and closes at 17 in Berlin, which is 8 to 16 UTC on `MONDAY`.
"""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.support.api import Vendor
from tests.support.vendors import MONDAY, ordered, sound
from tests.support.vendors import vendor_under as under

DOCUMENT = """
policy: desk-by-the-hour
title: Help by the hour
vendor: Nobody
source: made up for the tests
currency: EUR
unit: {one: credit, many: credits}
clauses:
  - {id: D-1, text: "Help is sold in credits."}
  - {id: D-2, text: "A question costs 6 credits, a move 20 to 40."}
  - {id: D-3, text: "A call costs 2 more, high priority 3 more, also where a bug was the cause."}
  - {id: D-4, text: "Each begun quarter hour costs 1 credit, 2 at least; after hours one and a half."}
  - {id: D-5, text: "The first two tickets of category hello are free."}
  - {id: D-6, text: "The customer agrees to more work first."}
  - {id: D-7, text: "A bug of ours costs nothing else."}
  - {id: D-8, text: "Monday to Friday from 9 to 17."}
priorities:
  - {priority: high, title: High, clause: D-3}
  - {priority: low, title: Low, clause: D-3}
facts:
  - {fact: on_site, title: work on site, clause: D-4}
offers:
  - sku: "credits-{n}"
    title: "{n} credits"
    kind: credits
    clause: D-1
    price: {per_credit: "10.00", clause: D-1}
    grants: [{kind: credits, rule: pack, clause: D-1}]
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: D-1, message: Anybody may ask.}]
qualification: {by: rules, clause: D-1}
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: D-2}
  - {category: move, title: A move, price: {kind: range, least: 20, most: 40}, clause: D-2}
  - {category: bug, title: A bug report, price: {kind: fixed, credits: 0}, clause: D-7}
  - {category: hello, title: A first question, price: {kind: fixed, credits: 4}, clause: D-5}
  - {category: hours, title: Work by the hour, price: {kind: time, per_minutes: 15, credits: 1, least: 2}, clause: D-4}
  - category: capped
    title: Work by the hour up to 6 credits
    price: {kind: time, per_minutes: 15, credits: 1, up_to: 6}
    clause: D-4
  - category: asked
    title: Work that is asked for first
    price: {kind: time, per_minutes: 15, credits: 1, free_minutes: 10}
    clause: D-4
    confirm: true
  - category: summed
    title: Work rounded on the ticket
    price: {kind: time, per_minutes: 30, credits: 2, rounded: ticket}
    clause: D-4
surcharges:
  - surcharge: call
    title: a call
    clause: D-3
    when: {fact: ticket.channel, value: phone}
    add: 2
    survives_bug: true
  - surcharge: high
    title: high priority
    clause: D-3
    when: {fact: ticket.priority, value: high}
    add: 3
    survives_bug: true
  - surcharge: first_free
    title: one of the first two
    clause: D-5
    when: {fact: ticket.category, value: hello}
    times: "0"
    first: 2
  - surcharge: opened_late
    title: a question after hours
    clause: D-4
    when: {all: [{fact: ticket.category, value: question}, {fact: ticket.opened_in_hours, value: false}]}
    times: "1.5"
  - surcharge: sunday
    title: work on a Sunday
    clause: D-4
    group: when
    when: {fact: work.weekday, value: sun}
    times: "2"
  - surcharge: after_hours
    title: work after hours
    clause: D-4
    group: when
    when: {fact: work.in_hours, value: false}
    times: "1.5"
  - surcharge: senior
    title: senior staff
    clause: D-4
    when: {fact: work.kind, value: senior}
    times: "2"
  - surcharge: visit
    title: a visit
    clause: D-4
    when: {fact: work.kind, value: on_site}
    add: 4
work:
  clause: D-4
  kinds:
    - {kind: remote, title: remote work}
    - {kind: senior, title: senior staff}
    - {kind: on_site, title: work on site}
    - {kind: travel, title: travel, billable: false}
credits:
  clause: D-1
  types: [{credit_type: credit, title: Credits, clause: D-1}]
payment: {means: [credits], exhausted_clause: D-1, exhausted_skus: ["credits-{n}"]}
confirmation: {clause: D-6, advance_clause: D-6}
reopening: {clause: D-6, window: {days: 14}}
disputes: {clause: D-6, window: {days: 30}}
split_clause: D-6
outcomes:
  - {outcome: answered, title: Answered, clause: D-2}
  - {outcome: cancelled, title: Closed without service, clause: D-2, captures: false}
causes:
  - {cause: software_bug, title: A bug of ours, clause: D-7, returns: all}
  - {cause: other, title: Something else}
service_hours:
  zone: Europe/Berlin
  clause: D-8
  weekly_hours:
    mon: [["09:00", "17:00"]]
    tue: [["09:00", "17:00"]]
    wed: [["09:00", "17:00"]]
    thu: [["09:00", "17:00"]]
    fri: [["09:00", "17:00"]]
"""


async def vendor_under(app: FastAPI, api: httpx.AsyncClient, document: str = DOCUMENT, *, now: str = MONDAY) -> Vendor:
    """A tenant under this document, or one that is made of it."""
    return await under(app, api, document, now=now)


async def supplied(shop: Vendor, customer: str = "ann", credits_: int = 100, order: str = "o1") -> None:
    """Buys so many credits."""
    await ordered(shop, order, [{"sku": f"credits-{credits_}"}], customer=customer)


async def worked(shop: Vendor, ticket: str, minutes: int, **more: Any) -> Any:
    """A line of work."""
    return await shop.ok(await shop.post(f"/v1/tickets/{ticket}/work", {"minutes": minutes, **more}))


async def resolved(shop: Vendor, ticket: str, **more: Any) -> Any:
    """A resolution."""
    return await shop.ok(await shop.post(f"/v1/tickets/{ticket}/resolution", more))


async def available(shop: Vendor, customer: str = "ann") -> int:
    """What the customer can spend; the audit is looked at on the way."""
    await sound(shop)
    return int((await shop.ok(await shop.get(f"/v1/customers/{customer}/balance")))["available"])
