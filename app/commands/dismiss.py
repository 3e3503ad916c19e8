"""`retainer dismiss`: end parked deliveries that a person has settled."""

from __future__ import annotations

import asyncio
import functools
from typing import Annotated

import typer

from app.commands.base import CommandError, existing
from app.commands.reconcile import tenant_of
from app.commands.remote import refused
from app.connectors import inbound
from app.db.engine import Database
from app.db.failures import Unavailable
from app.domain.values.errors import DomainError
from app.settings import Settings
from app.views.source import Delivery


def run(
    source: Annotated[str, typer.Argument(help="The source's name.")],
    delivery: Annotated[list[str], typer.Argument(help="The parked deliveries.")],
    reason: Annotated[str, typer.Option(help="Why nothing is left to do.")],
    adjustment: Annotated[
        str | None, typer.Option(help="The id of the adjustment that settled it, if one did.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant's id; needed where several have the source.")] = None,
) -> None:
    """End parked deliveries by hand, each with the reason and, where one settled it, the adjustment."""
    if not 1 <= len(reason.strip()) <= 500:
        raise CommandError("--reason: 1 to 500 characters")
    settings_, _ = Settings.read().with_secrets(create=False)
    with existing(settings_) as settings:
        try:
            asyncio.run(_run(settings, source, tenant, delivery, reason.strip(), adjustment))
        except Unavailable as error:
            raise CommandError(f"{error}; run it again") from None
        except DomainError as error:
            raise refused(error) from None
    print(f"retainer: {len(delivery)} dismissed")


async def _run(
    settings: Settings, name: str, tenant: str | None, chosen: list[str], reason: str, adjustment: str | None
) -> None:
    opened = Database(settings.database_url or "", pool_size=1)
    try:
        found = await tenant_of(opened, name, tenant)
        for name_ in chosen:
            view = await dismissed(opened, settings, found, name, name_, reason, adjustment)
            print(f"{name_}  {view['state']}")
    finally:
        await opened.close()


async def dismissed(
    db: Database,
    settings: Settings,
    tenant: str,
    name: str,
    delivery_id: str,
    reason: str,
    adjustment: str | None = None,
) -> Delivery:
    """Dismiss one delivery, and return its view."""
    house = inbound.inbox_of(settings)
    work = functools.partial(
        house.dismiss, source_name=name, delivery_id=delivery_id, reason=reason, adjustment_id=adjustment
    )
    return await db.run(tenant, work, actor="command line")
