"""Assessment: the quote in its numbered history, consent to it, and its changes while a ticket is worked on.

A price goes down at once, and up at once within what was agreed. Above that it waits for consent while the old price
stands (CSC-10). So does a change to a category that is asked beforehand. Policies without confirmation change at once
(XC-10). Too few credits: 409, and the old price stands (ALL-2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.cover import cover as covers
from app.domain.policy import prices as pricing
from app.domain.policy.prices import Assessed
from app.domain.policy.ticket_rules import Category
from app.domain.tickets import admission, qualification
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.charge import Terms
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import must_allow
from app.domain.values.errors import DomainError
from app.domain.values.ids import CoverId
from app.domain.values.wire import iso, iso_or_none


def assess(
    session: TicketSession,
    *,
    category: str | None,
    inputs: Mapping[str, Any],
    credits: int | None,
    reason: str | None,
    by: str | None,
) -> int:
    """A new assessment; its number. 422 ``category_required``, ``unknown_category``, ``inputs_required``,
    ``credits_required``, ``reason_required``; 409 where nothing is assessed, for the state, for want of credits."""
    ticket, policy = session.ticket, session.policy
    must_allow(ticket.state, "assess")
    if not policy.categories or policy.qualification.by == "agent":
        raise DomainError("assessment_not_offered", state=ticket.state)
    name = category or ticket.category
    if name is None:
        raise DomainError(
            "category_required", field="category", known=[category.category for category in policy.categories]
        )
    found = pricing.category_named(policy, name)
    checked = pricing.check_inputs(policy, name, inputs)
    if not checked and name == ticket.category:
        checked = dict(ticket.inputs)
    listed = pricing.quote(found, checked)
    free = _free(session, found)
    if free is not None:
        made = Assessed(credits=0, list_credits=listed.credits, outside_list=False)
    else:
        made = pricing.assessed(listed, credits=credits, reason=reason)
    status = "pending"
    entry = ticket_flow.assessment_entry(
        session,
        found,
        made.credits,
        status=status,
        by=by,
        reason=reason,
        outside_list=made.outside_list,
        list_credits=made.list_credits,
        inputs=checked,
    )
    values = {"category": name, "inputs": checked}
    above = made.outside_list and (listed.most is None or made.credits > listed.most)
    if ticket.accepted_at is not None:
        _reprice(session, found, entry, {**values, "cover_id": free}, above_list=above)
    else:
        _superseding(session, entry, values)
        ticket_flow.decide(session, "decided", "assess")
    return int(entry["number"])


def _free(session: TicketSession, category: Category) -> str | None:
    """Return the cover that pays instead of credits: the ticket's own, or one of the level; else None."""
    ticket, payment = session.ticket, session.policy.payment
    own = None if ticket.cover_id is None else session.account.covers.get(CoverId(ticket.cover_id))
    if ticket.accepted_at is not None and own is not None and not own.levels:
        return own.cover_id
    if category.level is None or "cover" not in payment.means or ticket.pay_with == "credits":
        return None
    serving = covers.in_force_for(session.account, None, category.level)
    mine = qualification.license_of(session.account, ticket.license_id)
    if mine is None and serving and payment.license_required_clause and len(session.account.active_licenses()) > 1:
        licenses = [license_.license_id for license_ in session.account.active_licenses()]
        raise session.refused(
            "license_required",
            payment.license_required_clause,
            "Several licenses are on the account; which one is it about?",
            reading=True,
            licenses=licenses,
        )
    return next(
        (cover.cover_id for cover in serving if mine is not None and covers.reaches(cover, mine.license_id)), None
    )


def _superseding(session: TicketSession, entry: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    session.record(
        "assessed",
        "assess",
        to=ticket_flow.same(session.ticket),
        values=values,
        add={"assessments": entry},
        change=_supersede(session),
        event_data={"assessment": published(entry)},
    )


def _supersede(session: TicketSession) -> dict[str, dict[int, dict[str, Any]]]:
    quote = session.ticket.quote
    return {} if quote is None else {"assessments": {quote["number"]: {"status": "superseded"}}}


def published(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says of an assessment."""
    return {name: entry[name] for name in ("number", "category", "credits", "status")}


def _reprice(
    session: TicketSession, category: Category, entry: dict[str, Any], values: dict[str, Any], *, above_list: bool
) -> None:
    """A price on a ticket that is being worked on."""
    target, now = int(entry["credits"]), session.committed
    change = _supersede(session)
    values = {**values, "reasons": [], "remedies": []}
    if target > now and admission.needs_consent(session, category, target, above_list=above_list):
        entry["status"] = "awaiting_confirmation"
        reason = admission.consent_reason(session, target, session.available + now)
        values.update(
            reasons=ticket_flow.worded(session, [reason]), confirmation_expires_at=iso_or_none(session.consent_until())
        )
        for name in ("category", "inputs", "cover_id"):
            del values[name]
        session.record(
            "assessed",
            "assess",
            to="awaiting_confirmation",
            values=values,
            add={"assessments": entry},
            change=change,
            event_data={"assessment": published(entry)},
        )
        return
    adjust_charge(session, target, terms=(entry["clause"], entry["reading"]))
    entry.update(status="in_force", decided_at=iso(session.when))
    values.update(_paid(target, values["cover_id"]))
    for assessment in session.ticket.assessments:
        if assessment["status"] == "in_force":
            change.setdefault("assessments", {})[assessment["number"]] = {"status": "superseded"}
    session.record(
        "assessed",
        "assess",
        to="in_progress",
        values=values,
        add={"assessments": entry},
        change=change,
        event_data={"assessment": published(entry)},
    )


def adjust_charge(session: TicketSession, credits: int, *, terms: Terms) -> None:
    """Hold or give back the difference (CSC-10, XC-10).

    A hold cites the clause of the price, a return that of changed prices.
    """
    confirmation = session.policy.confirmation
    clause = session.policy.reassessment_clause or (confirmation.change_clause if confirmation else None)
    session.adjust_hold_to(credits, reason="assessment", clause=clause, terms=terms)


def _paid(credits: int, cover_id: str | None) -> dict[str, Any]:
    by = "cover" if cover_id is not None else "credits" if credits else "nobody"
    return {"price": credits, "paid_by": by, "cover_id": cover_id}


def confirm(session: TicketSession, number: int, *, accept: bool) -> None:
    """The customer's answer to a quote (CSC-9). Refused: 404 ``assessment_not_found``, 409
    ``not_awaiting_confirmation``, ``insufficient_credits`` (it keeps waiting)."""
    quote = session.ticket.assessment(number)
    if quote["status"] != "awaiting_confirmation":
        raise DomainError(
            "not_awaiting_confirmation", number=number, status=quote["status"], state=session.ticket.state
        )
    if accept:
        _accepted(session, number)
    else:
        decline(session, number, reason="declined")


def _accepted(session: TicketSession, number: int) -> None:
    ticket, quote = session.ticket, session.ticket.assessment(number)
    adjust_charge(session, quote["credits"], terms=(quote["clause"], quote["reading"]))
    change = {number: {"status": "in_force", "decided_at": iso(session.at)}}
    for assessment in ticket.assessments:
        if assessment["status"] == "in_force":
            change[assessment["number"]] = {"status": "superseded"}
    values: dict[str, Any] = {
        "reasons": [],
        "remedies": [],
        "confirmation_expires_at": None,
        "category": quote["category"],
        "inputs": quote["inputs"],
        **_paid(quote["credits"], None),
    }
    if ticket.accepted_at is None:
        values.update(accepted_at=iso(session.at), qualification=ticket_flow.ruled(session, "accept", []))
    session.record(
        "confirmed",
        "confirm",
        to="in_progress",
        values=values,
        change={"assessments": change},
        event_data={"number": number, "credits": quote["credits"]},
    )


def decline(session: TicketSession, number: int, *, reason: str, occurred_at: datetime | None = None) -> None:
    """No: an opening quote closes the ticket uncharged, a later one leaves the old price standing."""
    ticket = session.ticket
    rule = session.policy.confirmation
    change = {"assessments": {number: {"status": "declined", "decided_at": iso(session.at)}}}
    text = "The quote was declined." if reason == "declined" else "The quote was not answered in time."
    closed = ticket.accepted_at is None
    reason_ = session.reason(
        reason, rule.clause if rule else None, text, reading=bool(rule and rule.reading), number=number
    )
    values: dict[str, Any] = {"confirmation_expires_at": None, "remedies": [], "reasons": []}
    if closed:
        session.release_all(reason=reason, clause=rule.clause if rule else None)
        values.update(reasons=[session.shown(reason_)])
    session.record(
        "declined",
        "decline",
        to="withdrawn" if closed else "in_progress",
        values=values,
        change=change,
        occurred_at=occurred_at,
        event_data={"number": number, "reason": reason},
    )
