"""Parts of every explanation: its head, its steps, and the clauses that it cites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.domain.explanations import ticket as ticket_words
from app.domain.policy.policy import Policy
from app.domain.tickets.qualification import is_reading
from app.domain.values.wire import iso, jsonable

Step = dict[str, Any]


def head_of(kind: str, id_: str, policy: Policy) -> dict[str, Any]:
    """Return the first members of every explanation."""
    return {"kind": kind, "id": id_, "policy": {"name": policy.policy, "version": policy.version}}


def step_of(
    kind: str, occurred_at: Any, recorded_at: Any, actor: str | None, *, summary: str, clause: str | None, **more: Any
) -> Step:
    """Return one step of a trace."""
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


def rule_row(policy: Policy, result: Mapping[str, Any]) -> dict[str, Any]:
    """A check's result in a sentence, with its clause and whether it is our reading."""
    clause = str(result.get("clause")) if result.get("clause") else None
    return {
        **result,
        "summary": ticket_words.check_sentence(policy, result),
        "reading": bool(result.get("reading")) or is_reading(policy, clause),
    }


_WORKING: Final = ("before", "told")
"""Members of an operation that only its sentences need."""


def with_clauses(policy: Policy, body: dict[str, Any]) -> dict[str, Any]:
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
