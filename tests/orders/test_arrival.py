"""Any order of arrival ends in the same projection, for random histories under every policy (decision 0007)."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.orders.accounts import an_account, an_order, arrive, projection, the_policy

FIRST = datetime(2024, 1, 31, tzinfo=UTC)
POLICIES = ("cactushop", "cs-cart", "avactis", "x-cart", "shopp")


@st.composite
def histories(draw: st.DrawFn, policy: str) -> list[tuple[str, datetime, tuple[tuple[str, int], ...]]]:
    """Orders of one account, some at the same instant, in any order of arrival."""
    skus = [one.sku.replace("{n}", "7") for one in the_policy(policy).offers] + ["mug"]
    line = st.tuples(st.sampled_from(skus), st.integers(1, 3))
    count = draw(st.integers(2, 6))
    orders = [
        (
            f"o-{n}",
            FIRST + timedelta(days=30 * draw(st.integers(0, 10)), hours=draw(st.integers(0, 1))),
            tuple(draw(st.lists(line, min_size=1, max_size=3))),
        )
        for n in range(count)
    ]
    return list(draw(st.permutations(orders)))


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_order_of_arrival_does_not_matter(policy: str, data: st.DataObject) -> None:
    history = data.draw(histories(policy))
    found = []
    for arrival in (history, sorted(history, key=lambda one: (one[1], one[0])), list(reversed(history))):
        account, known = an_account(policy), []  # type: ignore[var-annotated]
        for order_id, placed_at, lines in arrival:
            arrive(account, known, an_order(order_id, placed_at, *lines, policy=policy))
        found.append(projection(account, known))
        again = deepcopy(found[-1])
        arrive(account, known[:-1], known[-1])
        assert projection(account, known) == again, "settling again changes nothing"
    assert found[0] == found[1] == found[2]
