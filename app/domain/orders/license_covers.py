"""Covers of refunded licenses follow the orders that stand, and end with their license (`app.domain.cover.of_license`).

What comes with such a cover is taken back with it, as of any refunded unit.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Cover, License, Order, OrderLine
from app.domain.cover import cover as covers
from app.domain.cover import of_license, replacing
from app.domain.orders import retaken
from app.domain.orders.refunds import TakenBack, Taking, credits_of, lots_taken

_REASON = "refunded"


def lay(
    account: CustomerAccount,
    order: Order,
    line: OrderLine,
    license_: License | None,
    cover: Cover,
    span: tuple[datetime, datetime],
) -> None:
    """Let a queued period fill a span, since history is corrected (decision 0007).

    That of a refunded license is laid out as if the license stood; `end` it with the license afterwards.
    """
    whole, (starts_at, ends_at) = of_license.whole(cover), span
    if (whole.starts_at, whole.ends_at) == span:
        return
    if of_license.is_marked(cover):
        ended = None if license_ is None else license_.ended_at
        if cover.state == "voided" and ended is not None and ended < starts_at:
            return
        stand(account, order, cover)
    covers.move(account, cover, starts_at=starts_at, ends_at=ends_at, occurred_at=order.placed_at)
    if not of_license.gone(license_):
        return
    lots = lots_taken(account, cover, partial(credits_of, _taking(account, order, line, cover), cover))
    if lots:
        of_license.mark(cover, lots)


def end(account: CustomerAccount, order: Order, line: OrderLine, license_: License | None, cover: Cover) -> None:
    """End a cover with its license, where it would serve past that, with what is unspent of its credits."""
    if license_ is None or license_.ended_at is None or not of_license.outlives(cover, license_):
        return
    before = of_license.mark_of(cover)[1] if of_license.is_marked(cover) else {}
    was = dict(before)
    lots = lots_taken(account, cover, partial(credits_of, _taking(account, order, line, cover), cover))
    for lot_id, parts in lots.items():
        was[lot_id] = [a + b for a, b in zip(before.get(lot_id, (0, 0, 0)), parts, strict=True)]
    of_license.mark(cover, was)
    if cover.starts_at is None or cover.starts_at > license_.ended_at:
        covers.void(account, cover, reason=_REASON)
    else:
        covers.end_at(account, cover, license_.ended_at, reason=_REASON)
    replacing.put_back(account, cover)


def stand(account: CustomerAccount, order: Order, cover: Cover) -> list[dict[str, Any]]:
    """Let a cover stand as it would if its license had not been taken back; return the credits that are there again."""
    answers = retaken.lots_back(account, [(order, row_of(cover))])
    of_license.stand_again(cover, of_license.mark_of(cover)[0])
    of_license.forget(cover)
    covers.reinstated(account, cover, reason=_REASON)
    replacing.cut_again(account, cover)
    return answers


def row_of(cover: Cover) -> dict[str, Any]:
    """Return what was taken of the credits of a cover that ended with its license, as a line keeps it of a period."""
    return {"ref": _ref(cover), "reason": _REASON, "lots": of_license.mark_of(cover)[1]}


def _taking(account: CustomerAccount, order: Order, line: OrderLine, cover: Cover) -> Taking:
    return Taking(account, order, line, TakenBack(), "refunded", ref=_ref(cover))


def _ref(cover: Cover) -> str:
    return f"{of_license.WHOLE}:{cover.cover_id}"
