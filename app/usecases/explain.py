"""`explain`: the whole trace of a stored decision, grant, charge or refund, clause by clause (decisions 20).

A trace is a list of steps in order: what was done, by whom and when; the rules looked at with their facts and
results; the reasons with their clauses; and the counterfactuals that would have changed it. Due times are explained by
the clocks' own use case, which the door passes in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from app.db import books, policies, tickets, traces
from app.db.engine import Tx
from app.domain.errors import DomainError
from app.domain.policy import Policy
from app.domain.wire import iso, iso_or_none, jsonable

KINDS: Final = (
    "ticket", "assessment", "charge", "order", "refund", "license", "lot", "cover", "choice", "operation", "hold",
    "clock",
)  # fmt: skip
ClockExplainer = Callable[[Tx, str], Awaitable[dict[str, Any]]]


async def explain(tx: Tx, kind: str, id_: str, *, clock: ClockExplainer) -> dict[str, Any]:
    """The trace of one stored thing. 404 ``kind_not_found`` for another kind, else the noun's own 404."""
    match kind:
        case "ticket" | "charge":
            return await _ticket(tx, id_, kind=kind)
        case "assessment":
            ticket_id, _, number = id_.rpartition(":")
            if not ticket_id or not number.isdigit() or len(number) > 6:
                raise DomainError("assessment_not_found", number=id_)
            return await _ticket(tx, ticket_id, kind=kind, assessment=int(number))
        case "order":
            return await _order(tx, id_)
        case "refund":
            return await _refund(tx, id_)
        case "license" | "cover" | "choice":
            return await _entity(tx, kind, id_)
        case "lot":
            return await _lot(tx, id_)
        case "operation":
            return await _moves(tx, kind, id_)
        case "hold":
            return await _moves(tx, kind, id_)
        case "clock":
            return await clock(tx, id_)
    raise DomainError("kind_not_found", kind=kind, known=list(KINDS))


async def _ticket(tx: Tx, external_id: str, *, kind: str, assessment: int | None = None) -> dict[str, Any]:
    ticket = await tickets.require(tx, external_id)
    policy = await policies.of_version(tx, ticket.policy_version)
    if assessment is not None:
        ticket.assessment(assessment)
    trace = []
    for fact in await tickets.facts(tx, ticket.ticket_id):
        changed = fact.payload.get("set", {})
        assessed = list(fact.payload.get("add", {}).get("assessments", ()))
        if assessment is not None and not _about(assessment, fact.payload):
            continue
        trace.append(
            _step(
                policy,
                fact.kind,
                fact.occurred_at,
                fact.recorded_at,
                fact.actor,
                result={name: changed[name] for name in _RESULTS if name in changed},
                rules=[_rule(policy, one) for one in changed.get("checks", ())],
                reasons=changed.get("reasons", ()),
                remedies=changed.get("remedies", ()),
                assessments=assessed,
                facts=changed.get("facts"),
                recommendation=changed.get("recommendation"),
                qualification=changed.get("qualification"),
            )
        )
    moves = await _operations(tx, "ticket", ticket.ticket_id)
    clocks = await traces.clocks_of(tx, ticket.ticket_id)
    body: dict[str, Any] = {
        **_head(kind, external_id if assessment is None else f"{external_id}:{assessment}", policy),
        "ticket_id": external_id,
        "state": ticket.state,
        "reasons": ticket.reasons,
        "charge": ticket.charge,
        "trace": trace,
        "ledger": moves,
        "clocks": [
            {
                "clock_id": row.clock_id,
                "milestone": row.milestone,
                "due_at": iso_or_none(row.due_at),
                "outcome": row.outcome,
            }
            for row in clocks
        ],
    }
    if assessment is not None:
        body["assessment"] = ticket.assessment(assessment)
    return _with_clauses(policy, body)


_RESULTS: Final = (
    "state", "category", "inputs", "price", "paid_by", "cover_id", "charge", "asks", "outcome", "cause", "accepted_at",
    "resolved_at", "credit_type", "agreed_up_to", "pay_with", "result",
)  # fmt: skip


def _about(number: int, payload: Mapping[str, Any]) -> bool:
    added = any(one.get("number") == number for one in payload.get("add", {}).get("assessments", ()))
    return added or str(number) in {str(key) for key in payload.get("change", {}).get("assessments", {})}


async def _order(tx: Tx, order_id: str) -> dict[str, Any]:
    row = await traces.order(tx, order_id)
    if row is None:
        raise DomainError("order_not_found", order_id=order_id)
    policy = await policies.of_version(tx, row.policy_version)
    answer = dict(row.answer)
    trace: list[dict[str, Any]] = []
    for line in row.lines:
        mine = str(line["line_id"])
        granted = [
            {
                "granted": noun[:-1],
                "id": one.get(f"{noun[:-1]}_id"),
                "rule": one.get("rule"),
                "clause": one.get("clause"),
                "reading": one.get("reading"),
                "facts": {k: one[k] for k in _GRANT_FACTS if one.get(k) is not None},
            }
            for noun in ("licenses", "lots", "covers", "choices", "addons")
            for one in answer.get(noun, ())
            if str(one.get("line_id")) == mine
        ]
        rules = [one for one in answer.get("decisions", ()) if str(one.get("line_id")) == mine]
        refused = [one for one in answer.get("not_granted", ()) if str(one.get("line_id")) == mine]
        offer = policy.offer(str(line["sku"]))
        trace.append(
            {
                "step": "line",
                "line_id": mine,
                "sku": line["sku"],
                "facts": {k: v for k, v in line.items() if v is not None},
                "offer": None if offer is None else {"sku": offer[0].sku, "clause": offer[0].clause},
                "rules": rules,
                "granted": granted,
                "not_granted": refused,
            }
        )
    ledger = await _operations(tx, "order", order_id)
    return _with_clauses(
        policy,
        {
            **_head("order", order_id, policy),
            "placed_at": iso(row.placed_at),
            "received_at": iso(row.received_at),
            "trace": trace,
            "notices": answer.get("notices", []),
            "ledger": ledger,
        },
    )


_GRANT_FACTS: Final = (
    "edition", "ordinal", "first_order", "granted", "credit_type", "expires_at", "starts_at", "ends_at", "term",
    "levels", "scope", "options", "addon",
)  # fmt: skip


async def _refund(tx: Tx, id_: str) -> dict[str, Any]:
    order_id, _, refund_id = id_.rpartition(":")
    row = await traces.refund(tx, order_id, refund_id)
    if row is None:
        raise DomainError("refund_not_found", refund_id=id_)
    policy = await policies.in_force(tx)
    return _with_clauses(
        policy,
        {
            **_head("refund", id_, policy),
            "at": iso(row.at),
            "answer": row.answer,
            "ledger": await _operations(tx, "taken_back", order_id),
            "trace": [],
        },
    )


async def _entity(tx: Tx, kind: str, id_: str) -> dict[str, Any]:
    rows = await traces.events(tx, kind, id_)
    if not rows:
        raise DomainError(f"{kind}_not_found", id=id_)
    book = await books.load_by_id(tx, rows[0].customer_id, lock=False)
    held: dict[str, Any] = {"license": book.licenses, "cover": book.covers, "choice": book.choices}
    found: Any = held[kind].get(id_)
    policy = await policies.of_version(tx, getattr(found, "policy_version", book.policy.version))
    trace = [
        _step(policy, row.kind, row.occurred_at, row.recorded_at, row.actor, result=row.payload)
        for row in rows
    ]
    rule = getattr(found, "rule", None)
    return _with_clauses(
        policy,
        {
            **_head(kind, id_, policy),
            "rule": rule,
            "clause": getattr(found, "clause", None),
            "reading": getattr(found, "reading", False),
            "order_id": getattr(found, "order_id", None),
            "trace": trace,
        },
    )


async def _lot(tx: Tx, lot_id: str) -> dict[str, Any]:
    row = await traces.lot(tx, lot_id)
    if row is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    policy = await policies.of_version(tx, row.policy_version)
    rule = {
        "rule": row.rule,
        "clause": row.clause,
        "reading": row.reading,
        "source": row.source,
        "order_id": row.order_id,
        "line_id": row.line_id,
        "origin_lot_id": row.origin_lot_id,
        "reason": row.reason,
    }
    spending = policy.credits.spending_clause if policy.credits is not None else None
    return _with_clauses(
        policy,
        {
            **_head("lot", lot_id, policy),
            **rule,
            "credit_type": row.credit_type,
            "granted": row.granted,
            "expires_at": iso_or_none(row.expires_at),
            "spending_order": {
                "clause": spending,
                "rule": "priority, soonest expiry, narrower scope, free before paid, effective date, id",
                "reading": policy.credits.spending_reading if policy.credits is not None else False,
            },
            "trace": await _operations(tx, "lot", lot_id),
        },
    )


async def _moves(tx: Tx, kind: str, id_: str) -> dict[str, Any]:
    rows = await _operations(tx, kind, id_)
    if not rows:
        raise DomainError(f"{kind}_not_found", id=id_)
    policy = await policies.in_force(tx)
    return _with_clauses(policy, {**_head(kind, id_, policy), "trace": rows})


async def _operations(tx: Tx, of: str, id_: str) -> list[dict[str, Any]]:
    rows = await traces.operations(tx, of, id_)
    names = await tickets.names(tx, [row.ticket_id for row in rows if row.ticket_id])
    made: dict[str, dict[str, Any]] = {}
    for row in rows:
        step = made.setdefault(
            row.operation_id,
            {
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
            },
        )
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
            }
        )
    return list(made.values())


def _head(kind: str, id_: str, policy: Policy) -> dict[str, Any]:
    return {"kind": kind, "id": id_, "policy": {"name": policy.policy, "version": policy.version}}


def _step(
    policy: Policy, kind: str, occurred_at: Any, recorded_at: Any, actor: str | None, **more: Any
) -> dict[str, Any]:
    step: dict[str, Any] = {
        "step": kind,
        "at": iso(occurred_at),
        "recorded_at": iso(recorded_at),
        "by": actor,
    }
    for name, value in more.items():
        if value not in (None, (), [], {}):
            step[name] = jsonable(value)
    changes = [one["would_change"] for one in step.get("reasons", ()) if one.get("would_change")]
    if changes:
        step["would_change"] = changes
    return step


def _rule(policy: Policy, result: Mapping[str, Any]) -> dict[str, Any]:
    """A check's result, with its clause and whether it is our reading."""
    clause = policy.clause(str(result.get("clause"))) if result.get("clause") else None
    return {**result, "reading": bool(result.get("reading")) or bool(clause is not None and clause.reading)}


def _with_clauses(policy: Policy, body: dict[str, Any]) -> dict[str, Any]:
    """Adds, under ``clauses``, the words of every clause the trace names."""
    named: dict[str, None] = {}
    for one in _clauses_in(body):
        named.setdefault(one)
    body["clauses"] = [
        {"clause": clause.id, "text": clause.text, "source": clause.source, "reading": clause.reading}
        for clause in policy.clauses
        if clause.id in named
    ]
    return body


def _clauses_in(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if isinstance(one, str) and (name == "clause" or name.endswith("_clause")):
                yield one
            else:
                yield from _clauses_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _clauses_in(one)
