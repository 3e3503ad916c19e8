"""Credits that come again each interval: what a grant yields over time, and how a renewal is booked.

`yields` is the one function that says what comes when. The fold of orders, the agenda, the audit, a refund and a
balance all ask it. A grant is stored with the spans in which it runs and with how many intervals it has granted, so
that nothing comes twice. As with expiry, no answer waits for a job: what is due is booked in order of time, each at its
own instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from app.domain.policy.offers import Rollover
from app.domain.values.errors import DomainError
from app.domain.values.ids import CoverId, CustomerId, LicenseId, LineId, LotId, OrderId
from app.domain.values.term import Term, add_term
from app.domain.values.wire import iso, parse_iso

PLAN_ENDS: Final = "plan_ends"
"""The term that says where the plan ends with which the credits end."""
AHEAD_MAX: Final = 2400
"""Intervals that a look ahead may bring: each month until 2200, or each day for six years."""
_AHEAD_LEAST: Final = 60
_TICK: Final = timedelta(microseconds=1)
RENEWAL: Final = "rollover"
"""The reason of credits that were unused at a renewal and did not go over."""


@dataclass(slots=True, kw_only=True)
class RecurringGrant:
    """Credits that an order's unit brings again and again.

    ``spans``: (first, until) pairs in order. In each the grant runs from its first instant until, without, the second;
    None: without end. ``granted``: intervals granted so far, so the number of the next one. ``stopped_at``: since when
    it waits for suspended cover.
    """

    grant_id: str
    customer_id: CustomerId
    credit_type: str
    order_id: OrderId
    line_id: LineId
    unit_no: int
    rule: str
    license_id: LicenseId | None = None
    cover_id: CoverId | None = None
    """The cover it runs with, if any."""
    policy_version: int = 1
    terms: dict[str, Any] = field(default_factory=dict)
    """What the policy says of it (`terms_of`)."""
    spans: list[list[str | None]] = field(default_factory=list)
    granted: int = 0
    emitted: int = 0
    """Intervals of which callers were told."""
    stopped_at: datetime | None = None
    known_at: datetime
    """When its spans were last set: what comes before that is told late."""
    withdrawn: bool = False
    """Its line was granted anew; it stands for its unit no longer."""
    version: int = 0

    @property
    def credits(self) -> int:
        """Credits of an interval."""
        return int(self.terms["credits"])

    @property
    def unit(self) -> tuple[str, str, int]:
        """(order, line, unit) that it belongs to."""
        return self.order_id, self.line_id, self.unit_no

    @property
    def place(self) -> tuple[str, str, int, str]:
        """Its place among those that are due at one instant."""
        return (*self.unit, self.grant_id)

    def lot_id(self, number: int) -> LotId:
        """The id of an interval's lot, known before it is booked, so that a reader is told the same one."""
        return LotId(f"lot_{self.grant_id.partition('_')[2]}_{number + 1}")


class Yield(NamedTuple):
    """What one interval brings: its number from 0, when, how many credits, and until when they are good."""

    number: int
    at: datetime
    credits: int
    expires_at: datetime | None


def terms_of(grant: Any, *, credits: int, zone: str, source: str) -> dict[str, Any]:
    """Return what a policy's grant says of its recurrence, as stored."""
    recurs = grant.recurs
    rollover = (recurs.rollover or Rollover()) if recurs.at_renewal == "rollover" else None
    return {
        "credits": credits,
        "interval": term_json(recurs.interval),
        "anchor": recurs.anchor,
        "zone": zone,
        "at_renewal": recurs.at_renewal,
        "cap": None if rollover is None else rollover.cap(credits),
        "intervals": None if rollover is None else rollover.intervals,
        "expires": None if grant.expires is None else term_json(grant.expires),
        "priority": grant.priority,
        "scope": grant.scope,
        "source": source,
        "clause": grant.clause,
        "renewal_clause": (rollover.clause if rollover else None) or grant.expires_clause or grant.clause,
        "reading": grant.reading,
        **({"ends_with": list(grant.ends_with)} if grant.ends_with else {}),
        **({"while_suspended": recurs.while_suspended} if recurs.while_suspended != "waits" else {}),
        **({"categories": list(grant.categories)} if grant.categories else {}),
    }


def term_json(term: Term) -> dict[str, int]:
    """A term as stored."""
    return {"years": term.years, "months": term.months, "days": term.days}


# --- what comes when --------------------------------------------------------------------------------------------------


def yields(grant: RecurringGrant, since: int = 0) -> Iterator[Yield]:
    """Yield what a grant brings, from interval ``since`` on, in order of time; without end where nothing ends it."""
    ends = grant.terms["at_renewal"] == "reset" or grant.terms["intervals"] is not None
    further = (grant.terms["intervals"] or 0) + 1 if ends else 0
    for number, at, renewal in _instants(grant, since, further):
        yield Yield(number, at, grant.credits, _good_until(grant, at, renewal))


def next_yield(grant: RecurringGrant) -> Yield | None:
    """Return what comes next; None where nothing does."""
    return None if grant.withdrawn else next(yields(grant, grant.granted), None)


def yielded_by(grant: RecurringGrant, at: datetime) -> list[Yield]:
    """Return all that a grant has brought by an instant."""
    found = []
    for item in yields(grant):
        if item.at > at:
            break
        found.append(item)
    return found


def _instants(grant: RecurringGrant, since: int, further: int) -> Iterator[tuple[int, datetime, datetime | None]]:
    """Yield each interval's number and beginning, with that of the last one up to ``further`` on that the calendar has.

    None where none is asked for.
    """
    term, zone, anchor = Term(**grant.terms["interval"]), _zone(grant.terms["zone"]), grant.terms["anchor"]
    number = 0
    for first, until in spans_of(grant):
        step = max(since - number, 0)  # what came before is not gone through, however long ago it began
        at = _nth(first, step, term, zone, anchor)
        if step and not _inside(at, until):
            step, at = 0, first
        number += step
        while at is not None and _inside(at, until):
            if number >= since:
                later = (_nth(first, step + n, term, zone, anchor) for n in range(further, 0, -1))
                yield number, at, next((instant for instant in later if instant is not None), None)
            number += 1
            step += 1
            at = _nth(first, step, term, zone, anchor)


def _inside(at: datetime | None, until: datetime | None) -> bool:
    return at is not None and (until is None or at < until)


def _nth(first: datetime, step: int, term: Term, zone: tzinfo, anchor: str) -> datetime | None:
    """Return when interval ``step`` of a span begins; None beyond the calendar's end."""
    try:
        if step == 0:
            return first
        if anchor == "anniversary":
            return add_term(first, term.times(step), zone)
        begins = _begins(first, term, zone)
        return add_term(begins, term.times(step), zone)
    except DomainError:
        return None


def _begins(at: datetime, term: Term, zone: tzinfo) -> datetime:
    """Return the beginning of the calendar year, quarter, month or day in which an instant lies."""
    local = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if term.months or term.years:
        local = local.replace(day=1)
    if term.years and not term.months:
        local = local.replace(month=1)
    elif term.months and 12 % term.months == 0:
        local = local.replace(month=(local.month - 1) // term.months * term.months + 1)
    return local.astimezone(UTC)


def following(grant: RecurringGrant, at: datetime) -> datetime:
    """Return the first beginning of an interval after an instant, as if nothing ended the last span."""
    first = spans_of(grant)[-1][0]
    term, zone = Term(**grant.terms["interval"]), _zone(grant.terms["zone"])
    step = 0
    while (found := _nth(first, step, term, zone, grant.terms["anchor"])) is not None and found <= at:
        step += 1
    return found or datetime.max.replace(tzinfo=UTC)


def _good_until(grant: RecurringGrant, at: datetime, renewal: datetime | None) -> datetime | None:
    ends = [] if renewal is None else [renewal]
    if grant.terms["expires"] is not None:
        ends.append(add_term(at, Term(**grant.terms["expires"]), _zone(grant.terms["zone"])))
    plan = grant.terms.get(PLAN_ENDS)
    if plan is not None and parse_iso(plan) > at:
        ends.append(parse_iso(plan))
    return min(ends, default=None)


def own_end(grant: RecurringGrant, coming: Yield) -> datetime | None:
    """Return until when credits of an interval are good, whatever becomes of the plan."""
    alone = replace(grant, terms={name: value for name, value in grant.terms.items() if name != PLAN_ENDS})
    return next((item.expires_at for item in yields(alone, coming.number)), None)


def renewal_end(grant: RecurringGrant, number: int) -> datetime | None:
    """Return the renewal at which unused credits of an interval end; None where none ends them."""
    terms = {name: value for name, value in grant.terms.items() if name != PLAN_ENDS}
    alone = replace(grant, terms={**terms, "expires": None})
    return next((item.expires_at for item in yields(alone, number)), None)


def ends_after_waiting(grant: RecurringGrant, number: int) -> datetime | None:
    """Return the renewal at which unused credits of an interval end, which came before the last span began."""
    earlier = sum(1 for _ in yields(replace(grant, spans=grant.spans[:-1])))
    further = number + (grant.terms["intervals"] or 0) + 1 - earlier
    term, zone = Term(**grant.terms["interval"]), _zone(grant.terms["zone"])
    return _nth(spans_of(grant)[-1][0], max(further, 0), term, zone, grant.terms["anchor"])


def spans_of(grant: RecurringGrant) -> list[tuple[datetime, datetime | None]]:
    """Return the spans in which a grant runs."""
    return [
        (parse_iso(first), None if until is None else parse_iso(until))
        for first, until in grant.spans
        if first is not None
    ]


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def check_reach(grants: Sequence[RecurringGrant], at: datetime) -> None:
    """Refuse to look so far ahead that too many intervals would come until then: ``instant_out_of_range`` (422)."""
    most = max(AHEAD_MAX // max(len(grants), 1), _AHEAD_LEAST)
    for grant in grants:
        beyond = None if grant.withdrawn else next(yields(grant, grant.granted + most), None)
        if beyond is not None and beyond.at <= at:
            raise DomainError("instant_out_of_range", at=iso(at), intervals_at_most=most)


# --- when what it runs with changes -----------------------------------------------------------------------------------

Run = Literal["changed", "same", "anew"]


def run_until(grant: RecurringGrant, starts: datetime | None, ends: datetime | None, *, at: datetime) -> Run:
    """Let a grant run with something that begins and ends then. ``starts`` None: it has not begun.

    ``anew``: it began at another instant than what has been granted says, so the grant has to be made anew.
    """
    spans = spans_of(grant)
    if starts is None:
        spans_now: list[tuple[datetime, datetime | None]] = []
    elif grant.stopped_at is not None and spans:
        if ends is not None and ends <= at:  # taken back while it waits, and it may be put back
            spans_now = [*spans[:-1], (spans[-1][0], min(ends, spans[-1][1] or ends))]
        else:  # also where nothing comes any more: an extension counts from here
            spans_now = [*spans, (_resumed(grant, at), ends)]
            grant.stopped_at = None
    elif spans and spans[0][0] == starts:
        spans_now = _cut([*spans[:-1], (spans[-1][0], ends)], ends)
    elif grant.granted == 0 or not spans:
        spans_now = [(starts, ends)]
    else:
        return "anew"
    if spans_now == spans:
        return "same"
    grant.spans = [[iso(first), None if until is None else iso(until)] for first, until in spans_now]
    return "changed"


def _cut(
    spans: list[tuple[datetime, datetime | None]], ends: datetime | None
) -> list[tuple[datetime, datetime | None]]:
    """Return spans without what came after an end that is told late, as one before a suspension."""
    if ends is None:
        return spans
    earlier: list[tuple[datetime, datetime | None]] = [
        (first, ends if until is None or ends < until else until) for first, until in spans if first < ends
    ]
    return earlier or [(spans[0][0], ends)]


def stop(grant: RecurringGrant, at: datetime) -> Run:
    """Let a grant wait: what it runs with is suspended. What comes at that instant has come."""
    spans = spans_of(grant)
    if not spans or grant.stopped_at is not None:
        return "same"
    until = at + _TICK if following(grant, at - _TICK) == at else max(at, spans[-1][0])
    until = min(until, spans[-1][1] or until)
    grant.stopped_at = at
    grant.spans = [*grant.spans[:-1], [iso(spans[-1][0]), iso(until)]]
    return "changed"


def _resumed(grant: RecurringGrant, at: datetime) -> datetime:
    """Return when the first interval after a suspension begins: as much later as it was, or with the calendar."""
    stopped = grant.stopped_at or at
    if grant.terms["anchor"] == "calendar":
        return following(grant, max(at - _TICK, stopped))
    return following(grant, stopped) + (at - stopped)


def number_of(lot_data: Mapping[str, Any]) -> int | None:
    """Return the interval whose lot this is, by the lot's data; None of a lot that no recurring grant made."""
    recurring = lot_data.get("recurring")
    return None if recurring is None else int(recurring["no"])
