"""Whether the state that a daily promise keeps is what the fold of its events comes to (`app.domain.clocks.folded`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from app.db.clocks import clocks
from app.db.engine import Tx
from app.db.ledger.invariants import CLOCK_STATES
from app.domain.clocks.folded import difference
from app.domain.clocks.ticket_clock import TicketClock


async def folded(tx: Tx, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return where a clock of these customers keeps another state than its events come to."""
    found = await clocks.that_keep_a_state(tx, customer_ids)
    # Years of events take long to fold, so that is done beside the event loop.
    return await asyncio.to_thread(lambda: list(_differences(found))) if found else []


def _differences(found: Sequence[TicketClock]) -> Iterator[dict[str, Any]]:
    for clock in found:
        pair = difference(clock)
        if pair is not None:
            expected, there = pair
            yield {"invariant": CLOCK_STATES, "subject": clock.clock_id, "expected": expected, "found": there}
