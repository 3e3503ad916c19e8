"""Credits for any other use: holds, captures, releases, refunds, debits, adjustments, also in batches. And time."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from tests.lives import covers
from tests.lives.desk import same_charge
from tests.lives.life import NAMES, Life, command
from tests.lives.model import Hold, Purchase
from tests.lives.terms import iso


def an_account(life: Life, rng: random.Random) -> tuple[str, str] | None:
    """An account and a credit type of it."""
    found = sorted(
        {(lot.owner, lot.purchase.credit_type) for lot in life.model.lots_all() if lot.owner not in life.model.heirs}
    )
    return rng.choice(found) if found else None


def a_hold(life: Life, rng: random.Random) -> Hold | None:
    """A hold that was made directly."""
    found = [one for one in life.model.holds if one.hold_id is not None]
    live = [one for one in found if one.left("held") or one.left("spent")]
    return rng.choice(live[-8:] if live and rng.random() < 0.8 else found[-8:]) if found else None


@command(rest=9, cactushop=0)
async def hold(life: Life, rng: random.Random) -> str | None:
    """Reserves or takes so many, for a while or for good."""
    found = an_account(life, rng)
    if found is None:
        return None
    owner, kind = found
    free = life.model.available(owner, kind)
    amount = rng.choice((1, max(free // 2, 1), max(free, 1), free + 1))
    debit = rng.random() < 0.4
    body: dict[str, Any] = {"credits": amount, "credit_type": kind}
    ends = None
    if not debit and rng.random() < 0.4:
        ends = life.now + timedelta(days=rng.choice((1, 40, 300)))
        body["expires_at"] = iso(ends)
    status, answer = await life.call("POST", f"/v1/customers/{owner}/{'debits' if debit else 'holds'}", body)
    life.model.dirty.add(owner)
    life.that(
        (status == 201) == (amount <= free), f"{amount} of {free} {kind} of {owner}: {status} {answer.get('code')}"
    )
    if status != 201:
        return f"{owner}: {amount} of {free} {kind} refused"
    made = life.model.take(owner, amount, "spent" if debit else "held", credit_type=kind, expires_at=ends)
    assert made is not None
    made.hold_id = answer["hold_id"]
    receipt = {part.lot.lot_id: part.credits for part in made.parts}
    said = {one["lot_id"]: one["credits"] for one in answer["lots"]}
    life.that(said == receipt, f"{owner} spends {said}, should spend {receipt} (AVA-13)")
    return f"{owner}: {'debit' if debit else 'hold'} of {amount} {kind}"


@command(rest=10, cactushop=0)
async def end_hold(life: Life, rng: random.Random) -> str | None:
    """Captures, releases or gives back, part or all."""
    one = a_hold(life, rng)
    if one is None:
        return None
    ways = ("capture", "release", "release") if one.left("held") else ("refund", "refund", "release")
    way = rng.choice(ways)
    bucket = "spent" if way == "refund" else "held"
    left = one.left(bucket)
    amount = rng.choice((left, max(left // 2, 1), left, left + 1))
    body: dict[str, Any] = {"credits": max(amount, 1)}
    if rng.random() < 0.3:
        body, amount = {}, left
    if way == "capture":
        body["final"] = rng.random() < 0.3
    amount = body.get("credits", amount)
    status, answer = await life.call("POST", f"/v1/holds/{one.hold_id}/{way}", body)
    life.model.dirty |= {one.owner, life.model.who(one.owner)}
    may = 0 < amount <= left
    life.that((status in (200, 201)) == may, f"{way} of {amount} of {left} of {one.hold_id}: {status} {answer}")
    if not may:
        return f"{way} of {amount} of {left}: refused"
    if way == "capture":
        life.model.capture(one, amount)
        if body["final"]:
            life.model.give_back(one, "held", one.left("held"))
    else:
        life.model.give_back(one, bucket, amount)
    return f"{one.owner}: {way} of {amount}"


@command(rest=2, cactushop=0)
async def adjust(life: Life, rng: random.Random) -> str | None:
    """By hand: more, or less as far as there is."""
    found = an_account(life, rng)
    if found is None:
        return None
    owner, kind = found
    free = life.model.available(owner, kind)
    amount = rng.choice((5, 50, -1, -max(free, 1), -(free + 1)))
    body: dict[str, Any] = {"credits": amount, "credit_type": kind, "reason": "counted again"}
    ends = None
    if amount > 0 and rng.random() < 0.5:
        ends = life.now + timedelta(days=100)
        body["expires_at"] = iso(ends)
    status, answer = await life.call("POST", f"/v1/customers/{owner}/adjustments", body)
    life.model.dirty.add(owner)
    life.that((status < 400) == (-amount <= free), f"adjustment of {amount} with {free}: {status} {answer}")
    if status >= 400:
        return f"{owner}: adjustment of {amount} refused"
    if amount > 0:
        life.model.buy(owner, Purchase(amount, kind, life.now, ends))
        return f"{owner}: {amount} {kind} by hand"
    for lot in life.model.usable(owner, kind):
        n = min(lot.available, -amount)
        lot.available, lot.gone, amount = lot.available - n, lot.gone + n, amount + n
    return f"{owner}: credits taken by hand"


@command(rest=2, cactushop=0)
async def batch(life: Life, rng: random.Random) -> str | None:
    """Several commands in one call, each for itself."""
    found = an_account(life, rng)
    if found is None:
        return None
    owner, kind = found
    wanted = [rng.choice((1, 5, 30)) for _ in range(3)]
    key = life.next("k")
    commands = [
        {
            "idempotency_key": f"{life.vendor.tenant_id}-{key}-{n}",
            "kind": "debit",
            "customer_id": owner,
            "credits": amount,
            "credit_type": kind,
        }
        for n, amount in enumerate(wanted)
    ]
    status, answer = await life.call("POST", "/v1/credit-batches", {"commands": commands})
    life.model.dirty.add(owner)
    life.that(status == 200, f"a batch: {status} {answer}")
    for amount, one in zip(wanted, answer["results"], strict=True):
        made = life.model.take(owner, amount, "spent", credit_type=kind)
        life.that((one["status"] == 201) == (made is not None), f"a debit of {amount} in a batch: {one}")
        if made is not None:
            made.hold_id = one["result"]["hold_id"]
    return f"{owner}: batch of {wanted}"


# --- covers -----------------------------------------------------------------------------------------------------------


@command(cs_cart=5, cactushop=3, avactis=1)
async def cover(life: Life, rng: random.Random) -> str | None:
    """Suspends, resumes, extends (CSC-5, CACTU-8)."""
    owner = life.model.who(rng.choice(NAMES))
    await covers.look(life, owner)
    there = life.covers.get(owner, [])
    if not there:
        return None
    one = rng.choice(there)
    way = rng.choice(("suspension", "resumption", "resumption", "extension"))
    body: dict[str, Any] = {"months": 1, "reason": "goodwill"} if way == "extension" else {}
    status, answer = await life.call("POST", f"/v1/covers/{one['cover_id']}/{way}", body)
    life.model.dirty.add(owner)
    if way == "extension":
        life.that(status == 409, f"a free extension: {status} (CACTU-8)")
    elif way == "resumption":
        life.that((status == 200) == (one["state"] == "suspended"), f"resumption of {one}: {status} {answer}")
    elif life.policy == "cs-cart":
        used = life.things.setdefault("suspended", set())
        may = one in covers.running(life, owner) and not one["free"] and one["cover_id"] not in used
        life.that((status == 200) == may, f"suspension of {one}: {status} {answer} (CSC-5)")
        if may:
            used.add(one["cover_id"])
    else:
        life.that(status == 409, f"a suspension: {status}")
    await covers.look(life, owner)
    return f"{owner}: {way} of {one['cover_id']}: {status}"


# --- time -------------------------------------------------------------------------------------------------------------


@command(rest=11)
async def wait(life: Life, rng: random.Random) -> str:
    """Time passes: an hour, days, half a year, two years."""
    hours = (1, 30, 24 * 6, 24 * 20, 24 * 35, 24 * 70, 24 * 184, 24 * 366)
    by = timedelta(hours=rng.choices(hours, (6, 6, 5, 4, 3, 2, 1, 1))[0], minutes=rng.choice((0, 7)))
    to = life.now + by
    for _ in range(1000):
        status, answer = await life.call("PUT", "/v1/clock", {"now": iso(to)})
        life.that(status == 200, f"the clock: {status} {answer}")
        if answer["reached"]:
            break
    model = life.model
    for owner in {lot.owner for lot in model.lots_all()} - model.heirs.keys():
        lots = model.lots(owner)
        right = (sum(one.available for one in lots), sum(one.held for one in lots))
        life.things.setdefault("past", []).append((life.now, owner, right))
    before = {ticket.ticket_id: ticket.state for ticket in model.tickets.values()}
    model.advance(to)
    model.dirty |= {lot.owner for lot in model.lots_all()}
    for ticket in model.tickets.values():
        if before[ticket.ticket_id] != ticket.state or (ticket.open and model.committed(ticket.ticket_id)):
            shown = await life.get(f"/v1/tickets/{ticket.ticket_id}")
            life.that(
                shown["state"] == ticket.state,
                f"{ticket.ticket_id} is {shown['state']}, should be {ticket.state} by now",
            )
            same_charge(life, ticket, shown)
    for owner in list(life.covers):
        if owner not in model.heirs:
            await covers.look(life, owner)
    return f"it is {iso(to)}"
