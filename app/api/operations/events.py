"""The feed of everything that changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query

from app.api.fields import PathId, QueryId
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.api.paging import decode_cursor, encode_cursor
from app.api.problems import FieldError, Problem
from app.domain.values.paging import PageRequest
from app.usecases.webhooks import events
from app.views.event import Event, EventPage

OPERATIONS = Operations("Policies, partners, operations")
_POSITION: Final = re.compile(r"\d{1,15}\Z", re.ASCII)


@OPERATIONS.get("listEvents", "/v1/events", scope="events:read", paging="pages", refusals=(404,))
async def list_events(
    call: Call,
    after: Annotated[QueryId | None, Query(description="A position, an event's id or a cursor")] = None,
    type: Annotated[list[QueryId] | None, Query(description="Types or `noun.*`; may be repeated")] = None,
    customer_id: Annotated[QueryId | None, Query(description="Only this customer's")] = None,
) -> Answer[EventPage]:
    """Events in the order of their positions; nothing is skipped, however many write at once.

    Remember `position` and ask again with `after`: it says how far this answer looked.
    """
    page, context = call.page, f"{call.tenant_id}/events"
    secrets = call.rooms.cursor_secrets
    start: int | str = 0 if after is None else _start(secrets, context, after)
    end: int | str | None = None
    if page.cursor is not None:
        key = _start(secrets, context, page.cursor)
        start, end = (start, key) if page.backward else (key, None)
    types = [part for item in type or () for part in item.split(",") if part]
    await events.place(call.database, call.tenant_id)
    part = PageRequest(page.limit, backward=page.backward)
    found, position = await call.read(
        lambda tx: events.feed(tx, after=start, before=end, part=part, types=types or None, customer_id=customer_id)
    )
    view = page.view(found, lambda key: encode_cursor(secrets[0], context, key))
    return Answer({**view, "position": position}, headers=page.headers(view))


def _start(secrets: Sequence[bytes], context: str, cursor: str) -> int | str:
    if _POSITION.match(cursor):
        return int(cursor)
    if cursor.startswith("evt_"):
        return cursor
    key = decode_cursor(secrets, context, cursor)
    if not key or not isinstance(key[0], int):
        wrong = FieldError("/after", "not_a_position", "A position is wanted.", "query")
        raise Problem("invalid_input", errors=[wrong])
    return key[0]


@OPERATIONS.get("getEvent", "/v1/events/{event_id}", scope="events:read", refusals=(404,))
async def get_event(call: Call, event_id: PathId) -> Event:
    """One event."""
    return await call.read(lambda tx: events.get_event(tx, event_id))
