"""What is told later than it happened: when it was so, and how far back that may lie.

Clocks and cover are judged as of then; credits move when it is told. The bounds are the policy's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain.tickets.session import Desk
from app.domain.values.errors import DomainError
from app.domain.values.term import add_term
from app.domain.values.wire import iso, parse_iso


def happened(desk: Desk, occurred_at: datetime | None, *, any_cycle: bool = False) -> None:
    """From here on the desk works as of when it happened; None: now. ``any_cycle``: also before a reopening.

    Refused 422: ``occurred_in_future``, ``occurred_before_opening``, ``occurred_out_of_order`` (before the ticket was
    last reopened), ``told_too_late``.
    """
    if occurred_at is None or occurred_at == desk.at:
        return
    check(desk, occurred_at)
    desk.book.as_of = occurred_at
    if desk.ticket.reopened_at is not None and not any_cycle:
        in_order(desk, desk.ticket.reopened_at, "the reopening")


def check(desk: Desk, occurred_at: datetime) -> None:
    """Refuses what has not happened yet, is older than its ticket, or is told later than the policy lets."""
    ticket = desk.ticket
    facts: dict[str, Any] = {"field": "occurred_at", "occurred_at": iso(occurred_at), "at": iso(desk.at)}
    if occurred_at > desk.at:
        raise DomainError("occurred_in_future", **facts)
    if occurred_at < parse_iso(ticket.opened_at):
        raise DomainError("occurred_before_opening", **facts, opened_at=ticket.opened_at)
    rule = desk.policy.late_facts
    if rule.within is not None and add_term(occurred_at, rule.within) < desk.at:
        raise DomainError("told_too_late", **facts, clause=rule.clause)


def opened(desk: Desk, opened_at: datetime | None) -> None:
    """As `happened`, of a ticket that is just being made: a desk that moves here brings its open tickets.

    Refused 422: ``opened_in_future``, ``told_too_late``.
    """
    if opened_at is None or opened_at == desk.at:
        return
    facts: dict[str, Any] = {"field": "opened_at", "opened_at": iso(opened_at), "at": iso(desk.at)}
    if opened_at > desk.at:
        raise DomainError("opened_in_future", **facts)
    rule = desk.policy.late_facts
    if rule.opened_within is not None and add_term(opened_at, rule.opened_within) < desk.at:
        raise DomainError("told_too_late", **facts, clause=rule.clause)
    desk.book.as_of = opened_at


def in_order(desk: Desk, since: str, what: str) -> None:
    """Refuses what would have happened before the thing that it follows: 422 ``occurred_out_of_order``."""
    if desk.when < parse_iso(since):
        raise DomainError(
            "occurred_out_of_order", field="occurred_at", occurred_at=iso(desk.when), not_before=since, what=what
        )
