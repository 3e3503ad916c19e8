"""Each example of docs/policies.md that says how credits come again is tried, over HTTP."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.pages.test_features import BASE, PAGE, WRITTEN
from tests.pages.test_policies_page import read
from tests.support.vendors import vendor_under

EXAMPLE = re.compile(r"# g(\d+): \{sku: plan\} leaves (.+)")
EXAMPLES = [text for text in WRITTEN if text.startswith("# g")]
NUMBERS = re.findall(r"^\| [^|]+ \| [^|]+ \| g(\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
PLAN = """
sku: plan
title: A plan
kind: cover
clause: E-1
grants: [{kind: cover, rule: plan, clause: E-1, term: {years: 1}}]
"""
BOUGHT = "2025-03-03T10:00:00Z"


def document_of(example: str) -> str:
    """The small policy of prices, with a plan that has the example's grants too; its other keys are replaced."""
    whole, offer = read(BASE), read(PLAN)
    for key, value in read(example).items():
        if key == "grants":
            offer["grants"] += value
        else:
            whole[key] = value
    whole["offers"].append(offer)
    whole["payment"]["means"] = ["credits", "cover"]
    return json.dumps(whole, ensure_ascii=False, indent=1)


def test_each_row_of_the_table_has_its_example() -> None:
    named = [found[1] for found in map(EXAMPLE.match, EXAMPLES) if found is not None]
    assert NUMBERS == named == [str(number) for number in range(1, len(EXAMPLES) + 1)]
    assert all(len(example.strip().splitlines()) <= 3 for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
async def test_the_example_leaves_what_its_first_line_says(app: FastAPI, api: httpx.AsyncClient, example: str) -> None:
    document = load_document(document_of(example))
    assert [finding.code for finding in check_policy(document.policy, document.marks)] == []
    matched = EXAMPLE.match(example)
    assert matched is not None
    shop = await vendor_under(app, api, document_of(example), now=BOUGHT)
    order = {"customer_id": "ann", "placed_at": BOUGHT, "currency": "USD", "lines": [{"line_id": "1", "sku": "plan"}]}
    await shop.ok(await shop.put("/v1/orders/o1", order))
    found = []
    for at in (BOUGHT, "2025-04-03T10:00:00Z", "2025-05-03T10:00:00Z"):
        await shop.move_clock(at)
        found.append(str((await shop.ok(await shop.get("/v1/customers/ann/balance")))["available"]))
    assert ", ".join(found) == matched[2]
