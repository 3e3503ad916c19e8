"""What a helpdesk has said about a ticket, merged in whatever order it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.feeds.orders import Seen
from app.domain.values.wire import iso, jsonable


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSeen:
    """Something written on a ticket, by the helpdesk's own id."""

    response_id: str
    author: str
    kind: str
    public: bool
    occurred_at: datetime
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSeen:
    """A ticket as the helpdesk shows it; ``stated`` are the published fields of PUT /v1/tickets.

    ``opened_at``: when it was made there, None where the delivery does not say.
    """

    stamp: str
    customer: str
    subject: str
    stated: Mapping[str, Any] = field(default_factory=dict)
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketNews:
    """What one delivery tells about one ticket."""

    ticket: TicketSeen | None = None
    responses: tuple[ResponseSeen, ...] = ()


def merge_ticket(seen: Seen | None, news: TicketNews) -> Seen:
    """What is known once this is known too: the earliest telling of the ticket, and every response once."""
    known: Seen = dict(seen or {})
    if news.ticket is not None:
        ticket_seen = news.ticket
        theirs = {
            "stamp": ticket_seen.stamp,
            "customer": ticket_seen.customer,
            "subject": ticket_seen.subject,
            "stated": jsonable(ticket_seen.stated),
        }
        if ticket_seen.opened_at is not None:
            theirs["opened_at"] = iso(ticket_seen.opened_at)
        mine = known.get("ticket")
        if mine is None or (theirs["stamp"], _sorted(theirs)) < (mine["stamp"], _sorted(mine)):
            known["ticket"] = theirs
    if news.responses:
        responses = dict(known.get("responses") or {})
        for said in news.responses:
            row = {
                "author": said.author,
                "kind": said.kind,
                "public": said.public,
                "occurred_at": iso(said.occurred_at),
                **({"automatic": True} if said.automatic else {}),
            }
            mine = responses.get(said.response_id)
            responses[said.response_id] = row if mine is None else min(row, mine, key=_sorted)
        known["responses"] = responses
    return known


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
