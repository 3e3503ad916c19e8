"""`explain`: the whole trace of a stored decision, grant, charge or refund, clause by clause (decision 0020).

A trace is a list of steps in order: what was done, by whom and when; the rules looked at with their facts and
results; the reasons with their clauses; and the counterfactuals that would have changed it. Each step and each
explanation has a ``summary`` that a clerk can read out; the sentences stand in `app.domain.explained_*`. Due times are
explained by the clocks' own use case, which the door passes in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from app.db import books, policies, tickets, traces
from app.db.engine import Tx
from app.domain.account.account import Book
from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.explanations import account as account_words
from app.domain.explanations import ledger as ledger_words
from app.domain.explanations import ticket as ticket_words
from app.domain.explanations.clock import clock_sentence
from app.domain.policy.policy import Policy
from app.domain.policy.wording import cited, sentences
from app.domain.tickets.qualification import is_reading
from app.domain.tickets.ticket import Ticket
from app.domain.values.errors import DomainError
from app.domain.values.ids import CoverId
from app.domain.values.wire import iso, iso_or_none, jsonable

KINDS: Final = (
    "ticket", "assessment", "charge", "order", "refund", "license", "lot", "cover", "choice", "operation", "hold",
    "clock",
)  # fmt: skip
ClockExplainer = Callable[[Tx, str], Awaitable[dict[str, Any]]]
Step = dict[str, Any]


async def explain(tx: Tx, kind: str, id_: str, *, clock: ClockExplainer) -> dict[str, Any]:
    """The trace of one stored thing. 404 ``kind_not_found`` for another kind, else the noun's own 404."""
    match kind:
        case "ticket" | "charge":
            return await _ticket(tx, id_, kind=kind)
        case "assessment":
            ticket_id, _, number = id_.rpartition(":")
            if not ticket_id or not (number.isascii() and number.isdecimal()) or len(number) > 6:
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
        case "operation" | "hold":
            return await _moves(tx, kind, id_)
        case "clock":
            return await clock(tx, id_)
    raise DomainError("kind_not_found", kind=kind, known=list(KINDS))


# --- tickets ----------------------------------------------------------------------------------------------------------


async def _ticket(tx: Tx, external_id: str, *, kind: str, assessment: int | None = None) -> dict[str, Any]:
    ticket = await tickets.require(tx, external_id)
    policy = await policies.of_version(tx, ticket.policy_version)
    if assessment is not None:
        ticket.assessment(assessment)
    ledger = await _operations(tx, "ticket", ticket.ticket_id, policy)
    left = list(ledger)
    trace = []
    for fact in await tickets.facts(tx, ticket.ticket_id):
        mine = _moved_by(left, fact.payload)
        if assessment is not None and not _about(assessment, fact.payload):
            continue
        changed = fact.payload.get("set", {})
        trace.append(
            _step(
                fact.kind,
                fact.occurred_at,
                fact.recorded_at,
                fact.actor,
                summary=ticket_words.step_sentence(policy, fact.kind, fact.payload, mine),
                clause=ticket_words.step_clause(policy, fact.kind, fact.payload),
                result={name: changed[name] for name in _RESULTS if name in changed},
                rules=[_rule(policy, one) for one in changed.get("checks", ())],
                reasons=changed.get("reasons", ()),
                remedies=changed.get("remedies", ()),
                assessments=[
                    {**one, "summary": ticket_words.assessment_sentence(policy, one)}
                    for one in ticket_words.assessments_of(fact.payload)
                ],
                facts=changed.get("facts"),
                recommendation=changed.get("recommendation"),
                qualification=changed.get("qualification"),
                operations=[one["operation_id"] for one in mine],
            )
        )
    charge = _charge_of(ledger)
    body: dict[str, Any] = {
        **_head(kind, external_id if assessment is None else f"{external_id}:{assessment}", policy),
        "summary": ticket_words.ticket_sentence(
            policy,
            ticket,
            charge,
            cover=await _paying_cover(tx, ticket, policy),
            source=ledger_words.held_from(policy, ledger),
        ),
        "ticket_id": external_id,
        "state": ticket.state,
        "reasons": ticket.reasons,
        "charge": ticket.charge,
        "trace": trace,
        "ledger": ledger,
        "clocks": [
            {
                "clock_id": row.clock_id,
                "milestone": row.milestone,
                "due_at": iso_or_none(row.due_at),
                "outcome": row.outcome,
                "summary": clock_sentence(_clock_row(row)),
            }
            for row in await traces.clocks_of(tx, ticket.ticket_id)
        ],
    }
    if assessment is not None:
        one = ticket.assessment(assessment)
        body["assessment"] = one
        source = ledger_words.held_from(policy, ledger) if one["status"] == "in_force" else None
        body["summary"] = sentences(ticket_words.assessment_sentence(policy, one), source)
    return _with_clauses(policy, body)


_RESULTS: Final = (
    "state", "category", "inputs", "price", "paid_by", "cover_id", "charge", "asks", "outcome", "cause", "accepted_at",
    "resolved_at", "credit_type", "agreed_up_to", "pay_with", "result",
)  # fmt: skip


def _about(number: int, payload: Mapping[str, Any]) -> bool:
    added = any(one.get("number") == number for one in ticket_words.assessments_of(payload))
    return added or str(number) in {str(key) for key in payload.get("change", {}).get("assessments", {})}


def _moved_by(left: list[Step], payload: Mapping[str, Any]) -> list[Step]:
    """The operations that led to the charge an event tells, taken off those that are left."""
    wanted = payload.get("set", {}).get("charge")
    if wanted is None:
        return []
    names = ("held", "captured", "refunded")
    done = [one["told"] for one in left if one["told"] is not None]
    if not left or not done:
        return []
    stood = {name: left[0]["before"][name] for name in names}
    taken = 0
    while stood != {name: wanted[name] for name in names} and taken < len(left):
        stood = left[taken]["told"]
        taken += 1
    if stood != {name: wanted[name] for name in names}:
        return []
    mine, left[:] = left[:taken], left[taken:]
    return mine


def _charge_of(ledger: Sequence[Step]) -> dict[str, int]:
    stood = ledger[-1]["told"] if ledger else {"held": 0, "captured": 0, "refunded": 0}
    return {**stood, "net": stood["captured"] - stood["refunded"]}


async def _paying_cover(tx: Tx, ticket: Ticket, policy: Policy) -> str | None:
    if ticket.cover_id is None:
        return None
    book = await books.load_by_id(tx, ticket.customer_id, lock=False, policy=policy)
    found = book.covers.get(CoverId(ticket.cover_id))
    return None if found is None else ticket_words.cover_words(policy, _cover_row(found, book.at))


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


# --- orders and refunds -----------------------------------------------------------------------------------------------


async def _order(tx: Tx, order_id: str) -> dict[str, Any]:
    row = await traces.order(tx, order_id)
    if row is None:
        raise DomainError("order_not_found", order_id=order_id)
    policy = await policies.of_version(tx, row.policy_version)
    answer = dict(row.answer)
    trace: list[dict[str, Any]] = []
    for line in row.lines:
        mine = str(line["line_id"])
        granted = _granted(policy, answer, mine)
        refused = [one for one in answer.get("not_granted", ()) if str(one.get("line_id")) == mine]
        offer = policy.offer(str(line["sku"]))
        trace.append(
            {
                "step": "line",
                "line_id": mine,
                "sku": line["sku"],
                "summary": account_words.line_sentence(policy, line, granted, refused),
                "clause": next(
                    (one["clause"] for one in (*granted, *refused) if one.get("clause")),
                    account_words.offer_clause(offer),
                ),
                "facts": {k: v for k, v in line.items() if v is not None},
                "offer": None if offer is None else {"sku": offer[0].sku, "clause": offer[0].clause},
                "rules": [one for one in answer.get("decisions", ()) if str(one.get("line_id")) == mine],
                "granted": granted,
                "not_granted": refused,
            }
        )
    return _with_clauses(
        policy,
        {
            **_head("order", order_id, policy),
            "summary": sentences(*(one["summary"] for one in trace)) or f"Order {order_id} holds no line.",
            "placed_at": iso(row.placed_at),
            "received_at": iso(row.received_at),
            "trace": trace,
            "notices": answer.get("notices", []),
            "ledger": await _operations(tx, "order", order_id, policy),
        },
    )


def _granted(policy: Policy, answer: Mapping[str, Any], line_id: str) -> list[dict[str, Any]]:
    found = []
    for noun in ("licenses", "lots", "covers", "choices", "addons"):
        for one in answer.get(noun, ()):
            if str(one.get("line_id")) == line_id:
                clause = one.get("clause") or account_words.offer_clause(policy.offer(str(one.get("sku"))))
                found.append(
                    {
                        "granted": noun[:-1],
                        "id": one.get(f"{noun[:-1]}_id"),
                        "rule": one.get("rule"),
                        "clause": clause,
                        "reading": one.get("reading") if one.get("clause") else is_reading(policy, clause),
                        "facts": {k: one[k] for k in _GRANT_FACTS if one.get(k) is not None},
                    }
                )
    return found


_GRANT_FACTS: Final = (
    "edition", "ordinal", "first_order", "granted", "credit_type", "expires_at", "starts_at", "ends_at", "term",
    "levels", "scope", "options", "addon",
)  # fmt: skip


async def _refund(tx: Tx, id_: str) -> dict[str, Any]:
    order_id, _, refund_id = id_.rpartition(":")
    row = await traces.refund(tx, order_id, refund_id)
    order = await traces.order(tx, order_id)
    if row is None or order is None:
        raise DomainError("refund_not_found", refund_id=id_)
    policy = await policies.of_version(tx, order.policy_version)
    skus = {str(line["line_id"]): str(line["sku"]) for line in order.lines}
    answer = dict(row.answer)
    trace = []
    for name, tell in (
        ("taken_back", account_words.taken_sentence),
        ("not_taken_back", account_words.left_sentence),
    ):
        for one in answer.get(name) or ():
            sku = skus.get(str(one.get("line_id")))
            offer = None if sku is None else policy.offer(sku)
            clause = answer.get("clause") or account_words.offer_clause(offer)
            told = tell(policy, one, sku, clause)
            trace.append(
                {"step": name, "at": iso(row.at), "summary": told, "clause": clause, "result": _public(one)}
            )
    nothing = None if trace else f"Nothing of order {order_id} was taken back."
    owed = account_words.owed_sentence(policy, int(answer.get("owed") or 0))
    return _with_clauses(
        policy,
        {
            **_head("refund", id_, policy),
            "summary": sentences(nothing, *(one["summary"] for one in trace), owed),
            "at": iso(row.at),
            "clause": answer.get("clause"),
            "answer": row.answer,
            "ledger": await _operations(tx, "taken_back", order_id, policy, at=row.at),
            "trace": trace,
        },
    )


# --- licenses, covers, choices ----------------------------------------------------------------------------------------


async def _entity(tx: Tx, kind: str, id_: str) -> dict[str, Any]:
    rows = await traces.events(tx, kind, id_)
    if not rows:
        raise DomainError(f"{kind}_not_found", id=id_)
    book = await books.load_by_id(tx, rows[0].customer_id, lock=False)
    held: dict[str, Any] = {"license": book.licenses, "cover": book.covers, "choice": book.choices}
    found: Any = held[kind].get(id_)
    policy = await policies.of_version(tx, getattr(found, "policy_version", book.policy.version))
    rule = getattr(found, "rule", None)
    clause = getattr(found, "clause", None)
    reading = getattr(found, "reading", False)
    if kind == "license" and found is not None:
        clause = account_words.offer_clause(policy.offer(found.sku))
        reading = is_reading(policy, clause)
    trace = [
        _step(
            row.kind,
            row.occurred_at,
            row.recorded_at,
            row.actor,
            summary=cited(_entity_step(policy, kind, rule, row), row.payload.get("clause") or clause),
            clause=row.payload.get("clause") or clause,
            result=_public(row.payload),
        )
        for row in rows
    ]
    return _with_clauses(
        policy,
        {
            **_head(kind, id_, policy),
            "summary": cited(_entity_words(policy, kind, found, book), clause),
            "rule": rule,
            "clause": clause,
            "reading": reading,
            "order_id": getattr(found, "order_id", None),
            "trace": trace,
        },
    )


def _entity_step(policy: Policy, kind: str, rule: str | None, row: Any) -> str:
    match kind:
        case "license":
            return account_words.license_step(policy, row.kind, row.payload)
        case "cover":
            return account_words.cover_step(policy, row.kind, row.payload)
    return account_words.choice_step(policy, rule or "", row.kind, row.payload)


def _entity_words(policy: Policy, kind: str, found: Any, book: Book) -> str:
    if found is None:
        return f"The {kind} went to another account"
    match kind:
        case "license":
            return account_words.license_sentence(policy, jsonable(_of(found, _LICENSE)))
        case "cover":
            return account_words.cover_sentence(policy, _cover_row(found, book.at))
    return account_words.choice_sentence(policy, jsonable(_of(found, _CHOICE)))


_LICENSE: Final = ("sku", "edition", "order_id", "ordinal", "ended_at", "ended_reason")
_CHOICE: Final = ("order_id", "rule", "options", "option", "voided_at")
_COVER: Final = (
    "order_id", "term", "levels", "actions", "scope", "free", "starts_at", "ends_at", "suspended_at",
)  # fmt: skip


def _of(found: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def _cover_row(cover: Cover, at: datetime) -> dict[str, Any]:
    row: dict[str, Any] = jsonable({**_of(cover, _COVER), "state": covers.state_of(cover, at)})
    return row


_PRIVATE: Final = frozenset({"customer_id", "version", "policy_version"})


def _public(value: Any) -> Any:
    """What a step changed, without numbers and ids that only the tables know."""
    if isinstance(value, Mapping):
        return {name: _public(one) for name, one in value.items() if name not in _PRIVATE}
    return [_public(one) for one in value] if isinstance(value, list | tuple) else value


# --- the ledger -------------------------------------------------------------------------------------------------------


async def _lot(tx: Tx, lot_id: str) -> dict[str, Any]:
    row = await traces.lot(tx, lot_id)
    if row is None:
        raise DomainError("lot_not_found", lot_id=lot_id)
    policy = await policies.of_version(tx, row.policy_version)
    spending = policy.credits.spending_clause if policy.credits is not None else None
    trace = await _operations(tx, "lot", lot_id, policy)
    lot = _lot_row(policy, row, trace, tx.at)
    if lot["due"]:
        trace.append(_due_step(policy, row, lot))
    return _with_clauses(
        policy,
        {
            **_head("lot", lot_id, policy),
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
            "trace": trace,
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
        "step": "expire", "at": lot["expires_at"], "reason": None, "hold_id": None,
        "clause": lot["end_clause"] or row.clause, "reading": row.reading, "moves": [{**move, "lot": lot}],
    }  # fmt: skip
    step["summary"] = ledger_words.operation_sentence(policy, step)
    return step


async def _moves(tx: Tx, kind: Literal["operation", "hold"], id_: str) -> dict[str, Any]:
    policy = await policies.in_force(tx)
    rows = await _operations(tx, kind, id_, policy)
    if not rows:
        raise DomainError(f"{kind}_not_found", id=id_)
    summary = sentences(*(one["summary"] for one in rows))
    return _with_clauses(policy, {**_head(kind, id_, policy), "summary": summary, "trace": rows})


async def _operations(
    tx: Tx, of: traces.Of, id_: str, policy: Policy, *, at: datetime | None = None
) -> list[Step]:
    """The operations behind a thing, each with its sentence; with ``at`` only those that took effect then.

    ``before`` and ``told``: what the operations so far had held, captured and refunded, before one and with it.
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
    _tell_charge(found)
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


def _tell_charge(found: Sequence[Step]) -> None:
    stood = {"held": 0, "captured": 0, "refunded": 0}
    for step in found:
        step["before"] = dict(stood)
        for move in step["moves"]:
            stood["held"] += _signed(move, "held")
            stood["captured"] += move["credits"] if move["to"] == "spent" else 0
            stood["refunded"] += move["credits"] if move["from"] == "spent" else 0
        step["told"] = dict(stood)


def _signed(move: Mapping[str, Any], bucket: str) -> int:
    credits_ = int(move["credits"])
    return credits_ if move["to"] == bucket else -credits_ if move["from"] == bucket else 0


# --- parts ------------------------------------------------------------------------------------------------------------


def _head(kind: str, id_: str, policy: Policy) -> dict[str, Any]:
    return {"kind": kind, "id": id_, "policy": {"name": policy.policy, "version": policy.version}}


def _step(
    kind: str,
    occurred_at: Any,
    recorded_at: Any,
    actor: str | None,
    *,
    summary: str,
    clause: str | None,
    **more: Any,
) -> Step:
    step: Step = {
        "step": kind,
        "summary": summary,
        "clause": clause,
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
    """A check's result in a sentence, with its clause and whether it is our reading."""
    clause = str(result.get("clause")) if result.get("clause") else None
    return {
        **result,
        "summary": ticket_words.check_sentence(policy, result),
        "reading": bool(result.get("reading")) or is_reading(policy, clause),
    }


_WORKING: Final = ("before", "told")
"""Members of an operation that only its sentences need."""


def _with_clauses(policy: Policy, body: dict[str, Any]) -> dict[str, Any]:
    """Adds, under ``clauses``, the words of every clause the trace names."""
    for step in (*body.get("ledger", ()), *body.get("trace", ())):
        for name in _WORKING:
            step.pop(name, None)
        for move in step.get("moves", ()):
            move.pop("lot", None)
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
