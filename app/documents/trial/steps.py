"""What is said of a ticket and done with it in a trial: whatever a helpdesk may say and do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final

from app.domain.account.changes import AgendaItem, Plan
from app.domain.clocks.stored import breaches_json
from app.domain.orders.remedies import REQUEST_KIND
from app.domain.policy.conditions import All, AnyOf, Condition, Not, Test
from app.domain.policy.policy import Policy
from app.domain.policy.prices import category_named, quote
from app.domain.policy.ticket_rules import FactSpec
from app.domain.tickets import assessment, cause, closing, handling, leaving, opening, pauses, work
from app.domain.tickets.session import TicketSession
from app.domain.tickets.work import WorkEntry
from app.domain.values.wire import jsonable

Stated = dict[str, Any]
REASON: Final = "trial"
"""What is said wherever a reason or a note is wanted."""
OWN: Final = "own"
"""In place of a license's id: one of the customer's own."""
UNFRIENDLY_MAX: Final = 5
"""Kinds of tickets of which little is said, or what is not so."""
SILENT: Final[Stated] = {
    "channel": None,
    "language": None,
    "license_id": None,
    "product": None,
    "facts": {},
    "category": None,
    "inputs": {},
    "agreed_up_to": None,
    "pay_with": None,
    "credit_type": None,
    "priority": None,
    "opened_by": "customer",
}
"""A ticket of which nothing is said."""

# --- what is said -----------------------------------------------------------------------------------------------------


def kinds(policy: Policy) -> Iterator[Stated]:
    """What a helpdesk may say of a ticket, each thing in a few ways: the friendly one first."""
    named: list[Stated] = [
        {"category": category.category, "inputs": {spec.name: min(1, spec.most) for spec in category.inputs}}
        for category in policy.categories
    ]
    if policy.credits is not None and policy.qualification.by == "agent":
        named += [{"credit_type": kind.credit_type} for kind in policy.credits.types]
    variants: list[Stated] = [
        {"channel": "helpdesk", "facts": _friendly(policy), "license_id": OWN, "language": _language(policy)},
        {"channel": None, "facts": {}},
        {"channel": "email", "facts": _contrary(policy), "license_id": "lic_of_nobody", "language": "xx"},
    ]
    means = policy.payment.means
    for number, row in enumerate([*named, {}]):
        variants[0]["facts"] = _friendly(policy, row)
        yield {**row, **variants[0], "pay_with": means[number % len(means)] if means and number % 2 else None}
    for number, row in enumerate([{}, *named[:UNFRIENDLY_MAX]]):
        yield {**row, **variants[1 + number % 2], "agreed_up_to": 50 if number % 2 else None}


def _language(policy: Policy) -> str:
    return policy.ticket_languages[0] if policy.ticket_languages else "en"


def _value(spec: FactSpec, *, last: bool = False) -> Any:
    match spec.type:
        case "boolean":
            return not last
        case "choice":
            return spec.values[-1 if last else 0] if spec.values else None
        case "integer":
            return -1 if last else 1
        case "text":
            return "something else" if last else "something"


def _friendly(policy: Policy, stated: Stated | None = None) -> dict[str, Any]:
    """Facts that the checks ask for, as far as single comparisons tell it; some value for the others."""
    facts = {spec.fact: _value(spec) for spec in policy.facts}
    kinds_ = {spec.fact: spec for spec in policy.facts}
    for check in policy.qualification.checks:
        for test, holds in _wishes(check.require):
            if test.fact in kinds_ and (value := _value_for(test, kinds_[test.fact], holds=holds)) is not None:
                facts[test.fact] = value
    kind = policy.credit_type((stated or {}).get("credit_type") or "")
    if kind is not None and kind.serves and REQUEST_KIND in kinds_:
        facts[REQUEST_KIND] = kind.serves[0]
    return {name: value for name, value in facts.items() if value is not None}


def _wishes(condition: Condition | None, *, holds: bool = True) -> Iterator[tuple[Test, bool]]:
    """The comparisons of a condition, each with whether it is to hold, so that the whole does."""
    match condition:
        case Test():
            yield condition, holds
        case Not(no=part):
            yield from _wishes(part, holds=not holds)
        case All(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from _wishes(part, holds=holds)


def _value_for(test: Test, spec: FactSpec, *, holds: bool) -> Any:
    value = test.value[0] if isinstance(test.value, tuple) and test.value else test.value
    if holds == (test.op in ("eq", "in", "ge", "le")):
        return value
    if isinstance(value, bool):
        return not value
    return next((value_ for value_ in spec.values if value_ != value), None)


def _contrary(policy: Policy) -> dict[str, Any]:
    facts = {spec.fact: _value(spec, last=True) for spec in policy.facts}
    return {name: value for name, value in facts.items() if value is not None}


# --- what is done with a ticket ---------------------------------------------------------------------------------------

Step = tuple[str, Callable[[], Any]]
"""Words for a failure, and what is done."""


def undecided(session: TicketSession, stated: Stated) -> Iterator[Step]:
    """What may be lacking before anybody works on it."""
    policy, means = session.policy, session.policy.payment.means
    yield "stating details", partial(assessment.restate, session, {"facts": _friendly(policy, stated)})
    if means and session.ticket.state == "awaiting_choice":
        yield "choosing who pays", partial(assessment.restate, session, {"pay_with": means[0]})
    if policy.credits is not None and session.ticket.credit_type is None:
        for kind in policy.credits.types:
            yield "applying a credit", partial(opening.apply_credit, session, kind.credit_type)
    if stated.get("category") is not None:
        yield f"assessing the category `{stated['category']}`", partial(_assessed, session, stated)
    yield "the customer's consent", partial(_consents, session)
    yield "qualifying", partial(handling.qualify, session, decision="accept", codes=[], note="trial", by=None)


def _assessed(session: TicketSession, stated: Stated) -> None:
    listed = quote(category_named(session.policy, stated["category"]), stated["inputs"])
    named = None if listed.credits is not None else max(listed.least or 0, 1)
    assessment.assess(
        session, category=stated["category"], inputs=stated["inputs"], credits=named, reason=REASON, by=None
    )


def _consents(session: TicketSession) -> None:
    if session.ticket.quote is not None:
        assessment.confirm(session, session.ticket.quote["number"], accept=True)


def worked_on(session: TicketSession, turn: int) -> Iterator[Step]:
    """Messages of both sides; every fourth ticket is rejected by a ground."""
    respond = partial(handling.respond, session, public=True, by=None)
    yield "a customer's message", partial(respond, author="customer", kind="inquiry")
    yield "a service response", partial(respond, author="vendor", kind="service")
    entry = WorkEntry(minutes=50, note="trial")
    yield "logging work", partial(work.log, session, entry, by=None)
    yield "correcting work", partial(work.log, session, replace(entry, minutes=20, corrects=1), by=None)
    grounds = session.policy.qualification.grounds
    if grounds and turn % 4 == 3:
        code = grounds[turn % len(grounds)].code
        reject = partial(handling.qualify, session, decision="reject", codes=[code], note="trial", by=None)
        yield f"rejecting with `{code}`", reject


def waited(session: TicketSession, turn: int) -> Iterator[Step]:
    """Waits for access and for each reason that the policy names; every other wait ends by itself."""
    policy = session.policy
    if policy.access is not None:
        kinds_ = policy.access.kinds[:1]
        yield "asking for access", partial(handling.request_access, session, kinds=kinds_, deadline_at=None)
        if turn % 2 == 0:
            yield ("granting access", lambda: handling.grant_access(session, len(session.ticket.access_requests)))
    for reason in policy.pause_reasons[:8]:
        yield f"pausing for `{reason.reason}`", partial(pauses.pause, session, reason=reason.reason, party=None)
        if turn % 2 == 0:
            yield "going on", partial(pauses.resume, session, reason=reason.reason)


def ended(session: TicketSession, turn: int) -> Iterator[Step]:
    """Resolves it in one of the ways there are, reopens it once, disputes the charge, and corrects the cause."""
    policy = session.policy
    outcomes = [outcome.outcome for outcome in policy.outcomes if outcome.by_agent]
    causes: list[str | None] = [*(cause_.cause for cause_ in policy.causes), None]

    def resolve(number: int) -> None:
        outcome = outcomes[number % len(outcomes)] if outcomes else None
        closing.resolve(session, outcome=outcome, cause=causes[number % len(causes)], result={}, by=None)

    decision = ("returned", "upheld")[turn % 2]
    yield "going on", partial(pauses.resume, session, reason=None)
    yield "resolving", partial(resolve, turn)
    yield "reopening", partial(leaving.reopen, session, reason=REASON)
    yield "resolving again", partial(resolve, turn + 1)
    yield "a dispute", partial(closing.dispute, session, reason=REASON)
    yield ("deciding a dispute", partial(closing.decide_dispute, session, 1, decision=decision, credits=None, by=None))
    for cause_ in policy.causes[:8]:
        correct = partial(cause.correct_cause, session, cause=cause_.cause, reason=REASON, by=None)
        yield f"correcting the cause to `{cause_.cause}`", correct
    yield "a withdrawal", partial(leaving.withdraw, session)


def judged(session: TicketSession) -> None:
    """Does what a sweep does."""
    closing.fall_due(session)
    session.clocks.judge(at=session.at)


def view(session: TicketSession) -> dict[str, Any]:
    """What a reader of the ticket is shown: how it stands, what it costs, how its clocks stand and what they missed."""
    clocks = [
        {"due_at": clock.state(session.at).due_at, "breaches": breaches_json(clock.clock_id, clock.facts(session.at))}
        for clock in session.clocks.clocks
    ]
    shown = {"ticket": session.ticket.document(), "charge": session.charge(), "clocks": clocks}
    return {name: jsonable(value) for name, value in shown.items()}


def written(plan: Plan) -> None:
    """Writes down everything that the writer would store as JSON."""
    texts: list[Any] = [event.payload for event in plan.events] + [outbox_event.data for outbox_event in plan.outbox]
    texts += [agenda_item.payload for agenda_item in plan.agenda if isinstance(agenda_item, AgendaItem)]
    texts += [ticket.document for ticket in plan.tickets.values()] + [clock.spec for clock in plan.clocks.values()]
    json.dumps(jsonable(texts))
