"""Orders that are granted or refunded without a look at most of the customer's others (`app.domain.orders.alone`).

Orders that brought licenses are folded with a new one, since its place among the licenses may be another by then.

Whatever shows later that another order is touched says so, and the work begins again with all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.db import policies
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order, OrderLine, OrderRefund
from app.domain.ledger.rest import NotLoaded
from app.domain.orders.alone import Alone, stands_alone
from app.domain.orders.lines import Terms, pin_of


async def standing_alone(tx: Tx, placed_at: datetime, lines: Sequence[OrderLine]) -> Alone | None:
    """Return when a new order of these lines stands alone; None where it does not, or accounts are read whole."""
    if tx.whole or await policies.queues(tx):
        return None
    found = stands_alone(lines, (await policies.in_force(tx, placed_at), await policies.in_force(tx, tx.at)))
    return None if found == "never" else found


def is_alone(alone: Alone, later: Sequence[object], account: CustomerAccount, refunds: Sequence[OrderRefund]) -> bool:
    """Return whether an order stands alone, now that it is known what was placed later; none that was refunded does."""
    return account.ledger.rest is not None and not refunds and (alone == "always" or not later)


def refunded_alone(order: Order, terms: Terms) -> bool:
    """Whether a refund of this order takes back nothing that another order looks at."""
    return all(stands_alone([line], [terms[pin_of(order, line)]]) == "always" for line in order.lines)


def check_others_stand(account: CustomerAccount, mine: Sequence[Order]) -> None:
    """Say so where the rules touched what another order brought than these."""
    plan = account.plan
    touched: set[str | None] = {
        item.order_id for items in (plan.licenses, plan.covers, plan.choices, plan.orders) for item in items.values()
    }
    touched |= {event.data.get("order_id") for event in plan.outbox if event.type.startswith("credits.")}
    if touched - {None, *(order.order_id for order in mine)}:
        raise NotLoaded


def check_credits_alone(account: CustomerAccount, order: Order) -> None:
    """Say so where an order brought something else than credits."""
    brought = {
        item.order_id for items in (account.licenses, account.covers, account.choices) for item in items.values()
    }
    if order.order_id in brought | {addon.order_id for addon in account.addons}:
        raise NotLoaded
