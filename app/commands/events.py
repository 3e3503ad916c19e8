"""`retainer events`: print what changes, as it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer
from rich.console import Console

from app.commands.customers import quoted
from app.commands.remote import (
    EXIT_NOT_FOUND,
    JSON,
    Json,
    Key,
    Refused,
    Service,
    Target,
    Tenant,
    Url,
    ask,
    console,
    escaped,
    words_of,
)

app = typer.Typer(no_args_is_help=True, help="Print what changes, as it changes.")
Types = Annotated[list[str] | None, typer.Option("--type", help="Only these types, or `noun.*`; may be repeated.")]
After = Annotated[int | None, typer.Option(min=0, help="From this position on; what comes from now on unless given.")]
Once = Annotated[bool, typer.Option("--once", help="Print what is there, and end.")]
Every = Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")]


@app.callback()
def _group() -> None:
    """Print what changes, as it changes."""


@app.command()
def tail(
    types: Types = None,
    after: After = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    once: Once = False,
    every: Every = 1.0,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Print events in their order, a line each, until Ctrl-C. `--json` prints each as a line of JSON."""

    async def work(service: Service) -> None:
        out = console()
        if customer is not None:
            await _check_customer(service, customer)
        async for event in feed(service, types, after, customer, once=once, every=every):
            if as_json:
                print(json.dumps(event, ensure_ascii=False), flush=True)
            else:
                _draw(out, event)

    ask(Target(url, key, tenant), work)


async def _check_customer(service: Service, customer: str) -> None:
    """Refuse a customer that nobody has. A key that may not read customers is not asked to know."""
    try:
        await service.get(f"/v1/customers/{quoted(customer)}/balance")
    except Refused as refusal:
        if refusal.exit_code == EXIT_NOT_FOUND:
            raise


async def feed(
    service: Service, types: list[str] | None, after: int | None, customer: str | None, *, once: bool, every: float
) -> AsyncIterator[JSON]:
    """Yield events from a position on, and go on looking unless ``once``."""
    position = after
    if position is None:
        position = 0 if once else await end_of(service)
    while True:
        page: Any = await service.get("/v1/events", after=position, type=types or None, customer_id=customer, limit=100)
        for event in page["data"]:
            yield event
        moved, position = page["position"] > position, page["position"]
        if page["data"] or (moved and page["next_cursor"]):
            continue
        if once:
            return
        await asyncio.sleep(every)


async def end_of(service: Service) -> int:
    """Return the position behind the newest event."""
    position = 0
    while True:
        page = await service.get("/v1/events", after=position, limit=100)
        if not page["data"]:
            return int(page["position"])
        position = page["position"]


def _draw(out: Console, event: JSON) -> None:
    who = event["customer_id"] or ""
    shown = {name: value for name, value in event["data"].items() if isinstance(value, str | int)}
    out.print(
        f"[dim]{words_of(event['occurred_at'])}[/dim]  [bold]{escaped(event['type'])}[/bold]  {escaped(who)}"
        f"  [dim]{escaped(words_of(shown)[:160])}[/dim]",
        soft_wrap=True,
    )
