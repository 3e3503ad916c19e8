"""Prices by the list (AVA-7, XC-9): what a category costs, and when an assessment needs a reason."""

from __future__ import annotations

import pytest

from app.domain.policy.price_terms import FormulaPrice
from app.domain.policy.prices import Quote, assessed, quote
from app.domain.values.errors import DomainError
from app.usecases.tenants import tenants


def listed(**bounds: int | None) -> Quote:
    return Quote(category="a", credits=None, clause="AVA-7", reading=False, **bounds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("least", "most", "credits", "inside"),
    [
        (10, 20, 10, True),
        (10, 20, 20, True),
        (10, 20, 9, False),
        (10, 20, 21, False),
        (10, None, 10, True),
        (10, None, 9, False),
        (10, None, 10_000, True),
        (None, None, 1, True),
        (0, 0, 0, True),
        (0, 0, 1, False),
    ],
)
def test_outside_the_list_needs_a_reason(least: int | None, most: int | None, credits: int, inside: bool) -> None:
    quote = listed(least=least, most=most)
    if inside:
        assert assessed(quote, credits=credits, reason=None).outside_list is False
        return
    for reason in (None, "", "   "):
        with pytest.raises(DomainError) as refused:
            assessed(quote, credits=credits, reason=reason)
        assert refused.value.code == "reason_required"
    found = assessed(quote, credits=credits, reason="agreed with the customer")
    assert (found.credits, found.outside_list) == (credits, True)


def test_nothing_is_charged_below_zero_or_without_its_inputs() -> None:
    for wrong in (-1, 2**53):
        with pytest.raises(DomainError, match="amount_out_of_range"):
            assessed(listed(), credits=wrong, reason="r")
    with pytest.raises(DomainError, match="credits_required"):
        assessed(listed(least=1), credits=None, reason=None)
    wanting = Quote(category="a", credits=None, clause="XC-9", reading=False, missing=("pages",))
    with pytest.raises(DomainError, match="inputs_required"):
        assessed(wanting, credits=5, reason="r")


def test_a_formula_adds_up() -> None:
    """The base, and each input as often as it is stated; unknown inputs make no price (XC-9)."""
    policy, _ = tenants.templates()["x-cart"]
    found = [one for one in policy.categories if isinstance(one.price, FormulaPrice)]
    assert found
    for category in found:
        price = category.price
        assert isinstance(price, FormulaPrice)
        assert price.base > 0
        inputs = {name: number for number, name in enumerate(price.per, start=2)}
        wanted = price.base + sum(each * inputs[name] for name, each in price.per.items())
        told = quote(category, inputs)
        assert (told.credits, told.least, told.most) == (wanted, wanted, wanted)
        assert quote(category, {}).missing == tuple(price.per)
        assert quote(category, {}).credits is None
