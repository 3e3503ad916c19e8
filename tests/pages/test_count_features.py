"""Each example of docs/policies.md that says how a feature of counts is written is tried, over HTTP."""

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
from tests.pages.markdown import ROOT
from tests.pages.test_features import WRITTEN, document_of
from tests.pages.test_policies_page import read
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

NOW = "2025-03-03T10:00:00Z"
EXAMPLE = re.compile(r"# (c\d+): (\{.*\}) (?:is served (\d+) times(?:, and again at (.+))?|costs (.+))\n")
EXAMPLES = [text for text in WRITTEN if text.startswith("# c")]
NUMBERS = re.findall(r"^\| [^|]+ \| [^|]+ \| (c\d+) \|$", (ROOT / "docs/policies.md").read_text(), re.MULTILINE)
MORE = """
offers:
  - sku: license
    title: A license
    kind: license
    clause: E-1
    grants: [{kind: cover, rule: year, clause: E-1, term: {years: 1}, start: order, scope: license}]
qualification:
  by: rules
  checks:
    - check: asked
      code: used_up
      clause: E-1
      message: Used up.
      applies: {fact: ticket.category, op: unknown}
      require: {fact: count.asked, op: lt, value: 2}
categories: [{category: paid, title: Paid, price: {kind: fixed, credits: 6}, clause: E-1}]
payment: {means: [credits, cover], exhausted_skus: [credits-100]}
"""


def whole(example: str) -> str:
    """The small policy of this table with the example in it."""
    base = read(document_of(MORE))
    if "count: asked" not in example:
        base["qualification"] = {"by": "rules"}
    part = read(example)
    for key, value in part.items():
        base[key] = [*base.get(key, []), *value]
    return json.dumps(base)


def test_each_row_of_the_table_has_its_example() -> None:
    named = [found[1] for found in map(EXAMPLE.match, EXAMPLES) if found is not None]
    assert NUMBERS == named == [f"c{number}" for number in range(1, len(EXAMPLES) + 1)]
    assert all(len(example.strip().splitlines()) <= 3 for example in EXAMPLES)


@pytest.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient, request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """A tenant under the small policy with the example, with credits and a license."""
    made = await vendor_under(app, api, whole(request.param), now=NOW)
    lines = [{"line_id": "1", "sku": "license"}, {"line_id": "2", "sku": "credits-100"}]
    order = {"customer_id": "ann", "placed_at": NOW, "currency": "USD", "lines": lines}
    await made.ok(await made.put("/v1/orders/o1", order))
    yield made
    await made.close()


async def _asked(shop: Vendor, number: int, question: dict[str, Any]) -> dict[str, Any]:
    """A ticket as the example has it, worked on or resolved."""
    body = {"customer_id": "ann", "subject": "Help", "pay_with": "cover", "category": question.get("category")}
    if body["category"] is not None:
        body["pay_with"] = "credits"
    if question.get("license"):
        body["license_id"] = (await shop.get("/v1/customers/ann")).json()["licenses"][0]["license_id"]
    ticket: dict[str, Any] = await shop.ok(await shop.put(f"/v1/tickets/T-{number}", body))
    if "minutes" in question and ticket["state"] == "in_progress":
        await shop.ok(await shop.post(f"/v1/tickets/T-{number}/work", {"minutes": question["minutes"]}))
    if "cause" in question:
        ending = {"outcome": "answered", "cause": question["cause"]}
        await shop.ok(await shop.post(f"/v1/tickets/T-{number}/resolution", ending))
    return ticket


@pytest.mark.parametrize(
    ("shop", "example"), [(text, text) for text in EXAMPLES], indirect=["shop"], ids=range(1, len(EXAMPLES) + 1)
)
async def test_the_example_does_what_its_first_line_says(shop: Vendor, example: str) -> None:
    document = load_document(whole(example))
    findings = check_policy(document.policy, document.marks)
    assert [finding.code for finding in findings if finding.severity == "error"] == []
    matched = EXAMPLE.match(example)
    assert matched is not None
    question: dict[str, Any] = read(matched[2])
    if matched[5] is not None:
        prices = read(matched[5])
        assert [(await _asked(shop, number, question))["price"] for number in range(len(prices))] == prices
        return
    for number in range(int(matched[3])):
        assert (await _asked(shop, number, question))["state"] == "in_progress"
    if matched[4] is None:
        return
    refused = await _asked(shop, 99, question)
    assert refused["reasons"][0]["code"] == "used_up"
    assert refused["reasons"][0]["facts"]["counts"][0]["next_at"] == read(matched[4])
