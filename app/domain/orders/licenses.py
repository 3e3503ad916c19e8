"""Licenses that orders grant: those that are missing are made, and each has its place among the customer's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License, Order, OrderLine
from app.domain.orders.grants import end_license, grant_credits, put_license, void_choice
from app.domain.orders.lines import Terms, line_facts, pin_of, place_of, sold
from app.domain.policy.conditions import holds
from app.domain.policy.offers import CreditGrant, NotGranted
from app.domain.values.ids import LicenseId


def rank(account: CustomerAccount, ordered: Sequence[Order], terms: Terms) -> None:
    """Makes the licenses that are missing and gives every license its ordinal by (placed_at, order, line, unit)."""
    known = {
        (license_.order_id, license_.line_id, license_.unit_no)
        for license_ in account.licenses.values()
        if license_.ended_reason != "corrected"
    }
    fresh: list[License] = []
    for order in ordered:
        for line in sorted(order.lines, key=lambda line: place_of(line.line_id)):
            policy = terms[pin_of(order, line)]
            found = sold(policy, line.sku)
            if isinstance(found, NotGranted) or found[0].kind != "license":
                continue
            missing = [u for u in range(1, line.quantity + 1) if (order.order_id, line.line_id, u) not in known]
            if not missing or holds(found[0].requires, line_facts(account, order, line, policy, found[0])) is False:
                continue
            for unit_no in missing:
                license__ = License(
                    license_id=LicenseId(account.mint("lic")),
                    customer_id=account.customer.customer_id,
                    order_id=order.order_id,
                    line_id=line.line_id,
                    unit_no=unit_no,
                    sku=line.sku,
                    edition=found[0].edition,
                    placed_at=order.placed_at,
                    ordinal=0,
                    first_order=False,
                    policy_version=policy.version,
                )
                account.licenses[license__.license_id] = license__
                fresh.append(license__)
            _upgrade(account, order, line)
    _number(account, fresh, terms)
    for license__ in fresh:
        account.emit(
            "license.granted",
            {
                "license_id": license__.license_id,
                "order_id": license__.order_id,
                "line_id": license__.line_id,
                "unit_no": license__.unit_no,
                "sku": license__.sku,
                "edition": license__.edition,
                "ordinal": license__.ordinal,
            },
        )


def reclass(account: CustomerAccount, ordered: Sequence[Order], terms: Terms) -> None:
    """Take back open choices of licenses that are of another class by now.

    Grant what their class brings instead. For accounts that have just become one: nothing that was granted before is
    touched.
    """
    by_id = {order.order_id: order for order in ordered}
    for choice in account.open_choices():
        order, item = by_id.get(choice.order_id), account.licenses.get(choice.license_id or LicenseId(""))
        line = next((row for row in order.lines if row.line_id == choice.line_id), None) if order else None
        if order is None or line is None or item is None:
            continue
        policy = terms[pin_of(order, line)]
        offer = policy.offer(line.sku)
        if offer is None:
            continue
        facts = line_facts(account, order, line, policy, offer[0])
        facts |= {"license.ordinal": item.ordinal, "license.first_order": item.first_order}
        grants = [grant for grant in offer[0].grants if holds(grant.when, facts) is True]
        if any(grant.rule == choice.rule for grant in grants):
            continue
        void_choice(account, choice, reason="reranked")
        for grant in grants:
            if isinstance(grant, CreditGrant):
                grant_credits(
                    account,
                    grant,
                    grant.credits or 0,
                    policy=policy,
                    order_id=order.order_id,
                    line_id=line.line_id,
                    unit_no=choice.unit_no,
                    license_id=item.license_id,
                    placed_at=order.placed_at,
                    source="license",
                )


def _number(account: CustomerAccount, fresh: list[License], terms: Terms) -> None:
    """Gives every license its ordinal; one refunded untouched is left out for what was bought after the refund."""
    ranked = sorted(
        (license_ for license_ in account.licenses.values() if license_.ended_reason != "corrected"),
        # Of one line those that stand come first, whichever of its units were given back.
        key=lambda license_: (
            license_.placed_at,
            license_.order_id,
            place_of(license_.line_id),
            license_.ended_reason == "refunded",
            license_.unit_no,
        ),
    )
    new = {license_.license_id for license_ in fresh}
    undone = {
        license_.license_id: place for place, license_ in enumerate(ranked) if license_.uncounted_after is not None
    }
    since = undone_since(ranked)
    for place, license__ in enumerate(ranked):
        left_out = (
            set()
            if since is None or license__.placed_at < since
            else {
                other.license_id
                for other in uncounted(account, undone, license__, terms)
                if undone[other.license_id] < place
            }
        )
        first = next(other for other in ranked if other.license_id not in left_out)
        ordinal = place + 1 - len(left_out)
        first_order = (first.placed_at, first.order_id) == (license__.placed_at, license__.order_id)
        if license__.license_id in new:
            license__.ordinal, license__.first_order = ordinal, first_order
            put_license(account, license__, "granted", occurred_at=min(license__.placed_at, account.at))
        elif (license__.ordinal, license__.first_order) != (ordinal, first_order):
            license__.ordinal, license__.first_order = ordinal, first_order
            put_license(account, license__, "reranked")


def undone_since(licenses: Iterable[License]) -> datetime | None:
    """When the first of them was refunded untouched; every license that was placed before counts them all."""
    ends = (license_.ended_at for license_ in licenses if license_.uncounted_after is not None)
    return min((end for end in ends if end is not None), default=None)


def uncounted(account: CustomerAccount, undone: Iterable[str], license_: License, terms: Terms) -> list[License]:
    """The licenses among these that do not count for one that was bought after their refund (CSC-2, XC-3)."""
    if license_.policy_version in terms and terms[license_.policy_version].licenses.refunded_untouched == "counted":
        return []
    others = (account.licenses[LicenseId(other)] for other in undone if other != license_.license_id)
    return [other for other in others if not other.counts_for(license_)]


def _upgrade(account: CustomerAccount, order: Order, line: OrderLine) -> None:
    """``attributes: {"upgrades": license_id}``: the license that this one replaces ends when this one was bought."""
    old = account.licenses.get(LicenseId(str(line.attributes.get("upgrades", ""))))
    if old is not None and old.ended_at is None and old.placed_at <= order.placed_at:
        end_license(account, old, order.placed_at, reason="upgraded")
