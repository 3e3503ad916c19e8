"""A vendor of the tests who sells plans: a gate that is paid in credits, two levels above it, prices of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.support.api import Vendor
from tests.support.vendors import ordered

NOW = "2025-03-03T10:00:00Z"
"""A Monday."""

DOCUMENT = """
policy: plans
title: Help by plans
vendor: Nobody
source: made up for the tests
currency: USD
unit: {one: credit, many: credits}
clauses:
  - {id: P-1, text: "Tickets are open to those whose maintenance runs, and are paid in credits."}
  - {id: P-2, text: "Silver and gold answer tickets without credits; gold includes silver."}
  - {id: P-3, text: "Calls are for gold."}
  - {id: P-4, text: "Credits cost less by the hundred."}
  - {id: P-5, text: "Maintenance is 20 percent of the licenses, 50.00 at least."}
  - {id: P-6, text: "A lapse is paid for month by month, twelve at most."}
  - {id: P-7, text: "Gold is answered in an hour, others in a day."}
editions: [basic, pro]
plans:
  - {plan: maintenance, title: Maintenance, clause: P-1, pays: false}
  - {plan: silver, title: Silver, clause: P-2, includes: []}
  - {plan: gold, title: Gold, clause: P-2, includes: [silver]}
offers:
  - {sku: license-basic, title: Basic, kind: license, edition: basic, clause: P-5, price: {amount: "199.00"}}
  - {sku: license-pro, title: Pro, kind: license, edition: pro, clause: P-5, price: {amount: "400.05"}}
  - sku: maintenance-12-months
    title: A year of maintenance
    kind: cover
    clause: P-1
    price:
      percent_of_licenses: {percent: "20"}
      minimum: "50.00"
      clause: P-5
      reinstatement: {clause: P-6, after: {days: 30}, at_most_months: 12, fee_percent: "10"}
    grants:
      - {kind: cover, rule: year, clause: P-1, term: {years: 1}, start: after_current, plan: maintenance}
  - sku: silver-{n}
    title: Silver for {n} people
    kind: cover
    clause: P-2
    price: {tiers: {steps: [{up_to: 5, each: "10.00"}, {each: "8.00", flat: "5.00"}]}, clause: P-2}
    grants:
      - kind: cover
        rule: silver_month
        clause: P-2
        term: {months: 1}
        start: order
        plan: silver
        seats: sku
  - sku: gold
    title: Gold
    kind: cover
    clause: P-2
    price: {amount: "90.00", clause: P-2}
    prices: {EUR: {amount: "85.50", clause: P-2}}
    grants:
      - {kind: cover, rule: gold_month, clause: P-2, term: {months: 1}, start: order, plan: gold, seats: 3}
  - sku: credits-{n}
    title: "{n} credits"
    kind: credits
    clause: P-4
    price:
      tiers: {mode: volume, steps: [{up_to: 99, each: "0.333"}, {up_to: 1000, each: "0.25"}]}
      minimum: "5.00"
      minimum_clause: P-4
      clause: P-4
    prices: {JPY: {per_credit: "37.5", clause: P-4}}
    grants: [{kind: credits, rule: pack, clause: P-4}]
actions:
  - action: open_ticket
    title: Open a ticket
    rules:
      - allow: true
        code: covered
        clause: P-2
        message: The plan runs.
        when: {fact: plan.includes, op: contains, value: silver}
      - allow: true
        code: gate_open
        clause: P-1
        message: Maintenance runs; tickets are paid in credits.
        when: {fact: plan.includes, op: contains, value: maintenance}
      - allow: false
        code: plan_required
        clause: P-1
        message: Tickets are for those whose maintenance runs.
        remedies: [{kind: buy, skus: [maintenance-12-months, gold]}]
qualification:
  by: rules
  clause: P-1
  checks:
    - check: plan
      code: plan_required
      clause: P-1
      message: Tickets are for those whose maintenance runs.
      require: {fact: entitled.open_ticket, value: true}
    - check: calls
      code: gold_required
      clause: P-3
      message: Calls are for gold.
      applies: {fact: ticket.category, value: call}
      require: {fact: plan.includes, op: contains, value: gold}
      remedies: [{kind: buy, skus: [gold], text: Buy gold.}]
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: P-1}
  - {category: call, title: A call, price: {kind: fixed, credits: 8}, clause: P-3}
credits:
  clause: P-4
  types: [{credit_type: credit, title: Credits, clause: P-4}]
payment: {means: [credits, cover], exhausted_clause: P-4, exhausted_skus: ["credits-{n}"]}
promises:
  - milestone: first_response
    when: {fact: plan.rank, op: ge, value: 3}
    target: "seconds:3600"
    starts: opened
    stops: [vendor_response]
    clause: P-7
  - {milestone: first_response, target: "seconds:86400", starts: opened, stops: [vendor_response], clause: P-7}
outcomes: [{outcome: answered, title: Answered, clause: P-1}]
causes: [{cause: other, title: Something else}]
cover: {suspensions: 1, suspension_clause: P-1}
service_hours:
  zone: UTC
  clause: P-7
  weekly_hours: {mon: [["00:00", "24:00"]], tue: [["00:00", "24:00"]], wed: [["00:00", "24:00"]]}
"""


async def bought(
    shop: Vendor, order: str, *skus: str, customer: str = "ann", at: str | None = None, **more: Any
) -> Any:
    """An order of a unit of each sku, placed at an instant, or now."""
    lines = [{"sku": sku, **more} for sku in skus]
    return await ordered(shop, order, lines, at=at, customer=customer, currency="USD")


async def opened(shop: Vendor, ticket: str, category: str = "question", customer: str = "ann", **more: Any) -> Any:
    """A ticket by the helpdesk."""
    body = {"customer_id": customer, "subject": "Help", "category": category, **more}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body))


async def offer(shop: Vendor, sku: str, customer: str | None = "ann", **more: Any) -> Any:
    """An offer as it stands for a customer."""
    named = {} if customer is None else {"customer_id": customer}
    return await shop.ok(await shop.get(f"/v1/offers/{sku}", **named, **more))


async def price(shop: Vendor, sku: str, customer: str | None = "ann", **more: Any) -> str | None:
    """What an offer costs a customer."""
    found = (await offer(shop, sku, customer, **more))["price"]
    return None if found is None else found["amount"]


def codes(reasons: Iterable[Any]) -> list[str]:
    """The codes of reasons."""
    return [reason["code"] for reason in reasons]
