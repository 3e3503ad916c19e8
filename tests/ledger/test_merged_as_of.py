"""A customer that was merged since, as it stood before: under its old name what it had itself, nothing of it elsewhere.

`as_of` says about when, `known_at` by what was recorded (decision 0012). By either, a merge that came later does not
count yet.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.plans.shop import NOW, bought
from tests.plans.test_replaced_plans import TEXT
from tests.support.api import Vendor
from tests.support.vendors import sound, vendor_under

ASKED = [
    ({"as_of": "2025-03-05T00:00:00Z"}, True),
    ({"known_at": "2025-03-05T00:00:00Z"}, True),
    ({"as_of": "2025-03-20T00:00:00Z", "known_at": "2025-03-05T00:00:00Z"}, True),
    ({"as_of": "2025-03-05T00:00:00Z", "known_at": "2025-03-20T00:00:00Z"}, True),
    ({"as_of": "2025-03-10T10:00:00Z"}, False),
    ({"as_of": "2025-03-20T00:00:00Z"}, False),
    ({}, False),
]
"""Instants asked about, and whether they are before the merge."""


async def merged(app: FastAPI, api: httpx.AsyncClient) -> Vendor:
    """Ann had a plan and 100 credits, her heir 30 credits, for a week; then they became one, and later a third."""
    shop = await vendor_under(app, api, TEXT, now=NOW)
    await bought(shop, "a", "silver-month", "credits-100")
    await bought(shop, "b", "credits-30", customer="heir")
    await bought(shop, "c", "credits-7", customer="last")
    await shop.move_clock("2025-03-10T10:00:00Z")
    await shop.ok(await shop.post("/v1/customers/ann/merge", {"into_customer_id": "heir"}))
    await shop.move_clock("2025-03-25T10:00:00Z")
    await shop.ok(await shop.post("/v1/customers/heir/merge", {"into_customer_id": "last"}))
    await sound(shop)
    return shop


async def told(shop: Vendor, who: str, asked: dict[str, str]) -> Any:
    """What a customer had: credits, the sum of the statement, that of the entries, whether a plan ran."""
    of = f"/v1/customers/{who}"
    balance = (await shop.ok(await shop.get(f"{of}/balance", **asked)))["available"]
    statement = (await shop.ok(await shop.get(f"{of}/statement", **asked)))["available"]
    entries = (await shop.ok(await shop.get(f"{of}/entries", **asked)))["data"]
    gate = await shop.ok(await shop.get(f"{of}/entitlements/open_ticket", **asked))
    return balance, statement, len(entries), gate["allowed"]


@pytest.mark.parametrize(("asked", "before"), ASKED)
async def test_a_merged_customer_is_itself_before_the_merge(
    app: FastAPI, api: httpx.AsyncClient, asked: dict[str, str], before: bool
) -> None:
    shop = await merged(app, api)
    ann, heir, last = [await told(shop, who, asked) for who in ("ann", "heir", "last")]
    if before:
        assert (ann[0], heir[0], last[0]) == (100, 30, 7)
        assert (ann[1], heir[1], last[1]) == (100, 30, 7)
        assert (ann[2:], heir[2:], last[2:]) == ((1, True), (1, False), (1, False))
    elif asked:
        assert ann == heir
        assert (heir[0], last[0]) == (130, 7)
        assert (heir[3], last[3]) == (True, False)
    else:
        assert ann == heir == last
        assert (last[0], last[3]) == (137, True)
