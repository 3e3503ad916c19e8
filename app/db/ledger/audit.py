"""Every invariant of the ledger as a question to the database, and its recomputation from the entries alone.

Each query answers the rows that break it: (subject, expected, found). An empty answer is the promise. The questions
stand in `app.db.ledger.invariants`; some checks only a replay can see.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from sqlalchemy import TextClause, select, text

from app.db import policies
from app.db import schema as s
from app.db.account.accounts import cover_of
from app.db.engine import Tx
from app.db.ledger import clock_audit, plan_end_audit, queue_audit, recurring_audit, work_audit
from app.db.ledger import read as rows
from app.db.ledger import replay as ledger_replay
from app.db.ledger.invariants import COVER_DAYS, INVARIANTS
from app.domain.account.customer import Cover
from app.domain.cover import audit as cover_audit
from app.domain.cover.terms import CoverTerms
from app.domain.ledger.lot import Account, HoldLine, Lot
from app.domain.ledger.units import refunded_so_far
from app.domain.values.money import share

ROWS_FOUND_MAX: Final = 100
"""Rows shown of each broken invariant."""

_COVERS: Final = select(s.cover).where(
    s.cover.c.tenant_id == text(":tenant"), s.cover.c.customer_id == text("any(:customers)")
)
_STREAMS: Final = text(
    "select entity_id, kind, occurred_at, payload from entity_event where tenant_id = :tenant and stream = 'cover'"
    " and entity_id = any(:covers) order by entity_id, seq"
)
_OF_CUSTOMERS: Final = "select x.* from {} x where x.tenant_id = :tenant and x.customer_id = any(:family)"
_SHADOWS: Final[dict[str, str]] = {
    **{
        table: _OF_CUSTOMERS.format(table)
        for table in (
            "customer",
            "account",
            "lot",
            "hold",
            "operation",
            "license",
            "cover",
            "choice",
            "addon",
            "ticket",
            "clock",
            "agenda",
            "purchase_order",
            "order_refund",
        )
    },
    "hold_line": (
        "select x.* from public.hold h join hold_line x on x.tenant_id = :tenant and x.hold_id = h.hold_id"
        " where h.tenant_id = :tenant and h.customer_id = any(:family)"
    ),
    "entry": (
        "select x.* from public.operation o join entry x on x.tenant_id = :tenant and x.operation_id = o.operation_id"
        " where o.tenant_id = :tenant and o.customer_id = any(:family)"
    ),
    "command": (
        f"{_OF_CUSTOMERS.format('command')} union select x.* from public.operation o join command x"
        " on x.tenant_id = :tenant and x.key = o.command_id"
        " where o.tenant_id = :tenant and o.customer_id = any(:family)"
    ),
}
"""What stands for a table in a question about some customers: their rows. Other tables are asked by their keys."""


def _of_some(sql: str) -> TextClause:
    """A question about a family of customers: the question about all, over their rows alone."""
    used = [table for table in _SHADOWS if re.search(rf"\b(?:from|join) {table}\b", sql)]
    shadowed = ", ".join(f"{table} as materialized ({_SHADOWS[table]})" for table in used)
    return text(f"with {shadowed} select * from ({sql}) as found limit {ROWS_FOUND_MAX}")


_STATEMENTS: Final = {name: _of_some(sql) for name, sql in INVARIANTS.items()}
_PLANS: Final = text(
    "select set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true)"
)
BATCH: Final = 200
"""Customers looked at in one step."""
_ACCOUNTS: Final = text(
    "select customer_id from ("
    + " union ".join(
        f"(select distinct customer_id from {table} where tenant_id = :tenant and customer_id > :after"
        f" and (cast(:upto as text) is null or customer_id <= :upto) order by customer_id limit {BATCH})"
        for table in ("customer", "account", "lot")
    )
    + f") known order by customer_id limit {BATCH}"
)
_PLACE_AFTER: Final = text(
    "select customer_id from customer where tenant_id = :tenant and customer_id > :after"
    " order by customer_id offset :number limit 1"
)
_FAMILY: Final = text("""
    with recursive family as (
        select customer_id from unnest(cast(:customers as text[])) as given(customer_id)
        union
        select near.customer_id from family f cross join lateral (
            select c.merged_into as customer_id from customer c
            where c.tenant_id = :tenant and c.customer_id = f.customer_id and c.merged_into is not null
            union all
            select c.customer_id from customer c where c.tenant_id = :tenant and c.merged_into = f.customer_id
            union all
            select o.customer_id from lot l join lot o on o.tenant_id = :tenant and o.lot_id = l.origin_lot_id
            where l.tenant_id = :tenant and l.customer_id = f.customer_id
            union all
            select n.customer_id from lot l join lot n on n.tenant_id = :tenant and n.origin_lot_id = l.lot_id
            where l.tenant_id = :tenant and l.customer_id = f.customer_id
            union all
            select p.customer_id from lot l join purchase_order p on p.tenant_id = :tenant and p.order_id = l.order_id
            where l.tenant_id = :tenant and l.customer_id = f.customer_id
        ) near)
    select customer_id from family
""")
"""Customers with those whose rows theirs are compared with: accounts that were merged, lots that were passed on."""
_SINCE: Final = text(
    "select min(recorded_at) from (select * from operation where tenant_id = :tenant order by operation_id limit 1000)"
    " early where kind in ('hold', 'debit') and clause is not null"
)
_JOURNAL: Final = text(
    "select o.customer_id, o.credit_type, o.account_version, o.kind, o.hold_id, o.effective_at,"
    " e.lot_id, e.source, e.target, e.credits"
    " from operation o left join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id"
    " where o.tenant_id = :tenant and o.customer_id = any(:customers)"
    " order by o.customer_id, o.credit_type, o.account_version, e.line_no"
)


async def prepared(tx: Tx) -> datetime | None:
    """Gets this transaction ready for questions; since when operations name their clauses, if that was early."""
    await tx.rows(_PLANS)
    row = await tx.row(_SINCE, {"tenant": tx.tenant_id})
    since: datetime | None = row[0]
    return since


async def broken(tx: Tx, customer_ids: Sequence[str], since: datetime | None) -> list[dict[str, Any]]:
    """Every row of these customers that breaks an invariant, by question; of the covers by replaying their streams.

    ``since``: as `prepared` told it.
    """
    by = {"tenant": tx.tenant_id, "customers": list(customer_ids)}
    family = sorted({row[0] for row in await tx.rows(_FAMILY, by)})
    found: list[dict[str, Any]] = []
    for name, statement in _STATEMENTS.items():
        answers = await tx.rows(statement, {"tenant": tx.tenant_id, "family": family, "since": since})
        found += [
            {"invariant": name, "subject": str(subject), "expected": str(expected), "found": str(stored)}
            for subject, expected, stored in answers
        ]
    found += await covers(tx, customer_ids)
    found += await recurring_audit.yielded(tx, customer_ids)
    found += await clock_audit.folded(tx, customer_ids)
    return found + await work_audit.worked(tx, customer_ids)


async def place_after(tx: Tx, after: str, number: int) -> str | None:
    """The id of the customer that comes so many places later; None when there are not so many."""
    row = await tx.row(_PLACE_AFTER, {"tenant": tx.tenant_id, "after": after, "number": number - 1})
    return None if row is None else str(row[0])


async def customers_after(tx: Tx, after: str, upto: str | None = None) -> list[str]:
    """The next customers' ids (`BATCH`), and those that only an account or a lot names; none behind ``upto``."""
    answers: Sequence[Any] = await tx.rows(_ACCOUNTS, {"tenant": tx.tenant_id, "after": after, "upto": upto})
    return [row[0] for row in answers]


async def recompute(tx: Tx, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Replays the entries of these customers, step by step, and compares with what stands in the tables."""
    loaded = await rows.load(tx, customer_ids, every_lot=True)
    journal: Sequence[Any] = await tx.rows(_JOURNAL, {"tenant": tx.tenant_id, "customers": list(customer_ids)})
    return await asyncio.to_thread(_replayed, customer_ids, loaded, journal)


def _replayed(
    customer_ids: Sequence[str], loaded: Mapping[str, rows.Loaded], journal: Sequence[Any]
) -> list[dict[str, Any]]:
    """The differences; in a thread, since a long journal takes long."""
    replays = {id_: ledger_replay.Replay(id_, loaded[id_][1]) for id_ in customer_ids}
    for (customer_id, credit_type, version, kind, hold_id, at), moves in groupby(
        journal, key=lambda row: tuple(row[:6])
    ):
        replays[customer_id].operation(
            credit_type, version, kind, hold_id, at, [tuple(row[6:]) for row in moves if row[6] is not None]
        )
    found: list[dict[str, Any]] = []
    for customer_id, replay in replays.items():
        found += [_difference(*pair) for pair in replay.found]
        found += _compare(customer_id, loaded[customer_id], replay.accounts, replay.lots, replay.lines)
    return found


async def covers(tx: Tx, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Invariant 12 of these customers' covers, their streams replayed, and whether credits end with their plan."""
    by: dict[str, Any] = {"tenant": tx.tenant_id, "customers": list(customer_ids)}
    stored = [cover_of(_without_tenant(row)) for row in await tx.rows(_COVERS, by)]
    mine: dict[str, list[Cover]] = {}
    for cover in stored:
        mine.setdefault(cover.customer_id, []).append(cover)
    found = await plan_end_audit.ended(tx, customer_ids, mine) + await queue_audit.displaced_periods(tx, mine)
    streams: dict[str, list[cover_audit.CoverEvent]] = {cover.cover_id: [] for cover in stored}
    if not stored:
        return found
    for entity_id, kind, occurred_at, payload in await tx.rows(_STREAMS, {**by, "covers": list(streams)}):
        streams[entity_id].append(cover_audit.CoverEvent(kind, occurred_at, payload))
    for cover in stored:
        terms = CoverTerms.of(await policies.of_version(tx, cover.policy_version))
        found += [
            {"invariant": COVER_DAYS, "subject": cover.cover_id, "expected": expected, "found": there}
            for expected, there in cover_audit.replay(cover, streams[cover.cover_id], terms)
        ]
    return found


def _without_tenant(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "tenant_id"}


def _compare(
    customer_id: str,
    loaded: rows.Loaded,
    accounts: dict[str, Account],
    lots: dict[str, Lot],
    lines: dict[tuple[str, str], HoldLine],
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for key, account in accounts.items():
        if key not in loaded[0]:
            found.append(_difference("account", f"{customer_id}/{key}", "an account", "none"))
        elif _totals(account) != _totals(loaded[0][key]):
            found.append(_difference("account", f"{customer_id}/{key}", _totals(account), _totals(loaded[0][key])))
    for key, stored in loaded[1].items():
        replayed = lots.get(key) or ledger_replay.blank(stored)
        if _counters(replayed) != _counters(stored):
            found.append(_difference("lot", key, _counters(replayed), _counters(stored)))
        if stored.cost is not None and "refunded" in stored.data:
            most = share(stored.cost, Fraction(stored.granted - stored.moved, stored.granted))
            if refunded_so_far(stored) > most.amount:
                found.append(
                    {
                        "invariant": "money_back_within_cost",
                        "subject": key,
                        "expected": most.text,
                        "found": str(refunded_so_far(stored)),
                    }
                )
    for hold in loaded[2].values():
        for held in hold.lines:
            lot = loaded[1].get(held.lot_id)
            if lot is None or lot.customer_id != customer_id:
                continue  # what came back of it before the hold moved here with a merge
            made = lines.get((hold.hold_id, held.lot_id)) or HoldLine(lot_id=held.lot_id, line_no=0, credits=0)
            if _parts(made) != _parts(held):
                found.append(_difference("hold_line", f"{hold.hold_id}/{held.lot_id}", _parts(made), _parts(held)))
    return found


def _counters(lot: Lot) -> tuple[int, ...]:
    return (lot.granted, lot.available, lot.held, lot.spent, lot.expired, lot.voided)


def _totals(account: Account) -> tuple[int, ...]:
    return (
        account.granted,
        account.available,
        account.held,
        account.spent,
        account.expired,
        account.voided,
        account.owed,
        account.version,
    )


def _parts(line: HoldLine) -> tuple[int, ...]:
    return (line.credits, line.captured, line.released, line.refunded)


def _difference(what: str, subject: str, expected: object, found: object) -> dict[str, Any]:
    return {"invariant": f"replay_{what}", "subject": subject, "expected": str(expected), "found": str(found)}
