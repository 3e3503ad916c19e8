"""A ticket opened before it is told is judged by the cover and the terms of then."""

from __future__ import annotations

from typing import Any

import yaml

from tests.conftest import MakeVendor
from tests.covers.test_queues_and_remains import choose
from tests.orders.builders import buy
from tests.support.api import Vendor

FACTS: dict[str, Any] = {"subject": "It fails", "channel": "helpdesk", "language": "en"}


async def ticket(shop: Vendor, ticket_id: str, **more: Any) -> dict[str, Any]:
    body = {**FACTS, "customer_id": "ann", "category": "category_1", "pay_with": "cover", **more}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket_id}", body), 201)


async def covers(shop: Vendor) -> list[tuple[str, str | None]]:
    rows = (await shop.ok(await shop.get("/v1/customers/ann")))["covers"]
    return sorted(((row["state"], row["starts_at"]) for row in rows), reverse=True)


async def clean(shop: Vendor) -> None:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def with_periods(vendor: MakeVendor, *skus: str) -> Vendor:
    """A customer whose free credits are chosen, with periods that wait."""
    shop = await vendor("cs-cart")
    await buy(shop, "license", *skus)
    await choose(shop, "credits")
    return shop


async def test_csc_4_19_a_ticket_told_late_begins_no_second_period_beside_one_that_runs(vendor: MakeVendor) -> None:
    """The period that runs would have begun with it; it serves both, and the next one waits."""
    shop = await with_periods(vendor, "support-1-months", "support-1-months")
    await shop.move_clock("2025-01-05T00:00:00Z")
    assert (await ticket(shop, "T-1"))["state"] == "in_progress"
    await shop.move_clock("2025-01-06T00:00:00Z")
    late = await ticket(shop, "T-2", opened_at="2025-01-03T00:00:00Z")
    assert (late["state"], late["paid_by"]) == ("in_progress", "cover")
    assert await covers(shop) == [("running", "2025-01-05T00:00:00Z"), ("pending", None)]
    await clean(shop)


async def test_csc_4_a_ticket_told_late_begins_a_period_that_is_over_before_the_next(vendor: MakeVendor) -> None:
    shop = await with_periods(vendor, "support-1-months")
    await shop.move_clock("2025-03-05T00:00:00Z")
    late = await ticket(shop, "T-1", opened_at="2025-01-03T00:00:00Z")
    assert (late["state"], late["paid_by"]) == ("in_progress", "cover")
    assert await covers(shop) == [("ended", "2025-01-03T00:00:00Z")]
    await clean(shop)


async def test_csc_4_19_a_period_of_which_the_ticket_knew_nothing_serves_it_not(vendor: MakeVendor) -> None:
    """Bought after the ticket was opened, it did not begin with it."""
    shop = await with_periods(vendor)
    await shop.move_clock("2025-01-05T00:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-01-05T00:00:00Z")
    await ticket(shop, "T-1")
    late = await ticket(shop, "T-2", opened_at="2025-01-03T00:00:00Z")
    assert late["state"] != "in_progress"
    assert await covers(shop) == [("running", "2025-01-05T00:00:00Z")]
    await clean(shop)


async def test_csc_19_a_ticket_told_late_begins_no_period_beside_that_of_an_account_that_joined(
    vendor: MakeVendor,
) -> None:
    """A period waited when it was opened; the one that runs now came with the other account, and serves it."""
    shop = await with_periods(vendor, "support-1-months")
    await shop.move_clock("2025-01-04T00:00:00Z")
    await buy(shop, "license", customer_id="bob", order_id="bobs", placed_at="2025-01-04T00:00:00Z")
    await choose(shop, "cover", "bob")
    await shop.move_clock("2025-01-05T00:00:00Z")
    await ticket(shop, "T-1", customer_id="bob")
    await shop.ok(await shop.post("/v1/tickets/T-1/resolution", {"outcome": "answered"}))
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    late = await ticket(shop, "T-2", opened_at="2025-01-03T00:00:00Z")
    assert (late["state"], late["paid_by"]) == ("in_progress", "cover")
    assert await covers(shop) == [("running", "2025-01-05T00:00:00Z"), ("pending", None)]
    await clean(shop)


async def test_csc_5_a_ticket_opened_before_the_suspension_and_told_after_it_is_covered(vendor: MakeVendor) -> None:
    shop = await with_periods(vendor, "support-3-months")
    await ticket(shop, "T-1")
    await shop.move_clock("2025-01-10T00:00:00Z")
    cover = (await shop.ok(await shop.get("/v1/customers/ann")))["covers"][0]["cover_id"]
    await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {}))
    await shop.move_clock("2025-01-12T00:00:00Z")
    late = await ticket(shop, "T-2", opened_at="2025-01-09T00:00:00Z")
    assert (late["state"], late["paid_by"]) == ("in_progress", "cover")
    at_once = await ticket(shop, "T-3", opened_at="2025-01-10T00:00:00Z")
    assert (at_once["state"], at_once["reasons"][0]["code"]) == ("rejected", "cover_suspended")
    assert (await covers(shop))[0][0] == "suspended"
    await clean(shop)


async def test_csc_7_a_ticket_told_late_keeps_the_price_that_stood_when_it_was_opened(vendor: MakeVendor) -> None:
    """A ticket is judged by the version in force when it was opened."""
    shop = await with_periods(vendor)
    document = (await shop.ok(await shop.get("/v1/policies/cs-cart")))["document"]
    for category in document["categories"]:
        if category["category"] == "category_1":
            category["price"] = {"kind": "fixed", "credits": 8}
    await shop.move_clock("2025-01-05T00:00:00Z")
    await shop.ok(await shop.post("/v1/policies/cs-cart/versions", {"document": yaml.safe_dump(document)}), 201)
    await shop.move_clock("2025-01-06T00:00:00Z")
    now = await ticket(shop, "T-1", pay_with="credits")
    late = await ticket(shop, "T-2", pay_with="credits", opened_at="2025-01-04T00:00:00Z")
    assert [one["charge"]["held"] for one in (now, late)] == [8, 5]
    assert [one["policy"]["version"] for one in (now, late)] == [2, 1]
    older = await ticket(shop, "T-3", pay_with="credits", opened_at="2024-12-04T00:00:00Z")
    assert older["policy"]["version"] == 1
    await clean(shop)
