"""`retainer judge-clocks`: judge anew the clocks that lost or gained time because a calendar changed during a pause."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from app.commands.base import CommandError, existing
from app.db.engine import Database
from app.db.failures import Unavailable
from app.settings import Settings
from app.usecases.clocks import clocks


async def judge(url: str, tenant_ids: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """How many clocks were looked at and judged otherwise, by tenant (all of them unless named)."""
    db = Database(url, pool_size=1, statement_timeout_ms=600_000)
    try:
        return {id_: await clocks.judge_resumed(db, id_) for id_ in tenant_ids or await db.tenant_ids()}
    finally:
        await db.close()


def run(
    tenant: Annotated[list[str] | None, typer.Argument(help="Tenants to look at; all unless named.")] = None,
) -> None:
    """Judge anew the clocks that were resumed on another calendar; both judgements are kept."""
    with existing(Settings.read()) as settings:
        try:
            answer = asyncio.run(judge(settings.database_url or "", tenant))
        except Unavailable as error:
            raise CommandError(f"{error}; run it again") from None
    for tenant_id, counts in answer.items():
        print(f"{tenant_id}: {counts['looked_at']} looked at, {counts['judged']} judged anew")
