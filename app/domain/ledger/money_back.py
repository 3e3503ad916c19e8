"""Money back for unused bought credits (TERMS-19, TERMS-20): computed under lock from the lot's cost basis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from app.domain.ledger.lot import Lot
from app.domain.ledger.units import by_door, paid_back, refunded_so_far, transferred
from app.domain.policy.credit_rules import MoneyBack
from app.domain.values.money import Money, share
from app.domain.values.term import add_term


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundQuote:
    """What a lot's unused credits are worth now. ``code`` says why nothing is (None: something is)."""

    lot_id: str
    credits: int
    """Credits that would be voided."""
    refund: Money | None
    basis: Literal["full", "partial", "none"]
    code: str | None
    clause: str | None
    reading: bool
    facts: dict[str, Any]


def refund_quote(
    lot: Lot, rules: MoneyBack | None, at: datetime, *, service_provided: bool = False, override: bool = False
) -> RefundQuote:
    """What the unused credits of a bought lot bring at ``at``.

    Up to and including ``full_within`` days of 24 hours from the purchase: the price paid. Then that times remaining
    over whole term in whole seconds, half up to the cent. Then nothing (``expired``). A credit applied and undecided is
    ``credit_in_use``, one with service given ``service_provided``. Both are said of the lot's unused rest only when
    nothing else is left. ``override``: the vendor's discretion (TERMS-20), the price paid less what was given back
    already. A credit that a ticket holds unserved is in use all the same.

    Money goes back once for a credit, whichever door gave it back. The share that the order's refund covered is left
    out here.
    """
    facts: dict[str, Any] = {
        "purchased_at": lot.bought_at,
        "expires_at": lot.expires_at,
        "unused": lot.available,
        "held": lot.held,
        "used": lot.spent,
    }
    if doors := by_door(lot):
        facts["paid_back"] = doors
    clause = rules.clause if rules else None

    def none(code: str, cited: str | None = clause) -> RefundQuote:
        return RefundQuote(
            lot_id=lot.lot_id,
            credits=0,
            refund=Money(Decimal(0), lot.cost.currency) if lot.cost else None,
            basis="none",
            code=code,
            clause=cited,
            reading=bool(rules and rules.reading),
            facts=facts,
        )

    def some(basis: Literal["full", "partial"], part: Fraction) -> RefundQuote:
        assert lot.cost is not None  # noqa: S101 - narrowing; checked by the caller
        left = Money(whole.amount - refunded_so_far(lot), lot.cost.currency)
        money = share(lot.cost, part) if part < 1 else whole
        return RefundQuote(
            lot_id=lot.lot_id,
            credits=lot.available,
            refund=money if money.amount <= left.amount else left,
            basis=basis,
            code=None,
            clause=(rules.used_clause or clause) if override and rules else clause,
            reading=bool(rules and rules.reading),
            facts=facts,
        )

    if rules is None:
        return none("refund_not_offered")
    blocked = _blocked(lot, rules, at, service_provided)
    if lot.cost is None or lot.cost.amount <= 0 or (lot.origin_lot_id is not None and "bought" not in lot.data):
        # Bought at a price that nobody told: what was done with it still says more than that.
        return none(*blocked) if blocked and not override and lot.source == "purchase" else none("not_bought")
    # Credits that went on with a merge took their part of the price with them; those that were given to another
    # customer, and those that the order's refund covered, are paid back by the order.
    by_order = paid_back(lot, "order", "correction")
    mine = max(lot.granted - lot.moved - transferred(lot) - by_order, 0)
    whole = share(lot.cost, Fraction(mine, lot.granted))
    if mine == 0 and transferred(lot) and not by_order:
        return none("credits_given_away")
    if refunded_so_far(lot) >= whole.amount:
        return none("already_refunded")
    if override:
        return none(rules.in_use_code) if lot.held and not service_provided else some("full", Fraction(1))
    if blocked is not None:
        return none(*blocked)
    unused = Fraction(lot.available, lot.granted)
    since = lot.bought_at
    if at <= add_term(since, rules.full_within):
        return some("full", unused)
    if not rules.then_prorated or lot.expires_at is None:
        return none("refund_window_over")
    second = timedelta(seconds=1)
    facts["remaining_seconds"] = (lot.expires_at - at) // second
    facts["term_seconds"] = (lot.expires_at - since) // second
    return some("partial", unused * Fraction(facts["remaining_seconds"], facts["term_seconds"]))


def _blocked(lot: Lot, rules: MoneyBack, at: datetime, service_provided: bool) -> tuple[str, str | None] | None:
    """Why nothing comes back at all, with the clause; None when something may."""
    used = rules.used_clause or rules.clause
    if lot.available == 0:
        if lot.held > 0:
            return (rules.used_code, used) if service_provided else (rules.in_use_code, rules.clause)
        if lot.spent > 0:
            return (rules.used_code, used)
        return ("expired" if lot.expired else "already_refunded", rules.clause)
    if lot.expires_at is not None and lot.expires_at <= at:
        return ("expired", rules.clause)
    return None
