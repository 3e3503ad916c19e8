"""What a helpdesk has said about a ticket, merged in whatever order it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.feeds.orders import Known
from app.domain.values.wire import iso, jsonable


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSnapshot:
    """Something written on a ticket, by the helpdesk's own id."""

    response_id: str
    author: str
    kind: str
    public: bool
    occurred_at: datetime
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSnapshot:
    """A ticket as the helpdesk shows it; ``stated`` are the published fields of PUT /v1/tickets.

    ``opened_at``: when it was made there, None where the delivery does not say.
    """

    stamp: str
    customer: str
    subject: str
    stated: Mapping[str, Any] = field(default_factory=dict)
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketUpdate:
    """What one delivery tells about one ticket."""

    ticket: TicketSnapshot | None = None
    responses: tuple[ResponseSnapshot, ...] = ()


def merge_ticket(before: Known | None, update: TicketUpdate) -> Known:
    """What is known once this is known too: the earliest telling of the ticket, and every response once."""
    known: Known = dict(before or {})
    if update.ticket is not None:
        snapshot = update.ticket
        theirs = {
            "stamp": snapshot.stamp,
            "customer": snapshot.customer,
            "subject": snapshot.subject,
            "stated": jsonable(snapshot.stated),
        }
        if snapshot.opened_at is not None:
            theirs["opened_at"] = iso(snapshot.opened_at)
        mine = known.get("ticket")
        if mine is None or (theirs["stamp"], _sorted(theirs)) < (mine["stamp"], _sorted(mine)):
            known["ticket"] = theirs
    if update.responses:
        responses = dict(known.get("responses") or {})
        for response in update.responses:
            row = {
                "author": response.author,
                "kind": response.kind,
                "public": response.public,
                "occurred_at": iso(response.occurred_at),
                **({"automatic": True} if response.automatic else {}),
            }
            mine = responses.get(response.response_id)
            responses[response.response_id] = row if mine is None else min(row, mine, key=_sorted)
        known["responses"] = responses
    return known


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
