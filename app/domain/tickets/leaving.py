"""A customer leaves a ticket, or comes back to one that was resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.tickets import entitlement
from app.domain.tickets.entitlement import Query
from app.domain.tickets.pricing import standing_price
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import must_allow
from app.domain.values.errors import DomainError
from app.domain.values.money import MAX_CREDITS
from app.domain.values.phrase import phrased
from app.domain.values.term import add_term
from app.domain.values.wire import iso, parse_iso, reason_json


def withdraw(session: TicketSession) -> None:
    """By the customer: what is held goes back. Where service given makes the credit used, it is captured (TERMS-20)."""
    ticket, rule = session.ticket, session.policy.money_back
    must_allow(ticket.state, "withdraw")
    reasons: list[dict[str, Any]] = []
    if ticket.service_at is not None and rule is not None and rule.used_clause is not None:
        session.capture_all()
        used = session.reason(
            rule.used_code,
            rule.used_clause,
            phrased("Service was given; the credit is used."),
            reading=rule.reading,
            service_at=ticket.service_at,
        )
        reasons.append(reason_json(used))
    elif ticket.reserved is not None and ticket.price:
        session.capture_all()
        stays = session.charge()["net"]  # with what was charged before a reopening
        text = phrased("Work was done: %(credits)s stay charged, the rest is given back.", credits=session.words(stays))
        reasons.append(reason_json(session.reason("work_done", session.price_terms()[0], text, captured=stays)))
    else:
        session.release_all(reason="withdrawn")
    change: dict[str, dict[int, Mapping[str, Any]]] = {}
    if quote := ticket.quote:
        change = {"assessments": {quote["number"]: {"status": "superseded"}}}
    session.record(
        "withdrawn",
        "withdraw",
        to="withdrawn",
        change=change,
        values={"reasons": reasons, "remedies": [], "asks": [], "options": []},
    )


def reopen(session: TicketSession, *, reason: str | None = None) -> None:
    """The same issue again, without a second charge inside the policy's window; cover is looked at again (CACTU-15).

    Refused 409: ``reopening_not_offered``, ``reopening_window_passed``, and what the entitlement answers.
    """
    ticket, rule = session.ticket, session.policy.reopening
    if ticket.state != "resolved":
        raise DomainError("wrong_state", state=ticket.state, action="reopen", allowed_in=["resolved"])
    if rule is None:
        raise DomainError("reopening_not_offered")
    ends = add_term(parse_iso(ticket.resolved_at or ticket.updated_at), rule.window)
    if session.at >= ends:
        raise session.refused(
            "reopening_window_passed",
            rule.clause,
            phrased("The time for reopening is over; open a new ticket."),
            reading=rule.reading,
            resolved_at=ticket.resolved_at,
            window_ended_at=iso(ends),
        )
    if ticket.paid_by == "cover" or any(not plan.pays for plan in session.policy.plans):
        _still_entitled(session)
    session.clocks.reopen(at=session.at)
    returned, change = _returned_before(session)
    session.record(
        "reopened",
        "reopen",
        to="in_progress",
        values={
            "resolved_at": None,
            "closed_at": None,
            "outcome": None,
            "cause": None,
            "returned_for_cause": 0,
            "reopened": ticket.reopened + 1,
            "reopened_at": iso(session.at),
            "reopening_reason": reason,
            "reasons": [],
            "remedies": [],
            **returned,
        },
        change=change,
    )


def _returned_before(session: TicketSession) -> tuple[dict[str, Any], dict[str, dict[int, dict[str, Any]]]]:
    """Return what changes on the ticket and on its assessment.

    What was given back of the price of work stays given back, so that only new work is charged.
    """
    ticket, made = session.ticket, standing_price(session.policy, session.ticket)
    standing, net = ticket.in_force, session.charge()["net"]
    if made is None or standing is None:
        return {}, {}
    values = {"returned_before": ticket.returned_before + max(made.credits - net, 0), "price": net, "reserved": net}
    return values, {"assessments": {standing["number"]: {"credits": net}}}


def _still_entitled(session: TicketSession) -> None:
    action = session.policy.action("open_ticket")
    if action is None:
        return
    asked = Query(license_id=session.ticket.license_id, product=session.ticket.product)
    # What is paid already needs no further credits; a gate that has shut since is looked at.
    paid = {"credits.available": MAX_CREDITS} if session.ticket.paid_by == "credits" else {}
    decision = entitlement.decide(session.account, action, asked, assumed=paid)
    if not decision.allowed:
        raise DomainError("reopening_refused", decision=decision)
