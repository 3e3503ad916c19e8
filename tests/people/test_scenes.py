"""Where two things meet that each have their own tests: work and transfers, priorities, caps and merges."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from tests.prices.shop import DOCUMENT, available, resolved, supplied, vendor_under, worked
from tests.support.api import Vendor
from tests.support.vendors import opened

GIVEN = DOCUMENT.replace(
    "split_clause: D-6", "split_clause: D-6\ntransfer: {allowed: true, clause: D-1, message: Credits may be given.}"
)
PROMISED = DOCUMENT.replace(
    "outcomes:",
    """promises:
  - milestone: first_response
    target: "business_seconds:3600"
    starts: opened
    stops: [vendor_response]
    clause: D-8
    breach_returns_credits: 20
    retracted_breach: takes_back
    breach_cap: {credits: 30, per: month, clause: D-8}
outcomes:""",
    1,
)


async def _lots(shop: Vendor, customer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.ok(await shop.get(f"/v1/customers/{customer}/balance")))["lots"]
    return found


async def test_work_goes_on_after_the_lot_that_pays_was_given_away(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, GIVEN)
    await supplied(shop, credits_=40)
    await opened(shop, "T-1", "hours", agreed_up_to=12)
    await worked(shop, "T-1", 60)
    await shop.ok(await shop.put("/v1/customers/ben", {"name": "Ben"}))
    (lot,) = await _lots(shop, "ann")
    given = await shop.post(f"/v1/lots/{lot['lot_id']}/transfer", {"to_customer_id": "ben"})
    assert given.status_code in (200, 201), given.text
    assert (await available(shop), await available(shop, "ben")) == (0, 28)  # what is held stays with the ticket
    ticket = await worked(shop, "T-1", 60)
    assert (ticket["price"], ticket["charge"]["held"]) == (8, 12)
    beyond = await shop.post("/v1/tickets/T-1/work", {"minutes": 120})
    assert (beyond.status_code, beyond.json()["code"]) == (409, "work_beyond_limit")
    corrected = await worked(shop, "T-1", 15, corrects=1)
    assert corrected["price"] == 5  # one block and four
    done = await resolved(shop, "T-1")
    assert done["charge"]["held"] == 0
    assert done["charge"]["net"] == done["price"]
    assert await available(shop) == 12 - done["price"]
    bug = await shop.ok(await shop.post("/v1/tickets/T-1/cause", {"cause": "software_bug", "reason": "ours"}))
    assert bug["charge"]["net"] == 0
    assert (await available(shop), await available(shop, "ben")) == (12, 28)


async def test_a_priority_that_changed_beside_a_merge_of_tickets(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api)
    await supplied(shop)
    await opened(shop, "T-1", "question", priority="low")
    await opened(shop, "T-2", "question", priority="low", channel="phone")
    dearer = await shop.post("/v1/tickets/T-2/details", {"priority": "high"})
    assert dearer.status_code == 200, dearer.text
    await shop.ok(await shop.post("/v1/tickets/T-2/merge", {"into_ticket_id": "T-1"}))
    gone = (await shop.get("/v1/tickets/T-2")).json()
    assert (gone["state"], gone["charge"]["held"], gone["charge"]["net"]) == ("withdrawn", 0, 0)
    stays = (await shop.get("/v1/tickets/T-1")).json()
    assert (stays["priority"], stays["price"], stays["charge"]["held"]) == ("low", 6, 6)
    await shop.ok(await shop.post("/v1/tickets/T-1/details", {"priority": "high"}))
    asked = (await shop.get("/v1/tickets/T-1")).json()
    assert asked["priority"] == "high"
    waiting = [row["number"] for row in asked["assessments"] if row["status"] == "awaiting_confirmation"]
    if waiting:  # dearer than agreed: the customer is asked, and the old price stands meanwhile
        assert asked["charge"]["held"] == 6
        path = f"/v1/tickets/T-1/assessments/{waiting[-1]}/confirmation"
        asked = await shop.ok(await shop.post(path, {"accept": True}))
    assert (asked["price"], asked["charge"]["held"]) == (9, 9)
    assert await available(shop) == 91


async def test_a_cap_of_breach_credits_holds_over_two_accounts_that_become_one(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await vendor_under(app, api, PROMISED)
    await supplied(shop, "ann", 10, "o1")
    await supplied(shop, "ben", 10, "o2")
    await opened(shop, "T-1", "bug", "ann")
    await opened(shop, "T-2", "bug", "ben")
    await shop.move_clock("2025-03-03T09:30:00Z")
    assert (await available(shop, "ann"), await available(shop, "ben")) == (30, 30)
    await opened(shop, "T-3", "bug", "ben")
    await shop.ok(await shop.post("/v1/customers/ben/merge", {"into_customer_id": "ann"}))
    assert await available(shop, "ann") == 60
    await shop.move_clock("2025-03-03T11:00:00Z")  # the third breach: the month has brought 40 already
    assert await available(shop, "ann") == 60
    await opened(shop, "T-4", "bug", "ann")
    await shop.move_clock("2025-04-01T09:00:00Z")  # it was breached in March
    assert await available(shop, "ann") == 60
    await opened(shop, "T-5", "bug", "ann")
    await shop.move_clock("2025-04-02T09:00:00Z")
    assert await available(shop, "ann") == 80


async def test_a_breach_that_was_none_is_taken_back_after_a_merge(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await vendor_under(app, api, PROMISED)
    await supplied(shop, "ann", 10, "o1")
    await opened(shop, "T-1", "bug", "ben")
    await shop.move_clock("2025-03-03T09:30:00Z")
    assert await available(shop, "ben") == 20
    await shop.ok(await shop.post("/v1/customers/ben/merge", {"into_customer_id": "ann"}))
    assert await available(shop, "ann") == 30
    answered = {"author": "vendor", "kind": "service", "public": True, "occurred_at": "2025-03-03T08:30:00Z"}
    await shop.ok(await shop.post("/v1/tickets/T-1/responses", answered))
    assert await available(shop, "ann") == 10
    for number in (2, 3):
        await opened(shop, f"T-{number}", "bug", "ann")
    await shop.move_clock("2025-03-03T12:00:00Z")
    assert await available(shop, "ann") == 40  # 20 and 10: what was taken back does not count
