"""What of an account a call reads, where it does not read all of it (`app.db.ledger.window`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from app.db import policies
from app.db.engine import Tx
from app.domain.ledger.rest import NotLoaded
from app.domain.policy.policy import Policy

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPart:
    """What of an account is read beside what it can spend first. That is the lots and holds of a ticket (our own id),
    and the lots of some orders. With ``licenses``, the lots of all orders that brought these licenses are read too.
    ``spends``: False where nothing is spent, so that what could be spent first is not read either.
    """

    ticket_id: str | None = None
    orders: tuple[str, ...] = ()
    licenses: bool = False
    spends: bool = True


async def first_in_part(tx: Tx, work: Callable[[], Awaitable[T]]) -> T:
    """Return what ``work`` reads of accounts in part, or of whole ones where a rule looks further.

    It must write nothing. Where others share the transaction, whole accounts are read in one of its own.
    """
    try:
        return await work()
    except NotLoaded:
        if tx.whole or tx.peers is not None:
            raise
    tx.whole = True
    try:
        return await work()
    finally:
        tx.whole = False


async def allowed(tx: Tx, part: AccountPart | None, policy: Policy | None) -> AccountPart | None:
    """Return the part, where this work and the policy's rules may do with one.

    Where a lot's end voids what is held of it, every hold may end at any time.
    """
    if part is None or tx.whole:
        return None
    return None if voids_holds(policy or await policies.in_force(tx, tx.at)) else part


def voids_holds(policy: Policy) -> bool:
    """Whether the end of a lot voids what is held of it."""
    return policy.credits is not None and policy.credits.hold_on_expiry == "void"
