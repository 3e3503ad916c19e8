"""The work log of a ticket as published: its lines with what each costs, what was agreed, used and asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from app.domain.policy import reckoning, work_time
from app.domain.policy.policy import Policy
from app.domain.policy.wording import shown
from app.domain.tickets import pricing
from app.domain.tickets import ticket as stored
from app.domain.tickets.work_line import WorkLine as StoredLine
from app.domain.values.text import decimal_text
from app.views.shapes import Credits, Instant

LINES_SHOWN = 100
"""Lines in an answer; `getTicket` goes on by its cursor."""


class ActingAgent(TypedDict):
    """A person of the vendor."""

    id: Annotated[str, "The helpdesk's id of the person."]
    name: NotRequired[Annotated[str | None, "The name."]]


class WorkPart(TypedDict):
    """A stretch of a line for which the same surcharges hold."""

    begin: Annotated[Instant, "When it begins."]
    seconds: Annotated[int, "How long it is."]
    factor: Annotated[str, "What its price is multiplied by: a decimal."]
    surcharges: Annotated[Sequence[str], "The surcharges that make the factor; the policy names them."]


class WorkLine(TypedDict):
    """A line of the work log. A line that was corrected stands with a price of 0."""

    number: Annotated[int, "Its number on the ticket, from 1."]
    minutes: Annotated[int, "How long the work took."]
    kind: Annotated[str | None, "The kind of work; the policy names them."]
    billable: Annotated[bool, "Whether it is charged."]
    note: Annotated[str | None, "What was done."]
    occurred_at: Annotated[Instant, "When it began."]
    recorded_at: Annotated[Instant, "When we were told."]
    acting_agent: Annotated[ActingAgent | None, "Who worked."]
    by: Annotated[str | None, "The key that told us."]
    corrects: Annotated[int | None, "The line that it takes the place of."]
    corrected_by: Annotated[int | None, "The line that takes its place."]
    credits: Annotated[Credits, "What it costs, before surcharges on the whole ticket."]
    parts: Annotated[Sequence[WorkPart], "Its parts, cut where a surcharge begins or ends."]
    surcharges: Annotated[Sequence[str], "Surcharges that are added for the line as a whole."]
    summary: Annotated[str, "The line in a sentence."]


class WorkTotals(TypedDict):
    """The sums over all lines of a ticket that stand."""

    lines: Annotated[int, "How many lines there are, corrected ones too."]
    minutes: Annotated[int, "Minutes of work."]
    billable_minutes: Annotated[int, "Minutes of these that are charged."]
    credits: Annotated[Credits, "What the lines cost, before surcharges on the whole ticket."]


class TicketWork(TypedDict):
    """The work log of a ticket, and how it stands to what the customer agreed to."""

    data: Annotated[Sequence[WorkLine], "The first 100 lines, in the order in which they were told; none in lists."]
    totals: Annotated[WorkTotals, "The sums over all lines."]
    next_cursor: Annotated[str | None, "The `cursor` of the further lines, for reading the ticket."]
    agreed: Annotated[Credits | None, "What the work may take without asking; null: no limit."]
    used: Annotated[Credits, "What the ticket comes to so far."]
    asked: Annotated[Credits | None, "The limit that waits for the customer's consent."]
    agreed_shown: NotRequired[Annotated[str | None, "`agreed` as people write time, where a credit is time."]]
    used_shown: NotRequired[Annotated[str | None, "`used` as people write time, where a credit is time."]]
    asked_shown: NotRequired[Annotated[str | None, "`asked` as people write time, where a credit is time."]]


def work_view(ticket: stored.Ticket, policy: Policy, *, lines: int | None = LINES_SHOWN) -> TicketWork | None:
    """Return the work log of a ticket; None where there is none and its price is none by time.

    ``lines``: how many of them to show at most, None for all.
    """
    price = pricing.time_price(policy, ticket.category)
    if not ticket.work and price is None:
        return None
    charged = pricing.charged_by_time(policy, ticket)
    by_line: Mapping[int, int] = {}
    if charged is not None:
        by_line = work_time.worked(policy, charged, ticket.work, clause=None).by_line
    standing = work_time.counting(ticket.work)
    minutes = sum(line["minutes"] for line in standing)
    billable = sum(line["minutes"] for line in standing if line["billable"])
    newer = {line["corrects"]: line["number"] for line in ticket.work if line["corrects"] is not None}
    rows = [
        line_view(policy, line, by_line.get(line["number"], 0), newer.get(line["number"]))
        for line in ticket.work[:lines]
    ]
    quote = ticket.quote
    agreed = None if price is None else pricing.limit_of(ticket, price)
    asked = quote.get("up_to") if quote is not None and quote["status"] == "awaiting_confirmation" else None
    used = ticket.price or 0 if charged is not None else 0
    found: TicketWork = {
        "data": rows,
        "totals": {
            "lines": len(ticket.work),
            "minutes": minutes,
            "billable_minutes": billable,
            "credits": sum(by_line.values()),
        },
        "next_cursor": None,
        "agreed": agreed,
        "used": used,
        "asked": asked,
    }
    if policy.unit is not None and policy.unit.minutes is not None:
        found["agreed_shown"] = None if agreed is None else shown(policy, agreed)
        found["used_shown"] = shown(policy, used)
        found["asked_shown"] = None if asked is None else shown(policy, asked)
    return found


def logged_view(ticket: stored.Ticket, policy: Policy, number: int) -> WorkLine:
    """Return the line that was just logged."""
    price = pricing.charged_by_time(policy, ticket)
    by_line: Mapping[int, int] = {}
    if price is not None:
        by_line = work_time.worked(policy, price, ticket.work, clause=None).by_line
    return line_view(policy, ticket.work[number - 1], by_line.get(number, 0), None)


def _factor(policy: Policy, names: Sequence[str]) -> str:
    return decimal_text(work_time.factor_of(reckoning.named(policy, names))) if names else "1"


def line_view(policy: Policy, line: StoredLine, credits: int, corrected_by: int | None) -> WorkLine:
    """Return a line of work."""
    return {
        "number": line["number"],
        "minutes": line["minutes"],
        "kind": line["kind"],
        "billable": line["billable"],
        "note": line["note"],
        "occurred_at": line["occurred_at"],
        "recorded_at": line["recorded_at"],
        "acting_agent": line.get("agent"),
        "by": line["by"],
        "corrects": line["corrects"],
        "corrected_by": corrected_by,
        "credits": credits,
        "parts": [
            {
                "begin": part["begin"],
                "seconds": part["seconds"],
                "factor": _factor(policy, part["surcharges"]),
                "surcharges": part["surcharges"],
            }
            for part in line["parts"]
        ],
        "surcharges": line["adds"],
        "summary": work_time.line_summary(policy, line, credits),
    }
