"""Wires the inbox: which kinds of source there are, and the worker's job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from app.connectors.helpdesks.chatwoot import Chatwoot
from app.connectors.helpdesks.freescout import FreeScout
from app.connectors.helpdesks.freshdesk import Freshdesk
from app.connectors.helpdesks.helpdesk import Helpdesk
from app.connectors.helpdesks.zammad import Zammad
from app.connectors.helpdesks.zendesk import Zendesk
from app.connectors.shops.paddle import Paddle
from app.connectors.shops.purchase import Purchase
from app.connectors.shops.shopify import Shopify
from app.connectors.shops.stripe import Stripe
from app.connectors.shops.woocommerce import WooCommerce
from app.db import due
from app.db.due import Job
from app.db.engine import Database
from app.db.secrets import Cipher
from app.domain.feeds.adapter import Adapter
from app.settings import Settings
from app.usecases.inbound import METRICS, Inbox, Retention

__all__ = ["ADAPTERS", "METRICS", "cipher_of", "inbox_of", "jobs"]

_SHOPS: Final[tuple[Adapter, ...]] = (Purchase(), WooCommerce(), Stripe(), Shopify(), Paddle())
_DESKS: Final[tuple[Adapter, ...]] = (Zammad(), Zendesk(), FreeScout(), Chatwoot(), Freshdesk(), Helpdesk())
ADAPTERS: Final = {adapter.kind: adapter for adapter in (*_SHOPS, *_DESKS)}


def cipher_of(settings: Settings) -> Cipher:
    """The cipher of this installation."""
    return Cipher(*settings.secret_keys())


def inbox_of(settings: Settings) -> Inbox:
    """The inbox of this process."""

    async def ask(kind: str, api: Mapping[str, Any], what: str) -> Any:
        from app.connectors.reconcile import Fetcher  # its libraries are large, and few shops must be asked

        return await Fetcher(allow_private=settings.allow_private_webhooks).ask(kind, api, what)

    return Inbox(adapters=ADAPTERS, cipher=cipher_of(settings), fetch=ask)


def jobs(settings: Settings) -> list[Job]:
    """For the worker: acts on what waits, in bounded batches."""
    inbox = inbox_of(settings)

    async def inbound(db: Database, tenant_id: str) -> int:
        return await inbox.act(db, tenant_id)

    keep = Retention(
        days=timedelta(days=settings.inbound_retention_days),
        parked=timedelta(days=settings.parked_retention_days),
        rows=timedelta(days=max(settings.event_retention_days, settings.parked_retention_days)),
    )
    return [Job(due.INBOUND, inbound), Job(due.UPKEEP, keep.housekeeping)]
