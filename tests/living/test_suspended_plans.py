"""Plans that are suspended: their time stands or runs on, and what becomes of their credits, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.recurring.shop import ANN, TAIL, balance, bought, document, plan, vendor_under
from tests.support.api import Vendor
from tests.support.vendors import sound, told

RUNS_ON = TAIL.replace("cover: {suspensions: 3,", "cover: {suspensions: 3, suspended_time: runs_on,")


async def suspend(shop: Vendor, cover: str, at: str) -> Any:
    """A suspension at an instant."""
    await shop.move_clock(at)
    return await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {"reason": "a break"}))


async def resume(shop: Vendor, cover: str, at: str) -> Any:
    """A resumption at an instant."""
    await shop.move_clock(at)
    return await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"}))


async def test_where_time_runs_on_the_end_stays(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(tail=RUNS_ON))
    cover = (await bought(shop, "keep", "o1"))["covers"][0]["cover_id"]
    found = await suspend(shop, cover, "2025-02-10T10:00:00Z")
    assert (found["state"], found["ends_at"]) == ("suspended", "2026-01-31T10:00:00Z")
    denied = await shop.ok(await shop.get(f"{ANN}/entitlements/plan"))
    assert denied["allowed"]
    found = await resume(shop, cover, "2025-04-10T10:00:00Z")
    assert (found["state"], found["ends_at"]) == ("running", "2026-01-31T10:00:00Z")
    assert await balance(shop) == 180, "credits came as ever"
    await suspend(shop, cover, "2025-12-01T00:00:00Z")
    await shop.move_clock("2026-01-31T10:00:00Z")
    late = await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"})
    assert (late.status_code, late.json()["code"]) == (409, "not_suspended")
    assert [event["occurred_at"] for event in await told(shop, "cover.ended")] == ["2026-01-31T10:00:00Z"]
    story = await shop.ok(await shop.get(f"/v1/explain/cover/{cover}"))
    assert "its time ran on meanwhile" in str(story)
    await sound(shop)


@pytest.mark.parametrize(
    "recurs", ["runs_with: plan", "runs_with: plan, at_renewal: rollover, rollover: {intervals: 1}"]
)
async def test_credits_that_end_at_a_renewal_wait_with_the_plan(
    app: FastAPI, api: httpx.AsyncClient, recurs: str
) -> None:
    shop = await vendor_under(app, api, document(plan("plan", recurs)))
    cover = (await bought(shop, "plan", "o1"))["covers"][0]["cover_id"]
    await suspend(shop, cover, "2025-02-10T10:00:00Z")
    (lot,) = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    assert lot["expires_at"] is None
    await shop.move_clock("2025-03-20T00:00:00Z")
    assert await balance(shop) == 60, "no day without credits"
    await resume(shop, cover, "2025-03-20T10:00:00Z")
    (lot,) = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    renewals = ("2025-04-07T10:00:00Z", "2025-05-07T10:00:00Z")
    assert lot["expires_at"] == renewals["rollover" in recurs], "the renewal comes 38 days later"
    await shop.move_clock("2025-04-07T09:59:59Z")
    assert await balance(shop) == 60
    await shop.move_clock("2025-04-07T10:00:00Z")
    assert await balance(shop) == (60 if "rollover" not in recurs else 120)
    before = await shop.ok(await shop.get(f"{ANN}/balance", as_of="2025-02-01T00:00:00Z"))
    assert before["lots"][0]["expires_at"] is not None
    await sound(shop)


async def test_a_policy_may_let_them_end_all_the_same(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(plan("plan", "runs_with: plan, while_suspended: ends")))
    cover = (await bought(shop, "plan", "o1"))["covers"][0]["cover_id"]
    await suspend(shop, cover, "2025-02-10T10:00:00Z")
    await shop.move_clock("2025-03-20T00:00:00Z")
    assert await balance(shop) == 0
    await sound(shop)


async def test_a_plan_that_is_refunded_while_suspended_leaves_nothing(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(plan("plan")))
    cover = (await bought(shop, "plan", "o1"))["covers"][0]["cover_id"]
    await suspend(shop, cover, "2025-02-10T10:00:00Z")
    refund = {"refund_id": "r1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "regret"}
    await shop.ok(await shop.post("/v1/orders/o1/refunds", refund, key=None))
    assert await balance(shop) == 0
    await sound(shop)


async def test_credits_that_live_with_the_plan_wait_too(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(plan("plan", more="ends_with: [plan]", term="{months: 2}")))
    cover = (await bought(shop, "plan", "o1"))["covers"][0]["cover_id"]
    await shop.move_clock("2025-03-15T10:00:00Z")
    await suspend(shop, cover, "2025-03-20T09:00:00Z")
    await resume(shop, cover, "2025-04-20T09:00:00Z")
    (lot,) = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    ends = (await shop.ok(await shop.get(ANN)))["covers"][0]["ends_at"]
    assert lot["expires_at"] == ends
    await sound(shop)
