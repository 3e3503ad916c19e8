"""A vendor of the tests who sells plans with credits each month, in every way in which they may go over."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.support.api import Vendor
from tests.support.vendors import ordered, told
from tests.support.vendors import vendor_under as under

BEGAN = "2025-01-31T10:00:00Z"
ANN = "/v1/customers/ann"

HEAD = """
policy: allowances
title: Credits by the month
vendor: Nobody
source: made up for the tests
currency: EUR
term_zone: Europe/Berlin
unit: {one: credit, many: credits}
clauses:
  - {id: A-1, text: "A plan brings credits each month."}
  - {id: A-2, text: "Unused credits go over within bounds."}
  - {id: A-3, text: "A question costs 6 credits."}
editions: [hosted]
offers:
"""
TAIL = """
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: A-1, message: Anybody may ask.}]
qualification: {by: rules, clause: A-1}
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: A-3}
  - {category: training, title: A training, price: {kind: fixed, credits: 6}, clause: A-3}
cover: {suspensions: 3, suspension_clause: A-1, free_extension: true, extension_clause: A-1}
credits:
  clause: A-1
  types: [{credit_type: credit, title: Credits, clause: A-1}]
  returned_to_expired: {rule: forfeit, clause: A-2}
payment: {means: [credits, cover], exhausted_clause: A-1, exhausted_skus: [pack]}
outcomes:
  - {outcome: answered, title: Answered, clause: A-3}
  - {outcome: cancelled, title: Closed without service, clause: A-3, captures: false}
causes:
  - {cause: software_bug, title: A bug of ours, clause: A-3, returns: all}
  - {cause: other, title: Something else}
service_hours:
  zone: Europe/Berlin
  clause: A-3
  weekly_hours: {mon: [["09:00", "17:00"]], tue: [["09:00", "17:00"]]}
"""
PLAN = """
  - sku: {sku}
    title: A plan
    kind: cover
    clause: A-1
    price: {{amount: "100.00", clause: A-1}}
    grants:
      - kind: credits
        rule: monthly
        clause: A-1
        credits: {credits}
        {more}
        recurs: {{interval: {interval}, {recurs}}}
      - {{kind: cover, rule: plan, clause: A-1, start: {start}, term: {term}, actions: [plan]}}
"""
PACK = """
  - sku: pack
    title: A pack
    kind: credits
    clause: A-1
    price: {amount: "10.00", clause: A-1}
    grants: [{kind: credits, rule: pack, clause: A-1, credits: 10}]
"""
ACTIONS = """
  - action: plan
    title: Use the plan
    rules: [{allow: true, code: has_plan, clause: A-1, message: Anybody.}]
"""


def plan(
    sku: str,
    recurs: str = "runs_with: plan",
    *,
    credits_: int = 60,
    interval: str = "{months: 1}",
    start: str = "after_current",
    term: str = "{years: 1}",
    more: str = "",
) -> str:
    """An offer of a plan."""
    return PLAN.format(sku=sku, recurs=recurs, credits=credits_, interval=interval, start=start, term=term, more=more)


RESET = plan("reset")
KEEP = plan("keep", "runs_with: plan, at_renewal: accumulate")
CAPPED = plan("capped", "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 100, clause: A-2}")
ALL = RESET + KEEP + CAPPED


def document(offers: str = ALL, tail: str = TAIL) -> str:
    """A policy that sells these."""
    return HEAD + offers + PACK + tail.replace("qualification:", ACTIONS.strip("\n") + "\nqualification:")


async def vendor_under(app: FastAPI, api: httpx.AsyncClient, text: str | None = None, *, now: str = BEGAN) -> Vendor:
    """A tenant of its own under these offers."""
    return await under(app, api, document() if text is None else text, now=now)


async def bought(
    shop: Vendor, sku: str, order: str = "o1", *, at: str = BEGAN, customer: str = "ann", quantity: int = 1
) -> Any:
    """An order of one line."""
    return await ordered(shop, order, [{"sku": sku, "quantity": quantity}], at=at, customer=customer)


async def spent(shop: Vendor, credits_: int, customer: str = "ann") -> Any:
    """A debit."""
    return await shop.ok(await shop.post(f"/v1/customers/{customer}/debits", {"credits": credits_}))


async def balance(shop: Vendor, customer: str = "ann", **asked: Any) -> int:
    """What the customer can spend."""
    found = await shop.ok(await shop.get(f"/v1/customers/{customer}/balance", **asked))
    assert found["available"] == sum(lot["available"] for lot in found["lots"])
    return int(found["available"])


async def granted(shop: Vendor, customer: str = "ann") -> list[tuple[str, int]]:
    """When credits came, and how many, by the events that told of them."""
    events = await told(shop, "credits.granted")
    return [(event["occurred_at"], event["data"]["credits"]) for event in events]


async def again(shop: Vendor, order: str = "o1") -> list[Any]:
    """What an order brings again and again."""
    return list((await shop.ok(await shop.get(f"/v1/orders/{order}"))).get("recurring_grants", []))
