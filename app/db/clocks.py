"""Clocks from their rows and events: of a ticket, one by its id, a page of them, a batch for recomputing.

A row is the projection; the events are the truth, and every answer is folded from them, so that ``as_of`` needs no
machinery of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, TextClause, text

from app.db import books, calendars, policies
from app.db.engine import Tx
from app.db.keyset import seek
from app.domain.account.account import Book
from app.domain.account.changes import Plan
from app.domain.clocks import stored as wire
from app.domain.clocks.clock import OutcomeFact
from app.domain.clocks.second_judgement import STREAM
from app.domain.clocks.ticket_clocks import BreachHook, Hours, TicketClock, TicketClocks
from app.domain.ledger.account_merge import root_of
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.refunded_units import refunded_of_ticket
from app.domain.values.errors import DomainError
from app.domain.values.paging import Key, Part
from app.domain.values.wire import iso, iso_or_none, parse_iso

_SELECT: Final = (
    "select c.clock_id, c.ticket_id, c.customer_id, c.milestone, c.party, c.calendar, c.spec, c.due_at,"
    " c.next_action_at, t.external_id,"
    " (select json_agg(json_build_array(o.cycle, o.window_date, o.kind)) from clock_outcome o"
    "  where o.tenant_id = c.tenant_id and o.clock_id = c.clock_id) as judged"
    " from clock c left join ticket t on t.tenant_id = c.tenant_id and t.ticket_id = c.ticket_id"
    " where c.tenant_id = :tenant"
)
_OF_TICKETS = text(f"{_SELECT} and c.ticket_id = any(:tickets) order by c.clock_id")
_BY_ID = text(f"{_SELECT} and c.clock_id = :clock")
_BY_IDS = text(f"{_SELECT} and c.clock_id = any(:clocks) order by c.clock_id")
_EVENTS = text(
    "select entity_id, seq, kind, occurred_at, recorded_at, payload from entity_event"
    " where tenant_id = :tenant and stream = 'clock' and entity_id = any(:clocks) order by entity_id, seq"
)
_JUDGEMENTS = text(
    "select payload, recorded_at, actor from entity_event"
    " where tenant_id = :tenant and stream = :stream and entity_id = :clock order by seq"
)
_STALE = text(
    f"{_SELECT} and c.phase in ('running', 'paused') and c.tzdb_version <> :version"
    " order by c.customer_id, c.clock_id limit :limit"
)
_CHECKED = text(
    "update clock set tzdb_version = :version where tenant_id = :tenant and clock_id = any(:clocks)"
)
_RESUMED_ELSEWHERE = text(
    "select distinct c.clock_id, c.customer_id from entity_event p join entity_event r"
    " on r.tenant_id = p.tenant_id and r.stream = p.stream and r.entity_id = p.entity_id and r.seq > p.seq"
    " join clock c on c.tenant_id = p.tenant_id and c.clock_id = p.entity_id"
    " where p.tenant_id = :tenant and p.stream = 'clock' and p.kind = 'pause'"
    " and r.kind in ('resume', 'stop') and not r.payload ? 'edition'"
    " and (r.payload->>'calendar_revision')::int > (p.payload->>'calendar_revision')::int order by c.clock_id"
)
_CONDITIONS: Final = {
    "phase": "c.phase = :phase",
    # Exact without a job: what fell due before now and was not answered is breached, whether or not a sweep came by.
    "outcome": (
        "case when c.outcome = 'open' and c.phase = 'running' and c.due_at < date_trunc('second', cast(:now as"
        " timestamptz)) then 'breached' else c.outcome end = :outcome"
    ),
    "ticket_id": "c.ticket_id = (select ticket_id from ticket where tenant_id = :tenant and external_id = :ticket_id)",
    "due_before": "c.due_at < :due_before",
}
_BY_DUE: Final = "c.due_at, c.clock_id"
_OPEN = text(
    f"{_SELECT} and c.calendar = :calendar and c.phase in ('running', 'paused')"
    " and (c.customer_id, c.clock_id) > (:customer, :clock) order by c.customer_id, c.clock_id limit :limit"
)


async def _clocks(tx: Tx, rows: Sequence[Row[Any]]) -> list[TicketClock]:
    if not rows:
        return []
    events: dict[str, list[Any]] = {}
    for row in await tx.rows(_EVENTS, {"tenant": tx.tenant_id, "clocks": [row.clock_id for row in rows]}):
        events.setdefault(row.entity_id, []).append(
            wire.load_event(row.seq, row.kind, row.occurred_at, row.recorded_at, row.payload)
        )
    found = []
    for row in rows:
        spec, pledge = wire.load_spec(row.milestone, row.party, row.calendar, row.spec)
        found.append(
            TicketClock(
                clock_id=row.clock_id,
                ticket_id=row.ticket_id,
                external_ticket_id=row.external_id or row.ticket_id,
                customer_id=row.customer_id,
                spec=spec,
                pledge=pledge,
                hours=await calendars.hours(tx, row.calendar),
                events=events.get(row.clock_id, []),
                judged={(one[0], one[1], one[2]) for one in row.judged or ()},
                on_agenda=row.next_action_at is not None,
                stored_due_at=row.due_at,
            )
        )
    return found


def _breach_hook(book: Book) -> BreachHook:
    def told(clock: TicketClock, fact: OutcomeFact, breach: str) -> None:
        """A breach brings credits back, once: the outcome is written once, in this very transaction."""
        returned = clock.pledge.breach_returns_credits
        if returned <= 0 or book.policy.credits is None:
            return
        if fact.kind == "breach_retracted":
            if clock.pledge.retracted_breach == "takes_back":
                _take_back(book, clock, breach)
            return
        types = book.policy.credits.types
        lot = book.ledger.grant(
            returned,
            source="breach",
            rule=breach,
            credit_type=types[0].credit_type if types else "credit",
            effective_at=fact.at,
            policy_version=clock.pledge.policy_version,
            clause=clock.pledge.clause,
            reading=clock.pledge.reading,
            reason=f"breach of {clock.spec.milestone}",
        )
        if paid := refunded_of_ticket(
            book.ledger, clock.ticket_id
        ):  # Nothing comes back for a refunded unit.
            gone = book.ledger.void(lot.lot_id, min(paid, returned), reason="refunded", clause=lot.clause)
            book.ledger.reclaimed.append((lot, gone))
        book.emit(
            "credits.granted",
            {
                "lot_id": lot.lot_id,
                "credits": returned,
                "source": "breach",
                "breach_id": breach,
                "ticket_id": clock.external_ticket_id,
            },
        )

    return told


def _take_back(book: Book, clock: TicketClock, breach: str) -> None:
    """It was no breach: what is unspent of its credits goes, wherever a merge has moved them."""
    granted = [one for one in book.ledger.lots.values() if one.source == "breach" and one.rule == breach]
    roots = {one.lot_id for one in granted}
    for lot in sorted(book.ledger.lots.values(), key=lambda one: one.lot_id):
        if lot.lot_id not in roots and root_of(lot) not in roots:
            continue
        taken = book.ledger.void(lot.lot_id, reason="breach retracted", clause=clock.pledge.clause)
        if taken:
            book.emit(
                "credits.voided",
                {
                    "lot_id": lot.lot_id,
                    "order_id": None,
                    "credits": taken,
                    "reason": "breach_retracted",
                    "breach_id": breach,
                    "ticket_id": clock.external_ticket_id,
                    "balance": book.ledger.balance(lot.credit_type),
                },
            )


async def load_for_ticket(
    tx: Tx, book: Book, ticket_id: str | None, external_ticket_id: str | None = None
) -> TicketClocks:
    """The clocks of a ticket as a working copy over the book's plan: two statements, none for a ticket being made.

    ``ticket_id`` None, or one that has no row yet: no clocks so far; name it with `TicketClocks.bind`.
    """
    hours = await calendars.hours(tx)
    rows: Sequence[Row[Any]] = ()
    if ticket_id is not None:
        rows = await tx.rows(_OF_TICKETS, {"tenant": tx.tenant_id, "tickets": [ticket_id]})
    found = await _clocks(tx, rows)
    external = external_ticket_id or (found[0].external_ticket_id if found else None)
    for clock in found:
        clock.external_ticket_id = external or clock.external_ticket_id
    return TicketClocks(
        plan=book.plan,
        policy=book.policy,
        hours=hours,
        mint=tx.mint,
        ticket_id=ticket_id,
        external_ticket_id=external,
        clocks=found,
        on_breach=_breach_hook(book),
    )


async def views_of_tickets(
    tx: Tx, ticket_ids: Sequence[str], *, at: datetime | None = None, known_at: datetime | None = None
) -> dict[str, list[dict[str, Any]]]:
    """The clocks of several tickets as published, in two statements: ticket id -> clocks that had started by then."""
    rows = await tx.rows(_OF_TICKETS, {"tenant": tx.tenant_id, "tickets": list(ticket_ids)})
    moment = at or tx.at
    views: dict[str, list[dict[str, Any]]] = {one: [] for one in ticket_ids}
    for clock in await _clocks(tx, rows):
        if any(one.occurred_at <= moment for one in clock.known(known_at)):
            views[clock.ticket_id].append(clock.view(moment, known_at))
    return views


async def load_one(tx: Tx, clock_id: str) -> TicketClock | None:
    """A clock by its id, for reading."""
    found = await _clocks(tx, await tx.rows(_BY_ID, {"tenant": tx.tenant_id, "clock": clock_id}))
    return found[0] if found else None


async def judgements(tx: Tx, clock_id: str) -> list[dict[str, Any]]:
    """The judgements that were asked for after the clock had ended, the oldest first."""
    rows = await tx.rows(_JUDGEMENTS, {"tenant": tx.tenant_id, "clock": clock_id, "stream": STREAM})
    return [
        {"clock_id": clock_id, **row.payload, "judged_at": iso(row.recorded_at), "actor": row.actor}
        for row in rows
    ]


async def require_one(tx: Tx, clock_id: str) -> TicketClock:
    """`load_one`, or 404 ``clock_not_found``."""
    found = await load_one(tx, clock_id)
    if found is None:
        raise DomainError("clock_not_found", clock_id=clock_id)
    return found


async def _where(tx: Tx, statement: TextClause, parameters: dict[str, Any]) -> list[TicketClock]:
    return await _clocks(tx, await tx.rows(statement, {"tenant": tx.tenant_id, **parameters}))


async def page(tx: Tx, given: dict[str, Any], part: Part) -> tuple[list[TicketClock], bool]:
    """A part of the clocks that meet the conditions given; and whether there are more."""
    values = {key: value for key, value in given.items() if value is not None}
    conditions = [_CONDITIONS[key] for key in values]
    if "outcome" in values:
        values["now"] = tx.at
    due_before = values.get("due_before")
    columns, key = ("c.clock_id", ":after") if due_before is None else (_BY_DUE, ":after_at, :after")
    beyond, order = seek(part, columns, key)
    if part.key is not None:
        values["after"] = part.key[-1]
        if due_before is not None:
            values["after_at"] = parse_iso(str(part.key[0]))
    where = "".join(f" and {one}" for one in conditions)
    return part.taken(
        await _where(tx, text(f"{_SELECT}{where}{beyond}{order}"), {**values, "most": part.most})
    )


def key_of(clock: TicketClock, *, by_due: bool) -> Key:
    """The place of a clock in its list: by due time and id, or by id."""
    return [iso_or_none(clock.stored_due_at), clock.clock_id] if by_due else [clock.clock_id]


async def judged_elsewhere(tx: Tx, version: str, limit: int) -> list[TicketClock]:
    """Clocks that run or are paused and were judged by another zone database, by customer and id."""
    return await _where(tx, _STALE, {"version": version, "limit": limit})


async def mark_zone_data(tx: Tx, clock_ids: Sequence[str], version: str) -> None:
    """Notes by which zone database these clocks were looked at last."""
    await tx.execute(_CHECKED, {"tenant": tx.tenant_id, "version": version, "clocks": list(clock_ids)})


async def resumed_elsewhere(tx: Tx) -> Sequence[Row[Any]]:
    """Clocks that older rules resumed on a later calendar than the one they were paused on: id and customer."""
    return await tx.rows(_RESUMED_ELSEWHERE, {"tenant": tx.tenant_id})


async def open_batch(
    tx: Tx, calendar: str, *, after: tuple[str, str] = ("", ""), limit: int = 500
) -> list[TicketClock]:
    """Clocks that run or are paused on a calendar, by customer and id, after a key (keyset)."""
    return await _where(
        tx, _OPEN, {"calendar": calendar, "customer": after[0], "clock": after[1], "limit": limit}
    )


async def for_customer(
    tx: Tx, customer_id: str, clock_ids: Sequence[str], hours: Hours | None = None, *, taken: bool = False
) -> tuple[Plan, Ledger | None, TicketClocks] | None:
    """Locks a customer and makes a working copy of some of its clocks, read under the lock; None without any.

    Only where a breach would bring credits is the whole book loaded; the ledger is then to be written with the plan.
    ``hours``: a timeline that this transaction is about to publish. ``taken``: their agenda rows are off already.
    """
    customer = (await books.lock_customers(tx, [customer_id])).get(customer_id)
    if customer is None:
        return None
    found = await _where(tx, _BY_IDS, {"clocks": sorted(clock_ids)})
    if not found:
        return None
    for clock in found:
        clock.hours = hours or clock.hours
        clock.on_agenda = clock.on_agenda and not taken
    book: Book | None = None
    if any(clock.pledge.breach_returns_credits for clock in found):
        book = await books.load_by_id(tx, customer_id)
    at = tx.at if customer.last_at is None else max(tx.at, customer.last_at)
    copy = TicketClocks(
        plan=book.plan if book else Plan(customer=customer, at=at, actor=tx.actor),
        policy=book.policy if book else await policies.in_force(tx, at),
        hours=found[0].hours,
        mint=tx.mint,
        clocks=found,
        on_breach=_breach_hook(book) if book else None,
    )
    return copy.plan, book.ledger if book else None, copy
