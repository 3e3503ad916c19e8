"""Publish events of a customer of whom nothing else changes: many in a row, from one reading of the book."""

from __future__ import annotations

from typing import Final

from app.db import books
from app.db.engine import Tx
from app.db.plan import write_book
from app.domain.account.account import Book
from app.domain.account.changes import Plan

_CACHE: Final = "emitted_from"


async def load_to_emit(tx: Tx, customer_id: str) -> Book:
    """Return the book of a customer whose events are to be published; `write_emitted` writes it.

    A thousand covers of one customer end at one instant. As long as nothing else is written in the transaction, the
    book that the last events came from serves again, and is not read anew.
    """
    cached = tx.caches.get(_CACHE)
    if cached is not None and cached[:3] == (customer_id, tx.at, tx.caches.get("writes")):
        book: Book = cached[3]
        book.plan = Plan(customer=book.customer, at=book.at, actor=tx.actor)
        return book
    return await books.load_by_id(tx, await books.heir(tx, customer_id))


async def write_emitted(tx: Tx, book: Book) -> None:
    """Write a book that published events, and keep it for the next ones (`load_to_emit`)."""
    await write_book(tx, book)
    tx.caches[_CACHE] = (book.customer.customer_id, tx.at, tx.caches.get("writes"), book)
