"""Lots, holds and operations of the ledger explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from app.db import policies, tickets
from app.db.engine import Tx
from app.db.history import traces
from app.domain.ledger import explanation as ledger_words
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.phrase import sentences
from app.domain.values.wire import iso, iso_or_none
from app.views.explanation import Explanation, explanation_view, operation_steps, version_of

Step = dict[str, Any]
"""An operation, with what its sentence needs beside what is published."""


async def explain_lot(tx: Tx, lot_id: str) -> Explanation:
    """Explain a lot: what granted it, and every move of its credits."""
    row = await traces.lot(tx, lot_id)
    if row is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    policy = await policies.of_version(tx, row.policy_version)
    spending = policy.credits.spending_clause if policy.credits is not None else None
    trace = await operations_of(tx, "lot", lot_id, policy)
    lot = _lot_row(policy, row, trace, tx.at)
    if lot["due"]:
        trace.append(_due_step(policy, row, lot))
    return explanation_view(
        policy,
        {
            "kind": "lot",
            "id": lot_id,
            "policy": version_of(policy),
            "summary": ledger_words.lot_sentence(policy, lot),
            "rule": row.rule,
            "clause": row.clause,
            "reading": row.reading,
            "source": row.source,
            "order_id": row.order_id,
            "line_id": row.line_id,
            "origin_lot_id": row.origin_lot_id,
            "reason": row.reason,
            "credit_type": row.credit_type,
            "granted": row.granted,
            "expires_at": iso_or_none(row.expires_at),
            "spending_order": {
                "clause": spending,
                "rule": "priority, soonest expiry, narrower scope, free before paid, effective date, id",
                "reading": policy.credits.spending_reading if policy.credits is not None else False,
            },
            "trace": operation_steps(trace),
        },
    )


def _lot_row(policy: Policy, row: Any, trace: Sequence[Step], at: datetime) -> dict[str, Any]:
    """A lot as it stands at an instant, whether or not its end is booked."""
    due = row.available if row.expires_at is not None and row.expires_at <= at else 0
    moved = sum(
        move["credits"]
        for step in trace
        if step["step"] == "transfer"
        for move in step["moves"]
        if move["to"] == "voided"
    )
    bought = (row.data or {}).get("bought") or {}
    return {
        "credit_type": row.credit_type,
        "granted": row.granted,
        "source": row.source,
        "order_id": row.order_id or bought.get("order_id"),
        "bought": bool(bought),
        **{name: (row.data or {}).get(name) for name in ("categories", "extended", "own_end")},
        "effective_at": iso(row.effective_at),
        "expires_at": iso_or_none(row.expires_at),
        "clause": row.clause,
        "end_clause": policy.expiry_clauses().get(row.rule, (None, False))[0],
        "available": row.available - due,
        "held": row.held,
        "spent": row.spent,
        "expired": row.expired + due,
        "voided": row.voided - moved,
        "moved": moved,
        "due": due,
        "gone": row.expires_at is not None and row.expires_at <= at,
    }


def _due_step(policy: Policy, row: Any, lot: Mapping[str, Any]) -> Step:
    """The end of a lot that has come and is not booked yet."""
    move = {"lot_id": row.lot_id, "from": "available", "to": "expired", "credits": lot["due"]}
    step: Step = {
        "step": "expire",
        "at": lot["expires_at"],
        "reason": None,
        "hold_id": None,
        "clause": lot["end_clause"] or row.clause,
        "reading": row.reading,
        "moves": [{**move, "lot": lot}],
    }
    step["summary"] = ledger_words.operation_sentence(policy, step)
    return step


async def explain_moves(tx: Tx, kind: Literal["operation", "hold"], id_: str) -> Explanation:
    """Explain an operation of the ledger, or all that a hold did."""
    policy = await policies.in_force(tx)
    rows = await operations_of(tx, kind, id_, policy)
    if not rows:
        raise DomainError(f"{kind}_not_found", id=id_)
    summary = sentences(*(row["summary"] for row in rows))
    return explanation_view(
        policy,
        {"kind": kind, "id": id_, "policy": version_of(policy), "summary": summary, "trace": operation_steps(rows)},
    )


async def operations_of(tx: Tx, of: traces.Of, id_: str, policy: Policy, *, at: datetime | None = None) -> list[Step]:
    """The operations behind a thing, each with its sentence; with ``at`` only those that took effect then.

    ``before`` and ``after``: what the operations so far had held, captured and refunded, before one and with it.
    """
    rows = await traces.operations(tx, of, id_)
    names = await tickets.names(tx, [row.ticket_id for row in rows if row.ticket_id])
    made: dict[str, Step] = {}
    for row in rows:
        if at is not None and row.effective_at != at:
            continue
        step = made.setdefault(row.operation_id, _operation(row, names))
        step["moves"].append(
            {
                "lot_id": row.lot_id,
                "from": row.source,
                "to": row.target,
                "credits": row.credits,
                "facts": {
                    "expires_at": iso_or_none(row.expires_at),
                    "priority": row.priority,
                    "source": row.lot_source,
                    "paid": bool(row.paid),
                },
                "lot": _move_lot(row),
            }
        )
    found = list(made.values())
    _mark_charge(found)
    for step in found:
        step["clause"], step["reading"] = ledger_words.operation_clause(policy, step)
        step["summary"] = ledger_words.operation_sentence(policy, step)
    return found


def _operation(row: Any, names: Mapping[str, str]) -> Step:
    return {
        "step": row.kind,
        "operation_id": row.operation_id,
        "credit_type": row.credit_type,
        "at": iso(row.effective_at),
        "recorded_at": iso(row.recorded_at),
        "reason": row.reason,
        "clause": row.clause,
        "reading": row.reading,
        "hold_id": row.hold_id,
        "ticket_id": names.get(row.ticket_id or ""),
        "order_id": row.order_id,
        "moves": [],
    }


def _move_lot(row: Any) -> dict[str, Any]:
    return {
        "credit_type": row.credit_type,
        "granted": row.granted,
        "source": row.lot_source,
        "rule": row.rule,
        "order_id": row.lot_order_id or row.bought_order_id,
        "bought": row.bought_order_id is not None,
        "effective_at": iso(row.lot_effective_at),
        "expires_at": iso_or_none(row.expires_at),
    }


def _mark_charge(found: Sequence[Step]) -> None:
    stood = {"held": 0, "captured": 0, "refunded": 0}
    for step in found:
        step["before"] = dict(stood)
        for move in step["moves"]:
            stood["held"] += _signed(move, "held")
            stood["captured"] += move["credits"] if move["to"] == "spent" else 0
            stood["refunded"] += move["credits"] if move["from"] == "spent" else 0
        step["after"] = dict(stood)


def _signed(move: Mapping[str, Any], bucket: str) -> int:
    credits_ = int(move["credits"])
    return credits_ if move["to"] == bucket else -credits_ if move["from"] == bucket else 0
