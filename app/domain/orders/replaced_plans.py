"""What becomes of the time that is left of a plan that another one replaces: days of the new one, or credits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import replacing
from app.domain.cover.terms import CoverTerms
from app.domain.ledger.events import granted_data, voided_data
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.orders.grants import schedule_lot
from app.domain.orders.merges import Merges
from app.domain.orders.offer_price import Buyer, cost_of, price_of_cover
from app.domain.orders.queues import found_by
from app.domain.policy.offers import CoverGrant, Offer
from app.domain.policy.policy import Policy
from app.domain.values.money import MAX_CREDITS
from app.domain.values.term import add_term
from app.domain.values.wire import iso_or_none, parse_iso_or_none

CORRECTED: Final = "corrected"
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
        self.any = False
        """Whether a plan was replaced."""
        lines = [each for order in account.orders.values() for each in order.lines] if grant.replaces else []
        self.refunded_ids = {row["cover_id"] for each in lines for row in each.taken_periods}
        """Periods that refunded units took."""

    def of(self, cover: Cover) -> timedelta:
        """End what a cover replaces, give credits for it, and return by how much longer the cover is instead."""
        rule, starts = self.grant.replaces, cover.starts_at
        longer = timedelta(0)
        if rule is None or starts is None or cover.state != "running" or cover.ends_at is None:
            return longer
        if cover.ends_at <= self.account.at and cover.version > 1:  # it was taken back, or has run out
            return longer
        there = found_by(self.order, self.line, [cover], self.account.covers.values())
        others = [each for each in there if not self._ended_by_refund(each)]
        known = (*cover.data.get("instead_of", ()), *cover.data.get("brought", ()))
        place = (self.order.placed_at, self.order.order_id)
        for lower in replacing.replaceable(others, rule, starts, place, known=known):
            worth = self._worth(lower, starts)
            replacing.cut(self.account, lower, cover, starts)
            self.any = True
            if rule.into == "days":
                more = self._days(worth, starts)
                replacing.bring(self.account, cover, lower, {"seconds": more // _SECOND})
                longer += more
            elif rule.into == "credits" and rule.per_credit is not None:
                unit_no = len(cover.data["instead_of"])
                self._credits(int(worth / Fraction(rule.per_credit)), unit_no)
                replacing.bring(self.account, cover, lower, {"unit_no": unit_no})
        return longer

    def _ended_by_refund(self, lower: Cover) -> bool:
        """Whether a refund took a cover, so that nothing is left of it."""
        if lower.cover_id in self.refunded_ids:
            return True  # one that was longer by what it replaced has no term to compare with
        term = covers.term_of(lower)
        if term is None or lower.starts_at is None or lower.ends_at is None:
            return False
        return lower.ends_at < add_term(lower.starts_at, term, covers.term_zone(self.policy))

    def _worth(self, lower: Cover, starts: datetime) -> Fraction:
        """What is left of a cover, by the list; 0 where no price is named."""
        listed = price_of_cover(self.policy, lower, self.order.currency)
        if listed is None or lower.starts_at is None or lower.ends_at is None:
            return Fraction(0)
        unused = lower.ends_at - max(starts, lower.starts_at)
        return listed * Fraction(unused // _SECOND, lower.served_seconds)

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


def undo_later(account: CustomerAccount, ordered: Sequence[Order]) -> None:
    """Undo what plans replaced that were bought after an order that is told only now; the fold replaces anew.

    Where credits that a plan gave instead are used, or a refund took something of it, all stays as it is. So it does
    in an account that was merged before it was known what was bought apart.
    """
    if Merges.of(ordered).fixed:
        return
    new = [(order.placed_at, order.order_id) for order in ordered if "not_granted" not in order.answer]
    found = [cover for cover in account.covers.values() if "instead_of" in cover.data or "brought" in cover.data]
    later = [cover for cover in found if new and min(new) <= replacing.place_of(cover)]
    if not later or any(not _whole(account, cover) for cover in later):
        return
    for cover in sorted(later, key=lambda cover: (cover.granted_at, cover.cover_id), reverse=True):
        for ledger, lot in _lots_instead(account, cover):
            voided = ledger.void(lot.lot_id, reason=CORRECTED)
            ledger.withdraw(lot.lot_id)
            if voided:
                balance = ledger.balance(lot.credit_type)
                data = voided_data(lot, voided, balance, reason=CORRECTED, order_id=cover.order_id)
                account.emit("credits.voided", data)
        shift(account, cover, -replacing.undo(account, cover))


def _whole(account: CustomerAccount, cover: Cover) -> bool:
    """Whether what a cover gave for others is untouched, and it was neither suspended nor taken back."""
    ended = cover.state != "running" or cover.suspensions or any("gone" in row for row in _rows(cover))
    cut = cover.data["cut"]["ends_at"] if replacing.is_cut(cover) else iso_or_none(cover.ends_at)
    ends = parse_iso_or_none(cut)
    stands = ends is not None and ends > account.at
    return not ended and stands and _unused(account, cover)


def _unused(account: CustomerAccount, cover: Cover) -> bool:
    """Whether all credits that a cover gave for others are there, in whichever lots a merge put them."""
    found = [lot for _, lot in _lots_instead(account, cover)]
    granted = sum(lot.granted for lot in found if lot.lot_id == lot.root)
    return granted == sum(lot.available for lot in found)


def _rows(cover: Cover) -> list[Mapping[str, Any]]:
    return list(cover.data.get("brought", {}).values())


def _lots_instead(account: CustomerAccount, cover: Cover) -> list[tuple[Ledger, Lot]]:
    """Return the credits that a cover gave for those that it replaced: the account's, also where it was before."""
    ledgers = {ledger.customer_id: ledger for ledger in (account.ledger, *account.ledger.former.values())}
    families = lots_instead(account, cover)
    return [(ledgers[lot.customer_id], lot) for family in families for lot in family if lot.customer_id in ledgers]


def lots_instead(account: CustomerAccount, cover: Cover) -> list[list[Lot]]:
    """Return the credits that a period gave for others that it replaced, with the lots in which they lie by now."""
    units = {row["unit_no"] for row in _rows(cover) if "unit_no" in row}
    if not units or cover.order_id is None or cover.line_id is None:
        return []
    found = account.ledger.granted_by(cover.order_id, cover.line_id, units)
    return [
        family
        for family in found
        if (family[0].rule, family[0].reason) == (cover.rule, replacing.REPLACED) and not family[0].withdrawn
    ]


def shift(account: CustomerAccount, by: Cover, longer: timedelta) -> None:
    """Let the periods that follow one on its order line begin later, since that one is longer by what it replaced.

    ``longer`` below 0: earlier. Units with a seat each run side by side, so none follows.
    """
    starts, mine = by.starts_at, (by.order_id, by.line_id, by.rule, by.license_id)
    if not longer or starts is None:
        return
    found = [
        (cover.starts_at, cover.ends_at, cover)
        for cover in account.covers.values()
        if (cover.order_id, cover.line_id, cover.rule, cover.license_id) == mine
        and cover.state == "running"
        and cover.starts_at is not None
        and cover.ends_at is not None
        and cover.starts_at > starts
    ]
    found.sort(key=lambda item: (item[0], item[2].cover_id))
    terms = CoverTerms.of(account.policy)
    for i, (begins, ends, cover) in enumerate(found):
        term = covers.term_of(cover)
        as_bought = term is not None and not cover.suspensions and terms.as_bought(begins, ends, term)
        if term is not None and not as_bought and ends < add_term(begins, term, terms.zone):
            continue  # a refund took it while it ran
        if term is not None and as_bought:  # counted from one anchor, as when it was bought
            starts_at, ends_at = terms.periods(found[0][0] + longer, term, i + 1)[i]
        else:
            starts_at, ends_at = begins + longer, ends + longer
        covers.move(account, cover, starts_at=starts_at, ends_at=ends_at, occurred_at=account.at)


def brought_days(found: Iterable[Cover]) -> timedelta:
    """Return by how much periods are longer in all since they replaced others."""
    rows = [row for cover in found for row in _rows(cover) if "gone" not in row]
    return timedelta(seconds=sum(row.get("seconds", 0) for row in rows))


def lengthen(account: CustomerAccount, cover: Cover, longer: timedelta, *, fresh: bool = False) -> None:
    """Let a cover end later by what it replaced. ``fresh``: it was just made, so it is not told of as moved."""
    if not longer or cover.ends_at is None or cover.starts_at is None:
        return
    cover.term, ends = None, cover.ends_at + longer
    if not fresh:
        covers.move(account, cover, starts_at=cover.starts_at, ends_at=ends, occurred_at=account.at)
        return
    cover.ends_at = ends
    covers.schedule(account, cover)
