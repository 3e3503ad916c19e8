"""Invariants of a customer's whole life, where nouns meet: refunds, transfers, tickets, choices, covers.

Questions like those of `ledger_audit`, which asks them: each answers the rows that break it (subject, expected, found).
"""

from __future__ import annotations

from typing import Final

_CHAIN: Final = """
    chain as (
        select l.lot_id, l.lot_id as root, l.order_id, l.line_id, l.unit_no, l.granted, l.cost_amount
        from lot l where l.tenant_id = :tenant and l.origin_lot_id is null
        union all
        select l.lot_id, c.root, c.order_id, c.line_id, c.unit_no, c.granted, c.cost_amount
        from chain c join lot l on l.tenant_id = :tenant and l.origin_lot_id = c.lot_id
    )
"""
"""Every lot with the one in which its credits lay first; ``granted`` and the rest are that one's."""
_LINES: Final = """
    lines as (
        select o.order_id, line ->> 'line_id' as line_id,
               coalesce((line ->> 'units')::int, (line ->> 'quantity')::int) as made,
               coalesce((line ->> 'corrected')::int, 0) + coalesce(r.gone, 0) as gone
        from purchase_order o cross join lateral jsonb_array_elements(o.lines) as line
        left join (
            select f.order_id, part ->> 'line_id' as line_id, sum(coalesce((part ->> 'quantity')::int, 0)) as gone
            from order_refund f cross join lateral jsonb_array_elements(f.answer -> 'lines') as part
            where f.tenant_id = :tenant and f.customer_id <> '' group by 1, 2) r
        on r.order_id = o.order_id and r.line_id = line ->> 'line_id'
        where o.tenant_id = :tenant
    )
"""
"""Units of each order line: how many were ever made, how many were refunded or taken out again."""
_OWED: Final = "coalesce((l.data ->> 'owed')::bigint, 0)"

_ROOT: Final = "coalesce(l.data -> 'of' ->> 'lot_id', l.data -> 'bought' ->> 'lot_id', l.lot_id)"
"""The lot in which the credits of a lot lay first."""

LIVES: Final[dict[str, str]] = {
    "extended_credits_end_as_said": f"""
        with extending as materialized (
            select {_ROOT} as root, bool_or(l.data ? 'withdrawn') as withdrawn,
                   max(l.granted) filter (where l.lot_id = {_ROOT}) as granted
            from lot l where l.tenant_id = :tenant and l.data ? 'extends' group by 1
        ), gone as materialized (
            select e.root from extending e left join (
                select {_ROOT} as root, sum((p ->> 'credits')::bigint) as credits
                from lot l cross join lateral jsonb_array_elements(l.data -> 'paid_back') p
                where l.tenant_id = :tenant and l.data ? 'paid_back' group by 1) b on b.root = e.root
            where e.withdrawn or coalesce(b.credits, 0) >= e.granted
        ), extended as materialized (
            select l.lot_id, l.expires_at, (l.data ->> 'own_end')::timestamptz as own, r ->> 'by' as by,
                   (r ->> 'at')::timestamptz as at, coalesce((r ->> 'until')::timestamptz, 'infinity') as until,
                   (r ->> 'counts')::boolean as counts, l.customer_id, l.credit_type
            from lot l cross join lateral jsonb_array_elements(l.data -> 'extended') r
            where l.tenant_id = :tenant and l.data ? 'extended' and l.data ? 'own_end' and l.available > 0)
        select lot_id, 'not by ' || by, expires_at::text from extended where counts and by in (select root from gone)
        union all
        select e.lot_id, 'good at ' || e.at, 'counted' from extended e where e.counts and e.at >= e.own
        and not exists (select from extended b where b.lot_id = e.lot_id and b.counts and b.by <> e.by
            and b.at <= e.at and b.until > e.at)
        union all
        select lot_id, coalesce(max(until) filter (where counts), min(own))::text, min(expires_at)::text
        from extended e where not exists (select from operation o where o.tenant_id = :tenant
            and o.customer_id = e.customer_id and o.credit_type = e.credit_type and o.kind = 'reopen')
        group by lot_id having coalesce(min(expires_at), 'infinity')
            is distinct from coalesce(max(until) filter (where counts), min(own))
        union all
        select l.lot_id, 'what it was extended by', 'nothing' from lot l join lot f
        on f.tenant_id = l.tenant_id and f.lot_id = {_ROOT} and f.data ? 'extended'
        where l.tenant_id = :tenant and l.source = 'transfer' and l.available > 0 and not (l.data ? 'extended')
        and exists (select from jsonb_array_elements(f.data -> 'extended') r where (r ->> 'counts')::boolean)""",
    "no_usable_credit_in_a_refunded_unit": f"""
        with recursive {_CHAIN}, {_LINES}, usable as (
            select c.root, c.order_id, c.line_id, c.unit_no, min(c.granted) as granted, sum(l.available) as available,
                   sum({_OWED}) as owed,
                   bool_or(l.lot_id = c.root and l.data ?| array['withdrawn', 'recurring']) as withdrawn,
                   bool_or(l.lot_id = c.root and l.reason = 'replaced') is true as instead
            from chain c join lot l on l.tenant_id = :tenant and l.lot_id = c.lot_id
            where c.order_id is not null group by 1, 2, 3, 4)
        select lot_id, 'nothing available while some is claimed', available::text from lot
        where tenant_id = :tenant and available > 0
        and least(coalesce((data -> 'claim' ->> 'credits')::bigint, 0), held + spent) > 0
        union all
        select c.root, 'nothing available while some of the unit is claimed', sum(l.available)::text
        from chain c join lot l on l.tenant_id = :tenant and l.lot_id = c.lot_id
        join customer o on o.tenant_id = :tenant and o.customer_id = l.customer_id
        group by c.root, coalesce(o.merged_into, o.customer_id)
        having bool_or(l.data ? 'moved') and sum(l.available) > 0 and
        sum(least(coalesce((l.data -> 'claim' ->> 'credits')::bigint, 0), l.held + l.spent)) > 0
        union all
        select u.root, '0', u.available::text from usable u join license k on k.tenant_id = :tenant
        and k.order_id = u.order_id and k.line_id = u.line_id and k.unit_no = u.unit_no
        and k.ended_reason = 'refunded' where u.available > u.owed
        union all
        select u.order_id || '/' || u.line_id,
               'at most ' || sum(u.granted) * greatest(n.made - n.gone, 0) / n.made, sum(u.available)::text
        from usable u join lines n on n.order_id = u.order_id and n.line_id = u.line_id
        where n.gone > 0 and n.made > 0 and not u.withdrawn and not u.instead and not exists (select from license k
            where k.tenant_id = :tenant and k.order_id = u.order_id and k.line_id = u.line_id)
        group by u.order_id, u.line_id, n.made, n.gone
        having sum(u.available) > sum(u.granted) * greatest(n.made - n.gone, 0) / n.made + sum(u.owed)""",
    "money_goes_back_once": f"""
        with recursive {_CHAIN}, paid as (
            select c.root, min(c.granted) as granted, min(c.cost_amount) as cost,
                   sum(coalesce((l.data ->> 'refunded')::numeric, 0)) as by_lots,
                   sum(coalesce((select sum((p ->> 'credits')::bigint) from
                       jsonb_array_elements(l.data -> 'paid_back') p where p ->> 'door' in ('order', 'correction')), 0))
                       as by_order
            from chain c join lot l on l.tenant_id = :tenant and l.lot_id = c.lot_id
            where c.cost_amount is not null and l.data ?| array['refunded', 'paid_back'] group by 1)
        select root, 'at most ' || cost, by_lots || ' and ' || by_order || ' credits' from paid
        where by_lots > 0 and by_lots + round(cost * by_order / granted, 2) > cost + 0.02 or by_order > granted""",
    "what_left_arrived": """
        with gone as (
            select e.lot_id, sum(e.credits)::bigint as credits from operation o join entry e
            on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
            where o.tenant_id = :tenant and o.kind = 'transfer' and e.source = 'available' and e.target = 'voided'
            group by 1
        ), arrived as (
            select origin_lot_id as lot_id, sum(granted)::bigint as credits from lot
            where tenant_id = :tenant and source = 'transfer' and origin_lot_id is not null group by 1)
        select coalesce(g.lot_id, a.lot_id), coalesce(g.credits, 0)::text, coalesce(a.credits, 0)::text
        from gone g full join arrived a on a.lot_id = g.lot_id where g.credits is distinct from a.credits
        union all
        select l.lot_id, g.credits::text, told::text from gone g join lot l
        on l.tenant_id = :tenant and l.lot_id = g.lot_id cross join lateral (
            select coalesce((l.data ->> 'moved')::bigint, 0) + coalesce((select sum(n.value::bigint)
            from jsonb_each_text(l.data -> 'given') n), 0) as told) t where t.told <> g.credits
        union all
        select l.lot_id, 'with ' || o.customer_id, 'with ' || l.customer_id from lot l join purchase_order o
        on o.tenant_id = :tenant and o.order_id = l.order_id
        where l.tenant_id = :tenant and l.origin_lot_id is null and l.customer_id <> o.customer_id
        and not (l.data ? 'withdrawn') and not coalesce(o.answer -> 'owners' ? l.customer_id, false)
        union all
        select lot_id, 'withdrawn: 0 available', available::text from lot
        where tenant_id = :tenant and data ? 'withdrawn' and available > 0""",
    "a_ticket_says_one_number": """
        with held as (
            select h.ticket_id, sum(l.credits - l.captured - l.released)::bigint as held,
                   sum(l.captured)::bigint as captured, sum(l.refunded)::bigint as refunded
            from hold h join hold_line l on l.tenant_id = h.tenant_id and l.hold_id = h.hold_id
            where h.tenant_id = :tenant and h.ticket_id is not null group by 1
        ), apart as (
            select distinct o.ticket_id from operation o left join command c
            on c.tenant_id = o.tenant_id and c.key = o.command_id
            where o.tenant_id = :tenant and o.ticket_id is not null and (o.kind = 'expire'
                or c.kind in ('hold', 'capture', 'release', 'refund', 'debit'))
        ), told as (
            select t.ticket_id, t.state, t.document,
                   array[(t.document -> 'charge' ->> 'held')::bigint, (t.document -> 'charge' ->> 'captured')::bigint,
                         (t.document -> 'charge' ->> 'refunded')::bigint] as charge,
                   array[coalesce(h.held, 0), coalesce(h.captured, 0), coalesce(h.refunded, 0)] as holds
            from ticket t left join held h on h.ticket_id = t.ticket_id
            where t.tenant_id = :tenant and not exists (select from apart a where a.ticket_id = t.ticket_id))
        select ticket_id, charge::text, holds::text from told where charge is distinct from holds
        union all
        select ticket_id, 'nothing held once closed', holds::text from told
        where state in ('resolved', 'rejected', 'withdrawn') and holds[1] > 0
        union all
        select t.ticket_id, t.charge::text, e.payload -> 'set' ->> 'charge' from told t join lateral (
            select payload from entity_event v where v.tenant_id = :tenant and v.stream = 'ticket'
            and v.entity_id = t.ticket_id order by v.seq desc limit 1) e on true
        where e.payload -> 'set' -> 'charge' is distinct from t.document -> 'charge'
        union all
        select ticket_id, 'a price of ' || (document ->> 'price'), holds::text from told
        where state = 'in_progress' and document ->> 'paid_by' = 'credits' and document ->> 'price' is not null
        and (document ->> 'reopened')::int = 0
        and holds[1] + holds[2] - holds[3]
            <> greatest((document ->> 'price')::bigint, coalesce((document ->> 'reserved')::bigint, 0))
        union all
        select t.ticket_id, 'assessed at ' || (a ->> 'credits'), 'a price of ' || (t.document ->> 'price')
        from told t cross join lateral jsonb_array_elements(t.document -> 'assessments') a
        where a ->> 'status' = 'in_force' and t.state = 'in_progress' and t.document ->> 'price' is not null
        and not exists (select from jsonb_array_elements(t.document -> 'disputes') d where d ->> 'decision' is not null)
        and (a ->> 'credits')::bigint <> (t.document ->> 'price')::bigint""",
    "what_was_disputed_is_accounted_for": """
        select t.ticket_id || ':' || (d ->> 'number'), ((d ->> 'charge')::bigint - (d ->> 'credits')::bigint)::text,
               ((d ->> 'returned')::bigint + coalesce((d ->> 'forfeited')::bigint, 0))::text
        from ticket t cross join lateral jsonb_array_elements(t.document -> 'disputes') d
        where t.tenant_id = :tenant and d ->> 'decision' is not null and d ->> 'credits' is not null
        and (d ->> 'charge')::bigint - (d ->> 'credits')::bigint
            <> (d ->> 'returned')::bigint + coalesce((d ->> 'forfeited')::bigint, 0)""",
    "captured_credits_have_a_clause": """
        with since as (
            select least(cast(:since as timestamptz), min(recorded_at)) as at from operation
            where tenant_id = :tenant and kind in ('hold', 'debit') and clause is not null)
        select o.operation_id, 'a clause', 'none' from operation o, since s
        where o.tenant_id = :tenant and o.clause is null and o.recorded_at >= s.at and o.kind in ('capture', 'debit')
        and exists (select from entry e where e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
            and e.target = 'spent')""",
    "cover_is_what_was_bought": """
        with periods as (
            select c.customer_id, c.license_id, c.ends_at - c.starts_at as stands,
                   (c.starts_at at time zone 'UTC' + make_interval(
                        years => coalesce((c.term ->> 'years')::int, 0),
                        months => coalesce((c.term ->> 'months')::int, 0),
                        days => coalesce((c.term ->> 'days')::int, 0))) at time zone 'UTC'
                   - c.starts_at + make_interval(secs => c.suspended_seconds) as bought,
                   coalesce((p.document -> 'cover' ->> 'grace')::int, 0) as grace,
                   coalesce(p.document -> 'cover' ->> 'end_of_day', p.document -> 'cover' ->> 'renewal') is not null
                       as chained
            from cover c join tenant t on t.tenant_id = :tenant
            left join policy_version p on p.tenant_id = :tenant and p.name = t.policy_name
                 and p.version = c.policy_version
            where c.tenant_id = :tenant and c.state in ('running', 'suspended') and c.term is not null
            and c.term <> 'null'::jsonb and c.starts_at is not null and c.ends_at is not null and not exists (
                select from entity_event e where e.tenant_id = :tenant and e.stream = 'cover'
                and e.entity_id = c.cover_id and e.kind in ('shortened', 'extended')))
        select customer_id || '/' || coalesce(license_id, 'account'), sum(bought)::text, sum(stands)::text
        from periods group by customer_id, license_id
        having sum(stands) < sum(bought - interval '2 hours' - case when chained then interval '4 days' else '0' end)
        or sum(stands) > sum(bought + interval '3 days 2 hours' + make_interval(days => grace)
            + case when chained then interval '1 day' else '0' end)
        union all
        select c.cover_id, 'over with its license at ' || k.ended_at, c.state || ' until ' || coalesce(c.ends_at::text,
               'further notice') from cover c join license k on k.tenant_id = :tenant and k.license_id = c.license_id
        where c.tenant_id = :tenant and c.state <> 'voided' and k.ended_reason in ('refunded', 'corrected')
        and (c.ends_at is null or c.ends_at > greatest(k.ended_at, c.starts_at))""",
    "a_refunded_unit_takes_one_period": """
        with lines as (
            select o.order_id, o.customer_id, line, line ->> 'line_id' as line_id
            from purchase_order o cross join lateral jsonb_array_elements(o.lines) as line where o.tenant_id = :tenant
        ), taken as (
            select l.order_id, l.line_id, l.customer_id, unit, unit ->> 'cover_id' as cover_id
            from lines l cross join lateral jsonb_array_elements(coalesce(l.line -> 'taken_periods', '[]')) as unit)
        select cover_id, 'taken once', count(*) || ' times' from taken where cover_id is not null
        group by cover_id having count(*) > 1
        union all
        select t.order_id || '/' || t.line_id, 'a period that is taken back: ' || t.cover_id, coalesce(c.state, 'none')
        from taken t left join cover c on c.tenant_id = :tenant and c.cover_id = t.cover_id
        where t.cover_id is not null and c.state is distinct from 'voided' and not (c.cover_id is not null and exists (
            select from entity_event e where e.tenant_id = :tenant and e.stream = 'cover' and e.entity_id = c.cover_id
            and e.kind = 'shortened'))
        union all
        select t.order_id || '/' || t.line_id, 'a period of the same customer: ' || t.cover_id, o.order_id
        from taken t join cover c on c.tenant_id = :tenant and c.cover_id = t.cover_id
        join purchase_order o on o.tenant_id = :tenant and o.order_id = c.order_id
        where o.customer_id <> t.customer_id or exists (select from jsonb_array_elements(o.lines) as line
            where line ->> 'line_id' = c.line_id and line -> 'withdrawn' ? c.cover_id)
        union all
        select t.order_id || '/' || t.line_id, 'a period that waited for the order: ' || t.cover_id, 'bought apart'
        from taken t join cover c on c.tenant_id = :tenant and c.cover_id = t.cover_id
        join purchase_order o on o.tenant_id = :tenant and o.order_id = t.order_id
        where exists (select from jsonb_array_elements(coalesce(o.answer -> 'merges', '[]')) as mine,
            jsonb_array_elements(coalesce(c.data -> 'merges', '[]')) as its
            where mine ->> 'merge' = its ->> 'merge' and mine ->> 'side' <> its ->> 'side')
        union all
        select l.order_id || '/' || l.line_id, 'at most ' || coalesce(l.line ->> 'units', l.line ->> 'quantity'),
               count(*) || ' for ' || (unit ->> 'rule')
        from lines l cross join lateral jsonb_array_elements(coalesce(l.line -> 'taken_periods', '[]')) as unit
        group by l.order_id, l.line_id, l.line, unit ->> 'rule'
        having count(*) > coalesce((l.line ->> 'units')::int, (l.line ->> 'quantity')::int)
        union all
        select t.order_id || '/' || t.line_id, '0 credits left of what came with ' || t.cover_id, sum(l.available)::text
        from taken t join recurring_grant g on g.tenant_id = :tenant and g.cover_id = t.cover_id and not g.withdrawn
        join lot l on l.tenant_id = :tenant and l.order_id = g.order_id and l.line_id = g.line_id
             and l.unit_no = g.unit_no and l.rule = g.rule and not (l.data ? 'withdrawn')
        group by t.order_id, t.line_id, t.cover_id having sum(l.available) > 0
        union all
        select t.order_id || '/' || t.line_id, '0 credits left of what was given with ' || t.cover_id, l.available::text
        from taken t join cover c on c.tenant_id = :tenant and c.cover_id = t.cover_id
        cross join lateral jsonb_path_query(c.data, '$.brought.*.unit_no') as given(place)
        join lot l on l.tenant_id = :tenant and l.order_id = c.order_id and l.line_id = c.line_id
             and l.unit_no = given.place::int and l.rule = c.rule and l.reason = 'replaced'
        where l.available > coalesce((l.data ->> 'owed')::bigint, 0) and not (l.data ? 'withdrawn')""",
    "a_choice_is_made_once": """
        select choice_id, 'made once', count(*) || ' times' from choice c join entity_event e
        on e.tenant_id = :tenant and e.stream = 'choice' and e.entity_id = c.choice_id and e.kind = 'made'
        where c.tenant_id = :tenant group by choice_id having count(*) > 1
        union all
        select c.choice_id, case when c.option is null then '0' else '1' end || ' grants', g.grants || ' grants'
        from choice c cross join lateral (
            select (select count(*) from lot l where l.tenant_id = :tenant and l.source = 'choice'
                    and l.order_id = c.order_id and l.line_id = c.line_id and l.unit_no = c.unit_no
                    and l.origin_lot_id is null and not (l.data ? 'withdrawn')
                    and exists (select from jsonb_each(c.options) o where o.value ->> 'rule' = l.rule))
                 + (select count(*) from cover v where v.tenant_id = :tenant and v.order_id = c.order_id
                    and v.line_id = c.line_id and v.license_id is not distinct from c.license_id
                    and exists (select from jsonb_each(c.options) o where o.value ->> 'rule' = v.rule)) as grants) g
        where c.tenant_id = :tenant and (c.voided_at is null or c.option is not null)
        and g.grants > case when c.option is null then 0 else 1 end""",
}
