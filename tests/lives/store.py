"""A shop whose orders change while their payments are disputed: packs that it takes out or refunds, beside several
disputes of one line, each lost and won by itself. As many units are gone as were taken out, refunded and lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.inbound.test_shopify_orders import refund as refund_row
from tests.lives.life import Life, command
from tests.lives.model import Line, Order, Purchase
from tests.lives.shop import grant_packs
from tests.lives.terms import iso
from tests.support import shops

EACH = "34.50"


@dataclass
class Stored:
    """One order as it stands in the shop: units on the line, refunds, and disputes by number."""

    number: int
    customer: int
    sku: str
    placed: str
    units: int
    made: int
    refunds: list[dict[str, Any]] = field(default_factory=list)
    disputes: dict[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """Units that the shop gave back."""
        return sum(row["refund_line_items"][0]["quantity"] for row in self.refunds)

    @property
    def left(self) -> int:
        """Units that nobody has taken."""
        return max(self.units - self.refunded - sum(n for state, n in self.disputes.values() if state == "lost"), 0)


async def tell(life: Life, topic: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Delivers a payload and has it acted on; the delivery's row."""
    token = life.things.get("store")
    if token is None:
        status, made = await life.call("PUT", "/v1/sources/store", {"kind": "shopify", "secret": shops.SECRET})
        life.that(status == 201, f"a source: {status} {made}")
        token = life.things["store"] = made["token"]
    body = shops.raw(payload)
    answer = await life.vendor.client.post(f"/in/{token}", content=body, headers=shops.sign_shopify(body, topic=topic))
    life.calls += 1
    life.log.append(f"POST /in/store {topic} {payload} -> {answer.status_code}")
    life.that(answer.status_code in (200, 202), f"a delivery: {answer.status_code} {answer.text}")
    house = life.vendor.app.state.house
    while await house.inbox.act(house.database, life.vendor.tenant_id):
        pass
    return dict((await life.get("/v1/sources/store/deliveries"))["data"][0])


async def snapshot(life: Life, stored: Stored) -> dict[str, Any]:
    """The order as it stands in the shop by now."""
    told = life.things["stored at"] = max(life.things.get("stored at", life.now), life.now) + timedelta(seconds=1)
    total = f"{Decimal(EACH) * stored.units:.2f}"
    order = shops.shopify_full(
        number=stored.number,
        line_items=[shops.shopify_line(quantity=stored.units, sku=stored.sku)],
        total_price=total,
        subtotal_price=total,
        created_at=stored.placed,
        processed_at=stored.placed,
        updated_at=iso(told),
        customer={"id": stored.customer, "state": "enabled", "email": None, "phone": None},
        refunds=[{**row, "order_id": stored.number, "created_at": iso(told)} for row in stored.refunds],
    )
    return await tell(life, "orders/updated", order)


@command(rest=2, cactushop=0)
async def store_order(life: Life, rng: random.Random) -> str:
    """Some packs."""
    terms, units = life.model.terms_at(life.now), rng.choice((1, 2, 3))
    number = 6000 + int(life.next("n")[1:])
    stored = Stored(number, rng.choice((71, 72)), rng.choice(sorted(terms.packs)), iso(life.now), units, units)
    row = await snapshot(life, stored)
    life.that(row["state"] == "done", f"an order of a store: {row['state']} {row.get('reason')}")
    made = Order(f"store:{number}", life.model.who(f"store:{stored.customer}"), life.now, [], terms, source=True)
    made.lines.append(Line("8801", stored.sku, units, Decimal(EACH)))
    life.model.orders[made.order_id] = made
    life.model.dirty.add(made.owner)
    life.things["stored", made.order_id] = stored
    grant_packs(life, made.owner)
    return f"{made.owner} orders {units} {stored.sku} in the store, {made.order_id}"


def plain(life: Life, purchase: Purchase | None) -> bool:
    """Its credits lie in one lot that is good, and nothing but its order took any of them."""
    if purchase is None or len(purchase.lots) != 1 or purchase.returned_by_lot:
        return False
    (lot,) = purchase.lots
    by_order = lot.gone == purchase.refunded - purchase.due
    return by_order and not lot.dead(life.now) and lot.owner not in life.model.heirs


@command(rest=7, cactushop=0)
async def store_change(life: Life, rng: random.Random) -> str | None:
    """The shop takes units out or refunds some; a dispute is lost or won."""
    found = {one.order_id: life.things.get(("stored", one.order_id)) for one in life.model.orders.values()}
    orders = [name for name, stored in found.items() if stored and plain(life, life.model.orders[name].lines[0].grant)]
    if not orders:
        return None
    made = life.model.orders[rng.choice(orders)]
    stored: Stored = life.things["stored", made.order_id]
    lost = [number for number, (state, _) in stored.disputes.items() if state == "lost"]
    most = max([stored.refunded, 1, *(units for state, units in stored.disputes.values() if state == "lost")])
    way = rng.choice(("fewer", "refund", "lost", "lost", "won", "won"))
    if way == "fewer" and stored.units > most:
        stored.units = rng.randint(most, stored.units - 1)
        told = f"{stored.units} stay"
        row = await snapshot(life, stored)
    elif way == "refund" and stored.left:
        units = rng.randint(1, stored.left)
        back = f"{Decimal(EACH) * units:.2f}"
        stored.refunds.append(refund_row(back, units, number=100 * stored.number + len(stored.refunds)))
        told = f"{units} refunded"
        row = await snapshot(life, stored)
    elif way == "won" and lost:
        number = rng.choice(lost)
        row, told = await _dispute(life, stored, number, "won", stored.disputes[number][1]), f"dispute {number} won"
    else:
        number, units = len(stored.disputes), rng.randint(1, stored.units)
        row, told = await _dispute(life, stored, number, "lost", units), f"dispute {number} of {units} lost"
    life.that(row["state"] == "done", f"{made.order_id}: {told}: {row['state']} {row.get('reason')}")
    _follow(life, made, stored)
    return f"{made.order_id}: {told}"


async def _dispute(life: Life, stored: Stored, number: int, state: str, units: int) -> dict[str, Any]:
    stored.disputes[number] = state, units
    return await tell(
        life,
        "disputes/update",
        {
            "id": 1000 * stored.number + number,
            "order_id": stored.number,
            "type": "chargeback",
            "amount": f"{Decimal(EACH) * units:.2f}",
            "currency": "USD",
            "reason": "fraudulent",
            "status": state,
            "evidence_due_by": None,
            "initiated_at": iso(life.now),
            "finalized_on": None,
        },
    )


def _follow(life: Life, made: Order, stored: Stored) -> None:
    """What is gone of the line is taken of what is unused, else it is gone once it comes back."""
    line = made.lines[0]
    assert line.grant is not None
    (lot,) = line.grant.lots
    line.quantity, line.refunded = stored.units, stored.units - stored.left
    line.grant.corrected = stored.made - stored.units
    in_use = lot.held + lot.spent
    each = line.grant.credits // line.grant.units
    line.grant.refunded_units = stored.made - stored.left
    line.grant.refunded = each * line.grant.refunded_units
    stands = line.grant.credits - line.grant.refunded
    line.grant.due = max(in_use - stands, 0)
    lot.available = max(stands - in_use, 0)
    lot.gone = lot.granted - lot.available - in_use
    life.model.dirty |= {made.owner, lot.owner}
