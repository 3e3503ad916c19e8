"""States of orders, refunds and holds for their lists, and holds by their end.

Why: a list that is narrowed by states reads the rows of its page and no others. What an order granted and how a refund
stands is read off their answers, so each state is an index of its own. How an order is paid hangs on its refunds and
disputes, and what became of a hold on its lines. The one writer keeps these two. What the version before writes while it
is still at work keeps the state it had; the audit names it. One index of holds takes the place of two.

Lock: short ones on two tables for columns. No table is rewritten. Of the orders those are updated that
have refunds or disputes, of the holds those that are open, released or refunded, 5,000 at a time. The indexes are built beside the
traffic (`concurrently`), outside a transaction. Two more are of what failed and what is parked, which the operator's
page counts. Way back: drops all of it, and builds the former two.
"""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

SHORT = "answer @? '$.not_granted[*]'"
BROUGHT = "answer @? '$.decisions[*] ? (@.granted == true)'"
BY_PAYMENT = "purchase_order (tenant_id, payment_state, placed_at, order_id)"
BY_TIME = "order_refund (tenant_id, at, order_id, refund_id)"
NEW = {
    "ix_purchase_order_granted": f"{BY_PAYMENT} where not ({SHORT})",
    "ix_purchase_order_partly_granted": f"{BY_PAYMENT} where {SHORT} and {BROUGHT}",
    "ix_purchase_order_not_granted": f"{BY_PAYMENT} where {SHORT} and not ({BROUGHT})",
    "ix_order_refund_booked": f"{BY_TIME} where not (answer ? 'pending') and not (answer ? 'undone')",
    "ix_order_refund_pending": f"{BY_TIME} where answer ? 'pending'",
    "ix_order_refund_undone": f"{BY_TIME} where answer ? 'undone'",
    "ix_hold_state": "hold (tenant_id, state, created_at, hold_id)",
    "ix_hold_expiring": ("hold (tenant_id, expires_at, hold_id) where closed_at is null and expires_at is not null"),
    "ix_agenda_failed": "agenda (tenant_id, at, kind, subject) where payload ? 'failed'",
    "ix_inbound_delivery_parked": "inbound_delivery (tenant_id, received_at) where state = 'parked'",
}
FORMER = {
    "ix_hold_opened": "hold (tenant_id, created_at, hold_id) where closed_at is null",
    "ix_hold_list": "hold (tenant_id, created_at, hold_id)",
}
ALLOWED = "-- squawk-ignore ban-concurrent-index-creation-in-transaction\n"

PAYMENT = """
create or replace function retainer_payment_state(of_tenant text, of_order text) returns text language sql stable as $$
    with refunded as (
        select part ->> 'line_id' as line_id, sum((part ->> 'quantity')::bigint) as n
        from order_refund f cross join lateral jsonb_array_elements(f.answer -> 'lines') as part
        where f.tenant_id = of_tenant and f.order_id = of_order and f.customer_id <> '' group by 1)
    select case
        when exists (select from payment_dispute d where d.tenant_id = of_tenant and d.order_id = of_order
                     and d.state = 'open') then 'disputed'
        when exists (select from payment_dispute d where d.tenant_id = of_tenant and d.order_id = of_order
                     and d.state = 'lost') then 'dispute_lost'
        when coalesce((select sum(n) from refunded), 0) = 0 then 'paid'
        when exists (
            select from purchase_order o cross join lateral jsonb_array_elements(o.lines) as line
            left join refunded r on r.line_id = line ->> 'line_id'
            where o.tenant_id = of_tenant and o.order_id = of_order
            and (line ->> 'quantity')::bigint > coalesce(r.n, 0)) then 'partly_refunded'
        else 'refunded' end
$$
"""
# Row security holds for whoever runs this too, so each tenant's rows are marked under its own name. Each part commits,
# so that no row is locked for long. What is closed meanwhile is left as it is.
BEFORE = """
do $$ declare
    one text; after text; upto text; former text := coalesce(current_setting('app.tenant', true), '');
begin
    for one in select distinct tenant_id from directory loop
        perform set_config('app.tenant', one, false);
        update purchase_order o set payment_state = retainer_payment_state(one, o.order_id)
        where o.tenant_id = one and o.order_id in (
            select order_id from order_refund where tenant_id = one and customer_id <> ''
            union select order_id from payment_dispute where tenant_id = one)
        and retainer_payment_state(one, o.order_id) <> o.payment_state;
        commit;
        after := '';
        loop
            select max(hold_id) into upto from (
                select hold_id from hold where tenant_id = one and hold_id > after order by hold_id limit 5000) part;
            exit when upto is null;
            update hold set state = l.state from (
                select k.hold_id, case
                    when sum(k.captured + k.released) < sum(k.credits) then 'open'
                    when sum(k.captured) = 0 then 'released'
                    when sum(k.refunded) = sum(k.captured) then 'refunded'
                    else 'captured' end as state
                from hold_line k where k.tenant_id = one and k.hold_id > after and k.hold_id <= upto group by 1) l
            where hold.tenant_id = one and hold.hold_id > after and hold.hold_id <= upto and hold.hold_id = l.hold_id
            and hold.state is distinct from l.state and (l.state = 'open') = (hold.closed_at is null);
            commit;
            after := upto;
        end loop;
    end loop;
    perform set_config('app.tenant', former, false);
end $$
"""


def _beside_traffic(new: dict[str, str], dropped: list[str]) -> None:
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = '10min'")
        for name in new:
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
        for name, on in new.items():
            op.execute(f"{ALLOWED}create index concurrently if not exists {name} on {on}")
        for name in dropped:
            op.execute(f"{ALLOWED}drop index concurrently if exists {name}")
        op.execute("set lock_timeout = '5s'")


def upgrade() -> None:
    """Adds the columns, says how things stand, and builds the indexes."""
    op.execute("alter table purchase_order add column if not exists payment_state text not null default 'paid'")
    op.execute("alter table hold add column if not exists state text default 'captured'")
    # Nobody has written the column before: it was added by the line above.
    op.execute("-- squawk-ignore ban-drop-default\nalter table hold alter column state drop default")
    op.execute(PAYMENT)
    with op.get_context().autocommit_block():
        op.execute(BEFORE)
    # It was made above, for this alone.
    op.execute("-- squawk-ignore ban-drop-function\ndrop function retainer_payment_state(text, text)")
    _beside_traffic(NEW, list(FORMER))


def downgrade() -> None:
    """Builds the former indexes, and drops the rest."""
    _beside_traffic(FORMER, list(NEW))
    op.execute("alter table hold drop column if exists state")
    op.execute("alter table purchase_order drop column if exists payment_state")
