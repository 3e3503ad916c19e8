"""How a price is made, step by step, in whole credits: by the list or the work, then by each surcharge that applies.

Nothing here knows a ticket: which surcharges apply is told by name. The steps add up to the price. A surcharge that
multiplies works on the exact number so far, and the sum is rounded, so that no order of rounding changes a price.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from app.domain.policy.conditions import holds
from app.domain.policy.policy import Policy
from app.domain.policy.surcharges import Surcharge
from app.domain.policy.wording import credit_words
from app.domain.values.phrase import cited, phrased, phrased_of, plain
from app.domain.values.text import decimal_text

StepName = Literal["list", "assessed", "work", "least", "surcharge", "given_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """One step of a price. ``credits``: by how much it changes the price; ``without``: the price without it."""

    step: StepName
    credits: int
    summary: str
    clause: str | None
    reading: bool = False
    surcharge: str | None = None
    without: int | None = None
    would_change: str | None = None

    def json(self) -> dict[str, Any]:
        """As stored and published."""
        return {
            "step": self.step,
            "surcharge": self.surcharge,
            "credits": self.credits,
            "summary": str(self.summary),
            "clause": self.clause,
            "reading": self.reading,
            "without": self.without,
            "would_change": None if self.would_change is None else str(self.would_change),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """A price with its steps. ``surviving``: the part of it that stays charged when a cause returns the rest."""

    credits: int
    steps: tuple[PriceStep, ...]
    surviving: int = 0


def applying(
    policy: Policy, facts: Mapping[str, Any], *, of_work: bool, spent: Collection[str] = ()
) -> list[Surcharge]:
    """The surcharges that hold for these facts, in order; of a group the first. ``spent``: those whose first tickets
    are used up."""
    found: list[Surcharge] = []
    groups: set[str] = set()
    for surcharge in policy.surcharges:
        if surcharge.of_work is not of_work or surcharge.surcharge in spent or surcharge.group in groups:
            continue
        if holds(surcharge.when, facts) is True:
            found.append(surcharge)
            if surcharge.group is not None:
                groups.add(surcharge.group)
    return found


def named(policy: Policy, names: Iterable[str]) -> list[Surcharge]:
    """The surcharges of these names, in the order of the policy."""
    applied = set(names)
    return [surcharge for surcharge in policy.surcharges if surcharge.surcharge in applied]


def changed(exact: Fraction, surcharges: Iterable[Surcharge]) -> Fraction:
    """An exact price after these surcharges."""
    for surcharge in surcharges:
        exact = exact * surcharge.factor + (surcharge.add or 0)
    return exact


def whole(policy: Policy, exact: Fraction) -> int:
    """A price in whole credits, never below zero."""
    return max(policy.rounding.of(exact), 0)


def price_after(policy: Policy, credits: int, surcharges: Sequence[Surcharge]) -> int:
    """What so many credits by the list come to. Without surcharges the list's own number stands."""
    return whole(policy, changed(Fraction(credits), surcharges)) if surcharges else credits


def before(policy: Policy, credits: int, surcharges: Sequence[Surcharge]) -> Fraction:
    """What the price was before these surcharges made it so many credits; 0 where a factor of 0 hides it."""
    scale, shift = changed(Fraction(1), surcharges) - changed(Fraction(0), surcharges), changed(Fraction(0), surcharges)
    return (credits - shift) / scale if scale else Fraction(0)


def reckoned(
    policy: Policy,
    start: Sequence[PriceStep],
    surcharges: Sequence[Surcharge],
    *,
    exact: Fraction | None = None,
    start_surviving: int = 0,
    why_not: Mapping[str, str] | None = None,
) -> Reckoned:
    """A price from its first steps and the surcharges that apply to the whole.

    ``exact``: what the first steps come to, where that is no whole number. ``start_surviving``: how much of them
    survives a bug. ``why_not``: for each surcharge, in words, what would keep it away.
    """
    total = Fraction(sum(step.credits for step in start)) if exact is None else exact
    begun = total
    listed = sum(step.credits for step in start)
    steps, so_far = list(start), listed
    final = price_after(policy, so_far, surcharges) if exact is None else whole(policy, changed(exact, surcharges))
    for surcharge in surcharges:
        total = changed(total, [surcharge])
        stands = whole(policy, total)
        others = [other for other in surcharges if other is not surcharge]
        steps.append(
            PriceStep(
                step="surcharge",
                surcharge=surcharge.surcharge,
                credits=stands - so_far,
                summary=_summary(policy, surcharge, so_far, stands),
                clause=surcharge.clause,
                reading=surcharge.reading or is_reading(policy, surcharge.clause),
                without=whole(policy, changed(begun, others)) if others else listed,
                would_change=None if why_not is None else why_not.get(surcharge.surcharge),
            )
        )
        so_far = stands
    gone = [surcharge for surcharge in surcharges if not surcharge.survives_bug]
    return Reckoned(
        credits=final, steps=tuple(steps), surviving=_surviving(policy, begun, surcharges, gone, final, start_surviving)
    )


def _surviving(
    policy: Policy,
    begun: Fraction,
    surcharges: Sequence[Surcharge],
    others: Sequence[Surcharge],
    final: int,
    start_surviving: int,
) -> int:
    """What survives a bug: the price less what it is without the surcharges that survive."""
    if len(others) == len(surcharges) and not start_surviving:
        return 0
    without = whole(policy, changed(begun - start_surviving, others))
    return min(max(final - without, 0), final)


def _summary(policy: Policy, surcharge: Surcharge, was: int, stands: int) -> str:
    title = plain(surcharge.title)
    if surcharge.times is not None:
        text = phrased_of(
            "Times %(factor)s for %(surcharge)s: %(before)s becomes %(credits)s",
            "Times %(factor)s for %(surcharge)s: %(before)s become %(credits)s",
            was,
            factor=decimal_text(surcharge.factor),
            surcharge=title,
            before=was,
            credits=credit_words(policy, stands),
        )
        return cited(text, surcharge.clause)
    number = abs(surcharge.add or 0)
    amount = credit_words(policy, number)
    if (surcharge.add or 0) >= 0:
        text = phrased_of(
            "%(credits)s is added for %(surcharge)s",
            "%(credits)s are added for %(surcharge)s",
            number,
            credits=amount,
            surcharge=title,
        )
    else:
        text = phrased_of(
            "%(credits)s is taken off for %(surcharge)s",
            "%(credits)s are taken off for %(surcharge)s",
            number,
            credits=amount,
            surcharge=title,
        )
    return cited(text, surcharge.clause)


def is_reading(policy: Policy, clause: str | None) -> bool:
    """Whether a clause is our reading."""
    known = None if clause is None else policy.clause(clause)
    return bool(known and known.reading)


def list_step(policy: Policy, credits: int, clause: str | None, *, reading: bool = False) -> PriceStep:
    """The step that the price list makes."""
    return PriceStep(
        step="list",
        credits=credits,
        summary=cited(phrased("By the list: %(credits)s", credits=credit_words(policy, credits)), clause),
        clause=clause,
        reading=reading,
    )


def assessed_at(
    policy: Policy, credits: int, clause: str | None, surcharges: Sequence[Surcharge], *, reading: bool = False
) -> Reckoned:
    """The steps of a price that somebody named, whole: what it comes to before the surcharges that are in it."""
    exact = before(policy, credits, surcharges)
    base = whole(policy, exact)
    text = cited(phrased("Assessed at %(credits)s before surcharges", credits=credit_words(policy, base)), clause)
    first = PriceStep(step="assessed", credits=base, summary=text, clause=clause, reading=reading)
    found = reckoned(policy, [first], surcharges, exact=exact)
    off = credits - sum(step.credits for step in found.steps)
    steps = (replace(first, credits=base + off), *found.steps[1:])
    return Reckoned(credits=credits, steps=steps, surviving=min(found.surviving, credits))
