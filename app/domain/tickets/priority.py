"""A ticket's priority: what the helpdesk states, else what the policy makes of what is known of the ticket."""

from __future__ import annotations

from typing import Any, Final

from app.domain.policy.conditions import holds
from app.domain.policy.policy import Policy
from app.domain.tickets.ticket import Ticket

FACTS: Final = ("ticket.channel", "ticket.category", "ticket.product")
"""What a priority's condition may look at, beside the policy's own facts: it must not hang on the account."""


def priority_of(policy: Policy, ticket: Ticket) -> str | None:
    """The priority stated, else the first whose condition holds; None where none does."""
    if ticket.priority is not None or not policy.priorities:
        return ticket.priority
    facts: dict[str, Any] = {
        **{name: value for name, value in ticket.facts.items() if value is not None},
        "ticket.channel": ticket.channel,
        "ticket.category": ticket.category,
        "ticket.product": ticket.product,
    }
    return next(
        (rule.priority for rule in policy.priorities if rule.when is not None and holds(rule.when, facts) is True), None
    )
