"""What a refused customer can do to be served: a sku to order, how many of it, and from when it helps.

A remedy that would change nothing is not offered. Examples: a pack of another credit type, cover that cannot begin, an
offer that this account may not buy. No rule here knows a vendor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from app.domain.account.account import CustomerAccount
from app.domain.cover import cover as covers
from app.domain.cover.start import begins_at, stretches_of
from app.domain.cover.terms import CoverTerms
from app.domain.orders.offer_price import Buyer, cost_of
from app.domain.orders.offers import price_of, purchase_facts
from app.domain.policy.conditions import holds
from app.domain.policy.credit_rules import CreditType
from app.domain.policy.offers import CoverGrant, CreditGrant, Grant, Offer
from app.domain.policy.policy import Policy
from app.domain.policy.price_terms import FixedPrice, FormulaPrice, FromPrice, RangePrice
from app.domain.policy.ticket_rules import RemedyRule
from app.domain.policy.wording import type_title
from app.domain.values.decision import Remedy
from app.domain.values.phrase import Phrase, phrased, phrased_of, say
from app.domain.values.text import with_article

APPLY_CREDIT: Final = "apply_credit"
REQUEST_KIND: Final = "request_kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a refusal lacks, as far as it is known. ``means``: what may pay; None: either.

    ``missing``: so many credits more. ``facts``: what the helpdesk stated of the ticket.
    """

    action: str = covers.OPEN_TICKET
    license_id: str | None = None
    means: Literal["credits", "cover"] | None = None
    credit_type: str | None = None
    missing: int | None = None
    category: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


ANYTHING: Final = Need()


def remedies(account: CustomerAccount, rules: Iterable[RemedyRule], need: Need = ANYTHING) -> tuple[Remedy, ...]:
    """What the customer can do: offers that help, priced for this customer, and other ways as texts."""
    found: list[Remedy] = []
    for rule in rules:
        if rule.kind == APPLY_CREDIT:
            found += _credit_that_serves(account, need)
        elif rule.kind == "resume":
            found += _resumptions(account, rule)
        elif not rule.skus:
            found.append(Remedy(kind=rule.kind, text=rule.text))
        for sku in rule.skus:
            offer = offer_of(account.policy, sku)
            if offer is not None and offer.kind == "addon" and not _attributes(offer, need):
                found.append(Remedy(kind=rule.kind, text=rule.text))  # Nobody can order one that has no name.
                continue
            remedy = None if offer is None else bought(account, offer, sku, need, kind=rule.kind)
            if remedy is not None:
                found.append(remedy)
    return tuple(dict.fromkeys(found))


def offer_of(policy: Policy, sku: str) -> Offer | None:
    """The offer that a policy's own rule names: a sku, or a pattern of skus."""
    found = policy.offer(sku)
    return found[0] if found else next((offer for offer in policy.offers if offer.sku == sku), None)


def bought(account: CustomerAccount, offer: Offer, sku: str, need: Need, *, kind: str = "buy") -> Remedy | None:
    """Buying an offer as a remedy; None where it would not help this customer now."""
    facts = purchase_facts(account, offer)
    if holds(offer.requires, facts) is False:
        return None
    grants = [grant for grant in offer.grants if holds(grant.when, facts) is not False]
    packs = [grant for grant in grants if isinstance(grant, CreditGrant) and _fits(grant, need)]
    periods = [grant for grant in grants if isinstance(grant, CoverGrant) and need.means != "credits"]
    n = number_of(account.policy, sku, need.missing) if offer.sku_pattern else None
    helps_at: datetime | None = None
    if offer.kind in {"credits", "cover"} and not packs:
        begins = [when for when in (_begins(account, period, need) for period in periods) if when is not None]
        if not begins:
            return None
        helps_at = min(begins) if min(begins) > account.at else None
    quantity = 1 if offer.sku_pattern or not packs else _quantity(packs, need.missing)
    return Remedy(
        kind=kind,
        sku=sku if n is None else offer.sku.replace("{n}", str(n)),
        price=price_of(account, offer, n),
        text=_condition_words(quantity, helps_at),
        quantity=quantity,
        helps_at=helps_at,
        attributes=_attributes(offer, need),
    )


def number_of(policy: Policy, sku: str, missing: int | None) -> int:
    """The n of a patterned sku: what is missing, else the least that the price list asks for."""
    found = policy.offer(sku)
    if found is not None and found[1] is not None:
        return found[1]
    return missing or min(_priced(policy), default=1)


def _priced(policy: Policy) -> Iterator[int]:
    for category in policy.categories:
        match category.price:
            case FixedPrice(credits=credits):
                least = credits
            case RangePrice(least=low) | FromPrice(least=low):
                least = low
            case FormulaPrice(base=base):
                least = base
            case _:
                continue
        if least > 0:
            yield least


def _fits(grant: CreditGrant, need: Need) -> bool:
    if need.means == "cover":
        return False
    if grant.categories and need.category not in grant.categories:
        return False
    return need.credit_type is None or grant.credit_type == need.credit_type


def _quantity(packs: Iterable[CreditGrant], missing: int | None) -> int:
    each = sum(pack.credits or 0 for pack in packs)
    return 1 if not missing or not each else -(-missing // each)


def _condition_words(quantity: int, helps_at: datetime | None) -> str | None:
    if helps_at is not None:
        return phrased("It begins on %(day)s.", day=helps_at)
    return enough_words(quantity) if quantity > 1 else None


def enough_words(quantity: int) -> Phrase:
    """How many of an offer would be enough."""
    return phrased_of(
        "%(number)s of these would be enough.", "%(number)s of these would be enough.", quantity, number=quantity
    )


def _attributes(offer: Offer, need: Need) -> tuple[tuple[str, str], ...]:
    name = need.facts.get("addon")
    return (("addon", name),) if offer.kind == "addon" and isinstance(name, str) and name else ()


def _begins(account: CustomerAccount, grant: CoverGrant, need: Need) -> datetime | None:
    """When cover bought now would serve; None where that cannot be told, or it would not."""
    if need.action not in grant.actions:
        return None
    if grant.start == "first_ticket":
        mine = [cover for cover in account.covers.values() if covers.OPEN_TICKET in cover.actions and not cover.levels]
        stopped = any(
            cover.is_suspended(account.at) or (cover.in_force(account.at) and cover.scope == "account")
            for cover in mine
        )
        return None if stopped else account.at
    before = stretches_of(account.covers.values())
    return begins_at(grant, account.at, account.licenses.values(), before, CoverTerms.of(account.policy))


def enough(policy: Policy, credit_type: str, missing: int, category: str | None = None) -> tuple[Remedy, ...]:
    """Return the packs that would make up for missing credits of a type, with how many of each it takes.

    A price that depends on what the account holds is left to `GET /v1/offers`.
    """
    skus = policy.payment.exhausted_skus or tuple(offer.sku for offer in policy.offers if offer.kind == "credits")
    found: list[Remedy] = []
    for offer in (offer for sku in skus for offer in policy.offers if offer.sku == sku and offer.kind == "credits"):
        need = Need(credit_type=credit_type, category=category)
        mine = [grant for grant in offer.grants if isinstance(grant, CreditGrant) and _fits(grant, need)]
        if not mine:
            continue
        many = 1 if offer.sku_pattern else _quantity(mine, missing)
        fixed = offer.price is not None and not (offer.price.by_edition or offer.price.each_additional_license)
        cost = cost_of(policy, offer, Buyer(), n=missing) if fixed else None
        found.append(
            Remedy(
                kind="buy",
                sku=offer.sku.replace("{n}", str(missing)),
                price=None if cost is None else cost.total,
                text=enough_words(many),
                quantity=many,
            )
        )
    return tuple(found)


# --- credits that are there, periods that wait ------------------------------------------------------------------------


def serving_types(policy: Policy, request_kind: object) -> list[CreditType]:
    """The credit types that serve a kind of request."""
    return [type_ for type_ in (policy.credits.types if policy.credits else ()) if request_kind in type_.serves]


def typed_words(credit_type: CreditType) -> str:
    """A credit of a type, in the policy's words."""
    titled = credit_type.title.lower().rstrip("s").endswith("credit")
    return credit_type.title if titled else f"{credit_type.title} credit"


def typed_credit(credit_type: CreditType, policy: Policy) -> Phrase:
    """A credit of a type with its article: ``a Priority Support credit``."""
    title = type_title(policy, credit_type)
    english = with_article(typed_words(credit_type))
    return Phrase(lambda tongue: english if say(title, tongue) == credit_type.title else say(title, tongue))


def apply_words(credit_type: CreditType, policy: Policy) -> Phrase:
    """That a credit of a type is to be applied."""
    return phrased("Apply %(credit)s.", credit=typed_credit(credit_type, policy))


def _credit_that_serves(account: CustomerAccount, need: Need) -> list[Remedy]:
    """Return a credit of a type that serves: one that is there, else the offers that bring one."""
    kind = need.facts.get(REQUEST_KIND)
    types = [] if kind is None else serving_types(account.policy, kind)
    there = [
        kind
        for kind in types
        if account.ledger.available(kind.credit_type, license_id=need.license_id, category=need.category)
    ]
    if there:
        return [
            Remedy(
                kind=APPLY_CREDIT, credit_type=credit_type.credit_type, text=apply_words(credit_type, account.policy)
            )
            for credit_type in there
        ]
    return [
        remedy
        for kind in types
        for offer in account.policy.offers
        if offer.kind == "credits" and _brings(offer.grants, kind.credit_type)
        for remedy in [bought(account, offer, offer.sku, Need(credit_type=kind.credit_type))]
        if remedy is not None
    ]


def _brings(grants: Iterable[Grant], credit_type: str) -> bool:
    return any(isinstance(grant, CreditGrant) and grant.credit_type == credit_type for grant in grants)


def _resumptions(account: CustomerAccount, rule: RemedyRule) -> list[Remedy]:
    stopped = sorted(cover.cover_id for cover in account.covers.values() if cover.is_suspended(account.at))
    return [Remedy(kind=rule.kind, text=rule.text, cover_id=cover_id) for cover_id in stopped]


def waiting(account: CustomerAccount, need: Need) -> tuple[Remedy, ...]:
    """The wait for cover that is bought already and begins later."""
    begins = [
        cover.starts_at
        for cover in account.covers.values()
        if covers.state_of(cover, account.at) == "scheduled"
        and need.action in cover.actions
        and covers.reaches(cover, need.license_id)
        and cover.starts_at is not None
    ]
    if not begins:
        return ()
    first = min(begins)
    return (Remedy(kind="wait", helps_at=first, text=phrased("Cover that is bought begins on %(day)s.", day=first)),)
