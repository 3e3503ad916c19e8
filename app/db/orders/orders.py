"""Orders and their refunds: rows in, domain values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import delete, insert, text

from app.db import schema as s
from app.db.combined import columns_of, select_into
from app.db.engine import Tx
from app.domain.account.customer import Order, OrderLine, OrderRefund

_ORDER: Final = columns_of(s.purchase_order)
_FIND = text(f"select {_ORDER} from purchase_order where tenant_id = :tenant and order_id = :order")
_NAMED = text(f"select {_ORDER} from purchase_order where tenant_id = :tenant and order_id = any(:orders)")
_OF_CUSTOMER = text(
    f"select {_ORDER} from purchase_order where tenant_id = :tenant and customer_id = :customer"
    " order by placed_at, order_id"
)
_REFUNDS = text(
    f"select {columns_of(s.order_refund)} from order_refund where tenant_id = :tenant and order_id = :order"
    " order by at, refund_id"
)


@dataclass(frozen=True, slots=True)
class LaterOrder:
    """The id of an order."""

    order_id: str


BY_ID: Final = select_into("order_by_id", Order, _FIND.text)
"""The order of `:order`, for a combined statement."""
OF_CUSTOMER: Final = select_into("orders_of_customer", Order, _OF_CUSTOMER.text)
"""All orders of `:customer`, as placed, for a combined statement."""
_OF_LICENSES = text(
    f"select {_ORDER} from (select distinct license.order_id from license where license.tenant_id = :tenant"
    " and license.customer_id = :customer) held cross join lateral (select * from purchase_order"
    " where tenant_id = :tenant and order_id = held.order_id offset 0) purchase_order"
    # An order that went to another customer leaves its ended licenses behind: here it must bring nothing.
    " where purchase_order.customer_id = :customer order by purchase_order.placed_at, purchase_order.order_id"
)
OF_LICENSES: Final = select_into("license_orders", Order, _OF_LICENSES.text)
"""The orders that brought `:customer` licenses, as placed, for a combined statement."""
LATER: Final = select_into(
    "later_orders",
    LaterOrder,
    "select purchase_order.order_id from purchase_order where purchase_order.tenant_id = :tenant"
    " and purchase_order.customer_id = :customer and purchase_order.placed_at >= :placed"
    " and purchase_order.order_id <> :order and not exists (select from license where license.tenant_id = :tenant"
    " and license.customer_id = :customer and license.order_id = purchase_order.order_id) limit 1",
)
"""An order of `:customer`, other than `:order` and those of `OF_LICENSES`, that was placed at `:placed` or later, for
a combined statement."""
REFUNDS: Final = select_into("refunds_of_order", OrderRefund, _REFUNDS.text)
"""The refunds of `:order`, oldest first, for a combined statement."""


async def find(tx: Tx, order_id: str) -> Order | None:
    """The order with the storefront's id."""
    row = await tx.row(_FIND, {"tenant": tx.tenant_id, "order": order_id})
    return None if row is None else order_of(row)


async def named(tx: Tx, order_ids: Sequence[str]) -> list[Order]:
    """The orders with the storefront's ids; those that there are."""
    rows = await tx.rows(_NAMED, {"tenant": tx.tenant_id, "orders": list(order_ids)})
    return [order_of(row) for row in rows]


async def of_customer(tx: Tx, customer_id: str) -> list[Order]:
    """All orders of a customer, as placed: by (placed_at, order_id)."""
    rows = await tx.rows(_OF_CUSTOMER, {"tenant": tx.tenant_id, "customer": customer_id})
    return [order_of(row) for row in rows]


async def as_locked(tx: Tx, order: Order) -> list[Order]:
    """All orders of an order's customer, who is locked by now, with this one among them as it stands now.

    It was found before the customer was locked. Meanwhile, another order of the customer may have written on it:
    what its refunds took of periods follows all orders.
    """
    found = await of_customer(tx, order.customer_id)
    for number, stored in enumerate(found):
        if stored.order_id == order.order_id:
            for each in fields(Order):
                setattr(order, each.name, getattr(stored, each.name))
            found[number] = order
    return found


async def of_licenses(tx: Tx, customer_id: str) -> list[Order]:
    """The orders that brought a customer licenses, as placed."""
    rows = await tx.rows(_OF_LICENSES, {"tenant": tx.tenant_id, "customer": customer_id})
    return [order_of(row) for row in rows]


async def refunds(tx: Tx, order_id: str) -> list[OrderRefund]:
    """The refunds of an order, oldest first; one that came before its order has no customer yet."""
    rows = await tx.rows(_REFUNDS, {"tenant": tx.tenant_id, "order": order_id})
    return [
        OrderRefund(
            order_id=row.order_id,
            refund_id=row.refund_id,
            customer_id=row.customer_id,
            payload_hash=row.payload_hash,
            answer=dict(row.answer),
            at=row.at,
        )
        for row in rows
    ]


async def keep_early_refund(tx: Tx, refund: OrderRefund) -> None:
    """Keeps a refund whose order has not come yet (its answer holds what was asked for)."""
    await tx.execute(
        insert(s.order_refund).values(
            tenant_id=tx.tenant_id,
            order_id=refund.order_id,
            refund_id=refund.refund_id,
            customer_id="",
            payload_hash=refund.payload_hash,
            answer=refund.answer,
            at=refund.at,
        )
    )


async def take_early_refunds(tx: Tx, order_id: str) -> None:
    """Takes the early refunds off; they are written anew with what they took back."""
    await tx.execute(
        delete(s.order_refund).where(
            s.order_refund.c.tenant_id == tx.tenant_id,
            s.order_refund.c.order_id == order_id,
            s.order_refund.c.customer_id == "",
        )
    )


def order_of(row: Any) -> Order:
    """An order from its row."""
    return Order(
        order_id=row.order_id,
        customer_id=row.customer_id,
        placed_at=row.placed_at,
        received_at=row.received_at,
        currency=row.currency,
        lines=tuple(_line(line) for line in row.lines),
        payload_hash=row.payload_hash,
        answer=dict(row.answer),
        policy_version=row.policy_version,
        source=row.source,
        version=row.version,
        record_id=row.record_id,
    )


def _line(data: dict[str, Any]) -> OrderLine:
    return OrderLine(
        line_id=data["line_id"],
        sku=data["sku"],
        quantity=data["quantity"],
        unit_price=_decimal(data["unit_price"]),
        list_price=_decimal(data["list_price"]),
        attributes=dict(data["attributes"]),
        units=data.get("units"),
        corrected=data.get("corrected", 0),
        withdrawn=tuple(data.get("withdrawn", ())),
        taken_periods=tuple(data.get("taken_periods", ())),
    )


def _decimal(text_: str | None) -> Decimal | None:
    return None if text_ is None else Decimal(text_)
