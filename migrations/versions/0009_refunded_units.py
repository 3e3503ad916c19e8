"""A refund is one thing: lots know what of them was refunded, and to whom credits of them were given.

Why: what comes back to a refunded unit is voided, refunds follow transfers, and money goes back once. Orders that were
refunded, and lots that were transferred or paid back, before this release are marked from what is stored. Lock: none on
tables that are read (a column is added without a default); the rows of refunded orders are written once. Way back: takes
the marks off, which only forgets them.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Row security holds for whoever runs this too, so each tenant's rows are marked under its own name.
EACH_TENANT = """
do $$ declare one text; before text := coalesce(current_setting('app.tenant', true), ''); begin
    for one in select distinct tenant_id from directory loop
        perform set_config('app.tenant', one, true);
        {body}
    end loop;
    perform set_config('app.tenant', before, true);
end $$
"""

ROOTS = """
    with recursive chain as (
        select l.lot_id, l.lot_id as root, l.order_id, l.line_id, l.unit_no, l.source from lot l
        where l.tenant_id = one and l.origin_lot_id is null
        union all
        select l.lot_id, c.root, c.order_id, c.line_id, c.unit_no, c.source from chain c
        join lot l on l.tenant_id = one and l.origin_lot_id = c.lot_id
    )
"""

# 1. A lot that was made of another one names its unit. 2. A transfer says who has the credits now.
OF = f"""
    {ROOTS} update lot set data = lot.data || jsonb_build_object('of', jsonb_build_object(
        'order_id', c.order_id, 'line_id', c.line_id, 'unit_no', c.unit_no, 'lot_id', c.root, 'source', c.source))
    from chain c where lot.tenant_id = one and lot.lot_id = c.lot_id and c.root <> c.lot_id;
"""
GIVEN = """
    update lot set data = lot.data || jsonb_build_object('given', g.given) from (
        select lot_id, jsonb_object_agg(receiver, credits) as given from (
            select e.lot_id, substring(o.reason from 4) as receiver, sum(e.credits)::bigint as credits
            from operation o join entry e on e.tenant_id = o.tenant_id and e.operation_id = o.operation_id
            where o.tenant_id = one and o.kind = 'transfer' and starts_with(o.reason, 'to cus') and e.target = 'voided'
            group by 1, 2) each group by 1) g
    where lot.tenant_id = one and lot.lot_id = g.lot_id;
"""

# 3. What lots paid back by themselves. 4. What of refunded units is still held or spent is claimed: of a license all, of
# a pack as much as the refunded units are more than what was taken back.
PAID = """
    update lot set data = data || jsonb_build_object('paid_back', jsonb_build_array(jsonb_build_object(
        'door', case when (data ->> 'refunded')::numeric >= coalesce(cost_amount, 0) then 'override' else 'lot' end,
        'credits', case when (data ->> 'refunded')::numeric >= coalesce(cost_amount, 0) then granted
                        else least(granted, greatest(voided, 1)) end,
        'amount', data ->> 'refunded', 'ref', null, 'at', effective_at)))
        || case when (data ->> 'refunded')::numeric >= coalesce(cost_amount, 0) and held + spent > 0
           then jsonb_build_object('claim', jsonb_build_object('credits', held + spent, 'reason', 'refunded',
                'clause', clause, 'order_id', order_id)) else '{}'::jsonb end
    where tenant_id = one and (data ->> 'refunded')::numeric > 0;
"""
UNITS = """
    with lines as (
        select o.order_id, line ->> 'line_id' as line_id,
               coalesce((line ->> 'units')::int, (line ->> 'quantity')::int) as made,
               least(coalesce((line ->> 'units')::int, (line ->> 'quantity')::int),
                     coalesce((line ->> 'corrected')::int, 0) + coalesce(r.gone, 0)) as gone
        from purchase_order o cross join lateral jsonb_array_elements(o.lines) as line
        left join lateral (
            select sum(coalesce((part ->> 'quantity')::int, 0)) as gone
            from order_refund f cross join lateral jsonb_array_elements(f.answer -> 'lines') as part
            where f.tenant_id = o.tenant_id and f.order_id = o.order_id and f.customer_id <> ''
            and part ->> 'line_id' = line ->> 'line_id') r on true
        where o.tenant_id = one
    ), units as (
        select l.lot_id, coalesce(l.order_id, l.data -> 'of' ->> 'order_id') as order_id,
               coalesce(l.line_id, l.data -> 'of' ->> 'line_id') as line_id,
               coalesce((l.data -> 'of' ->> 'unit_no')::int, l.unit_no) as unit_no, l.granted, l.held, l.spent,
               l.voided - coalesce((l.data ->> 'moved')::bigint, 0)
                   - coalesce((select sum(n.value::bigint) from jsonb_each_text(l.data -> 'given') n), 0) as taken
        from lot l where l.tenant_id = one and not (l.data ? 'claim')
    ), due as (
        select u.lot_id, case when k.license_id is not null then u.held + u.spent
            else least(u.held + u.spent, greatest(u.granted * n.gone / greatest(n.made, 1) - u.taken, 0)) end as credits,
            u.order_id, u.taken, n.gone, k.license_id
        from units u join lines n on n.order_id = u.order_id and n.line_id = u.line_id and n.gone > 0 and n.made > 0
        left join license k on k.tenant_id = one and k.order_id = u.order_id and k.line_id = u.line_id
            and k.unit_no = u.unit_no and k.ended_reason = 'refunded'
        where k.license_id is not null or u.unit_no = 0 or not exists (
            select from license x where x.tenant_id = one and x.order_id = u.order_id and x.line_id = u.line_id)
    )
    update lot set data = lot.data
        || jsonb_build_object('paid_back', coalesce(lot.data -> 'paid_back', '[]'::jsonb) || jsonb_build_array(
            jsonb_build_object('door', 'order', 'credits', least(lot.granted, d.credits + greatest(d.taken, 0)),
                               'amount', null, 'ref', null, 'at', lot.effective_at)))
        || case when d.credits > 0 and lot.held + lot.spent > 0 and not exists (
               select from account a where a.tenant_id = one and a.customer_id = lot.customer_id
               and a.credit_type = lot.credit_type and a.owed > 0)
           then jsonb_build_object('claim', jsonb_build_object('credits', d.credits, 'reason', 'refunded',
                'clause', null, 'order_id', d.order_id)) else '{}'::jsonb end
    from due d where lot.tenant_id = one and lot.lot_id = d.lot_id and not (lot.data ? 'paid_back');
"""

# 5. Licenses refunded untouched before: whatever stands keeps its class, what is bought from now on counts anew.
UNTOUCHED = """
    update license k set uncounted_after = (select max(x.license_id) from license x
        where x.tenant_id = one and x.customer_id = k.customer_id)
    where k.tenant_id = one and k.ended_reason = 'refunded' and not exists (
        select from lot l where l.tenant_id = one and l.order_id = k.order_id and l.line_id = k.line_id
        and l.unit_no = k.unit_no and (l.held + l.spent > 0 or l.data ? 'given'))
    and not exists (select from cover c where c.tenant_id = one and c.license_id = k.license_id
        and c.start = 'first_ticket' and c.starts_at is not null);
"""
FORGET = "update lot set data = data - 'of' - 'given' - 'paid_back' - 'claim' - 'owed' where tenant_id = one;"


def upgrade() -> None:
    """Adds the column and marks what was refunded before."""
    op.execute("ALTER TABLE license ADD COLUMN uncounted_after TEXT")
    op.execute(EACH_TENANT.format(body=OF + GIVEN + PAID + UNITS + UNTOUCHED))


def downgrade() -> None:
    """Takes the marks off."""
    op.execute(EACH_TENANT.format(body=FORGET))
    op.execute("ALTER TABLE license DROP COLUMN uncounted_after")
