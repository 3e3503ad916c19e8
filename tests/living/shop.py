"""A vendor of the tests whose credits are kept for a kind of work, overdrawn, asked for and extended."""

from __future__ import annotations

from typing import Any

from tests.support.api import Vendor
from tests.support.vendors import ordered

NOW = "2025-03-03T10:00:00Z"
"""A Monday."""
ANN = "/v1/customers/ann"

DOCUMENT = """
policy: living
title: Credits that live
vendor: Nobody
source: made up for the tests
currency: EUR
unit: {one: credit, many: credits}
clauses:
  - {id: L-1, text: "Help is sold in credits."}
  - {id: L-2, text: "A question costs 6 credits, a training 10."}
  - {id: L-3, text: "Training credits are for trainings."}
  - {id: L-4, text: "A plan brings 20 credits a month."}
offers:
  - sku: "credits-{n}"
    title: "{n} credits"
    kind: credits
    clause: L-1
    price: {per_credit: "10.00", clause: L-1}
    grants: [{kind: credits, rule: pack, clause: L-1}]
  - sku: trainings
    title: Credits for two trainings
    kind: credits
    clause: L-3
    price: {amount: "150.00", clause: L-3}
    grants: [{kind: credits, rule: trainings, clause: L-3, credits: 20, categories: [training], scope_clause: L-3}]
  - sku: plan
    title: A plan
    kind: cover
    clause: L-4
    price: {amount: "100.00", clause: L-4}
    grants:
      - {kind: cover, rule: plan, clause: L-4, start: after_current, term: {years: 1}, actions: [plan]}
      - kind: credits
        rule: monthly
        clause: L-4
        credits: 20
        recurs: {interval: {months: 1}, runs_with: plan, at_renewal: accumulate}
actions:
  - action: open_ticket
    title: Open a ticket
    rules: [{allow: true, code: may_ask, clause: L-1, message: Anybody may ask.}]
  - action: plan
    title: Use the plan
    rules: [{allow: true, code: has_plan, clause: L-4, message: Anybody.}]
qualification: {by: rules, clause: L-1}
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: L-2}
  - {category: training, title: A training, price: {kind: fixed, credits: 10}, clause: L-2}
  - {category: move, title: A move, price: {kind: range, least: 1, most: 40}, clause: L-2}
reassessment_clause: L-2
credits:
  clause: L-1
  types: [{credit_type: credit, title: Credits, clause: L-1}]
payment: {means: [credits, cover], exhausted_clause: L-1, exhausted_skus: ["credits-{n}", trainings]}
outcomes:
  - {outcome: answered, title: Answered, clause: L-2}
  - {outcome: cancelled, title: Closed without service, clause: L-2, captures: false}
causes:
  - {cause: software_bug, title: A bug of ours, clause: L-2, returns: all}
  - {cause: other, title: Something else}
service_hours:
  zone: UTC
  clause: L-2
  weekly_hours: {mon: [["09:00", "17:00"]]}
"""


async def bought(shop: Vendor, sku: str, order: str, *, at: str = NOW, customer: str = "ann", quantity: int = 1) -> Any:
    """An order of one line."""
    return await ordered(shop, order, [{"sku": sku, "quantity": quantity}], at=at, customer=customer)


async def resolved(shop: Vendor, ticket: str, cause: str = "other") -> Any:
    """The ticket answered."""
    body = {"outcome": "answered", "cause": cause}
    return await shop.ok(await shop.post(f"/v1/tickets/{ticket}/resolution", body))


async def balance(shop: Vendor, customer: str = "ann", **asked: Any) -> Any:
    """What the customer can spend, sums checked against the statement."""
    found = await shop.ok(await shop.get(f"/v1/customers/{customer}/balance", **asked))
    statement = await shop.ok(await shop.get(f"/v1/customers/{customer}/statement", **asked))
    totals = statement["totals"]
    rest = totals["balance_modifications"] - totals["tickets_in_progress"] - totals["resolved_tickets"]
    assert found["available"] == statement["available"] == rest
    return found
