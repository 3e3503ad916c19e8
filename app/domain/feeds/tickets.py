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
class PrioritySnapshot:
    """A priority that a helpdesk states.

    ``stamp``: as of when, as text that sorts by time. ``name``: its name there. ``priority``: the policy's; None where
    the source maps none.
    """

    stamp: str
    name: str
    priority: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketUpdate:
    """What one delivery tells about one ticket."""

    ticket: TicketSnapshot | None = None
    responses: tuple[ResponseSnapshot, ...] = ()
    priority: PrioritySnapshot | None = None


def merge_ticket(before: Known | None, update: TicketUpdate) -> Known:
    """What is known once this is known too: the earliest telling of the ticket, every response once, and the newest
    priority that the source maps."""
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
        if (
            mine is None
            or (theirs["stamp"], _sorted(theirs)) < (mine["stamp"], _sorted(mine))
            or _reread(known, theirs)
        ):
            known["ticket"] = theirs
    if update.priority is not None:
        _merge_priority(known, update.priority)
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


def _reread(known: Known, theirs: Mapping[str, Any]) -> bool:
    """Whether this is the ticket that waits to be opened, read again: then what the source maps it to today counts."""
    mine = known["ticket"]
    return not known.get("put") and {**mine, "stated": None} == {**theirs, "stated": None}


def _merge_priority(known: Known, stated: PrioritySnapshot) -> None:
    """The newest statement counts; of two at one instant the last name. The same one read again has the mapping of
    today."""
    mine = known.get("priority")
    before = None if mine is None else (mine["stamp"], mine["name"])
    theirs = (stated.stamp, stated.name)
    if stated.priority is None:
        if theirs == before:
            del known["priority"]
    elif before is None or theirs >= before:
        known["priority"] = {"stamp": stated.stamp, "name": stated.name, "priority": stated.priority}


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
