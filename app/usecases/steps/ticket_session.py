"""Open, save and show ticket sessions: the customer is locked, the account loaded under the ticket's own policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.db import plan as plans
from app.db import policies, tickets
from app.db.account import accounts, counted, erasure, parts
from app.db.clocks import clocks
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AgendaItem
from app.domain.ledger.rest import NotLoaded
from app.domain.tickets.closing import fall_due
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import Ticket
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso
from app.usecases.steps.ticket_clocks import load_for_ticket, working_copy
from app.views.clock import clock_views
from app.views.ticket import Ticket as TicketView
from app.views.ticket import ticket_view
from app.views.work import LINES_SHOWN

_OF_TICKET: Final = (tickets.BY_ID, *clocks.OF_TICKET)


async def take(tx: Tx, external_id: str, *, whole: bool = False) -> TicketSession:
    """The ticket for working on; what has fallen due is done first. 404 ``ticket_not_found``.

    Two statements: its customer is locked, then the account, the ticket and its clocks are read under the lock.
    ``whole``: the work looks at other tickets of the account, too.
    """
    owner = await accounts.lock_of_ticket(tx, external_id)
    session = await _take_of(tx, owner, None if whole else parts.AccountPart(ticket_id=owner.ticket_id))
    if session.ticket.external_id != external_id:  # its customer was erased meanwhile, and with them the ticket's name
        raise DomainError("ticket_not_found", ticket_id=external_id)
    return session


async def _take_of(tx: Tx, owner: accounts.TicketOwner, part: parts.AccountPart | None) -> TicketSession:
    policy = await policies.of_version(tx, owner.policy_version)
    account, found = await accounts.load_locked(
        tx, owner.customer, _OF_TICKET, {"ticket": owner.ticket_id}, policy=policy, part=part
    )
    session = await _session_of(tx, account, found, owner.ticket_id)
    tx.customer_id = session.ticket.person_id or account.customer.customer_id
    return session


async def beside(tx: Tx, session: TicketSession, external_id: str) -> TicketSession:
    """Return a session of another ticket of the same customer, on the same account.

    404 ``ticket_not_found``; 409 ``merge_other_customer``.
    """
    found = await tickets.require(tx, external_id)
    mine = session.ticket
    if (found.customer_id, found.person_id) != (mine.customer_id, mine.person_id):
        raise DomainError("merge_other_customer", field="into_ticket_id", into_ticket_id=external_id)
    policy = await policies.of_version(tx, found.policy_version)
    account = replace(session.account, policy=policy)
    other = TicketSession(
        account=account, ticket=found, clocks=await load_for_ticket(tx, account, found.ticket_id, found.external_id)
    )
    fall_due(other)
    return other


async def look(tx: Tx, external_id: str, *, in_part: bool = False) -> TicketSession:
    """The ticket for reading, as it stands with what has fallen due by now; nothing is locked, nothing written.

    ``in_part``: of the account what the ticket needs (`parts.first_in_part`).
    """
    if in_part and not tx.whole and (session := await _look_in_part(tx, external_id)) is not None:
        return session
    ticket = await tickets.require(tx, external_id)
    policy = await policies.of_version(tx, ticket.policy_version)
    part = parts.AccountPart(ticket_id=ticket.ticket_id) if in_part else None
    # A snapshot shows the same ticket again.
    beside = clocks.OF_TICKET if tx.read_only else _OF_TICKET
    account, found = await accounts.look_by_id(
        tx, ticket.customer_id, beside, {"ticket": ticket.ticket_id}, policy=policy, part=part
    )
    return await _session_of(tx, account, found, external_id, ticket if tx.read_only else None)


async def _look_in_part(tx: Tx, external_id: str) -> TicketSession | None:
    """`look` in one statement; None where the rules of the ticket's policy want the whole account."""
    rows = await accounts.read_of_ticket(tx, external_id, _OF_TICKET)
    if rows is None:
        raise DomainError("ticket_not_found", ticket_id=external_id)
    ticket = tickets.ticket_of(rows.beside[tickets.BY_ID.name])
    if ticket is None or rows.customer is None:  # cannot be: both were read by the ticket's own row
        return None
    policy = await policies.of_version(tx, ticket.policy_version)
    part = await parts.allowed(tx, parts.AccountPart(ticket_id=ticket.ticket_id, spends=False), policy)
    if part is None:
        return None
    account = await accounts.account_of(tx, rows.customer, rows, policy=policy, lock=False, part=part)
    stored = ticket.version
    session = await _session_of(tx, account, rows.beside, external_id, ticket)
    if ticket.version != stored:
        raise NotLoaded  # what has fallen due may move credits
    return session


async def _session_of(
    tx: Tx, account: CustomerAccount, found: Mapping[str, list[Any]], named: str, ticket: Ticket | None = None
) -> TicketSession:
    """Return the session of a ticket that was read with its account; what has fallen due is done.

    ``ticket``: where it was read before, in the same snapshot.
    """
    ticket = ticket or tickets.ticket_of(found[tickets.BY_ID.name])
    if ticket is None:
        raise DomainError("ticket_not_found", ticket_id=named)
    bounded = any(rule.most is not None for rule in account.policy.counts)
    if ticket.accepted_at is None or bounded:  # what is decided is decided as of the opening
        await counted.load(tx, account, parse_iso(ticket.opened_at))
    known = await clocks.from_rows(tx, found)
    session = TicketSession(
        account=account,
        ticket=ticket,
        clocks=await working_copy(tx, account, known, ticket.ticket_id, ticket.external_id),
    )
    fall_due(session)
    session.agent = tx.agent
    return session


async def save(tx: Tx, session: TicketSession, *, before: int | None = None, also: TicketSession | None = None) -> None:
    """Write what the session did."""
    for ticket_session in (session, also):
        if ticket_session is not None:
            ticket_session.finish(before=before if ticket_session is session else None)
    await plans.write_account(tx, session.account)
    person = session.ticket.person_id
    if person is not None and session.ticket.person_name is None and not tx.validate_only:
        await erasure.keep_asked(tx, [person])


async def view(tx: Tx, session: TicketSession, *, lines: int | None = LINES_SHOWN) -> TicketView:
    """Return the ticket as published."""
    ticket = session.ticket
    names: Mapping[str, str] = await tickets.names(tx, ticket.related)
    return ticket_view(
        ticket,
        account=session.account.customer.external_id,
        names=names,
        clocks=clock_views(session.clocks, session.at),
        charge=session.charge(),
        at=session.at,
        policy=session.policy,
        lines=lines,
    )


async def on_agenda(tx: Tx, item: AgendaItem) -> None:
    """Something of a ticket fell due: a credit, an access deadline, a quote (decision 0010). Idempotent."""
    found = await tickets.find_by_id(tx, str(item.payload["ticket_id"]))
    if found is None:
        return
    locked = await accounts.lock_customers(tx, [found.customer_id])
    if (customer := locked.get(found.customer_id)) is None:
        raise DomainError("customer_not_found", customer_id=found.customer_id)
    owner = accounts.TicketOwner(customer, found.ticket_id, found.policy_version)
    session = await _take_of(tx, owner, parts.AccountPart(ticket_id=found.ticket_id))
    if session.ticket.version > found.version:
        await save(tx, session)
