"""A ticket or an assessment explained from what was recorded of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from app.db import policies, tickets
from app.db.account import accounts
from app.db.engine import Tx
from app.db.history import traces
from app.domain.clocks.explanation import clock_sentence
from app.domain.ledger import explanation as ledger_words
from app.domain.policy.policy import Policy
from app.domain.policy.wording import cover_words
from app.domain.tickets import explanation as ticket_words
from app.domain.tickets import step_words
from app.domain.tickets.ticket import State, Ticket
from app.domain.values.ids import CoverId
from app.domain.values.phrase import Phrase, sentences
from app.domain.values.wire import iso_or_none
from app.usecases.reports.explain_account import cover_row
from app.usecases.reports.explain_ledger import Step, operations_of
from app.views.decision import Reason
from app.views.explanation import (
    Explanation,
    ExplanationBody,
    KindName,
    explanation_view,
    operation_views,
    rule_view,
    step_view,
    version_of,
)
from app.views.ticket import assessment_views, charge_view


async def explain_ticket(
    tx: Tx, external_id: str, *, kind: KindName, assessment: int | None = None, public: bool = False
) -> Explanation:
    """Explain a ticket, its charge, or one of its assessments.

    ``public``: without messages that the customer does not see.
    """
    ticket = await tickets.require(tx, external_id)
    policy = await policies.of_version(tx, ticket.policy_version)
    if assessment is not None:
        ticket.assessment(assessment)
    ledger = await operations_of(tx, "ticket", ticket.ticket_id, policy)
    left = list(ledger)
    trace = []
    for fact in await tickets.facts(tx, ticket.ticket_id):
        mine = _moved_by(left, fact.payload)
        if assessment is not None and not _about(assessment, fact.payload):
            continue
        if public and step_words.unseen(fact.payload):
            continue
        changed = fact.payload.get("set", {})
        trace.append(
            step_view(
                fact.kind,
                fact.occurred_at,
                fact.recorded_at,
                fact.actor,
                summary=step_words.step_sentence(policy, fact.kind, fact.payload, mine),
                clause=step_words.step_clause(policy, fact.kind, fact.payload),
                result={name: changed[name] for name in _RESULTS if name in changed},
                rules=[rule_view(policy, check) for check in changed.get("checks", ())],
                reasons=changed.get("reasons", ()),
                remedies=changed.get("remedies", ()),
                assessments=[
                    {**row, "summary": ticket_words.assessment_sentence(policy, row)}
                    for row in step_words.assessments_of(fact.payload)
                ],
                facts=changed.get("facts"),
                recommendation=changed.get("recommendation"),
                qualification=changed.get("qualification"),
                operations=[row["operation_id"] for row in mine],
            )
        )
    charge = _charge_of(ledger)
    body: ExplanationBody = {
        "kind": kind,
        "id": external_id if assessment is None else f"{external_id}:{assessment}",
        "policy": version_of(policy),
        "summary": ticket_words.ticket_sentence(
            policy,
            ticket,
            charge,
            cover=await _paying_cover(tx, ticket, policy),
            source=ledger_words.held_from(policy, ledger),
        ),
        "ticket_id": external_id,
        "state": cast(State, ticket.state),
        "reasons": cast(Sequence[Reason], ticket.reasons),
        "charge": charge_view(ticket.charge),
        "trace": trace,
        "ledger": operation_views(ledger),
        "clocks": [
            {
                "clock_id": row.clock_id,
                "milestone": row.milestone,
                "due_at": iso_or_none(row.due_at),
                "outcome": row.outcome,
                "summary": clock_sentence(_clock_row(row)),
                "clause": (row.spec or {}).get("clause"),
            }
            for row in await traces.clocks_of(tx, ticket.ticket_id)
        ],
    }
    if assessment is not None:
        assessment_ = ticket.assessment(assessment)
        body["assessment"] = assessment_views([assessment_])[0]
        source = ledger_words.held_from(policy, ledger) if assessment_["status"] == "in_force" else None
        body["summary"] = sentences(ticket_words.assessment_sentence(policy, assessment_), source)
    return explanation_view(policy, body)


_RESULTS: Final = (
    "state",
    "category",
    "inputs",
    "price",
    "paid_by",
    "cover_id",
    "charge",
    "asks",
    "outcome",
    "cause",
    "accepted_at",
    "resolved_at",
    "credit_type",
    "agreed_up_to",
    "pay_with",
    "result",
)


def _about(number: int, payload: Mapping[str, Any]) -> bool:
    added = any(row.get("number") == number for row in step_words.assessments_of(payload))
    return added or str(number) in {str(key) for key in payload.get("change", {}).get("assessments", {})}


def _moved_by(left: list[Step], payload: Mapping[str, Any]) -> list[Step]:
    """The operations that led to the charge an event tells, taken off those that are left."""
    charge = payload.get("set", {}).get("charge")
    if charge is None:
        return []
    names = ("held", "captured", "refunded")
    done = [row["after"] for row in left if row["after"] is not None]
    if not left or not done:
        return []
    stood = {name: left[0]["before"][name] for name in names}
    count = 0
    while stood != {name: charge[name] for name in names} and count < len(left):
        stood = left[count]["after"]
        count += 1
    if stood != {name: charge[name] for name in names}:
        return []
    mine, left[:] = left[:count], left[count:]
    return mine


def _charge_of(ledger: Sequence[Step]) -> dict[str, int]:
    stood = ledger[-1]["after"] if ledger else {"held": 0, "captured": 0, "refunded": 0}
    return {**stood, "net": stood["captured"] - stood["refunded"]}


async def _paying_cover(tx: Tx, ticket: Ticket, policy: Policy) -> Phrase | None:
    if ticket.cover_id is None:
        return None
    account = await accounts.load_by_id(tx, ticket.customer_id, lock=False, policy=policy)
    found = account.covers.get(CoverId(ticket.cover_id))
    return None if found is None else cover_words(cover_row(found, account.at), policy)


def _clock_row(row: Any) -> dict[str, Any]:
    return {
        "milestone": row.milestone,
        "target": str((row.spec or {}).get("target", "none")),
        "clause": (row.spec or {}).get("clause"),
        "due_at": iso_or_none(row.due_at),
        "stopped_at": iso_or_none(row.stopped_at),
        "outcome": row.outcome,
        "phase": row.phase,
    }
