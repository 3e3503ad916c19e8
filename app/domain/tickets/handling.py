"""A ticket being worked on: qualified by an agent, answered, waiting for access, paused, withdrawn, reopened.

How it ends stands in `app.domain.tickets.closing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.domain.clocks import promises
from app.domain.policy.policy import Policy
from app.domain.tickets import counts, qualification
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.late_facts import in_order
from app.domain.tickets.pauses import end_pause, pause_rule
from app.domain.tickets.session import ACCESS, CONSENT, TicketSession
from app.domain.tickets.ticket import Ticket, must_allow
from app.domain.values.decision import Reason, Remedy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, iso_or_none, parse_iso, reason_json


def qualify(session: TicketSession, *, decision: str, codes: Sequence[str], note: str | None, by: str | None) -> None:
    """An agent's decision, kept with who and why (TERMS-11, TERMS-12).

    Accepting over a failing check needs a note. Refused: ``unknown_reason``, ``reasons_required``, ``note_required``
    (422), ``qualified_by_rules``, ``credit_required``, ``already_qualified`` (409).
    """
    ticket, policy = session.ticket, session.policy
    if policy.qualification.by != "agent":
        raise DomainError("qualified_by_rules", state=ticket.state)
    facts = qualification.facts_for(session.account, ticket)
    reasons, needs_note = qualification.named_reasons(policy, codes, facts)
    text = (note or "").strip()
    if needs_note and not text:
        raise DomainError("note_required", field="note", reasons=list(codes))
    if ticket.state == "in_progress":
        _late(session, decision, reasons, note, by)
        return
    must_allow(ticket.state, "accept" if decision == "accept" else "reject")
    if decision == "accept":
        _accept(session, reasons, text, note, by)
    else:
        _reject(session, reasons, note, by)


def _accept(session: TicketSession, reasons: Sequence[Reason], text: str, note: str | None, by: str | None) -> None:
    ticket = session.ticket
    if ticket.credit_applied_at is not None:
        in_order(session, ticket.credit_applied_at, "the credit")
    if ticket.credit_applied_at is None:
        clause = session.policy.credits.clause if session.policy.credits else None
        raise session.refused(
            "credit_required",
            clause,
            "A ticket is qualified with a credit applied to it.",
            *session.offers(),
            state=ticket.state,
        )
    verdict = qualification.judge(session.account, ticket)
    over = (*verdict.rejections, *verdict.recommended)
    if over and not text:
        raise DomainError("note_required", field="note", failing=[reason_json(reason) for reason in over])
    values = {
        "qualification": _qualified("accept", [*over, *reasons], note, by, session),
        "accepted_at": iso(session.when),
        "asks": [],
        "reasons": [],
        "remedies": [],
        "credit_expires_at": None,
        "checks": [result.json() for result in verdict.results],
        **({"counts": counts.pins_of(session.account, ticket)} if session.policy.counts else {}),
    }
    session.record("qualified", "accept", to="in_progress", values=values, event_data={"decision": "accept"})


def _qualified(
    decision: str, reasons: Sequence[Reason], note: str | None, by: str | None, session: TicketSession
) -> dict[str, Any]:
    return {
        "decision": decision,
        "reasons": [reason_json(reason) for reason in reasons],
        "by": by,
        "at": iso(session.when),
        "note": note,
    }


def _reject(session: TicketSession, reasons: Sequence[Reason], note: str | None, by: str | None) -> None:
    if session.ticket.credit_applied_at is not None:
        in_order(session, session.ticket.credit_applied_at, "the credit")
    if not reasons:
        raise DomainError(
            "reasons_required", field="reasons", known=[ground.code for ground in session.policy.qualification.grounds]
        )
    session.release_all(reason="rejected", clause=reasons[0].clause)
    values = {
        "qualification": _qualified("reject", reasons, note, by, session),
        "asks": [],
        "remedies": [],
        "price": None,
        "reasons": [reason_json(reason) for reason in reasons],
    }
    session.record(
        "qualified",
        "reject",
        to="rejected",
        values=values,
        event_data={"decision": "reject", "reasons": values["reasons"]},
    )


def _late(session: TicketSession, decision: str, reasons: Sequence[Reason], note: str | None, by: str | None) -> None:
    """Found after acceptance: an exclusion resolves the ticket and captures (TERMS-17); anything else is refused."""
    ticket, rules = session.ticket, session.policy.qualification
    exclusions = [reason for reason in reasons if reason.facts.get("kind") == "exclusion"]
    if decision != "reject" or not rules.late_exclusion_captures or not exclusions:
        raise DomainError(
            "already_qualified",
            state=ticket.state,
            qualification=ticket.qualification,
            exclusions=[ground.code for ground in rules.grounds if ground.kind == "exclusion"],
        )
    session.capture_all()
    values = {
        "qualification": _qualified("reject", reasons, note, by, session),
        "resolved_at": iso(session.when),
        "reasons": [reason_json(reason) for reason in reasons],
        "remedies": [],
    }
    session.record(
        "resolved",
        "reject",
        to="resolved",
        values=values,
        event_data={"outcome": None, "cause": None, "reasons": values["reasons"]},
    )


def respond(
    session: TicketSession, *, author: str, kind: str, public: bool, automatic: bool = False, by: str | None
) -> int:
    """A message on the ticket; its number. Many responses, one charge (XC-1).

    The vendor's ``service`` waits for qualification, consent and the policy's gates (TERMS-11, CSC-9, TERMS-24). The
    first one makes the credit used (TERMS-20). A closed ticket takes what was written before it was closed. What is
    ``automatic``, or no word to the other side, meets no promise and answers nothing.
    """
    ticket, when = session.ticket, session.when
    if ticket.closed_at is not None and when >= parse_iso(ticket.closed_at):
        raise DomainError("ticket_closed", state=ticket.state, action="respond", closed_at=ticket.closed_at)
    must_allow(ticket.state, "respond")
    service = author == "vendor" and kind == "service"
    if service:
        may_serve(session)
    entry = response_entry(session, author=author, kind=kind, public=public, automatic=automatic, when=when, by=by)
    counts = public and not automatic
    values: dict[str, Any] = {}
    if service and not automatic and ticket.service_at is None:
        values["service_at"] = iso(when)  # money back on the credit looks here (TERMS-20)
    if author == "vendor" and counts:
        session.clocks.stop("vendor_response", at=session.at, occurred_at=when)
    wrote = session.first_word(when) if author == "customer" and counts and not ticket.closed else {}
    values.update(wrote)
    session.record(
        "responded",
        "respond",
        to=ticket_flow.same(ticket),
        values=values,
        add={"responses": entry},
        event_data={
            "number": entry["number"],
            "author": author,
            "kind": kind,
            "public": public,
            "automatic": automatic,
        },
    )
    if wrote:
        session.start_withheld()
    if author == "customer" and counts and not ticket.closed and _unanswered(ticket, when):
        session.clocks.start("customer_reply", at=session.at, occurred_at=when)
    if author == "customer" and counts and not ticket.closed:
        answered(session, when)
    return int(entry["number"])


def reach(session: TicketSession, milestone: str) -> None:
    """A milestone of the policy's own is reached: its clock stops, or begins its next round where one is owed again.

    Refused: ``milestone_not_running`` where no such clock runs that a helpdesk may stop.
    """
    must_allow(session.ticket.state, "reach")
    running = [clock.spec.milestone for clock in session.clocks.live(at=session.at) if "reached" in clock.terms.stops]
    if milestone not in running:
        raise DomainError("milestone_not_running", milestone=milestone, running=sorted(set(running)))
    session.clocks.stop("reached", at=session.at, occurred_at=session.when, milestone=milestone)
    number = len(session.ticket.milestones) + 1
    entry = {"number": number, "milestone": milestone, "at": iso(session.when), "by": session.account.plan.actor}
    session.record(
        "milestone_reached",
        "reach",
        to=ticket_flow.same(session.ticket),
        add={"milestones": entry},
        event_data={"milestone": milestone},
    )


def _unanswered(ticket: Ticket, when: datetime) -> bool:
    """Whether the vendor answered before a message of the customer, and has not since: another answer is owed."""
    answers = [
        parse_iso(entry["occurred_at"])
        for entry in ticket.responses
        if entry["author"] == "vendor" and entry["public"] and not entry.get("automatic")
    ]
    return bool(answers) and max(answers) <= when


def answered(session: TicketSession, when: datetime) -> None:
    """The customer's answer ends the waits that the policy lets it end. The other waits are no silence any more."""
    waits = [
        pause
        for pause in session.ticket.pauses
        if pause["party"] == "customer" and pause["ended_at"] is None and parse_iso(pause["started_at"]) <= when
    ]
    over = [wait for wait in waits if pause_rule(session, wait["reason"], wait["party"]).ends_with_answer]
    for pause_ in over:
        end_pause(session, pause_, "answer", when)
    heard = [wait["number"] for wait in waits if wait not in over and wait.get("silent_at") is not None]
    if heard:
        change = {"pauses": {number: {"silent_at": None} for number in heard}}
        for number in heard:
            session.account.plan.drop("ticket.pause", f"{session.ticket.ticket_id}:{number}")
        session.record("heard", "absorb", to=ticket_flow.same(session.ticket), change=change, occurred_at=when)


def response_entry(
    session: TicketSession,
    *,
    author: str,
    kind: str,
    public: bool,
    automatic: bool = False,
    when: datetime,
    by: str | None,
) -> dict[str, Any]:
    """A line of the ticket's responses."""
    return {
        "number": len(session.ticket.responses) + 1,
        "author": author,
        "kind": kind,
        "public": public,
        "automatic": automatic,
        "occurred_at": iso(when),
        "recorded_at": iso(session.at),
        "by": by,
    }


def may_serve(session: TicketSession) -> None:
    """Refuses service where it may not be given yet, with the clause."""
    waiting = not_yet(session)
    if waiting is not None:
        raise waiting
    blocked = qualification.blocked_gates(session.policy, qualification.facts_for(session.account, session.ticket))
    if blocked:
        raise DomainError("service_refused", decision=session.decision(blocked), state=session.ticket.state)


def waits_for(policy: Policy, ticket: Ticket) -> str | None:
    """The code of what an open ticket waits for before it is served; None: nothing."""
    if ticket.state == CONSENT:
        return CONSENT
    if ticket.accepted_at is not None:
        return None
    return "not_qualified" if policy.qualification.by == "agent" else "not_accepted"


def not_yet(session: TicketSession) -> DomainError | None:
    """What an open ticket waits for, as a refusal: consent, qualification, what its reasons say; None: nothing."""
    ticket, policy = session.ticket, session.policy
    code = waits_for(policy, ticket)
    if code is None:
        return None
    if code == CONSENT:
        rule = policy.confirmation
        return session.refused(
            CONSENT,
            rule.clause if rule else None,
            "The customer has not confirmed the assessment yet.",
            reading=bool(rule and rule.reading),
            state=ticket.state,
        )
    if code == "not_qualified":
        clause = policy.qualification.not_qualified_clause or policy.qualification.clause
        return session.refused(code, clause, "No representative has qualified this ticket yet.", state=ticket.state)
    return DomainError(
        code, state=ticket.state, asks=ticket.asks, decision=session.decision(_standing(session), _remedies(session))
    )


def _standing(session: TicketSession) -> tuple[Reason, ...]:
    """Why the ticket stands where it stands, as reasons again."""
    return tuple(
        Reason(
            code=reason["code"],
            clause=reason["clause"],
            message=reason["message"],
            facts=reason["facts"],
            reading=reason["reading"],
            would_change=reason.get("would_change"),
        )
        for reason in session.ticket.reasons
    )


def _remedies(session: TicketSession) -> tuple[Remedy, ...]:
    return session.offers() if session.ticket.state == "awaiting_credits" else ()


def request_access(session: TicketSession, *, kinds: Sequence[str], deadline_at: datetime | None) -> int:
    """Access the customer owes, by default until the policy's deadline in service hours; its number (TERMS-8).

    On a calendar that opens no more there is no such deadline. The vendor's clocks wait all the same, and nothing falls
    due. Refused: 409 ``access_not_offered``, 422 ``unknown_access_kind``, ``deadline_in_past``.
    """
    ticket, rule = session.ticket, session.policy.access
    if rule is None:
        raise DomainError("access_not_offered")
    must_allow(ticket.state, "request_access")
    unknown = [kind for kind in kinds if kind not in rule.kinds]
    if unknown or not kinds:
        raise DomainError("unknown_access_kind", field="kinds", unknown=unknown, known=list(rule.kinds))
    deadline = deadline_at or promises.deadline(session.clocks.hours, rule.deadline, at=session.at)
    if deadline is not None and deadline <= session.at:
        raise DomainError("deadline_in_past", field="deadline_at", at=iso(session.at))
    number = len(ticket.access_requests) + 1
    entry = {
        "number": number,
        "kinds": list(dict.fromkeys(kinds)),
        "deadline_at": iso_or_none(deadline),
        "requested_at": iso(session.at),
        "granted_at": None,
        "missed_at": None,
        "cancelled_at": None,
    }
    session.clocks.start("access_requested", at=session.at, due_at=deadline_at, ref=str(number))
    session.clocks.pause(f"{ACCESS}:{number}", "customer", at=session.at)
    session.record(
        "access_requested",
        "request_access",
        to=ticket_flow.same(ticket),
        add={"access_requests": entry},
        event_data={"number": number, "kinds": entry["kinds"], "deadline_at": entry["deadline_at"]},
    )
    return number


def grant_access(session: TicketSession, number: int) -> None:
    """The customer gave access; vendor clocks go on. Refused: ``access_already_granted``.

    A resolved ticket takes what was given before it was closed: its clocks are judged by it. State and credits stay.
    """
    ticket = session.ticket
    asked = ticket.access_request(number)
    if ticket.closed_at is not None and session.when >= parse_iso(ticket.closed_at):
        raise DomainError("ticket_closed", state=ticket.state, action="grant_access", closed_at=ticket.closed_at)
    must_allow(ticket.state, "grant_access")
    if asked["granted_at"] is not None:
        raise DomainError("access_already_granted", number=number, granted_at=asked["granted_at"])
    in_order(session, asked["requested_at"], "the access request")
    session.clocks.stop("access_granted", at=session.at, occurred_at=session.when, ref=str(number))
    session.clocks.resume(f"{ACCESS}:{number}", at=session.at, occurred_at=session.when)
    session.record(
        "access_granted",
        "grant_access",
        to=ticket_flow.same(session.ticket),
        event_data={"number": number},
        change={"access_requests": {number: {"granted_at": iso(session.when), "missed_at": None}}},
    )
