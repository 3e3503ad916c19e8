"""Working on a ticket: each verb opens a session, asks the rules, writes, and answers with the ticket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from app.db.engine import Tx
from app.domain.tickets import assessment as quotes
from app.domain.tickets import cause as ticket_cause
from app.domain.tickets import closing as ticket_end
from app.domain.tickets import handling as ticket_work
from app.domain.tickets import late_facts, leaving, pauses
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets import work as work_log
from app.domain.tickets.opening import check_stated
from app.domain.tickets.session import TicketSession
from app.domain.tickets.work import WorkEntry
from app.domain.tickets.work_line import AgentName
from app.usecases.steps import ticket_session
from app.views.ticket import Ticket as TicketView
from app.views.ticket import assessment_views, dispute_view, response_view
from app.views.work import LINES_SHOWN, logged_view

T = TypeVar("T")


async def _do(
    tx: Tx,
    ticket_id: str,
    work: Callable[[TicketSession], T],
    *,
    occurred_at: datetime | None = None,
    any_cycle: bool = False,
) -> tuple[TicketSession, T]:
    """Open a session and do something in it, as of when it happened (None: now)."""
    session = await ticket_session.take(tx, ticket_id)
    before = session.available
    late_facts.happened(session, occurred_at, any_cycle=any_cycle)
    answer = work(session)
    await ticket_session.save(tx, session, before=before)
    return session, answer


async def withdraw(tx: Tx, ticket_id: str, *, occurred_at: datetime | None = None) -> TicketView:
    """By the customer; gives back what is held."""
    session, _ = await _do(tx, ticket_id, leaving.withdraw, occurred_at=occurred_at)
    return await ticket_session.view(tx, session)


async def qualify(
    tx: Tx, ticket_id: str, *, decision: str, reasons: list[str], note: str | None, occurred_at: datetime | None = None
) -> TicketView:
    """An agent's decision, with who and why (TERMS-11)."""
    session, _ = await _do(
        tx,
        ticket_id,
        lambda session: ticket_work.qualify(session, decision=decision, codes=reasons, note=note, by=tx.actor),
        occurred_at=occurred_at,
    )
    return await ticket_session.view(tx, session)


async def assess(
    tx: Tx,
    ticket_id: str,
    *,
    category: str | None,
    inputs: dict[str, int],
    credits: int | None,
    reason: str | None,
    occurred_at: datetime | None = None,
) -> TicketView:
    """An assessment; the answer says whether it is ``in_force`` or ``awaiting_confirmation``."""
    session, number = await _do(
        tx,
        ticket_id,
        lambda session: quotes.assess(
            session, category=category, inputs=inputs, credits=credits, reason=reason, by=tx.actor
        ),
        occurred_at=occurred_at,
    )
    return await _with_assessment(tx, session, number)


async def confirm(tx: Tx, ticket_id: str, number: int, *, accept: bool) -> TicketView:
    """The customer's answer to a quote."""
    session, _ = await _do(tx, ticket_id, lambda session: quotes.confirm(session, number, accept=accept))
    return await _with_assessment(tx, session, number)


async def _with_assessment(tx: Tx, session: TicketSession, number: int) -> TicketView:
    assessment = session.ticket.assessment(number)
    shown = await ticket_session.view(tx, session)
    return {**shown, "assessment": assessment_views([assessment])[0], "number": number, "status": assessment["status"]}


async def respond(
    tx: Tx,
    ticket_id: str,
    *,
    author: str,
    kind: str,
    public: bool,
    automatic: bool = False,
    occurred_at: datetime | None,
) -> TicketView:
    """A message on the ticket."""
    session, number = await _do(
        tx,
        ticket_id,
        lambda session: ticket_work.respond(
            session, author=author, kind=kind, public=public, automatic=automatic, by=tx.actor
        ),
        occurred_at=occurred_at,
        any_cycle=True,
    )
    shown = await ticket_session.view(tx, session)
    return {**shown, "response": response_view(session.ticket.responses[number - 1])}


async def request_access(tx: Tx, ticket_id: str, *, kinds: list[str], deadline_at: datetime | None) -> TicketView:
    """Access the customer owes (TERMS-8)."""
    session, number = await _do(
        tx, ticket_id, lambda session: ticket_work.request_access(session, kinds=kinds, deadline_at=deadline_at)
    )
    return {**await ticket_session.view(tx, session), "access_request": session.ticket.access_request(number)}


async def grant_access(tx: Tx, ticket_id: str, number: int, *, occurred_at: datetime | None = None) -> TicketView:
    """The customer gave it."""
    session, _ = await _do(
        tx, ticket_id, lambda session: ticket_work.grant_access(session, number), occurred_at=occurred_at
    )
    return {**await ticket_session.view(tx, session), "access_request": session.ticket.access_request(number)}


async def reach(tx: Tx, ticket_id: str, *, milestone: str, occurred_at: datetime | None = None) -> TicketView:
    """A milestone of the policy's own is reached."""
    session, _ = await _do(
        tx, ticket_id, lambda session: ticket_work.reach(session, milestone), occurred_at=occurred_at
    )
    return await ticket_session.view(tx, session)


async def pause(
    tx: Tx,
    ticket_id: str,
    *,
    reason: str,
    party: str | None,
    until: datetime | None = None,
    occurred_at: datetime | None = None,
) -> TicketView:
    """Vendor clocks stand; a pause that is told late may be over by now."""

    def work(session: TicketSession) -> None:
        pauses.pause(session, reason=reason, party=party, until=until)
        ticket_end.fall_due(session)

    session, _ = await _do(tx, ticket_id, work, occurred_at=occurred_at)
    return await ticket_session.view(tx, session)


async def resume(
    tx: Tx, ticket_id: str, *, reason: str | None, party: str | None = None, occurred_at: datetime | None = None
) -> TicketView:
    """Vendor clocks go on."""
    session, _ = await _do(
        tx, ticket_id, lambda session: pauses.resume(session, reason=reason, party=party), occurred_at=occurred_at
    )
    return await ticket_session.view(tx, session)


async def apply_credit(tx: Tx, ticket_id: str, *, credit_type: str, response: dict[str, Any] | None) -> TicketView:
    """Applies a credit to an open ticket, with the response that brings it (TERMS-15)."""

    def work(session: TicketSession) -> None:
        add = None
        if response is not None:
            if response["occurred_at"] is not None:
                late_facts.check(session, response["occurred_at"])
            add = {
                "responses": ticket_work.response_entry(
                    session,
                    author=response["author"],
                    kind=response["kind"],
                    public=response["public"],
                    when=response["occurred_at"] or session.at,
                    by=tx.actor,
                )
            }
        check_stated(session, {"credit_type": credit_type})
        ticket_flow.apply_credit(session, credit_type, add=add)
        if response is not None and response["author"] == "customer" and response["public"]:
            ticket_work.answered(session, response["occurred_at"] or session.at)

    session, _ = await _do(tx, ticket_id, work)
    return await ticket_session.view(tx, session)


async def resolve(
    tx: Tx,
    ticket_id: str,
    *,
    outcome: str | None,
    cause: str | None,
    result: dict[str, Any],
    occurred_at: datetime | None = None,
) -> TicketView:
    """Captures, or gives back; records facts found."""
    session, _ = await _do(
        tx,
        ticket_id,
        lambda session: ticket_end.resolve(session, outcome=outcome, cause=cause, result=result, by=tx.actor),
        occurred_at=occurred_at,
    )
    return await ticket_session.view(tx, session)


async def reopen(tx: Tx, ticket_id: str, *, reason: str | None = None) -> TicketView:
    """The same issue again, without a second charge inside the window."""
    session, _ = await _do(tx, ticket_id, lambda session: leaving.reopen(session, reason=reason))
    return await ticket_session.view(tx, session)


async def dispute(tx: Tx, ticket_id: str, *, reason: str | None) -> TicketView:
    """A charge the customer thinks wrong (XC-12)."""
    session, number = await _do(tx, ticket_id, lambda session: ticket_end.dispute(session, reason=reason))
    return {**await ticket_session.view(tx, session), "dispute": dispute_view(session.ticket.dispute(number))}


async def decide_dispute(
    tx: Tx, ticket_id: str, number: int, *, decision: str, credits: int | None, cause: str | None = None
) -> TicketView:
    """The vendor reconsiders."""
    session, _ = await _do(
        tx,
        ticket_id,
        lambda session: ticket_end.decide_dispute(
            session, number, decision=decision, credits=credits, cause=cause, by=tx.actor
        ),
    )
    return {**await ticket_session.view(tx, session), "dispute": dispute_view(session.ticket.dispute(number))}


async def log_work(
    tx: Tx,
    ticket_id: str,
    *,
    minutes: int,
    kind: str | None = None,
    billable: bool | None = None,
    note: str | None = None,
    occurred_at: datetime | None = None,
    corrects: int | None = None,
    agent: AgentName | None = None,
) -> TicketView:
    """A line of the work log, and what it costs. Credits move when it is told; it is priced as of when it was done."""
    entry = WorkEntry(
        minutes=minutes,
        kind=kind,
        billable=billable,
        note=note,
        occurred_at=occurred_at,
        corrects=corrects,
        agent=agent,
    )
    session, number = await _do(tx, ticket_id, lambda session: work_log.log(session, entry, by=tx.actor))
    shown = await ticket_session.view(tx, session, lines=LINES_SHOWN + 1)
    return {**shown, "work_line": logged_view(session.ticket, session.policy, number)}


async def correct_cause(tx: Tx, ticket_id: str, *, cause: str, reason: str) -> TicketView:
    """What the problem of a closed ticket really was; moves the credits that follow from it."""
    session, number = await _do(
        tx, ticket_id, lambda session: ticket_cause.correct_cause(session, cause=cause, reason=reason, by=tx.actor)
    )
    return {**await ticket_session.view(tx, session), "cause_correction": session.ticket.cause_correction(number)}
