"""Orders, refunds, licenses, periods of support and choices explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, cast

from app.db import policies
from app.db.account import accounts
from app.db.engine import Tx
from app.db.history import traces
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover
from app.domain.cover import cover as covers
from app.domain.cover import replacing
from app.domain.orders import explanation as account_words
from app.domain.policy.policy import Policy
from app.domain.tickets.qualification import is_reading
from app.domain.values.errors import DomainError
from app.domain.values.phrase import cited, concat, phrased, sentences
from app.domain.values.wire import iso, jsonable
from app.usecases.reports.explain_ledger import operations_of
from app.views.explanation import Explanation, ExplanationStep, explanation_view, operation_views, step_view, version_of
from app.views.order import refund_view


async def explain_order(tx: Tx, order_id: str) -> Explanation:
    """Explain an order: what each line granted, and what not."""
    row = await traces.order(tx, order_id)
    if row is None:
        raise DomainError("order_not_found", order_id=order_id)
    policy = await policies.of_version(tx, row.policy_version)
    answer = dict(row.answer)
    trace: list[dict[str, Any]] = []
    for line in row.lines:
        mine = str(line["line_id"])
        granted = _granted(policy, answer, mine)
        refused = [item for item in answer.get("not_granted", ()) if str(item.get("line_id")) == mine]
        offer = policy.offer(str(line["sku"]))
        changes = account_words.what_would_bring(policy, offer, refused)
        trace.append(
            {
                **({"would_change": changes} if changes else {}),
                "step": "line",
                "line_id": mine,
                "sku": line["sku"],
                "summary": account_words.line_sentence(policy, line, granted, refused),
                "clause": next(
                    (item["clause"] for item in (*granted, *refused) if item.get("clause")),
                    account_words.offer_clause(offer),
                ),
                "facts": {k: v for k, v in line.items() if v is not None},
                "offer": None if offer is None else {"sku": offer[0].sku, "clause": offer[0].clause},
                "rules": [decision for decision in answer.get("decisions", ()) if str(decision.get("line_id")) == mine],
                "granted": granted,
                "not_granted": refused,
            }
        )
    return explanation_view(
        policy,
        {
            "kind": "order",
            "id": order_id,
            "policy": version_of(policy),
            "summary": sentences(*(row["summary"] for row in trace))
            or phrased("Order %(order)s holds no line.", order=order_id),
            "placed_at": iso(row.placed_at),
            "received_at": iso(row.received_at),
            "trace": cast(list[ExplanationStep], trace),
            "notices": answer.get("notices", []),
            "ledger": operation_views(await operations_of(tx, "order", order_id, policy)),
        },
    )


def _granted(policy: Policy, answer: Mapping[str, Any], line_id: str) -> list[dict[str, Any]]:
    found = []
    for noun in ("licenses", "lots", "covers", "choices", "addons"):
        for item in answer.get(noun, ()):
            if str(item.get("line_id")) == line_id:
                clause = item.get("clause") or account_words.offer_clause(policy.offer(str(item.get("sku"))))
                found.append(
                    {
                        "granted": noun[:-1],
                        "id": item.get(f"{noun[:-1]}_id"),
                        "rule": item.get("rule"),
                        "clause": clause,
                        "reading": item.get("reading") if item.get("clause") else is_reading(policy, clause),
                        "facts": {k: item[k] for k in _GRANT_FACTS if item.get(k) is not None},
                    }
                )
    return found


_GRANT_FACTS: Final = (
    "edition",
    "ordinal",
    "first_order",
    "granted",
    "credit_type",
    "expires_at",
    "starts_at",
    "ends_at",
    "term",
    "levels",
    "scope",
    "options",
    "addon",
    "reason",
)


async def explain_refund(tx: Tx, id_: str) -> Explanation:
    """Explain a refund of an order."""
    order_id, _, refund_id = id_.rpartition(":")
    row = await traces.refund(tx, order_id, refund_id)
    order = await traces.order(tx, order_id)
    if row is None or order is None:
        raise DomainError("refund_not_found", refund_id=id_)
    policy = await policies.of_version(tx, order.policy_version)
    skus = {str(line["line_id"]): str(line["sku"]) for line in order.lines}
    answer = dict(row.answer)
    trace = []
    for name, sentence_of in (
        ("taken_back", account_words.take_back_sentence),
        ("not_taken_back", account_words.left_sentence),
    ):
        for item in answer.get(name) or ():
            sku = skus.get(str(item.get("line_id")))
            offer = None if sku is None else policy.offer(sku)
            clause = answer.get("clause") or account_words.offer_clause(offer)
            summary = sentence_of(policy, item, sku, clause)
            trace.append(
                {"step": name, "at": iso(row.at), "summary": summary, "clause": clause, "result": _public(item)}
            )
    nothing = None if trace else phrased("Nothing of order %(order)s was taken back.", order=order_id)
    owed = account_words.owed_sentence(policy, int(answer.get("owed") or 0))
    return explanation_view(
        policy,
        {
            "kind": "refund",
            "id": id_,
            "policy": version_of(policy),
            "summary": sentences(nothing, *(row["summary"] for row in trace), owed),
            "at": iso(row.at),
            "clause": answer.get("clause"),
            "answer": refund_view(row.answer),
            "ledger": operation_views(await operations_of(tx, "taken_back", order_id, policy, at=row.at)),
            "trace": cast(list[ExplanationStep], trace),
        },
    )


async def explain_entity(tx: Tx, kind: Literal["license", "cover", "choice"], id_: str) -> Explanation:
    """Explain a license, a period of support or a choice."""
    rows = await traces.events(tx, kind, id_)
    if not rows:
        raise DomainError(f"{kind}_not_found", id=id_)
    account = await accounts.load_by_id(tx, rows[0].customer_id, lock=False)
    held: dict[str, Any] = {"license": account.licenses, "cover": account.covers, "choice": account.choices}
    found: Any = held[kind].get(id_)
    policy = await policies.of_version(tx, getattr(found, "policy_version", account.policy.version))
    rule = getattr(found, "rule", None)
    clause = getattr(found, "clause", None)
    reading = getattr(found, "reading", False)
    if kind == "license" and found is not None:
        clause = account_words.offer_clause(policy.offer(found.sku))
        reading = is_reading(policy, clause)
    trace = [
        step_view(
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
    return explanation_view(
        policy,
        {
            "kind": kind,
            "id": id_,
            "policy": version_of(policy),
            "summary": cited(_entity_words(policy, kind, found, account), clause),
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


def _entity_words(policy: Policy, kind: str, found: Any, account: CustomerAccount) -> str:
    if found is None:
        return _WENT[kind]
    match kind:
        case "license":
            return account_words.license_sentence(policy, jsonable(_of(found, _LICENSE)))
        case "cover":
            longer = account_words.longer_sentence(replacing.seconds_brought(found), found.ends_at)
            stands = account_words.cover_sentence(policy, cover_row(found, account.at))
            return stands if longer is None else concat(stands, ". ", longer)
    return account_words.choice_sentence(policy, jsonable(_of(found, _CHOICE)))


_WENT: Final = {
    "license": phrased("The license went to another account"),
    "cover": phrased("The cover went to another account"),
    "choice": phrased("The choice went to another account"),
}
_LICENSE: Final = ("sku", "edition", "order_id", "ordinal", "ended_at", "ended_reason")
_CHOICE: Final = ("order_id", "rule", "options", "option", "voided_at")
_COVER: Final = (
    "order_id",
    "plan",
    "term",
    "levels",
    "actions",
    "scope",
    "free",
    "starts_at",
    "ends_at",
    "suspended_at",
)


def _of(found: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


def cover_row(cover: Cover, at: datetime) -> dict[str, Any]:
    """Return a period of support as it stands, as a row of an explanation."""
    row: dict[str, Any] = jsonable({**_of(cover, _COVER), "state": covers.state_of(cover, at)})
    return row


_PRIVATE: Final = frozenset({"customer_id", "version", "policy_version"})


def _public(value: Any) -> Any:
    """What a step changed, without numbers and ids that only the tables know."""
    if isinstance(value, Mapping):
        return {name: _public(item) for name, item in value.items() if name not in _PRIVATE}
    return [_public(item) for item in value] if isinstance(value, list | tuple) else value
