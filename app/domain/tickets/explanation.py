"""A ticket's explanation, step by step, in sentences a clerk can read out: in the policy's words and units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from app.domain.cover.cover import term_zone
from app.domain.policy.conditions import facts_used
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import FixedPrice
from app.domain.policy.wording import (
    are,
    capital,
    cited,
    credit_words,
    day_of,
    joined,
    minutes_words,
    plain,
    price_words,
    sentences,
    title_of,
    was,
)
from app.domain.tickets.counts import pin_words
from app.domain.tickets.ticket import Ticket

Row = Mapping[str, Any]
_STATES: Final = {
    "needs_facts": "waits for what is not stated yet",
    "awaiting_qualification": "waits for a representative to qualify it",
    "awaiting_assessment": "waits for an assessment",
    "awaiting_choice": "waits for the customer's choice",
    "awaiting_confirmation": "waits for the customer to confirm the price",
    "awaiting_credits": "waits for credits or cover",
    "in_progress": "is worked on",
    "resolved": "is resolved",
    "rejected": "was rejected",
    "withdrawn": "was withdrawn",
}


def assessment_sentence(policy: Policy, row: Row) -> str:
    """How a price came about: ``Assessed at 25 points: level 2, fixed price (XC-6).``"""
    category = policy.category(row["category"]) if row["category"] else None
    title = plain(category.title) if category is not None else "the ticket"
    credits_ = int(row["credits"])
    if category is not None and category.level is not None and not credits_ and row["clause"] == category.level_clause:
        how = "included in a level of support"
    elif row["outside_list"]:
        how = f"outside the list ({price_words(policy, category, row['inputs'])})"
        how += f": {row['reason']}" if row.get("reason") else ""
    elif not credits_:
        free = category is not None and category.price == FixedPrice(credits=0)
        how = "it costs nothing" if free else "paid by cover"
    else:
        how = price_words(policy, category, row["inputs"])
    text = f"Assessed at {credit_words(policy, credits_)}: {title}, {how}"
    if row.get("steps") or row.get("up_to") is not None:
        limit = f" Work may take up to {credit_words(policy, row['up_to'])}." if row.get("up_to") is not None else ""
        text = cited(f"Assessed at {credit_words(policy, credits_)}: {title}", row["clause"]) + limit
        return sentences(text, *(step["summary"] for step in row.get("steps", ())), _AFTER.get(row["status"]))
    return sentences(cited(text, row["clause"]), _AFTER.get(row["status"]))


_AFTER: Final = {
    "pending": "It does not stand yet.",
    "declined": "The customer did not agree to it.",
    "superseded": "A later assessment took its place.",
}


def check_sentence(policy: Policy, result: Row) -> str:
    """What a check of the policy came to."""
    check = next((check for check in policy.qualification.checks if check.check == result.get("check")), None)
    name = str(result.get("requirement") or result.get("check") or "a check").replace("_", " ")
    match result.get("result"):
        case "failed":
            text = "See the reasons." if check is None or "{" in check.message else check.message
        case "passed":
            text = f"Checked and passed: {name}."
        case "unknown":
            text = f"Not judged, since it was not stated: {name}."
        case _:
            text = f"Does not apply here: {name}."
    return cited(text, result.get("clause"))


def reason_sentences(reasons: Iterable[Row]) -> str:
    """Reasons as published, each with its clause."""
    return sentences(*(cited(str(reason["message"]), reason.get("clause")) for reason in reasons))


# --- steps ------------------------------------------------------------------------------------------------------------


def step_sentence(policy: Policy, kind: str, payload: Row, operations: Sequence[Row]) -> str:
    """What one event did, and the credits that moved by it."""
    sentence_of = _STEPS.get(kind)
    changed: Row = payload.get("set", {})
    sentence = sentence_of(policy, payload) if sentence_of is not None else f"{capital(kind.replace('_', ' '))}."
    find = _CLAUSES.get(kind)
    if sentence is not None and find is not None and not sentence.endswith(")."):
        sentence = cited(sentence, find(policy, payload))
    assessed = [assessment_sentence(policy, row) for row in assessments_of(payload)]
    reasons = reason_sentences(changed.get("reasons") or ())
    counted = _counted(policy, changed)
    return sentences(sentence, *assessed, *(operation["summary"] for operation in operations), *counted, reasons)


def _counted(policy: Policy, changed: Row) -> list[str]:
    """The counts that checks which passed looked at, as they stood."""
    pins: Row = changed.get("counts") or {}
    passed = {result["check"] for result in changed.get("checks") or () if result["result"] == "passed"}
    facts = {
        name for check in policy.qualification.checks if check.check in passed for name in facts_used(check.require)
    }
    zone = term_zone(policy)
    return [
        cited(pin_words(rule, pins[rule.count], zone), rule.clause)
        for rule in policy.counts
        if rule.fact in facts and rule.count in pins
    ]


def assessments_of(payload: Row) -> list[Row]:
    """The assessments that an event added, whole."""
    added = payload.get("add", {}).get("assessments")
    if added is None:
        return []
    return [added] if isinstance(added, Mapping) else list(added)


def step_clause(policy: Policy, kind: str, payload: Row) -> str | None:
    """The clause a step rests on: of its first reason, its assessment, or the rule that allows the act."""
    changed: Row = payload.get("set", {})
    for reason in (*(changed.get("reasons") or ()), *assessments_of(payload)):
        if reason.get("clause"):
            return str(reason["clause"])
    find = _CLAUSES.get(kind)
    found = None if find is None else find(policy, payload)
    return found or policy.qualification.clause


def unseen(payload: Row) -> bool:
    """Whether a step is a message that the customer does not see."""
    return _added(payload, "responses").get("public") is False


def _added(payload: Row, name: str) -> Row:
    found = payload.get("add", {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _changes(payload: Row, name: str) -> list[Row]:
    return list(payload.get("change", {}).get(name, {}).values())


def _state(payload: Row) -> str:
    return _STATES.get(str(payload.get("set", {}).get("state")), "stands as before")


def _opened(policy: Policy, payload: Row) -> str:
    changed: Row = payload.get("set", {})
    category = policy.category(changed["category"]) if changed.get("category") else None
    about = f" as {plain(category.title)}" if category is not None else ""
    return f"The ticket was opened{about}; it {_state(payload)}."


def _decided(policy: Policy, payload: Row) -> str:
    return f"The rules judged the ticket again; it {_state(payload)}."


def _details(policy: Policy, payload: Row) -> str:
    changed: Row = payload.get("set", {})
    names = [title_of(policy, name) for name in _STATED if changed.get(name) is not None]
    names += [title_of(policy, name) for name in changed.get("facts") or ()]
    names += [title_of(policy, f"inputs.{name}") for name in changed.get("inputs") or ()]
    return f"Stated: {joined(names)}." if names else "More was stated."


_STATED: Final = ("category", "credit_type", "pay_with", "license_id")


def _credit(policy: Policy, payload: Row) -> str:
    kind = policy.credit_type(str(payload.get("set", {}).get("credit_type")))
    return f"A credit for {kind.title} was named." if kind is not None else "A type of credit was named."


def _applied(policy: Policy, payload: Row) -> str:
    return f"A credit was applied to the ticket; it {_state(payload)}."


def _qualified(policy: Policy, payload: Row) -> str:
    ruling: Row = payload.get("set", {}).get("qualification") or {}
    accepted = ruling.get("decision") == "accept"
    return f"A representative {'accepted' if accepted else 'rejected'} the ticket."


def _rejected(policy: Policy, payload: Row) -> str:
    return "The ticket was rejected."


def _assessed(policy: Policy, payload: Row) -> str | None:
    return None


def _confirmed(policy: Policy, payload: Row) -> str:
    price = payload.get("set", {}).get("price")
    return f"The customer confirmed the price{'' if price is None else ' of ' + credit_words(policy, price)}."


def _declined(policy: Policy, payload: Row) -> str:
    closed = payload.get("set", {}).get("state") == "withdrawn"
    return "The price was not agreed to; " + ("the ticket was closed." if closed else "the old price stands.")


def _responded(policy: Policy, payload: Row) -> str:
    row = _added(payload, "responses")
    who = "The customer" if row.get("author") == "customer" else "The vendor"
    visibility = "" if row.get("public", True) else ", unseen by the customer"
    return f"{who} answered on {day_of(row['occurred_at'])}{visibility}. Answers cost nothing of their own."


def _access(policy: Policy, payload: Row) -> str:
    row = _added(payload, "access_requests")
    until = "without a deadline" if row["deadline_at"] is None else f"until {day_of(row['deadline_at'])}"
    return f"Access was asked for {until}; the vendor's clocks stand meanwhile."


def _granted(policy: Policy, payload: Row) -> str:
    return "The customer gave the access; the vendor's clocks go on."


def _paused(policy: Policy, payload: Row) -> str:
    row = _added(payload, "pauses")
    return f"The vendor's clocks stand: {str(row.get('reason', 'paused')).replace('_', ' ')}."


def _resumed(policy: Policy, payload: Row) -> str:
    return "The wait is over; the vendor's clocks go on."


def _milestone_reached(policy: Policy, payload: Row) -> str:
    name = str(_added(payload, "milestones").get("milestone", "milestone")).replace("_", " ")
    return f"The helpdesk says that this is reached: {name}."


def _split(policy: Policy, payload: Row) -> str:
    return "Another question became a ticket of its own, assessed on its own."


def _withdrawn(policy: Policy, payload: Row) -> str:
    return "The customer withdrew the ticket."


def _resolved(policy: Policy, payload: Row) -> str:
    changed: Row = payload.get("set", {})
    outcome = next((outcome for outcome in policy.outcomes if outcome.outcome == changed.get("outcome")), None)
    sentence = cited(f"Resolved: {plain(outcome.title)}", outcome.clause) if outcome else "The ticket was resolved."
    return sentences(sentence, _cause(policy, changed.get("cause")))


def _cause(policy: Policy, name: object) -> str | None:
    found = next((cause for cause in policy.causes if cause.cause == name), None)
    return cited(f"Cause: {plain(found.title)}", found.clause) if found is not None else None


def _reopened(policy: Policy, payload: Row) -> str:
    return "The same issue is worked on again, without a second charge."


def _disputed(policy: Policy, payload: Row) -> str:
    row = _added(payload, "disputes")
    return cited(f"The customer disputed the charge of {credit_words(policy, int(row['charge']))}", row["clause"])


def _dispute_decided(policy: Policy, payload: Row) -> str:
    row = next(iter(_changes(payload, "disputes")), {})
    return dispute_sentence(policy, row)


def dispute_sentence(policy: Policy, row: Row) -> str:
    """What a dispute brought."""
    clause = policy.disputes.clause if policy.disputes is not None else None
    returned, gone = int(row.get("returned") or 0), int(row.get("forfeited") or 0)
    match row.get("decision"):
        case "upheld":
            text = f"The dispute was decided: the charge of {credit_words(policy, int(row['credits']))} stays"
        case "reduced":
            text = f"The dispute was decided: the charge is {credit_words(policy, int(row['credits']))} now"
        case "returned":
            text = "The dispute was decided: the whole charge is given back"
        case _:
            return cited("The dispute is not decided yet", clause)
    brought = f"It brought {credit_words(policy, returned)} back." if returned or gone else None
    lost = f"{credit_words(policy, gone)} of it {are(gone)} gone, since their lot had ended." if gone else None
    return sentences(cited(text, clause), brought, lost)


def _worked(policy: Policy, payload: Row) -> str:
    line = _added(payload, "work")
    price = payload.get("set", {}).get("price")
    minutes = f"{minutes_words(int(line['minutes']))} of work"
    if line.get("corrects") is not None:
        text = f"Line {line['corrects']} of the work log was corrected to {minutes}"
    else:
        text = f"{minutes} {'was' if line.get('minutes') == 1 else 'were'} logged"
    return f"{capital(text)}{'' if line.get('billable') else ', not charged'}." + (
        f" The ticket comes to {credit_words(policy, price)}." if price is not None else ""
    )


def _corrected(policy: Policy, payload: Row) -> str:
    row = _added(payload, "cause_corrections")
    found = next((cause for cause in policy.causes if cause.cause == row.get("cause")), None)
    title = plain(found.title) if found is not None else "another"
    return cited(f"The cause was corrected: {title}", found.clause if found is not None else None)


_STEPS: Final[Mapping[str, Callable[[Policy, Row], str | None]]] = {
    "opened": _opened,
    "decided": _decided,
    "details_stated": _details,
    "credit_named": _credit,
    "credit_applied": _applied,
    "qualified": _qualified,
    "rejected": _rejected,
    "assessed": _assessed,
    "confirmed": _confirmed,
    "declined": _declined,
    "responded": _responded,
    "access_requested": _access,
    "access_granted": _granted,
    "paused": _paused,
    "resumed": _resumed,
    "milestone_reached": _milestone_reached,
    "split": _split,
    "withdrawn": _withdrawn,
    "resolved": _resolved,
    "reopened": _reopened,
    "disputed": _disputed,
    "dispute_decided": _dispute_decided,
    "cause_corrected": _corrected,
    "worked": _worked,
}


def _promise_clause(policy: Policy) -> str | None:
    """The clause of the promise that an answer keeps, or of the first one."""
    answered = [promise for promise in policy.promises if "vendor_response" in promise.stops]
    return next((promise.clause for promise in (*answered, *policy.promises)), None)


def _outcome_clause(policy: Policy, payload: Row) -> str | None:
    outcome = payload.get("set", {}).get("outcome")
    return next((outcome_.clause for outcome_ in policy.outcomes if outcome_.outcome == outcome), None)


def _consent_clause(policy: Policy, payload: Row) -> str | None:
    return policy.confirmation.clause if policy.confirmation is not None else None


def _milestone_clause(policy: Policy, payload: Row) -> str | None:
    name = _added(payload, "milestones").get("milestone")
    return next((promise.clause for promise in policy.promises if promise.milestone == name), None)


def _cause_clause(policy: Policy, payload: Row) -> str | None:
    row = _added(payload, "cause_corrections")
    return next((cause.clause for cause in policy.causes if cause.cause == row.get("cause")), None)


_CLAUSES: Final[Mapping[str, Callable[[Policy, Row], str | None]]] = {
    "responded": lambda policy, payload: policy.incident_clause or _promise_clause(policy),
    "confirmed": _consent_clause,
    "declined": _consent_clause,
    "access_requested": lambda policy, payload: policy.access.clause if policy.access else None,
    "access_granted": lambda policy, payload: policy.access.clause if policy.access else None,
    "paused": lambda policy, payload: _added(payload, "pauses").get("clause") or _promise_clause(policy),
    "resumed": lambda policy, payload: _promise_clause(policy),
    "milestone_reached": _milestone_clause,
    "split": lambda policy, payload: policy.split_clause,
    "resolved": _outcome_clause,
    "reopened": lambda policy, payload: policy.reopening.clause if policy.reopening else None,
    "disputed": lambda policy, payload: policy.disputes.clause if policy.disputes else None,
    "dispute_decided": lambda policy, payload: policy.disputes.clause if policy.disputes else None,
    "cause_corrected": _cause_clause,
    "worked": lambda policy, payload: policy.work.clause if policy.work is not None else None,
}


# --- the whole --------------------------------------------------------------------------------------------------------


def ticket_sentence(
    policy: Policy, ticket: Ticket, charge: Mapping[str, int], *, cover: str | None, source: str | None
) -> str:
    """How a ticket stands, what it cost and why. ``cover``: the cover that pays; ``source``: whence credits came."""
    standing = ticket.in_force or ticket.quote
    charged = bool(charge["held"] or charge["captured"])
    price = assessment_sentence(policy, standing) if standing is not None else _typed(policy, ticket, charged)
    return sentences(
        f"Ticket {ticket.external_id} {_STATES.get(ticket.state, 'stands')}.",
        _paid(policy, ticket, charge, cover),
        price,
        source,
        *(dispute_sentence(policy, dispute) for dispute in ticket.disputes),
        reason_sentences(ticket.reasons),
    )


def _typed(policy: Policy, ticket: Ticket, charged: bool) -> str | None:
    kind = policy.credit_type(ticket.credit_type) if ticket.credit_type is not None else None
    pays = "pays" if charged else "would pay"
    return None if kind is None else cited(f"One credit for {kind.title} {pays} for it", kind.clause)


def _paid(policy: Policy, ticket: Ticket, charge: Mapping[str, int], cover: str | None) -> str | None:
    net, held, captured = charge["net"], charge["held"], charge["captured"]
    if held:
        return f"{credit_words(policy, held)} {are(held)} set aside for it."
    if net:
        return f"It cost {credit_words(policy, net)}."
    if captured:
        return f"It costs nothing: {credit_words(policy, captured)} {was(captured)} charged and all given back."
    if ticket.paid_by == "cover":
        return f"{capital(cover or 'cover')} pays for it."
    if ticket.paid_by == "nobody":
        return "It costs nothing."
    return None
