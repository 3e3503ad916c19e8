"""Holiday sets are bounded, and expanding them holds nobody up."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conftest import MakeVendor


def version(number: int) -> dict[str, Any]:
    """A version with so many holiday sets, each of a country of its own."""
    countries = [
        "AT",
        "BE",
        "BG",
        "CH",
        "CZ",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "NL",
        "NO",
        "PL",
    ]
    sets = [{"country": one, "clause": "A"} for one in countries[:number]]
    return {
        "effective_from": "2025-02-01",
        "weekly_hours": {"mon": [["09:00", "17:00"]]},
        "closure_rules": {"holidays": sets, "closures": []},
    }


async def test_twenty_sets_are_expanded_beside_other_calls_and_more_are_refused(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await shop.ok(await shop.put("/v1/calendars/mine", {"zone": "UTC", "notice_days": 0}))
    path = "/v1/calendars/mine/versions?validate_only=true"
    refused = await shop.post(path, version(21))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_closure_rules")
    asking = asyncio.ensure_future(shop.post(path, version(20)))
    answered = 0
    while not asking.done():
        await shop.ok(await shop.get("/v1/clock"))
        answered += 1
    assert (await asking).status_code in (200, 201)
    assert answered >= 3
    await shop.close()
