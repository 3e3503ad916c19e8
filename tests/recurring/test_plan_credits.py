"""Credits that are good as long as a plan runs, over HTTP."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.recurring.shop import ANN, balance, bought, document, plan, spent, vendor_under
from tests.support.vendors import refunded, sound, told

PLAN = """
  - sku: plan
    title: A plan
    kind: cover
    clause: A-1
    price: {amount: "100.00", clause: A-1}
    grants: [{kind: cover, rule: maintenance, clause: A-1, start: after_current, term: {years: 1}, actions: [plan]}]
  - sku: hours
    title: Hours that live with the plan
    kind: credits
    clause: A-1
    price: {amount: "50.00", clause: A-1}
    grants: [{kind: credits, rule: hours, clause: A-1, credits: 40, ends_with: [maintenance], expires_clause: A-2}]
  - sku: short-hours
    title: Hours for half a year at most
    kind: credits
    clause: A-1
    price: {amount: "20.00", clause: A-1}
    grants:
      - {kind: credits, rule: short, clause: A-1, credits: 5, expires: {months: 6}, ends_with: [maintenance]}
"""
MONTHLY = plan("monthly", "runs_with: plan, at_renewal: accumulate", term="{months: 3}", more="ends_with: [plan]")


async def test_credits_lapse_with_the_plan_and_a_renewal_extends_them(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    await bought(shop, "plan", "p1")
    lot = (await bought(shop, "hours", "h1"))["lots"][0]
    assert lot["expires_at"] == "2026-01-31T10:00:00Z"
    assert (await bought(shop, "short-hours", "s1"))["lots"][0]["expires_at"] == "2025-07-31T09:00:00Z"
    await spent(shop, 15)
    await shop.move_clock("2026-01-15T00:00:00Z")
    await bought(shop, "plan", "p2", at="2026-01-15T00:00:00Z")
    found = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    assert [(row["available"], row["expires_at"]) for row in found] == [(30, "2027-01-31T10:00:00Z")]
    extended = [event["data"] for event in await told(shop, "credits.extended")]
    assert [(row["credits"], row["expires_at"]) for row in extended] == [(30, "2027-01-31T10:00:00Z")]
    before = await shop.ok(await shop.get(f"{ANN}/balance", as_of="2026-01-10T00:00:00Z"))
    assert [row["expires_at"] for row in before["lots"]] == ["2026-01-31T10:00:00Z"]
    await shop.move_clock("2027-01-31T09:59:59Z")
    assert await balance(shop) == 30
    await shop.move_clock("2027-01-31T10:00:00Z")
    assert await balance(shop) == 0
    await sound(shop)
    assert len(await told(shop, "credits.expired")) == 1
    await bought(shop, "plan", "p3", at="2027-01-31T10:00:00Z")
    assert await balance(shop) == 0  # what has ended stays ended
    await sound(shop)


async def test_a_refunded_renewal_shortens_them_again(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    await bought(shop, "plan", "p1")
    await bought(shop, "hours", "h1")
    await bought(shop, "plan", "p2")
    assert (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"][0]["expires_at"] == "2027-01-31T10:00:00Z"
    await refunded(shop, "p2", refund="r2")
    assert (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"][0]["expires_at"] == "2026-01-31T10:00:00Z"
    await shop.move_clock("2025-06-01T00:00:00Z")
    await refunded(shop, "p1", refund="r1")  # the plan ends at once, and so do they
    assert await balance(shop) == 0
    await sound(shop)


async def test_without_a_plan_they_wait_for_the_next_one(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    assert (await bought(shop, "hours", "h1"))["lots"][0]["expires_at"] is None
    await shop.move_clock("2025-05-01T00:00:00Z")
    await bought(shop, "plan", "p1", at="2025-05-01T00:00:00Z")
    assert (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"][0]["expires_at"] == "2026-05-01T00:00:00Z"
    await sound(shop)


async def test_while_the_plan_is_suspended_they_have_no_end(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    cover = (await bought(shop, "plan", "p1"))["covers"][0]["cover_id"]
    await bought(shop, "hours", "h1")
    await shop.move_clock("2025-12-31T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{cover}/suspension", {"reason": "a break"}))
    assert (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"][0]["expires_at"] is None
    await shop.move_clock("2026-03-01T10:00:00Z")
    await shop.ok(await shop.post(f"/v1/covers/{cover}/resumption", {"reason": "back"}))
    assert (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"][0]["expires_at"] == "2026-04-01T10:00:00Z"
    await sound(shop)


async def test_credits_of_each_month_end_with_the_plan_too(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(MONTHLY))
    await bought(shop, "monthly", "m1")
    await shop.move_clock("2025-03-01T00:00:00Z")
    lots = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    assert [row["expires_at"] for row in lots] == ["2025-04-30T09:00:00Z"] * 2
    await bought(shop, "monthly", "m2", at="2025-03-01T00:00:00Z")
    await shop.move_clock("2025-05-01T00:00:00Z")
    lots = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    assert [row["expires_at"] for row in lots] == ["2025-07-30T09:00:00Z"] * 4
    await shop.move_clock("2025-08-01T00:00:00Z")
    assert await balance(shop) == 0
    await sound(shop)


@pytest.mark.parametrize(("more", "code"), [("ends_with: [nothing]", "ends_with_nothing")])
def test_a_plan_that_nobody_sells_is_found(more: str, code: str) -> None:
    loaded = load_document(document(plan("odd", more=more)))
    assert [finding.code for finding in check_policy(loaded.policy, loaded.marks)] == [code]


async def test_a_plan_that_is_refunded_as_it_begins_ends_no_credits(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    await bought(shop, "hours", "h1")
    await shop.move_clock("2025-03-01T00:00:00Z")
    await bought(shop, "plan", "p1", at="2025-03-01T00:00:00Z")
    await refunded(shop, "p1")
    assert await balance(shop) == 40  # they wait for the next plan
    await sound(shop)
    await bought(shop, "plan", "p2", at="2025-03-01T00:00:00Z")
    (lot,) = (await shop.ok(await shop.get(f"{ANN}/balance")))["lots"]
    assert (lot["available"], lot["expires_at"]) == (40, "2026-03-01T00:00:00Z")
    await shop.move_clock("2025-03-02T00:00:00Z")
    await refunded(shop, "p2")
    assert await balance(shop) == 0
    await sound(shop)


@pytest.mark.parametrize("into", ["ann", "bea"])
async def test_two_accounts_that_become_one_have_one_plan(app: FastAPI, api: httpx.AsyncClient, into: str) -> None:
    shop = await vendor_under(
        app, api, document(PLAN + MONTHLY.replace("ends_with: [plan]", "ends_with: [maintenance]"))
    )
    await bought(shop, "plan", "p1")
    await bought(shop, "hours", "h1")
    await bought(shop, "monthly", "m1")
    at = "2025-11-01T00:00:00Z"
    await shop.move_clock(at)
    await bought(shop, "plan", "p2", at=at, customer="bea")
    await bought(shop, "hours", "h2", at=at, customer="bea")
    gone = {"ann": "bea", "bea": "ann"}[into]
    await shop.ok(await shop.post(f"/v1/customers/{gone}/merge", {"into_customer_id": into}))
    lots = (await shop.ok(await shop.get(f"/v1/customers/{into}/balance")))["lots"]
    assert {lot["expires_at"] for lot in lots} == {"2026-11-01T00:00:00Z"}, lots
    await sound(shop)
    await shop.move_clock("2026-06-01T00:00:00Z")  # past the first plan's end
    assert await balance(shop, into) == sum(lot["available"] for lot in lots)
    await sound(shop)
    await refunded(shop, "p2")
    assert await balance(shop, into) == 0
    await sound(shop)


async def test_what_is_spent_and_bound_at_one_instant_was_spent_in_order(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    await bought(shop, "pack", "k1")
    await bought(shop, "hours", "h1")
    await spent(shop, 50)  # neither has an end yet, so what came first went first
    await bought(shop, "plan", "p1")
    await sound(shop)


async def test_what_is_spent_as_its_plan_is_refunded_was_good_then(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, document(PLAN))
    await bought(shop, "plan", "p1")
    await bought(shop, "hours", "h1")
    await shop.move_clock("2025-03-01T00:00:00Z")
    hold = await shop.ok(await shop.post(f"{ANN}/holds", {"credits": 5}))
    await shop.ok(await shop.post(f"/v1/holds/{hold['hold_id']}/release", {"credits": 2}))
    await spent(shop, 10)
    await refunded(shop, "p1")
    assert await balance(shop) == 0
    await sound(shop)
