"""How orders are paid, kept on their rows for their lists (`app.domain.orders.states` says the same in Python)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from app.db.engine import Tx

_KEEP: Final = text(
    "with asked as (select unnest(cast(:orders as text[])) as order_id), refunded as ("
    " select f.order_id, part ->> 'line_id' as line_id, sum((part ->> 'quantity')::bigint) as units"
    " from asked a join order_refund f on f.tenant_id = :tenant and f.order_id = a.order_id"
    " cross join lateral jsonb_array_elements(f.answer -> 'lines') as part where f.customer_id <> '' group by 1, 2),"
    " total as (select order_id, sum(units) as units from refunded group by 1),"
    " rest as (select o.order_id, bool_or((line ->> 'quantity')::bigint > coalesce(r.units, 0)) as rest"
    " from asked a join purchase_order o on o.tenant_id = :tenant and o.order_id = a.order_id"
    " cross join lateral jsonb_array_elements(o.lines) as line"
    " left join refunded r on r.order_id = o.order_id and r.line_id = line ->> 'line_id' group by 1),"
    " disputed as (select d.order_id, array_agg(d.state) as states from asked a"
    " join payment_dispute d on d.tenant_id = :tenant and d.order_id = a.order_id group by 1),"
    " found as (select a.order_id, case when 'open' = any(d.states) then 'disputed'"
    " when 'lost' = any(d.states) then 'dispute_lost' when coalesce(t.units, 0) = 0 then 'paid'"
    " when r.rest then 'partly_refunded' else 'refunded' end as state"
    " from asked a left join total t on t.order_id = a.order_id left join rest r on r.order_id = a.order_id"
    " left join disputed d on d.order_id = a.order_id),"
    " kept as (update purchase_order set payment_state = found.state from found"
    " where purchase_order.tenant_id = :tenant and purchase_order.order_id = found.order_id"
    " and purchase_order.payment_state <> found.state) select 1"
)


async def keep(tx: Tx, order_ids: Sequence[str]) -> None:
    """Set how these orders are paid by now, after their refunds, disputes or lines changed in this transaction."""
    await tx.execute(_KEEP, {"tenant": tx.tenant_id, "orders": list(order_ids)})
