"""The codes that a policy may give as reasons, with what each means; a policy brings its own, so no list in code knows
them."""

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
    "See `reasons` for the clause and the facts it rests on, and `remedies` for what helps; "
    "GET /v1/policies/{name} lists the policy's reasons."
)


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """A code, why a rule gives it (facts of a case left out), and what the caller can do."""

    code: str
    cause: str
    next_step: str


@dataclass(frozen=True, slots=True)
class _Given:
    code: str
    message: str
    remedies: tuple[str, ...]
    allows: bool


def reason_codes(policies: Iterable[Policy]) -> tuple[ReasonCode, ...]:
    """Every code these policies can give, sorted; where rules share a code, each rule's message."""
    found: dict[str, list[_Given]] = {}
    for policy in policies:
        for given_ in _walk(policy, policy):
            found.setdefault(given_.code, []).append(given_)
    return tuple(_merged(code, given) for code, given in sorted(found.items()))


def _merged(code: str, given: list[_Given]) -> ReasonCode:
    causes = list(dict.fromkeys(given_.message for given_ in given))
    steps = list(dict.fromkeys(step for given_ in given for step in given_.remedies))
    otherwise = _YES if all(given_.allows for given_ in given) else _ASK
    return ReasonCode(code, _either(causes), _either(steps) if steps else otherwise)


def _either(texts: list[str]) -> str:
    return " Or: ".join(text if text.endswith((".", "…")) else f"{text}." for text in texts)


def _walk(part: Any, policy: Policy) -> Iterator[_Given]:
    if dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if isinstance(value, str) and (field.name == "code" or field.name.endswith("_code")):
                yield _given(part, value, policy)
            else:
                yield from _walk(value, policy)
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _walk(value, policy)
    elif isinstance(part, tuple | list):
        for value in part:
            yield from _walk(value, policy)


def _given(rule: Any, code: str, policy: Policy) -> _Given:
    clause = policy.clause(rule.clause) if getattr(rule, "clause", None) else None
    message = getattr(rule, "message", None) or (clause.text if clause is not None else code.replace("_", " "))
    remedies = tuple(item.text for item in getattr(rule, "remedies", ()) if item.text)
    return _Given(code, _FACT.sub("…", message), remedies, bool(getattr(rule, "allow", False)))
