"""Tickets: opened, completed, worked on and read by the helpdesk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator

from app.api.fields import Instant, PathId, PathNumber, QueryId, RowsCursor, in_any_order
from app.api.operations.arguments import AsOf
from app.api.operations.call import Answer, Call
from app.api.operations.lists import Sort
from app.api.operations.table import Access, Operations, Perform
from app.api.operations.ticket_bodies import (
    AccessBody,
    AssessmentBody,
    CauseBody,
    ConfirmationBody,
    CreditBody,
    DetailsBody,
    DisputeBody,
    DisputeDecisionBody,
    MilestoneBody,
    OccurredBody,
    PauseBody,
    QualificationBody,
    ReopeningBody,
    ResolutionBody,
    ResponseBody,
    ResumeBody,
    SplitBody,
    TicketBody,
    TicketMergeBody,
    WorkBody,
)
from app.usecases.commands import Tx
from app.usecases.customers import own
from app.usecases.tickets import ticket_work, tickets
from app.views.shapes import PageOf
from app.views.ticket import Ticket
from app.views.work import LINES_SHOWN

OPERATIONS = Operations("Helpdesk")
_CAUSE_CODE = "cause_scope_missing"
_LINES = ("data",)


def _first_lines(call: Call, ticket: Ticket, start: int = 0) -> Ticket:
    """Return a ticket with 100 lines of its work log, from one on."""
    return {**ticket, "work": call.first_rows(ticket["work"], _LINES, start)} if "work" in ticket else ticket


def _verb(id: str, path: str, *, scope: str = "tickets:write", **more: Any) -> Callable[[Perform], Perform]:
    """Declare a verb on a ticket: a POST below it, keyed, which may be refused with 404, 409 and 422."""
    refusals = (404, 409, 422)
    return OPERATIONS.post(id, f"/v1/tickets/{{ticket_id}}/{path}", scope=scope, key="keyed", refusals=refusals, **more)


@OPERATIONS.put(
    "putTicket", "/v1/tickets/{ticket_id}", scope="tickets:write", key="natural", status=201, refusals=(404, 409, 422)
)
async def put_ticket(call: Call, ticket_id: PathId, body: TicketBody) -> Answer[Ticket]:
    """Opens a ticket. 201 the first time, 200 with the same body again, 409 with other content."""
    command = tickets.OpenTicket(ticket_id=ticket_id, **body.plain())
    return await call.natural(lambda tx: tickets.put(tx, command), customer_id=command.customer_id, shared=True)


@OPERATIONS.get("getTicket", "/v1/tickets/{ticket_id}", scope="tickets:read", refusals=(404,))
async def get_ticket(call: Call, ticket_id: PathId, point: AsOf, cursor: RowsCursor = None) -> Ticket:
    """State, qualification, assessments, charge, clocks, parent and children, and 100 lines of its work log."""
    start = call.start_of(_LINES, cursor)
    found = await call.read(
        lambda tx: tickets.get(
            tx, ticket_id, as_of=point.as_of, known_at=point.known_at, lines=start + LINES_SHOWN + 1
        ),
        shared=point.is_now,
    )
    return _first_lines(call, found, start)


@OPERATIONS.get("listTickets", "/v1/tickets", scope="tickets:read", paging="pages", refusals=(404,))
async def list_tickets(
    call: Call,
    point: AsOf,
    customer_id: QueryId | None = None,
    state: Annotated[
        Annotated[str, AfterValidator(in_any_order)] | None,
        Query(min_length=1, max_length=200, description="States, with commas between them"),
    ] = None,
    since: Annotated[Instant | None, Query(description="Opened from then on")] = None,
    until: Annotated[Instant | None, Query(description="Opened before then")] = None,
    sort: Sort = "newest",
) -> Answer[PageOf[Ticket]]:
    """Tickets by the instant they were opened. ``as_of``, ``known_at``: as they stood; a page may have fewer rows."""
    return await call.pages(
        lambda tx, part: tickets.listed(
            tx,
            customer_id=customer_id,
            state=state,
            since=since,
            until=until,
            oldest_first=sort == "oldest",
            as_of=point.as_of,
            known_at=point.known_at,
            part=part,
            members=call.members,
        ),
        shared=point.is_now,
    )


@_verb("addTicketDetails", "details", by_customer=True)
async def add_details(call: Call, ticket_id: PathId, body: DetailsBody) -> Answer[Ticket]:
    """What was missing or asked for; decides again. A customer's token states what the ticket asks for, and pays."""
    stated = body.plain()
    customer = call.check_customer(body, "facts", "category", "inputs", "pay_with", "license_id", "agreed_up_to")

    async def detailed(tx: Tx) -> Ticket:
        if customer:
            await own.require_asked(tx, ticket_id, body.model_dump(exclude_defaults=True))
        return await tickets.details(tx, ticket_id, stated)

    return await call.keyed("tickets.details", body, detailed)


@_verb("withdrawTicket", "withdrawal", by_customer=True)
async def withdraw(call: Call, ticket_id: PathId, body: OccurredBody | None = None) -> Answer[Ticket]:
    """By the customer; gives back what is held."""
    content = body or OccurredBody()
    call.check_customer(content)
    return await call.keyed(
        "tickets.withdraw",
        content,
        lambda tx: ticket_work.withdraw(tx, ticket_id, occurred_at=content.occurred_at),
        shared=True,
    )


@_verb("qualifyTicket", "qualification", scope="tickets:qualify")
async def qualify(call: Call, ticket_id: PathId, body: QualificationBody) -> Answer[Ticket]:
    """An authorised representative accepts or rejects; who and why is kept."""
    return await call.keyed(
        "tickets.qualify",
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


@_verb("assessTicket", "assessments")
async def assess(call: Call, ticket_id: PathId, body: AssessmentBody) -> Answer[Ticket]:
    """A quote; answers ``in_force`` or ``awaiting_confirmation`` as ``status``."""
    return await call.keyed(
        "tickets.assess",
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
        shared=True,
    )


@_verb("confirmAssessment", "assessments/{number}/confirmation", by_customer=True)
async def confirm(call: Call, ticket_id: PathId, number: PathNumber, body: ConfirmationBody) -> Answer[Ticket]:
    """The customer's yes or no."""
    call.check_customer(body, "accept")
    return await call.keyed(
        "tickets.confirm", body, lambda tx: ticket_work.confirm(tx, ticket_id, number, accept=body.accept), shared=True
    )


@_verb("addResponse", "responses")
async def respond(call: Call, ticket_id: PathId, body: ResponseBody) -> Answer[Ticket]:
    """A message of the vendor's or the customer's."""
    return await call.keyed(
        "tickets.respond",
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
        shared=True,
    )


@_verb("requestAccess", "access-requests")
async def request_access(call: Call, ticket_id: PathId, body: AccessBody) -> Answer[Ticket]:
    """Access the customer owes, by a deadline."""
    return await call.keyed(
        "tickets.request_access",
        body,
        lambda tx: ticket_work.request_access(tx, ticket_id, kinds=list(body.kinds), deadline_at=body.deadline_at),
    )


@_verb("grantAccess", "access-requests/{number}/grant")
async def grant_access(
    call: Call, ticket_id: PathId, number: PathNumber, body: OccurredBody | None = None
) -> Answer[Ticket]:
    """The customer gave access."""
    content = body or OccurredBody()
    return await call.keyed(
        "tickets.grant_access",
        content,
        lambda tx: ticket_work.grant_access(tx, ticket_id, number, occurred_at=content.occurred_at),
    )


@_verb("reachMilestone", "milestones")
async def reach(call: Call, ticket_id: PathId, body: MilestoneBody) -> Answer[Ticket]:
    """A milestone of the policy's own is reached, such as a workaround; its clock stops."""
    return await call.keyed(
        "tickets.reach",
        body,
        lambda tx: ticket_work.reach(tx, ticket_id, milestone=body.milestone, occurred_at=body.occurred_at),
        shared=True,
    )


@_verb("pauseTicket", "pauses")
async def pause(call: Call, ticket_id: PathId, body: PauseBody) -> Answer[Ticket]:
    """Vendor clocks stand."""
    return await call.keyed(
        "tickets.pause",
        body,
        lambda tx: ticket_work.pause(
            tx, ticket_id, reason=body.reason, party=body.party, until=body.until, occurred_at=body.occurred_at
        ),
        shared=True,
    )


@_verb("resumeTicket", "resumptions", by_customer=True)
async def resume(call: Call, ticket_id: PathId, body: ResumeBody) -> Answer[Ticket]:
    """Vendor clocks go on. A customer's token ends the pauses that wait for the customer."""
    party = "customer" if call.check_customer(body, "reason") else body.party
    return await call.keyed(
        "tickets.resume",
        body,
        lambda tx: ticket_work.resume(tx, ticket_id, reason=body.reason, party=party, occurred_at=body.occurred_at),
        shared=True,
    )


@_verb("applyCredit", "credits")
async def apply_credit(call: Call, ticket_id: PathId, body: CreditBody) -> Answer[Ticket]:
    """Applies a credit to an open ticket, with a new response or without."""
    response: dict[str, Any] | None = None if body.response is None else body.response.plain()
    return await call.keyed(
        "tickets.apply_credit",
        body,
        lambda tx: ticket_work.apply_credit(tx, ticket_id, credit_type=body.credit_type, response=response),
    )


@OPERATIONS.post(
    "splitTicket",
    "/v1/tickets/{ticket_id}/splits",
    scope="tickets:write",
    key="natural",
    status=201,
    refusals=(404, 409, 422),
)
async def split(call: Call, ticket_id: PathId, body: SplitBody) -> Answer[Ticket]:
    """Another question becomes a ticket of its own, under an id of yours. 201 the first time, 200 with the same body
    again, 409 ``ticket_conflict`` when the id is another ticket's."""
    command = tickets.SplitTicket(parent=ticket_id, ticket_id=body.ticket_id, subject=body.subject)
    return await call.natural(lambda tx: tickets.split(tx, command))


@_verb("mergeTicket", "merge")
async def merge(call: Call, ticket_id: PathId, body: TicketMergeBody) -> Answer[Ticket]:
    """Two tickets are one issue: this one ends withdrawn, its hold is released and its responses move to the other."""
    return await call.keyed("tickets.merge", body, lambda tx: tickets.merge(tx, ticket_id, into=body.into_ticket_id))


@_verb("logWork", "work")
async def log_work(call: Call, ticket_id: PathId, body: WorkBody) -> Answer[Ticket]:
    """A line of the work log, priced by the policy: by its parts in hours and after, rounded on the sum.

    The charge follows at once. Beyond what the customer agreed to it is refused, with how to ask.
    """
    fields, agent = body.plain(), call.agent

    async def logged(tx: Tx) -> Ticket:
        return _first_lines(call, await ticket_work.log_work(tx, ticket_id, agent=agent, **fields))

    return await call.keyed("tickets.work", body, logged)


@_verb("resolveTicket", "resolution")
async def resolve(call: Call, ticket_id: PathId, body: ResolutionBody) -> Answer[Ticket]:
    """Captures, or gives back."""
    return await call.keyed(
        "tickets.resolve",
        body,
        lambda tx: ticket_work.resolve(
            tx,
            ticket_id,
            outcome=body.outcome,
            cause=body.cause,
            result=dict(body.result),
            occurred_at=body.occurred_at,
        ),
        shared=True,
    )


@_verb("reopenTicket", "reopening")
async def reopen(call: Call, ticket_id: PathId, body: ReopeningBody | None = None) -> Answer[Ticket]:
    """The same issue again, without a second charge inside the policy's window."""
    content = body or ReopeningBody()
    return await call.keyed(
        "tickets.reopen", content, lambda tx: ticket_work.reopen(tx, ticket_id, reason=content.reason)
    )


@_verb("openDispute", "disputes", by_customer=True)
async def dispute(call: Call, ticket_id: PathId, body: DisputeBody) -> Answer[Ticket]:
    """The customer thinks the charge wrong."""
    call.check_customer(body, "reason")
    return await call.keyed("tickets.dispute", body, lambda tx: ticket_work.dispute(tx, ticket_id, reason=body.reason))


@_verb("decideDispute", "disputes/{number}/decision")
async def decide_dispute(
    call: Call, ticket_id: PathId, number: PathNumber, body: DisputeDecisionBody
) -> Answer[Ticket]:
    """The vendor reconsiders the charge: upheld, reduced to ``credits``, or returned.

    ``cause`` says what the problem turned out to be, with the scope ``credits:refund``; a bug returns everything.
    """
    if body.cause is not None:
        call.require("credits:refund", _CAUSE_CODE)
    return await call.keyed(
        "tickets.decide_dispute",
        body,
        lambda tx: ticket_work.decide_dispute(
            tx, ticket_id, number, decision=body.decision, credits=body.credits, cause=body.cause
        ),
    )


@_verb("correctCause", "cause", access=Access(scopes=("credits:refund",), code=_CAUSE_CODE))
async def correct_cause(call: Call, ticket_id: PathId, body: CauseBody) -> Answer[Ticket]:
    """Corrects the cause of a resolved ticket at any time. A bug returns its credits; another takes them again.

    Credits return to expired lots as the cause says (ALL-4). What is not there to be taken again is ``not_captured``.
    """
    return await call.keyed(
        "tickets.correct_cause",
        body,
        lambda tx: ticket_work.correct_cause(tx, ticket_id, cause=body.cause, reason=body.reason),
    )
