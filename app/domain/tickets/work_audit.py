"""Whether a ticket's work lines, its assessment in force, its price, its holds and its events say the same number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.tickets import pricing
from app.domain.tickets.ticket import Fact, Ticket, fold

Finding = tuple[str, str]
"""What should be there, and what is."""
_MEMBERS: Final = ("price", "reserved", "returned_before", "paid_by", "category", "state", "work")


def faults(policy: Policy, ticket: Ticket, facts: Sequence[Fact]) -> Iterator[Finding]:
    """Every way in which the ticket contradicts itself, its events or the policy's own arithmetic."""
    yield from _events(ticket, facts)
    made, standing = pricing.standing_price(policy, ticket), ticket.in_force
    if made is None or standing is None:
        return
    steps = sum(step["credits"] for step in standing.get("steps", ()))
    if not ticket.returned_before and steps != standing["credits"]:
        yield f"steps of {standing['credits']}", f"steps of {steps}"
    settled = any(dispute["decision"] is not None for dispute in ticket.disputes)
    if not settled and (standing["credits"], ticket.price) != (made.credits, made.credits):
        found = f"assessed at {standing['credits']}, a price of {ticket.price}"
        yield f"work for {made.credits}", found
    yield from _holds(policy, ticket)


def _events(ticket: Ticket, facts: Sequence[Fact]) -> Iterator[Finding]:
    """The ticket is the fold of its events."""
    folded = fold(
        facts,
        ticket_id=ticket.ticket_id,
        customer_id=ticket.customer_id,
        external_id=ticket.external_id,
        subject=ticket.subject,
    )
    for name in _MEMBERS:
        by_events, stands = getattr(folded, name, None), getattr(ticket, name)
        if name == "work":
            by_events, stands = _figures(by_events), _figures(stands)
        if by_events != stands:
            yield f"{name} by its events: {by_events}", f"{name}: {stands}"


def _figures(lines: Any) -> list[Any]:
    """What of each line its charge follows from: no word that an erasure takes."""
    names = ("number", "minutes", "billable", "occurred_at", "corrects", "parts", "adds")
    return [[line[name] for name in names] for line in lines or ()]


def _holds(policy: Policy, ticket: Ticket) -> Iterator[Finding]:
    """What is held and taken is the price; what is set aside for work to come is held beside it."""
    charge, price = ticket.charge, ticket.price or 0
    if ticket.state == "in_progress" and ticket.paid_by == "credits":
        due = max(price, ticket.reserved or 0)
        if charge["held"] + charge["net"] != due:
            yield f"{due} held and taken", f"{charge['held']} held, {charge['net']} taken"
    elif ticket.state == "resolved":
        outcome = next((rule for rule in policy.outcomes if rule.outcome == ticket.outcome), None)
        if outcome is not None and not outcome.captures:
            return
        if charge["net"] + (ticket.returned_for_cause or 0) != price:
            yield f"{price} taken or returned", f"{charge['net']} taken, {ticket.returned_for_cause} returned"
