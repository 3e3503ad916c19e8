"""The steps of a ticket's explanation: what each event did, in a sentence a clerk can read out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.domain.cover.cover import term_zone
from app.domain.policy.conditions import facts_used
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import Cause
from app.domain.policy.wording import (
    category_title,
    credit_words,
    day_of,
    minutes_words,
    title_of,
    type_title,
    wait_words,
)
from app.domain.tickets.counts import pin_words
from app.domain.tickets.explanation import STATES, assessment_sentence, dispute_sentence, reason_sentences
from app.domain.values.phrase import (
    Phrase,
    capital,
    cited,
    concat,
    joined,
    phrased,
    phrased_of,
    plain,
    sentences,
    titled,
)

Row = Mapping[str, Any]


def step_sentence(policy: Policy, kind: str, payload: Row, operations: Sequence[Row]) -> Phrase:
    """What one event did, and the credits that moved by it."""
    sentence_of = _STEPS.get(kind)
    changed: Row = payload.get("set", {})
    known = concat(capital(kind.replace("_", " ")), ".")
    sentence = sentence_of(policy, payload) if sentence_of is not None else known
    find = _CLAUSES.get(kind)
    if sentence is not None and find is not None and not sentence.endswith(")."):
        sentence = cited(sentence, find(policy, payload))
    assessed = [assessment_sentence(policy, row) for row in assessments_of(payload)]
    reasons = reason_sentences(policy, changed.get("reasons") or ())
    counted = _counted(policy, changed)
    return sentences(sentence, *assessed, *(operation["summary"] for operation in operations), *counted, reasons)


def _counted(policy: Policy, changed: Row) -> list[Phrase]:
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


def _state(payload: Row) -> Phrase:
    return STATES.get(str(payload.get("set", {}).get("state"))) or phrased("stands as before")


def _opened(policy: Policy, payload: Row) -> Phrase:
    changed: Row = payload.get("set", {})
    category = policy.category(changed["category"]) if changed.get("category") else None
    if category is None:
        return phrased("The ticket was opened; it %(stands)s.", stands=_state(payload))
    title = plain(category_title(policy, category))
    return phrased("The ticket was opened as %(category)s; it %(stands)s.", category=title, stands=_state(payload))


def _decided(policy: Policy, payload: Row) -> Phrase:
    return phrased("The rules judged the ticket again; it %(stands)s.", stands=_state(payload))


def _details(policy: Policy, payload: Row) -> Phrase:
    changed: Row = payload.get("set", {})
    names = [title_of(policy, name) for name in _STATED if changed.get(name) is not None]
    names += [title_of(policy, name) for name in changed.get("facts") or ()]
    names += [title_of(policy, f"inputs.{name}") for name in changed.get("inputs") or ()]
    return phrased("Stated: %(facts)s.", facts=joined(names)) if names else phrased("More was stated.")


_STATED: Final = ("category", "credit_type", "pay_with", "license_id")


def _credit(policy: Policy, payload: Row) -> Phrase:
    kind = policy.credit_type(str(payload.get("set", {}).get("credit_type")))
    if kind is None:
        return phrased("A type of credit was named.")
    return phrased("A credit for %(kind)s was named.", kind=type_title(policy, kind))


def _applied(policy: Policy, payload: Row) -> Phrase:
    return phrased("A credit was applied to the ticket; it %(stands)s.", stands=_state(payload))


def _qualified(policy: Policy, payload: Row) -> Phrase:
    ruling: Row = payload.get("set", {}).get("qualification") or {}
    if ruling.get("decision") == "accept":
        return phrased("A representative accepted the ticket.")
    return phrased("A representative rejected the ticket.")


def _rejected(policy: Policy, payload: Row) -> Phrase:
    return phrased("The ticket was rejected.")


def _assessed(policy: Policy, payload: Row) -> Phrase | None:
    return None


def _confirmed(policy: Policy, payload: Row) -> Phrase:
    price = payload.get("set", {}).get("price")
    if price is None:
        return phrased("The customer confirmed the price.")
    return phrased("The customer confirmed the price of %(credits)s.", credits=credit_words(policy, price))


def _declined(policy: Policy, payload: Row) -> Phrase:
    if payload.get("set", {}).get("state") == "withdrawn":
        return phrased("The price was not agreed to; the ticket was closed.")
    return phrased("The price was not agreed to; the old price stands.")


def _responded(policy: Policy, payload: Row) -> Phrase:
    row = _added(payload, "responses")
    day = day_of(row["occurred_at"])
    if row.get("author") == "customer":
        text = phrased("The customer answered on %(day)s", day=day)
    else:
        text = phrased("The vendor answered on %(day)s", day=day)
    if not row.get("public", True):
        text = phrased("%(answer)s, unseen by the customer", answer=text)
    return phrased("%(answer)s. Answers cost nothing of their own.", answer=text)


def _access(policy: Policy, payload: Row) -> Phrase:
    row = _added(payload, "access_requests")
    if row["deadline_at"] is None:
        return phrased("Access was asked for without a deadline; the vendor's clocks stand meanwhile.")
    day = day_of(row["deadline_at"])
    return phrased("Access was asked for until %(day)s; the vendor's clocks stand meanwhile.", day=day)


def _granted(policy: Policy, payload: Row) -> Phrase:
    return phrased("The customer gave the access; the vendor's clocks go on.")


def _paused(policy: Policy, payload: Row) -> Phrase:
    reason = str(_added(payload, "pauses").get("reason", "paused"))
    return phrased("The vendor's clocks stand: %(reason)s.", reason=wait_words(reason))


def _resumed(policy: Policy, payload: Row) -> Phrase:
    return phrased("The wait is over; the vendor's clocks go on.")


def _milestone_reached(policy: Policy, payload: Row) -> Phrase:
    name = str(_added(payload, "milestones").get("milestone", "milestone"))
    words = _REACHED.get(name, name.replace("_", " "))
    return phrased("The helpdesk says that this is reached: %(milestone)s.", milestone=words)


_REACHED: Final[Mapping[str, Phrase]] = {
    "first_response": phrased("first response"),
    "resolution": phrased("resolution"),
    "next_reply": phrased("next reply"),
    "milestone": phrased("milestone"),
}


def _split(policy: Policy, payload: Row) -> Phrase:
    return phrased("Another question became a ticket of its own, assessed on its own.")


def _withdrawn(policy: Policy, payload: Row) -> Phrase:
    return phrased("The customer withdrew the ticket.")


def _resolved(policy: Policy, payload: Row) -> Phrase:
    changed: Row = payload.get("set", {})
    outcome = next((outcome for outcome in policy.outcomes if outcome.outcome == changed.get("outcome")), None)
    sentence = phrased("The ticket was resolved.")
    if outcome is not None:
        title = plain(titled(policy.translations, f"outcomes.{outcome.outcome}", outcome.title))
        sentence = cited(phrased("Resolved: %(outcome)s", outcome=title), outcome.clause)
    return sentences(sentence, _cause(policy, changed.get("cause")))


def _cause_title(policy: Policy, cause: Cause) -> Phrase:
    return plain(titled(policy.translations, f"causes.{cause.cause}", cause.title))


def _cause(policy: Policy, name: object) -> Phrase | None:
    found = next((cause for cause in policy.causes if cause.cause == name), None)
    return cited(phrased("Cause: %(cause)s", cause=_cause_title(policy, found)), found.clause) if found else None


def _reopened(policy: Policy, payload: Row) -> Phrase:
    return phrased("The same issue is worked on again, without a second charge.")


def _disputed(policy: Policy, payload: Row) -> Phrase:
    row = _added(payload, "disputes")
    amount = credit_words(policy, int(row["charge"]))
    return cited(phrased("The customer disputed the charge of %(credits)s", credits=amount), row["clause"])


def _dispute_decided(policy: Policy, payload: Row) -> Phrase:
    row = next(iter(_changes(payload, "disputes")), {})
    return dispute_sentence(policy, row)


def _worked(policy: Policy, payload: Row) -> Phrase:
    line = _added(payload, "work")
    price = payload.get("set", {}).get("price")
    minutes = int(line["minutes"])
    span = minutes_words(minutes)
    if line.get("corrects") is not None:
        text = phrased(
            "Line %(line)s of the work log was corrected to %(minutes)s of work", line=line["corrects"], minutes=span
        )
    else:
        text = phrased_of("%(minutes)s of work was logged", "%(minutes)s of work were logged", minutes, minutes=span)
    text = capital(text)
    text = concat(text, ".") if line.get("billable") else phrased("%(work)s, not charged.", work=text)
    if price is None:
        return text
    return concat(text, " ", phrased("The ticket comes to %(credits)s.", credits=credit_words(policy, price)))


def _corrected(policy: Policy, payload: Row) -> Phrase:
    row = _added(payload, "cause_corrections")
    found = next((cause for cause in policy.causes if cause.cause == row.get("cause")), None)
    title = phrased("another") if found is None else _cause_title(policy, found)
    return cited(
        phrased("The cause was corrected: %(cause)s", cause=title), found.clause if found is not None else None
    )


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
