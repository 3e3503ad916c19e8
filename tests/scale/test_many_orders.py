"""Ten thousand orders and as many debits, nearly all alike: a list of the few others reads a few pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from fastapi import FastAPI

from bench import crowd
from tests.support import buffers, databases
from tests.support.api import Vendor, make_vendor

MOST: Final = 300
"""Buffers that a statement may read for a page of twenty rows."""
COPIES: Final = 1_000
T0: Final = "2025-06-10T15:00:00Z"


async def _bought(shop: Vendor, customer: str, order: str, placed: str, *skus: str) -> None:
    lines = [{"line_id": str(n), "sku": sku} for n, sku in enumerate(skus)]
    body = {"customer_id": customer, "placed_at": placed, "currency": "USD", "lines": lines}
    await shop.ok(await shop.put(f"/v1/orders/{order}", body), 201)


@pytest_asyncio.fixture(scope="module")
async def large(app: FastAPI, module_url: str) -> AsyncIterator[Vendor]:
    """The tenant, filled; one customer alone has orders and holds that are otherwise, all older than the rest."""
    shop = await make_vendor(app, "x-cart", T0)
    for n in range(10):
        await _bought(shop, f"ann{n}", f"o-ann{n}", f"2025-06-0{n % 9 + 1}T00:00:00Z", "credits-60")
        await shop.ok(await shop.post(f"/v1/customers/ann{n}/debits", {"credits": 1}), 201)
    await shop.ok(await shop.get("/v1/events"))  # gives the events their places
    connection = await databases.connect(module_url)
    await crowd.multiply(connection, shop.tenant_id, COPIES)
    for table in ("purchase_order", "hold"):
        await connection.execute(f"vacuum analyze {table}")
    await connection.close()
    await _bought(shop, "zoe", "part", "2024-03-01T00:00:00Z", "credits-60", "a-mug")
    await _bought(shop, "zoe", "none", "2024-03-02T00:00:00Z", "a-mug")
    await _bought(shop, "zoe", "back", "2024-03-03T00:00:00Z", "credits-120")
    await shop.ok(await shop.post("/v1/orders/back/refunds", {"refund_id": "r"}), 201)
    await _bought(shop, "zoe", "kept", "2024-03-04T00:00:00Z", "credits-120")
    for name, verbs in (("open", ()), ("released", ("release",)), ("refunded", ("capture", "refund"))):
        hold = await shop.ok(await shop.post("/v1/customers/zoe/holds", {"credits": 1}, key=name), 201)
        for verb in verbs:
            await shop.ok(await shop.post(f"/v1/holds/{hold['hold_id']}/{verb}", {}, key=f"{name}-{verb}"))
    yield shop
    await shop.close()


async def _page(large: Vendor, path: str, **asked: Any) -> dict[str, Any]:
    with buffers.read() as found:
        page: dict[str, Any] = await large.ok(await large.get(path, **asked))
    assert "\n\n".join(str(read) for read in found if read.buffers > MOST) == "", asked
    return page


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ({"state": "partly_granted"}, ["part"]),
        ({"state": "not_granted"}, ["none"]),
        ({"state": "not_granted,partly_granted"}, ["none", "part"]),
        ({"payment_state": "refunded"}, ["back"]),
        ({"payment_state": "refunded,partly_refunded,disputed,dispute_lost", "state": "granted"}, ["back"]),
        ({"payment_state": "disputed"}, []),
        ({"state": "granted", "payment_state": "paid", "customer_id": "zoe"}, ["kept"]),
    ],
)
async def test_orders_of_a_state_are_found_among_ten_thousand_others(
    large: Vendor, asked: dict[str, str], rows: list[str], sort: str
) -> None:
    page = await _page(large, "/v1/orders", **asked, sort=sort)
    assert [row["order_id"] for row in page["data"]] == (rows if sort == "newest" else rows[::-1])


@pytest.mark.parametrize("sort", ["newest", "oldest"])
async def test_many_orders_and_debits_are_paged(large: Vendor, sort: str) -> None:
    for path, asked in (
        ("/v1/orders", {"state": "granted", "payment_state": "paid"}),
        ("/v1/orders", {"state": "granted,not_granted"}),
        ("/v1/holds", {"state": "captured"}),
        ("/v1/holds", {}),
    ):
        page = await _page(large, path, **asked, sort=sort)
        assert len(page["data"]) == 20
        further = await _page(large, path, **asked, sort=sort, cursor=page["next_cursor"])
        assert len(further["data"]) == 20


@pytest.mark.parametrize("state", ["open", "released", "refunded"])
async def test_holds_of_a_state_are_found_among_ten_thousand_debits(large: Vendor, state: str) -> None:
    for sort in ("newest", "oldest"):
        rows = (await _page(large, "/v1/holds", state=state, sort=sort))["data"]
        assert [(row["state"], row["customer_id"]) for row in rows] == [(state, "zoe")]
