"""A merge or an erasure beside any other write: the write is done before, or on the heir, or for nobody (404).

Both calls are let go at one moment: a third transaction holds the customers' rows until both wait for them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.databases import connect

ROUNDS = 4
_numbers = itertools.count()
Call = Callable[[], Awaitable[httpx.Response]]


def order(customer: str, order_id: str, sku: str = "license-owned") -> dict[str, Any]:
    return {
        "customer_id": customer,
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": sku, "quantity": 1, "list_price": "200.00", "unit_price": "200.00"}],
    }


def ticket(customer: str) -> dict[str, Any]:
    return {"customer_id": customer, "subject": f"about {customer}", "channel": "helpdesk", "category": "domain_change"}


async def pair(vendor: Vendor) -> tuple[str, str]:
    """Two customers with 200 credits each."""
    number = next(_numbers)
    names = f"a{number}", f"b{number}"
    for name in names:
        assert (await vendor.put(f"/v1/orders/o-{name}", order(name, f"o-{name}"))).status_code == 201
    return names


async def available(vendor: Vendor, customer: str) -> int:
    return int((await vendor.ok(await vendor.get(f"/v1/customers/{customer}/balance")))["available"])


async def at_once(url: str, vendor: Vendor, *calls: Call) -> list[httpx.Response]:
    """Start the calls one after another while the tenant's customers are locked; let go when all of them wait."""
    connection = await connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select set_config('app.tenant', $1, true)", vendor.tenant_id)
        await connection.fetch("select 1 from customer where tenant_id = $1 for update", vendor.tenant_id)
        running = []
        for call in calls:
            running.append(asyncio.create_task(call()))
            await asyncio.sleep(0.12)
        await transaction.rollback()
        return list(await asyncio.gather(*running))
    finally:
        await connection.close()


def merge(vendor: Vendor, source: str, target: str) -> Call:
    return lambda: vendor.post(f"/v1/customers/{source}/merge", {"into_customer_id": target})


async def sound(vendor: Vendor) -> None:
    assert (await vendor.ok(await vendor.get("/v1/audit")))["data"] == []


async def test_an_order_beside_a_merge_lands_on_the_heir(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    for first in (True, False) * (ROUNDS // 2):
        a, b = await pair(shop)
        calls = [merge(shop, a, b), lambda a=a: shop.put(f"/v1/orders/late-{a}", order(a, f"late-{a}"))]
        answers = await at_once(module_url, shop, *(calls if first else calls[::-1]))
        assert sorted(one.status_code for one in answers) == [200, 201]
        assert await available(shop, a) == await available(shop, b) == 600
    await sound(shop)


async def test_crossing_merges_make_one_account(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    for _ in range(ROUNDS):
        a, b = await pair(shop)
        answers = await at_once(module_url, shop, merge(shop, a, b), merge(shop, b, a))
        assert sorted(one.status_code for one in answers) == [200, 422]
        assert next(one.json()["code"] for one in answers if one.status_code == 422) == "merge_into_itself"
        assert await available(shop, a) == await available(shop, b) == 400
    await sound(shop)


async def test_chained_merges_keep_everything(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    for first in (True, False) * (ROUNDS // 2):
        a, b = await pair(shop)
        c, _ = await pair(shop)
        calls = [merge(shop, a, b), merge(shop, b, c)]
        answers = await at_once(module_url, shop, *(calls if first else calls[::-1]))
        assert [one.status_code for one in answers] == [200, 200]
        assert {await available(shop, name) for name in (a, b, c)} == {600}
    await sound(shop)


async def test_a_ticket_beside_a_merge_is_the_heirs_and_paid(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    for _ in range(ROUNDS):
        a, b = await pair(shop)
        merged, opened = await at_once(
            module_url, shop, merge(shop, a, b), lambda a=a: shop.put(f"/v1/tickets/t-{a}", ticket(a))
        )
        assert (merged.status_code, opened.status_code) == (200, 201)
        assert opened.json()["state"] == "in_progress"
        listed = await shop.ok(await shop.get("/v1/tickets", customer_id=b))
        assert [one["ticket_id"] for one in listed["data"]] == [f"t-{a}"]
        assert await available(shop, b) == 390
    await sound(shop)


async def test_a_refund_beside_a_merge_takes_back_what_it_should(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    for _ in range(ROUNDS):
        a, b = await pair(shop)
        merged, refunded = await at_once(
            module_url, shop, merge(shop, a, b), lambda a=a: shop.post(f"/v1/orders/o-{a}/refunds", {"refund_id": "r"})
        )
        assert (merged.status_code, refunded.status_code) == (200, 201)
        assert sum(one.get("credits", 0) for one in refunded.json()["taken_back"]) == 200
        assert await available(shop, b) == 200
    await sound(shop)


@pytest.mark.parametrize("verb", ["registration", "termination"])
async def test_a_license_beside_a_merge(vendor: MakeVendor, module_url: str, verb: str) -> None:
    shop = await vendor("avactis")
    a, b = await pair(shop)
    license_id = (await shop.get(f"/v1/customers/{a}")).json()["licenses"][0]["license_id"]
    body = {"domain": "shop.example"} if verb == "registration" else {}
    merged, done = await at_once(
        module_url, shop, merge(shop, a, b), lambda: shop.post(f"/v1/licenses/{license_id}/{verb}", body)
    )
    assert (merged.status_code, done.status_code) == (200, 200), done.text
    assert done.json()["customer_id"] == b
    await sound(shop)


async def test_credits_by_name_and_by_hold_beside_a_merge(vendor: MakeVendor, module_url: str) -> None:
    shop = await vendor("avactis")
    a, b = await pair(shop)
    debit = await shop.ok(await shop.post(f"/v1/customers/{a}/debits", {"credits": 50}))
    answers = await at_once(
        module_url,
        shop,
        merge(shop, a, b),
        lambda: shop.post(f"/v1/customers/{a}/debits", {"credits": 10}),
        lambda: shop.post(f"/v1/holds/{debit['hold_id']}/refund", {}),
        lambda: shop.post(f"/v1/customers/{a}/adjustments", {"credits": 5, "reason": "sorry"}),
    )
    assert [one.status_code for one in answers] == [200, 201, 200, 201], [one.text for one in answers]
    assert await available(shop, b) == 395
    await sound(shop)


async def test_all_names_of_an_erased_person_go(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    a, b = await pair(shop)
    c, _ = await pair(shop)
    for source, target in ((a, b), (b, c)):
        assert (await merge(shop, source, target)()).status_code == 200
    assert (await shop.post(f"/v1/customers/{b}/erasure")).status_code == 200
    for name, page in itertools.product((a, b, c), ("", "/balance", "/statement", "/entries", "/export")):
        assert (await shop.get(f"/v1/customers/{name}{page}")).status_code == 404, (name, page)
    for name in (a, b, c):
        spent = await shop.post(f"/v1/customers/{name}/debits", {"credits": 1})
        assert (spent.status_code, spent.json()["code"]) == (404, "customer_not_found")
        again = await shop.ok(await shop.put(f"/v1/orders/new-{name}", order(name, f"new-{name}")))
        assert again["customer_id"] == name
        assert await available(shop, name) == 200, "a new customer of that name"
    await sound(shop)


@pytest.mark.parametrize("first", ["erasure", "write"])
async def test_a_write_beside_an_erasure_is_done_before_it_or_for_a_new_customer(
    vendor: MakeVendor, module_url: str, first: str
) -> None:
    shop = await vendor("avactis")
    a, _ = await pair(shop)
    calls: list[Call] = [
        lambda: shop.post(f"/v1/customers/{a}/erasure"),
        lambda: shop.put(f"/v1/orders/late-{a}", order(a, f"late-{a}")),
        lambda: shop.put(f"/v1/tickets/t-{a}", ticket(a)),
        lambda: shop.post(f"/v1/customers/{a}/debits", {"credits": 1}),
    ]
    answers = await at_once(module_url, shop, *(calls if first == "erasure" else calls[1:] + calls[:1]))
    statuses = [one.status_code for one in answers]
    assert set(statuses) <= {200, 201, 404, 409}, statuses
    placed = await shop.ok(await shop.get(f"/v1/orders/late-{a}"))
    known = (await shop.get(f"/v1/customers/{a}")).status_code
    assert placed["customer_id"] == (a if known == 200 else None)
    found = await shop.get(f"/v1/tickets/t-{a}")
    assert (found.status_code == 200) == (known == 200)
    if known == 200:
        assert found.json()["customer_id"] == a
    await sound(shop)
