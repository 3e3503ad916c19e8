"""The price list: prices below zero for some input, inputs that are not declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.documents import fact_space
from app.documents.checks.context import Checker, Parts, grants
from app.documents.checks.offer_prices import amount_fault
from app.domain.policy.conditions import All, Test
from app.domain.policy.offers import CoverGrant
from app.domain.policy.price_terms import (
    FixedPrice,
    FormulaPrice,
    FromPrice,
    MoneyPrice,
    OnRequestPrice,
    RangePrice,
    TimePrice,
)
from app.domain.policy.ticket_rules import Category, InputSpec
from app.domain.values.money import MAX_CREDITS

_NO_CREDITS: Final = "Add `credits:`; without credits, write `kind: money` or `kind: on_request`."


def check_categories(c: Checker) -> None:
    p = c.policy
    granted = {
        n for i, o in enumerate(p.offers) for _, g in grants(o, i) if isinstance(g, CoverGrant) for n in g.levels
    }
    for i, category in enumerate(p.categories):
        parts: Parts = ("categories", i)
        _price(c, category, parts)
        _inputs(c, category, parts)
        if category.level is not None and category.level not in granted:
            c.warn(
                (*parts, "level"),
                "level_without_cover",
                f"No cover makes level {category.level} free.",
                "Grant a cover with this level, or remove `level`.",
            )
        priced = not (isinstance(category.price, FixedPrice) and category.price.credits == 0)
        if priced and p.credits is None and not isinstance(category.price, OnRequestPrice | MoneyPrice):
            c.error((*parts, "price"), "credits_not_declared", "A price in credits needs `credits`.", _NO_CREDITS)
        if priced and not category.needs_means:
            c.error(
                (*parts, "needs_means"),
                "needs_means_without_effect",
                "A price other than 0 is paid by credits or cover all the same.",
                "Write `price: {kind: fixed, credits: 0}`, or remove `needs_means`.",
            )
        if not priced and not category.needs_means and (name := _dearer(c, category)) is not None:
            c.warn(
                (*parts, "needs_means"),
                "needs_means_with_surcharge",
                f"With the surcharge `{name}` it costs something, which credits pay.",
                "Let the surcharge look at `ticket.category`, or remove `needs_means`.",
            )
        if category.confirm and p.confirmation is None:
            c.error(
                (*parts, "confirm"), "confirmation_missing", "`confirm` needs `confirmation`.", "Add `confirmation:`."
            )
    typed = p.credits is not None and any(t.service for t in p.credits.types)
    if "credits" in p.payment.means and not p.categories and not typed:
        c.error(
            ("payment", "means"),
            "no_price_list",
            "Credits pay, but nothing has a price.",
            "Add `categories`, or credit types with `service: true`.",
        )


def _dearer(c: Checker, category: Category) -> str | None:
    """The first surcharge that makes a ticket of a free category cost something."""
    mine = Test(fact="ticket.category", value=category.category)
    for rule in c.policy.surcharges:
        if (rule.add or 0) > 0 and not rule.of_work:
            condition = mine if rule.when is None else All(all=(mine, rule.when))
            if fact_space.can_hold(condition, c.price_facts):
                return rule.surcharge
    return None


def _price(c: Checker, category: Category, parts: Parts) -> None:
    price, where = category.price, (*parts, "price")
    lowest = highest = 0
    match price:
        case FixedPrice(credits=credits):
            lowest = highest = credits
        case RangePrice(least=least, most=most):
            lowest, highest = least, most
            if least > most:
                c.error(
                    where, "empty_range", f"From {least} to {most} there is nothing.", "Write the smaller as `least`."
                )
        case FromPrice(least=least):
            lowest = highest = least
        case FormulaPrice():
            _formula(c, category.inputs, price, where)
        case MoneyPrice(amount=amount):
            _money(c, amount, (*where, "amount"))
        case OnRequestPrice() | TimePrice():
            pass
    if lowest < 0:
        c.error(where, "negative_price", f"The price can be {lowest} credits.", "Write zero or more.")
    if highest > MAX_CREDITS:
        c.error(where, "price_too_large", f"The price can be {highest} credits.", f"At most {MAX_CREDITS}.")


def _money(c: Checker, amount: str, where: Parts) -> None:
    fault = amount_fault(amount, c.policy.currency)
    if fault is not None:
        c.error(where, *fault)


def _formula(c: Checker, inputs: Sequence[InputSpec], price: FormulaPrice, where: Parts) -> None:
    most = {spec.name: spec.most for spec in inputs}
    for name in price.per:
        if name not in most:
            c.error(
                (*where, "per", name),
                "undeclared_input",
                f"The input `{name}` is not declared.",
                f"Add `inputs: [{{name: {name}, title: ...}}]` to the category.",
            )
    lowest = price.base + sum(min(0, rate * most.get(name, 0)) for name, rate in price.per.items())
    highest = price.base + sum(max(0, rate * most.get(name, 0)) for name, rate in price.per.items())
    if lowest < 0:
        witness = _witness(price, most)
        c.error(
            where,
            "negative_price",
            f"The price is {witness[1]} credits with {witness[0]}.",
            "Raise `base`, or bound the input with `most`.",
        )
    if highest > MAX_CREDITS:
        c.error(where, "price_too_large", f"The price can be {highest} credits.", "Bound the input with `most`.")


def _witness(price: FormulaPrice, most: dict[str, int]) -> tuple[str, int]:
    """The smallest inputs that make the price negative: the steepest rates first, as few units as are needed."""
    amount, used = price.base, []
    for name, rate in sorted(price.per.items(), key=lambda item: (item[1], item[0])):
        if amount < 0 or rate >= 0:
            break
        units = min(most.get(name, 0), amount // -rate + 1)
        amount += rate * units
        used.append(f"{name} = {units}")
    return (" and ".join(used) or "any input"), amount


def _inputs(c: Checker, category: Category, parts: Parts) -> None:
    c.unique(((x.name, (*parts, "inputs", i, "name")) for i, x in enumerate(category.inputs)), "input")
    used = category.price.per if isinstance(category.price, FormulaPrice) else {}
    for i, spec in enumerate(category.inputs):
        if spec.name not in used:
            c.warn(
                (*parts, "inputs", i),
                "unused_input",
                f"The price does not use the input `{spec.name}`.",
                "Add it to `per`, or remove it.",
            )
        if spec.most < 0:
            c.error((*parts, "inputs", i, "most"), "bad_bound", "An input is 0 or more.", "Write `most: 100`.")
