"""The customer's account: cover, balance, open quotes, tickets, the statement, and what can be bought.

A customer comes by a short-lived link (`POST /v1/customers/{customer_id}/tokens`). The link's token becomes a cookie,
so that it stands in no address that the browser keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

from app.api.languages import text
from app.api.pages import statement
from app.api.pages.door import Pages, elsewhere, page, problem_of, see_other
from app.api.pages.forms import Act, customer_acts
from app.api.pages.rendering import link, root_of
from app.api.pages.timeline import line_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.usecases.policies import policies
from app.usecases.tenants.keys import MAX_TOKEN_MINUTES

PAGES: Final = Pages(translated=True)
CUSTOMER: Final = ("customer",)
OPEN_SHOWN: Final = 12
"""Tickets under way that the first page shows whole."""
TICKETS_A_PAGE: Final = 20
DONE: Final = {
    "confirmed": "You confirmed the quote.",
    "declined": "You declined the quote.",
    "chosen": "Your choice is made.",
    "withdrawn": "The ticket is withdrawn.",
    "disputed": "The vendor will look at the charge again.",
    "resumed": "The vendor goes on with the ticket.",
    "stated": "Thank you. The ticket goes on with what you said.",
}


@PAGES.get("/account", kinds=CUSTOMER, token=True)
async def show_account(visit: Visit) -> Response:
    """Show the account; a token in the address becomes a cookie first."""
    if visit.in_address:
        return _remember(visit)
    return await overview(visit)


def _remember(visit: Visit) -> Response:
    visit.set_cookie("customer", visit.secret, MAX_TOKEN_MINUTES * 60)
    visit.in_address = False
    return see_other(visit, "/account")


async def overview(visit: Visit, *, status: int = 200, problem: Mapping[str, Any] | None = None) -> Response:
    """Return the account's first page. ``problem``: of a form that was just refused."""
    customer_id = customer_of(visit)
    customer = await visit.ask("getCustomer", customer_id=customer_id)
    offers = await visit.ask("listOffers", {"customer_id": customer_id, "limit": "100"})
    opened = [
        await visit.ask("getTicket", ticket_id=ticket["ticket_id"]) for ticket in customer["open_tickets"][:OPEN_SHOWN]
    ]
    return page(
        visit,
        "account.html",
        status=status,
        **await _shared(visit, customer_id, customer),
        problem=problem,
        line=line_of(customer["covers"], customer["at"]),
        opened=opened,
        waiting=[ticket for ticket in opened if waits(ticket)],
        statement=await visit.ask("getStatement", customer_id=customer_id),
        filters=statement.Filters(),
        offers=offers["data"],
    )


async def _shared(visit: Visit, customer_id: str, customer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every page of the account shows."""
    visit.policy = await visit.rooms.database.read(str(visit.who.tenant_id), policies.in_force)
    return {
        "customer": customer,
        "balance": await visit.ask("getBalance", customer_id=customer_id),
        "acts": visit.who.acts,
        "done": text(DONE.get(visit.query("done"), "")),
        "vendor": visit.policy.vendor,
        "form_to": "/account/act",
        "ticket_page": "/account/ticket",
        "why_page": "/account/why",
    }


def customer_of(visit: Visit) -> str:
    """Return whose account it is. 401 where no customer's token opened the page."""
    customer_id = visit.who.customer_id
    if customer_id is None:
        raise Problem("unauthorized")
    return customer_id


def waits(ticket: Mapping[str, Any]) -> bool:
    """Whether a ticket waits for its customer."""
    paused = any(pause["ended_at"] is None and pause["party"] == "customer" for pause in ticket["pauses"])
    return paused or ticket["state"] in ("awaiting_confirmation", "needs_facts", "awaiting_choice", "awaiting_credits")


@PAGES.get("/account/statement", kinds=CUSTOMER)
async def show_statement(visit: Visit) -> Response:
    """Show the statement: filtered, and a part at a time."""
    customer_id = customer_of(visit)
    filters = statement.Filters.read(visit.request.query_params)
    found = await statement.filtered(visit, customer_id, filters)
    customer = await visit.ask("getCustomer", customer_id=customer_id)
    shared = await _shared(visit, customer_id, customer)
    return page(visit, "statement.html", **shared, problem=None, statement=found, filters=filters)


@PAGES.get("/account/statement.csv", kinds=CUSTOMER)
async def download_statement(visit: Visit) -> Response:
    """Give the statement as a table that spreadsheets read."""
    customer_id = customer_of(visit)
    text = await statement.csv_of(visit, customer_id, statement.Filters.read(visit.request.query_params))
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="statement.csv"'},
    )


@PAGES.get("/account/balance", kinds=CUSTOMER)
async def show_balance(visit: Visit) -> Response:
    """Show every lot of the balance, a hundred at a time."""
    customer_id = customer_of(visit)
    customer = await visit.ask("getCustomer", customer_id=customer_id)
    shared = await _shared(visit, customer_id, customer)
    lots = await visit.ask("getBalance", {"cursor": visit.query("cursor") or None}, customer_id=customer_id)
    return page(visit, "balance.html", **shared, problem=None, lots=lots)


@PAGES.get("/account/tickets", kinds=CUSTOMER)
async def show_tickets(visit: Visit) -> Response:
    """Show every ticket of the customer, the newest first."""
    customer_id = customer_of(visit)
    asked = {"customer_id": customer_id, "limit": str(TICKETS_A_PAGE), "cursor": visit.query("cursor") or None}
    found = await visit.ask("listTickets", asked)
    customer = await visit.ask("getCustomer", customer_id=customer_id)
    shared = await _shared(visit, customer_id, customer)
    return page(visit, "tickets.html", **shared, problem=None, tickets=found)


@PAGES.get("/account/ticket", kinds=CUSTOMER)
async def show_ticket(visit: Visit) -> Response:
    """Show a ticket: what waits, what was promised, what it costs and why."""
    return await ticket_page(visit, visit.query("id"))


async def ticket_page(
    visit: Visit, ticket_id: str, *, status: int = 200, problem: Mapping[str, Any] | None = None
) -> Response:
    """Return a ticket's page."""
    customer_id = customer_of(visit)
    ticket = await visit.ask("getTicket", ticket_id=ticket_id)
    why = await visit.ask("explain", kind="charge", id=ticket_id)
    customer = await visit.ask("getCustomer", customer_id=customer_id)
    shared = await _shared(visit, customer_id, customer)
    return page(visit, "ticket.html", status=status, **shared, problem=problem, ticket=ticket, why=why)


@PAGES.get("/account/why", kinds=CUSTOMER)
async def show_why(visit: Visit) -> Response:
    """Show the explanation of a charge, step by step."""
    return await ticket_page(visit, visit.query("id"))


@PAGES.post("/account/act", kinds=CUSTOMER, token=True)
async def act(visit: Visit) -> Response:
    """Do what a form of the account says, and show how things stand then."""
    customer_id = customer_of(visit)
    ticket_id = visit.form.get("ticket_id", "")
    try:
        word = await perform(visit, customer_acts(customer_id))
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        visit.request.scope["retainer.code"] = body["code"]
        if body["status"] in (401, 404, 429, 503):
            raise
        if visit.form.get("back") == "ticket" and ticket_id:
            return await ticket_page(visit, ticket_id, status=body["status"], problem=body)
        return await overview(visit, status=body["status"], problem=body)
    if visit.form.get("back") == "ticket" and ticket_id:
        return see_other(visit, link(visit, "/account/ticket", id=ticket_id, done=word).removeprefix(root_of(visit)))
    return see_other(visit, f"/account?done={word}")


@PAGES.get("/account/{rest:path}", kinds=CUSTOMER, open=True)
async def show_elsewhere(visit: Visit) -> Response:
    """Lead back from where a form went, which a browser asks for again; 404 for what is no page."""
    return elsewhere(visit, "/account")


async def perform(visit: Visit, acts: Mapping[str, Act]) -> str:
    """Carry out the act that a form names, and return the word of what was done. 422 for an act that is none."""
    found = acts.get(visit.form.get("do", ""))
    if found is None:
        raise Problem("invalid_input", "The form says nothing that can be done here.")
    call = found(visit.form)
    await visit.act(call.operation, call.body, key=visit.form.get("key", ""), **call.path)
    return call.word
