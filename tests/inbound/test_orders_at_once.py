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
from tests.inbound.test_payment_disputes import dispute, session, shop_of
from tests.inbound.test_queued_periods import covers_of, refund, sound, told_of
from tests.ledger.test_lock_then_look import at_once
from tests.policies.test_simulate import shipped
from tests.support import shops
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


def late(number: str, customer: str = "shop:1", sku: str = "support-12-months") -> dict[str, Any]:
    """An order that is told only now."""
    lines = [{"line_id": "1", "sku": sku}]
    return {"customer_id": customer, "currency": "USD", "placed_at": PLACED[number], "lines": lines}


async def test_an_order_that_goes_to_another_customer_takes_along_what_it_says_by_then(
    app: FastAPI, vendor: MakeVendor, module_url: str
) -> None:
    tenant, token = await a_shop(vendor, "cactushop")
    told = partial(deliver, app, tenant, token, each=True)
    await told([bought("a", 1, 1), bought("b", 2, 1)])
    await refund(tenant, "a")
    given = told_of("a", 3, "2", line(1, "support-12-months", 1), placed=PLACED["a"])
    await at_once(module_url, tenant, lambda: tenant.put("/v1/orders/shop:c", late("c")), lambda: told([given]))
    assert await years(tenant) == {"b": 1, "c": 1}, "the refund is the other customer's"
    assert await covers_of(tenant, "2") == []
    await sound(tenant)


def also_sold() -> str:
    """The policy with another name for a year of support."""
    document = shipped("cactushop")
    begins = document.index("  - sku: support-12-months")
    year = document[begins : document.index("\n\n", begins)]
    other = year.replace("support-12-months", "help-12-months").replace("support_cover", "help_cover")
    return document.replace(year, f"{year}\n{other}")


@pytest.mark.parametrize("replayed", ["the order", "its delivery"])
async def test_a_replay_keeps_what_another_order_wrote_meanwhile(
    app: FastAPI, vendor: MakeVendor, module_url: str, replayed: str
) -> None:
    """The policy knows the second line of ``a`` only when it is replayed, and ``c`` comes at that moment."""
    tenant, token = await a_shop(vendor, "cactushop")
    products = {"help-12-months": {"sku": "help-12-months", "attributes": {}}}
    body = {"kind": "purchase", "secret": shops.STANDARD_SECRET, "products": products}
    await tenant.ok(await tenant.put("/v1/sources/shop", body))
    lines = [line(1, "support-12-months", 1), line(2, "help-12-months", 1)]
    first = told_of("a", 1, "1", *lines, placed=PLACED["a"])
    await deliver(app, tenant, token, [first, bought("b", 2, 1)], each=True)
    await refund(tenant, "a")
    rows = (await tenant.ok(await tenant.get("/v1/sources/shop/deliveries", state="parked")))["data"]
    (parked,) = [row["delivery_id"] for row in rows]
    await tenant.ok(await tenant.post("/v1/policies/cactushop/versions", {"document": also_sold()}), 201)
    again = {"the order": "/v1/orders/shop:a/replay", "its delivery": f"/v1/sources/shop/deliveries/{parked}/replay"}[
        replayed
    ]
    put = partial(tenant.put, "/v1/orders/shop:c", late("c"))
    answers = await at_once(module_url, tenant, put, lambda: tenant.post(again, key=None))
    assert [answer.status_code for answer in answers] == [201, 200], answers[1].text
    found = await years(tenant)
    assert sum(found.values()) == 3, found
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []


async def test_a_won_dispute_keeps_what_another_order_wrote_meanwhile(vendor: MakeVendor, module_url: str) -> None:
    """The dispute of an order took the year of ``b``, and takes that of ``c`` once that is told."""
    tenant, path = await shop_of(vendor, "cactushop")
    after = {"b": "2025-03-10T00:00:00Z", "c": "2025-03-20T00:00:00Z"}

    async def tell(event: dict[str, Any]) -> Any:
        body = shops.raw(event)
        return await tenant.client.post(path, content=body, headers=shops.sign_stripe(body))

    async def put(number: str) -> Any:
        return await tenant.put(f"/v1/orders/{number}", {**late("c", "shop:17"), "placed_at": after[number]})

    await tell(session("support-12-months", 1, 21000))
    await tenant.ok(await put("b"), 201)
    await tell(dispute("lost", number=1, amount=21000))
    won = dispute("won", number=2, amount=21000)
    answers = await at_once(module_url, tenant, lambda: put("c"), lambda: tell(won))
    assert [answer.status_code for answer in answers] == [201, 200]
    shown = await tenant.ok(await tenant.get("/v1/customers/shop:17"))
    found = sorted(row["order_id"] for row in shown["covers"] if row["state"] not in ("ended", "voided"))
    assert found == ["b", "c", "shop:pi_D1"]
    assert (await tenant.ok(await tenant.get("/v1/audit")))["data"] == []
