"""The invariants of the ledger: each check as a query that answers the rows that break it.

A row is (subject, expected, found). `PROMISED` says which checks stand for which invariant. Only
`app.db.ledger.audit.recompute` can see those whose names begin with ``replay_``.
"""

from __future__ import annotations

from typing import Final

from app.db.account.audit import ACCOUNTS
from app.db.account.life_audit import LIVES
from app.db.ledger.state_audit import STATES

TENANT: Final = "tenant_id = :tenant"
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


CREDIT_KINDS: Final = "array['hold', 'capture', 'release', 'refund', 'debit', 'adjust']"
_NOT_MOVED_THEN: Final = """
    not exists (select from jsonb_array_elements(l.data -> 'expiry_history') moved
    where (moved ->> 0)::timestamptz = o.effective_at
    and coalesce((moved ->> 1)::timestamptz, 'infinity') > o.effective_at)"""
"""What was done at the very instant at which a lot's end moved to it found the lot still good."""
INVARIANTS: Final[dict[str, str]] = {
    "account_identity": f"""
        select customer_id || '/' || credit_type, granted + owed, available + held + spent + expired + voided
        from account where {TENANT} and (granted + owed <> available + held + spent + expired + voided
        or least(granted, available, held, spent, expired, voided, owed) < 0)""",
    "lot_identity": f"""
        select lot_id, granted, available + held + spent + expired + voided from lot where {TENANT}
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
        where a.{TENANT} and (a.granted, a.available, a.held, a.spent, a.expired, a.voided - a.owed)
            is distinct from (l.granted, l.available, l.held, l.spent, l.expired, l.voided)""",
    "lot_without_account": f"""
        select l.lot_id, 'an account', 'none' from lot l where l.{TENANT} and not exists (
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
        where a.{TENANT} and a.owed <> coalesce(m.owed, 0)""",
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
        where l.{TENANT} and (l.credits, l.captured, l.released, l.refunded)
            is distinct from (f.credits, f.captured, f.released, f.refunded)""",
    "lot_held_and_spent_are_hold_lines": f"""
        select l.lot_id, array[coalesce(h.held, 0), coalesce(h.spent, 0)]::text, array[l.held, l.spent]::text
        from lot l left join (
            select lot_id, sum(credits - captured - released)::bigint as held, sum(captured - refunded)::bigint as spent
            from hold_line where {TENANT} group by 1) h on h.lot_id = l.lot_id
        where l.{TENANT} and (l.held, l.spent) is distinct from (coalesce(h.held, 0), coalesce(h.spent, 0))""",
    "hold_is_sum_of_lines": f"""
        select h.hold_id, h.credits, coalesce(l.credits, 0) from hold h left join (
            select hold_id, sum(credits)::bigint as credits, sum(credits - captured - released)::bigint as open
            from hold_line where {TENANT} group by 1) l on l.hold_id = h.hold_id
        where h.{TENANT} and (h.credits is distinct from l.credits or (l.open = 0) <> (h.closed_at is not null))""",
    "one_effect_a_key": f"""
        select command_id, 1, count(*) from operation where {TENANT} and kind in ('debit', 'adjust')
        and command_id is not null group by command_id having count(*) > 1""",
    "an_acknowledged_command_has_its_effect": f"""
        select c.key, c.kind, 'no operation' from command c where c.{TENANT} and c.kind = any({CREDIT_KINDS})
        and not exists (select from operation o where o.tenant_id = c.tenant_id and o.command_id = c.key)""",
    "a_refused_command_leaves_no_trace": f"""
        select o.operation_id, 'a command that was done', coalesce(c.kind || ' ' || c.status, 'none')
        from operation o left join command c on c.tenant_id = o.tenant_id and c.key = o.command_id
        where o.{TENANT} and o.command_id is not null and (c.key is null or c.status >= 300)
        union all select key, 'not kept', kind || ' ' || status from command
        where {TENANT} and status >= 300 and kind = any({CREDIT_KINDS})""",
    "nothing_is_revived": f"""
        select e.operation_id || ':' || e.line_no, 'gone for good', e.source || ' -> ' || e.target from entry e
        where e.{TENANT} and (e.source = 'expired' or e.source = 'voided' and not exists (
            select from operation o where o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
            and o.kind = 'reinstate'))
        union all select o.operation_id || '/' || e.lot_id, '0', sum(case when e.target = 'available' then e.credits
            else -e.credits end)::text
        from lot l join entry e on e.tenant_id = l.tenant_id and e.lot_id = l.lot_id
            and 'available' in (e.source, e.target)
        join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
            and o.kind in ('release', 'refund', 'capture', 'reinstate')
        where l.{TENANT} and l.expires_at <= o.effective_at and {_NOT_MOVED_THEN} group by o.operation_id, e.lot_id
        having sum(case when e.target = 'available' then e.credits else -e.credits end) <> 0""",
    "only_what_a_dispute_took_is_reinstated": f"""
        select lot_id, taken, given from (
            select e.lot_id, o.reason,
                coalesce(sum(e.credits) filter (where o.kind <> 'reinstate' and (
                    e.target = 'owed' or e.target = 'voided' and e.source <> 'owed')), 0) as taken,
                coalesce(sum(e.credits) filter (where o.kind = 'reinstate' and e.target = 'available'), 0) as given
            from entry e join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
            where e.{TENANT} and o.reason in ('payment_dispute', 'refunded', 'corrected') and e.source <> 'world'
            group by e.lot_id, o.reason) disputed
        where given > taken""",
    "nothing_spent_from_a_dead_lot": f"""
        select o.operation_id, l.expires_at::text, o.effective_at::text
        from lot l join entry e on e.tenant_id = l.tenant_id and e.lot_id = l.lot_id
        and e.source = 'available' and e.target in ('held', 'spent')
        join operation o on o.tenant_id = e.tenant_id and o.operation_id = e.operation_id
        where l.{TENANT} and l.expires_at <= o.effective_at and {_NOT_MOVED_THEN} and o.kind <> 'transfer'""",
    "spending_is_a_prefix": f"""
        select a.hold_id, a.line_no, b.line_no from hold_line a join hold_line b
        on b.tenant_id = a.tenant_id and b.hold_id = a.hold_id and b.line_no > a.line_no
        where a.{TENANT} and b.captured > 0 and a.captured + a.released < a.credits""",
    "operation_has_entries": f"""
        select o.operation_id, 'entries', 'none' from operation o where o.{TENANT} and o.kind <> 'reopen'
        and not exists (select from entry e where e.tenant_id = o.tenant_id and e.operation_id = o.operation_id)""",
    "account_versions_have_no_gap": f"""
        select a.customer_id || '/' || a.credit_type, a.version, coalesce(o.n, 0) from account a left join (
            select customer_id, credit_type, count(*) as n, max(account_version) as last
            from operation where {TENANT} group by 1, 2) o
        on o.customer_id = a.customer_id and o.credit_type = a.credit_type
        where a.{TENANT} and (a.version <> coalesce(o.n, 0) or a.version <> coalesce(o.last, 0))""",
    "versions_are_in_order_of_time": f"""
        select operation_id, before::text, recorded_at::text from (
            select operation_id, recorded_at, lag(recorded_at) over (
                partition by customer_id, credit_type order by account_version) as before
            from operation where {TENANT}) o
        where recorded_at < before""",
    "one_grant_a_unit": f"""
        select order_id || '/' || line_id || '/' || unit_no || '/' || rule, 1, count(*) from lot
        where {TENANT} and order_id is not null and not (data ? 'withdrawn')
        group by order_id, line_id, unit_no, rule, credit_type, data #>> '{{recurring,no}}'
        having count(*) > 1""",
    "covers_do_not_overlap": f"""
        select a.cover_id, a.ends_at::text, b.cover_id from cover a join cover b
        on b.tenant_id = a.tenant_id and b.customer_id = a.customer_id and a.cover_id < b.cover_id
        and (b.license_id is not distinct from a.license_id or (a.scope = 'account' and b.scope = 'account'))
        and b.state in ('running', 'suspended') and b.actions && a.actions and b.levels = a.levels
        where a.{TENANT} and a.state in ('running', 'suspended') and a.start = 'first_ticket'
        and b.start = 'first_ticket' and a.ends_at is not null and b.ends_at is not null
        and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
        and not exists (select from purchase_order o where o.tenant_id = a.tenant_id
            and o.order_id in (a.order_id, b.order_id) and o.answer ? 'owners')""",
    "ticket_refunds_within_captures": f"""
        select h.ticket_id, sum(l.captured), sum(l.refunded) from hold h join hold_line l
        on l.tenant_id = h.tenant_id and l.hold_id = h.hold_id where h.{TENANT} and h.ticket_id is not null
        group by h.ticket_id having sum(l.refunded) > sum(l.captured)""",
    "money_back_within_cost": f"""
        select lot_id, coalesce(cost_amount, 0)::text, data ->> 'refunded' from lot where {TENANT}
        and data ? 'refunded' and (data ->> 'refunded')::numeric > coalesce(cost_amount, 0)""",
    "owed_and_available_never_both": f"""
        select a.customer_id || '/' || a.credit_type, 0, a.owed from account a
        where a.{TENANT} and a.owed > 0 and a.available > 0 and (exists (
            select from lot l where l.tenant_id = a.tenant_id and l.customer_id = a.customer_id
            and l.credit_type = a.credit_type and l.is_open and l.available > 0 and l.scope = 'account')
        or not exists (
            select from lot l where l.tenant_id = a.tenant_id and l.customer_id = a.customer_id
            and l.credit_type = a.credit_type and l.is_open and l.available > 0))""",
    "expiry_is_known": f"""
        select a.customer_id || '/' || a.credit_type, l.soonest::text, a.next_expiry::text from account a join (
            select customer_id, credit_type, min(expires_at) as soonest from lot
            where {TENANT} and available > 0 and expires_at is not null group by 1, 2) l
        on l.customer_id = a.customer_id and l.credit_type = a.credit_type
        where a.{TENANT} and (a.next_expiry is null or a.next_expiry > l.soonest)""",
    **LIVES,
    **STATES,
    **ACCOUNTS,
}
COVER_DAYS: Final = "covers_keep_their_days"
QUEUES: Final = "queued_periods_stand_where_they_belong"
RECURRING: Final = "recurring_credits_are_what_the_grant_yields"
WORK_CHARGED: Final = "work_is_what_is_charged"
PLAN_ENDS: Final = "credits_end_with_their_plan"
CLOCK_STATES: Final = "a_clock_keeps_what_its_events_come_to"
PROMISED: Final[dict[int, tuple[str, ...]]] = {
    1: ("lot_identity",),
    2: ("account_is_sum_of_lots", "lot_without_account"),
    3: (
        "lot_is_replay_of_entries",
        "owed_is_replay_of_entries",
        "replay_account",
        "replay_lot",
        "operation_has_entries",
        "operation_has_customer",
        "entry_has_operation",
    ),
    4: (
        "hold_line_is_replay_of_entries",
        "lot_held_and_spent_are_hold_lines",
        "hold_is_sum_of_lines",
        "hold_has_customer",
        "hold_line_has_hold",
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
    11: ("one_grant_a_unit", RECURRING),
    12: ("covers_do_not_overlap", COVER_DAYS, QUEUES),
    13: ("ticket_refunds_within_captures",),
    14: ("money_back_within_cost",),
    15: ("no_usable_credit_in_a_refunded_unit",),
    16: ("money_goes_back_once",),
    17: ("what_left_arrived",),
    18: ("a_ticket_says_one_number", WORK_CHARGED),
    19: ("what_was_disputed_is_accounted_for",),
    20: ("captured_credits_have_a_clause",),
    21: ("cover_is_what_was_bought", "a_refunded_unit_takes_one_period"),
    22: ("a_choice_is_made_once",),
    23: tuple(ACCOUNTS),
    24: ("what_is_due_is_known",),
    25: (CLOCK_STATES,),
    26: ("extended_credits_end_as_said", PLAN_ENDS),
    27: tuple(STATES),
}
"""The checks that stand for each invariant; a test corrupts what each one looks at. 15 to 22 are of a whole life, and
23 is of accounts that were merged or erased. 24 is of the table that says what is due (`app.db.due`). 25 is of the
state that a daily promise keeps. 26 is of credits that later purchases made good for longer.
27 is of states that rows keep for their lists.
"""
CHECKED: Final = frozenset({*INVARIANTS, COVER_DAYS, *(check for checks in PROMISED.values() for check in checks)})
"""Every check there is: also the replays of `recompute`, and what `app.db.ledger.strays` looks for."""
