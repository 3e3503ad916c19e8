"""What a ticket reserves, takes and gives back, over all its holds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import Literal

from app.domain.ledger.expiry import attempt, refresh_expiry, void_held
from app.domain.ledger.journal import hold_key, spending_key
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Hold
from app.domain.ledger.lots import DEFAULT_TYPE, checked_amount
from app.domain.policy.credit_rules import ExpiredReturn
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId, TicketId


def charge_of(ledger: Ledger, ticket_id: str) -> dict[str, int]:
    """What a ticket costs so far, over all its holds: ``held``, ``captured``, ``refunded``, ``net`` (captured less
    refunded)."""
    mine = _holds_of(ledger, ticket_id)
    captured = sum(hold.captured for hold in mine)
    refunded = sum(hold.refunded for hold in mine)
    return {
        "held": sum(hold.open for hold in mine),
        "captured": captured,
        "refunded": refunded,
        "net": captured - refunded,
    }


def hold_more_for(
    ledger: Ledger,
    ticket_id: TicketId,
    credits: int,
    *,
    credit_type: str | None = None,
    license_id: LicenseId | None = None,
    category: str | None = None,
    clause: str | None = None,
    reading: bool = False,
) -> Hold:
    """Hold the difference when a price goes up, so that no capture exceeds its hold (decision 0025)."""
    mine = _holds_of(ledger, ticket_id)
    kind = credit_type or (mine[-1].credit_type if mine else DEFAULT_TYPE)
    return ledger.hold(
        credits,
        credit_type=kind,
        ticket_id=ticket_id,
        license_id=license_id,
        category=category,
        clause=clause,
        reading=reading,
    )


def capture_for(ledger: Ledger, ticket_id: str, *, clause: str | None = None, reading: bool = False) -> int:
    """Captures whatever is still held for a ticket, oldest hold first, by the clause of its price. Credits
    captured."""
    return _each(
        ledger, ticket_id, None, "open", lambda hold, n: ledger.capture(hold.hold_id, n, clause=clause, reading=reading)
    )


def release_for(
    ledger: Ledger,
    ticket_id: str,
    credits: int | None = None,
    *,
    expired: ExpiredReturn | None = None,
    reason: str | None = None,
    clause: str | None = None,
) -> int:
    """Gives back what is held for a ticket, newest hold first; all of it unless told. Credits released."""
    return _each(
        ledger,
        ticket_id,
        credits,
        "open",
        lambda hold, n: ledger.release(hold.hold_id, n, expired=expired, reason=reason, clause=clause),
        newest_first=True,
    )


def refund_for(
    ledger: Ledger,
    ticket_id: str,
    credits: int | None = None,
    *,
    expired: ExpiredReturn | None = None,
    reason: str | None = None,
    clause: str | None = None,
) -> int:
    """Gives back what a ticket was charged, newest hold first; all that is left unless told. Credits returned."""
    return _each(
        ledger,
        ticket_id,
        credits,
        "spent",
        lambda hold, n: ledger.refund(hold.hold_id, n, expired=expired, reason=reason, clause=clause),
        newest_first=True,
    )


def to_free(ledger: Ledger, ticket_id: str, category: str | None) -> tuple[int, int]:
    """Return how many held credits have to come back so that none lies in a lot that may not pay for a category.

    The second number says how many of them may pay for it, and can be held again.

    They come back newest first. None does where some would go to a lot that has ended: what is held stays so.
    """
    held = [
        (line.open, ledger.lots[line.lot_id])
        for hold in reversed(_holds_of(ledger, ticket_id))
        for line in reversed(hold.lines)
        if line.open and line.lot_id in ledger.lots
    ]
    wrong = [place for place, (_, lot) in enumerate(held) if lot.categories and category not in lot.categories]
    back = held[: wrong[-1] + 1] if wrong else []
    if any(lot.expires_at is not None and lot.expires_at <= ledger.at for _, lot in back):
        return 0, 0
    right = sum(part for part, lot in back if not lot.categories or category in lot.categories)
    return sum(part for part, _ in back), right


def expire_holds(ledger: Ledger, ticket_ids: Collection[str]) -> tuple[str, ...]:
    """For ``until_accepted`` (TERMS-18): what these unaccepted tickets hold of expired lots is void, effective at
    the lot's expiry. The tickets touched."""
    touched: list[str] = []
    types = sorted({hold.credit_type for hold in ledger.holds.values() if hold.ticket_id in ticket_ids})
    for credit_type in types:
        with attempt(ledger, credit_type):
            for lot in sorted(ledger.lots.values(), key=spending_key):
                if lot.credit_type != credit_type or lot.expires_at is None or ledger.at < lot.expires_at:
                    continue
                mine = [hold for hold in ledger.holds.values() if hold.ticket_id in ticket_ids and hold.open]
                touched += [hold.ticket_id for hold in void_held(ledger, lot, lot.expires_at, mine) if hold.ticket_id]
            refresh_expiry(ledger, credit_type)
    return tuple(dict.fromkeys(touched))


def _each(
    ledger: Ledger,
    ticket_id: str,
    credits: int | None,
    what: Literal["open", "spent"],
    act: Callable[[Hold, int], Hold],
    *,
    newest_first: bool = False,
) -> int:
    with ExitStack() as attempts:
        for credit_type in sorted({hold.credit_type for hold in _holds_of(ledger, ticket_id)}):
            attempts.enter_context(attempt(ledger, credit_type))
        return _each_hold(ledger, ticket_id, credits, what, act, newest_first)


def _each_hold(
    ledger: Ledger,
    ticket_id: str,
    credits: int | None,
    what: Literal["open", "spent"],
    act: Callable[[Hold, int], Hold],
    newest_first: bool,
) -> int:
    mine = [hold for hold in _holds_of(ledger, ticket_id) if _left(hold, what)]
    total = sum(_left(hold, what) for hold in mine)
    credits_ = total if credits is None else checked_amount(credits)
    if credits_ > total:
        if what == "open":
            raise DomainError("over_release", ticket_id=ticket_id, requested=credits_, held=total)
        raise DomainError("over_refund", ticket_id=ticket_id, requested=credits_, refundable=total)
    left = credits_
    for hold in reversed(mine) if newest_first else mine:
        part = min(left, _left(hold, what))
        if part:
            act(hold, part)
            left -= part
    return credits_ - left


def _left(hold: Hold, what: Literal["open", "spent"]) -> int:
    return hold.open if what == "open" else hold.captured - hold.refunded


def _holds_of(ledger: Ledger, ticket_id: str) -> list[Hold]:
    holds = [hold for each in (ledger, *ledger.former.values()) for hold in each.holds.values()]
    return sorted((hold for hold in holds if hold.ticket_id == ticket_id), key=hold_key)
