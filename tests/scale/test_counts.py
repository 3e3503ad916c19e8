"""What counting reads of an account whose windows hold little, with a hundred or five thousand tickets behind it."""

from __future__ import annotations

from typing import Final

import httpx
from fastapi import FastAPI

from tests.counts.shop import ask, counting, done
from tests.scale.test_one_large_account import MOST, SIZES, _answered
from tests.support import buffers, databases, one_account
from tests.support.api import Vendor

CALLS: Final = ("open", "ask", "answer")


async def _account(app: FastAPI, api: httpx.AsyncClient, url: str, size: int) -> Vendor:
    shop = await counting(app, api)
    await ask(shop, "T-old")
    await done(shop, "T-old")
    connection = await databases.connect(url)
    await one_account.grow(connection, shop.tenant_id, "ann", size)
    counted = await connection.fetchval(
        "select count(*) from ticket where tenant_id = $1 and counted_at is not null", shop.tenant_id
    )
    assert counted == size + 1
    await connection.execute("analyze ticket")
    await connection.close()
    await shop.move_clock("2027-06-01T09:00:00Z")
    return shop


async def _read(shop: Vendor) -> dict[str, tuple[int, int]]:
    found = {}
    for name in CALLS:
        with _answered() as answered, buffers.read() as explained:
            if name == "open":
                assert (await ask(shop, "T-new"))["state"] == "in_progress"
            elif name == "ask":
                await shop.ok(await shop.get("/v1/customers/ann/entitlements/open_ticket"))
            else:
                await shop.ok(await shop.post("/v1/tickets/T-new/responses", {"author": "vendor", "kind": "service"}))
        found[name] = sum(answered), sum(one.buffers for one in explained)
    return found


async def test_counting_reads_its_windows_and_not_the_history(
    app: FastAPI, api: httpx.AsyncClient, module_url: str
) -> None:
    small, large = [await _read(await _account(app, api, module_url, size)) for size in SIZES]
    for name in CALLS:
        assert large[name][0] <= MOST * small[name][0] + 2_000, (name, small[name], large[name])
        assert large[name][1] <= MOST * small[name][1] + 50, (name, small[name], large[name])
