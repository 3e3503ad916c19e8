"""Ten thousand covers, nearly all of which run or have ended: a list of the few others reads a few pages."""

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
PLACED: Final = (
    *(f"20{year}-03-0{day}T00:00:00Z" for year in range(20, 24) for day in (1, 2)),
    "2025-06-01T00:00:00Z",
    "2025-06-02T00:00:00Z",
)
"""When ten customers bought: eight whose covers have ended, two whose covers run."""


async def _bought(shop: Vendor, customer: str, placed: str, *skus: str) -> None:
    lines = [{"line_id": str(n), "sku": sku} for n, sku in enumerate(skus)]
    body = {"customer_id": customer, "placed_at": placed, "currency": "USD", "lines": lines}
    await shop.ok(await shop.put(f"/v1/orders/o-{customer}", body), 201)


@pytest_asyncio.fixture(scope="module")
async def large(app: FastAPI, module_url: str) -> AsyncIterator[Vendor]:
    """The tenant, filled; one customer alone has a period that begins later."""
    shop = await make_vendor(app, "cactushop", T0)
    for n, placed in enumerate(PLACED):
        await _bought(shop, f"ann{n}", placed, "license-standard")
    await shop.ok(await shop.get("/v1/events"))  # gives the events their places
    connection = await databases.connect(module_url)
    await crowd.multiply(connection, shop.tenant_id, COPIES)
    await connection.execute("vacuum analyze cover")
    await connection.close()
    await _bought(shop, "zoe", "2025-06-03T00:00:00Z", "license-standard", "support-12-months")
    yield shop
    await shop.close()


async def _page(large: Vendor, **asked: Any) -> dict[str, Any]:
    with buffers.read() as found:
        page: dict[str, Any] = await large.ok(await large.get("/v1/covers", **asked))
    assert "\n\n".join(str(read) for read in found if read.buffers > MOST) == "", asked
    return page


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize(
    ("state", "rows"),
    [("scheduled", 1), ("pending", 0), ("suspended", 0), ("voided", 0), ("running", 20), ("ended", 20)],
)
async def test_covers_of_a_state_are_found_among_ten_thousand_others(
    large: Vendor, state: str, rows: int, sort: str
) -> None:
    page = await _page(large, state=state, sort=sort)
    assert [row["state"] for row in page["data"]] == [state] * rows
    if page["next_cursor"] is not None:
        further = await _page(large, state=state, sort=sort, cursor=page["next_cursor"])
        assert [row["state"] for row in further["data"]] == [state] * rows


async def test_covers_of_several_states_and_of_a_span_of_ends_are_merged(large: Vendor) -> None:
    several = (await _page(large, state="scheduled,suspended,pending,ended", sort="newest"))["data"]
    assert [row["state"] for row in several] == ["scheduled", *["ended"] * 19]
    soon = (await _page(large, ends_after=T0, sort="oldest"))["data"]
    assert len(soon) == 20
    assert all(row["ends_at"] >= T0 for row in soon)
    assert (await _page(large, ends_after=T0, ends_before="2025-06-11T00:00:00Z"))["data"] == []
    mine = (await _page(large, state="running,scheduled", customer_id="zoe", sort="oldest"))["data"]
    assert [row["state"] for row in mine] == ["running", "scheduled"]
