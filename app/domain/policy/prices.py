"""Prices by the list: a category's price for given inputs, and whether an assessment keeps to it (AVA-7, XC-9).

All in credits. Nothing here knows a ticket or a customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.policy import reckoning
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import (
    FixedPrice,
    FormulaPrice,
    FromPrice,
    MoneyPrice,
    OnRequestPrice,
    RangePrice,
    TimePrice,
)
from app.domain.policy.surcharges import Surcharge
from app.domain.policy.ticket_rules import Category
from app.domain.values.errors import DomainError
from app.domain.values.money import MAX_CREDITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a category costs. ``credits`` None: an assessment must name them; ``missing``: inputs not stated yet.

    ``least`` and ``most`` bound what passes without a reason; None is open on that side.
    """

    category: str
    credits: int | None
    clause: str
    reading: bool
    least: int | None = None
    most: int | None = None
    missing: tuple[str, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    """Those that apply to the whole price, in order."""
    made: reckoning.Reckoned | None = None
    """How the price is made, where more than the list makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """The credits of an assessment; ``outside_list``: not by the list, so it carries a reason."""

    credits: int
    list_credits: int | None
    outside_list: bool


def category_named(policy: Policy, name: str) -> Category:
    """The category; 422 ``unknown_category``, naming those there are."""
    found = policy.category(name)
    if found is None:
        raise DomainError(
            "unknown_category",
            field="category",
            category=name,
            known=[category.category for category in policy.categories],
        )
    return found


def check_inputs(policy: Policy, category: str | None, inputs: Mapping[str, object]) -> dict[str, int]:
    """The inputs of a formula; 422 ``unknown_input`` or ``input_out_of_range`` naming the field (XC-9).

    Without a category they may be any that the policy knows.
    """
    found = [category_named(policy, category)] if category is not None else list(policy.categories)
    known = {spec.name: spec for category in found for spec in category.inputs}
    checked: dict[str, int] = {}
    for name, value in inputs.items():
        spec = known.get(name)
        if spec is None:
            raise DomainError("unknown_input", field=f"/inputs/{name}", input=name, known=sorted(known))
        if type(value) is not int or not 0 <= value <= spec.most:
            raise DomainError("input_out_of_range", field=f"/inputs/{name}", input=name, least=0, most=spec.most)
        checked[name] = value
    return checked


def quote(category: Category, inputs: Mapping[str, int]) -> Quote:
    """The price by the list for these inputs."""
    name, clause, reading = category.category, category.clause, category.reading
    match category.price:
        case FixedPrice(credits=credits):
            return Quote(category=name, credits=credits, clause=clause, reading=reading, least=credits, most=credits)
        case RangePrice(least=least, most=most):
            return Quote(category=name, credits=None, clause=clause, reading=reading, least=least, most=most)
        case FromPrice(least=least):
            return Quote(category=name, credits=None, clause=clause, reading=reading, least=least)
        case OnRequestPrice() | TimePrice() | MoneyPrice():
            return Quote(category=name, credits=None, clause=clause, reading=reading)
        case FormulaPrice(base=base, per=per):
            missing = tuple(item for item in per if item not in inputs)
            if missing:
                return Quote(category=name, credits=None, clause=clause, reading=reading, missing=missing)
            total = base + sum(each * inputs[number] for number, each in per.items())
            return Quote(category=name, credits=total, clause=clause, reading=reading, least=total, most=total)


def with_surcharges(
    policy: Policy, listed: Quote, surcharges: Sequence[Surcharge], why_not: Mapping[str, str] | None = None
) -> Quote:
    """The price by the list after these surcharges: its bounds and its steps."""
    if not surcharges:
        return listed

    def after(credits: int | None) -> int | None:
        return None if credits is None else reckoning.price_after(policy, credits, surcharges)

    made = None
    if listed.credits is not None:
        first = reckoning.list_step(policy, listed.credits, listed.clause, reading=listed.reading)
        made = reckoning.reckoned(policy, [first], surcharges, why_not=why_not)
    return replace(
        listed,
        credits=after(listed.credits),
        least=after(listed.least),
        most=after(listed.most),
        surcharges=tuple(surcharges),
        made=made,
    )


def assessed(listed: Quote, *, credits: int | None, reason: str | None) -> Assessed:
    """What an assessment of the category costs (AVA-7).

    Fixed and formula prices need no credits named. Inside the list passes; outside needs a reason and is marked.
    Refused: ``inputs_required``, ``credits_required``, ``reason_required`` (422).
    """
    if listed.missing:
        raise DomainError(
            "inputs_required",
            field=f"/inputs/{listed.missing[0]}",
            missing=list(listed.missing),
            category=listed.category,
        )
    if credits is None:
        if listed.credits is None:
            raise DomainError(
                "credits_required", field="credits", category=listed.category, least=listed.least, most=listed.most
            )
        return Assessed(credits=listed.credits, list_credits=listed.credits, outside_list=False)
    if not 0 <= credits <= MAX_CREDITS:
        raise DomainError("amount_out_of_range", field="credits", credits=credits, least=0, most=MAX_CREDITS)
    inside = (listed.least is None or listed.least <= credits) and (listed.most is None or credits <= listed.most)
    if not inside and not (reason or "").strip():
        raise DomainError(
            "reason_required",
            field="reason",
            credits=credits,
            least=listed.least,
            most=listed.most,
            category=listed.category,
        )
    return Assessed(credits=credits, list_credits=listed.credits, outside_list=not inside)
