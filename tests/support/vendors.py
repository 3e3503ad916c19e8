"""A vendor under a policy of the tests: how it is set up, and what is done and asked there again and again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from fastapi import FastAPI

from app.documents.policy_document import load_policy
from tests.support.api import Vendor, client_of

MONDAY = "2025-03-03T08:00:00Z"
"""A Monday in winter time, as the day begins."""


async def vendor_under(app: FastAPI, api: httpx.AsyncClient, document: str, *, now: str = MONDAY) -> Vendor:
    """A tenant of its own under a document, on a clock of its own."""
    name = load_policy(document).policy
    tenant = f"own-{uuid.uuid4().hex[:8]}"
    body = {"policy": name, "document": document, "clock": {"mode": "virtual", "now": now}}
    made = await api.put(f"/v1/tenants/{tenant}", json=body)
    assert made.status_code == 201, made.text
    key = (await api.post(f"/v1/tenants/{tenant}/keys", json={"scopes": ["*"]})).json()["key"]
    return Vendor(tenant, name, key, client_of(app, key), app)


async def ordered(
    shop: Vendor,
    order: str,
    lines: Sequence[Mapping[str, Any]],
    *,
    at: str | None = None,
    customer: str = "ann",
    currency: str = "EUR",
) -> Any:
    """An order of these lines, one unit of each unless they say how many, placed at an instant, or now."""
    placed = at or (await shop.ok(await shop.get("/v1/clock")))["now"]
    rows = [{"line_id": str(number), "quantity": 1, **line} for number, line in enumerate(lines, 1)]
    body = {"customer_id": customer, "placed_at": placed, "currency": currency, "lines": rows}
    return await shop.ok(await shop.put(f"/v1/orders/{order}", body))


async def refunded(shop: Vendor, order: str = "o1", quantity: int = 1, refund: str | None = None) -> Any:
    """A refund of so many units of the order's first line."""
    lines = [{"line_id": "1", "quantity": quantity}]
    body = {"refund_id": refund or f"r-{order}", "lines": lines, "reason": "regret"}
    return await shop.ok(await shop.post(f"/v1/orders/{order}/refunds", body, key=None))


async def opened(
    shop: Vendor, ticket: str, category: str | None = "question", customer: str = "ann", **more: Any
) -> Any:
    """A ticket by the helpdesk."""
    body = {"customer_id": customer, "subject": "Help", "channel": "helpdesk", "category": category, **more}
    return await shop.ok(await shop.put(f"/v1/tickets/{ticket}", body))


async def told(shop: Vendor, type_: str) -> list[Any]:
    """The events of a type."""
    found: list[Any] = []
    after: str | None = None
    while True:
        page = await shop.ok(await shop.get("/v1/events", limit=100, after=after))
        found += page["data"]
        after = page.get("next_cursor")
        if after is None or not page["data"]:
            return [event for event in found if event["type"] == type_]


async def sound(shop: Vendor) -> None:
    """The audit finds nothing."""
    audit = (await shop.ok(await shop.get("/v1/audit")))["data"]
    assert audit == [], audit
