"""Whether the due time of a clock, and the state that a daily promise keeps, are what its events come to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from app.db.clocks import clocks
from app.db.engine import Tx
from app.db.ledger.invariants import CLOCK_STATES
from app.domain.clocks.folded import difference, misdated
from app.domain.clocks.ticket_clock import TicketClock


async def folded(tx: Tx, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return where a clock of these customers says otherwise than its events come to."""
    found = await clocks.to_audit(tx, customer_ids)
    # Years of events take long to fold, so that is done beside the event loop.
    return await asyncio.to_thread(lambda: list(_differences(found, tx.at))) if found else []


def _differences(found: Sequence[TicketClock], at: datetime) -> Iterator[dict[str, Any]]:
    for clock in found:
        pair = difference(clock) or misdated(clock, at)
        if pair is not None:
            expected, there = pair
            yield {"invariant": CLOCK_STATES, "subject": clock.clock_id, "expected": expected, "found": there}
