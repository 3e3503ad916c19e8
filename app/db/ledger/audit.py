"""Every invariant of the ledger as a question to the database, and its recomputation from the entries alone.

Each query answers the rows that break it: (subject, expected, found). An empty answer is the promise. `PROMISED` says
which checks stand for which invariant; some only a replay can see.
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
from app.db.account.audit import ACCOUNTS
from app.db.account.life_audit import LIVES
from app.db.engine import Tx
from app.db.ledger import read as rows
from app.db.ledger import replay as ledger_replay
from app.domain.cover import audit as cover_audit
from app.domain.cover.terms import CoverTerms
from app.domain.ledger.lot import Account, HoldLine, Lot
from app.domain.ledger.units import refunded_so_far
from app.domain.values.money import share

ROWS_FOUND_MAX: Final = 100
"""Rows shown of each broken invariant."""

_TENANT: Final = "tenant_id = :tenant"
_FOLD: Final = """
    with moves as (
        select o.customer_id, o.credit_type, o.hold_id, e.lot_id, e.source, e.target, e.credits
        from operation o join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
        where o.tenant_id = :tenant
    )
"""


def _bucket(name: str) -> str:
    """The replay of one bucket of a lot: what came in less what went out."""
    into = f"target = '{name}'" if name != "voided" else "(target = 'owed' or (target = 'voided' and source <> 'owed'))"
    came = f"coalesce(sum(credits) filter (where {into}), 0)"
    return f"{came} - coalesce(sum(credits) filter (where source = '{name}'), 0)"


_CREDIT_KINDS: Final = "array['hold', 'capture', 'release', 'refund', 'debit', 'adjust']"
INVARIANTS: Final[dict[str, str]] = {
    "account_identity": f"""
        select customer_id || '/' || credit_type, granted + owed, available + held + spent + expired + voided
        from account where {_TENANT} and (granted + owed <> available + held + spent + expired + voided
        or least(granted, available, held, spent, expired, voided, owed) < 0)""",
    "lot_identity": f"""
        select lot_id, granted, available + held + spent + expired + voided from lot where {_TENANT}
        and (granted <> available + held + spent + expired + voided
             or least(available, held, spent, expired, voided) < 0 or is_open <> (available > 0))""",
    "account_is_sum_of_lots": f"""
        select a.customer_id || '/' || a.credit_type,
               array[a.granted, a.available, a.held, a.spent, a.expired, a.voided - a.owed]::text,
               array[l.granted, l.available, l.held, l.spent, l.expired, l.voided]::text
        from account a left join lateral (
            select coalesce(sum(granted), 0)::bigint granted, coalesce(sum(available), 0)::bigint available,
                   coalesce(sum(held), 0)::bigint held, coalesce(sum(spent), 0)::bigint spent,
                   coalesce(sum(expired), 0)::bigint expired, coalesce(sum(voided), 0)::bigint voided
            from lot where lot.tenant_id = a.tenant_id and lot.customer_id = a.customer_id
            and lot.credit_type = a.credit_type) l on true
        where a.{_TENANT} and (a.granted, a.available, a.held, a.spent, a.expired, a.voided - a.owed)
            is distinct from (l.granted, l.available, l.held, l.spent, l.expired, l.voided)""",
    "lot_without_account": f"""
        select l.lot_id, 'an account', 'none' from lot l where l.{_TENANT} and not exists (
            select from account a where a.tenant_id = l.tenant_id and a.customer_id = l.customer_id
            and a.credit_type = l.credit_type)""",
    "lot_is_replay_of_entries": f"""
        {_FOLD}, folded as (
            select lot_id, {
        ", ".join(
            f"({_bucket(name)})::bigint as {name}" for name in ("available", "held", "spent", "expired", "voided")
        )
    },
                   coalesce(sum(credits) filter (where source = 'world'), 0)::bigint as granted
            from moves group by lot_id)
        select l.lot_id, array[f.granted, f.available, f.held, f.spent, f.expired, f.voided]::text,
               array[l.granted, l.available, l.held, l.spent, l.expired, l.voided]::text
        from lot l full join folded f on f.lot_id = l.lot_id
        where coalesce(l.tenant_id, :tenant) = :tenant
        and (l.granted, l.available, l.held, l.spent, l.expired, l.voided)
            is distinct from (f.granted, f.available, f.held, f.spent, f.expired, f.voided)""",
    "owed_is_replay_of_entries": f"""
        {_FOLD} select a.customer_id || '/' || a.credit_type, coalesce(m.owed, 0), a.owed
        from account a left join (
            select customer_id, credit_type, (coalesce(sum(credits) filter (where source = 'owed'), 0)
                - coalesce(sum(credits) filter (where target = 'owed'), 0))::bigint as owed
            from moves where 'owed' in (source, target) group by 1, 2) m
        on m.customer_id = a.customer_id and m.credit_type = a.credit_type
        where a.{_TENANT} and a.owed <> coalesce(m.owed, 0)""",
    "hold_line_is_replay_of_entries": f"""
        {_FOLD}, folded as (
            select hold_id, lot_id,
                coalesce(sum(credits) filter (where source = 'available' and target in ('held', 'spent')), 0)::bigint
                    as credits,
                coalesce(sum(credits) filter (where target = 'spent'), 0)::bigint as captured,
                coalesce(sum(credits) filter (where source = 'held' and target <> 'spent'), 0)::bigint as released,
                coalesce(sum(credits) filter (where source = 'spent'), 0)::bigint as refunded
            from moves where hold_id is not null group by 1, 2)
        select l.hold_id || '/' || l.line_no, array[f.credits, f.captured, f.released, f.refunded]::text,
               array[l.credits, l.captured, l.released, l.refunded]::text
        from hold_line l left join folded f on f.hold_id = l.hold_id and f.lot_id = l.lot_id
        where l.{_TENANT} and (l.credits, l.captured, l.released, l.refunded)
            is distinct from (f.credits, f.captured, f.released, f.refunded)""",
    "lot_held_and_spent_are_hold_lines": f"""
        select l.lot_id, array[coalesce(h.held, 0), coalesce(h.spent, 0)]::text, array[l.held, l.spent]::text
        from lot l left join (
            select lot_id, sum(credits - captured - released)::bigint as held, sum(captured - refunded)::bigint as spent
            from hold_line where {_TENANT} group by 1) h on h.lot_id = l.lot_id
        where l.{_TENANT} and (l.held, l.spent) is distinct from (coalesce(h.held, 0), coalesce(h.spent, 0))""",
    "hold_is_sum_of_lines": f"""
        select h.hold_id, h.credits, coalesce(l.credits, 0) from hold h left join (
            select hold_id, sum(credits)::bigint as credits, sum(credits - captured - released)::bigint as open
            from hold_line where {_TENANT} group by 1) l on l.hold_id = h.hold_id
        where h.{_TENANT} and (h.credits is distinct from l.credits or (l.open = 0) <> (h.closed_at is not null))""",
    "one_effect_a_key": f"""
        select command_id, 1, count(*) from operation where {_TENANT} and kind in ('debit', 'adjust')
        and command_id is not null group by command_id having count(*) > 1""",
    "an_acknowledged_command_has_its_effect": f"""
        select c.key, c.kind, 'no operation' from command c where c.{_TENANT} and c.kind = any({_CREDIT_KINDS})
        and not exists (select from operation o where o.tenant_id = c.tenant_id and o.command_id = c.key)""",
    "a_refused_command_leaves_no_trace": f"""
        select o.operation_id, 'a command that was done', coalesce(c.kind || ' ' || c.status, 'none')
        from operation o left join command c on c.tenant_id = o.tenant_id and c.key = o.command_id
        where o.{_TENANT} and o.command_id is not null and (c.key is null or c.status >= 300)
        union all select key, 'not kept', kind || ' ' || status from command
        where {_TENANT} and status >= 300 and kind = any({_CREDIT_KINDS})""",
    "nothing_is_revived": f"""
        select e.operation_id || ':' || e.line_no, 'gone for good', e.source || ' -> ' || e.target from entry e
        where e.{_TENANT} and (e.source = 'expired' or e.source = 'voided' and not exists (
            select from operation o where o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
            and o.kind = 'reinstate'))
        union all select o.operation_id || '/' || e.lot_id, '0', sum(case when e.target = 'available' then e.credits
            else -e.credits end)::text
        from lot l join entry e on e.tenant_id = l.tenant_id and e.lot_id = l.lot_id
            and 'available' in (e.source, e.target)
        join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
            and o.kind in ('release', 'refund', 'capture', 'reinstate')
        where l.{_TENANT} and l.expires_at <= o.effective_at group by o.operation_id, e.lot_id
        having sum(case when e.target = 'available' then e.credits else -e.credits end) <> 0""",
    "only_what_a_dispute_took_is_reinstated": f"""
        select lot_id, taken, given from (
            select e.lot_id,
                coalesce(sum(e.credits) filter (where o.kind <> 'reinstate' and (
                    e.target = 'owed' or e.target = 'voided' and e.source <> 'owed')), 0) as taken,
                coalesce(sum(e.credits) filter (where o.kind = 'reinstate' and e.target = 'available'), 0) as given
            from entry e join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
            where e.{_TENANT} and o.reason = 'payment_dispute' and e.source <> 'world' group by e.lot_id) disputed
        where given > taken""",
    "nothing_spent_from_a_dead_lot": f"""
        select o.operation_id, l.expires_at::text, o.effective_at::text
        from lot l join entry e on e.tenant_id = l.tenant_id and e.lot_id = l.lot_id
        and e.source = 'available' and e.target in ('held', 'spent')
        join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
        where l.{_TENANT} and l.expires_at <= o.effective_at""",
    "spending_is_a_prefix": f"""
        select a.hold_id, a.line_no, b.line_no from hold_line a join hold_line b
        on b.tenant_id = a.tenant_id and b.hold_id = a.hold_id and b.line_no > a.line_no
        where a.{_TENANT} and b.captured > 0 and a.captured + a.released < a.credits""",
    "operation_has_entries": f"""
        select o.operation_id, 'entries', 'none' from operation o where o.{_TENANT} and o.kind <> 'reopen'
        and not exists (select from entry e where e.tenant_id = o.tenant_id and e.operation_id = o.operation_id)""",
    "entry_has_operation": f"""
        select e.operation_id, 'an operation', 'none' from entry e where e.{_TENANT} and not exists (
            select from operation o where o.tenant_id = e.tenant_id and o.operation_id = e.operation_id)""",
    "account_versions_have_no_gap": f"""
        select a.customer_id || '/' || a.credit_type, a.version, coalesce(o.n, 0) from account a left join (
            select customer_id, credit_type, count(*) as n, max(account_version) as last
            from operation where {_TENANT} group by 1, 2) o
        on o.customer_id = a.customer_id and o.credit_type = a.credit_type
        where a.{_TENANT} and (a.version <> coalesce(o.n, 0) or a.version <> coalesce(o.last, 0))""",
    "versions_are_in_order_of_time": f"""
        select operation_id, before::text, recorded_at::text from (
            select operation_id, recorded_at, lag(recorded_at) over (
                partition by customer_id, credit_type order by account_version) as before
            from operation where {_TENANT}) o
        where recorded_at < before""",
    "one_grant_a_unit": f"""
        select order_id || '/' || line_id || '/' || unit_no || '/' || rule, 1, count(*) from lot
        where {_TENANT} and order_id is not null and not (data ? 'withdrawn')
        group by order_id, line_id, unit_no, rule, credit_type
        having count(*) > 1""",
    "covers_do_not_overlap": f"""
        select a.cover_id, a.ends_at::text, b.cover_id from cover a join cover b
        on b.tenant_id = a.tenant_id and b.customer_id = a.customer_id and a.cover_id < b.cover_id
        and (b.license_id is not distinct from a.license_id or (a.scope = 'account' and b.scope = 'account'))
        and b.state in ('running', 'suspended') and b.actions && a.actions and b.levels = a.levels
        where a.{_TENANT} and a.state in ('running', 'suspended') and a.start = 'first_ticket'
        and b.start = 'first_ticket' and a.ends_at is not null and b.ends_at is not null
        and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
        and not exists (select from purchase_order o where o.tenant_id = a.tenant_id
            and o.order_id in (a.order_id, b.order_id) and o.answer ? 'owners')""",
    "ticket_refunds_within_captures": f"""
        select h.ticket_id, sum(l.captured), sum(l.refunded) from hold h join hold_line l
        on l.tenant_id = h.tenant_id and l.hold_id = h.hold_id where h.{_TENANT} and h.ticket_id is not null
        group by h.ticket_id having sum(l.refunded) > sum(l.captured)""",
    "money_back_within_cost": f"""
        select lot_id, coalesce(cost_amount, 0)::text, data ->> 'refunded' from lot where {_TENANT}
        and data ? 'refunded' and (data ->> 'refunded')::numeric > coalesce(cost_amount, 0)""",
    "owed_and_available_never_both": f"""
        select customer_id || '/' || credit_type, 0, owed from account
        where {_TENANT} and owed > 0 and available > 0""",
    "expiry_is_known": f"""
        select a.customer_id || '/' || a.credit_type, l.soonest::text, a.next_expiry::text from account a join (
            select customer_id, credit_type, min(expires_at) as soonest from lot
            where {_TENANT} and available > 0 and expires_at is not null group by 1, 2) l
        on l.customer_id = a.customer_id and l.credit_type = a.credit_type
        where a.{_TENANT} and (a.next_expiry is null or a.next_expiry > l.soonest)""",
    **LIVES,
    **ACCOUNTS,
}
COVER_DAYS: Final = "covers_keep_their_days"
PROMISED: Final[dict[int, tuple[str, ...]]] = {
    1: ("lot_identity",),
    2: ("account_is_sum_of_lots", "lot_without_account"),
    3: (
        "lot_is_replay_of_entries",
        "owed_is_replay_of_entries",
        "replay_account",
        "replay_lot",
        "operation_has_entries",
        "entry_has_operation",
    ),
    4: (
        "hold_line_is_replay_of_entries",
        "lot_held_and_spent_are_hold_lines",
        "hold_is_sum_of_lines",
        "replay_hold_line",
    ),
    5: ("one_effect_a_key", "an_acknowledged_command_has_its_effect"),
    6: (
        "nothing_spent_from_a_dead_lot",
        "nothing_is_revived",
        "only_what_a_dispute_took_is_reinstated",
        "expiry_is_known",
    ),
    7: ("spending_is_a_prefix", "replay_order_of_spending", "replay_order_of_return"),
    8: ("a_refused_command_leaves_no_trace",),
    9: ("account_identity", "owed_and_available_never_both", "replay_negative_at"),
    10: ("account_versions_have_no_gap", "versions_are_in_order_of_time", "replay_version"),
    11: ("one_grant_a_unit",),
    12: ("covers_do_not_overlap", COVER_DAYS),
    13: ("ticket_refunds_within_captures",),
    14: ("money_back_within_cost",),
    15: ("no_usable_credit_in_a_refunded_unit",),
    16: ("money_goes_back_once",),
    17: ("what_left_arrived",),
    18: ("a_ticket_says_one_number",),
    19: ("what_was_disputed_is_accounted_for",),
    20: ("captured_credits_have_a_clause",),
    21: ("cover_is_what_was_bought",),
    22: ("a_choice_is_made_once",),
    23: tuple(ACCOUNTS),
}
"""The checks that stand for each invariant; a test corrupts what each one looks at. 15 to 22 are of a whole life, 23
is of accounts that were merged or erased."""
CHECKED: Final = frozenset(
    {
        *INVARIANTS,
        COVER_DAYS,
        *(check for checks in PROMISED.values() for check in checks if check.startswith("replay_")),
    }
)
"""Every check there is, the replays of `recompute` among them."""
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
_ENTRIES_OF_LOTS: Final = (
    "select x.* from public.lot l join entry x on x.tenant_id = :tenant and x.lot_id = l.lot_id"
    " where l.tenant_id = :tenant and l.customer_id = any(:family)"
)


def _of_some(name: str, sql: str) -> TextClause:
    """A question about a family of customers: the question about all, over their rows alone."""
    shadows = _SHADOWS
    if name == "entry_has_operation":  # an entry without an operation is found by its lot
        shadows = {"entry": _ENTRIES_OF_LOTS}
    used = [table for table in shadows if re.search(rf"\b(?:from|join) {table}\b", sql)]
    shadowed = ", ".join(f"{table} as materialized ({shadows[table]})" for table in used)
    return text(f"with {shadowed} select * from ({sql}) as found limit {ROWS_FOUND_MAX}")


_STATEMENTS: Final = {name: _of_some(name, sql) for name, sql in INVARIANTS.items()}
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
            {"invariant": name, "subject": str(row[0]), "expected": str(row[1]), "found": str(row[2])}
            for row in answers
        ]
    return found + await covers(tx, customer_ids)


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
    """Invariant 12 of these customers' covers, their streams replayed."""
    by: dict[str, Any] = {"tenant": tx.tenant_id, "customers": list(customer_ids)}
    stored = [cover_of(_without_tenant(row)) for row in await tx.rows(_COVERS, by)]
    streams: dict[str, list[cover_audit.CoverEvent]] = {cover.cover_id: [] for cover in stored}
    if not stored:
        return []
    for entity_id, kind, occurred_at, payload in await tx.rows(_STREAMS, {**by, "covers": list(streams)}):
        streams[entity_id].append(cover_audit.CoverEvent(kind, occurred_at, payload))
    found: list[dict[str, Any]] = []
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
