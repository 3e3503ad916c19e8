"""A payment dispute that is won after its customer was merged gives back what it would have without the merge.

What a ticket holds moves with the merge, and so does the claim that the lost dispute has on it.
"""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.inbound.test_payment_disputes import clean, deliver, dispute, session
from tests.recurring.shop import document, plan, vendor_under
from tests.support import shops
from tests.support.api import Vendor

TEXT = document(plan("year", credits_=10)).replace("currency: EUR", "currency: USD")
WHO, HEIR = "shop:17", "heir"
CENTS = {"pack": 1000, "year": 10000}
ENDS = {"withdrawn": ("withdrawal", {}), "resolved": ("resolution", {"outcome": "answered", "cause": "other"})}


async def merged(shop: Vendor) -> None:
    await shop.ok(await shop.put(f"/v1/customers/{HEIR}", {"name": "The same person"}), 201)
    await shop.ok(await shop.post(f"/v1/customers/{WHO}/merge", {"into_customer_id": HEIR}))
    await clean(shop)


async def ended(shop: Vendor, how: str) -> None:
    path, body = ENDS[how]
    await shop.ok(await shop.post(f"/v1/tickets/t1/{path}", body))
    await clean(shop)


async def story(app: FastAPI, api: httpx.AsyncClient, sku: str, steps: list[str]) -> list[tuple[int, int]]:
    """Play steps after an order of 10 credits with a ticket of 6. Return available and held from the win on."""
    shop = await vendor_under(app, api, TEXT, now="2025-03-02T00:00:00Z")
    body = {"kind": "stripe", "secret": shops.SECRET}
    path = (await shop.ok(await shop.put("/v1/sources/shop", body), 201))["path"]
    assert (await deliver(shop, path, session(sku, 1, CENTS[sku])))["state"] == "done"
    asked = {"customer_id": WHO, "subject": "Help", "channel": "helpdesk", "category": "question"}
    assert (await shop.ok(await shop.put("/v1/tickets/t1", {**asked, "pay_with": "credits"})))["state"] == "in_progress"
    who, found = WHO, []
    for number, step in enumerate(steps, 1):
        if step == "merged":
            await merged(shop)
            who = HEIR
        elif step in ENDS:
            await ended(shop, step)
        else:
            assert (await deliver(shop, path, dispute(step, number=number, amount=CENTS[sku])))["state"] == "done"
            await clean(shop)
        if "won" in steps[:number]:
            balance = await shop.ok(await shop.get(f"/v1/customers/{who}/balance"))
            found.append((balance["available"], balance["held"]))
    return found


@pytest.mark.parametrize("sku", ["pack", "year"])
@pytest.mark.parametrize("how", sorted(ENDS))
async def test_a_merge_changes_nothing_of_what_a_won_dispute_gives_back(
    app: FastAPI, api: httpx.AsyncClient, sku: str, how: str
) -> None:
    """What the ticket holds or has spent is not given anew, whenever the ticket ends."""
    left = {"withdrawn": (10, 0), "resolved": (4, 0)}[how]
    assert await story(app, api, sku, ["lost", "merged", "won", how]) == [(4, 6), left]
    assert await story(app, api, sku, ["lost", "merged", how, "won"]) == [left]
    assert await story(app, api, sku, ["lost", how, "merged", "won"]) == [left]


async def test_a_dispute_that_is_lost_and_won_again_after_a_merge(app: FastAPI, api: httpx.AsyncClient) -> None:
    steps = ["lost", "merged", "won", "lost", "won", "resolved"]
    assert await story(app, api, "pack", steps) == [(4, 6), (0, 6), (4, 6), (4, 0)]
