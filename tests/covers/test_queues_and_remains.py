"""Free days before bought periods, what remains of a suspended one, and a choice that two accounts both opened."""

from __future__ import annotations

from typing import Any

from tests.conftest import MakeVendor
from tests.covers.test_covers import covers_of
from tests.orders.builders import buy, may
from tests.support.api import Vendor
from tests.support.graphql import ask
from tests.tickets.desk import open_ticket

DAY = 86_400


async def choose(shop: Vendor, option: str, customer_id: str = "ann") -> None:
    (choice,) = (await shop.ok(await shop.get(f"/v1/customers/{customer_id}/choices")))["data"]
    path = f"/v1/customers/{customer_id}/choices/{choice['choice_id']}"
    await shop.ok(await shop.post(path, {"option": option}))


async def by_rule(shop: Vendor) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in await covers_of(shop)}


async def test_csc_4_the_free_days_run_before_a_month_that_was_bought_with_the_license(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await buy(shop, "license", "support-1-months", order_id="both")
    await choose(shop, "cover")
    await shop.move_clock("2025-01-10T00:00:00Z")
    await open_ticket(shop, "ann")
    found = await by_rule(shop)
    assert (found["first_license_days"]["state"], found["period_1"]["state"]) == ("running", "pending")
    taken = await shop.ok(
        await shop.post("/v1/orders/both/refunds", {"refund_id": "r", "lines": [{"line_id": "2", "quantity": 1}]})
    )
    assert [one["kind"] for one in taken["taken_back"]] == ["cover"]
    assert (await by_rule(shop))["period_1"]["state"] == "voided", "the bought month is untouched and comes back"


async def test_csc_4_then_the_oldest_bought_period_first(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await buy(shop, "license")
    await choose(shop, "credits")
    await buy(shop, "support-3-months", placed_at="2025-01-01T00:00:00Z")
    await shop.move_clock("2025-01-02T00:00:00Z")
    await buy(shop, "support-1-months", placed_at="2025-01-02T00:00:00Z")
    await open_ticket(shop, "ann", pay_with="cover")
    found = await by_rule(shop)
    assert (found["period_3"]["state"], found["period_1"]["state"]) == ("running", "pending")


async def test_csc_5_a_suspended_period_shows_what_remains_and_no_end(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await buy(shop, "license", "support-1-months")
    await choose(shop, "credits")
    await open_ticket(shop, "ann", pay_with="cover")
    before = (await by_rule(shop))["period_1"]
    assert (before["ends_at"], before["remaining_seconds"]) == ("2025-02-01T00:00:00Z", 31 * DAY)
    await shop.move_clock("2025-01-11T00:00:00Z")
    stopped = await shop.ok(await shop.post(f"/v1/covers/{before['cover_id']}/suspension"))
    assert (stopped["ends_at"], stopped["remaining_seconds"]) == (None, 21 * DAY)
    await shop.move_clock("2025-06-01T00:00:00Z")
    later = (await by_rule(shop))["period_1"]
    assert (later["state"], later["ends_at"], later["remaining_seconds"]) == ("suspended", None, 21 * DAY)
    twin = await ask(shop, '{ customer(customerId: "ann") { covers { rule endsAt remainingSeconds } } }')
    assert {"rule": "period_1", "endsAt": None, "remainingSeconds": str(21 * DAY)} in [
        {**one, "remainingSeconds": str(one["remainingSeconds"])} for one in twin["customer"]["covers"]
    ]
    denied = await open_ticket(shop, "ann", pay_with="cover")
    reason = denied["reasons"][0]
    assert (reason["code"], reason["facts"]["remaining_seconds"]) == ("cover_suspended", 21 * DAY)
    assert [one["kind"] for one in denied["remedies"]] == ["resume"], "credits do not pay what cover is to pay"
    await shop.ok(await shop.post(f"/v1/covers/{denied['remedies'][0]['cover_id']}/resumption"))
    resumed = (await by_rule(shop))["period_1"]
    assert (resumed["ends_at"], resumed["remaining_seconds"]) == ("2025-06-22T00:00:00Z", 21 * DAY)
    assert (await open_ticket(shop, "ann", pay_with="cover"))["state"] == "in_progress"


async def test_csc_5_a_suspended_period_sells_no_period_that_would_wait_behind_it(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart")
    await buy(shop, "license", "support-1-months")
    await choose(shop, "credits")
    await open_ticket(shop, "ann", pay_with="cover")
    await shop.ok(await shop.post("/v1/customers/ann/debits", {"credits": 40}), 201)
    await shop.ok(await shop.post(f"/v1/covers/{(await by_rule(shop))['period_1']['cover_id']}/suspension"))
    denied = await may(shop, "open_ticket")
    ticket = await open_ticket(shop, "ann", category="category_1")
    for answer in (denied, ticket):
        assert answer["reasons"][0]["code"] == "cover_suspended"
        assert answer["remedies"][0]["kind"] == "resume"
        assert {one["sku"] for one in answer["remedies"] if one["kind"] == "buy"} == {
            "credits-25",
            "credits-50",
            "credits-100",
            "credits-200",
        }


async def test_a_choice_that_was_open_gives_way_when_two_accounts_become_one(vendor: MakeVendor) -> None:
    shop = await vendor("cs-cart", now="2025-03-01T00:00:00Z")
    await buy(shop, "license", customer_id="ann", placed_at="2025-01-05T00:00:00Z")
    await buy(shop, "license", customer_id="bob", placed_at="2025-02-05T00:00:00Z", order_id="b")
    await shop.ok(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}))
    account = await shop.ok(await shop.get("/v1/customers/ann"))
    assert sorted(one["ordinal"] for one in account["licenses"]) == [1, 2]
    first = next(one["license_id"] for one in account["licenses"] if one["ordinal"] == 1)
    assert [one["license_id"] for one in account["choices"]] == [first]
    assert account["balance"]["available"] == 20, "a further license brings 20 credits"
    await buy(shop, "credits-25", placed_at="2025-03-01T00:00:00Z")
    await choose(shop, "credits")
    assert (await shop.ok(await shop.get("/v1/customers/ann/balance")))["available"] == 85
    taken = await shop.ok(await shop.post("/v1/orders/b/refunds", {"refund_id": "r", "lines": []}))
    assert {"license", "credits"} == {one["kind"] for one in taken["taken_back"]}
    assert (await shop.ok(await shop.get("/v1/customers/ann/balance")))["available"] == 65
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []
