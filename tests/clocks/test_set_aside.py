"""A row of the agenda that fails is set aside, told and tried again; it never stops the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.commands.doctor import _tenants
from app.db import agenda
from app.db.engine import Database
from app.usecases.agenda import HANDLERS
from app.usecases.clocks.sandbox import move_clock
from app.usecases.clocks.sweeps import fire_due
from tests.conftest import MakeVendor
from tests.support.api import Vendor

ORDER = {
    "customer_id": "anna",
    "placed_at": "2025-01-01T00:00:00Z",
    "currency": "USD",
    "lines": [{"line_id": "1", "sku": "license-standard", "quantity": 1}],
}


def failing(vendor: Vendor, kind: str) -> tuple[Any, list[str]]:
    """The agenda's handlers with one that fails while the list says so."""
    handlers = dict(HANDLERS)
    broken, good = ["yes"], handlers[kind]

    async def handler(tx: Any, item: Any) -> None:
        if broken:
            raise ZeroDivisionError("a fault of ours")
        await good(tx, item)

    return {**handlers, kind: handler}, broken


async def test_in_a_sandbox_the_others_happen_and_the_answer_tells_which_did_not(
    vendor: MakeVendor, db: Database
) -> None:
    shop = await vendor("cactushop")
    await shop.ok(await shop.put("/v1/orders/1", ORDER))
    handlers, broken = failing(shop, "cover.reminder")
    moved = await move_clock(db, shop.tenant_id, datetime(2025, 7, 2, tzinfo=UTC), handlers)
    assert moved["reached"] is True
    assert {one["code"] for one in moved["set_aside"]} == {"internal_error"}
    assert {one["kind"] for one in moved["set_aside"]} == {"cover.reminder"}
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    assert [one["type"] for one in events].count("cover.ended") == 1, "the end came all the same"
    told = [one["data"] for one in events if one["type"] == "agenda.set_aside"]
    assert told[0]["code"] == "internal_error"
    assert told[0]["failures"] == 1
    assert any(shop.tenant_id in one.what for one in await _tenants(db))

    broken.clear()
    again = await shop.ok(await shop.put("/v1/clock", {"now": "2025-07-04T00:00:00Z"}))
    assert again["set_aside"] == []
    assert (await shop.ok(await shop.put("/v1/clock?validate_only=true", {"now": "2025-07-05T00:00:00Z"})))["reached"]


async def test_in_a_real_tenant_it_is_put_off_and_told_once(vendor: MakeVendor, db: Database) -> None:
    shop = await vendor("cactushop", now=None)
    done: list[str] = []

    async def handler(tx: Any, item: Any) -> None:
        if item.subject == "bad":
            raise ZeroDivisionError("a fault of ours")
        done.append(item.subject)

    for subject in ("bad", "good"):
        await db.run(shop.tenant_id, lambda tx, subject=subject: agenda.put(tx, "trial", subject, {}))
    await fire_due(db, shop.tenant_id, {"trial": handler})
    assert await fire_due(db, shop.tenant_id, {"trial": handler}) == 0
    assert done == ["good"]
    await shop.ok(await shop.get("/v1/events"))  # places what was written
    events = (await shop.ok(await shop.get("/v1/events", limit=100)))["data"]
    aside = [one["data"] for one in events if one["type"] == "agenda.set_aside"]
    assert [(one["kind"], one["subject"], one["failures"]) for one in aside] == [("trial", "bad", 1)]
