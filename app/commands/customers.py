"""`retainer customers`: find customers, and show what one has."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.remote import JSON, CustomerId, Json, Key, Service, Target, Tenant, Url, facts, show, table

app = typer.Typer(no_args_is_help=True, help="Find customers, and show what one has.")


@app.command("show")
def show_customer(
    customer_id: CustomerId, url: Url = None, key: Key = None, tenant: Tenant = None, as_json: Json = False
) -> None:
    """Show a customer: licenses, cover, credits, open choices and open tickets."""

    async def work(service: Service) -> JSON:
        found: JSON = await service.get(f"/v1/customers/{quoted(customer_id)}")
        return found

    show(Target(url, key, tenant), work, as_json, _draw)


@app.command()
def find(
    query: Annotated[str, typer.Argument(help="Words: a name, an e-mail, a company, an id of an order or a ticket.")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Find customers by name, e-mail, company, or an id of theirs."""

    async def work(service: Service) -> list[JSON]:
        return await service.rows("/v1/customers", limit, query=query)

    columns = {"Customer": "customer_id", "Name": "name", "E-mail": "emails", "Company": "company_id"}
    show(
        Target(url, key, tenant),
        work,
        as_json,
        lambda out, rows: table(out, columns, rows, empty="Nobody is found by these words."),
    )


def quoted(name: str) -> str:
    """Return an id as a part of a path."""
    from urllib.parse import quote

    return quote(name, safe="")


def _draw(out: Console, view: JSON) -> None:
    facts(
        out,
        view,
        {
            "Customer": "customer_id",
            "Name": "name",
            "E-mail": "emails",
            "Company": "company_id",
            "Available": "balance.available",
            "Held": "balance.held",
        },
    )
    out.print()
    table(
        out,
        {"Cover": "cover_id", "State": "state", "From": "starts_at", "To": "ends_at", "Clause": "clause"},
        view["covers"],
        empty="No cover.",
    )
    out.print()
    table(
        out,
        {"License": "license_id", "In force": "active", "Edition": "edition", "Order": "order_id"},
        view["licenses"],
        empty="No license.",
    )
    out.print()
    table(
        out,
        {"Open ticket": "ticket_id", "State": "state", "Category": "category", "Subject": "subject"},
        view["open_tickets"],
        empty="No open ticket.",
    )
    if view["choices"]:
        out.print()
        table(out, {"Open choice": "choice_id", "Options": "options"}, view["choices"], empty="")
