"""Each example of docs/policies.md that says how credits live is tried, over HTTP."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.pages.test_features import BASE, PAGE, WRITTEN
from tests.pages.test_policies_page import read
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

EXAMPLE = re.compile(r"# l(\d+): (\{.*\}) (makes her wait|leaves her .+|asks the shop for a \S+|gives her .+)")
EXAMPLES = [text for text in WRITTEN if text.startswith("# l")]
NUMBERS = re.findall(r"^\| [^|]+ \| [^|]+ \| l(\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
MORE = """
plans: [{plan: team, title: Team, clause: E-1}]
contacts: {clause: E-1}
offers:
  - sku: pack
    title: A pack
    kind: credits
    clause: E-1
    grants: [{kind: credits, rule: ten_more, clause: E-1, credits: 10}]
  - sku: plan
    title: A plan
    kind: cover
    clause: E-1
    grants:
      - {kind: cover, rule: plan, clause: E-1, term: {days: 30}, plan: team, actions: [use]}
      - kind: credits
        rule: again
        clause: E-1
        credits: 10
        recurs: {interval: {days: 10}, runs_with: plan, at_renewal: accumulate}
actions: [{action: use, title: Use, rules: [{allow: true, code: may_use, clause: E-1, message: Anybody.}]}]
qualification:
  checks:
    - {check: n, code: c, clause: E-1, message: No., require: {no: {fact: person.named, value: false}}}
"""
BEGAN = datetime.fromisoformat("2025-03-03T10:00:00+00:00")


def document_of(example: str) -> str:
    """The small policy of prices with packs, a plan and the example: lists grow, anything else is replaced."""
    whole = read(BASE)
    whole["payment"]["means"] = ["credits", "cover"]
    for part in (read(MORE), read(example)):
        for key, value in part.items():
            grows = isinstance(value, list) and key in whole
            whole[key] = [*whole[key], *value] if grows else value
    return json.dumps(whole, ensure_ascii=False, indent=1)


def test_each_row_of_the_table_has_its_example() -> None:
    named = [found[1] for found in map(EXAMPLE.match, EXAMPLES) if found is not None]
    assert NUMBERS == named == [str(number) for number in range(1, len(EXAMPLES) + 1)]
    assert all(len(example.strip().splitlines()) <= 3 for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
async def test_the_example_does_what_its_first_line_says(app: FastAPI, api: httpx.AsyncClient, example: str) -> None:
    document = load_document(document_of(example))
    assert [finding.code for finding in check_policy(document.policy, document.marks)] == []
    matched = EXAMPLE.match(example)
    assert matched is not None
    story, result = read(matched[2]), matched[3]
    shop = await vendor_under(app, api, document_of(example), now=BEGAN.isoformat())
    state = await _lived(shop, story)
    balance = await shop.ok(await shop.get("/v1/customers/ann/balance"))
    customer = await shop.ok(await shop.get("/v1/customers/ann"))
    if result == "makes her wait":
        assert state == "awaiting_credits"
    elif result.startswith("asks"):
        events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
        asked = [event["data"]["sku"] for event in events if event["type"] == "credits.top_up_due"]
        assert [f"asks the shop for a {sku}" for sku in asked] == [result]
    elif "seats" in result:
        assert f"gives her {sum(cover['seats'] for cover in customer['covers'])} seats" == result
    elif "trials" in result:
        assert f"gives her {len({cover['license_id'] for cover in customer['covers']})} trials" == result
    elif "owes" in result:
        assert f"leaves her {balance['available']}, and she owes {balance['owed']}" == result
    else:
        ends = {row["expires_at"] for row in balance["lots"]} - {None} or {customer["covers"][0]["ends_at"]}
        assert f"leaves her {balance['available']} until {max(ends)[:10]}" == result


async def _lived(shop: Vendor, story: Any) -> str | None:
    """What ann does; the state of her last ticket."""
    at, state = BEGAN, None
    between = timedelta(days=story.get("days_between", 0))
    for number, sku in enumerate(story["bought"]):
        line = {"line_id": "1", "sku": sku, "quantity": 1}
        order = {"customer_id": "ann", "placed_at": at.isoformat(), "currency": "USD", "lines": [line]}
        await shop.ok(await shop.put(f"/v1/orders/o{number}", order))
        if number + 1 < len(story["bought"]):
            at += between
            await shop.move_clock(at.isoformat())
    if "suspends" in story:
        cover = (await shop.ok(await shop.get("/v1/customers/ann")))["covers"][0]["cover_id"]
        await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {"reason": "a break"}))
        at += timedelta(days=story["suspends"] * 2)
        await shop.move_clock(at.isoformat())
        await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"}))
    for number in range(story.get("asks", 0)):
        body = {"customer_id": "ann", "subject": "Help", "category": "question"}
        state = (await shop.ok(await shop.put(f"/v1/tickets/t{number}", body)))["state"]
    return state
