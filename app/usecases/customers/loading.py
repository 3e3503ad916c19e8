"""Reading many customers at once, for doors that show pages of them with all that belongs to each."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.account import customers
from app.db.account import preload as once_read
from app.db.engine import Tx


async def prepare(tx: Tx, customer_ids: Sequence[str]) -> None:
    """Reads what the use cases will ask of these customers (vendor's ids) in as many statements as for one.

    Changes no answer: it fills the memo of this reading transaction, and does nothing in a writing one.
    """
    await once_read.load(tx, customer_ids, open_ticket=customers.OPEN_TICKETS)
