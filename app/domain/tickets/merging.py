"""Two tickets that are one issue become one: one charge, one record of what was written, one first response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.ledger.ticket_credits import refund_for
from app.domain.tickets import handling as ticket_work
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets import work
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import Ticket
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso


def merge(session: TicketSession, other: TicketSession, lasting: Mapping[str, Ticket]) -> None:
    """Ends the duplicate ``session`` and lets ``other`` take in what was written on it.

    ``lasting``: by the id of a merged ticket, the one that it lives on in. Refused 409: ``merged_already`` where the
    duplicate was merged, or the two are one by now. ``merge_chain`` where the other was merged into a third.
    ``merge_closed``.
    """
    for ticket, partner in ((session.ticket, other.ticket), (other.ticket, session.ticket)):
        lives_on = lasting.get(ticket.ticket_id)
        if lives_on is not None:
            again = ticket is session.ticket or lives_on.ticket_id == partner.ticket_id
            raise DomainError(
                "merged_already" if again else "merge_chain",
                ticket_id=ticket.external_id,
                merged_into=lives_on.external_id,
                state=lives_on.state,
            )
    for ticket in (session.ticket, other.ticket):
        if ticket.closed:
            raise DomainError("merge_closed", ticket_id=ticket.external_id, state=ticket.state)
    moved = list(session.ticket.responses)
    since = _owed_since(session)
    _end(session, other.ticket)
    _take_in(other, session.ticket, moved)
    other.clocks.start_earlier("first_response", since, at=other.at)
    for response in moved:
        when = parse_iso(response["occurred_at"])
        if response["public"] and not response.get("automatic"):
            if response["author"] == "vendor":
                other.clocks.stop("vendor_response", at=other.at, occurred_at=when)
            else:
                ticket_work.answered(other, when)


def _owed_since(session: TicketSession) -> Any:
    """Since when the duplicate owed a first response; None where it owed none."""
    if not session.ticket.owes_first_response:
        return None
    started = [
        state.started_at
        for clock in session.clocks.clocks
        if clock.spec.milestone == "first_response" and (state := clock.state(session.at)).cycle == 1
    ]
    return min((instant for instant in started if instant is not None), default=parse_iso(session.ticket.opened_at))


def _end(session: TicketSession, into: Ticket) -> None:
    ticket = session.ticket
    session.release_all(reason="merged")
    if session.charge()["net"]:
        refund_for(session.account.ledger, ticket.ticket_id, reason="merged")
    change: dict[str, dict[int, Mapping[str, Any]]] = {}
    if quote := ticket.quote:
        change = {"assessments": {quote["number"]: {"status": "superseded"}}}
    cleared: dict[str, Any] = {"asks": [], "options": [], "reasons": [], "remedies": []}
    session.record(
        "merged",
        "merge",
        to="withdrawn",
        values={**cleared, "merged_into": into.ticket_id},
        change=change,
        event_data={"into": into.external_id},
    )


def _take_in(other: TicketSession, duplicate: Ticket, moved: list[Any]) -> None:
    ticket = other.ticket
    first = len(ticket.responses) + 1
    values: dict[str, Any] = {
        "responses": [*ticket.responses, *({**item, "number": first + n} for n, item in enumerate(moved))],
        "merged_ids": [*ticket.merged_ids, duplicate.ticket_id],
    }
    served = [name for name in (ticket.service_at, duplicate.service_at) if name is not None]
    if served and duplicate.service_at is not None:
        values["service_at"] = min(served, key=parse_iso)
    wrote = duplicate.customer_wrote_at or (duplicate.opened_at if duplicate.opened_by == "customer" else None)
    first_word = {} if wrote is None else other.first_word(parse_iso(wrote))
    charged, change = work.taken_in(other, duplicate)
    other.record(
        "absorbed",
        "absorb",
        to=ticket_flow.same(ticket),
        values={**values, **first_word, **charged},
        change=change,
        event_data={"from": duplicate.external_id},
    )
    if first_word:
        other.start_withheld()
