"""Offers: what can be bought, priced for this customer, and what each would bring. Prices are the policy's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License
from app.domain.orders.lapse import Lapse, asks_of_lapse, lapse_of
from app.domain.orders.offer_price import Buyer, OfferCost, OfferStep, cost_of
from app.domain.policy.conditions import holds
from app.domain.policy.offers import ChoiceGrant, CoverGrant, CreditGrant, Offer
from app.domain.values.money import Money
from app.domain.values.term import Term
from app.domain.values.wire import jsonable


def price_of(account: CustomerAccount, offer: Offer, n: int | None = None, currency: str | None = None) -> Money | None:
    """The offer's price for this customer now; None where the text names none. ``n``: of a patterned sku."""
    cost = cost_now(account, offer, n, currency)
    return None if cost is None else cost.total


def cost_now(
    account: CustomerAccount, offer: Offer, n: int | None = None, currency: str | None = None
) -> OfferCost | None:
    """The offer's price for this customer now, with its steps.

    The price is that of the highest edition on the account (CACTU-10), plus what each additional license costs
    (CSC-18). An account without a license has the lowest edition's.
    """
    buyer = Buyer(
        edition=account.highest_edition(),
        licenses=account.active_licenses(),
        lapse=lapse_now(account, offer),
        covers=[*account.covers.values()],
        at=account.at,
    )
    return cost_of(account.policy, offer, buyer, n=n, currency=currency)


def lapse_now(account: CustomerAccount, offer: Offer) -> Lapse | None:
    """Return the lapse that buying an offer now would end, where the offer asks about it."""
    if not asks_of_lapse(offer):
        return None
    return lapse_of(account.policy, offer, account.covers.values(), account.licenses.values(), account.at)


def lapse_facts(lapse: Lapse | None) -> dict[str, Any]:
    """The facts of a lapse that a purchase would end; unknown where cover runs, or there never was any."""
    return {
        "cover.lapsed_days": None if lapse is None else lapse.days,
        "cover.lapsed_months": None if lapse is None else lapse.months(),
    }


def purchase_facts(account: CustomerAccount, offer: Offer | None = None, *, quantity: int = 1) -> dict[str, Any]:
    """The facts of a purchase of an offer made now by this customer, without a discount."""
    held = account.active_licenses()
    ever = [
        license_
        for license_ in account.licenses.values()
        if license_.ended_reason != "corrected"
        and (
            license_.uncounted_after is None
            or license_.ended_at is None
            or account.policy.licenses.refunded_untouched == "counted"
        )
    ]
    return {
        **lapse_facts(None if offer is None else lapse_now(account, offer)),
        "license.ordinal": len(ever) + 1,
        "license.first_order": not ever,
        "line.discount_percent": 0,
        "line.quantity": quantity,
        "line.list_price_zero": False,
        "customer.licenses": len(held),
        "customer.editions": editions_of(held),
        "customer.plans_had": tuple(
            sorted({cover.plan for cover in account.covers.values() if cover.plan and cover.state != "voided"})
        ),
    }


def editions_of(licenses: Iterable[License]) -> tuple[str, ...]:
    """The editions among licenses, sorted."""
    return tuple(sorted({license_.edition for license_ in licenses if license_.edition}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An offer as it stands for a customer: whether they may buy it, its price, and the grants that would apply."""

    facts: dict[str, Any]
    available: bool
    price: Money | None
    steps: tuple[OfferStep, ...]
    applies: tuple[bool, ...]


def offered_to(account: CustomerAccount, offer: Offer, n: int | None = None, currency: str | None = None) -> Offered:
    """Return what an offer is to a customer who would buy it now."""
    facts = purchase_facts(account, offer)
    cost = cost_now(account, offer, n, currency)
    return Offered(
        facts=facts,
        available=holds(offer.requires, facts) is not False,
        price=None if cost is None else cost.total,
        steps=() if cost is None else cost.steps,
        applies=tuple(holds(grant.when, facts) is True for grant in offer.grants),
    )


def options_of(grant: ChoiceGrant) -> list[str]:
    """The options of a choice: credits before cover, then by name (a stored document keeps no order of keys)."""
    return sorted(grant.options, key=lambda name: (grant.options[name].kind != "credits", name))


def grant_json(grant: CreditGrant | CoverGrant, position: int = 0) -> dict[str, Any]:
    """A grant as stored with a choice, with its place among the options; `grant_of` reads it back."""
    body: dict[str, Any] = {"position": position}
    for field in fields(grant):
        value = getattr(grant, field.name)
        if field.name in {"when", "otherwise"} or (field.name in {"plan", "seats"} and value is None):
            continue
        body[field.name] = _term(value) if isinstance(value, Term) else jsonable(value)
    return body


def grant_of(data: dict[str, Any]) -> CreditGrant | CoverGrant:
    """The grant that `grant_json` stored."""
    values = {name: value for name, value in data.items() if value is not None and name != "position"}
    for name in ("expires", "term"):
        if isinstance(values.get(name), dict):
            values[name] = Term(**values[name])
    for name in ("levels", "actions", "ends_with"):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    return CoverGrant(**values) if values.get("kind") == "cover" else CreditGrant(**values)


def _term(term: Term | None) -> dict[str, int] | None:
    return None if term is None else {"years": term.years, "months": term.months, "days": term.days}
