"""What comes from elsewhere: a shop that tells its orders as they stand and changes them, new terms, new hours."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.inbound import histories
from tests.lives import covers
from tests.lives.life import Life, command
from tests.lives.model import Line, Order
from tests.lives.shop import grant_licenses, grant_packs
from tests.lives.terms import DAY, Terms, iso
from tests.support import shops

# --- a shop that tells its orders by webhooks -------------------------------------------------------------------------


async def tell(life: Life, kind: str, **data: Any) -> dict[str, Any]:
    """Delivers an event of the shop's and has it acted on; the delivery's row."""
    token = life.things.get("shop")
    if token is None:
        status, made = await life.call("PUT", "/v1/sources/shop", {"kind": "purchase", "secret": shops.STANDARD_SECRET})
        life.that(status == 201, f"a source: {status} {made}")
        token = life.things["shop"] = made["token"]
    at = life.things["told"] = max(life.things.get("told", life.now), life.now) + timedelta(seconds=1)
    event = shops.purchase(kind, at=histories.iso(at), **data)
    headers, body = histories.signed("purchase", event, f"m-{uuid.uuid4().hex}")
    answer = await life.vendor.client.post(f"/in/{token}", content=body, headers=headers)
    life.calls += 1
    life.log.append(f"POST /in/shop {event} -> {answer.status_code}")
    life.that(answer.status_code in (200, 202), f"a delivery: {answer.status_code} {answer.text}")
    house = life.vendor.app.state.house
    while await house.inbox.act(house.database, life.vendor.tenant_id):
        pass
    rows = (await life.get("/v1/sources/shop/deliveries"))["data"]
    return dict(rows[0])


@command(rest=5, cactushop=0)
async def shop_order(life: Life, rng: random.Random) -> str:
    """An order that a shop tells: a license and some packs."""
    terms, customer = life.model.terms_at(life.now), rng.choice(("1", "2"))
    number = life.next("s")
    lines: list[dict[str, Any]] = [
        {"line_id": "1", "sku": terms.licenses[0], "quantity": rng.choice((1, 2))},
        {
            "line_id": "2",
            "sku": rng.choice(sorted(terms.packs)),
            "quantity": rng.choice((1, 2, 3)),
            "unit_price": "20.00",
        },
    ]
    made = Order(f"shop:{number}", f"shop:{customer}", life.now, [], terms, source=True)
    life.things[made.order_id] = {"customer_id": customer, "placed_at": iso(life.now), "lines": lines}
    await snapshot(life, made, number)
    made.owner = life.model.who(made.owner)
    life.model.orders[made.order_id] = made
    life.model.dirty.add(made.owner)
    for one in lines:
        price = Decimal(one["unit_price"]) if "unit_price" in one else None
        made.lines.append(Line(one["line_id"], one["sku"], one["quantity"], price))
    view = await life.get(f"/v1/orders/{made.order_id}")
    grant_licenses(life, made, view)
    grant_packs(life, made.owner)
    await covers.look(life, made.owner)
    return f"{made.owner} has ordered {made.order_id} in the shop"


async def snapshot(life: Life, made: Order, number: str) -> dict[str, Any]:
    """The order as it stands in the shop."""
    said = life.things[made.order_id]
    return await tell(life, "order.updated", order_id=number, currency="USD", status="paid", **said)


@command(rest=4, cactushop=0)
async def correct_order(life: Life, rng: random.Random) -> str | None:
    """The shop takes units of a pack out of its order, adds some, or tells a refund."""
    orders = [one for one in life.model.orders.values() if one.source and one.order_id.startswith("shop:")]
    if not orders:
        return None
    made = rng.choice(orders)
    number = made.order_id.removeprefix("shop:")
    line = next(one for one in made.lines if one.line_id == "2")
    model, said = life.model, life.things[made.order_id]["lines"][1]
    model.dirty |= {made.owner, *(lot.owner for lot in (line.grant.lots if line.grant else ()))}
    if line.grant is None:
        return None
    left = line.quantity - line.refunded
    if rng.random() < 0.5:
        if left < 1:
            return None
        units = rng.randint(1, left)
        row = await tell(
            life,
            "order.refunded",
            order_id=number,
            refund_id=life.next("r"),
            lines=[{"line_id": "2", "quantity": units}],
        )
        life.that(row["state"] == "done", f"a refund told by the shop: {row['state']} {row.get('reason')}")
        line.refunded += units
        model.refund_units(line.grant, units)
        return f"{made.order_id}: the shop refunds {units} of {line.quantity}"
    if line.refunded or left < 2:
        return None
    units = rng.randint(1, left - 1)
    said["quantity"] -= units
    row = await snapshot(life, made, number)
    if row["state"] == "parked":
        merged = made.owner != f"shop:{life.things[made.order_id]['customer_id']}"
        life.that(merged, f"a correction of {made.order_id} is parked: {row}")
        said["quantity"] += units
        return f"{made.order_id}: a correction is parked"
    line.quantity -= units
    model.refund_units(line.grant, units)
    line.grant.corrected += units
    return f"{made.order_id}: the shop takes out {units}"


# --- terms and hours --------------------------------------------------------------------------------------------------


@command(x_cart=1, cs_cart=1, rest=0)
async def publish_policy(life: Life, rng: random.Random) -> str:
    """New terms: other prices from now on, or from a day to come. Nothing granted or opened before changes."""
    since = life.now if rng.random() < 0.6 else life.now + 10 * DAY
    if life.model.versions[-1][0] > life.now:
        return "no new terms: others are announced"
    document = (await life.get(f"/v1/policies/{life.policy}"))["document"]
    name, choices = ("level_2", (20, 25, 35)) if life.policy == "x-cart" else ("category_1", (5, 6, 8))
    newest, changed = life.model.versions[-1][1], {name: rng.choice(choices)}
    for category in document["categories"]:
        if category["category"] == name:
            category["price"] = {"kind": "fixed", "credits": changed[name]}
    status, answer = await life.call(
        "POST", f"/v1/policies/{life.policy}/versions", {"document": document, "effective_from": iso(since)}
    )
    life.that(status == 201, f"new terms: {status} {answer}")
    life.model.versions.append((since, with_prices(newest, changed)))
    return f"new terms from {iso(since)}: {changed}"


def with_prices(terms: Terms, changed: dict[str, int]) -> Terms:
    """The terms with other fixed prices."""
    from dataclasses import replace

    from tests.lives.terms import Price

    return replace(terms, prices={**terms.prices, **{name: Price(fixed=n) for name, n in changed.items()}})


@command(shopp=2, x_cart=1, rest=0)
async def publish_hours(life: Life, rng: random.Random) -> str:
    """A closed day, announced in time or not (TERMS-3). No credit moves with it."""
    day = life.now + rng.choice((10, 45, 60)) * DAY
    body = {
        "effective_from": day.strftime("%Y-%m-%d"),
        "exceptions": [{"date": day.strftime("%Y-%m-%d"), "kind": "closed", "name": "Works outing"}],
    }
    status, answer = await life.call("POST", "/v1/calendars/service-hours/versions", body)
    life.that(status in (201, 409, 422), f"new hours: {status} {answer}")
    for ticket in life.model.tickets.values():
        if ticket.deadlines:
            await learn_deadlines(life, ticket)
    return f"new hours from {body['effective_from']}: {status}"


async def learn_deadlines(life: Life, ticket: Any) -> None:
    """Deadlines in service hours may move with them."""
    shown = await life.get(f"/v1/tickets/{ticket.ticket_id}")
    for one in shown["access_requests"]:
        if one["number"] in ticket.deadlines:
            ticket.deadlines[one["number"]] = datetime.fromisoformat(one["deadline_at"])
