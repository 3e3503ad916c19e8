"""Surcharges, time prices, priorities and kinds of work: a price below zero, a surcharge that is never reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from app.documents import fact_space
from app.documents.checks.context import Checker, Parts
from app.documents.fact_space import FactSpace
from app.domain.policy import reckoning
from app.domain.policy.conditions import Test, facts_used, holds, is_decimal
from app.domain.policy.price_terms import FixedPrice, FormulaPrice, FromPrice, RangePrice, TimePrice
from app.domain.policy.surcharges import Surcharge
from app.domain.policy.ticket_rules import Category
from app.domain.tickets.priority import FACTS
from app.domain.values.money import MAX_CREDITS

FACTOR_MAX: Final = 1_000
_PLACES: Final = 4


def check_surcharges(c: Checker) -> None:
    p = c.policy
    own = {spec.fact for spec in p.facts}
    for i, rule in enumerate(p.priorities):
        c.condition(rule.when, ("priorities", i, "when"), c.ticket_facts)
        for name in facts_used(rule.when):
            if name not in own and name not in FACTS:
                c.error(
                    ("priorities", i, "when"),
                    "fact_of_the_account",
                    f"A priority cannot hang on `{name}`.",
                    f"Use the policy's own facts, or one of {', '.join(f'`{fact}`' for fact in FACTS)}.",
                )
    for i, surcharge in enumerate(p.surcharges):
        _one(c, surcharge, ("surcharges", i))
    _reach(c)
    if not any(problem.severity == "error" for problem in c.found):
        for i, category in enumerate(p.categories):
            _below_zero(c, category, ("categories", i, "price"))
    if not 1 <= p.rounding.to <= MAX_CREDITS:
        c.error(("rounding", "to"), "out_of_bounds", f"`to` cannot be {p.rounding.to}.", f"From 1 to {MAX_CREDITS}.")
    if p.unit is not None and p.unit.minutes is not None and not 1 <= p.unit.minutes <= 1_440:
        c.error(("unit", "minutes"), "out_of_bounds", f"A credit of {p.unit.minutes} minutes.", "From 1 to 1440.")
    for i, category in enumerate(p.categories):
        if isinstance(category.price, TimePrice):
            _time(c, category.price, ("categories", i, "price"))


def _one(c: Checker, surcharge: Surcharge, parts: Parts) -> None:
    space = _space(c, surcharge)
    if c.condition(surcharge.when, (*parts, "when"), space) and surcharge.of_work:
        _of_work(c, surcharge, parts)
    if (surcharge.add is None) == (surcharge.times is None):
        c.error(parts, "bad_surcharge", "A surcharge adds or multiplies, one of the two.", "Write `add` or `times`.")
    if surcharge.add is not None and not -MAX_CREDITS <= surcharge.add <= MAX_CREDITS:
        c.error((*parts, "add"), "out_of_bounds", f"`add` cannot be {surcharge.add}.", f"At most {MAX_CREDITS}.")
    if surcharge.times is not None and not _is_factor(surcharge.times):
        hint = f'Write a decimal in quotes from "0" to "{FACTOR_MAX}", with at most {_PLACES} digits after the point.'
        c.error((*parts, "times"), "bad_factor", f"{surcharge.times!r} is no factor.", hint)
    if surcharge.first is not None and not 1 <= surcharge.first <= 1_000:
        c.error((*parts, "first"), "out_of_bounds", f"`first` cannot be {surcharge.first}.", "From 1 to 1000.")


def _is_factor(text: str) -> bool:
    if not is_decimal(text) or len(text.partition(".")[2]) > _PLACES:
        return False
    return 0 <= Fraction(text) <= FACTOR_MAX


def _space(c: Checker, surcharge: Surcharge) -> FactSpace:
    return c.work_facts if surcharge.of_work else c.price_facts


def _of_work(c: Checker, surcharge: Surcharge, parts: Parts) -> None:
    timed = [category for category in c.policy.categories if isinstance(category.price, TimePrice)]
    if not timed:
        c.error(
            parts,
            "unreachable_rule",
            "This surcharge is for work, and no category is priced by time.",
            "Write a price of `kind: time`, or look at facts of the ticket.",
        )
    if surcharge.first is not None:
        c.error(
            (*parts, "first"),
            "bad_surcharge",
            "`first` counts tickets, not lines of work.",
            "Remove `first`, or `work.` facts.",
        )
    kinds = [kind.kind for kind in (c.policy.work.kinds if c.policy.work else ())]
    if "work.kind" in facts_used(surcharge.when) and not kinds:
        c.error(
            (*parts, "when"), "unknown_fact", "No kind of work is declared.", "Add `work: {clause: ..., kinds: [...]}`."
        )


def _reach(c: Checker) -> None:
    """Within a group each surcharge must be the first that holds in some case."""
    groups: dict[str, list[tuple[int, Surcharge]]] = {}
    for i, surcharge in enumerate(c.policy.surcharges):
        if surcharge.group is not None:
            groups.setdefault(surcharge.group, []).append((i, surcharge))
    for name, members in groups.items():
        if len({surcharge.of_work for _, surcharge in members}) > 1:
            c.error(
                ("surcharges", members[-1][0], "group"),
                "mixed_group",
                f"The group `{name}` has surcharges for work and for whole tickets.",
                "Make two groups of it.",
            )
            continue
        rules = [surcharge.when for _, surcharge in members]
        for j, (i, surcharge) in enumerate(members):
            always = any(rule is None and members[k][1].first is None for k, rule in enumerate(rules[:j]))
            hidden = all(member.first is None for _, member in members[:j]) and not fact_space.reachable(
                rules, j, _space(c, surcharge)
            )
            if j and (always or hidden):
                c.error(
                    ("surcharges", i),
                    "unreachable_rule",
                    f"This surcharge is never reached: where it holds, one before it in `{name}` already does.",
                    "Move it up, or remove it.",
                )


def _below_zero(c: Checker, category: Category, parts: Parts) -> None:
    """The least price of a category, in every case of facts that matters to the surcharges."""
    rules = [rule for rule in c.policy.surcharges if not rule.of_work]
    if not rules:
        return
    least, most = _bounds(category)
    for applied, case in _cases(c, rules, category):
        lowest = reckoning.changed(Fraction(least), applied)
        highest = reckoning.changed(Fraction(most), applied)
        if lowest < 0:
            shown = ", ".join(f"{name} {'unknown' if value is None else value}" for name, value in case.items())
            c.error(
                parts,
                "negative_price",
                f"With its surcharges the price is {c.policy.rounding.of(lowest)} credits when {shown or 'it is any'}.",
                "Raise the price, or take less off.",
            )
            return
        if highest > MAX_CREDITS:
            c.error(parts, "price_too_large", "With its surcharges the price is too large.", f"At most {MAX_CREDITS}.")
            return


def _bounds(category: Category) -> tuple[int, int]:
    match category.price:
        case FixedPrice(credits=credits_):
            return credits_, credits_
        case RangePrice(least=least, most=most):
            return least, most
        case FromPrice(least=least):
            return least, least
        case FormulaPrice(base=base, per=per):
            limits = {spec.name: spec.most for spec in category.inputs}
            low = base + sum(min(0, rate * limits.get(name, 0)) for name, rate in per.items())
            return low, base + sum(max(0, rate * limits.get(name, 0)) for name, rate in per.items())
        case _:
            return 0, 0


def _cases(
    c: Checker, rules: Sequence[Surcharge], category: Category
) -> Iterator[tuple[list[Surcharge], dict[str, object]]]:
    """Which surcharges apply in each case, with the facts of the case. Too many cases: each sign for itself."""
    of_category = Test(fact="ticket.category", value=category.category)
    looked_at = fact_space.cases([of_category, *(rule.when for rule in rules)], c.price_facts)
    if looked_at is None:
        falling = [rule for rule in rules if (rule.add or 0) < 0 and rule.group is None]
        yield falling, {}
        return
    for case in looked_at:
        if holds(of_category, case) is True:
            facts = {name: value for name, value in case.items() if name != "ticket.category"}
            yield reckoning.applying(c.policy, case, of_work=False), facts


def _time(c: Checker, price: TimePrice, parts: Parts) -> None:
    bounds = {
        "credits": (1, MAX_CREDITS),
        "per_minutes": (1, 1_440),
        "least": (0, MAX_CREDITS),
        "free_minutes": (0, 10_080),
        "up_to": (1, MAX_CREDITS),
    }
    for name, (low, high) in bounds.items():
        value = getattr(price, name)
        if value is not None and not low <= value <= high:
            code = "negative_price" if value < 0 else "out_of_bounds"
            c.error((*parts, name), code, f"`{name}` cannot be {value}.", f"Write a number from {low} to {high}.")
    if price.up_to is not None and price.up_to < max(price.least, price.credits):
        c.error(
            (*parts, "up_to"),
            "limit_too_low",
            f"Work may take {price.up_to} credits, and the first costs more.",
            "Raise `up_to` to what the first block costs, or leave it out.",
        )
