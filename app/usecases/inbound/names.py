"""Ids here of what a shop names: the shop's own, or with the name of the source before them."""

from __future__ import annotations

from app.db.inbound.sources import Source


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
