"""What a ticket costs by the rules: the list's price, the surcharges that hold for it, and the work that was logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.domain.account import first_tickets
from app.domain.account.account import CustomerAccount
from app.domain.policy import prices as list_prices
from app.domain.policy import reckoning, work_time
from app.domain.policy.conditions import facts_used
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import TimePrice
from app.domain.policy.prices import Quote
from app.domain.policy.reckoning import PriceStep, Reckoned
from app.domain.policy.surcharges import OF_OPENING, Surcharge
from app.domain.policy.ticket_rules import Category
from app.domain.policy.wording import credit_words
from app.domain.tickets.qualification import describe, facts_for
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import Ticket
from app.domain.tickets.ticket_lists import Assessment
from app.domain.values.phrase import cited, concat, phrased

_FREE_AT: Final = 10**6
"""A price that only a factor of 0 makes nothing of."""


def depends_on_opening(policy: Policy) -> bool:
    """Whether a price looks at how the calendar stood when the ticket was opened."""
    return any(name in OF_OPENING for surcharge in policy.surcharges for name in facts_used(surcharge.when))


def of_ticket(account: CustomerAccount, ticket: Ticket, category: Category) -> list[Surcharge]:
    """The surcharges on the whole price of a ticket, as a ticket of this category."""
    policy = account.policy
    if not policy.surcharges:
        return []
    facts = {**facts_for(account, ticket), "ticket.category": category.category}
    spent = [
        rule.surcharge
        for rule in policy.surcharges
        if rule.first is not None
        and first_tickets.used_up(account.customer.data, rule.surcharge, rule.first, ticket.ticket_id)
    ]
    return reckoning.applying(policy, facts, of_work=False, spent=spent)


def why_not(policy: Policy, surcharges: Iterable[Surcharge]) -> dict[str, str]:
    """For each surcharge, in words, what would have to be otherwise for it not to apply."""
    found = {rule.surcharge: what_makes(policy, rule) for rule in surcharges}
    return {
        name: phrased("not so: %(condition)s", condition=words) for name, words in found.items() if words is not None
    }


def what_makes(policy: Policy, rule: Surcharge) -> str | None:
    """Return, in words, what a surcharge needs to apply; None where it needs nothing."""
    words = [] if rule.when is None else [describe(policy, rule.when)]
    if rule.first is not None:
        words.append(
            phrased("the first accepted ticket")
            if rule.first == 1
            else phrased("one of the first %(number)s accepted tickets", number=rule.first)
        )
    return concat(*words, between="; ") or None


def price_facts(session: TicketSession) -> dict[str, Any] | None:
    """What the surcharges on a whole price look at, as it stands; None where there are none."""
    policy = session.policy
    names = {name for rule in policy.surcharges if not rule.of_work for name in facts_used(rule.when)}
    if not names:
        return None
    facts = facts_for(session.account, session.ticket)
    return {name: facts.get(name) for name in sorted(names)}


def listed(session: TicketSession, category: Category, inputs: Mapping[str, int]) -> Quote:
    """The price by the list with the surcharges that hold; nothing is listed for time."""
    quote = list_prices.quote(category, inputs)
    surcharges = of_ticket(session.account, session.ticket, category)
    return list_prices.with_surcharges(session.policy, quote, surcharges, why_not(session.policy, surcharges))


def named_price(policy: Policy, quote: Quote, credits: int) -> Reckoned | None:
    """How a price is made that somebody named, or that the list names; None where no surcharge is in it."""
    if not quote.surcharges:
        return None
    if quote.made is not None and quote.made.credits == credits:
        return quote.made
    return reckoning.assessed_at(policy, credits, quote.clause, quote.surcharges, reading=quote.reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """The price of a ticket as far as it is known. ``credits`` None: nobody has named them yet."""

    category: Category | None
    credits: int | None
    missing: tuple[str, ...]
    above_list: bool
    waiting: Assessment | None
    listed: Quote | None = None


def price_of(session: TicketSession) -> Pricing:
    """What the ticket would cost: the waiting assessment's credits, else the list's."""
    ticket = session.ticket
    category = session.policy.category(ticket.category) if ticket.category is not None else None
    quote = ticket.quote
    if category is None:
        return Pricing(category=None, credits=None, missing=(), above_list=False, waiting=None)
    quoted = listed(session, category, ticket.inputs)
    waiting = quote if quote is not None and quote["category"] == category.category else None
    credits_, above, missing = quoted.credits, False, quoted.missing
    if isinstance(category.price, TimePrice):
        credits_ = 0 if is_free(session.policy, quoted.surcharges) else None
    elif waiting is not None:
        credits_, missing = waiting["credits"], ()
        above = waiting["outside_list"] and (quoted.most is None or waiting["credits"] > quoted.most)
    return Pricing(
        category=category, credits=credits_, missing=missing, above_list=above, waiting=waiting, listed=quoted
    )


# --- time -------------------------------------------------------------------------------------------------------------


def time_price(policy: Policy, name: str | None) -> TimePrice | None:
    """The price of a category by time; None where it has another one."""
    category = policy.category(name) if name is not None else None
    return category.price if category is not None and isinstance(category.price, TimePrice) else None


def charged_by_time(policy: Policy, ticket: Ticket) -> TimePrice | None:
    """By which price the work of a ticket is charged; None where work costs nothing of its own."""
    if ticket.accepted_at is None or ticket.paid_by not in ("credits", "nobody"):
        return None
    return time_price(policy, ticket.category)


def limit_of(ticket: Ticket, price: TimePrice) -> int | None:
    """Credits that the work may take before the customer is asked: as agreed, else as the price says."""
    return ticket.agreed_up_to if ticket.agreed_up_to is not None else price.up_to


def is_free(policy: Policy, surcharges: Sequence[Surcharge]) -> bool:
    """Whether these surcharges make any price 0."""
    return bool(surcharges) and reckoning.price_after(policy, _FREE_AT, surcharges) == 0


def work_price(
    policy: Policy,
    category: Category,
    lines: Iterable[work_time.Line],
    surcharges: Sequence[Surcharge],
    *,
    given_back: int = 0,
) -> Reckoned:
    """The price of the work so far, with the surcharges on the whole. ``given_back``: by an earlier ending."""
    price, worked = category.price, work_time.NOTHING
    if isinstance(price, TimePrice):
        worked = work_time.worked(policy, price, lines, clause=category.clause)
    found = reckoning.reckoned(
        policy, worked.steps, surcharges, start_surviving=worked.surviving, why_not=why_not(policy, surcharges)
    )
    if not given_back:
        return found
    off = min(given_back, found.credits)
    text = phrased(
        "%(credits)s of it had been given back before the ticket was reopened", credits=credit_words(policy, off)
    )
    step = PriceStep(step="given_back", credits=-off, summary=cited(text, category.clause), clause=category.clause)
    left = found.credits - off
    return Reckoned(credits=left, steps=(*found.steps, step), surviving=min(found.surviving, left))


def surcharges_of(assessment: Assessment) -> list[str]:
    """The names of the surcharges that an assessment was made with."""
    return [step["surcharge"] for step in assessment.get("steps", ()) if step["surcharge"] is not None]


def quoted_price(policy: Policy, ticket: Ticket, quote: Assessment, lines: Iterable[Any]) -> Reckoned | None:
    """What work comes to by a quote that waits; None where the quote is not for time."""
    category = policy.category(quote["category"]) if quote["category"] is not None else None
    if category is None or not isinstance(category.price, TimePrice):
        return None
    surcharges = reckoning.named(policy, surcharges_of(quote))
    return work_price(policy, category, lines, surcharges, given_back=ticket.returned_before)


def standing_price(
    policy: Policy, ticket: Ticket, lines: Iterable[Any] | None = None, *, given_back: int | None = None
) -> Reckoned | None:
    """What the work of a ticket comes to by the assessment in force; None where it is not charged by time.

    The surcharges are those of the assessment, so that the price follows from the ticket and its policy alone.
    ``lines`` and ``given_back``: in place of the ticket's own.
    """
    standing = ticket.in_force
    category = policy.category(ticket.category) if ticket.category is not None else None
    if standing is None or category is None or charged_by_time(policy, ticket) is None:
        return None
    return work_price(
        policy,
        category,
        ticket.work if lines is None else lines,
        reckoning.named(policy, surcharges_of(standing)),
        given_back=ticket.returned_before if given_back is None else given_back,
    )
