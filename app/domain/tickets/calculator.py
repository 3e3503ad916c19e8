"""The price calculator: what a ticket would cost, by the functions that price a ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.account import first_tickets
from app.domain.account.account import CustomerAccount
from app.domain.clocks.calendar_facts import calendar_facts
from app.domain.clocks.ticket_clock import Hours
from app.domain.policy import prices as list_prices
from app.domain.policy import reckoning
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import TimePrice
from app.domain.policy.prices import Quote
from app.domain.policy.reckoning import Reckoned
from app.domain.policy.surcharges import Surcharge
from app.domain.policy.ticket_rules import Category
from app.domain.tickets import counts, pricing
from app.domain.tickets.charge import TicketCharge
from app.domain.tickets.priority import priority_of
from app.domain.tickets.qualification import facts_for
from app.domain.tickets.ticket import Ticket
from app.domain.tickets.work_line import WorkLine
from app.domain.tickets.work_parts import parts_of
from app.domain.values.decision import Decision
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId, TicketId
from app.domain.values.wire import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkAsked:
    """A line of work that might be logged."""

    minutes: int
    kind: str | None = None
    billable: bool = True
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is said of a ticket that might be opened."""

    category: Category
    inputs: Mapping[str, int]
    at: datetime
    credits: int | None = None
    channel: str | None = None
    language: str | None = None
    product: str | None = None
    priority: str | None = None
    license_id: str | None = None
    facts: Mapping[str, Any]
    work: Sequence[WorkAsked] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What it would cost. ``made``: its steps, where more than the list makes it; ``absent``: surcharges that do not
    apply, each with what would have to be so."""

    listed: Quote
    made: Reckoned | None
    absent: Sequence[tuple[Surcharge, str | None]]
    ticket: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a customer has for a price: credits that may pay it, those that may be overdrawn, and what a limit leaves.

    ``decision``: whether they are enough, else every reason and what helps.
    """

    available: int
    overdraft_left: int
    limit_left: int | None
    decision: Decision


def means(account: CustomerAccount, ticket: Ticket, credits: int) -> Means:
    """Return what an account has for so many credits, as a ticket that was just opened would find it."""
    charge = TicketCharge(account=account, ticket=ticket)
    limit = counts.limit_of(account, ticket)
    enough = charge.reach >= credits
    reasons = () if enough else charge.want_of_credits(credits)
    helps = () if enough else charge.lacking(credits)
    return Means(
        available=charge.available,
        overdraft_left=max(charge.headroom, 0),
        limit_left=None if limit is None else limit.left,
        decision=charge.decision(reasons, helps, allowed=enough),
    )


def price(policy: Policy, hours: Hours, asked: Asked, account: CustomerAccount | None) -> Answer:
    """The price of a ticket as described; for nobody in particular without an account."""
    ticket = _ticket(hours, asked, account)
    facts = _facts(policy, ticket, account)
    spent = [
        rule.surcharge
        for rule in policy.surcharges
        if rule.first is not None
        and account is not None
        and first_tickets.used_up(account.customer.data, rule.surcharge, rule.first, "")
    ]
    surcharges = reckoning.applying(policy, facts, of_work=False, spent=spent)
    quote = list_prices.quote(asked.category, asked.inputs)
    listed = list_prices.with_surcharges(policy, quote, surcharges, pricing.why_not(policy, surcharges))
    lines = _lines(policy, hours, asked, facts)
    made = listed.made
    if isinstance(asked.category.price, TimePrice):
        made = pricing.work_price(policy, asked.category, lines, surcharges)
    elif asked.credits is not None:
        made = pricing.named_price(policy, listed, asked.credits)
    applied = {rule.surcharge for rule in surcharges}
    for line in lines:
        applied |= {*line["adds"], *(name for part in line["parts"] for name in part["surcharges"])}
    absent = [(rule, pricing.what_makes(policy, rule)) for rule in policy.surcharges if rule.surcharge not in applied]
    return Answer(listed=listed, made=made, absent=absent, ticket=ticket)


def _ticket(hours: Hours, asked: Asked, account: CustomerAccount | None) -> Ticket:
    return Ticket(
        ticket_id=TicketId(""),
        external_id="",
        customer_id=CustomerId(""),
        person_id=None if account is None else account.asked_by,
        subject="",
        opened_at=iso(asked.at),
        channel=asked.channel,
        language=asked.language,
        product=asked.product,
        license_id=asked.license_id,
        priority=asked.priority,
        category=asked.category.category,
        facts=dict(asked.facts),
        opening=calendar_facts(hours, asked.at),
    )


def _facts(policy: Policy, ticket: Ticket, account: CustomerAccount | None) -> dict[str, Any]:
    if account is not None:
        return facts_for(account, ticket)
    return {
        **ticket.facts,
        "ticket.channel": ticket.channel,
        "ticket.category": ticket.category,
        "ticket.priority": priority_of(policy, ticket),
        "ticket.product": ticket.product,
        **{rule.fact: 0 for rule in policy.counts},
        **{f"ticket.opened_{name}": value for name, value in (ticket.opening or {}).items()},
    }


def _lines(policy: Policy, hours: Hours, asked: Asked, facts: Mapping[str, Any]) -> list[WorkLine]:
    lines: list[WorkLine] = []
    for number, work in enumerate(asked.work, 1):
        if work.kind is not None and policy.work_kind(work.kind) is None:
            known = [rule.kind for rule in (policy.work.kinds if policy.work else ())]
            place = ("work", str(number - 1), "kind")  # a JSON pointer to the line of the request
            raise DomainError("unknown_work_kind", field="/" + "/".join(place), kind=work.kind, known=known)
        begin = work.occurred_at or asked.at
        parts, adds = parts_of(policy, hours, facts, begin, work.minutes, work.kind)
        lines.append(
            {
                "number": number,
                "minutes": work.minutes,
                "kind": work.kind,
                "billable": work.billable,
                "note": None,
                "occurred_at": iso(begin),
                "recorded_at": iso(asked.at),
                "by": None,
                "corrects": None,
                "parts": parts,
                "adds": adds,
            }
        )
    return lines
