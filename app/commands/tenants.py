"""`retainer tenants`: list the tenants of a server, make one, and open the page of them; the operator's."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.base import CommandError
from app.commands.remote import JSON, Json, Service, Target, Url, facts, show, table
from app.settings import Settings

app = typer.Typer(no_args_is_help=True, help="List tenants, make one, and open the page of them.")
OperatorKey = Annotated[
    str | None,
    typer.Option("--key", envvar="RETAINER_OPERATOR_KEY", help="The operator's key; none: this machine's database."),
]


@app.command("list")
def list_tenants(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
    url: Url = None,
    key: OperatorKey = None,
    as_json: Json = False,
) -> None:
    """List the tenants that live on a server."""

    async def work(service: Service) -> list[JSON]:
        return await service.rows("/v1/tenants", limit)

    columns = {"Tenant": "tenant_id", "Policy": "policy", "Clock": "clock.mode", "Suspended": "suspended"}
    show(_target(url, key), work, as_json, lambda out, rows: table(out, columns, rows, empty="There is no tenant."))


@app.command()
def create(
    tenant_id: Annotated[str, typer.Argument(help="The id of the new tenant.")],
    policy: Annotated[str, typer.Option(help="A policy that is shipped.")],
    now: Annotated[str | None, typer.Option(help="A sandbox whose clock begins then, RFC 3339 with an offset.")] = None,
    url: Url = None,
    key: OperatorKey = None,
    as_json: Json = False,
) -> None:
    """Make a tenant under a policy; the same again changes nothing. `retainer keys create` makes its keys."""
    clock = {"mode": "real"} if now is None else {"mode": "virtual", "now": now}

    async def work(service: Service) -> JSON:
        made: JSON = await service.send("PUT", f"/v1/tenants/{tenant_id}", body={"policy": policy, "clock": clock})
        return made

    show(_target(url, key), work, as_json, _draw)


@app.command()
def link(
    minutes: Annotated[int, typer.Option(min=1, max=60, help="How long the link waits.")] = 10,
    url: Url = None,
    key: OperatorKey = None,
    as_json: Json = False,
) -> None:
    """Make a link that opens the operator's page of all tenants, once. Without a key: the one of the data folder."""
    secret = key or _stored_key()
    if secret is None:
        raise CommandError("there is no operator's key here: give --key, or set RETAINER_OPERATOR_KEY")

    async def work(service: Service) -> JSON:
        made: JSON = await service.send("POST", "/v1/operator/sign-in-links", body={"minutes": minutes})
        return made

    target = Target(url, secret, None, operator=True)
    show(target, work, as_json, lambda out, made: facts(out, made, {"Link": "url", "Until": "expires_at"}))


def _stored_key() -> str | None:
    settings, _ = Settings.read().with_secrets(create=False)
    return None if settings.operator_key is None else settings.operator_key.get_secret_value()


def _target(url: str | None, key: str | None) -> Target:
    """Return whom to ask: without an address this machine, whose database needs no key."""
    return Target(url, key if url is not None else None, None, operator=True)


def _draw(out: Console, view: JSON) -> None:
    facts(out, view, {"Tenant": "tenant_id", "Policy": "policy", "Clock": "clock.mode", "Now": "clock.now"})
