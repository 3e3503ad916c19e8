"""Money has the digits of its currency, by the whole table of ISO 4217; no smaller part is taken or paid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.values.money import MINOR_DIGITS, unit_of
from tests.conftest import MakeVendor
from tests.support.api import Vendor

TAKEN = [
    ("JOD", "25.505"),
    ("XAF", "65000"),
    ("JPY", "5000"),
    ("KWD", "7.123"),
    ("CLF", "1.2345"),
    ("ISK", "5000"),
    ("USD", "34.50"),
    ("UGX", "90000"),
    ("HUF", "12990.50"),
    ("MGA", "15000.20"),
]
REFUSED = [
    ("XAF", "65000.50"),
    ("JOD", "25.5055"),
    ("JPY", "5000.5"),
    ("ISK", "0.5"),
    ("USD", "34.505"),
    ("PYG", "1.1"),
]


async def order(tenant: Vendor, currency: str, price: str) -> object:
    body = {
        "customer_id": f"c-{currency.lower()}",
        "placed_at": "2025-01-01T00:00:00Z",
        "currency": currency,
        "lines": [{"line_id": "1", "sku": "credit-priority", "quantity": 1, "unit_price": price}],
    }
    return await tenant.put(f"/v1/orders/o-{currency}-{price}", body)


async def test_prices_are_taken_to_the_smallest_unit_of_their_currency_and_quoted_so(vendor: MakeVendor) -> None:
    tenant = await vendor("shopp", now="2025-01-02T00:00:00Z")
    for currency, price in TAKEN:
        made = await tenant.ok(await order(tenant, currency, price), 201)
        quote = await tenant.ok(await tenant.get(f"/v1/lots/{made['lots'][0]['lot_id']}/refund-quote"))
        assert quote["refund"] == {
            "amount": format(Decimal(price).quantize(unit_of(currency)), "f"),
            "currency": currency,
        }
    for currency, price in REFUSED:
        answer = await order(tenant, currency, price)
        assert answer.status_code == 422, (currency, price)
        assert answer.json()["errors"][0]["code"] == "too_many_digits"


async def test_a_part_is_paid_back_in_whole_units_of_the_currency(vendor: MakeVendor) -> None:
    """Half of the term is over, so that half of the price comes back, half up (TERMS-19)."""
    tenant = await vendor("shopp", now="2025-01-02T00:00:00Z")
    found = {}
    for currency, price in (("JPY", "5001"), ("KWD", "7.123"), ("USD", "34.55")):
        made = await tenant.ok(await order(tenant, currency, price), 201)
        found[currency] = made["lots"][0]["lot_id"]
    await tenant.move_clock("2025-04-01T12:00:00Z")
    paid = {}
    for currency, lot in found.items():
        quote = await tenant.ok(await tenant.get(f"/v1/lots/{lot}/refund-quote"))
        paid[currency] = quote["refund"]["amount"]
    assert paid == {"JPY": "2501", "KWD": "3.562", "USD": "17.28"}


@pytest.mark.parametrize(
    ("digits", "some"), [(0, {"JPY", "XOF", "VND"}), (2, {"USD", "COP"}), (3, {"IQD", "TND"}), (4, {"UYW"})]
)
def test_the_table_is_that_of_iso_4217(digits: int, some: set[str]) -> None:
    assert some <= {code for code, number in MINOR_DIGITS.items() if number == digits}
    assert len(MINOR_DIGITS) > 150
