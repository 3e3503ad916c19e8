"""What offers cost: by tiers, as a share of licenses, at least, in other currencies, and after a lapse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.plans.shop import DOCUMENT, NOW, bought, offer, opened, price
from tests.plans.test_gates import findings
from tests.support.api import Vendor
from tests.support.vendors import refunded, sound, vendor_under


@pytest_asyncio.fixture
async def shop(app: FastAPI, api: httpx.AsyncClient) -> AsyncIterator[Vendor]:
    """A tenant under the plans."""
    made = await vendor_under(app, api, DOCUMENT, now=NOW)
    yield made
    await made.close()


def steps(found: Any) -> list[tuple[str, str, str | None]]:
    """The steps of an offer's price."""
    return [(step["step"], step["amount"]["amount"], step["clause"]) for step in found["price_steps"]]


@pytest.mark.parametrize(
    ("sku", "amount"),
    [
        ("silver-1", "10.00"),
        ("silver-5", "50.00"),
        ("silver-6", "63.00"),
        ("silver-20", "175.00"),
        ("credits-1", "5.00"),
        ("credits-15", "5.00"),
        ("credits-16", "5.33"),
        ("credits-99", "32.97"),
        ("credits-100", "25.00"),
        ("credits-1000", "250.00"),
        ("credits-1001", None),
    ],
)
async def test_tiers_price_the_numbers_in_them_or_all(shop: Vendor, sku: str, amount: str | None) -> None:
    assert await price(shop, sku, None) == amount


async def test_each_step_of_a_price_is_told(shop: Vendor) -> None:
    seats = await offer(shop, "silver-6")
    assert (seats["sku"], seats["title"], seats["sku_pattern"]) == ("silver-6", "Silver for 6 people", False)
    assert [step["summary"] for step in seats["price_steps"]] == ["5 at 10.00, 1 at 8.00 and 5.00 once USD (P-2)."]
    assert seats["grants"][0]["seats"] == 6
    few = await offer(shop, "credits-10")
    assert steps(few) == [("tier", "3.33", "P-4"), ("minimum", "1.67", "P-4")]
    assert few["grants"][0]["credits"] == 10
    listed = {row["sku"]: row for row in (await shop.ok(await shop.get("/v1/offers")))["data"]}
    assert listed["credits-{n}"]["price"] is None
    assert (listed["credits-{n}"]["tier_mode"], listed["credits-{n}"]["price_tiers"]) == (
        "volume",
        [{"up_to": 99, "each": "0.333", "flat": None}, {"up_to": 1000, "each": "0.25", "flat": None}],
    )


async def test_a_share_of_the_licenses_follows_what_is_held(shop: Vendor) -> None:
    assert await price(shop, "maintenance-12-months") is None, "nobody knows for how many licenses"
    await bought(shop, "o1", "license-basic")
    least = await offer(shop, "maintenance-12-months")
    assert steps(least) == [("licenses", "39.80", "P-5"), ("minimum", "10.20", "P-5")]
    await bought(shop, "o2", "license-pro")
    both = await offer(shop, "maintenance-12-months")
    assert (both["price"]["amount"], steps(both)) == ("119.81", [("licenses", "119.81", "P-5")])
    assert both["price_steps"][0]["summary"] == "20 percent of 599.05 USD, the price of 2 licenses (P-5)."


async def test_a_price_list_is_of_one_currency_and_nothing_is_converted(shop: Vendor) -> None:
    assert (await offer(shop, "gold", currency="EUR"))["price"] == {"amount": "85.50", "currency": "EUR"}
    assert (await offer(shop, "credits-3", currency="JPY"))["price"] == {"amount": "113", "currency": "JPY"}
    assert await price(shop, "silver-2", currency="EUR") is None
    refused = await shop.get("/v1/offers/gold", currency="euro")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    listed = await shop.ok(await shop.get("/v1/offers", currency="EUR"))
    assert {row["sku"]: row["price"] for row in listed["data"] if row["price"]} == {
        "gold": {"amount": "85.50", "currency": "EUR"}
    }


async def test_credits_bought_in_yen_are_worth_what_that_list_says(shop: Vendor) -> None:
    line = {"line_id": "1", "sku": "credits-3", "quantity": 1}
    body = {"customer_id": "ann", "placed_at": NOW, "currency": "JPY", "lines": [line]}
    answer = await shop.ok(await shop.put("/v1/orders/o1", body))
    assert answer["lots"][0]["cost"] == {"amount": "113", "currency": "JPY"}


async def test_an_unknown_sku_and_a_pattern_are_no_offers(shop: Vendor) -> None:
    for sku in ("nothing", "credits-{n}", "credits-0"):
        refused = await shop.get(f"/v1/offers/{sku}")
        assert (refused.status_code, refused.json()["code"]) == (404, "offer_not_found"), sku


async def lapsed(shop: Vendor, until: str) -> Any:
    """The price of maintenance that ended on 3 March 2026, at an instant."""
    await shop.move_clock(until)
    return await offer(shop, "maintenance-12-months")


async def test_a_lapse_is_paid_for_month_by_month(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "license-pro", "maintenance-12-months")
    assert steps(await lapsed(shop, "2026-03-03T09:59:59Z")) == [("licenses", "119.81", "P-5")]
    assert steps(await lapsed(shop, "2026-04-02T09:59:59Z")) == [("licenses", "119.81", "P-5")], "thirty days are free"
    late = await lapsed(shop, "2026-04-02T10:00:00Z")
    assert steps(late) == [("licenses", "119.81", "P-5"), ("reinstatement", "9.98", "P-6"), ("fee", "11.99", "P-6")], (
        "a begun month of 119.81 / 12, and a tenth"
    )
    assert late["price"]["amount"] == "141.78"
    two = await lapsed(shop, "2026-04-03T10:00:01Z")
    assert steps(two)[1] == ("reinstatement", "19.97", "P-6")
    assert "2 lapsed months since 3 March 2026" in two["price_steps"][1]["summary"]
    capped = await lapsed(shop, "2027-09-03T10:00:00Z")
    assert steps(capped)[1] == ("reinstatement", "119.81", "P-6"), "twelve months at most"
    refused = await opened(shop, "T-1")
    assert refused["remedies"][0]["price"]["amount"] == capped["price"]["amount"], "a remedy costs the same"


async def test_what_is_bought_after_a_lapse_ends_it(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "license-pro", "maintenance-12-months")
    await shop.move_clock("2026-06-03T10:00:00Z")
    await bought(shop, "o2", "maintenance-12-months")
    assert steps(await offer(shop, "maintenance-12-months")) == [("licenses", "119.81", "P-5")]
    refund: Any = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "changed their mind"}
    await shop.ok(await shop.post("/v1/orders/o2/refunds", refund))
    again = [step[0] for step in steps(await offer(shop, "maintenance-12-months"))]
    assert again == ["licenses", "reinstatement", "fee"], "what was given back ended no lapse"
    await sound(shop)


async def test_a_period_that_is_refunded_on_its_last_days_ends_no_lapse(shop: Vendor) -> None:
    await bought(shop, "o1", "license-basic", "license-pro", "maintenance-12-months")
    await shop.move_clock("2026-06-03T10:00:00Z")
    await bought(shop, "o2", "maintenance-12-months")
    await shop.move_clock("2027-06-01T10:00:00Z")
    await refunded(shop, "o2")
    found = await lapsed(shop, "2027-07-20T10:00:00Z")
    assert "since 3 March 2026" in found["price_steps"][1]["summary"]
    await sound(shop)


def test_prices_are_checked_with_their_lines() -> None:
    tiers = 'price: {tiers: {steps: [{up_to: 5, each: "10.00"}, {each: "8.00", flat: "5.00"}]}, clause: P-2}'
    for after, code in (
        ("price: {tiers: {steps: []}, clause: P-2}", "no_steps"),
        ('price: {tiers: {steps: [{each: "10.00"}, {each: "8.00"}]}, clause: P-2}', "step_without_end"),
        ('price: {tiers: {steps: [{up_to: 5, each: "1"}, {up_to: 5, each: "2"}]}, clause: P-2}', "empty_step"),
        ('price: {tiers: {steps: [{each: "-1.00"}]}, clause: P-2}', "negative_price"),
        ('price: {tiers: {steps: [{each: "1.00"}]}, per_credit: "1.00", clause: P-2}', "price_said_twice"),
    ):
        assert (code, after) in findings((tiers, after)), code
    share = 'percent_of_licenses: {percent: "20"}'
    assert [code for code, _ in findings((share, 'percent_of_licenses: {percent: "-20"}'))] == ["bad_percent"]
    assert [code for code, _ in findings(('clause: P-5, price: {amount: "199.00"}}', "clause: P-5}"))] == [
        "license_without_price"
    ]
    rule = 'reinstatement: {clause: P-6, after: {days: 30}, at_most_months: 12, fee_percent: "10"}'
    free = 'reinstatement: {clause: P-6, percent: "0"}'
    assert (("lapse_costs_nothing", free)) in findings((rule, free))
    assert [code for code, _ in findings(("prices: {EUR:", "prices: {USD:"))] == ["price_said_twice"]
    assert [code for code, _ in findings(("prices: {EUR:", "prices: {EURO:"))] == ["bad_currency"]
