"""Conditions over facts, in three values: true, false, unknown (None). An absent fact is unknown (ALL-3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar, Final, Literal

from app.domain.policy.document import STRICT

Scalar = str | int | bool | None

Op = Literal["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "known", "unknown", "contains"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison. An absent fact makes it unknown (ALL-3), save for ``known`` and ``unknown``.

    ``value`` may be a scalar, a list of scalars (``in``, ``not_in``) or another fact through ``value_fact``.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    fact: str
    """The name of the fact that is compared."""
    op: Op = "eq"
    """The comparison; ``known`` and ``unknown`` need no value."""
    value: Scalar | tuple[Scalar, ...] = None
    """What it is compared with: one value, or a list for ``in`` and ``not_in``."""
    value_fact: str | None = None
    """Another fact that it is compared with, in place of ``value``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    all: tuple[Condition, ...]
    """Conditions that must all hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    any: tuple[Condition, ...]
    """Conditions of which one must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    no: Condition
    """The condition that must not hold (YAML key ``no``, since ``not`` is a keyword here)."""


Condition = Test | All | AnyOf | Not


Facts = Mapping[str, Any]


def holds(condition: Condition | None, facts: Facts) -> bool | None:
    """Whether the condition holds; no condition always does. None: it depends on a fact that is not stated."""
    match condition:
        case None:
            return True
        case Test():
            return _test(condition, facts)
        case All(all=parts):
            answers = [holds(part, facts) for part in parts]
            return False if False in answers else None if None in answers else True
        case AnyOf(any=parts):
            answers = [holds(part, facts) for part in parts]
            return True if True in answers else None if None in answers else False
        case Not(no=part):
            answer = holds(part, facts)
            return None if answer is None else not answer


def facts_used(condition: Condition | None) -> Iterator[str]:
    """The names of the facts a condition looks at, in order, without repeats."""
    names: set[str] = set()
    for test in tests_of(condition):
        for name in (test.fact, test.value_fact):
            if name is not None and name not in names:
                names.add(name)
                yield name


def tests_of(condition: Condition | None) -> Iterator[Test]:
    """The single comparisons of a condition, left to right."""
    match condition:
        case None:
            return
        case Test():
            yield condition
        case All(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from tests_of(part)
        case Not(no=part):
            yield from tests_of(part)


def _test(test: Test, facts: Facts) -> bool | None:
    fact = facts.get(test.fact)
    if test.op == "known":
        return fact is not None
    if test.op == "unknown":
        return fact is None
    value: Any = facts.get(test.value_fact) if test.value_fact is not None else test.value
    if fact is None or (test.value_fact is not None and value is None):
        return _one_sided(test, fact)
    try:
        return bool(_COMPARE[test.op](fact, alike(fact, value)))
    except (TypeError, AttributeError):
        return None  # Two things of different types: a document checked before such comparisons were refused.


def _one_sided(test: Test, fact: Any) -> bool | None:
    """A comparison that lacks a side is unknown, save that what holds nothing does not hold it, whatever it is."""
    return False if test.op == "contains" and fact == () else None


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda fact, value: fact == value,
    "ne": lambda fact, value: fact != value,
    "in": lambda fact, value: fact in _many(value),
    "not_in": lambda fact, value: fact not in _many(value),
    "contains": lambda fact, value: not isinstance(fact, str) and value in fact,
    "lt": lambda fact, value: _number(fact) < _number(value),
    "le": lambda fact, value: _number(fact) <= _number(value),
    "gt": lambda fact, value: _number(fact) > _number(value),
    "ge": lambda fact, value: _number(fact) >= _number(value),
}


def alike(fact: Any, value: Any) -> Any:
    """Return the value in the type of the fact: a quoted time as an instant, a quoted decimal as a number."""
    if isinstance(value, tuple | list):
        return tuple(alike(fact, item) for item in value)
    if isinstance(value, str):
        if isinstance(fact, datetime):
            return instant(value)
        if isinstance(fact, int | Fraction | Decimal) and not isinstance(fact, bool):
            return _number(value)
    return value


@lru_cache(maxsize=1024)
def instant(text: str) -> datetime | None:
    """The instant of a time as a document writes it (RFC 3339, with a zone); None when it is none."""
    if not _INSTANT.match(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_decimal(text: str) -> bool:
    """Whether a text is a number as a document writes it: digits, with a sign and a point or without."""
    return bool(_DECIMAL.match(text))


_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{1,18}(\.\d{1,18})?\Z", re.ASCII)


def _many(value: Any) -> Any:
    return value if isinstance(value, (tuple, list, frozenset, set)) else (value,)


def _number(value: Any) -> Any:
    return Fraction(Decimal(value)) if isinstance(value, str) and is_decimal(value) else value
