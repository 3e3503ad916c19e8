"""What is gone of an order's lines, by whom: the shop that took units out, refunds, and payment disputes.

Units are alike. Of a line as many are gone as were refunded and disputed, at most all that it has by now. Where a unit
goes that somebody had taken, or comes back by a dispute that is won, the others may lack one. They take it then, so
that each of them can be undone by itself: first the shop, then refunds, at last the disputes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.domain.account import recurring
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import License, Order, OrderLine, OrderRefund
from app.domain.account.payment_dispute import PaymentDispute
from app.domain.cover import replacing
from app.domain.ledger.units import outstanding
from app.domain.orders import payment_disputes
from app.domain.orders.lines import Terms
from app.domain.orders.refundable import whole
from app.domain.orders.refunds import TakenBack, take_back

Owner = PaymentDispute | str
"""A dispute, or the reason of what nothing undoes: ``corrected`` or ``refunded``."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Units of one line that are to be gone, by who took them."""

    line: OrderLine
    refunded: int
    disputed: Sequence[tuple[PaymentDispute, int]]

    @classmethod
    def of(cls, line: OrderLine, refunds: Sequence[OrderRefund], disputes: Mapping[str, PaymentDispute]) -> Shares:
        """Return the shares in a line; ``disputes``: those that took something, by what stands for them in refunds."""
        refunded, disputed = 0, []
        for refund in refunds:
            rows = refund.answer["lines"] if refund.customer_id else ()
            units = sum(row["quantity"] or 0 for row in rows if row["line_id"] == line.line_id)
            dispute = disputes.get(refund.refund_id)
            if dispute is None:
                refunded += units
            elif units:
                disputed.append((dispute, units))
        return cls(line, refunded, disputed)

    @property
    def back(self) -> int:
        """How many were refunded and disputed in all."""
        return self.refunded + sum(units for _, units in self.disputed)


def take_lacking(
    account: CustomerAccount,
    order: Order,
    refunds: Sequence[OrderRefund],
    disputes: Mapping[str, PaymentDispute],
    terms: Terms,
    lines: Sequence[OrderLine] | None = None,
) -> TakenBack:
    """Take what these lines (all of the order's, if None) lack of what is to be gone, each for who lacks it."""
    answer = TakenBack()
    for line in order.lines if lines is None else lines:
        shares = Shares.of(line, refunds, disputes)
        for owner, units in list(_lacking(account, order, shares)):
            lacking = {str(line.line_id): units}
            if isinstance(owner, PaymentDispute):
                payment_disputes.take_more(owner, account, order, lacking, terms)
                continue
            more = take_back(account, order, lacking, terms, reason="corrected" if owner == "corrected" else "refunded")
            answer.taken_back += more.taken_back
            answer.left += more.left
            answer.owed += more.owed
    return answer


def _lacking(account: CustomerAccount, order: Order, shares: Shares) -> Iterator[tuple[Owner, int]]:
    mine = [item for item in account.licenses.values() if _of(item.order_id, item.line_id, order, shares.line)]
    standing = [item for item in mine if item.ended_reason != "corrected"]
    if mine:
        yield from _of_licenses(standing, shares)
    elif rows := _periods(account, order, shares):
        yield from rows
    else:
        yield from _of_packs(account, order, shares)
    refunded_addon = any(
        _of(addon.order_id, addon.line_id, order, shares.line) and addon.voided_at is None for addon in account.addons
    )
    if refunded_addon and shares.back:
        yield "refunded", 1


def _of_licenses(mine: Sequence[License], shares: Shares) -> Iterator[tuple[Owner, int]]:
    gone = {item.license_id for item in mine if item.ended_reason == "refunded"}
    by = [
        (dispute, units, len(gone.intersection(dispute.undo.get("licenses", ())))) for dispute, units in shares.disputed
    ]
    there = len(gone) - sum(count for _, _, count in by)
    short: list[tuple[Owner, int]] = [("refunded", shares.refunded - there)]
    short += [(dispute, units - count) for dispute, units, count in by]
    yield from _fill(short, min(shares.back, shares.line.quantity, len(mine)) - len(gone))


def _periods(account: CustomerAccount, order: Order, shares: Shares) -> list[tuple[Owner, int]]:
    line = shares.line
    rules = {
        cover.rule
        for cover in account.covers.values()
        if _of(cover.order_id, cover.line_id, order, line) and cover.cover_id not in line.withdrawn
    }
    if not rules:
        return []
    rule = min(rules)  # units of a line take one of each
    rows = [row for row in line.taken_periods if row["rule"] == rule]
    corrected = sum(row["reason"] == "corrected" for row in rows)
    refs = [row["ref"] for row in rows if row["reason"] != "corrected"]
    by = [(dispute, units, refs.count(dispute.refund_id)) for dispute, units in shares.disputed]
    there = len(refs) - sum(count for _, _, count in by)
    short: list[tuple[Owner, int]] = [("corrected", line.corrected - corrected), ("refunded", shares.refunded - there)]
    short += [(dispute, units - count) for dispute, units, count in by]
    return [*_fill(short, line.gone(shares.back) - len(rows))] or [("refunded", 0)]


def _of_packs(account: CustomerAccount, order: Order, shares: Shares) -> Iterator[tuple[Owner, int]]:
    line = shares.line
    again = [
        grant
        for grant in recurring.grants_of(account)
        if _of(grant.order_id, grant.line_id, order, line) and not grant.withdrawn
    ]
    rules = {grant.rule for grant in again}
    found = [
        family
        for family in account.ledger.granted_by(order.order_id, line.line_id)
        if family[0].reason != replacing.REPLACED and family[0].rule not in rules
    ]
    each = sum(whole([family]) for family in found) // max(line.made, 1)
    there = [sum(outstanding(family) for family in found) // each] if each else []
    there += [sum(grant.rule == rule and not grant.terms.get("gone") for grant in again) for rule in sorted(rules)]
    if (units := max(there, default=0) - (line.made - line.gone(shares.back))) > 0:
        yield "corrected" if line.corrected else "refunded", units


def _fill(short: Sequence[tuple[Owner, int]], lacking: int) -> Iterator[tuple[Owner, int]]:
    """Share out what a line lacks among those who are short of units, in turn."""
    for owner, units in short:
        if (part := min(units, lacking)) > 0:
            lacking -= part
            yield owner, part


def _of(order_id: str | None, line_id: str | None, order: Order, line: OrderLine) -> bool:
    return (order_id, line_id) == (order.order_id, line.line_id)
