"""Makes one account large: its orders and tickets are copied as often as wanted, set-wise, and stay true.

The orders and tickets of a customer are made through the API first. A copy has the ids of the original with a number
behind them, and its operations follow those of the copy before. Licenses, covers and choices stay as they are. So do
the orders that brought licenses: what a copy has of their credits names no order.
"""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy import ARRAY, Table, Text

from app.db import schema as s

TABLES: Final = (
    s.purchase_order,
    s.order_refund,
    s.ticket,
    s.clock,
    s.clock_outcome,
    s.entity_event,
    s.lot,
    s.hold,
    s.hold_line,
    s.operation,
    s.entry,
)
IDS: Final = frozenset(
    {
        "clock_id",
        "entity_id",
        "external_id",
        "hold_id",
        "lot_id",
        "operation_id",
        "order_id",
        "origin_lot_id",
        "parent_id",
        "refund_id",
        "ticket_id",
    }
)
_OF_LICENSE: Final = "x.order_id in (select order_id from license where tenant_id = $1 and customer_id = $2)"
_KEYS: Final = {
    "purchase_order": f"x.customer_id = $2 and not {_OF_LICENSE}",
    "order_refund": f"x.customer_id = $2 and not {_OF_LICENSE}",
    "clock_outcome": "x.clock_id in (select clock_id from clock where tenant_id = $1 and customer_id = $2)",
    "entity_event": "x.stream = 'ticket' and x.entity_id in"
    " (select ticket_id from ticket where tenant_id = $1 and customer_id = $2)",
    "hold_line": "x.hold_id in (select hold_id from hold where tenant_id = $1 and customer_id = $2)",
    "entry": "x.operation_id in (select operation_id from operation where tenant_id = $1 and customer_id = $2)",
}


def _copied(table: Table) -> str:
    values = []
    for column in table.columns:
        expression = f'x."{column.name}"'
        if column.name in IDS and isinstance(column.type, Text) and not isinstance(column.type, ARRAY):
            expression = f"{expression} || '-' || n"
            if column.name == "order_id":
                expression = f"case when {_OF_LICENSE} then null else {expression} end"
        elif (table.name, column.name) == ("operation", "account_version"):
            expression = (
                f"{expression} + n * (select max(version) from account a where a.tenant_id = $1 and"
                " a.customer_id = $2 and a.credit_type = x.credit_type)"
            )
        elif (table.name, column.name) == ("ticket", "document"):
            expression = f"{expression} || jsonb_build_object('ticket_id', x.ticket_id || '-' || n)"
        values.append(expression)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    where = _KEYS.get(table.name, "x.customer_id = $2")
    return (
        f"insert into {table.name} ({names}) select {', '.join(values)} from copied_{table.name} x,"
        f" generate_series(1, $3::bigint) n where x.tenant_id = $1 and {where}"
    )


async def grow(connection: asyncpg.Connection, tenant: str, customer: str, copies: int) -> None:
    """Copy the orders and tickets of a customer, named by the vendor's id, so often."""
    await connection.execute("select set_config('app.tenant', $1, false)", tenant)
    mine = await connection.fetchval(
        "select customer_id from customer where tenant_id = $1 and external_id = $2", tenant, customer
    )
    for table in TABLES:
        await connection.execute(f"create temp table copied_{table.name} as select * from {table.name}")
    for table in TABLES:
        await connection.execute(_copied(table), tenant, mine, copies)
    sums = ", ".join(
        f"{name} = {name} * ($3::bigint + 1)"
        for name in ("granted", "available", "held", "spent", "expired", "voided", "version")
    )
    await connection.execute(
        f"update account set {sums} where tenant_id = $1 and customer_id = $2", tenant, mine, copies
    )
    for table in TABLES:
        await connection.execute(f"drop table copied_{table.name}")
    await connection.execute("vacuum analyze")
