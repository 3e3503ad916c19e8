"""Random histories of shops, told as their webhooks would tell them, and how a tenant's ledger looks in the end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.db.engine import Database, Tx
from tests.support import shops

START = datetime(2024, 3, 1, tzinfo=UTC)
OFFERS = {
    "101": ("license", "100.00"),
    "102": ("credits-50", "50.00"),
    "103": ("credits-100", "90.00"),
    "104": ("support-3-months", "60.00"),
    "105": (None, "15.00"),
}
PRODUCTS = {key: None if sku is None else {"sku": sku, "attributes": {}} for key, (sku, _) in OFFERS.items()}


@dataclass
class Line:
    id: int
    product: str
    quantity: int
    price: str
    percent: int


@dataclass
class Order:
    """One order of a shop as it goes along; `snapshot` and `refund` say it in the shop's way."""

    shop: str
    id: int
    customer: int
    placed: datetime
    lines: list[Line]
    now: datetime = START
    status: str = "pending"
    refunds: list[tuple[int, dict[int, int]]] = field(default_factory=list)
    deliveries: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    edits: list[dict[int, int]] = field(default_factory=list)
    """Units that an edit took off before any refund says so."""
    puzzling: bool = False
    """Something was undone, which a person has to decide: the order has a customer of its own then."""

    def puzzle(self) -> None:
        """Makes it one that may end parked."""
        self.puzzling = True

    def gone(self, line: int) -> int:
        """Units that are no longer on a line."""
        return sum(units.get(line, 0) for units in (*(units for _, units in self.refunds), *self.edits))

    def tell(self, event: dict[str, Any]) -> None:
        self.deliveries.append((self.now, event))

    def later(self, rng: random.Random) -> None:
        self.now += timedelta(seconds=rng.randint(1, 90_000))


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def cents(line: Line) -> tuple[int, int]:
    whole = int(line.price.replace(".", "")) * line.quantity
    return whole, whole * (100 - line.percent) // 100


def money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def woo(order: Order) -> dict[str, Any]:
    bare = "%Y-%m-%dT%H:%M:%S"
    paid = (
        order.status in ("processing", "completed", "refunded")
        or any(s == "paid" for s in (order.status,))
        or order.refunds
    )
    status = {"paid": "processing"}.get(order.status, order.status)
    was_paid = bool(paid) or getattr(order, "was_paid", False)
    return shops.woo_order(
        id=order.id,
        status=status,
        customer_id=order.customer,
        total=money(sum(cents(one)[1] for one in order.lines)),
        date_created_gmt=order.placed.strftime(bare),
        date_modified_gmt=order.now.strftime(bare),
        date_paid_gmt=order.placed.strftime(bare) if was_paid else None,
        line_items=[
            {
                "id": one.id,
                "product_id": int(one.product),
                "variation_id": 0,
                "quantity": one.quantity,
                "sku": "",
                "subtotal": money(cents(one)[0]),
                "total": money(cents(one)[1]),
                "total_tax": "0.00",
            }
            for one in order.lines
        ],
        retainer_refunds=[
            {
                "id": number,
                "amount": "1.00",
                "line_items": [
                    {
                        "id": 9000 + line,
                        "quantity": -count,
                        "meta_data": [{"key": "_refunded_item_id", "value": str(line)}],
                    }
                    for line, count in units.items()
                ],
            }
            for number, units in order.refunds
        ],
    )


def shopify(order: Order) -> dict[str, Any]:
    financial = {"paid": "paid", "pending": "pending", "cancelled": "pending", "cancelled_paid": "refunded"}[
        order.status
    ]
    return shops.shopify_order(
        id=order.id,
        test=False,
        financial_status=financial,
        customer={"id": order.customer},
        created_at=iso(order.placed),
        updated_at=iso(order.now),
        total_price=money(sum(cents(one)[1] for one in order.lines)),
        cancelled_at=iso(order.now) if order.status.startswith("cancelled") else None,
        line_items=[
            {
                "id": one.id,
                "product_id": int(one.product),
                "variant_id": 7,
                "sku": "same",
                "quantity": one.quantity,
                "current_quantity": max(one.quantity - order.gone(one.id), 0),
                "price": one.price,
                "total_discount": "0.00",
                "discount_allocations": [{"amount": money(cents(one)[0] - cents(one)[1])}],
            }
            for one in order.lines
        ],
        refunds=[shopify_refund(order, number, units) for number, units in order.refunds],
    )


def shopify_refund(order: Order, number: int, units: dict[int, int]) -> dict[str, Any]:
    return {
        "id": number,
        "order_id": order.id,
        "refund_line_items": [{"id": 1, "line_item_id": line, "quantity": count} for line, count in units.items()],
        "transactions": [],
    }


def purchase(order: Order) -> dict[str, Any]:
    return shops.purchase(
        "order.updated",
        at=iso(order.now),
        order_id=str(order.id),
        customer_id=str(order.customer),
        placed_at=iso(order.placed),
        currency="USD",
        status="paid" if order.status == "paid" else "pending",
        lines=[
            {
                "line_id": str(one.id),
                "product_id": one.product,
                "quantity": one.quantity,
                "unit_price": money(cents(one)[1] // one.quantity),
                "list_price": one.price,
            }
            for one in order.lines
        ],
    )


def stripe(order: Order, kind: str, ident: str) -> dict[str, Any]:
    items = {
        "data": [
            {
                "id": f"li_{one.id}",
                "quantity": one.quantity,
                "amount_subtotal": cents(one)[0],
                "amount_discount": cents(one)[0] - cents(one)[1],
                "amount_tax": 0,
                "amount_total": cents(one)[1],
                "price": {"id": one.product, "product": "prod"},
            }
            for one in order.lines
        ]
    }
    return shops.stripe_session(
        kind,
        ident,
        int(order.now.timestamp()),
        id=f"cs_{order.id}",
        payment_intent=f"pi_{order.id}",
        line_items=items,
        customer=f"cus{order.customer}",
        created=int(order.placed.timestamp()),
        payment_status="paid" if order.status == "paid" else "unpaid",
        amount_total=sum(cents(one)[1] for one in order.lines),
        amount_subtotal=sum(cents(one)[0] for one in order.lines),
        total_details={
            "amount_discount": sum(cents(one)[0] - cents(one)[1] for one in order.lines),
            "amount_shipping": 0,
            "amount_tax": 0,
        },
    )


def paddle(order: Order, ident: str) -> dict[str, Any]:
    return {
        **shops.paddle_transaction(
            ident,
            id=f"txn_{order.id}",
            customer_id=f"ctm_{order.customer}",
            currency_code="USD",
            created_at=iso(order.placed),
            items=[{"price_id": one.product, "quantity": one.quantity} for one in order.lines],
            details={
                "line_items": [
                    {
                        "id": f"item_{one.id}",
                        "quantity": one.quantity,
                        "totals": {
                            "subtotal": str(cents(one)[0]),
                            "discount": str(cents(one)[0] - cents(one)[1]),
                            "total": str(cents(one)[1]),
                        },
                    }
                    for one in order.lines
                ]
            },
        ),
        "occurred_at": iso(order.now),
    }


def history(rng: random.Random, shop: str, number: int) -> Order:
    """One order's life, told delivery by delivery."""
    placed = START + timedelta(seconds=rng.randint(0, 200 * 86_400))
    # Packs are for license holders (CSC-20): with few licenses about, a round could end without one open lot.
    products = rng.choices(list(OFFERS), weights=[4, 2, 2, 1, 1], k=rng.randint(1, 3))
    lines = [
        Line(number * 10 + at, product, rng.choice([1, 1, 2, 3]), OFFERS[product][1], rng.choice([0, 0, 10, 25]))
        for at, product in enumerate(products, start=1)
    ]
    order = Order(shop, number, rng.randint(1, 3), placed, lines, now=placed)
    WRITERS[shop](rng, order)
    return order


def some_units(rng: random.Random, order: Order) -> dict[int, int]:
    gone: dict[int, int] = {}
    for _, units in order.refunds:
        for line, count in units.items():
            gone[line] = gone.get(line, 0) + count
    left = {one.id: one.quantity - gone.get(one.id, 0) for one in order.lines if one.quantity > gone.get(one.id, 0)}
    if not left:
        return {}
    line = rng.choice(sorted(left))
    return {line: rng.randint(1, left[line])}


def snapshots(
    rng: random.Random, order: Order, say: Callable[[Order], dict[str, Any]], refund: Callable[..., None] | None
) -> None:
    order.tell(say(order))
    order.later(rng)
    if rng.random() < 0.15:
        order.status = "cancelled"
        order.tell(say(order))
        order.later(rng)
        if rng.random() < 0.5:
            return
    order.status = "paid"
    order.was_paid = True  # type: ignore[attr-defined]
    order.tell(say(order))
    for number in range(rng.choice([0, 0, 1, 2])):
        order.later(rng)
        units = some_units(rng, order)
        if units and refund is not None and rng.random() < 0.7:
            order.refunds.append((order.id * 10 + number, units))
            refund(order, order.id * 10 + number, units)
        elif rng.random() < 0.3:
            order.lines = [*order.lines, Line(order.id * 10 + 5 + number, "102", 1, "50.00", 0)]
        order.tell(say(order))


def write_woo(rng: random.Random, order: Order) -> None:
    undone = rng.random()
    if undone < 0.3:
        order.puzzle()
        order.customer = 1_000_000 + order.id
    snapshots(rng, order, woo, lambda *_: None)
    if not getattr(order, "was_paid", False):
        return
    if undone < 0.15:  # thrown away and restored
        order.later(rng)
        order.tell({"id": order.id})
        order.later(rng)
        order.tell(woo(order))
    elif undone < 0.3 and order.refunds:  # a refund that the shop deletes
        order.later(rng)
        order.refunds.pop(rng.randrange(len(order.refunds)))
        order.tell(woo(order))
    elif rng.random() < 0.2:
        order.later(rng)
        order.status = "cancelled"
        if rng.random() < 0.7:
            order.tell(woo(order))
        else:  # a deletion has no time: overtaken by what came before it, it looks like one that was restored
            order.puzzle()
            order.tell({"id": order.id})


def write_shopify(rng: random.Random, order: Order) -> None:
    order.status = "pending"
    order.tell(shopify(order))
    order.later(rng)
    if rng.random() < 0.1:
        order.status = "cancelled"
        order.tell(shopify(order))
        return
    order.status = "paid"
    order.tell(shopify(order))
    for number in range(rng.choice([0, 1, 2])):
        order.later(rng)
        units = some_units(rng, order)
        if units:
            if rng.random() < 0.4:  # an edit: the order says it before its refund does
                order.edits.append(units)
                order.tell(shopify(order))
                order.later(rng)
                order.edits.pop()
            order.refunds.append((order.id * 10 + number, units))
            order.tell(shopify_refund(order, order.id * 10 + number, units))
        order.tell(shopify(order))
    if rng.random() < 0.2:
        order.later(rng)
        order.status = "cancelled_paid"
        order.tell(shopify(order))


def write_purchase(rng: random.Random, order: Order) -> None:
    def refund(one: Order, number: int, units: dict[int, int]) -> None:
        one.tell(
            shops.purchase(
                "order.refunded",
                at=iso(one.now),
                order_id=str(one.id),
                refund_id=f"R{number}",
                lines=[{"line_id": str(line), "quantity": count} for line, count in units.items()],
            )
        )

    order.status = "pending"
    if rng.random() < 0.5:
        order.tell(purchase(order))
        order.later(rng)
    order.status = "paid"
    order.tell(purchase(order))
    for number in range(rng.choice([0, 1, 2])):
        order.later(rng)
        if units := some_units(rng, order):
            order.refunds.append((number, units))
            refund(order, number, units)
    if rng.random() < 0.2:
        order.later(rng)
        order.tell(shops.purchase("order.cancelled", at=iso(order.now), order_id=str(order.id)))


def failed_refund(rng: random.Random, order: Order, common: dict[str, Any], made: int) -> None:
    """A refund that the charge counts, and that fails then; perhaps it is made again."""
    total = common["amount"]

    def charged(name: str) -> None:
        charge = {
            "object": "charge",
            "id": f"ch_{order.id}",
            "payment_intent": f"pi_{order.id}",
            "currency": "usd",
            "amount": total,
            "amount_refunded": total,
            "refunded": True,
        }
        order.tell(
            {
                "id": f"evt_{order.id}_{name}",
                "type": "charge.refunded",
                "created": int(order.now.timestamp()),
                "data": {"object": charge},
            }
        )

    charged("f1")
    order.later(rng)
    told = int(order.now.timestamp())
    order.tell(
        shops.stripe_refund(
            f"evt_{order.id}_f2",
            rng.choice(["refund.failed", "charge.refund.updated"]),
            told,
            **{**common, "created": made, "status": rng.choice(["failed", "canceled"])},
        )
    )
    if rng.random() < 0.5:
        order.later(rng)
        again = int(order.now.timestamp())
        order.tell(
            shops.stripe_refund(
                f"evt_{order.id}_f3", "refund.updated", again, **{**common, "id": f"re_{order.id}b", "created": again}
            )
        )
        charged("f4")


def write_stripe(rng: random.Random, order: Order) -> None:
    if rng.random() < 0.2:
        order.puzzle()
        order.customer = 1_000_000 + order.id
    if rng.random() < 0.4:
        order.tell(stripe(order, "checkout.session.completed", f"evt_{order.id}_u"))
        order.later(rng)
        if rng.random() < 0.2:
            return
        order.status = "paid"
        order.tell(stripe(order, "checkout.session.async_payment_succeeded", f"evt_{order.id}_p"))
    else:
        order.status = "paid"
        order.tell(stripe(order, "checkout.session.completed", f"evt_{order.id}_c"))
    total = sum(cents(one)[1] for one in order.lines)
    if rng.random() < 0.4:
        order.later(rng)
        common = {
            "payment_intent": f"pi_{order.id}",
            "charge": f"ch_{order.id}",
            "id": f"re_{order.id}",
            "amount": total,
        }
        made = int(order.now.timestamp())
        order.tell(
            shops.stripe_refund(f"evt_{order.id}_r1", "refund.created", made, **common, created=made, status="pending")
        )
        if order.puzzling:
            failed_refund(rng, order, common, made)
        elif rng.random() < 0.8:
            order.tell(
                shops.stripe_refund(f"evt_{order.id}_r2", "refund.updated", int(order.now.timestamp()), **common)
            )
            order.tell(
                {
                    "id": f"evt_{order.id}_r3",
                    "type": "charge.refunded",
                    "created": int(order.now.timestamp()),
                    "data": {
                        "object": {
                            "object": "charge",
                            "id": f"ch_{order.id}",
                            "payment_intent": f"pi_{order.id}",
                            "currency": "usd",
                            "amount": total,
                            "amount_refunded": total,
                            "refunded": True,
                        }
                    },
                }
            )
    if rng.random() < 0.4:
        dispute(rng, order)


def dispute(rng: random.Random, order: Order) -> None:
    """The buyer's bank disputes the payment: an inquiry first, perhaps; lost or won, perhaps won after it was lost."""
    ident = f"du_{order.id}"
    total = sum(cents(one)[1] for one in order.lines)
    states = rng.choice(
        [
            ["needs_response"],
            ["needs_response", "lost"],
            ["needs_response", "won"],
            ["lost", "won"],
            ["warning_needs_response", "needs_response", "lost"],
            ["warning_closed"],
        ]
    )
    for number, status in enumerate(states):
        order.later(rng)
        order.tell(
            {
                "id": f"evt_{order.id}_d{number}",
                "type": "charge.dispute.closed" if status in ("lost", "won") else "charge.dispute.created",
                "created": int(order.now.timestamp()),
                "livemode": True,
                "data": {
                    "object": {
                        "object": "dispute",
                        "id": ident,
                        "payment_intent": f"pi_{order.id}",
                        "charge": f"ch_{order.id}",
                        "currency": "usd",
                        "amount": total,
                        "status": status,
                        "balance_transactions": [],
                    }
                },
            }
        )


def chargeback(rng: random.Random, order: Order) -> None:
    """A chargeback of a line, and perhaps its reversal."""
    line = rng.choice(order.lines)
    item = {"item_id": f"item_{line.id}", "type": "full", "amount": str(cents(line)[1])}
    for action in rng.choice([["chargeback"], ["chargeback", "chargeback_reverse"], ["chargeback_warning"]]):
        order.later(rng)
        event = shops.paddle_adjustment(
            f"evt_{order.id}_{action}",
            id=f"adj_{order.id}_{action}",
            items=[item],
            action=action,
            status="approved",
            transaction_id=f"txn_{order.id}",
            currency_code="USD",
        )
        order.tell({**event, "occurred_at": iso(order.now)})


def write_paddle(rng: random.Random, order: Order) -> None:
    if rng.random() < 0.2:
        order.puzzle()
        order.customer = 1_000_000 + order.id
    order.tell(paddle(order, f"evt_{order.id}_t"))
    for number in range(rng.choice([0, 1, 2])):
        order.later(rng)
        one = rng.choice(order.lines)
        each = cents(one)[1] // one.quantity if cents(one)[1] % one.quantity == 0 else None
        item = {"item_id": f"item_{one.id}", "type": "full", "amount": str(cents(one)[1])}
        if each is not None and one.quantity > 1 and rng.random() < 0.5:
            item = {"item_id": f"item_{one.id}", "type": "partial", "amount": str(each)}
        states = ("pending_approval", *([] if rng.random() < 0.3 else ["approved"]))
        if order.puzzling and rng.random() < 0.7:
            states = ("pending_approval", "approved", "reversed")
        for status in states:
            event = shops.paddle_adjustment(
                f"evt_{order.id}_{number}_{status}",
                id=f"adj_{order.id}_{number}",
                items=[item],
                transaction_id=f"txn_{order.id}",
                status=status,
                currency_code="USD",
            )
            order.tell({**event, "occurred_at": iso(order.now)})
    if rng.random() < 0.4:
        chargeback(rng, order)


WRITERS: dict[str, Callable[[random.Random, Order], None]] = {
    "woocommerce": write_woo,
    "shopify": write_shopify,
    "purchase": write_purchase,
    "stripe": write_stripe,
    "paddle": write_paddle,
}


def signed(
    shop: str, event: dict[str, Any], ident: str, rng: random.Random | None = None
) -> tuple[dict[str, str], bytes]:
    """A delivery of an event; with ``rng`` perhaps other bytes that say the same, as when a retry is built anew."""
    spaced = rng is not None and shop in ("woocommerce", "shopify", "purchase") and rng.random() < 0.4
    body = json.dumps(event, indent=rng.randint(1, 3) if spaced and rng else None).encode()
    if shop == "purchase":
        headers = shops.sign_standard(body, ident=f"{ident}{'-again' if spaced else ''}")
    else:
        headers = SIGN[shop](body)
    return {name.lower(): value for name, value in headers.items()}, body


SIGN: dict[str, Callable[[bytes], dict[str, str]]] = {
    "woocommerce": shops.sign_woo,
    "shopify": shops.sign_shopify,
    "stripe": shops.sign_stripe,
    "paddle": shops.sign_paddle,
}

_PROJECTION = {
    "lots": "select c.external_id, l.order_id, l.line_id, l.unit_no, l.rule, l.credit_type, l.available, l.expires_at"
    " from lot l join customer c using (tenant_id, customer_id) where l.tenant_id = :t and l.available + l.held > 0",
    "balances": "select c.external_id, a.credit_type, a.available, a.held, a.spent, a.expired, a.owed"
    " from account a join customer c using (tenant_id, customer_id) where a.tenant_id = :t and a.available > 0",
    "covers": "select c.external_id, v.order_id, v.line_id, v.rule, v.starts_at, v.ends_at, v.state"
    " from cover v join customer c using (tenant_id, customer_id) where v.tenant_id = :t and v.state <> 'voided'",
    "licenses": "select c.external_id, i.order_id, i.line_id, i.unit_no, i.sku, i.ordinal, i.first_order,"
    " i.ended_reason"
    " from license i join customer c using (tenant_id, customer_id) where i.tenant_id = :t",
    "choices": "select c.external_id, h.order_id, h.line_id, h.unit_no, h.rule, h.option from choice h"
    " join customer c using (tenant_id, customer_id) where h.tenant_id = :t and h.voided_at is null",
}


def now(statement: str, tx: Tx) -> dict[str, Any]:
    return {"now": tx.at} if ":now" in statement else {}


_STANDING = {
    "lots": "select c.external_id, l.order_id, l.line_id, l.rule, l.credit_type, sum(l.available), l.expires_at"
    " from lot l join customer c using (tenant_id, customer_id) where l.tenant_id = :t and l.available + l.held > 0"
    " group by 1, 2, 3, 4, 5, 7",
    "balances": "select c.external_id, a.credit_type, a.available, a.held, a.spent, a.owed"
    " from account a join customer c using (tenant_id, customer_id) where a.tenant_id = :t and a.available > 0",
    "covers": "select c.external_id, v.order_id, v.line_id, v.rule, v.starts_at, v.ends_at, v.state"
    " from cover v join customer c using (tenant_id, customer_id) where v.tenant_id = :t and v.state <> 'voided'"
    " and (v.ends_at is null or v.ends_at > :now)",
    "licenses": "select c.external_id, i.order_id, i.line_id, i.sku, i.ordinal, i.first_order, i.ended_reason"
    " from license i join customer c using (tenant_id, customer_id) where i.tenant_id = :t"
    " and i.ended_reason is distinct from 'corrected'",
    "choices": "select c.external_id, h.order_id, h.line_id, h.rule, h.option from choice h"
    " join customer c using (tenant_id, customer_id) where h.tenant_id = :t and h.voided_at is null",
}
"""What stands: of an order that its shop changed, a lot a portion, and covers that ran out meanwhile, are history."""


async def projection(db: Database, tenant_id: str, *, standing: bool = False) -> dict[str, list[str]]:
    """What decision 0007 compares (open lots by line, rule, amount, expiry; balances; covers), licenses and choices."""

    async def look(tx: Tx) -> dict[str, list[str]]:
        found = {}
        for name, statement in (_STANDING if standing else _PROJECTION).items():
            found[name] = sorted(
                str(tuple(row)) for row in await tx.rows(text(statement), {"t": tenant_id, **now(statement, tx)})
            )
        return found

    return await db.read(tenant_id, look)
