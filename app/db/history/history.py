"""What was recorded, customer by customer, for running it again; and a stage to run it on that is never committed.

Reading only, save for `furnish`, which makes up a tenant inside `Database.rehearsal`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert, text

from app.db import schema as s
from app.db.engine import Tx
from app.db.tickets import fact_of
from app.documents.policy_document import dump
from app.domain.policy.policy import Policy
from app.domain.tickets.recorded_steps import steps_of
from app.domain.values.wire import parse_iso

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before anything was recorded."""
RANKS: Final = ("order", "license", "choice", "cover", "adjust", "hold", "ticket", "refund")
"""What goes first of two things at one instant whose order was not recorded."""

_ENTRIES: Final = (
    "(select count(*) from purchase_order p where p.tenant_id = :tenant and p.customer_id = f.customer_id"
    " and p.received_at < :end) + (select coalesce(sum(t.version), 0) from ticket t where t.tenant_id = :tenant"
    " and t.customer_id = f.customer_id and t.opened_at < :end)"
)
_KNOWN: Final = (
    f"select f.customer_id, c.external_id, ({_ENTRIES})::int as entries from ({{}}) f"
    " join customer c on c.tenant_id = :tenant and c.customer_id = f.customer_id order by f.at, f.customer_id"
    " limit :limit"
)
# A customer is known since its first order or ticket. Both are walked in the order of time, as far as is wanted.
_FROM_THE_FIRST = text(
    _KNOWN.format(
        "(select p.customer_id, p.received_at as at from purchase_order p where p.tenant_id = :tenant"
        " and p.received_at < :end and not exists (select from purchase_order e where e.tenant_id = :tenant"
        " and e.customer_id = p.customer_id and (e.received_at, e.order_id) < (p.received_at, p.order_id))"
        " and not exists (select from ticket e where e.tenant_id = :tenant and e.customer_id = p.customer_id"
        " and e.opened_at < p.received_at) order by p.received_at, p.customer_id limit :limit)"
        " union all"
        " (select t.customer_id, t.opened_at from ticket t where t.tenant_id = :tenant and t.opened_at < :end"
        " and not exists (select from ticket e where e.tenant_id = :tenant and e.customer_id = t.customer_id"
        " and (e.opened_at, e.ticket_id) < (t.opened_at, t.ticket_id))"
        " and not exists (select from purchase_order e where e.tenant_id = :tenant and e.customer_id = t.customer_id"
        " and e.received_at <= t.opened_at) order by t.opened_at, t.customer_id limit :limit)"
    )
)
# Of a stretch, those who have something in it are looked up, and no others.
_OF_A_STRETCH = text(
    _KNOWN.format(
        "select s.customer_id, least((select min(p.received_at) from purchase_order p where p.tenant_id = :tenant"
        " and p.customer_id = s.customer_id), (select min(t.opened_at) from ticket t where t.tenant_id = :tenant"
        " and t.customer_id = s.customer_id)) as at from ("
        "select customer_id from purchase_order where tenant_id = :tenant and received_at >= :start"
        " and received_at < :end union select customer_id from ticket where tenant_id = :tenant"
        " and opened_at >= :start and opened_at < :end) s"
    )
)
_ORDERS = text(
    "select * from purchase_order where tenant_id = :tenant and customer_id = any(:customers) and received_at < :end"
)
_REFUNDS = text(
    'select * from order_refund where tenant_id = :tenant and customer_id = any(:customers) and "at" < :end'
)
_CHOICES = text(
    "select * from choice where tenant_id = :tenant and customer_id = any(:customers) and made_at < :end"
    " and option is not null"
)
_LICENSES = text(
    "select license_id, customer_id, order_id, line_id, unit_no, registered_domain, ended_at, ended_reason"
    " from license where tenant_id = :tenant and customer_id = any(:customers)"
)
_COVERS = text(
    "select cover_id, customer_id, order_id, line_id, rule from cover where tenant_id = :tenant"
    " and customer_id = any(:customers) order by cover_id"
)
_EVENTS = text(
    "select stream, entity_id, seq, kind, occurred_at, recorded_at, customer_id, actor, payload from entity_event"
    " where tenant_id = :tenant and customer_id = any(:customers) and recorded_at < :end and (stream = 'ticket'"
    " or stream = 'license' and kind in ('registered', 'ended')"
    " or stream = 'cover' and kind in ('suspended', 'resumed', 'extended')) order by stream, entity_id, seq"
)
_TICKETS = text(
    "select t.ticket_id, t.external_id, t.customer_id, t.subject, t.opened_at, t.parent_id,"
    " coalesce((select p.external_id from customer p where p.tenant_id = :tenant and p.customer_id = t.person_id),"
    " t.person_id) as asked_by from ticket t where t.tenant_id = :tenant and t.customer_id = any(:customers)"
)
_NAMINGS = text(
    "select c.customer_id, n.value ->> 'since' as since, n.value ->> 'until' as until,"
    " coalesce(p.external_id, n.value ->> 'person') as person"
    " from customer c cross join lateral jsonb_array_elements(c.data -> 'contacts') n"
    " left join customer p on p.tenant_id = :tenant and p.customer_id = n.value ->> 'person'"
    " where c.tenant_id = :tenant and c.customer_id = any(:customers) and c.data ? 'contacts' order by 2, 4"
)
_ADJUSTED = text(
    "select o.operation_id, o.customer_id, o.credit_type, o.recorded_at, o.reason,"
    " sum(case when e.target = 'available' then e.credits else -e.credits end)::int as credits,"
    " max(l.expires_at) as expires_at from operation o join entry e using (tenant_id, operation_id)"
    " join lot l using (tenant_id, lot_id) where o.tenant_id = :tenant and o.customer_id = any(:customers)"
    " and o.recorded_at < :end and (o.kind = 'adjust' or o.kind = 'grant' and l.source in ('goodwill', 'import'))"
    " group by o.operation_id, o.customer_id, o.credit_type, o.recorded_at, o.reason"
)
_USED = text(
    "select o.operation_id, o.customer_id, o.kind, o.hold_id, o.credit_type, o.recorded_at, o.reason, c.actor,"
    " o.account_version, h.expires_at, coalesce(t.external_id, o.ticket_id) as ticket_id,"
    " sum(e.credits) filter (where e.source = case when o.kind in ('hold', 'debit') then 'available'"
    " when o.kind = 'refund' then 'spent' else 'held' end)::int as credits,"
    " min(l.data -> 'categories' ->> 0) as category, min(l.license_id) as license_id"
    " from operation o join command c on c.tenant_id = o.tenant_id and c.key = o.command_id"
    " join hold h on h.tenant_id = o.tenant_id and h.hold_id = o.hold_id"
    " join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id"
    " join lot l on l.tenant_id = o.tenant_id and l.lot_id = e.lot_id"
    " left join ticket t on t.tenant_id = o.tenant_id and t.ticket_id = o.ticket_id"
    " where o.tenant_id = :tenant and o.customer_id = any(:customers) and o.recorded_at < :end"
    " and o.kind = any(:kinds) and c.kind = any(:kinds)"
    " group by o.operation_id, o.customer_id, o.kind, o.hold_id, o.credit_type, o.recorded_at, o.reason, c.actor,"
    " o.account_version, h.expires_at, t.external_id, o.ticket_id order by o.customer_id, o.account_version"
)
_EVENT_OF: Final = {
    "hold": "credits.held",
    "debit": "credits.charged",
    "capture": "credits.charged",
    "release": "credits.released",
    "refund": "credits.refunded",
}
"""The event by which others learnt of what was done with credits by hand."""
_EMITTED = text(
    "select customer_id, sequence, type, data->>'order_id' as order_id, data->>'refund_id' as refund_id,"
    " data->>'choice_id' as choice_id, data->>'ticket_id' as ticket_id, data->>'hold_id' as hold_id"
    " from outbox where tenant_id = :tenant and customer_id = any(:customers) and occurred_at < :end"
    " order by customer_id, sequence"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that was done. ``name``: the verb; ``id``: of what it was done to, the vendor's own where there is
    one; ``key`` orders the entries of a customer."""

    at: datetime
    key: tuple[datetime, int, int, str, int]
    actor: str | None
    kind: str
    id: str
    name: str
    data: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Past:
    """A customer and all that was done for them, in the order in which it was recorded."""

    customer_id: str
    external_id: str | None
    entries: list[Entry]
    licenses: dict[str, tuple[str, str, int]]
    """license_id -> (order, line, unit)."""
    orders: list[str]
    tickets: list[str]
    """The ids of what is compared: recorded in the stretch that was asked about."""

    @property
    def name(self) -> str:
        """Who they are on the stage; of an erased customer only our own id is left."""
        return self.external_id or self.customer_id


async def pasts(tx: Tx, start: datetime, end: datetime, *, limit: int) -> tuple[list[Past], bool]:
    """Return the customers with orders or tickets recorded from ``start`` (included) to ``end``, longest known first,
    and whether these are all. They are as many as have at most ``limit`` entries together.
    """
    of_all = start <= EVER
    by = {"tenant": tx.tenant_id, "start": start, "end": end, "limit": limit + 1}
    found = await tx.rows(_FROM_THE_FIRST if of_all else _OF_A_STRETCH, by)
    chosen: list[Any] = []
    budget = limit
    for row in found:
        budget -= row.entries
        if budget < 0 and chosen:
            break
        chosen.append(row)
        if budget < 0:
            break
    made = await _Reader(tx, [row.customer_id for row in chosen], end).read()
    past = [_past(row, made, start) for row in chosen]
    whole = len(chosen) == len(found)
    if past and len(past[0].entries) > limit:
        past[0].entries, whole = past[0].entries[:limit], False
    return past, whole


def _past(row: Any, made: dict[str, _Made], start: datetime) -> Past:
    mine = made[row.customer_id]
    return Past(
        customer_id=row.customer_id,
        external_id=row.external_id,
        entries=sorted(mine.entries, key=lambda entry: entry.key),
        licenses=mine.licenses,
        orders=[name for name, at in mine.orders if at >= start],
        tickets=[name for name, at in mine.tickets if at >= start],
    )


class _Made:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.licenses: dict[str, tuple[str, str, int]] = {}
        self.orders: list[tuple[str, datetime]] = []
        self.tickets: list[tuple[str, datetime]] = []


class _Reader:
    """Reads the tables of some customers and makes entries of their rows."""

    def __init__(self, tx: Tx, customers: Sequence[str], end: datetime) -> None:
        self.tx = tx
        self.parameters = {"tenant": tx.tenant_id, "customers": list(customers), "end": end, "kinds": list(_EVENT_OF)}
        self.made: dict[str, _Made] = {customer: _Made() for customer in customers}
        self.emitted: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)

    async def read(self) -> dict[str, _Made]:
        """All of it, by customer."""
        if not self.made:
            return self.made
        for row in await self._rows(_EMITTED):
            for about in ("order_id", "refund_id", "choice_id", "ticket_id", "hold_id"):
                if (value := getattr(row, about)) is not None:
                    self.emitted[about, value].append((row.sequence, row.type))
        await self._orders()
        await self._licenses_and_covers()
        await self._choices()
        for row in await self._rows(_ADJUSTED):
            if row.credits:
                data = {
                    "credits": row.credits,
                    "credit_type": row.credit_type,
                    "expires_at": row.expires_at,
                    "reason": row.reason,
                }
                self._add(row.customer_id, "adjust", row.operation_id, "adjust", row.recorded_at, data)
        await self._used()
        await self._tickets()
        return self.made

    async def _used(self) -> None:
        """What was reserved, taken and given back by hand, of whichever lots it was."""
        for row in await self._rows(_USED):
            data = {
                "credits": row.credits,
                "credit_type": row.credit_type,
                "reason": row.reason,
                "expires_at": row.expires_at,
                "ticket_id": row.ticket_id,
                "category": row.category,
                "license_id": row.license_id,
            }
            events = self.emitted["hold_id", row.hold_id]
            place = next((pair for pair in events if pair[1] == _EVENT_OF[row.kind]), None)
            if place is not None:
                events.remove(place)
            more = {"emitted": place[0] if place else 0, "seq": row.account_version, "actor": row.actor}
            self._add(row.customer_id, "hold", row.hold_id, row.kind, row.recorded_at, data, **more)

    async def _rows(self, statement: Any) -> Sequence[Any]:
        names = statement.compile().params.keys()
        return await self.tx.rows(statement, {name: self.parameters[name] for name in names})

    def _add(
        self,
        customer: str,
        kind: str,
        id_: str,
        name: str,
        at: datetime,
        data: dict[str, Any],
        *,
        emitted: int = 0,
        tie: str = "",
        seq: int = 0,
        actor: str | None = None,
    ) -> None:
        entry = Entry(
            at=at,
            key=(at, emitted, RANKS.index(kind), tie or id_, seq),
            actor=actor,
            kind=kind,
            id=id_,
            name=name,
            data=data,
        )
        self.made[customer].entries.append(entry)

    def _event_place(self, about: str, value: str, type_: str) -> int:
        return next((sequence for sequence, kind in self.emitted[about, value] if kind == type_), 0)

    async def _orders(self) -> None:
        for row in await self._rows(_ORDERS):
            data = {
                "placed_at": row.placed_at,
                "currency": row.currency,
                "lines": [line for line in row.lines if line["quantity"]],
                "source": row.source,
            }
            emitted = self._event_place("order_id", row.order_id, "order.recorded")
            self._add(row.customer_id, "order", row.order_id, "order", row.received_at, data, emitted=emitted)
            self.made[row.customer_id].orders.append((row.order_id, row.received_at))
        for row in await self._rows(_REFUNDS):
            if "undone" in row.answer:  # a payment dispute that was won: nothing is taken back by it any more
                continue
            data = {"refund_id": row.refund_id, "lines": row.answer["lines"], "reason": row.answer.get("reason")}
            emitted = self._event_place("refund_id", row.refund_id, "order.refunded")
            self._add(row.customer_id, "refund", row.order_id, "refund", row.at, data, emitted=emitted)

    async def _licenses_and_covers(self) -> None:
        ended: dict[str, datetime | None] = {}
        domains: dict[str, str | None] = {}
        covers: dict[str, tuple[str, str, str, int]] = {}
        nth: dict[tuple[str, str, str], int] = defaultdict(int)
        for row in await self._rows(_LICENSES):
            self.made[row.customer_id].licenses[row.license_id] = (row.order_id, row.line_id, row.unit_no)
            ended[row.license_id] = row.ended_at if row.ended_reason == "terminated" else None
            domains[row.license_id] = row.registered_domain
        for row in await self._rows(_COVERS):
            place = (row.order_id, row.line_id, row.rule)
            covers[row.cover_id] = (*place, nth[place])
            nth[place] += 1
        self.tickets_of: dict[str, list[Any]] = defaultdict(list)
        for row in await self._rows(_EVENTS):
            if row.stream == "ticket":
                self.tickets_of[row.entity_id].append(row)
            elif row.stream == "cover":
                data = {"place": covers[row.entity_id], "months": row.payload.get("months")}
                self._add(row.customer_id, "cover", row.entity_id, row.kind, row.recorded_at, data, seq=row.seq)
            elif row.kind == "registered":
                data = {"domain": domains[row.entity_id]}
                self._add(row.customer_id, "license", row.entity_id, "register", row.recorded_at, data, seq=row.seq)
            elif (when := ended[row.entity_id]) is not None:
                data = {"effective_at": when}
                self._add(row.customer_id, "license", row.entity_id, "terminate", row.recorded_at, data, seq=row.seq)

    async def _choices(self) -> None:
        for row in await self._rows(_CHOICES):
            data = {"place": (row.order_id, row.line_id, row.unit_no), "rule": row.rule, "option": row.option}
            emitted = self._event_place("choice_id", row.choice_id, "choice.made")
            self._add(row.customer_id, "choice", row.choice_id, "choose", row.made_at, data, emitted=emitted)

    async def _tickets(self) -> None:
        rows = {row.ticket_id: row for row in await self._rows(_TICKETS)}
        namings: dict[str, list[Any]] = defaultdict(list)
        for naming in await self._rows(_NAMINGS):
            namings[naming.customer_id].append(naming)
        for ticket_id, events in self.tickets_of.items():
            ticket = rows[ticket_id]
            self.made[ticket.customer_id].tickets.append((ticket.external_id, ticket.opened_at))
            places = self._places(ticket.external_id, events)
            for step in steps_of([fact_of(event) for event in events]):
                data = dict(step.data)
                if step.name == "open":
                    data["subject"] = ticket.subject
                    data["asked_by"] = ticket.asked_by
                    if namings[ticket.customer_id]:
                        data["named"] = _named_at(namings[ticket.customer_id], step.at)
                elif step.name == "split":
                    child = rows.get(data.pop("child_id"))
                    if child is None:
                        continue
                    data.update(new_ticket_id=child.external_id, subject=child.subject)
                self._add(
                    ticket.customer_id,
                    "ticket",
                    ticket.external_id,
                    step.name,
                    step.at,
                    data,
                    emitted=places.get(step.seq, 0),
                    tie=ticket_id,
                    seq=step.seq,
                    actor=step.actor,
                )

    def _places(self, external_id: str, events: Sequence[Any]) -> dict[int, int]:
        """The place of each event of a ticket among all that was told of its customer."""
        found: dict[int, int] = {}
        emitted = iter([pair for pair in self.emitted["ticket_id", external_id] if pair[1].startswith("ticket.")])
        for event in events:
            place = next((sequence for sequence, type_ in emitted if type_ == f"ticket.{event.kind}"), None)
            if place is None:
                return {}
            found[event.seq] = place
        return found


# --- the stage ----------------------------------------------------------------------------------------------


async def calendars_of(tx: Tx) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The tenant's calendars and their versions, as rows without their tenant."""
    parameters = {"tenant": tx.tenant_id}
    found = []
    for name in ("calendar", "calendar_version"):
        rows = await tx.rows(text(f"select * from {name} where tenant_id = :tenant"), parameters)
        found.append([{key: value for key, value in row._mapping.items() if key != "tenant_id"} for row in rows])
    return found[0], found[1]


async def furnish(
    tx: Tx,
    versions: Sequence[tuple[int, datetime, Policy]],
    calendars: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    """Makes up the tenant of a rehearsal: these versions of the policy, and calendars as the real one has them."""
    await tx.execute(
        insert(s.tenant),
        {
            "tenant_id": tx.tenant_id,
            "policy_name": tx.tenant.policy_name,
            "clock_mode": "virtual",
            "clock_now": tx.at,
            "policy_revision": 1,
            "calendar_revision": 1,
            "payload_hash": "",
            "created_at": tx.at,
            "settings": {},
        },
    )
    await tx.execute(
        insert(s.policy_version),
        [
            {
                "tenant_id": tx.tenant_id,
                "name": tx.tenant.policy_name,
                "version": number,
                "document": {**dump(policy), "version": number},
                "source": "",
                "effective_from": since,
                "created_at": tx.at,
            }
            for number, since, policy in versions
        ],
    )
    for table, rows in zip((s.calendar, s.calendar_version), calendars, strict=True):
        if rows:
            await tx.execute(insert(table), [{"tenant_id": tx.tenant_id, **row} for row in rows])


async def licenses_of(tx: Tx, customer: str) -> dict[tuple[str, str, int], str]:
    """(order, line, unit) -> license_id, of the customer under the vendor's id."""
    rows = await tx.rows(
        text(
            "select l.license_id, l.order_id, l.line_id, l.unit_no from license l join customer c"
            " using (tenant_id, customer_id) where l.tenant_id = :tenant and c.external_id = :customer"
        ),
        {"tenant": tx.tenant_id, "customer": customer},
    )
    return {(row.order_id, row.line_id, row.unit_no): row.license_id for row in rows}


async def choice_at(tx: Tx, place: tuple[str, str, int], rule: str) -> str | None:
    """The choice of an order's line and unit; by that rule if there are several."""
    rows = await tx.rows(
        text(
            "select choice_id from choice where tenant_id = :tenant and order_id = :order and line_id = :line"
            " and unit_no = :unit order by rule <> :rule, choice_id"
        ),
        {"tenant": tx.tenant_id, "order": place[0], "line": place[1], "unit": place[2], "rule": rule},
    )
    return rows[0].choice_id if rows else None


async def cover_at(tx: Tx, place: tuple[str, str, str, int]) -> str | None:
    """The nth cover of an order's line by that rule."""
    rows = await tx.rows(
        text(
            "select cover_id from cover where tenant_id = :tenant and order_id = :order and line_id = :line"
            " and rule = :rule order by cover_id"
        ),
        {"tenant": tx.tenant_id, "order": place[0], "line": place[1], "rule": place[2]},
    )
    return rows[place[3]].cover_id if len(rows) > place[3] else None


def _named_at(namings: Sequence[Any], at: datetime) -> list[str]:
    """Return the people who were named at an instant, by the vendor's ids."""
    return [
        row.person for row in namings if parse_iso(row.since) <= at and (row.until is None or at < parse_iso(row.until))
    ]
