"""`retainer sources`: list shops and helpdesks, and test one with a signed sample."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
import typer
from rich.console import Console

from app.commands.base import CommandError
from app.commands.customers import quoted
from app.commands.remote import (
    JSON,
    Json,
    Key,
    Refused,
    Service,
    Target,
    Tenant,
    Url,
    escaped,
    facts,
    refusal_of,
    show,
    table,
)
from app.commands.samples import sample

PATIENCE_SECONDS: Final = 10
"""How long a test waits until its sample is acted on."""
app = typer.Typer(no_args_is_help=True, help="List shops and helpdesks, and test one with a signed sample.")


@app.command("list")
def list_sources(url: Url = None, key: Key = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the shops and helpdesks that deliver here."""

    async def work(service: Service) -> list[JSON]:
        return await service.rows("/v1/sources", 1000)

    columns = {
        "Source": "name",
        "Kind": "kind",
        "Done": "deliveries.done",
        "Parked": "deliveries.parked",
        "Newest": "last_delivery_at",
    }
    show(
        Target(url, key, tenant),
        work,
        as_json,
        lambda out, rows: table(out, columns, rows, empty="Nothing delivers here."),
    )


@app.command("test")
def send_sample(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    address: Annotated[
        str,
        typer.Option(envvar="RETAINER_SOURCE_ADDRESS", help="Where its deliveries go: `url` or `path` of its answer."),
    ],
    secret: Annotated[
        str, typer.Option(envvar="RETAINER_SOURCE_SECRET", help="The secret with which the shop or helpdesk signs.")
    ],
    body: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file of JSON to sign and send instead: it takes effect."),
    ] = None,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Send a source a signed sample, and say what became of it. It names nothing that is sold, and grants nothing."""
    own = None if body is None else body.read_bytes()
    if own == b"":
        raise CommandError("--body: the file is empty")

    async def work(service: Service) -> JSON:
        return await _tested(service, name, address, secret, own)

    show(Target(url, key, tenant), work, as_json, _draw)


async def _tested(service: Service, name: str, address: str, secret: str, body: bytes | None) -> JSON:
    found = [source for source in await service.rows("/v1/sources", 1000) if source["name"] == name]
    if not found:
        raise Refused(f"source_not_found: there is no source {name}\nnext: see `retainer sources list`", 4)
    kind = str(found[0]["kind"])
    made = sample(kind, secret, int((await service.now()).timestamp()), body)
    path = urlsplit(address).path
    at = path.rfind("/in/")
    if at < 0:
        raise CommandError("--address: it ends in /in/ and a token, as the answer to PUT /v1/sources/{name} says")
    try:
        answer = await service.client.post(
            path[at:], content=made.body, headers={"Content-Type": "application/json", **made.headers}
        )
    except httpx.HTTPError as error:
        raise Refused(f"{service.where} does not answer: {error}", 5) from None
    if answer.status_code >= 400:
        raise refusal_of(answer)
    receipt: Any = json.loads(answer.content)
    delivery = await _ended(service, f"/v1/sources/{quoted(name)}/deliveries/{quoted(receipt['delivery_id'])}")
    return {"source": name, "kind": kind, "signed": True, "receipt": receipt, "delivery": delivery}


async def _ended(service: Service, path: str) -> JSON:
    """Return the delivery once it is acted on, or as it stands after `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    delivery: JSON = await service.get(path)
    while delivery["state"] == "received" and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        delivery = await service.get(path)
    return delivery


def _draw(out: Console, view: JSON) -> None:
    out.print(f"[green]The signature holds, and {escaped(view['source'])} took the sample.[/green]")
    facts(
        out,
        view,
        {"Kind": "kind", "Delivery": "delivery.delivery_id", "State": "delivery.state", "Why": "delivery.reason"},
    )
    if view["delivery"]["state"] == "received":
        out.print("Nobody has acted on it yet. Does a worker run?")
