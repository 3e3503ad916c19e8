"""Credits that are good as long as a plan runs: each change of cover moves their end, and a renewal extends them.

A lot that ends with a plan keeps the rules of that plan's cover in its `data`, and its own term if it has one. What has
ended stays ended: a renewal that comes after the end brings nothing back. Only what had ended when it was told
(``told_late``) goes on, if a renewal is told after it that was bought in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import UTC, datetime
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover
from app.domain.ledger.events import due_of, expired_key, granted_data, moved_data
from app.domain.ledger.expiry import post_due_expiries, refresh_expiry
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.ledger.recurring import PLAN_ENDS
from app.domain.ledger.units import paid_back
from app.domain.values.wire import iso, iso_or_none, parse_iso_or_none

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def plan_end(covers: Iterable[Cover], rules: Sequence[str], license_id: str | None, since: datetime) -> datetime | None:
    """Return where the plan ends in which credits of an instant lie, or the next one; None where none does.

    A plan goes on over covers that follow one another without a gap. One that is suspended has no end yet. A cover that
    was refunded as it began has not run.
    """
    spans = sorted(
        (cover.starts_at, _NEVER if cover.ends_at is None or cover.frozen else cover.ends_at)
        for cover in covers
        if cover.rule in rules
        and cover.state != "voided"
        and cover.starts_at is not None
        and cover.starts_at != cover.ends_at
        and (cover.scope == "account" or cover.license_id == license_id)
    )
    end: datetime | None = None
    for starts, ends in spans:
        if end is not None and starts > end and end > since:
            break
        end = ends if end is None or starts > end else max(end, ends)
    return None if end is None or end == _NEVER or end <= since else end


def bind(account: CustomerAccount, lot: Lot, rules: Sequence[str]) -> None:
    """Let a new lot end with a plan, at its own end if that comes first."""
    lot.data = {**lot.data, "ends_with": {"rules": list(rules), "by": iso_or_none(lot.expires_at)}}
    account.ledger.mark_lot(lot)
    _move(account, lot)


def follow_plan(account: CustomerAccount, cover: Cover) -> None:
    """Move the ends of credits that end with a cover which has changed."""
    if account.policy.ends_with_cover(cover.rule):
        account.ledger.needs_all_lots()
        _follow(account, {cover.rule})


def follow_all_plans(account: CustomerAccount) -> None:
    """Move the ends of all credits that end with a plan: two accounts with all their cover became this one."""
    rules = {cover.rule for cover in account.covers.values()}
    if any("ends_with" in lot.data for lot in account.ledger.lots.values()) or any(
        grant.terms.get("ends_with") for grant in (account.ledger.recurring or {}).values()
    ):
        _follow(account, rules)


def _follow(account: CustomerAccount, rules: Set[str]) -> None:
    for credit_type in account.ledger.due_types():
        post_due_expiries(account.ledger, credit_type)
    for grant in (account.ledger.recurring or {}).values():
        if not rules.isdisjoint(grant.terms.get("ends_with") or ()):
            set_plan_end(account, grant)
    for lot in sorted(account.ledger.lots.values(), key=lambda lot: lot.lot_id):
        if not rules.isdisjoint(lot.data.get("ends_with", {}).get("rules", ())):
            _move(account, lot)


def set_plan_end(account: CustomerAccount, grant: Any) -> None:
    """Tell a recurring grant where its plan ends, for the lots that it brings next."""
    ends = plan_end(account.covers.values(), grant.terms["ends_with"], grant.license_id, account.at)
    if grant.terms.get(PLAN_ENDS) != iso_or_none(ends):
        grant.terms = {**grant.terms, PLAN_ENDS: iso_or_none(ends)}
        account.ledger.put_recurring(grant)


def _move(account: CustomerAccount, lot: Lot) -> None:
    """Set a lot's end by its plan, unless it has come already."""
    over = lot.expires_at is not None and lot.expires_at <= account.at
    if lot.withdrawn or (over and "told_late" not in lot.data):
        return
    bound = lot.data["ends_with"]
    plan = plan_end(account.covers.values(), bound["rules"], lot.license_id, lot.bought_at)
    ends = min((end for end in (plan, parse_iso_or_none(bound["by"])) if end is not None), default=None)
    if over and (ends is None or account.at < ends):
        _go_on(account, lot, ends)
    elif not over and ends != lot.expires_at:
        if ends is not None and ends < account.at:
            lot.data = {**lot.data, "told_late": True}
        move_end(account, lot, ends)


def _go_on(account: CustomerAccount, lot: Lot, ends: datetime | None) -> None:
    """Grant credits again that had ended when they were told, since the plan went on by what is told now."""
    if lot.expired != lot.granted or paid_back(lot):
        return
    lasting = {name: value for name, value in lot.data.items() if name != "told_late"}
    lot.data = lasting
    account.ledger.mark_lot(lot)
    account.ledger.withdraw(lot.lot_id)
    made = grant_again(account, account.ledger, lot, lot.granted, ends, reason="plan_renewed")
    made.data = {**lasting, **made.data, "bought": {**lot.purchase()["bought"], "lot_id": made.lot_id}}
    emit_grant_again(account, made, lot)


def grant_again(
    account: CustomerAccount,
    ledger: Ledger,
    lot: Lot,
    number: int,
    ends: datetime | None,
    *,
    reason: str,
    whole: bool = True,
) -> Lot:
    """Grant credits of a lot that had ended. ``whole``: all of them, as of when they ended, in place of the lot."""
    return ledger.grant(
        number,
        source=lot.source if whole else "correction",
        rule=lot.rule,
        credit_type=lot.credit_type,
        effective_at=lot.expires_at if whole else account.at,
        expires_at=ends,
        order_id=lot.order_id if whole else None,
        line_id=lot.line_id if whole else None,
        unit_no=lot.unit_no,
        priority=lot.priority,
        scope=lot.scope,
        license_id=lot.license_id,
        cost=lot.price_of(number),
        policy_version=lot.policy_version,
        origin_lot_id=lot.origin_lot_id if whole else lot.lot_id,
        clause=lot.clause,
        reading=lot.reading,
        reason=reason,
        categories=lot.categories,
    )


def emit_grant_again(account: CustomerAccount, made: Lot, lot: Lot) -> None:
    """Tell of credits that were granted again, and of what falls due of them."""
    for due in due_of(made, account.policy.credits, account.at):
        account.plan.due(due.at, due.kind, due.subject, **due.payload)
    balance, ends = account.ledger.balance(lot.credit_type), iso_or_none(made.expires_at)
    data = granted_data(made, made.granted, balance, order_id=lot.order_id, line_id=lot.line_id, expires_at=ends)
    account.emit("credits.granted", data)


def move_end(account: CustomerAccount, lot: Lot, ends: datetime | None) -> None:
    """Set the end of a lot, book what is due by then, and tell of it."""
    before, extended = lot.expires_at, ends is None or (lot.expires_at is not None and lot.expires_at < ends)
    account.ledger.touch_expiry(lot, ends)
    refresh_expiry(account.ledger, lot.credit_type)
    if account.ledger.is_due(lot.credit_type):
        post_due_expiries(account.ledger, lot.credit_type)
    for due in due_of(lot, account.policy.credits, account.at):
        account.plan.due(due.at, due.kind, due.subject, **due.payload)
    balance = account.ledger.balance(lot.credit_type)
    if extended and before is not None and lot.available:
        data = moved_data(lot.credit_type, lot.available, balance, lot_id=lot.lot_id, expires_at=iso_or_none(ends))
        account.emit("credits.extended", data)
    if ends is not None and ends <= account.at and lot.expired:
        data = moved_data(lot.credit_type, lot.expired, balance, lot_id=lot.lot_id, clause=lot.clause)
        account.emit("credits.expired", data, occurred_at=ends, dedupe_key=expired_key(lot, iso(ends)))
