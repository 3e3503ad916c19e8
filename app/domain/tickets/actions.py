"""What may be done with a ticket now, by whom, and what the call still needs; derived from the ticket alone.

What the lifecycle or the policy never allows in a state is not listed. What is listed and not allowed bears the code
with which it would be refused, and names what comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.domain.policy import prices as list_prices
from app.domain.policy.conditions import facts_used, holds
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import TimePrice
from app.domain.tickets import pricing
from app.domain.tickets.cause import gives_all_back
from app.domain.tickets.handling import waits_for
from app.domain.tickets.session import CONSENT
from app.domain.tickets.ticket import LIFECYCLE, Action, Ticket
from app.domain.tickets.work import LINES_MAX
from app.domain.values.term import add_term
from app.domain.values.wire import parse_iso

TicketAction = Literal[
    "details",
    "choose",
    "withdraw",
    "accept",
    "reject",
    "assess",
    "confirm",
    "decline",
    "respond",
    "serve",
    "request_access",
    "grant_access",
    "reach",
    "pause",
    "resume",
    "apply_credit",
    "split",
    "merge",
    "log_work",
    "resolve",
    "reopen",
    "dispute",
    "decide_dispute",
    "correct_cause",
]
Party = Literal["customer", "vendor", "anyone"]
CREDITS: Final = "available_credits"
"""A need that is no member of the call: so many credits as it takes have to be there."""
COVER: Final = "cover"
"""A need that is no member of the call: cover has to serve the customer still."""
LICENSE: Final = "license_id"
"""A need of `details` beforehand: which license it is about, where the customer has several."""
_FIRST: Final[Mapping[str, TicketAction]] = {
    "needs_facts": "details",
    "awaiting_choice": "choose",
    "awaiting_credits": "details",
    "awaiting_assessment": "assess",
    "awaiting_qualification": "accept",
    CONSENT: "confirm",
}
"""What has to come first, by the state in which a ticket waits for it."""


@dataclass(frozen=True, slots=True)
class Possible:
    """An action that is in reach: by whom, what it needs, and why not yet where it is not allowed (``code``)."""

    action: TicketAction
    by: Party = "vendor"
    needs: tuple[str, ...] = ()
    code: str | None = None


def possible(
    ticket: Ticket, policy: Policy, *, at: datetime, charge: Mapping[str, int], running: Collection[str]
) -> list[Possible]:
    """The actions of a ticket as it stands ``at`` an instant. ``running``: the milestones whose clocks are live."""
    if ticket.state == "resolved":
        return list(_of_resolved(ticket, policy, at, charge))
    if ticket.closed:
        return []
    return [
        *_by_the_customer(ticket, charge),
        *_qualifying(ticket, policy),
        *_assessing(ticket, policy),
        *_serving(ticket, policy),
        *_waiting(ticket, policy, running),
        Possible("split", needs=("ticket_id",)),
        Possible("merge", needs=("into_ticket_id",)),
        *_ending(ticket, policy, charge),
    ]


def _may(ticket: Ticket, action: Action) -> bool:
    return (ticket.state, action) in LIFECYCLE


def _by_the_customer(ticket: Ticket, charge: Mapping[str, int]) -> Iterator[Possible]:
    if ticket.state == "awaiting_choice":
        yield Possible("choose", "customer", tuple(ticket.asks))
    yield Possible("details", "anyone", tuple(ticket.asks))
    yield Possible("withdraw", "customer")
    quote = ticket.quote
    if ticket.state == CONSENT and quote is not None:
        price = max(quote["credits"], quote.get("up_to") or 0)
        yield Possible("confirm", "customer", (CREDITS,) if price > charge["held"] else ())
        yield Possible("decline", "customer")


def _qualifying(ticket: Ticket, policy: Policy) -> Iterator[Possible]:
    """An agent's decision; after acceptance an exclusion that was found late ends the ticket."""
    rules = policy.qualification
    if rules.by != "agent":
        return
    if _may(ticket, "accept"):
        against = (ticket.recommendation or {}).get("decision") == "reject"
        if ticket.credit_applied_at is None:
            yield Possible("accept", needs=("apply_credit",), code="credit_required")
        else:
            yield Possible("accept", needs=("note",) if against else ())
    late = rules.late_exclusion_captures and any(ground.kind == "exclusion" for ground in rules.grounds)
    if rules.grounds and (ticket.undecided or late):
        yield Possible("reject", needs=("reasons",))


def _assessing(ticket: Ticket, policy: Policy) -> Iterator[Possible]:
    if not _may(ticket, "assess") or not policy.categories or policy.qualification.by == "agent":
        return
    category = policy.category(ticket.category) if ticket.category is not None else None
    leveled = category is None or category.level is not None
    one_of_several = leveled and policy.payment.license_required_clause and ticket.license_id is None
    license_: tuple[str, ...] = (LICENSE,) if one_of_several and ticket.pay_with != "credits" else ()
    if category is None:
        yield Possible("assess", needs=("category", *license_))
        return
    listed, needs = list_prices.quote(category, ticket.inputs), tuple[str, ...]()
    if isinstance(category.price, TimePrice):
        asked = category.confirm and policy.confirmation is not None and ticket.agreed_up_to is None
        needs = ("credits",) if asked and category.price.up_to is None else ()
    elif listed.missing:
        needs = tuple(f"inputs.{name}" for name in listed.missing)
    else:
        needs = ("credits",) if listed.credits is None else ()
    yield Possible("assess", needs=(*needs, *license_))


def _serving(ticket: Ticket, policy: Policy) -> Iterator[Possible]:
    """Words, service and work. Service waits for consent, qualification and the policy's gates."""
    yield Possible("respond", "anyone", ("author",))
    shut = _shut(ticket, policy)
    if shut is not None:
        yield Possible("serve", needs=shut[1], code=shut[0])
    else:
        yield Possible("serve", needs=_beyond_the_ticket(ticket, policy))
    if not _may(ticket, "work"):
        return
    if ticket.state == CONSENT and ticket.accepted_at is not None:
        shut = None  # work goes on within what was agreed
    yield _work(ticket, policy, shut)


def _work(ticket: Ticket, policy: Policy, shut: tuple[str, tuple[str, ...]] | None) -> Possible:
    if shut is not None:
        return Possible("log_work", needs=shut[1], code=shut[0])
    if len(ticket.work) >= LINES_MAX:
        return Possible("log_work", code="too_many_lines")
    charged = pricing.charged_by_time(policy, ticket) is not None
    return Possible("log_work", needs=("minutes", CREDITS) if charged else ("minutes",))


def _shut(ticket: Ticket, policy: Policy) -> tuple[str, tuple[str, ...]] | None:
    """Why the vendor may not serve it yet, and what has to come first; None where nothing that the ticket says does."""
    code = waits_for(policy, ticket)
    if code is not None:
        if code == "not_accepted" and ticket.reasons:
            code = ticket.reasons[0]["code"]  # a decision is refused with the code of its first reason
        return code, ("accept" if code == "not_qualified" else _FIRST[ticket.state],)
    for gate in policy.qualification.gates:
        own = not any("." in name for name in facts_used(gate.require))
        if own and holds(gate.require, {name: v for name, v in ticket.facts.items() if v is not None}) is not True:
            return gate.code, ("details",)
    return None


def _beyond_the_ticket(ticket: Ticket, policy: Policy) -> tuple[str, ...]:
    """The facts of gates that the account knows, and the ticket does not."""
    names = [name for gate in policy.qualification.gates for name in facts_used(gate.require) if "." in name]
    return tuple(dict.fromkeys(names))


def _waiting(ticket: Ticket, policy: Policy, running: Collection[str]) -> Iterator[Possible]:
    """Access, pauses, milestones, and credits that are applied."""
    if policy.access is not None and _may(ticket, "request_access"):
        yield Possible("request_access", needs=("kinds",))
    if any(asked["granted_at"] is None for asked in ticket.access_requests):
        yield Possible("grant_access", "customer", ("number",))
    yield Possible("pause", needs=("reason",))
    if any(pause["ended_at"] is None for pause in ticket.pauses):
        yield Possible("resume", "anyone")
    if any(promise.milestone in running for promise in policy.promises if "reached" in promise.stops):
        yield Possible("reach", needs=("milestone",))
    types = policy.credits.types if policy.credits is not None else ()
    if types and _may(ticket, "apply_credit") and ticket.credit_applied_at is None:
        yield Possible("apply_credit", "anyone", ("credit_type", CREDITS))


def _ending(ticket: Ticket, policy: Policy, charge: Mapping[str, int]) -> Iterator[Possible]:
    outcomes = [outcome for outcome in policy.outcomes if outcome.by_agent]
    if not _may(ticket, "resolve") or not outcomes:
        return
    unpriced = ticket.price is None and charge["held"]
    if not unpriced or not outcomes[0].captures:
        yield Possible("resolve")
    elif not all(way.captures for way in outcomes):
        yield Possible("resolve", needs=("outcome",))
    elif any(gives_all_back(policy, ticket, cause) for cause in policy.causes):
        yield Possible("resolve", needs=("cause",))
    else:
        yield Possible("resolve", needs=("assess",), code="assessment_required")


def _of_resolved(ticket: Ticket, policy: Policy, at: datetime, charge: Mapping[str, int]) -> Iterator[Possible]:
    """Reopened, disputed, its cause corrected, and work that is told late."""
    resolved = parse_iso(ticket.resolved_at or ticket.updated_at)
    if policy.reopening is not None and at < add_term(resolved, policy.reopening.window):
        looked_at = ticket.paid_by == "cover" or any(not plan.pays for plan in policy.plans)
        yield Possible("reopen", "anyone", (COVER,) if looked_at else ())
    disputed = any(dispute["decision"] is None for dispute in ticket.disputes)
    rule = policy.disputes
    in_time = rule is not None and (rule.window is None or at < add_term(resolved, rule.window))
    if in_time and charge["net"] and not disputed:
        yield Possible("dispute", "customer")
    if disputed:
        yield Possible("decide_dispute", needs=("number", "decision"))
    if any(cause.cause != ticket.cause for cause in policy.causes):
        if disputed:
            yield Possible("correct_cause", needs=("decide_dispute",), code="dispute_open")
        else:
            yield Possible("correct_cause", needs=("cause", "reason"))
    yield _work(ticket, policy, None)
