"""Covers: learned from the service by their ids, judged by the clauses: when they start, how long they last, whom they
serve, and that nothing moves them but what may."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.lives.life import Life
from tests.lives.model import Order
from tests.lives.terms import at, months_after

LEVELS = {
    "license-leased": (1,),
    "license-saas-basic": (1,),
    "license-saas-standard": (1,),
    "license-saas-professional": (1, 2),
}
MOVES = {
    "pending": {"pending", "running", "scheduled", "voided"},
    "scheduled": {"scheduled", "running", "ended", "voided"},
    "running": {"running", "suspended", "ended"},
    "suspended": {"suspended", "running", "ended"},
    "ended": {"ended"},
    "voided": {"voided"},
}


async def look(
    life: Life, owner: str, *, shortened: bool = False, started: datetime | None = None, late: bool = False
) -> list[Any]:
    """Learns what covers an account has, and judges what became of each; the new ones.

    ``shortened``: something was given back, ended or merged, so that ends and starts may move. ``started``: a
    ticket opened then was just accepted by a cover. ``late``: an order from before arrived, so that what was bought
    after it may move.
    """
    if life.policy in ("x-cart", "shopp"):
        return []
    status, answer = await life.call("GET", f"/v1/customers/{owner}")
    if status == 404:
        return []
    known = {one["cover_id"]: one for rows in life.covers.values() for one in rows}
    fresh = []
    for one in answer["covers"]:
        was = known.get(one["cover_id"])
        _lasts(life, owner, one, shortened or life.things.get(("short", one["cover_id"])))
        if was is None:
            fresh.append(one)
            continue
        life.that(
            one["state"] in MOVES[was["state"]]
            or (late and was["start"] != "first_ticket")
            or (started is not None and was["state"] == "pending" and one["state"] == "ended")
            # What began at this very instant has served nothing, so that a refund may still move it.
            or (shortened and one["state"] == "scheduled" and at(was["starts_at"]) == life.now),
            f"{owner}'s cover was {was['state']} and is {one['state']}: {one}",
        )
        if shortened:
            life.things["short", one["cover_id"]] = True
            continue
        if was["state"] == "pending" and one["state"] != "pending":
            life.that(started, f"{owner}'s period started without a ticket (CSC-4): {one}")
            life.that(at(one["starts_at"]) == started, f"{owner}'s period starts {one['starts_at']}, at {started}")
            older = [
                row
                for row in life.covers[owner]
                if row["state"] == "pending" and row is not was and at(row["granted_at"]) <= started
            ]
            life.that(
                not any(_before(row, was) for row in older),
                f"{owner}'s {one['rule']} started before an older one (CSC-19)",
            )
    if life.policy == "cs-cart":
        begun = sorted(
            (one for one in answer["covers"] if one["starts_at"] is not None and one["state"] != "voided"),
            key=lambda one: str(one["starts_at"]),
        )
        for one, after in pairwise(begun):
            life.that(
                (one["ends_at"] is not None and at(one["ends_at"]) <= at(after["starts_at"]))
                or shortened
                or life.things.get(("merged", owner)),
                f"{owner}: two periods at once (CSC-19): {one} and {after}",
            )
    life.covers[owner] = answer["covers"]
    return fresh


def _before(one: Any, other: Any) -> bool:
    return (not one["free"], one["granted_at"]) < (not other["free"], other["granted_at"])


def _lasts(life: Life, owner: str, one: Any, shortened: Any) -> None:
    """A cover lasts its whole term, and as long again as it was suspended (CSC-4, CSC-5)."""
    term = one["term"]
    if term is None or one["starts_at"] is None or one["ends_at"] is None or one["state"] == "suspended":
        return
    starts, ends = at(one["starts_at"]), at(one["ends_at"])
    whole = months_after(starts, term["months"] + 12 * term["years"]) + timedelta(days=term["days"])
    whole += timedelta(seconds=one["suspended_seconds"])
    if shortened:
        life.that(ends <= whole, f"{owner}'s cover lasts until {ends}, at most {whole}: {one}")
    elif one["line_id"] is not None and life.policy == "cactushop":
        # Units of one line follow one another, each counted from the first (decision 0026): a day may be made up.
        life.that(abs(ends - whole) <= timedelta(days=3), f"{owner}'s cover lasts until {ends}, not {whole}: {one}")
    else:
        life.that(ends == whole, f"{owner}'s cover lasts until {ends}, not {whole}: {one}")


def running(
    life: Life, owner: str, license_id: str | None = None, level: int | None = None, when: datetime | None = None
) -> list[Any]:
    """Covers in force now, or at ``when``, that serve the license, at that level."""
    when = when or life.now
    return [
        one
        for one in life.covers.get(owner, [])
        if (one["state"] in ("running", "scheduled") or (one["state"] == "ended" and when < life.now))
        and one["starts_at"] is not None
        and at(one["starts_at"]) <= when
        and (one["ends_at"] is None or when < at(one["ends_at"]))
        and (license_id is None or one["scope"] == "account" or one["license_id"] == license_id)
        and (level is None or not one["levels"] or level in one["levels"])
    ]


def waiting(life: Life, owner: str) -> list[Any]:
    """Covers that start with a ticket."""
    return [one for one in life.covers.get(owner, []) if one["state"] == "pending"]


def waited(life: Life, owner: str, when: datetime) -> list[Any]:
    """Covers that waited for a ticket at an instant, and have begun since with another one."""
    return [
        one
        for one in life.covers.get(owner, [])
        if one["state"] != "voided"
        and one["starts_at"] is not None
        and at(one["granted_at"]) <= when < at(one["starts_at"])
    ]


# --- bought cover of CactuShop ----------------------------------------------------------------------------------------


def judge_bought(life: Life, made: Order, before: list[Any], fresh: list[Any]) -> None:
    """What an order of support brought starts where the first license is uncovered, at once where one is (CACTU-14)."""
    later = [one for one in before if one["scope"] == "account" and at(one["granted_at"]) >= made.placed_at]
    if life.policy != "cactushop" or later or life.things.get(("merged", made.owner)):
        return
    standing = [one for one in before if one["state"] != "voided"]
    standing += [one for one in fresh if one["scope"] == "license"]
    for line in made.lines:
        mine = sorted(
            (one for one in fresh if one["scope"] == "account" and one["line_id"] == line.line_id),
            key=lambda one: str(one["starts_at"]),
        )
        if line.sku in life.model.terms.periods:
            life.that(len(mine) == line.quantity, f"{made.order_id}: {len(mine)} covers for {line.quantity} bought")
        if mine:
            should = _first_gap(life, made, standing)
            starts = at(mine[0]["starts_at"])
            life.that(
                starts == should,
                f"{made.order_id}: support bought at {made.placed_at} starts {starts}, should start {should}",
            )
        standing += mine


def _first_gap(life: Life, made: Order, standing: list[Any]) -> datetime:
    placed = made.placed_at
    held = [
        one
        for one in life.model.licenses
        if one.owner == made.owner and one.placed_at <= placed and (one.ended_at is None or placed < one.ended_at)
    ]
    until = [(one, _covered_until(standing, one.license_id, placed)) for one in held]
    # One that ends while it is covered lacks no cover.
    ends = [end for one, end in until if one.ended_at is None or end < one.ended_at]
    return min(ends) if ends else _covered_until(standing, "none", placed)


def _covered_until(standing: list[Any], license_id: str, since: datetime) -> datetime:
    end = since
    for one in sorted(standing, key=lambda one: str(one["starts_at"])):
        if one["starts_at"] is None or (one["scope"] != "account" and one["license_id"] != license_id):
            continue
        starts, ends = at(one["starts_at"]), at(one["ends_at"])
        if starts <= end < ends:
            end = ends
    return end
