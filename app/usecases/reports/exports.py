"""Rows of a whole tenant for a warehouse, a page at a time, in an order in which a position can be kept.

Each list is in the order in which ids were minted. An id that is minted may be committed later than a higher one. So a
list ends before those of the oldest write that is under way (`settled_before`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol

from app.db import exports, minting, tickets
from app.db.engine import Tx
from app.db.ledger import read as ledger
from app.domain.values.paging import Page, PageRequest
from app.usecases.reports import lists
from app.views.order import ListedOrder
from app.views.statement import Entry, entry_view

ROWS: Final = 50
"""Rows that are read together; no more are held at once."""


settled_before: Final = exports.settled_before
"""The instant before which nothing is written any more."""


class Export(Protocol):
    """Gives a part of a list."""

    async def __call__(self, tx: Tx, part: PageRequest, *, until: datetime) -> Page[Any]:
        """Return the rows of a part, of those that were minted before ``until``."""


async def entries(tx: Tx, part: PageRequest, *, until: datetime) -> Page[Entry]:
    """The ledger's entries as they were made, each with its customer."""
    found, more = await exports.entries(tx, part, until=until)
    names = await tickets.customer_names(tx, sorted({owner for _, owner in found})) if found else {}
    ids = sorted({line.ticket_id for line, _ in found if line.ticket_id is not None})
    ticket_names = await ledger.ticket_names(tx, ids) if ids else {}
    views: list[Entry] = [
        {**entry_view(line, ticket_names=ticket_names), "customer_id": names.get(owner)} for line, owner in found
    ]
    return part.page_of(found, more, views, lambda row: [row[0].operation_id, row[0].line_no])


async def orders(tx: Tx, part: PageRequest, *, until: datetime) -> Page[ListedOrder]:
    """Orders as they were recorded, whenever they were placed."""
    return await lists.recorded_orders(tx, part, below=minting.first_of("ord", until))
