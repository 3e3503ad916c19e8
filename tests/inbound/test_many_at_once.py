"""Many orders and many customers at once: each exactly once, with few questions to the database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from app.commands import import_
from app.db.engine import Database
from tests.conftest import MakeVendor
from tests.support import shops
from tests.support.api import Vendor
from tests.support.statements import sent

SECRET = "whsec_" + "c2VjcmV0" * 6
STATEMENTS = 20
"""What receiving and acting on one new customer's order asks, with the looks for more after it; it was 35."""


async def shop_of(vendor: MakeVendor) -> tuple[Vendor, str]:
    made = await vendor("x-cart")
    source = {"kind": "purchase", "secret": SECRET, "products": {}}
    return made, (await made.ok(await made.put("/v1/sources/shop", source), 201))["path"]


async def buy(made: Vendor, path: str, number: int, customer: str) -> None:
    data: dict[str, Any] = {
        "order_id": str(number),
        "customer_id": customer,
        "placed_at": "2024-12-01T00:00:00Z",
        "currency": "USD",
        "lines": [{"line_id": "1", "sku": "credits-60", "quantity": 1, "unit_price": "120.00"}],
    }
    body = json.dumps({"type": "order.paid", "timestamp": "2024-12-01T00:00:00Z", "data": data}).encode()
    head = shops.sign_standard(body, secret=SECRET, ident=f"e{number}")
    answer = await made.client.post(path, content=body, headers=head)
    assert answer.status_code == 200, answer.text


async def settled(made: Vendor) -> list[dict[str, Any]]:
    """The deliveries, once none waits."""
    async with asyncio.timeout(60):
        while True:
            rows = (await made.ok(await made.get("/v1/sources/shop/deliveries", limit=100)))["data"]
            if all(row["state"] != "received" for row in rows):
                return list(rows)
            await asyncio.sleep(0.05)


async def test_orders_of_some_customers_at_once_are_granted_once_each(vendor: MakeVendor) -> None:
    made, path = await shop_of(vendor)
    orders = [(number, f"c{number % 5}") for number in range(30)]
    await asyncio.gather(*(buy(made, path, number, customer) for number, customer in [*orders, *orders]))
    rows = await settled(made)
    assert [row["state"] for row in rows] == ["done"] * 30
    for customer in range(5):
        balance = await made.ok(await made.get(f"/v1/customers/shop:c{customer}/balance"))
        assert balance["available"] == 6 * 60
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_an_order_of_a_shop_asks_the_database_seldom(app: FastAPI, vendor: MakeVendor) -> None:
    made, path = await shop_of(vendor)
    await buy(made, path, 1, "c1")
    await settled(made)
    await asyncio.sleep(0.3)
    with sent(app.state.house.database) as found:
        await buy(made, path, 2, "c2")
        await asyncio.sleep(1.0)
    assert len(found) <= STATEMENTS, "\n".join(line[:110] for line in found)
    assert [row["state"] for row in await settled(made)] == ["done"] * 2


def lines(first: int, last: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(first, last):
        lot = {"kind": "lot", "customer_id": f"i{number}", "import_id": f"l{number}", "credits": 10}
        found.append({**lot, "granted_at": "2024-06-01T00:00:00Z", "expires_at": "2034-06-01T00:00:00Z"})
    return found


async def bring(db: Database, tenant_id: str, rows: list[dict[str, Any]], tmp_path: Path, *, dry: bool) -> Any:
    file = tmp_path / "lots.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with import_.Staged() as staged:
        staged.read(str(file), None)
        bad = import_.Bad()
        found = await import_.bring_all(db, tenant_id, staged, bad, validate_only=dry, label="brought in")
        return dict(found), bad.first


async def test_an_import_brings_many_customers_in_one_transaction_and_each_once(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path
) -> None:
    made, db = await vendor("x-cart"), app.state.house.database
    count = 2 * import_.CHUNK_CUSTOMERS + 1
    assert await bring(db, made.tenant_id, lines(0, count), tmp_path, dry=True) == ({"new": count}, [])
    with sent(db) as found:
        assert await bring(db, made.tenant_id, lines(0, count), tmp_path, dry=False) == ({"new": count}, [])
    begun = [line for line in found if "retainer_begin_for" in line]
    assert len(begun) <= 4, begun  # three of the import; the worker may look meanwhile
    again = lines(0, count + 3)
    assert await bring(db, made.tenant_id, again, tmp_path, dry=False) == ({"there": count, "new": 3}, [])
    for number in (0, count - 1, count + 2):
        balance = await made.ok(await made.get(f"/v1/customers/i{number}/balance"))
        assert balance["available"] == 10
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []


async def test_a_customer_that_cannot_be_brought_in_stops_no_other_of_its_chunk(
    app: FastAPI, vendor: MakeVendor, tmp_path: Path
) -> None:
    made, db = await vendor("x-cart"), app.state.house.database
    rows = lines(0, 5)
    rows[2]["granted_at"] = "2033-01-01T00:00:00Z"
    found, bad = await bring(db, made.tenant_id, rows, tmp_path, dry=True)
    assert (found, [number for number, _ in bad]) == ({"new": 4, "bad": 1}, [3])
    found, bad = await bring(db, made.tenant_id, rows, tmp_path, dry=False)
    assert (found, [number for number, _ in bad]) == ({"new": 4, "bad": 1}, [3])
    assert (await made.ok(await made.get("/v1/customers/i4/balance")))["available"] == 10
