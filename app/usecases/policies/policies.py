"""Policies: what is in force, the document with every name a caller may use, validation, and new versions.

Versions are immutable; a new one takes effect from a date and never changes what was granted or quoted before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.db import policies
from app.db.clocks import calendars
from app.db.engine import Tx
from app.db.events import events
from app.db.tenants import audit_trail
from app.documents.differences import differences
from app.documents.marks import PolicyDocumentError, Problem
from app.documents.policy_checks import check_policy
from app.documents.policy_document import dump, load_document
from app.documents.policy_yaml import as_written
from app.documents.yaml_reader import Document
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.views.policy import Policy as PolicyView
from app.views.policy import PolicyCheck, PolicyProblem, PolicyRow, PublishedPolicy, head_view, policy_view
from app.views.policy_version import PolicyComparison, PolicySource, VersionRow
from app.views.shapes import PageOf


async def in_force(tx: Tx) -> Policy:
    """Return the policy in force."""
    return await policies.in_force(tx)


async def list_policies(tx: Tx) -> PageOf[PolicyRow]:
    """The tenant's policy with its version in force. One tenant has one policy, so the list has one row."""
    policy = await policies.in_force(tx)
    return {"data": [head_view(policy)], "next_cursor": None}


async def get_policy(tx: Tx, name: str, *, version: int | None = None) -> PolicyView:
    """The whole policy: every name a caller may use, each with its clause. 404 ``policy_not_found``."""
    policy = await _of(tx, name, version)
    return policy_view(
        policy, document=dump(policy), versions=[_row(stored) for stored in await policies.every_version(tx)]
    )


async def _of(tx: Tx, name: str, version: int | None) -> Policy:
    """A version of the tenant's policy, or the one in force."""
    if name != tx.tenant.policy_name:
        raise DomainError("policy_not_found", name=name)
    return await (policies.in_force(tx) if version is None else policies.of_version(tx, version))


def _row(stored: policies.StoredVersion) -> VersionRow:
    row: VersionRow = {"version": stored.version, "effective_from": iso(stored.effective_from)}
    return row if stored.withdrawn_at is None else {**row, "withdrawn_at": iso(stored.withdrawn_at)}


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as it is stored: what is said of it, its text, and what the text means."""

    row: VersionRow
    text: str
    policy: Policy


async def stored(tx: Tx, name: str, *, version: int | None = None) -> Stored:
    """A version of the policy, or the one in force. 404 ``policy_not_found``."""
    policy = await _of(tx, name, version)
    (found,) = (each for each in await policies.every_version(tx) if each.version == policy.version)
    return Stored(_row(found), await policies.source(tx, name, policy.version), policy)


async def source_of(found: Stored) -> PolicySource:
    """The document as its author wrote it; written out beside the event loop where it came as JSON."""
    source, written = await asyncio.get_running_loop().run_in_executor(_CHECKERS, as_written, found.text, found.policy)
    return {"name": found.policy.policy, **found.row, "source": source, "written": written}


async def compare(found: Stored, draft: Policy) -> PolicyComparison:
    """What a draft says otherwise than a version, worked out beside the event loop."""
    rows = await asyncio.get_running_loop().run_in_executor(_CHECKERS, differences, found.policy, draft)
    return {
        "version": found.policy.version,
        "differences": [{"path": row.path, "change": row.change, "words": row.words} for row in rows],
    }


async def withdraw(tx: Tx, name: str, version: int) -> VersionRow:
    """Takes back a version whose day has not come; it never comes into force, and its number is not used again.

    Again: the same answer. 404 ``policy_not_found``; 409 ``policy_version_in_force``, ``policy_version_used``.
    """
    await _of(tx, name, version)
    await policies.newest_version(tx, name)
    (stored,) = (stored for stored in await policies.every_version(tx) if stored.version == version)
    if stored.withdrawn_at is not None:
        return _row(stored)
    since = iso(stored.effective_from)
    if stored.effective_from <= tx.at:
        raise DomainError("policy_version_in_force", version=version, effective_from=since, now=iso(tx.at))
    if await policies.is_used(tx, version):
        raise DomainError("policy_version_used", version=version, effective_from=since)
    if not tx.validate_only:
        await policies.withdraw(tx, name, version)
        await audit_trail.note(tx, "policy.withdrawn", f"{name}/{version}", {"effective_from": since})
        await events.publish(tx, "policy.withdrawn", {"name": name, "version": version, "effective_from": since})
    return {"version": version, "effective_from": since, "withdrawn_at": iso(tx.at)}


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
    rows = shown["versions"]
    return _tag(shown["version"], max(row["version"] for row in rows), sum("withdrawn_at" in row for row in rows))


def _tag(version: int, newest: int, withdrawn: int) -> str:
    return f"{version}.{newest}" + (f".{withdrawn}" if withdrawn else "")


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
    withdrawn = sum(stored.withdrawn_at is not None for stored in await policies.every_version(tx))
    matching(_tag((await policies.in_force(tx)).version, newest, withdrawn))
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
    there = [_row(stored) for stored in await policies.every_version(tx) if stored.version != new["version"]]
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
