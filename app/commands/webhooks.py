"""`retainer webhooks`: see what an endpoint would get, and pass it on to a program of yours."""

from __future__ import annotations

import json
from typing import Annotated, Any

import httpx
import typer

from app.commands.base import CommandError, plain
from app.commands.events import After, Every, Once, Types, feed
from app.commands.remote import JSON, Json, Key, Service, Target, Tenant, Url, ask, console, escaped
from app.commands.samples import fresh_secret, standard_headers
from app.connectors.webhooks.sender import body_of

app = typer.Typer(no_args_is_help=True, help="See deliveries, and pass them on to a program of yours.")


@app.callback()
def _group() -> None:
    """See deliveries, and pass them on to a program of yours."""


@app.command()
def listen(
    forward: Annotated[
        str | None, typer.Option(help="Where to pass deliveries on: a port of this machine, or an address.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(envvar="RETAINER_WEBHOOK_SECRET", help="Signs them; a fresh one unless given.")
    ] = None,
    types: Types = None,
    after: After = None,
    once: Once = False,
    every: Every = 1.0,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Print deliveries as an endpoint would get them, and pass them on, signed. It needs no endpoint and no address.

    Deliveries are made from the feed of events, so nothing has to reach this machine from outside.
    """
    signing = secret or fresh_secret()
    where = None if forward is None else _address(forward)

    async def work(service: Service) -> None:
        out = console()
        if not as_json:
            if secret is None:
                out.print(f"Deliveries are signed with {escaped(signing)}", soft_wrap=True)
            out.print("Waiting for events; Ctrl-C ends it.", style="dim")
        async with httpx.AsyncClient(timeout=15) as receiver:
            async for event in feed(service, types, after, None, once=once, every=every):
                delivery = await _passed(service, receiver, where, event, signing)
                if as_json:
                    print(json.dumps(delivery, ensure_ascii=False), flush=True)
                    continue
                status = escaped(str(delivery["status"] or delivery["error"] or "shown"))
                colour = "red" if delivery["error"] or (delivery["status"] or 0) >= 300 else "green"
                kind, ident = escaped(event["type"]), escaped(event["id"])
                out.print(f"[bold]{kind}[/bold]  {ident}  [{colour}]{status}[/{colour}]")
                if where is None:
                    out.print_json(plain(json.dumps(delivery["body"], ensure_ascii=False)))

    ask(Target(url, key, tenant), work)


async def _passed(service: Service, receiver: httpx.AsyncClient, where: str | None, event: JSON, secret: str) -> JSON:
    """Return a delivery of an event and what its receiver answered."""
    data = {**event["data"], **{name: event[name] for name in ("customer_id", "sequence", "position")}}
    raw = body_of(event["type"], event["occurred_at"], data, event_id=event["id"])
    headers = standard_headers(secret, str(event["id"]), int((await service.now()).timestamp()), raw)
    delivery: dict[str, Any] = {
        "headers": headers,
        "body": json.loads(raw),
        "forwarded_to": where,
        "status": None,
        "error": None,
    }
    if where is not None:
        try:
            answer = await receiver.post(where, content=raw, headers={"Content-Type": "application/json", **headers})
            delivery["status"] = answer.status_code
        except httpx.HTTPError as error:
            delivery["error"] = str(error) or type(error).__name__
    return delivery


def _address(forward: str) -> str:
    """Return where to pass deliveries on; a bare port is one of this machine."""
    if forward.isascii() and forward.isdigit() and 0 < int(forward) < 65536:
        return f"http://127.0.0.1:{forward}/"
    try:
        found = httpx.URL(forward)
    except httpx.InvalidURL:
        found = httpx.URL("")
    if found.scheme not in ("http", "https") or not found.host:
        raise CommandError("--forward: a port, or an address such as http://localhost:3000/hooks, is wanted")
    return forward
