"""What is known of a helpdesk's ticket, brought into the ledger: the ticket, and each response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.db.account import accounts
from app.db.engine import Tx
from app.db.inbound.sources import Source
from app.domain.feeds.orders import Known
from app.domain.feeds.review import ReviewItem
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso, parse_iso_or_none
from app.usecases.inbound import effects
from app.usecases.inbound.names import customer_here, own_name
from app.usecases.inbound.outcome import Outcome, message_of

CLOSED: Final = "ticket_closed"
"""Of a rejected or resolved ticket: what is written there still is no service, and nothing is wrong with it.
"""


async def act_on_ticket(tx: Tx, source: Source, subject: str, known: Known) -> Outcome:
    """Opens the ticket once, and states what has changed and was written since."""
    ticket = known.get("ticket")
    if ticket is None:
        return Outcome(reason="waits_for_ticket")
    ticket_id = own_name(source, subject.partition("/")[2])
    customer = ticket["customer"]
    external = customer[4:]
    if not customer.startswith("own:"):

        async def is_put() -> bool:
            return bool(known.get("put"))

        external = await customer_here(tx, source, customer, known, recorded=is_put)
    priority = (known.get("priority") or {}).get("priority")
    if not known.get("put"):
        await effects.put_ticket(
            tx,
            ticket_id=ticket_id,
            customer_id=external,
            subject=ticket["subject"],
            stated={**ticket["stated"], **({} if priority is None else {"priority": priority})},
            opened_at=parse_iso_or_none(ticket.get("opened_at")),
        )
        known["put"] = True
        known["priority_put"] = priority
    refusal = await _state_priority(tx, ticket_id, priority, known)
    applied = dict(known.get("told") or {})
    waiting = [
        (row["occurred_at"], key, row) for key, row in (known.get("responses") or {}).items() if key not in applied
    ]
    recorded: list[str] = []
    unrecorded: list[str] = []
    outcome_effects = {"ticket_id": ticket_id, "customer_id": external, "responses": recorded, "unrecorded": unrecorded}
    outcome = Outcome(effects=outcome_effects)
    if refusal is not None:  # what was written is recorded all the same
        outcome.park(ReviewItem(refusal.code, message_of(refusal) or refusal.code, {"priority": priority}))
    for _, key, row in sorted(waiting, key=lambda item: item[:2]):
        refused = await _respond(tx, ticket_id, row, row["kind"])
        if refused is not None and refused.code != CLOSED and row["kind"] == "service":
            # What is written while the ticket waits for consent, credits or an agent is no service yet.
            refused = await _respond(tx, ticket_id, row, "inquiry") and refused
        if refused is not None and refused.code != CLOSED:  # the ticket stays; later responses wait
            outcome.park(ReviewItem(refused.code, message_of(refused) or refused.code, {"response": key}))
            break
        applied[key] = True
        (recorded if refused is None else unrecorded).append(key)
    known["told"] = applied
    owner = await accounts.find_customer(tx, external)
    outcome.customer_id = None if owner is None else owner.customer_id
    return outcome


async def _state_priority(tx: Tx, ticket_id: str, priority: str | None, known: Known) -> DomainError | None:
    """State the priority that the helpdesk changed since; return why not, if it was refused.

    One that somebody stated here stands until the helpdesk states another.
    """
    if priority is None or priority == known.get("priority_put"):
        return None
    try:
        async with tx.connection.begin_nested():
            await effects.state_priority(tx, ticket_id=ticket_id, priority=priority)
    except DomainError as error:
        return None if error.code == CLOSED else error
    known["priority_put"] = priority
    return None


async def _respond(tx: Tx, ticket_id: str, row: Mapping[str, Any], kind: str) -> DomainError | None:
    """Records a response; why not, if it was refused."""
    try:
        async with tx.connection.begin_nested():
            await effects.respond(
                tx,
                ticket_id=ticket_id,
                author=row["author"],
                kind=kind,
                public=row["public"],
                automatic=bool(row.get("automatic")),
                occurred_at=parse_iso(row["occurred_at"]),
            )
    except DomainError as error:
        return error
    return None
