"""One Idempotency-Key at once for several customers: one of them has it, the others are told so (422), nobody 500."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import Any

import httpx

from tests.conftest import MakeVendor
from tests.support.api import Vendor

_numbers = itertools.count()
CUSTOMERS = 8


async def a_desk(vendor: MakeVendor) -> Vendor:
    shop = await vendor("avactis")
    for number in range(CUSTOMERS):
        answer = await shop.post(f"/v1/customers/c{number}/adjustments", {"credits": 100, "reason": "seed"})
        assert answer.status_code == 201
    return shop


def one_has_it(answers: list[httpx.Response]) -> None:
    said = Counter((one.status_code, one.json().get("code") if one.status_code >= 400 else None) for one in answers)
    assert sum(count for (status, _), count in said.items() if status < 300) == 1, said
    assert {one for one in said if one[0] >= 300} <= {(422, "idempotency_key_reused")}, said


async def spent(shop: Vendor) -> int:
    found = 0
    for number in range(CUSTOMERS):
        balance: dict[str, Any] = await shop.ok(await shop.get(f"/v1/customers/c{number}/balance"))
        found += 100 - int(balance["available"])
    return found


async def test_debits_of_eight_customers_with_one_key(vendor: MakeVendor) -> None:
    shop = await a_desk(vendor)
    for turn in range(1, 5):
        key = f"one-{next(_numbers)}"
        one_has_it(
            await asyncio.gather(
                *(shop.post(f"/v1/customers/c{number}/debits", {"credits": 1}, key=key) for number in range(CUSTOMERS))
            )
        )
        assert await spent(shop) == turn
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_debits_gathered_and_verbs_that_are_not_with_one_key(vendor: MakeVendor) -> None:
    shop = await a_desk(vendor)
    for _ in range(4):
        number = next(_numbers)
        key, tickets = f"mixed-{number}", [f"t{number}-{one}" for one in range(2)]
        for one, ticket in enumerate(tickets):
            body = {"customer_id": f"c{one}", "subject": "s", "channel": "helpdesk", "category": "general"}
            assert (await shop.put(f"/v1/tickets/{ticket}", body)).status_code == 201
        calls = [shop.post(f"/v1/customers/c{one}/debits", {"credits": 1}, key=key) for one in range(2, 5)]
        calls += [shop.post(f"/v1/tickets/{one}/withdrawal", {}, key=key) for one in tickets]
        one_has_it(await asyncio.gather(*calls))
    assert (await shop.ok(await shop.get("/v1/audit")))["data"] == []


async def test_batches_with_one_key(vendor: MakeVendor) -> None:
    shop = await a_desk(vendor)
    key = f"batch-{next(_numbers)}"
    bodies = [
        {"commands": [{"kind": "debit", "customer_id": f"c{one}", "credits": 1, "idempotency_key": key}]}
        for one in range(CUSTOMERS)
    ]
    answers = await asyncio.gather(*(shop.post("/v1/credit-batches", one, key=None) for one in bodies))
    results = [one.json()["results"][0] for one in answers]
    said = Counter((one["status"], one.get("code")) for one in results)
    assert said == {(201, None): 1, (422, "idempotency_key_reused"): CUSTOMERS - 1}
    assert await spent(shop) == 1
