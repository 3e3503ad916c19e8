"""Order lines as the rules see them: the offer that sells a line, its policy version, and its facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License, Order, OrderLine
from app.domain.orders.lapse import Lapse, asks_of_lapse, lapse_of
from app.domain.orders.offer_price import Buyer, cost_of
from app.domain.orders.offers import editions_of, lapse_facts
from app.domain.policy.conditions import facts_used
from app.domain.policy.offers import NotGranted, Offer
from app.domain.policy.policy import Policy
from app.domain.values.money import discount_percent, unit_of
from app.domain.values.text import decimal_text
from app.domain.values.wire import jsonable

UNKNOWN_SKU: Final = "unknown_sku"
PLANS_HAD: Final = "customer.plans_had"
_UNKNOWN_CLAUSE: Final = "ALL-5"

_PARTS: Final = re.compile(r"([^0-9]*)([0-9]*)")

Terms = Mapping[int, Policy]
"""Policy versions by number: each order line is judged by the version it was pinned to."""


def place_of(line_id: str) -> tuple[tuple[tuple[str, int], ...], str]:
    """Return the place of a line among those of its order: by its id, with digits compared as numbers (2 before 10).

    Shops number lines so. The order in which a delivery lists them never counts, so that every delivery grants the
    same.
    """
    parts = tuple((words, int(digits or -1)) for words, digits in _PARTS.findall(line_id))
    return parts, line_id


def pin_of(order: Order, line: OrderLine) -> int:
    """The policy version that judges a line: the order's, unless a replay pinned it to a later one."""
    for row in order.answer.get("lines", ()):
        if row["line_id"] == line.line_id:
            return int(row["policy_version"])
    return order.policy_version


def pinned_lines(order: Order, policy: Policy, newest: Policy) -> list[dict[str, Any]]:
    """Return the lines as echoed in the answer, each with the policy version that judges it.

    That is the one in force when the order was placed. For a sku that it did not know yet it is the newest.
    """
    return [
        {
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "policy_version": newest.version
            if is_unknown(policy, line.sku) and not is_unknown(newest, line.sku)
            else policy.version,
        }
        for line in order.lines
    ]


def judged(ordered: Sequence[Order], terms: Terms) -> list[tuple[Order, OrderLine, Policy]]:
    """Return the lines in the order in which they are judged: as placed, and at one instant licenses first.

    So support bought together with a license extends its cover (CACTU-14).
    """
    found = [(order, line, terms[pin_of(order, line)]) for order in ordered for line in order.lines if line.quantity]

    def place(pair: tuple[Order, OrderLine, Policy]) -> tuple[Any, ...]:
        order, line, policy = pair
        offer = policy.offer(line.sku)
        return (order.placed_at, offer is None or offer[0].kind != "license", order.order_id, place_of(line.line_id))

    return sorted(found, key=place)


def sold(policy: Policy, sku: str) -> tuple[Offer, int | None] | NotGranted:
    """The offer that sells a sku with the ``{n}`` of it, or why it is not sold (ALL-5)."""
    found = policy.offer(sku)
    if found is not None:
        return found
    for not_offered in policy.not_offered:
        if not_offered.sku == sku or (not_offered.sku.endswith("*") and sku.startswith(not_offered.sku[:-1])):
            return NotGranted(code=not_offered.code, clause=not_offered.clause, message=not_offered.message)
    return NotGranted(
        code=UNKNOWN_SKU,
        clause=_UNKNOWN_CLAUSE,
        reading=True,
        message="The policy does not know the sku {sku}; the line is kept and can be replayed once it does.",
    )


def other_units(policy: Policy, sku: str, row: Mapping[str, Any], currency: str) -> str | None:
    """Why the stated quantity of a line cannot be right: what was charged is the offer's price of other units.

    The buyer may have changed the quantity after the shop stated it; where the price tells nothing, it is believed.
    """
    found, listed = policy.offer(sku), row.get("listed")
    price = None if found is None or found[0].price is None else found[0].price.amount
    if price is None or listed is None or currency != policy.currency or Decimal(price) <= 0:
        return None
    units, stated = Fraction(Decimal(listed)) / Fraction(Decimal(price)), int(row["quantity"])
    if units.denominator != 1 or units in (0, stated):
        return None
    return f"{stated} of {sku} are stated, and {listed} {currency} is the price of {units}."


def bills(row: Mapping[str, Any], how: str | None) -> bool:
    """Whether a line that bills no whole period is granted all the same: the mapping says so, and it cost money."""
    return row["change"] == "proration" and how == "grant" and Decimal(row.get("paid") or 0) > 0


def is_unknown(policy: Policy, sku: str) -> bool:
    """Whether the policy neither sells the sku nor says that it does not."""
    found = sold(policy, sku)
    return isinstance(found, NotGranted) and found.code == UNKNOWN_SKU


def unknown_lines(order: Order) -> list[str]:
    """The lines whose sku the policy did not know."""
    return [item["line_id"] for item in order.answer.get("not_granted", ()) if item["code"] == UNKNOWN_SKU]


def line_facts(account: CustomerAccount, order: Order, line: OrderLine, policy: Policy, offer: Offer) -> dict[str, Any]:
    """The facts that an offer's rules may ask for.

    Licenses count as they were held when the order was placed, with those of the order itself. The discount is exact to
    the currency's smallest unit (AVA-6).
    """
    held = [
        license_
        for license_ in account.licenses.values()
        if license_.placed_at <= order.placed_at
        and license_.ended_reason != "corrected"
        and (license_.ended_at is None or order.placed_at < license_.ended_at)
    ]
    lapse = lapse_before(account, order, line, policy, offer)
    facts: dict[str, Any] = {
        **lapse_facts(lapse),
        "line.discount_percent": _discount(order, line, policy, offer, held, lapse),
        "line.quantity": line.quantity,
        "line.list_price_zero": line.list_price is not None and line.list_price <= 0,
        "customer.licenses": len(held),
        "customer.editions": editions_of(held),
        PLANS_HAD: plans_before(account, order, line) if PLANS_HAD in _asked(offer) else None,
    }
    facts |= {f"attributes.{name}": value for name, value in line.attributes.items()}
    return facts


def _asked(offer: Offer) -> set[str]:
    """Return the facts that an offer and its grants look at."""
    conditions = [offer.requires, *(grant.when for grant in offer.grants)]
    return {name for condition in conditions for name in facts_used(condition)}


def plans_before(account: CustomerAccount, order: Order, line: OrderLine) -> tuple[str, ...]:
    """Return the plans of which orders that were placed before a line brought a period."""
    mine = (order.placed_at, order.order_id, place_of(line.line_id))
    return tuple(
        sorted(
            {
                cover.plan
                for cover in account.covers.values()
                if cover.plan is not None
                and cover.state != "voided"
                and (cover.granted_at, cover.order_id or "", place_of(cover.line_id or "")) < mine
            }
        )
    )


def lapse_before(account: CustomerAccount, order: Order, line: OrderLine, policy: Policy, offer: Offer) -> Lapse | None:
    """Return the lapse that a line ended, where its offer asks about it: by what was bought before it."""
    if not asks_of_lapse(offer):
        return None
    mine = (order.order_id, line.line_id)
    others = [cover for cover in account.covers.values() if (cover.order_id, cover.line_id) != mine]
    return lapse_of(policy, offer, others, account.licenses.values(), order.placed_at)


def paid_price(
    order: Order, line: OrderLine, policy: Policy, offer: Offer, held: Sequence[License], lapse: Lapse | None = None
) -> Decimal | None:
    """What a unit cost: as the storefront said, else the offer's price for this account in the order's currency."""
    if line.unit_price is not None:
        return line.unit_price
    editions = {license_.edition for license_ in held if license_.edition}
    highest = max(editions, key=lambda e: policy.editions.index(e) if e in policy.editions else -1, default=None)
    sold_as = policy.offer(line.sku)
    buyer = Buyer(edition=highest, licenses=held, lapse=lapse, at=order.placed_at)
    cost = cost_of(policy, offer, buyer, n=sold_as[1] if sold_as else None, currency=order.currency)
    return None if cost is None else cost.total.amount


def _discount(
    order: Order, line: OrderLine, policy: Policy, offer: Offer, held: Sequence[License], lapse: Lapse | None
) -> Fraction:
    if line.list_price is not None and line.list_price <= 0:
        return Fraction(100)
    return discount_percent(
        list_price=line.list_price,
        paid=paid_price(order, line, policy, offer, held, lapse),
        unit=unit_of(order.currency),
        quantity=line.quantity,
    )


def shown(value: Any) -> Any:
    """A fact as published: a fraction as a decimal text, a whole one as a number."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else decimal_text(value)
    return jsonable(value)
