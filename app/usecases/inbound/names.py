"""Ids here of what a shop names: the shop's own, or with the name of the source before them.

A customer may have been linked to another id here before (`external_ids`); then that one is meant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from app.db.account import people
from app.db.engine import Tx
from app.db.inbound.sources import Source
from app.domain.feeds.orders import Known

LINKED: Final = "linked"
"""What is remembered of a subject whose customer was linked: the shop's id of the customer, and the id here."""


async def customer_here(
    tx: Tx, source: Source, customer: str, known: Known, *, recorded: Callable[[], Awaitable[bool]]
) -> str:
    """Return the customer's id here: the one that the source's id is linked to, else one of the source's own.

    ``recorded``: whether the order or ticket is there already; asked only where there is a link. Then it stays with the
    customer that it was recorded for, whatever was linked since: a merge joins the two.
    """
    before = known.get(LINKED)
    if before is not None and before[0] == customer:
        return str(before[1])
    linked = await people.linked(tx, source.row.name, customer)
    if linked is None or await recorded():
        return customer_name(source, customer)
    known[LINKED] = [customer, linked]
    return linked


def customer_name(source: Source, customer: str) -> str:
    """The customer's id here."""
    if _ids_are_ours(source) and not customer.startswith("guest:"):
        return customer
    return f"{source.row.name}:{customer}"


def own_name(source: Source, foreign: str) -> str:
    """The id here of an order or a ticket."""
    return foreign if _ids_are_ours(source) else f"{source.row.name}:{foreign}"


def _ids_are_ours(source: Source) -> bool:
    return source.row.options.get("ids") == "own"
