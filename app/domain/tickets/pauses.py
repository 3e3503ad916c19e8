"""A ticket's time stands still: pauses begun, ended, and by which rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.domain.clocks import promises
from app.domain.policy.handling_rules import PauseReason
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.late_facts import in_order
from app.domain.tickets.session import CONSENT, TicketSession
from app.domain.tickets.ticket import must_allow
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso, iso_or_none

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""A helpdesk's own word for waiting for the customer. It is a code and no sentence, since the clocks' facts keep it."""


def end_pause(session: TicketSession, row: Mapping[str, Any], by: str, when: datetime) -> None:
    """Ends one pause by itself: by the customer's answer, at its instant, or by silence."""
    session.clocks.resume(row["reason"], at=session.at, occurred_at=when)
    session.record(
        "resumed",
        "resume",
        to=ticket_flow.same(session.ticket),
        event_data={"reason": row["reason"], "ended_by": by},
        change={"pauses": {row["number"]: {"ended_at": iso(when), "ended_by": by}}},
        occurred_at=when,
    )


def pause(session: TicketSession, *, reason: str, party: str | None, until: datetime | None = None) -> int:
    """Vendor clocks stand while somebody else is waited for, or nobody (TERMS-25); its number.

    A reason the policy does not list may be any code where the customer or a third party is waited for. ``party`` says
    so then. Nobody else's delay stops the vendor's clocks without a rule. ``until``: ends by itself. Refused: 422
    ``unknown_pause_reason``, ``wrong_party``, ``until_in_past``; 409 ``already_paused``.
    """
    must_allow(session.ticket.state, "pause")
    rule = pause_rule(session, reason, party)
    if party is not None and party != rule.party:
        raise DomainError("wrong_party", field="party", reason=reason, party=party, known=[rule.party])
    if until is not None and until <= session.when:
        raise DomainError("until_in_past", field="until", until=iso(until), started_at=iso(session.when))
    if any(pause_["reason"] == reason and pause_["ended_at"] is None for pause_ in session.ticket.pauses):
        raise DomainError("already_paused", reason=reason)
    for earlier in session.ticket.pauses:
        if earlier["reason"] == reason and earlier["ended_at"] is not None:
            in_order(session, earlier["ended_at"], "the end of the last pause for this reason")
    number = len(session.ticket.pauses) + 1
    entry = {
        "number": number,
        "reason": reason,
        "party": rule.party,
        "clause": rule.clause,
        "started_at": iso(session.when),
        "ended_at": None,
        "until": iso_or_none(until),
        "silent_at": iso_or_none(_silent_at(session, rule)),
        "ended_by": None,
    }
    session.clocks.pause(reason, rule.party, at=session.at, occurred_at=session.when)
    session.record(
        "paused",
        "pause",
        to=ticket_flow.same(session.ticket),
        add={"pauses": entry},
        event_data={"reason": reason, "party": rule.party},
    )
    return number


def _silent_at(session: TicketSession, rule: PauseReason) -> datetime | None:
    """When the customer will have been silent for as long as the policy waits; None where it waits for ever."""
    if rule.silence is None or rule.party != "customer":
        return None
    return promises.deadline(session.clocks.hours, rule.silence.after, at=session.when)


def resume(session: TicketSession, *, reason: str | None, party: str | None = None) -> None:
    """What was waited for is there: that reason, that party, or all of them. Refused: 409 ``not_paused``."""
    must_allow(session.ticket.state, "resume")
    if reason is not None and all(pause_["reason"] != reason for pause_ in session.ticket.pauses):
        pause_rule(session, reason, party)
    open_ = [
        pause_
        for pause_ in session.ticket.pauses
        if pause_["ended_at"] is None and reason in (None, pause_["reason"]) and party in (None, pause_["party"])
    ]
    if not open_:
        raise DomainError("not_paused", reason=reason)
    for item in open_:
        in_order(session, item["started_at"], "the pause that it ends")
        session.clocks.resume(item["reason"], at=session.at, occurred_at=session.when)
    session.record(
        "resumed",
        "resume",
        to=ticket_flow.same(session.ticket),
        event_data={"reason": reason},
        change={"pauses": {pause_["number"]: {"ended_at": iso(session.when)} for pause_ in open_}},
    )


def pause_rule(session: TicketSession, reason: str, party: str | None) -> PauseReason:
    """The policy's rule of a reason for waiting. 422 ``unknown_pause_reason``."""
    rules = session.policy.pause_reasons
    found = next((rule for rule in rules if rule.reason == reason), None)
    if found is None and reason != CONSENT and _CODE.fullmatch(reason):
        if party == "customer":
            waits = next((rule for rule in rules if rule.party == "customer"), None)
            found = None if waits is None else replace(waits, reason=reason)
        elif party == "third_party":
            found = PauseReason(reason=reason, party="third_party")
    if found is None:
        raise DomainError("unknown_pause_reason", field="reason", reason=reason, known=[rule.reason for rule in rules])
    return found
