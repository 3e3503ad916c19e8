"""The card beside a ticket in a helpdesk: cover, balance, quote, due times, and the buttons that the state allows.

- Framed by the origins of `RETAINER_FRAME_ORIGINS` alone.
- A customer's token shows that customer; a session of the vendor's shows whom the address names.
- ``link``: a sign-in link that the helpdesk's server made; it opens the session at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from app.api.addresses import page_address
from app.api.languages import DEFAULT, current, text
from app.api.pages import sign_in
from app.api.pages.account import perform
from app.api.pages.door import Pages, elsewhere, page, problem_of, see_other
from app.api.pages.forms import Act, Doing, Form, customer_acts, inputs_of, texts, ticket_of, whole
from app.api.pages.rendering import link, root_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.domain.values.errors import DomainError
from app.usecases.policies import policies

PAGES: Final = Pages(translated=True)
KINDS: Final = ("card", "session")
TICKETS_SHOWN: Final = 5
_NAMED: Final = ("customer_id", "ticket_id", "email")
DONE: Final = {
    "accepted": "The ticket is accepted.",
    "rejected": "The ticket is rejected.",
    "assessed": "The assessment is made.",
    "responded": "The answer is noted.",
    "paused": "The clocks stand still.",
    "resumed": "The clocks go on.",
    "resolved": "The ticket is resolved.",
    "confirmed": "The quote is confirmed.",
    "declined": "The quote is declined.",
    "withdrawn": "The ticket is withdrawn.",
    "disputed": "The charge is disputed.",
    "stated": "The details are noted.",
    "chosen": "The choice is made.",
}


@PAGES.get("/card", kinds=KINDS, token=True, framed=True, open=True)
async def show_card(visit: Visit) -> Response:
    """Show the card; a link in the address opens the session first."""
    if visit.query("link"):
        opened = await sign_in.open_by_link(visit, visit.query("link"))
        sign_in.keep(visit, opened, "card")
        return see_other(visit, link(visit, "/card", **_named(visit)).removeprefix(root_of(visit)))
    if visit.principal is None:
        return _unknown(visit)
    return await card(visit, _named(visit))


def _unknown(visit: Visit) -> Response:
    visit.request.scope["retainer.code"] = "unauthorized"
    address = page_address(visit.rooms.settings, "/sign-in")
    return page(visit, "card_sign_in.html", status=401, address=address)


def _named(visit: Visit) -> dict[str, str]:
    """Return whom the address names."""
    return {name: visit.query(name)[:254] for name in _NAMED if visit.query(name)}


async def card(
    visit: Visit, named: Mapping[str, str], *, status: int = 200, problem: Mapping[str, Any] | None = None, **more: Any
) -> Response:
    """Return the card of a customer, with the ticket that the helpdesk shows, if it names one."""
    ticket = await _ticket(visit, named)
    customer_id = visit.who.customer_id or named.get("customer_id") or (ticket or {}).get("customer_id")
    if customer_id is None:
        return await _search(visit, named, status=status, problem=problem)
    # The account that pays is the company's, where the ticket is one of its people's.
    payer = (ticket or {}).get("company_id") or customer_id
    if visit.who.customer_id is not None:
        payer = customer_id
    customer = await visit.ask("getCustomer", customer_id=payer)
    opened = [row for row in customer["open_tickets"] if ticket is None or row["ticket_id"] != ticket["ticket_id"]]
    if ticket is None and len(opened) == 1:
        ticket, opened = await visit.ask("getTicket", ticket_id=opened[0]["ticket_id"]), []
    await _know_words(visit)
    return page(
        visit,
        "card.html",
        status=status,
        named=dict(named),
        customer=customer,
        balance=await visit.ask("getBalance", customer_id=payer),
        ticket=ticket,
        opened=opened[:TICKETS_SHOWN],
        policy=await policy_of(visit, ticket),
        acts=visit.who.acts,
        agent=visit.who.kind == "session",
        person=sign_in.signed_in(visit),
        done=text(DONE.get(visit.query("done"), "")),
        problem=problem,
        form_to="/card/act",
        why_page="/card/why",
        **{"quote_url": None, **more},
    )


async def _know_words(visit: Visit) -> None:
    """Read the policy's words, where the card is not English."""
    if current() != DEFAULT:
        visit.policy = await visit.rooms.database.read(str(visit.who.tenant_id), policies.in_force)


async def _ticket(visit: Visit, named: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return the ticket that the helpdesk shows. One that is not told yet is none, where its customer is named too."""
    if not named.get("ticket_id"):
        return None
    try:
        found: Mapping[str, Any] = await visit.ask("getTicket", ticket_id=named["ticket_id"])
    except DomainError as refusal:
        if refusal.code == "ticket_not_found" and (named.get("email") or named.get("customer_id")):
            return None
        raise
    return found


async def policy_of(visit: Visit, ticket: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the lists of the ticket's policy, which the forms offer, where the agent may read them."""
    if ticket is None or visit.who.kind != "session":
        return None
    policy = ticket["policy"]
    if not visit.may("getPolicy", name=policy["name"]):
        return None
    found: Mapping[str, Any] = await visit.ask("getPolicy", {"version": str(policy["version"])}, name=policy["name"])
    return found


async def _search(
    visit: Visit, named: Mapping[str, str], *, status: int, problem: Mapping[str, Any] | None
) -> Response:
    """Return the customers of an e-mail address or of words; a single one's card at once."""
    query = named.get("email") or visit.query("query").strip()
    found: Sequence[Mapping[str, Any]] = ()
    if query:
        found = (await visit.ask("listCustomers", {"query": query[:200], "limit": "10"}))["data"]
        if len(found) == 1 and named.get("email"):
            return await card(visit, {"customer_id": found[0]["customer_id"]}, status=status, problem=problem)
    return page(visit, "card_search.html", status=status, query=query, found=found, problem=problem, done=None)


@PAGES.get("/card/why", kinds=KINDS, token=True, framed=True)
async def show_why(visit: Visit) -> Response:
    """Show why a ticket stands where it stands."""
    ticket_id = visit.query("id")
    why = await visit.ask("explain", kind="ticket", id=ticket_id)
    await _know_words(visit)
    return page(visit, "card_why.html", why=why, ticket_id=ticket_id, named=_named(visit))


@PAGES.post("/card/act", kinds=KINDS, token=True, framed=True)
async def act(visit: Visit) -> Response:
    """Do what a button of the card says, and show how things stand then."""
    named = {name: visit.form[f"at:{name}"] for name in _NAMED if visit.form.get(f"at:{name}")}
    try:
        if visit.form.get("do") == "send_quote":
            return await _send_quote(visit, named)
        word = await perform(visit, {**customer_acts(visit.form.get("customer_id", "")), **AGENT_ACTS})
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        visit.request.scope["retainer.code"] = body["code"]
        if body["status"] in (401, 404, 429, 503):
            raise
        return await card(visit, named, status=body["status"], problem=body)
    return see_other(visit, link(visit, "/card", done=word, **named).removeprefix(root_of(visit)))


@PAGES.get("/card/{rest:path}", kinds=KINDS, framed=True, open=True)
async def show_elsewhere(visit: Visit) -> Response:
    """Lead back from where a form went; 404 for what is no page."""
    return elsewhere(visit, "/card")


async def _send_quote(visit: Visit, named: Mapping[str, str]) -> Response:
    """Make the link by which the customer answers a quote, and show it to be sent."""
    customer_id = visit.form.get("customer_id", "")
    made = await visit.act("createCustomerToken", {"may": "act"}, customer_id=customer_id)
    return await card(visit, named, quote_url=made["url"])


def _qualify(form: Form) -> Doing:
    accepts = form.get("decision") != "reject"
    reasons = [form["reason"]] if form.get("reason") and not accepts else []
    body: dict[str, Any] = {"decision": "accept" if accepts else "reject", "reasons": reasons, **texts(form, "note")}
    return Doing("qualifyTicket", ticket_of(form), body, "accepted" if accepts else "rejected")


def _assess(form: Form) -> Doing:
    body: dict[str, Any] = {**texts(form, "category", "reason"), **whole(form, "credits")}
    if inputs := inputs_of(form):
        body["inputs"] = inputs
    return Doing("assessTicket", ticket_of(form), body, "assessed")


def _respond(form: Form) -> Doing:
    kind = "inquiry" if form.get("kind") == "inquiry" else "service"
    return Doing("addResponse", ticket_of(form), {"author": "vendor", "kind": kind}, "responded")


def _pause(form: Form) -> Doing:
    return Doing("pauseTicket", ticket_of(form), texts(form, "reason", "party"), "paused")


def _resolve(form: Form) -> Doing:
    return Doing("resolveTicket", ticket_of(form), texts(form, "outcome", "cause"), "resolved")


AGENT_ACTS: Final[dict[str, Act]] = {
    "qualify": _qualify,
    "assess": _assess,
    "respond": _respond,
    "pause": _pause,
    "resolve": _resolve,
}
