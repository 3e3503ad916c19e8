"""Invariants of states that rows keep for their lists: each is what the rows beside it come to.

Questions like those of `app.db.ledger.invariants`, which asks them: each answers the rows that break it.
"""

from __future__ import annotations

from typing import Final

STATES: Final[dict[str, str]] = {
    "a_hold_stands_as_its_lines_say": """
        select h.hold_id, l.state, h.state from hold h join (
            select k.hold_id, case
                when sum(k.captured + k.released) < sum(k.credits) then 'open'
                when sum(k.captured) = 0 then 'released'
                when sum(k.refunded) = sum(k.captured) then 'refunded'
                else 'captured' end as state
            from hold_line k where k.tenant_id = :tenant group by k.hold_id) l on l.hold_id = h.hold_id
        where h.tenant_id = :tenant and h.state is distinct from l.state""",
    "an_order_is_paid_as_its_refunds_say": """
        with refunded as (
            select f.order_id, part ->> 'line_id' as line_id, sum((part ->> 'quantity')::bigint) as units
            from order_refund f cross join lateral jsonb_array_elements(f.answer -> 'lines') as part
            where f.tenant_id = :tenant and f.customer_id <> '' group by 1, 2
        ), total as (
            select order_id, sum(units) as units from refunded group by 1
        ), rest as (
            select o.order_id, bool_or((line ->> 'quantity')::bigint > coalesce(r.units, 0)) as rest
            from purchase_order o cross join lateral jsonb_array_elements(o.lines) as line
            left join refunded r on r.order_id = o.order_id and r.line_id = line ->> 'line_id'
            where o.tenant_id = :tenant group by 1
        ), stands as (
            select o.order_id, o.payment_state, t.units, r.rest,
                   (select array_agg(d.state) from payment_dispute d
                    where d.tenant_id = :tenant and d.order_id = o.order_id) as disputes
            from purchase_order o left join total t on t.order_id = o.order_id
            left join rest r on r.order_id = o.order_id where o.tenant_id = :tenant
        ), known as (
            select order_id, payment_state, case
                when 'open' = any(disputes) then 'disputed'
                when 'lost' = any(disputes) then 'dispute_lost'
                when coalesce(units, 0) = 0 then 'paid'
                when rest then 'partly_refunded'
                else 'refunded' end as state
            from stands)
        select order_id, state, payment_state from known where payment_state <> state""",
}
