"""The codes that a policy may give as reasons, with what each means.

A policy brings its own, so no list in code knows them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.policy.policy import Policy

_FACT: Final = re.compile(r"\{[^{}]*\}")
_YES: Final = "Nothing: this is why the answer is yes."
_ASK: Final = (
    "See `reasons` for the clause and the facts it rests on, and `remedies` for what helps. "
    "GET /v1/policies/{name} lists the policy's reasons."
)


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """A code, why a rule gives it (facts of a case left out), and what the caller can do."""

    code: str
    cause: str
    next_step: str


@dataclass(frozen=True, slots=True)
class _Use:
    code: str
    message: str
    remedies: tuple[str, ...]
    allows: bool


def reason_codes(policies: Iterable[Policy]) -> tuple[ReasonCode, ...]:
    """Every code these policies can give, sorted; where rules share a code, each rule's message."""
    found: dict[str, list[_Use]] = {}
    for policy in policies:
        for use in _walk(policy, policy):
            found.setdefault(use.code, []).append(use)
    return tuple(_merged(code, uses) for code, uses in sorted(found.items()))


def _merged(code: str, uses: list[_Use]) -> ReasonCode:
    causes = list(dict.fromkeys(use.message for use in uses))
    steps = list(dict.fromkeys(step for use in uses for step in use.remedies))
    otherwise = _YES if all(use.allows for use in uses) else _ASK
    return ReasonCode(code, _either(causes), _either(steps) if steps else otherwise)


def _either(texts: list[str]) -> str:
    return " Or: ".join(text if text.endswith((".", "…")) else f"{text}." for text in texts)


def _walk(part: Any, policy: Policy) -> Iterator[_Use]:
    if dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if isinstance(value, str) and (field.name == "code" or field.name.endswith("_code")):
                yield _use(part, value, policy)
            else:
                yield from _walk(value, policy)
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _walk(value, policy)
    elif isinstance(part, tuple | list):
        for value in part:
            yield from _walk(value, policy)


def _use(rule: Any, code: str, policy: Policy) -> _Use:
    clause = policy.clause(rule.clause) if getattr(rule, "clause", None) else None
    message = getattr(rule, "message", None) or (clause.text if clause is not None else code.replace("_", " "))
    remedies = tuple(item.text for item in getattr(rule, "remedies", ()) if item.text)
    return _Use(code, _FACT.sub("…", message), remedies, bool(getattr(rule, "allow", False)))
