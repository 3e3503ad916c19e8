"""What logged time costs: each line by its parts, rounded up to begun blocks on the sum.

A line of work across closing time has a part in hours and a part after hours, each with the surcharges that hold for
it. The first minutes of a ticket may be free; they are the earliest ones, in whatever order lines were told. So the
price depends on the lines alone: not on when they were told, nor in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import TimePrice
from app.domain.policy.reckoning import PriceStep, is_reading, named
from app.domain.policy.surcharges import Surcharge
from app.domain.policy.wording import condition_words, credit_words, each_block, minutes_words
from app.domain.values.phrase import Phrase, cited, concat, phrased, plain
from app.domain.values.text import decimal_text
from app.domain.values.wire import parse_iso

Line = Mapping[str, Any]
"""A line of work as a ticket keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What the lines of a ticket come to. ``by_line``: credits of each line that counts, by its number."""

    credits: int
    by_line: Mapping[int, int]
    minutes: int
    billable: int
    surviving: int
    steps: tuple[PriceStep, ...]


NOTHING: Final = Worked(credits=0, by_line={}, minutes=0, billable=0, surviving=0, steps=())


def counting(lines: Iterable[Line]) -> list[Line]:
    """The lines that no later line corrects, in the order in which the work was done."""
    every = list(lines)
    gone = {line["corrects"] for line in every if line.get("corrects") is not None}
    standing = [line for line in every if line["number"] not in gone]
    return sorted(standing, key=lambda line: (parse_iso(line["occurred_at"]), line["number"]))


def worked(policy: Policy, price: TimePrice, lines: Iterable[Line], *, clause: str | None) -> Worked:
    """The charge for the time of a ticket, before the surcharges on the whole."""
    standing = counting(lines)
    billable = [line for line in standing if line["billable"] and line["minutes"]]
    by_line = _by_line(price, billable, rules=_Rules(policy.surcharges))
    total = sum(by_line.values())
    charge = max(total, price.least) if total else 0
    fewer = total
    if any(rule.survives_bug and rule.of_work for rule in policy.surcharges):
        gone = _Rules([rule for rule in policy.surcharges if not rule.survives_bug])
        fewer = sum(_by_line(price, billable, rules=gone).values())
    surviving = charge - (max(fewer, price.least) if fewer else 0)
    minutes = sum(line["minutes"] for line in standing)
    paid = sum(line["minutes"] for line in billable)
    steps = []
    if billable:
        dearer = _dearer(policy, billable)
        plain_total = sum(_by_line(price, billable, rules=_Rules(())).values()) if dearer else None
        steps.append(_work_step(policy, price, paid, total, clause, dearer, plain_total))
    if charge > total:
        steps.append(_least_step(policy, charge - total, price, price.least_clause or clause))
    return Worked(
        credits=charge, by_line=by_line, minutes=minutes, billable=paid, surviving=max(surviving, 0), steps=tuple(steps)
    )


def _by_line(price: TimePrice, lines: Sequence[Line], *, rules: _Rules) -> dict[int, int]:
    free, reached, charged = price.free_minutes * 60, Fraction(0), 0
    block = price.per_minutes * 60
    found: dict[int, int] = {}
    for line in lines:
        weighted: int | Fraction = 0
        for part in line["parts"]:
            unpaid = min(free, part["seconds"])
            free -= unpaid
            weighted += (part["seconds"] - unpaid) * rules.factor(part["surcharges"])
        if price.rounded == "line":
            found[line["number"]] = _blocks(weighted, block) * price.credits
        else:  # what this line adds to the sum of all before it
            reached += weighted
            so_far = _blocks(reached, block) * price.credits
            found[line["number"]], charged = so_far - charged, so_far
        if line["adds"]:
            found[line["number"]] += rules.added(line["adds"])
    return {number: max(amount, 0) for number, amount in found.items()}


class _Rules:
    """What surcharges make of a line, looked up once for the names that lines share."""

    def __init__(self, surcharges: Iterable[Surcharge]) -> None:
        self._by_name = {rule.surcharge: rule for rule in surcharges}
        self._factors: dict[tuple[str, ...], int | Fraction] = {}

    def factor(self, names: Sequence[str]) -> int | Fraction:
        """The product of their factors: an int where it is whole."""
        key = tuple(names)
        if key not in self._factors:
            product = factor_of(self._by_name[name] for name in names if name in self._by_name)
            self._factors[key] = product.numerator if product.denominator == 1 else product
        return self._factors[key]

    def added(self, names: Iterable[str]) -> int:
        """The credits that they add."""
        return sum(self._by_name[name].add or 0 for name in names if name in self._by_name)


def factor_of(surcharges: Iterable[Surcharge]) -> Fraction:
    """The product of their factors."""
    product = Fraction(1)
    for surcharge in surcharges:
        product *= surcharge.factor
    return product


def _blocks(seconds: int | Fraction, block: int) -> int:
    """Begun blocks: 16 minutes are two of 15."""
    return -(-seconds.numerator // (seconds.denominator * block))


def _work_step(
    policy: Policy,
    price: TimePrice,
    minutes: int,
    credits: int,
    clause: str | None,
    dearer: Sequence[Surcharge],
    without: int | None,
) -> PriceStep:
    """Return the step that the work makes. ``dearer``: surcharges on parts of it; ``without``: its price without."""
    each = each_block(policy, price.credits, price.per_minutes)
    text = phrased("%(minutes)s of work, %(each)s", minutes=minutes_words(minutes), each=each)
    if price.free_minutes:
        text = phrased("%(work)s, the first %(minutes)s free", work=text, minutes=minutes_words(price.free_minutes))
    text = concat(_with(text, dearer), ": ", credit_words(policy, credits))
    changes = [condition_words(rule.when, policy) for rule in dearer if rule.when is not None]
    return PriceStep(
        step="work",
        credits=credits,
        summary=cited(text, clause),
        clause=clause,
        reading=is_reading(policy, clause),
        without=without,
        would_change=phrased("not so: %(condition)s", condition=concat(*changes, between="; ")) if changes else None,
    )


def _dearer(policy: Policy, lines: Sequence[Line]) -> list[Surcharge]:
    """Return the surcharges that hold for parts of these lines, or for a whole line."""
    names = [name for line in lines for part in line["parts"] for name in part["surcharges"]]
    names += [name for line in lines for name in line["adds"]]
    return list(named(policy, dict.fromkeys(names))) if names else []


def _with(text: Phrase, dearer: Sequence[Surcharge]) -> Phrase:
    """A text with what makes the work dearer."""
    more = concat(*map(_more, dearer), between=", ")
    return phrased("%(work)s, with %(surcharges)s", work=text, surcharges=more) if dearer else text


def _more(rule: Surcharge) -> Phrase:
    title = plain(rule.title)
    if rule.times is not None:
        return phrased("times %(factor)s for %(surcharge)s", factor=decimal_text(rule.factor), surcharge=title)
    return phrased("%(credits)s for %(surcharge)s", credits=rule.add or 0, surcharge=title)


def _least_step(policy: Policy, credits: int, price: TimePrice, clause: str | None) -> PriceStep:
    text = phrased("The least charge is %(credits)s", credits=credit_words(policy, price.least))
    return PriceStep(
        step="least", credits=credits, summary=cited(text, clause), clause=clause, reading=is_reading(policy, clause)
    )


def first_block(price: TimePrice) -> int:
    """What must be there before work begins: the least charge, or one block; nothing where the first minutes are
    free."""
    return 0 if price.free_minutes else max(price.least, price.credits)


def line_summary(policy: Policy, line: Line, credits: int) -> str:
    """A line of work in a sentence, with what makes it dearer."""
    log = policy.work
    kind = policy.work_kind(line["kind"]) if line.get("kind") else None
    text = phrased("%(minutes)s of work", minutes=minutes_words(line["minutes"]))
    if kind is not None:
        text = concat(text, " (", plain(kind.title), ")")
    if not line["billable"]:
        text = phrased("%(work)s, not charged", work=text)
    else:
        text = _with(concat(text, ": ", credit_words(policy, credits)), _dearer(policy, [line]))
    return cited(text, log.clause if log is not None else None)
