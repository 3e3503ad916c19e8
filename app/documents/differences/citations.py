"""Which rules of a policy keep each of its clauses: the other way round than a rule names its clause."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from app.documents.differences import phrases
from app.documents.differences.walk import Place, Walk, is_part, is_thing
from app.domain.policy.policy import ClauseText, Policy
from app.domain.values.phrase import capital


def cited_by(policy: Policy) -> dict[str, list[str]]:
    """Return the names of what rests on each clause, in the order of the document."""
    found: dict[str, list[str]] = {clause.id: [] for clause in policy.clauses}
    for clause, name in _cited(policy, Place((), "the policy", policy.currency), Walk(policy, policy)):
        names = found.setdefault(clause, [])
        if capital(name) not in names:
            names.append(capital(name))
    return found


def _cited(thing: Any, place: Place, walk: Walk) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if isinstance(value, str) and field.name == "clause":
            yield value, place.name
        elif isinstance(value, str) and field.name.endswith("_clause"):
            about = phrases.CLAUSES.get(field.name, field.name.removesuffix("_clause"))
            yield value, f"{about} of {place.name}" if place.path else about
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if is_thing(item) and not isinstance(item, ClauseText):
                    yield from _cited(item, walk.named(item, place, field.name, index), walk)
        elif isinstance(value, Mapping):
            yield from _keyed(field.name, value, place, walk)
        elif is_part(value):
            yield from _cited(value, walk.named_part(field.name, value, place), walk)


def _keyed(name: str, members: Mapping[str, Any], place: Place, walk: Walk) -> Iterator[tuple[str, str]]:
    for key, value in members.items():
        if is_part(value):
            yield from _cited(value, walk.keyed(name, key, place), walk)
        elif name == "clause_by_reason":
            yield value, f"{place.name} for the reason {key.replace('_', ' ')}"
