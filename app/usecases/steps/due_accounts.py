"""What falls due of many customers at once: accounts are read together, changed one by one, written together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from app.db import plan
from app.db.account import accounts, many, people
from app.db.agenda import Batched
from app.db.engine import Tx
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import AgendaItem
from app.domain.values.errors import DomainError

Change = Callable[[CustomerAccount, AgendaItem], bool]
"""Does with an account what falls due of it; whether there is something to write."""
READ_AT_ONCE: Final = 10
"""Accounts in one statement: large ones must not hold up the event loop by their sum."""


def batched(change: Change, *, of_heir: bool = False) -> Batched:
    """Return a handler of rows that each concern an account, and that may wait for others.

    ``of_heir``: a merged account's are its heir's.
    """

    async def change_all(tx: Tx, items: Sequence[AgendaItem]) -> None:
        owners = {str(item.customer_id): str(item.customer_id) for item in items}
        if of_heir:
            lives_on = await people.living(tx, owners)
            owners = {name: lives_on.get(name, (name, None))[0] for name in owners}
        loaded = await _load(tx, sorted(set(owners.values())))
        written: dict[str, CustomerAccount] = {}
        for item in items:
            account = loaded[owners[item.customer_id]]
            if change(account, item):
                written[account.customer.customer_id] = account
        every = [each for account in written.values() for each in (account, *account.others.values())]
        if every:
            await plan.write(tx, [(account.plan, account.ledger) for account in every])

    return Batched(change_all, may_wait=True)


async def _load(tx: Tx, customer_ids: Sequence[str]) -> dict[str, CustomerAccount]:
    """Lock customers and read their accounts. Refused: ``customer_not_found``."""
    locked = await accounts.lock_customers(tx, customer_ids)
    for customer_id in customer_ids:
        if customer_id not in locked:
            raise DomainError("customer_not_found", customer_id=customer_id)
    found: dict[str, CustomerAccount] = {}
    for first in range(0, len(customer_ids), READ_AT_ONCE):
        part = [locked[customer_id] for customer_id in customer_ids[first : first + READ_AT_ONCE]]
        found |= await many.read(tx, part, lock=True)
    return found
