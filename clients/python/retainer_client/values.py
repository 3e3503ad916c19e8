"""Money and instants, as the service writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation


@dataclass(frozen=True)
class Money:
    """An amount with its currency; exact, never a float. TypeError or ValueError for what is no amount."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError("an amount is a Decimal, for example Decimal('34.50')")
        if not self.amount.is_finite():
            raise ValueError("an amount is a number")

    @classmethod
    def of(cls, value: Mapping[str, str]) -> Money:
        """Money of an answer."""
        try:
            return cls(Decimal(value["amount"]), value["currency"])
        except InvalidOperation:
            raise ValueError(f"an amount is a number, not {value['amount']!r}") from None

    def json(self) -> dict[str, str]:
        """Money for a request."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}


def instant(value: datetime) -> str:
    """An instant for a request. ValueError for a time without a zone: it would be read as somebody's."""
    if value.tzinfo is None:
        raise ValueError("an instant needs a zone, for example datetime.now(UTC)")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(value: str) -> datetime:
    """An instant of an answer. ValueError for one without a zone."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("an instant needs a zone, such as the Z at its end")
    return found
