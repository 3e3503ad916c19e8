"""What an order's refunds come to, and the answer that is kept with an order, so that the same order again gets it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order, OrderRefund
from app.domain.values.wire import jsonable
from app.views.order import granted_by, grants_differ


def refunded_units(prior: Iterable[OrderRefund], what: str = "quantity") -> dict[str, int]:
    """Return the units of each line that were given back in all; ``what``: the member of the refunds' lines."""
    total: dict[str, int] = {}
    for order_refund in prior:
        for row in order_refund.answer["lines"]:
            total[row["line_id"]] = total.get(row["line_id"], 0) + (row.get(what) or 0)
    return total


def keep_answers(account: CustomerAccount, mine: Sequence[Order]) -> None:
    """Keeps what each touched order granted with the order, so that the same order again gets the same answer."""
    plan = account.plan
    touched: set[str | None] = set(plan.orders)
    touched |= {license_.order_id for license_ in plan.licenses.values()} | {
        cover.order_id for cover in plan.covers.values()
    }
    touched |= {choice.order_id for choice in plan.choices.values()}
    touched |= {
        outbox_event.data.get("order_id") for outbox_event in plan.outbox if outbox_event.type.startswith("credits.")
    }
    for order in mine:
        if order.order_id not in touched:
            continue
        granted: dict[str, Any] = dict(granted_by(account, order.order_id))
        if order.order_id in plan.orders or grants_differ(granted, order.answer):
            order.answer = jsonable({**order.answer, **granted})
            plan.orders[order.order_id] = order
