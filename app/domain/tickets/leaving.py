"""A customer leaves a ticket, or comes back to one that was resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain import entitlement
from app.domain.entitlement import Query
from app.domain.tickets.session import Desk
from app.domain.tickets.ticket import must_allow
from app.domain.values.errors import DomainError
from app.domain.values.term import add_term
from app.domain.values.wire import iso, parse_iso, reason_json


def withdraw(desk: Desk) -> None:
    """By the customer: what is held goes back. Where service given makes the credit used, it is captured (TERMS-20)."""
    ticket, rule = desk.ticket, desk.policy.money_back
    must_allow(ticket.state, "withdraw")
    reasons: list[dict[str, Any]] = []
    if ticket.service_at is not None and rule is not None and rule.used_clause is not None:
        desk.capture_all()
        used = desk.reason(
            rule.used_code,
            rule.used_clause,
            "Service was given; the credit is used.",
            reading=rule.reading,
            service_at=ticket.service_at,
        )
        reasons.append(reason_json(used))
    else:
        desk.release_all(reason="withdrawn")
    change: dict[str, dict[int, Mapping[str, Any]]] = {}
    if quote := ticket.quote:
        change = {"assessments": {quote["number"]: {"status": "superseded"}}}
    desk.record(
        "withdrawn",
        "withdraw",
        to="withdrawn",
        change=change,
        values={"reasons": reasons, "remedies": [], "asks": [], "options": []},
    )


def reopen(desk: Desk, *, reason: str | None = None) -> None:
    """The same issue again, without a second charge inside the policy's window; cover is looked at again (CACTU-15).

    Refused 409: ``reopening_not_offered``, ``reopening_window_passed``, and what the entitlement answers.
    """
    ticket, rule = desk.ticket, desk.policy.reopening
    if ticket.state != "resolved":
        raise DomainError("wrong_state", state=ticket.state, action="reopen", allowed_in=["resolved"])
    if rule is None:
        raise DomainError("reopening_not_offered")
    ends = add_term(parse_iso(ticket.resolved_at or ticket.updated_at), rule.window)
    if desk.at >= ends:
        raise desk.refused(
            "reopening_window_passed",
            rule.clause,
            "The time for reopening is over; open a new ticket.",
            reading=rule.reading,
            resolved_at=ticket.resolved_at,
            window_ended_at=iso(ends),
        )
    if ticket.paid_by == "cover":
        _still_entitled(desk)
    desk.clocks.reopen(at=desk.at)
    desk.record(
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
            "reopened_at": iso(desk.at),
            "reopening_reason": reason,
            "reasons": [],
            "remedies": [],
        },
    )


def _still_entitled(desk: Desk) -> None:
    action = desk.policy.action("open_ticket")
    if action is None:
        return
    asked = Query(license_id=desk.ticket.license_id, product=desk.ticket.product)
    decision = entitlement.decide(desk.book, action, asked)
    if not decision.allowed:
        raise DomainError("reopening_refused", decision=decision)
