"""Whether a price is in the vendor's own words or our reading is told with it: in the price list, by the calculator and
on the ticket that is charged by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.steps import act, an_order, choose
from tests.conftest import MakeVendor

START = "2025-01-15T10:00:00Z"
EVERY, NONE = None, frozenset[str]()
OURS: dict[str, frozenset[str] | None] = {
    "avactis": EVERY,  # which issue belongs to which level, and at what price, is our reading throughout
    "cs-cart": frozenset({"bug_report", "minor_modification"}),  # neither has one of the three prices (CSC-16, CSC-23)
    "x-cart": NONE,  # the page prices each line
}
"""The categories whose price is our reading, by policy."""


def expected(policy: str, category: str) -> bool:
    ours = OURS[policy]
    return ours is EVERY or category in ours


def inputs_of(category: dict[str, Any]) -> dict[str, int]:
    return dict.fromkeys(category["inputs"], 1)


@pytest.mark.parametrize("policy", sorted(OURS))
async def test_each_price_says_whether_it_is_our_reading(vendor: MakeVendor, policy: str) -> None:
    shop = await vendor(policy, now=START)
    categories = (await shop.ok(await shop.get(f"/v1/policies/{policy}"), 200))["categories"]
    assert len(categories) >= 5
    await an_order(shop, "o1", "anna", START, "license-owned" if policy == "avactis" else "license")
    if policy == "cs-cart":
        await choose(shop, "anna", "credits")
    await shop.ok(await shop.post("/v1/customers/anna/adjustments", {"credits": 5000, "reason": "plenty"}), 201)
    for number, one in enumerate(categories):
        name, ours = one["category"], expected(policy, one["category"])
        assert one["reading"] is ours, one
        asked = {"category": name, "inputs": inputs_of(one)}
        priced = await shop.ok(await shop.post(f"/v1/policies/{policy}/price", asked, key=None), 200)
        assert (priced["clause"], priced["reading"]) == (one["clause"], ours), priced
        body = {"customer_id": "anna", "subject": "Help", "channel": "helpdesk", **asked}
        ticket = await shop.ok(await shop.put(f"/v1/tickets/T-{number}", body), 201)
        if ticket["state"] == "awaiting_assessment":
            ticket = await act(shop, f"T-{number}", "assessments", credits=100, reason="as seen", **asked)
        assert ticket["assessments"], ticket
        last = ticket["assessments"][-1]
        assert (last["category"], last["clause"], last["reading"]) == (name, one["clause"], ours), last
