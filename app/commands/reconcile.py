"""`retainer reconcile`: ask a shop for what its webhooks lost, and act on it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from app.api.deps import wall_clock
from app.api.fields import parse_instant
from app.commands.base import CommandError, existing
from app.commands.remote import refused
from app.connectors import inbound, reconcile
from app.db.engine import Database
from app.db.failures import Unavailable
from app.db.inbound import sources
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, parse_iso
from app.settings import Settings
from app.usecases.inbound import FetchError


def run(
    source: Annotated[str, typer.Argument(help="The source's name.")],
    tenant: Annotated[str | None, typer.Option(help="The tenant's id; needed where several have the source.")] = None,
    since: Annotated[str | None, typer.Option(help="From when, RFC 3339; else from where it stopped last.")] = None,
) -> None:
    """Read what changed at the shop and put it into the inbox. Safe to run at any time, as often as one likes."""
    try:
        begin = None if since is None else parse_instant(since)
    except ValueError as error:
        raise CommandError(f"--since: {error}") from None
    settings_, _ = Settings.read().with_secrets(create=False)
    with existing(settings_) as settings:
        try:
            print(asyncio.run(_run(settings, source, tenant, begin)))
        except (FetchError, Unavailable) as error:
            raise CommandError(f"{error}") from None
        except DomainError as error:
            raise refused(error) from None


async def _run(settings: Settings, name: str, tenant: str | None, begin: datetime | None) -> str:
    opened = Database(settings.database_url or "", pool_size=2)
    try:
        found = await tenant_of(opened, name, tenant)
        fetcher = reconcile.Fetcher(allow_private=settings.allow_private_webhooks)
        asked, new = await reconciled(opened, settings, fetcher, found, name, begin)
        return f"retainer: {asked} read from {name}, {new} of them new"
    finally:
        await opened.close()


async def reconciled(
    db: Database, settings: Settings, fetcher: reconcile.Fetcher, tenant: str, name: str, begin: datetime | None = None
) -> tuple[int, int]:
    """Reads what changed, stores it like deliveries, acts on it: (how many were read, how many were new)."""
    house = inbound.inbox_of(settings)
    house.fetch = fetcher.ask
    row = await db.read(tenant, lambda tx: sources.require(tx, name))
    source = sources.opened(house.cipher, tenant, row)
    started = wall_clock()
    last = row.progress.get("reconciled_to")
    since = begin or (started - reconcile.FIRST if last is None else parse_iso(last) - reconcile.OVERLAP)
    asked = new = 0
    async for change in fetcher.changes(row.kind, source.api, since):
        _, fresh = await house.store(db, tenant, row, change.headers, change.body, wall_clock())
        asked, new = asked + 1, new + fresh
    while await house.act(db, tenant):
        pass
    progress = {**row.progress, "reconciled_to": iso(started)}
    await db.run(tenant, lambda tx: sources.note_progress(tx, name, progress), actor="reconcile")
    return asked, new


async def tenant_of(db: Database, name: str, tenant: str | None) -> str:
    """The tenant that is meant: the one named, or the only one that has the source."""
    if tenant is not None:
        return tenant
    having = [id_ for id_ in await db.tenant_ids() if await db.read(id_, lambda tx: sources.find(tx, name)) is not None]
    if len(having) != 1:
        who = ", ".join(having[:10]) or "no tenant"
        raise CommandError(f"{who} has a source {name}; say which with --tenant")
    return having[0]
