"""Puts a ticket on the desk: its customer locked, its book under the policy it was opened with, its clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.db import books, policies, tickets
from app.db import plan as plans
from app.db.engine import Tx
from app.domain.account.changes import AgendaItem
from app.domain.tickets.closing import fall_due
from app.domain.tickets.session import Desk
from app.domain.tickets.ticket import Ticket
from app.domain.values.errors import DomainError
from app.usecases.steps.ticket_clocks import load_for_ticket
from app.views.clock import clock_views
from app.views.ticket import Ticket as TicketView
from app.views.ticket import ticket_view


async def take(tx: Tx, external_id: str) -> Desk:
    """The ticket for working on; what has fallen due is done first. 404 ``ticket_not_found``."""
    found = await tickets.require(tx, external_id)
    desk = await _on_desk(tx, found, lock=True)
    if desk.ticket.external_id != external_id:  # its customer was erased meanwhile, and with them the ticket's name
        raise DomainError("ticket_not_found", ticket_id=external_id)
    return desk


async def beside(tx: Tx, desk: Desk, external_id: str) -> Desk:
    """Another ticket of the same customer, on the same book. 404 ``ticket_not_found``; 409 ``merge_other_customer``."""
    found = await tickets.require(tx, external_id)
    if found.customer_id != desk.ticket.customer_id:
        raise DomainError("merge_other_customer", field="into_ticket_id", into_ticket_id=external_id)
    policy = await policies.of_version(tx, found.policy_version)
    book = replace(desk.book, policy=policy)
    other = Desk(book=book, ticket=found, clocks=await load_for_ticket(tx, book, found.ticket_id, found.external_id))
    fall_due(other)
    return other


async def look(tx: Tx, external_id: str) -> Desk:
    """The ticket for reading, as it stands with what has fallen due by now; nothing is locked, nothing written."""
    return await _on_desk(tx, await tickets.require(tx, external_id), lock=False)


async def _on_desk(tx: Tx, found: Ticket, *, lock: bool) -> Desk:
    policy = await policies.of_version(tx, found.policy_version)
    book = await books.load_by_id(tx, found.customer_id, lock=lock, policy=policy)
    ticket: Ticket | None = found
    if lock:
        ticket = await tickets.find_by_id(tx, found.ticket_id)  # again, under the lock
        tx.customer_id = book.customer.customer_id
    if ticket is None:
        raise DomainError("ticket_not_found", ticket_id=found.external_id)
    desk = Desk(book=book, ticket=ticket, clocks=await load_for_ticket(tx, book, ticket.ticket_id, ticket.external_id))
    fall_due(desk)
    return desk


async def put_back(tx: Tx, desk: Desk, *, before: int | None = None, also: Desk | None = None) -> None:
    """Writes what was done."""
    for one in (desk, also):
        if one is not None:
            one.finish(before=before if one is desk else None)
    await plans.write_book(tx, desk.book)


async def view(tx: Tx, desk: Desk) -> TicketView:
    """The ticket on the desk as published."""
    ticket = desk.ticket
    names: Mapping[str, str] = await tickets.names(tx, ticket.related)
    return ticket_view(
        ticket,
        customer_id=desk.book.customer.external_id,
        names=names,
        clocks=clock_views(desk.clocks, desk.at),
        charge=desk.charge(),
        policy=desk.policy,
    )


async def on_agenda(tx: Tx, item: AgendaItem) -> None:
    """Something of a ticket fell due: a credit, an access deadline, a quote (decision 0010). Idempotent."""
    found = await tickets.find_by_id(tx, str(item.payload["ticket_id"]))
    if found is None:
        return
    desk = await _on_desk(tx, found, lock=True)
    if desk.ticket.version > found.version:
        await put_back(tx, desk)
