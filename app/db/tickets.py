"""Tickets: rows and streams in, tickets out. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text

from app.db.combined import Select, read, select_into
from app.db.engine import Tx
from app.db.keyset import where_after
from app.db.ledger.snapshot import shown_name
from app.domain.account.changes import StreamEvent
from app.domain.tickets.ticket import UNDECIDED, Fact, Ticket, fold, from_document
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId, TicketId
from app.domain.values.paging import PageRequest
from app.domain.values.wire import parse_iso

_COLUMNS: Final = "ticket_id, external_id, customer_id, person_id, state, subject, payload_hash, opened_at, document"
_PERSON: Final = (
    "(select p.external_id from customer p where p.tenant_id = :tenant and p.customer_id = {}.person_id) as person_name"
)
"""The vendor's id of whoever asked, where a company pays."""
_TICKET: Final = f"{_COLUMNS}, {_PERSON.format('ticket')}"
_BY_EXTERNAL = text(f"select {_TICKET} from ticket where tenant_id = :tenant and external_id = :external")
_BY_ID = text(f"select {_TICKET} from ticket where tenant_id = :tenant and ticket_id = :ticket")
_NAMED = text(f"select {_TICKET} from ticket where tenant_id = :tenant and external_id = any(:named)")
_NAMES = text("select ticket_id, external_id from ticket where tenant_id = :tenant and ticket_id = any(:tickets)")
_FACTS = text(
    "select seq, kind, occurred_at, recorded_at, actor, payload from entity_event"
    " where tenant_id = :tenant and stream = 'ticket' and entity_id = :ticket order by seq"
)
_CHARGES = text(
    "select h.ticket_id, sum(l.credits - l.captured - l.released)::bigint as held, sum(l.captured)::bigint as captured,"
    " sum(l.refunded)::bigint as refunded from hold h join hold_line l using (tenant_id, hold_id)"
    " where h.tenant_id = :tenant and h.ticket_id = any(:tickets) group by h.ticket_id"
)
_SERVED = text(
    "select distinct license_id, document->>'cover_id' from ticket"
    " where tenant_id = :tenant and customer_id = :customer"
)
_CUSTOMERS = text(
    "select customer_id, external_id from customer where tenant_id = :tenant and customer_id = any(:customers)"
)
_UNDECIDED: Final = "t.state in ({})".format(", ".join(f"'{state}'" for state in UNDECIDED))
# What has fallen due counts as done, whether or not a job has been there: a credit that expired undecided (TERMS-18).
# The condition is the index's own (`ix_ticket_expiring`), so that only tickets with such a credit are looked at.
_EXPIRED: Final = (
    f"{_UNDECIDED} and (t.document ->> 'credit_expires_at') is not null"
    " and (t.document ->> 'credit_expires_at')::timestamptz <= :at"
)
_BY_COLUMN: Final = "t.state = :state"
_IN_STATE: Final[dict[str, str]] = dict.fromkeys(UNDECIDED, f"{_BY_COLUMN} and not ({_EXPIRED})")
"""Tickets in a state by their column; in any other state nothing falls due by itself."""


class TicketRow(msgspec.Struct):
    """A ticket as its row keeps it."""

    external_id: str
    customer_id: str
    subject: str
    payload_hash: str
    document: dict[str, Any]
    person_id: str | None = None
    person_name: str | None = None


BY_ID: Final = select_into("ticket_by_id", TicketRow, _BY_ID.text)
"""The ticket of `:ticket`, our own id, for a combined statement."""
BY_EXTERNAL: Final = select_into("ticket_by_external", TicketRow, _BY_EXTERNAL.text)
"""The ticket of `:external`, the helpdesk's id, for a combined statement."""


def ticket_of(rows: Sequence[TicketRow]) -> Ticket | None:
    """Return the ticket of the one row, or None."""
    return _ticket(rows[0]) if rows else None


def _ticket(row: Row[Any] | TicketRow) -> Ticket:
    return from_document(
        row.document,
        external_id=row.external_id,
        customer_id=row.customer_id,
        subject=row.subject,
        payload_hash=row.payload_hash,
        person_id=row.person_id,
        person_name=row.person_name,
    )


async def served(tx: Tx, customer_id: str) -> frozenset[str]:
    """Ids of the licenses and covers that the customer's tickets rest on."""
    rows = await tx.rows(_SERVED, {"tenant": tx.tenant_id, "customer": customer_id})
    return frozenset(str(item) for row in rows for item in row if item is not None)


async def find(tx: Tx, external_id: str) -> Ticket | None:
    """The ticket under the helpdesk's id, not locked."""
    row = await tx.row(_BY_EXTERNAL, {"tenant": tx.tenant_id, "external": external_id})
    return None if row is None else _ticket(row)


async def find_by_id(tx: Tx, ticket_id: str) -> Ticket | None:
    """The ticket by our own id, not locked."""
    row = await tx.row(_BY_ID, {"tenant": tx.tenant_id, "ticket": ticket_id})
    return None if row is None else _ticket(row)


async def named(tx: Tx, external_ids: Sequence[str]) -> list[Ticket]:
    """The tickets under the helpdesk's ids, not locked; those that there are."""
    rows = await tx.rows(_NAMED, {"tenant": tx.tenant_id, "named": list(external_ids)})
    return [_ticket(row) for row in rows]


async def require(tx: Tx, external_id: str) -> Ticket:
    """`find`, or 404 ``ticket_not_found``."""
    found = await find(tx, external_id)
    if found is None:
        raise DomainError("ticket_not_found", ticket_id=external_id)
    return found


def fact_of(event: Any) -> Fact:
    """Return an event of a ticket's stream, or its row, as the fold reads it."""
    return Fact(
        seq=event.seq,
        kind=event.kind,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        actor=event.actor,
        payload=event.payload,
    )


async def facts(tx: Tx, ticket_id: str) -> list[Fact]:
    """The stream of a ticket, in order."""
    rows = await tx.rows(_FACTS, {"tenant": tx.tenant_id, "ticket": ticket_id})
    return [fact_of(row) for row in rows]


async def as_of(
    tx: Tx, ticket: Ticket, at: datetime | None, known_at: datetime | None, due: Iterable[StreamEvent] = ()
) -> Ticket | None:
    """The ticket as it stood then; None when it was not there yet. ``due``: what fell due and is not written yet."""
    known = await facts(tx, ticket.ticket_id)
    known += [fact_of(stream_event) for stream_event in due if stream_event.stream == "ticket"]
    return fold(
        known,
        ticket_id=TicketId(ticket.ticket_id),
        customer_id=CustomerId(ticket.customer_id),
        external_id=ticket.external_id,
        subject=ticket.subject,
        payload_hash=ticket.payload_hash,
        person_id=ticket.person_id,
        person_name=ticket.person_name,
        as_of=at,
        known_at=known_at,
    )


async def names(tx: Tx, ticket_ids: Iterable[str]) -> dict[str, str]:
    """The helpdesk's ids of tickets."""
    ids = sorted(set(ticket_ids))
    if not ids:
        return {}
    return {row.ticket_id: row.external_id for row in await tx.rows(_NAMES, {"tenant": tx.tenant_id, "tickets": ids})}


async def lasting(tx: Tx, known: Iterable[Ticket]) -> dict[str, Ticket]:
    """For each of these that was merged, the ticket that it lives on in, however often that was merged in turn."""
    found: dict[str, Ticket] = {}
    for ticket in known:
        last: Ticket | None = ticket
        while last is not None and last.merged_into is not None:  # no circle: only open tickets are merged
            last = await find_by_id(tx, last.merged_into)
        if last is not None and last is not ticket:
            found[ticket.ticket_id] = last
    return found


async def charges(tx: Tx, ticket_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """What tickets cost so far, read off their holds; those without one are left out."""
    rows = await tx.rows(_CHARGES, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    return {
        row.ticket_id: {
            "held": row.held,
            "captured": row.captured,
            "refunded": row.refunded,
            "net": row.captured - row.refunded,
        }
        for row in rows
    }


async def customer_names(tx: Tx, customer_ids: Iterable[str]) -> dict[str, str | None]:
    """The vendor's ids of customers."""
    ids = sorted(set(customer_ids))
    shown: dict[str, str | None] = {id_: name for id_ in ids if (name := shown_name(tx, id_)) is not None}
    unknown = [id_ for id_ in ids if id_ not in shown]
    if not unknown:
        return shown
    rows = await tx.rows(_CUSTOMERS, {"tenant": tx.tenant_id, "customers": unknown})
    return shown | {row.customer_id: row.external_id for row in rows}


async def recorded(tx: Tx, part: PageRequest, *, below: str) -> tuple[list[Ticket], bool]:
    """A part of all tickets as they were recorded, of those whose own id comes before ``below``.

    400 ``cursor_invalid`` for a key of another order.
    """
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "most": part.most, "below": below}
    if part.key is not None:
        if len(part.key) != 1:  # given out by an earlier version
            raise DomainError("cursor_invalid")
        parameters["after"] = part.key[0]
    beyond, order = where_after(part, "ticket.ticket_id", ":after")
    statement = f"select {_TICKET} from ticket where ticket.tenant_id = :tenant and ticket.ticket_id < :below"
    rows, more = part.trim(await tx.rows(text(f"{statement}{beyond}{order}"), parameters))
    return [_ticket(row) for row in rows], more


async def page(
    tx: Tx,
    *,
    customer_id: str | None,
    states: Sequence[str],
    part: PageRequest,
    oldest_first: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[list[Ticket], bool]:
    """A part of the tickets by (opened_at, ticket_id), newest first unless told otherwise; whether there are more."""
    parameters: dict[str, Any] = {"tenant": tx.tenant_id, "most": part.most, "at": tx.at}
    whose = [""]
    if customer_id is not None:  # those on the account, and those that a person asked of a company's account
        whose = [" and t.customer_id = :customer", " and t.person_id = :customer"]
        parameters["customer"] = customer_id
    beyond, order = where_after(part, "t.opened_at, t.ticket_id", ":after_at, :after_id", newest_first=not oldest_first)
    if part.key is not None:
        parameters["after_at"], parameters["after_id"] = parse_iso(str(part.key[0])), part.key[1]
    columns = ", ".join(f"t.{name}" for name in _COLUMNS.split(", "))
    in_states = [] if states else [""]
    for number, state in enumerate(states):
        parameters[f"state_{number}"] = state
        in_states.append(f" and {_IN_STATE.get(state, _BY_COLUMN)}".replace(":state", f":state_{number}"))
    if "rejected" in states:
        in_states.append(f" and {_EXPIRED}")
    for bound, sign, instant in (("since", ">=", since), ("until", "<", until)):
        if instant is not None:
            parameters[bound] = instant
            beyond = f" and t.opened_at {sign} :{bound}{beyond}"
    parts = [
        f"select {columns} from ticket t where t.tenant_id = :tenant{mine}{in_state}{beyond}{order}"
        for mine, in_state in product(whose, in_states)
    ]
    found = f"({') union all ('.join(parts)})"
    statement = f"select {columns}, {_PERSON.format('t')} from ({found}) t{order}"
    # As one JSON list: decoded at once, the documents cost a third of what they do one by one.
    listed = _listed(statement)
    rows, more = part.trim((await read(tx, (listed,), parameters))[listed.name])
    return [_ticket(row) for row in rows], more


@lru_cache(maxsize=100)
def _listed(statement: str) -> Select[TicketRow]:
    return select_into("listed", TicketRow, statement)
