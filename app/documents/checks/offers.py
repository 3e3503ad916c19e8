"""Offers, their prices and what they grant."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from app.documents.checks.context import Checker, Parts, grants
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Grant, NotOffered, Offer
from app.domain.policy.price_terms import OfferPrice
from app.domain.values.money import MAX_CREDITS, unit_of

_SKU: Final = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\Z")


def check_offers(c: Checker) -> None:
    p = c.policy
    for i, offer in enumerate(p.offers):
        parts: Parts = ("offers", i)
        if offer.sku.count("{n}") > 1 or not _SKU.match(offer.sku.replace("{n}", "1")):
            c.error((*parts, "sku"), "bad_sku", f"{offer.sku!r} is no sku.", "Lower case words, `{n}` at most once.")
        if offer.price is not None:
            _offer_price(c, offer.price, (*parts, "price"))
            _price_of_many(c, offer, offer.price, (*parts, "price"))
        _edition(c, offer, parts)
        c.condition(offer.requires, (*parts, "requires"), c.offer_facts)
        if offer.requires is not None and offer.otherwise is None:
            c.error(
                parts, "missing_otherwise", "`requires` needs `otherwise`.", "Say with which code it is not granted."
            )
        for where, grant in grants(offer, i):
            c.condition(grant.when, (*where, "when"), c.offer_facts)
            _grant(c, offer, grant, where)
        if offer.kind in ("credits", "cover") and not offer.grants:
            c.error(parts, "grants_nothing", f"The offer `{offer.sku}` grants nothing.", "Add `grants`.")
    for i, refused in enumerate(p.not_offered):
        _not_offered(c, refused, ("not_offered", i, "sku"))


def _not_offered(c: Checker, refused: NotOffered, parts: Parts) -> None:
    stem = refused.sku.removesuffix("*")
    sold = [o.sku for o in c.policy.offers if (o.sku.startswith(stem) if refused.sku.endswith("*") else o.sku == stem)]
    if sold:
        c.error(parts, "sold_all_the_same", f"`{sold[0]}` is sold, yet said not to be.", "Remove one of the two.")


def _edition(c: Checker, offer: Offer, parts: Parts) -> None:
    editions = c.policy.editions
    if offer.edition is not None and offer.edition not in editions:
        c.error(
            (*parts, "edition"),
            "unknown_edition",
            f"The edition `{offer.edition}` is not declared.",
            f"Add it to `editions`{f', which has {chr(44).join(editions)}' if editions else ''}.",
        )
    if offer.edition is not None and offer.kind != "license":
        c.error((*parts, "edition"), "edition_without_license", "Only a license has an edition.", "Remove `edition`.")
    if offer.kind == "license" and offer.edition is None and editions:
        c.error(parts, "missing_edition", f"The license `{offer.sku}` names no edition.", "Write `edition:`.")


def _offer_price(c: Checker, price: OfferPrice, parts: Parts) -> None:
    amounts: list[tuple[Parts, str | None]] = [
        ((*parts, "amount"), price.amount),
        ((*parts, "each_additional_license"), price.each_additional_license),
        *(((*parts, "by_edition", edition), amount) for edition, amount in price.by_edition.items()),
    ]
    for where, amount in amounts:
        if amount is not None:
            fault = amount_fault(amount, c.policy.currency)
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


def _price_of_many(c: Checker, offer: Offer, price: OfferPrice, parts: Parts) -> None:
    """A sku for any number of credits is priced by the credit, and nothing else is."""
    if not offer.sku_pattern:
        if price.per_credit is not None:
            c.error(
                (*parts, "per_credit"),
                "per_credit_without_n",
                f"`{offer.sku}` is always the same, so it has no price per credit.",
                "Write `amount`, or a sku with `{n}`.",
            )
        return
    for name in ("amount", "by_edition", "each_additional_license"):
        if getattr(price, name):
            c.error(
                (*parts, name),
                "one_price_for_any_n",
                f"`{offer.sku}` would cost the same for 1 credit and for 1000000.",
                'Write the price of one credit: `per_credit: "0.50"`.',
            )
    if price.per_credit is not None:
        fault = amount_fault(price.per_credit, c.policy.currency, finer=True)
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


def _endless(c: Checker, grant: CoverGrant, parts: Parts) -> None:
    """Cover of the whole account that nothing ends is meant so only where the document says so."""
    if grant.scope == "account" and grant.term is None and not grant.endless:
        c.warn(
            parts,
            "cover_never_ends",
            "This cover never ends, not even when the license that brought it does.",
            "Write a `term`, or `scope: license`; if it is meant, write `endless: true`.",
        )
    elif grant.endless and (grant.term is not None or grant.scope == "license"):
        why = "has a term" if grant.term is not None else "ends with its license"
        c.error((*parts, "endless"), "endless_with_an_end", f"This cover {why}.", "Remove `endless`, or what ends it.")


def _grant(c: Checker, offer: Offer, grant: Grant, parts: Parts) -> None:
    match grant:
        case CreditGrant():
            _credit_grant(c, offer, grant, parts)
        case CoverGrant():
            _endless(c, grant, parts)
            actions = {action.action for action in c.policy.actions}
            for i, action in enumerate(grant.actions):
                if action not in actions:
                    c.error(
                        (*parts, "actions", i),
                        "unknown_action",
                        f"There is no action `{action}`.",
                        f"Write one of {', '.join(sorted(actions))}.",
                    )
            levels = {category.level for category in c.policy.categories}
            for i, level in enumerate(grant.levels):
                if level not in levels:
                    c.error((*parts, "levels", i), "unknown_level", f"No category has the level {level}.", "Remove it.")
            if "cover" not in c.policy.payment.means:
                c.error(
                    parts, "means_missing", "Cover is granted but pays for nothing.", "Add `cover` to `payment.means`."
                )
        case ChoiceGrant():
            if len(grant.options) < 2:
                c.error(
                    (*parts, "options"), "no_choice", "A choice needs two options.", "Add one, or grant it outright."
                )


def _credit_grant(c: Checker, offer: Offer, grant: CreditGrant, parts: Parts) -> None:
    if grant.credits is None and "{n}" not in offer.sku:
        c.error(
            parts,
            "missing_credits",
            f"`{offer.sku}` has no `{{n}}`, so `credits` must be named.",
            "Write `credits: 40`.",
        )
    if grant.credits is not None and not 0 < grant.credits <= MAX_CREDITS:
        c.error((*parts, "credits"), "bad_credits", f"{grant.credits} credits cannot be granted.", "Write 1 or more.")
    if c.policy.credits is None:
        c.error(parts, "credits_not_declared", "Credits are granted, but there is no `credits`.", "Add `credits:`.")
    elif c.policy.credit_type(grant.credit_type) is None:
        known = ", ".join(t.credit_type for t in c.policy.credits.types)
        c.error(
            (*parts, "credit_type"),
            "unknown_credit_type",
            f"There is no credit type `{grant.credit_type}`.",
            f"Write one of {known}.",
        )
    if "credits" not in c.policy.payment.means:
        c.error(parts, "means_missing", "Credits are granted but pay for nothing.", "Add `credits` to `payment.means`.")
