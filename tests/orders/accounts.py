"""Books in memory: the rules without a database."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from app.documents.policy_document import load_policy
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.account.customer import Customer, Order, OrderLine
from app.domain.ledger.ledger import Ledger
from app.domain.orders.lines import pinned_lines
from app.domain.orders.reconcile import reconcile_grants
from app.domain.policy.policy import Policy
from app.domain.values.ids import CustomerId, LineId, OrderId

NOW = datetime(2025, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


@cache
def the_policy(name: str) -> Policy:
    """A shipped policy."""
    text = (Path(__file__).parents[2] / "app" / "policies" / f"{name}.yaml").read_text(encoding="utf-8")
    return load_policy(text)


def an_account(policy: str, at: datetime = NOW) -> CustomerAccount:
    """An empty account."""
    rules = the_policy(policy)
    customer = Customer(customer_id=CustomerId("cus_1"), external_id="ann")

    def mint(prefix: str) -> str:
        return f"{prefix}_{next(_numbers):09d}"

    ledger = Ledger(
        customer_id=customer.customer_id, at=at, rules=rules.credits, accounts={}, lots={}, holds={}, mint=mint
    )
    return CustomerAccount(
        customer=customer, policy=rules, at=at, mint=mint, ledger=ledger, plan=Plan(customer=customer, at=at)
    )


def at_time(account: CustomerAccount, at: datetime) -> CustomerAccount:
    """The same book later, with a fresh plan."""
    account.at = account.ledger.at = at
    account.plan = Plan(customer=account.customer, at=at)
    return account


def an_order(order_id: str, placed_at: datetime, *lines: tuple[str, int], policy: str, **more: Any) -> Order:
    """An order of (sku, quantity) lines."""
    rules = the_policy(policy)
    order = Order(
        order_id=OrderId(order_id),
        customer_id=CustomerId("cus_1"),
        placed_at=placed_at,
        received_at=placed_at,
        currency="USD",
        payload_hash="",
        answer={},
        policy_version=rules.version,
        lines=tuple(
            OrderLine(
                line_id=LineId(str(n)), sku=sku, quantity=quantity, unit_price=None, list_price=None, attributes={}
            )
            for n, (sku, quantity) in enumerate(lines, start=1)
        ),
        **more,
    )
    order.answer = {"lines": pinned_lines(order, rules, rules)}
    return order


def arrive(account: CustomerAccount, known: list[Order], order: Order) -> None:
    """An order comes in."""
    known.append(order)
    account.orders[order.order_id] = order
    reconcile_grants(account, known, {account.policy.version: account.policy})


def projection(account: CustomerAccount, orders: Sequence[Order]) -> Any:
    """What must not depend on the order of arrival (decision 0007)."""
    return (
        sorted((x.order_id, x.line_id, x.unit_no, x.ordinal, x.first_order) for x in account.licenses.values()),
        sorted(
            (str(x.order_id), str(x.line_id), x.unit_no, x.rule, x.available, str(x.expires_at))
            for x in account.ledger.lots.values()
            if x.available
        ),
        sorted(
            (str(x.order_id), str(x.line_id), x.rule, x.state, str(x.starts_at), str(x.ends_at))
            for x in account.covers.values()
            if x.state != "voided"
        ),
        sorted((x.order_id, x.line_id, x.unit_no, x.rule) for x in account.choices.values() if x.open),
        {
            name: account.ledger.balance(name)
            for name in sorted(account.ledger.accounts)
            if account.ledger.balance(name)["available"]
        },
        sorted((x.order_id, repr([(y["line_id"], y["code"]) for y in x.answer["not_granted"]])) for x in orders),
    )
