"""Tickets: opened, completed, worked on and read by the helpdesk."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from app.api.deps import AsOf, Caller, KeyedCall, scoped
from app.api.paging import Paging
from app.api.problems import problems
from app.api.reply import Reply
from app.api.strict import (
    Body,
    Credits,
    CreditsOrZero,
    ExternalId,
    Facts,
    Flag,
    Inputs,
    Instant,
    LongText,
    PathId,
    PathNumber,
    QueryId,
    ShortText,
    StrictRoute,
    by_natural_key,
)
from app.usecases import ticket_work, tickets
from app.views.shapes import PageOf
from app.views.ticket import Ticket

router = APIRouter(route_class=StrictRoute, tags=["Helpdesk"])
Writer = Annotated[Caller, scoped("tickets:write")]
Reader = Annotated[Caller, scoped("tickets:read")]
Subject = Annotated[
    str, StringConstraints(strict=True, max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
]
_REFUSED = problems(404, 409, 422)
_CAUSE_CODE = "cause_scope_missing"


class TicketBody(Body):
    """What the helpdesk says of a new ticket; what it leaves out is unknown and asked for where it matters."""

    customer_id: ExternalId
    subject: Subject = ""
    channel: ShortText | None = Field(default=None, examples=["helpdesk"])
    language: ShortText | None = Field(default=None, examples=["en"])
    license_id: ExternalId | None = None
    product: ShortText | None = None
    facts: Facts = Field(default_factory=dict)
    category: ShortText | None = None
    inputs: Inputs = Field(default_factory=dict)
    agreed_up_to: Credits | None = None
    pay_with: ShortText | None = Field(default=None, examples=["credits"])
    credit_type: ShortText | None = None
    opened_at: Instant | None = None
    opened_by: Literal["customer", "vendor"] = "customer"


class DetailsBody(Body):
    """What was missing or asked for."""

    facts: Facts = Field(default_factory=dict)
    category: ShortText | None = None
    inputs: Inputs | None = None
    pay_with: ShortText | None = None
    license_id: ExternalId | None = None
    agreed_up_to: Credits | None = None


class QualificationBody(Body):
    """An agent's decision; codes are the policy's grounds."""

    decision: Literal["accept", "reject"]
    reasons: list[ShortText] = Field(default_factory=list, max_length=50)
    note: LongText | None = None
    occurred_at: Instant | None = None


class AssessmentBody(Body):
    """A quote. ``credits`` where the list names none, or with a ``reason`` outside the list."""

    category: ShortText | None = None
    inputs: Inputs = Field(default_factory=dict)
    credits: CreditsOrZero | None = None
    reason: LongText | None = None
    occurred_at: Instant | None = None


class ConfirmationBody(Body):
    """The customer's answer to a quote."""

    accept: Flag


class ResponseBody(Body):
    """A message on the ticket. ``automatic``: sent by a machine; it meets no promise and answers nothing."""

    author: Literal["vendor", "customer"]
    kind: Literal["service", "inquiry"] = "inquiry"
    public: Flag = True
    automatic: Flag = False
    occurred_at: Instant | None = None


class AccessBody(Body):
    """The access that is needed, and by when."""

    kinds: list[ShortText] = Field(min_length=1, max_length=20, examples=[["ftp", "admin"]])
    deadline_at: Instant | None = None


class PauseBody(Body):
    """Why vendor clocks stand, and who is waited for. ``until``: it ends by itself then."""

    reason: ShortText
    party: ShortText | None = None
    until: Instant | None = None
    occurred_at: Instant | None = None


class ResumeBody(Body):
    """Which reason is gone; none: all of them."""

    reason: ShortText | None = None
    party: ShortText | None = None
    occurred_at: Instant | None = None


class OccurredBody(Body):
    """When it happened, where it is told late."""

    occurred_at: Instant | None = None


class CreditResponse(Body):
    """The response that brings a credit."""

    author: Literal["vendor", "customer"] = "customer"
    kind: Literal["service", "inquiry"] = "inquiry"
    public: Flag = True
    occurred_at: Instant | None = None


class CreditBody(Body):
    """A credit for an open ticket."""

    credit_type: ShortText
    response: CreditResponse | None = None


class SplitBody(Body):
    """The new ticket."""

    ticket_id: ExternalId
    subject: Subject = ""


class TicketMergeBody(Body):
    """The ticket that this one is the same issue as."""

    into_ticket_id: ExternalId


class ResolutionBody(Body):
    """How it ended. ``result`` records facts found, such as ``hosting_certified``."""

    outcome: ShortText | None = None
    cause: ShortText | None = None
    result: Facts = Field(default_factory=dict)
    occurred_at: Instant | None = None


class ReopeningBody(Body):
    """Why it is the same issue again; optional."""

    reason: LongText | None = None


class DisputeBody(Body):
    """Why the charge is thought wrong."""

    reason: LongText | None = None


class DisputeDecisionBody(Body):
    """``credits`` is the new charge, below the old one."""

    decision: Literal["upheld", "reduced", "returned"]
    credits: CreditsOrZero | None = None
    cause: ShortText | None = Field(default=None, examples=["settings"])


class CauseBody(Body):
    """What the problem really was, and how that became known."""

    cause: ShortText = Field(examples=["software_bug"])
    reason: Annotated[LongText, StringConstraints(min_length=1)] = Field(examples=["Found in release 4.2"])


@router.put("/v1/tickets/{ticket_id}", operation_id="putTicket", status_code=201, responses=_REFUSED)
async def put_ticket(ticket_id: PathId, body: TicketBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Opens a ticket. 201 the first time, 200 with the same body again, 409 with other content."""
    command = tickets.OpenTicket(ticket_id=ticket_id, **body.plain())
    return await call.natural(lambda tx: tickets.put(tx, command), customer_id=command.customer_id)


@router.get("/v1/tickets/{ticket_id}", operation_id="getTicket", responses=problems(404))
async def get_ticket(ticket_id: PathId, caller: Reader, point: AsOf) -> Reply[Ticket]:
    """State, qualification, assessments, charge, clocks, parent and children."""
    return await caller.read(
        lambda tx: tickets.get(tx, ticket_id, as_of=point.as_of, known_at=point.known_at)
    )


@router.get("/v1/tickets", operation_id="listTickets", responses=problems(404))
async def list_tickets(
    caller: Reader,
    page: Paging,
    point: AsOf,
    customer_id: QueryId | None = None,
    state: Annotated[str | None, Query(min_length=1, max_length=40, examples=["in_progress"])] = None,
) -> Reply[PageOf[Ticket]]:
    """Tickets, newest first. ``as_of`` and ``known_at``: as they stood; a page may then have fewer rows."""
    return await caller.page(
        page,
        lambda tx, part: tickets.listed(
            tx,
            customer_id=customer_id,
            state=state,
            as_of=point.as_of,
            known_at=point.known_at,
            part=part,
        ),
    )


@router.post("/v1/tickets/{ticket_id}/details", operation_id="addTicketDetails", responses=_REFUSED)
async def add_details(ticket_id: PathId, body: DetailsBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """What was missing or asked for; decides again."""
    stated = body.plain()
    return await call.keyed(
        "tickets.details",
        {"ticket_id": ticket_id},
        body,
        lambda tx: tickets.details(tx, ticket_id, stated),
    )


@router.post("/v1/tickets/{ticket_id}/withdrawal", operation_id="withdrawTicket", responses=_REFUSED)
async def withdraw(
    ticket_id: PathId, caller: Writer, call: KeyedCall, body: OccurredBody | None = None
) -> Reply[Ticket]:
    """By the customer; gives back what is held."""
    given = body or OccurredBody()
    return await call.keyed(
        "tickets.withdraw",
        {"ticket_id": ticket_id},
        given,
        lambda tx: ticket_work.withdraw(tx, ticket_id, occurred_at=given.occurred_at),
    )


@router.post("/v1/tickets/{ticket_id}/qualification", operation_id="qualifyTicket", responses=_REFUSED)
async def qualify(
    ticket_id: PathId,
    body: QualificationBody,
    caller: Annotated[Caller, scoped("tickets:qualify")],
    call: KeyedCall,
) -> Reply[Ticket]:
    """An authorised representative accepts or rejects; who and why is kept."""
    return await call.keyed(
        "tickets.qualify",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.qualify(
            tx,
            ticket_id,
            decision=body.decision,
            reasons=list(body.reasons),
            note=body.note,
            occurred_at=body.occurred_at,
        ),
    )


@router.post("/v1/tickets/{ticket_id}/assessments", operation_id="assessTicket", responses=_REFUSED)
async def assess(ticket_id: PathId, body: AssessmentBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """A quote; answers ``in_force`` or ``awaiting_confirmation`` as ``status``."""
    return await call.keyed(
        "tickets.assess",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.assess(
            tx,
            ticket_id,
            category=body.category,
            inputs=dict(body.inputs),
            credits=body.credits,
            reason=body.reason,
            occurred_at=body.occurred_at,
        ),
    )


@router.post(
    "/v1/tickets/{ticket_id}/assessments/{number}/confirmation",
    operation_id="confirmAssessment",
    responses=_REFUSED,
)
async def confirm(
    ticket_id: PathId, number: PathNumber, body: ConfirmationBody, caller: Writer, call: KeyedCall
) -> Reply[Ticket]:
    """The customer's yes or no."""
    return await call.keyed(
        "tickets.confirm",
        {"ticket_id": ticket_id, "number": number},
        body,
        lambda tx: ticket_work.confirm(tx, ticket_id, number, accept=body.accept),
    )


@router.post("/v1/tickets/{ticket_id}/responses", operation_id="addResponse", responses=_REFUSED)
async def respond(ticket_id: PathId, body: ResponseBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """A message of the vendor's or the customer's."""
    return await call.keyed(
        "tickets.respond",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.respond(
            tx,
            ticket_id,
            author=body.author,
            kind=body.kind,
            public=body.public,
            automatic=body.automatic,
            occurred_at=body.occurred_at,
        ),
    )


@router.post("/v1/tickets/{ticket_id}/access-requests", operation_id="requestAccess", responses=_REFUSED)
async def request_access(
    ticket_id: PathId, body: AccessBody, caller: Writer, call: KeyedCall
) -> Reply[Ticket]:
    """Access the customer owes, by a deadline."""
    return await call.keyed(
        "tickets.request_access",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.request_access(
            tx, ticket_id, kinds=list(body.kinds), deadline_at=body.deadline_at
        ),
    )


@router.post(
    "/v1/tickets/{ticket_id}/access-requests/{number}/grant", operation_id="grantAccess", responses=_REFUSED
)
async def grant_access(
    ticket_id: PathId, number: PathNumber, caller: Writer, call: KeyedCall, body: OccurredBody | None = None
) -> Reply[Ticket]:
    """The customer gave access."""
    given = body or OccurredBody()
    return await call.keyed(
        "tickets.grant_access",
        {"ticket_id": ticket_id, "number": number},
        given,
        lambda tx: ticket_work.grant_access(tx, ticket_id, number, occurred_at=given.occurred_at),
    )


@router.post("/v1/tickets/{ticket_id}/pauses", operation_id="pauseTicket", responses=_REFUSED)
async def pause(ticket_id: PathId, body: PauseBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Vendor clocks stand."""
    return await call.keyed(
        "tickets.pause",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.pause(
            tx,
            ticket_id,
            reason=body.reason,
            party=body.party,
            until=body.until,
            occurred_at=body.occurred_at,
        ),
    )


@router.post("/v1/tickets/{ticket_id}/resumptions", operation_id="resumeTicket", responses=_REFUSED)
async def resume(ticket_id: PathId, body: ResumeBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Vendor clocks go on."""
    return await call.keyed(
        "tickets.resume",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.resume(
            tx, ticket_id, reason=body.reason, party=body.party, occurred_at=body.occurred_at
        ),
    )


@router.post("/v1/tickets/{ticket_id}/credits", operation_id="applyCredit", responses=_REFUSED)
async def apply_credit(ticket_id: PathId, body: CreditBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Applies a credit to an open ticket, with a new response or without."""
    response: dict[str, Any] | None = None if body.response is None else body.response.plain()
    return await call.keyed(
        "tickets.apply_credit",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.apply_credit(tx, ticket_id, credit_type=body.credit_type, response=response),
    )


@router.post(
    "/v1/tickets/{ticket_id}/splits", operation_id="splitTicket", status_code=201, responses=_REFUSED
)
@by_natural_key
async def split(ticket_id: PathId, body: SplitBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Another question becomes a ticket of its own, under an id of yours. 201 the first time, 200 with the same body
    again, 409 ``ticket_conflict`` when the id is another ticket's."""
    command = tickets.SplitTicket(parent=ticket_id, ticket_id=body.ticket_id, subject=body.subject)
    return await call.natural(lambda tx: tickets.split(tx, command))


@router.post("/v1/tickets/{ticket_id}/merge", operation_id="mergeTicket", responses=_REFUSED)
async def merge(ticket_id: PathId, body: TicketMergeBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Two tickets are one issue: this one ends withdrawn, its hold is released and its responses move to the other."""
    return await call.keyed(
        "tickets.merge",
        {"ticket_id": ticket_id},
        body,
        lambda tx: tickets.merge(tx, ticket_id, into=body.into_ticket_id),
    )


@router.post("/v1/tickets/{ticket_id}/resolution", operation_id="resolveTicket", responses=_REFUSED)
async def resolve(ticket_id: PathId, body: ResolutionBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """Captures, or gives back."""
    return await call.keyed(
        "tickets.resolve",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.resolve(
            tx,
            ticket_id,
            outcome=body.outcome,
            cause=body.cause,
            result=dict(body.result),
            occurred_at=body.occurred_at,
        ),
    )


@router.post("/v1/tickets/{ticket_id}/reopening", operation_id="reopenTicket", responses=_REFUSED)
async def reopen(
    ticket_id: PathId, caller: Writer, call: KeyedCall, body: ReopeningBody | None = None
) -> Reply[Ticket]:
    """The same issue again, without a second charge inside the policy's window."""
    given = body or ReopeningBody()
    return await call.keyed(
        "tickets.reopen",
        {"ticket_id": ticket_id},
        given,
        lambda tx: ticket_work.reopen(tx, ticket_id, reason=given.reason),
    )


@router.post("/v1/tickets/{ticket_id}/disputes", operation_id="openDispute", responses=_REFUSED)
async def dispute(ticket_id: PathId, body: DisputeBody, caller: Writer, call: KeyedCall) -> Reply[Ticket]:
    """The customer thinks the charge wrong."""
    return await call.keyed(
        "tickets.dispute",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.dispute(tx, ticket_id, reason=body.reason),
    )


@router.post(
    "/v1/tickets/{ticket_id}/disputes/{number}/decision", operation_id="decideDispute", responses=_REFUSED
)
async def decide_dispute(
    ticket_id: PathId, number: PathNumber, body: DisputeDecisionBody, caller: Writer, call: KeyedCall
) -> Reply[Ticket]:
    """The vendor reconsiders the charge: upheld, reduced to ``credits``, or returned.

    ``cause`` says what the problem turned out to be, with the scope ``credits:refund``; a bug returns everything.
    """
    if body.cause is not None:
        caller.require("credits:refund", _CAUSE_CODE)
    return await call.keyed(
        "tickets.decide_dispute",
        {"ticket_id": ticket_id, "number": number},
        body,
        lambda tx: ticket_work.decide_dispute(
            tx, ticket_id, number, decision=body.decision, credits=body.credits, cause=body.cause
        ),
    )


@router.post("/v1/tickets/{ticket_id}/cause", operation_id="correctCause", responses=_REFUSED)
async def correct_cause(
    ticket_id: PathId,
    body: CauseBody,
    caller: Annotated[Caller, scoped("credits:refund", code=_CAUSE_CODE)],
    call: KeyedCall,
) -> Reply[Ticket]:
    """Corrects the cause of a resolved ticket at any time. A bug returns its credits; another takes them again.

    Credits return to expired lots as the cause says (ALL-4). What is not there to be taken again is ``not_captured``.
    """
    return await call.keyed(
        "tickets.correct_cause",
        {"ticket_id": ticket_id},
        body,
        lambda tx: ticket_work.correct_cause(tx, ticket_id, cause=body.cause, reason=body.reason),
    )
