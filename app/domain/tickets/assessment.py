"""Assessment: the quote in its numbered history, consent to it, and its changes while a ticket is worked on.

A price goes down at once, and up at once within what was agreed. Above that it waits for consent while the old price
stands (CSC-10). So does a change to a category that is asked beforehand. Policies without confirmation change at once
(XC-10). Too few credits: 409, and the old price stands (ALL-2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.cover import cover as covers
from app.domain.policy import prices as list_prices
from app.domain.policy import reckoning
from app.domain.policy.price_terms import TimePrice
from app.domain.policy.prices import Assessed
from app.domain.policy.surcharges import Surcharge
from app.domain.policy.ticket_rules import Category
from app.domain.tickets import admission, pricing, qualification
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.charge import Terms
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import must_allow
from app.domain.tickets.ticket_lists import Assessment
from app.domain.values.decision import Reason
from app.domain.values.errors import DomainError
from app.domain.values.ids import CoverId
from app.domain.values.money import MAX_CREDITS
from app.domain.values.phrase import phrased
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
    found = list_prices.category_named(policy, name)
    checked = list_prices.check_inputs(policy, name, inputs)
    if not checked and name == ticket.category:
        checked = dict(ticket.inputs)
    listed = pricing.listed(session, found, checked)
    free = _free(session, found)
    if isinstance(found.price, TimePrice) and free is None:
        return _assess_time(session, found, found.price, credits, reason=reason, by=by)
    if free is not None:
        made = Assessed(credits=0, list_credits=listed.credits, outside_list=False)
    else:
        made = list_prices.assessed(listed, credits=credits, reason=reason)
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
        made=None if free is not None else pricing.named_price(policy, listed, made.credits),
    )
    values = {"category": name, "inputs": checked}
    above = made.outside_list and (listed.most is None or made.credits > listed.most)
    if ticket.accepted_at is not None:
        _reprice(session, found, entry, {**values, "cover_id": free}, above_list=above)
    else:
        _superseding(session, entry, values)
        ticket_flow.decide(session, "decided", "assess")
    return int(entry["number"])


def _assess_time(
    session: TicketSession,
    category: Category,
    price: TimePrice,
    credits: int | None,
    *,
    reason: str | None,
    by: str | None,
) -> int:
    """What work may take from now on; what it took stays charged. ``credits`` None: as was agreed, or as the price
    says. Refused 422: ``amount_out_of_range``, ``limit_below_work``, and ``credits_required`` where the customer is to
    be asked and nobody names a limit."""
    ticket, policy = session.ticket, session.policy
    if credits is not None and not 0 <= credits <= MAX_CREDITS:
        raise DomainError("amount_out_of_range", field="credits", credits=credits, least=0, most=MAX_CREDITS)
    made = pricing.work_price(
        policy,
        category,
        ticket.work,
        pricing.of_ticket(session.account, ticket, category),
        given_back=ticket.returned_before,
    )
    up_to = credits if credits is not None else pricing.limit_of(ticket, price)
    if up_to is not None and up_to < made.credits:
        raise DomainError("limit_below_work", field="credits", credits=up_to, used=made.credits)
    if up_to is None and category.confirm and policy.confirmation is not None and ticket.agreed_up_to is None:
        raise DomainError(
            "credits_required", field="credits", category=category.category, least=made.credits, most=None
        )
    entry = ticket_flow.assessment_entry(
        session, category, made.credits, status="pending", by=by, reason=reason, inputs={}, made=made
    )
    entry["up_to"] = up_to
    values = {"category": category.category, "inputs": {}}
    if ticket.accepted_at is not None:
        _reprice_time(session, category, price, entry, values)
    else:
        _superseding(session, entry, values)
        ticket_flow.decide(session, "decided", "assess")
    return int(entry["number"])


def _reprice_time(
    session: TicketSession, category: Category, price: TimePrice, entry: dict[str, Any], values: dict[str, Any]
) -> None:
    """A limit for the work of a ticket that is being worked on: lower at once, higher with the customer's consent."""
    ticket, up_to = session.ticket, entry["up_to"]
    stands = pricing.limit_of(ticket, price)
    higher = up_to is not None and (category.confirm if stands is None else up_to > stands)
    if session.policy.confirmation is not None and higher:
        reason = admission.consent_reason(
            session, up_to, session.available_for(category.category) + session.committed, by_time=True
        )
        _ask(session, entry, reason)
        return
    held = max(entry["credits"], up_to or 0)
    adjust_charge(session, held, terms=(entry["clause"], entry["reading"]), category=category.category)
    values.update(_paid(entry["credits"], None), reserved=held, agreed_up_to=up_to)
    _put_in_force(session, entry, values)


def restate(session: TicketSession, stated: Mapping[str, Any]) -> None:
    """What was missing, asked for, or has changed. On a ticket that is worked on, the price follows what it depends
    on: down at once, up as any other price."""
    ticket = session.ticket
    before = pricing.price_facts(session)
    ticket_flow.details(session, stated)
    standing, quote = ticket.in_force, ticket.quote
    category = session.policy.category(ticket.category) if ticket.category is not None else None
    asked = ticket.state == "awaiting_confirmation" and quote is not None and quote["by"] == "rules"
    if ticket.state != "in_progress" and not asked:
        return
    if standing is None or category is None or ticket.paid_by == "cover":
        return
    if before is None or pricing.price_facts(session) == before:
        return
    surcharges = pricing.of_ticket(session.account, ticket, category)
    names = pricing.surcharges_of(standing)
    if [rule.surcharge for rule in surcharges] == (names if quote is None else pricing.surcharges_of(quote)):
        return
    if isinstance(category.price, TimePrice):
        limit = _limit_after(session, category, standing, surcharges)
        _assess_time(session, category, category.price, limit, reason=None, by="rules")
        return
    if session.committed < standing["credits"]:
        return  # an earlier ending gave some of it back, and that stays so
    base = reckoning.before(session.policy, standing["credits"], reckoning.named(session.policy, names))
    listed = pricing.listed(session, category, ticket.inputs)
    by_list = not standing["outside_list"] and listed.credits is not None
    amount = listed.credits if by_list else reckoning.whole(session.policy, reckoning.changed(base, surcharges))
    entry = ticket_flow.assessment_entry(
        session,
        category,
        amount or 0,
        status="pending",
        by="rules",
        outside_list=standing["outside_list"],
        list_credits=listed.credits,
        made=pricing.named_price(session.policy, listed, amount or 0),
    )
    _reprice(
        session,
        category,
        entry,
        {"category": ticket.category, "inputs": ticket.inputs, "cover_id": None},
        above_list=False,
    )


def _limit_after(
    session: TicketSession, category: Category, standing: Assessment, surcharges: Sequence[Surcharge]
) -> int | None:
    """What work may take once other surcharges apply: as before, as long as what was worked fits.

    Where it does not, the same work as before at the price of now: the customer is asked for that much.
    """
    limit, policy, ticket = standing.get("up_to"), session.policy, session.ticket
    if limit is None:
        return None
    made = pricing.work_price(policy, category, ticket.work, surcharges, given_back=ticket.returned_before)
    if made.credits <= limit:
        return limit
    base = reckoning.before(policy, limit, reckoning.named(policy, pricing.surcharges_of(standing)))
    return max(made.credits, reckoning.whole(policy, reckoning.changed(base, surcharges)))


def _free(session: TicketSession, category: Category) -> str | None:
    """Return the cover that pays instead of credits: the ticket's own, or one of the level; else None."""
    ticket, payment = session.ticket, session.policy.payment
    own = None if ticket.cover_id is None else session.account.covers.get(CoverId(ticket.cover_id))
    if ticket.accepted_at is not None and own is not None and not own.levels:
        return own.cover_id
    if category.level is None or "cover" not in payment.means or ticket.pay_with == "credits":
        return None
    serving = covers.paying(session.account, covers.in_force_for(session.account, None, category.level))
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
    if target > now and admission.needs_consent(session, category, target, above_list=above_list):
        _ask(session, entry, admission.consent_reason(session, target, session.available_for(category.category) + now))
        return
    adjust_charge(session, target, terms=(entry["clause"], entry["reading"]), category=category.category)
    if session.ticket.reserved is not None:
        values["reserved"] = None  # the new price is none by time
    _put_in_force(session, entry, {**values, **_paid(target, values["cover_id"])})


def _ask(session: TicketSession, entry: dict[str, Any], reason: Reason) -> None:
    """The new price, or the new limit, waits for the customer; the old one stands."""
    entry["status"] = "awaiting_confirmation"
    session.record(
        "assessed",
        "assess",
        to="awaiting_confirmation",
        values={
            "reasons": ticket_flow.worded(session, [reason]),
            "remedies": [],
            "confirmation_expires_at": iso_or_none(session.consent_until()),
        },
        add={"assessments": entry},
        change=_supersede(session),
        event_data={"assessment": published(entry)},
    )


def _put_in_force(session: TicketSession, entry: dict[str, Any], values: Mapping[str, Any]) -> None:
    change = _supersede(session)
    entry.update(status="in_force", decided_at=iso(session.when))
    for assessment in session.ticket.assessments:
        if assessment["status"] == "in_force":
            change.setdefault("assessments", {})[assessment["number"]] = {"status": "superseded"}
    session.record(
        "assessed",
        "assess",
        to="in_progress",
        values={**values, "reasons": [], "remedies": []},
        add={"assessments": entry},
        change=change,
        event_data={"assessment": published(entry)},
    )


def adjust_charge(session: TicketSession, credits: int, *, terms: Terms, category: str | None) -> None:
    """Hold or give back the difference (CSC-10, XC-10).

    A hold cites the clause of the price, a return that of changed prices.
    """
    confirmation = session.policy.confirmation
    clause = session.policy.reassessment_clause or (confirmation.change_clause if confirmation else None)
    session.adjust_hold_to(credits, reason="assessment", clause=clause, terms=terms, category=category)


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
    by_time = pricing.time_price(session.policy, quote["category"])
    up_to = quote.get("up_to") if by_time is not None else None
    credits_, change = quote["credits"], {number: _in_force(session, quote)}
    if by_time is not None:
        credits_ = int(change[number]["credits"])  # work may have gone on, within what was agreed before
    held = max(credits_, up_to or 0)
    adjust_charge(session, held, terms=(quote["clause"], quote["reading"]), category=quote["category"])
    for assessment in ticket.assessments:
        if assessment["status"] == "in_force":
            change[assessment["number"]] = {"status": "superseded"}
    values: dict[str, Any] = {
        "reasons": [],
        "remedies": [],
        "confirmation_expires_at": None,
        "category": quote["category"],
        "inputs": quote["inputs"],
        **_paid(credits_, None),
    }
    if by_time is not None:
        values.update(reserved=held, paid_by="credits", agreed_up_to=up_to)
    elif ticket.reserved is not None:
        values["reserved"] = None
    if ticket.accepted_at is None:
        values.update(accepted_at=iso(session.at), qualification=ticket_flow.ruled(session, "accept", []))
    session.record(
        "confirmed",
        "confirm",
        to="in_progress",
        values=values,
        change={"assessments": change},
        event_data={"number": number, "credits": quote["credits"] if up_to is None else up_to},
    )


def _in_force(session: TicketSession, quote: Assessment) -> dict[str, Any]:
    """What changes on a quote that comes into force: of one for time also what the work came to by now."""
    change: dict[str, Any] = {"status": "in_force", "decided_at": iso(session.at)}
    made = pricing.quoted_price(session.policy, session.ticket, quote, session.ticket.work)
    if made is not None:
        change |= {"credits": made.credits, **ticket_flow.made_members(made)}
    return change


def decline(session: TicketSession, number: int, *, reason: str, occurred_at: datetime | None = None) -> None:
    """No: an opening quote closes the ticket uncharged, a later one leaves the old price standing."""
    ticket = session.ticket
    rule = session.policy.confirmation
    change = {"assessments": {number: {"status": "declined", "decided_at": iso(session.at)}}}
    text = (
        phrased("The quote was declined.") if reason == "declined" else phrased("The quote was not answered in time.")
    )
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
