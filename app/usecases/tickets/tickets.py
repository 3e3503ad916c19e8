"""Tickets opened, completed, split and read. Working on one stands in `app.usecases.tickets.ticket_work`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from app.db import claims, policies, tickets
from app.db.account import accounts, counted, parts, payers
from app.db.agenda import Handler
from app.db.clocks import clocks
from app.db.engine import Tx
from app.db.ledger import snapshot
from app.db.minting import first_of
from app.domain.account.account import CustomerAccount
from app.domain.tickets import assessment, late_facts
from app.domain.tickets import merging as ticket_merging
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import STATES, Ticket
from app.domain.values.digests import OUTSIDE, CallContent, content_of
from app.domain.values.errors import DomainError
from app.domain.values.ids import TicketId
from app.domain.values.paging import Key, Page, PageRequest
from app.domain.values.wire import iso
from app.usecases.steps import ticket_session
from app.usecases.steps.ticket_clocks import load_for_ticket
from app.views.clock import Clock
from app.views.ticket import Ticket as TicketView
from app.views.ticket import ticket_view
from app.views.work import LINES_SHOWN

AGENDA: Final[dict[str, Handler]] = {
    "ticket.credit_expiry": ticket_session.on_agenda,
    "ticket.access": ticket_session.on_agenda,
    "ticket.confirmation": ticket_session.on_agenda,
    "ticket.pause": ticket_session.on_agenda,
}
_STATED: Final = (
    "channel",
    "language",
    "license_id",
    "product",
    "facts",
    "category",
    "inputs",
    "agreed_up_to",
    "pay_with",
    "credit_type",
)
"""Members that the first edition's digests always cover; a later member is covered where it is given."""
_NOT_STATED: Final = frozenset({"ticket_id", "customer_id", "subject", "opened_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """What the helpdesk says of a new ticket."""

    ticket_id: str
    customer_id: str
    subject: str
    channel: str | None = None
    language: str | None = None
    license_id: str | None = None
    product: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    category: str | None = None
    inputs: dict[str, int] = field(default_factory=dict)
    agreed_up_to: int | None = None
    pay_with: str | None = None
    credit_type: str | None = None
    opened_at: datetime | None = None
    """When it was opened, if it is told late; None: now."""
    opened_by: str = "customer"
    external_url: str | None = None
    priority: str | None = None
    requester: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict, metadata={OUTSIDE: True})

    def content(self) -> CallContent:
        """Return the ticket's content, to tell a repeated call from a conflicting one."""
        return CallContent(content_of(self), self._first)

    def _first(self) -> dict[str, Any]:
        always = ("customer_id", "subject", *_STATED)
        later = [name for name in content_of(self) if name not in {"ticket_id", *always}]
        return {name: getattr(self, name) for name in (*always, *later)}

    def stated(self) -> dict[str, Any]:
        """What the rules are told."""
        return {field_.name: getattr(self, field_.name) for field_ in fields(self) if field_.name not in _NOT_STATED}


async def put(tx: Tx, command: OpenTicket) -> tuple[int, TicketView]:
    """Opens a ticket: qualified, assessed, held, its clocks started in one transaction, as far as the policy lets it.

    201 the first time, 200 with today's view for the same body, 409 ``ticket_conflict`` for other content.
    """
    terms = None
    if command.opened_at is not None:  # a ticket keeps the terms that stood when it was opened
        terms = await policies.in_force(tx, min(command.opened_at, tx.at))
    account, found, person = await payers.load_with(
        tx,
        command.customer_id,
        (tickets.BY_EXTERNAL,),
        {"external": command.ticket_id},
        policy=terms,
        claim=claims.ticket(command.ticket_id),
        part=parts.AccountPart(),
    )
    tx.customer_id = account.customer.customer_id
    known = tickets.ticket_of(found[tickets.BY_EXTERNAL.name])
    if known is None:
        if command.opened_at is not None:
            await counted.load(tx, account, command.opened_at)
        session = new_session(
            tx,
            account,
            await load_for_ticket(tx, account, None),
            command.ticket_id,
            command.subject,
            digest=command.content().digest(),
            person=person,
        )
        late_facts.opened(session, command.opened_at)
        ticket_flow.open_ticket(session, command.stated())
        await ticket_session.save(tx, session)
        return 201, await ticket_session.view(tx, session)
    if not command.content().is_of(known.payload_hash):
        raise DomainError("ticket_conflict", ticket_id=command.ticket_id)
    return 200, await get(tx, command.ticket_id)


def new_session(
    tx: Tx,
    account: CustomerAccount,
    working: Any,
    external_id: str,
    subject: str,
    *,
    digest: str,
    parent_id: str | None = None,
    person: payers.Person | None = None,
) -> TicketSession:
    """Return a session with a ticket that is not there yet."""
    ticket = Ticket(
        ticket_id=TicketId(tx.mint("tic")),
        external_id=external_id,
        customer_id=account.customer.customer_id,
        subject=subject,
        payload_hash=digest,
        parent_id=parent_id,
        person_id=None if person is None else person.person_id,
        person_name=None if person is None else person.name,
    )
    working.bind(ticket.ticket_id, external_id)
    return TicketSession(account=account, ticket=ticket, clocks=working, agent=tx.agent)


async def details(tx: Tx, ticket_id: str, stated: dict[str, Any]) -> TicketView:
    """What was missing or asked for; decides again. 409 on a closed ticket."""
    session = await ticket_session.take(tx, ticket_id)
    before = session.available
    assessment.restate(session, stated)
    await ticket_session.save(tx, session, before=before)
    return await ticket_session.view(tx, session)


async def get(
    tx: Tx, ticket_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None, lines: int = LINES_SHOWN
) -> TicketView:
    """The ticket as it stands, or as it stood at ``as_of`` by what was known at ``known_at``.

    ``lines``: how many of the work log to show at most.
    """
    if as_of is None and known_at is None:

        async def now() -> TicketView:
            session = await ticket_session.look(tx, ticket_id, in_part=True)
            return await ticket_session.view(tx, session, lines=lines)

        return await parts.first_in_part(tx, now)
    session = await ticket_session.look(tx, ticket_id)
    moment = as_of or tx.at
    found = await tickets.as_of(tx, session.ticket, as_of, known_at, session.account.plan.events)
    if found is None:
        raise DomainError("ticket_not_found", ticket_id=ticket_id, as_of=iso(moment))
    policy = await policies.of_version(tx, found.policy_version)
    named = await tickets.customer_names(tx, [found.customer_id])
    names = await tickets.names(tx, found.related)
    shown = await clocks.views_of_tickets(tx, [found.ticket_id], at=moment, known_at=known_at)
    return ticket_view(
        found,
        account=named.get(found.customer_id),
        names=names,
        clocks=shown[found.ticket_id],
        at=moment,
        policy=policy,
        lines=lines,
    )


async def listed(
    tx: Tx,
    *,
    customer_id: str | None = None,
    state: str | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    oldest_first: bool = False,
    part: PageRequest,
    members: Collection[str] | None = None,
) -> Page[TicketView]:
    """A part of the tickets, newest first unless told otherwise.

    ``members``: those of a ticket that are asked for; None: all. Clocks, charges and actions are left empty otherwise.

    What was not there ``as_of``, or in another state, is left out of it. A customer's are those on its account, and
    those that it asked as one of a company's people.
    """
    states = [] if state is None else list(dict.fromkeys(state.split(",")))
    unknown = [name for name in states if name not in STATES]
    if unknown:
        raise DomainError("unknown_state", field="state", state=unknown[0], known=list(STATES))
    ours = None
    if customer_id is not None:
        known = snapshot.shown_customer(tx, customer_id)
        ours = (known or await accounts.require_customer(tx, customer_id)).customer_id
    then = as_of is not None or known_at is not None
    parts_asked = _Asked.of(members)
    rows, more = await tickets.page(
        tx,
        customer_id=ours,
        states=[] if then else states,
        part=part,
        oldest_first=oldest_first,
        since=since,
        until=until,
    )
    if then:
        stood = [await _stood(tx, row.external_id, as_of, known_at) for row in rows]
        shown_then = [
            ticket if ticket is not None and (not states or ticket["state"] in states) else None for ticket in stood
        ]
        return part.page_of(rows, more, shown_then, _key_of)
    ids = [row.ticket_id for row in rows]
    shown = await clocks.views_of_tickets(tx, ids) if ids and parts_asked.clocks else {}
    charged = await tickets.charges(tx, ids) if ids and parts_asked.charges else {}
    views = await _views(tx, rows, shown, charged, actions=parts_asked.actions)
    return part.page_of(rows, more, views, _key_of)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What of a list of tickets has to be worked out."""

    clocks: bool
    charges: bool
    actions: bool

    @classmethod
    def of(cls, members: Collection[str] | None) -> _Asked:
        """What these members need; actions look at clocks and charges."""
        clock, charge, action = (members is None or name in members for name in ("clocks", "charge", "actions"))
        return cls(clock or action, charge or action, action)


async def recorded(tx: Tx, part: PageRequest, *, until: datetime) -> Page[TicketView]:
    """A part of all tickets as they were recorded, of those that were recorded before ``until``."""
    rows, more = await tickets.recorded(tx, part, below=first_of("tic", until))
    ids = [row.ticket_id for row in rows]
    shown = await clocks.views_of_tickets(tx, ids) if ids else {}
    views = await _views(tx, rows, shown, await tickets.charges(tx, ids))
    return part.page_of(rows, more, views, lambda row: [row.ticket_id])


async def _views(
    tx: Tx,
    rows: Sequence[Ticket],
    shown: Mapping[str, Sequence[Clock]],
    charged: Mapping[str, Mapping[str, int]],
    *,
    actions: bool = True,
) -> list[TicketView]:
    named = await tickets.customer_names(tx, [row.customer_id for row in rows])
    names = await tickets.names(tx, [name for row in rows for name in row.related])
    return [
        ticket_view(
            row,
            account=named.get(row.customer_id),
            names=names,
            clocks=shown.get(row.ticket_id, []),
            charge=charged.get(row.ticket_id),
            at=tx.at,
            policy=await policies.of_version(tx, row.policy_version),
            lines=0,
            with_actions=actions,
        )
        for row in rows
    ]


def _key_of(ticket: Ticket) -> Key:
    return [ticket.opened_at, ticket.ticket_id]


async def _stood(tx: Tx, ticket_id: str, as_of: datetime | None, known_at: datetime | None) -> TicketView | None:
    """A ticket as it stood, None before it was opened."""
    try:
        return await get(tx, ticket_id, as_of=as_of, known_at=known_at)
    except DomainError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTicket:
    """Another question of a ticket, to become a ticket of its own."""

    parent: str
    ticket_id: str
    subject: str

    def content(self) -> CallContent:
        """Return the split's content, to tell a repeated call from a conflicting one."""
        return CallContent(content_of(self), lambda: {"parent": self.parent, "subject": self.subject})


async def split(tx: Tx, command: SplitTicket) -> tuple[int, TicketView]:
    """Another question becomes a ticket of its own that names its parent and is decided on its own (CSC-11).

    The child is the same customer's, by the same channel, language, license and product. Its id is a natural key. The
    answer is 201 the first time, and 200 with today's view for the same split. It is 409 ``ticket_conflict`` when the
    id is anything else.
    """
    ticket_id, new_ticket_id, content = command.parent, command.ticket_id, command.content()
    parent = await ticket_session.take(tx, ticket_id)
    await claims.take(tx, claims.ticket(new_ticket_id))
    known = await tickets.find(tx, new_ticket_id)
    if known is not None:
        if known.parent_id != parent.ticket.ticket_id or not content.is_of(known.payload_hash):
            raise DomainError("ticket_conflict", ticket_id=new_ticket_id)
        return 200, await get(tx, new_ticket_id)
    stated = {name: getattr(parent.ticket, name) for name in ("channel", "language", "license_id", "product")}
    child = new_session(
        tx,
        parent.account,
        await load_for_ticket(tx, parent.account, None),
        new_ticket_id,
        command.subject,
        digest=content.digest(),
        parent_id=parent.ticket.ticket_id,
    )
    child.ticket.person_id, child.ticket.person_name = parent.ticket.person_id, parent.ticket.person_name
    parent.record(
        "split",
        "split",
        to=ticket_flow.same(parent.ticket),
        add={"child_ids": child.ticket.ticket_id},
        event_data={"child": new_ticket_id, "clause": parent.policy.split_clause},
    )
    ticket_flow.open_ticket(child, stated)
    await ticket_session.save(tx, parent, also=child)
    return 201, {**await ticket_session.view(tx, child), "parent": ticket_id}


async def merge(tx: Tx, ticket_id: str, *, into: str) -> TicketView:
    """Two tickets are one issue. This one ends withdrawn: its hold is released, its clocks are cancelled and its
    responses moved. The other's first response is owed since the earlier opening.

    Refused 409: ``same_ticket``, ``merge_closed``, ``merged_already``, ``merge_chain``, ``merge_other_customer``.
    """
    session = await ticket_session.take(tx, ticket_id, whole=True)
    if into == ticket_id:
        raise DomainError("same_ticket", field="into_ticket_id", into_ticket_id=into)
    other = await ticket_session.beside(tx, session, into)
    ticket_merging.merge(session, other, await tickets.lasting(tx, (session.ticket, other.ticket)))
    await ticket_session.save(tx, session, also=other)
    return await ticket_session.view(tx, session)
