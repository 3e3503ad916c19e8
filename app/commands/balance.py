"""`retainer balance`: show a customer's credits, lot by lot."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.customers import quoted
from app.commands.remote import JSON, CustomerId, Json, Key, Service, Target, Tenant, Url, facts, show, table


def run(
    customer_id: CustomerId,
    as_of: Annotated[str | None, typer.Option(help="How it stood then, RFC 3339 with an offset.")] = None,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Show a customer's credits, lot by lot."""

    async def work(service: Service) -> JSON:
        found: JSON = await service.get(f"/v1/customers/{quoted(customer_id)}/balance", as_of=as_of)
        return found

    show(Target(url, key, tenant), work, as_json, _draw)


def _draw(out: Console, view: JSON) -> None:
    facts(out, view, {"Available": "available", "Held": "held", "Owed": "owed", "Unit": "unit"})
    out.print()
    columns = {
        "Lot": "lot_id",
        "Source": "source",
        "Type": "credit_type",
        "Granted": "granted",
        "Available": "available",
        "Held": "held",
        "Expires": "expires_at",
    }
    table(out, columns, view["lots"], empty="No lot holds anything.")
