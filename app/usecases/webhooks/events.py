"""The feed: everything that changed, in one order for the tenant, skipping nothing (decision 0022)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.db.account import accounts
from app.db.engine import Database, Tx
from app.db.events import events, positions
from app.db.failures import Busy
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, jsonable
from app.views.event import Event
from app.views.event_types import known_pattern

_log = logging.getLogger("retainer.events")
BATCH: Final = 500


def event_view(row: Any) -> Event:
    """An event as published. ``customer_id`` is the vendor's own id as it is now: null once erased."""
    return {
        "id": row.event_id,
        "type": row.type,
        "sequence": row.sequence,
        "position": row.position,
        "customer_id": row.customer_id,
        "occurred_at": iso(row.occurred_at),
        "recorded_at": iso(row.recorded_at),
        "data": jsonable(row.data),
    }


async def place(db: Database, tenant_id: str) -> None:
    """Gives waiting events their positions before the feed is read, so that whoever just wrote finds its event.

    Waits for whoever is placing; a busy tenant is left to the worker, and the feed shows what there is.
    """
    try:
        if await db.read(tenant_id, events.unplaced):
            while await db.run(tenant_id, lambda tx: positions.assign_batch(tx, wait=True)) >= positions.BATCH:
                pass
    except Busy:
        _log.info("the tenant is busy; its newest events will be placed by the worker", extra={"tenant": tenant_id})


async def feed(
    tx: Tx,
    *,
    after: int | str = 0,
    before: int | str | None = None,
    part: PageRequest,
    types: list[str] | None = None,
    customer_id: str | None = None,
) -> tuple[Page[Event], int]:
    """Events behind a position (or behind the event of that id), in order, and the position that was looked up to.
    Call `place` before the transaction. Backward: the last ones before ``before``.

    ``types`` may hold ``noun.*``; an unknown one is 422 ``unknown_event_type``, an unknown id 404 ``event_not_found``.
    """
    unknown = [event_type for event_type in types or () if not known_pattern(event_type)]
    if unknown:
        raise DomainError("unknown_event_type", field="type", unknown=unknown)
    start = after if isinstance(after, int) else await _position(tx, after)
    ours: str | None = None
    if customer_id is not None:
        customer = await accounts.find_customer(tx, customer_id)
        if customer is None:
            return Page([], [], None), start
        ours = customer.customer_id
    last = await events.last_position(tx)
    if before is not None:
        part = replace(part, key=[before if isinstance(before, int) else await _position(tx, before)])
    found, more = await events.page(tx, start, part, types=types, customer_id=ours)
    page = part.page_of(found, more, [event_view(row) for row in found], lambda item: [item.position])
    return page, found[-1].position if more and not part.backward else max(last, start)


async def _position(tx: Tx, event_id: str) -> int:
    position = await events.position_of(tx, event_id)
    if position is None:
        raise DomainError("event_not_found", event_id=event_id)
    return position


async def get_event(tx: Tx, event_id: str) -> Event:
    """One event, whether it has its position yet or not. 404 ``event_not_found``."""
    row = await events.one(tx, event_id)
    if row is None:
        raise DomainError("event_not_found", event_id=event_id)
    return event_view(row)


async def purge(db: Database, tenant_id: str, before: datetime, *, most: int = 20) -> int:
    """Removes events that were made before a moment of real time, in batches; what an endpoint waits for stays."""
    removed = 0
    for _ in range(most):
        done = await db.run(tenant_id, lambda tx: events.purge(tx, before, limit=BATCH))
        removed += done
        if done < BATCH:
            break
    return removed
