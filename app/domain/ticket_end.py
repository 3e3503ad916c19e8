"""How a ticket ends: resolved with capture or return, disputed, or overtaken by what fell due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain import assessment, ticket_flow
from app.domain.errors import DomainError
from app.domain.period import add_term
from app.domain.policy import Cause, Outcome
from app.domain.ticket import must_allow
from app.domain.ticket_clocks import PAST_DUE
from app.domain.ticket_desk import Desk
from app.domain.ticket_work import not_yet
from app.domain.wire import iso, parse_iso, parse_iso_or_none


def resolve(
    desk: Desk, *, outcome: str | None, cause: str | None, result: Mapping[str, Any], by: str | None
) -> None:
    """Captures what is held, or gives it back: an outcome that takes nothing, or a cause that returns everything
    (AVA-11, XC-11, CSC-16). What was agreed and not used is released. ``result``: facts found, such as
    ``hosting_certified``.

    Refused: 422 ``unknown_outcome``, ``unknown_cause``; 409 ``not_accepted``, ``assessment_required``.
    """
    ticket, policy = desk.ticket, desk.policy
    way, why = _outcome(desk, outcome), _cause(desk, cause)
    waiting = None if ticket.closed else not_yet(desk)
    if waiting is not None:
        raise waiting
    must_allow(ticket.state, "resolve")
    returned = _returns(desk, why)
    if ticket.price is None and way.captures and not returned and desk.charge()["held"]:
        clause = policy.confirmation.advance_clause if policy.confirmation else None
        raise desk.refused(
            "assessment_required",
            clause,
            "Answered in advance: assess it before it is resolved.",
            held=desk.charge()["held"],
        )
    values: dict[str, Any] = {
        "outcome": way.outcome,
        "cause": why.cause if why else None,
        "result": dict(result),
        "resolved_at": iso(desk.at),
        "asks": [],
        "remedies": [],
        "reasons": [],
    }
    _money(desk, way, why, returned, values)
    _keep(desk, result)
    desk.record(
        "resolved",
        "resolve",
        to="resolved",
        values=values,
        tell={"outcome": way.outcome, "cause": values["cause"], "by": by},
    )


def _outcome(desk: Desk, name: str | None) -> Outcome:
    known = [one for one in desk.policy.outcomes if one.by_agent]
    found = known[0] if name is None and known else next((one for one in known if one.outcome == name), None)
    if found is None:
        raise DomainError(
            "unknown_outcome", field="outcome", outcome=name, known=[one.outcome for one in known]
        )
    return found


def _cause(desk: Desk, name: str | None) -> Cause | None:
    if name is None:
        return None
    found = next((one for one in desk.policy.causes if one.cause == name), None)
    if found is None:
        raise DomainError(
            "unknown_cause", field="cause", cause=name, known=[one.cause for one in desk.policy.causes]
        )
    return found


def _returns(desk: Desk, why: Cause | None) -> bool:
    """Whether the cause gives the whole charge back; not for what is priced apart (AVA-15)."""
    category = desk.policy.category(desk.ticket.category) if desk.ticket.category else None
    return why is not None and why.returns == "all" and (category is None or category.bug_returns)


def _money(desk: Desk, way: Outcome, why: Cause | None, returned: bool, values: dict[str, Any]) -> None:
    ledger, ticket_id = desk.book.ledger, desk.ticket.ticket_id
    if not way.captures:
        desk.release_all(reason=way.outcome, clause=way.clause)
        return
    if desk.ticket.price is None and returned:
        desk.release_all(reason="agreed_surplus")
    elif desk.charge()["held"]:
        ledger.capture_for(ticket_id)
    if returned and why is not None:
        if desk.charge()["net"]:
            ledger.refund_for(ticket_id, reason=why.cause, clause=why.clause, expired=why.expired_lot)
        values["reasons"] = [
            desk.shown(
                desk.reason(
                    why.cause,
                    why.clause,
                    "All credits of the ticket are returned.",
                    reading=why.reading,
                    cause=why.cause,
                    refunded=desk.charge()["refunded"],
                )
            )
        ]


def _keep(desk: Desk, result: Mapping[str, Any]) -> None:
    """Facts about the customer that later tickets are judged by (TERMS-16)."""
    if isinstance(result.get("hosting_certified"), bool):
        desk.book.customer.data["hosting_certified"] = result["hosting_certified"]


# --- disputes ---------------------------------------------------------------------------------------------------------


def dispute(desk: Desk, *, reason: str | None) -> int:
    """A charge the customer thinks wrong (XC-12); its number. Refused 409: ``disputes_not_offered``, for the state,
    ``nothing_to_dispute``, ``dispute_open``, ``dispute_window_passed``."""
    ticket, rule = desk.ticket, desk.policy.disputes
    if rule is None:
        raise DomainError("disputes_not_offered")
    if ticket.state != "resolved":
        raise DomainError("wrong_state", state=ticket.state, action="dispute", allowed_in=["resolved"])
    net = desk.charge()["net"]
    if net == 0:
        raise DomainError("nothing_to_dispute", charge=desk.charge())
    if any(one["decision"] is None for one in ticket.disputes):
        raise DomainError("dispute_open")
    if rule.window is not None and desk.at >= add_term(
        parse_iso(ticket.resolved_at or ticket.updated_at), rule.window
    ):
        raise desk.refused(
            "dispute_window_passed", rule.clause, "The time for disputes is over.", reading=rule.reading
        )
    number = len(ticket.disputes) + 1
    entry = {
        "number": number,
        "reason": reason,
        "clause": rule.clause,
        "opened_at": iso(desk.at),
        "charge": net,
        "decision": None,
        "credits": None,
        "returned": 0,
        "decided_at": None,
        "by": None,
    }
    desk.record("disputed", "dispute", to="resolved", add={"disputes": entry}, tell={"number": number})
    return number


def decide_dispute(desk: Desk, number: int, *, decision: str, credits: int | None, by: str | None) -> None:
    """Upheld (it stays), reduced to ``credits``, or returned. Refused: ``dispute_decided`` (409), ``credits_required``,
    ``credits_not_below`` (422)."""
    one, rule = desk.ticket.dispute(number), desk.policy.disputes
    if one["decision"] is not None:
        raise DomainError("dispute_decided", number=number, dispute_decision=one["decision"])
    must_allow(desk.ticket.state, "decide_dispute")
    net = desk.charge()["net"]
    if decision == "reduced" and credits is None:
        raise DomainError("credits_required", field="credits", most=net - 1)
    if decision == "reduced" and not 0 <= (credits or 0) < net:
        raise DomainError("credits_not_below", field="credits", credits=credits, charge=net)
    if decision != "reduced" and credits is not None and credits != (net if decision == "upheld" else 0):
        raise DomainError("credits_not_expected", field="credits", dispute_decision=decision)
    charge = {"upheld": net, "returned": 0}.get(decision, credits or 0)
    back = net - charge
    if back:
        clause = rule.clause if rule else None
        desk.book.ledger.refund_for(desk.ticket.ticket_id, back, reason=f"dispute {decision}", clause=clause)
    change = {"decision": decision, "credits": charge, "returned": back, "decided_at": iso(desk.at), "by": by}
    desk.record(
        "dispute_decided",
        "decide_dispute",
        to="resolved",
        values={"price": charge},
        change={"disputes": {number: change}},
        tell={"number": number, "decision": decision, "returned": back},
    )


# --- what falls due ---------------------------------------------------------------------------------------------------


def fall_due(desk: Desk) -> None:
    """What has fallen due on this ticket by now, in order of time; exact whether or not a job has run.

    A credit that expired before anybody decided (TERMS-18), access not given in time (TERMS-8), a quote not answered.
    """
    for _ in range(4):
        due = _next_due(desk)
        if due is None or due[0] > desk.at:
            return
        when, what, number = due
        if what == "credit":
            _credit_expired(desk, when)
        elif what == "access":
            _access_missed(desk, number, when)
        else:
            assessment.decline(desk, number, reason="confirmation_expired", occurred_at=when)


def _next_due(desk: Desk) -> tuple[datetime, str, int] | None:
    ticket = desk.ticket
    found: list[tuple[datetime, str, int]] = []
    expires = parse_iso_or_none(ticket.credit_expires_at)
    if ticket.undecided and expires is not None:
        found.append((expires, "credit", 0))
    quote, until = ticket.quote, parse_iso_or_none(ticket.confirmation_expires_at)
    if ticket.state == "awaiting_confirmation" and quote is not None and until is not None:
        found.append((until, "quote", quote["number"]))
    if not ticket.closed:
        found += [
            (parse_iso(one["deadline_at"]) + PAST_DUE, "access", one["number"])
            for one in ticket.access_requests
            if one["granted_at"] is None and one["missed_at"] is None and one["cancelled_at"] is None
        ]
    return min(found, default=None)


def _credit_expired(desk: Desk, when: datetime) -> None:
    rules = desk.policy.credits
    clause = rules.hold_expiry_clause if rules else None
    desk.book.ledger.expire_holds([desk.ticket.ticket_id])
    desk.release_all(reason="credit_expired", clause=clause)
    reason = desk.shown(
        desk.reason(
            "credit_expired",
            clause,
            "The credit expired before the ticket was accepted.",
            reading=True,
            expired_at=iso(when),
            would_change="a ticket with another credit",
        )
    )
    values = {
        "reasons": [reason],
        "asks": [],
        "price": None,
        "credit_expires_at": iso(when),
        "qualification": {**ticket_flow.ruled(desk, "reject", [reason]), "at": iso(when)},
    }
    desk.record(
        "rejected",
        "expire_credit",
        to="rejected",
        values=values,
        occurred_at=when,
        tell={"reasons": [reason]},
    )


def _access_missed(desk: Desk, number: int, when: datetime) -> None:
    rule, ticket = desk.policy.access, desk.ticket
    desk.book.ledger.capture_for(ticket.ticket_id)
    asked = ticket.access_request(number)
    reason = desk.shown(
        desk.reason(
            rule.outcome if rule else "access_not_provided",
            rule.clause if rule else None,
            "Access was not given in time; the ticket is resolved and nothing is refunded.",
            reading=bool(rule and rule.reading),
            kinds=asked["kinds"],
            deadline_at=asked["deadline_at"],
        )
    )
    values = {
        "outcome": rule.outcome if rule else None,
        "resolved_at": iso(when),
        "reasons": [reason],
        "asks": [],
        "remedies": [],
    }
    desk.record(
        "resolved",
        "miss_access",
        to="resolved",
        values=values,
        occurred_at=when,
        change={"access_requests": {number: {"missed_at": iso(when)}}},
        tell={"outcome": values["outcome"], "cause": None, "reasons": [reason]},
    )
