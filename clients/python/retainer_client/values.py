"""Money and instants, as the service writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal


@dataclass(frozen=True)
class Money:
    """An amount with its currency; exact, never a float."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, value: Mapping[str, str]) -> Money:
        """Money of an answer."""
        return cls(Decimal(value["amount"]), value["currency"])

    def json(self) -> dict[str, str]:
        """Money for a request."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}


def instant(value: datetime) -> str:
    """An instant for a request. ValueError for a time without a zone: it would be read as somebody's."""
    if value.tzinfo is None:
        raise ValueError("an instant needs a zone, for example datetime.now(UTC)")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(value: str) -> datetime:
    """An instant of an answer."""
    return datetime.fromisoformat(value)
