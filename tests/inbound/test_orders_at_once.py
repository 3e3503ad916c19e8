"""Two orders of one customer that are written at once: neither forgets what the other one wrote on it.

A refund takes the newest period that waits, another order's too. So each order of a customer may write on the others.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI

from tests.conftest import MakeVendor
from tests.inbound.test_changed_orders import a_shop, deliver, line
from tests.inbound.test_queued_periods import covers_of, refund, sound, told_of
from tests.ledger.test_lock_then_look import at_once
from tests.support.api import Vendor

PLACED = {"a": "2024-12-01T00:00:00Z", "b": "2024-12-10T00:00:00Z", "c": "2024-12-20T00:00:00Z"}


def bought(number: str, step: int, *years: int) -> dict[str, Any]:
    """A snapshot of an order whose lines are of so many years of support."""
    lines = [line(place, "support-12-months", count) for place, count in enumerate(years, 1)]
    return told_of(number, step, "1", *lines, placed=PLACED[number])


async def years(tenant: Vendor) -> dict[str, int]:
    """How many years each order of the customer has."""
    found = [number for number, _, _ in await covers_of(tenant, "1")]
    return {number: found.count(number) for number in sorted(set(found))}


@pytest.mark.parametrize("beside", ["a refund", "a change"])
async def test_what_another_order_wrote_on_an_order_meanwhile_stays(
    app: FastAPI, vendor: MakeVendor, module_url: str, beside: str
) -> None:
    """The refund of ``a`` took the year of ``b``. Once ``c`` is known it takes that one's, and ``a`` says so.

    Whoever read ``a`` before that, and waited for the customer, must not write back what it said then.
    """
    tenant, token = await a_shop(vendor, "cactushop")
    told = partial(deliver, app, tenant, token, each=True)
    await told([bought("a", 1, 1, 1), bought("b", 2, 1)])
    await refund(tenant, "a")
    body = {"customer_id": "shop:1", "currency": "USD", "placed_at": PLACED["c"]}
    late = {**body, "lines": [{"line_id": "1", "sku": "support-12-months"}]}
    again = {"refund_id": "again", "lines": [{"line_id": "2", "quantity": 1}]}
    also: dict[str, Any] = {
        "a refund": lambda: tenant.post("/v1/orders/shop:a/refunds", again),
        "a change": lambda: told([bought("a", 3, 1, 2)]),
    }
    await at_once(module_url, tenant, lambda: tenant.put("/v1/orders/shop:c", late), also[beside])
    found = await years(tenant)  # what was bought, less what was refunded
    assert sum(found.values()) == {"a refund": 2, "a change": 4}[beside], found
    await sound(tenant)
