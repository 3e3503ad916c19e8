"""What the readers of helpdesks share: a ticket, a response and whose ticket it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.connectors import payload as p
from app.domain.feeds.orders import stamp
from app.domain.feeds.tickets import PrioritySnapshot, ResponseSnapshot, TicketSnapshot, TicketUpdate


def subject_of(number: Any) -> str | None:
    """Return what a delivery is about, for a ticket's number; None where it is none."""
    known = isinstance(number, int | str) and not isinstance(number, bool) and number != ""
    return f"ticket/{p.text(number, 150)}" if known else None


def customer(options: Mapping[str, Any], holder: Mapping[str, Any], *, number: Any, email: Any = None) -> str:
    """Return whose ticket it is: our id where the helpdesk keeps it (`customer_field`), else its own, else a guest.

    ``holder``: the object that has the field, or has it under ``custom_attributes`` or ``custom_fields``.
    """
    field = str(options.get("customer_field") or "")
    if field:
        for place in (holder, holder.get("custom_attributes"), holder.get("custom_fields")):
            if isinstance(place, dict) and place.get(field) not in (None, ""):
                return f"own:{p.ident(place[field], field)}"
    return p.customer(number, email)


def category(options: Mapping[str, Any], *groups: Any) -> str | None:
    """Return the category of the first of the ticket's groups that the source maps."""
    mapped = p.table(options.get("categories"), "categories")
    return next((str(mapped[str(group)]) for group in groups if str(group) in mapped), None)


def priority(options: Mapping[str, Any], *names: Any, times: Iterable[Any]) -> PrioritySnapshot | None:
    """Return the priority of the first of its names that the source maps, whatever their case; None where none is
    stated.

    ``times``: as of when, the best first; those that are absent are passed over.
    """
    mapped = {name.casefold(): value for name, value in p.table(options.get("priorities"), "priorities").items()}
    stated = [p.text(name, 200) for name in names if isinstance(name, int | str) and not isinstance(name, bool)]
    at = next((time for time in times if time not in (None, "")), None)
    if not mapped or not any(stated) or at is None:
        return None
    name = next((name for name in stated if name.casefold() in mapped), stated[0])
    found = mapped.get(name.casefold())
    return PrioritySnapshot(stamp=stamp(p.instant(at, "the time of the priority")), name=name, priority=found)


def ticket(
    *, made_at: datetime, customer: str, subject: Any, channel: str, category: str | None = None
) -> TicketSnapshot:
    """Return a ticket as it was made there."""
    stated = {"channel": channel, **({} if category is None else {"category": category})}
    return TicketSnapshot(
        stamp=stamp(made_at),
        customer=customer,
        subject=p.text(subject, 200) or "(no subject)",
        stated=stated,
        opened_at=made_at,
    )


def update(
    ticket: TicketSnapshot, responses: Iterable[ResponseSnapshot], priority: PrioritySnapshot | None = None
) -> TicketUpdate:
    """Return what a delivery tells. What was written when the ticket was made is the ticket itself."""
    after = tuple(row for row in responses if ticket.opened_at is None or row.occurred_at > ticket.opened_at)
    return TicketUpdate(ticket=ticket, responses=after, priority=priority)


def response(
    *, response_id: str, by_vendor: bool, public: bool, occurred_at: datetime, automatic: bool = False
) -> ResponseSnapshot:
    """Return what was written: a service of the vendor's, or a word of the customer's."""
    return ResponseSnapshot(
        response_id=response_id,
        author="vendor" if by_vendor else "customer",
        kind="service" if by_vendor else "inquiry",
        public=public,
        automatic=automatic,
        occurred_at=occurred_at,
    )
