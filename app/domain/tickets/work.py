"""The work log of a ticket: lines of work, what they cost, and how the charge follows them (decision 0104).

A line is priced by its parts as the calendar stood. The ticket's price is made anew of all lines that stand. So a
correction, a late line and a line that moved here from another ticket need no rules of their own. While the ticket is
open, the hold follows the price; once it is resolved, the difference is charged or given back at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.domain.ledger.ticket_credits import refund_for
from app.domain.policy import work_time
from app.domain.policy.reckoning import Reckoned
from app.domain.tickets import late_facts, pricing
from app.domain.tickets import opening as ticket_flow
from app.domain.tickets.cause import returns_all, returns_rest
from app.domain.tickets.handling import may_serve
from app.domain.tickets.qualification import facts_for
from app.domain.tickets.session import CONSENT, Changes, TicketSession
from app.domain.tickets.ticket import Ticket, must_allow
from app.domain.tickets.work_line import AgentName, WorkLine
from app.domain.tickets.work_parts import parts_of
from app.domain.values.decision import Remedy
from app.domain.values.errors import DomainError
from app.domain.values.phrase import phrased
from app.domain.values.wire import copied, iso, parse_iso

LINES_MAX: Final = 1_000
"""Lines of one ticket; more belong on a ticket of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEntry:
    """What is stated of a line. None: as the corrected line has it, else charged, and begun now."""

    minutes: int
    kind: str | None = None
    billable: bool | None = None
    note: str | None = None
    occurred_at: datetime | None = None
    corrects: int | None = None
    agent: AgentName | None = None


def log(session: TicketSession, entry: WorkEntry, *, by: str | None) -> int:
    """A line of work; its number.

    Refused 422: ``minutes_required``, ``unknown_work_kind``, and the bounds of what is told late. Refused 404:
    ``work_line_not_found``. Refused 409: ``line_corrected``, ``too_many_lines``, ``work_beyond_limit``,
    ``insufficient_credits``, ``charge_settled``, ``dispute_open``, and where the ticket may not be served.
    """
    ticket = session.ticket
    if not (ticket.closed or (ticket.state == CONSENT and ticket.accepted_at is not None)):
        may_serve(session)  # while more is asked for, work goes on within what was agreed
    must_allow(ticket.state, "work")
    corrected = _corrected(session, entry)
    begin = _begin(session, entry, corrected)
    if len(ticket.work) >= LINES_MAX:
        raise DomainError("too_many_lines", most=LINES_MAX)
    line = _line(session, entry, corrected, begin, by)
    values, change, by_line = _charge(session, [*ticket.work, line])
    session.record(
        "worked",
        "work",
        to=ticket_flow.same(ticket),
        values=values,
        add={"work": line},
        change=change,
        occurred_at=session.at,
        event_data={
            **{name: line[name] for name in ("number", "minutes", "kind", "billable", "corrects")},
            "credits": by_line.get(line["number"], 0),
            "price": values.get("price", ticket.price),
        },
    )
    return line["number"]


def taken_in(session: TicketSession, duplicate: Ticket) -> tuple[dict[str, Any], Changes]:
    """Take over the lines of a ticket that is the same issue, charged as the ticket that goes on is.

    Return what changes on it and on its assessment.

    Refused 409 as `log` is: what the customer did not agree to, or cannot pay, is asked for before the merge.
    """
    lines = list(session.ticket.work)
    if not duplicate.work:
        return {}, {}
    first = len(lines)
    for line in duplicate.work:
        moved = copied(line)
        moved["number"] = first + line["number"]
        if line["corrects"] is not None:
            moved["corrects"] = first + line["corrects"]
        lines.append(moved)
    if len(lines) > LINES_MAX:
        raise DomainError("too_many_lines", most=LINES_MAX)
    carried = _given_back(session, duplicate, lines)
    values, change, _ = _charge(session, lines, given_back=session.ticket.returned_before + carried)
    if carried:
        values["returned_before"] = session.ticket.returned_before + carried
    return {**values, "work": lines}, change


def _given_back(session: TicketSession, duplicate: Ticket, lines: Sequence[WorkLine]) -> int:
    """What an earlier ending of the duplicate gave back of the work that moves; it stays given back."""
    without, merged = (
        pricing.standing_price(session.policy, session.ticket, every) for every in (session.ticket.work, lines)
    )
    if without is None or merged is None:
        return duplicate.returned_before
    return min(duplicate.returned_before, merged.credits - without.credits)


def _corrected(session: TicketSession, entry: WorkEntry) -> WorkLine | None:
    """The line that this one takes the place of."""
    if entry.corrects is None:
        if not entry.minutes:
            raise DomainError("minutes_required", field="minutes", least=1)
        return None
    found = next((line for line in session.ticket.work if line["number"] == entry.corrects), None)
    if found is None:
        raise DomainError("work_line_not_found", number=entry.corrects)
    newer = next((line["number"] for line in session.ticket.work if line["corrects"] == entry.corrects), None)
    if newer is not None:
        raise DomainError("line_corrected", number=entry.corrects, corrected_by=newer)
    return found


def _begin(session: TicketSession, entry: WorkEntry, corrected: WorkLine | None) -> datetime:
    """When the work began, within the bounds of what is told late."""
    if entry.occurred_at is None:
        return session.at if corrected is None else parse_iso(corrected["occurred_at"])
    late_facts.check(session, entry.occurred_at)
    closed_at = session.ticket.closed_at
    if closed_at is not None and entry.occurred_at >= parse_iso(closed_at):
        raise DomainError("ticket_closed", state=session.ticket.state, action="work", closed_at=closed_at)
    return entry.occurred_at


def _line(
    session: TicketSession, entry: WorkEntry, corrected: WorkLine | None, begin: datetime, by: str | None
) -> WorkLine:
    kind = entry.kind if entry.kind is not None or corrected is None else corrected["kind"]
    known = session.policy.work_kind(kind) if kind is not None else None
    if kind is not None and known is None:
        kinds = [rule.kind for rule in (session.policy.work.kinds if session.policy.work else ())]
        raise DomainError("unknown_work_kind", field="kind", kind=kind, known=kinds)
    billable = entry.billable
    if billable is None:
        billable = corrected["billable"] if corrected is not None else known is None or known.billable
    agent = entry.agent if entry.agent is not None or corrected is None else corrected.get("agent")
    facts = facts_for(session.account, session.ticket)
    parts, adds = parts_of(session.policy, session.clocks.hours, facts, begin, entry.minutes, kind)
    line: WorkLine = {
        "number": len(session.ticket.work) + 1,
        "minutes": entry.minutes,
        "kind": kind,
        "billable": billable,
        "note": entry.note if entry.note is not None or corrected is None else corrected["note"],
        "occurred_at": iso(begin),
        "recorded_at": iso(session.at),
        "by": by,
        "corrects": entry.corrects,
        "parts": parts,
        "adds": adds,
    }
    if agent is not None:
        line["agent"] = agent
    return line


# --- the charge -------------------------------------------------------------------------------------------------------


def _charge(
    session: TicketSession, lines: Iterable[WorkLine], *, given_back: int | None = None
) -> tuple[dict[str, Any], Changes, Mapping[int, int]]:
    """Moves the credits that these lines cost now: what changes on the ticket and its assessment, credits by line.

    ``given_back``: what earlier endings gave back, where it is not as the ticket has it.
    """
    ticket, policy, every = session.ticket, session.policy, list(lines)
    made, standing = pricing.standing_price(policy, ticket, every, given_back=given_back), ticket.in_force
    price = pricing.charged_by_time(policy, ticket)
    if made is not None and standing is not None and price is not None and made.credits > standing["credits"]:
        _within(session, pricing.limit_of(ticket, price), standing["credits"], made.credits)
    _within_quote(session, every)
    if made is None or standing is None or price is None:
        return {}, {}, {}
    was = standing["credits"]
    values = _settled(session, made, was) if ticket.closed else _held(session, made)
    change = {"assessments": {standing["number"]: {"credits": made.credits, **ticket_flow.made_members(made)}}}
    return values, change, work_time.worked(policy, price, every, clause=None).by_line


def _within_quote(session: TicketSession, every: Sequence[WorkLine]) -> None:
    """Refuses work beyond what the customer is being asked for: their yes would be to less than it costs."""
    ticket, quote = session.ticket, session.ticket.quote
    if quote is None or quote.get("up_to") is None:
        return
    before, after = (pricing.quoted_price(session.policy, ticket, quote, lines) for lines in (ticket.work, every))
    if before is not None and after is not None and after.credits > before.credits:
        _within(session, quote["up_to"], before.credits, after.credits, asked=True)


def _within(session: TicketSession, limit: int | None, was: int, comes_to: int, *, asked: bool = False) -> None:
    """Refuses work beyond what the customer agreed to, or is ``asked`` for, and says how to ask."""
    if limit is None or comes_to <= limit:
        return
    confirmation = session.policy.confirmation
    clause = (confirmation.advance_clause or confirmation.clause) if confirmation is not None else None
    clause = clause or session.price_terms()[0]
    steps = [Remedy(kind="record", text=phrased("Log the work with billable: false; it is recorded and not charged."))]
    if not session.ticket.closed:
        ask = phrased(
            "Ask for more: an assessment with credits of %(credits)s or more, and the customer's confirmation.",
            credits=comes_to,
        )
        steps.insert(0, Remedy(kind="assess", text=ask))
    amounts = {"credits": session.amount(comes_to), "agreed": session.amount(limit)}
    text = phrased("The work would come to %(credits)s; %(agreed)s are agreed.", **amounts)
    if asked:
        text = phrased("The work would come to %(credits)s; %(agreed)s are asked for.", **amounts)
    raise session.refused("work_beyond_limit", clause, text, *steps, agreed=limit, used=was, comes_to=comes_to)


def _held(session: TicketSession, made: Reckoned) -> dict[str, Any]:
    """The hold follows the price; what was set aside beforehand stays so."""
    reserved = session.ticket.reserved or 0
    session.adjust_hold_to(max(made.credits, reserved), reason="work")
    return {"price": made.credits, **({"paid_by": "credits"} if made.credits else {})}


def _settled(session: TicketSession, made: Reckoned, was: int) -> dict[str, Any]:
    """On a resolved ticket the difference is charged or given back at once, as its outcome and its cause say."""
    ticket, policy = session.ticket, session.policy
    if made.credits == was:
        return {}
    if any(dispute["decision"] is None for dispute in ticket.disputes):
        raise DomainError("dispute_open", number=ticket.disputes[-1]["number"])
    if ticket.price != was:
        raise DomainError("charge_settled", charge=session.charge(), price=ticket.price)
    values: dict[str, Any] = {"price": made.credits, **({"paid_by": "credits"} if made.credits else {})}
    outcome = next((rule for rule in policy.outcomes if rule.outcome == ticket.outcome), None)
    if outcome is not None and not outcome.captures:
        return values
    cause = next((rule for rule in policy.causes if rule.cause == ticket.cause), None)
    returned = returns_all(session, cause)
    target = returns_rest(made.credits, made.surviving) if returned else made.credits
    net = session.charge()["net"] + (0 if returned else ticket.returned_for_cause or 0)
    if returned:
        values["returned_for_cause"] = made.credits - target
    if target > net:
        _take(session, target - net)
    elif target < net:
        clause = session.price_terms()[0]
        refund_for(session.account.ledger, ticket.ticket_id, net - target, reason="work", clause=clause)
    return values


def _take(session: TicketSession, credits: int) -> None:
    if session.policy.credits is None or session.reach < credits:
        raise session.insufficient(credits)
    session.debit(credits, reason="work")
