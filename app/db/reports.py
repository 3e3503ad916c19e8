"""Reports: sums over a tenant's rows, grouped as asked, each report in statements of one snapshot.

A report is a select of rows (``base``) with the instant ``at`` that they are about. Expressions over it say what it may
be grouped by, its figures and its amounts of money. Nothing of a request is written into a statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.db.engine import Tx
from app.domain.values.money import MINOR_DIGITS

ROWS_MAX: Final = 5_000
"""Rows of a report; whoever wants more takes an export."""
_CUSTOMER: Final = "left join customer cu on cu.tenant_id = :tenant and cu.customer_id = {of}.customer_id"
_JOINED: Final = re.compile(r"left join customer cu on cu\.tenant_id = :tenant and cu\.customer_id = \w\.customer_id")
_NAME: Final = "cu.external_id customer"
"""The names of customers are joined only where a report is grouped by them."""
_MONTH: Final = "to_char(r.at at time zone 'UTC', 'YYYY-MM')"
_DAY: Final = "to_char(r.at at time zone 'UTC', 'YYYY-MM-DD')"
_TIMES: Final = {"month": _MONTH, "day": _DAY}


@dataclass(frozen=True, slots=True)
class Definition:
    """A report: its rows, and what is said of them. ``by``: how it is grouped unless the caller says otherwise."""

    base: str
    groups: Mapping[str, str]
    figures: Mapping[str, str]
    by: tuple[str, ...]
    money: Mapping[str, str] = field(default_factory=dict)
    """Amounts by name, of one row each; the row's currency is ``r.currency``."""
    base_as_of: str | None = None
    """The rows as they stood at an earlier instant, where the present ones are kept apart."""


# --- promises ---------------------------------------------------------------------------------------------------------

_JUDGED: Final = f"""
    select v.clock_id, c.ticket_id, c.milestone, cu.external_id customer, t.category,
           t.document ->> 'priority' priority, v.breached, case when v.breached then v.breached_at else v.met_at end at
    from (select o.clock_id, o.cycle, o.window_date,
                 count(*) filter (where o.kind like 'breached%')
                 > count(*) filter (where o.kind like 'breach_retracted%') breached,
                 max(o.at) filter (where o.kind like 'breached%') breached_at,
                 max(o.at) filter (where o.kind like 'met%') met_at
          from clock_outcome o where o.tenant_id = :tenant and o.recorded_at <= :known
          group by o.clock_id, o.cycle, o.window_date) v
    join clock c on c.tenant_id = :tenant and c.clock_id = v.clock_id and c.party = 'vendor'
    left join ticket t on t.tenant_id = :tenant and t.ticket_id = c.ticket_id {_CUSTOMER.format(of="c")}
    where (v.breached or v.met_at is not null)
"""
_OF_CLOCKS: Final = {
    **_TIMES,
    "milestone": "r.milestone",
    "priority": "r.priority",
    "customer": "r.customer",
    "category": "r.category",
}
_ATTAINMENT: Final = Definition(
    base=_JUDGED,
    groups=_OF_CLOCKS,
    figures={
        "judged": "count(*)",
        "met": "count(*) filter (where not r.breached)",
        "breached": "count(*) filter (where r.breached)",
    },
    by=("month", "milestone"),
)
BREACHED: Final = Definition(
    base=f"select * from ({_JUDGED}) j where j.breached",
    groups=_OF_CLOCKS,
    figures={"breaches": "count(*)", "clocks": "count(distinct r.clock_id)"},
    by=("month", "milestone"),
)

# --- credits ----------------------------------------------------------------------------------------------------------

_LOT: Final = "l.customer_id, l.lot_id, l.credit_type, l.source, l.cost_amount, l.cost_currency currency, l.granted"
_USABLE: Final = "case when l.expires_at is null or l.expires_at > :at then {available} else 0 end"
_OF_LOTS: Final = {
    "month": "coalesce(to_char(r.at at time zone 'UTC', 'YYYY-MM'), 'never')",
    "customer": "r.customer",
    "credit_type": "r.credit_type",
    "source": "r.source",
}
_WORTH: Final = "case when r.granted = 0 then 0 else r.cost_amount * {credits} / r.granted end"
_STANDING: Final = f"""
    select {_LOT}, cu.external_id customer, l.expires_at at,
           {_USABLE.format(available="l.available")} available, l.held
    from lot l {_CUSTOMER.format(of="l")}
    where l.tenant_id = :tenant and (l.available > 0 or l.held > 0)
"""
_STOOD: Final = f"""
    select {_LOT}, cu.external_id customer, l.expires_at at,
           {_USABLE.format(available="s.available")} available, s.held
    from (select e.lot_id,
                 sum(case 'available' when e.target then e.credits when e.source then -e.credits else 0 end) available,
                 sum(case 'held' when e.target then e.credits when e.source then -e.credits else 0 end) held
          from operation o join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id
          where o.tenant_id = :tenant and o.effective_at <= :at and o.recorded_at <= :known
          group by e.lot_id) s
    join lot l on l.tenant_id = :tenant and l.lot_id = s.lot_id {_CUSTOMER.format(of="l")}
"""
_LIABILITY: Final = Definition(
    base=f"select * from ({_STANDING}) s where s.available + s.held > 0",
    base_as_of=f"select * from ({_STOOD}) s where s.available + s.held > 0",
    groups=_OF_LOTS,
    figures={
        "customers": 'count(distinct r.customer_id collate "C")',
        "lots": "count(*)",
        "available": "coalesce(sum(r.available), 0)",
        "held": "coalesce(sum(r.held), 0)",
        "credits": "coalesce(sum(r.available + r.held), 0)",
    },
    money={"worth": _WORTH.format(credits="(r.available + r.held)")},
    by=("month",),
)
_FORECAST: Final = Definition(
    base=f"select * from ({_STANDING}) s where s.available > 0 and s.at is not null",
    base_as_of=f"select * from ({_STOOD}) s where s.available > 0 and s.at is not null",
    groups={**_OF_LOTS, **_TIMES},
    figures={
        "customers": 'count(distinct r.customer_id collate "C")',
        "lots": "count(*)",
        "credits": "coalesce(sum(r.available), 0)",
    },
    money={"worth": _WORTH.format(credits="r.available")},
    by=("month",),
)


def _moved(condition: str) -> str:
    """Rows of entries: where credits went, of which lot, when."""
    return f"""
    select {_LOT}, cu.external_id customer, o.effective_at at, o.operation_id, o.order_id, t.category,
           e.source was, e.target goes, e.credits
    from operation o
    join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id
    join lot l on l.tenant_id = :tenant and l.lot_id = e.lot_id {_CUSTOMER.format(of="l")}
    left join ticket t on t.tenant_id = :tenant and t.ticket_id = o.ticket_id
    where o.tenant_id = :tenant and o.effective_at <= :at and o.recorded_at <= :known and {condition}
    """


_OF_MOVES: Final = {**_TIMES, "customer": "r.customer", "credit_type": "r.credit_type", "source": "r.source"}


def _net(bucket: str) -> str:
    return f"(case '{bucket}' when r.goes then r.credits when r.was then -r.credits else 0 end)"


_GRANTS: Final = Definition(
    base=_moved("e.source = 'world' and o.kind <> 'transfer'"),
    groups=_OF_MOVES,
    figures={"lots": "count(distinct r.lot_id)", "credits": "coalesce(sum(r.credits), 0)"},
    money={"paid": _WORTH.format(credits="r.credits")},
    by=("month",),
)
_CONSUMPTION: Final = Definition(
    base=_moved("'spent' in (e.source, e.target)"),
    groups={**_OF_MOVES, "category": "r.category"},
    figures={
        "spent": "coalesce(sum(r.credits) filter (where r.goes = 'spent'), 0)",
        "returned": "coalesce(sum(r.credits) filter (where r.was = 'spent'), 0)",
        "credits": f"coalesce(sum({_net('spent')}), 0)",
    },
    money={"worth": _WORTH.format(credits=_net("spent"))},
    by=("month",),
)
_EXPIRIES: Final = Definition(
    base=_moved("'expired' in (e.source, e.target)"),
    groups=_OF_MOVES,
    figures={"lots": "count(distinct r.lot_id)", "credits": f"coalesce(sum({_net('expired')}), 0)"},
    money={"worth": _WORTH.format(credits=_net("expired"))},
    by=("month",),
)
_REFUNDS: Final = Definition(
    base=_moved("'voided' in (e.source, e.target) and o.kind <> 'transfer'"),
    groups=_OF_MOVES,
    figures={
        "orders": "count(distinct r.order_id)",
        "lots": "count(distinct r.lot_id)",
        "credits": f"coalesce(sum({_net('voided')}), 0)",
    },
    money={"worth": _WORTH.format(credits=_net("voided"))},
    by=("month",),
)
# What of a lot's price is earned by now is rounded, and a stretch earns the difference: stretches add up to the whole.
_EARNED: Final = f"""
    select l.customer_id, l.lot_id, l.credit_type, l.source, l.cost_currency currency, cu.external_id customer,
           (d.day || 'T00:00:00Z')::timestamptz at, d.consumed, d.expired,
           round(l.cost_amount * d.consumed_by / l.granted, {{digits}})
           - round(l.cost_amount * (d.consumed_by - d.consumed) / l.granted, {{digits}}) consumed_worth,
           round(l.cost_amount * d.used_by / l.granted, {{digits}})
           - round(l.cost_amount * (d.used_by - d.consumed - d.expired) / l.granted, {{digits}}) recognized
    from (select n.*, sum(n.consumed) over lot_so_far consumed_by,
                 sum(n.consumed + n.expired) over lot_so_far used_by
          from (select e.lot_id, to_char(o.effective_at at time zone 'UTC', 'YYYY-MM-DD') as day,
                       sum(case 'spent' when e.target then e.credits when e.source then -e.credits else 0 end) consumed,
                       sum(case 'expired' when e.target then e.credits when e.source then -e.credits else 0 end) expired
                from operation o join entry e on e.tenant_id = :tenant and e.operation_id = o.operation_id
                where o.tenant_id = :tenant and o.effective_at <= :at and o.recorded_at <= :known
                  and ('spent' in (e.source, e.target) or 'expired' in (e.source, e.target))
                group by e.lot_id, day) n
          window lot_so_far as (partition by n.lot_id order by n.day)) d
    join lot l on l.tenant_id = :tenant and l.lot_id = d.lot_id {_CUSTOMER.format(of="l")}
"""
_DIGITS: Final = "coalesce(((select cast(cast(:digits as text) as jsonb)) ->> {currency})::int, 2)"
_REVENUE: Final = Definition(
    base=_EARNED.format(digits=_DIGITS.format(currency="l.cost_currency")),
    groups=_OF_MOVES,
    figures={"consumed": "coalesce(sum(r.consumed), 0)", "expired": "coalesce(sum(r.expired), 0)"},
    money={
        "consumption": "r.consumed_worth",
        "breakage": "r.recognized - r.consumed_worth",
        "recognized": "r.recognized",
    },
    by=("month",),
)

# --- people -----------------------------------------------------------------------------------------------------------

_AGENTS: Final = Definition(
    base="""
    select v.occurred_at at, v.entity_id, v.kind, v.payload -> 'set' -> 'acting_agent' ->> 'id' agent, v.actor,
           coalesce((v.payload #>> '{add,work,minutes}')::bigint, 0) minutes,
           v.payload #>> '{add,responses,author}' author
    from entity_event v
    where v.tenant_id = :tenant and v.stream = 'ticket' and v.recorded_at <= :known and v.occurred_at <= :at
      and (v.actor is distinct from 'worker')
    """,
    groups={**_TIMES, "agent": "r.agent", "actor": "r.actor"},
    figures={
        "tickets": "count(distinct r.entity_id)",
        "actions": "count(*)",
        "responses": "count(*) filter (where r.author = 'vendor')",
        "resolved": "count(*) filter (where r.kind = 'resolved')",
        "minutes": "coalesce(sum(r.minutes), 0)",
    },
    by=("agent",),
)

DEFINITIONS: Final[Mapping[str, Definition]] = {
    "attainment": _ATTAINMENT,
    "breaches": BREACHED,
    "liability": _LIABILITY,
    "consumption": _CONSUMPTION,
    "grants": _GRANTS,
    "expiries": _EXPIRIES,
    "refunds": _REFUNDS,
    "revenue": _REVENUE,
    "agents": _AGENTS,
    "forecast": _FORECAST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is asked about: what happened from one instant on and before another, as it stood and was known."""

    since: datetime | None
    until: datetime | None
    at: datetime
    known: datetime
    is_past: bool
    """Whether it is asked as of an instant before now."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A row of a report; of the totals ``key`` is None. ``money``: by figure and currency, in the smallest digits."""

    key: tuple[str, ...] | None
    figures: Mapping[str, int]
    money: Mapping[tuple[str, str], Any]


async def sums(tx: Tx, definition: Definition, groups: Sequence[str], span: Span) -> list[Sum]:
    """The rows of a report, the totals last; of more than `ROWS_MAX` one too many."""
    base, parameters = _base(definition, groups, span), _parameters(tx, span)
    keys = [f"coalesce({definition.groups[name]}, '') as g{n}" for n, name in enumerate(groups)]
    named = [f"{sql} as f{n}" for n, sql in enumerate(definition.figures.values())]
    sets = f"group by grouping sets (({', '.join(f'g{n}' for n in range(len(groups)))}), ())" if groups else ""
    whole = f"grouping({', '.join(f'g{n}' for n in range(len(groups)))}) > 0" if groups else "true"
    order = ", ".join(["whole", *(f"g{n}" for n in range(len(groups)))])
    inner = f"select {', '.join([*keys, 'r.*'])} from ({base}) r"
    figured = await tx.rows(
        text(
            f"select {whole} as whole, {', '.join([*(f'r.g{n}' for n in range(len(groups))), *named])}"
            f" from ({inner}) r {sets} order by {order} limit {ROWS_MAX + 2}"
        ),
        parameters,
    )
    paid = await _money(tx, definition, groups, inner, parameters)
    found = []
    for row in figured:
        key = None if row["whole"] else tuple(str(row[f"g{n}"]) for n in range(len(groups)))
        figures = {name: int(row[f"f{n}"]) for n, name in enumerate(definition.figures)}
        found.append(Sum(key, figures, paid.get(key, {})))
    return found


async def _money(
    tx: Tx, definition: Definition, groups: Sequence[str], inner: str, parameters: Mapping[str, Any]
) -> dict[tuple[str, ...] | None, dict[tuple[str, str], Any]]:
    """The amounts of the rows, by their keys: each lot's part is rounded as its currency is, and then added up."""
    found: dict[tuple[str, ...] | None, dict[tuple[str, str], Any]] = {}
    if not definition.money:
        return found
    digits = _DIGITS.format(currency="r.currency")
    named = [f"sum(round({sql}, {digits})) as m{n}" for n, sql in enumerate(definition.money.values())]
    keys = "".join(f"r.g{n}, " for n in range(len(groups)))
    sets = f"({keys}r.currency), (r.currency)" if groups else "(r.currency)"
    whole = f"grouping({keys[:-2]}) > 0" if groups else "true"
    rows = await tx.rows(
        text(
            f"select {whole} as whole, {keys}r.currency, {', '.join(named)} from ({inner}) r"
            f" where r.currency is not null group by grouping sets ({sets})"
        ),
        parameters,
    )
    for row in rows:
        key = None if row["whole"] else tuple(str(row[f"g{n}"]) for n in range(len(groups)))
        of = found.setdefault(key, {})
        for n, name in enumerate(definition.money):
            of[name, str(row["currency"])] = row[f"m{n}"]
    return found


async def breached_clocks(tx: Tx, groups: Sequence[str], span: Span, most: int) -> list[tuple[tuple[str, ...], str]]:
    """The clocks of the report's breaches, each with the group that it is in; one more than ``most`` at most."""
    keys = [f"coalesce({BREACHED.groups[name]}, '') as g{n}" for n, name in enumerate(groups)]
    rows = await tx.rows(
        text(
            f"select distinct {', '.join([*keys, 'r.clock_id'])} from ({_base(BREACHED, groups, span)}) r"
            f" order by r.clock_id limit {most + 1}"
        ),
        _parameters(tx, span),
    )
    return [(tuple(str(row[f"g{n}"]) for n in range(len(groups))), row["clock_id"]) for row in rows]


def _base(definition: Definition, groups: Sequence[str], span: Span) -> str:
    base = definition.base_as_of if span.is_past and definition.base_as_of is not None else definition.base
    if "customer" not in groups:
        base = _JOINED.sub("", base).replace(_NAME, "null as customer")
    bounds = [
        *(["b.at >= :since"] if span.since is not None else []),
        *(["b.at < :until"] if span.until is not None else []),
    ]
    return f"select * from ({base}) b where {' and '.join(bounds)}" if bounds else base


def _parameters(tx: Tx, span: Span) -> dict[str, Any]:
    return {
        "tenant": tx.tenant_id,
        "since": span.since,
        "until": span.until,
        "at": span.at,
        "known": span.known,
        "digits": _DIGITS_JSON,
    }


_DIGITS_JSON: Final = json.dumps({code: digits for code, digits in MINOR_DIGITS.items() if digits != 2})
