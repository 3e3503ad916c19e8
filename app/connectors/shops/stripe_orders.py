"""Stripe's Checkout sessions and invoices as orders.

What is bought stands in a session's line items, which its event leaves out, or in its metadata. The metadata is the
shop's word from before the payment: where the buyer could still change quantities or add items, the line items count.
An order's total is checked against all that it is made of; what is left over is for a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from app.connectors import payload as p
from app.connectors.shops.stripe_money import minor_or_none, minor_or_zero
from app.domain.feeds.adapter import UnreadableError
from app.domain.feeds.orders import LineSnapshot, OrderSnapshot, stamp
from app.domain.feeds.review import ReviewItem

PAID: Final = frozenset({"paid", "no_payment_required"})
PERIODS: Final = frozenset({"subscription_create", "subscription_cycle"})
"""Reasons of an invoice that bills a period of a subscription (docs.stripe.com/api/invoices/object)."""


def session(thing: Mapping[str, Any], event: Mapping[str, Any], fetched: Any) -> OrderSnapshot | None:
    """Read a session as a snapshot; None: its line items have to be asked for."""
    currency = p.currency_of(thing.get("currency"))
    items = _items(thing.get("line_items"), fetched)
    lines = _lines(thing, items, currency)
    if lines is None:
        return None
    details = p.table(thing.get("customer_details"), "customer_details")
    totals = p.table(thing.get("total_details"), "total_details")
    shipping = _shipping(thing, totals, currency)
    tax = minor_or_zero(totals.get("amount_tax"), currency, "amount_tax")
    return OrderSnapshot(
        stamp=stamp(p.instant(event.get("created"), "created")),
        placed_at=p.instant(thing.get("created", event.get("created")), "created"),
        currency=currency,
        lines=lines,
        customer=p.customer(
            thing.get("client_reference_id") or thing.get("customer"),
            details.get("email") or thing.get("customer_email"),
        ),
        paid=str(thing.get("payment_status")) in PAID,
        total=minor_or_none(thing.get("amount_total"), currency, "amount_total"),
        others=tuple(amount for amount in (shipping, tax) if amount),
        review_items=_checked(thing, items, shipping, currency),
        authority=1,
    )


def _shipping(thing: Mapping[str, Any], totals: Mapping[str, Any], currency: str) -> Decimal:
    cost = p.table(thing.get("shipping_cost"), "shipping_cost")
    amount = cost.get("amount_total", totals.get("amount_shipping"))
    return minor_or_zero(amount, currency, "amount_shipping")


def _checked(
    thing: Mapping[str, Any], items: Sequence[Mapping[str, Any]] | None, shipping: Decimal, currency: str
) -> tuple[ReviewItem, ...]:
    """Compare the total with all that the session says it is made of; taxes may be in the prices already."""
    total = minor_or_none(thing.get("amount_total"), currency, "amount_total")
    subtotal = minor_or_none(thing.get("amount_subtotal"), currency, "amount_subtotal")
    totals = p.table(thing.get("total_details"), "total_details")
    if total is None or subtotal is None:
        return ()
    discount = minor_or_zero(totals.get("amount_discount"), currency, "amount_discount")
    tax = minor_or_zero(totals.get("amount_tax"), currency, "amount_tax")
    rest = total - (subtotal - discount + shipping)
    listed = None
    if items is not None:
        listed = sum((minor_or_zero(item.get("amount_total"), currency, "amount_total") for item in items), Decimal(0))
        listed += shipping
    explained = "total_details" not in thing or 0 <= rest <= tax
    if explained and listed in (None, total):
        return ()
    says = {
        "amount_total": total,
        "amount_subtotal": subtotal,
        "amount_discount": discount,
        "amount_tax": tax,
        "amount_shipping": shipping,
        "line_items": listed,
    }
    unclear = "The session's total is not what its items, discount, shipping and taxes come to."
    return (ReviewItem("total_unexplained", unclear, {key: str(say) for key, say in says.items() if say is not None}),)


def _items(embedded: Any, fetched: Any) -> list[Mapping[str, Any]] | None:
    found = embedded if embedded is not None else fetched
    if found is None:
        return None
    return p.rows(found.get("data") if isinstance(found, dict) else found, "line_items")


def _lines(
    thing: Mapping[str, Any], items: Sequence[Mapping[str, Any]] | None, currency: str
) -> tuple[LineSnapshot, ...] | None:
    """Return the lines by the items, by the metadata where nothing can have changed since; None: they must be asked."""
    metadata = p.table(thing.get("metadata"), "metadata")
    stated = _stated(metadata)
    if items is not None:
        return _joined(stated, metadata, items, _optional(thing), currency)
    if not stated or _optional(thing):
        return None
    totals = p.table(thing.get("total_details"), "total_details")
    discount = minor_or_none(totals.get("amount_discount"), currency, "amount_discount")
    if len(stated) > 1:
        return None if discount else stated
    subtotal = minor_or_none(thing.get("amount_subtotal"), currency, "amount_subtotal")
    total = minor_or_none(thing.get("amount_total"), currency, "amount_total")
    paid = total if subtotal is None or discount is None else subtotal - discount
    gross = None if total is None else total - _shipping(thing, totals, currency)
    return (replace(stated[0], paid=paid, listed=subtotal, gross=gross, stated=True),)


def _optional(thing: Mapping[str, Any]) -> set[str]:
    """The prices that the buyer could add to the session."""
    return {str(row.get("price")) for row in p.rows(thing.get("optional_items"), "optional_items")}


def _stated(metadata: Mapping[str, Any]) -> tuple[LineSnapshot, ...]:
    """The lines as the shop's metadata names them."""
    if metadata.get("lines"):
        try:
            listed = json.loads(str(metadata["lines"]), parse_float=str)
        except (ValueError, RecursionError):
            raise UnreadableError("field_wrong", "metadata.lines is not JSON.") from None
        return tuple(
            LineSnapshot(
                line_id=p.ident(row.get("line_id", number), "line_id"),
                products=(),
                sku=p.ident(row.get("sku"), "sku"),
                quantity=p.whole(row.get("quantity", 1), "quantity", least=1),
                attributes=p.attributes(row.get("attributes")),
            )
            for number, row in enumerate(p.rows(listed, "metadata.lines"), start=1)
        )
    if not metadata.get("sku"):
        return ()
    attributes = {
        name.removeprefix("attribute_"): value for name, value in metadata.items() if name.startswith("attribute_")
    }
    return (
        LineSnapshot(
            line_id="1",
            products=(),
            sku=p.ident(metadata["sku"], "metadata.sku"),
            quantity=p.whole(metadata.get("quantity", 1), "metadata.quantity", least=1),
            attributes=p.attributes(attributes),
        ),
    )


def _joined(
    stated: Sequence[LineSnapshot],
    metadata: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    optional: set[str],
    currency: str,
) -> tuple[LineSnapshot, ...]:
    """Join what the metadata names with what was bought: the items count, and say the quantities and amounts."""
    bought = [_item(item, currency) for item in items]
    if not stated:
        return tuple(bought)
    added = [line for line in bought if optional & set(line.products)]
    base = [line for line in bought if line not in added]
    if len(base) != len(stated):
        why = f"The metadata names {len(stated)} lines, and {len(base)} were bought."
        return (*(replace(line, trouble=why) for line in stated), *added)
    joined = []
    for named, item in zip(stated, base, strict=True):
        itemized = "lines" in metadata or "quantity" in metadata
        trouble = None
        if itemized and named.quantity != item.quantity:
            trouble = f"The metadata says {named.quantity} units, and the line item {item.quantity}."
        joined.append(
            replace(
                named, quantity=item.quantity, paid=item.paid, listed=item.listed, gross=item.gross, trouble=trouble
            )
        )
    return (*joined, *added)


def _item(row: Mapping[str, Any], currency: str) -> LineSnapshot:
    price = p.table(row.get("price"), "price")
    product = price.get("product")
    names = [price.get("id"), product.get("id") if isinstance(product, dict) else product, price.get("lookup_key")]
    listed = minor_or_none(row.get("amount_subtotal"), currency, "amount_subtotal")
    total = minor_or_none(row.get("amount_total"), currency, "amount_total")
    discount = minor_or_none(row.get("amount_discount"), currency, "amount_discount")
    tax = minor_or_none(row.get("amount_tax"), currency, "amount_tax")
    paid = total if total is None or tax is None else total - tax
    if listed is not None and discount is not None:
        paid = listed - discount
    return LineSnapshot(
        line_id=p.ident(row.get("id"), "line id"),
        products=tuple(p.ident(name, "price") for name in names if name),
        quantity=p.whole(row.get("quantity", 1), "quantity", least=1),
        paid=paid,
        listed=listed,
        gross=total,
        attributes=p.attributes(p.table(price.get("metadata"), "metadata")),
    )


# --- invoices ---------------------------------------------------------------------------------------------------------


def invoice(thing: Mapping[str, Any], event: Mapping[str, Any]) -> OrderSnapshot:
    """Read a paid invoice: an order of its own, dated by the period that it bills."""
    currency = p.currency_of(thing.get("currency"))
    made_at = p.instant(thing.get("created", event.get("created")), "created")
    rows = p.rows(p.table(thing.get("lines"), "lines").get("data"), "lines")
    lines = tuple(_invoice_line(row, currency) for row in rows)
    starts = [at for row in rows if not _prorated(row) and (at := _starts(row)) is not None and at <= made_at]
    placed_at = max(starts, default=made_at)
    subscription = _subscription(thing)
    period = None
    if subscription is not None and str(thing.get("billing_reason")) in PERIODS:
        period = f"{subscription}/{int(placed_at.timestamp())}"
    metadata = p.table(_details(thing).get("metadata"), "metadata")
    tax = _tax(thing, currency)
    review_items = _whole(thing, rows, lines, currency)
    whole = [line for line in lines if line.change is None]
    if len(stated := _stated(metadata)) == len(whole) == 1:
        named = replace(whole[0], sku=stated[0].sku, attributes={**whole[0].attributes, **stated[0].attributes})
        lines = tuple(named if line is whole[0] else line for line in lines)
    return OrderSnapshot(
        stamp=stamp(p.instant(event.get("created"), "created")),
        placed_at=placed_at,
        currency=currency,
        lines=lines,
        customer=p.customer(
            metadata.get("client_reference_id") or _id(thing.get("customer")), thing.get("customer_email")
        ),
        paid=str(thing.get("status")) == "paid" or thing.get("paid") is True,
        total=minor_or_none(thing.get("total"), currency, "total"),
        others=(tax,) if tax else (),
        payment=period,
        review_items=review_items,
    )


def payments(thing: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the other names of an invoice's payment: its payment intents."""
    found = [_id(thing.get("payment_intent"))]
    found += [
        _id(p.table(row.get("payment"), "payment").get("payment_intent"))
        for row in p.rows(p.table(thing.get("payments"), "payments").get("data"), "payments")
    ]
    return tuple(p.ident(item, "payment_intent") for item in found if item)


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _details(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    """The subscription's own part of an invoice, where it stands in the API versions before and since 2025-03-31."""
    parent = p.table(thing.get("parent"), "parent")
    return p.table(parent.get("subscription_details") or thing.get("subscription_details"), "subscription_details")


def _subscription(thing: Mapping[str, Any]) -> str | None:
    return p.ident_or_none(_id(_details(thing).get("subscription") or thing.get("subscription")), "subscription")


def _prorated(row: Mapping[str, Any]) -> bool:
    parent = p.table(row.get("parent"), "parent")
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details")
    return row.get("proration") is True or p.table(details, "details").get("proration") is True


def _starts(row: Mapping[str, Any]) -> datetime | None:
    return p.instant_or_none(p.table(row.get("period"), "period").get("start"), "period.start")


def _invoice_line(row: Mapping[str, Any], currency: str) -> LineSnapshot:
    listed = minor_or_zero(row.get("amount"), currency, "amount")
    discounts = p.rows(row.get("discount_amounts"), "discount_amounts")
    off = sum((minor_or_zero(each.get("amount"), currency, "discount") for each in discounts), Decimal(0))
    price = row.get("price")
    details = p.table(p.table(row.get("pricing"), "pricing").get("price_details"), "price_details")
    names = [
        _id(price),
        _id(price.get("product")) if isinstance(price, dict) else None,
        price.get("lookup_key") if isinstance(price, dict) else None,
        _id(details.get("price")),
        _id(details.get("product")),
    ]
    quantity = p.whole(row.get("quantity") or 1, "quantity")
    pricing = p.table(row.get("pricing"), "pricing")
    unit = price.get("unit_amount") if isinstance(price, dict) else pricing.get("unit_amount_decimal")
    change: Literal["proration", "trial"] | None = "proration" if _prorated(row) else None
    if change is None and not listed and unit not in (None, "", 0, "0"):
        change = "trial"  # a period of something that costs money, for nothing and without a discount
    metadata = p.table(price.get("metadata"), "metadata") if isinstance(price, dict) else {}
    return LineSnapshot(
        line_id=p.ident(row.get("id"), "line id"),
        products=tuple(dict.fromkeys(p.ident(name, "price") for name in names if name)),
        quantity=max(quantity, 1),
        paid=listed - off,
        listed=listed,
        gross=listed - off + _tax_added(row, currency),
        attributes=p.attributes(metadata),
        change=change,
    )


def _taxes(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        *p.rows(row.get("taxes"), "taxes"),
        *p.rows(row.get("tax_amounts"), "tax_amounts"),
        *p.rows(row.get("total_taxes"), "total_taxes"),
        *p.rows(row.get("total_tax_amounts"), "taxes"),
    ]


def _tax_added(row: Mapping[str, Any], currency: str) -> Decimal:
    """The taxes that are not in the price already."""
    added = [
        each
        for each in _taxes(row)
        if each.get("inclusive") is not True and str(each.get("tax_behavior", "exclusive")) != "inclusive"
    ]
    return sum((minor_or_zero(each.get("amount"), currency, "tax") for each in added), Decimal(0))


def _tax(thing: Mapping[str, Any], currency: str) -> Decimal:
    amount = minor_or_none(thing.get("tax"), currency, "tax")
    if amount is not None:
        return amount
    return sum((minor_or_zero(tax.get("amount"), currency, "tax") for tax in _taxes(thing)), Decimal(0))


def _whole(
    thing: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], lines: Sequence[LineSnapshot], currency: str
) -> tuple[ReviewItem, ...]:
    """Compare an invoice's total with its lines, discounts, shipping and taxes."""
    total = minor_or_none(thing.get("total"), currency, "total")
    if p.table(thing.get("lines"), "lines").get("has_more") is True:
        unclear = f"The invoice has more lines than the {len(rows)} that the event holds."
        return (ReviewItem("total_unexplained", unclear, {"total": str(total), "lines": len(rows)}),)
    if total is None:
        return ()
    paid = sum((line.paid or Decimal(0) for line in lines), Decimal(0))
    shipping = minor_or_zero(p.table(thing.get("shipping_cost"), "shipping").get("amount_total"), currency, "shipping")
    rest = total - paid - shipping
    if 0 <= rest <= _tax(thing, currency):
        return ()
    says = {"total": total, "lines": paid, "shipping": shipping, "tax": _tax(thing, currency)}
    unclear = "The invoice's total is not what its lines, discounts, shipping and taxes come to."
    return (ReviewItem("total_unexplained", unclear, {key: str(say) for key, say in says.items()}),)
