"""Offers, their prices and what they grant."""

from __future__ import annotations

import re
from typing import Final

from app.documents.checks import offer_prices as prices
from app.documents.checks.context import Checker, Parts, grants
from app.documents.checks.recurrence import check_plan_end, check_recurrence
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Grant, NotOffered, Offer
from app.domain.policy.price_terms import FixedPrice
from app.domain.values.money import MAX_CREDITS

_SKU: Final = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\Z")


def check_offers(c: Checker) -> None:
    p = c.policy
    for i, offer in enumerate(p.offers):
        parts: Parts = ("offers", i)
        if offer.sku.count("{n}") > 1 or not _SKU.match(offer.sku.replace("{n}", "1")):
            c.error((*parts, "sku"), "bad_sku", f"{offer.sku!r} is no sku.", "Lower case words, `{n}` at most once.")
        prices.check_offer(c, offer, parts)
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
            if "cover" not in c.policy.payment.means and c.policy.pays(grant.plan):
                c.error(
                    parts,
                    "means_missing",
                    "Cover is granted but pays for nothing.",
                    "Add `cover` to `payment.means`; where it is only a gate, name its `plan`, with `pays: false`.",
                )
        case ChoiceGrant():
            if len(grant.options) < 2:
                c.error(
                    (*parts, "options"), "no_choice", "A choice needs two options.", "Add one, or grant it outright."
                )


def _categories(c: Checker, grant: CreditGrant, parts: Parts) -> None:
    """Check the categories for which credits are kept: they exist, and credits can pay for them."""
    known = [category.category for category in c.policy.categories]
    for i, name in enumerate(grant.categories):
        category = c.policy.category(name)
        where = (*parts, "categories", i)
        if category is None:
            c.error(
                where,
                "unknown_category",
                f"There is no category `{name}`.",
                f"Write one of {', '.join(known)}." if known else "Declare it under `categories`.",
            )
        elif isinstance(category.price, FixedPrice) and category.price.credits == 0:
            c.warn(
                where,
                "kept_for_nothing",
                f"`{name}` costs nothing, so nobody spends these credits on it.",
                "Remove it from the list.",
            )


def _extends(c: Checker, grant: CreditGrant, parts: Parts) -> None:
    """Check the rules whose credits are extended: they are granted once, and end."""
    by_rule = {each.rule: each for i, offer in enumerate(c.policy.offers) for _, each in grants(offer, i)}
    for i, rule in enumerate(grant.extends):
        other = by_rule.get(rule)
        where = (*parts, "extends", i)
        if not isinstance(other, CreditGrant) or other.credit_type != grant.credit_type:
            c.error(where, "extends_nothing", f"No grant `{rule}` brings credits of this type.", "Name one that does.")
        elif other.recurs is not None or other.ends_with or other.expires is None:
            c.error(
                where,
                "extends_nothing",
                f"Credits of `{rule}` have no end of their own that could be moved.",
                "Name credits with `expires`; those that end with a plan are extended by a renewal.",
            )
    if grant.extends and (grant.recurs is not None or grant.ends_with):
        c.error(
            (*parts, "extends"),
            "extends_in_passing",
            "Only credits that are granted once, for a term of their own, extend others.",
            "Remove `extends`.",
        )
    elif grant.extends and grant.expires is None:
        c.warn(
            (*parts, "extends"), "extends_for_ever", "Others never end then, since these do not.", "Write `expires`."
        )


def _credit_grant(c: Checker, offer: Offer, grant: CreditGrant, parts: Parts) -> None:
    check_recurrence(c, offer, grant, parts)
    check_plan_end(c, grant, parts)
    _categories(c, grant, parts)
    _extends(c, grant, parts)
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
