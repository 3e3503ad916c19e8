"""Clocks from their rows and events: of a ticket, one by its id, a page of them, a batch for recomputing.

A row is the projection, and the events are the truth. Every answer is folded from the events, so that ``as_of`` needs
no machinery of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
from sqlalchemy import Row, TextClause, text

from app.db.clocks import calendars
from app.db.combined import Select, read, select_into
from app.db.engine import Tx
from app.db.keyset import where_after
from app.domain.clocks import stored as wire
from app.domain.clocks.event import ClockSpec, Outcome, Phase
from app.domain.clocks.second_judgement import STREAM
from app.domain.clocks.stored import PromiseTerms
from app.domain.clocks.ticket_clock import TicketClock
from app.domain.values.errors import DomainError
from app.domain.values.paging import Key, PageRequest
from app.domain.values.wire import iso, iso_or_none, parse_iso
from app.views.clock import Clock, ClockJudgement, clock_view

_JUDGED: Final = (
    "(select json_agg(json_build_array(o.cycle, o.window_date, o.kind)) from clock_outcome o"
    "  where o.tenant_id = :tenant and o.clock_id = c.clock_id)"
)
_SELECT: Final = (
    "select c.clock_id, c.ticket_id, c.customer_id, c.milestone, c.party, c.calendar, c.spec, c.due_at,"
    " c.next_action_at, t.external_id,"
    f" {_JUDGED} as judged"
    " from clock c left join ticket t on t.tenant_id = c.tenant_id and t.ticket_id = c.ticket_id"
    " where c.tenant_id = :tenant"
)
_OF_TICKETS = text(f"{_SELECT} and c.ticket_id = any(:tickets) order by c.clock_id")
_BY_ID = text(f"{_SELECT} and c.clock_id = :clock")
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
_CHECKED = text("update clock set tzdb_version = :version where tenant_id = :tenant and clock_id = any(:clocks)")
_RESUMED_ELSEWHERE = text(
    "select distinct c.clock_id, c.customer_id from entity_event p join entity_event r"
    " on r.tenant_id = p.tenant_id and r.stream = p.stream and r.entity_id = p.entity_id and r.seq > p.seq"
    " join clock c on c.tenant_id = p.tenant_id and c.clock_id = p.entity_id"
    " where p.tenant_id = :tenant and p.stream = 'clock' and p.kind = 'pause'"
    " and r.kind in ('resume', 'stop') and not r.payload ? 'edition'"
    " and (r.payload->>'calendar_revision')::int > (p.payload->>'calendar_revision')::int order by c.clock_id"
)
# Exact without a job: what fell due before now and was not answered is breached, whether or not a sweep came by.
_OVERDUE: Final = (
    "c.phase = 'running' and c.outcome = 'open' and c.due_at < date_trunc('second', cast(:now as timestamptz))"
)
_CONDITIONS: Final = {
    "phases": "c.phase = any(:phases)",
    "outcomes": f"case when {_OVERDUE} then 'breached' else c.outcome end = any(:outcomes)",
    "ticket_id": "c.ticket_id = (select ticket_id from ticket where tenant_id = :tenant and external_id = :ticket_id)",
    "customer": "c.customer_id = :customer",
    "due": "c.due_at is not null",
    "due_after": "c.due_at >= :due_after",
    "due_before": "c.due_at < :due_before",
    "below": "c.clock_id < :below",
}
_PAIRS: Final = (
    "select k.* from unnest(cast(:phases as text[]), cast(:outcomes as text[])) as pair(phase, outcome)"
    " cross join lateral (select c.clock_id, c.due_at from clock c where c.tenant_id = :tenant"
    " and c.phase = pair.phase and c.outcome = pair.outcome"
)
"""One range of an index for each phase and outcome, in the order of the list; what each gives is merged."""
_BY_DUE: Final = "c.due_at, c.clock_id"
_DUE: Final = frozenset({"due", "due_after", "due_before"})
"""Conditions of due times: with one of them a list is in their order."""
_OPEN = text(
    f"{_SELECT} and c.calendar = :calendar and c.phase in ('running', 'paused')"
    " and (c.customer_id, c.clock_id) > (:customer, :clock) order by c.customer_id, c.clock_id limit :limit"
)


class ClockRow(msgspec.Struct):
    """A clock as its row keeps it. ``judged``: the outcomes written so far, [cycle, date of the window, kind] each."""

    clock_id: str
    ticket_id: str
    customer_id: str
    milestone: str
    party: str
    calendar: str
    spec: msgspec.Raw
    due_at: datetime | None
    next_action_at: datetime | None
    external_id: str | None
    judged: list[tuple[int, str, str]] | None
    folded: dict[str, Any] | None = None


class EventRow(msgspec.Struct):
    """An event of a clock as its row keeps it."""

    entity_id: str
    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    payload: dict[str, Any]


OF_TICKET: Final[tuple[Select[Any], Select[Any]]] = (
    select_into("clocks_of_ticket", ClockRow, f"{_SELECT} and c.ticket_id = :ticket order by c.clock_id"),
    select_into(
        "events_of_clocks",
        EventRow,
        "select e.entity_id, e.seq, e.kind, e.occurred_at, e.recorded_at, e.payload from clock c join entity_event e"
        " on e.tenant_id = c.tenant_id and e.stream = 'clock' and e.entity_id = c.clock_id"
        " where c.tenant_id = :tenant and c.ticket_id = :ticket order by e.entity_id, e.seq",
    ),
)
"""The clocks of `:ticket`, our own id, and their events, for a combined statement."""
_OF_TICKETS_AT_ONCE: Final[tuple[Select[Any], Select[Any]]] = (
    select_into("clocks_of_tickets", ClockRow, _OF_TICKETS.text),
    select_into(
        "events_of_tickets",
        EventRow,
        "select e.entity_id, e.seq, e.kind, e.occurred_at, e.recorded_at, e.payload from clock c join entity_event e"
        " on e.tenant_id = c.tenant_id and e.stream = 'clock' and e.entity_id = c.clock_id"
        " where c.tenant_id = :tenant and c.ticket_id = any(:tickets) order by e.entity_id, e.seq",
    ),
)
_BY_IDS_AT_ONCE: Final[tuple[Select[Any], Select[Any]]] = (
    select_into("clocks_by_id", ClockRow, f"{_SELECT} and c.clock_id = any(:clocks) order by c.clock_id"),
    select_into(
        "events_by_clock",
        EventRow,
        "select entity_id, seq, kind, occurred_at, recorded_at, payload from entity_event"
        " where tenant_id = :tenant and stream = 'clock' and entity_id = any(:clocks) order by entity_id, seq",
    ),
)


async def from_rows(tx: Tx, found: Mapping[str, Sequence[Any]]) -> list[TicketClock]:
    """Return the clocks that the selects of `OF_TICKET` read."""
    clocks, events = OF_TICKET
    return await _folded(tx, found[clocks.name], found[events.name])


_TO_JUDGE: Final[tuple[Select[Any], Select[Any]]] = (
    select_into(
        "clocks_to_judge",
        ClockRow,
        _SELECT.replace(f"{_JUDGED} as", f"case when c.folded is null then {_JUDGED} end as").replace(
            " from clock c ", ", c.folded from clock c "
        )
        + " and c.clock_id = any(:clocks) order by c.clock_id",
    ),
    select_into(
        "events_to_judge_by",
        EventRow,
        "select e.entity_id, e.seq, e.kind, e.occurred_at, e.recorded_at, e.payload from clock c join entity_event e"
        " on e.tenant_id = c.tenant_id and e.stream = 'clock' and e.entity_id = c.clock_id"
        " where c.tenant_id = :tenant and c.clock_id = any(:clocks) and c.folded is null order by e.entity_id, e.seq",
    ),
)
"""The clocks of `:clocks`; of one that keeps its state, neither events nor outcomes."""


async def due_by_ids(tx: Tx, clock_ids: Sequence[str]) -> list[TicketClock]:
    """Return clocks that are to be judged: those that keep their state without their history. One statement."""
    clocks, events = _TO_JUDGE
    found = await read(tx, (clocks, events), {"clocks": sorted(clock_ids)})
    return await _folded(tx, found[clocks.name], found[events.name])


_AUDITED: Final = (
    "(c.folded is not null"
    " or (c.phase in ('running', 'paused') and (c.next_action_at is null or c.next_action_at > :at)))"
)
"""Clocks that keep a state, and those that run or wait and that nobody has to look at just now."""
_KEEPING: Final[tuple[Select[Any], Select[Any]]] = (
    select_into(
        "clocks_that_keep",
        ClockRow,
        _SELECT.replace(" from clock c ", ", c.folded from clock c ")
        + f" and c.customer_id = any(:customers) and {_AUDITED} order by c.clock_id",
    ),
    select_into(
        "events_of_keeping",
        EventRow,
        "select e.entity_id, e.seq, e.kind, e.occurred_at, e.recorded_at, e.payload from clock c join entity_event e"
        " on e.tenant_id = c.tenant_id and e.stream = 'clock' and e.entity_id = c.clock_id where c.tenant_id = :tenant"
        f" and c.customer_id = any(:customers) and {_AUDITED} order by e.entity_id, e.seq",
    ),
)


async def to_audit(tx: Tx, customer_ids: Sequence[str]) -> list[TicketClock]:
    """Return the clocks of these customers that say how they stand, with their history. One statement."""
    clocks, events = _KEEPING
    found = await read(tx, (clocks, events), {"customers": list(customer_ids), "at": tx.at})
    return await _folded(tx, found[clocks.name], found[events.name])


async def _clocks(tx: Tx, rows: Sequence[Row[Any]]) -> list[TicketClock]:
    if not rows:
        return []
    by = {"tenant": tx.tenant_id, "clocks": [row.clock_id for row in rows]}
    return await _folded(tx, rows, await tx.rows(_EVENTS, by))


async def _folded(tx: Tx, rows: Sequence[Any], event_rows: Sequence[Any]) -> list[TicketClock]:
    """Return the clocks of these rows with their events."""
    events: dict[str, list[Any]] = {}
    for row in event_rows:
        events.setdefault(row.entity_id, []).append(
            wire.load_event(row.seq, row.kind, row.occurred_at, row.recorded_at, row.payload)
        )
    found = []
    for row in rows:
        spec, terms = _promise_of(row)
        found.append(
            TicketClock(
                clock_id=row.clock_id,
                ticket_id=row.ticket_id,
                external_ticket_id=row.external_id or row.ticket_id,
                customer_id=row.customer_id,
                spec=spec,
                terms=terms,
                hours=await calendars.hours(tx, row.calendar),
                events=events.get(row.clock_id, []),
                judged={(item[0], item[1], item[2]) for item in row.judged or ()},
                on_agenda=row.next_action_at is not None,
                stored_due_at=row.due_at,
                folded=getattr(row, "folded", None),
            )
        )
    return found


def _promise_of(row: Any) -> tuple[ClockSpec, PromiseTerms]:
    """Return what a clock promises, and on which terms. Most clocks of a tenant have one of a few promises."""
    if isinstance(row.spec, msgspec.Raw):
        return _promise(row.milestone, row.party, row.calendar, bytes(row.spec))
    return wire.load_spec(row.milestone, row.party, row.calendar, row.spec)


@lru_cache(maxsize=1000)
def _promise(milestone: str, party: str, calendar: str, spec: bytes) -> tuple[ClockSpec, PromiseTerms]:
    return wire.load_spec(milestone, party, calendar, msgspec.json.decode(spec))


async def of_ticket(tx: Tx, ticket_id: str) -> list[TicketClock]:
    """Return the clocks of a ticket: two statements."""
    return await _where(tx, _OF_TICKETS, {"tickets": [ticket_id]})


async def by_ids(tx: Tx, clock_ids: Sequence[str]) -> list[TicketClock]:
    """Return the clocks with these ids, in their order: one statement."""
    clocks, events = _BY_IDS_AT_ONCE
    found = await read(tx, (clocks, events), {"clocks": sorted(clock_ids)})
    return await _folded(tx, found[clocks.name], found[events.name])


async def views_of_tickets(
    tx: Tx, ticket_ids: Sequence[str], *, at: datetime | None = None, known_at: datetime | None = None
) -> dict[str, list[Clock]]:
    """The clocks of several tickets as published, in one statement: ticket id -> clocks that had started by then."""
    clocks, events = _OF_TICKETS_AT_ONCE
    found = await read(tx, (clocks, events), {"tickets": list(ticket_ids)})
    moment = at or tx.at
    views: dict[str, list[Clock]] = {id_: [] for id_ in ticket_ids}
    for clock in await _folded(tx, found[clocks.name], found[events.name]):
        if clock.started_by(moment, known_at):
            views[clock.ticket_id].append(clock_view(clock, moment, known_at))
    return views


async def load_one(tx: Tx, clock_id: str) -> TicketClock | None:
    """A clock by its id, for reading."""
    found = await _clocks(tx, await tx.rows(_BY_ID, {"tenant": tx.tenant_id, "clock": clock_id}))
    return found[0] if found else None


async def judgements(tx: Tx, clock_id: str) -> list[ClockJudgement]:
    """The judgements that were asked for after the clock had ended, the oldest first."""
    rows = await tx.rows(_JUDGEMENTS, {"tenant": tx.tenant_id, "clock": clock_id, "stream": STREAM})
    return [
        cast(
            ClockJudgement, {"clock_id": clock_id, **row.payload, "judged_at": iso(row.recorded_at), "actor": row.actor}
        )
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


async def page(
    tx: Tx, filters: dict[str, Any], part: PageRequest, *, newest_first: bool = False
) -> tuple[list[TicketClock], bool]:
    """A part of the clocks that meet the conditions given; and whether there are more."""
    values = {key: value for key, value in filters.items() if value is not None}
    by_due = bool(_DUE & values.keys())
    columns, key = (_BY_DUE, ":after_at, :after") if by_due else ("c.clock_id", ":after")
    beyond, order = where_after(part, columns, key, newest_first=newest_first)
    of_few = bool({"ticket_id", "customer", "below"} & values.keys())
    where = _where_of(values) if of_few or not values else _ranges_of(values, beyond, order)
    values["now"] = tx.at
    if part.key is not None:
        values["after"] = part.key[-1]
        if by_due:
            values["after_at"] = parse_iso(str(part.key[0]))
    return part.trim(await _where(tx, text(f"{_SELECT}{where}{beyond}{order}"), {**values, "most": part.most}))


def _where_of(values: dict[str, Any]) -> str:
    return "".join(f" and {_CONDITIONS[key]}" for key in values)


def _ranges_of(values: dict[str, Any], beyond: str, order: str) -> str:
    """The condition that a clock is among the first of its ranges; puts the phases and outcomes into ``values``."""
    phases, outcomes = set(values.get("phases", Phase)), set(values.get("outcomes", Outcome))
    pairs = [(phase, outcome) for phase in Phase for outcome in Outcome if phase in phases and outcome in outcomes]
    values["phases"] = [str(phase) for phase, _ in pairs]
    values["outcomes"] = [str(outcome) for _, outcome in pairs]
    due = "".join(f" and {_CONDITIONS[name]}" for name in sorted(_DUE & values.keys()))
    # What is overdue counts as breached before a sweep has come by, though its row still says that it is open.
    apart = outcomes & {Outcome.OPEN, Outcome.BREACHED}
    open_only = f" and not ({_OVERDUE})" if apart == {Outcome.OPEN} else ""
    found = f"{_PAIRS}{due}{open_only}{beyond}{order}) k"
    if apart == {Outcome.BREACHED} and Phase.RUNNING in phases:
        late = f"select c.clock_id, c.due_at from clock c where c.tenant_id = :tenant and {_OVERDUE}{due}"
        if not due:  # the few that no sweep has come by are found by their due time, then put in order
            late = f"select c.clock_id, c.due_at from ({late} offset 0) c where true"
        found += f" union all ({late}{beyond}{order})"
    return f" and c.clock_id = any(array(select c.clock_id from ({found}) c{order}))"


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
    return await _where(tx, _OPEN, {"calendar": calendar, "customer": after[0], "clock": after[1], "limit": limit})
