"""Working on a ticket: each verb takes it on the desk, asks the rules, writes, and answers with the ticket."""

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
from app.domain.tickets.opening import check_stated
from app.domain.tickets.session import Desk
from app.usecases.steps import ticket_session
from app.views.ticket import Ticket as TicketView
from app.views.ticket import dispute_view, response_view

T = TypeVar("T")


async def _do(
    tx: Tx, ticket_id: str, work: Callable[[Desk], T], *, occurred_at: datetime | None = None, any_cycle: bool = False
) -> tuple[Desk, T]:
    """Takes the ticket on the desk and does something, as of when it happened (None: now)."""
    desk = await ticket_session.take(tx, ticket_id)
    before = desk.available
    late_facts.happened(desk, occurred_at, any_cycle=any_cycle)
    answer = work(desk)
    await ticket_session.put_back(tx, desk, before=before)
    return desk, answer


async def withdraw(tx: Tx, ticket_id: str, *, occurred_at: datetime | None = None) -> TicketView:
    """By the customer; gives back what is held."""
    desk, _ = await _do(tx, ticket_id, leaving.withdraw, occurred_at=occurred_at)
    return await ticket_session.view(tx, desk)


async def qualify(
    tx: Tx, ticket_id: str, *, decision: str, reasons: list[str], note: str | None, occurred_at: datetime | None = None
) -> TicketView:
    """An agent's decision, with who and why (TERMS-11)."""
    desk, _ = await _do(
        tx,
        ticket_id,
        lambda desk: ticket_work.qualify(desk, decision=decision, codes=reasons, note=note, by=tx.actor),
        occurred_at=occurred_at,
    )
    return await ticket_session.view(tx, desk)


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
    desk, number = await _do(
        tx,
        ticket_id,
        lambda desk: quotes.assess(desk, category=category, inputs=inputs, credits=credits, reason=reason, by=tx.actor),
        occurred_at=occurred_at,
    )
    return await _with_assessment(tx, desk, number)


async def confirm(tx: Tx, ticket_id: str, number: int, *, accept: bool) -> TicketView:
    """The customer's answer to a quote."""
    desk, _ = await _do(tx, ticket_id, lambda desk: quotes.confirm(desk, number, accept=accept))
    return await _with_assessment(tx, desk, number)


async def _with_assessment(tx: Tx, desk: Desk, number: int) -> TicketView:
    one = desk.ticket.assessment(number)
    shown = await ticket_session.view(tx, desk)
    return {**shown, "assessment": one, "number": number, "status": one["status"]}


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
    desk, number = await _do(
        tx,
        ticket_id,
        lambda desk: ticket_work.respond(
            desk, author=author, kind=kind, public=public, automatic=automatic, by=tx.actor
        ),
        occurred_at=occurred_at,
        any_cycle=True,
    )
    shown = await ticket_session.view(tx, desk)
    return {**shown, "response": response_view(desk.ticket.responses[number - 1])}


async def request_access(tx: Tx, ticket_id: str, *, kinds: list[str], deadline_at: datetime | None) -> TicketView:
    """Access the customer owes (TERMS-8)."""
    desk, number = await _do(
        tx, ticket_id, lambda desk: ticket_work.request_access(desk, kinds=kinds, deadline_at=deadline_at)
    )
    return {**await ticket_session.view(tx, desk), "access_request": desk.ticket.access_request(number)}


async def grant_access(tx: Tx, ticket_id: str, number: int, *, occurred_at: datetime | None = None) -> TicketView:
    """The customer gave it."""
    desk, _ = await _do(tx, ticket_id, lambda desk: ticket_work.grant_access(desk, number), occurred_at=occurred_at)
    return {**await ticket_session.view(tx, desk), "access_request": desk.ticket.access_request(number)}


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

    def work(desk: Desk) -> None:
        pauses.pause(desk, reason=reason, party=party, until=until)
        ticket_end.fall_due(desk)

    desk, _ = await _do(tx, ticket_id, work, occurred_at=occurred_at)
    return await ticket_session.view(tx, desk)


async def resume(
    tx: Tx, ticket_id: str, *, reason: str | None, party: str | None = None, occurred_at: datetime | None = None
) -> TicketView:
    """Vendor clocks go on."""
    desk, _ = await _do(
        tx, ticket_id, lambda desk: pauses.resume(desk, reason=reason, party=party), occurred_at=occurred_at
    )
    return await ticket_session.view(tx, desk)


async def apply_credit(tx: Tx, ticket_id: str, *, credit_type: str, response: dict[str, Any] | None) -> TicketView:
    """Applies a credit to an open ticket, with the response that brings it (TERMS-15)."""

    def work(desk: Desk) -> None:
        add = None
        if response is not None:
            if response["occurred_at"] is not None:
                late_facts.check(desk, response["occurred_at"])
            add = {
                "responses": ticket_work.response_entry(
                    desk,
                    author=response["author"],
                    kind=response["kind"],
                    public=response["public"],
                    when=response["occurred_at"] or desk.at,
                    by=tx.actor,
                )
            }
        check_stated(desk, {"credit_type": credit_type})
        ticket_flow.apply_credit(desk, credit_type, add=add)
        if response is not None and response["author"] == "customer" and response["public"]:
            ticket_work.answered(desk, response["occurred_at"] or desk.at)

    desk, _ = await _do(tx, ticket_id, work)
    return await ticket_session.view(tx, desk)


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
    desk, _ = await _do(
        tx,
        ticket_id,
        lambda desk: ticket_end.resolve(desk, outcome=outcome, cause=cause, result=result, by=tx.actor),
        occurred_at=occurred_at,
    )
    return await ticket_session.view(tx, desk)


async def reopen(tx: Tx, ticket_id: str, *, reason: str | None = None) -> TicketView:
    """The same issue again, without a second charge inside the window."""
    desk, _ = await _do(tx, ticket_id, lambda desk: leaving.reopen(desk, reason=reason))
    return await ticket_session.view(tx, desk)


async def dispute(tx: Tx, ticket_id: str, *, reason: str | None) -> TicketView:
    """A charge the customer thinks wrong (XC-12)."""
    desk, number = await _do(tx, ticket_id, lambda desk: ticket_end.dispute(desk, reason=reason))
    return {**await ticket_session.view(tx, desk), "dispute": dispute_view(desk.ticket.dispute(number))}


async def decide_dispute(
    tx: Tx, ticket_id: str, number: int, *, decision: str, credits: int | None, cause: str | None = None
) -> TicketView:
    """The vendor reconsiders."""
    desk, _ = await _do(
        tx,
        ticket_id,
        lambda desk: ticket_end.decide_dispute(
            desk, number, decision=decision, credits=credits, cause=cause, by=tx.actor
        ),
    )
    return {**await ticket_session.view(tx, desk), "dispute": dispute_view(desk.ticket.dispute(number))}


async def correct_cause(tx: Tx, ticket_id: str, *, cause: str, reason: str) -> TicketView:
    """What the problem of a closed ticket really was; moves the credits that follow from it."""
    desk, number = await _do(
        tx, ticket_id, lambda desk: ticket_cause.correct_cause(desk, cause=cause, reason=reason, by=tx.actor)
    )
    return {**await ticket_session.view(tx, desk), "cause_correction": desk.ticket.cause_correction(number)}
