"""What becomes of the time that is left of a plan that another one replaces: days of the new one, or credits."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import replacing
from app.domain.ledger.events import granted_data
from app.domain.ledger.lot import Lot
from app.domain.orders.grants import schedule_lot
from app.domain.orders.offer_price import Buyer, cost_of, price_of_cover
from app.domain.policy.offers import CoverGrant, Offer
from app.domain.policy.policy import Policy
from app.domain.values.money import MAX_CREDITS
from app.domain.values.term import add_term

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)


class ReplacedPlans:
    """The plans that a line's cover replaces."""

    def __init__(
        self, account: CustomerAccount, order: Order, line: OrderLine, policy: Policy, offer: Offer, grant: CoverGrant
    ) -> None:
        self.account, self.order, self.line = account, order, line
        self.policy, self.offer, self.grant = policy, offer, grant
        self.lots: list[Lot] = []
        """Credits that were given instead."""

    def of(self, cover: Cover) -> timedelta:
        """End what a cover replaces, give credits for it, and return by how much longer the cover is instead."""
        rule, starts = self.grant.replaces, cover.starts_at
        longer = timedelta(0)
        if rule is None or starts is None or cover.state != "running" or cover.ends_at is None:
            return longer
        if cover.ends_at <= self.account.at and cover.version > 1:  # it was taken back, or has run out
            return longer
        mine = (self.order.order_id, self.line.line_id)
        others = [each for each in self.account.covers.values() if (each.order_id, each.line_id) != mine]
        known = cover.data.get("instead_of", ())
        for lower in replacing.replaceable(others, rule, starts, known=known):
            worth = self._worth(lower, starts)
            replacing.cut(self.account, lower, cover, starts)
            if rule.into == "days":
                longer += self._days(worth, starts)
            elif rule.into == "credits" and rule.per_credit is not None:
                self._credits(int(worth / Fraction(rule.per_credit)), len(cover.data["instead_of"]))
        return longer

    def _worth(self, lower: Cover, starts: datetime) -> Fraction:
        """What is left of a cover, by the list; 0 where no price is named."""
        listed = price_of_cover(self.policy, lower, self.order.currency)
        if listed is None or lower.starts_at is None or lower.ends_at is None:
            return Fraction(0)
        unused = lower.ends_at - max(starts, lower.starts_at)
        return listed * Fraction(unused // _SECOND, max((lower.ends_at - lower.starts_at) // _SECOND, 1))

    def _days(self, worth: Fraction, starts: datetime) -> timedelta:
        found = self.policy.offer(self.line.sku)
        n = None if found is None else found[1]
        cost = cost_of(self.policy, self.offer, Buyer(), n=n, currency=self.order.currency)
        term = self.grant.term
        if cost is None or term is None or cost.total.amount <= 0:
            return timedelta(0)
        whole = (add_term(starts, term, covers.term_zone(self.policy)) - starts) // _SECOND
        longer = timedelta(seconds=int(worth / Fraction(cost.total.amount) * whole))
        rounding = self.grant.replaces.whole_days if self.grant.replaces is not None else None
        if rounding is None:
            return longer
        return (-(-longer // _DAY) if rounding == "up" else longer // _DAY) * _DAY

    def _credits(self, credits: int, place: int) -> None:
        rule = self.grant.replaces
        if rule is None or credits < 1:
            return
        types = self.policy.credits.types if self.policy.credits else ()
        clause = rule.clause or self.grant.clause
        lot = self.account.ledger.grant(
            min(credits, MAX_CREDITS),
            source="purchase",
            rule=self.grant.rule,
            credit_type=types[0].credit_type if types else "credit",
            effective_at=self.order.placed_at,
            order_id=self.order.order_id,
            line_id=self.line.line_id,
            unit_no=place,
            policy_version=self.policy.version,
            clause=clause,
            reading=self.grant.reading,
            reason=replacing.REPLACED,
        )
        self.lots.append(lot)
        schedule_lot(self.account, lot)
        balance = self.account.ledger.balance(lot.credit_type)
        of = {"order_id": lot.order_id, "line_id": lot.line_id, "rule": lot.rule, "clause": clause}
        self.account.emit("credits.granted", granted_data(lot, lot.granted, balance, **of))


def lengthen(account: CustomerAccount, cover: Cover, longer: timedelta) -> None:
    """Let a cover end later by what it replaced; one that was just made is not told of as moved."""
    if not longer or cover.ends_at is None or cover.starts_at is None:
        return
    cover.term, ends = None, cover.ends_at + longer
    if cover.version > 1 or cover.cover_id not in account.plan.covers:
        covers.move(account, cover, starts_at=cover.starts_at, ends_at=ends, occurred_at=account.at)
        return
    cover.ends_at = ends
    covers.schedule(account, cover)
