"""`retainer tenants`: list the tenants of a server, and make one; the operator's."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.remote import JSON, Json, Service, Target, Url, facts, show, table

app = typer.Typer(no_args_is_help=True, help="List tenants, and make one.")
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


def _target(url: str | None, key: str | None) -> Target:
    """Return whom to ask: without an address this machine, whose database needs no key."""
    return Target(url, key if url is not None else None, None, operator=True)


def _draw(out: Console, view: JSON) -> None:
    facts(out, view, {"Tenant": "tenant_id", "Policy": "policy", "Clock": "clock.mode", "Now": "clock.now"})
