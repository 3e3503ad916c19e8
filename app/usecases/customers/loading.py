"""Reading many customers at once, for doors that show pages of them with all that belongs to each."""

from __future__ import annotations

from collections.abc import Sequence

from app.db import customers
from app.db import preload as together
from app.db.engine import Tx


async def prepare(tx: Tx, customer_ids: Sequence[str]) -> None:
    """Reads what the use cases will ask of these customers (vendor's ids) in as many statements as for one.

    Changes no answer: it fills the memo of this reading transaction, and does nothing in a writing one.
    """
    await together.load(tx, customer_ids, open_ticket=customers.OPEN_TICKETS)
