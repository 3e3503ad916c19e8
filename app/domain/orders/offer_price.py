"""What an offer costs somebody, step by step: by the list, by tiers, as a share of licenses, at least, after a lapse.

The steps add up to the price. The exact sum is rounded half up to the currency's smallest unit after each step, so that
no order of rounding changes a price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from app.domain.account.customer import Cover, License
from app.domain.cover.cover import term_zone
from app.domain.cover.upgrades import beneath
from app.domain.orders.lapse import Lapse
from app.domain.policy.offer_prices import LicensePercent, OfferPrice, Reinstatement, Tiers
from app.domain.policy.offers import CoverGrant, Offer
from app.domain.policy.policy import Policy
from app.domain.values.money import Money, share
from app.domain.values.phrase import cited
from app.domain.values.term import add_term
from app.domain.values.text import day, decimal_text

StepName = Literal[
    "list", "tier", "licenses", "further_licenses", "minimum", "time_left", "lower_plan", "reinstatement", "fee"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """For whom an offer is priced. ``lapse``: since when cover like the offer's has lapsed, as of the purchase."""

    edition: str | None = None
    licenses: Sequence[License] = ()
    lapse: Lapse | None = None
    covers: Sequence[Cover] = ()
    """Covers that an upgrade may end with."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferStep:
    """One step of an offer's price. ``amount``: by how much it changes the price."""

    step: StepName
    amount: Money
    summary: str
    clause: str | None
    reading: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCost:
    """What an offer costs, with its steps."""

    total: Money
    steps: tuple[OfferStep, ...]


_SECOND: Final = timedelta(seconds=1)
_Addend = tuple[StepName, Fraction, str, str | None]
"""A step before it is rounded: its name, what it adds, its sentence and its clause."""


def cost_of(
    policy: Policy, offer: Offer, buyer: Buyer, *, n: int | None = None, currency: str | None = None
) -> OfferCost | None:
    """Return what a unit costs with its steps; None where no price is named, or it takes the ``{n}`` of a sku."""
    money = currency or policy.currency
    price = offer.price_in(money, policy.currency)
    base = None if price is None else _base(policy, price, buyer, n, money)
    if price is None or base is None:
        return None
    addends = [base, *_further(price, buyer)]
    exact = sum((addend[1] for addend in addends), Fraction(0))
    if price.minimum is not None and exact < Fraction(price.minimum):
        least = Fraction(price.minimum)
        words = f"At least {price.minimum} {money} are charged."
        addends.append(("minimum", least - exact, words, price.minimum_clause or price.clause))
        exact = least
    upgrade = _upgrade(policy, offer, exact, buyer, money)
    if upgrade is None:
        return None
    addends += upgrade
    if price.reinstatement is not None and buyer.lapse is not None:
        addends += _lapsed(offer, price.reinstatement, exact, buyer.lapse, money)
    return _rounded(policy, addends, money)


def _rounded(policy: Policy, addends: Sequence[_Addend], currency: str) -> OfferCost:
    """The steps in whole units of the currency: each is what the rounded sum grows by."""
    exact, before = Fraction(0), Decimal(0)
    steps: list[OfferStep] = []
    for name, added, words, clause in addends:
        exact += added
        after = share(Money(Decimal(1), currency), exact).amount
        known = None if clause is None else policy.clause(clause)
        amount = Money(after - before, currency)
        reading = bool(known and known.reading)
        steps.append(OfferStep(step=name, amount=amount, summary=cited(words, clause), clause=clause, reading=reading))
        before = after
    return OfferCost(total=Money(before, currency), steps=tuple(steps))


def _base(policy: Policy, price: OfferPrice, buyer: Buyer, n: int | None, currency: str) -> _Addend | None:
    if price.per_credit is not None:
        each = price.per_credit
        return None if n is None else ("list", Fraction(each) * n, f"{n} times {each} {currency}.", price.clause)
    if price.tiers is not None:
        return None if n is None else _by_tiers(price.tiers, n, currency, price.clause)
    if price.percent_of_licenses is not None:
        return _of_licenses(policy, price.percent_of_licenses, buyer, currency, price.clause)
    amount = price.amount
    if price.by_edition:
        order = [edition for edition in policy.editions if edition in price.by_edition] or list(price.by_edition)
        amount = price.by_edition.get(buyer.edition or "") or price.amount or price.by_edition[order[0]]
    return None if amount is None else ("list", Fraction(amount), f"{amount} {currency} by the list.", price.clause)


def _further(price: OfferPrice, buyer: Buyer) -> Iterator[_Addend]:
    further = len(buyer.licenses) - 1
    if price.each_additional_license is not None and further > 0:
        words = f"{further} further license{'' if further == 1 else 's'} at {price.each_additional_license} each."
        yield "further_licenses", further * Fraction(price.each_additional_license), words, price.clause


def _by_tiers(tiers: Tiers, n: int, currency: str, clause: str | None) -> _Addend | None:
    """The price of n by steps; None where the last step ends before n."""
    total, last, words = Fraction(0), 0, []
    for step in tiers.steps:
        inside = min(n, step.up_to or n) - last
        reached = step.up_to is None or n <= step.up_to
        if tiers.mode == "graduated" or reached:
            count = inside if tiers.mode == "graduated" else n
            total += Fraction(step.each) * count + Fraction(step.flat or 0)
            words.append(f"{count} at {step.each}" + (f" and {step.flat} once" if step.flat else ""))
        if reached:
            return "tier", total, f"{', '.join(words)} {currency}.", clause
        last = step.up_to or n
    return None


def _of_licenses(
    policy: Policy, rule: LicensePercent, buyer: Buyer, currency: str, clause: str | None
) -> _Addend | None:
    """A share of what the licenses cost by the list; None where there is none, or one has no price."""
    listed = [_listed(policy, license_, currency) for license_ in buyer.licenses]
    prices = [amount for amount in listed if amount is not None]
    if not prices or len(prices) < len(listed):
        return None
    whole = sum(prices, Fraction(0)) if rule.of == "all" else max(prices)
    what = f"{len(prices)} licenses" if len(prices) > 1 else "the license"
    words = f"{rule.percent} percent of {decimal_text(whole)} {currency}, the price of "
    words += f"{'the dearest license' if rule.of == 'dearest' else what}."
    return "licenses", whole * Fraction(rule.percent) / 100, words, clause


def _upgrade(policy: Policy, offer: Offer, price: Fraction, buyer: Buyer, currency: str) -> list[_Addend] | None:
    """What an upgrade costs less: the time after the lower plan ends, and what is left of that plan by the list.

    None where the lower plan has no price by the list.
    """
    grant = next((grant for grant in offer.grants if isinstance(grant, CoverGrant)), None)
    if grant is None or grant.term is None or buyer.at is None:
        return []
    lower = beneath(policy, grant, buyer.covers, buyer.at)
    if not lower or lower[-1].ends_at is None:
        return []
    whole = add_term(buyer.at, grant.term, term_zone(policy)) - buyer.at
    left = lower[-1].ends_at - buyer.at
    part = price * Fraction(left // _SECOND, whole // _SECOND)
    words = f"It ends with the plan that runs, on {day(lower[-1].ends_at)}."
    found: list[_Addend] = [("time_left", part - price, words, grant.clause)]
    for cover in lower:
        listed = price_of_cover(policy, cover, currency)
        if listed is None or cover.starts_at is None or cover.ends_at is None:
            return None
        unused = cover.ends_at - max(buyer.at, cover.starts_at)
        worth = listed * Fraction(unused // _SECOND, cover.served_seconds)
        words = f"What is left of {cover.plan} is worth {decimal_text(worth)} {currency}."
        found.append(("lower_plan", -min(worth, part), words, grant.clause))
        part -= min(worth, part)
    return found


def price_of_cover(policy: Policy, cover: Cover, currency: str) -> Fraction | None:
    """What a cover costs by the list now, without what depends on its buyer; None where no price is named."""
    for offer in policy.offers:
        if any(grant.rule == cover.rule and getattr(grant, "plan", None) == cover.plan for grant in offer.grants):
            cost = cost_of(policy, offer, Buyer(), n=cover.seats if offer.sku_pattern else None, currency=currency)
            return None if cost is None else Fraction(cost.total.amount)
    return None


def _listed(policy: Policy, license_: License, currency: str) -> Fraction | None:
    """What a license costs by the list now; None where no price is named for it."""
    found = policy.offer(license_.sku)
    price = None if found is None else found[0].price_in(currency, policy.currency)
    if price is None:
        return None
    amount = price.by_edition.get(license_.edition or "") or price.amount
    return None if amount is None else Fraction(amount)


def _lapsed(offer: Offer, rule: Reinstatement, price: Fraction, lapse: Lapse, currency: str) -> Iterator[_Addend]:
    """What a lapse adds: something for each month, and fees once."""
    if not lapse.beyond(rule.after):
        return
    months = lapse.months(begun=rule.months == "begun", after=rule.after if rule.counts == "free_days" else None)
    counted = months if rule.at_most_months is None else min(months, rule.at_most_months)
    if rule.each_month is not None:
        each = Fraction(rule.each_month)
    else:
        term = next((grant.term for grant in offer.grants if isinstance(grant, CoverGrant) and grant.term), None)
        length = 0 if term is None else term.years * 12 + term.months
        each = price * Fraction(rule.percent) / 100 / length if length else Fraction(0)
    if counted and each:
        plural = "" if counted == 1 else "s"
        words = f"{counted} lapsed month{plural} since {lapse.day} at {decimal_text(each)} {currency}"
        words += f", of {months}." if counted < months else "."
        yield "reinstatement", each * counted, words, rule.clause
    if rule.fee is not None:
        yield "fee", Fraction(rule.fee), f"{rule.fee} {currency} once for the lapse since {lapse.day}.", rule.clause
    if rule.fee_percent is not None:
        words = f"{rule.fee_percent} percent of the price once for the lapse since {lapse.day}."
        yield "fee", price * Fraction(rule.fee_percent) / 100, words, rule.clause
