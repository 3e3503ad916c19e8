"""Each example of docs/policies.md that says how a feature of plans and offers is written is tried, over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.pages.markdown import ROOT, blocks
from tests.pages.test_policies_page import read
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

PAGE = ROOT / "docs" / "policies.md"
EXAMPLE = re.compile(r"# (p\d+): (\{.*\}) (costs|is paid by|is refused with|brings nothing, as|brings|ends on) (.+)")
NOW = datetime(2025, 3, 3, 10, tzinfo=UTC)
BASE = """
policy: example
title: An example
vendor: Nobody
source: made up for the tests
unit: {one: credit, many: credits}
clauses: [{id: E-1, text: Everything.}]
plans: [{plan: silver, title: Silver, clause: E-1}, {plan: gold, title: Gold, clause: E-1}]
offers:
  - {sku: license, title: License, kind: license, clause: E-1, price: {amount: "100.00"}}
  - sku: silver
    title: Silver
    kind: cover
    clause: E-1
    price: {amount: "30.00"}
    grants: [{kind: cover, rule: silver, clause: E-1, term: {days: 30}, start: after_current, plan: silver}]
  - sku: gold
    title: Gold
    kind: cover
    clause: E-1
    price: {amount: "90.00"}
    grants: [{kind: cover, rule: gold, clause: E-1, term: {days: 30}, plan: gold}]
  - sku: credits-100
    title: Credits
    kind: credits
    clause: E-1
    grants: [{kind: credits, rule: pack, clause: E-1, credits: 100}]
actions:
  - action: open_ticket
    title: Open
    rules:
      - {allow: true, code: plan_runs, clause: E-1, message: A plan runs., when: {fact: cover.active, value: true}}
      - {allow: false, code: no_plan, clause: E-1, message: No plan runs.}
qualification:
  checks:
    - {check: p, code: no_plan, clause: E-1, message: No plan., require: {fact: entitled.open_ticket, value: true}}
facts: [{fact: version, title: the version, clause: E-1, type: text}]
categories: [{category: question, title: A question, price: {kind: fixed, credits: 6}, clause: E-1}]
credits: {clause: E-1, types: [{credit_type: credit, title: Credits, clause: E-1}]}
payment: {means: [credits, cover]}
outcomes: [{outcome: answered, title: Answered, clause: E-1}]
causes: [{cause: other, title: Something else}]
service_hours: {zone: UTC, clause: E-1, weekly_hours: {mon: [["09:00", "17:00"]]}}
"""
EXAMPLES = [block.text for block in blocks(PAGE) if block.language == "yml" and block.text.startswith("# p")]
NUMBERS = re.findall(r"^\| [^|]+ \| [^|]+ \| (p\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def document_of(example: str) -> str:
    """The small policy with the example in it: what has a name of the list's replaces it, other rows are added."""
    whole = read(BASE)
    for key, value in read(example).items():
        if isinstance(value, list) and key in whole:
            name = next(iter(value[0]))
            names = {row[name] for row in value}
            whole[key] = [*value, *(row for row in whole[key] if row[name] not in names)]
        else:
            whole[key] = value
    if "plans" in read(example):
        whole["plans"].sort(key=lambda plan: str(plan["plan"]), reverse=True)  # silver before gold
    return json.dumps(whole, ensure_ascii=False, indent=1)


def test_each_row_of_the_table_has_its_example() -> None:
    named = [found[1] for found in map(EXAMPLE.match, EXAMPLES) if found is not None]
    assert NUMBERS == named == [f"p{number}" for number in range(1, len(EXAMPLES) + 1)]
    assert all(len(example.strip().splitlines()) <= 3 for example in EXAMPLES)


@pytest.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient, request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """A tenant under the small policy with the example."""
    made = await vendor_under(app, api, document_of(request.param), now=_iso(NOW))
    yield made
    await made.close()


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


async def _bought(shop: Vendor, order: str, skus: list[str], at: datetime) -> Any:
    lines = [{"line_id": str(i), "sku": sku, "quantity": 1} for i, sku in enumerate(skus)]
    body = {"customer_id": "ann", "placed_at": _iso(at), "currency": "USD", "lines": lines}
    return await shop.ok(await shop.put(f"/v1/orders/{order}", body))


@pytest.mark.parametrize(
    ("shop", "example"), [(text, text) for text in EXAMPLES], indirect=["shop"], ids=range(1, len(EXAMPLES) + 1)
)
async def test_the_example_does_what_its_first_line_says(shop: Vendor, example: str) -> None:
    document = load_document(document_of(example))
    assert [finding.code for finding in check_policy(document.policy, document.marks)] == []
    matched = EXAMPLE.match(example)
    assert matched is not None
    story, verb, result = read(matched[2]), matched[3], matched[4]
    if story.get("bought"):
        await _bought(shop, "o1", story["bought"], NOW)
    now = NOW + timedelta(days=story.get("after", 0))
    await shop.move_clock(_iso(now))
    assert await _outcome(shop, story, verb, now) == result
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def _outcome(shop: Vendor, story: Any, verb: str, now: datetime) -> str:
    if verb == "brings":
        lots = (await _bought(shop, "o2", [story["sku"]], now))["lots"]
        return f"{sum(lot['granted'] for lot in lots)} credits"
    if verb == "costs":
        more = {"currency": story["currency"]} if "currency" in story else {}
        price = (await shop.ok(await shop.get(f"/v1/offers/{story['sku']}", customer_id="ann", **more)))["price"]
        return f"{price['amount']} {price['currency']}"
    if verb in ("ends on", "brings nothing, as"):
        answer = await _bought(shop, "o2", [story["sku"]], now)
        return str(answer["covers"][0]["ends_at"][:10] if verb == "ends on" else answer["not_granted"][0]["code"])
    body = {"customer_id": "ann", "subject": "Help", "category": "question", "facts": story.get("facts", {})}
    ticket = await shop.ok(await shop.put("/v1/tickets/T-1", body))
    return str(ticket["paid_by"] if verb == "is paid by" else ticket["reasons"][0]["code"])
