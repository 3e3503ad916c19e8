"""What the ticket tests share: dull defaults, so that a test names only what matters."""

from __future__ import annotations

import itertools
from typing import Any

from tests.support.api import START, Vendor

_numbers = itertools.count(1)
GOOD_FACTS = {
    "official": True,
    "modified": False,
    "current_release": True,
    "request_kind": "diagnosis",
    "single_issue": True,
    "clear_description": True,
    "backup": "done",
}


def next_id(prefix: str) -> str:
    """An id that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


async def order(vendor: Vendor, customer: str, *skus: str, placed_at: str = START, **line: Any) -> dict[str, Any]:
    """An order with one unit of each sku."""
    lines = [{"line_id": str(n), "sku": sku, "quantity": 1, **line} for n, sku in enumerate(skus, 1)]
    body = {"customer_id": customer, "placed_at": placed_at, "currency": "USD", "lines": lines}
    answer: dict[str, Any] = await vendor.ok(await vendor.put(f"/v1/orders/{next_id('o')}", body))
    return answer


async def open_ticket(
    vendor: Vendor, customer: str, ticket_id: str | None = None, *, status: int = 201, **body: Any
) -> dict[str, Any]:
    """Opens a ticket in the help desk, in English."""
    stated = {"customer_id": customer, "subject": "It does not work", "channel": "helpdesk", "language": "en", **body}
    made = await vendor.put(f"/v1/tickets/{ticket_id or next_id('T')}", stated)
    assert made.status_code == status, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def act(
    vendor: Vendor,
    ticket: dict[str, Any] | str,
    verb: str,
    body: Any = None,
    *,
    status: int | tuple[int, ...] = (200, 201),
    **more: Any,
) -> dict[str, Any]:
    """POSTs a verb on a ticket."""
    name = ticket if isinstance(ticket, str) else ticket["ticket_id"]
    answer: dict[str, Any] = await vendor.ok(await vendor.post(f"/v1/tickets/{name}/{verb}", body, **more), status)
    return answer


async def refused(
    vendor: Vendor, ticket: dict[str, Any], verb: str, body: Any = None, *, status: int = 409
) -> dict[str, Any]:
    """A verb that is refused."""
    return await act(vendor, ticket, verb, body, status=status)


async def ticket_of(vendor: Vendor, ticket: dict[str, Any], **params: Any) -> dict[str, Any]:
    """The ticket as it stands."""
    answer: dict[str, Any] = await vendor.ok(await vendor.get(f"/v1/tickets/{ticket['ticket_id']}", **params))
    return answer


async def balance(vendor: Vendor, customer: str) -> dict[str, Any]:
    """The balance."""
    answer: dict[str, Any] = await vendor.ok(await vendor.get(f"/v1/customers/{customer}/balance"))
    return answer


def codes(ticket: dict[str, Any]) -> list[str]:
    """The codes of its reasons."""
    return [one["code"] for one in ticket["reasons"]]


def clock(ticket: dict[str, Any], milestone: str) -> dict[str, Any]:
    """The ticket's clock of a milestone."""
    found: list[dict[str, Any]] = [one for one in ticket["clocks"] if one["milestone"] == milestone]
    assert len(found) == 1, ticket["clocks"]
    return found[0]
