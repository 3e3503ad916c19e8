"""Orders as tests write them: dull defaults, so that a test names only what matters."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.api import START, Vendor


def a_line(sku: str, *, line_id: str = "1", quantity: int = 1, **more: Any) -> dict[str, Any]:
    """A line of an order."""
    return {"line_id": line_id, "sku": sku, "quantity": quantity, **more}


def an_order(
    *lines: dict[str, Any] | str, customer_id: str = "ann", placed_at: str = START, **more: Any
) -> dict[str, Any]:
    """The body of an order; a bare sku is a line of one unit."""
    rows = [a_line(one, line_id=str(n)) if isinstance(one, str) else one for n, one in enumerate(lines, start=1)]
    return {"customer_id": customer_id, "placed_at": placed_at, "currency": "USD", "lines": rows, **more}


def an_id(prefix: str = "o") -> str:
    """A fresh order id."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


async def buy(vendor: Vendor, *lines: dict[str, Any] | str, order_id: str | None = None, **more: Any) -> dict[str, Any]:
    """Places an order and answers what it brought."""
    answer = await vendor.put(f"/v1/orders/{order_id or an_id()}", json=an_order(*lines, **more))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def may(vendor: Vendor, action: str, customer_id: str = "ann", **query: Any) -> dict[str, Any]:
    """The decision on an action."""
    answer = await vendor.get(f"/v1/customers/{customer_id}/entitlements/{action}", **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
