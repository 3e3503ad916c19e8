"""One account with a hundred orders and tickets beside one with five thousand: what each call reads of it.

Bytes that Postgres answers and buffers that it reads are counted, so that a busy machine decides nothing. Fifty times
the account may cost 2.2 times as much (an exponent of 0.2).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.db import driver
from tests.published.shop import opened
from tests.support import buffers, databases, one_account
from tests.support.api import Vendor, make_vendor

T0: Final = "2025-06-10T15:00:00Z"
SIZES: Final = (100, 5_000)
MOST: Final = (SIZES[1] / SIZES[0]) ** 0.2
ORDER: Final = {"customer_id": "ann", "placed_at": "2025-06-02T00:00:00Z", "currency": "USD"}
VENDOR_ANSWERS: Final = {"author": "vendor", "kind": "service", "public": True}
CALLS: Final[dict[str, tuple[str, str, dict[str, Any] | None]]] = {
    "open a ticket": ("put", "/v1/tickets/new", {"customer_id": "ann", "subject": "x", "channel": "helpdesk"}),
    "open a priced ticket": (
        "put",
        "/v1/tickets/new-2",
        {"customer_id": "ann", "subject": "x", "channel": "helpdesk", "category": "level_1"},
    ),
    "respond": ("post", "/v1/tickets/new-2/responses", VENDOR_ANSWERS),
    "assess": ("post", "/v1/tickets/new-2/assessments", {"category": "level_2"}),
    "resolve": ("post", "/v1/tickets/new-2/resolution", {"outcome": "answered", "cause": "question"}),
    "respond to an old ticket": ("post", "/v1/tickets/t-open/responses", VENDOR_ANSWERS),
    "debit": ("post", "/v1/customers/ann/debits", {"credits": 1}),
    "hold": ("post", "/v1/customers/ann/holds", {"credits": 3}),
    "ask for too much": ("post", "/v1/customers/ann/debits", {"credits": 9_000_000}),
    "order a pack": ("put", "/v1/orders/new", {**ORDER, "lines": [{"line_id": "1", "sku": "credits-60"}]}),
    "order a license last": (
        "put",
        "/v1/orders/new-2",
        {**ORDER, "placed_at": "2025-06-09T00:00:00Z", "lines": [{"line_id": "1", "sku": "license"}]},
    ),
    "read an order": ("get", "/v1/orders/pack-3", None),
    "refund an order": ("post", "/v1/orders/pack-3/refunds", {"refund_id": "r1", "lines": []}),
    "read an entitlement": ("get", "/v1/customers/ann/entitlements/open_ticket", None),
    "read the customer": ("get", "/v1/customers/ann", None),
    "read the balance": ("get", "/v1/customers/ann/balance", None),
    "read the statement": ("get", "/v1/customers/ann/statement", None),
    "read a ticket": ("get", "/v1/tickets/t-open", None),
}


async def _life(shop: Vendor) -> None:
    lines = [{"line_id": "1", "sku": "license"}]
    order = {"customer_id": "ann", "placed_at": "2025-06-01T00:00:00Z", "currency": "USD"}
    await shop.ok(await shop.put("/v1/orders/first", json={**order, "lines": lines}), 201)


async def _repeated(shop: Vendor) -> None:
    order = {"customer_id": "ann", "placed_at": "2025-06-02T00:00:00Z", "currency": "USD"}
    await shop.ok(
        await shop.put("/v1/orders/pack", json={**order, "lines": [{"line_id": "1", "sku": "credits-60"}]}), 201
    )
    await opened(shop, "t-done", "ann", category="level_1")
    await shop.ok(await shop.post("/v1/tickets/t-done/resolution", json={"outcome": "answered", "cause": "question"}))
    await opened(shop, "t-open", "ann", category="level_1")


@pytest_asyncio.fixture(scope="module")
async def accounts(app: FastAPI, module_url: str) -> AsyncIterator[list[Vendor]]:
    """A tenant for each size."""
    shops = []
    for size in SIZES:
        shop = await make_vendor(app, "x-cart", T0)
        await _life(shop)
        await _repeated(shop)
        connection = await databases.connect(module_url)
        await one_account.grow(connection, shop.tenant_id, "ann", size)
        await connection.close()
        shops.append(shop)
    yield shops
    for shop in shops:
        await shop.close()


@contextlib.contextmanager
def _answered() -> Iterator[list[int]]:
    """The bytes that statements of the driver's own way answer."""
    found: list[int] = []
    fetch = driver.fetch

    async def counted(*given: Any, **more: Any) -> Any:
        rows = await fetch(*given, **more)
        found.extend(len(str(value)) for row in rows for value in row)
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.db.engine.fetch", counted)
        yield found


async def _read(shop: Vendor, name: str) -> tuple[int, int, str]:
    """Return the bytes and the buffers that a call reads, and the statement that reads most."""
    verb, path, body = CALLS[name]
    more = {} if body is None else {"json": body}
    with _answered() as answered, buffers.read() as explained:
        answer = await getattr(shop, verb)(path, **more)
    assert answer.status_code < 300 or name == "ask for too much", answer.text
    most = max(explained, key=lambda one: one.buffers)
    return sum(answered), sum(one.buffers for one in explained), str(most)


MOST_BYTES: Final = {"read a ticket": 12_000}
"""Calls that read no lot but those of what they name."""
COUNTED: Final = ("read the customer", "read the balance", "read the statement")
"""Calls whose answer says how many rows there are: Postgres counts them, the service has those of one page."""


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_reads_of_a_large_account_what_it_reads_of_a_small_one(accounts: list[Vendor], name: str) -> None:
    small, large = [await _read(shop, name) for shop in accounts]
    print(f"\n{name}: bytes {small[0]} {large[0]}, buffers {small[1]} {large[1]}")
    assert large[0] <= MOST * small[0] + 2_000, (name, small[0], large[0])
    assert max(small[0], large[0]) <= MOST_BYTES.get(name, 1_000_000)
    assert large[1] <= MOST * small[1] + 50 or name in COUNTED, f"{name} {small[1]} {large[1]}\n{large[2]}"


async def test_a_grown_account_is_sound(accounts: list[Vendor]) -> None:
    found = await accounts[0].ok(await accounts[0].get("/v1/audit"))
    assert found["data"] == []
