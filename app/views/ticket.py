"""Tickets as published: the names of api.md, ids of the caller's alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from app.domain.clocks.ticket_clock import LIVE
from app.domain.policy.policy import Policy
from app.domain.policy.wording import shown
from app.domain.tickets import actions
from app.domain.tickets import ticket as stored
from app.domain.tickets import ticket_lists as lists
from app.domain.tickets.priority import priority_of
from app.views.clock import Clock, ClockParty
from app.views.decision import PolicyVersion, Reason, Remedy
from app.views.price import PriceStep
from app.views.shapes import Closed, Credits, Id, Inputs, Instant
from app.views.work import LINES_SHOWN, ActingAgent, TicketWork, WorkLine, work_view

TicketState = Annotated[stored.State, Closed("TicketState", "Where a ticket stands.")]
Author = Annotated[Literal["vendor", "customer"], Closed("Author", "Who wrote, or who opened a ticket.")]
Verdict = Annotated[Literal["accept", "reject"], Closed("Verdict", "Whether a ticket is served.")]
AssessmentStatus = Annotated[lists.AssessmentStatus, Closed("AssessmentStatus", "What became of a quote.")]


class Check(TypedDict):
    """One question of the qualification, and its answer."""

    check: Annotated[str, "The name of the check; the policy names them."]
    result: Annotated[Annotated[lists.CheckOutcome, Closed("CheckResult", "How a check came out.")], "How it came out."]
    code: Annotated[str, "The code of its reason."]
    clause: Annotated[str, "The clause of the policy."]
    on_fail: Annotated[
        Annotated[lists.OnFail, Closed("OnFail", "What a failed check does.")], "What it does where it fails."
    ]
    requirement: Annotated[str | None, "The requirement in the policy's words."]


class Recommendation(TypedDict):
    """What the rules advise the agent."""

    decision: Annotated[Verdict, "Whether to serve the ticket."]
    reasons: Annotated[Sequence[Reason], "Why not."]


class Qualification(TypedDict):
    """Whether a ticket is served, and who said so."""

    by_agent: Annotated[bool, "Whether an agent decides, by the policy."]
    state: Annotated[
        Annotated[
            Literal["undecided", "accepted", "rejected"],
            Closed("QualificationState", "Whether a ticket was qualified."),
        ],
        "Whether it was decided.",
    ]
    decision: Annotated[Verdict | None, "What was decided."]
    checks: Annotated[Sequence[Check], "The checks of the policy, each with its result."]
    recommendation: Annotated[Recommendation | None, "What the rules advise; where an agent decides."]
    reasons: Annotated[Sequence[Reason], "The reasons of the decision."]
    by: Annotated[str | None, "Who decided: `rules`, or the key of an agent."]
    at: Annotated[Instant | None, "When it was decided."]
    note: Annotated[str | None, "The agent's note."]
    acting_agent: Annotated[ActingAgent | None, "Who acted for the vendor, where the call said so."]


class Assessment(TypedDict):
    """A quote in the numbered history."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    category: Annotated[str | None, "The category; the policy names them."]
    inputs: Annotated[Inputs, "The numbers that its price needs, by name."]
    credits: Annotated[Credits, "Its price."]
    list_credits: Annotated[Credits | None, "The price by the list; null where it is by quote only."]
    status: Annotated[AssessmentStatus, "What became of it."]
    reason: Annotated[str | None, "Why it is not by the list, or was made."]
    outside_list: Annotated[bool, "Whether it is not by the list."]
    clause: Annotated[str | None, "The clause of the price."]
    reading: Annotated[bool, "Whether it is our reading."]
    at: Annotated[Instant, "When it was made."]
    by: Annotated[str | None, "Who made it: `rules`, or the key of an agent."]
    decided_at: Annotated[Instant | None, "When it was confirmed, declined or replaced."]
    steps: NotRequired[Annotated[Sequence[PriceStep], "How the price is made, where surcharges or work make it."]]
    surviving: NotRequired[Annotated[Credits, "What of it stays charged when a cause returns the rest."]]
    up_to: NotRequired[Annotated[Credits | None, "What work may take by it; null: no limit."]]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class ChargeShown(TypedDict):
    """What a ticket has cost, as people write time: `1 h 15 min`."""

    held: Annotated[str, "Time that is set aside for it."]
    captured: Annotated[str, "Time that was taken for it."]
    refunded: Annotated[str, "Time of this that was given back."]
    net: Annotated[str, "What it costs."]


class Charge(TypedDict):
    """What a ticket has cost."""

    held: Annotated[Credits, "Credits that are set aside for it."]
    captured: Annotated[Credits, "Credits that were taken for it."]
    refunded: Annotated[Credits, "Credits of these that were given back."]
    net: Annotated[Credits, "What it costs: captured less refunded."]
    shown: NotRequired[Annotated[ChargeShown, "The same as people write time, where a credit is time."]]


class Response(TypedDict):
    """A message on a ticket, as far as promises and charges care."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    author: Annotated[Author, "Who wrote it."]
    kind: Annotated[
        Annotated[Literal["service", "inquiry"], Closed("ResponseKind", "What a message is for.")],
        "Whether it serves the ticket or asks something.",
    ]
    public: Annotated[bool, "Whether the customer sees it."]
    automatic: Annotated[bool, "Whether a machine sent it; it meets no promise."]
    occurred_at: Annotated[Instant, "When it was written."]
    recorded_at: Annotated[Instant, "When we were told."]
    by: Annotated[str | None, "The key that told us."]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class AccessRequest(TypedDict):
    """Access that the customer owes."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    kinds: Annotated[list[str], "The kinds of access."]
    deadline_at: Annotated[Instant | None, "Until when it is to be given; null on a calendar that opens no more."]
    requested_at: Annotated[Instant, "When it was asked for."]
    granted_at: Annotated[Instant | None, "When it was given."]
    missed_at: Annotated[Instant | None, "When the deadline passed without it."]
    cancelled_at: Annotated[Instant | None, "When the ticket ended before the deadline."]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class TicketPause(TypedDict):
    """A stretch in which the vendor's clocks stand."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    reason: Annotated[str, "Why they stand; the policy names the reasons."]
    party: Annotated[ClockParty, "Who is waited for."]
    clause: Annotated[str | None, "The clause that allows it."]
    started_at: Annotated[Instant, "When it began."]
    ended_at: Annotated[Instant | None, "When it ended; null while it lasts."]
    until: Annotated[Instant | None, "When it ends by itself."]
    silent_at: Annotated[Instant | None, "When the customer's silence has its consequence."]
    ended_by: Annotated[
        Annotated[lists.PauseEnd, Closed("PauseEnd", "What ended a pause by itself.")] | None,
        "What ended it, where nobody did.",
    ]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class Dispute(TypedDict):
    """A charge that the customer thinks wrong."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    reason: Annotated[str | None, "Why the customer thinks it wrong."]
    clause: Annotated[str, "The clause that allows a dispute."]
    opened_at: Annotated[Instant, "When it was opened."]
    charge: Annotated[Credits, "The charge that is disputed."]
    decision: Annotated[
        Annotated[Literal["upheld", "reduced", "returned"], Closed("DisputeDecision", "How a dispute was decided.")]
        | None,
        "How it was decided; null while it is open.",
    ]
    credits: Annotated[Credits | None, "The charge after the decision."]
    returned: Annotated[Credits, "Credits that can be used again."]
    forfeited: Annotated[Credits, "Credits that were given back and gone at once, since their lot had ended."]
    cause: Annotated[str | None, "The cause that the decision named; the policy names the causes."]
    reasons: Annotated[Sequence[Reason], "The reasons of the decision."]
    decided_at: Annotated[Instant | None, "When it was decided."]
    by: Annotated[str | None, "Who decided."]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class CauseCorrection(TypedDict):
    """The cause as it turned out after all, and the credits that moved for it."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    cause: Annotated[str, "The cause; the policy names the causes."]
    previous_cause: Annotated[str | None, "The cause before."]
    reason: Annotated[str, "How that became known."]
    clause: Annotated[str | None, "The clause by which credits moved."]
    returned: Annotated[Credits, "Credits that can be used again."]
    forfeited: Annotated[Credits, "Credits that were given back and gone at once, since their lot had ended."]
    captured: Annotated[Credits, "Credits that were taken again."]
    not_captured: Annotated[Credits, "Credits of the charge that were not there to be taken again."]
    at: Annotated[Instant, "When it was corrected."]
    by: Annotated[str | None, "Who corrected it."]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class ReachedMilestone(TypedDict):
    """A milestone that the helpdesk says is reached."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    milestone: Annotated[str, "The milestone; the policy names its milestones."]
    at: Annotated[Instant, "When it was reached."]
    by: Annotated[str | None, "Who said so."]
    acting_agent: NotRequired[Annotated[ActingAgent, "Who acted for the vendor, where the call said so."]]


class TicketService(TypedDict):
    """The kind of credit that serves a ticket, and what it includes."""

    credit_type: Annotated[str, "The type of credit."]
    title: Annotated[str, "Its name in the policy."]
    clause: Annotated[str, "The clause that describes it."]
    served_by: Annotated[str | None, "Who serves it."]
    includes: Annotated[Sequence[str], "What it includes."]


class TicketOption(TypedDict):
    """One of the things that the customer can choose for a ticket: a means of payment, or an open choice."""

    pay_with: NotRequired[Annotated[str, "The means of payment to name in `pay_with`."]]
    credits: NotRequired[Annotated[Credits | None, "What it costs in credits; null before an assessment."]]
    available: NotRequired[Annotated[Credits, "Credits that can be spent."]]
    cover_id: NotRequired[Annotated[Id, "The cover that would pay."]]
    state: NotRequired[Annotated[str, "How that cover stands."]]
    ends_at: NotRequired[Annotated[Instant | None, "When that cover would end."]]
    choice_id: NotRequired[Annotated[Id, "The choice that is open."]]
    options: NotRequired[Annotated[Sequence[str], "What that choice offers."]]


class TicketAction(TypedDict):
    """Something that may be done with a ticket, now or once something else was done."""

    action: Annotated[
        Annotated[actions.TicketAction, Closed("TicketVerb", "What can be done with a ticket.")], "What would be done."
    ]
    by: Annotated[Annotated[actions.Party, Closed("ActingParty", "Who may act on a ticket.")], "Whose it is to do."]
    allowed: Annotated[bool, "Whether a call is accepted now."]
    needs: Annotated[
        Sequence[str],
        "What the call has to say, and `available_credits` or `cover`; where it is not allowed: what comes first.",
    ]
    code: Annotated[str | None, "The code with which it is refused now."]


class Ticket(TypedDict):
    """The vendor's support request, under the helpdesk's own id."""

    ticket_id: Annotated[Id, "The helpdesk's id of the ticket."]
    customer_id: Annotated[Id | None, "The customer who asked; null once erased."]
    company_id: Annotated[Id | None, "The company whose account pays, where the customer asked as one of its people."]
    subject: Annotated[str, "What the ticket is about; empty once erased."]
    state: Annotated[TicketState, "Where the ticket stands."]
    channel: Annotated[str | None, "How it came in; the policy names the channels."]
    language: Annotated[str | None, "The customer's language."]
    license_id: Annotated[Id | None, "The license that it is about."]
    product: Annotated[str | None, "The product that it is about."]
    category: Annotated[str | None, "The category; the policy names them."]
    inputs: Annotated[Inputs, "The numbers that its price needs, by name."]
    facts: Annotated[Mapping[str, Any], "What is known of it, by name."]
    agreed_up_to: Annotated[Credits | None, "The price that the customer agreed to in advance."]
    pay_with: Annotated[str | None, "What is to pay: `credits` or `cover`."]
    credit_type: Annotated[str | None, "The type of credit that serves it."]
    asks: Annotated[Sequence[str], "The facts and inputs that are asked for."]
    reasons: Annotated[Sequence[Reason], "Why it stands where it stands."]
    remedies: Annotated[Sequence[Remedy], "What the customer can do about it."]
    options: Annotated[Sequence[TicketOption], "What the customer can choose."]
    service: Annotated[TicketService | None, "The service behind its type of credit."]
    qualification: Annotated[Qualification, "Whether it is served, and who said so."]
    assessments: Annotated[Sequence[Assessment], "Every quote, the oldest first."]
    price: Annotated[Credits | None, "The price in force; null while there is none."]
    charge: Annotated[Charge, "What it has cost so far."]
    paid_by: Annotated[
        Annotated[lists.PaidBy, Closed("PaidBy", "What pays for a ticket.")] | None,
        "What pays for it; null while that is open.",
    ]
    cover_id: Annotated[Id | None, "The cover that pays."]
    credit_applied_at: Annotated[Instant | None, "When a credit was applied."]
    credit_expires_at: Annotated[Instant | None, "When the applied credit expires."]
    service_at: Annotated[Instant | None, "When the vendor first served it."]
    responses: Annotated[Sequence[Response], "The messages, the oldest first."]
    access_requests: Annotated[Sequence[AccessRequest], "The requests for access, the oldest first."]
    pauses: Annotated[Sequence[TicketPause], "The pauses, the oldest first."]
    disputes: Annotated[Sequence[Dispute], "The disputes of its charge, the oldest first."]
    outcome: Annotated[str | None, "How it ended; the policy names the outcomes."]
    cause: Annotated[str | None, "What the problem was; the policy names the causes."]
    cause_corrections: Annotated[Sequence[CauseCorrection], "The corrections of the cause."]
    milestones: Annotated[Sequence[ReachedMilestone], "The milestones that the helpdesk says are reached."]
    result: Annotated[Mapping[str, Any], "Facts that its resolution recorded, by name."]
    opened_by: Annotated[Author, "Who opened it."]
    external_url: Annotated[str | None, "The link to the ticket in the helpdesk."]
    priority: Annotated[str | None, "Its priority, stated or by the policy; the policy names them."]
    requester: Annotated[str | None, "Who asked, in the helpdesk's own words."]
    metadata: Annotated[dict[str, Any], "What the vendor keeps beside it, by name."]
    acting_agent: Annotated[ActingAgent | None, "Who acted for the vendor last, where the call said so."]
    merged_into: Annotated[Id | None, "The ticket that it was merged into."]
    merged: Annotated[Sequence[Id], "The tickets that were merged into it."]
    parent: Annotated[Id | None, "The ticket that it was split off."]
    children: Annotated[Sequence[Id], "The tickets that were split off it."]
    reopened: Annotated[int, "How often it was reopened."]
    reopening_reason: Annotated[str | None, "Why it was reopened last."]
    opened_at: Annotated[Instant, "When it was opened."]
    updated_at: Annotated[Instant, "When something last happened to it."]
    accepted_at: Annotated[Instant | None, "Since when it is served."]
    resolved_at: Annotated[Instant | None, "When it was resolved."]
    closed_at: Annotated[Instant | None, "When it was resolved, rejected or withdrawn."]
    confirmation_expires_at: Annotated[Instant | None, "Until when a quote waits for the customer."]
    policy: Annotated[PolicyVersion, "The policy that it was opened under."]
    version: Annotated[int, "How many things happened to it."]
    clocks: Annotated[Sequence[Clock], "What was promised for it, and how that stands."]
    actions: Annotated[Sequence[TicketAction], "What may be done with it now."]
    number: NotRequired[Annotated[int, "The number of the assessment that the call was about."]]
    status: NotRequired[Annotated[AssessmentStatus, "What became of that assessment."]]
    assessment: NotRequired[Annotated[Assessment, "The assessment that the call made or decided."]]
    response: NotRequired[Annotated[Response, "The message that the call added."]]
    access_request: NotRequired[Annotated[AccessRequest, "The request for access that the call was about."]]
    dispute: NotRequired[Annotated[Dispute, "The dispute that the call opened or decided."]]
    cause_correction: NotRequired[Annotated[CauseCorrection, "The correction that the call made."]]
    work: NotRequired[
        Annotated[TicketWork, "Its work log; absent where nothing is charged by time, and none is logged."]
    ]
    work_line: NotRequired[Annotated[WorkLine, "The line of work that the call added."]]
    price_shown: NotRequired[Annotated[str | None, "The price as people write time, where a credit is time."]]


def ticket_view(
    ticket: stored.Ticket,
    *,
    account: str | None,
    names: Mapping[str, str],
    clocks: Sequence[Clock],
    charge: Mapping[str, int] | None = None,
    at: datetime,
    policy: Policy | None = None,
    lines: int | None = LINES_SHOWN,
    with_actions: bool = True,
) -> Ticket:
    """Return a ticket as published ``at`` an instant. ``account``: the vendor's id of the customer who pays.

    ``names``: our ids of related tickets -> the helpdesk's. ``with_actions``: False where nobody asks for its actions.
    """
    found: Ticket = {
        "ticket_id": ticket.external_id,
        "customer_id": account if ticket.person_id is None else ticket.person_name,
        "company_id": None if ticket.person_id is None else account,
        "subject": ticket.subject,
        "state": cast(stored.State, ticket.state),
        "channel": ticket.channel,
        "language": ticket.language,
        "license_id": ticket.license_id,
        "product": ticket.product,
        "category": ticket.category,
        "inputs": ticket.inputs,
        "facts": {name: value for name, value in ticket.facts.items() if value is not None},
        "agreed_up_to": ticket.agreed_up_to,
        "pay_with": ticket.pay_with,
        "credit_type": ticket.credit_type,
        "asks": ticket.asks,
        "reasons": cast(Sequence[Reason], ticket.reasons),
        "remedies": cast(Sequence[Remedy], ticket.remedies),
        "options": cast(Sequence[TicketOption], ticket.options),
        "service": _service(ticket, policy),
        "qualification": _qualification(ticket, policy),
        "assessments": assessment_views(ticket.assessments),
        "price": ticket.price,
        "charge": charge_view(charge or ticket.charge),
        "paid_by": ticket.paid_by,
        "cover_id": ticket.cover_id,
        "credit_applied_at": ticket.credit_applied_at,
        "credit_expires_at": ticket.credit_expires_at,
        "service_at": ticket.service_at,
        "responses": [response_view(response) for response in ticket.responses],
        "access_requests": ticket.access_requests,
        "pauses": [{"until": None, "silent_at": None, "ended_by": None, **pause} for pause in ticket.pauses],
        "disputes": [dispute_view(dispute) for dispute in ticket.disputes],
        "outcome": ticket.outcome,
        "cause": ticket.cause,
        "cause_corrections": ticket.cause_corrections,
        "milestones": ticket.milestones,
        "result": ticket.result,
        "opened_by": ticket.opened_by,
        "external_url": ticket.external_url,
        "priority": ticket.priority if policy is None else priority_of(policy, ticket),
        "requester": ticket.requester,
        "metadata": ticket.metadata,
        "acting_agent": ticket.acting_agent,
        "merged_into": None if ticket.merged_into is None else names.get(ticket.merged_into),
        "merged": [names[merged] for merged in ticket.merged_ids if merged in names],
        "parent": None if ticket.parent_id is None else names.get(ticket.parent_id),
        "children": [names[child] for child in ticket.child_ids if child in names],
        "reopened": ticket.reopened,
        "reopening_reason": ticket.reopening_reason,
        "opened_at": ticket.opened_at,
        "updated_at": ticket.updated_at,
        "accepted_at": ticket.accepted_at,
        "resolved_at": ticket.resolved_at,
        "closed_at": ticket.closed_at,
        "confirmation_expires_at": ticket.confirmation_expires_at,
        "policy": {"name": ticket.policy_name, "version": ticket.policy_version},
        "version": ticket.version,
        "clocks": clocks,
        "actions": []
        if policy is None or not with_actions
        else _actions(ticket, policy, at, charge or ticket.charge, clocks),
    }
    if policy is not None and (log := work_view(ticket, policy, lines=lines)) is not None:
        found["work"] = log
    if policy is not None and policy.unit is not None and policy.unit.minutes is not None:
        found["price_shown"] = None if ticket.price is None else shown(policy, ticket.price)
        found["charge"]["shown"] = _charge_shown(policy, found["charge"])
    return found


def _actions(
    ticket: stored.Ticket, policy: Policy, at: datetime, charge: Mapping[str, int], clocks: Sequence[Clock]
) -> list[TicketAction]:
    running = {clock["milestone"] for clock in clocks if clock["phase"] in LIVE}
    return [
        {"action": item.action, "by": item.by, "allowed": item.code is None, "needs": item.needs, "code": item.code}
        for item in actions.possible(ticket, policy, at=at, charge=charge, running=running)
    ]


def _charge_shown(policy: Policy, charge: Charge) -> ChargeShown:
    return {
        "held": shown(policy, charge["held"]) or "",
        "captured": shown(policy, charge["captured"]) or "",
        "refunded": shown(policy, charge["refunded"]) or "",
        "net": shown(policy, charge["net"]) or "",
    }


def assessment_views(assessments: Sequence[lists.Assessment]) -> list[Assessment]:
    """Return quotes; the steps of a price are stored as they are published."""
    return cast(list[Assessment], assessments)


def charge_view(charge: Mapping[str, int]) -> Charge:
    """Return what a ticket has cost."""
    return {
        "held": charge["held"],
        "captured": charge["captured"],
        "refunded": charge["refunded"],
        "net": charge["net"],
    }


def response_view(response: lists.Response) -> Response:
    """Return a message; those of earlier versions do not say whether a machine sent them."""
    return {"automatic": False, **response}


def dispute_view(dispute: lists.Dispute) -> Dispute:
    """Return a dispute; those of earlier versions say nothing of what was forfeited."""
    return cast(Dispute, {"forfeited": 0, "cause": None, "reasons": [], **dispute})


def _service(ticket: stored.Ticket, policy: Policy | None) -> TicketService | None:
    """Return what the type of credit stands for: by whom it is served and what it includes (TERMS-16)."""
    kind = policy.credit_type(ticket.credit_type) if policy is not None and ticket.credit_type is not None else None
    if kind is None or not kind.service:
        return None
    return {
        "credit_type": kind.credit_type,
        "title": kind.title,
        "clause": kind.clause,
        "served_by": kind.served_by,
        "includes": list(kind.includes),
    }


def _qualification(ticket: stored.Ticket, policy: Policy | None) -> Qualification:
    decided: Mapping[str, Any] = ticket.qualification or {}
    decision = decided.get("decision")
    return {
        "by_agent": policy is not None and policy.qualification.by == "agent",
        "state": "undecided" if decision is None else "accepted" if decision == "accept" else "rejected",
        "decision": decision,
        "checks": cast(Sequence[Check], ticket.checks),
        "recommendation": cast(Recommendation | None, ticket.recommendation),
        "reasons": decided.get("reasons", []),
        "by": decided.get("by"),
        "at": decided.get("at"),
        "note": decided.get("note"),
        "acting_agent": decided.get("acting_agent"),
    }
