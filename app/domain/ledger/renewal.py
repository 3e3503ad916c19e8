"""A renewal of credits that recur: what does not go over expires, then the new ones come."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from app.domain.ledger.giving_back import repay_owed
from app.domain.ledger.journal import Journal, spending_key
from app.domain.ledger.lot import Entry, Lot, LotSource
from app.domain.ledger.recurring import RENEWAL, RecurringGrant, next_yield, own_end, spans_of
from app.domain.values.wire import iso_or_none


def renew(journal: Journal, grant: RecurringGrant) -> Lot | None:
    """Book the next interval of a grant, effective when it begins. None where nothing comes."""
    coming = next_yield(grant)
    if coming is None:
        return None
    journal.account(grant.credit_type)
    forfeited = _cut(journal, grant, coming.at)
    terms = grant.terms
    lot = Lot(
        lot_id=grant.lot_id(coming.number),
        customer_id=journal.customer_id,
        credit_type=grant.credit_type,
        source=cast(LotSource, terms["source"]),
        rule=grant.rule,
        granted=coming.credits,
        available=coming.credits,
        effective_at=coming.at,
        expires_at=coming.expires_at,
        priority=terms["priority"],
        scope="category" if terms.get("categories") and terms["scope"] == "account" else terms["scope"],
        license_id=grant.license_id,
        order_id=grant.order_id,
        line_id=grant.line_id,
        unit_no=grant.unit_no,
        policy_version=grant.policy_version,
        clause=terms["clause"],
        reading=terms["reading"],
        data={
            "recurring": {
                "grant_id": grant.grant_id,
                "no": coming.number,
                **({"forfeited": forfeited} if forfeited else {}),
            },
            **({"categories": terms["categories"]} if terms.get("categories") else {}),
            **(
                {"ends_with": {"rules": terms["ends_with"], "by": iso_or_none(own_end(grant, coming))}}
                if terms.get("ends_with")
                else {}
            ),
        },
    )
    grant.granted += 1
    journal.put_recurring(grant)
    journal.put_lot(lot)
    entries: list[Entry] = []
    journal.move(entries, lot, "world", "available", lot.granted)
    dead = lot.expires_at is not None and lot.expires_at <= journal.at
    if not dead or coming.at > grant.known_at:
        repay_owed(journal, entries, grant.credit_type, at=coming.at)
    elif journal.account(grant.credit_type).owed:
        journal.move(entries, lot, "available", "expired", lot.available)
    journal.record(
        "grant",
        grant.credit_type,
        entries,
        effective_at=coming.at,
        order_id=grant.order_id,
        clause=lot.clause,
        reading=lot.reading,
    )
    journal.account(grant.credit_type).asked_at = None
    return lot


def _cut(journal: Journal, grant: RecurringGrant, at: datetime) -> int:
    """Expire what is unused beyond what goes over, the credits that would be spent first. Return how many."""
    cap = grant.terms["cap"]
    if cap is None:
        return 0
    journal.needs_all_lots(grant.credit_type)
    lots = sorted(unused(journal, grant, at), key=spending_key)
    excess = sum(lot.available for lot in lots) - cap
    entries: list[Entry] = []
    for lot in lots:
        part = min(lot.available, excess - sum(entry.credits for entry in entries))
        if part > 0:
            journal.move(entries, lot, "available", "expired", part)
    if not entries:
        return 0
    journal.record(
        "expire",
        grant.credit_type,
        entries,
        effective_at=at,
        order_id=grant.order_id,
        reason=RENEWAL,
        clause=grant.terms["renewal_clause"],
        reading=grant.terms["reading"],
    )
    return sum(entry.credits for entry in entries)


def unused(journal: Journal, grant: RecurringGrant, at: datetime) -> list[Lot]:
    """Return the lots whose credits would go over at a renewal: the grant's own, and those of such that ran out.

    So a plan that was renewed by another order has one bound, and two plans side by side have two. What another plan
    said to stay does not go over here, and is not cut.
    """
    mine = {
        (other.unit, other.rule)
        for other in (journal.recurring or {}).values()
        if other.terms["at_renewal"] == grant.terms["at_renewal"]
        and (other.grant_id == grant.grant_id or other.withdrawn or not runs_at(other, at))
    }
    return [
        lot
        for lot in journal.lots.values()
        if lot.available
        and lot.credit_type == grant.credit_type
        and lot.rule == grant.rule
        and lot.license_id == grant.license_id
        and (lot.unit, lot.rule) in mine
        and (lot.expires_at is None or at < lot.expires_at)
        and lot.effective_at < at
    ]


def runs_at(grant: RecurringGrant, at: datetime) -> bool:
    """Whether a grant runs at an instant."""
    return any(first <= at and (until is None or at < until) for first, until in spans_of(grant))
