"""A simulation knows counts, plans, people, recurring grants and credits that live, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.living.shop import DOCUMENT, NOW, bought
from tests.living.test_limits import COUNT, asks, company
from tests.policies.test_simulate import simulate
from tests.support.vendors import opened, vendor_under


def changes(found: Any) -> dict[str, tuple[Any, Any]]:
    """What comes out otherwise, before and after, by id."""
    assert found["complete"]
    assert found["errors"] == []
    return {row["id"]: (row["before"], row["after"]) for row in found["differences"]}


async def test_a_new_count_refuses_what_goes_beyond_it(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "credits-100", "o1")
    for number in range(3):
        await opened(shop, f"t{number}")
    draft = DOCUMENT.replace(
        "qualification: {by: rules, clause: L-1}",
        "counts: [{count: asked, title: questions, clause: L-1, each: month}]\n"
        "qualification: {by: rules, clause: L-1, checks: [{check: c, code: too_many, clause: L-1, message: No.,"
        " require: {fact: count.asked, op: lt, value: 2}}]}",
    )
    found = changes(await simulate(shop, draft))
    assert list(found) == ["t2"]
    assert (found["t2"][1]["state"], found["t2"][1]["reasons"]) == ("rejected", ["too_many"])


async def test_recurring_grants_and_plans_are_compared(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "plan", "p1")
    await shop.move_clock("2025-05-10T00:00:00Z")
    draft = DOCUMENT.replace("credits: 20\n        recurs", "credits: 25\n        recurs").replace(
        "offers:\n", "plans: [{plan: care, title: Care, clause: L-4}]\noffers:\n", 1
    )
    draft = draft.replace("term: {years: 1}, actions: [plan]}", "term: {years: 1}, actions: [plan], plan: care}")
    (before, after) = changes(await simulate(shop, draft))["p1"]
    assert [row["credits"] for row in before["recurring_grants"]] == [20]
    assert [row["credits"] for row in after["recurring_grants"]] == [25]
    assert [row["plan"] for row in after["covers"]] == ["care"]


async def test_people_of_a_company_have_limits_of_their_own(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await company(app, api, DOCUMENT)
    for ticket, person in (("t1", "pia"), ("t2", "pia"), ("t3", "pia"), ("t4", "quinn")):
        assert (await asks(shop, person, ticket))["state"] == "in_progress"
    found = changes(await simulate(shop, DOCUMENT.replace("categories:\n", f"{COUNT}\ncategories:\n", 1)))
    assert list(found) == ["t3"]
    assert found["t3"][1]["reasons"] == ["credit_limit_reached"]


async def test_credits_for_a_kind_of_work_and_an_overdraft(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "credits-10", "o1")
    await opened(shop, "t1")
    await opened(shop, "t2")
    pack = "{kind: credits, rule: pack, clause: L-1}"
    kept = changes(await simulate(shop, DOCUMENT.replace(pack, pack.replace("}", ", categories: [training]}"))))
    assert (kept["t1"][1]["state"], kept["o1"][1]["lots"][0]["categories"]) == ("awaiting_credits", ["training"])
    overdraft = "credits:\n  clause: L-1\n  overdraft: {most: 5, against: anything, clause: L-1}\n"
    drawn = changes(await simulate(shop, DOCUMENT.replace("credits:\n  clause: L-1\n", overdraft)))
    assert drawn["t2"][1]["state"] == "in_progress"


async def test_what_was_taken_by_hand_is_taken_again(app: FastAPI, api: httpx.AsyncClient) -> None:
    """The same policy comes out the same after debits, and holds captured, released, given back or run out."""
    shop = await vendor_under(app, api, DOCUMENT, now=NOW)
    await bought(shop, "credits-100", "o1")
    account = "/v1/customers/ann"
    await shop.ok(await shop.post(f"{account}/debits", {"credits": 20}))
    ends = "2025-03-03T12:00:00Z"
    made = [await shop.ok(await shop.post(f"{account}/holds", {"credits": 25, "expires_at": ends})) for _ in range(2)]
    hold = f"/v1/holds/{made[0]['hold_id']}"
    await shop.ok(await shop.post(f"{hold}/capture", {"credits": 15}))
    await shop.ok(await shop.post(f"{hold}/refund", {"credits": 3}))
    await shop.ok(await shop.post(f"{hold}/release", {}))
    await shop.move_clock("2025-03-04T10:00:00Z")
    await shop.ok(await shop.post(f"{account}/debits", {"credits": 60}))
    await opened(shop, "t1")
    await opened(shop, "t2")
    left = (await shop.ok(await shop.get(f"{account}/balance")))["available"]
    states = [(await shop.ok(await shop.get(f"/v1/tickets/{name}")))["state"] for name in ("t1", "t2")]
    assert (left, states) == (2, ["in_progress", "awaiting_credits"])
    assert changes(await simulate(shop, DOCUMENT)) == {}
    dear = DOCUMENT.replace("price: {kind: fixed, credits: 6}", "price: {kind: fixed, credits: 9}")
    dearer = changes(await simulate(shop, dear))
    assert dearer["t1"][1]["state"] == "awaiting_credits"
