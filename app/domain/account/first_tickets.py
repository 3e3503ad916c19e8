"""Which tickets of a customer took a price that only the first ones get: so many for each such surcharge.

The customer's row keeps the ids, at most as many as there are places, so that nothing is counted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FIRST_TICKETS: Final = "first_tickets"


def used_up(data: Mapping[str, Any], surcharge: str, places: int, ticket_id: str) -> bool:
    """Whether other tickets took all the places. ``data``: the customer's."""
    others = [taker for taker in data.get(FIRST_TICKETS, {}).get(surcharge, ()) if taker != ticket_id]
    return len(others) >= places


def take(data: dict[str, Any], surcharge: str, ticket_id: str) -> None:
    """Remembers that the ticket took a place."""
    _put(data, surcharge, [*_without(data, surcharge, ticket_id), ticket_id])


def give_back(data: dict[str, Any], surcharge: str, ticket_id: str) -> None:
    """Frees the place of a ticket, if it had one."""
    if ticket_id in data.get(FIRST_TICKETS, {}).get(surcharge, ()):
        _put(data, surcharge, _without(data, surcharge, ticket_id))


def merge_into(data: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Counts what another account of the same customer took."""
    for surcharge, takers in other.get(FIRST_TICKETS, {}).items():
        for ticket_id in takers:
            take(data, surcharge, ticket_id)


def _without(data: Mapping[str, Any], surcharge: str, ticket_id: str) -> list[str]:
    return [taker for taker in data.get(FIRST_TICKETS, {}).get(surcharge, ()) if taker != ticket_id]


def _put(data: dict[str, Any], surcharge: str, takers: list[str]) -> None:
    data[FIRST_TICKETS] = {**data.get(FIRST_TICKETS, {}), surcharge: takers}
