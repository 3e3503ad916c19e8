"""Where other customers' rows name somebody: those who gave them credits, or got credits of theirs.

A transfer's answer and the report of a refund say who has the credits by now. An erasure takes that name out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, select, text, update

from app.db import schema as s
from app.db.engine import Tx

_COUNTERPARTS = text(
    "with recursive mine as (select lot_id, origin_lot_id, order_id from lot where tenant_id = :tenant"
    " and customer_id = any(:family)),"
    " up as (select lot_id, origin_lot_id from mine union select l.lot_id, l.origin_lot_id from up"
    " join lot l on l.tenant_id = :tenant and l.lot_id = up.origin_lot_id),"
    " down as (select lot_id from mine union select l.lot_id from down"
    " join lot l on l.tenant_id = :tenant and l.origin_lot_id = down.lot_id),"
    " found as (select l.customer_id from lot l where l.tenant_id = :tenant"
    " and l.lot_id in (select lot_id from up union select lot_id from down)"
    " union select o.customer_id from purchase_order o where o.tenant_id = :tenant"
    " and o.order_id in (select order_id from mine)),"
    " heirs as (select customer_id from found union select c.merged_into from heirs h"
    " join customer c on c.tenant_id = :tenant and c.customer_id = h.customer_id where c.merged_into is not null)"
    " select distinct customer_id from heirs where customer_id is not null and customer_id <> all(:family)"
)
"""Find the customers whose credits came from these accounts or went to them, by any number of hands."""
_PLACES: Final[Sequence[tuple[Table, tuple[str, ...], str]]] = (
    (s.purchase_order, ("order_id",), "answer"),
    (s.order_refund, ("order_id", "refund_id"), "answer"),
    (s.outbox, ("event_id",), "data"),
    (s.command, ("key",), "answer"),
)
_MEMBERS: Final = frozenset({"customer_id", "to_customer_id", "from_customer_id"})


async def counterparts(tx: Tx, customer_ids: Sequence[str]) -> list[str]:
    """Return the customers who gave credits to these, or got some of theirs; our ids, in order."""
    rows = await tx.rows(_COUNTERPARTS, {"tenant": tx.tenant_id, "family": list(customer_ids)})
    return sorted(row.customer_id for row in rows)


async def unname(tx: Tx, others: Sequence[str], names: Collection[str]) -> None:
    """Take these names out of what the rows of others say of customers; the others are locked."""
    if not others or not names:
        return
    for table, key, column in _PLACES:
        c = table.c
        rows = await tx.rows(
            select(*(c[name] for name in (*key, column))).where(
                c.tenant_id == tx.tenant_id, c.customer_id.in_(list(others))
            )
        )
        made = await asyncio.to_thread(_changed, rows, key, column, frozenset(names))
        if made:
            statement = update(table).where(
                c.tenant_id == tx.tenant_id, *(c[name] == bindparam(f"key_{name}") for name in key)
            )
            await tx.execute(statement.values({column: bindparam("new", type_=c[column].type)}), made)


def _changed(rows: Sequence[Any], key: Sequence[str], column: str, names: frozenset[str]) -> list[dict[str, Any]]:
    made = []
    for row in rows:
        old = row._mapping[column]
        # Answers of keyed calls are stored as a text (see `app.db.idempotency`).
        value = json.loads(old) if isinstance(old, str) else old
        new = _without(value, names)
        if new != value:
            stored = json.dumps(new, separators=(",", ":"), ensure_ascii=False) if isinstance(old, str) else new
            made.append({**{f"key_{name}": row._mapping[name] for name in key}, "new": stored})
    return made


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: None if key in _MEMBERS and isinstance(item, str) and item in names else _without(item, names)
            for key, item in value.items()
        }
    return [_without(item, names) for item in value] if isinstance(value, list) else value
