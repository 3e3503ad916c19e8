"""A tenant of 20,000 customers: what every read of the service reads of it, statement by statement.

A page reads its own rows and what leads to them, whatever else the tenant holds. What must look at more is named here,
with its reason. The bound is a few hundred buffers: a scan of any table of this tenant reads thousands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from fastapi import FastAPI

from bench import crowd
from tests.published.shop import bought, opened
from tests.support import buffers, databases
from tests.support.api import Vendor, make_vendor

MOST = 300
"""Buffers that a statement may read."""
LIVES = 10
COPIES = 2_000
T0 = "2025-06-10T15:00:00Z"


async def _lives(shop: Vendor) -> None:
    """Ten customers, who differ in how far their tickets came."""
    for n in range(LIVES):
        name = f"ann{n}"
        await bought(shop, "license", name, order=f"o-{name}")
        await opened(shop, f"t-{name}", name, category="level_1")
        if n % 3:
            answer = {"author": "vendor", "kind": "service", "public": True}
            await shop.ok(await shop.post(f"/v1/tickets/t-{name}/responses", json=answer))
        if n % 3 == 2:
            end = {"outcome": "answered", "cause": "question"}
            await shop.ok(await shop.post(f"/v1/tickets/t-{name}/resolution", json=end))
        await shop.ok(await shop.post(f"/v1/customers/{name}/debits", json={"credits": 1}))
        held = await shop.ok(await shop.post(f"/v1/customers/{name}/holds", json={"credits": 1}))
        if n % 2:
            await shop.ok(await shop.post(f"/v1/holds/{held['hold_id']}/release"))


@pytest_asyncio.fixture(scope="module")
async def large(app: FastAPI, module_url: str) -> AsyncIterator[Vendor]:
    """The tenant, filled."""
    shop = await make_vendor(app, "x-cart", T0)
    await _lives(shop)
    await shop.ok(await shop.get("/v1/events"))  # gives the events their places
    connection = await databases.connect(module_url)
    await crowd.multiply(connection, shop.tenant_id, COPIES)
    await connection.close()
    yield shop
    await shop.close()


async def test_lists(large: Vendor) -> None:
    with buffers.read() as found:
        for path, given in (("/v1/tickets", {}), ("/v1/tickets", {"state": "rejected"})):
            await large.ok(await large.get(path, **given))
    print(*found, sep="\n\n")
    assert [one for one in found if one.buffers > MOST] == []
