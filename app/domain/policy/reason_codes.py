"""The codes that a policy may give as reasons. A policy brings its own, so no list in code knows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """A code, and whether every rule that gives it says yes."""

    code: str
    allows: bool


def reason_codes(policies: Iterable[Policy]) -> tuple[ReasonCode, ...]:
    """Return every code that these policies can give, sorted."""
    found: dict[str, list[bool]] = {}
    for policy in policies:
        for code, allows in _walk(policy):
            found.setdefault(code, []).append(allows)
    return tuple(ReasonCode(code, all(uses)) for code, uses in sorted(found.items()))


def _walk(part: Any) -> Iterator[tuple[str, bool]]:
    if dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if isinstance(value, str) and (field.name == "code" or field.name.endswith("_code")):
                yield value, bool(getattr(part, "allow", False))
            else:
                yield from _walk(value)
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _walk(value)
    elif isinstance(part, tuple | list):
        for value in part:
            yield from _walk(value)
