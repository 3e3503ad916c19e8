"""Covers: learned from the service, judged by the clauses."""

from __future__ import annotations

from typing import Any

from tests.lives.life import Life
from tests.lives.terms import at


async def look(life: Life, owner: str) -> None:
    """Learns what covers an account has."""
    if life.policy in ("x-cart", "shopp"):
        return
    status, answer = await life.call("GET", f"/v1/customers/{owner}")
    if status == 404:
        return
    life.covers[owner] = answer["covers"]


def running(life: Life, owner: str, license_id: str | None = None, level: int | None = None) -> list[Any]:
    """Covers in force now that serve the license, at that level."""
    return [
        one
        for one in life.covers.get(owner, [])
        if one["state"] in ("running", "scheduled")
        and one["starts_at"] is not None
        and at(one["starts_at"]) <= life.now
        and (one["ends_at"] is None or life.now < at(one["ends_at"]))
        and (license_id is None or one["scope"] == "account" or one["license_id"] == license_id)
        and (level is None or not one["levels"] or level in one["levels"])
    ]


def waiting(life: Life, owner: str) -> list[Any]:
    """Covers that start with a ticket."""
    return [one for one in life.covers.get(owner, []) if one["state"] == "pending"]
