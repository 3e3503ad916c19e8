"""Offers as published: what can be bought, priced for a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NotRequired, assert_never, cast

from typing_extensions import TypedDict

from app.domain.account.account import CustomerAccount
from app.domain.orders import offer_price
from app.domain.orders.offer_price import StepName
from app.domain.orders.offers import offered_to, options_of
from app.domain.policy import offers as terms
from app.domain.policy.conditions import facts_used
from app.domain.policy.offer_prices import OfferPrice
from app.domain.policy.wording import condition_words
from app.domain.values import term as lengths
from app.domain.values.wire import jsonable
from app.views.decision import Money, Reason, money_view
from app.views.license import CoverStart, Term
from app.views.lot import Categories, Scope
from app.views.policy import OfferKind
from app.views.shapes import Amount, Closed, Credits, Id


class OptionGrant(TypedDict):
    """What an option of a choice grants."""

    kind: Annotated[
        Annotated[Literal["credits", "cover", "choice"], Closed("OfferedGrant", "What an offer grants.")], "What it is."
    ]
    rule: Annotated[str, "The rule of the policy."]
    clause: Annotated[str, "The clause of the policy."]
    reading: Annotated[bool, "Whether it is our reading."]
    credits: NotRequired[Annotated[Credits | None, "How many credits; null where the sku says so."]]
    credit_type: NotRequired[Annotated[str, "The type of the credits."]]
    expires_after: NotRequired[Annotated[Term | None, "After how long the credits expire."]]
    expires_clause: NotRequired[Annotated[str | None, "The clause by which they expire."]]
    scope: NotRequired[Annotated[Scope, "Whether it serves the account or one license."]]
    categories: NotRequired[Categories]
    term: NotRequired[Annotated[Term | None, "How long the cover lasts."]]
    start: NotRequired[Annotated[CoverStart, "What begins the cover."]]
    levels: NotRequired[Annotated[Sequence[int], "The support levels of the cover."]]
    actions: NotRequired[Annotated[Sequence[str], "What the cover allows; the policy names the actions."]]
    free: NotRequired[Annotated[bool, "Whether the cover comes with a license."]]
    plan: NotRequired[Annotated[str | None, "The plan that runs with the cover."]]
    seats: NotRequired[Annotated[int | None, "For how many people; null where the sku says so, or nobody counts."]]


class OfferGrant(OptionGrant):
    """Something that an offer grants."""

    options: NotRequired[Annotated[Mapping[str, OptionGrant], "The options of a choice, by name."]]
    applies: Annotated[bool, "Whether its condition holds for this customer now."]


class OfferTier(TypedDict):
    """A step of a price by tiers."""

    up_to: Annotated[int | None, "The last number of the step; null: it has no end."]
    each: Annotated[Amount, "The price of one."]
    flat: Annotated[Amount | None, "What is added once."]


class OfferStep(TypedDict):
    """One step of an offer's price. The steps add up to the price."""

    step: Annotated[
        Annotated[StepName, Closed("OfferStepKind", "What makes a step of an offer's price.")], "What it is."
    ]
    amount: Annotated[Money, "By how much it changes the price."]
    summary: Annotated[str, "The step in a sentence, with its clause."]
    clause: Annotated[str | None, "The clause that it rests on."]
    reading: Annotated[bool, "Whether it is our reading."]


class Offer(TypedDict):
    """Something that can be bought, priced for a customer."""

    sku: Annotated[Id, "What to order."]
    title: Annotated[str, "Its title."]
    kind: Annotated[OfferKind, "What it brings."]
    edition: Annotated[str | None, "The edition of the license."]
    sku_pattern: Annotated[bool, "Whether the sku holds a number to fill in, such as `credits-{n}`."]
    price: Annotated[Money | None, "The price without taxes; null where the policy names none."]
    price_steps: Annotated[Sequence[OfferStep], "How the price is made."]
    price_tiers: Annotated[Sequence[OfferTier], "The steps of a price by the number in the sku."]
    tier_mode: Annotated[
        Annotated[Literal["graduated", "volume"], Closed("TierMode", "What a step prices: what lies in it, or all.")]
        | None,
        "What a step prices.",
    ]
    price_per_credit: Annotated[Money | None, "The price of one credit, where the sku names how many."]
    price_clause: Annotated[str | None, "The clause of the price."]
    grants: Annotated[Sequence[OfferGrant], "What it grants."]
    clause: Annotated[str, "The clause of the offer."]
    available: Annotated[bool, "Whether this customer may buy it."]
    reasons: Annotated[Sequence[Reason], "Why not."]


def offer_view(
    account: CustomerAccount, offer: terms.Offer, *, n: int | None = None, currency: str | None = None
) -> Offer:
    """Return an offer: price, what it grants, and whether this customer may buy it (else ``reasons``).

    ``n``: the number in the sku, where a sku of a pattern is asked about.
    """
    offered = offered_to(account, offer, n, currency)
    price = offer.price_in(currency or account.policy.currency, account.policy.currency)
    reasons: list[Reason] = []
    if not offered.available and offer.otherwise is not None:
        why = offer.otherwise
        reasons.append(
            {
                "code": why.code,
                "clause": why.clause,
                "message": why.message,
                "reading": why.reading,
                "facts": {name: jsonable(offered.facts.get(name)) for name in facts_used(offer.requires)},
            }
        )
        if offer.requires is not None:
            reasons[-1]["would_change"] = condition_words(offer.requires, account.policy)
    return {
        "sku": offer.sku if n is None else offer.sku.replace("{n}", str(n)),
        "title": offer.title if n is None else offer.title.replace("{n}", str(n)),
        "kind": offer.kind,
        "edition": offer.edition,
        "sku_pattern": offer.sku_pattern and n is None,
        "price": money_view(offered.price),
        "price_steps": [_step(step) for step in offered.steps],
        "price_tiers": _tiers(price),
        "tier_mode": price.tiers.mode if price is not None and price.tiers is not None else None,
        "price_per_credit": _per_credit(price, currency or account.policy.currency),
        "price_clause": price.clause if price else None,
        "grants": [_grant(*each, n) for each in zip(offer.grants, offered.applies, strict=True)],
        "clause": offer.clause,
        "available": offered.available,
        "reasons": reasons,
    }


def _per_credit(price: OfferPrice | None, currency: str) -> Money | None:
    """Return the price of one credit of a patterned sku, as exact as the policy says it."""
    each = price.per_credit if price else None
    return None if each is None else {"amount": each, "currency": currency}


def _tiers(price: OfferPrice | None) -> list[OfferTier]:
    tiers = price.tiers if price is not None else None
    return (
        [] if tiers is None else [{"up_to": tier.up_to, "each": tier.each, "flat": tier.flat} for tier in tiers.steps]
    )


def _step(step: offer_price.OfferStep) -> OfferStep:
    return {
        "step": step.step,
        "amount": {"amount": step.amount.text, "currency": step.amount.currency},
        "summary": step.summary,
        "clause": step.clause,
        "reading": step.reading,
    }


def _grant(grant: terms.Grant, applies: bool, n: int | None = None) -> OfferGrant:
    if isinstance(grant, terms.ChoiceGrant):
        return {
            "kind": grant.kind,
            "rule": grant.rule,
            "clause": grant.clause,
            "reading": grant.reading,
            "options": {name: _option(grant.options[name]) for name in options_of(grant)},
            "applies": applies,
        }
    return cast(OfferGrant, {**_option(grant, n), "applies": applies})


def _option(grant: terms.CreditGrant | terms.CoverGrant, n: int | None = None) -> OptionGrant:
    match grant:
        case terms.CreditGrant():
            found: OptionGrant = {
                "kind": grant.kind,
                "rule": grant.rule,
                "clause": grant.clause,
                "reading": grant.reading,
                "credits": n if grant.credits is None else grant.credits,
                "credit_type": grant.credit_type,
                "expires_after": _term(grant.expires),
                "expires_clause": grant.expires_clause,
                "scope": "category" if grant.categories and grant.scope == "account" else grant.scope,
            }
            if grant.categories:
                found["categories"] = list(grant.categories)
            return found
        case terms.CoverGrant():
            return {
                "kind": grant.kind,
                "rule": grant.rule,
                "clause": grant.clause,
                "reading": grant.reading,
                "term": _term(grant.term),
                "start": grant.start,
                "scope": grant.scope,
                "levels": list(grant.levels),
                "actions": list(grant.actions),
                "free": grant.free,
                "plan": grant.plan,
                "seats": n if grant.seats == "sku" else 1 if grant.seats == "quantity" else grant.seats,
            }
    assert_never(grant)


def _term(term: lengths.Term | None) -> Term | None:
    return None if term is None else {"years": term.years, "months": term.months, "days": term.days}
