"""Clocks: what is promised, how it stands, why a due time is what it is, the sweep that judges (TERMS-4 to 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from app.db import plan, policies
from app.db.account import accounts
from app.db.agenda import Batched, Handler
from app.db.clocks import clocks
from app.db.engine import Database, Tx
from app.db.minting import first_of
from app.domain.account.changes import Plan
from app.domain.clocks import stored as wire
from app.domain.clocks.event import Outcome, Phase
from app.domain.clocks.explanation import clock_sentence, event_sentence, otherwise
from app.domain.clocks.second_judgement import STREAM, frozen_judgement, second_judgement
from app.domain.clocks.ticket_clock import TicketClock
from app.domain.clocks.ticket_clocks import AGENDA_KIND
from app.domain.policy.reason_words import in_words
from app.domain.values.errors import DomainError
from app.domain.values.paging import Page, PageRequest
from app.domain.values.wire import iso, parse_iso
from app.usecases.steps import ticket_clocks
from app.views.calendar import explanation_view
from app.views.clock import Clock, ClockJudgement, clock_view
from app.views.explanation import (
    ExplainedClockEvent,
    Explanation,
    ExplanationBody,
    ExplanationStep,
    clause_views,
    version_of,
)

FROZE_NOT: Final = "a pause freezes what remains; it was resumed on another calendar"


async def list_clocks(
    tx: Tx,
    *,
    phases: Collection[str] = (),
    outcomes: Collection[str] = (),
    ticket_id: str | None = None,
    customer_id: str | None = None,
    due_after: datetime | None = None,
    due_before: datetime | None = None,
    newest_first: bool = False,
    by_due: bool = False,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    part: PageRequest,
) -> Page[Clock]:
    """A part of the clocks, the oldest first; ``by_due`` and with a bound of due times the soonest due first.

    ``as_of`` and ``known_at``: as they stood, by age; what was otherwise then is left out of it.
    404 ``customer_not_found``.
    """
    ours = None if customer_id is None else (await accounts.require_customer(tx, customer_id)).customer_id
    filters: dict[str, Any] = {"ticket_id": ticket_id, "customer": ours}
    if as_of is not None or known_at is not None:
        at = as_of or tx.at
        found, more = await clocks.page(tx, filters, part, newest_first=newest_first)

        def stood(clock: TicketClock) -> Clock | None:
            if not clock.started_by(at, known_at):
                return None
            view = clock_view(clock, at, known_at)
            due_at = None if view["due_at"] is None else parse_iso(view["due_at"])
            early = due_after is None or (due_at is not None and due_at >= due_after)
            late = due_before is None or (due_at is not None and due_at < due_before)
            same = view["phase"] in (phases or Phase) and view["outcome"] in (outcomes or Outcome)
            return view if early and late and same else None

        views = [stood(ticket_clock) for ticket_clock in found]
        return part.page_of(found, more, views, lambda item: clocks.key_of(item, by_due=False))
    states = {"phases": list(phases) or None, "outcomes": list(outcomes) or None}
    by_due = by_due or due_before is not None or due_after is not None
    filters |= {**states, "due": by_due or None, "due_after": due_after, "due_before": due_before}
    found, more = await clocks.page(tx, filters, part, newest_first=newest_first)
    return part.page_of(
        found, more, [clock_view(clock, tx.at) for clock in found], lambda item: clocks.key_of(item, by_due=by_due)
    )


async def recorded(tx: Tx, part: PageRequest, *, until: datetime) -> Page[Clock]:
    """A part of all clocks as they were recorded, of those that were recorded before ``until``."""
    found, more = await clocks.page(tx, {"below": first_of("clk", until)}, part)
    views = [clock_view(clock, tx.at) for clock in found]
    return part.page_of(found, more, views, lambda item: clocks.key_of(item, by_due=False))


async def get_clock(tx: Tx, clock_id: str, *, as_of: datetime | None = None, known_at: datetime | None = None) -> Clock:
    """A clock as it stands, or stood ``as_of`` by what was ``known_at``. 404 ``clock_not_found``."""
    clock = await clocks.require_one(tx, clock_id)
    at = as_of or tx.at
    if not clock.started_by(at, known_at):
        raise DomainError("clock_not_found", clock_id=clock_id)
    judgements = await clocks.judgements(tx, clock_id)
    return {
        **clock_view(clock, at, known_at),
        "judgements": [judgement for judgement in judgements if parse_iso(judgement["judged_at"]) <= (known_at or at)],
    }


async def judge_clock(tx: Tx, clock_id: str, *, reason: str) -> ClockJudgement:
    """Judges an ended clock anew on its calendar as it is now. Both judgements are kept; nothing else moves.

    Refused: 404 ``clock_not_found``, 409 ``clock_not_ended``.
    """
    found = await ticket_clocks.for_customer(tx, (await clocks.require_one(tx, clock_id)).customer_id, [clock_id])
    if found is None:
        raise DomainError("clock_not_found", clock_id=clock_id)
    made, ledger, copy = found
    clock = copy.clocks[0]
    judged = await _judged_again(tx, made, clock, second_judgement(clock, made.at), reason)
    await plan.write(tx, [(made, ledger)])
    shown = {"clock_id": clock_id, **judged, "judged_at": iso(made.at), "actor": tx.actor}
    return cast(ClockJudgement, shown)


async def _judged_again(
    tx: Tx, made: Plan, clock: TicketClock, judgement: Mapping[str, Any], reason: str
) -> dict[str, Any]:
    number = len(await clocks.judgements(tx, clock.clock_id)) + 1
    judged = {"number": number, "reason": reason, **judgement}
    made.record(STREAM, clock.clock_id, number, "judged_again", judged)
    made.emit(
        "clock.judged_again",
        {
            "clock_id": clock.clock_id,
            "ticket_id": clock.external_ticket_id,
            "milestone": clock.spec.milestone,
            **({} if clock.terms.team is None else {"team": clock.terms.team}),
            "number": number,
            "reason": reason,
            "changed": judged["changed"],
        },
    )
    return judged


async def rejudge_clock(tx: Tx, customer_id: str, clock_id: str) -> bool:
    """Judges a clock anew that was resumed on another calendar before a pause froze what remains.

    Both judgements are kept. A live clock goes on by the new one; of an ended one no outcome and no credit moves.
    Doing it again does nothing. Whether it came out otherwise.
    """
    found = await ticket_clocks.for_customer(tx, customer_id, [clock_id])
    if found is None:
        return False
    made, ledger, copy = found
    clock = copy.clocks[0]
    earlier = await clocks.judgements(tx, clock.clock_id)
    judgement = frozen_judgement(clock, made.at)
    if judgement is None or any(clock_judgement["reason"] == FROZE_NOT for clock_judgement in earlier):
        return False
    await _judged_again(tx, made, clock, judgement, FROZE_NOT)
    copy.rejudge(at=made.at)
    await plan.write(tx, [(made, ledger)])
    return True


async def judge_resumed(db: Database, tenant_id: str) -> dict[str, Any]:
    """Judges anew the clocks that older rules resumed on a later calendar than the one they were paused on."""
    looked_at = judged = 0
    for row in await db.read(tenant_id, clocks.resumed_elsewhere):

        async def work(tx: Tx, row: Any = row) -> bool:
            return await rejudge_clock(tx, row.customer_id, row.clock_id)

        looked_at, judged = looked_at + 1, judged + await db.run(tenant_id, work, actor="command line")
    return {"looked_at": looked_at, "judged": judged}


async def explain_clock(tx: Tx, clock_id: str, *, as_of: datetime | None = None) -> Explanation:
    """Why a due time is what it is: the stretches counted, closures skipped by name, every event it rests on."""
    clock = await clocks.require_one(tx, clock_id)
    at = as_of or tx.at
    view = clock_view(clock, at)
    why = explanation_view(clock.explain(at))
    events = [
        {
            "seq": event.seq,
            "kind": event.kind.value,
            "occurred_at": iso(event.occurred_at),
            "recorded_at": iso(event.recorded_at),
            **wire.dump_event(event),
        }
        for event in clock.events
        if event.recorded_at <= at
    ]
    clause = clock.terms.clause
    policy = await policies.of_version(tx, clock.terms.policy_version)
    promised = max((event["seq"] for event in events if event["kind"] in _PROMISING), default=0)
    instead = otherwise(policy, clock, view)
    body: ExplanationBody = {
        "kind": "clock",
        "id": clock_id,
        "policy": version_of(policy),
        "summary": clock_sentence(view, why["skipped"]),
        "at": iso(at),
        "clause": clock.terms.clause,
        "reading": clock.terms.reading,
        "due_at": view["due_at"],
        "clock": view,
        "business_seconds": why["business_seconds"],
        "consumed": why["consumed"],
        "skipped": why["skipped"],
        "more_consumed": why["more_consumed"],
        "more_skipped": why["more_skipped"],
        "calendar": {
            "name": clock.spec.calendar,
            "zone": clock.hours.calendar.zone.key,
            "revision": view["calendar_revision"],
            "tzdb_version": view["tzdb_version"],
        },
        "events": cast(Sequence[ExplainedClockEvent], events),
        "trace": [_step(event, clause, instead if event["seq"] == promised else ()) for event in events],
    }
    return {
        **cast(ExplanationBody, in_words(policy, body)),
        "clauses": clause_views(policy, [clause, *(named for _, named in instead)]),
    }


def _step(event: Mapping[str, Any], clause: str, instead: Sequence[tuple[str, str]]) -> ExplanationStep:
    """Return a step of a clock's explanation. ``instead``: what would have been promised otherwise."""
    step: ExplanationStep = {
        "step": event["kind"],
        "summary": event_sentence(event, clause),
        "clause": clause,
        "at": event["occurred_at"],
        "recorded_at": event["recorded_at"],
    }
    if instead:
        step["would_change"] = [words for words, _ in instead]
    return step


_PROMISING: Final = ("start", "retarget", "reopen")
"""Events of a clock by which a promise is given."""
AGENDA: Final[dict[str, Handler]] = {AGENDA_KIND: Batched(ticket_clocks.judge_due)}
