"""The storefront's commands: orders and their refunds, choices, licenses, lots that change hands or are paid back."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.lives import covers
from tests.lives.life import NAMES, Life, command
from tests.lives.model import License, Line, Lot, Order, Purchase
from tests.lives.terms import iso, months_after

PAID_UNITS = ("75.00", "20.00", "33.33")


# --- orders -----------------------------------------------------------------------------------------------------------


@command(rest=14)
async def order(life: Life, rng: random.Random) -> str:
    """An order of one to three lines, now or long ago."""
    owner = life.model.who(rng.choice(NAMES))
    placed = life.now if rng.random() < 0.75 else life.now - timedelta(days=rng.choice((1, 40, 200, 400)), hours=3)
    lines = [a_line(life, rng, number) for number in range(1, rng.choice((1, 1, 2, 3)) + 1)]
    if any(one["sku"] in life.model.terms.licenses for one in lines) and not _may_be_late(life, owner, placed):
        placed = life.now
    if _ties(life, owner, placed):
        lines = [{**one, "sku": "mug"} if one["sku"] in life.model.terms.licenses else one for one in lines]
    return await place(life, owner, placed, lines)


def _may_be_late(life: Life, owner: str, placed: datetime) -> bool:
    """Where a license's class hangs on its rank, a late one comes after all others: ranking anew is tested apart."""
    if life.policy not in ("x-cart", "cs-cart"):
        return True
    return all(one.placed_at < placed for one in life.model.licenses if one.owner == owner)


def _ties(life: Life, owner: str, placed: datetime) -> bool:
    """Whether the account has a license of this very instant whose order's id ranks after the one to come.

    Ranking anew is tested apart here too.
    """
    return life.policy in ("x-cart", "cs-cart") and any(
        one.owner == owner and one.placed_at == placed and one.order_id.startswith("shop:")
        for one in life.model.licenses
    )


def a_line(life: Life, rng: random.Random, number: int) -> dict[str, Any]:
    """A line: mostly what helps the life along."""
    terms = life.model.terms
    kinds = ["license"] * 3 + ["pack"] * (6 if terms.packs else 0) + ["period"] * (3 if terms.periods else 0) + ["junk"]
    kind = rng.choice(kinds)
    line: dict[str, Any] = {"line_id": str(number), "quantity": rng.choice((1, 1, 1, 2, 3))}
    if kind == "license":
        line["sku"] = rng.choice(terms.licenses)
        if line["sku"] == "license-owned" and rng.random() < 0.6:
            line["list_price"] = "100.00"
            line["unit_price"] = rng.choice(("100.00", "90.00", "80.00", "79.00", "50.00"))
    elif kind == "pack":
        line["sku"] = rng.choice(sorted(terms.packs))
        if rng.random() < (0.85 if terms.pack_price_of_shop else 0.2):
            line["unit_price"] = rng.choice(PAID_UNITS)
    elif kind == "period":
        line["sku"] = rng.choice(sorted(terms.periods))
    else:
        line["sku"] = rng.choice(("mug", "credits-{n}") if life.policy == "avactis" else ("mug",))
    return line


async def place(life: Life, owner: str, placed: datetime, lines: list[dict[str, Any]]) -> str:
    """Sends an order and tells the model what the clauses say it brings."""
    order_id = life.next("o")
    body = {"customer_id": owner, "placed_at": iso(placed), "currency": "USD", "lines": lines}
    status, answer = await life.call("PUT", f"/v1/orders/{order_id}", body)
    life.that(status == 201, f"an order is recorded whatever is in it: {status} {answer}")
    model = life.model
    made = Order(order_id, owner, placed, [], model.terms_at(placed))
    model.orders[order_id] = made
    model.dirty.add(owner)
    refused = {one["line_id"]: one["code"] for one in answer["not_granted"]}
    for said in lines:
        price = Decimal(said["unit_price"]) if "unit_price" in said else None
        made.lines.append(Line(said["line_id"], said["sku"], said["quantity"], price))
        known = said["sku"] in {*made.terms.packs, *made.terms.licenses, *made.terms.periods}
        life.that(
            known or refused.get(said["line_id"]) == "unknown_sku",
            f"{order_id}: the sku {said['sku']} is unknown, answered {refused}",
        )
    grant_licenses(life, made, answer)
    grant_packs(life, owner)
    before = list(life.covers.get(owner, []))
    late = any(one.placed_at >= placed for one in model.orders.values() if one is not made and one.owner == owner)
    fresh = await covers.look(life, owner, late=late)
    covers.judge_bought(life, made, before, fresh)
    return f"{owner} orders {[(one['sku'], one['quantity']) for one in lines]} at {iso(placed)}"


def grant_licenses(life: Life, made: Order, answer: Any) -> None:
    """What the license lines of an order bring; ``answer``: the order as shown, for the ids."""
    before = [one for one in life.model.licenses if one.owner == made.owner]
    for line in made.lines:
        if line.sku in made.terms.licenses:
            for unit in range(1, line.quantity + 1):
                _license(life, made, line, unit, answer, before)
    life.that(
        len(answer["licenses"]) == sum(len(one.licenses) for one in made.lines),
        f"{made.order_id} brought {len(answer['licenses'])} licenses",
    )


def grant_packs(life: Life, owner: str) -> None:
    """What the packs of all orders bring: a late license may let in what was bought after it (CSC-20)."""
    for one in life.model.orders.values():
        if one.owner == owner:
            for line in one.lines:
                _pack(life, one, line)


def _license(life: Life, made: Order, line: Line, unit: int, answer: Any, before: list[License]) -> None:
    row = next((one for one in answer["licenses"] if (one["line_id"], one["unit_no"]) == (line.line_id, unit)), None)
    life.that(row is not None, f"{made.order_id}: no license for unit {unit} of line {line.line_id}")
    model = life.model
    one = License(row["license_id"], made.owner, made.order_id, unit, line.sku, made.placed_at)
    line.licenses.append(one)
    earlier = [other for other in before if other.placed_at <= made.placed_at]
    # Given back with its grant untouched, it does not count for what is bought after that (CSC-2, XC-3).
    gone = [other for other in earlier if other.refunded_at is not None and other.refunded_at <= made.placed_at]
    counted = [other for other in earlier if other not in gone or other.untouched is not True]
    unclear = [other for other in counted if other in gone and other.untouched is None]
    same = [other for other in model.licenses if other.order_id == made.order_id]
    paid, listed = line.unit_price, 100
    discount = 0 if paid is None else 100 - int(paid * 100 / listed)
    free = made.terms.free(line.sku, first_order=not counted, ordinal=len(counted) + len(same) + 1, discount=discount)
    if unclear and len(unclear) == len(counted):
        free = _as_said(life, made, answer, one, unit)
    model.licenses.append(one)
    if free.choice:
        choice = next((c for c in answer["choices"] if c["license_id"] == one.license_id), None)
        life.that(choice is not None, f"{made.order_id}: the first license opens a choice (CSC-1)")
        one.choice_id = choice["choice_id"]
    else:
        life.that(
            all(c["license_id"] != one.license_id for c in answer["choices"]),
            f"{made.order_id}: a choice for a license that is not the first (CSC-2)",
        )
    if free.credits:
        ends = None if free.months is None else months_after(made.placed_at, free.months)
        one.grant = Purchase(
            free.credits,
            "credit",
            made.placed_at,
            ends,
            order_id=made.order_id,
            line_id=line.line_id,
            license_id=one.license_id,
            free=True,
        )
        model.buy(made.owner, one.grant)


def _as_said(life: Life, made: Order, answer: Any, one: License, unit: int) -> Any:
    """Whether a grant was touched is not always plain; then either answer is right."""
    opened = any(c["license_id"] == one.license_id for c in answer["choices"])
    lots = [lot for lot in answer["lots"] if lot["license_id"] == one.license_id]
    first = opened or (life.policy == "x-cart" and bool(lots))
    return made.terms.free(one.sku, first_order=first, ordinal=1 if first else 2 + unit, discount=0)


def licenses_at(life: Life, owner: str, when: datetime) -> int:
    """Licenses held at an instant."""
    return sum(
        one.owner == owner and one.placed_at <= when and (one.ended_at is None or when < one.ended_at)
        for one in life.model.licenses
    )


def _pack(life: Life, made: Order, line: Line) -> None:
    pack = made.terms.packs.get(line.sku)
    if pack is None or line.grant is not None:
        return
    if made.terms.pack_needs_license and licenses_at(life, made.owner, made.placed_at) == 0:
        return
    price = line.unit_price if line.unit_price is not None else pack.price
    line.grant = Purchase(
        pack.credits * line.quantity,
        pack.credit_type,
        made.placed_at,
        None if pack.months is None else months_after(made.placed_at, pack.months),
        units=line.quantity,
        cost=None if price is None else price * line.quantity,
        order_id=made.order_id,
        line_id=line.line_id,
    )
    life.model.buy(made.owner, line.grant)
    if line.refunded:  # before it was granted: a license that came late let it in
        life.model.refund_units(line.grant, line.refunded)


@command(rest=1)
async def order_again(life: Life, rng: random.Random) -> str | None:
    """The same order id with other content is refused."""
    if not life.model.orders:
        return None
    one = rng.choice(list(life.model.orders.values()))
    body = {
        "customer_id": "eve",
        "placed_at": iso(one.placed_at),
        "currency": "USD",
        "lines": [{"line_id": "9", "sku": "mug"}],
    }
    status, _ = await life.call("PUT", f"/v1/orders/{one.order_id}", body)
    life.that(status == 409, f"{one.order_id} with other content: {status}")
    life.model.dirty.add(life.model.who(one.owner))
    return f"{one.order_id} again with other content"


# --- refunds ----------------------------------------------------------------------------------------------------------


@command(rest=9)
async def refund_order(life: Life, rng: random.Random) -> str | None:
    """Some units of an order, all of it, or more than there are."""
    orders = [one for one in life.model.orders.values() if not one.source]
    if not orders:
        return None
    in_use = [one for one in orders if any(lot.held or lot.spent for lot in lots_of(one))]
    one = rng.choice(in_use if in_use and rng.random() < 0.6 else orders)
    lines, way = one.lines, rng.random()
    if way < 0.15:
        line = rng.choice(lines)
        over = {line.line_id: line.left + 1}
        status, answer = await _refund(life, one, over)
        life.that(
            status == 422 and answer["code"] == "order_over_refund",
            f"{one.order_id}: one unit more than is left of line {line.line_id}: {status} {answer.get('code')}",
        )
        life.model.dirty.add(life.model.who(one.owner))
        return f"{one.order_id}: over-refund"
    wanted = {line.line_id: line.left for line in lines if line.left}
    if not wanted:
        return None
    if way < 0.6:
        line_id = rng.choice(sorted(wanted))
        wanted = {line_id: rng.randint(1, wanted[line_id])}
    return await refund(life, one, wanted)


def lots_of(one: Order) -> list[Lot]:
    """Where the credits of an order lie."""
    grants = [line.grant for line in one.lines] + [unit.grant for line in one.lines for unit in line.licenses]
    return [lot for grant in grants if grant is not None for lot in grant.lots]


async def _refund(life: Life, one: Order, wanted: dict[str, int]) -> tuple[int, Any]:
    body = {
        "refund_id": life.next("r"),
        "lines": [{"line_id": line_id, "quantity": n} for line_id, n in wanted.items()],
        "reason": "wrong card",
    }
    return await life.call("POST", f"/v1/orders/{one.order_id}/refunds", body)


async def refund(life: Life, one: Order, wanted: dict[str, int]) -> str:
    """Refunds so many units by line."""
    lines = {line.line_id: line for line in one.lines}
    status, answer = await _refund(life, one, wanted)
    model = life.model
    model.dirty.add(model.who(one.owner))
    life.that(status == 201, f"{one.order_id}: a refund of {wanted}, which are there: {status} {answer}")
    taken, reported = 0, 0
    for line_id, units in wanted.items():
        line = lines[line_id]
        line.refunded += units
        for purchase, count in _returned(life, line, units):
            now = model.refund_units(purchase, count)
            taken += now
            reported += purchase.due
    said = sum(row["credits"] for row in answer["taken_back"] if row["kind"] == "credits")
    life.that(said == taken, f"{one.order_id}: a refund took back {said} credits, should take {taken}")
    left = [row for row in answer["not_taken_back"] if row["kind"] == "credits"]
    life.that(
        bool(left) or not reported,
        f"{one.order_id}: {reported} credits could not be taken back and nothing is reported",
    )
    await covers.look(life, model.who(one.owner), shortened=True)
    return f"{one.order_id}: refund of {wanted}, {taken} credits taken back"


def _returned(life: Life, line: Line, units: int) -> list[tuple[Purchase, int]]:
    """The grants of the units, and how many of each: of a license line its newest go first."""
    if line.grant is not None:
        return [(line.grant, units)]
    found = []
    for one in [one for one in reversed(line.licenses) if one.refunded_at is None][:units]:
        one.refunded_at = life.now
        one.ended_at = one.ended_at or life.now
        one.untouched = _untouched(life, one)
        if one.choice_id is not None and one.chosen is None:
            one.choice_void = True
        if one.grant is not None:
            found.append((one.grant, 1))
    return found


def _untouched(life: Life, one: License) -> bool | None:
    if one.chosen == "cover":
        mine = [row for row in life.covers.get(one.owner, []) if row["license_id"] == one.license_id and row["free"]]
        return mine[0]["starts_at"] is None if mine else None
    if one.grant is None:
        return None if one.chosen is not None else True
    mine = one.grant.lots
    if any(lot.spent or lot.held for lot in mine):
        return False
    return None if one.grant.used or len(mine) > 1 or one.chosen is not None else True


# --- choices and licenses ---------------------------------------------------------------------------------------------


@command(cs_cart=6)
async def choose(life: Life, rng: random.Random) -> str | None:
    """40 credits or 30 days (CSC-1); a second time is refused."""
    mine = [one for one in life.model.licenses if one.choice_id is not None]
    if not mine:
        return None
    open_ = [one for one in mine if one.chosen is None and not one.choice_void]
    one = rng.choice(open_ or mine)
    option = rng.choice(("credits", "credits", "cover"))
    status, answer = await life.call("POST", f"/v1/customers/{one.owner}/choices/{one.choice_id}", {"option": option})
    life.model.dirty.add(one.owner)
    if not open_:
        life.that(status == 409, f"a choice that was made or taken back: {status}")
        return f"{one.owner} chooses again"
    life.that(status in (200, 201), f"an open choice: {status} {answer}")
    one.chosen = option
    if option == "credits":
        one.grant = Purchase(
            40, "credit", one.placed_at, None, order_id=one.order_id, license_id=one.license_id, free=True
        )
        life.model.buy(one.owner, one.grant, effective_at=life.now)
    await covers.look(life, one.owner)
    return f"{one.owner} chooses {option}"


@command(rest=2)
async def license_life(life: Life, rng: random.Random) -> str | None:
    """A key is registered, or a lease ends."""
    mine = [one for one in life.model.licenses if one.ended_at is None]
    if not mine:
        return None
    one = rng.choice(mine)
    if rng.random() < 0.7:
        status, answer = await life.call(
            "POST", f"/v1/licenses/{one.license_id}/registration", {"domain": f"{one.owner}.example.com"}
        )
        life.that(status in (200, 201, 409), f"a registration: {status} {answer}")
        return f"{one.license_id} is registered"
    status, answer = await life.call("POST", f"/v1/licenses/{one.license_id}/termination", {})
    life.that(status in (200, 201), f"a termination: {status} {answer}")
    one.ended_at = life.now
    life.model.dirty.add(one.owner)
    await covers.look(life, one.owner, shortened=True)
    return f"{one.license_id} ends"


# --- lots -------------------------------------------------------------------------------------------------------------


def a_lot(life: Life, rng: random.Random, *, available: bool) -> Lot | None:
    """A lot of an account that still stands."""
    found = [
        lot
        for lot in life.model.lots_all()
        if lot.lot_id is not None and lot.owner not in life.model.heirs and (lot.available or not available)
    ]
    return rng.choice(found) if found else None


@command(x_cart=5, rest=1)
async def transfer(life: Life, rng: random.Random) -> str | None:
    """Credits for another customer, where the text lets it; never a license's free ones."""
    lot = a_lot(life, rng, available=rng.random() < 0.95)
    known = sorted({life.model.who(one.owner) for one in life.model.orders.values()})
    if lot is None or len(known) < 2:
        return None
    to = rng.choice([name for name in known if name != lot.owner] or known)
    status, answer = await life.call("POST", f"/v1/lots/{lot.lot_id}/transfer", {"to_customer_id": to})
    life.model.dirty |= {lot.owner, to}
    bought = lot.purchase.cost is not None
    allowed = life.model.terms.transfers and lot.available and not lot.dead(life.now) and to != lot.owner
    if not allowed or lot.purchase.license_id is not None:
        life.that(status in (409, 422), f"a transfer of {lot.lot_id} of {lot.purchase.order_id}: {status}")
    elif bought:
        life.that(status in (200, 201), f"a transfer of bought credits: {status} {answer}")
    if status >= 400:
        return f"transfer of {lot.lot_id} to {to}: refused"
    n = life.model.move(lot, to)
    life.that(answer["credits"] == n, f"a transfer moved {answer['credits']}, should move {n}")
    return f"transfer of {n} of {lot.purchase.order_id} from {lot.owner} to {to}"


@command(shopp=10, rest=1)
async def pay_back(life: Life, rng: random.Random) -> str | None:
    """A quote, then money back for a lot, sometimes by the vendor's discretion (TERMS-19, TERMS-20)."""
    lot = a_lot(life, rng, available=rng.random() < 0.5)
    if lot is None:
        return None
    if not lot.purchase.cost and rng.random() < 0.8:
        lot = a_lot(life, rng, available=False) or lot
    override = rng.random() < 0.3
    in_use = [one for one in life.model.lots_all() if one.lot_id is not None and _in_use(life, one)]
    if in_use and rng.random() < 0.3:
        lot, override = rng.choice(in_use), True
    body = {"override": True, "reason": "goodwill"} if override else {}
    quoted = await life.get(f"/v1/lots/{lot.lot_id}/refund-quote")
    left, due = lot.purchase.money_left, life.model.quote(lot)
    busy = _in_use(life, lot)
    status, answer = await life.call("POST", f"/v1/lots/{lot.lot_id}/refund", body)
    life.model.dirty.add(lot.owner)
    if status >= 400:
        life.that(status == 409, f"money back for {lot.lot_id}: {status} {answer}")
        life.that(
            override or not due or due <= 0,
            f"{due} is due for {lot.lot_id} of {lot.purchase.order_id}, refused with {answer['code']}",
        )
        return f"money back for {lot.lot_id}: refused, {answer['code']}"
    money = Decimal(answer["refund"]["amount"])
    life.that(life.model.terms.money_back, "this vendor pays no credits back")
    life.that(
        money <= left, f"{money} paid back for {lot.purchase.order_id} of which {left} of {lot.purchase.cost} was left"
    )
    if override:
        life.that(not busy, f"{lot.lot_id} was paid back while an open ticket holds it")
        life.model.pay_back(lot, money, all_of_it=True)
    else:
        life.that(money == due, f"{money} paid back for {lot.lot_id} of {lot.purchase.order_id}, {due} was due")
        life.that(quoted["refund"]["amount"] == answer["refund"]["amount"], f"quoted {quoted}, paid {answer}")
        life.model.pay_back(lot, money, all_of_it=False)
    return f"{money} paid back for {lot.lot_id} of {lot.purchase.order_id}{' by discretion' if override else ''}"


def _in_use(life: Life, lot: Lot) -> bool:
    return any(
        hold.ticket is not None
        and life.model.tickets[hold.ticket].open
        and not life.model.tickets[hold.ticket].served
        and any(part.lot is lot and part.left("held") for part in hold.parts)
        for hold in life.model.holds
    )


# --- accounts ---------------------------------------------------------------------------------------------------------


def _rerank(life: Life, owner: str) -> None:
    """A choice that is still open is the first license's of the one account; another one's becomes 20 credits."""
    mine = sorted(
        (one for one in life.model.licenses if one.owner == owner), key=lambda one: (one.placed_at, one.order_id)
    )
    for number, one in enumerate(mine):
        if one.choice_id is None or one.chosen is not None or one.choice_void:
            continue
        if any(other.refunded_at is None or other.untouched is False for other in mine[:number]):
            one.choice_void = True
            free = life.model.orders[one.order_id].terms.free(one.sku, first_order=False, ordinal=2, discount=0)
            one.grant = Purchase(
                free.credits, "credit", one.placed_at, None, order_id=one.order_id, license_id=one.license_id, free=True
            )
            life.model.buy(owner, one.grant)


@command(rest=1)
async def merge(life: Life, rng: random.Random) -> str | None:
    """Two accounts turn out to be one."""
    known = sorted({life.model.who(one.owner) for one in life.model.orders.values()})
    if len(known) < 3:
        return None
    source, into = rng.sample(known, 2)
    status, answer = await life.call("POST", f"/v1/customers/{source}/merge", {"into_customer_id": into})
    model = life.model
    model.dirty |= {source, into}
    busy = model.in_the_way(source)
    life.that(status == (409 if busy else 200), f"a merge of {source} into {into}: {status} {answer}")
    if busy:
        return f"merge of {source} into {into}: refused"
    model.merge(source, into)
    for one in model.orders.values():
        one.owner = model.who(one.owner)
    for ticket in model.tickets.values():
        ticket.owner = model.who(ticket.owner)
    _rerank(life, into)
    grant_packs(life, into)  # what was bought without a license was bought with the other account's
    life.things["merged", into] = True
    life.covers.pop(source, None)
    await covers.look(life, into, shortened=True)
    return f"{source} merges into {into}"
