"""The cause of a closed ticket, corrected at any time, and its credits (AVA-11, CSC-16, XC-11).

A cause that turns out to be the vendor's own bug returns what the ticket was charged. A cause that turns out to be
another takes again what was returned for it, as far as credits are there. The rest is reported. The ticket keeps how
many credits were returned for its cause and not taken again. So never more comes back than was captured, and nothing is
captured twice.
"""

from __future__ import annotations

from typing import Any

from app.domain.ledger.returns import GivenBack
from app.domain.ledger.ticket_credits import refund_for
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import Cause
from app.domain.policy.wording import category_title
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import Ticket
from app.domain.values.decision import Reason
from app.domain.values.errors import DomainError
from app.domain.values.phrase import phrased, phrased_of
from app.domain.values.wire import iso


def cause_named(session: TicketSession, name: str | None) -> Cause | None:
    """The policy's cause of that name; 422 ``unknown_cause``, naming those there are."""
    if name is None:
        return None
    found = next((cause for cause in session.policy.causes if cause.cause == name), None)
    if found is None:
        raise DomainError(
            "unknown_cause", field="cause", cause=name, known=[cause.cause for cause in session.policy.causes]
        )
    return found


def returns_all(session: TicketSession, cause: Cause | None) -> bool:
    """Whether the cause gives the whole charge back; not for what is priced apart (AVA-15)."""
    return cause is not None and gives_all_back(session.policy, session.ticket, cause)


def gives_all_back(policy: Policy, ticket: Ticket, cause: Cause) -> bool:
    """Whether a cause gives the whole charge of a ticket back."""
    category = policy.category(ticket.category) if ticket.category else None
    return cause.returns == "all" and (category is None or category.bug_returns)


def returns_rest(charge: int, surviving: int) -> int:
    """What stays of a charge when a cause returns it: the part that survives it."""
    return min(surviving, charge)


def surviving_part(session: TicketSession) -> int:
    """What of the charge stays whatever the cause: what surcharges made that survive a bug."""
    standing = session.ticket.in_force
    return returns_rest(session.charge()["net"], 0 if standing is None else standing.get("surviving", 0))


def give_back(session: TicketSession, cause: Cause) -> int:
    """Returns the charge by the clause of the cause, but for the part that survives it; to expired lots as the cause
    says (ALL-4). How much."""
    back = session.charge()["net"] - surviving_part(session)
    if not back:
        return 0
    return refund_for(
        session.account.ledger,
        session.ticket.ticket_id,
        back,
        reason=cause.cause,
        clause=cause.clause,
        expired=cause.expired_lot,
    )


def returned_reason(session: TicketSession, cause: Cause) -> dict[str, Any]:
    """Why the credits of a ticket came back, as published."""
    surviving = surviving_part(session)
    text = phrased("All credits of the ticket are returned.")
    if surviving:
        text = phrased("All credits of the ticket are returned but %(credits)s.", credits=session.words(surviving))
    facts: dict[str, Any] = {"cause": cause.cause, "refunded": session.charge()["refunded"]}
    if surviving:
        facts["surviving"] = surviving
    return session.shown(session.reason(cause.cause, cause.clause, text, reading=cause.reading, **facts))


def correct_cause(session: TicketSession, *, cause: str, reason: str, by: str | None) -> int:
    """Records what the problem really was and moves the credits that follow from it; the correction's number.

    Refused: 422 ``unknown_cause``; 409 ``ticket_not_resolved``, ``cause_unchanged``, ``dispute_open``.
    """
    ticket = session.ticket
    if ticket.state != "resolved":
        raise DomainError("ticket_not_resolved", state=ticket.state, allowed_in=["resolved"])
    new = cause_named(session, cause)
    if new is None or new.cause == ticket.cause:
        raise DomainError("cause_unchanged", cause=ticket.cause)
    if waiting := [dispute["number"] for dispute in ticket.disputes if dispute["decision"] is None]:
        raise DomainError("dispute_open", number=waiting[0])  # its decision takes the cause along
    old = next((cause for cause in session.policy.causes if cause.cause == ticket.cause), None)
    was, is_ = returns_all(session, old), returns_all(session, new)
    owed, charged, missing = returned_so_far(session, was), 0, 0
    reasons: list[dict[str, Any]] = []
    if is_ and not was:
        owed += give_back(session, new)
        if owed:
            reasons.append(returned_reason(session, new))
    elif was and not is_:
        charged, missing = _take_again(session, owed)
        owed = missing
        reasons += [session.shown(reason) for reason in _charged_reasons(session, charged, missing)]
    elif new.returns == "all" and not is_ and session.charge()["net"]:
        reasons.append(session.shown(_priced_apart(session, new)))
    back, number = session.given_back(), len(ticket.cause_corrections) + 1
    entry: dict[str, Any] = {
        "number": number,
        "cause": new.cause,
        "previous_cause": ticket.cause,
        "reason": reason,
        "clause": new.clause,
        **moved(back),
        "captured": charged,
        "not_captured": missing,
        "at": iso(session.at),
        "by": by,
    }
    session.record(
        "cause_corrected",
        "correct_cause",
        to="resolved",
        values={"cause": new.cause, "returned_for_cause": owed, "reasons": reasons, "remedies": []},
        add={"cause_corrections": entry},
        event_data={
            "number": number,
            **{name: entry[name] for name in ("cause", "previous_cause", "captured", "not_captured")},
            **moved(back),
            "reasons": reasons,
        },
    )
    return number


def moved(back: GivenBack) -> dict[str, int]:
    """What came back and can be used again, and what is gone."""
    return {"returned": back.returned, "forfeited": back.forfeited}


def returned_so_far(session: TicketSession, returns: bool) -> int:
    """Credits that were returned for the cause and not taken again. A ticket resolved before this was kept: what was
    returned and not by a dispute."""
    ticket = session.ticket
    if ticket.returned_for_cause is not None:
        return ticket.returned_for_cause
    if not returns:
        return 0
    disputed = sum(dispute["returned"] + dispute.get("forfeited", 0) for dispute in ticket.disputes)
    return max(session.charge()["refunded"] - disputed, 0)


def _take_again(session: TicketSession, owed: int) -> tuple[int, int]:
    """Captures again what was returned for the cause, as far as it is there. Credits taken, and those missing."""
    charged = min(owed, session.available)
    if charged:
        session.debit(charged, reason="cause corrected")
    return charged, owed - charged


def _charged_reasons(session: TicketSession, charged: int, missing: int) -> list[Reason]:
    clause, reading = session.price_terms()
    found = []
    if charged:
        text = phrased_of(
            "The cause does not return credits: %(credits)s is charged again.",
            "The cause does not return credits: %(credits)s are charged again.",
            charged,
            credits=session.words(charged),
        )
        found.append(session.reason("charged_again", clause, text, reading=reading, captured=charged))
    if missing:
        text = phrased_of(
            "%(credits)s of the charge was not there to be charged again.",
            "%(credits)s of the charge were not there to be charged again.",
            missing,
            credits=session.words(missing),
        )
        found.append(session.reason("not_charged_again", "ALL-2", text, reading=True, not_captured=missing))
    return found


def _priced_apart(session: TicketSession, cause: Cause) -> Reason:
    category = session.policy.category(session.ticket.category) if session.ticket.category else None
    title = phrased("This ticket") if category is None else category_title(session.policy, category)
    return session.reason(
        "cause_returns_nothing",
        category.clause if category is not None else cause.clause,
        phrased("Priced whatever the cause: %(category)s. No credits are returned.", category=title),
        reading=category is not None and category.reading,
        cause=cause.cause,
    )
