"""Explanations as published: the trace of one stored thing, step by step, clause by clause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NotRequired, cast

from typing_extensions import TypedDict

from app.domain.policy.policy import Policy
from app.domain.policy.reason_words import in_words
from app.domain.tickets import explanation as words
from app.domain.tickets import ticket_lists as lists
from app.domain.tickets.qualification import is_reading
from app.domain.values.wire import iso, jsonable
from app.views.calendar import Closure, ConsumedStretch
from app.views.clock import Clock, ClockOutcome
from app.views.decision import PolicyVersion, Reason, Remedy
from app.views.lot import LotSource
from app.views.order import GrantKind, NotGranted, Notice, OrderRefund
from app.views.policy import PolicyClause
from app.views.shapes import Closed, Credits, Id, Instant, Whole
from app.views.statement import Bucket
from app.views.ticket import Assessment, Charge, Recommendation, TicketState, Verdict

KindName = Literal[
    "ticket",
    "assessment",
    "charge",
    "order",
    "refund",
    "license",
    "lot",
    "cover",
    "choice",
    "operation",
    "hold",
    "clock",
]
ExplanationKind = Annotated[KindName, Closed("ExplanationKind", "What can be explained.")]


class ExplainedRule(TypedDict):
    """A rule that a step looked at: a check of a ticket's qualification, or a rule of an offer."""

    clause: Annotated[str | None, "The clause of the policy."]
    reading: Annotated[bool, "Whether it is our reading."]
    summary: NotRequired[Annotated[str, "Of a check: how it came out, in a sentence."]]
    check: NotRequired[Annotated[str, "Of a check: its name in the policy."]]
    result: NotRequired[
        Annotated[
            Annotated[lists.CheckOutcome, Closed("CheckResult", "How a check came out.")],
            "Of a check: how it came out.",
        ]
    ]
    code: NotRequired[Annotated[str, "Of a check: the code of its reason."]]
    on_fail: NotRequired[
        Annotated[
            Annotated[lists.OnFail, Closed("OnFail", "What a failed check does.")],
            "Of a check: what it does where it fails.",
        ]
    ]
    requirement: NotRequired[Annotated[str | None, "Of a check: the requirement in the policy's words."]]
    rule: NotRequired[Annotated[str, "Of an offer's rule: its name in the policy."]]
    kind: NotRequired[Annotated[GrantKind, "Of an offer's rule: what it grants."]]
    granted: NotRequired[Annotated[bool, "Of an offer's rule: whether it granted it."]]
    line_id: NotRequired[Annotated[Id, "Of an offer's rule: the line of the order."]]
    unit_no: NotRequired[Annotated[int, "Of an offer's rule: the unit of the line; 0 for the whole line."]]
    policy_version: NotRequired[Annotated[int, "Of an offer's rule: the version of the policy."]]
    facts: NotRequired[Annotated[dict[str, Any], "The facts that were used, by name."]]


class ExplainedOffer(TypedDict):
    """The offer that an order line bought."""

    sku: Annotated[str, "The sku of the offer."]
    clause: Annotated[str, "The clause that offers it."]


class ExplainedGrant(TypedDict):
    """Something that an order line brought."""

    granted: Annotated[
        Annotated[
            Literal["license", "lot", "cover", "choice", "addon"], Closed("GrantedThing", "What an order line brought.")
        ],
        "What it is.",
    ]
    id: Annotated[Id | None, "Our id of it."]
    rule: Annotated[str | None, "The rule of the policy that granted it."]
    clause: Annotated[str | None, "The clause of the policy."]
    reading: Annotated[bool, "Whether it is our reading."]
    facts: Annotated[dict[str, Any], "What it is made of, by name."]


class ExplainedAssessment(Assessment):
    """An assessment in a sentence."""

    summary: Annotated[str, "How its price came about, in a sentence."]


class MoveFacts(TypedDict):
    """What decided the place of a lot in the order of spending."""

    expires_at: Annotated[Instant | None, "When the lot expires."]
    priority: Annotated[int, "Its priority; the lowest is spent first."]
    source: Annotated[LotSource, "Where its credits came from."]
    paid: Annotated[bool, "Whether money was paid for it."]


_From = TypedDict("_From", {"from": Annotated[Bucket, "Where the credits lay."]})


class ExplainedMove(_From):
    """Credits of one lot that an operation moved."""

    to: Annotated[Bucket, "Where the credits went."]
    lot_id: Annotated[Id, "The lot."]
    credits: Annotated[Credits, "Credits that moved."]
    facts: NotRequired[Annotated[MoveFacts, "The facts of the lot; absent while its end is not booked."]]


class QualificationMade(TypedDict):
    """How a ticket was qualified."""

    decision: Annotated[Verdict | None, "What was decided."]
    reasons: NotRequired[Annotated[Sequence[Reason], "The reasons of the decision."]]
    by: Annotated[str | None, "Who decided: `rules`, or the key of an agent."]
    at: Annotated[Instant | None, "When it was decided."]
    note: NotRequired[Annotated[str | None, "The agent's note."]]


class _Step(TypedDict):
    step: Annotated[str, "What was done: an event of the thing, or an operation of the ledger."]
    summary: Annotated[str, "The step in a sentence that a clerk can read out."]
    clause: Annotated[str | None, "The clause that it rests on."]


class LedgerStep(_Step):
    """An operation of the ledger, and the credits that it moved."""

    at: Annotated[Instant, "When it took effect."]
    reading: Annotated[bool, "Whether its clause is our reading of a text that is silent."]
    reason: Annotated[str | None, "Why it was made."]
    hold_id: Annotated[Id | None, "The hold."]
    moves: Annotated[Sequence[ExplainedMove], "The credits that it moved, lot by lot."]
    operation_id: Annotated[Id, "Our id of the operation."]
    credit_type: Annotated[str, "The type of the credits; the policy names the types."]
    recorded_at: Annotated[Instant, "When it was recorded."]
    ticket_id: Annotated[Id | None, "The ticket."]
    order_id: Annotated[Id | None, "The order."]


class ExplanationStep(_Step):
    """One step of a trace. What stands beside its summary depends on what is explained."""

    at: NotRequired[Annotated[Instant, "When it happened."]]
    recorded_at: NotRequired[Annotated[Instant, "When we were told."]]
    by: NotRequired[Annotated[str | None, "Who did it: `rules`, or a key."]]
    result: NotRequired[Annotated[dict[str, Any], "What the step changed, by name."]]
    facts: NotRequired[Annotated[dict[str, Any], "The facts that were used or stated, by name."]]
    rules: NotRequired[Annotated[Sequence[ExplainedRule], "The rules that were looked at, in order."]]
    reasons: NotRequired[Annotated[Sequence[Reason], "The reasons, each with its clause."]]
    would_change: NotRequired[Annotated[Sequence[str], "What would have changed the answer."]]
    remedies: NotRequired[Annotated[Sequence[Remedy], "What the customer can do about it."]]
    assessments: NotRequired[Annotated[Sequence[ExplainedAssessment], "Of a ticket: prices that were made."]]
    recommendation: NotRequired[Annotated[Recommendation, "Of a ticket: what the rules advise the agent."]]
    qualification: NotRequired[Annotated[QualificationMade, "Of a ticket: how it was qualified."]]
    operations: NotRequired[Annotated[Sequence[Id], "Of a ticket: the operations of `ledger` that it made."]]
    line_id: NotRequired[Annotated[Id, "Of an order: the line."]]
    sku: NotRequired[Annotated[str, "Of an order: what was bought."]]
    offer: NotRequired[Annotated[ExplainedOffer | None, "Of an order: the offer; null for an unknown sku."]]
    granted: NotRequired[Annotated[Sequence[ExplainedGrant], "Of an order: what the line brought."]]
    not_granted: NotRequired[Annotated[Sequence[NotGranted], "Of an order: what the line did not bring."]]
    reading: NotRequired[Annotated[bool, "Of credits: whether its clause is our reading of a text that is silent."]]
    reason: NotRequired[Annotated[str | None, "Of credits: why the operation was made."]]
    hold_id: NotRequired[Annotated[Id | None, "Of credits: the hold."]]
    moves: NotRequired[Annotated[Sequence[ExplainedMove], "Of credits: what moved, lot by lot."]]
    operation_id: NotRequired[
        Annotated[Id, "Of credits: our id of the operation; absent for an end that is not booked yet."]
    ]
    credit_type: NotRequired[Annotated[str, "Of credits: their type; the policy names the types."]]
    ticket_id: NotRequired[Annotated[Id | None, "Of credits: the ticket."]]
    order_id: NotRequired[Annotated[Id | None, "Of credits: the order."]]


class ExplainedClock(TypedDict):
    """A clock of an explained ticket, in brief."""

    clock_id: Annotated[Id, "Our id of the clock; `clock` explains it."]
    milestone: Annotated[str, "What the clock waits for; the policy names the milestones."]
    due_at: Annotated[Instant | None, "When it is due; null while it stands still."]
    outcome: Annotated[ClockOutcome, "What became of the promise."]
    summary: Annotated[str, "What was promised and how it stands, in sentences."]
    clause: Annotated[str | None, "The clause of the promise."]


class SpendingOrder(TypedDict):
    """By which rule lots are spent."""

    clause: Annotated[str | None, "The clause of the policy."]
    rule: Annotated[str, "What decides, the first first."]
    reading: Annotated[bool, "Whether it is our reading."]


class ExplainedCalendar(TypedDict):
    """The calendar that a clock was counted on."""

    name: Annotated[str, "Its name."]
    zone: Annotated[str, "Its time zone."]
    revision: Annotated[int | None, "Its revision."]
    tzdb_version: Annotated[str | None, "The version of the zone database."]


class ExplainedClockEvent(TypedDict):
    """An event that a due time rests on."""

    seq: Annotated[int, "Its place among the events of the clock."]
    kind: Annotated[str, "What happened to the clock."]
    occurred_at: Annotated[Instant, "When it happened."]
    recorded_at: Annotated[Instant, "When we were told."]
    reason: NotRequired[Annotated[str, "Why."]]
    party: NotRequired[Annotated[str, "Of a pause: who is waited for."]]
    target: NotRequired[Annotated[str, "The target that it sets."]]
    corrects: NotRequired[Annotated[int, "The event that it corrects, by its `seq`."]]
    corrected_occurred_at: NotRequired[Annotated[Instant, "When the corrected event happened after all."]]
    calendar_revision: NotRequired[Annotated[int, "The revision of the calendar from then on."]]
    tzdb_version: NotRequired[Annotated[str, "The version of the zone database from then on."]]
    edition: NotRequired[Annotated[int, "By which edition of our rules it is judged."]]


class ExplanationBody(TypedDict):
    """An explanation before the words of its clauses are added."""

    kind: Annotated[ExplanationKind, "What is explained."]
    id: Annotated[Id, "Its id, as it was asked for."]
    policy: Annotated[PolicyVersion, "The policy that decided."]
    summary: Annotated[str, "A few sentences that a clerk can read out, in the policy's words and units."]
    trace: Annotated[Sequence[ExplanationStep], "What happened, step by step, in order."]
    ticket_id: NotRequired[Annotated[Id, "Of a ticket: its id at the helpdesk."]]
    state: NotRequired[Annotated[TicketState, "Of a ticket: where it stands."]]
    reasons: NotRequired[Annotated[Sequence[Reason], "Of a ticket: why it stands there."]]
    charge: NotRequired[Annotated[Charge, "Of a ticket: what it has cost."]]
    assessment: NotRequired[Annotated[Assessment, "Of an assessment: the assessment."]]
    clocks: NotRequired[Annotated[Sequence[ExplainedClock], "Of a ticket: its clocks in brief."]]
    ledger: NotRequired[
        Annotated[Sequence[LedgerStep], "Of a ticket, an order or a refund: its operations of the ledger."]
    ]
    placed_at: NotRequired[Annotated[Instant, "Of an order: when it was placed."]]
    received_at: NotRequired[Annotated[Instant, "Of an order: when we received it."]]
    notices: NotRequired[Annotated[Sequence[Notice], "Of an order: what the customer is to be told."]]
    answer: NotRequired[Annotated[OrderRefund, "Of a refund: what was answered."]]
    at: NotRequired[Annotated[Instant, "Of a refund: when it was made. Of a clock: the instant of the answer."]]
    rule: NotRequired[Annotated[str | None, "The rule of the policy that granted it."]]
    clause: NotRequired[Annotated[str | None, "The clause that it rests on."]]
    reading: NotRequired[Annotated[bool, "Whether that clause is our reading of a text that is silent."]]
    order_id: NotRequired[Annotated[Id | None, "The order that brought it."]]
    line_id: NotRequired[Annotated[Id | None, "Of a lot: the line of the order."]]
    source: NotRequired[Annotated[LotSource, "Of a lot: where its credits came from."]]
    origin_lot_id: NotRequired[Annotated[Id | None, "Of a lot: the lot that it was moved from."]]
    reason: NotRequired[Annotated[str | None, "Of a lot: why it was granted."]]
    credit_type: NotRequired[Annotated[str, "Of a lot: the type of its credits."]]
    granted: NotRequired[Annotated[Credits, "Of a lot: how many credits it had."]]
    expires_at: NotRequired[Annotated[Instant | None, "Of a lot: when it expires."]]
    spending_order: NotRequired[Annotated[SpendingOrder, "Of a lot: by which rule lots are spent."]]
    due_at: NotRequired[Annotated[Instant | None, "Of a clock: when it is due."]]
    clock: NotRequired[Annotated[Clock, "Of a clock: how it stands."]]
    business_seconds: NotRequired[Annotated[Whole, "Of a clock: business seconds up to its due time."]]
    consumed: NotRequired[Annotated[Sequence[ConsumedStretch], "Of a clock: the stretches counted, the earliest."]]
    skipped: NotRequired[Annotated[Sequence[Closure], "Of a clock: closed and half days on the way, the earliest."]]
    more_consumed: NotRequired[Annotated[int, "Of a clock: how many stretches more."]]
    more_skipped: NotRequired[Annotated[int, "Of a clock: how many days more."]]
    calendar: NotRequired[Annotated[ExplainedCalendar, "Of a clock: the calendar."]]
    events: NotRequired[Annotated[Sequence[ExplainedClockEvent], "Of a clock: the events that it rests on."]]


class Explanation(ExplanationBody):
    """Why something stands as it does: the whole trace of a stored decision, charge or due time.

    What stands beside `summary`, `trace` and `clauses` depends on `kind`.
    """

    clauses: Annotated[Sequence[PolicyClause], "The words of every clause that is named."]


_CITED: Final = re.compile(r"(?:\(|\bas )([^()\s]+)(?:\)| allows\b)")
"""What may be the id of a clause in a sentence: ``(XC-6)``, ``as XC-6 allows``."""
_WORKING: Final = ("before", "after")
"""Members of an operation that only its sentences need."""


def version_of(policy: Policy) -> PolicyVersion:
    """Return which version of which policy decided."""
    return {"name": policy.policy, "version": policy.version}


def step_view(
    kind: str,
    occurred_at: datetime,
    recorded_at: datetime,
    actor: str | None,
    *,
    summary: str,
    clause: str | None,
    **more: Any,
) -> ExplanationStep:
    """Return one step of a trace. ``more``: members of the step; those that say nothing are left out."""
    step: dict[str, Any] = {
        "step": kind,
        "summary": summary,
        "clause": clause,
        "at": iso(occurred_at),
        "recorded_at": iso(recorded_at),
        "by": actor,
    }
    for name, value in more.items():
        if value not in (None, (), [], {}):
            step[name] = jsonable(value)
    changes = [reason["would_change"] for reason in step.get("reasons", ()) if reason.get("would_change")]
    if changes:
        step["would_change"] = changes
    return cast(ExplanationStep, step)


def rule_view(policy: Policy, result: Mapping[str, Any]) -> ExplainedRule:
    """Return a check's result in a sentence, with its clause and whether it is our reading."""
    clause = str(result.get("clause")) if result.get("clause") else None
    rule = {
        **result,
        "summary": words.check_sentence(policy, result),
        "reading": bool(result.get("reading")) or is_reading(policy, clause),
    }
    return cast(ExplainedRule, rule)


def operation_views(operations: Iterable[Mapping[str, Any]]) -> list[LedgerStep]:
    """Return operations of the ledger without what only their sentences needed."""
    return [
        cast(
            LedgerStep,
            {
                **{name: value for name, value in operation.items() if name not in _WORKING},
                "moves": [
                    {name: value for name, value in move.items() if name != "lot"} for move in operation["moves"]
                ],
            },
        )
        for operation in operations
    ]


def operation_steps(operations: Iterable[Mapping[str, Any]]) -> list[ExplanationStep]:
    """Return operations of the ledger as the steps of a trace."""
    return cast(list[ExplanationStep], operation_views(operations))


def explanation_view(policy: Policy, body: ExplanationBody) -> Explanation:
    """Return an explanation with the words of every clause that it names."""
    return {**cast(ExplanationBody, in_words(policy, body)), "clauses": clause_views(policy, _clauses_in(body))}


def clause_views(policy: Policy, ids: Iterable[str]) -> list[PolicyClause]:
    """Return the clauses that are named, in the policy's order."""
    named = set(ids)
    return [
        {"clause": clause.id, "text": clause.text, "source": clause.source, "reading": clause.reading}
        for clause in policy.clauses
        if clause.id in named
    ]


def _clauses_in(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, str) and (name == "clause" or name.endswith("_clause")):
                yield inner
            elif isinstance(inner, str) and name == "summary":
                yield from _CITED.findall(inner)
            else:
                yield from _clauses_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _clauses_in(inner)
