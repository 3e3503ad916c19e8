"""Asking the shop for more credits, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.living.shop import ANN, DOCUMENT, NOW, bought, resolved
from tests.support.api import Vendor
from tests.support.vendors import opened, sound, told, vendor_under

RULE = "  top_ups: [{below: 10, sku: credits-50, clause: L-1, again_after: {days: 3}}]\n"
ASKING = DOCUMENT.replace("credits:\n  clause: L-1\n", "credits:\n  clause: L-1\n" + RULE)


async def asked(shop: Vendor) -> list[tuple[str, int]]:
    """When the shop was asked, and how many credits were left."""
    return [(event["occurred_at"], event["data"]["credits"]) for event in await told(shop, "credits.top_up_due")]


async def spent(shop: Vendor, credits_: int) -> Any:
    """A debit of ann's."""
    return await shop.ok(await shop.post(f"{ANN}/debits", {"credits": credits_}))


async def test_it_asks_once_until_credits_arrive(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ASKING, now=NOW)
    await bought(shop, "credits-20", "o1")
    await spent(shop, 10)
    assert await asked(shop) == []
    await spent(shop, 1)
    assert await asked(shop) == [(NOW, 9)]
    (event,) = [each["data"] for each in await told(shop, "credits.top_up_due")]
    assert (event["below"], event["sku"], event["quantity"], event["clause"]) == (10, "credits-50", 1, "L-1")
    await spent(shop, 1)
    await opened(shop, "t1")
    await shop.ok(await shop.post("/v1/tickets/t1/withdrawal", {}))
    await spent(shop, 1)
    assert len(await asked(shop)) == 1
    await bought(shop, "credits-50", "o2")
    await opened(shop, "t2")
    await resolved(shop, "t2")
    assert len(await asked(shop)) == 1
    await spent(shop, 45)
    assert [left for _, left in await asked(shop)] == [9, 6]
    await sound(shop)


async def test_it_asks_again_when_a_time_has_passed(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ASKING, now=NOW)
    await bought(shop, "credits-20", "o1")
    await spent(shop, 15)
    await shop.move_clock("2025-03-06T09:59:59Z")
    await spent(shop, 1)
    assert len(await asked(shop)) == 1
    await shop.move_clock("2025-03-06T10:00:00Z")
    assert await asked(shop) == [(NOW, 5), ("2025-03-06T10:00:00Z", 4)]
    await bought(shop, "credits-50", "o2", at="2025-03-06T10:00:00Z")
    await shop.move_clock("2025-04-01T00:00:00Z")
    assert len(await asked(shop)) == 2
    await sound(shop)


async def test_what_expires_or_is_refunded_asks_too(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ASKING, now=NOW)
    body = {"credits": 12, "reason": "gift", "expires_at": "2025-04-01T00:00:00Z"}
    await shop.ok(await shop.post(f"{ANN}/adjustments", body))
    await shop.move_clock("2025-04-01T00:00:00Z")
    assert await asked(shop) == [("2025-04-01T00:00:00Z", 0)]
    await bought(shop, "credits-30", "o1", at="2025-04-01T00:00:00Z")
    refund = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "regret"}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", refund, key=None))
    assert len(await asked(shop)) == 2
    await sound(shop)


async def test_a_first_purchase_below_the_bound_asks_nothing(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, ASKING, now=NOW)
    await bought(shop, "credits-5", "o1")
    assert await asked(shop) == []
    await shop.ok(await shop.post(f"{ANN}/debits?validate_only=true", {"credits": 1}))
    assert await asked(shop) == []
    await spent(shop, 1)
    assert len(await asked(shop)) == 1


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{below: 0, sku: credits-50, clause: L-1}", "out_of_bounds"),
        ("{below: 9, sku: credits-many, clause: L-1}", "unknown_sku"),
        ("{below: 9, sku: credits-5, credit_type: gold, clause: L-1}", "unknown_credit_type"),
        ("{below: 9, sku: gift, clause: L-1}", "top_up_brings_nothing"),
        ("{below: 9, sku: credits-5, clause: L-1, again_after: {days: 0}}", "empty_interval"),
        ("{below: 9, sku: credits-5, clause: L-1}, {below: 2, sku: credits-5, clause: L-1}", "two_top_ups"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_found(written: str, code: str) -> None:
    gift = "offers:\n  - {sku: gift, title: A gift, kind: addon, clause: L-1}\n"
    text = ASKING.replace("{below: 10, sku: credits-50, clause: L-1, again_after: {days: 3}}", written)
    document = load_document(text.replace("offers:\n", gift, 1))
    found = [finding for finding in check_policy(document.policy, document.marks) if finding.code == code]
    assert len(found) == 1
    assert found[0].line > 0
