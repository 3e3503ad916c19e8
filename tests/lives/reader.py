"""Those who only look: what an account was, why something is as it is, whether somebody may do something."""

from __future__ import annotations

import random

from tests.lives import covers
from tests.lives.life import NAMES, Life, command
from tests.lives.terms import iso


@command(rest=3)
async def look_back(life: Life, rng: random.Random) -> str | None:
    """What stood in an account before time went on stands there still, asked for as of then as it was known then."""
    past = life.things.get("past", [])
    if not past:
        return None
    when, owner, right = rng.choice(past)
    if owner in life.model.heirs:
        return None
    then = iso(when)
    found = await life.get(f"/v1/customers/{owner}/balance?as_of={then}&known_at={then}")
    said = (found["available"], found["held"])
    life.that(said == right, f"{owner} as of {then} is said to have had {said}, had {right}")
    part = await life.get(f"/v1/customers/{owner}/statement?as_of={then}&known_at={then}")
    life.that(part["available"] == right[0], f"{owner}'s statement as of {then}: {part['available']}, was {right[0]}")
    return f"{owner} as of {then}"


@command(rest=3)
async def why(life: Life, rng: random.Random) -> str | None:
    """Everything can be explained, and each explanation says something."""
    things = [("ticket", one.ticket_id) for one in life.model.tickets.values()]
    things += [("charge", one.ticket_id) for one in life.model.tickets.values()]
    things += [("lot", one.lot_id) for one in life.model.lots_all() if one.lot_id is not None]
    things += [("license", one.license_id) for one in life.model.licenses]
    things += [("cover", one["cover_id"]) for rows in life.covers.values() for one in rows]
    if not things:
        return None
    kind, name = rng.choice(things)
    found = await life.get(f"/v1/explain/{kind}/{name}")
    life.that(found["trace"] or kind == "charge", f"the explanation of {kind} {name} is empty")
    for step in found["trace"]:
        life.that(step["summary"].strip(), f"a step of the explanation of {kind} {name} has no sentence: {step}")
    return f"why {kind} {name}"


@command(cactushop=8, rest=0)
async def may_i(life: Life, rng: random.Random) -> str | None:
    """Downloads and the user area are open exactly while cover that serves the license is in force (CACTU-3, 4, 11)."""
    owner = life.model.who(rng.choice(NAMES))
    mine = [one.license_id for one in life.model.licenses if one.owner == owner and one.ended_at is None]
    if not mine:
        return None
    license_id = rng.choice([None, *mine])
    await covers.look(life, owner)
    action = rng.choice(("download", "user_area", "open_ticket"))
    query = f"?license_id={license_id}" if license_id else ""
    found = await life.get(f"/v1/customers/{owner}/entitlements/{action}{query}")
    there = bool(covers.running(life, owner, license_id))
    life.that(
        found["allowed"] == there, f"{owner} may {action} for {license_id}: {found['allowed']}, cover is there: {there}"
    )
    return f"{owner}: {action} for {license_id}: {there}"
