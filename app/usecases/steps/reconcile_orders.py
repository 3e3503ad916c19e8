"""Settling a customer's orders, with what was given back of a line before the line could grant anything.

An order may be refunded while it grants nothing yet, because what it requires was not there. When an earlier order
comes late, the line is granted after all. What was given back of it is then taken back at once. The ledger ends as if
the orders had come as they were placed (decision 0007).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from app.db import policies
from app.db.account import accounts
from app.db.engine import Tx
from app.db.orders import orders
from app.db.orders.payment_disputes import of_order as disputes_of
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Order, OrderRefund
from app.domain.account.payment_dispute import PaymentDispute
from app.domain.orders import payment_disputes
from app.domain.orders import reconcile as order_fold
from app.domain.orders import refunds as order_refund
from app.domain.orders.granted import lines_granted
from app.domain.orders.lines import Terms
from app.usecases.steps.order_answers import keep_answers

T = TypeVar("T")
_SMALL: Final = 60
"""Units, licenses and lots with which the rules take a few milliseconds."""


async def reconcile_grants(
    tx: Tx,
    account: CustomerAccount,
    mine: Sequence[Order],
    terms: Terms,
    *,
    corrected: bool = False,
    refunds: Mapping[str, Sequence[OrderRefund]] = MappingProxyType({}),
) -> set[tuple[str, str]]:
    """Reconcile the grants of all orders of the customer, then apply what follows from their refunds.

    Return the order lines that were granted just now: all that was refunded of them is taken back already.
    ``refunds``: those that were read already, by order.
    """
    await _join_former(tx, account, mine)
    before = lines_granted(account, mine)
    await apart(account, mine, partial(order_fold.reconcile_grants, account, mine, terms, corrected=corrected))
    fresh = lines_granted(account, mine) - before
    again = False
    for order in mine:
        lines = {line_id for order_id, line_id in fresh if order_id == order.order_id}
        if not lines:
            continue
        known = refunds.get(order.order_id)
        found = await orders.refunds(tx, order.order_id) if known is None else known
        disputes = await taken_by(tx, account, order, found)
        gone: dict[str, int] = {}
        for refund in sorted(found, key=lambda refund: refund.refund_id in disputes):
            before_it = _gone_of(order, lines, gone)
            for row in refund.answer["lines"] if refund.customer_id else ():
                gone[row["line_id"]] = gone.get(row["line_id"], 0) + (row["quantity"] or 0)
            units = {
                line_id: count - before_it.get(line_id, 0)
                for line_id, count in _gone_of(order, lines, gone).items()
                if count > before_it.get(line_id, 0)
            }
            if not units:
                continue
            dispute = disputes.get(refund.refund_id)
            take = order_refund.take_back if dispute is None else partial(payment_disputes.take_more, dispute)
            await apart(account, mine, partial(take, account, order, units, terms))
            again = True
    if again:
        await apart(account, mine, partial(order_fold.reconcile_grants, account, mine, terms, corrected=corrected))
    return fresh


async def _join_former(tx: Tx, account: CustomerAccount, mine: Sequence[Order]) -> None:
    """Load what plans brought to accounts that were merged into this one: what comes again, or was given instead.

    A plan may begin at another instant by now, or replace another one. Then that is withdrawn where it lies, and
    granted anew. What a refund took of credits comes back where it lies, too, if that takes another period by now.
    """
    grants = (account.ledger.recurring or {}).values()
    again = {grant.order_id for grant in grants if grant.granted and not grant.withdrawn}
    again |= {cover.order_id for cover in account.covers.values() if "brought" in cover.data and cover.order_id}
    owners = {owner for order in mine if order.order_id in again for owner in order.answer.get("owners", ())}
    if owners:
        await accounts.join_former(tx, account.ledger, dict.fromkeys(sorted(owners), ()))
        accounts.same_time(account)


def _gone_of(order: Order, lines: set[str], refunded: Mapping[str, int]) -> dict[str, int]:
    """Return the units that are gone of these lines, where so many were refunded."""
    counts = {str(line.line_id): line.gone(refunded.get(line.line_id, 0)) for line in order.lines}
    return {line_id: count for line_id, count in counts.items() if count and line_id in lines}


async def taken_by(
    tx: Tx, account: CustomerAccount, order: Order, refunds: Sequence[OrderRefund]
) -> dict[str, PaymentDispute]:
    """Return the payment disputes that took units of an order back, by what stands for it among its refunds."""
    if not any(refund.answer.get("reason") == payment_disputes.REASON for refund in refunds):
        return {}
    written = account.plan.payment_disputes
    known = [written.get((row.order_id, row.dispute_id), row) for row in await disputes_of(tx, order.order_id)]
    found = {dispute.refund_id: dispute for dispute in known if dispute.refund_id is not None}
    for dispute in found.values():
        written[dispute.order_id, dispute.dispute_id] = dispute
    return found


async def apart(account: CustomerAccount, mine: Sequence[Order], work: Callable[[], T]) -> T:
    """Does what the rules do with a large account beside the event loop; a thousand licenses take a second.

    The account belongs to this transaction alone, which waits for it.
    """
    units = sum(line.quantity for order in mine for line in order.lines)
    if units + len(account.licenses) + len(account.ledger.lots) <= _SMALL:
        return work()
    return await asyncio.to_thread(work)


async def reconcile_again(tx: Tx, account: CustomerAccount) -> None:
    """Settles the customer's orders once more, since something that they rest on has changed."""
    mine = await orders.of_customer(tx, account.customer.customer_id)
    terms = await policies.terms(tx)
    await reconcile_grants(tx, account, mine, terms)
    keep_answers(account, mine)
