"""Bought cover and several licenses over HTTP: when it begins, whom it serves, and what undoes it (CACTU-11, -14)."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.covers.test_covers import covers_of, events
from tests.orders.builders import buy, may
from tests.support.api import Vendor

ACTIONS = ("open_ticket", "download", "user_area")


async def bought(shop: Vendor, customer_id: str = "ann") -> list[tuple[str, str, str]]:
    """The bought covers: (state, start, end)."""
    found = [one for one in await covers_of(shop, customer_id) if one["rule"] == "support_cover"]
    return sorted((one["starts_at"], one["ends_at"], one["state"]) for one in found)


async def served(shop: Vendor, license_id: str | None = None, customer_id: str = "ann") -> bool:
    """Whether all three rights of cover are open for a license; they agree."""
    answers = {
        (await may(shop, action, customer_id=customer_id, license_id=license_id))["allowed"] for action in ACTIONS
    }
    assert len(answers) == 1
    return answers.pop()


async def two_licenses(shop: Vendor) -> tuple[str, str]:
    """One whose months are over on 3 May, one whose months run until 20 September."""
    old = await buy(shop, "license-standard", placed_at="2024-11-03T08:00:00Z", order_id="first")
    new = await buy(shop, "license-pro", placed_at="2025-03-20T08:00:00Z", order_id="second")
    return old["licenses"][0]["license_id"], new["licenses"][0]["license_id"]


async def audited(shop: Vendor) -> None:
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_support_begins_at_once_where_one_license_is_without_cover(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-05-10T00:00:00Z")
    one, two = await two_licenses(shop)
    assert not await served(shop, one)
    assert await served(shop, two)
    denied = await may(shop, "download", license_id=one)
    sku = denied["remedies"][0]["sku"]
    order = await buy(shop, sku, placed_at="2025-05-10T00:00:00Z")
    assert await served(shop, one)
    assert await served(shop, two)
    assert await bought(shop) == [("2025-05-10T00:00:00Z", "2026-05-10T00:00:00Z", "running")]
    notice = order["notices"][0]
    assert (notice["ends_at"], "until 10 May 2026" in notice["text"]) == ("2026-05-10T00:00:00Z", True)
    answer = await shop.put(
        "/v1/tickets/t-1",
        json={"customer_id": "ann", "subject": "A question", "license_id": one, "channel": "helpdesk"},
    )
    assert (await shop.ok(answer, 201))["state"] == "in_progress"
    await audited(shop)


async def test_support_bought_early_begins_where_the_first_license_would_be_uncovered(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-04-01T00:00:00Z")
    one, two = await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-04-01T00:00:00Z")
    assert await bought(shop) == [("2025-05-03T08:00:00Z", "2026-05-03T08:00:00Z", "scheduled")]
    await shop.move_clock("2025-05-03T08:00:00Z")
    assert await served(shop, one)
    await shop.move_clock("2026-05-03T07:59:59Z")
    assert await served(shop, one)
    assert await served(shop, two)
    await shop.move_clock("2026-05-03T08:00:00Z")
    assert not await served(shop, one)
    assert not await served(shop, two), "its own months ran beside, they were not added"
    await audited(shop)


async def test_a_second_year_bought_early_follows_the_first_and_a_gap_stays(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-05-10T00:00:00Z")
    await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z")
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z")
    assert [one[:2] for one in await bought(shop)] == [
        ("2025-05-10T00:00:00Z", "2026-05-10T00:00:00Z"),
        ("2026-05-10T00:00:00Z", "2027-05-10T00:00:00Z"),
    ]
    await shop.move_clock("2027-08-01T00:00:00Z")
    await buy(shop, "support-12-months", placed_at="2027-08-01T00:00:00Z")
    assert (await bought(shop))[-1][:2] == ("2027-08-01T00:00:00Z", "2028-08-01T00:00:00Z")
    await audited(shop)


async def test_a_license_bought_under_support_has_its_own_months_beside_it(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-05-10T00:00:00Z")
    one, _ = await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z")
    await shop.move_clock("2026-04-01T00:00:00Z")
    third = await buy(shop, "license-standard", placed_at="2026-04-01T00:00:00Z")
    assert third["covers"][0]["ends_at"] == "2026-10-01T00:00:00Z"
    three = third["licenses"][0]["license_id"]
    await shop.move_clock("2026-05-10T00:00:00Z")
    assert not await served(shop, one)
    assert await served(shop, three)
    assert await served(shop)
    await buy(shop, "support-12-months", placed_at="2026-05-10T00:00:00Z")
    assert await served(shop, one)
    assert (await bought(shop))[-1][0] == "2026-05-10T00:00:00Z"
    await audited(shop)


async def test_a_terminated_license_holds_nothing_up(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-05-10T00:00:00Z")
    one, _two = await two_licenses(shop)
    await shop.ok(await shop.post(f"/v1/licenses/{one}/termination", {}))
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z")
    assert (await bought(shop))[0][0] == "2025-09-20T08:00:00Z"


async def test_support_that_waits_for_a_license_moves_when_that_license_ends(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-04-01T00:00:00Z")
    one, _ = await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-04-01T00:00:00Z", order_id="s")
    await shop.ok(await shop.post(f"/v1/licenses/{one}/termination", {}))
    assert await bought(shop) == [("2025-09-20T08:00:00Z", "2026-09-20T08:00:00Z", "scheduled")]
    order = await shop.ok(await shop.get("/v1/orders/s"))
    assert order["notices"][0]["ends_at"] == "2026-09-20T08:00:00Z"
    await audited(shop)


async def test_support_waits_no_longer_for_a_license_that_was_refunded(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-04-01T00:00:00Z")
    _, two = await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-04-01T00:00:00Z")
    await shop.ok(await shop.post("/v1/orders/first/refunds", {"refund_id": "r", "lines": []}))
    assert (await bought(shop))[0][0] == "2025-09-20T08:00:00Z"
    await shop.ok(await shop.post("/v1/orders/second/refunds", {"refund_id": "r", "lines": []}))
    assert (await bought(shop))[0][0] == "2025-04-01T00:00:00Z", "no license is left for it to wait for"
    assert await served(shop, two)
    await audited(shop)


async def test_refunds_take_the_newest_year_first(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-05-10T00:00:00Z")
    one, two = await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z", order_id="y1")
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z", order_id="y2")
    await shop.ok(await shop.post("/v1/orders/y1/refunds", {"refund_id": "r", "lines": []}))
    assert [row[2] for row in await bought(shop)] == ["running", "voided"]
    assert await served(shop, one)
    await shop.ok(await shop.post("/v1/orders/y2/refunds", {"refund_id": "r", "lines": []}))
    assert not await served(shop, one)
    assert await served(shop, two), "its own months go on"
    denied = await may(shop, "user_area", license_id=one)
    assert denied["reasons"][0]["facts"]["ended_at"] == "2025-05-10T00:00:00Z"
    await buy(shop, denied["remedies"][0]["sku"], placed_at="2025-05-10T00:00:00Z")
    assert await served(shop, one)
    await audited(shop)


async def test_reminders_say_until_when_the_license_is_covered(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-04-01T00:00:00Z")
    await two_licenses(shop)
    await buy(shop, "support-12-months", placed_at="2025-04-01T00:00:00Z")
    await shop.move_clock("2026-05-04T00:00:00Z")
    told = {(one["data"]["ends_at"], one["data"]["covered_until"]) for one in await events(shop, "cover.ending")}
    assert told == {
        ("2025-05-03T08:00:00Z", "2026-05-03T08:00:00Z"),
        ("2025-09-20T08:00:00Z", "2026-05-03T08:00:00Z"),
        ("2026-05-03T08:00:00Z", "2026-05-03T08:00:00Z"),
    }


async def test_any_order_of_arrival_gives_the_same_covers(vendor: MakeVendor) -> None:
    orders = [
        ("a", "license-standard", "2024-11-03T08:00:00Z"),
        ("b", "license-pro", "2025-03-20T08:00:00Z"),
        ("c", "support-12-months", "2025-04-01T00:00:00Z"),
        ("d", "support-12-months", "2025-04-02T00:00:00Z"),
    ]
    found = []
    for arrival in (orders, orders[::-1], [orders[2], orders[0], orders[3], orders[1]]):
        shop = await vendor("cactushop", now="2025-04-05T00:00:00Z")
        for order_id, sku, placed_at in arrival:
            await buy(shop, sku, placed_at=placed_at, order_id=order_id)
        found.append(await bought(shop))
        await audited(shop)
    assert found[0] == found[1] == found[2]
    assert [row[0] for row in found[0]] == ["2025-05-03T08:00:00Z", "2026-05-03T08:00:00Z"]


async def test_support_of_an_account_that_is_joined_serves_the_uncovered_license_at_once(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop", now="2025-05-10T00:00:00Z")
    old = await buy(shop, "license-standard", placed_at="2024-11-03T08:00:00Z", customer_id="bob")
    await buy(shop, "license-pro", placed_at="2025-03-20T08:00:00Z", order_id="own")
    await buy(shop, "support-12-months", placed_at="2025-05-10T00:00:00Z", order_id="s")
    assert (await bought(shop))[0] == ("2025-09-20T08:00:00Z", "2026-09-20T08:00:00Z", "scheduled")
    await shop.move_clock("2025-06-01T00:00:00Z")
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    after: Any = ("2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "running")
    assert (await bought(shop))[0] == after
    assert await served(shop, old["licenses"][0]["license_id"])
    await buy(shop, "license-standard", placed_at="2025-06-01T00:00:00Z")
    assert (await bought(shop))[0] == after, "a later order does not rewrite what both had before"
    await audited(shop)
