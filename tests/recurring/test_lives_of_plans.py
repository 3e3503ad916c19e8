"""What happens to an order, a cover, a customer or a payment while credits come again."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.inbound.test_changed_orders import deliver as deliver_snapshot
from tests.inbound.test_changed_orders import line as snapshot_line
from tests.inbound.test_changed_orders import snapshot
from tests.inbound.test_payment_disputes import deliver, dispute, session
from tests.recurring.shop import ANN, PLAN, again, balance, bought, document, granted, plan, spent, vendor_under
from tests.support import shops
from tests.support.vendors import refunded, sound

LICENSE = """
  - sku: hosted
    title: A hosted shop
    kind: license
    edition: hosted
    clause: A-1
    price: {amount: "300.00", clause: A-1}
    grants:
      - {kind: credits, rule: hosted, clause: A-1, credits: 5, recurs: {interval: {months: 1}, runs_with: license}}
"""
PACK_BY_MONTH = """
  - sku: "year-of-{n}"
    title: "{n} credits a month"
    kind: credits
    clause: A-1
    price: {per_credit: "1.00", clause: A-1}
    grants:
      - kind: credits
        rule: months
        clause: A-1
        recurs: {interval: {months: 1}, lasts: {years: 1}, at_renewal: accumulate}
"""


async def test_a_refund_takes_what_is_unspent_of_every_month_and_none_comes_again(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "keep")
    await spent(shop, 70 - 60)
    await shop.move_clock("2025-03-01T00:00:00Z")
    assert await balance(shop) == 110
    report = await refunded(shop)
    taken = [(row["kind"], row.get("credits")) for row in report["taken_back"]]
    assert taken == [("credits", 50), ("credits", 60), ("cover", None)]
    assert [(row["kind"], row["spent"]) for row in report["not_taken_back"]] == [("credits", 10)]
    await shop.move_clock("2025-09-01T00:00:00Z")
    assert await balance(shop) == 0
    assert len(await granted(shop)) == 2
    (row,) = await again(shop)
    assert (row["next_at"], row["ends_at"]) == (None, "2025-03-01T00:00:00Z")
    await sound(shop)


async def test_of_two_plans_in_a_row_a_refund_takes_the_one_that_has_not_begun(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api, document(plan("short", term="{months: 2}")))
    made = await bought(shop, "short", quantity=2)
    assert [row["next_at"] for row in made["recurring_grants"]] == ["2025-02-28T10:00:00Z", "2025-03-31T09:00:00Z"]
    assert await balance(shop) == 60
    report = await refunded(shop)
    assert [row["kind"] for row in report["taken_back"]] == ["cover"]
    assert await balance(shop) == 60
    await shop.move_clock("2025-12-01T00:00:00Z")
    assert len(await granted(shop)) == 2
    await sound(shop)


async def test_while_a_plan_is_suspended_nothing_comes_and_afterwards_as_much_later(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    made = await bought(shop, "reset")
    cover = made["covers"][0]["cover_id"]
    await shop.move_clock("2025-02-20T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {"reason": "a break"}))
    await shop.move_clock("2025-03-12T10:00:00Z")
    assert [row["next_at"] for row in await again(shop)] == [None]
    await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"}))
    assert [row["next_at"] for row in await again(shop)] == ["2025-03-20T10:00:00Z"]
    await shop.move_clock("2026-06-01T00:00:00Z")
    assert len(await granted(shop)) == 12
    assert (await granted(shop))[1:3] == [("2025-03-20T10:00:00Z", 60), ("2025-04-20T09:00:00Z", 60)]
    await sound(shop)


async def test_an_extension_brings_further_months(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(plan("short", term="{months: 2}")))
    made = await bought(shop, "short")
    cover = made["covers"][0]["cover_id"]
    await shop.ok(await shop.post(f"/v1/covers/{cover}/extension", {"months": 1, "reason": "a gift"}))
    await shop.move_clock("2025-12-01T00:00:00Z")
    assert len(await granted(shop)) == 3
    await sound(shop)


async def test_a_plan_that_begins_with_the_first_ticket_brings_credits_then(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    text = document(
        PLAN.format(
            sku="first",
            recurs="runs_with: plan",
            credits=60,
            interval="{months: 1}",
            start="first_ticket",
            term="{months: 2}",
            more="",
        ).replace("actions: [plan]", "actions: [open_ticket]")
    )
    shop = await vendor_under(app, api, text)
    await bought(shop, "first")
    await shop.move_clock("2025-03-10T10:00:00Z")
    assert await granted(shop) == []
    body = {"customer_id": "ann", "subject": "Help", "channel": "helpdesk", "category": "question", "pay_with": "cover"}
    await shop.ok(await shop.put("/v1/tickets/T-1", body))
    await shop.move_clock("2025-09-10T10:00:00Z")
    assert await granted(shop) == [("2025-03-10T10:00:00Z", 60), ("2025-04-10T09:00:00Z", 60)]
    await sound(shop)


async def test_credits_of_a_license_come_until_it_ends(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(LICENSE))
    made = await bought(shop, "hosted", quantity=2)
    assert await balance(shop) == 10
    assert [row["unit_no"] for row in made["recurring_grants"]] == [1, 2]
    first = made["licenses"][0]["license_id"]
    await shop.move_clock("2025-03-15T00:00:00Z")
    body = {"effective_at": "2025-04-01T00:00:00Z"}
    await shop.ok(await shop.post(f"/v1/licenses/{first}/termination", body))
    await shop.move_clock("2025-05-01T00:00:00Z")
    assert len(await granted(shop)) == 3 + 4
    await refunded(shop)  # the newest unit
    assert await balance(shop) == 0
    await shop.move_clock("2025-09-01T00:00:00Z")
    assert len(await granted(shop)) == 7
    await sound(shop)


async def test_a_license_that_ended_before_takes_its_unspent_months_along(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(LICENSE))
    made = await bought(shop, "hosted")
    await shop.move_clock("2025-04-15T00:00:00Z")
    body = {"effective_at": "2025-02-15T00:00:00Z"}
    await shop.ok(await shop.post(f"/v1/licenses/{made['licenses'][0]['license_id']}/termination", body))
    assert await balance(shop) == 0
    await sound(shop)


async def test_months_of_a_term_are_refunded_by_units(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PACK_BY_MONTH))
    await bought(shop, "year-of-10", quantity=3)
    await shop.move_clock("2025-03-01T00:00:00Z")
    assert await balance(shop) == 60
    await spent(shop, 25)
    report = await refunded(shop)
    assert sum(row["credits"] for row in report["taken_back"]) == 20
    assert await balance(shop) == 15
    await shop.move_clock("2025-04-01T00:00:00Z")
    assert await balance(shop) == 35
    await refunded(shop, quantity=2, refund="r2")
    await shop.move_clock("2026-04-01T00:00:00Z")
    assert await balance(shop) == 0
    await sound(shop)


@pytest.mark.parametrize("sku", ["keep", "year-of-60"])
async def test_a_dispute_that_is_won_lets_the_months_go_on(app: FastAPI, api: httpx.AsyncClient, sku: str) -> None:
    offers = plan("keep", "runs_with: plan, at_renewal: accumulate") + PACK_BY_MONTH
    shop = await vendor_under(app, api, document(offers), now="2025-03-01T12:00:00Z")
    made = await shop.ok(await shop.put("/v1/sources/shop", {"kind": "stripe", "secret": shops.SECRET}), 201)
    sold = session(sku, 1, 10_000, currency="eur")
    assert (await deliver(shop, made["path"], sold))["state"] == "done"
    await shop.move_clock("2025-05-15T00:00:00Z")
    assert await balance(shop, "shop:17") == 180
    await spent(shop, 30, "shop:17")
    lost = dispute("lost", amount=10_000, currency="eur")
    assert (await deliver(shop, made["path"], lost))["state"] == "done"
    assert await balance(shop, "shop:17") == 0
    await shop.move_clock("2025-08-15T00:00:00Z")
    assert await balance(shop, "shop:17") == 0
    await sound(shop)
    won = dispute("won", number=2, amount=10_000, currency="eur")
    assert (await deliver(shop, made["path"], won))["state"] == "done"
    assert await balance(shop, "shop:17") == 150 + 180  # and June, July and August, which had not come
    await sound(shop)
    await shop.move_clock("2026-08-15T00:00:00Z")
    assert len(await granted(shop)) == 12
    assert await balance(shop, "shop:17") == 690
    await sound(shop)


async def test_two_accounts_that_become_one_have_each_month_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "capped")
    await bought(shop, "pack", "o2", customer="bob")
    await shop.move_clock("2025-03-10T00:00:00Z")
    await shop.ok(await shop.post(f"{ANN}/merge", {"into_customer_id": "bob"}))
    assert await balance(shop, "bob") == 130
    await shop.move_clock("2025-04-30T09:00:00Z")
    assert await balance(shop, "bob") == 10 + 160
    await sound(shop)
    await refunded(shop)
    assert await balance(shop, "bob") == 10
    await shop.move_clock("2026-04-30T09:00:00Z")
    assert await balance(shop, "bob") == 10
    await sound(shop)


async def test_credits_given_away_or_held_are_nobodys_unused_ones(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "capped")
    await shop.move_clock("2025-03-01T00:00:00Z")
    held = await shop.ok(await shop.post(f"{ANN}/holds", {"credits": 50}))
    await shop.move_clock("2025-03-31T09:00:00Z")
    assert await balance(shop) == 130  # 70 unused went over, 50 are held
    await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release"))
    assert await balance(shop) == 180
    await shop.move_clock("2025-04-30T09:00:00Z")
    assert await balance(shop) == 160
    await sound(shop)


async def test_an_erased_customers_months_go_on_without_a_name(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "reset")
    await shop.ok(await shop.post(f"{ANN}/erasure"))
    await shop.move_clock("2025-05-01T00:00:00Z")
    assert len(await granted(shop)) == 4
    await sound(shop)


async def test_a_line_granted_anew_is_taken_back_by_its_present_units_alone(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    """What a corrected line had brought before counts for nothing when units of it go later."""
    shop = await vendor_under(app, api, document(PACK_BY_MONTH))
    source = {"kind": "purchase", "secret": shops.STANDARD_SECRET}
    made = await shop.ok(await shop.put("/v1/sources/shop", source), 201)
    for step, (quantity, price) in enumerate([(2, "10.00"), (2, "5.00"), (4, "5.00"), (1, "5.00")]):
        rows = [snapshot_line(1, "year-of-10", quantity, price)]
        await deliver_snapshot(app, shop, made["token"], [snapshot(step, "7", *rows)], each=True)
    assert await balance(shop, "shop:7") == 10 * 2  # since 1 December, one unit
    await shop.move_clock("2025-03-02T00:00:00Z")
    assert await balance(shop, "shop:7") == 10 * 4
    await sound(shop)
