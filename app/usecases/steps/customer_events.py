"""Publish events of a customer of whom nothing else changes: many in a row, from one reading of the account."""

from __future__ import annotations

from typing import Final

from app.db.account import accounts
from app.db.engine import Tx
from app.db.plan import write_account
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan

_CACHE: Final = "emitted_from"


async def load_to_emit(tx: Tx, customer_id: str) -> CustomerAccount:
    """Return the account of a customer whose events are to be published; `write_emitted` writes it.

    A thousand covers of one customer end at one instant. As long as nothing else is written in the transaction, the
    account that the last events came from serves again, and is not read anew.
    """
    cached = tx.caches.get(_CACHE)
    if cached is not None and cached[:3] == (customer_id, tx.at, tx.caches.get("writes")):
        account: CustomerAccount = cached[3]
        account.plan = Plan(customer=account.customer, at=account.at, actor=tx.actor)
        return account
    return await accounts.load_by_id(tx, await accounts.heir(tx, customer_id))


async def write_emitted(tx: Tx, account: CustomerAccount) -> None:
    """Write an account that published events, and keep it for the next ones (`load_to_emit`)."""
    await write_account(tx, account)
    tx.caches[_CACHE] = (account.customer.customer_id, tx.at, tx.caches.get("writes"), account)
