"""What falls due in a ledger is booked in order of time, each at its own instant. So no answer waits for a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from app.domain.ledger.giving_back import hand_back
from app.domain.ledger.journal import ConservationError, Journal, hold_key
from app.domain.ledger.lot import Entry, Hold, Lot
from app.domain.ledger.recurring import RecurringGrant, next_yield
from app.domain.ledger.renewal import renew
from app.domain.ledger.rest import NotLoaded
from app.domain.values.errors import DomainError

T = TypeVar("T")


def post_due_expiries(journal: Journal, credit_type: str) -> None:
    """Books what has expired and what came again, in order of time, each effective at its own instant (exact without a
    job)."""
    if journal.rest is not None and journal.rest.until is not None and journal.rest.until <= journal.at:
        raise NotLoaded
    if journal.recurring is None:
        raise NotLoaded
    left = 2 * (len(journal.lots) + len(journal.holds)) + 2
    while left:
        soonest = _soonest(journal, credit_type)
        if soonest is None or soonest[0] > journal.at:
            refresh_expiry(journal, credit_type)
            return
        at, what = soonest
        if isinstance(what, Lot):
            _expire_lot(journal, what, at)
        elif isinstance(what, Hold):
            _expire_hold(journal, what, at)
        else:
            renew(journal, what)
            left += 3  # what came again has an end of its own
        left -= 1
    raise ConservationError("expiry does not come to an end")


def refresh_expiry(journal: Journal, credit_type: str) -> None:
    """Recomputes ``next_expiry``: the soonest end of an open lot or of a hold with a term, or the next grant that
    recurs. Where these were not read, it never moves later."""
    soonest = _soonest(journal, credit_type)
    account = journal.accounts[credit_type]
    value = soonest[0] if soonest else None
    if journal.recurring is None and account.next_expiry is not None:
        value = account.next_expiry if value is None else min(value, account.next_expiry)
    if account.next_expiry != value:
        account.next_expiry = value
        journal.mark_account(credit_type)


def _soonest(journal: Journal, credit_type: str) -> tuple[datetime, Lot | Hold | RecurringGrant] | None:
    best: tuple[datetime, int, str] | None = None
    found: Lot | Hold | RecurringGrant | None = None
    key: tuple[datetime, int, str]
    void = _voids_holds(journal)
    for lot in journal.lots.values():
        if lot.expires_at is None or lot.credit_type != credit_type:
            continue
        if lot.available > 0 or (void and lot.held > 0):
            key = (lot.expires_at, 1, lot.lot_id)
            if best is None or key < best:
                best, found = key, lot
    for hold in journal.holds.values():
        if hold.expires_at is not None and hold.credit_type == credit_type and hold.open > 0:
            key = (hold.expires_at, 0, hold.hold_id)
            if best is None or key < best:
                best, found = key, hold
    for grant in (journal.recurring or {}).values():
        if grant.credit_type == credit_type and (coming := next_yield(grant)) is not None:
            key = (coming.at, 2, "/".join(map(str, grant.place)))
            if best is None or key < best:
                best, found = key, grant
    soonest = (best[0], found) if best is not None and found is not None else None
    until = None if journal.rest is None else journal.rest.until
    if until is not None and (soonest is None or soonest[0] > until):
        raise NotLoaded  # what was not read may end before it
    return soonest


def _voids_holds(journal: Journal) -> bool:
    return journal.rules is not None and journal.rules.hold_on_expiry == "void"


def _expire_lot(journal: Journal, lot: Lot, at: datetime) -> None:
    clause = lot.clause
    if lot.available > 0:
        entries: list[Entry] = []
        journal.move(entries, lot, "available", "expired", lot.available)
        journal.record(
            "expire",
            lot.credit_type,
            entries,
            effective_at=at,
            order_id=lot.order_id,
            clause=clause,
            reading=lot.reading,
        )
    if _voids_holds(journal):
        void_held(journal, lot, at, journal.holds.values())


def void_held(journal: Journal, lot: Lot, at: datetime, holds: Iterable[Hold]) -> list[Hold]:
    """Books what the given holds hold of a dead lot as expired (TERMS-18). The holds touched."""
    clause = journal.rules.hold_expiry_clause if journal.rules else None
    touched: list[Hold] = []
    for hold in sorted(holds, key=hold_key):
        for line in hold.lines:
            part = line.open
            if line.lot_id != lot.lot_id or part == 0:
                continue
            entries: list[Entry] = []
            line.released += part
            journal.move(entries, lot, "held", "expired", part)
            journal.record(
                "expire", lot.credit_type, entries, effective_at=at, hold=hold, clause=clause, reason="lot_expired"
            )
            touched.append(hold)
    return touched


def _expire_hold(journal: Journal, hold: Hold, at: datetime) -> None:
    hand_back(journal, hold, "held", hold.open, at=at, reason="hold_expired")


@contextmanager
def attempt(journal: Journal, credit_type: str) -> Iterator[None]:
    """Books what is due first; a refusal takes that back too, so that it leaves no trace."""
    journal.account(credit_type)
    if not journal.is_due(credit_type):
        yield
        return
    before = journal.savepoint()
    post_due_expiries(journal, credit_type)
    try:
        yield
    except DomainError:
        journal.rollback(before)
        raise


def as_of_now(journal: Journal, credit_type: str, read: Callable[[], T]) -> T:
    if not journal.is_due(credit_type):
        return read()
    before = journal.savepoint()
    post_due_expiries(journal, credit_type)
    answer = read()
    journal.rollback(before)
    return answer


def balance(journal: Journal, credit_type: str) -> dict[str, int]:
    """``{"available", "held"}`` of a credit type, all scopes together, exact at this instant."""

    def read() -> dict[str, int]:
        account = journal.account(credit_type)
        return {"available": account.available, "held": account.held}

    return as_of_now(journal, credit_type, read)
