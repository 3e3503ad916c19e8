"""What falls due of many customers at one instant leaves what one thing after another would, in few statements."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from app.db.agenda import Handler, Handlers
from app.usecases.agenda import HANDLERS
from app.usecases.clocks import sandbox
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.statements import sent

OURS = re.compile(r"\b[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}\b")
END = datetime(2026, 3, 1, tzinfo=UTC)
BUYERS = 12
STATEMENTS = 1.5
"""A thing that falls due, where forty do at each instant; it was eight."""
POLICIES = {
    "avactis": ("license-owned", "credits-10"),
    "cactushop": ("license-standard", "support-12-months"),
    "shopp": ("license", "credit-priority"),
}


def apart(handlers: Handlers) -> Handlers:
    """The same handlers, each row by itself."""

    def alone(handler: Handler) -> Handler:
        async def handle(tx: Any, item: Any) -> None:
            await handler(tx, item)

        return handle

    return {kind: alone(handler) for kind, handler in handlers.items()}


async def shop_of(vendor: MakeVendor, policy: str, buyers: int = BUYERS) -> Vendor:
    """Customers who bought the same at one instant, one of them twice, one of them merged into another."""
    made = await vendor(policy)
    for number in range(buyers):
        lines = [
            {"line_id": str(place), "sku": sku, "quantity": 2 if number == 1 and place else 1}
            for place, sku in enumerate(POLICIES[policy])
        ]
        order = {"customer_id": f"c{number:02}", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": lines}
        await made.ok(await made.put(f"/v1/orders/o{number}", order), 201)
    await made.ok(await made.post("/v1/customers/c02/merge", {"into_customer_id": "c03"}, key="merge-two"))
    if policy == "avactis":
        await made.ok(await made.post("/v1/customers/c04/debits", {"credits": 10}, key="spend-some"), 201)
        await made.ok(await made.post("/v1/customers/c05/holds", {"credits": 5}, key="hold-some"), 201)
    return made


async def left(made: Vendor) -> dict[str, Any]:
    """What everybody has, and what was published, with our own ids numbered in their order."""
    found: dict[str, Any] = {}
    for number in range(BUYERS):
        for path in ("export", "statement"):
            answer = await made.get(f"/v1/customers/c{number:02}/{path}")
            found[f"{number}/{path}"] = answer.text
    events, cursor = [], None
    while True:
        page = await made.ok(await made.get("/v1/events", limit=100, cursor=cursor))
        events += [
            {name: value for name, value in event.items() if name not in ("recorded_at", "position", "cursor")}
            for event in page["data"]
        ]
        cursor = page["next_cursor"]
        if not page["data"] or cursor is None:
            break
    found["events"] = json.dumps(sorted(events, key=lambda event: (event.get("customer_id") or "", event["sequence"])))
    assert (await made.ok(await made.get("/v1/audit")))["data"] == []
    return {name: numbered(text, made.tenant_id) for name, text in found.items()}


def numbered(text: str, tenant_id: str) -> Any:
    numbers: dict[str, str] = {}
    plain = text.replace(tenant_id, "tenant")
    return json.loads(OURS.sub(lambda found: numbers.setdefault(found.group(), f"id-{len(numbers)}"), plain))


@pytest.mark.parametrize("policy", sorted(POLICIES))
async def test_together_and_apart_leave_the_same(app: FastAPI, vendor: MakeVendor, policy: str) -> None:
    stood: list[Mapping[str, Any]] = []
    fired = []
    for handlers in (HANDLERS, apart(HANDLERS)):
        made = await shop_of(vendor, policy)
        moved = await sandbox.move_clock(app.state.house.database, made.tenant_id, END, handlers)
        assert moved["reached"]
        fired.append(moved["fired"])
        stood.append(await left(made))
    assert fired[0] == fired[1] >= 2 * BUYERS
    for name in stood[0]:
        assert stood[0][name] == stood[1][name], name


async def test_many_that_fall_due_at_one_instant_ask_seldom(app: FastAPI, vendor: MakeVendor) -> None:
    made = await shop_of(vendor, "cactushop", buyers=40)
    database = app.state.house.database
    with sent(database) as found:
        moved = await sandbox.move_clock(database, made.tenant_id, END, HANDLERS)
    assert moved["fired"] >= 4 * 39
    assert len(found) <= STATEMENTS * moved["fired"], f"{len(found)} statements for {moved['fired']}"
