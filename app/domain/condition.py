"""Conditions over facts, in three values: true, false, unknown (None). An absent fact is unknown (ALL-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.domain.policy import All, AnyOf, Condition, Not, Test

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
    seen: set[str] = set()
    for test in tests_of(condition):
        for name in (test.fact, test.value_fact):
            if name is not None and name not in seen:
                seen.add(name)
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
    return bool(_COMPARE[test.op](fact, value))


def _one_sided(test: Test, fact: Any) -> bool | None:
    """A comparison that lacks a side is unknown, save that what holds nothing does not hold it, whatever it is."""
    return False if test.op == "contains" and fact == () else None


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda fact, value: fact == value,
    "ne": lambda fact, value: fact != value,
    "in": lambda fact, value: fact in _many(value),
    "not_in": lambda fact, value: fact not in _many(value),
    "contains": lambda fact, value: value in fact,
    "lt": lambda fact, value: _number(fact) < _number(value),
    "le": lambda fact, value: _number(fact) <= _number(value),
    "gt": lambda fact, value: _number(fact) > _number(value),
    "ge": lambda fact, value: _number(fact) >= _number(value),
}


def _many(value: Any) -> Any:
    return value if isinstance(value, (tuple, list, frozenset, set)) else (value,)


def _number(value: Any) -> Any:
    if isinstance(value, str):
        return Fraction(Decimal(value)) if value.replace(".", "", 1).lstrip("-").isdigit() else value
    return value
