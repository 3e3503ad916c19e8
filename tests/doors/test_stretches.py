"""No call takes the event loop's thread for more than 50 ms at a stretch: meanwhile nobody else would be served.

What counts is the time of the core, not of the wall, so that a busy machine does not decide. Each call is as large as
the contract lets it be, or near it. Of a call that may be made again the shorter stretch counts.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
from typing import Any

import httpx
import pytest

from app.documents.policy_document import dump
from app.usecases.tenants import tenants
from tests.conftest import MakeVendor
from tests.support.api import Vendor
from tests.support.stretches import longest_stretch

SECONDS_MAX = 0.050
_numbers = itertools.count()


async def stretch(shop: Vendor, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> float:
    """The longest stretch of one call, which must be answered with 2xx."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": kind, "Idempotency-Key": f"stretch-{next(_numbers)}"}
    headers["Authorization"] = f"Bearer {shop.key}"
    # A client of its own: what the tests' client checks of each answer is no work of the service.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=shop.app), base_url="http://testserver") as client:
        # Looking for cycles in all that the tests have made takes longer than most calls, and is no call's own.
        gc.collect()
        gc.disable()
        try:
            with longest_stretch() as found:
                await asyncio.sleep(0)  # the callback that runs now began before anybody watched
                answer = await client.request(method, path, content=content, headers=headers)
        finally:
            gc.enable()
    assert answer.status_code < 300, f"{path}: {answer.text[:300]}"
    return found.seconds


async def within(shop: Vendor, method: str, path: str, body: Any = None, **more: Any) -> None:
    first = await stretch(shop, method, path, body, **more)
    if first > SECONDS_MAX:
        first = min(first, await stretch(shop, method, path, body, **more))
    assert first <= SECONDS_MAX, f"{method} {path}: {first * 1000:.0f} ms"


def order(customer: str, quantity: int) -> dict[str, Any]:
    line = {"line_id": "1", "sku": "license", "quantity": quantity}
    return {"customer_id": customer, "placed_at": "2025-01-01T00:00:00Z", "currency": "USD", "lines": [line]}


def large_document(letters: int = 380_000) -> str:
    found = dump(tenants.templates()["cactushop"][0])
    for number in itertools.count():
        if len(json.dumps(found)) > letters:
            return json.dumps(found)
        more = [{"id": f"Z-{number}-{n}", "text": "x" * 300, "mechanism": True} for n in range(50)]
        found["clauses"] = [*found["clauses"], *more]
    raise AssertionError


async def test_an_order_of_hundreds_of_licenses_and_its_refund(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await within(shop, "PUT", "/v1/orders/many", order("anna", 400))
    for path in (
        "orders/many",
        "customers/anna",
        "customers/anna/balance",
        "customers/anna/statement",
        "customers/anna/export",
        "customers/anna/entitlements/open_ticket?explain=true",
    ):
        await within(shop, "GET", f"/v1/{path}")
    ticket = {"customer_id": "anna", "subject": "s", "channel": "helpdesk", "category": "level_1"}
    await within(shop, "PUT", "/v1/tickets/t", ticket)
    await within(shop, "GET", "/v1/audit")
    assert await stretch(shop, "POST", "/v1/orders/many/refunds", {"refund_id": "r"}) <= SECONDS_MAX


async def test_an_account_of_thousands_of_licenses_is_exported_merged_and_erased(vendor: MakeVendor) -> None:
    """Orders of as many units as the contract allows: 1,000."""
    shop = await vendor("x-cart")
    await within(shop, "PUT", "/v1/orders/guest", order("guest", 1))
    for number in range(2):
        assert await stretch(shop, "PUT", f"/v1/orders/o{number}", order("anna", 1_000)) <= SECONDS_MAX
    for path in ("orders/o1", "customers/anna", "customers/anna/balance", "customers/anna/export"):
        await within(shop, "GET", f"/v1/{path}")
    assert await stretch(shop, "POST", "/v1/orders/o1/refunds", {"refund_id": "r"}) <= SECONDS_MAX
    assert await stretch(shop, "POST", "/v1/customers/guest/merge", {"into_customer_id": "anna"}) <= SECONDS_MAX
    assert await stretch(shop, "POST", "/v1/customers/anna/erasure", {}) <= SECONDS_MAX
    assert (await shop.get("/v1/customers/anna")).status_code == 404


async def test_a_calendar_version_over_many_open_tickets(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    for first in range(0, 120, 10):
        numbers = range(first, first + 10)
        await asyncio.gather(*(shop.put(f"/v1/orders/o{n}", order(f"c{n}", 1)) for n in numbers))
        tickets = ({"customer_id": f"c{n}", "subject": "s", "channel": "helpdesk"} for n in numbers)
        await asyncio.gather(*(shop.put(f"/v1/tickets/t{n}", one) for n, one in zip(numbers, tickets, strict=True)))
    hours = {day: [["10:00", "11:00"]] for day in ("mon", "tue", "wed")}
    body = {"effective_from": "2025-01-01", "weekly_hours": hours, "correction": True, "reason": "fewer hours"}
    path = "/v1/calendars/service-hours/versions"
    await within(shop, "POST", f"{path}?validate_only=true", body)
    assert await stretch(shop, "POST", path, body) <= SECONDS_MAX


async def test_a_thousand_commands_in_a_batch(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    await shop.ok(await shop.post("/v1/customers/anna/adjustments", {"credits": 5_000, "reason": "r"}))
    debits = [{"kind": "debit", "customer_id": "anna", "credits": 1, "idempotency_key": f"k{n}"} for n in range(1_000)]
    await within(shop, "POST", "/v1/credit-batches", {"commands": debits})
    for path in ("statement", "export"):
        await within(shop, "GET", f"/v1/customers/anna/{path}")


async def test_a_large_policy_is_checked_and_published(vendor: MakeVendor) -> None:
    shop, text = await vendor("cactushop"), large_document()
    await within(shop, "POST", "/v1/policies/validate", {"document": text})
    await within(shop, "POST", "/v1/policies/cactushop/versions", {"document": text})
    await within(shop, "GET", "/v1/policies/cactushop")


async def test_a_simulation(vendor: MakeVendor) -> None:
    shop = await vendor("x-cart")
    for number in range(6):
        await shop.ok(await shop.put(f"/v1/orders/o{number}", order(f"c{number}", 3)))
        body = {"customer_id": f"c{number}", "subject": "s", "channel": "helpdesk", "category": "level_1"}
        await shop.ok(await shop.put(f"/v1/tickets/t{number}", body))
    document = json.dumps(dump(tenants.templates()["x-cart"][0]))
    await within(shop, "POST", "/v1/policies/x-cart/simulate", {"document": document})


@pytest.mark.parametrize("what", ["exceptions", "holidays", "feed"])
async def test_calendars(vendor: MakeVendor, what: str) -> None:
    shop = await vendor("x-cart")
    await shop.ok(await shop.put("/v1/calendars/x", {"zone": "America/New_York", "notice_days": 0}))
    hours = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    days = [(2026 + n // 336, n // 28 % 12 + 1, n % 28 + 1) for n in range(4_000)]
    version: dict[str, Any] = {"effective_from": "2025-02-01", "weekly_hours": hours}
    if what == "feed":
        events = "".join(
            f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;VALUE=DATE:{y}{m:02d}{d:02d}\r\nSUMMARY:day {n}\r\nEND:VEVENT\r\n"
            for n, (y, m, d) in enumerate(days)
        )
        feed = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n".encode()
        await within(shop, "POST", "/v1/calendars/x/imports?validate_only=true", feed, kind="text/calendar")
        return
    if what == "exceptions":
        version["exceptions"] = [{"date": f"{y}-{m:02d}-{d:02d}", "kind": "closed"} for y, m, d in days]
    else:
        countries = (
            "US",
            "DE",
            "FR",
            "GB",
            "ES",
            "IT",
            "PL",
            "PT",
            "NL",
            "BE",
            "AT",
            "CH",
            "SE",
            "NO",
            "FI",
            "DK",
            "JP",
            "IN",
            "BR",
            "MX",
        )
        version["closure_rules"] = {"holidays": [{"country": one, "clause": "A"} for one in countries], "closures": []}
    await within(shop, "POST", "/v1/calendars/x/versions?validate_only=true", version)
    await within(shop, "POST", "/v1/calendars/x/versions", version)
    for path in (
        "open?at=2025-04-01T00:00:00Z",
        "closures?from=2025-01-01&to=2026-12-31",
        "elapsed?from=2025-01-01T00:00:00Z&to=2030-01-01T00:00:00Z",
    ):
        await within(shop, "GET", f"/v1/calendars/x/{path}")
