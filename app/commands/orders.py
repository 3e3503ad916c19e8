"""`retainer orders`: show what an order brought, and why not more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.customers import quoted
from app.commands.remote import JSON, Json, Key, Service, Target, Tenant, Url, facts, show, table

app = typer.Typer(no_args_is_help=True, help="Show what an order brought.")


@app.callback()
def _group() -> None:
    """Show what an order brought."""


@app.command("show")
def show_order(
    order_id: Annotated[str, typer.Argument(help="The shop's id of the order.")],
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Show what an order brought, and why not more."""

    async def work(service: Service) -> JSON:
        found: JSON = await service.get(f"/v1/orders/{quoted(order_id)}")
        return found

    show(Target(url, key, tenant), work, as_json, _draw)


def _draw(out: Console, view: JSON) -> None:
    facts(out, view, {"Order": "order_id", "Customer": "customer_id", "Placed": "placed_at", "Currency": "currency"})
    for name, columns in (
        ("licenses", {"License": "license_id", "Edition": "edition", "In force": "active"}),
        ("lots", {"Lot": "lot_id", "Granted": "granted", "Available": "available", "Expires": "expires_at"}),
        ("covers", {"Cover": "cover_id", "State": "state", "From": "starts_at", "To": "ends_at"}),
        ("choices", {"Choice": "choice_id", "Options": "options"}),
        ("not_granted", {"Not granted": "line_id", "Why": "code", "Clause": "clause"}),
        ("refunds", {"Refund": "refund_id", "Reason": "reason"}),
    ):
        if view.get(name):
            out.print()
            table(out, columns, view[name], empty="")
