"""How orders are paid, kept on their rows so that lists can be narrowed by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import text

from app.db.engine import Tx
from app.domain.orders.states import payment_state

_FACTS: Final = text(
    "select o.order_id, o.payment_state, o.lines::text as lines,"
    " (select jsonb_object_agg(u.line_id, u.units)::text from ("
    "select part ->> 'line_id' as line_id, sum((part ->> 'quantity')::bigint) as units from order_refund f"
    " cross join lateral jsonb_array_elements(f.answer -> 'lines') as part"
    " where f.tenant_id = :tenant and f.order_id = o.order_id and f.customer_id <> '' group by 1) u) as refunded,"
    " (select array_agg(d.state) from payment_dispute d"
    " where d.tenant_id = :tenant and d.order_id = o.order_id) as disputes"
    " from purchase_order o where o.tenant_id = :tenant and o.order_id = any(cast(:orders as text[]))"
)
_LINES: Final = msgspec.json.Decoder(list[dict[str, Any]])
_UNITS: Final = msgspec.json.Decoder(dict[str, int])
_KEEP: Final = text(
    "update purchase_order set payment_state = found.state"
    " from unnest(cast(:orders as text[]), cast(:states as text[])) as found(order_id, state)"
    " where purchase_order.tenant_id = :tenant and purchase_order.order_id = found.order_id"
)


async def keep(tx: Tx, order_ids: Sequence[str]) -> None:
    """Set how these orders are paid by now, after their refunds, disputes or lines changed in this transaction."""
    anew: dict[str, str] = {}
    for row in await tx.rows(_FACTS, {"tenant": tx.tenant_id, "orders": list(order_ids)}):
        units = {line["line_id"]: line["quantity"] for line in _LINES.decode(row.lines)}
        state = payment_state(units, _UNITS.decode(row.refunded or "{}"), row.disputes or ())
        if state != row.payment_state:
            anew[row.order_id] = state
    if anew:
        await tx.execute(_KEEP, {"tenant": tx.tenant_id, "orders": list(anew), "states": list(anew.values())})
