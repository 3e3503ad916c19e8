"""Wires the inbox: which kinds of source there are, what deliveries bring about, and the worker's job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.connectors import reconcile
from app.connectors.helpdesk import Helpdesk
from app.connectors.paddle import Paddle
from app.connectors.purchase import Purchase
from app.connectors.shopify import Shopify
from app.connectors.stripe import Stripe
from app.connectors.woocommerce import WooCommerce
from app.connectors.zammad import Zammad
from app.db.engine import Database, Tx
from app.db.secrets import Cipher
from app.domain.feeds.adapter import Adapter
from app.domain.feeds.disputed_money import DisputeWanted
from app.domain.values.wire import parse_iso
from app.settings import Settings
from app.usecases import orders, payment_disputes, ticket_work, tickets
from app.usecases.inbound import METRICS, Inbox, Keeping

__all__ = ["ADAPTERS", "METRICS", "HouseEffects", "cipher_of", "inbox_of", "jobs"]

SKEW: Final = timedelta(minutes=5)
_KINDS: Final[tuple[Adapter, ...]] = (
    Purchase(), WooCommerce(), Stripe(), Shopify(), Paddle(), Zammad(), Helpdesk(),
)  # fmt: skip
ADAPTERS: Final = {one.kind: one for one in _KINDS}


class HouseEffects:
    """Deliveries bring about what the same calls over REST would."""

    async def put_order(
        self,
        tx: Tx,
        *,
        order_id: str,
        customer_id: str,
        placed_at: datetime,
        currency: str,
        lines: Sequence[Mapping[str, Any]],
        source: str,
        kept: frozenset[str],
    ) -> dict[str, Any]:
        """Records the order, or brings it up to date."""
        command = orders.PutOrder(
            order_id=order_id,
            customer_id=customer_id,
            placed_at=placed_at,
            currency=currency,
            source=source,
            kept=kept,
            lines=tuple(orders.LineCommand(**one) for one in lines),
        )
        _, view = await orders.put_snapshot(tx, command)
        return view

    async def refund_order(
        self, tx: Tx, *, order_id: str, refund_id: str, units: Mapping[str, int]
    ) -> dict[str, Any]:
        """Takes back so many units of each line."""
        _, report = await orders.refund_order(
            tx,
            orders.RefundOrder(
                order_id=order_id,
                refund_id=refund_id,
                by_shop=True,
                lines=tuple(
                    orders.RefundLine(line_id=line_id, quantity=count)
                    for line_id, count in sorted(units.items())
                ),
            ),
        )
        return report

    async def end_disputes(self, tx: Tx, *, order_id: str, disputes: Sequence[DisputeWanted]) -> list[str]:
        """Records disputes and gives back what they no longer take."""
        return await payment_disputes.give_back(tx, order_id, [_disputed(one) for one in disputes])

    async def follow_disputes(
        self, tx: Tx, *, order_id: str, disputes: Sequence[DisputeWanted]
    ) -> list[dict[str, Any]]:
        """Suspends or takes back what the disputes may by now."""
        return await payment_disputes.take(tx, order_id, [_disputed(one) for one in disputes])

    async def put_ticket(
        self,
        tx: Tx,
        *,
        ticket_id: str,
        customer_id: str,
        subject: str,
        stated: Mapping[str, Any],
        opened_at: datetime | None,
    ) -> dict[str, Any]:
        """Records a ticket, as of when it was made in its helpdesk; where that clock is ahead, as of now."""
        fields = {"facts": {}, "inputs": {}, **stated}
        if opened_at is not None and opened_at < tx.at:
            fields["opened_at"] = opened_at
        _, view = await tickets.put(
            tx, tickets.OpenTicket(ticket_id=ticket_id, customer_id=customer_id, subject=subject, **fields)
        )
        return view

    async def respond(
        self,
        tx: Tx,
        *,
        ticket_id: str,
        author: str,
        kind: str,
        public: bool,
        automatic: bool,
        occurred_at: datetime,
    ) -> dict[str, Any]:
        """Records a response. One from before its ticket counts from its opening; one that is ahead by no more than
        clocks differ is of now."""
        opened_at = parse_iso((await tickets.get(tx, ticket_id))["opened_at"])
        when: datetime | None = max(occurred_at, opened_at)
        if tx.at < max(occurred_at, opened_at) <= tx.at + SKEW:
            when = None
        return await ticket_work.respond(
            tx, ticket_id, author=author, kind=kind, public=public, automatic=automatic, occurred_at=when
        )


def _disputed(one: DisputeWanted) -> payment_disputes.Disputed:
    return payment_disputes.Disputed(
        dispute_id=one.dispute_id, state=one.state, units=one.units, amount=one.amount, currency=one.currency
    )


def cipher_of(settings: Settings) -> Cipher:
    """The cipher of this installation."""
    return Cipher(*settings.secret_keys())


def inbox_of(settings: Settings) -> Inbox:
    """The inbox of this process."""
    fetcher = reconcile.Fetcher(allow_private=settings.allow_private_webhooks)
    return Inbox(adapters=ADAPTERS, effects=HouseEffects(), cipher=cipher_of(settings), fetch=fetcher.ask)


def jobs(settings: Settings) -> list[Any]:
    """For the worker: acts on what waits, in bounded batches."""
    inbox = inbox_of(settings)

    async def inbound(db: Database, tenant_id: str) -> int:
        return await inbox.act(db, tenant_id)

    keep = Keeping(
        days=timedelta(days=settings.inbound_retention_days),
        parked=timedelta(days=settings.parked_retention_days),
        rows=timedelta(days=max(settings.event_retention_days, settings.parked_retention_days)),
    )
    return [inbound, keep.housekeeping]
