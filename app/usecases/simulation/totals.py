"""What a rehearsal comes to in all: credits that orders bring and tickets cost, and orders by the list of prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db import policies
from app.db.account import accounts
from app.db.engine import Tx
from app.domain.orders.offers import price_of
from app.domain.policy.policy import Policy
from app.domain.values.money import Money
from app.views.decision import Money as MoneyView
from app.views.simulation import RehearsedSum

Listed = Mapping[str, Decimal]
"""Currency to amount."""


def prices_differ(versions: Sequence[tuple[int, datetime, Policy]], draft: Policy) -> bool:
    """Whether the draft sells anything at another price: only then orders are priced by the list."""
    return any(_prices(policy) != _prices(draft) for _, _, policy in versions)


def _prices(policy: Policy) -> dict[str, Any]:
    return {offer.sku: (offer.price, offer.prices, policy.currency) for offer in policy.offers}


async def by_the_list(tx: Tx, customer: str, data: Mapping[str, Any]) -> Listed:
    """What an order costs this customer by the list in force, before it is there."""
    account = await accounts.look(tx, customer)
    if account is None:
        account = accounts.empty_account(tx, await policies.in_force(tx), customer)
    found: dict[str, Decimal] = {}
    for line in data["lines"]:
        sold = account.policy.offer(line["sku"])
        cost = None if sold is None else price_of(account, *sold, data["currency"])
        if cost is not None:
            found[cost.currency] = found.get(cost.currency, Decimal(0)) + cost.amount * line["quantity"]
    return found


def summed(views: Iterable[tuple[str, Mapping[str, Any]]], listed: Mapping[str, Listed] | None) -> RehearsedSum:
    """The sums of one run. ``views``: of orders and tickets, with their kinds; ``listed``: orders by the list."""
    granted = charged = held = 0
    for kind, view in views:
        if "refused" in view:
            continue
        if kind == "order":
            granted += sum(lot["granted"] for lot in view["lots"])
        else:
            charged += view["charge"]["net"]
            held += view["charge"]["held"]
    found: RehearsedSum = {"credits_granted": granted, "credits_charged": charged, "credits_held": held}
    return found if listed is None else {**found, "prices": _money(listed.values())}


def _money(listed: Iterable[Listed]) -> list[MoneyView]:
    found: dict[str, Decimal] = {}
    for order in listed:
        for currency, amount in order.items():
            found[currency] = found.get(currency, Decimal(0)) + amount
    return [{"amount": Money(found[currency], currency).text, "currency": currency} for currency in sorted(found)]
