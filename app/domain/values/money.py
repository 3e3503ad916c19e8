"""Amounts: credits are ints, money is decimal strings with a currency; no float anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from iso4217 import Currency

MAX_CREDITS: Final = 1_000_000_000_000
"""The largest amount of credits in one command: far above any real use, far below int53."""
MAX_WIRE_INT: Final = 2**53 - 1

MINOR_DIGITS: Final[dict[str, int]] = {item.code: item.exponent for item in Currency if item.exponent is not None}
"""Digits after the point by currency: the whole table of ISO 4217, as its maintenance agency publishes it."""
_OTHERWISE: Final = 2
"""For codes that the table has no digits for: withdrawn ones (HRK), metals, codes of nobody's."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money: exact decimal, ISO 4217 currency."""

    amount: Decimal
    currency: str

    @property
    def text(self) -> str:
        """The amount as the wire carries it: fixed point with the currency's digits, e.g. ``34.50``."""
        return format(self.amount.quantize(unit_of(self.currency)), "f")


def unit_of(currency: str) -> Decimal:
    """The smallest unit of a currency: 0.01 unless ISO 4217 gives it other minor digits."""
    return Decimal(1).scaleb(-MINOR_DIGITS.get(currency, _OTHERWISE))


def share(money: Money, part: Fraction) -> Money:
    """A part of an amount, half up to the currency's smallest unit (TERMS-19)."""
    exact = Fraction(money.amount) * part
    unit = unit_of(money.currency)
    scaled = exact / Fraction(unit)
    units = Decimal(scaled.numerator * 2 + scaled.denominator) // Decimal(scaled.denominator * 2)
    return Money((units * unit).quantize(unit, rounding=ROUND_HALF_UP), money.currency)


def discount_percent(
    *, list_price: Decimal | None, paid: Decimal | None, unit: Decimal | None = None, quantity: int = 1
) -> Fraction:
    """The discount of an order line in percent. No list price: no discount; a list price of zero: 100 (AVA-6).

    With ``unit``, a currency's smallest, it is the roundest percentage that gives the price paid. A shop sells 199.99
    less 20 % at 159.99, since it cannot take less than a cent off. That is 20 %, not 20.001 %. Prices of a unit that
    have more digits than the currency are parts of a line of ``quantity``. The shop rounded that line as a whole.
    """
    if list_price is None or paid is None:
        return Fraction(0)
    if list_price <= 0:
        return Fraction(100)
    listed, price = Fraction(list_price), Fraction(paid)
    exact = (listed - price) * 100 / listed
    if unit is None or exact <= 0:
        return exact
    step = Fraction(unit)
    if price % step:
        listed, price = listed * quantity, round(price * quantity / step) * step
        exact = (listed - price) * 100 / listed
    return _roundest((listed - price - step) * 100 / listed, exact)


def _roundest(above: Fraction, most: Fraction) -> Fraction:
    """Return the number with the fewest decimals, the least of those, that is more than one and at most another."""
    for digits in range(10):
        scale = 10**digits
        least = Fraction(above * scale // 1 + 1, scale)
        if 0 <= least <= most:
            return least
    return most
