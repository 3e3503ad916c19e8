"""All rows of a tenant as lines of JSON: whole, from a position on, and never held all at once."""

from __future__ import annotations

import asyncio
import json
import os
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.api.operations.reports import PAGES
from app.db import engine
from app.usecases.orders import orders
from app.usecases.reports import exports
from tests.conftest import MakeVendor
from tests.support import databases
from tests.support.api import Vendor
from tests.tickets.desk import act, open_ticket, order


async def rows(shop: Vendor, name: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await shop.get(f"/v1/exports/{name}", **asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def sold(vendor: MakeVendor) -> Vendor:
    shop = await vendor("x-cart")
    for n in range(4):
        await order(shop, f"c{n}", "license", "credits-60")
        ticket = await open_ticket(shop, f"c{n}", category="level_1")
        await act(shop, ticket, "responses", {"author": "vendor", "kind": "inquiry"})
        await shop.ok(await shop.post(f"/v1/customers/c{n}/debits", {"credits": 2}))
    return shop


async def test_each_row_is_what_its_own_call_answers(vendor: MakeVendor) -> None:
    shop = await sold(vendor)
    tickets = await rows(shop, "tickets")
    assert len(tickets) == 4
    for row in tickets:
        row.pop("position")
        own = await shop.ok(await shop.get(f"/v1/tickets/{row['ticket_id']}"))
        assert row == own
    clocks = await rows(shop, "clocks")
    assert {row["clock_id"] for row in clocks} == {clock["clock_id"] for row in tickets for clock in row["clocks"]}
    orders = await rows(shop, "orders")
    listed = (await shop.ok(await shop.get("/v1/orders", sort="oldest")))["data"]
    assert [{name: row[name] for name in row if name != "position"} for row in orders] == listed
    entries = await rows(shop, "entries")
    by_customer: list[str] = []
    for n in range(4):
        page = await shop.ok(await shop.get(f"/v1/customers/c{n}/entries", limit=100))
        by_customer += [entry["entry_id"] for entry in page["data"]]
    assert sorted(row["entry_id"] for row in entries) == sorted(by_customer)
    assert {row["customer_id"] for row in entries} == {f"c{n}" for n in range(4)}


@pytest.mark.parametrize("name", sorted(PAGES))
async def test_a_position_goes_on_where_it_was(vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(exports, "ROWS", 3)
    shop = await sold(vendor)
    whole = await rows(shop, name)
    assert len(whole) >= 4
    for n, row in enumerate(whole):
        assert await rows(shop, name, after=row["position"]) == whole[n + 1 :]
    await order(shop, "late", "license", "credits-60")
    await open_ticket(shop, "late", category="level_1")
    new = await rows(shop, name, after=whole[-1]["position"])
    assert new
    assert not {row["position"] for row in new} & {row["position"] for row in whole}
    other = await vendor("x-cart")
    stolen = await other.get(f"/v1/exports/{name}", after=whole[0]["position"])
    assert (stolen.status_code, stolen.json()["code"]) == (400, "cursor_invalid")
    assert await rows(other, name) == []
    narrow = await shop.as_key("customers:read", "tickets:read", "orders:read")
    assert (await narrow.get(f"/v1/exports/{name}")).status_code == 403


async def test_many_rows_take_no_more_memory_than_few(app: FastAPI, vendor: MakeVendor, module_url: str) -> None:
    """The rows are counted as they leave, and what is held meanwhile does not grow with them."""
    entries = int(os.environ.get("RETAINER_MANY_ROWS", "12000"))
    shop = await vendor("x-cart")
    await order(shop, "anna", "license", "credits-60")
    connection = await databases.connect(module_url)
    await connection.execute(
        "insert into entry (tenant_id, operation_id, line_no, lot_id, source, target, credits)"
        " select tenant_id, operation_id, 100 + n, lot_id, 'world', 'available', 1 from entry,"
        " generate_series(1, $2::int) n where tenant_id = $1 and (operation_id, line_no) ="
        " (select operation_id, line_no from entry where tenant_id = $1 limit 1)",
        shop.tenant_id,
        entries,
    )
    await connection.close()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/exports/entries",
        "raw_path": b"/v1/exports/entries",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"authorization", shop.client.headers["authorization"].encode())],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    seen, peaks, told = 0, [], iter([{"type": "http.request", "body": b"", "more_body": False}])
    never = asyncio.Event()

    async def receive() -> dict[str, Any]:
        for message in told:
            return message
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal seen
        if message["type"] == "http.response.start":
            assert message["status"] == 200
        else:
            before, seen = seen, seen + message["body"].count(b"\n")
            if seen // 2_000 > before // 2_000:
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()

    tracemalloc.start()
    await app(scope, receive, send)
    tracemalloc.stop()
    assert seen >= entries
    assert max(peaks[2:]) < peaks[1] + 1_000_000


async def test_a_row_that_is_committed_late_is_not_missed(vendor: MakeVendor, module_url: str) -> None:
    """Two orders are written at once, and the one that minted its ids first is committed last."""
    shop = await vendor("x-cart", now=None)
    await order(shop, "first", "license", "credits-60")
    await open_ticket(shop, "first", category="level_1")
    names = sorted(PAGES)
    seen = {name: await rows(shop, name) for name in names}
    assert all(seen.values())
    minted, go_on = asyncio.Event(), asyncio.Event()
    database = engine.Database(module_url, pool_size=2)

    async def write(who: str) -> None:
        command = orders.PutOrder(
            order_id=f"late-{who}",
            customer_id=who,
            placed_at=datetime.now(UTC) - timedelta(days=3),
            currency="USD",
            lines=(orders.LineCommand(line_id="1", sku="credits-60", quantity=1),),
        )

        async def work(tx: engine.Tx) -> None:
            await orders.put_order(tx, command)
            if who == "slow":
                minted.set()
                await asyncio.wait_for(go_on.wait(), 60)

        await database.run(shop.tenant_id, work, actor="test")

    slow = asyncio.create_task(write("slow"))
    await asyncio.wait_for(minted.wait(), 60)
    await write("quick")
    ticket = await open_ticket(shop, "first", category="level_1")
    meanwhile = {name: await rows(shop, name, after=seen[name][-1]["position"]) for name in names}
    assert meanwhile == {name: [] for name in names}
    go_on.set()
    await slow
    await database.close()
    found = {name: await rows(shop, name, after=seen[name][-1]["position"]) for name in names}
    assert [row["order_id"] for row in found["orders"]] == ["late-slow", "late-quick"]
    assert [row["customer_id"] for row in found["entries"]][:2] == ["slow", "quick"]
    assert [row["ticket_id"] for row in found["tickets"]] == [ticket["ticket_id"]]
    assert {row["ticket_id"] for row in found["clocks"]} == {ticket["ticket_id"]}
    for name in names:
        positions = [row["position"] for row in (*seen[name], *found[name])]
        assert [row["position"] for row in await rows(shop, name)] == positions


async def test_what_is_told_late_comes_after_what_was_told_before(vendor: MakeVendor) -> None:
    """An order of last year and a ticket of last week are new to whoever has read everything."""
    shop = await sold(vendor)
    last = {name: (await rows(shop, name))[-1]["position"] for name in ("orders", "tickets")}
    body = {"customer_id": "c1", "placed_at": "2023-05-01T00:00:00Z", "currency": "USD"}
    lines = [{"line_id": "1", "sku": "credits-60"}]
    await shop.ok(await shop.put("/v1/orders/a-year-ago", {**body, "lines": lines}), 201)
    asked = {"customer_id": "c1", "subject": "Late", "channel": "helpdesk", "opened_at": "2024-12-25T10:00:00Z"}
    told = await shop.put("/v1/tickets/a-week-ago", asked)
    assert told.status_code == 201, told.text
    assert [row["order_id"] for row in await rows(shop, "orders", after=last["orders"])] == ["a-year-ago"]
    assert [row["ticket_id"] for row in await rows(shop, "tickets", after=last["tickets"])] == ["a-week-ago"]


async def test_orders_of_an_earlier_version_come_first_by_when_they_were_received(
    vendor: MakeVendor, module_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ROWS", 2)
    shop = await sold(vendor)
    before = [row["order_id"] for row in await rows(shop, "orders")]
    connection = await databases.connect(module_url)
    await connection.execute("update purchase_order set record_id = '' where tenant_id = $1", shop.tenant_id)
    await connection.close()
    await order(shop, "new", "license")
    whole = await rows(shop, "orders")
    assert sorted(row["order_id"] for row in whole[:-1]) == sorted(before)
    assert whole[-1]["customer_id"] == "new"
    for n, row in enumerate(whole):
        assert await rows(shop, "orders", after=row["position"]) == whole[n + 1 :]
