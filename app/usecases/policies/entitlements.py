"""Entitlements: what a customer may do now, or at another instant. Nothing is stored; ``explain`` shows every rule."""

from __future__ import annotations

from datetime import datetime

from app.db import books, licenses, policies
from app.db.engine import Tx
from app.domain import entitlement
from app.domain.account.account import Book
from app.domain.entitlement import Query
from app.views.entitlement import Entitlement, entitlement_view


async def decide(
    tx: Tx,
    customer_id: str,
    action: str,
    query: Query | None = None,
    *,
    explain: bool = False,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Entitlement:
    """The decision, with its reasons and remedies. An unknown customer is decided as an empty account; 404
    ``action_not_found``, 422 ``unknown_reason``."""
    query = query or Query()
    book = await _book(tx, customer_id, as_of, known_at)
    entitlement.check_reason(book, query.reason)
    decision = entitlement.decide(book, entitlement.action_of(book, action), query)
    return entitlement_view(customer_id, action, decision, explain=explain)


async def _book(tx: Tx, customer_id: str, as_of: datetime | None, known_at: datetime | None) -> Book:
    at = as_of or tx.at
    found = await books.find_customer(tx, customer_id)
    if found is None:
        book = books.empty_book(tx, await policies.in_force(tx, at), customer_id)
        book.at = at
        return book
    if as_of is None and known_at is None:
        return await books.load_by_id(tx, found.customer_id, lock=False)
    return await licenses.book_at(tx, found, at=at, known_at=known_at)
