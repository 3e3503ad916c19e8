"""Each example of docs/policies.md that says what is promised is tried, over HTTP."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.pages.test_features import PAGE, WRITTEN, document_of
from tests.pages.test_policies_page import read
from tests.support.api import Vendor
from tests.support.vendors import vendor_under

EXAMPLE = re.compile(r"# m(\d+): (\{.*\}) (is due at|brings|tells) (.+)")
EXAMPLES = [text for text in WRITTEN if text.startswith("# m")]
NUMBERS = re.findall(r"^\| [^|]+ \| [^|]+ \| m(\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
NOW = "2025-03-03T10:00:00Z"


def test_each_row_of_the_table_has_its_example() -> None:
    named = [found[1] for found in map(EXAMPLE.match, EXAMPLES) if found is not None]
    assert NUMBERS == named == [str(number) for number in range(1, len(EXAMPLES) + 1)]
    assert all(len(example.strip().splitlines()) <= 4 for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
async def test_the_example_does_what_its_first_line_says(app: FastAPI, api: httpx.AsyncClient, example: str) -> None:
    text = document_of(example)
    document = load_document(text)
    assert [finding.code for finding in check_policy(document.policy, document.marks)] == []
    matched = EXAMPLE.match(example)
    assert matched is not None
    story, verb, result = read(matched[2]), matched[3], matched[4]
    shop = await vendor_under(app, api, text, now=NOW)
    line = {"line_id": "1", "sku": "credits-100", "quantity": 1}
    order = {"customer_id": "ann", "placed_at": NOW, "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/o1", order))
    ticket = await _lived(shop, story)
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    if verb == "is due at":
        milestone = read(example)["promises"][0]["milestone"]
        due = [clock["due_at"] for clock in ticket["clocks"] if clock["milestone"] == milestone and clock["due_at"]]
        assert f'"{due[-1]}"' == result
    elif verb == "tells":
        told = [event["data"]["notify"] for event in events if event["type"] == "clock.warned"]
        assert told == [[result]]
    else:
        given = [event["data"]["credits"] for event in events if event["type"] == "credits.granted"]
        assert sum(given[1:]) == int(result)


async def _lived(shop: Vendor, story: Any) -> Any:
    """Do what the first line says; the ticket as it is then."""
    late = story.pop("late", 0)
    later = {name: story.pop(name, None) for name in ("answered", "writes", "later", "waits")}
    for number in range(max(late, 1)):
        body = {"customer_id": "ann", "subject": "Help", "category": "question", **story}
        await shop.ok(await shop.put(f"/v1/tickets/t{number}", body))
    for name, author in (("answered", "vendor"), ("writes", "customer")):
        if later[name]:
            await shop.move_clock(later[name])
            await shop.ok(await shop.post("/v1/tickets/t0/responses", {"author": author, "kind": "service"}))
    if later["later"]:
        await shop.ok(await shop.post("/v1/tickets/t0/details", later["later"]))
    if later["waits"]:
        await shop.move_clock("2025-03-03T11:00:00Z")
        await shop.ok(await shop.post("/v1/tickets/t0/pauses", {"reason": later["waits"], "party": "customer"}))
        await shop.move_clock("2025-03-03T12:00:00Z")
    if late:
        await shop.move_clock("2025-03-03T16:00:00Z")
    return await shop.ok(await shop.get("/v1/tickets/t0"))
