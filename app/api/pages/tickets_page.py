"""Tickets at the desk: the list, and a ticket's page with the buttons of the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

from app.api.deps import wall_clock
from app.api.pages import words
from app.api.pages.account import perform
from app.api.pages.card import AGENT_ACTS, policy_of
from app.api.pages.card import DONE as DONE_OF_CARD
from app.api.pages.door import Pages, problem_of, see_other
from app.api.pages.forms import customer_acts
from app.api.pages.home import SESSION, home_page
from app.api.pages.rendering import link, part, root_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso

PAGES: Final = Pages()
A_PART: Final = 50


@PAGES.get("/desk/tickets", kinds=SESSION, asks=("state", "customer_id", "cursor"))
async def show_tickets(visit: Visit) -> Response:
    """Show tickets, the newest first."""
    filters = {"state": visit.chosen("state", words.STATES), "customer_id": visit.query("customer_id").strip()[:200]}
    asked = {**{name: value or None for name, value in filters.items()}, "limit": str(A_PART)}
    found = await visit.ask("listTickets", {**asked, "cursor": visit.query("cursor") or None})
    return home_page(
        visit, "vendor_tickets.html", "Tickets", found=found, filters=filters, states=list(words.STATES.items())
    )


@PAGES.get("/desk/tickets/{ticket_id}", kinds=SESSION, asks=())
async def show_ticket(visit: Visit) -> Response:
    """Show a ticket: due times, charge, why, and what can be done now."""
    ticket_id = visit.request.path_params["ticket_id"]
    try:
        return await ticket_page(visit, ticket_id)
    except DomainError as refusal:
        if (ticket_id, refusal.code) == ("act", "ticket_not_found"):  # where a form went, asked for again
            return see_other(visit, "/desk/tickets")
        raise


async def ticket_page(
    visit: Visit,
    ticket_id: str,
    *,
    status: int = 200,
    problem: Mapping[str, Any] | None = None,
    quote_url: str | None = None,
) -> Response:
    """Return a ticket's page."""
    ticket = await visit.ask("getTicket", ticket_id=ticket_id)
    payer = ticket["company_id"] or ticket["customer_id"]
    customer: Mapping[str, Any] = {"at": iso(wall_clock())}
    balance: Mapping[str, Any] = {"unit": None}
    if payer and visit.may("getCustomer", customer_id=payer):
        customer = await visit.ask("getCustomer", customer_id=payer)
        balance = await visit.ask("getBalance", customer_id=payer)
    elif visit.may("getTime"):
        customer = {"at": (await visit.ask("getTime"))["now"]}
    return home_page(
        visit,
        "vendor_ticket.html",
        "Tickets",
        status=status,
        problem=problem,
        done=DONE_OF_CARD.get(visit.query("done")),
        ticket=ticket,
        customer=customer,
        balance=balance,
        why=await visit.ask("explain", kind="ticket", id=ticket_id),
        charged=await visit.ask("explain", kind="charge", id=ticket_id),
        policy=await policy_of(visit, ticket),
        quote_url=quote_url,
        named={},
        acts=False,
        agent=True,
        form_to="/desk/tickets/act",
    )


@PAGES.post("/desk/tickets/act", kinds=SESSION)
async def act(visit: Visit) -> Response:
    """Do what a button of a ticket's page says, and show how things stand then."""
    ticket_id = visit.form.get("ticket_id", "")
    customer_id = visit.form.get("customer_id", "")
    try:
        if visit.form.get("do") == "send_quote":
            made = await visit.act("createCustomerToken", {"may": "act"}, customer_id=customer_id)
            return await ticket_page(visit, ticket_id, quote_url=made["url"])
        word = await perform(visit, {**customer_acts(customer_id), **AGENT_ACTS})
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        visit.request.scope["retainer.code"] = body["code"]
        if body["status"] in (401, 404, 429, 503) or not ticket_id:
            raise
        return await ticket_page(visit, ticket_id, status=body["status"], problem=body)
    return see_other(visit, link(visit, f"/desk/tickets/{part(ticket_id)}", done=word).removeprefix(root_of(visit)))
