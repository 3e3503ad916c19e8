"""`retainer keys`: make, list, rotate and revoke a tenant's keys from the machine itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from app.api.deps import wall_clock
from app.api.fields import parse_instant
from app.commands.base import CommandError, existing, plain
from app.commands.remote import refused
from app.db.engine import Database, Tx
from app.db.failures import Unavailable
from app.domain.values.errors import DomainError
from app.domain.values.paging import PageRequest
from app.settings import Settings
from app.usecases.tenants import keys
from app.views.key import ApiKey

app = typer.Typer(no_args_is_help=True, help="A tenant's keys.")
Tenant = Annotated[str, typer.Argument(help="The tenant's id.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")]


@app.command()
def create(
    tenant: Tenant,
    scopes: Annotated[list[str], typer.Option("--scope", help="What it may do; may be given several times.")],
    label: Annotated[str, typer.Option(help="What it is for.")] = "made at the command line",
    expires_at: Annotated[str | None, typer.Option(help="When it ends, RFC 3339 with an offset.")] = None,
) -> None:
    """Make a key. It is printed once and kept only as a hash."""
    ends = None if expires_at is None else _instant(expires_at)
    made = _run(tenant, lambda tx: keys.create(tx, scopes=scopes, label=label, expires_at=ends, now=wall_clock()))
    print(f"{made['key_id']}  {made['key']}")


@app.command("list")
def list_keys(tenant: Tenant) -> None:
    """Show the tenant's keys, without the keys themselves."""

    async def work(tx: Tx) -> list[ApiKey]:
        found: list[ApiKey] = []
        part = PageRequest(100)
        while True:
            some = await keys.list_keys(tx, part, now=wall_clock())
            found += some.rows
            if some.more is None:
                return found
            part = PageRequest(100, some.more)

    for row in _run(tenant, work):
        state = "live" if row["live"] else "dead"
        used = row["last_used_at"] or "never used"
        print(f"{row['key_id']}  {state}  {' '.join(row['scopes'])}  {used}  {plain(row['label'])}")


@app.command()
def revoke(tenant: Tenant, key_id: KeyId) -> None:
    """End a key for good; the running service stops taking it within a second."""
    _run(tenant, lambda tx: keys.revoke(tx, key_id, now=wall_clock()))
    print(f"retainer: {key_id} is revoked")


@app.command()
def rotate(
    tenant: Tenant,
    key_id: KeyId,
    overlap_seconds: Annotated[int, typer.Option(min=0, help="How long the old one goes on.")] = 86400,
) -> None:
    """Make a successor with the same scopes; both live until the overlap is over."""
    made = _run(tenant, lambda tx: keys.rotate(tx, key_id, overlap_seconds=overlap_seconds, now=wall_clock()))
    print(f"{made['key_id']}  {made['key']}")


def _instant(text: str) -> Any:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise CommandError(f"--expires-at: {error}") from None


def _run(tenant: str, work: Callable[[Tx], Awaitable[Any]]) -> Any:
    async def run(url: str) -> Any:
        opened = Database(url, pool_size=1)
        try:
            return await opened.run(tenant, work, actor="command line")
        finally:
            await opened.close()

    with existing(Settings.read()) as settings:
        try:
            return asyncio.run(run(settings.database_url or ""))
        except DomainError as error:
            raise refused(error) from None
        except Unavailable as error:
            raise CommandError(f"{error}; `retainer doctor` says more") from None
