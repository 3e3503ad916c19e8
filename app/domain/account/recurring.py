"""Recurring grants follow what they run with: a cover, or a license. Here alone they begin, wait, go on and end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, License
from app.domain.account.plan_credits import plan_end
from app.domain.ledger.events import due_of, expired_key, granted_data, moved_data, voided_data
from app.domain.ledger.expiry import post_due_expiries, refresh_expiry
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Lot
from app.domain.ledger.recurring import (
    RENEWAL,
    RecurringGrant,
    ends_after_waiting,
    next_yield,
    renewal_end,
    run_until,
    stop,
    yields,
)
from app.domain.ledger.rest import NotLoaded
from app.domain.values.ids import LotId
from app.domain.values.wire import iso, iso_or_none, jsonable, parse_iso, parse_iso_or_none

DUE: Final = "credits.recurring"
"""The kind of a recurring grant's agenda row."""
STREAM: Final = "recurring_grant"


def follow_cover(account: CustomerAccount, cover: Cover, until: datetime | None) -> None:
    """Let the grants that run with a cover begin, wait and end as it does. ``until``: the end of what was paid for."""
    for grant in grants_of(account):
        if grant.cover_id == cover.cover_id and not grant.withdrawn:
            _follow(account, grant, cover, until)


def follow_license(account: CustomerAccount, license_: License) -> None:
    """Let the grants that run with a license end as it does."""
    for grant in grants_of(account):
        if grant.license_id == license_.license_id and grant.terms["runs_with"] == "license" and not grant.withdrawn:
            run(account, grant, license_.placed_at, license_.ended_at)


def grants_of(account: CustomerAccount) -> list[RecurringGrant]:
    """Return the account's recurring grants in the order of their units."""
    if account.ledger.recurring is None:
        raise NotLoaded
    return sorted(account.ledger.recurring.values(), key=lambda grant: grant.place)


def run(account: CustomerAccount, grant: RecurringGrant, starts: datetime | None, ends: datetime | None) -> None:
    """Let a grant run from one instant until another, and book what is due of it."""
    done = run_until(grant, starts, ends, at=account.at)
    if done == "anew":
        _anew(account, grant, starts, ends)
    elif done == "changed":
        put_grant(account, grant, "followed")
        _cut_back(account, grant)


def _cut_back(account: CustomerAccount, grant: RecurringGrant) -> None:
    """Take back what is unspent of intervals that never came: what it runs with ended before they began."""
    came = sum(1 for _ in zip(range(grant.granted), yields(grant), strict=False))
    gone = {grant.lot_id(number) for number in range(came, grant.granted)}
    if not gone:
        return
    for lot in [lot for lot in account.ledger.lots.values() if lot.root in gone]:  # a merge may have moved it
        if voided := account.ledger.void(lot.lot_id, reason="ended"):
            balance = account.ledger.balance(lot.credit_type)
            data = voided_data(lot, voided, balance, reason="ended", order_id=grant.order_id)
            account.emit("credits.voided", data)


def put_grant(account: CustomerAccount, grant: RecurringGrant, kind: str) -> None:
    """Write a grant whose spans changed, book what is due of it, and put what comes next on the agenda."""
    grant.known_at = account.at
    grant.version += 1
    account.ledger.put_recurring(grant)
    account.plan.record(STREAM, grant.grant_id, grant.version, kind, {"grant": stored(grant)})
    account.ledger.account(grant.credit_type)
    refresh_expiry(account.ledger, grant.credit_type)
    book(account, grant)


def book(account: CustomerAccount, grant: RecurringGrant) -> None:
    """Book what is due of a grant, tell of what has come, and put what comes next on the agenda."""
    if account.ledger.is_due(grant.credit_type):
        post_due_expiries(account.ledger, grant.credit_type)
    for number in range(grant.emitted, grant.granted):
        lot = account.ledger.lots.get(grant.lot_id(number))
        if lot is not None:
            _emit_granted(account, grant, lot)
    if grant.emitted != grant.granted:
        grant.emitted = grant.granted
        account.ledger.put_recurring(grant)
    coming = next_yield(grant)
    if coming is not None:
        account.plan.due(coming.at, DUE, grant.grant_id, grant_id=grant.grant_id)
    elif grant.version > 1:
        account.plan.drop(DUE, grant.grant_id)


def _emit_granted(account: CustomerAccount, grant: RecurringGrant, lot: Lot) -> None:
    """Publish what came, and what did not go over then."""
    for due in due_of(lot, account.policy.credits, account.at):
        account.plan.due(due.at, due.kind, due.subject, **due.payload)
    balance = account.ledger.balance(lot.credit_type)
    forfeited = lot.data["recurring"].get("forfeited")
    if forfeited:
        data = moved_data(
            lot.credit_type, forfeited, balance, lot_id=lot.lot_id, reason=RENEWAL, clause=grant.terms["renewal_clause"]
        )
        key = f"{RENEWAL}:{lot.lot_id}"
        account.emit("credits.expired", data, occurred_at=lot.effective_at, dedupe_key=key)
    account.emit(
        "credits.granted",
        granted_data(
            lot,
            lot.granted,
            balance,
            order_id=lot.order_id,
            line_id=lot.line_id,
            license_id=lot.license_id,
            expires_at=iso_or_none(lot.expires_at),
            rule=lot.rule,
            clause=lot.clause,
            reading=lot.reading,
            interval=lot.data["recurring"]["no"] + 1,
        ),
        occurred_at=lot.effective_at,
        dedupe_key=f"credits.granted:{lot.lot_id}",
    )
    if lot.expires_at is not None and lot.expires_at <= account.at and lot.expired:
        data = moved_data(lot.credit_type, lot.expired, balance, lot_id=lot.lot_id)
        account.emit(
            "credits.expired", data, occurred_at=lot.expires_at, dedupe_key=expired_key(lot, iso(lot.expires_at))
        )


def stored(grant: RecurringGrant) -> dict[str, Any]:
    """A grant as its events keep it."""
    found: dict[str, Any] = jsonable(asdict(grant))
    return found


def withdraw(account: CustomerAccount, grant: RecurringGrant, *, reason: str) -> list[tuple[Lot, int]]:
    """End a grant that stands for its unit no longer, with what is unspent of it. Return what was voided, by lot."""
    voided_lots = []
    for ledger, lot in family_of(account, grant):
        voided = ledger.void(lot.lot_id, reason=reason)
        ledger.withdraw(lot.lot_id)
        if voided:
            voided_lots.append((lot, voided))
            balance = ledger.balance(lot.credit_type)
            data = voided_data(lot, voided, balance, reason=reason, order_id=grant.order_id)
            account.emit("credits.voided", data)
    give_up(account, grant)
    return voided_lots


def give_up(account: CustomerAccount, grant: RecurringGrant) -> None:
    """Say that a grant stands for its unit no longer; its lots were taken care of."""
    grant.withdrawn = True
    put_grant(account, grant, "withdrawn")


def lots_of(account: CustomerAccount, grant: RecurringGrant) -> list[tuple[Lot, int]]:
    """Return the account's lots of what a grant brought, each with its interval, a merge's too."""
    numbers = {grant.lot_id(number): number for number in range(grant.granted)}
    return [(lot, numbers[LotId(lot.root)]) for lot in account.ledger.lots.values() if lot.root in numbers]


def family_of(account: CustomerAccount, grant: RecurringGrant) -> list[tuple[Ledger, Lot]]:
    """Return the lots of what a grant brought, also those that stay where accounts were before they became one."""
    ids = {grant.lot_id(number) for number in range(grant.granted)}
    ledgers = (account.ledger, *account.ledger.former.values())
    return [(ledger, lot) for ledger in ledgers for lot in ledger.lots.values() if lot.root in ids]


def merged(account: CustomerAccount, moved: Iterable[RecurringGrant]) -> None:
    """Note since when grants are this account's: an answer as of before has them with the other one."""
    for grant in moved:
        grant.version += 1
        account.ledger.put_recurring(grant)
        account.plan.record(STREAM, grant.grant_id, grant.version, "merged", {"grant": stored(grant)})


def _follow(account: CustomerAccount, grant: RecurringGrant, cover: Cover, until: datetime | None) -> None:
    if cover.frozen and cover.suspended_at is not None:
        if stop(grant, cover.suspended_at) == "changed":
            put_grant(account, grant, "stopped")
            _freeze(account, grant)
        return
    if cover.state == "voided" or cover.starts_at is None:
        if grant.granted == 0:
            run(account, grant, None, None)
        else:
            run(account, grant, cover.starts_at, account.at)
        return
    run(account, grant, cover.starts_at, until)
    _thaw(account, grant)


def _freeze(account: CustomerAccount, grant: RecurringGrant) -> None:
    """Let credits that end at a renewal wait for it with the plan: they have no end while it is suspended."""
    if grant.terms.get("while_suspended") == "ends":
        return
    for lot, number in lots_of(account, grant):
        bound = lot.data.get("ends_with")
        own = lot.expires_at if bound is None else parse_iso_or_none(bound["by"])
        ended = lot.expires_at is not None and lot.expires_at <= account.at
        if own is None or ended or lot.withdrawn or own != renewal_end(grant, number):
            continue
        lot.data = {**lot.data, "waits": iso(own)}
        _put_end(account, lot, None)


def _thaw(account: CustomerAccount, grant: RecurringGrant) -> None:
    """Let what waited end at its renewal, which comes later by now; where none comes, when it would have ended."""
    goes_on = grant.stopped_at is None and len(grant.spans) > 1
    for lot, number in [(lot, number) for lot, number in lots_of(account, grant) if "waits" in lot.data]:
        later = ends_after_waiting(grant, number) if goes_on else None
        ends = later or parse_iso(lot.data["waits"])
        lot.data = {name: value for name, value in lot.data.items() if name != "waits"}
        _put_end(account, lot, max(ends, account.at))
        if account.ledger.is_due(lot.credit_type):
            post_due_expiries(account.ledger, lot.credit_type)


def _put_end(account: CustomerAccount, lot: Lot, own: datetime | None) -> None:
    """Set until when a lot is good by itself; it ends no later than the plan that it ends with."""
    ends = own
    if (bound := lot.data.get("ends_with")) is not None:
        lot.data = {**lot.data, "ends_with": {**bound, "by": iso_or_none(own)}}
        plan = plan_end(account.covers.values(), bound["rules"], lot.license_id, lot.effective_at)
        ends = min((end for end in (plan, own) if end is not None), default=None)
    account.ledger.touch_expiry(lot, ends)
    refresh_expiry(account.ledger, lot.credit_type)
    for due in due_of(lot, account.policy.credits, account.at):
        account.plan.due(due.at, due.kind, due.subject, **due.payload)


def _anew(account: CustomerAccount, grant: RecurringGrant, starts: datetime | None, ends: datetime | None) -> None:
    """What a grant runs with begins at another instant by now: what was not used of it is granted anew."""
    lots = family_of(account, grant)
    missing = grant.granted - sum(lot.lot_id == lot.root for _, lot in lots)
    if missing or any(_used(account, ledger, lot) for ledger, lot in lots):
        account.emit(
            "grant_review",
            {
                "kind": "lot",
                "subject": grant.lot_id(0),
                "license_id": grant.license_id,
                "order_id": grant.order_id,
                "line_id": grant.line_id,
                "rule": grant.rule,
                "clause": grant.terms["clause"],
                "ordinal": None,
                "reason": "What these credits come with begins at another time by now; they were used already.",
            },
            dedupe_key=f"grant_review:{grant.grant_id}",
        )
        return
    withdraw(account, grant, reason="moved")
    again = new_grant(account, **{name: getattr(grant, name) for name in _SAME})
    run(account, again, starts, ends)


def _used(account: CustomerAccount, ledger: Ledger, lot: Lot) -> bool:
    """Whether credits of a lot serve somebody by now. What a merge moved lies in another lot, which is looked at."""
    return bool(lot.held or lot.spent or lot.data.get("given") or (lot.moved and ledger is account.ledger))


_SAME: Final = (
    "credit_type",
    "order_id",
    "line_id",
    "unit_no",
    "rule",
    "license_id",
    "cover_id",
    "policy_version",
    "terms",
)


def new_grant(account: CustomerAccount, **of: Any) -> RecurringGrant:
    """Add a recurring grant, which does not run yet."""
    grant = RecurringGrant(
        grant_id=account.mint("rgr"), customer_id=account.customer.customer_id, known_at=account.at, **of
    )
    put_grant(account, grant, "granted")
    return grant
