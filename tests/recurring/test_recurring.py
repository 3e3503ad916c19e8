"""Credits that come again each month, over HTTP: when they come, and what becomes of unused ones."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.recurring.shop import ANN, again, balance, bought, document, granted, plan, spent, vendor_under
from tests.support.vendors import sound, told


async def test_credits_come_on_the_last_day_of_each_month(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "reset")
    assert await balance(shop) == 60
    await spent(shop, 20)
    await shop.move_clock("2025-02-28T09:59:59Z")
    assert await balance(shop) == 40
    await shop.move_clock("2025-02-28T10:00:00Z")
    assert await balance(shop) == 60
    await shop.move_clock("2025-04-30T08:59:59Z")
    await shop.move_clock("2025-04-30T09:00:00Z")
    assert await granted(shop) == [
        ("2025-01-31T10:00:00Z", 60),
        ("2025-02-28T10:00:00Z", 60),
        ("2025-03-31T09:00:00Z", 60),  # 11:00 in Berlin, where summer has begun
        ("2025-04-30T09:00:00Z", 60),
    ]
    await sound(shop)
    await shop.move_clock("2026-03-01T00:00:00Z")
    assert len(await granted(shop)) == 12
    assert await balance(shop) == 0
    await sound(shop)


async def test_unused_credits_stay_go_over_within_a_bound_or_go(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    for sku in ("reset", "keep", "capped"):
        await bought(shop, sku, f"o-{sku}", customer=sku)
        await spent(shop, 10, sku)
    await shop.move_clock("2025-03-31T09:00:00Z")
    assert [await balance(shop, sku) for sku in ("reset", "keep", "capped")] == [60, 170, 160]
    await sound(shop)
    statement = await shop.ok(await shop.get("/v1/customers/capped/statement"))
    assert [(row["credits"], row["clause"]) for row in statement["balance_modifications"]] == [
        (60, "A-1"),
        (60, "A-1"),
        (-10, "A-2"),
        (60, "A-1"),
    ]
    ended = [event["data"] for event in await told(shop, "credits.expired")]
    assert [(event["credits"], event.get("reason")) for event in ended if event.get("reason")] == [(10, "rollover")]


async def test_a_balance_tells_of_a_month_before_any_worker_does(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "capped")
    await shop.move_clock("2025-02-27T00:00:00Z")
    soon = await shop.ok(await shop.get(f"{ANN}/balance", as_of="2025-06-30T08:59:59Z"))
    assert soon["available"] == 160
    assert [lot["interval"] for lot in soon["lots"]] == [4, 5] or soon["lots"]
    before = await shop.ok(await shop.get(f"{ANN}/balance", as_of="2025-02-28T10:00:00Z"))
    await shop.move_clock("2025-02-28T10:00:00Z")
    now = await shop.ok(await shop.get(f"{ANN}/balance"))
    assert before["lots"] == now["lots"]
    assert [(lot["interval"], lot["available"]) for lot in now["lots"]] == [(1, 60), (2, 60)]
    then = await shop.ok(await shop.get(f"{ANN}/balance", as_of="2025-02-28T09:59:59Z"))
    assert [(lot["interval"], lot["available"]) for lot in then["lots"]] == [(1, 60)]


async def test_bounds_in_intervals_in_what_they_bring_and_of_the_whole_balance(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    text = document(
        plan("through", "runs_with: plan, at_renewal: rollover, rollover: {intervals: 1}")
        + plan("worth", "runs_with: plan, at_renewal: rollover, rollover: {max_grants: 2}")
        + plan("most", "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 150, counts: balance}")
    )
    shop = await vendor_under(app, api, text)
    seen: dict[str, list[int]] = {}
    for sku in ("through", "worth", "most"):
        await bought(shop, sku, f"o-{sku}", customer=sku)
        seen[sku] = []
    for day in ("2025-02-28T10:00:00Z", "2025-03-31T09:00:00Z", "2025-04-30T09:00:00Z"):
        await shop.move_clock(day)
        for sku, found in seen.items():
            found.append(await balance(shop, sku))
    assert seen == {"through": [120, 120, 120], "worth": [120, 180, 180], "most": [120, 150, 150]}
    await sound(shop)


async def test_with_the_calendar_credits_come_as_the_month_begins_in_the_policys_zone(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    quarter = "runs_with: plan, anchor: calendar"
    text = document(plan("month", quarter) + plan("quarter", quarter, interval="{months: 3}"))
    shop = await vendor_under(app, api, text)
    await bought(shop, "month", "o1")
    await bought(shop, "quarter", "o2", customer="bob")
    await shop.move_clock("2025-07-02T00:00:00Z")
    assert sorted(await granted(shop)) == [
        ("2025-01-31T10:00:00Z", 60),
        ("2025-01-31T10:00:00Z", 60),
        ("2025-01-31T23:00:00Z", 60),
        ("2025-02-28T23:00:00Z", 60),
        ("2025-03-31T22:00:00Z", 60),
        ("2025-03-31T22:00:00Z", 60),
        ("2025-04-30T22:00:00Z", 60),
        ("2025-05-31T22:00:00Z", 60),
        ("2025-06-30T22:00:00Z", 60),
        ("2025-06-30T22:00:00Z", 60),
    ]
    await sound(shop)


async def test_an_order_says_what_comes_again(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    made = await bought(shop, "capped")
    grant = dict(made["recurring_grants"][0])
    assert grant.pop("grant_id").startswith("rgr_")
    assert grant.pop("cover_id") == made["covers"][0]["cover_id"]
    assert grant == {
        "line_id": "1",
        "unit_no": 1,
        "credits": 60,
        "credit_type": "credit",
        "interval": {"years": 0, "months": 1, "days": 0},
        "at_renewal": "rollover",
        "rollover_max": 100,
        "intervals_granted": 1,
        "next_at": "2025-02-28T10:00:00Z",
        "ends_at": "2026-01-31T10:00:00Z",
        "rule": "monthly",
        "clause": "A-1",
    }
    await shop.move_clock("2025-05-01T00:00:00Z")
    assert await bought(shop, "capped") == made
    assert [(row["intervals_granted"], row["next_at"]) for row in await again(shop)] == [(4, "2025-05-31T09:00:00Z")]


async def test_a_late_order_brings_the_months_that_have_passed(app: FastAPI, api: httpx.AsyncClient) -> None:
    late = await vendor_under(app, api, now="2025-04-15T00:00:00Z")
    timely = await vendor_under(app, api)
    for sku in ("reset", "keep", "capped"):
        await bought(late, sku, sku, customer=sku)
        await bought(timely, sku, sku, customer=sku)
    await timely.move_clock("2025-04-15T00:00:00Z")
    for sku in ("reset", "keep", "capped"):
        found = []
        for shop in (late, timely):
            entries = (await shop.ok(await shop.get(f"/v1/customers/{sku}/entries")))["data"]
            found.append([(row["from"], row["to"], row["credits"], row["effective_at"]) for row in entries])
            await sound(shop)
        assert found[0] == found[1]
        assert await balance(late, sku) == {"reset": 60, "keep": 180, "capped": 160}[sku]


@pytest.mark.parametrize("later", ["2025-03-31T09:00:00Z", "2025-09-01T08:00:00Z"], ids=["next", "after a gap"])
async def test_credits_that_stay_are_not_cut_by_another_plan_with_a_bound(
    app: FastAPI, api: httpx.AsyncClient, later: str
) -> None:
    """A plan whose credits stay, and one that lets 100 go over: the bound is for what the second one brings."""
    text = document(
        plan("keep", "runs_with: plan, at_renewal: accumulate", term="{months: 2}")
        + plan("capped", "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 100, clause: A-2}")
    )
    shop = await vendor_under(app, api, text)
    await bought(shop, "keep")
    await shop.move_clock(later)
    assert await balance(shop) == 120
    await bought(shop, "capped", "o2", at=later)
    assert await balance(shop) == 180
    assert await told(shop, "credits.expired") == []
    await shop.move_clock("2026-01-02T00:00:00Z")
    assert await balance(shop) == 280  # what stays, and of the other plan 100 and what came last
    await sound(shop)


async def test_a_plan_with_a_bound_that_is_bought_again_has_one_bound(app: FastAPI, api: httpx.AsyncClient) -> None:
    text = document(
        plan(
            "capped",
            "runs_with: plan, at_renewal: rollover, rollover: {max_credits: 100, clause: A-2}",
            term="{months: 3}",
        )
    )
    shop = await vendor_under(app, api, text)
    await bought(shop, "capped")
    await shop.move_clock("2025-09-01T08:00:00Z")
    assert await balance(shop) == 160
    await bought(shop, "capped", "o2", at="2025-09-01T08:00:00Z")
    assert await balance(shop) == 160
    await sound(shop)
