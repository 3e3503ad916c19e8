"""What is told later than it happened: when it was so, and how far back that may lie.

Clocks and cover are judged as of then; credits move when it is told. The bounds are the policy's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain.tickets.session import TicketSession
from app.domain.values.errors import DomainError
from app.domain.values.term import add_term
from app.domain.values.wire import iso, parse_iso


def happened(session: TicketSession, occurred_at: datetime | None, *, any_cycle: bool = False) -> None:
    """From here on the session works as of when it happened; None: now. ``any_cycle``: also before a reopening.

    Refused 422: ``occurred_in_future``, ``occurred_before_opening``, ``occurred_out_of_order`` (before the ticket was
    last reopened), ``told_too_late``.
    """
    if occurred_at is None or occurred_at == session.at:
        return
    check(session, occurred_at)
    session.account.as_of = occurred_at
    if session.ticket.reopened_at is not None and not any_cycle:
        in_order(session, session.ticket.reopened_at, "the reopening")


def check(session: TicketSession, occurred_at: datetime) -> None:
    """Refuses what has not happened yet, is older than its ticket, or is told later than the policy lets."""
    ticket = session.ticket
    facts: dict[str, Any] = {"field": "occurred_at", "occurred_at": iso(occurred_at), "at": iso(session.at)}
    if occurred_at > session.at:
        raise DomainError("occurred_in_future", **facts)
    if occurred_at < parse_iso(ticket.opened_at):
        raise DomainError("occurred_before_opening", **facts, opened_at=ticket.opened_at)
    rule = session.policy.late_facts
    if rule.within is not None and add_term(occurred_at, rule.within) < session.at:
        raise DomainError("told_too_late", **facts, clause=rule.clause)


def opened(session: TicketSession, opened_at: datetime | None) -> None:
    """As `happened`, of a ticket that is just being made: a desk that moves here brings its open tickets.

    Refused 422: ``opened_in_future``, ``told_too_late``.
    """
    if opened_at is None or opened_at == session.at:
        return
    facts: dict[str, Any] = {"field": "opened_at", "opened_at": iso(opened_at), "at": iso(session.at)}
    if opened_at > session.at:
        raise DomainError("opened_in_future", **facts)
    rule = session.policy.late_facts
    if rule.opened_within is not None and add_term(opened_at, rule.opened_within) < session.at:
        raise DomainError("told_too_late", **facts, clause=rule.clause)
    session.account.as_of = opened_at


def in_order(session: TicketSession, since: str, what: str) -> None:
    """Refuses what would have happened before the thing that it follows: 422 ``occurred_out_of_order``."""
    if session.when < parse_iso(since):
        raise DomainError(
            "occurred_out_of_order", field="occurred_at", occurred_at=iso(session.when), not_before=since, what=what
        )
