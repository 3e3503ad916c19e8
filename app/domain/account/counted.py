"""What counts in the windows of a policy: each ticket, or each line of work, as its row keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.domain.values.ids import CustomerId

STILL_OPEN: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The last instant of what counts for as long as a ticket is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUse:
    """One ticket or line of work in one count. ``person``: our id of who asked.

    ``license_id`` and ``cover_id`` are there where the count is by license or by period of cover.
    """

    count: str
    ticket_id: str
    person: CustomerId
    at: datetime
    amount: int
    license_id: str | None = None
    cover_id: str | None = None
