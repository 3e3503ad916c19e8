"""What offers cost: amounts that are none, tiers out of order, shares of licenses without a price, lapses."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from app.documents.checks.context import Checker, Parts
from app.domain.policy.offer_prices import OfferPrice, Reinstatement, Tiers
from app.domain.policy.offers import CoverGrant, Offer
from app.domain.values.money import MINOR_DIGITS, unit_of

_BASES: Final = ("amount", "per_credit", "tiers", "percent_of_licenses", "by_edition")
_PERCENT: Final = re.compile(r"[0-9]{1,5}(\.[0-9]{1,4})?\Z", re.ASCII)


def check_offer(c: Checker, offer: Offer, parts: Parts) -> None:
    """Every price of an offer, in the policy's currency and in others."""
    own = c.policy.currency
    if offer.price is not None:
        _price(c, offer, offer.price, (*parts, "price"), own)
    for currency, price in offer.prices.items():
        at: Parts = (*parts, "prices", currency)
        _price(c, offer, price, at, currency)
        if currency not in MINOR_DIGITS:
            c.error(at, "bad_currency", f"{currency!r} is no currency.", "Write an ISO 4217 code, e.g. `EUR`.")
        elif currency == own:
            c.error(at, "price_said_twice", f"{currency} is the policy's own currency.", "Write it as `price`.")


def _price(c: Checker, offer: Offer, price: OfferPrice, parts: Parts, currency: str) -> None:
    _offer_price(c, price, parts, currency)
    _price_of_many(c, offer, price, parts, currency)
    _one_base(c, price, parts)
    _shares(c, offer, price, parts, currency)
    if price.reinstatement is not None:
        _reinstatement(c, offer, price.reinstatement, (*parts, "reinstatement"), currency)


def _one_base(c: Checker, price: OfferPrice, parts: Parts) -> None:
    bases = [name for name in _BASES if getattr(price, name)]
    odd = [name for name in bases if name not in ("amount", "by_edition")]
    if len(bases) > 1 and odd:
        c.error(
            (*parts, odd[0]),
            "price_said_twice",
            f"The price is said by {' and by '.join(f'`{name}`' for name in bases)}.",
            "Leave one of them.",
        )


def _shares(c: Checker, offer: Offer, price: OfferPrice, parts: Parts, currency: str) -> None:
    rule = price.percent_of_licenses
    if rule is None:
        return
    where = (*parts, "percent_of_licenses")
    _percent(c, rule.percent, (*where, "percent"))
    if offer.kind == "license":
        c.error(
            where, "license_priced_by_licenses", "A license cannot be priced by what licenses cost.", "Write `amount`."
        )
    for other in c.policy.offers:
        listed = other.price_in(currency, c.policy.currency)
        if other.kind == "license" and (listed is None or not (listed.amount or listed.by_edition)):
            c.warn(
                where,
                "license_without_price",
                f"`{other.sku}` has no price in {currency}, so that whoever holds it sees no price here.",
                "Write a price of that license.",
            )


def _percent(c: Checker, text: str, parts: Parts) -> None:
    if not _PERCENT.match(text):
        c.error(parts, "bad_percent", f"{text!r} is no percentage.", 'Write it as text, e.g. `"20"` or `"12.5"`.')


def _reinstatement(c: Checker, offer: Offer, rule: Reinstatement, parts: Parts, currency: str) -> None:
    terms = [grant.term for grant in offer.grants if isinstance(grant, CoverGrant) and grant.term is not None]
    if not terms:
        c.error(parts, "lapse_without_cover", f"`{offer.sku}` brings no period that could lapse.", "Remove it.")
    _percent(c, rule.percent, (*parts, "percent"))
    if rule.fee_percent is not None:
        _percent(c, rule.fee_percent, (*parts, "fee_percent"))
    for name in ("each_month", "fee"):
        _amount(c, getattr(rule, name), (*parts, name), currency)
    monthly = rule.each_month is not None or not _zero(rule.percent)
    if rule.each_month is None and monthly and terms and not (terms[0].years or terms[0].months):
        c.error(
            parts,
            "no_price_of_a_month",
            "The term is in days, so that a month of it has no price.",
            "Write `each_month`, or a term in months.",
        )
    if not monthly and rule.fee is None and rule.fee_percent is None:
        c.error(parts, "lapse_costs_nothing", "A lapse adds nothing.", "Write `percent`, `each_month` or a fee.")
    most = rule.at_most_months
    if most is not None and not 1 <= most <= 1200:
        c.error((*parts, "at_most_months"), "out_of_bounds", f"{most} months cannot be.", "Write 1 to 1200.")


def _zero(text: str) -> bool:
    return bool(_PERCENT.match(text)) and Decimal(text) == 0


def _amount(c: Checker, amount: str | None, parts: Parts, currency: str, *, finer: bool = False) -> None:
    fault = None if amount is None else amount_fault(amount, currency, finer=finer)
    if fault is not None:
        c.error(parts, *fault)


def _tiers(c: Checker, tiers: Tiers, parts: Parts, currency: str) -> None:
    last = 0
    for i, step in enumerate(tiers.steps):
        at = (*parts, "steps", i)
        _amount(c, step.each, (*at, "each"), currency, finer=True)
        _amount(c, step.flat, (*at, "flat"), currency)
        if step.up_to is None and i + 1 < len(tiers.steps):
            c.error(at, "step_without_end", "Only the last step has no end.", "Write `up_to`, or move it down.")
        elif step.up_to is not None and step.up_to <= last:
            why = f"No number lies between {last} and {step.up_to}."
            c.error((*at, "up_to"), "empty_step", why, "Order the steps upwards.")
        last = max(last, step.up_to or last)
    if not tiers.steps:
        c.error(parts, "no_steps", "There is no step.", 'Write `steps: [{up_to: 10, each: "5.00"}, {each: "4.00"}]`.')
    elif tiers.steps[-1].up_to is not None:
        c.warn(
            (*parts, "steps", len(tiers.steps) - 1),
            "steps_end",
            f"More than {last} have no price.",
            "Leave out `up_to` of the last step, if any number may be bought.",
        )


def _offer_price(c: Checker, price: OfferPrice, parts: Parts, currency: str) -> None:
    amounts: list[tuple[Parts, str | None]] = [
        ((*parts, "amount"), price.amount),
        ((*parts, "each_additional_license"), price.each_additional_license),
        ((*parts, "minimum"), price.minimum),
        *(((*parts, "by_edition", edition), amount) for edition, amount in price.by_edition.items()),
    ]
    for where, amount in amounts:
        if amount is not None:
            fault = amount_fault(amount, currency)
            if fault:
                c.error(where, *fault)
    for edition in price.by_edition:
        if edition not in c.policy.editions:
            c.error(
                (*parts, "by_edition", edition),
                "unknown_edition",
                f"The edition `{edition}` is not declared.",
                f"Add it to `editions`, or write one of {', '.join(c.policy.editions) or 'none yet'}.",
            )
    for edition in c.policy.editions if price.by_edition and price.amount is None else ():
        if edition not in price.by_edition:
            c.error(
                (*parts, "by_edition"),
                "missing_price",
                f"There is no price for the edition `{edition}`.",
                f'Add `{edition}: "0.00"`, or an `amount` for the others.',
            )


def _price_of_many(c: Checker, offer: Offer, price: OfferPrice, parts: Parts, currency: str) -> None:
    """A sku for any number of credits is priced by the credit, and nothing else is."""
    if not offer.sku_pattern:
        for name in ("per_credit", "tiers"):
            if getattr(price, name) is not None:
                c.error(
                    (*parts, name),
                    "per_credit_without_n",
                    f"`{offer.sku}` is always the same, so it has no price per credit.",
                    "Write `amount`, or a sku with `{n}`.",
                )
        return
    for name in ("amount", "by_edition", "each_additional_license", "percent_of_licenses"):
        if getattr(price, name):
            c.error(
                (*parts, name),
                "one_price_for_any_n",
                f"`{offer.sku}` would cost the same for 1 credit and for 1000000.",
                'Write the price of one credit: `per_credit: "0.50"`.',
            )
    if price.tiers is not None:
        _tiers(c, price.tiers, (*parts, "tiers"), currency)
    if price.per_credit is not None:
        fault = amount_fault(price.per_credit, currency, finer=True)
        if fault:
            c.error((*parts, "per_credit"), *fault)


def amount_fault(text: str, currency: str, *, finer: bool = False) -> tuple[str, str, str] | None:
    """What is wrong with a decimal in quotes: code, message and hint."""
    hint = 'Write it as text with a point, e.g. `"34.50"`.'
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,4})?", text):
        return "bad_amount", f"{text!r} is no amount of money.", hint
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return "bad_amount", f"{text!r} is no amount of money.", hint
    if amount < 0:
        return "negative_price", f"The price {text} is below zero.", "Write zero or more."
    if not finer and amount != amount.quantize(unit_of(currency)):
        return "bad_amount", f"{text!r} is finer than the smallest unit of {currency}.", hint
    return None
