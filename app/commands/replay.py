"""`retainer replay`: act once more on deliveries that were parked."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from typing import Annotated

import typer

from app.commands.base import CommandError, existing, plain
from app.commands.reconcile import tenant_of
from app.commands.remote import refused
from app.connectors import inbound
from app.db.engine import Database
from app.db.failures import Unavailable
from app.db.inbound import inbox
from app.domain.values.errors import DomainError
from app.settings import Settings

PAGE = 100


def run(
    source: Annotated[str, typer.Argument(help="The source's name.")],
    tenant: Annotated[str | None, typer.Option(help="The tenant's id; needed where several have the source.")] = None,
    delivery: Annotated[list[str] | None, typer.Option(help="One delivery; may be given several times.")] = None,
) -> None:
    """Act once more on what was parked, or on the deliveries named. What was done already is not done twice."""
    settings_, _ = Settings.read().with_secrets(create=False)
    with existing(settings_) as settings:
        try:
            states = asyncio.run(_run(settings, source, tenant, delivery or []))
        except Unavailable as error:
            raise CommandError(f"{error}; run it again") from None
        except DomainError as error:
            raise refused(error) from None
    print(
        "retainer: " + (", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing is parked")
    )


async def _run(settings: Settings, name: str, tenant: str | None, chosen: list[str]) -> Counter[str]:
    opened = Database(settings.database_url or "", pool_size=1)
    try:
        return await replayed(opened, settings, await tenant_of(opened, name, tenant), name, chosen)
    finally:
        await opened.close()


async def replayed(db: Database, settings: Settings, tenant: str, name: str, chosen: list[str]) -> Counter[str]:
    """Replays deliveries, or all that are parked: how many ended in which state."""
    house = inbound.inbox_of(settings)
    states: Counter[str] = Counter()
    after = ""
    while True:
        ids = chosen or await db.read(tenant, functools.partial(inbox.parked, source=name, after=after, limit=PAGE))
        for id_ in ids:
            work = functools.partial(house.replay, source_name=name, delivery_id=id_)
            view = await db.run(tenant, work, actor="command line")
            states[view["state"]] += 1
            if view["state"] == "parked":
                print(f"{id_}  {view['reason']}: {plain(str(view['detail']))}")
        if chosen or len(ids) < PAGE:
            return states
        after = ids[-1]
