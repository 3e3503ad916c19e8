"""A publication over many clocks: a few customers locked at a time, and whatever is left is gone on with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.usecases.clocks import calendars
from tests.conftest import MakeVendor
from tests.support import databases
from tests.support.api import Vendor

SHORTER = {day: [["09:00", "17:00"]] for day in ("mon", "tue")}
VERSION = {"effective_from": "2025-01-01", "weekly_hours": SHORTER, "correction": True, "reason": "x"}
MANY = 7


@contextlib.asynccontextmanager
async def locked(url: str, vendor: Vendor, customer: str) -> AsyncIterator[None]:
    """Somebody outside holds one customer locked meanwhile."""
    connection = await databases.connect(url)
    try:
        async with connection.transaction():
            await connection.fetch(
                "select 1 from customer where tenant_id = $1 and external_id = $2 for update",
                vendor.tenant_id,
                customer,
            )
            yield
    finally:
        await connection.close()


async def a_desk(vendor: MakeVendor) -> Vendor:
    """A shop with one open ticket of each customer."""
    shop = await vendor("x-cart")
    for number in range(MANY):
        line = {"line_id": "1", "sku": "license", "quantity": 1}
        await shop.ok(
            await shop.put(
                f"/v1/orders/o{number}",
                {"customer_id": f"c{number}", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]},
            )
        )
        await shop.ok(
            await shop.put(
                f"/v1/tickets/t{number}",
                {"customer_id": f"c{number}", "subject": "s", "channel": "helpdesk", "category": "level_1"},
            )
        )
    return shop


async def moved(shop: Vendor, moves: list[dict[str, Any]]) -> list[bool]:
    """Of each clock that the publication told of: whether it is where it was told to be."""
    found = []
    for one in moves:
        clock = await shop.ok(await shop.get(f"/v1/clocks/{one['clock_id']}"))
        found.append(clock["due_at"] == one["new_due_at"])
    return found


async def test_a_publication_moves_all_clocks_in_steps_before_it_answers(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendars, "STEP", 2)
    shop = await a_desk(vendor)
    said = await shop.ok(await shop.post("/v1/calendars/service-hours/versions", VERSION))
    preview = said["preview"]
    assert preview["moved"] == MANY
    assert preview["complete"] is True
    assert all(await moved(shop, preview["moves"]))


async def test_a_locked_customer_stops_no_publication_and_other_writes_go_on(
    vendor: MakeVendor, module_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendars, "STEP", 2)
    shop = await a_desk(vendor)
    message = {"author": "customer", "kind": "inquiry", "public": True}
    async with locked(module_url, shop, "c4"):
        publishing = asyncio.create_task(shop.post("/v1/calendars/service-hours/versions", VERSION, key="k"))
        versions: list[Any] = []
        async with asyncio.timeout(10):
            while len(versions) < 2:
                await asyncio.sleep(0.05)
                versions = (await shop.ok(await shop.get("/v1/calendars/service-hours/versions")))["data"]
        # The version is published while its clocks still wait for c4; customers that are done are free.
        answer = await shop.post("/v1/tickets/t6/responses", message)
        assert answer.status_code == 200, answer.text
        said = await shop.ok(await publishing)
        preview = said["preview"]
        states = await moved(shop, preview["moves"])
        assert not all(states)
    again = await shop.post("/v1/calendars/service-hours/versions", VERSION, key="k")
    assert again.headers["idempotent-replayed"] == "true"
    assert all(await moved(shop, preview["moves"]))


async def test_the_agenda_goes_on_where_a_publication_left_off(
    vendor: MakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendars, "STEP", 2)

    async def gone(*_: Any, **__: Any) -> None:
        """As if the process had ended right after the commit."""

    monkeypatch.setattr(calendars, "carry_on", gone)
    shop = await a_desk(vendor)
    preview = (await shop.ok(await shop.post("/v1/calendars/service-hours/versions", VERSION)))["preview"]
    assert preview["moved"] == MANY
    assert not any(await moved(shop, preview["moves"]))
    await shop.move_clock("2025-01-01T00:00:01Z")
    assert all(await moved(shop, preview["moves"]))
