"""Merge what shops have said about one order, so that no order of arrival and no repetition matters.

Deliveries come late, twice, and in any order, so they are never applied one by one. Each is parsed into an update. The
update is merged into what is known (a join: commutative, associative, idempotent). What is known says what the ledger
should hold. Of snapshots the latest by the vendor's own time wins. What the ledger cannot undo stays: paid once is
paid, cancelled after payment is cancelled, a settled refund is settled.

All of it is JSON, so that it can be kept as it is. No e-mail address and no name is ever part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any, Final, Literal

from app.domain.feeds import refund_reasons
from app.domain.feeds.amounts import amount_of, amount_text
from app.domain.feeds.disputed_money import (
    DisputeSnapshot,
    DisputeState,
    DisputeTarget,
    disputed,
    join_disputes,
    merge_disputes,
)
from app.domain.feeds.review import ReviewItem, distinct
from app.domain.values.wire import iso, jsonable

Known = dict[str, Any]
"""What is known of one subject, as kept."""
_DIGITS: Final = 28
STATUS: Final = "status"
"""The id of a dispute that an order's status tells of."""
_EARLIEST: Final = "0001-01-01T00:00:00.000000000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """A line of a shop's order.

    ``products``: its ids in the shop, most telling first. ``paid`` and ``listed``: what all units of the line cost
    together before taxes, with and without discount. ``gross``: with discount and taxes, which refunds are counted in.
    None: the shop does not say.

    ``gone``: units that the shop says are no longer on the line, of the ``quantity`` that was bought. ``trouble``: why
    the line itself cannot be read. It is a matter for a person only if the line is of ours. ``stated``: the quantity is
    the shop's word from before the payment. ``change``: it bills no whole period: a ``proration`` or a ``trial``.
    """

    line_id: str
    products: tuple[str, ...]
    quantity: int
    sku: str | None = None
    paid: Decimal | None = None
    listed: Decimal | None = None
    gross: Decimal | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    gone: int = 0
    trouble: str | None = None
    stated: bool = False
    change: Literal["proration", "trial"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """A snapshot of a shop's order. ``stamp``: when the shop says it was so (`stamp`).

    ``customer``: None where it names nobody (a draft, an anonymised order). ``others``: what the total holds besides
    the lines, each reason by itself (shipping, fees, tips, taxes). So a refund of it is told from one of units.
    ``payment``: the shop's id of the payment, which buys once. ``refund_ids``: all refunds that the order has now,
    where the shop lists them. ``disputed``: what its status says of a payment that was made. Some shops report a
    dispute by the order's status alone. ``review_items``: what the snapshot itself leaves unclear; with any, nothing is
    done. ``authority``: of two kinds of snapshot of one order the one with more counts, whichever is later.
    """

    stamp: str
    placed_at: datetime
    currency: str
    customer: str | None
    lines: tuple[LineSnapshot, ...]
    paid: bool
    paid_at: datetime | None = None
    cancelled: bool = False
    total: Decimal | None = None
    others: tuple[Decimal, ...] = ()
    payment: str | None = None
    refund_ids: tuple[str, ...] | None = None
    disputed: DisputeState | None = None
    review_items: tuple[ReviewItem, ...] = ()
    authority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSnapshot:
    """A refund by the shop's own id: units by line, amounts by line, or an amount alone. ``full``: all of the order.

    ``settled``: money has gone back; ``reversed``: it came back to the shop later, or never went. ``made_at`` and
    ``reversed_at``: when the shop says that was (`stamp`). ``other``: the part that the shop names as nothing of the
    lines (shipping, tax, a fee, a tip). ``left``: what the shop explains by nothing.
    """

    refund_id: str
    settled: bool = True
    reversed: bool = False
    made_at: str | None = None
    reversed_at: str | None = None
    full: bool = False
    units: Mapping[str, int] | None = None
    amounts: Mapping[str, Decimal] | None = None
    amount: Decimal | None = None
    other: Decimal | None = None
    left: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """One delivery's report of one order: a snapshot, refunds, disputes of its payment, a final cancellation, or all
    money returned so far.

    ``cancelled_at``: when the shop says it was cancelled (`stamp`), where it says so. ``refunded_at``: when what was
    given back in all was so much (`stamp`); it may be less later.
    """

    order: OrderSnapshot | None = None
    refunds: tuple[RefundSnapshot, ...] = ()
    disputes: tuple[DisputeSnapshot, ...] = ()
    cancelled: bool = False
    cancelled_at: str | None = None
    refunded_total: Decimal | None = None
    refunded_full: bool = False
    refunded_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTarget:
    """What the ledger should hold for an order, and what nobody can decide but a person.

    ``customer``: whom the newest snapshot that names anybody names. ``refunds``: units by line, cumulative.
    ``disputes``: of its payment. ``review_items`` park a delivery; with any of ``blocks`` nothing is granted and
    nothing taken.
    """

    order: Known
    customer: str | None
    refunds: Mapping[str, int]
    disputes: tuple[DisputeTarget, ...]
    review_items: tuple[ReviewItem, ...]
    blocks: tuple[ReviewItem, ...]


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


def merge(before: Known | None, update: OrderUpdate) -> Known:
    """What is known once this is known too."""
    known: Known = dict(before or {})
    if update.order is not None:
        _merge_order(known, update.order)
    if update.cancelled:
        _merge_cancelled(known, update.cancelled_at)
    if update.refunds:
        refunds = dict(known.get("refunds") or {})
        for refund in update.refunds:
            refunds[refund.refund_id] = _joined(refunds.get(refund.refund_id), _refund_json(refund))
        known["refunds"] = refunds
    if update.disputes:
        known["disputes"] = merge_disputes(known.get("disputes"), update.disputes)
    if update.refunded_at is not None:
        charge = {"amount": amount_text(update.refunded_total), "full": update.refunded_full}
        known["charged_back"] = _join_charged(known.get("charged_back"), {update.refunded_at: charge})
        return known
    if update.refunded_total is not None:
        known["refunded_total"] = _most(known.get("refunded_total"), update.refunded_total)
    if update.refunded_full:
        known["refunded_full"] = True
    return known


def _join_charged(mine: Known | None, theirs: Known) -> Known:
    """What a charge said was given back of it, by the time when it said so."""
    known: Known = dict(mine or {})
    for at, charge in theirs.items():
        there: Known = known.get(at) or charge
        amount = _most(there["amount"], amount_of(charge["amount"]))
        known[at] = {"amount": amount, "full": bool(there["full"] or charge["full"])}
    return known


def _merge_order(known: Known, order: OrderSnapshot) -> None:
    theirs = _order_json(order)
    mine = known.get("order")
    known["order"] = theirs if mine is None or _rank(theirs) > _rank(mine) else mine
    known["paid"] = bool(known.get("paid")) or order.paid
    if order.customer is not None:
        before = known.get("named") or (None if mine is None else [mine["stamp"], mine["customer"]])
        now = [order.stamp, order.customer]
        known["named"] = now if before is None or before[1] is None else max(before, now)
    if order.disputed is not None:
        known["disputed"] = True
    _merge_names(known, theirs)
    # A cancellation of what was paid stays; one of what never was leaves room for a later payment.
    if order.cancelled and order.paid:
        known["cancelled"] = True
        known["cancelled_stamp"] = max(known.get("cancelled_stamp", ""), theirs["stamp"])


def _merge_names(known: Known, order: Known) -> None:
    """What each line was called first.

    Shops look a sku up when they send, so a renamed one would change what was bought. A line's id and its product's id
    do not change.
    """
    names: dict[str, dict[str, list[str]]] = {key: dict(name) for key, name in (known.get("names") or {}).items()}
    for row in order["lines"]:
        if row["products"] and row["sku"]:
            product = "/".join(row["products"])
            mine = names.setdefault(row["line_id"], {})
            now = [order["stamp"], row["sku"]]
            mine[product] = min(mine.get(product, now), now)
    if names:
        known["names"] = names


def _merge_cancelled(known: Known, at: str | None) -> None:
    """A cancellation that has no time of its own is of the order as it was known then."""
    known["cancelled"] = True
    if at is not None:
        known["cancelled_stamp"] = max(known.get("cancelled_stamp", ""), at)
        return
    order = known.get("order")
    known["cancelled_over"] = max(known.get("cancelled_over", ""), _EARLIEST if order is None else order["stamp"])


def merge_known(known: Known, other: Known) -> Known:
    """Return what is known of an order, with reports of it under another name.

    Those came before the two were known to be one.
    """
    joined: Known = dict(known)
    if other.get("refunds"):
        refunds = dict(known.get("refunds") or {})
        for key, refund in other["refunds"].items():
            refunds[key] = _joined(refunds.get(key), refund)
        joined["refunds"] = refunds
    if other.get("disputes"):
        joined["disputes"] = join_disputes(known.get("disputes"), other["disputes"])
    if other.get("charged_back"):
        joined["charged_back"] = _join_charged(known.get("charged_back"), other["charged_back"])
    if other.get("refunded_total") is not None:
        joined["refunded_total"] = _most(known.get("refunded_total"), amount_of(other["refunded_total"]))
    for name in ("refunded_full", "cancelled"):
        if other.get(name):
            joined[name] = True
    return joined


def target_of(known: Known) -> OrderTarget | None:
    """Return what the ledger should hold, by what is known; None while nothing is to be granted.

    Nothing is to be granted while the order is not paid, or while only a refund of it is known.
    """
    order = known.get("order")
    if order is None or not known.get("paid"):
        return None
    order = {**order, "lines": [_named(row, (known.get("names") or {}).get(row["line_id"])) for row in order["lines"]]}
    customer = order["customer"] or (known.get("named") or (None, None))[1]
    blocks = [ReviewItem(code, unclear, says) for code, unclear, says in order.get("doubts") or ()]
    units = {row["line_id"]: int(row["quantity"]) for row in order["lines"]}
    disputes, review_items = disputed(_with_status(known, order), order)
    if known.get("cancelled") or known.get("refunded_full") or order["cancelled"]:
        if _paid_again(known, order):
            says = {"stamp": order["stamp"], "cancelled": True, "paid": True}
            unclear = "The shop says that a cancelled order is paid again."
            review_items.append(ReviewItem("paid_after_cancellation", unclear, says))
        refunds = units
    else:
        refunds = refund_reasons.units_refunded(known, order, blocks)
    if any(dispute.state == "lost" and dispute.units == units for dispute in disputes):
        blocks = [block for block in blocks if block.code not in refund_reasons.OF_REFUNDS]  # all of it is gone anyway
    _reversals(known, order, review_items)
    return OrderTarget(
        order=order,
        customer=customer,
        refunds=refunds,
        disputes=disputes,
        review_items=distinct(review_items),
        blocks=distinct(blocks),
    )


def _with_status(known: Known, order: Known) -> Known:
    """What is known, with the dispute that the order's status tells of; once the status is another, it was won."""
    if not known.get("disputed"):
        return known
    state: DisputeState = order.get("disputed") or "won"
    by_status = DisputeSnapshot(dispute_id=STATUS, state=state, stamp=order["stamp"], full=True)
    return {**known, "disputes": merge_disputes(known.get("disputes"), [by_status])}


def _paid_again(known: Known, order: Known) -> bool:
    if not order["paid"] or order["cancelled"] or order.get("disputed"):
        return False  # a dispute of a cancelled order is no second payment
    return any(name in known and order["stamp"] > known[name] for name in ("cancelled_stamp", "cancelled_over"))


def _named(row: Known, names: Mapping[str, list[str]] | None) -> Known:
    """A line under the name that it was bought by."""
    if not names:
        return row
    if row["products"]:
        first = names.get("/".join(row["products"]))
        return row if first is None else {**row, "sku": first[1]}
    # The product is gone from the shop; what the line bought is not.
    product, (_, sku) = min(names.items(), key=lambda item: item[1])
    return {**row, "products": product.split("/"), "sku": sku}


def unit_prices(row: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """(paid, list) price of one unit.

    Where it does not divide evenly, the paid price is rounded up and the list price down in the 28th digit. So rounding
    never turns a discount at a policy's limit into one above it (AVA-6).
    """
    quantity = Decimal(int(row["quantity"]))
    paid, listed = amount_of(row.get("paid")), amount_of(row.get("listed"))
    return (
        None if paid is None else Context(prec=_DIGITS, rounding=ROUND_CEILING).divide(paid, quantity),
        None if listed is None else Context(prec=_DIGITS, rounding=ROUND_FLOOR).divide(listed, quantity),
    )


def _reversals(known: Known, order: Known, review_items: list[ReviewItem]) -> None:
    listed = order.get("refund_ids")
    undone = refund_reasons.reversals(known, order)
    for refund_id, item in sorted((known.get("refunds") or {}).items()):
        if refund_id in undone:
            unclear = f"Refund {refund_id} was taken back after it had been made."
            if not item["settled"]:
                unclear = f"Refund {refund_id} failed after the shop had said that its money was given back."
        elif not item["settled"] or item["reversed"]:
            continue
        elif listed is not None and refund_id not in listed and refund_reasons.takes_units(item, order):
            unclear = f"Refund {refund_id} was made, and the order has it no longer."
        else:
            continue
        says = {"refunds": [refund_id], "amount": item["amount"], "order_has": listed}
        review_items.append(ReviewItem("refund_reversed", unclear, says))


def _rank(order: Known) -> tuple[int, str, bool, bool, str]:
    """Rank snapshots: the later stands. Of one instant the one further on stands, then any, always the same."""
    further_on = order["paid"], order["cancelled"]
    return order.get("authority", 0), order["stamp"], *further_on, json.dumps(order, sort_keys=True)


def _order_json(order: OrderSnapshot) -> Known:
    lines = [
        {
            "line_id": line_.line_id,
            "products": list(line_.products),
            "sku": line_.sku,
            "quantity": line_.quantity,
            "paid": amount_text(line_.paid),
            "listed": amount_text(line_.listed),
            "gross": amount_text(line_.gross),
            "attributes": jsonable(line_.attributes),
            **({"gone": line_.gone} if line_.gone else {}),
            **({"trouble": line_.trouble} if line_.trouble else {}),
            **({"stated": True} if line_.stated else {}),
            **({"change": line_.change} if line_.change else {}),
        }
        for line_ in sorted(order.lines, key=lambda line: line.line_id)
    ]
    further: Known = {}
    if order.others:
        further["others"] = [amount_text(other) for other in sorted(order.others)]
    if order.payment is not None:
        further["payment"] = order.payment
    if order.refund_ids is not None:
        further["refund_ids"] = sorted(order.refund_ids)
    if order.disputed is not None:
        further["disputed"] = order.disputed
    if order.authority:
        further["authority"] = order.authority
    if order.review_items:
        further["doubts"] = [[item.code, item.unclear, jsonable(item.says)] for item in order.review_items]
    return {
        "stamp": order.stamp,
        "placed_at": iso(order.placed_at),
        "currency": order.currency,
        "customer": order.customer,
        "paid": order.paid,
        "paid_at": None if order.paid_at is None else iso(order.paid_at),
        "cancelled": order.cancelled,
        "total": amount_text(order.total),
        "lines": lines,
        **further,
    }


def _refund_json(refund: RefundSnapshot) -> Known:
    amounts = refund.amounts
    return {
        "settled": refund.settled,
        "reversed": refund.reversed,
        "full": refund.full,
        "amount": amount_text(refund.amount),
        "units": None if refund.units is None else dict(sorted(refund.units.items())),
        "amounts": None if amounts is None else {key: amount_text(value) for key, value in sorted(amounts.items())},
        **({} if refund.made_at is None else {"made_at": refund.made_at}),
        **({} if refund.reversed_at is None else {"reversed_at": refund.reversed_at}),
        **({} if refund.other is None else {"other": amount_text(refund.other)}),
        **({} if refund.left is None else {"left": amount_text(refund.left)}),
    }


def _joined(mine: Known | None, theirs: Known) -> Known:
    """Two tellings of one refund: what either says happened has happened; of figures the larger."""
    if mine is None:
        return theirs
    return {
        **{name: bool(mine[name] or theirs[name]) for name in ("settled", "reversed", "full")},
        "amount": _most(mine["amount"], amount_of(theirs["amount"])),
        "units": _larger(mine["units"], theirs["units"], max),
        "amounts": _larger(mine["amounts"], theirs["amounts"], lambda a, b: max(a, b, key=Decimal)),
        **{
            name: _most(mine.get(name), amount_of(theirs.get(name)))
            for name in ("other", "left")
            if name in mine or name in theirs
        },
        **{
            name: min(row[name] for row in (mine, theirs) if name in row)
            for name in ("made_at", "reversed_at")
            if name in mine or name in theirs
        },
    }


def _larger(mine: Known | None, theirs: Known | None, pick: Any) -> Known | None:
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    return {
        key: pick(mine[key], theirs[key]) if key in mine and key in theirs else (mine.get(key) or theirs.get(key))
        for key in sorted(mine.keys() | theirs.keys())
    }


def _most(text: str | None, other: Decimal | None) -> str | None:
    found = [amount for amount in (amount_of(text), other) if amount is not None]
    return amount_text(max(found)) if found else None
