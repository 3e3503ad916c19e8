"""Covers: suspension, resumption and extension, and what falls due with them (CSC-5, CACTU-8, CACTU-13)."""

from __future__ import annotations

from datetime import timedelta

from app.db import books, licenses
from app.db.agenda import Handler
from app.db.engine import Tx
from app.db.plan import write_book
from app.domain.account import customer as account
from app.domain.account.account import Book
from app.domain.account.changes import AgendaItem
from app.domain.cover import cover as covers
from app.domain.cover.start import account_until
from app.domain.orders.grants import ended_key
from app.domain.values.ids import CoverId
from app.domain.values.wire import iso, iso_or_none
from app.usecases.steps.customer_events import load_to_emit, write_emitted
from app.views.license import Cover, cover_view


async def get_cover(tx: Tx, cover_id: str) -> Cover:
    """A cover as it stands now, or 404 ``cover_not_found``."""
    book = await books.load_by_id(tx, await licenses.owner_of_cover(tx, cover_id), lock=False)
    return _view(book, covers.cover_in(book, cover_id))


async def suspend(tx: Tx, cover_id: str, *, reason: str | None = None) -> Cover:
    """Stops a running period, as often as the policy says: refused ``suspension_used``, ``not_suspendable`` (409)."""
    book, cover = await _load(tx, cover_id)
    covers.suspend(book, cover)
    await write_book(tx, book)
    return _view(book, cover)


async def resume(tx: Tx, cover_id: str, *, reason: str | None = None) -> Cover:
    """Goes on with a suspended period; the end moves by the time it was suspended. Else 409 ``not_suspended``."""
    book, cover = await _load(tx, cover_id)
    covers.resume(book, cover)
    await write_book(tx, book)
    return _view(book, cover)


async def extend(tx: Tx, cover_id: str, *, months: int, reason: str) -> Cover:
    """Extends cover without an order, where the policy does: else 409 ``no_free_extension`` (CACTU-8)."""
    book, cover = await _load(tx, cover_id)
    covers.extend(book, cover, months, reason=reason)
    await write_book(tx, book)
    return _view(book, cover)


async def _load(tx: Tx, cover_id: str) -> tuple[Book, account.Cover]:
    book = await books.load_by_id(tx, await licenses.owner_of_cover(tx, cover_id))
    tx.customer_id = book.customer.customer_id
    return book, covers.cover_in(book, cover_id)


def _view(book: Book, cover: account.Cover) -> Cover:
    return {"customer_id": book.customer.external_id, **cover_view(cover, book.at)}


# --- what falls due ---------------------------------------------------------------------------------------------------


async def remind(tx: Tx, item: AgendaItem) -> None:
    """Tells that a cover ends in so many days, once; says until when the account is covered beyond it."""
    book = await load_to_emit(tx, item.customer_id)
    cover = book.covers.get(CoverId(item.payload["cover_id"]))
    days = item.payload["days"]
    if cover is None or cover.ends_at is None or cover.state != "running" or cover.ends_at <= book.at:
        return
    if cover.ends_at - timedelta(days=days) > book.at:
        return
    rules = book.policy.cover
    until = account_until(book, cover)
    book.emit(
        "cover.ending",
        {
            "cover_id": cover.cover_id,
            "license_id": cover.license_id,
            "days": days,
            "ends_at": iso(cover.ends_at),
            "covered_until": iso_or_none(until),
            "clause": rules.reminder_clause,
            "reading": rules.reading,
        },
        occurred_at=item.at,
        dedupe_key=f"cover.reminder:{cover.cover_id}:{days}:{iso(cover.ends_at)}",
    )
    await write_emitted(tx, book)


async def end(tx: Tx, item: AgendaItem) -> None:
    """Tells that a cover has ended, once an end. Nothing else happens: that it ended is read off its end."""
    book = await load_to_emit(tx, item.customer_id)
    cover = book.covers.get(CoverId(item.payload["cover_id"]))
    if cover is None or covers.state_of(cover, book.at) != "ended":
        return
    book.emit(
        "cover.ended",
        {
            "cover_id": cover.cover_id,
            "license_id": cover.license_id,
            "order_id": cover.order_id,
            "ended_at": iso_or_none(cover.ends_at),
        },
        occurred_at=cover.ends_at,
        dedupe_key=ended_key(cover),
    )
    await write_emitted(tx, book)


AGENDA: dict[str, Handler] = {"cover.reminder": remind, "cover.ended": end}
