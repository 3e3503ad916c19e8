"""Credits given back to the lots that they came from, and debts repaid of what is there (ALL-4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from app.domain.ledger.journal import Journal, spending_key
from app.domain.ledger.lot import Bucket, Entry, Hold, HoldLine, Lot
from app.domain.ledger.units import categories_of, due_back, take_claim, unit_of
from app.domain.policy.credit_rules import ExpiredReturn
from app.domain.values.ids import LotId, OrderId
from app.domain.values.term import add_term

_FORFEIT: Final = ExpiredReturn()


def hand_back(
    journal: Journal,
    hold: Hold,
    source: Literal["held", "spent"],
    credits: int,
    *,
    at: datetime,
    expired: ExpiredReturn | None = None,
    reason: str | None = None,
    clause: str | None = None,
) -> None:
    """Gives so many credits of a hold back, in reverse and to the same lots, as one operation.

    Credits that come back to a refunded unit are voided instead, by an operation of its own. The order of the lines
    stays.
    """
    entries: list[Entry] = []
    left = credits
    for line in reversed(hold.lines):
        part = min(left, line.open if source == "held" else line.spent_left)
        if part == 0:
            continue
        left -= part
        if claimed := due_back(journal.lots[line.lot_id], part):
            _handed_back(journal, entries, hold, source, at, expired, reason, clause)
            entries = []
            _void_returned(journal, hold, line, source, claimed, at)
        if part > claimed:
            give_back(journal, entries, hold, line, source, part - claimed, at=at, expired=expired, reason=reason)
    _handed_back(journal, entries, hold, source, at, expired, reason, clause)


def _handed_back(
    journal: Journal,
    entries: list[Entry],
    hold: Hold,
    source: Bucket,
    at: datetime,
    expired: ExpiredReturn | None,
    reason: str | None,
    clause: str | None,
) -> None:
    if not entries:
        return
    repay_owed(journal, entries, hold.credit_type, at=at)
    rule = expired_rule(journal, entries, expired)
    if rule is not None:  # What is forfeited is so by this rule, whatever the credits were given back for (ALL-4).
        clause = rule.clause if rule.rule == "forfeit" else clause or rule.clause
    journal.record(
        "release" if source == "held" else "refund",
        hold.credit_type,
        entries,
        effective_at=at,
        hold=hold,
        reason=reason,
        clause=clause,
        reading=bool(rule and rule.reading),
    )


def _void_returned(journal: Journal, hold: Hold, line: HoldLine, source: Bucket, credits: int, at: datetime) -> None:
    """Voids what comes back to a refunded unit, in the same transaction and with its own statement line."""
    lot = journal.lots[line.lot_id]
    claim = lot.data["claim"]
    take_claim(lot, credits)
    if source == "held":
        line.released += credits
    else:
        line.refunded += credits
    entries: list[Entry] = []
    journal.move(entries, lot, source, "voided", credits)
    order_id = claim["order_id"]
    journal.record(
        "void",
        lot.credit_type,
        entries,
        effective_at=at,
        hold=hold,
        order_id=None if order_id is None else OrderId(order_id),
        reason=claim["reason"],
        clause=claim["clause"],
    )
    journal.reclaimed.append((lot, credits))


def give_back(
    journal: Journal,
    entries: list[Entry],
    hold: Hold,
    line: HoldLine,
    source: Bucket,
    credits: int,
    *,
    at: datetime,
    expired: ExpiredReturn | None,
    reason: str | None,
) -> Lot | None:
    """Put held or spent credits back into their lot.

    A dead lot follows ``expired`` (ALL-4): both lines are booked. With ``grace`` a new lot is made. ``reopen`` is done
    beforehand, by `Ledger`.
    """
    lot = journal.lots[line.lot_id]
    if source == "held":
        line.released += credits
    else:
        line.refunded += credits
    journal.move(entries, lot, source, "available", credits)
    if lot.expires_at is None or at < lot.expires_at:
        return None
    journal.move(entries, lot, "available", "expired", credits)
    rule = _return_rule(journal, expired)
    return grace_lot(
        journal, entries, lot, credits, rule, at=at, reason=reason or f"returned from {hold.hold_id}", data=unit_of(lot)
    )


def grace_lot(
    journal: Journal,
    entries: list[Entry],
    lot: Lot,
    credits: int,
    rule: ExpiredReturn,
    *,
    at: datetime,
    reason: str,
    data: dict[str, Any] | None = None,
) -> Lot | None:
    """Make the lot in which credits of an expired one go on for a time (ALL-4); None where the rule gives none."""
    if rule.rule != "grace" or rule.grace is None:
        return None
    grace = Lot(
        lot_id=LotId(journal.mint("lot")),
        customer_id=journal.customer_id,
        credit_type=lot.credit_type,
        source="correction",
        rule=lot.rule,
        granted=credits,
        available=credits,
        effective_at=at,
        expires_at=add_term(at, rule.grace),
        priority=lot.priority,
        scope=lot.scope,
        license_id=lot.license_id,
        cost=lot.price_of(credits),
        policy_version=lot.policy_version,
        origin_lot_id=lot.lot_id,
        clause=rule.clause,
        reading=rule.reading,
        reason=reason,
        data={**(data or {}), **categories_of(lot)},
    )
    journal.put_lot(grace)
    journal.move(entries, grace, "world", "available", credits)
    return grace


def reopen_for(
    journal: Journal,
    hold: Hold,
    source: Literal["held", "spent"],
    credits: int,
    expired: ExpiredReturn | None,
    reason: str | None,
    clause: str | None,
) -> None:
    """Extends the dead lots these credits go back to, where the rule is ``reopen``: an operation of its own."""
    rule = expired or (journal.rules.returned_to_expired if journal.rules else None)
    if rule is None or rule.rule != "reopen" or rule.grace is None:
        return
    left = credits
    for line in reversed(hold.lines):
        part = min(left, line.open if source == "held" else line.spent_left)
        lot = journal.lots[line.lot_id]
        if part > due_back(lot, part) and lot.expires_at is not None and lot.expires_at <= journal.at:
            journal.touch_expiry(lot, add_term(journal.at, rule.grace))
            journal.record(
                "reopen",
                lot.credit_type,
                (),
                hold=hold,
                reason=reason,
                clause=clause or rule.clause,
                reading=rule.reading,
            )
        left -= part


def _return_rule(journal: Journal, expired: ExpiredReturn | None) -> ExpiredReturn:
    return expired or (journal.rules.returned_to_expired if journal.rules else _FORFEIT)


def expired_rule(journal: Journal, entries: Sequence[Entry], expired: ExpiredReturn | None) -> ExpiredReturn | None:
    """The rule by which some of what was given back is gone; None when nothing is (ALL-4)."""
    return _return_rule(journal, expired) if any(entry.target == "expired" for entry in entries) else None


def repay_owed(
    journal: Journal, entries: list[Entry], credit_type: str, *, at: datetime | None = None, tied: bool = True
) -> int:
    """Repays what is ``owed`` from what is available, in order of spending. How much.

    A debt is booked ``owed -> voided``: the account owes and counts as voided what no lot could give. It is repaid
    ``available -> owed``: the lot's credits are voided, and the debt falls.

    Credits for anything never stand beside a debt. Those that are kept for a license or for categories repay when they
    come, and repay a debt of these ``entries`` if ``tied``. They stay beside what was overdrawn as they could not pay.
    """
    account = journal.accounts[credit_type]
    at = at or journal.at
    repaid = 0
    if account.owed == 0 or account.available == 0:
        return 0
    journal.needs_all_lots(credit_type)
    came = {entry.lot_id for entry in entries if entry.target == "available"}
    new = sum(entry.credits for entry in entries if entry.source == "owed") if tied else 0
    for lot in sorted(
        (lot for lot in journal.lots.values() if lot.credit_type == credit_type and lot.available > 0), key=spending_key
    ):
        free = lot.scope == "account" or lot.lot_id in came
        part = min(lot.available, account.owed if free else max(new - repaid, 0))
        if part == 0:
            continue
        if lot.expires_at is None or at < lot.expires_at:
            journal.move(entries, lot, "available", "owed", part)
            lot.data = {**lot.data, "repaid": lot.data.get("repaid", 0) + part}
            repaid += part
    return repaid
