"""Accounts become one while tickets are open: holds move as they stand, and people stay who asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import MakeVendor
from tests.people.test_companies import act, amounts, ask, audited, buy, company, put, refused
from tests.support.api import Vendor


async def merge(shop: Vendor, former: str, into: str) -> dict[str, Any]:
    found: dict[str, Any] = await shop.ok(await shop.post(f"/v1/customers/{former}/merge", {"into_customer_id": into}))
    return found


async def test_a_merge_with_an_open_ticket_moves_what_it_holds(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "woo:17", "o-1")
    await buy(shop, "hd:5", "o-2")
    opened = await ask(shop, "hd:5", "t-1")
    joined = await merge(shop, "hd:5", "woo:17")
    assert (joined["totals"]["available"], joined["totals"]["held"]) == (95, 25)
    assert [row["ticket_id"] for row in joined["open_tickets"]] == ["t-1"]
    kept = await shop.ok(await shop.get("/v1/tickets/t-1"))
    assert (kept["customer_id"], kept["state"], kept["charge"]) == ("woo:17", "in_progress", opened["charge"])
    statement = await shop.ok(await shop.get("/v1/customers/woo:17/statement"))
    assert [(row["ticket_id"], row["credits"]) for row in statement["tickets_in_progress"]] == [("t-1", 25)]
    assert (statement["available"], statement["held"]) == (95, 25)
    story = (await shop.ok(await shop.get("/v1/explain/ticket/t-1")))["summary"]
    assert story.endswith("Held from the 60 points of order o-2.")  # once, though they lie in another lot by now
    await audited(shop)
    done = await act(shop, "t-1", "resolution", {"outcome": "answered", "cause": "question"})
    assert done["charge"] == {"held": 0, "captured": 25, "refunded": 0, "net": 25}
    assert await amounts(shop, "woo:17") == (95, 0)
    await act(shop, "t-1", "disputes", {"reason": "a bug"})
    await act(shop, "t-1", "disputes/1/decision", {"decision": "returned"})
    assert await amounts(shop, "hd:5") == (120, 0)
    back = await shop.ok(await shop.post("/v1/orders/o-2/refunds", {"refund_id": "r", "lines": []}, key=None), 201)
    assert sum(row["credits"] for row in back["taken_back"]) == 60
    assert await amounts(shop, "woo:17") == (60, 0)
    await audited(shop)


@pytest.mark.parametrize("verb", ["release", "capture", "part"])
async def test_a_hold_keeps_its_id_through_two_merges(vendor: MakeVendor, verb: str) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "cyd", "o-1")
    await buy(shop, "cyd", "o-2")
    await shop.ok(await shop.post("/v1/customers/cyd/adjustments", {"credits": 5, "reason": "x"}))
    held = await shop.ok(await shop.post("/v1/customers/cyd/holds", {"credits": 70}), 201)
    path = f"/v1/holds/{held['hold_id']}"
    if verb == "part":
        await shop.ok(await shop.post(f"{path}/release", {"credits": 10}))
    await merge(shop, "cyd", "bob")
    await merge(shop, "bob", "ann")
    left = 60 if verb == "part" else 70
    assert await amounts(shop, "ann") == (125 - left, left)
    await audited(shop)
    if verb == "release":
        done = await shop.ok(await shop.post(f"{path}/release", {}))
        assert (done["state"], done["credits"], done["customer_id"]) == ("released", 70, "ann")
        assert await amounts(shop, "cyd") == (125, 0)
    else:
        done = await shop.ok(await shop.post(f"{path}/capture", {"credits": 30, "final": True}))
        assert (done["captured"], done["held"]) == (30, 0)
        assert await amounts(shop, "ann") == (95, 0)
        back = await shop.ok(await shop.post(f"{path}/refund", {"credits": 30}))
        assert back["refunded"] == 30
        assert await amounts(shop, "ann") == (125, 0)
    entries = (await shop.ok(await shop.get("/v1/customers/ann/entries", limit=100)))["data"]
    assert sum(row["credits"] for row in entries if row["from"] == "world") == 125
    await audited(shop)


async def test_credits_of_a_refunded_order_that_were_held_are_gone_after_a_merge_too(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "bob", "o-1")
    await ask(shop, "bob", "t-1")
    back = await shop.ok(await shop.post("/v1/orders/o-1/refunds", {"refund_id": "r", "lines": []}, key=None), 201)
    assert [row["held"] for row in back["not_taken_back"]] == [25]
    await merge(shop, "bob", "ann")
    await act(shop, "t-1", "withdrawal")
    assert await amounts(shop, "ann") == (0, 0)
    await audited(shop)


async def test_an_expiry_finds_what_moved(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.ok(
        await shop.post(
            "/v1/customers/bob/adjustments", {"credits": 40, "reason": "x", "expires_at": "2025-02-01T00:00:00Z"}
        )
    )
    await ask(shop, "bob", "t-1")
    held = await shop.ok(
        await shop.post("/v1/customers/bob/holds", {"credits": 5, "expires_at": "2025-01-10T00:00:00Z"}), 201
    )
    await merge(shop, "bob", "ann")
    assert await amounts(shop, "ann") == (10, 30)
    await shop.move_clock("2025-01-11T00:00:00Z")
    assert await amounts(shop, "ann") == (15, 25)
    late = await shop.post(f"/v1/holds/{held['hold_id']}/capture", {})
    assert late.json()["code"] in ("hold_expired", "hold_wrong_state")
    await shop.move_clock("2025-02-02T00:00:00Z")
    assert await amounts(shop, "ann") == (0, 25)
    await act(shop, "t-1", "resolution", {"outcome": "answered", "cause": "question"})
    await audited(shop)


async def test_what_a_dispute_or_a_part_of_a_capture_sets_aside_is_in_the_way(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await buy(shop, "bob", "o-1")
    held = await shop.ok(await shop.post("/v1/customers/bob/holds", {"credits": 20}), 201)
    path = f"/v1/holds/{held['hold_id']}"
    await shop.ok(await shop.post(f"{path}/capture", {"credits": 5, "final": False}))
    facts = refused(await shop.post("/v1/customers/bob/merge", {"into_customer_id": "ann"}), 409, "merge_blocked")
    assert facts == {"held": 15, "hold_ids": [held["hold_id"]]}
    await shop.ok(await shop.post(f"{path}/release", {}))
    await merge(shop, "bob", "ann")
    assert await amounts(shop, "ann") == (55, 0)
    await audited(shop)


async def test_a_waiting_ticket_is_served_by_what_the_heir_has(vendor: MakeVendor) -> None:
    """The helpdesk's customer has nothing; the shop's customer bought: one person, joined with the ticket open."""
    shop = await vendor("x-cart")
    await buy(shop, "woo:17", "o-1")
    waiting = await ask(shop, "hd:5", "t-1")
    assert waiting["state"] == "awaiting_credits"
    await merge(shop, "hd:5", "woo:17")
    assert (await act(shop, "t-1", "details"))["state"] == "in_progress"
    assert await amounts(shop, "woo:17") == (35, 25)
    await audited(shop)


async def test_people_and_companies_are_merged_with_tickets_open(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await ask(shop, "ann", "t-1")
    await put(shop, "dora", name="Dora")
    await merge(shop, "ann", "dora")
    moved = await shop.ok(await shop.get("/v1/tickets/t-1"))
    assert (moved["customer_id"], moved["company_id"]) == ("dora", "acme")
    assert (await shop.ok(await shop.get("/v1/customers/dora")))["company_id"] == "acme"
    assert await amounts(shop, "dora") == (60, 0)
    await buy(shop, "beta", "o-beta")
    await merge(shop, "acme", "beta")
    moved = await shop.ok(await shop.get("/v1/tickets/t-1"))
    assert (moved["customer_id"], moved["company_id"]) == ("dora", "beta")
    assert await amounts(shop, "beta") == (95, 25)
    for who in ("dora", "bob"):
        assert (await shop.ok(await shop.get(f"/v1/customers/{who}")))["company_id"] == "beta"
    again = await ask(shop, "bob", "t-2")
    assert (again["company_id"], again["charge"]["held"]) == ("beta", 25)
    await act(shop, "t-1", "resolution", {"outcome": "answered", "cause": "question"})
    await merge(shop, "dora", "beta")
    own = await shop.ok(await shop.get("/v1/tickets/t-1"))
    assert (own["customer_id"], own["company_id"]) == ("beta", None)
    assert await amounts(shop, "beta") == (130, 25)
    await merge(shop, "beta", "bob")
    bob = await shop.ok(await shop.get("/v1/customers/bob"))
    assert (bob["company_id"], bob["totals"]["held"]) == (None, 25)
    assert (await shop.ok(await shop.get("/v1/tickets/t-2")))["company_id"] is None
    await audited(shop)


async def test_a_merge_makes_no_company_of_a_company(vendor: MakeVendor) -> None:
    shop = await company(vendor)
    await put(shop, "holding")
    await put(shop, "eve", company_id="holding")
    answer = await shop.post("/v1/customers/acme/merge", {"into_customer_id": "eve"})
    refused(answer, 409, "company_of_company")
    await merge(shop, "eve", "acme")
    assert (await shop.ok(await shop.get("/v1/customers/acme")))["company_id"] is None
    await audited(shop)


async def test_merges_beside_the_verbs_of_open_tickets(vendor: MakeVendor) -> None:
    """Whatever comes first, every credit lies once, and each ticket is paid by the account that it is on."""
    shop = await vendor("x-cart")
    for number in range(6):
        bob, ann = f"bob{number}", f"ann{number}"
        await buy(shop, bob, f"o-{bob}", sku="credits-1200")
        await buy(shop, ann, f"o-{ann}")
        await ask(shop, bob, f"t-{number}")
        verbs = (
            lambda n=number: shop.post(f"/v1/tickets/t-{n}/resolution", {"outcome": "answered", "cause": "question"}),
            lambda n=number: shop.post(f"/v1/tickets/t-{n}/withdrawal", {}),
            lambda n=number: shop.post(f"/v1/tickets/t-{n}/assessments", {"category": "level_3"}),
            lambda n=number: shop.post(f"/v1/orders/o-bob{n}/refunds", {"refund_id": "r", "lines": []}, key=None),
            lambda n=number: shop.post(f"/v1/customers/bob{n}/erasure", {}),
            lambda n=number: shop.post(f"/v1/customers/bob{n}/holds", {"credits": 7}),
        )
        found = await asyncio.gather(
            shop.post(f"/v1/customers/{bob}/merge", {"into_customer_id": ann}),
            verbs[number](),
            shop.put(f"/v1/customers/{bob}", {"name": "Bob"}),
        )
        assert all(one.status_code < 500 for one in found), [one.text for one in found]
        balance = await shop.get(f"/v1/customers/{ann}/balance")
        if balance.status_code == 404:  # erased under the name that leads to it by then
            assert verbs[number] is verbs[4]
        else:
            assert balance.json()["available"] + balance.json()["held"] <= 1260
        await audited(shop)
