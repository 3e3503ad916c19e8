"""Policies: what is in force, the document with every name a caller may use, validation, and new versions.

Versions are immutable; a new one takes effect from a date and never changes what was granted or quoted before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from app.db import audit, events, policies
from app.db.engine import Tx
from app.documents.marks import PolicyDocumentError, Problem
from app.documents.policy_checks import check_policy
from app.documents.policy_document import dump, load_document
from app.documents.yaml_reader import Document
from app.domain.ledger.units import FREE_CREDITS_STAY
from app.domain.policy import prices as pricing
from app.domain.policy.conditions import facts_used
from app.domain.policy.credit_rules import Transfer
from app.domain.policy.policy import Label, Policy
from app.domain.policy.price_terms import (
    CategoryPrice,
    FixedPrice,
    FormulaPrice,
    FromPrice,
    OnRequestPrice,
    RangePrice,
)
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso

CHANNELS = ("helpdesk", "email", "contact_form", "forum", "phone")


async def list_policies(tx: Tx) -> dict[str, Any]:
    """The tenant's policy with its version in force. One tenant has one policy, so the list has one row."""
    policy = await policies.in_force(tx)
    return {"data": [_head(policy)], "next_cursor": None}


async def get_policy(tx: Tx, name: str, *, version: int | None = None) -> dict[str, Any]:
    """The whole policy: every name a caller may use, each with its clause. 404 ``policy_not_found``."""
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    found = await policies.versions(tx)
    policy = await (policies.in_force(tx) if version is None else policies.of_version(tx, version))
    body = policy_view(policy)
    body["versions"] = [{"version": number, "effective_from": iso(since)} for number, since, _ in found]
    return body


def policy_view(policy: Policy) -> dict[str, Any]:
    """The published view of a policy."""
    readings = {clause.id for clause in policy.clauses if clause.reading}

    def cited(clause: str | None, *, ours: bool = False, **more: Any) -> dict[str, Any]:
        """``ours``: the rule itself is marked as a reading, beside its clause."""
        return {**more, "clause": clause, "reading": ours or clause in readings}

    checks = policy.qualification.checks
    reasons: dict[str, dict[str, Any]] = {}
    for code, clause, message in _reason_rows(policy):
        reasons.setdefault(code, cited(clause, code=code, message=message))

    def about(fact: str) -> str | None:
        return next((one.clause for one in checks if fact in facts_used(one.require)), None)

    return {
        **_head(policy),
        "vendor": policy.vendor,
        "source": policy.source,
        "currency": policy.currency,
        "term_zone": policy.term_zone,
        "unit": None if policy.unit is None else {"one": policy.unit.one, "many": policy.unit.many},
        "clauses": [
            {"clause": c.id, "text": c.text, "reading": c.reading, "source": c.source} for c in policy.clauses
        ],
        "categories": [
            cited(
                c.clause,
                ours=c.reading,
                category=c.category,
                title=c.title,
                price=price_view(c.price),
                level=c.level,
                confirm=c.confirm,
                inputs=[one.name for one in c.inputs],
            )
            for c in policy.categories
        ],
        "inputs": [
            {
                "input": one.name,
                "title": one.title,
                "category": c.category,
                "type": "integer",
                "minimum": 0,
                "maximum": one.most,
                "clause": c.clause,
            }
            for c in policy.categories
            for one in c.inputs
        ],
        "channels": [cited(about("ticket.channel"), channel=name) for name in CHANNELS],
        "languages": [cited(about("ticket.language"), language=name) for name in policy.ticket_languages],
        "facts": [
            cited(f.clause, fact=f.fact, title=f.title, type=f.type, values=list(f.values))
            for f in policy.facts
        ],
        "reasons": sorted(reasons.values(), key=lambda one: str(one["code"])),
        "causes": [cited(c.clause, cause=c.cause, title=c.title, returns=c.returns) for c in policy.causes],
        "outcomes": [
            cited(o.clause, outcome=o.outcome, title=o.title, captures=o.captures) for o in policy.outcomes
        ],
        "milestones": [
            cited(
                p.clause,
                milestone=p.milestone,
                target=p.target,
                party=p.party,
                starts=p.starts,
                stops=list(p.stops),
            )
            for p in policy.promises
        ],
        "pause_reasons": [cited(p.clause, reason=p.reason, party=p.party) for p in policy.pause_reasons],
        "credit_types": [
            cited(
                t.clause,
                credit_type=t.credit_type,
                title=t.title,
                serves=list(t.serves),
                includes=list(t.includes),
            )
            for t in (policy.credits.types if policy.credits else ())
        ],
        "actions": [
            {"action": a.action, "title": a.title, "clauses": [r.clause for r in a.rules]}
            for a in policy.actions
        ],
        "offers": [cited(o.clause, sku=o.sku, title=o.title, kind=o.kind) for o in policy.offers],
        "labels": [
            cited(one.clause, label=name, text=one.text)
            if isinstance(one, Label)
            else cited(None, label=name, text=one)
            for name, one in policy.labels.items()
        ],
        "document": dump(policy),
    }


def price_view(price: CategoryPrice) -> dict[str, Any]:
    """A category's price as published: its kind and its numbers, in credits."""
    match price:
        case FixedPrice():
            return {"kind": "fixed", "credits": price.credits}
        case RangePrice():
            return {"kind": "range", "least": price.least, "most": price.most}
        case FromPrice():
            return {"kind": "from", "least": price.least}
        case FormulaPrice():
            return {"kind": "formula", "base": price.base, "per": dict(price.per)}
        case OnRequestPrice():
            return {"kind": "on_request"}


_CHECKERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="policies")
"""Drafts are checked beside the event loop, and beside what else works in threads: a check may take seconds."""
Checked = tuple[Document | None, tuple[Problem, ...]]


async def check(document: str) -> Checked:
    """What a document says and what is wrong with it. Needs no transaction, and no connection should wait for it."""
    return await asyncio.get_running_loop().run_in_executor(_CHECKERS, _checked, document)


async def validate(text_: str) -> dict[str, Any]:
    """What is wrong with a draft, with lines and what to write instead. Answers, never refuses."""
    _, problems = await check(text_)
    valid = not any(one.severity == "error" for one in problems)
    return {"valid": valid, "problems": [_problem(one) for one in problems]}


def document_text(document: str | dict[str, Any]) -> str:
    """A document as text: YAML as it is, JSON written out (JSON is YAML)."""
    return document if isinstance(document, str) else json.dumps(document, indent=1, ensure_ascii=False)


async def price(
    tx: Tx,
    name: str,
    *,
    category: str,
    inputs: dict[str, int],
    credits_: int | None,
    agreed_up_to: int | None,
) -> dict[str, Any]:
    """The calculator: what a category costs for these inputs, and what an assessment of ``credits_`` would be.

    404 ``policy_not_found``; 422 ``unknown_category``, ``unknown_input``, ``input_out_of_range``, ``inputs_required``.
    """
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    policy = await policies.in_force(tx)
    found = pricing.category_named(policy, category)
    checked = pricing.check_inputs(policy, category, inputs)
    listed = pricing.quote(found, checked)
    if listed.missing:
        raise DomainError(
            "inputs_required",
            field=f"/inputs/{listed.missing[0]}",
            missing=list(listed.missing),
            category=category,
        )
    clause = policy.clause(listed.clause)
    asked = listed.credits if credits_ is None else credits_
    outside = asked is not None and (
        (listed.least is not None and asked < listed.least)
        or (listed.most is not None and asked > listed.most)
    )
    agreed = agreed_up_to is not None and asked is not None and asked <= agreed_up_to
    return {
        "policy": {"name": policy.policy, "version": policy.version},
        "category": category,
        "inputs": checked,
        "credits": asked,
        "unit": None if policy.unit is None else policy.unit.many,
        "price": price_view(found.price),
        "least": listed.least,
        "most": listed.most,
        "outside_list": outside,
        "needs_confirmation": found.confirm and policy.confirmation is not None and not agreed,
        "level": found.level,
        "clause": listed.clause,
        "reading": listed.reading or (clause is not None and clause.reading),
    }


async def read_draft(document: str) -> Policy:
    """A draft as a policy, or 422 ``policy_invalid`` with every mistake, each with its line."""
    return _sound(await check(document))[0].policy


def tag_of(shown: Mapping[str, Any]) -> str:
    """The version of a policy as one reads it: the one shown, and the newest there is."""
    return f"{shown['version']}.{max(one['version'] for one in shown['versions'])}"


async def publish(
    tx: Tx,
    name: str,
    *,
    document: str,
    checked: Checked,
    effective_from: datetime | None,
    matching: Callable[[str | None], None] = lambda _: None,
) -> dict[str, Any]:
    """A new immutable version, in force from a date not in the past. 422 ``policy_invalid`` with every problem.
    ``checked``: what `check` said of the document, beforehand. ``matching`` is told the version in force, and refuses
    a draft made from another."""
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    found, problems = _sound(checked)
    if found.policy.policy != name:
        raise DomainError("policy_name_differs", name=name, document=found.policy.policy)
    since = tx.at if effective_from is None else effective_from
    if since < tx.at:
        raise DomainError("effective_in_past", effective_from=iso(since), now=iso(tx.at))
    newest = await policies.newest_version(tx, name)
    matching(f"{(await policies.in_force(tx)).version}.{newest}")
    version = newest + 1
    body = {
        **_head(found.policy),
        "version": version,
        "effective_from": iso(since),
        "warnings": [_problem(one) for one in problems if one.severity == "warning"],
    }
    if tx.validate_only:
        return body
    await policies.add_version(tx, found.policy, version=version, source=document, effective_from=since)
    await audit.note(tx, "policy.published", f"{name}/{version}", {"effective_from": iso(since)})
    told = {"name": name, "version": version, "effective_from": iso(since)}
    await events.publish(tx, "policy.published", told)
    return body


def _checked(document: str) -> Checked:
    try:
        found = load_document(document)
    except PolicyDocumentError as error:
        return None, error.problems
    return found, tuple(check_policy(found.policy, found.marks))


def _sound(checked: Checked) -> tuple[Document, tuple[Problem, ...]]:
    found, problems = checked
    errors = [one for one in problems if one.severity == "error"]
    if found is None or errors:
        raise DomainError("policy_invalid", problems=[_problem(one) for one in errors])
    return found, problems


def _problem(one: Problem) -> dict[str, Any]:
    return {
        "path": one.path,
        "line": one.line,
        "column": one.column,
        "code": one.code,
        "message": one.message,
        "hint": one.hint,
        "severity": one.severity,
    }


def _head(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.policy,
        "title": policy.title,
        "version": policy.version,
        "effective_from": policy.effective_from,
        "format": policy.format,
    }


def _reason_rows(policy: Policy) -> Iterable[tuple[str, str, str]]:
    """(code, clause, message) of every reason that this policy's rules can give."""
    for check in policy.qualification.checks:
        yield check.code, check.clause, check.message
    for ground in policy.qualification.grounds:
        yield ground.code, ground.clause, ground.message
    for gate in policy.qualification.gates:
        yield gate.code, gate.clause, gate.message
    for action in policy.actions:
        for rule in action.rules:
            if not rule.allow:
                yield rule.code, rule.clause, rule.message
    for not_offered in policy.not_offered:
        yield not_offered.code, not_offered.clause, not_offered.message
    for offer in policy.offers:
        for refused in (offer.otherwise, *(grant.otherwise for grant in offer.grants)):
            if refused is not None:
                yield refused.code, refused.clause, refused.message
    yield from _transfer_rows(policy.transfer)


def _transfer_rows(rule: Transfer | None) -> Iterable[tuple[str, str, str]]:
    if rule is not None and not rule.allowed:
        yield "not_transferable", rule.clause, rule.message
    elif rule is not None and not rule.free_credits:
        yield "free_credits_not_transferable", rule.free_clause or rule.clause, FREE_CREDITS_STAY
