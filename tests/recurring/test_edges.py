"""Credits that come again beside a suspension, a merge, days of grace, and a look far ahead."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.recurring.shop import ANN, TAIL, again, balance, bought, document, granted, plan, vendor_under
from tests.recurring.test_lives_of_plans import LICENSE
from tests.support.api import Vendor
from tests.support.vendors import refunded, sound

WITH_GRACE = TAIL.replace("cover: {suspensions: 3,", "cover: {grace: 40, suspensions: 3,")


async def suspended(shop: Vendor, cover: str, since: str, until: str) -> None:
    """A cover is suspended from one instant to another."""
    await shop.move_clock(since)
    await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {"reason": "a break"}))
    await shop.move_clock(until)
    await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"}))


async def test_after_a_suspension_in_the_last_month_nothing_comes_but_what_an_extension_brings(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(
        app, api, document(plan("keep", "runs_with: plan, at_renewal: accumulate", term="{months: 2}"))
    )
    cover = (await bought(shop, "keep"))["covers"][0]["cover_id"]
    await suspended(shop, cover, "2025-03-10T10:00:00Z", "2025-06-10T09:00:00Z")
    await shop.move_clock("2025-06-20T09:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{cover}/extension", {"months": 1, "reason": "a gift"}))
    assert await balance(shop) == 120
    assert [row["next_at"] for row in await again(shop)] == ["2025-07-01T08:00:00Z"]
    await shop.move_clock("2025-12-10T10:00:00Z")
    assert len(await granted(shop)) == 3
    await sound(shop)


async def test_a_refund_after_such_a_suspension_brings_nothing(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(
        app, api, document(plan("keep", "runs_with: plan, at_renewal: accumulate", term="{months: 2}"))
    )
    cover = (await bought(shop, "keep"))["covers"][0]["cover_id"]
    await suspended(shop, cover, "2025-03-10T10:00:00Z", "2025-06-10T09:00:00Z")
    await refunded(shop)
    assert await balance(shop) == 0
    assert len(await granted(shop)) == 2
    await sound(shop)


@pytest.mark.parametrize("anchor", ["anniversary", "calendar"])
async def test_a_suspension_at_the_instant_of_a_renewal(app: FastAPI, api: httpx.AsyncClient, anchor: str) -> None:
    offer = plan("keep", f"runs_with: plan, anchor: {anchor}, at_renewal: accumulate")
    shop = await vendor_under(app, api, document(offer), now="2025-01-31T23:00:00Z")  # a month begins in Berlin
    cover = (await bought(shop, "keep", at="2025-01-31T23:00:00Z"))["covers"][0]["cover_id"]
    await suspended(shop, cover, "2025-02-28T23:00:00Z", "2025-03-10T23:00:00Z")
    assert await balance(shop) == 120
    due = {"anniversary": "2025-04-10T22:00:00Z", "calendar": "2025-03-31T22:00:00Z"}[anchor]
    assert [row["next_at"] for row in await again(shop)] == [due]
    await sound(shop)
    await shop.move_clock("2026-06-01T00:00:00Z")
    assert len(await granted(shop)) == {"anniversary": 12, "calendar": 13}[anchor]
    await sound(shop)


async def test_as_of_before_and_after_a_merge_each_month_is_there_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "keep")
    await bought(shop, "pack", "o2", customer="bob")
    await shop.move_clock("2025-03-10T00:00:00Z")
    await shop.ok(await shop.post(f"{ANN}/merge", {"into_customer_id": "bob"}))
    await shop.move_clock("2025-04-05T00:00:00Z")
    assert await balance(shop, "bob") == 190
    assert await balance(shop, "bob", as_of="2025-03-09T00:00:00Z") == 10
    assert await balance(shop, "bob", as_of="2025-03-10T00:00:00Z") == 130
    assert await balance(shop, "bob", as_of="2025-04-05T00:00:00Z") == 190
    assert await balance(shop, "bob", as_of="2025-04-30T09:00:00Z") == 250
    asked = await shop.ok(await shop.get("/v1/customers/bob/statement", as_of="2025-04-05T00:00:00Z"))
    assert asked["totals"] == (await shop.ok(await shop.get("/v1/customers/bob/statement")))["totals"]
    await sound(shop)


async def test_an_account_whose_credits_are_all_gone_is_merged_and_merged_into(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api)
    await bought(shop, "keep")
    await refunded(shop, "o1")
    await shop.ok(await shop.put("/v1/customers/bob", {"name": "Bob"}), 201)
    await shop.ok(await shop.put("/v1/customers/cleo", {"name": "Cleo"}), 201)
    await shop.ok(await shop.post(f"{ANN}/merge", {"into_customer_id": "bob"}))
    await shop.ok(await shop.post("/v1/customers/cleo/merge", {"into_customer_id": "bob"}))
    assert await balance(shop, "bob") == 0
    await sound(shop)


async def test_a_license_that_ended_before_takes_its_months_along_from_another_account(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(
        app, api, document(LICENSE.replace("runs_with: license", "runs_with: license, at_renewal: accumulate"))
    )
    made = await bought(shop, "hosted")
    await shop.move_clock("2025-03-10T00:00:00Z")
    await shop.ok(await shop.post(f"{ANN}/merge", {"into_customer_id": "bob"}))
    await shop.move_clock("2025-04-15T00:00:00Z")
    assert await balance(shop, "bob") == 15
    body = {"effective_at": "2025-02-15T00:00:00Z"}
    await shop.ok(await shop.post(f"/v1/licenses/{made['licenses'][0]['license_id']}/termination", body))
    assert await balance(shop, "bob") == 5
    await sound(shop)


async def test_days_of_grace_bring_no_further_month(app: FastAPI, api: httpx.AsyncClient) -> None:
    text = document(plan("keep", "runs_with: plan, at_renewal: accumulate", term="{months: 2}"), WITH_GRACE)
    shop = await vendor_under(app, api, text)
    for customer in ("ann", "bob", "cat", "dan"):
        made = await bought(shop, "keep", f"o-{customer}", customer=customer)
        if customer == "ann":
            cover = made["covers"][0]["cover_id"]
        if customer == "bob":
            extended = made["covers"][0]["cover_id"]
        if customer == "cat":
            late = made["covers"][0]["cover_id"]
    await suspended(shop, cover, "2025-02-10T10:00:00Z", "2025-02-20T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{extended}/extension", {"months": 1, "reason": "a gift"}))
    await suspended(shop, late, "2025-04-20T10:00:00Z", "2025-04-21T10:00:00Z")
    await refunded(shop, "o-dan")
    assert await balance(shop, "dan") == 0
    await shop.move_clock("2025-12-01T00:00:00Z")
    assert [await balance(shop, customer) for customer in ("ann", "bob", "cat", "dan")] == [120, 180, 120, 0]
    await sound(shop)


async def test_a_look_far_ahead_is_answered_or_refused(app: FastAPI, api: httpx.AsyncClient) -> None:
    endless = LICENSE.replace("{months: 1}", "{days: 1}")
    shop = await vendor_under(
        app,
        api,
        document(LICENSE.replace("hosted", "monthly").replace("edition: monthly", "edition: hosted") + endless),
    )
    await bought(shop, "monthly")
    await bought(shop, "hosted", "o2", customer="bob")
    assert await balance(shop, as_of="2030-01-31T10:00:00Z") == 5
    assert await balance(shop, "bob", as_of="2026-01-31T10:00:00Z") == 5
    for path in ("balance", "statement"):
        refused = await shop.get(f"/v1/customers/bob/{path}", as_of="2199-01-01T00:00:00Z")
        assert (refused.status_code, refused.json()["code"]) == (422, "instant_out_of_range")
