"""What deliveries bring about: the same as the same calls over REST would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.db.engine import Tx
from app.domain.feeds.disputed_money import DisputeTarget
from app.domain.values.wire import parse_iso
from app.usecases.orders import orders, payment_disputes
from app.usecases.orders.refunds import RefundLine, RefundOrder
from app.usecases.tickets import ticket_work, tickets
from app.views.ticket import Ticket

SKEW: Final = timedelta(minutes=5)
"""By how much the clocks of helpdesks may be ahead of ours."""


async def put_order(
    tx: Tx,
    *,
    order_id: str,
    customer_id: str,
    placed_at: datetime,
    currency: str,
    lines: Sequence[Mapping[str, Any]],
    source: str,
    unmapped: frozenset[str],
) -> Mapping[str, Any]:
    """Record the order, or bring the recorded one up to date; return its view.

    ``unmapped``: lines that the shop names and that are mapped to nothing of ours now; what they once brought stays.
    """
    command = orders.PutOrder(
        order_id=order_id,
        customer_id=customer_id,
        placed_at=placed_at,
        currency=currency,
        source=source,
        unmapped=unmapped,
        lines=tuple(orders.LineCommand(**line) for line in lines),
    )
    _, view = await orders.put_snapshot(tx, command)
    return view


async def refund_order(tx: Tx, *, order_id: str, refund_id: str, units: Mapping[str, int]) -> Mapping[str, Any]:
    """Take back what is unspent of so many units of each line."""
    _, report = await orders.refund_order(
        tx,
        RefundOrder(
            order_id=order_id,
            refund_id=refund_id,
            by_shop=True,
            lines=tuple(RefundLine(line_id=line_id, quantity=count) for line_id, count in sorted(units.items())),
        ),
    )
    return report


async def end_disputes(tx: Tx, *, order_id: str, disputes: Sequence[DisputeTarget]) -> list[str]:
    """Record the disputes of an order's payment and give back what they no longer take.

    Return those of which something would be taken, while nobody can tell which units.
    """
    return await payment_disputes.give_back(tx, order_id, [_disputed(dispute) for dispute in disputes])


async def follow_disputes(tx: Tx, *, order_id: str, disputes: Sequence[DisputeTarget]) -> Sequence[Mapping[str, Any]]:
    """Suspend or take back what the disputes may by now; return the disputes as they stand."""
    return await payment_disputes.take(tx, order_id, [_disputed(dispute) for dispute in disputes])


async def put_ticket(
    tx: Tx, *, ticket_id: str, customer_id: str, subject: str, stated: Mapping[str, Any], opened_at: datetime | None
) -> Ticket:
    """Record a ticket, as of when it was made in its helpdesk; where that clock is ahead, as of now."""
    fields = {"facts": {}, "inputs": {}, **stated}
    if opened_at is not None and opened_at < tx.at:
        fields["opened_at"] = opened_at
    _, view = await tickets.put(
        tx, tickets.OpenTicket(ticket_id=ticket_id, customer_id=customer_id, subject=subject, **fields)
    )
    return view


async def state_priority(tx: Tx, *, ticket_id: str, priority: str) -> Ticket:
    """State another priority of a recorded ticket: its clocks follow, as by hand."""
    return await tickets.details(tx, ticket_id, {"priority": priority})


async def respond(
    tx: Tx, *, ticket_id: str, author: str, kind: str, public: bool, automatic: bool, occurred_at: datetime
) -> Ticket:
    """Record a response.

    One from before its ticket counts from its opening; one that is ahead by no more than clocks differ is of now.
    """
    opened_at = parse_iso((await tickets.get(tx, ticket_id))["opened_at"])
    when: datetime | None = max(occurred_at, opened_at)
    if tx.at < max(occurred_at, opened_at) <= tx.at + SKEW:
        when = None
    return await ticket_work.respond(
        tx, ticket_id, author=author, kind=kind, public=public, automatic=automatic, occurred_at=when
    )


def _disputed(target: DisputeTarget) -> payment_disputes.Disputed:
    return payment_disputes.Disputed(
        dispute_id=target.dispute_id,
        state=target.state,
        units=target.units,
        amount=target.amount,
        currency=target.currency,
    )
