"""Reports of a past instant count what was told late, as balances of it do; unless they ask for what was known."""

from __future__ import annotations

from tests.conftest import MakeVendor
from tests.reports.test_reports import balances, report
from tests.support.api import Vendor
from tests.tickets.desk import act, open_ticket, order

PAST = "2025-01-03T00:00:00Z"
TOLD = "2025-01-20T12:00:00Z"


async def told_late(vendor: MakeVendor) -> Vendor:
    """A shop that tells of an order, and of an answer, weeks after they happened."""
    shop = await vendor("x-cart")
    await order(shop, "anna", "license", "credits-60")
    ticket = await open_ticket(shop, "anna")
    await shop.move_clock(TOLD)
    line = {"line_id": "1", "sku": "credits-120", "quantity": 1}
    late = {"customer_id": "anna", "placed_at": "2025-01-02T00:00:00Z", "currency": "USD", "lines": [line]}
    await shop.ok(await shop.put("/v1/orders/told-late", late))
    answered = {"author": "vendor", "kind": "inquiry", "occurred_at": "2025-01-01T03:00:00Z"}
    await act(shop, ticket, "responses", answered)
    return shop


async def test_what_is_owed_at_an_instant_is_what_balances_of_it_are(vendor: MakeVendor) -> None:
    shop = await told_late(vendor)
    for asked, bought in (
        ({"as_of": PAST}, 240),
        ({"as_of": PAST, "known_at": TOLD}, 240),
        ({"as_of": PAST, "known_at": PAST}, 120),
        ({"known_at": PAST}, 120),
    ):
        owed = (await report(shop, "liability", **asked))["totals"]["figures"]["credits"]
        assert owed == await balances(shop, "anna", **asked), asked
        assert (await report(shop, "grants", **asked))["totals"]["figures"]["credits"] == bought, asked


async def test_a_promise_that_was_kept_after_all_is_met_at_its_instant(vendor: MakeVendor) -> None:
    shop = await told_late(vendor)
    figures = {"judged": 1, "met": 1, "breached": 0}
    for asked in ({}, {"as_of": TOLD}, {"as_of": PAST}):
        assert (await report(shop, "attainment", **asked))["totals"]["figures"] == figures, asked
    known = await report(shop, "attainment", as_of=PAST, known_at=PAST)
    assert known["totals"]["figures"] == {"judged": 1, "met": 0, "breached": 1}
