"""Policies as published: the version in force with every name that a caller may use, checks, prices, rehearsals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Final, Literal, NotRequired, TypeVar

from typing_extensions import TypedDict

from app.domain.ledger.units import FREE_CREDITS_STAY
from app.domain.policy.conditions import facts_used
from app.domain.policy.credit_rules import Transfer
from app.domain.policy.plans import SupportPlan, included
from app.domain.policy.policy import Label
from app.domain.policy.policy import Policy as Terms
from app.domain.policy.wording import condition_words
from app.views.policy_version import VersionRow
from app.views.price import CategoryPrice, PolicyPriority, PolicySurcharge, PolicyWorkKind, named_in_prices, price_view
from app.views.shapes import Closed, Id, Instant

CHANNELS: Final = ("helpdesk", "email", "contact_form", "forum", "phone")
_READING = "Whether it is our reading."
_CLAUSE = "The clause of the policy."

_PARTY = "Who owes something, or who is waited for."
WaitParty = Annotated[Literal["vendor", "customer", "third_party", "none"], Closed("Party", _PARTY)]
PromiseParty = Annotated[Literal["vendor", "customer"], Closed("PromiseParty", "Who owes a promise.")]
PromiseStart = Annotated[
    Literal["opened", "credit_applied", "accepted", "access_requested", "confirmation_asked", "customer_reply"],
    Closed("PromiseStart", "What starts a promise."),
]
PromiseStop = Annotated[
    Literal["vendor_response", "qualification", "resolved", "access_granted", "confirmed", "reached"],
    Closed("PromiseStop", "What stops a promise."),
]
FactType = Annotated[Literal["boolean", "choice", "text", "integer"], Closed("FactType", "What values a fact has.")]
CauseReturns = Annotated[Literal["all", "nothing"], Closed("CauseReturns", "Which credits come back for a cause.")]
OfferKind = Annotated[Literal["license", "credits", "cover", "addon"], Closed("OfferKind", "What an offer brings.")]


class PolicyUnit(TypedDict):
    """The vendor's words for credits."""

    one: Annotated[str, "The word for one."]
    many: Annotated[str, "The word for several."]
    minutes: NotRequired[Annotated[int, "How many minutes one is, where a credit is time."]]


class PolicyClause(TypedDict):
    """A clause of the policy."""

    clause: Annotated[Id, "Its code."]
    text: Annotated[str, "Its words."]
    reading: Annotated[bool, _READING]
    source: Annotated[str | None, "Where it stands."]


class PolicyCategory(TypedDict):
    """A category of tickets."""

    category: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    price: Annotated[CategoryPrice, "What it costs."]
    level: Annotated[int | None, "The support level that it is of."]
    confirm: Annotated[bool, "Whether its price waits for the customer."]
    inputs: Annotated[Sequence[str], "The names of the numbers that its price needs."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyInput(TypedDict):
    """A number that the price of a category needs."""

    input: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    category: Annotated[str, "The category."]
    type: Annotated[str, "Always `integer`."]
    minimum: Annotated[int, "The least that it may be."]
    maximum: Annotated[int, "The most that it may be."]
    clause: Annotated[str | None, _CLAUSE]


class PolicyChannel(TypedDict):
    """A way in which a ticket comes in."""

    channel: Annotated[Id, "Its name."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyLanguage(TypedDict):
    """A language that tickets may be in."""

    language: Annotated[Id, "Its code."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyFact(TypedDict):
    """A fact that the policy asks about."""

    fact: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    type: Annotated[FactType, "The type of its values."]
    values: Annotated[Sequence[str], "The values that it may have, where they are listed."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyReason(TypedDict):
    """A reason that the policy's rules can give."""

    code: Annotated[str, "Its stable code."]
    message: Annotated[str, "Its words."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyCause(TypedDict):
    """What a problem can turn out to be."""

    cause: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    returns: Annotated[CauseReturns, "Which credits come back for it."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyOutcome(TypedDict):
    """How a ticket can end."""

    outcome: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    captures: Annotated[bool, "Whether it takes the credits that are held."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyMilestone(TypedDict):
    """A promised time."""

    milestone: Annotated[Id, "Its name."]
    target: Annotated[str, "What is promised, such as `business_seconds:28800`."]
    calendar: Annotated[str, "The calendar in which it is counted."]
    applies: Annotated[str | None, "For which tickets, in words; null: for all that no earlier one took."]
    party: Annotated[PromiseParty, "Who owes it."]
    starts: Annotated[PromiseStart, "What starts it."]
    stops: Annotated[Sequence[PromiseStop], "What stops it."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyPauseReason(TypedDict):
    """A reason for which clocks may stand."""

    reason: Annotated[Id, "Its name."]
    party: Annotated[WaitParty, "Who is waited for."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyCreditType(TypedDict):
    """A type of credit."""

    credit_type: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    serves: Annotated[Sequence[str], "What it can be used for."]
    includes: Annotated[Sequence[str], "What it includes."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyAction(TypedDict):
    """Something that a customer may be entitled to."""

    action: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    clauses: Annotated[Sequence[str], "The clauses of its rules."]


class PolicyPlan(TypedDict):
    """A plan that cover may be of."""

    plan: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    includes: Annotated[Sequence[str], "The plans whose rights it has, itself among them."]
    pays: Annotated[bool, "Whether it pays for tickets, or only opens the gate to them."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyOffer(TypedDict):
    """Something that can be bought, in brief."""

    sku: Annotated[Id, "Its sku."]
    title: Annotated[str, "Its title."]
    kind: Annotated[OfferKind, "What it brings."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyLabel(TypedDict):
    """A word of the vendor's for the customer's page."""

    label: Annotated[Id, "Its name."]
    text: Annotated[str, "The word."]
    clause: Annotated[str | None, _CLAUSE]
    reading: Annotated[bool, _READING]


class PolicyProblem(TypedDict):
    """A mistake in a draft, or something to look at."""

    path: Annotated[str, "Where in the document it is."]
    line: Annotated[int, "The line, from 1."]
    column: Annotated[int, "The column, from 1."]
    code: Annotated[str, "The stable code of the mistake."]
    message: Annotated[str, "What is wrong."]
    hint: Annotated[str, "What to write instead."]
    severity: Annotated[
        Annotated[Literal["error", "warning"], Closed("Severity", "How bad a finding is.")],
        "Whether the draft can be published all the same.",
    ]


class PolicyRow(TypedDict):
    """A policy in a list."""

    name: Annotated[Id, "Its name."]
    title: Annotated[str, "Its title."]
    version: Annotated[int, "The version."]
    effective_from: Annotated[Instant | None, "From when it is in force."]
    format: Annotated[int, "The version of the document's format."]


class PublishedPolicy(PolicyRow):
    """A version of a policy that was published."""

    warnings: Annotated[Sequence[PolicyProblem], "What to look at in it."]


class Policy(PolicyRow):
    """The vendor's support terms in force, with every name a caller may use."""

    vendor: Annotated[str, "The vendor."]
    source: Annotated[str, "Where the terms stand."]
    currency: Annotated[str, "The currency of its prices by ISO 4217."]
    term_zone: Annotated[str, "The zone in which terms are counted."]
    unit: Annotated[PolicyUnit | None, "The vendor's words for credits."]
    clauses: Annotated[Sequence[PolicyClause], "The clauses."]
    categories: Annotated[Sequence[PolicyCategory], "The categories."]
    inputs: Annotated[Sequence[PolicyInput], "The numbers that prices need."]
    channels: Annotated[Sequence[PolicyChannel], "The channels."]
    languages: Annotated[Sequence[PolicyLanguage], "The languages."]
    facts: Annotated[Sequence[PolicyFact], "The facts."]
    reasons: Annotated[Sequence[PolicyReason], "The reasons."]
    causes: Annotated[Sequence[PolicyCause], "The causes."]
    outcomes: Annotated[Sequence[PolicyOutcome], "The outcomes."]
    milestones: Annotated[Sequence[PolicyMilestone], "The promised times."]
    pause_reasons: Annotated[Sequence[PolicyPauseReason], "The reasons of pauses."]
    credit_types: Annotated[Sequence[PolicyCreditType], "The types of credit."]
    actions: Annotated[Sequence[PolicyAction], "What a customer may be entitled to."]
    offers: Annotated[Sequence[PolicyOffer], "What can be bought."]
    plans: Annotated[Sequence[PolicyPlan], "The plans, the lowest first."]
    labels: Annotated[Sequence[PolicyLabel], "The vendor's words."]
    priorities: Annotated[Sequence[PolicyPriority], "The priorities, the most urgent first."]
    surcharges: Annotated[Sequence[PolicySurcharge], "What changes prices."]
    work_kinds: Annotated[Sequence[PolicyWorkKind], "The kinds of work that a line of the work log may name."]
    document: Annotated[dict[str, Any], "The document itself."]
    versions: Annotated[Sequence[VersionRow], "Every version."]


class PolicyCheck(TypedDict):
    """What is wrong with a draft."""

    valid: Annotated[bool, "Whether it can be published."]
    problems: Annotated[Sequence[PolicyProblem], "Every finding, with its line."]


R = TypeVar("R")


def head_view(policy: Terms) -> PolicyRow:
    """Return a policy in brief."""
    return {
        "name": policy.policy,
        "title": policy.title,
        "version": policy.version,
        "effective_from": policy.effective_from,
        "format": policy.format,
    }


def policy_view(policy: Terms, *, document: dict[str, Any], versions: Sequence[VersionRow]) -> Policy:
    """Return a policy with every name that a caller may use, each with its clause."""
    reading = _readings(policy)
    checks = policy.qualification.checks

    def about(fact: str) -> str | None:
        return next((check.clause for check in checks if fact in facts_used(check.require)), None)

    channel, language = about("ticket.channel"), about("ticket.language")
    return {
        **head_view(policy),
        "vendor": policy.vendor,
        "source": policy.source,
        "currency": policy.currency,
        "term_zone": policy.term_zone,
        "unit": _unit(policy),
        "clauses": [{"clause": c.id, "text": c.text, "reading": c.reading, "source": c.source} for c in policy.clauses],
        "categories": [
            {
                "category": c.category,
                "title": c.title,
                "price": price_view(c.price),
                "level": c.level,
                "confirm": c.confirm,
                "inputs": [input_.name for input_ in c.inputs],
                "clause": c.clause,
                "reading": c.reading or reading(c.clause),
            }
            for c in policy.categories
        ],
        "inputs": [
            {
                "input": input_.name,
                "title": input_.title,
                "category": c.category,
                "type": "integer",
                "minimum": 0,
                "maximum": input_.most,
                "clause": c.clause,
            }
            for c in policy.categories
            for input_ in c.inputs
        ],
        "channels": [{"channel": name, "clause": channel, "reading": reading(channel)} for name in CHANNELS],
        "languages": [
            {"language": name, "clause": language, "reading": reading(language)} for name in policy.ticket_languages
        ],
        "facts": [
            {
                "fact": f.fact,
                "title": f.title,
                "type": f.type,
                "values": list(f.values),
                "clause": f.clause,
                "reading": reading(f.clause),
            }
            for f in policy.facts
        ],
        "reasons": _reasons(policy, reading),
        "causes": [
            {"cause": c.cause, "title": c.title, "returns": c.returns, "clause": c.clause, "reading": reading(c.clause)}
            for c in policy.causes
        ],
        "outcomes": [
            {
                "outcome": o.outcome,
                "title": o.title,
                "captures": o.captures,
                "clause": o.clause,
                "reading": reading(o.clause),
            }
            for o in policy.outcomes
        ],
        "milestones": [
            {
                "milestone": p.milestone,
                "target": p.target,
                "calendar": p.calendar,
                "applies": None if p.when is None else condition_words(p.when),
                "party": p.party,
                "starts": p.starts,
                "stops": list(p.stops),
                "clause": p.clause,
                "reading": reading(p.clause),
            }
            for p in policy.promises
        ],
        "pause_reasons": [
            {"reason": p.reason, "party": p.party, "clause": p.clause, "reading": reading(p.clause)}
            for p in policy.pause_reasons
        ],
        "credit_types": [
            {
                "credit_type": t.credit_type,
                "title": t.title,
                "serves": list(t.serves),
                "includes": list(t.includes),
                "clause": t.clause,
                "reading": reading(t.clause),
            }
            for t in (policy.credits.types if policy.credits else ())
        ],
        "actions": [
            {"action": a.action, "title": a.title, "clauses": [r.clause for r in a.rules]} for a in policy.actions
        ],
        "offers": [
            {"sku": o.sku, "title": o.title, "kind": o.kind, "clause": o.clause, "reading": reading(o.clause)}
            for o in policy.offers
        ],
        "plans": [_plan(policy, plan, reading) for plan in policy.plans],
        "labels": [_label(name, label, reading) for name, label in policy.labels.items()],
        **named_in_prices(policy, reading),
        "document": document,
        "versions": versions,
    }


def _readings(policy: Terms) -> Callable[[str | None], bool]:
    marked = {clause.id for clause in policy.clauses if clause.reading}
    return marked.__contains__


def _plan(policy: Terms, plan: SupportPlan, reading: Callable[[str | None], bool]) -> PolicyPlan:
    return {
        "plan": plan.plan,
        "title": plan.title,
        "includes": list(included(policy.plans, plan.plan)),
        "pays": plan.pays,
        "clause": plan.clause,
        "reading": plan.reading or reading(plan.clause),
    }


def _label(name: str, label: Label | str, reading: Callable[[str | None], bool]) -> PolicyLabel:
    text, clause = (label.text, label.clause) if isinstance(label, Label) else (label, None)
    return {"label": name, "text": text, "clause": clause, "reading": reading(clause)}


def _unit(policy: Terms) -> PolicyUnit | None:
    unit = policy.unit
    if unit is None:
        return None
    words: PolicyUnit = {"one": unit.one, "many": unit.many}
    return words if unit.minutes is None else {**words, "minutes": unit.minutes}


def _reasons(policy: Terms, reading: Callable[[str | None], bool]) -> list[PolicyReason]:
    found: dict[str, PolicyReason] = {}
    for code, clause, message in _reason_rows(policy):
        found.setdefault(code, {"code": code, "message": message, "clause": clause, "reading": reading(clause)})
    return [found[code] for code in sorted(found)]


def _reason_rows(policy: Terms) -> Iterable[tuple[str, str, str]]:
    """(code, clause, message) of every reason that this policy's rules can give."""
    for check in policy.qualification.checks:
        yield check.code, check.clause, check.message
    for ground in policy.qualification.grounds:
        yield ground.code, ground.clause, ground.message
    for gate in policy.qualification.gates:
        yield gate.code, gate.clause, gate.message
    for action in policy.actions:
        for rule in action.rules:
            if not rule.allow:
                yield rule.code, rule.clause, rule.message
    for not_offered in policy.not_offered:
        yield not_offered.code, not_offered.clause, not_offered.message
    for offer in policy.offers:
        for refused in (offer.otherwise, *(grant.otherwise for grant in offer.grants)):
            if refused is not None:
                yield refused.code, refused.clause, refused.message
    yield from _transfer_rows(policy.transfer)


def _transfer_rows(rule: Transfer | None) -> Iterable[tuple[str, str, str]]:
    if rule is not None and not rule.allowed:
        yield "not_transferable", rule.clause, rule.message
    elif rule is not None and not rule.free_credits:
        yield "free_credits_not_transferable", rule.free_clause or rule.clause, FREE_CREDITS_STAY
