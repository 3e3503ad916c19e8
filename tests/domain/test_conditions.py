"""Conditions in three values: what is not stated is unknown, and unknown is not false (ALL-3)."""

from __future__ import annotations

import itertools

import pytest

from app.domain.policy.conditions import All, AnyOf, Not, facts_used, holds
from app.domain.policy.conditions import Test as Comparison


def test_what_is_not_stated_is_unknown_and_not_false() -> None:
    for op in ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "contains"):
        assert holds(Comparison(fact="edition", op=op, value=3), {}) is None, op
    assert holds(Comparison(fact="editions", op="contains", value="pro"), {"editions": ()}) is False
    assert holds(Comparison(fact="edition", op="known"), {}) is False
    assert holds(Comparison(fact="edition", op="unknown"), {}) is True
    assert holds(Comparison(fact="edition", op="eq", value_fact="wanted"), {"edition": "pro"}) is None
    assert holds(None, {}) is True


TRUE, FALSE, UNKNOWN = (Comparison(fact=name, op="eq", value=1) for name in ("yes", "no", "maybe"))
FACTS = {"yes": 1, "no": 0}


@pytest.mark.parametrize("parts", list(itertools.product((True, False, None), repeat=2)), ids=str)
def test_three_values_combine(parts: tuple[bool | None, ...]) -> None:
    """Kleene's tables, each pair: false wins in `all`, true wins in `any`, unknown stays unknown."""
    tests = tuple({True: TRUE, False: FALSE, None: UNKNOWN}[one] for one in parts)
    wanted_all = False if False in parts else None if None in parts else True
    wanted_any = True if True in parts else None if None in parts else False
    assert holds(All(all=tests), FACTS) is wanted_all
    assert holds(AnyOf(any=tests), FACTS) is wanted_any
    negated = holds(Not(no=All(all=tests)), FACTS)
    assert negated is (None if wanted_all is None else not wanted_all)
    assert set(facts_used(All(all=tests))) <= {"yes", "no", "maybe"}


@pytest.mark.parametrize(
    ("op", "below", "equal", "above"),
    [("lt", True, False, False), ("le", True, True, False), ("gt", False, False, True), ("ge", False, True, True)],
)
def test_comparisons_at_their_boundary(op: str, below: bool, equal: bool, above: bool) -> None:
    """20 % exactly is not over 20 % (AVA-6), however the number is written."""
    for value, wanted in (("19.99", below), (20, equal), ("20.00", equal), ("20.01", above), (21, above)):
        assert holds(Comparison(fact="discount", op=op, value=20), {"discount": value}) is wanted, value
