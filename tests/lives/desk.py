"""The helpdesk's commands: a ticket with every verb. The state is the service's to say; whether it may say so, and what
is held, captured and given back with it, is judged here by the clauses."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from tests.lives import covers
from tests.lives.life import NAMES, Life, command
from tests.lives.model import Ticket
from tests.lives.shop import licenses_at
from tests.lives.terms import ASK, at, iso

FACTS = {
    "official": True,
    "modified": False,
    "current_release": True,
    "single_issue": True,
    "clear_description": True,
    "backup": "done",
}
KINDS = {
    "priority": "diagnosis",
    "escalated": "fixing",
    "hosting_certification": "hosting_certification",
    "plugin_installation": "plugin_installation",
}
CLOSED = ("resolved", "rejected", "withdrawn")


# --- opening ----------------------------------------------------------------------------------------------------------


@command(rest=16)
async def open_ticket(life: Life, rng: random.Random) -> str:
    """A ticket, whole or with something missing."""
    owner = life.model.who(rng.choice(NAMES))
    when = life.now
    if life.aside.random() < 0.15:
        when -= timedelta(hours=life.aside.choice((1, 50, 24 * 20, 24 * 100)))
    ticket = Ticket(life.next("t"), owner, life.model.terms_at(when), opened_at=when)
    body: dict[str, Any] = {"customer_id": owner, "subject": "It fails", "channel": "helpdesk", "language": "en"}
    if when != life.now:
        body["opened_at"] = iso(when)
    if rng.random() < 0.08:
        body["channel"] = "forum"
    if rng.random() < 0.08:
        body["language"] = "de"
    if ticket.terms.by_agent:
        _of_an_agent(life, rng, ticket, body)
    elif ticket.terms.prices:
        _of_rules(life, rng, ticket, body)
    mine = [one.license_id for one in life.model.licenses if one.owner == owner]
    if mine and rng.random() < (0.6 if life.policy in ("avactis", "cactushop") else 0.2):
        body["license_id"] = ticket.license_id = rng.choice(mine)
    free = life.model.available(owner, ticket.credit_type)
    life.model.tickets[ticket.ticket_id] = ticket
    if life.policy in ("cs-cart", "cactushop", "avactis"):
        await covers.look(life, owner)
    status, answer = await life.call("PUT", f"/v1/tickets/{ticket.ticket_id}", body)
    life.that(status == 201, f"a ticket is recorded whatever the rules say of it: {status} {answer}")
    ticket.facts = {"channel": body["channel"], "language": body["language"], **body.get("facts", {})}
    await decided(life, ticket, answer, free, when=when)
    told = "" if when == life.now else f" as of {iso(when)}"
    return f"{owner} opens {ticket.ticket_id}{told}: {ticket.category or ticket.credit_type} is {ticket.state}"


def _of_an_agent(life: Life, rng: random.Random, ticket: Ticket, body: dict[str, Any]) -> None:
    ticket.credit_type = ""
    if rng.random() < 0.85:
        types = [one.purchase.credit_type for one in life.model.lots(ticket.owner) if one.available]
        ticket.credit_type = rng.choice(types or list(KINDS))
        body["credit_type"] = ticket.credit_type
    facts = dict(FACTS, request_kind=KINDS.get(ticket.credit_type, "diagnosis"), working_wordpress=True)
    if rng.random() < 0.3:
        del facts[rng.choice(sorted(facts))]
    body["facts"] = facts


def _of_rules(life: Life, rng: random.Random, ticket: Ticket, body: dict[str, Any]) -> None:
    if rng.random() < 0.9:
        body["category"] = ticket.category = rng.choice(sorted(ticket.terms.prices))
        per = ticket.terms.prices[ticket.category].per
        if per is not None and rng.random() < 0.7:
            body["inputs"] = ticket.inputs = {per[0]: rng.choice((0, 1, 2))}
    if life.policy == "cs-cart" and rng.random() < 0.4:
        body["agreed_up_to"] = ticket.agreed = rng.choice((5, 10, 20, 40))
    if life.policy in ("cs-cart", "avactis") and rng.random() < 0.5:
        body["pay_with"] = ticket.pay_with = rng.choice(("credits", "credits", "cover"))


# --- what the rules decide --------------------------------------------------------------------------------------------


async def decided(life: Life, ticket: Ticket, answer: Any, free: int, *, when: datetime | None = None) -> None:
    """A ticket that the rules decided: what is held follows from its state, and its state from what there was.

    ``when``: it was opened then and is told now. Licenses and cover are those of then, credits those of now.
    """
    model, when = life.model, when or life.now
    before = ticket.state
    ticket.state, ticket.paid_by = answer["state"], answer["paid_by"]
    spendable = free + model.committed(ticket.ticket_id)
    if ticket.terms.by_agent:
        _judge_agent(life, ticket, answer, free, when)
        _apply(life, ticket, answer)
    else:
        _judge_rules(life, ticket, answer, spendable, when)
        _hold(life, ticket, spendable)
    ticket.accepted = ticket.accepted or ticket.state == "in_progress"
    if ticket.state == "in_progress" and before != "in_progress" and not ticket.terms.by_agent:
        ticket.price = _price(ticket) if ticket.paid_by == "credits" else 0
    model.dirty.add(model.who(ticket.owner))
    await covers.look(life, model.who(ticket.owner), started=when if ticket.paid_by == "cover" else None)
    same_charge(life, ticket, answer)


def _price(ticket: Ticket) -> int | None:
    if ticket.quoted is not None:
        return ticket.quoted
    price = ticket.list_price()
    return price if isinstance(price, int) else None


def _hold(life: Life, ticket: Ticket, spendable: int) -> None:
    """Held: the price of what was accepted on credits; what was agreed while a price waits for consent (CSC-8)."""
    if ticket.state == "needs_facts":
        return
    target = 0
    if ticket.state == "in_progress" and ticket.paid_by == "credits":
        price = _price(ticket)
        target = ticket.agreed or 0 if price is None else price
    elif ticket.state == "awaiting_confirmation" and ticket.agreed and spendable >= ticket.agreed:
        target = ticket.agreed
    life.that(
        life.model.settle_to(ticket, target),
        f"{ticket.ticket_id} is {ticket.state} on {target} credits, {spendable} can be spent",
    )


def _judge_rules(life: Life, ticket: Ticket, answer: Any, spendable: int, when: datetime) -> None:
    """Whether the rules may have said so."""
    name, price, state = ticket.ticket_id, _price(ticket), ticket.state
    grounds = _grounds(life, ticket, when)
    asked = f"{name} ({ticket.category} {ticket.inputs} agreed {ticket.agreed} pay_with {ticket.pay_with})"
    codes = [one["code"] for one in answer["reasons"]]
    if state == "rejected":
        life.that(grounds, f"{asked} is rejected without a ground: {codes}")
        return
    life.that("must" not in grounds, f"{asked} is {state} and should be rejected: {grounds}")
    if price == 0 and ticket.quoted is None:
        life.that(state == "in_progress" and ticket.paid_by == "nobody", f"{asked} costs nothing and is {state}")
        return
    free = _free_level(life, ticket, when)
    if free is not None:
        life.that((state, ticket.paid_by) == free, f"{asked} is {state} by {ticket.paid_by}, should be {free} (AVA-4)")
        return
    if life.policy == "x-cart":
        right = _of_points(ticket, price, spendable)
        life.that(state == right, f"{asked} is {state}, should be {right}: price {price}, {spendable} can be spent")
    elif state == "in_progress" and ticket.paid_by == "cover":
        _covered(life, ticket, asked, when)
    elif state == "in_progress":
        life.that(
            price is not None or (ticket.category is None and ticket.agreed), f"{asked} is accepted without a price"
        )
        life.that(not _asks_first(ticket, price), f"{asked} is accepted at {price} without consent (CSC-9)")
    elif state == "awaiting_credits" and "insufficient_credits" in codes:
        needed = price if price is not None else ticket.agreed or 0
        life.that(spendable < needed, f"{asked} waits for credits: {spendable} of {needed}")
    elif state == "awaiting_confirmation":
        life.that(_asks_first(ticket, price), f"{asked} at {price} needs no consent (CSC-9)")
    elif state == "awaiting_assessment":
        life.that(price is None, f"{asked} has the price {price} and awaits an assessment")


def _of_points(ticket: Ticket, price: int | None, spendable: int) -> str:
    listed = ticket.list_price()
    if price is None:
        return "needs_facts" if ticket.category is not None and listed is None else "awaiting_assessment"
    return "in_progress" if price == 0 or spendable >= price else "awaiting_credits"


def _asks_first(ticket: Ticket, price: int | None) -> bool:
    if not ticket.terms.asked_beforehand or not price:
        return False
    if ticket.agreed is not None:
        return price > ticket.agreed
    return ticket.category in ticket.terms.asked_beforehand


def _free_level(life: Life, ticket: Ticket, when: datetime) -> tuple[str, str | None] | None:
    """A level that a license brought is free for that license; which of several must be said (AVA-4, AVA-9, AVA-10)."""
    level = ticket.terms.prices[ticket.category].level if ticket.category is not None else None
    if level is None or ticket.pay_with == "credits":
        return None
    owner = life.model.who(ticket.owner)
    held = [
        one
        for one in life.model.licenses
        if one.owner == owner and one.placed_at <= when and (one.ended_at is None or when < one.ended_at)
    ]
    serving = [one.license_id for one in held if level in covers.LEVELS.get(one.sku, ())]
    if ticket.license_id is None and len(held) > 1:
        return ("needs_facts", None) if serving else None
    mine = ticket.license_id or (held[0].license_id if held else None)
    return ("in_progress", "cover") if mine in serving else None


def _covered(life: Life, ticket: Ticket, asked: str, when: datetime) -> None:
    owner = life.model.who(ticket.owner)
    level = None
    if life.policy == "avactis":
        level = ticket.terms.prices[str(ticket.category)].level
        life.that(level is not None, f"{asked} has no level and is free")
    there = covers.running(life, owner, ticket.license_id, level, when=when)
    if life.policy == "cs-cart":
        there += covers.waiting(life, owner) + covers.waited(life, owner, when)
    life.that(there, f"{asked} is paid by cover, and there is none")


def _grounds(life: Life, ticket: Ticket, when: datetime) -> list[str]:
    """Why the rules may reject; with ``must`` they have to."""
    owner, found = life.model.who(ticket.owner), []
    mine = {one.license_id for one in life.model.licenses if one.owner == owner}
    if ticket.license_id is not None and ticket.license_id not in mine:
        found.append("not owned")
    held = licenses_at(life, owner, when)
    if life.policy == "cs-cart":
        if held == 0:
            found += ["no license", "must"]
        if ticket.facts["language"] == "de":
            found += ["language", "must"]
        if ticket.facts["channel"] != "helpdesk":
            found += ["channel", "must"] if held else ["channel"]
        if any(one["state"] == "suspended" for one in life.covers.get(owner, [])):
            found.append("suspended")
    if life.policy in ("x-cart", "cactushop") and ticket.facts["channel"] != "helpdesk":
        found.append("channel")
    if life.policy == "cactushop" and not covers.running(life, owner, ticket.license_id, when=when):
        found += ["uncovered", "must"]
    return found


# --- what an agent decides --------------------------------------------------------------------------------------------


def _judge_agent(life: Life, ticket: Ticket, answer: Any, free: int, when: datetime) -> None:
    owner, state, name = life.model.who(ticket.owner), ticket.state, ticket.ticket_id
    held = licenses_at(life, owner, when)
    codes = [one["code"] for one in answer["reasons"]]
    applied = life.model.committed(name) > 0
    grounds = [
        word
        for word, there in (
            ("channel", ticket.facts["channel"] != "helpdesk"),
            ("license", held == 0),
            ("hosting", life.things.get(("hosting", owner)) is False),
            ("kind", ticket.facts.get("request_kind") != KINDS.get(ticket.credit_type)),
            ("wordpress", ticket.facts.get("working_wordpress") is not True),
            ("transferred", any(not lot.first for lot in life.model.lots(owner, ticket.credit_type))),
        )
        if there
    ]
    if state == "rejected":
        life.that(grounds, f"{name} is rejected without a ground: {codes}")
    elif state == "awaiting_credits":
        life.that(free == 0 and not applied, f"{name} waits for a credit, {free} are there")
    elif state == "awaiting_qualification":
        life.that(free > 0 or applied, f"{name} awaits qualification without a credit")


def _apply(life: Life, ticket: Ticket, answer: Any) -> None:
    if ticket.state == "rejected":
        life.model.each(ticket.ticket_id, "held")
    elif answer["credit_applied_at"] is not None and life.model.committed(ticket.ticket_id) == 0:
        life.that(life.model.settle_to(ticket, 1), f"{ticket.ticket_id} holds a credit that is not there")


# --- verbs ------------------------------------------------------------------------------------------------------------


def same_charge(life: Life, ticket: Ticket, answer: Any) -> None:
    """The ticket says what the model says it costs."""
    right = life.model.charge(ticket.ticket_id)
    life.that(
        {name: answer["charge"][name] for name in right} == right,
        f"the charge of {ticket.ticket_id} is {answer['charge']}, should be {right}",
    )


def a_ticket(life: Life, rng: random.Random, *states: str) -> Ticket | None:
    """A ticket in one of these states; rarely in any."""
    found = [one for one in life.model.tickets.values() if one.state in states]
    paying = [one for one in found if life.model.committed(one.ticket_id)]
    if paying and rng.random() < 0.6:
        found = paying
    if not found or rng.random() < 0.04:
        found = list(life.model.tickets.values())
    return rng.choice(found[-6:]) if found else None


UNDECIDED = (
    "needs_facts",
    "awaiting_qualification",
    "awaiting_assessment",
    "awaiting_choice",
    "awaiting_confirmation",
    "awaiting_credits",
)
OPEN = (*UNDECIDED, "in_progress")


LATE = ("withdrawal", "resolution", "assessments", "qualification", "pauses", "resumptions")
"""Verbs that may be told later than they happened; a response says so itself."""


async def verb(life: Life, ticket: Ticket, path: str, body: Any) -> tuple[int, Any]:
    """A verb on a ticket, perhaps told late; whoever it may touch is compared afterwards.

    Nothing happened before the thing that it follows: the reopening, the credit, the pause, the request for access.
    """
    life.model.dirty.add(life.model.who(ticket.owner))
    url, ticket.told = f"/v1/tickets/{ticket.ticket_id}/{path}", life.now
    late = path in LATE or path.startswith("access-requests/")
    if late and ticket.opened_at and life.aside.random() < 0.2:
        spent = (life.now - ticket.opened_at) * life.aside.choice((0, 1, 1, 2, 3)) / 4
        ticket.told = at(iso(ticket.opened_at + spent))
        before = ticket.reopened_at is not None and ticket.told < ticket.reopened_at
        status, answer = await life.call("POST", url, {**body, "occurred_at": iso(ticket.told)})
        life.that(status >= 400 or not before, f"{path} of {ticket.ticket_id} before its reopening: {status}")
        if status != 422 or answer["code"] != "occurred_out_of_order":
            return status, answer
        life.that(
            before or path not in ("withdrawal", "resolution", "assessments"),
            f"{path} of {ticket.ticket_id} follows nothing: {answer}",
        )
        ticket.told = life.now
    return await life.call("POST", url, body)


@command(rest=6)
async def details(life: Life, rng: random.Random) -> str | None:
    """What was missing; decides again."""
    ticket = a_ticket(life, rng, "needs_facts", "awaiting_choice", "awaiting_credits", "awaiting_confirmation")
    if ticket is None or (not ticket.open and rng.random() < 0.8):
        return None
    body: dict[str, Any] = {}
    if ticket.terms.by_agent:
        body["facts"] = dict(FACTS, request_kind=KINDS.get(ticket.credit_type, "diagnosis"), working_wordpress=True)
    else:
        if life.policy in ("cs-cart", "avactis"):
            body["pay_with"] = rng.choice(("credits", "cover"))
        per = ticket.terms.prices[ticket.category].per if ticket.category in ticket.terms.prices else None
        if per is not None:
            body["inputs"] = {per[0]: rng.choice((0, 1))}
        if life.policy == "cs-cart" and rng.random() < 0.2:
            body["agreed_up_to"] = rng.choice((10, 20))
        mine = [one.license_id for one in life.model.licenses if one.owner == life.model.who(ticket.owner)]
        if life.policy in ("avactis", "cactushop") and mine:
            body["license_id"] = rng.choice(mine)
    if not body:
        return None
    free = life.model.available(life.model.who(ticket.owner), ticket.credit_type)
    await covers.look(life, life.model.who(ticket.owner))
    status, answer = await verb(life, ticket, "details", body)
    if status >= 400:
        life.that(
            not ticket.open or ticket.accepted, f"details of {ticket.ticket_id} ({ticket.state}): {status} {answer}"
        )
        return f"details of {ticket.ticket_id}: refused"
    if ticket.accepted:
        ticket.facts.update(body.get("facts", {}))
        same_charge(life, ticket, answer)
        return f"facts of {ticket.ticket_id}"
    if "inputs" in body and body["inputs"] != ticket.inputs:
        ticket.quoted = None
    ticket.inputs = body.get("inputs", ticket.inputs)
    ticket.pay_with = body.get("pay_with", ticket.pay_with)
    ticket.agreed = body.get("agreed_up_to", ticket.agreed)
    ticket.license_id = body.get("license_id", ticket.license_id)
    ticket.facts.update(body.get("facts", {}))
    await decided(life, ticket, answer, free)
    return f"details of {ticket.ticket_id}: {ticket.state}"


@command(rest=9, shopp=1, cactushop=1)
async def assess(life: Life, rng: random.Random) -> str | None:
    """A price for the first time, or another one: down at once, up as the customer agreed (CSC-10, XC-10)."""
    ticket = a_ticket(life, rng, "awaiting_assessment", "in_progress", "in_progress", "awaiting_credits")
    if ticket is None:
        return None
    terms, body = ticket.terms, {}
    category = rng.choice(sorted(terms.prices)) if terms.prices else "level_1"
    if ticket.category is not None and rng.random() < 0.5:
        category = ticket.category
    body["category"] = category
    price = terms.prices.get(category)
    amount: int | str | None = None
    if price is not None:
        if price.per is not None:
            body["inputs"] = {price.per[0]: rng.choice((0, 1))}
        amount = price.of(body.get("inputs", {}))
        if amount == ASK:
            most = price.most if price.most is not None else price.least + 30
            body["credits"] = amount = rng.randint(price.least, most)
        elif rng.random() < 0.1:
            body["credits"] = amount = rng.choice((0, 3, 15, 35))
            body["reason"] = "harder than the list says"
    model, owner = life.model, life.model.who(ticket.owner)
    free = model.available(owner, ticket.credit_type)
    await covers.look(life, owner)
    status, answer = await verb(life, ticket, "assessments", body)
    if status >= 400:
        missing = isinstance(amount, int) and free + model.committed(ticket.ticket_id) < amount
        life.that(
            not ticket.open
            or terms.by_agent
            or not terms.prices
            or missing
            or answer["code"] != "insufficient_credits",
            f"an assessment of {ticket.ticket_id} at {amount}: {status} {answer}",
        )
        return f"assessment of {ticket.ticket_id} at {amount}: refused, {answer['code']}"
    last = answer["assessments"][-1]
    if isinstance(amount, int) and last["credits"] != 0:
        life.that(last["credits"] == amount, f"{ticket.ticket_id} is assessed at {last['credits']}, should be {amount}")
    if ticket.accepted:
        _repriced(life, ticket, answer, last, category, body)
        await covers.look(life, owner)
        same_charge(life, ticket, answer)
    else:
        ticket.category, ticket.quoted = category, last["credits"] or amount  # type: ignore[assignment]
        ticket.inputs = body.get("inputs", ticket.inputs)
        await decided(life, ticket, answer, free, when=ticket.told)
    return f"assessment of {ticket.ticket_id} as {category} at {last['credits']}: {ticket.state}"


def _repriced(life: Life, ticket: Ticket, answer: Any, last: Any, category: str, body: Any) -> None:
    target, now = last["credits"], life.model.committed(ticket.ticket_id)
    ticket.state = answer["state"]
    if ticket.state == "awaiting_confirmation":
        life.that(ticket.terms.asked_beforehand and target > now, f"{ticket.ticket_id} waits for consent to {target}")
        ticket.quoted = target
        ticket.facts["quote"] = (category, body.get("inputs", {}))
        return
    asks = target > now and (
        target > ticket.agreed if ticket.agreed is not None else category in ticket.terms.asked_beforehand
    )
    life.that(not asks, f"{ticket.ticket_id} was raised from {now} to {target} without consent (CSC-10)")
    life.that(life.model.settle_to(ticket, target), f"{ticket.ticket_id} is charged {target}, which is not there")
    ticket.category, ticket.price = category, target


@command(cs_cart=7, rest=0)
async def confirm(life: Life, rng: random.Random) -> str | None:
    """The customer's yes or no (CSC-9)."""
    ticket = a_ticket(life, rng, "awaiting_confirmation")
    if ticket is None:
        return None
    accept = rng.random() < 0.7
    shown = await life.get(f"/v1/tickets/{ticket.ticket_id}")
    number = len(shown["assessments"]) or 1
    model, owner = life.model, life.model.who(ticket.owner)
    amount = shown["assessments"][-1]["credits"] if shown["assessments"] else 0
    missing = amount - model.committed(ticket.ticket_id) > model.available(owner, ticket.credit_type)
    status, answer = await verb(life, ticket, f"assessments/{number}/confirmation", {"accept": accept})
    if ticket.state != "awaiting_confirmation" or (accept and missing):
        life.that(status in (404, 409), f"a yes to {ticket.ticket_id} at {amount}: {status}")
        return f"confirmation of {ticket.ticket_id}: refused"
    life.that(status == 200, f"a confirmation of {ticket.ticket_id}: {status} {answer}")
    ticket.state = answer["state"]
    if accept:
        life.that(ticket.state == "in_progress", f"{ticket.ticket_id} was confirmed and is {ticket.state}")
        life.that(model.settle_to(ticket, amount), f"{ticket.ticket_id} was confirmed at {amount}, not there")
        ticket.category = shown["assessments"][-1]["category"]
        ticket.accepted, ticket.price, ticket.paid_by = True, amount, "credits"
    elif not ticket.accepted:
        life.that(ticket.state == "withdrawn", f"{ticket.ticket_id} was declined and is {ticket.state}")
        model.each(ticket.ticket_id, "held")
    ticket.quoted = None
    same_charge(life, ticket, answer)
    return f"{ticket.ticket_id} at {amount}: {'yes' if accept else 'no'}"


@command(rest=5, shopp=8)
async def respond(life: Life, rng: random.Random) -> str | None:
    """A message, perhaps told late. Vendor's service makes Shopp's credit used (TERMS-20)."""
    ticket = a_ticket(life, rng, "in_progress", "in_progress", *UNDECIDED)
    if ticket is None:
        return None
    body: dict[str, Any] = {
        "author": rng.choice(("vendor", "vendor", "customer")),
        "kind": rng.choice(("service", "inquiry")),
    }
    if ticket.opened_at is not None and rng.random() < 0.3:
        body["occurred_at"] = iso(ticket.opened_at + (life.now - ticket.opened_at) * rng.choice((0, 1)) / 2)
    status, answer = await verb(life, ticket, "responses", body)
    if status >= 400:
        life.that(not ticket.open or body["kind"] == "service", f"a response on {ticket.ticket_id}: {status} {answer}")
        return f"response on {ticket.ticket_id}: refused"
    if body["author"] == "vendor" and body["kind"] == "service":
        life.that(ticket.accepted, f"service on {ticket.ticket_id}, which nobody accepted (TERMS-11)")
        ticket.served = True
    same_charge(life, ticket, answer)
    return f"{body['author']}'s {body['kind']} on {ticket.ticket_id}"


@command(rest=6)
async def withdraw(life: Life, rng: random.Random) -> str | None:
    """By the customer: what is held goes back, unless service was given for a credit (TERMS-20)."""
    ticket = a_ticket(life, rng, *OPEN)
    if ticket is None:
        return None
    status, answer = await verb(life, ticket, "withdrawal", {})
    life.that((status == 200) == ticket.open, f"withdrawal of {ticket.ticket_id} ({ticket.state}): {status}")
    if status != 200:
        return f"withdrawal of {ticket.ticket_id}: refused"
    if ticket.served and ticket.terms.money_back:
        life.model.capture_all(ticket.ticket_id)
    else:
        life.model.each(ticket.ticket_id, "held")
    ticket.state = answer["state"]
    ticket.deadlines.clear()
    same_charge(life, ticket, answer)
    return f"{ticket.ticket_id} is withdrawn"


@command(rest=10)
async def resolve(life: Life, rng: random.Random) -> str | None:
    """Captures, or gives back: for a bug of the vendor's all of it (AVA-11, CSC-16, XC-11)."""
    ticket = a_ticket(life, rng, "in_progress")
    if ticket is None:
        return None
    terms = ticket.terms
    body: dict[str, Any] = {
        "outcome": rng.choice(terms.outcomes),
        "cause": rng.choice((None, None, *terms.causes, "software_bug")),
    }
    if terms.by_agent and rng.random() < 0.3:
        body["result"] = {"hosting_certified": rng.random() < 0.7}
    status, answer = await verb(life, ticket, "resolution", body)
    bug = _returns(ticket, body["cause"])
    unpriced = ticket.price is None and not terms.by_agent and terms.prices
    if status >= 400:
        life.that(
            ticket.state != "in_progress" or (unpriced and not bug and body["outcome"] != "cancelled"),
            f"{ticket.ticket_id} ({ticket.state}) cannot be resolved: {status} {answer}",
        )
        return f"resolution of {ticket.ticket_id}: refused"
    life.that(ticket.state == "in_progress", f"{ticket.ticket_id} was {ticket.state} and is resolved")
    name = ticket.ticket_id
    if body["outcome"] == "cancelled" or (unpriced and bug):
        life.model.each(name, "held")
    else:
        life.model.capture_all(name)
    ticket.returned_for_cause = 0
    if bug and body["outcome"] != "cancelled":
        ticket.returned_for_cause = life.model.charge(name)["net"]
        life.model.each(name, "spent", bug=True)
    if "result" in body:
        life.things["hosting", life.model.who(ticket.owner)] = body["result"]["hosting_certified"]
    ticket.state, ticket.resolved_at, ticket.cause = answer["state"], ticket.told, body["cause"]
    ticket.deadlines.clear()
    same_charge(life, ticket, answer)
    return f"{name} is resolved: {body['outcome']}, {body['cause']}"


@command(rest=4)
async def reopen(life: Life, rng: random.Random) -> str | None:
    """The same issue again, for 30 days, without a second charge."""
    ticket = a_ticket(life, rng, "resolved")
    if ticket is None:
        return None
    status, answer = await verb(life, ticket, "reopening", {})
    late = ticket.resolved_at is not None and life.now >= ticket.resolved_at + timedelta(days=30)
    if status >= 400:
        life.that(
            ticket.state != "resolved" or late or ticket.paid_by == "cover",
            f"{ticket.ticket_id} was resolved {ticket.resolved_at} and cannot be reopened: {status} {answer}",
        )
        return f"reopening of {ticket.ticket_id}: refused"
    life.that(ticket.state == "resolved" and not late, f"{ticket.ticket_id} ({ticket.state}, late {late}) is reopened")
    ticket.state, ticket.accepted, ticket.reopened_at = answer["state"], True, life.now
    same_charge(life, ticket, answer)
    return f"{ticket.ticket_id} is reopened"


@command(rest=1)
async def split(life: Life, rng: random.Random) -> str | None:
    """Another question becomes a ticket of its own (CSC-11)."""
    ticket = a_ticket(life, rng, *OPEN)
    if ticket is None:
        return None
    name = life.next("t")
    free = life.model.available(life.model.who(ticket.owner), ticket.credit_type)
    await covers.look(life, life.model.who(ticket.owner))
    status, answer = await verb(life, ticket, "splits", {"ticket_id": name, "subject": "And this"})
    life.that((status == 201) == ticket.open, f"a split of {ticket.ticket_id} ({ticket.state}): {status} {answer}")
    if status != 201:
        return f"split of {ticket.ticket_id}: refused"
    child = Ticket(name, ticket.owner, life.model.terms_at(life.now), opened_at=life.now)
    child.credit_type = "" if child.terms.by_agent else "credit"
    child.license_id = answer.get("license_id")
    child.facts = {"channel": ticket.facts["channel"], "language": ticket.facts["language"]}
    life.model.tickets[name] = child
    await decided(life, child, answer, free)
    return f"{name} is split from {ticket.ticket_id}: {child.state}"


@command(rest=2)
async def merge_tickets(life: Life, rng: random.Random) -> str | None:
    """Two tickets turn out to be one issue: the duplicate gives back what it holds, and nothing is charged twice."""
    one = a_ticket(life, rng, *OPEN)
    mine = [other for other in life.model.tickets.values() if one is not None and other.owner == one.owner]
    if one is None or len(mine) < 2:
        return None
    other = rng.choice([other for other in mine if other is not one])
    status, answer = await verb(life, one, "merge", {"into_ticket_id": other.ticket_id})
    life.that(
        (status < 400) == (one.open and other.open),
        f"{one.ticket_id} ({one.state}) merges into {other.ticket_id} ({other.state}): {status} {answer}",
    )
    if status >= 400:
        return f"{one.ticket_id} merges into {other.ticket_id}: refused"
    life.model.each(one.ticket_id, "held")
    life.model.each(one.ticket_id, "spent")  # it was reopened: one issue is charged once
    one.state = "withdrawn"
    one.deadlines.clear()
    shown = await life.get(f"/v1/tickets/{one.ticket_id}")
    life.that(shown["state"] == "withdrawn", f"the duplicate {one.ticket_id} is {shown['state']}")
    same_charge(life, one, shown)
    same_charge(life, other, await life.get(f"/v1/tickets/{other.ticket_id}"))
    return f"{one.ticket_id} merges into {other.ticket_id}"


@command(rest=2)
async def pause(life: Life, rng: random.Random) -> str | None:
    """Vendor clocks stand, and go on."""
    ticket = a_ticket(life, rng, *OPEN)
    if ticket is None:
        return None
    if rng.random() < 0.5:
        status, answer = await verb(life, ticket, "pauses", {"reason": "waiting_for_customer"})
    else:
        status, answer = await verb(life, ticket, "resumptions", {})
    life.that(status in (200, 201, 409), f"a pause of {ticket.ticket_id}: {status} {answer}")
    return f"pause of {ticket.ticket_id}: {status}"


@command(rest=4)
async def correct_cause(life: Life, rng: random.Random) -> str | None:
    """The cause of a resolved ticket turns out to be another, at any time: a bug gives the charge back, another cause
    takes it again as far as it is there. While a dispute is open its decision says the cause."""
    ticket = a_ticket(life, rng, "resolved")
    if ticket is None:
        return None
    body = {
        "cause": rng.choice(("software_bug", "software_bug", "settings", "question")),
        "reason": "found in a release",
    }
    model, name = life.model, ticket.ticket_id
    free = model.available(model.who(ticket.owner), ticket.credit_type)
    status, answer = await verb(life, ticket, "cause", body)
    may = ticket.state == "resolved" and body["cause"] != ticket.cause and not ticket.dispute_open
    life.that((status < 400) == may, f"a cause of {name} ({ticket.state}, {ticket.cause}): {status} {answer}")
    if not may:
        return f"cause of {name}: refused"
    was, now = (_returns(ticket, one) for one in (ticket.cause, body["cause"]))
    said = answer["cause_corrections"][-1]
    if now and not was:
        back = model.charge(name)["net"]
        before = _live(life)
        model.each(name, "spent", bug=True)
        ticket.returned_for_cause += back
        came = _live(life) - before
        life.that(
            (said["returned"], said["forfeited"]) == (came, back - came),
            f"{name}: returned {said['returned']}, forfeited {said['forfeited']}, should be {came} and {back - came}",
        )
    elif was and not now:
        again = min(ticket.returned_for_cause, free)
        if again:
            model.take(model.who(ticket.owner), again, "spent", credit_type=ticket.credit_type, ticket=name)
        ticket.returned_for_cause -= again
        life.that(
            (said["captured"], said["not_captured"]) == (again, ticket.returned_for_cause),
            f"{name}: captured again {said['captured']}, missing {said['not_captured']}, should be {again} and"
            f" {ticket.returned_for_cause}",
        )
    ticket.cause = body["cause"]
    same_charge(life, ticket, answer)
    return f"the cause of {name} is {body['cause']}"


def _returns(ticket: Ticket, cause: str | None) -> bool:
    """Whether a cause gives the charge back (AVA-11, AVA-15, CSC-16, XC-11)."""
    return cause == "software_bug" and ticket.terms.bugs_return and ticket.category not in ticket.terms.bugs_kept


# --- disputes ---------------------------------------------------------------------------------------------------------


@command(x_cart=6, rest=1)
async def dispute(life: Life, rng: random.Random) -> str | None:
    """A charge that the customer thinks wrong (XC-12)."""
    ticket = a_ticket(life, rng, "resolved")
    if ticket is None:
        return None
    net = life.model.charge(ticket.ticket_id)["net"]
    status, answer = await verb(life, ticket, "disputes", {"reason": "too dear"})
    may = ticket.terms.disputes and ticket.state == "resolved" and net > 0 and not ticket.dispute_open
    life.that((status < 400) == may, f"a dispute about {ticket.ticket_id} ({ticket.state}, {net}): {status} {answer}")
    if status < 400:
        ticket.dispute_open, ticket.disputes = True, ticket.disputes + 1
    return f"dispute about {ticket.ticket_id}: {status}"


@command(x_cart=6, rest=0)
async def decide(life: Life, rng: random.Random) -> str | None:
    """Upheld, reduced or returned."""
    found = [one for one in life.model.tickets.values() if one.dispute_open]
    if not found:
        return None
    ticket = rng.choice(found)
    net = life.model.charge(ticket.ticket_id)["net"]
    decision = rng.choice(("upheld", "reduced", "returned", "returned"))
    body: dict[str, Any] = {"decision": decision}
    if decision == "reduced":
        body["credits"] = rng.randrange(net) if net else 0
    bug = decision == "returned" and rng.random() < 0.4
    if bug:
        body["cause"] = "software_bug"
    status, answer = await verb(life, ticket, f"disputes/{ticket.disputes}/decision", body)
    if status >= 400:
        life.that(
            ticket.state != "resolved" or not net,
            f"a decision on {ticket.ticket_id} ({ticket.state}): {status} {answer}",
        )
        return f"decision on {ticket.ticket_id}: refused"
    back = {"upheld": 0, "returned": net, "reduced": net - body.get("credits", 0)}[decision]
    before = _live(life)
    life.model.each(ticket.ticket_id, "spent", back, bug=bug and _returns(ticket, "software_bug"))
    said = answer["disputes"][-1]
    usable = _live(life) - before
    life.that(
        (said["returned"], said["forfeited"]) == (usable, back - usable),
        f"{ticket.ticket_id}: returned {said['returned']}, forfeited {said['forfeited']}, should be"
        f" {usable} and {back - usable} (ALL-4)",
    )
    if bug:
        ticket.cause = "software_bug"
        ticket.returned_for_cause += back
    ticket.dispute_open, ticket.price = False, net - back
    same_charge(life, ticket, answer)
    return f"dispute about {ticket.ticket_id}: {decision}, {back} back"


def _live(life: Life) -> int:
    return sum(lot.available for lot in life.model.lots_all())


# --- Shopp ------------------------------------------------------------------------------------------------------------


@command(shopp=12, rest=1)
async def qualify(life: Life, rng: random.Random) -> str | None:
    """An agent accepts, rejects, or finds an exclusion late (TERMS-11, TERMS-12, TERMS-17)."""
    ticket = a_ticket(life, rng, "awaiting_qualification", "awaiting_qualification", "needs_facts", "in_progress")
    if ticket is None:
        return None
    if ticket.state == "in_progress" or rng.random() < 0.35:
        body = {"decision": "reject", "reasons": ["network_issue"], "note": "Seen in the log."}
    else:
        body = {"decision": "accept", "reasons": [], "note": "All is well."}
    status, answer = await verb(life, ticket, "qualification", body)
    if status >= 400:
        applied = life.model.committed(ticket.ticket_id) > 0
        life.that(
            not ticket.terms.by_agent or not ticket.open or not applied,
            f"{ticket.ticket_id} ({ticket.state}) cannot be qualified: {status} {answer}",
        )
        return f"qualification of {ticket.ticket_id}: refused"
    if ticket.state == "in_progress":
        life.model.capture_all(ticket.ticket_id)
        ticket.resolved_at = ticket.told
    elif body["decision"] == "reject":
        life.model.each(ticket.ticket_id, "held")
    else:
        life.that(life.model.committed(ticket.ticket_id) > 0, f"{ticket.ticket_id} is accepted without a credit")
        ticket.accepted = True
    ticket.state = answer["state"]
    if ticket.state in CLOSED:
        ticket.deadlines.clear()
    same_charge(life, ticket, answer)
    return f"{ticket.ticket_id}: {body['decision']}, {ticket.state}"


@command(shopp=6)
async def apply_credit(life: Life, rng: random.Random) -> str | None:
    """A credit for an open ticket (TERMS-15)."""
    ticket = a_ticket(life, rng, "needs_facts", "awaiting_credits")
    if ticket is None:
        return None
    kind = rng.choice(list(KINDS))
    if ticket.credit_type:
        kind = ticket.credit_type
    owner = life.model.who(ticket.owner)
    free = life.model.available(owner, kind)
    status, answer = await verb(life, ticket, "credits", {"credit_type": kind})
    if status >= 400:
        return f"credit for {ticket.ticket_id}: refused, {answer['code']}"
    life.that(free > 0, f"{ticket.ticket_id}: a credit was applied that is not there")
    ticket.credit_type = kind
    await decided(life, ticket, answer, free)
    return f"{kind} credit for {ticket.ticket_id}: {ticket.state}"


@command(shopp=4)
async def access(life: Life, rng: random.Random) -> str | None:
    """Access is asked for, or given (TERMS-8)."""
    ticket = a_ticket(life, rng, "needs_facts", "awaiting_qualification", "in_progress", "in_progress")
    if ticket is None:
        return None
    if ticket.deadlines and rng.random() < 0.5:
        number = rng.choice(sorted(ticket.deadlines))
        status, answer = await verb(life, ticket, f"access-requests/{number}/grant", {})
        life.that(status == 200, f"access to {ticket.ticket_id}: {status} {answer}")
        del ticket.deadlines[number]
        return f"access {number} of {ticket.ticket_id} is given"
    status, answer = await verb(life, ticket, "access-requests", {"kinds": ["ftp"]})
    if status >= 400:
        life.that(
            not ticket.open or ticket.state == "awaiting_credits", f"access to {ticket.ticket_id}: {status} {answer}"
        )
        return f"access to {ticket.ticket_id}: refused"
    asked = answer["access_requests"][-1]
    ticket.deadlines[asked["number"]] = at(asked["deadline_at"])
    return f"access to {ticket.ticket_id} is asked for until {asked['deadline_at']}"
