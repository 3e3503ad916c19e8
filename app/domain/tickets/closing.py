"""How a ticket ends: resolved with capture or return, disputed, or overtaken by what fell due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from app.domain.account import hosts
from app.domain.clocks.ticket_clocks import PAST_DUE
from app.domain.ledger.ticket_credits import expire_holds, refund_for
from app.domain.policy.ticket_rules import Cause, Outcome
from app.domain.tickets import assessment
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.cause import (
    cause_named,
    give_back,
    moved,
    returned_reason,
    returned_so_far,
    returns_all,
    surviving_part,
)
from app.domain.tickets.handling import not_yet
from app.domain.tickets.pauses import end_pause, pause_rule
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import must_allow
from app.domain.values.errors import DomainError
from app.domain.values.phrase import phrased
from app.domain.values.term import add_term
from app.domain.values.wire import iso, parse_iso, parse_iso_or_none

_DUE_MAX: Final = 1_000
"""More than can fall due on one ticket before somebody looks."""


def resolve(
    session: TicketSession, *, outcome: str | None, cause: str | None, result: Mapping[str, Any], by: str | None
) -> None:
    """Capture what is held, or give it back.

    An outcome may take nothing, and a cause may return everything (AVA-11, XC-11, CSC-16). What was agreed and not used
    is released. ``result``: facts found, such as ``hosting_certified``.

    Refused: 422 ``unknown_outcome``, ``unknown_cause``; 409 ``not_accepted``, ``assessment_required``.
    """
    ticket, policy = session.ticket, session.policy
    way, why = _outcome(session, outcome), cause_named(session, cause)
    waiting = None if ticket.closed else not_yet(session)
    if waiting is not None:
        raise waiting
    must_allow(ticket.state, "resolve")
    returned = returns_all(session, why)
    if ticket.price is None and way.captures and not returned and session.charge()["held"]:
        clause = policy.confirmation.advance_clause if policy.confirmation else None
        raise session.refused(
            "assessment_required",
            clause,
            "Answered in advance: assess it before it is resolved.",
            held=session.charge()["held"],
        )
    values: dict[str, Any] = {
        "outcome": way.outcome,
        "cause": why.cause if why else None,
        "returned_for_cause": 0,
        "result": dict(result),
        "resolved_at": iso(session.when),
        "asks": [],
        "remedies": [],
        "reasons": [],
    }
    _money(session, way, why, returned, values)
    _keep(session, result)
    session.record(
        "resolved",
        "resolve",
        to="resolved",
        values=values,
        event_data={"outcome": way.outcome, "cause": values["cause"], "by": by},
    )


def _outcome(session: TicketSession, name: str | None) -> Outcome:
    known = [outcome for outcome in session.policy.outcomes if outcome.by_agent]
    found = (
        known[0] if name is None and known else next((outcome for outcome in known if outcome.outcome == name), None)
    )
    if found is None:
        raise DomainError(
            "unknown_outcome",
            field="outcome",
            outcome=name,
            known=[outcome.outcome for outcome in known],
            message=f"This policy knows {', '.join(outcome.outcome for outcome in known)}.",
        )
    return found


def _money(session: TicketSession, way: Outcome, why: Cause | None, returned: bool, values: dict[str, Any]) -> None:
    if not way.captures:
        session.release_all(reason=way.outcome, clause=way.clause)
        return
    if session.ticket.price is None and returned:
        session.release_all(reason="agreed_surplus")
    elif session.charge()["held"]:
        session.capture_all()
    if returned and why is not None:
        values["returned_for_cause"] = give_back(session, why)
        values["reasons"] = [returned_reason(session, why)]


def _keep(session: TicketSession, result: Mapping[str, Any]) -> None:
    """Facts about the customer that later tickets are judged by (TERMS-16)."""
    outcome = result.get(hosts.CERTIFIED)
    if isinstance(outcome, bool):
        host = result.get(hosts.HOST) or session.ticket.facts.get(hosts.HOST)
        hosts.record(session.account.customer.data, host, outcome)


# --- disputes ---------------------------------------------------------------------------------------------------------


def dispute(session: TicketSession, *, reason: str | None) -> int:
    """A charge the customer thinks wrong (XC-12); its number. Refused 409: ``disputes_not_offered``, for the state,
    ``nothing_to_dispute``, ``dispute_open``, ``dispute_window_passed``."""
    ticket, rule = session.ticket, session.policy.disputes
    if rule is None:
        raise DomainError("disputes_not_offered")
    if ticket.state != "resolved":
        raise DomainError("wrong_state", state=ticket.state, action="dispute", allowed_in=["resolved"])
    net = session.charge()["net"]
    if net == 0:
        raise DomainError("nothing_to_dispute", charge=session.charge())
    if any(dispute_["decision"] is None for dispute_ in ticket.disputes):
        raise DomainError("dispute_open")
    if rule.window is not None and session.at >= add_term(
        parse_iso(ticket.resolved_at or ticket.updated_at), rule.window
    ):
        raise session.refused(
            "dispute_window_passed", rule.clause, phrased("The time for disputes is over."), reading=rule.reading
        )
    number = len(ticket.disputes) + 1
    entry: dict[str, Any] = {
        "number": number,
        "reason": reason,
        "clause": rule.clause,
        "opened_at": iso(session.at),
        "charge": net,
        "decision": None,
        "credits": None,
        "returned": 0,
        "forfeited": 0,
        "cause": None,
        "reasons": [],
        "decided_at": None,
        "by": None,
    }
    session.record("disputed", "dispute", to="resolved", add={"disputes": entry}, event_data={"number": number})
    return number


def decide_dispute(
    session: TicketSession, number: int, *, decision: str, credits: int | None, by: str | None, cause: str | None = None
) -> None:
    """Upheld (it stays), reduced to ``credits``, or returned.

    ``cause``: what the problem turned out to be. A bug returns everything, to expired lots as the cause says (ALL-4).

    Refused: ``dispute_decided`` (409), ``credits_required``, ``credits_not_below``, ``unknown_cause``,
    ``cause_returns_all`` (422).
    """
    item, rule = session.ticket.dispute(number), session.policy.disputes
    if item["decision"] is not None:
        raise DomainError("dispute_decided", number=number, dispute_decision=item["decision"])
    must_allow(session.ticket.state, "decide_dispute")
    why = cause_named(session, cause)
    by_cause = why if returns_all(session, why) else None
    if by_cause is not None and decision != "returned":
        raise DomainError("cause_returns_all", field="cause", cause=cause, dispute_decision=decision)
    net = session.charge()["net"]
    charge = _new_charge(decision, credits, net) if by_cause is None else surviving_part(session)
    values: dict[str, Any] = {} if why is None else {"cause": why.cause}
    if by_cause is not None:  # The price stays: what the cause returns, another cause may take again.
        retained = returned_so_far(session, returns=False)
        values.update(returned_for_cause=retained + give_back(session, by_cause))
        values["reasons"] = [returned_reason(session, by_cause)]
    elif charge < net:
        clause = rule.clause if rule else None
        ledger = session.account.ledger
        refund_for(ledger, session.ticket.ticket_id, net - charge, reason=f"dispute {decision}", clause=clause)
    if by_cause is None:
        values["price"] = charge
    back = session.given_back()
    returned = {**moved(back), "cause": why.cause if why else None}
    reasons_ = [*values.get("reasons", ()), *([session.shown(session.forfeiture(back))] if back.forfeited else ())]
    change = {
        "decision": decision,
        "credits": charge,
        **returned,
        "reasons": reasons_,
        "decided_at": iso(session.at),
        "by": by,
    }
    session.record(
        "dispute_decided",
        "decide_dispute",
        to="resolved",
        values=values,
        change={"disputes": {number: change}},
        event_data={"number": number, "decision": decision, **returned, "reasons": reasons_},
    )


def _new_charge(decision: str, credits: int | None, net: int) -> int:
    """The charge by a decision, checked against the one that stands."""
    if decision == "reduced" and credits is None:
        raise DomainError("credits_required", field="credits", most=net - 1)
    if decision == "reduced" and not 0 <= (credits or 0) < net:
        raise DomainError("credits_not_below", field="credits", credits=credits, charge=net)
    if decision != "reduced" and credits is not None and credits != (net if decision == "upheld" else 0):
        raise DomainError("credits_not_expected", field="credits", dispute_decision=decision)
    return {"upheld": net, "returned": 0}.get(decision, credits or 0)


# --- what falls due ---------------------------------------------------------------------------------------------------


def fall_due(session: TicketSession) -> None:
    """Do what has fallen due on this ticket by now, in order of time. It is exact whether or not a job has run.

    A credit that expired before anybody decided (TERMS-18), access not given in time (TERMS-8), a quote not answered.
    """
    for _ in range(_DUE_MAX):
        due = _next_due(session)
        if due is None or due[0] > session.at:
            return
        when, what, number = due
        if what == "credit":
            _credit_expired(session, when)
        elif what == "access":
            _access_missed(session, number, when)
        elif what == "until":
            end_pause(session, _pause(session, number), "until", when)
        elif what == "silence":
            _silent(session, _pause(session, number))
        else:
            assessment.decline(session, number, reason="confirmation_expired", occurred_at=when)


def _next_due(session: TicketSession) -> tuple[datetime, str, int] | None:
    ticket = session.ticket
    found: list[tuple[datetime, str, int]] = []
    expires = parse_iso_or_none(ticket.credit_expires_at)
    if ticket.undecided and expires is not None:
        found.append((expires, "credit", 0))
    quote, until = ticket.quote, parse_iso_or_none(ticket.confirmation_expires_at)
    if ticket.state == "awaiting_confirmation" and quote is not None and until is not None:
        found.append((until, "quote", quote["number"]))
    if not ticket.closed:
        found += [
            (parse_iso(request["deadline_at"]) + PAST_DUE, "access", request["number"])
            for request in ticket.access_requests
            if request["granted_at"] is None
            and request["missed_at"] is None
            and request["cancelled_at"] is None
            and request["deadline_at"] is not None
        ]
        found += list(_waits_due(session))
    return min(found, default=None)


def _waits_due(session: TicketSession) -> Iterator[tuple[datetime, str, int]]:
    """Pauses that end by themselves: at an instant, or since the customer was silent."""
    for pause in session.ticket.pauses:
        if pause["ended_at"] is not None:
            continue
        if (until := parse_iso_or_none(pause.get("until"))) is not None:
            yield until, "until", pause["number"]
        if (silent := parse_iso_or_none(pause.get("silent_at"))) is not None:
            yield silent + PAST_DUE, "silence", pause["number"]


def _pause(session: TicketSession, number: int) -> Mapping[str, Any]:
    return next(pause for pause in session.ticket.pauses if pause["number"] == number)


def _silent(session: TicketSession, row: Mapping[str, Any]) -> None:
    """The customer did not answer: the policy's reminder, or its outcome for silence (never over an open price).

    An answer at the very instant would still have counted. So it is seen a second later, and happened at the instant.
    """
    ticket, when = session.ticket, parse_iso(row["silent_at"])
    rule = pause_rule(session, row["reason"], row["party"]).silence
    way = next((o for o in session.policy.outcomes if rule is not None and o.outcome == rule.outcome), None)
    held = session.charge()["held"]
    priced = ticket.price is not None or not held or (way is not None and not way.captures)
    may = ticket.state == "in_progress" and rule is not None and rule.then == "resolved" and priced
    if not may or way is None or rule is None:
        end_pause(session, row, "silence", when)
        session.account.emit(
            "ticket.reminded",
            session.event_data(reason=row["reason"], clause=None if rule is None else rule.clause),
            occurred_at=when,
        )
        return
    reason = session.shown(
        session.reason(
            way.outcome,
            rule.clause or way.clause,
            phrased("The customer did not answer in time; the ticket is resolved."),
            reading=rule.reading,
            waited_since=row["started_at"],
            silent_at=row["silent_at"],
        )
    )
    if not way.captures:
        session.release_all(reason=way.outcome, clause=way.clause)
    elif held:
        session.capture_all()
    cleared: dict[str, Any] = {"asks": [], "remedies": []}
    session.record(
        "resolved",
        "fall_silent",
        to="resolved",
        values={**cleared, "outcome": way.outcome, "resolved_at": iso(when), "reasons": [reason]},
        occurred_at=when,
        change={"pauses": {row["number"]: {"ended_at": iso(when), "ended_by": "silence"}}},
        event_data={"outcome": way.outcome, "cause": None, "reasons": [reason]},
    )


def _credit_expired(session: TicketSession, when: datetime) -> None:
    rules = session.policy.credits
    clause = rules.hold_expiry_clause if rules else None
    expire_holds(session.account.ledger, [session.ticket.ticket_id])
    session.release_all(reason="credit_expired", clause=clause)
    reason = session.shown(
        session.reason(
            "credit_expired",
            clause,
            phrased("The credit expired before the ticket was accepted."),
            reading=True,
            expired_at=iso(when),
            would_change=phrased("a ticket with another credit"),
        )
    )
    values = {
        "reasons": [reason],
        "asks": [],
        "price": None,
        "credit_expires_at": iso(when),
        "qualification": {**ticket_flow.ruled(session, "reject", [reason]), "at": iso(when)},
    }
    session.record(
        "rejected", "expire_credit", to="rejected", values=values, occurred_at=when, event_data={"reasons": [reason]}
    )


def _access_missed(session: TicketSession, number: int, when: datetime) -> None:
    rule, ticket = session.policy.access, session.ticket
    session.capture_all()
    asked = ticket.access_request(number)
    reason = session.shown(
        session.reason(
            rule.outcome if rule else "access_not_provided",
            rule.clause if rule else None,
            phrased("Access was not given in time; the ticket is resolved and nothing is refunded."),
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
    session.record(
        "resolved",
        "miss_access",
        to="resolved",
        values=values,
        occurred_at=when,
        change={"access_requests": {number: {"missed_at": iso(when)}}},
        event_data={"outcome": values["outcome"], "cause": None, "reasons": [reason]},
    )
