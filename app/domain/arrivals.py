"""What shops and helpdesks have told about one order or ticket, merged so that no order of arrival and no
repetition matters.

Deliveries come late, twice, and in any order, so they are never applied one by one. Each is read into news;
news is merged into what has been seen (a join: commutative, associative, idempotent); what the ledger should
hold follows from what has been seen alone. Snapshots: the latest by the vendor's own time wins. What the
ledger cannot undo is sticky: paid once is paid, cancelled after payment is cancelled, a settled refund is
settled.

All of it is JSON, so that it can be kept as it is. No e-mail address and no name is ever part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any, Final

from app.domain.wire import iso, jsonable

Seen = dict[str, Any]
"""What is known of one subject, as kept."""

_DIGITS: Final = 28
_EARLIEST: Final = "0001-01-01T00:00:00.000000000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSeen:
    """A line of a shop's order. ``products``: its ids in the shop, most telling first; ``paid`` and
    ``listed`` are what all units of the line cost together, with and without discount, before taxes;
    ``gross`` with discount and taxes, which refunds are counted in. None: the shop does not say."""

    line_id: str
    products: tuple[str, ...]
    quantity: int
    sku: str | None = None
    paid: Decimal | None = None
    listed: Decimal | None = None
    gross: Decimal | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen:
    """A snapshot of a shop's order. ``stamp``: when the shop says it was so (`stamp`)."""

    stamp: str
    placed_at: datetime
    currency: str
    customer: str
    lines: tuple[LineSeen, ...]
    paid: bool
    paid_at: datetime | None = None
    cancelled: bool = False
    total: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSeen:
    """A refund by the shop's own id: units by line, or amounts by line, or an amount alone; ``full``: all of
    the order.

    ``settled``: money has gone back; ``reversed``: it came back to the shop later.
    """

    refund_id: str
    settled: bool = True
    reversed: bool = False
    full: bool = False
    units: Mapping[str, int] | None = None
    amounts: Mapping[str, Decimal] | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one delivery tells about one order: a snapshot, refunds, that it is cancelled for good, or what
    was given back in all so far."""

    order: OrderSeen | None = None
    refunds: tuple[RefundSeen, ...] = ()
    cancelled: bool = False
    refunded_total: Decimal | None = None
    refunded_full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the ledger should hold for an order, and what nobody can decide but a person.

    ``refunds``: units by line, cumulative. ``doubts``: (code, detail) that park a delivery.
    """

    order: Seen
    refunds: Mapping[str, int]
    doubts: tuple[tuple[str, str], ...]


def stamp(at: datetime | str | None) -> str:
    """An instant as text that sorts by time, nanoseconds kept; None sorts first. Takes what vendors write."""
    if at is None:
        return _EARLIEST
    if isinstance(at, datetime):
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    whole, _, rest = at.partition(".")
    digits = ""
    while rest and rest[0].isdigit():
        digits, rest = digits + rest[0], rest[1:]
    zone = rest if digits else ""
    moment = datetime.fromisoformat(whole + zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (digits + "000000000")[:9] + "Z"


def merge(seen: Seen | None, news: News) -> Seen:
    """What is known once this is known too."""
    known: Seen = dict(seen or {})
    if news.order is not None:
        theirs = _order_json(news.order)
        mine = known.get("order")
        known["order"] = theirs if mine is None or _rank(theirs) > _rank(mine) else mine
        known["paid"] = bool(known.get("paid")) or news.order.paid
        # A cancellation of what was paid stays; one of what never was leaves room for a later payment.
        if news.order.cancelled and news.order.paid:
            known["cancelled"] = True
            known["cancelled_stamp"] = max(known.get("cancelled_stamp", ""), theirs["stamp"])
    if news.cancelled:
        known["cancelled"] = True
    if news.refunds:
        refunds = dict(known.get("refunds") or {})
        for one in news.refunds:
            refunds[one.refund_id] = _joined(refunds.get(one.refund_id), _refund_json(one))
        known["refunds"] = refunds
    if news.refunded_total is not None:
        known["refunded_total"] = _most(known.get("refunded_total"), news.refunded_total)
    if news.refunded_full:
        known["refunded_full"] = True
    return known


def wanted(seen: Seen) -> Wanted | None:
    """What follows from what has been seen; None while there is nothing to grant (not paid, or nothing but a
    refund)."""
    order = seen.get("order")
    if order is None or not seen.get("paid"):
        return None
    doubts: list[tuple[str, str]] = []
    units = {row["line_id"]: int(row["quantity"]) for row in order["lines"]}
    if seen.get("cancelled") or seen.get("refunded_full") or order["cancelled"]:
        if "cancelled_stamp" in seen and order["paid"] and not order["cancelled"]:
            doubts.append(("paid_after_cancellation", "The shop says that a cancelled order is paid again."))
        return Wanted(order=order, refunds=units, doubts=_kept(doubts, seen))
    return Wanted(order=order, refunds=_refunded(seen, order, units, doubts), doubts=_kept(doubts, seen))


def unit_prices(row: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """(paid, list) price of one unit. Where it does not divide evenly the paid price is rounded up and the
    list price down in the 28th digit, so that rounding never turns a discount at a policy's limit into one
    above it (AVA-6)."""
    quantity = Decimal(int(row["quantity"]))
    paid, listed = _decimal(row.get("paid")), _decimal(row.get("listed"))
    return (
        None if paid is None else Context(prec=_DIGITS, rounding=ROUND_CEILING).divide(paid, quantity),
        None if listed is None else Context(prec=_DIGITS, rounding=ROUND_FLOOR).divide(listed, quantity),
    )


def _refunded(
    seen: Seen, order: Seen, units: Mapping[str, int], doubts: list[tuple[str, str]]
) -> dict[str, int]:
    settled = [one for one in (seen.get("refunds") or {}).values() if one["settled"]]
    if any(one["full"] for one in settled):
        return dict(units)
    total = _decimal(order.get("total"))
    amount = sum((_decimal(one["amount"]) or Decimal(0) for one in settled), Decimal(0))
    amount = max(amount, _decimal(seen.get("refunded_total")) or Decimal(0))
    if total is not None and total > 0 and amount >= total:
        return dict(units)
    found: dict[str, int] = {}
    by_line: dict[str, Decimal] = {}
    explained = Decimal(0)
    for one in settled:
        if one["units"] is not None or one["amounts"] is not None:
            explained += _decimal(one["amount"]) or Decimal(0)
        for line_id, count in (one["units"] or {}).items():
            found[line_id] = found.get(line_id, 0) + int(count)
        for line_id, text in (one["amounts"] or {}).items():
            by_line[line_id] = by_line.get(line_id, Decimal(0)) + Decimal(text)
    if amount > explained:
        _spread(order, amount - explained, by_line, doubts)
    rows = {row["line_id"]: row for row in order["lines"]}
    for line_id, given_back in sorted(by_line.items()):
        row = rows.get(line_id)
        if row is not None:
            found[line_id] = found.get(line_id, 0) + _units_of(row, given_back, doubts)
    return {
        line_id: min(count, units[line_id])
        for line_id, count in sorted(found.items())
        if line_id in units and count
    }


def _spread(order: Seen, amount: Decimal, by_line: dict[str, Decimal], doubts: list[tuple[str, str]]) -> None:
    """An amount that names no line is the line's if there is but one, and nobody's otherwise."""
    if len(order["lines"]) == 1:
        line_id = order["lines"][0]["line_id"]
        by_line[line_id] = by_line.get(line_id, Decimal(0)) + amount
        return
    doubts.append(
        ("refund_lines_unknown", f"{amount} was given back, and the shop does not say for which lines.")
    )


def _units_of(row: Mapping[str, Any], amount: Decimal, doubts: list[tuple[str, str]]) -> int:
    """The whole units that an amount pays for."""
    quantity, paid = int(row["quantity"]), _decimal(row.get("gross") or row.get("paid"))
    if paid is None or paid <= 0:
        if amount > 0:
            doubts.append(
                (
                    "refund_lines_unknown",
                    f"{amount} was given back for line {row['line_id']}, which has no price.",
                )
            )
        return 0
    if amount >= paid:
        return quantity
    count = int(amount * quantity // paid)
    if amount * quantity != paid * count:
        doubts.append(
            (
                "refund_part_of_unit",
                f"{amount} was given back for line {row['line_id']}: no whole number of units.",
            )
        )
    return count


def _kept(doubts: list[tuple[str, str]], seen: Seen) -> tuple[tuple[str, str], ...]:
    for refund_id, one in sorted((seen.get("refunds") or {}).items()):
        if one["settled"] and one["reversed"]:
            doubts.append(("refund_reversed", f"Refund {refund_id} was taken back after it had been made."))
    return tuple(dict.fromkeys(doubts))


def _rank(order: Seen) -> tuple[str, bool, bool, str]:
    """Which of two snapshots stands: the later; of two of one instant, the one further on; then any, but
    always the same."""
    return order["stamp"], order["paid"], order["cancelled"], json.dumps(order, sort_keys=True)


def _order_json(order: OrderSeen) -> Seen:
    lines = [
        {
            "line_id": one.line_id,
            "products": list(one.products),
            "sku": one.sku,
            "quantity": one.quantity,
            "paid": _text(one.paid),
            "listed": _text(one.listed),
            "gross": _text(one.gross),
            "attributes": jsonable(one.attributes),
        }
        for one in sorted(order.lines, key=lambda one: one.line_id)
    ]
    return {
        "stamp": order.stamp,
        "placed_at": iso(order.placed_at),
        "currency": order.currency,
        "customer": order.customer,
        "paid": order.paid,
        "paid_at": None if order.paid_at is None else iso(order.paid_at),
        "cancelled": order.cancelled,
        "total": _text(order.total),
        "lines": lines,
    }


def _refund_json(one: RefundSeen) -> Seen:
    amounts = one.amounts
    return {
        "settled": one.settled,
        "reversed": one.reversed,
        "full": one.full,
        "amount": _text(one.amount),
        "units": None if one.units is None else dict(sorted(one.units.items())),
        "amounts": None if amounts is None else {key: _text(value) for key, value in sorted(amounts.items())},
    }


def _joined(mine: Seen | None, theirs: Seen) -> Seen:
    """Two tellings of one refund: what either says happened has happened; of figures the larger."""
    if mine is None:
        return theirs
    return {
        **{name: bool(mine[name] or theirs[name]) for name in ("settled", "reversed", "full")},
        "amount": _most(mine["amount"], _decimal(theirs["amount"])),
        "units": _larger(mine["units"], theirs["units"], max),
        "amounts": _larger(mine["amounts"], theirs["amounts"], lambda a, b: max(a, b, key=Decimal)),
    }


def _larger(mine: Seen | None, theirs: Seen | None, pick: Any) -> Seen | None:
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    return {
        key: pick(mine[key], theirs[key])
        if key in mine and key in theirs
        else (mine.get(key) or theirs.get(key))
        for key in sorted(mine.keys() | theirs.keys())
    }


def _most(text: str | None, other: Decimal | None) -> str | None:
    found = [one for one in (_decimal(text), other) if one is not None]
    return _text(max(found)) if found else None


def _text(amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# --- tickets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSeen:
    """Something written on a ticket, by the helpdesk's own id."""

    response_id: str
    author: str
    kind: str
    public: bool
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSeen:
    """A ticket as the helpdesk shows it; ``stated`` are the published fields of PUT /v1/tickets."""

    stamp: str
    customer: str
    subject: str
    stated: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketNews:
    """What one delivery tells about one ticket."""

    ticket: TicketSeen | None = None
    responses: tuple[ResponseSeen, ...] = ()


def merge_ticket(seen: Seen | None, news: TicketNews) -> Seen:
    """What is known once this is known too: the earliest telling of the ticket, and every response once."""
    known: Seen = dict(seen or {})
    if news.ticket is not None:
        one = news.ticket
        theirs = {
            "stamp": one.stamp,
            "customer": one.customer,
            "subject": one.subject,
            "stated": jsonable(one.stated),
        }
        mine = known.get("ticket")
        if mine is None or (theirs["stamp"], _sorted(theirs)) < (mine["stamp"], _sorted(mine)):
            known["ticket"] = theirs
    if news.responses:
        responses = dict(known.get("responses") or {})
        for said in news.responses:
            row = {
                "author": said.author,
                "kind": said.kind,
                "public": said.public,
                "occurred_at": iso(said.occurred_at),
            }
            mine = responses.get(said.response_id)
            responses[said.response_id] = row if mine is None else min(row, mine, key=_sorted)
        known["responses"] = responses
    return known


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
