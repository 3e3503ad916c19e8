"""Each example of docs/policies.md that says how a feature of prices is written is tried, over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
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
EXAMPLE = re.compile(r"# (\d+): (\{.*\}) (costs|keeps|shows|is priced|waits for) (.+)")
BASE = """
policy: example
title: An example
vendor: Nobody
source: made up for the tests
unit: {one: credit, many: credits}
clauses: [{id: E-1, text: Everything.}]
offers:
  - sku: credits-100
    title: Credits
    kind: credits
    clause: E-1
    grants: [{kind: credits, rule: pack, clause: E-1, credits: 100}]
actions:
  - {action: open_ticket, title: Open, rules: [{allow: true, code: may_ask, clause: E-1, message: Anybody may ask.}]}
qualification: {by: rules}
categories:
  - {category: question, title: A question, price: {kind: fixed, credits: 6}, clause: E-1}
  - {category: hours, title: Work, price: {kind: time, per_minutes: 15, credits: 1}, clause: E-1}
credits: {clause: E-1, types: [{credit_type: credit, title: Credits, clause: E-1}]}
payment: {means: [credits], exhausted_skus: [credits-100]}
confirmation: {clause: E-1}
outcomes: [{outcome: answered, title: Answered, clause: E-1}]
causes: [{cause: software_bug, title: A bug, clause: E-1, returns: all}]
service_hours:
  zone: UTC
  clause: E-1
  weekly_hours: {mon: [["09:00", "17:00"]], tue: [["09:00", "17:00"]], fri: [["09:00", "17:00"]]}
"""
WRITTEN = [block.text for block in blocks(PAGE) if block.language == "yml"]
EXAMPLES = [text for text in WRITTEN if re.match(r"# \d", text)]
NUMBERS = re.findall(r"^\| [^|]+ \| [^|]+ \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def document_of(example: str) -> str:
    """The small policy with the example in it: lists grow, anything else is replaced."""
    whole = read(BASE)
    for key, value in read(example).items():
        grows = isinstance(value, list) and key in whole
        whole[key] = [*whole[key], *value] if grows else value
    return json.dumps(whole, ensure_ascii=False, indent=1)


def test_each_row_of_the_table_has_its_example() -> None:
    named = [found[1] for found in map(EXAMPLE.match, EXAMPLES) if found is not None]
    assert NUMBERS == named == [str(number) for number in range(1, len(EXAMPLES) + 1)]
    assert all(len(example.strip().splitlines()) <= 3 for example in EXAMPLES)


@pytest.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient, request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """A tenant under the small policy with the example."""
    made = await vendor_under(app, api, document_of(request.param), now="2025-03-03T10:00:00Z")
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("shop", "example"), [(text, text) for text in EXAMPLES], indirect=["shop"], ids=range(1, len(EXAMPLES) + 1)
)
async def test_the_example_does_what_its_first_line_says(shop: Vendor, example: str) -> None:
    document = load_document(document_of(example))
    findings = check_policy(document.policy, document.marks)
    assert [finding.code for finding in findings] == []
    matched = EXAMPLE.match(example)
    assert matched is not None
    question, verb, result = read(matched[2]), matched[3], matched[4]
    if verb == "waits for":
        await _waits(shop, question)
        return
    price: Any = await shop.ok(await shop.post("/v1/policies/example/price", question))
    found = {
        "costs": price["credits"],
        "keeps": price["surviving"],
        "shows": price["shown"],
        "is priced": price["price"].get("amount"),
    }[verb]
    assert str(found) == result


async def _waits(shop: Vendor, question: Any) -> None:
    """Work beyond the limit is refused, and a higher limit waits for the customer."""
    line = {"line_id": "1", "sku": "credits-100", "quantity": 1}
    order = {"customer_id": "ann", "placed_at": "2025-03-03T10:00:00Z", "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/o1", order))
    await shop.ok(await shop.put("/v1/tickets/T-1", {"customer_id": "ann", "category": question["category"]}))
    refused = await shop.post("/v1/tickets/T-1/work", {"minutes": question["minutes"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "work_beyond_limit")
    asked = await shop.ok(await shop.post("/v1/tickets/T-1/assessments", {"credits": 5}))
    assert asked["status"] == "awaiting_confirmation"
