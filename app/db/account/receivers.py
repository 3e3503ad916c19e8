"""Customers to whom credits of an order were given, so that a refund of the order reaches the credits there.

So it is with credits that the order made good for longer: a refund of it takes the time back. And an order that is told
after a transfer reaches what its customer still had when it was placed.

A transfer leaves on the lot who has its credits now (`app.domain.ledger.refunded_units`). From there the way goes on:
to whom that customer gave them, and to the account into which a customer was merged. All are locked together, sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import TextClause, select, text

from app.db import claims
from app.db import schema as s
from app.db.account import accounts, parts
from app.db.claims import Claim
from app.db.engine import Tx
from app.db.failures import Moved
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order

_RECEIVERS: Final = text(
    "select distinct receiver from lot, lateral jsonb_object_keys(data -> 'given') as receiver"
    " where tenant_id = :tenant and customer_id = any(:customers) and data ? 'given'"
    " and (:order in (order_id, data -> 'of' ->> 'order_id', data -> 'bought' ->> 'order_id')"
    " or exists (select from jsonb_array_elements(data -> 'extended') e where e ->> 'order_id' = :order))"
)


_RECEIVED: Final = text(
    "select distinct receiver from lot, lateral jsonb_object_keys(data -> 'given') as receiver"
    " where tenant_id = :tenant and customer_id = any(:customers) and data ? 'given' and rule = any(:rules)"
)
_FAMILY: Final = text(
    "with recursive family as (select customer_id from customer where tenant_id = :tenant and customer_id = :customer"
    " union select c.customer_id from family f join customer c on c.tenant_id = :tenant"
    " and c.merged_into = f.customer_id) select customer_id from family"
)
Receivers = dict[str, list[str]]
"""Who has credits by now, each with the accounts that were merged into that one."""


async def load(tx: Tx, order: Order, *, in_part: bool = False, rules: Sequence[str] = ()) -> CustomerAccount:
    """Lock and load the account of an order's customer, with those to whom credits of the order were given.

    ``in_part``: of the customer's account what the order granted, as long as nothing of it went elsewhere. ``rules``:
    whoever has other credits of the customer by these rules is loaded too, since the order may reach them.
    """
    home = order.customer_id
    found = await _of_order(tx, order, rules)
    if found:
        await accounts.lock_customers(tx, [home, *found])
    near = in_part and not found and not order.answer.get("owners")
    part = parts.AccountPart(orders=(order.order_id,), licenses=True) if near else None
    account = await accounts.load_by_id(tx, home, part=part)
    if found:
        found = await _of_order(tx, order, rules)  # again, under the locks: nobody gives any of it on now
    if order.answer.get("owners"):  # What it granted lies in part where accounts were before they became one.
        found.setdefault(home, []).extend(order.answer["owners"])
    await _join(tx, account, found)
    return account


async def lock_receivers(tx: Tx, external_id: str, rules: Sequence[str], claim: Claim | None) -> bool:
    """Lock a customer together with those who have credits of these rules that it gave away; whether there are any.

    ``claim``: what is claimed before anybody is locked.
    """
    customer = await accounts.find_customer(tx, external_id) if rules else None
    found = {} if customer is None else await _received(tx, customer.customer_id, rules)
    if customer is None or not found:
        return False
    if claim is not None:
        await claims.take(tx, claim)
    await accounts.lock_customers(tx, [customer.customer_id, *found], named=[customer.customer_id])
    return True


async def join_receivers(tx: Tx, account: CustomerAccount, rules: Sequence[str], *, is_locked: bool) -> None:
    """Load those to whom a customer gave credits of these rules, who are locked together with it (`lock_receivers`).

    `Moved` where some were given away before the customer was locked alone: the work begins again.
    """
    home = account.customer.customer_id
    if is_locked:
        await _join(tx, account, await _received(tx, home, rules))
    elif any("given" in lot.data and lot.rule in rules for lot in account.ledger.lots.values()):
        raise Moved("credits were given away meanwhile")


async def _join(tx: Tx, account: CustomerAccount, found: Receivers) -> None:
    """Load the accounts of receivers, who are locked, beside the one that gave."""
    home = account.customer.customer_id
    for customer_id in sorted(set(found) - {home}):
        account.others[customer_id] = await accounts.load_by_id(tx, customer_id)
    accounts.same_time(account, *account.others.values())
    for customer_id, former in found.items():
        owner = account if customer_id == home else account.others[customer_id]
        await accounts.join_former(tx, owner.ledger, dict.fromkeys(former, ()))
        if owner is not account:
            account.ledger.others[customer_id] = owner.ledger
            account.others |= dict.fromkeys(former, owner)


async def _of_order(tx: Tx, order: Order, rules: Sequence[str]) -> Receivers:
    """Return who has credits of the order by now, and credits of these rules that its customer gave away."""
    near = [str(order.customer_id), *order.answer.get("owners", ())]
    found = await _follow(tx, _RECEIVERS, near, {"order": order.order_id})
    for customer_id, former in (await _received(tx, order.customer_id, rules)).items() if rules else ():
        known = found.setdefault(customer_id, [])
        known += [name for name in former if name not in known]
    return found


async def _received(tx: Tx, customer_id: str, rules: Sequence[str]) -> Receivers:
    """Return who has credits of these rules that a customer gave away, and what was merged into the customer."""
    family = [row[0] for row in await tx.rows(_FAMILY, {"tenant": tx.tenant_id, "customer": customer_id})]
    found = await _follow(tx, _RECEIVED, family, {"rules": list(rules)})
    if found and len(family) > 1:
        found.setdefault(customer_id, []).extend(name for name in family if name != customer_id)
    return found


async def _follow(tx: Tx, statement: TextClause, near: list[str], by: Mapping[str, Any]) -> Receivers:
    """Return who has credits by now, on the way from accounts to those to whom they gave any, and on from there."""
    found: Receivers = {}
    visited = set(near)
    while near:
        rows = await tx.rows(statement, {"tenant": tx.tenant_id, "customers": near, **by})
        near = []
        for row in rows:
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
