"""What is a customer's own, where a customer acts by a token: their tickets, and what a ticket asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.db import tickets
from app.db.engine import Tx
from app.domain.values.errors import DomainError

_CHOSEN: Final = frozenset({"pay_with", "agreed_up_to"})
"""What a customer decides, whether the ticket asks for it or not."""


async def require_ticket(tx: Tx, customer_id: str, ticket_id: str) -> None:
    """Refuse a ticket that is neither the customer's nor one on the customer's account: 404 ``ticket_not_found``."""
    found = await tickets.find(tx, ticket_id)
    if found is not None:
        names = await tickets.customer_names(tx, [found.customer_id])
        if customer_id in (names.get(found.customer_id), found.person_name):
            return
    raise DomainError("ticket_not_found", ticket_id=ticket_id)


async def require_asked(tx: Tx, ticket_id: str, stated: Mapping[str, Any]) -> None:
    """Refuse what the ticket does not ask of its customer: 409 ``not_asked``, with what it asks for."""
    ticket = await tickets.require(tx, ticket_id)
    beyond = sorted(name for name in _names_of(stated) if name not in _CHOSEN and name not in ticket.asks)
    if beyond:
        raise DomainError("not_asked", ticket_id=ticket_id, stated=beyond, asks=list(ticket.asks))


def _names_of(stated: Mapping[str, Any]) -> Iterator[str]:
    """Yield what details say, by the names by which a ticket asks for it."""
    for name, value in stated.items():
        if name == "facts":
            yield from value
        elif name == "inputs":
            yield from (f"inputs.{input_name}" for input_name in value or ())
        elif value is not None:
            yield name
