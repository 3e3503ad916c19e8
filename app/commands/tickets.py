"""`retainer tickets`: list tickets, those due soon first, and show one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from app.commands.base import CommandError
from app.commands.customers import quoted
from app.commands.remote import JSON, Json, Key, Service, Target, Tenant, Url, escaped, facts, show, table
from app.domain.values.wire import iso, parse_iso

app = typer.Typer(no_args_is_help=True, help="List tickets, and show one.")
_SPAN: Final = re.compile(r"(\d{1,4})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
TicketId = Annotated[str, typer.Argument(help="The helpdesk's id of the ticket.")]
Due = Annotated[str | None, typer.Option(help="Only those with a promise due within this: 30m, 4h, 2d.")]
State = Annotated[str | None, typer.Option(help="Only these states, with commas between them.")]


@app.command("list")
def list_tickets(
    due: Due = None,
    state: State = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    url: Url = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List tickets, the newest first; with `--due` those whose promises are due soon, the earliest first."""
    span = None if due is None else _span(due)

    async def work(service: Service) -> list[JSON]:
        if span is None:
            return await service.rows("/v1/tickets", limit, state=state, customer_id=customer)
        return await _due(service, span, limit, state, customer)

    columns = {"Ticket": "ticket_id", "Customer": "customer_id", "State": "state", "Opened": "opened_at"}
    if span is not None:
        columns = {"Due": "due_at", "Promise": "milestone", **columns}
    show(
        Target(url, key, tenant),
        work,
        as_json,
        lambda out, rows: table(out, {**columns, "Subject": "subject"}, rows, empty="No such ticket."),
    )


@app.command("show")
def show_ticket(
    ticket_id: TicketId, url: Url = None, key: Key = None, tenant: Tenant = None, as_json: Json = False
) -> None:
    """Show a ticket: state, quotes, charge, promises, and what may be done now."""

    async def work(service: Service) -> JSON:
        found: JSON = await service.get(f"/v1/tickets/{quoted(ticket_id)}")
        return found

    show(Target(url, key, tenant), work, as_json, _draw)


async def _due(service: Service, span: timedelta, limit: int, state: str | None, customer: str | None) -> list[JSON]:
    """Return tickets with a running promise that is due within a span, each with its earliest."""
    clock = await service.get("/v1/clock")
    now = parse_iso(clock["now"]) if "now" in clock else await service.now()
    clocks = await service.rows("/v1/clocks", 10_000, phase="running", due_before=iso(now + span))
    earliest: dict[str, JSON] = {}
    for row in sorted(clocks, key=lambda row: str(row["due_at"])):
        earliest.setdefault(row["ticket_id"], row)
    states = None if state is None else set(state.split(","))
    found: list[JSON] = []
    for ticket_id, promise in earliest.items():
        ticket = await service.get(f"/v1/tickets/{quoted(ticket_id)}")
        if (states is None or ticket["state"] in states) and customer in (None, ticket["customer_id"]):
            found.append({**ticket, "due_at": promise["due_at"], "milestone": promise["milestone"]})
        if len(found) == limit:
            break
    return found


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise CommandError("--due: a number and m, h or d are wanted, such as 4h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _draw(out: Console, view: JSON) -> None:
    facts(
        out,
        view,
        {
            "Ticket": "ticket_id",
            "Subject": "subject",
            "Customer": "customer_id",
            "State": "state",
            "Category": "category",
            "Opened": "opened_at",
            "Held": "charge.held",
            "Charged": "charge.net",
        },
    )
    for reason in (view.get("qualification") or {}).get("reasons", ()):
        out.print(escaped(f"  {reason['message']} [{reason['clause']}]"), style="yellow", soft_wrap=True)
    out.print()
    table(
        out,
        {"Promise": "milestone", "Phase": "phase", "Outcome": "outcome", "Due": "due_at"},
        view["clocks"],
        empty="No promise.",
    )
    out.print()
    table(
        out,
        {"Quote": "number", "Category": "category", "Credits": "credits", "Status": "status", "Clause": "clause"},
        view["assessments"],
        empty="No quote.",
    )
    allowed: list[Any] = [row["action"] for row in view.get("actions", ()) if row["allowed"]]
    out.print()
    out.print(f"[dim]May be done now:[/dim] {escaped(', '.join(allowed)) or 'nothing'}", soft_wrap=True)
