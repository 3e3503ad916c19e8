"""Customers to whom credits of an order were given, so that a refund of the order reaches the credits there.

So it is with credits that the order made good for longer: a refund of it takes the time back.

A transfer leaves on the lot who has its credits now (`app.domain.ledger.refunded_units`). From there the way goes on:
to whom that customer gave them, and to the account into which a customer was merged. All are locked together, sorted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select, text

from app.db import schema as s
from app.db.account import accounts, parts
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order

_RECEIVERS: Final = text(
    "select distinct receiver from lot, lateral jsonb_object_keys(data -> 'given') as receiver"
    " where tenant_id = :tenant and customer_id = any(:customers) and data ? 'given'"
    " and (:order in (order_id, data -> 'of' ->> 'order_id', data -> 'bought' ->> 'order_id')"
    " or exists (select from jsonb_array_elements(data -> 'extended') e where e ->> 'order_id' = :order))"
)


async def load(tx: Tx, order: Order, *, in_part: bool = False) -> CustomerAccount:
    """Lock and load the account of an order's customer, with those to whom credits of the order were given.

    ``in_part``: of the customer's account what the order granted, as long as nothing of it went elsewhere.
    """
    home = order.customer_id
    found = await _receivers(tx, order)
    if found:
        await accounts.lock_customers(tx, [home, *found])
    near = in_part and not found and not order.answer.get("owners")
    part = parts.AccountPart(orders=(order.order_id,), licenses=True) if near else None
    account = await accounts.load_by_id(tx, home, part=part)
    if found:
        found = await _receivers(tx, order)  # again, under the locks: nobody gives any of it on now
    if order.answer.get("owners"):  # What it granted lies in part where accounts were before they became one.
        found.setdefault(home, []).extend(order.answer["owners"])
    for customer_id in sorted(set(found) - {home}):
        account.others[customer_id] = await accounts.load_by_id(tx, customer_id)
    accounts.same_time(account, *account.others.values())
    for customer_id, former in found.items():
        owner = account if customer_id == home else account.others[customer_id]
        await accounts.join_former(tx, owner.ledger, dict.fromkeys(former, ()))
        if owner is not account:
            account.ledger.others[customer_id] = owner.ledger
            account.others |= dict.fromkeys(former, owner)
    return account


async def _receivers(tx: Tx, order: Order) -> dict[str, list[str]]:
    """Return who has credits of the order by now, each with the accounts that were merged into that one."""
    found: dict[str, list[str]] = {}
    near = [str(order.customer_id), *order.answer.get("owners", ())]
    visited = set(near)
    while near:
        by = {"tenant": tx.tenant_id, "customers": near, "order": order.order_id}
        near = []
        for row in await tx.rows(_RECEIVERS, by):
            path = await _path(tx, str(row[0]), visited)
            visited.update(path)
            near += path
            if path:
                found.setdefault(path[-1], []).extend(path[:-1])
    return found


async def _path(tx: Tx, customer_id: str, visited: Iterable[str]) -> list[str]:
    """Return a customer and those into which it was merged, the one that lives last; empty if it was seen."""
    path: list[str] = []
    into: str | None = customer_id
    while into is not None and into not in path and customer_id not in visited:
        path.append(into)
        row = await tx.row(
            select(s.customer.c.merged_into).where(
                s.customer.c.tenant_id == tx.tenant_id, s.customer.c.customer_id == into
            )
        )
        into = None if row is None else row[0]
    return path
