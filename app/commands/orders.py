"""`retainer orders`: list orders by their states, and show what one brought, and why not more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from app.commands.customers import quoted
from app.commands.remote import JSON, Json, Key, Service, Target, Tenant, Url, facts, show, table

app = typer.Typer(no_args_is_help=True, help="List orders, and show what one brought.")


@app.callback()
def _group() -> None:
    """List orders, and show what one brought."""


@app.command("list")
def list_orders(
    state: Annotated[
        str | None, typer.Option(help="Only these of granted, partly_granted, not_granted, with commas between them.")
    ] = None,
    payment: Annotated[
        str | None,
        typer.Option(help="Only these of paid, partly_refunded, refunded, disputed, dispute_lost, in the same way."),
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List orders, the newest first, by how much of them was granted and how they are paid."""

    async def work(service: Service) -> list[JSON]:
        sort = "oldest" if oldest else None
        asked = {"state": state, "payment_state": payment, "customer_id": customer, "sort": sort}
        return await service.rows("/v1/orders", limit, **asked)

    columns = {"Order": "order_id", "Customer": "customer_id", "State": "state", "Payment": "payment_state"}
    show(
        Target(url, key, tenant),
        work,
        as_json,
        lambda out, rows: table(out, {**columns, "Placed": "placed_at"}, rows, empty="No such order."),
    )


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
    facts(
        out,
        view,
        {
            "Order": "order_id",
            "Customer": "customer_id",
            "State": "state",
            "Payment": "payment_state",
            "Placed": "placed_at",
            "Currency": "currency",
        },
    )
    for name, columns in (
        ("licenses", {"License": "license_id", "Edition": "edition", "In force": "active"}),
        ("lots", {"Lot": "lot_id", "Granted": "granted", "Available": "available", "Expires": "expires_at"}),
        ("covers", {"Cover": "cover_id", "State": "state", "From": "starts_at", "To": "ends_at"}),
        ("choices", {"Choice": "choice_id", "Options": "options"}),
        ("not_granted", {"Not granted": "line_id", "Why": "code", "Clause": "clause"}),
        ("refunds", {"Refund": "refund_id", "State": "state", "Reason": "reason"}),
    ):
        if view.get(name):
            out.print()
            table(out, columns, view[name], empty="")
