"""Cover by time: looked at when a ticket is opened or reopened (the cactushop texts)."""

from __future__ import annotations

from tests.conftest import MakeVendor
from tests.tickets.desk import act, codes, open_ticket, order, refused, ticket_of


async def test_cactu_15_cover_is_looked_at_when_a_ticket_is_opened(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await order(shop, "ann", "license-standard")
    ticket = await open_ticket(shop, "ann")
    assert (ticket["state"], ticket["paid_by"]) == ("in_progress", "cover")
    await shop.move_clock("2025-06-30T23:59:59Z")
    assert (await open_ticket(shop, "ann"))["state"] == "in_progress"
    await shop.move_clock("2025-07-01T00:00:00Z")
    late = await open_ticket(shop, "ann")
    assert (late["state"], codes(late), late["clocks"]) == ("rejected", ["cover_expired"], [])
    assert {"kind": "buy", "sku": "support-12-months", "price": {"amount": "210.00", "currency": "USD"}} in [
        {name: one[name] for name in ("kind", "sku", "price")} for one in late["remedies"]
    ]


async def test_cactu_15_an_accepted_ticket_is_served_to_its_end(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await order(shop, "bob", "license-standard")
    ticket = await open_ticket(shop, "bob")
    await shop.move_clock("2025-07-10T00:00:00Z")
    await act(shop, ticket, "responses", {"author": "vendor", "kind": "service"})
    assert (await act(shop, ticket, "resolution", {}))["state"] == "resolved"


async def test_cactu_15_cover_is_looked_at_again_when_a_ticket_is_reopened(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    await order(shop, "cleo", "license-standard")
    ticket = await open_ticket(shop, "cleo")
    await shop.move_clock("2025-06-20T00:00:00Z")
    await act(shop, ticket, "resolution", {})
    assert (await act(shop, ticket, "reopening"))["state"] == "in_progress"
    await act(shop, ticket, "resolution", {})
    await shop.move_clock("2025-07-02T00:00:00Z")
    answer = await refused(shop, ticket, "reopening")
    assert (answer["code"], answer["reasons"][0]["clause"]) == ("cover_expired", "CACTU-4")
    await order(shop, "cleo", "support-12-months", placed_at="2025-07-02T00:00:00Z")
    assert (await act(shop, ticket, "reopening"))["state"] == "in_progress"
    await act(shop, ticket, "resolution", {})
    await shop.move_clock("2025-08-01T00:00:00Z")
    assert (await refused(shop, ticket, "reopening"))["code"] == "reopening_window_passed"
    assert (await ticket_of(shop, ticket))["reopened"] == 2


async def test_cactu_15_no_license_no_cover(vendor: MakeVendor) -> None:
    shop = await vendor("cactushop")
    assert codes(await open_ticket(shop, "stranger")) == ["cover_missing"]
