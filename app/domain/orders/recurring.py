"""Credits that an order's units bring again and again: made by the fold of orders, taken back with their units."""

from __future__ import annotations

from datetime import datetime

from app.domain.account import recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, License, Order, OrderLine
from app.domain.account.plan_credits import set_plan_end
from app.domain.cover import cover as covers
from app.domain.ledger.recurring import RecurringGrant, terms_of
from app.domain.orders.granted import Granted
from app.domain.policy.offers import CreditGrant, Grant
from app.domain.policy.policy import Policy
from app.domain.values.term import add_term


def recurs(grant: Grant) -> bool:
    """Whether a grant comes again. Such a one is granted after those that it may run with."""
    return isinstance(grant, CreditGrant) and grant.recurs is not None


def grant_recurring(
    account: CustomerAccount,
    order: Order,
    line: OrderLine,
    policy: Policy,
    there: Granted,
    grant: CreditGrant,
    n: int | None,
    license_: License | None,
) -> None:
    """Make what is missing of a line's recurring grants, one a unit, and let each run."""
    if grant.recurs is None or (license_ is not None and license_.ended_reason in ("refunded", "corrected")):
        return
    known = there.recurring.setdefault((order.order_id, line.line_id), [])
    mine = [each for each in known if each.rule == grant.rule]
    for unit_no, cover in _units(order, line, there, grant, license_, mine):
        made = recurring.new_grant(
            account,
            credit_type=grant.credit_type,
            order_id=order.order_id,
            line_id=line.line_id,
            unit_no=unit_no,
            rule=grant.rule,
            license_id=None if license_ is None else license_.license_id,
            cover_id=None if cover is None else cover.cover_id,
            policy_version=policy.version,
            terms={
                **terms_of(
                    grant,
                    credits=(grant.credits if grant.credits is not None else n) or 1,
                    zone=policy.term_zone,
                    source="purchase" if license_ is None else "license",
                ),
                "runs_with": grant.recurs.runs_with,
            },
        )
        known.append(made)
        if grant.ends_with:
            set_plan_end(account, made)
        if cover is not None:
            recurring.follow_cover(account, cover, covers.paid_until(account, cover))
        elif license_ is not None and grant.recurs.runs_with == "license":
            recurring.follow_license(account, license_)
        else:
            recurring.run(account, made, order.placed_at, _lasts(policy, grant, order.placed_at))


def _units(
    order: Order,
    line: OrderLine,
    there: Granted,
    grant: CreditGrant,
    license_: License | None,
    mine: list[RecurringGrant],
) -> list[tuple[int, Cover | None]]:
    """Return the units that lack the grant, each with the cover that it runs with."""
    rule = None if grant.recurs is None or grant.recurs.runs_with == "license" else grant.recurs.runs_with
    if rule is None:
        unit_nos = range(1, line.made + 1) if license_ is None else [license_.unit_no]
        have = {each.unit_no for each in mine}
        return [(unit_no, None) for unit_no in unit_nos if unit_no not in have]
    key = (order.order_id, line.line_id, None if license_ is None else license_.license_id)
    served = {each.cover_id for each in mine}
    lacking = [
        cover
        for cover in there.covers.get(key, ())
        if cover.rule == rule and cover.state != "voided" and cover.cover_id not in served
    ]
    lacking.sort(key=lambda cover: (cover.starts_at or cover.granted_at, cover.cover_id))
    if license_ is not None:
        return [(license_.unit_no, cover) for cover in lacking[: 0 if mine else 1]]
    last = max((each.unit_no for each in mine), default=0)
    return [(last + place, cover) for place, cover in enumerate(lacking, 1)]


def _lasts(policy: Policy, grant: CreditGrant, placed_at: datetime) -> datetime | None:
    lasts = None if grant.recurs is None else grant.recurs.lasts
    return None if lasts is None else add_term(placed_at, lasts, covers.term_zone(policy))
