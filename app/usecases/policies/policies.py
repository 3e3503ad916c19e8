"""Policies: what is in force, the document with every name a caller may use, validation, and new versions.

Versions are immutable; a new one takes effect from a date and never changes what was granted or quoted before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from app.db import policies
from app.db.clocks import calendars
from app.db.engine import Tx
from app.db.events import events
from app.db.tenants import audit_trail
from app.documents.marks import PolicyDocumentError, Problem
from app.documents.policy_checks import check_policy
from app.documents.policy_document import dump, load_document
from app.documents.yaml_reader import Document
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.views.policy import Policy as PolicyView
from app.views.policy import PolicyCheck, PolicyProblem, PolicyRow, PublishedPolicy, VersionRow, head_view, policy_view
from app.views.shapes import PageOf


async def list_policies(tx: Tx) -> PageOf[PolicyRow]:
    """The tenant's policy with its version in force. One tenant has one policy, so the list has one row."""
    policy = await policies.in_force(tx)
    return {"data": [head_view(policy)], "next_cursor": None}


async def get_policy(tx: Tx, name: str, *, version: int | None = None) -> PolicyView:
    """The whole policy: every name a caller may use, each with its clause. 404 ``policy_not_found``."""
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    found = await policies.versions(tx)
    policy = await (policies.in_force(tx) if version is None else policies.of_version(tx, version))
    return policy_view(
        policy,
        document=dump(policy),
        versions=[{"version": number, "effective_from": iso(since)} for number, since, _ in found],
    )


_CHECKERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="policies")
"""Drafts are checked beside the event loop, and beside what else works in threads: a check may take seconds."""
Checked = tuple[Document | None, tuple[Problem, ...]]


async def check(document: str) -> Checked:
    """What a document says and what is wrong with it. Needs no transaction, and no connection should wait for it."""
    return await asyncio.get_running_loop().run_in_executor(_CHECKERS, _checked, document)


async def validate(text_: str) -> PolicyCheck:
    """What is wrong with a draft, with lines and what to write instead. Answers, never refuses."""
    _, problems = await check(text_)
    valid = not any(problem.severity == "error" for problem in problems)
    return {"valid": valid, "problems": [_problem(problem) for problem in problems]}


def document_text(document: str | dict[str, Any]) -> str:
    """A document as text: YAML as it is, JSON written out (JSON is YAML)."""
    return document if isinstance(document, str) else json.dumps(document, indent=1, ensure_ascii=False)


async def read_draft(document: str) -> Policy:
    """A draft as a policy, or 422 ``policy_invalid`` with every mistake, each with its line."""
    return _sound(await check(document))[0].policy


def tag_of(shown: PolicyView) -> str:
    """The version of a policy as one reads it: the one shown, and the newest there is."""
    return f"{shown['version']}.{max(version['version'] for version in shown['versions'])}"


async def publish(
    tx: Tx,
    name: str,
    *,
    document: str,
    checked: Checked,
    effective_from: datetime | None,
    matching: Callable[[str | None], None] = lambda _: None,
) -> PublishedPolicy:
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
    body: PublishedPolicy = {
        **head_view(found.policy),
        "version": version,
        "effective_from": iso(since),
        "warnings": [_problem(problem) for problem in problems if problem.severity == "warning"],
    }
    if tx.validate_only:
        return body
    await policies.add_version(tx, found.policy, version=version, source=document, effective_from=since)
    if found.policy.calendars:
        await calendars.seed(tx, found.policy)
    await audit_trail.note(tx, "policy.published", f"{name}/{version}", {"effective_from": iso(since)})
    event = {"name": name, "version": version, "effective_from": iso(since)}
    await events.publish(tx, "policy.published", event)
    return body


async def whole(tx: Tx, checked: Checked, shown: PublishedPolicy) -> PolicyView:
    """The whole of a version that was published, or only validated, as `get_policy` shows it once it is there."""
    draft = _sound(checked)[0].policy
    new: VersionRow = {"version": shown["version"], "effective_from": str(shown["effective_from"])}
    there: list[VersionRow] = [
        {"version": number, "effective_from": iso(since)}
        for number, since, _ in await policies.versions(tx)
        if number != new["version"]
    ]
    versions = sorted([*there, new], key=lambda item: item["version"])
    return policy_view(draft, document=dump(draft), versions=versions)


def _checked(document: str) -> Checked:
    try:
        found = load_document(document)
    except PolicyDocumentError as error:
        return None, error.problems
    return found, tuple(check_policy(found.policy, found.marks))


def _sound(checked: Checked) -> tuple[Document, tuple[Problem, ...]]:
    found, problems = checked
    errors = [problem for problem in problems if problem.severity == "error"]
    if found is None or errors:
        raise DomainError("policy_invalid", problems=[_problem(error) for error in errors])
    return found, problems


def _problem(problem: Problem) -> PolicyProblem:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity,
    }
