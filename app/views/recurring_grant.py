"""Credits that come again, as published with the order that brings them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from app.domain.ledger.recurring import RecurringGrant as Grant
from app.domain.ledger.recurring import next_yield, spans_of
from app.domain.values.wire import iso_or_none
from app.views.license import Term
from app.views.shapes import Closed, Credits, Id, Instant

Renewal = Annotated[
    Literal["reset", "accumulate", "rollover"], Closed("Renewal", "What becomes of unused credits at a renewal.")
]


class RecurringGrant(TypedDict):
    """Credits that come again each interval."""

    grant_id: Annotated[Id, "Our id."]
    line_id: Annotated[Id, "The line."]
    unit_no: Annotated[int, "The unit, from 1."]
    cover_id: Annotated[Id | None, "Its cover."]
    credits: Annotated[Credits, "Credits of an interval."]
    credit_type: Annotated[str, "Their type."]
    interval: Annotated[Term, "After how long they come again."]
    at_renewal: Annotated[Renewal, "What becomes of unused ones."]
    rollover_max: Annotated[Credits | None, "How many go over at most."]
    intervals_granted: Annotated[int, "Intervals granted so far."]
    next_at: Annotated[Instant | None, "When they come next."]
    ends_at: Annotated[Instant | None, "When they end (exclusive)."]
    rule: Annotated[str, "The rule."]
    clause: Annotated[str, "The clause."]


def recurring_grant_view(grant: Grant) -> RecurringGrant:
    """Return credits that come again, as they stand."""
    terms: dict[str, Any] = grant.terms
    coming = next_yield(grant)
    spans = spans_of(grant)
    return {
        "grant_id": grant.grant_id,
        "line_id": grant.line_id,
        "unit_no": grant.unit_no,
        "cover_id": grant.cover_id,
        "credits": grant.credits,
        "credit_type": grant.credit_type,
        "interval": terms["interval"],
        "at_renewal": terms["at_renewal"],
        "rollover_max": terms["cap"],
        "intervals_granted": grant.granted,
        "next_at": iso_or_none(coming.at if coming else None),
        "ends_at": iso_or_none(spans[-1][1] if spans else None),
        "rule": grant.rule,
        "clause": terms["clause"],
    }
