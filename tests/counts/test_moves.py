"""What moves a count later: a cause, a correction, a withdrawal, a merge; who is counted; two at the same time."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from tests.counts.shop import DOCUMENT, ask, counting, counts_of, done
from tests.support.api import Vendor


async def used(shop: Vendor, customer: str = "ann", **params: str) -> int:
    """How many incidents the answer counts."""
    answer = await shop.get(f"/v1/customers/{customer}/entitlements/open_ticket", explain="true", **params)
    found = await shop.ok(answer)
    return int(found["reasons"][0]["facts"]["counts"][0]["used"])


async def test_a_bug_does_not_count_and_a_corrected_cause_moves_the_count(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1")
    assert await used(shop) == 1
    await done(shop, "T-1", "software_bug")
    assert await used(shop) == 0
    await shop.move_clock("2026-01-02T00:00:00Z")
    await shop.ok(await shop.post("/v1/tickets/T-1/cause", {"cause": "other", "reason": "their own code"}))
    assert await used(shop) == 1
    assert await used(shop, as_of="2026-01-01T12:00:00Z") == 0
    await shop.ok(await shop.post("/v1/tickets/T-1/reopening", {"reason": "still there"}))
    assert await used(shop) == 1


async def test_a_withdrawn_ticket_gives_its_place_back_unless_the_policy_counts_it(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1")
    await shop.ok(await shop.post("/v1/tickets/T-1/withdrawal"))
    assert await used(shop) == 0
    kept = DOCUMENT.replace("within: {days: 365}", "within: {days: 365}\n    withdrawn: counted")
    strict = await counting(app, api, kept)
    await ask(strict, "T-1")
    await strict.ok(await strict.post("/v1/tickets/T-1/withdrawal"))
    assert await used(strict) == 1


async def test_two_tickets_that_become_one_count_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1")
    await ask(shop, "T-2")
    assert await used(shop) == 2
    await shop.ok(await shop.post("/v1/tickets/T-2/merge", {"into_ticket_id": "T-1"}))
    assert await used(shop) == 1


async def test_two_accounts_that_become_one_are_counted_as_one(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1", customer="ann")
    await ask(shop, "T-2", customer="ben")
    await ask(shop, "T-3", customer="ben")
    await shop.ok(await shop.post("/v1/customers/ben/merge", {"into_customer_id": "ann"}))
    assert await used(shop) == 3
    assert (await ask(shop, "T-4"))["state"] == "rejected"


async def test_open_at_once_is_counted_by_person_and_the_rest_by_company(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await shop.ok(await shop.put("/v1/customers/acme", {"name": "Acme"}))
    for person in ("ann", "ben"):
        await shop.ok(await shop.put(f"/v1/customers/{person}", {"company_id": "acme"}))
    for number in (1, 2):
        await ask(shop, f"T-{number}", "question", "ann")
    refused = await ask(shop, "T-3", "question", "ann")
    assert refused["reasons"][0]["code"] == "too_many_open"
    assert refused["remedies"][0]["text"] == ("2 of 2 tickets are open; the next is free once one of them is closed.")
    assert (await ask(shop, "T-4", "question", "ben"))["state"] == "in_progress"
    await done(shop, "T-1")
    assert (await ask(shop, "T-5", "question", "ann"))["state"] == "in_progress"
    for number in (6, 7):
        await ask(shop, f"T-{number}", "incident", "ann")
    await ask(shop, "T-8", "incident", "ben")
    assert (await used(shop, "ann"), await used(shop, "ben")) == (3, 3)
    assert (await ask(shop, "T-9", "incident", "ben"))["state"] == "rejected"


async def test_two_openings_at_once_take_the_last_place_once(app: FastAPI, api: httpx.AsyncClient) -> None:
    shop = await counting(app, api)
    await ask(shop, "T-1")
    answers = await asyncio.gather(*(ask(shop, f"T-{number}") for number in range(2, 12)))
    states = sorted(answer["state"] for answer in answers)
    assert states == ["in_progress"] * 2 + ["rejected"] * 8
    assert {counts_of(answer)["used"] for answer in answers if answer["state"] == "rejected"} == {3}


async def test_an_answer_says_what_was_used_and_the_ticket_what_stood_before_it(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    shop = await counting(app, api)
    for number in (1, 2):
        await ask(shop, f"T-{number}")
    explained = (await shop.get("/v1/explain/ticket/T-2")).json()
    assert "Incidents used before it since 1 January 2026: 1 (N-2)." in str(explained)
    denied = await ask(shop, "T-3")
    assert denied["state"] == "in_progress"
    path = "/v1/customers/ann/entitlements/open_ticket"
    answer = await shop.ok(await shop.get(path))
    assert answer["allowed"] is False
    assert answer["reasons"][0]["message"] == "3 incidents were used in 365 days."
    assert answer["reasons"][0]["would_change"] == "waiting until 1 January 2027, 10:00 CET"
    assert answer["remedies"][0]["helps_at"] == "2027-01-01T09:00:00Z"
