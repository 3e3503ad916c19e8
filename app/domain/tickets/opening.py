"""What becomes of a ticket when it is opened or something missing arrives: the rules' answer, carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.domain.clocks.calendar_facts import calendar_facts
from app.domain.cover import cover as covers
from app.domain.policy import prices as list_prices
from app.domain.policy.policy import Policy
from app.domain.policy.reckoning import Reckoned
from app.domain.policy.ticket_rules import Category
from app.domain.tickets import counts, pricing, qualification
from app.domain.tickets.admission import Admission, admit
from app.domain.tickets.session import Changes, TicketSession
from app.domain.tickets.ticket import CHANNELS, Action, State, Ticket, must_allow
from app.domain.values.decision import Reason
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, iso_or_none, reason_json, remedy_json

_STATUS: Final[Mapping[str, str]] = {
    "in_progress": "in_force",
    "awaiting_confirmation": "awaiting_confirmation",
    "awaiting_credits": "awaiting_credits",
}


def decide(
    session: TicketSession,
    kind: str,
    action: Action,
    *,
    values: Mapping[str, Any] | None = None,
    add: Mapping[str, Any] | None = None,
    change: Changes | None = None,
    event_data: Mapping[str, Any] | None = None,
) -> None:
    """Decides a ticket that nobody has accepted yet, carries out what follows, and records it."""
    verdict = qualification.judge(session.account, session.ticket)
    found = admit(session, verdict)
    changed: dict[str, Any] = {**(values or {}), **_carry_out(session, found)}
    changed.update(
        {
            "reasons": worded(session, found.reasons),
            "remedies": [remedy_json(remedy) for remedy in found.remedies],
            "options": found.options,
            "asks": list(found.asks),
            "checks": [result.json() for result in verdict.results],
            "recommendation": verdict.recommendation() if session.policy.qualification.by == "agent" else None,
            "paid_by": found.paid_by,
            "cover_id": found.cover.cover_id if found.cover else None,
        }
    )
    if session.policy.counts:
        changed["counts"] = counts.pins_of(session.account, session.ticket)
    if found.state in ("in_progress", "rejected"):
        verb = "accept" if found.state == "in_progress" else "reject"
        changed["qualification"] = ruled(session, verb, changed["reasons"])
    if found.state == "in_progress":
        changed["accepted_at"] = iso(session.when)
    if found.by_time:
        changed["reserved"] = found.commit
    more_add, more_change = _history(session, found)
    if found.state == "awaiting_confirmation":
        changed["confirmation_expires_at"] = iso_or_none(session.consent_until())
    changes = {name: dict(items) for name, items in (change or {}).items()}
    for number, update in more_change.items():
        changes.setdefault("assessments", {})[number] = {**changes.get("assessments", {}).get(number, {}), **update}
    session.record(
        kind,
        action,
        to=found.state,
        values=changed,
        add={**(add or {}), **more_add},
        change=changes,
        event_data={"reasons": changed["reasons"], **(event_data or {})},
    )


def worded(session: TicketSession, reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Reasons as published, in the ticket's language where the policy has words in it."""
    return [reason_json(reason) for reason in session.translated(reasons)]


def ruled(session: TicketSession, decision: str, reasons: list[dict[str, Any]]) -> dict[str, Any]:
    """A qualification by the rules alone."""
    return {"decision": decision, "reasons": reasons, "by": "rules", "at": iso(session.when), "note": None}


def _carry_out(session: TicketSession, found: Admission) -> dict[str, Any]:
    changed: dict[str, Any] = {"price": found.price}
    if found.state == "rejected":
        session.release_all(reason="rejected")
        return {**changed, "price": None}
    if found.applies_credit and session.ticket.credit_applied_at is None:
        return session.apply_credit()
    if found.applies_credit:
        return {"price": 1}
    terms = session.advance_terms() if found.price is None and session.ticket.agreed_up_to else None
    session.adjust_hold_to(found.commit, reason="decided_again", terms=terms)
    if found.starts_cover and found.cover is not None:
        found.cover = covers.start_pending(session.account, session.when) or found.cover
    return changed


def _history(session: TicketSession, found: Admission) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """The assessment that goes with a price by the rules, or what becomes of the one that waited."""
    ticket, quote = session.ticket, session.ticket.quote
    status = _STATUS.get(found.state, "pending")
    now = iso(session.when)
    if quote is not None:
        changes: dict[str, Any] = {"status": status, "decided_at": now if status == "in_force" else None}
        if found.paid_by in ("cover", "nobody"):
            changes["credits"] = 0
        elif found.by_time and found.made is not None:
            changes.update(credits=found.made.credits, **made_members(found.made))
        return {}, {quote["number"]: changes}
    if found.quoted is None or ticket.category is None or status == "pending":
        return {}, {}
    category = list_prices.category_named(session.policy, ticket.category)
    entry = assessment_entry(session, category, found.quoted, status=status, by="rules", made=found.made)
    if found.up_to is not None:
        entry["up_to"] = found.up_to
    return {"assessments": entry}, {}


def assessment_entry(
    session: TicketSession,
    category: Category | None,
    credits: int,
    *,
    status: str,
    by: str | None,
    reason: str | None = None,
    outside_list: bool = False,
    list_credits: int | None = None,
    inputs: dict[str, int] | None = None,
    made: Reckoned | None = None,
) -> dict[str, Any]:
    """A line of the numbered history of assessments."""
    level = category is not None and category.level is not None and credits == 0
    entry: dict[str, Any] = {
        "number": len(session.ticket.assessments) + 1,
        "category": category.category if category else None,
        "inputs": dict(session.ticket.inputs if inputs is None else inputs),
        "credits": credits,
        "list_credits": credits if by == "rules" else list_credits,
        "status": status,
        "reason": reason,
        "outside_list": outside_list,
        "clause": None if category is None else (category.level_clause if level else None) or category.clause,
        "reading": bool(category and (category.reading or qualification.is_reading(session.policy, category.clause))),
        "at": iso(session.when),
        "by": by,
        "decided_at": iso(session.when) if status == "in_force" else None,
    }
    return entry if made is None else {**entry, **made_members(made)}


def made_members(made: Reckoned) -> dict[str, Any]:
    """What an assessment says of how its price is made."""
    return {"steps": [step.json() for step in made.steps], "surviving": made.surviving}


# --- opening and details ----------------------------------------------------------------------------------------------


def open_ticket(session: TicketSession, stated: Mapping[str, Any]) -> None:
    """A new ticket: recorded whatever the rules say of it (decision 0005). ``stated``: what the helpdesk says."""
    check_stated(session, stated)
    ticket = session.ticket
    for name, value in stated.items():
        setattr(ticket, name, value)
    ticket.opened_at = iso(session.when)
    ticket.policy_name, ticket.policy_version = session.policy.policy, session.policy.version
    values = {
        name: getattr(ticket, name) for name in ("opened_at", "policy_name", "policy_version", "parent_id", *stated)
    }
    if pricing.depends_on_opening(session.policy):
        ticket.opening = values["opening"] = calendar_facts(session.clocks.hours, session.when)
    decide(session, "opened", "open", values=values)


def check_stated(session: TicketSession, stated: Mapping[str, Any]) -> None:
    """What the policy must know: 422 naming the field (category, inputs, facts, credit_type, pay_with)."""
    policy = session.policy
    if stated.get("category") is not None:
        list_prices.category_named(policy, stated["category"])
    check_priority(policy, stated.get("priority"))
    if stated.get("inputs"):
        list_prices.check_inputs(policy, stated.get("category") or session.ticket.category, stated["inputs"])
    qualification.check_facts(policy, stated.get("facts") or {})
    pay_with, means = stated.get("pay_with"), policy.payment.means
    if pay_with is not None and pay_with not in means:
        raise DomainError("unknown_pay_with", field="pay_with", pay_with=pay_with, known=list(means))
    channel = stated.get("channel")
    if channel is not None and channel not in CHANNELS:
        raise DomainError("unknown_channel", field="channel", channel=channel, known=list(CHANNELS))
    credit_type = stated.get("credit_type")
    if credit_type is not None and policy.credit_type(credit_type) is None:
        raise DomainError(
            "unknown_credit_type",
            field="credit_type",
            credit_type=credit_type,
            known=[kind.credit_type for kind in (policy.credits.types if policy.credits else ())],
        )


def check_priority(policy: Policy, priority: str | None) -> None:
    """Refuses a priority that the policy does not name: 422 ``unknown_priority``."""
    known = [rule.priority for rule in policy.priorities]
    if priority is not None and priority not in known:
        raise DomainError("unknown_priority", field="priority", priority=priority, known=known)


def details(session: TicketSession, stated: Mapping[str, Any]) -> None:
    """What was missing or asked for; decides again (decision 0005). An accepted ticket takes facts, a priority and a
    link only."""
    ticket = session.ticket
    check_stated(session, stated)
    values: dict[str, Any] = {name: value for name, value in stated.items() if value is not None and name != "facts"}
    if stated.get("facts"):
        values["facts"] = {**ticket.facts, **stated["facts"]}
    must_allow(ticket.state, "state_details")
    if ticket.accepted_at is not None:
        if fixed := sorted(set(values) - {"facts", "external_url", "priority", "requester", "metadata"}):
            raise DomainError("wrong_state", state=ticket.state, action="state_details", fields=fixed)
        session.record("details_stated", "state_details", to=same(ticket), values=values)
        return
    quote = ticket.quote
    by_rules = session.policy.surcharges and quote is not None and quote["by"] == "rules"
    named = ("category", "inputs", *(("facts", "priority") if by_rules else ()))
    changed = any(values.get(name, getattr(ticket, name)) != getattr(ticket, name) for name in named)
    change: dict[str, dict[int, dict[str, Any]]] = {}
    if quote is not None and changed:
        change = {"assessments": {quote["number"]: {"status": "superseded"}}}
    if ticket.credit_applied_at is not None and values.get("credit_type", ticket.credit_type) != ticket.credit_type:
        raise DomainError("credit_already_applied", credit_type=ticket.credit_type)
    session.record("details_stated", "state_details", to=same(ticket), values=values, change=change)
    decide(session, "decided", "state_details")


def same(ticket: Ticket) -> State:
    """The state it is in, for events that leave it there."""
    return ticket.state  # type: ignore[return-value]


def apply_credit(session: TicketSession, credit_type: str, *, add: Mapping[str, Any] | None = None) -> None:
    """Applies a credit to an open ticket (TERMS-15). Refused: ``unknown_credit_type``, ``credit_already_applied``,
    ``wrong_credit_type`` and other rejections by the checks (no trace), ``insufficient_credits``."""
    ticket = session.ticket
    check_stated(session, {"credit_type": credit_type})
    if ticket.credit_applied_at is not None:
        raise DomainError("credit_already_applied", credit_type=ticket.credit_type, applied_at=ticket.credit_applied_at)
    before = ticket.credit_type
    ticket.credit_type = credit_type
    verdict = qualification.judge(session.account, ticket)
    if verdict.rejections:
        raise DomainError("credit_refused", decision=session.decision(verdict.rejections, verdict.remedies))
    if session.policy.qualification.by == "agent" and session.reach < 1:
        raise session.insufficient(1)
    ticket.credit_type = before
    decide_with(session, credit_type, add)


def decide_with(session: TicketSession, credit_type: str, add: Mapping[str, Any] | None) -> None:
    """Decides with a credit type that is just being applied."""
    session.record(
        "credit_named", "apply_credit", to=same(session.ticket), values={"credit_type": credit_type}, add=add
    )
    decide(session, "credit_applied", "apply_credit", event_data={"credit_type": credit_type})
