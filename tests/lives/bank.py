"""Payments by card: the buyer's bank takes the money of an order back, and the vendor may win it. What a lost dispute
took of a pack comes back when it is won, to the lot that it was taken from."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from tests.lives.life import Life, command
from tests.lives.model import Line, Order, Purchase
from tests.lives.shop import grant_packs
from tests.support import shops

PRICE = 2000


async def tell(life: Life, kind: str, ident: str, **thing: Any) -> dict[str, Any]:
    """Delivers an event of the payment service and has it acted on; the delivery's row."""
    token = life.things.get("bank")
    if token is None:
        status, made = await life.call("PUT", "/v1/sources/card", {"kind": "stripe", "secret": shops.SECRET})
        life.that(status == 201, f"a source: {status} {made}")
        token = life.things["bank"] = made["token"]
    told = life.things["banked"] = max(life.things.get("banked", 0), int(life.now.timestamp())) + 1
    event = {
        "id": f"evt_{ident}",
        "object": "event",
        "type": kind,
        "created": told,
        "livemode": True,
        "data": {"object": thing},
    }
    body = shops.raw(event)
    answer = await life.vendor.client.post(f"/in/{token}", content=body, headers=shops.sign_stripe(body))
    life.calls += 1
    life.log.append(f"POST /in/card {event} -> {answer.status_code}")
    life.that(answer.status_code in (200, 202), f"a delivery: {answer.status_code} {answer.text}")
    house = life.vendor.app.state.house
    while await house.inbox.act(house.database, life.vendor.tenant_id):
        pass
    return dict((await life.get("/v1/sources/card/deliveries"))["data"][0])


@command(rest=3, cactushop=0)
async def card_order(life: Life, rng: random.Random) -> str:
    """A pack that is paid by card."""
    terms, customer, number = life.model.terms_at(life.now), rng.choice(("1", "2")), life.next("c")
    sku, units = rng.choice(sorted(terms.packs)), rng.choice((1, 2, 3))
    session = shops.stripe_session(
        id=f"cs_{number}",
        payment_intent=f"pi_{number}",
        client_reference_id=customer,
        created=int(life.now.timestamp()),
        metadata={"sku": sku, "quantity": str(units)},
        amount_subtotal=PRICE * units,
        amount_total=PRICE * units,
        livemode=True,
    )["data"]["object"]
    row = await tell(life, "checkout.session.completed", number, **session)
    life.that(row["state"] == "done", f"an order paid by card: {row['state']} {row.get('reason')}")
    owner = life.model.who(f"card:{customer}")
    made = Order(f"card:pi_{number}", owner, life.now, [], terms, card=True)
    line_id = (await life.get(f"/v1/orders/{made.order_id}"))["lines"][0]["line_id"]
    made.lines.append(Line(line_id, sku, units, Decimal(PRICE) / 100))
    life.model.orders[made.order_id] = made
    life.model.dirty.add(owner)
    grant_packs(life, owner)
    return f"{owner} pays {units} {sku} by card, {made.order_id}"


@command(rest=4, cactushop=0)
async def payment_dispute(life: Life, rng: random.Random) -> str | None:
    """The bank takes the money of what is left of the order back, or has to return it."""
    orders = [one for one in life.model.orders.values() if one.card and one.lines[0].grant is not None]
    orders = [one for one in orders if _alone(life, one.lines[0].grant)]
    if not orders:
        return None
    made = rng.choice(orders)
    line, number = made.lines[0], made.order_id.removeprefix("card:pi_")
    purchase = line.grant
    assert purchase is not None
    life.model.dirty |= {made.owner, *(lot.owner for lot in purchase.lots)}
    lost = life.things.pop(("lost", made.order_id), None)
    if lost is not None:
        row = await _dispute(life, number, lost["ident"], "won", lost["units"])
        life.that(row["state"] == "done", f"a dispute that was won: {row['state']} {row.get('reason')}")
        back = _undo(life, purchase, **lost)
        line.refunded -= lost["units"]
        said = _said(row, lost["ident"])
        life.that(said == back, f"{made.order_id}: a dispute that was won gave {said} back, should give {back}")
        return f"{made.order_id}: {lost['units']} won, {back} back"
    if not line.left:
        return None
    units, ident = line.left, life.next("du")
    row = await _dispute(life, number, ident, "lost", units)
    life.that(row["state"] == "done", f"a dispute that was lost: {row['state']} {row.get('reason')}")
    before, spendable = purchase.due, {id(lot): lot.available for lot in purchase.lots}
    taken = life.model.refund_units(purchase, units)
    line.refunded += units
    life.things["lost", made.order_id] = {
        "ident": ident,
        "units": units,
        "taken": {
            key: there - lot.available for lot in purchase.lots for key, there in spendable.items() if key == id(lot)
        },
        "claimed": purchase.due - before,
    }
    said = _said(row, ident)
    life.that(said == taken, f"{made.order_id}: a dispute that was lost took {said}, should take {taken}")
    return f"{made.order_id}: {units} lost, {taken} taken back"


def _alone(life: Life, purchase: Purchase | None) -> bool:
    """Its credits lie in one lot of an account that stands, so that it is plain where they come back to."""
    return purchase is not None and len(purchase.lots) == 1 and purchase.lots[0].owner not in life.model.heirs


def _said(row: dict[str, Any], ident: str) -> int:
    return sum(one["credits"] for one in row["effects"]["payment_disputes"] if one["dispute_id"] == ident)


async def _dispute(life: Life, number: str, ident: str, status: str, units: int) -> dict[str, Any]:
    return await tell(
        life,
        "charge.dispute.closed",
        f"{ident}_{status}",
        id=ident,
        object="dispute",
        amount=PRICE * units,
        currency="usd",
        status=status,
        payment_intent=f"pi_{number}",
        charge=f"ch_{number}",
        balance_transactions=[],
        livemode=True,
        reason="fraudulent",
    )


def _undo(life: Life, purchase: Purchase, *, ident: str, units: int, taken: dict[int, int], claimed: int) -> int:
    """What was taken is there again, and what came back since; what is still in use may come back. Dead lots: gone."""
    (lot,) = purchase.lots
    each = purchase.credits // purchase.units * units
    purchase.refunded -= each
    purchase.refunded_units -= units
    still = min(claimed, purchase.due)
    purchase.due -= still
    back = sum(taken.values()) + claimed - still
    lot.gone -= back
    if lot.dead(life.now):
        lot.gone += back
    else:
        lot.available += back
    return back
