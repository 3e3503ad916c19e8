"""Offers as published: what can be bought, priced for a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NotRequired, assert_never, cast

from typing_extensions import TypedDict

from app.domain.account.account import CustomerAccount
from app.domain.orders.offers import offered_to, options_of
from app.domain.policy import offers as terms
from app.domain.policy.conditions import facts_used
from app.domain.values import term as lengths
from app.domain.values.wire import jsonable
from app.views.decision import Money, Reason, money_view
from app.views.license import CoverStart, Term
from app.views.lot import Scope
from app.views.policy import OfferKind
from app.views.shapes import Closed, Credits, Id


class OptionGrant(TypedDict):
    """What an option of a choice grants."""

    kind: Annotated[
        Annotated[Literal["credits", "cover", "choice"], Closed("OfferedGrant", "What an offer grants.")], "What it is."
    ]
    rule: Annotated[str, "The rule of the policy."]
    clause: Annotated[str, "The clause of the policy."]
    reading: Annotated[bool, "Whether it is our reading of a text that is silent."]
    credits: NotRequired[Annotated[Credits | None, "How many credits; null where the sku says so."]]
    credit_type: NotRequired[Annotated[str, "The type of the credits."]]
    expires_after: NotRequired[Annotated[Term | None, "After how long the credits expire."]]
    expires_clause: NotRequired[Annotated[str | None, "The clause by which they expire."]]
    scope: NotRequired[Annotated[Scope, "Whether it serves the account or one license."]]
    term: NotRequired[Annotated[Term | None, "How long the cover lasts."]]
    start: NotRequired[Annotated[CoverStart, "What begins the cover."]]
    levels: NotRequired[Annotated[Sequence[int], "The support levels of the cover."]]
    actions: NotRequired[Annotated[Sequence[str], "What the cover allows; the policy names the actions."]]
    free: NotRequired[Annotated[bool, "Whether the cover comes with a license."]]


class OfferGrant(OptionGrant):
    """Something that an offer grants."""

    options: NotRequired[Annotated[Mapping[str, OptionGrant], "The options of a choice, by name."]]
    applies: Annotated[bool, "Whether its condition holds for this customer now."]


class Offer(TypedDict):
    """Something that can be bought, priced for a customer."""

    sku: Annotated[Id, "What to order."]
    title: Annotated[str, "Its title."]
    kind: Annotated[OfferKind, "What it brings."]
    edition: Annotated[str | None, "The edition of the license."]
    sku_pattern: Annotated[bool, "Whether the sku holds a number to fill in, such as `credits-{n}`."]
    price: Annotated[Money | None, "The price; null where the policy names none."]
    price_per_credit: Annotated[Money | None, "The price of one credit, where the sku names how many."]
    price_clause: Annotated[str | None, "The clause of the price."]
    grants: Annotated[Sequence[OfferGrant], "What it grants."]
    clause: Annotated[str, "The clause of the offer."]
    available: Annotated[bool, "Whether this customer may buy it."]
    reasons: Annotated[Sequence[Reason], "Why not."]


def offer_view(account: CustomerAccount, offer: terms.Offer) -> Offer:
    """Return an offer: price, what it grants, and whether this customer may buy it (else ``reasons``)."""
    offered = offered_to(account, offer)
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
    return {
        "sku": offer.sku,
        "title": offer.title,
        "kind": offer.kind,
        "edition": offer.edition,
        "sku_pattern": offer.sku_pattern,
        "price": money_view(offered.price),
        "price_per_credit": _per_credit(account, offer),
        "price_clause": offer.price.clause if offer.price else None,
        "grants": [_grant(*each) for each in zip(offer.grants, offered.applies, strict=True)],
        "clause": offer.clause,
        "available": offered.available,
        "reasons": reasons,
    }


def _per_credit(account: CustomerAccount, offer: terms.Offer) -> Money | None:
    """Return the price of one credit of a patterned sku, as exact as the policy says it."""
    each = offer.price.per_credit if offer.price else None
    return None if each is None else {"amount": each, "currency": account.policy.currency}


def _grant(grant: terms.Grant, applies: bool) -> OfferGrant:
    if isinstance(grant, terms.ChoiceGrant):
        return {
            "kind": grant.kind,
            "rule": grant.rule,
            "clause": grant.clause,
            "reading": grant.reading,
            "options": {name: _option(grant.options[name]) for name in options_of(grant)},
            "applies": applies,
        }
    return cast(OfferGrant, {**_option(grant), "applies": applies})


def _option(grant: terms.CreditGrant | terms.CoverGrant) -> OptionGrant:
    match grant:
        case terms.CreditGrant():
            return {
                "kind": grant.kind,
                "rule": grant.rule,
                "clause": grant.clause,
                "reading": grant.reading,
                "credits": grant.credits,
                "credit_type": grant.credit_type,
                "expires_after": _term(grant.expires),
                "expires_clause": grant.expires_clause,
                "scope": grant.scope,
            }
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
            }
    assert_never(grant)


def _term(term: lengths.Term | None) -> Term | None:
    return None if term is None else {"years": term.years, "months": term.months, "days": term.days}
