"""What falls due in a ledger is booked in order of time, each at its own instant. So no answer waits for a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import TypeVar

from app.domain.ledger.giving_back import hand_back
from app.domain.ledger.journal import ConservationError, Journal, hold_key
from app.domain.ledger.lot import Entry, Hold, Lot
from app.domain.ledger.recurring import RecurringGrant, next_yield
from app.domain.ledger.renewal import renew
from app.domain.ledger.rest import NotLoaded
from app.domain.values.errors import DomainError

T = TypeVar("T")
Ending = Lot | Hold | RecurringGrant
Due = tuple[datetime, int, str, Ending]


def post_due_expiries(journal: Journal, credit_type: str) -> None:
    """Books what has expired and what came again, in order of time, each effective at its own instant (exact without a
    job)."""
    if journal.rest is not None:
        journal.rest.needs_lots()
        if journal.rest.until is not None and journal.rest.until <= journal.at:
            raise NotLoaded
    if journal.recurring is None:
        raise NotLoaded
    left = 2 * (len(journal.lots) + len(journal.holds)) + 2
    due = _Due(journal, credit_type)
    while left:
        soonest = due.soonest()
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
        due.put_touched(what)
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


def _soonest(journal: Journal, credit_type: str) -> tuple[datetime, Ending] | None:
    best: tuple[datetime, int, str] | None = None
    found: Ending | None = None
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
        if grant.credit_type == credit_type and (coming := _coming(journal, grant)) is not None:
            key = (coming, 2, "/".join(map(str, grant.place)))
            if best is None or key < best:
                best, found = key, grant
    return _within(journal, (best[0], found) if best is not None and found is not None else None)


def _within(journal: Journal, soonest: tuple[datetime, Ending] | None) -> tuple[datetime, Ending] | None:
    if journal.rest is not None:
        journal.rest.needs_lots()
    until = None if journal.rest is None else journal.rest.until
    if until is not None and (soonest is None or soonest[0] > until):
        raise NotLoaded  # what was not read may end before it
    return soonest


def _all_due(journal: Journal, credit_type: str) -> Iterator[Due]:
    """Yield whatever of a credit type ends or comes by itself."""
    for some in (journal.lots, journal.holds, journal.recurring or {}):
        for what in some.values():
            if what.credit_type == credit_type and (found := _due(journal, what)) is not None:
                yield found


def _due(journal: Journal, what: Ending) -> Due | None:
    """Return when something ends or comes, with its place among those of one instant; None where it does not."""
    if isinstance(what, Lot):
        if what.expires_at is None or not (what.available > 0 or (_voids_holds(journal) and what.held > 0)):
            return None
        return what.expires_at, 1, what.lot_id, what
    if isinstance(what, Hold):
        return None if what.expires_at is None or what.open <= 0 else (what.expires_at, 0, what.hold_id, what)
    coming = _coming(journal, what)
    return None if coming is None else (coming, 2, "/".join(map(str, what.place)), what)


def _coming(journal: Journal, grant: RecurringGrant) -> datetime | None:
    """Return when a grant yields next. It is reckoned once, until the grant changes."""
    state = grant.granted, grant.withdrawn, grant.spans, grant.terms
    known = journal.coming.get(grant.grant_id)
    if known is None or known[0] != state:
        found = next_yield(grant)
        # Copies, so that a change in place is seen.
        copied = grant.granted, grant.withdrawn, [list(span) for span in grant.spans], dict(grant.terms)
        known = journal.coming[grant.grant_id] = (copied, None if found is None else found.at)
    return known[1]


class _Due:
    """What falls due of a credit type, the soonest first, while it is booked.

    Each booking changes a few things alone: these are put anew, and what no longer holds of the others is passed over.
    """

    def __init__(self, journal: Journal, credit_type: str) -> None:
        self._journal, self._credit_type = journal, credit_type
        self._heap = [(at, rank, name, number, what) for number, (at, rank, name, what) in enumerate(self._all())]
        self._count = len(self._heap)
        self._booked = len(journal.operations)
        heapify(self._heap)

    def _all(self) -> Iterator[Due]:
        return _all_due(self._journal, self._credit_type)

    def soonest(self) -> tuple[datetime, Ending] | None:
        """Return the next thing and its instant, as it stands by now."""
        while self._heap:
            at, rank, name, _, what = self._heap[0]
            now = _due(self._journal, what)
            if now is not None and now[:3] == (at, rank, name):
                return _within(self._journal, (at, what))
            heappop(self._heap)
            if now is not None:
                self._put(now)
        return _within(self._journal, None)

    def put_touched(self, what: Ending) -> None:
        """Put what was booked, and every lot whose credits moved with it."""
        touched: dict[str, Ending] = {"": what}
        for operation in self._journal.operations[self._booked :]:
            for entry in operation.entries:
                lot = self._journal.lots.get(entry.lot_id)
                if lot is not None and lot.credit_type == self._credit_type:
                    touched[lot.lot_id] = lot
        self._booked = len(self._journal.operations)
        for thing in touched.values():
            if (found := _due(self._journal, thing)) is not None:
                self._put(found)

    def _put(self, found: Due) -> None:
        self._count += 1
        heappush(self._heap, (*found[:3], self._count, found[3]))


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
